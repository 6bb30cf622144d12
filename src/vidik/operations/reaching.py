"""What a person may see and do of the city's work: one dependency for every door that names one thing.

Whoever may not see a thing hears that it is not there; whoever sees it and may not act hears whose it is. The rule
itself is `vidik.kernel.identity.reach`; lists apply it in SQL, live streams to what they carry.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from vidik.kernel.database import Connection
from vidik.kernel.errors import Forbidden, NotFound
from vidik.kernel.identity import Principal, require
from vidik.kernel.identity.reach import Belonging

Find = Callable[[Connection, int], Awaitable[Belonging | None]]


def reaching(
    thing: str, path: str, find: Find, *, see: str, act: str | None = None, needs: str | None = None
) -> Callable[..., Any]:
    """Return a dependency that gives the principal when they may see (and `act` upon) the thing that the path names.

    `needs` is a permission that must hold somewhere, where the door itself looks at the thing more closely. Who
    reaches everything costs no question to the database. Raises NotFound or Forbidden (`out-of-reach`).
    """
    # The worker asks for the rule and has no doors: it loads without the library of theirs.
    from fastapi import Depends, Path

    from vidik.kernel.forms import LARGEST_INTEGER
    from vidik.kernel.web import Transaction

    async def dependency(
        number: Annotated[int, Path(alias=path, ge=0, le=LARGEST_INTEGER)],
        connection: Transaction,
        principal: Annotated[Principal, Depends(require(act or needs or see))],
    ) -> Principal:
        await must_reach(connection, number, principal, thing, find, see=see, act=act)
        return principal

    dependency.__dict__["reaches"] = path
    return dependency


async def must_reach(
    connection: Connection,
    number: int,
    principal: Principal,
    thing: str,
    find: Find,
    *,
    see: str,
    act: str | None = None,
) -> None:
    """Raise NotFound when somebody may not see a thing, Forbidden when they may not act upon it."""
    asked = (see,) if act is None else (see, act)
    if all(principal.reach(permission).is_everywhere for permission in asked):
        return
    found = await find(connection, number)
    if found is None or not principal.reaches(see, found):
        raise NotFound(f"There is no {thing} {number}.")
    if act is not None:
        may_act(principal, act, found)


def may_act(principal: Principal, permission: str, thing: Belonging) -> None:
    """Raise Forbidden when a permission does not reach a thing: whose it is, so that one knows whom to ask."""
    if principal.reaches(permission, thing):
        return
    organisations, areas = ", ".join(sorted(thing.organisations)), ", ".join(sorted(thing.areas))
    whose = " in ".join(part for part in (organisations, areas) if part) or "the whole city"
    raise Forbidden(
        f"This belongs to {whose}: people who act there, and the city's command centre, may do it.",
        code="out-of-reach",
        values={"organisations": organisations, "areas": areas},
    )
