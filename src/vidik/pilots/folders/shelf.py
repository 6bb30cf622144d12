"""What was found of each meter, laid aside on disk: of 100,000 meters the process that gathers keeps none in memory."""

from __future__ import annotations

import pickle
import weakref
from array import array
from collections.abc import Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import Generic, TypeVar, overload

Item = TypeVar("Item")

IN_MEMORY = 4 * 1024**2
"""Bytes up to which no file is opened: a folder of some hundred meters."""


class Shelf(Sequence[Item], Generic[Item]):
    """Items in the order in which they came, read again one by one; gone with the last reference to the shelf."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  closed with the shelf, by the next line
        self._places = array("Q")
        self._end = 0
        weakref.finalize(self, self._file.close)

    def append(self, item: Item) -> None:
        """Lay aside one more."""
        self._file.seek(self._end)
        self._file.write(pickle.dumps(item, pickle.HIGHEST_PROTOCOL))
        self._places.append(self._end)
        self._end = self._file.tell()

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> Item: ...
    @overload
    def __getitem__(self, place: slice) -> list[Item]: ...
    def __getitem__(self, place: int | slice) -> Item | list[Item]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        self._file.seek(self._places[place])
        item: Item = pickle.load(self._file)  # noqa: S301  written by this process, into a file that has no name
        return item

    def __iter__(self) -> Iterator[Item]:
        return (self[place] for place in range(len(self)))
