"""The modules of this city, in the order in which their routes are asked."""

from __future__ import annotations

from importlib import import_module

from vidik.kernel.modules import Module

# The console comes last: its fallback answers every address that nobody else claims.
_NAMES = ("vidik.kernel.identity", "vidik.context", "vidik.intake", "vidik.operations", "vidik.pilots", "vidik.console")


def installed_modules() -> list[Module]:
    """The manifests of all modules; importing a manifest imports nothing of the module's work."""
    return [import_module(name).MODULE for name in _NAMES]
