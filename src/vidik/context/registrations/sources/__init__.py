"""What is registered, and which registrations a question concerns (ETSI GS CIM 009, clauses 5.2.9, 5.9 and 5.10)."""
