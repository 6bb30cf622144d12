"""The console in a real browser, against a real Vidik: what a dispatcher does, and what everybody must be able to."""
