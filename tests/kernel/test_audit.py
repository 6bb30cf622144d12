"""The audit record: append-only, chained, verifiable by anybody."""

import asyncio
import hashlib
import json

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidik.kernel import audit
from vidik.kernel.database import Database
from vidik.kernel.identity import Principal
from vidik.kernel.identity.audit_api import _lines
from vidik.kernel.services import Services

ANA = Principal("person", "1", "ana", "Ana", None, frozenset(), "city")
TRIGGERS_OFF = "ALTER TABLE platform.audit_record DISABLE TRIGGER ALL"


async def act(connection, *subjects: str) -> None:
    for subject in subjects:
        await audit.record(connection, ANA, "test.act", subject, reason="because", details={"n": 1})


class TestRecord:
    async def test_says_who_when_what_and_why(self, connection):
        await audit.record(connection, ANA, "alarm.acknowledge", "alarm:7", reason="known", details={"note": "Ж"})

        (found,) = await audit.newest(connection, "city", before=None, limit=10)

        assert found["actor"] == "person:1"
        assert found["login"] == "ana"
        assert found["action"] == "alarm.acknowledge"
        assert found["subject"] == "alarm:7"
        assert found["reason"] == "known"
        assert found["details"] == {"note": "Ж"}
        assert found["recorded_at"].endswith("Z")

    async def test_goes_with_its_transaction(self, database):
        async def fail() -> None:
            async with database.transaction("city") as connection:
                await act(connection, "a")
                raise RuntimeError

        with pytest.raises(RuntimeError):
            await fail()

        async with database.transaction("city") as connection:
            assert await audit.head(connection) == (0, audit.GENESIS.hex())

    async def test_keeps_one_chain_when_many_act_at_once(self, database):
        async def one(number: int) -> None:
            async with database.transaction("city") as connection:
                await act(connection, f"subject:{number}")

        await asyncio.gather(*(one(number) for number in range(40)))

        async with database.platform() as connection:
            assert await audit.verify(connection) is None
            assert (await audit.head(connection))[0] == 40

    async def test_takes_any_text(self, connection):
        await audit.record(connection, ANA, "a", "nul \0 lone \ud800", details={"\ud800": "\0", "set": {1}})

        assert await audit.verify(connection) is None

    async def test_writes_of_persons_only(self, connection):
        token = Principal("token", "3", "ana", "script", None, frozenset(), "city")

        await audit.record_writes(connection, token, "update", ["urn:a"])
        await audit.record_writes(connection, ANA, "update", [])
        await audit.record_writes(connection, ANA, "update", ["urn:a"])
        await audit.record_writes(connection, ANA, "delete", ["urn:a", "urn:b"])

        newest, older = await audit.newest(connection, "city", before=None, limit=10)
        assert (older["action"], older["subject"]) == ("entity.update", "urn:a")
        assert newest["details"]["entities"] == ["urn:a", "urn:b"]


class TestAppendOnly:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE platform.audit_record SET subject = 'other'",
            "DELETE FROM platform.audit_record",
            "TRUNCATE platform.audit_record",
        ],
    )
    async def test_refuses_to_be_changed(self, database, statement):
        async with database.transaction("city") as connection:
            await act(connection, "a")

        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            async with database.transaction("city") as connection:
                await connection.execute(statement)


class TestVerify:
    async def test_holds_when_nobody_touched_it(self, connection):
        await act(connection, "a", "b", "c")

        assert await audit.verify(connection) is None

    @pytest.mark.parametrize(
        ("tampering", "position"),
        [
            ("UPDATE audit_record SET content = replace(content, 'because', 'no') WHERE position = 2", 2),
            ("UPDATE audit_record SET subject = 'x' WHERE position = 2", 2),
            ("UPDATE audit_record SET recorded_at = now() - interval '1 day' WHERE position = 3", 3),
            ("DELETE FROM audit_record WHERE position = 2", 2),
            ("DELETE FROM audit_record WHERE position = 1", 1),
            ("UPDATE audit_record SET hash = sha256('x') WHERE position = 4", 4),
            ("UPDATE audit_record SET position = position + 10 WHERE position = 4", 4),
        ],
    )
    async def test_finds_the_first_broken_link(self, connection, tampering, position):
        await act(connection, "a", "b", "c", "d")
        await connection.execute(TRIGGERS_OFF)
        await connection.execute(tampering)

        broken = await audit.verify(connection)

        assert broken is not None
        assert broken.position == position

    async def test_a_rewritten_record_breaks_the_next_one(self, connection):
        await act(connection, "a", "b", "c")
        await connection.execute(TRIGGERS_OFF)
        await connection.execute(
            """
            UPDATE audit_record AS record
               SET content = replace(record.content, 'because', 'no'),
                   hash = sha256(previous.hash || convert_to(replace(record.content, 'because', 'no'), 'UTF8'))
              FROM audit_record AS previous
             WHERE record.position = 2 AND previous.position = 1
            """
        )

        assert (await audit.verify(connection)).position == 3

    async def test_a_noted_head_shows_that_the_end_was_cut(self, connection):
        await act(connection, "a", "b", "c")
        noted = await audit.head(connection)
        await connection.execute(TRIGGERS_OFF)
        await connection.execute("DELETE FROM audit_record WHERE position = 3")

        assert await audit.verify(connection) is None
        assert await audit.head(connection) != noted


class TestExport:
    async def test_can_be_verified_without_vidik(self, connection):
        await act(connection, "a", "Ж", "c")

        lines = [line async for line in audit.export(connection)]

        previous = bytes(32)
        for line in lines:
            record = line[line.index(b'"record":') + len(b'"record":') : -2]
            assert hashlib.sha256(previous + record).hexdigest() == json.loads(line)["hash"]
            previous = bytes.fromhex(json.loads(line)["hash"])
        assert len(lines) == 3

    async def test_a_slow_client_holds_no_connection(self, database, database_url, settings, monkeypatch):
        async with database.transaction("city") as connection:
            await act(connection, "a", "b", "c")
        monkeypatch.setattr(audit, "_BATCH", 1)
        narrow = Database(database_url, max_size=1)
        await narrow.open()
        one, other = (_lines(Services(settings, narrow), "city") for _ in range(2))

        together = [(await anext(one), await anext(other)) for _ in range(3)]

        await narrow.close()
        assert all(line == same for line, same in together)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4),
    max_leaves=12,
)


class TestCanonical:
    @given(st.dictionaries(st.text(st.characters()), JSON, max_size=5))
    def test_is_the_same_for_the_same_content_whatever_its_order(self, content):
        backwards = dict(reversed(content.items()))

        assert audit.canonical(content) == audit.canonical(backwards)

    @given(st.lists(st.binary(max_size=20), min_size=2, max_size=6, unique=True), st.data())
    def test_another_order_is_another_chain(self, contents, data):
        other = data.draw(st.permutations(contents).filter(lambda order: order != contents))

        assert chain(contents) != chain(other)

    @given(st.lists(st.binary(max_size=20), min_size=1, max_size=6), st.binary(min_size=1, max_size=3))
    def test_any_addition_is_seen(self, contents, addition):
        changed = [contents[0] + addition, *contents[1:]]

        assert chain(contents) != chain(changed)


def chain(contents: list[bytes]) -> bytes:
    last = audit.GENESIS
    for content in contents:
        last = audit.link(last, content)
    return last
