"""Vidik from outside: HTTP, MQTT and the browser."""
