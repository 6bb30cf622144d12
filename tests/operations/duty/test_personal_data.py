"""What duty knows of people has a purpose, a legal basis and an end; the end comes."""

from datetime import timedelta
from pathlib import Path

import yaml

from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.operations.duty import retention, roster

REGISTER = Path(__file__).parents[3] / "src/vidik/operations/duty/personal_data.yaml"


async def test_every_column_is_in_the_register(connection: Connection) -> None:
    register = yaml.safe_load(REGISTER.read_text("utf-8"))
    for table, described in register.items():
        cursor = await connection.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND table_name = %s",
            [table],
        )
        columns = {row["column_name"] for row in await cursor.fetchall()}
        assert columns == set(described["personal"]) | set(described["not_personal"]), table
        for entry in described["personal"].values():
            assert set(entry) == {"purpose", "legal_basis", "retention"}


async def test_is_forgotten_in_time(connection: Connection) -> None:
    moment = now()
    await roster.write_contact(connection, "gone", "en", {"sms": "+381"}, "x", moment)
    long_ago = moment - timedelta(days=4 * 365)
    values = {"desk": "d", "login": "a", "person": "A", "begins_at": long_ago, "by": "x", "at": long_ago}
    await roster.insert_shift(connection, {**values, "ends_at": long_ago + timedelta(hours=8), "client_id": None})
    await retention.forget(connection, "city", moment)
    assert await roster.contacts(connection) == {}
    assert await roster.shifts_between(connection, long_ago, moment) == []
