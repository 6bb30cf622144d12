"""The audit record: every action of a person, append-only, each record chained to the one before it.

A record's hash is SHA-256 over the previous hash and the record's canonical JSON, per tenant. Changing, removing
or reordering any record breaks the chain at that place; cutting its end is seen by whoever noted a later head.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from vidik.kernel.clock import iso
from vidik.kernel.database import Connection
from vidik.kernel.identity.principal import Principal

GENESIS = bytes(32)
_BATCH = 1000
_LISTED_ENTITIES = 20
_EXPORTED = re.compile(rb'\{"hash":"(?P<hash>[0-9a-f]{64})","record":(?P<record>\{.*\})\}')

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('vidik audit'), hashtext(%s))"
# A statement of its own after the lock: it must see what the one who held the lock has committed.
_HEAD = """
    SELECT clock_timestamp() AS now, last.position, last.hash
      FROM (VALUES (1)) AS always (one)
      LEFT JOIN LATERAL (SELECT position, hash
                           FROM platform.audit_record
                          WHERE tenant = %s
                          ORDER BY position DESC
                          LIMIT 1) AS last ON true
"""
_APPEND = """
    INSERT INTO platform.audit_record (tenant, position, recorded_at, actor, action, subject, content, hash)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_READ = """
    SELECT position, recorded_at, actor, action, subject, content, hash
      FROM platform.audit_record
     WHERE tenant = %s AND position > %s
     ORDER BY position
     LIMIT %s
"""
_NEWEST = """
    SELECT position, content, hash
      FROM platform.audit_record
     WHERE tenant = %(tenant)s
       AND (%(before)s::bigint IS NULL OR position < %(before)s)
       AND (%(actor)s::text IS NULL OR actor = %(actor)s)
       AND (%(subject)s::text IS NULL OR subject = %(subject)s)
     ORDER BY position DESC
     LIMIT %(limit)s
"""


@dataclass(frozen=True)
class BrokenLink:
    """The first record at which the chain does not hold, and what is wrong there."""

    position: int
    reason: str


@dataclass(frozen=True)
class Walked:
    """What a walk over a chain found: how many records, the last one's hash (hex), and the first broken link."""

    records: int
    head: str
    broken: BrokenLink | None


