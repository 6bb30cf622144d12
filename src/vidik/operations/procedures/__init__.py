"""Procedures: what is to be done when something happens, as data; and the runs that lead people through it."""
