"""Warnings to the public by CAP 1.2: drafted by one person, released by another."""
