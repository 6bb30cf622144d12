"""A city at work: simulated devices (and real recordings) that come in through the same doors as real ones."""

from vidik.demo.running import run

__all__ = ["run"]
