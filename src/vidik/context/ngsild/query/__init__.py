"""Which entities are asked for, in what form and page (ETSI GS CIM 009, clauses 4.9 to 4.12, 4.17 to 4.21)."""
