"""Rules of warnings: drafted, changed over the version that was seen, released by another person, followed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from vidik.kernel.city import load_city
from vidik.kernel.clock import CITY_ZONE, iso
from vidik.kernel.database import Connection
from vidik.kernel.errors import NotFound, Unprocessable
from vidik.kernel.identity import Principal
from vidik.kernel.settings import Settings
from vidik.kernel.versions import Changed
from vidik.operations import journal
from vidik.operations.incidents import service as incidents
from vidik.operations.incidents.incident import Actor
from vidik.operations.warnings import cap, repository
from vidik.operations.warnings.content import Content, MessageType
from vidik.operations.warnings.warning import after_following, check_draft, check_following, check_release

_ENTRY: Mapping[MessageType, str] = {
    "Alert": "warning.released",
    "Update": "warning.updated",
    "Cancel": "warning.cancelled",
}


def view(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a warning as JSON; who may not release it are its `authors`."""
    kept = {name: row[name] for name in ("kind", "state", "content", "authors", "drafted_by", "released_by",
                                          "identifier", "version", "changed_by")}  # fmt: skip
    numbers = {name: str(row[name]) if row[name] else None for name in ("follows", "incident")}
    times = {name: iso(row[name]) if row[name] else None for name in ("drafted_at", "sent_at", "expires_at",
                                                                       "changed_at")}  # fmt: skip
    return {"id": str(row["id"]), **kept, **numbers, **times, "exercise": row["content"]["status"] != "Actual"}


async def get(connection: Connection, warning: int) -> Mapping[str, Any]:
    """Return a warning as it stands; raises NotFound."""
    return _there(await repository.find(connection, warning), warning)


def _there(row: Mapping[str, Any] | None, warning: int) -> Mapping[str, Any]:
    if row is None:
        raise NotFound(f"There is no warning {warning}.")
    return row


async def existing(connection: Connection, warning: int, version: int | None = None) -> Mapping[str, Any]:
    """Return a warning, locked; raises NotFound, and Changed when it stands at another version than was seen."""
    row = _there(await repository.find(connection, warning, lock=True), warning)
    if version is not None and row["version"] != version:
        raise Changed(view(row), row["changed_by"])
    return row


async def draft(
    connection: Connection,
    principal: Principal,
    content: Content,
    moment: datetime,
    *,
    kind: MessageType = "Alert",
    follows: int | None = None,
    incident: int | None = None,
    client_id: UUID | None = None,
) -> tuple[Mapping[str, Any], bool]:
    """Begin a warning, or one that follows another; returns it, and whether it is new.

    The same `client_id` again gives what it began the first time. Raises NotFound, Conflict, Unprocessable.
    """
    known = await repository.of_client(connection, client_id)
    if known is not None:
        return known, False
    if (follows is None) != (kind == "Alert"):
        raise Unprocessable("An update or a cancellation follows a warning; a new one follows none.", field="follows")
    if follows is not None:
        earlier = await existing(connection, follows)
        check_following(earlier["state"], kind)
        incident = earlier["incident"]
    of = await incidents.get(connection, incident) if incident is not None else None
    status = content.status
    if follows is not None:
        status = earlier["content"]["status"]  # an exercise stays one, and what is real never becomes one
    elif of is not None and of.exercise_id is not None:
        status = "Exercise"
    number = await repository.insert(
        connection,
        kind=kind,
        follows=follows,
        incident=incident,
        content=content.model_copy(update={"status": status}),
        login=principal.login,
        person=principal.name,
        moment=moment,
        client_id=client_id,
    )
    if number is None:  # the same request came twice, and the other one was quicker by a moment
        return await draft(connection, principal, content, moment, client_id=client_id)
    return await told(connection, number), True


async def change(
    connection: Connection, principal: Principal, warning: int, version: int, content: Content, moment: datetime
) -> Mapping[str, Any]:
    """Change a draft; what it follows, or belongs to, keeps saying whether it is an exercise."""
    row = await existing(connection, warning, version)
    check_draft(row["state"])
    fixed = row["follows"] is not None or row["incident"] is not None
    status = row["content"]["status"] if fixed else content.status
    content = content.model_copy(update={"status": status})
    await repository.change(connection, warning, content, principal.login, principal.name, moment)
    return await told(connection, warning)


async def discard(
    connection: Connection, principal: Principal, warning: int, version: int, moment: datetime
) -> Mapping[str, Any]:
    """Throw a draft away."""
    row = await existing(connection, warning, version)
    check_draft(row["state"])
    await repository.set_state(connection, warning, "discarded", principal.name, moment)
    return await told(connection, warning)


async def release(
    connection: Connection, settings: Settings, principal: Principal, warning: int, version: int, moment: datetime
) -> Mapping[str, Any]:
    """Send a warning to the public: from now on it stands as it is. Raises Forbidden for one of its authors."""
    moment = moment.replace(microsecond=0)
    row = await existing(connection, warning, version)
    content = Content.model_validate(row["content"])
    check_release(row["state"], row["authors"], principal.login, content, moment)
    earlier = await repository.before(connection, row["follows"])
    if earlier:
        standing = await existing(connection, row["follows"])
        check_following(standing["state"], row["kind"])
    message = message_of(settings, row, content, moment, earlier)
    await repository.release(
        connection,
        warning,
        identifier=message.identifier,
        sender=message.sender,
        xml=cap.to_xml(message).decode(),
        sent_at=moment,
        login=principal.login,
        person=principal.name,
    )
    if earlier:
        state = after_following(row["kind"])
        await repository.set_state(connection, row["follows"], state, principal.name, moment)
        # Or a browser that was away would hear of the danger after it heard that the danger is over.
        await repository.forget_pushes(connection, [row["follows"]])
        await told(connection, row["follows"])
    if content.status == "Actual":
        await repository.owe_pushes(connection, warning, moment)
    if row["incident"] is not None:
        data = {"warning": str(warning), "headline": content.sr.headline, "exercise": content.status != "Actual"}
        actor = Actor(principal.name, principal.actor)
        await incidents.add_entry(connection, row["incident"], _ENTRY[row["kind"]], data, actor, moment)
    return await told(connection, warning)


def message_of(
    settings: Settings,
    row: Mapping[str, Any],
    content: Content,
    moment: datetime,
    earlier: list[dict[str, Any]],
) -> cap.Message:
    """The CAP message of a warning as it would leave at a moment."""
    city = load_city(settings)
    host = urlsplit(settings.public_url or "").hostname or f"{city.code}.vidik.invalid"
    stamp = moment.astimezone(CITY_ZONE).strftime("%Y%m%d")
    return cap.Message(
        identifier=f"vidik-{city.code}-{stamp}-{row['id']}",
        sender=f"warnings@{host}",
        sender_name=city.name["sr-Cyrl"],
        sent=moment,
        kind=row["kind"],
        content=content,
        references=[cap.Reference(one["sender"], one["identifier"], one["sent_at"]) for one in earlier],
        web=f"{settings.public_url.rstrip('/')}/cap/" if settings.public_url else None,
    )


async def told(connection: Connection, warning: int) -> Mapping[str, Any]:
    """Show a warning as it now is at every desk, and return it."""
    row = await get(connection, warning)
    await journal.tell(connection, "warning", warning, view(row))
    return row
