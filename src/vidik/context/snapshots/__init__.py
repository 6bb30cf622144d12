"""Snapshots: a part of the memory as it was at one moment, to read, change and query on its own (clause 4.3.7)."""
