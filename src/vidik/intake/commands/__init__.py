"""Commands to devices: kept until they are acknowledged or too old."""

from vidik.intake.commands.dispatcher import CommandDispatcher, CommandDoor

__all__ = ["CommandDispatcher", "CommandDoor"]
