"""Ground: settings, database, identity, telemetry. Knows no city."""
