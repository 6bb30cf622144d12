"""The first login of an installation, tokens of services, and the register of personal data."""

import asyncio
import stat
from pathlib import Path

import yaml

from vidik.kernel.identity import ensure_first_account
from vidik.kernel.identity.first_account import first_login, issue_service_token

REGISTER = Path(__file__).parents[3] / "src/vidik/kernel/identity/personal_data.yaml"
TABLES = (
    "account",
    "account_role",
    "session",
    "account_link",
    "crew_device",
    "api_token",
    "sign_in_throttle",
    "sign_in_known",
    "audit_record",
)


class TestFirstAccount:
    async def test_is_made_once_and_its_password_lies_where_only_the_owner_reads(self, services, sign_in):
        first = await ensure_first_account(services)
        again = await ensure_first_account(services)

        assert first is not None
        assert again is None
        assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
        assert first_login(services.settings) == first
        client = await sign_in(first.login, first.password)
        account = (await client.get("/api/session")).json()["account"]
        assert account["roles"] == ["administrator", "dispatcher"]

    async def test_two_starts_at_once_make_one(self, services):
        made = await asyncio.gather(*(ensure_first_account(services) for _ in range(4)))

        assert len([one for one in made if one is not None]) == 1

    async def test_the_file_goes_when_the_password_is_changed(self, services, sign_in):
        first = await ensure_first_account(services)
        client = await sign_in(first.login, first.password)

        await client.put("/api/session/password", json={"current": first.password, "new": "crvena-jabuka-na-stolu"})

        assert not first.path.exists()
        assert first_login(services.settings) is None


class TestServiceToken:
    async def test_may_just_what_it_was_made_for_and_replaces_the_older_one(self, services, browser):
        old = await issue_service_token(services, "demo", frozenset({"devices.read"}))
        new = await issue_service_token(services, "demo", frozenset({"rules.manage"}))

        answers = []
        for token in (old, new):
            program = browser()
            program.headers["authorization"] = f"Bearer {token}"
            answers.append((await program.post("/rules")).status_code)

        assert answers == [401, 200]

    async def test_its_account_is_not_the_first_one(self, services):
        await issue_service_token(services, "demo", frozenset({"devices.read"}))

        assert await ensure_first_account(services) is not None


class TestPersonalData:
    async def test_every_column_has_its_purpose_ground_and_end_or_is_not_personal(self, services):
        register = yaml.safe_load(REGISTER.read_text(encoding="utf-8"))
        async with services.database.platform() as connection:
            rows = await (
                await connection.execute(
                    "SELECT table_name, column_name FROM information_schema.columns"
                    " WHERE table_schema = 'platform' AND table_name = ANY (%s)",
                    [list(TABLES)],
                )
            ).fetchall()
        columns = {name: set() for name in TABLES}
        for row in rows:
            columns[row["table_name"]].add(row["column_name"])

        registered = {name: set(entry["personal"]) | set(entry["not_personal"]) for name, entry in register.items()}

        assert registered == columns
        for entry in register.values():
            for field in entry["personal"].values():
                assert set(field) == {"purpose", "legal_basis", "retention"}
