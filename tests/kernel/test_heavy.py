"""Work that takes long beside work that must not wait for it."""

import asyncio
import threading

import pytest

from vidik.kernel.heavy import worked_out
from vidik.kernel.logs import REQUEST_ID


class TestWorkedOut:
    async def test_returns_what_the_work_returns_and_raises_what_it_raises(self) -> None:
        assert await worked_out(divmod, 17, 5) == (3, 2)
        with pytest.raises(ZeroDivisionError):
            await worked_out(divmod, 17, 0)

    async def test_keeps_nobody_waiting_who_only_reads_a_file(self) -> None:
        finish = threading.Event()
        heavy = [asyncio.create_task(worked_out(finish.wait)) for _ in range(50)]
        await asyncio.sleep(0)

        assert await asyncio.wait_for(asyncio.to_thread(int, "7"), 60) == 7

        finish.set()
        assert all(await asyncio.gather(*heavy))

    async def test_does_not_begin_what_nobody_waits_for_any_more(self) -> None:
        finish, begun = threading.Event(), []
        busy = [asyncio.create_task(worked_out(finish.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        waiting = asyncio.create_task(worked_out(begun.append, 1))
        await asyncio.sleep(0)

        waiting.cancel()
        # Calling off reaches the threads in the loop's next turn; one that is free before would take the work.
        await asyncio.wait([waiting])
        finish.set()
        await asyncio.gather(*busy)
        await worked_out(int)

        assert begun == []

    async def test_belongs_to_the_request_that_asks(self) -> None:
        token = REQUEST_ID.set("0123456789abcdef")
        try:
            assert await worked_out(REQUEST_ID.get) == "0123456789abcdef"
        finally:
            REQUEST_ID.reset(token)
