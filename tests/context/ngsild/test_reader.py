"""Look-ups that share a query."""

import asyncio
import random

import httpx
import psycopg
import pytest

from vidik.context.ngsild.repository.entities import EntityReader
from vidik.kernel.database import Database


@pytest.fixture
async def reader(client: httpx.AsyncClient, database: Database) -> EntityReader:
    batch = [{"id": f"urn:e:{number}", "type": "A", "n": number} for number in range(50)]
    assert (await client.post("/entityOperations/create", json=batch)).status_code == 201
    return EntityReader(database)


class TestSharedLookUps:
    async def test_each_gets_its_own_entity_however_they_overlap(self, reader: EntityReader) -> None:
        async def ask(number: int) -> str | None:
            await asyncio.sleep(random.random() / 50)
            entity = await reader.get("city", f"urn:e:{number}")
            return None if entity is None else entity.id

        numbers = [random.randrange(60) for _ in range(400)]
        answers = await asyncio.wait_for(asyncio.gather(*map(ask, numbers)), 30)
        assert answers == [f"urn:e:{number}" if number < 50 else None for number in numbers]

    async def test_a_client_that_goes_away_takes_nobody_along(self, reader: EntityReader) -> None:
        leaving = asyncio.create_task(reader.get("city", "urn:e:1"))
        staying = asyncio.create_task(reader.get("city", "urn:e:1"))
        await asyncio.sleep(0)
        leaving.cancel()
        entity = await staying
        assert entity is not None
        assert entity.id == "urn:e:1"

    async def test_a_failure_is_told_to_all_and_is_over_with_the_next(self, reader: EntityReader) -> None:
        answers = await asyncio.gather(
            *(reader.get("city", f"urn:e:{number}\x00") for number in range(3)), return_exceptions=True
        )
        assert all(isinstance(answer, psycopg.DataError) for answer in answers)
        assert await reader.get("city", "urn:e:1") is not None
