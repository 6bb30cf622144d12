"""Vidik: the open city platform."""
