"""Commands about people and other systems: accounts and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vidik.cli import account, console, token
from vidik.cli.access import with_services

if TYPE_CHECKING:
    from vidik.kernel.services import Services


@account.command("add")
def account_add(
    login: Annotated[str, typer.Argument(help="Login: 2 to 64 of a-z, 0-9, dot, dash, underscore, @.")],
    name: Annotated[str, typer.Option(prompt="Full name", help="Full name, as others see it.")],
    role: Annotated[list[str], typer.Option(help="Role; repeat for several. See docs/operators/accounts.md.")],
    organisation: Annotated[
        str | None, typer.Option(help="Organisation that the roles hold in; all when left out.")
    ] = None,
    area: Annotated[
        str | None, typer.Option(help="Code of the area that the roles hold in; everywhere when left out.")
    ] = None,
) -> None:
    """Make an account, and show its first password once."""
    from vidik.cli.operator import operator
    from vidik.kernel.identity.accounts import AccountDraft, create_account
    from vidik.kernel.identity.passwords import generate_password, passwords
    from vidik.kernel.identity.roles import Grant

    password = generate_password()

    async def work(services: Services) -> None:
        hashed = await passwords(services.settings.argon2_memory_kib).hash(password)
        roles = [Grant(one, organisation, area) for one in role]
        draft = AccountDraft(login, name, organisation, roles, True, None, hashed)
        async with services.database.transaction(services.settings.tenant) as connection:
            await create_account(connection, operator(services), draft)

    with_services(work)
    console.print(f"Account [bold]{login}[/] made. First password, shown once: [bold]{password}[/]")


@account.command("password")
def account_password(
    login: Annotated[str, typer.Argument(help="Whose password.")],
    password: Annotated[
        str, typer.Option(prompt="New password", confirmation_prompt=True, hide_input=True, envvar="VIDIK_NEW_PASSWORD")
    ],
) -> None:
    """Set another password; the person's sessions end."""
    from vidik.cli.operator import operator
    from vidik.kernel.errors import NotFound
    from vidik.kernel.identity import repository
    from vidik.kernel.identity.accounts import AccountDraft, change_account
    from vidik.kernel.identity.first_account import forget_first_login
    from vidik.kernel.identity.passwords import check_password, passwords
    from vidik.kernel.identity.roles import grants_of, in_order

    async def work(services: Services) -> None:
        check_password(password, login=login)
        hashed = await passwords(services.settings.argon2_memory_kib).hash(password)
        async with services.database.transaction(services.settings.tenant) as connection:
            found = await repository.account_by_login(connection, services.settings.tenant, login)
            row = found and await repository.account_by_id(connection, services.settings.tenant, found["id"])
            if not row:
                raise NotFound(f"There is no account {login}.", field="login")
            roles = in_order(grants_of(row))
            draft = AccountDraft(login, row["name"], row["organisation"], roles, row["enabled"], row["ends_at"], hashed)
            await change_account(connection, operator(services), row, draft)
        forget_first_login(services.settings, login)

    with_services(work)
    console.print(f"The password of [bold]{login}[/] is changed, and its sessions are ended.")


@token.command("add")
def token_add(
    name: Annotated[str, typer.Argument(help="Which system it is for.")],
    permission: Annotated[list[str], typer.Option(help="Permission, such as context.read; repeat for several.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days until it ends.")] = 365,
) -> None:
    """Make a token for another system, replacing the one it had, and show it once."""
    from datetime import timedelta

    from vidik.kernel.errors import BadInput
    from vidik.kernel.identity.first_account import issue_service_token
    from vidik.kernel.identity.roles import PERMISSIONS

    unknown = sorted(set(permission) - PERMISSIONS)
    if unknown:
        raise BadInput(
            f"There is no permission {unknown[0]}. There are: {', '.join(sorted(PERMISSIONS))}.", field="permission"
        )

    async def work(services: Services) -> str:
        return await issue_service_token(services, name, frozenset(permission), lifetime=timedelta(days=days))

    console.print(f"Token of {name}, shown once: [bold]{with_services(work)}[/]")
