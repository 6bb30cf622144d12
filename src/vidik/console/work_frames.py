"""Frames of work for those who may see it; who saw a thing before and may no more hears that it has gone."""

from collections.abc import Mapping
from typing import Any

from cachetools import LRUCache

from vidik.console.hub import Frame, event
from vidik.kernel.identity.reach import Belonging
from vidik.operations.journal import SEEN_WITH

_REMEMBERED = 10_000


class WorkFrames:
    """Makes frames of the journal's events, and remembers whose things were when they were told of last."""

    def __init__(self) -> None:
        self._whose: LRUCache[tuple[str, str], Belonging] = LRUCache(_REMEMBERED)

    def of_work(self, work: Mapping[str, Any], position: int) -> Frame:
        """Return the frame of an event; what says whose it is goes to those only who reach it."""
        payload, permission = event("work", work, position), SEEN_WITH[work["topic"]]
        if "organisations" not in work["data"]:
            return Frame(position, payload, permission=permission)
        thing, belonging = (work["topic"], work["subject"]), Belonging.of(work["data"])
        before = self._whose.get(thing, belonging)
        self._whose[thing] = belonging
        if before == belonging:
            return Frame(position, payload, permission=permission, belonging=belonging)
        gone = event("work", {**work, "data": None}, position)
        return Frame(position, payload, permission=permission, belonging=belonging, gone_for=before, gone_payload=gone)

    @staticmethod
    def of_presence(said: Mapping[str, Any], position: int) -> Frame:
        """Return the frame of who looks at a thing, or where a crew is, now: for those who may see it."""
        data = dict(said["data"])
        belonging = Belonging.of(data.pop("whose"))
        payload = event("presence", {**said, "data": data}, position)
        return Frame(position, payload, permission=SEEN_WITH[said["topic"]], belonging=belonging, is_passing=True)
