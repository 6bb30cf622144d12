"""Entities, types and attributes here and at other sources, as one answer (ETSI GS CIM 009, clause 5.7)."""
