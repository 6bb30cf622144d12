"""What becomes of entities as they are now: provided, changed, deleted, read (ETSI GS CIM 009, clauses 5.6, 5.7)."""
