"""The NGSI-LD API (ETSI GS CIM 009) over the city's memory."""
