"""Replay of recorded files: oldest line first, original times kept, through a public door, resumable."""

from vidik.intake.replay.command import replay, replay_command
from vidik.intake.replay.player import Played

__all__ = ["Played", "replay", "replay_command"]
