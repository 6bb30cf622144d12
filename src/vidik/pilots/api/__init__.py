"""Pilots over HTTP, under /api/pilots."""
