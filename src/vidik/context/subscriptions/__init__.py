"""Subscriptions: who wants to hear of which changes, what is owed to them, and its delivery (clause 5.8)."""
