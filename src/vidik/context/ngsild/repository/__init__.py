"""All SQL of the NGSI-LD API that the store does not have."""
