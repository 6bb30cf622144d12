"""Long calculations in a process of their own, so that whoever asks stays quick: `python -m vidik.pilots.calculation`.

The child reads one pickled call from its input and writes one pickled answer. Both ends are this program: nothing
from outside is ever unpickled. One thread of linear algebra, so that the same data give the same figures whatever the
machine has to do beside it.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from vidik.kernel.errors import Unprocessable, VidikError
from vidik.pilots.outcome import Outcome
from vidik.pilots.plans.data import Data
from vidik.pilots.specification import Specification

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_POLITE = 10


def evaluated(specification: Specification, data: Data, until: date | None) -> Outcome:
    """The outcome of a plan from its data, with its adjustments; here and now."""
    from vidik.pilots.evaluation import evaluate
    from vidik.pilots.plans.adjusting import adjust

    outcome = evaluate(specification, data.units, data.donors, data.temperature, until, data.findings)
    return adjust(specification, outcome)


def power(specification: Specification, data: Data) -> dict[str, Any]:
    """What saving a plan will be able to show, from placebo runs on the data before it; here and now."""
    from vidik.pilots.plans.foresight import foresee

    return foresee(specification, data)


_CALLS: Mapping[str, Callable[..., Any]] = {"evaluated": evaluated, "power": power}


async def elsewhere(call: str, *arguments: Any) -> Any:
    """The answer of `evaluated` or `power`, computed in a child process that ends with the task that waits for it.

    Raises what the calculation raises for a person (VidikError); any other failure as RuntimeError.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "vidik.pilots.calculation",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | _ONE_THREAD,
    )
    try:
        answer, complaints = await child.communicate(pickle.dumps((call, arguments)))
    except BaseException:
        if child.returncode is None:
            child.kill()
            await child.wait()
        raise
    if child.returncode != 0:
        raise RuntimeError(f"a calculation ended with {child.returncode}: {complaints.decode()[-2000:]}")
    worked, result = pickle.loads(answer)  # noqa: S301  (our own child's)
    if not worked:
        detail, field, code, values = result
        raise Unprocessable(detail, field=field, code=code, values=values)
    return result


def main() -> None:
    """Answer one call."""
    os.nice(_POLITE)
    call, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301  (our own parent's)
    try:
        answer: tuple[bool, Any] = True, _CALLS[call](*arguments)
    except VidikError as error:
        answer = False, (error.detail, error.field, error.code, error.values)
    pickle.dump(answer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
