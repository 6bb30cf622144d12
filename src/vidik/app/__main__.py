"""The family's child processes: `python -m vidik.app web|intake|worker|prepare`, started by the supervisor.

Not part of the command line: these must not pay for typer and rich.
"""

from __future__ import annotations

import gc
import sys
from importlib import import_module

# structlog loads rich and its highlighter wherever it finds them, for coloured tracebacks that nobody asks of a child:
# 7 MB and 0.2 s in each of them.
sys.modules["rich"] = None  # type: ignore[assignment]  # "not to be imported", as importlib documents it
# httpx brings a command line of its own with click and pygments, and goes without: 0.1 s.
sys.modules["httpx._main"] = None  # type: ignore[assignment]  # "not to be imported", again

_PROCESSES = {
    "web": ("vidik.app.web", "web"),
    "intake": ("vidik.app.intake", "intake"),
    "worker": ("vidik.app.worker", "worker"),
}


def main(name: str, *options: str) -> None:
    """Run one child until it is told to stop."""
    # Modules stay: to look for garbage among them while they are loaded is a tenth of a start.
    gc.disable()
    if name == "prepare":
        from vidik.app.prepare import prepare

        gc.enable()
        prepare(demo="demo" in options)
        return
    from vidik.app.process import run_process

    module, function = _PROCESSES[name]
    run_process(name, getattr(import_module(module), function))


if __name__ == "__main__":
    main(*sys.argv[1:])
