"""The past here and at other sources, as one answer (ETSI GS CIM 009, clauses 5.7.3 and 5.7.4)."""
