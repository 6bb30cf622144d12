"""Fit many meters on all cores of several machines by Dask (`pip install vidik[scale]`).

A scheduler and workers are started by `dask scheduler` and `dask worker` on the machines; each worker needs Vidik
installed and sees the meters' files under the same paths. Only paths are sent to it and only results come back, about
a kilobyte a meter: it reads the files itself.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from distributed import Client

Item = TypeVar("Item")
Result = TypeVar("Result")

PER_WORKER = 8
"""How many batches a worker gets on average: enough to even out slow meters, few enough to send quickly."""
MOST_IN_BATCH = 200
ONE_THREAD = {"OMP_NUM_THREADS": 1, "MKL_NUM_THREADS": 1, "OPENBLAS_NUM_THREADS": 1}


class ScalingUnavailable(RuntimeError):
    """Dask is not installed: `pip install vidik[scale]`."""


@contextmanager
def cluster(scheduler: str | None = None, workers: int = 2) -> Iterator[Client]:
    """A client of the scheduler at this address (tcp://host:8786), or of `workers` processes on this machine.

    Raises ScalingUnavailable without Dask, OSError when the scheduler does not answer.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as missing:
        raise ScalingUnavailable("Dask is not installed: pip install vidik[scale]") from missing
    if scheduler:
        with Client(scheduler, timeout="30s") as client:  # type: ignore[no-untyped-call]  # Dask has no types
            yield client
        return
    with (
        # The profiler looks into the worker a hundred times a second: that costs more than it tells. Dask's allocator
        # gives memory back at every turn: a sixth of the time went into asking for it again.
        dask.config.set(
            {"distributed.worker.profile.enabled": False, "distributed.nanny.pre-spawn-environ": ONE_THREAD}
        ),
        LocalCluster(  # type: ignore[no-untyped-call]  # Dask has no types
            n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
        ) as local,
        Client(local) as client,  # type: ignore[no-untyped-call]  # Dask has no types
    ):
        yield client


def map_over(client: Client, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Do `work` on each item somewhere in the cluster; results in the order of the items, as they come.

    `work` must be a function of a module that workers can import, one item must not depend on another. An error of one
    item is raised here after it was tried on another worker. What is not asked for yet stays with the workers.
    """
    if not items:
        return
    workers = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
    size = max(1, min(MOST_IN_BATCH, math.ceil(len(items) / (workers * PER_WORKER))))
    batches = (list(items[place : place + size]) for place in range(0, len(items), size))
    futures = deque(client.submit(_batch, work, batch, pure=False, retries=1) for batch in batches)
    while futures:
        # Forgotten once it is here, so that workers do not keep what they have sent.
        yield from futures.popleft().result()


def _batch(work: Callable[[Item], Result], items: list[Item]) -> list[Result]:
    return [work(item) for item in items]
