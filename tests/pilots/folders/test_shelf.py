"""What is laid aside comes back as it was, in order, from memory and from disk."""

import gc
from pathlib import Path

from vidik.pilots.folders import shelf
from vidik.pilots.folders.shelf import Shelf


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


class TestShelf:
    def test_items_come_back_in_order_and_by_place(self) -> None:
        laid = Shelf[dict[str, int]]()
        for number in range(5):
            laid.append({"number": number})

        assert [item["number"] for item in laid] == [0, 1, 2, 3, 4]
        assert laid[-1] == {"number": 4}
        assert [item["number"] for item in laid[1:3]] == [1, 2]
        assert len(laid) == 5

    def test_it_can_be_added_to_while_it_is_read(self) -> None:
        laid = Shelf[str]()
        laid.append("first")
        reading = iter(laid)
        assert next(reading) == "first"
        laid.append("second")

        assert list(laid) == ["first", "second"]

    def test_much_goes_to_disk_and_is_gone_with_the_shelf(self) -> None:
        before = open_files()
        laid = Shelf[bytes]()
        for number in range(5):
            laid.append(bytes([number]) * (shelf.IN_MEMORY // 4))

        assert open_files() == before + 1
        assert [item[0] for item in laid] == [0, 1, 2, 3, 4]
        del laid
        gc.collect()
        assert open_files() == before
