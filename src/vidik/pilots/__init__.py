"""Pilots: choose one, freeze its plan, prove what it saved, enter it in the ledger."""

from vidik.kernel.modules import Module

MODULE = Module(name="pilots")
