"""Intake: the doors for readings and commands; devices, profiles, dead letters."""
