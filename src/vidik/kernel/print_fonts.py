"""The font of everything that Vidik prints: DejaVu Sans, which has both of our scripts and may be passed on."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from vidik.kernel.errors import Unavailable


@cache
def dejavu() -> Path:
    """Where matplotlib's wheel keeps DejaVu; found without importing it, which takes half a second.

    Raises Unavailable when matplotlib is not installed.
    """
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise Unavailable("The font of reports is missing: matplotlib is not installed.", code="font-missing")
    return Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
