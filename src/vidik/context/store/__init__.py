"""The city's memory on disk: entities (now), observations (history), the change stream. All SQL of it is here."""
