"""Requests to the sources of registrations: in which words, over which connections (clauses 4.3.6 and 6.3)."""
