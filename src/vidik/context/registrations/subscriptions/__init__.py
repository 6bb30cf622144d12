"""Who is told: subscriptions to registrations, and copies of subscriptions at sources (clauses 5.8 and 5.11)."""
