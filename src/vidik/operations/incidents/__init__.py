"""Incidents: one for one cause, opened by people and by alarms, led, told and closed with a lesson."""
