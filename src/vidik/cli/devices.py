"""Commands about devices and their secrets."""
