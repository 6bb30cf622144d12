"""The journal: told in the change's own transaction, read once by everyone, late ones too."""

from vidik.kernel.clock import now
from vidik.kernel.services import Services
from vidik.operations import journal
from vidik.operations.journal import JournalReader


async def read(services: Services, reader: JournalReader) -> list[str]:
    async with services.database.transaction("city") as connection:
        return [event["subject"] for event in await reader.read(connection)]


async def begun(services: Services) -> JournalReader:
    reader = JournalReader()
    async with services.database.transaction("city") as connection:
        await reader.begin(connection)
    return reader


async def tell(services: Services, subject: str) -> None:
    async with services.database.transaction("city") as connection:
        await journal.tell(connection, "incident", subject, {"title": "пуче цев"})


async def test_each_event_is_read_once_also_one_of_a_slow_transaction(services: Services) -> None:
    await tell(services, "before")
    reader = await begun(services)
    async with services.database.transaction("city") as slow:
        await journal.tell(slow, "task", "slow", {})
        await tell(services, "quick")
        late = await begun(services)
        assert await read(services, reader) == ["quick"]
        assert await read(services, reader) == []
    assert await read(services, reader) == ["slow"]
    assert await read(services, late) == ["slow"]
    assert await read(services, reader) == []


async def test_what_was_rolled_back_is_never_told_and_the_old_goes(services: Services) -> None:
    reader = await begun(services)
    try:
        async with services.database.transaction("city") as connection:
            await journal.tell(connection, "incident", "never", {})
            raise ConnectionError("the process dies before its commit")
    except ConnectionError:
        await tell(services, "kept")
    assert await read(services, reader) == ["kept"]
    async with services.database.transaction("city") as connection:
        await connection.execute("UPDATE work_event SET at = at - interval '8 days'")
        await journal.forget_old(connection, now())
        cursor = await connection.execute("SELECT count(*) AS events FROM work_event")
        assert (await cursor.fetchone()) == {"events": 0}
