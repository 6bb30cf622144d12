"""Exercises: a scenario played through the same doors with a clock, marked everywhere, scored at the end."""
