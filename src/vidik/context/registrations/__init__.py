"""Registrations of other context sources, and operations that are shared with them (clauses 4.3.6 and 5.9)."""
