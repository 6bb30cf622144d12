"""One request and its answer: media types, contexts, conditions, versions (ETSI GS CIM 009, clause 6.3)."""
