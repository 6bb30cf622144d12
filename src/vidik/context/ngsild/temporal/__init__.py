"""The past of entities: asked for, shown, aggregated, corrected (ETSI GS CIM 009, clauses 4.11, 5.6.11 to 5.7.4)."""
