"""Bringing meters in: regular series, guards against bad data, sufficiency. Pure; no database, no HTTP."""
