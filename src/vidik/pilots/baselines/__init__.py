"""Baseline models: what a meter would have shown, from what it showed before. Pure; batched linear algebra only."""
