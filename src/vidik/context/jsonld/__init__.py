"""JSON-LD as NGSI-LD needs it: contexts, expansion and compaction of names and values."""
