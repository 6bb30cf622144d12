"""Devices: the registry, the directory that the doors ask, health."""

from vidik.intake.devices.directory import DeviceDirectory
from vidik.intake.devices.health import flush_health
from vidik.intake.devices.records import DeviceRecord, HealthRow, health_of, new_secret

__all__ = ["DeviceDirectory", "DeviceRecord", "HealthRow", "flush_health", "health_of", "new_secret"]