async def record(
    connection: Connection,
    principal: Principal,
    action: str,
    subject: str,
    *,
    reason: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> int:
    """Append one record in the caller's transaction and return its position; call it last, before the commit.

    `action` is a dotted verb ("alarm.acknowledge"), `subject` names what was acted on ("alarm:17"). The chain of
    the tenant is locked until the transaction ends.
    """
    await connection.execute(_LOCK, [principal.tenant])
    head = await (await connection.execute(_HEAD, [principal.tenant])).fetchone()
    if head is None:
        raise LookupError("the audit record has no head")
    position = (head["position"] or 0) + 1
    subject = str(_storable(subject)).replace("\0", "\ufffd")
    content = canonical(
        {
            "tenant": principal.tenant,
            "position": position,
            "recorded_at": iso(head["now"]),
            "actor": principal.actor,
            "login": principal.login,
            "organisation": principal.organisation,
            "action": action,
            "subject": subject,
            "reason": reason,
            "details": dict(details or {}),
        }
    )
    await connection.execute(
        _APPEND,
        [
            principal.tenant,
            position,
            head["now"],
            principal.actor,
            action,
            subject,
            content.decode(),
            link(head["hash"] or GENESIS, content),
        ],
    )
    return position


async def record_writes(
    connection: Connection, principal: Principal, operation: str, entity_ids: Sequence[str]
) -> None:
    """Append one record of a person's write to the city's memory; costs nothing for tokens and devices.

    Their writes are readings, thousands a second, and carry their provenance in the entities themselves.
    """
    if principal.kind != "person" or not entity_ids:
        return
    subject = entity_ids[0] if len(entity_ids) == 1 else f"{len(entity_ids)} entities"
    details = {} if len(entity_ids) == 1 else {"entities": list(entity_ids[:_LISTED_ENTITIES])}
    await record(connection, principal, f"entity.{operation}", subject, details=details)


def canonical(content: Mapping[str, Any]) -> bytes:
    """Canonical JSON: keys sorted, no spaces, UTF-8, times in UTC; what PostgreSQL cannot store is replaced."""
    return orjson.dumps(_storable(content), option=orjson.OPT_SORT_KEYS)


def _storable(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case datetime():
            return iso(value)
        case Mapping():
            return {str(_storable(str(key))): _storable(member) for key, member in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_storable(member) for member in value]
        case _:
            return value


def link(previous: bytes, content: bytes) -> bytes:
    """The hash of a record: SHA-256 of the previous record's hash followed by this record's canonical JSON."""
    return hashlib.sha256(previous + content).digest()


async def verify(connection: Connection, tenant: str = "city") -> BrokenLink | None:
    """Walk a tenant's whole chain and return the first broken link, or None when it holds."""
    previous = GENESIS
    expected = 1
    async for row in _rows(connection, tenant):
        position: int = row["position"]
        if position != expected:
            return BrokenLink(expected, "a record is missing here")
        if link(previous, row["content"].encode()) != row["hash"]:
            return BrokenLink(position, "the record or its hash was changed")
        if not _columns_agree(row, tenant):
            return BrokenLink(position, "a column says something else than the record")
        previous = row["hash"]
        expected += 1
    return None


def _columns_agree(row: Mapping[str, Any], tenant: str) -> bool:
    content = orjson.loads(row["content"])
    return bool(
        content["tenant"] == tenant
        and content["position"] == row["position"]
        and content["recorded_at"] == iso(row["recorded_at"])
        and all(content[name] == row[name] for name in ("actor", "action", "subject"))
    )


async def head(connection: Connection, tenant: str = "city") -> tuple[int, str]:
    """Position and hash (hex) of the newest record; noted elsewhere, it proves that the end was not cut."""
    row = await (await connection.execute(_HEAD, [tenant])).fetchone()
    if row is None or row["hash"] is None:
        return 0, GENESIS.hex()
    return row["position"], row["hash"].hex()


async def export(connection: Connection, tenant: str = "city") -> AsyncIterator[bytes]:
    """Yield the chain as lines of JSON, oldest first: the record as it was hashed, and its hash (hex).

    Anybody can verify it: sha256(previous hash + the bytes of `record`) is `hash`, beginning with 32 zero bytes.
    """
    after = 0
    while True:
        lines, after = await export_some(connection, tenant, after)
        if not lines:
            return
        for line in lines:
            yield line


async def export_some(connection: Connection, tenant: str, after: int) -> tuple[list[bytes], int]:
    """Return the next lines of an export behind a position, and the position of the last; none at the end."""
    rows = await (await connection.execute(_READ, [tenant, after, _BATCH])).fetchall()
    # Spliced as text, so that the bytes that were hashed stay what they were.
    lines = [b'{"hash":"%s","record":%s}\n' % (row["hash"].hex().encode(), row["content"].encode()) for row in rows]
    return lines, rows[-1]["position"] if rows else after


def walk_export(lines: Iterable[bytes], noted: tuple[int, str] | None = None) -> Walked:
    """Walk an exported chain from its beginning; needs nothing but the lines.

    `noted` is a head (position, hex hash) that was written down earlier: the chain must go through it.
    """
    previous, records = GENESIS, 0
    for line in lines:
        found = _EXPORTED.fullmatch(line.rstrip(b"\r\n"))
        if found is None:
            return Walked(records, previous.hex(), BrokenLink(records + 1, "the line is no record"))
        records += 1
        previous = link(previous, found["record"])
        if previous.hex() != found["hash"].decode():
            return Walked(records, previous.hex(), BrokenLink(records, "the record or its hash was changed"))
        if noted is not None and noted[0] == records and noted[1] != previous.hex():
            return Walked(records, previous.hex(), BrokenLink(records, "the head that was noted is another one"))
    if noted is not None and noted[0] > records:
        return Walked(records, previous.hex(), BrokenLink(records + 1, "the end was cut off: a later head was noted"))
    return Walked(records, previous.hex(), None)


async def newest(
    connection: Connection,
    tenant: str,
    *,
    before: int | None,
    limit: int,
    actor: str | None = None,
    subject: str | None = None,
) -> list[dict[str, Any]]:
    """Records from the newest back, each with its hash (hex)."""
    criteria = {"tenant": tenant, "before": before, "limit": limit, "actor": actor, "subject": subject}
    rows = await (await connection.execute(_NEWEST, criteria)).fetchall()
    return [orjson.loads(row["content"]) | {"hash": row["hash"].hex()} for row in rows]


async def _rows(connection: Connection, tenant: str) -> AsyncIterator[dict[str, Any]]:
    after = 0
    while rows := await (await connection.execute(_READ, [tenant, after, _BATCH])).fetchall():
        for row in rows:
            yield row
        after = rows[-1]["position"]
