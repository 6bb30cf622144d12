"""Entities between the JSON of clients and the documents of the store (ETSI GS CIM 009, clause 4.5)."""
