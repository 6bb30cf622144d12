"""Changes of entities and of their past, here and at other sources (ETSI GS CIM 009, clauses 4.3.6.3 and 5.6)."""
