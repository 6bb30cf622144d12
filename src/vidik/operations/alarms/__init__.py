"""Alarms: raised and cleared by what rules find, hidden and shown again, grouped, told, and measured."""
