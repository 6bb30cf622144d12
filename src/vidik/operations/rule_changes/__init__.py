"""Changing rules: tried against history first, so that nobody floods the operators unknowingly."""
