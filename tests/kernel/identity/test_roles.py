"""Roles and permissions: one table, asked in one way."""

import pytest

from vidik.kernel.identity import Principal, device_principal, system_principal
from vidik.kernel.identity.roles import PERMISSIONS, ROLES, Grant, permissions_of


def person(*grants: tuple[str, str | None] | Grant, scopes: frozenset[str] | None = None) -> Principal:
    return Principal(
        kind="person" if scopes is None else "token",
        id="1",
        login="ana",
        name="Ana",
        organisation=None,
        roles=frozenset(grant[0] for grant in grants),
        tenant="city",
        grants=frozenset(Grant(*grant) for grant in grants),
        scopes=scopes,
    )


class TestMay:
    def test_a_role_in_the_city_reaches_everything(self):
        ana = person(("dispatcher", None))

        assert ana.may("alarms.acknowledge")
        assert ana.may("alarms.acknowledge", "Toplana")
        assert ana.may("alarms.acknowledge", None)
        assert not ana.may("accounts.manage")

    def test_a_role_in_one_organisation_reaches_only_it(self):
        ana = person(("utility_manager", "Toplana"))

        assert ana.may("devices.manage")
        assert ana.may("devices.manage", "Toplana")
        assert not ana.may("devices.manage", "Medijana")
        assert not ana.may("devices.manage", None)

    def test_roles_do_not_lend_each_other_their_place(self):
        ana = person(("auditor", None), ("utility_manager", "Toplana"))

        assert ana.may("audit.read", "Medijana")
        assert not ana.may("devices.manage", "Medijana")

    def test_a_tokens_scopes_only_narrow(self):
        token = person(("dispatcher", None), scopes=frozenset({"alarms.read", "accounts.manage"}))

        assert token.may("alarms.read")
        assert not token.may("alarms.acknowledge")
        assert not token.may("accounts.manage")
        assert token.permissions == {"alarms.read"}

    def test_a_device_may_only_push(self):
        device = device_principal("bin-1", "Bin 1", None, "city")

        assert device.permissions == {"intake.push"}
        assert device.may("intake.push")
        assert not device.may("context.read")

    def test_a_part_of_vidik_may_what_it_names(self):
        job = system_principal("job", "city", frozenset({"context.read"}))

        assert job.may("context.read", "Toplana")
        assert not job.may("context.write")

    def test_an_unknown_role_gives_nothing(self):
        assert not any(person(("emperor", None)).may(permission) for permission in PERMISSIONS)


class TestTable:
    def test_the_administrator_may_everything_and_the_citizen_nothing_inside(self):
        assert permissions_of({Grant("administrator")}) == PERMISSIONS
        assert permissions_of({Grant("citizen")}) == frozenset()

    @pytest.mark.parametrize("role", ROLES)
    def test_every_role_gives_known_permissions(self, role):
        assert permissions_of({Grant(role)}) <= PERMISSIONS

    @pytest.mark.parametrize("role", [role for role in ROLES if role != "administrator"])
    def test_only_the_administrator_manages_accounts(self, role):
        assert "accounts.manage" not in permissions_of({Grant(role)})
