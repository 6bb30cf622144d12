"""Kinds: the combinations of entity types that a tenant has, each with a number.

The number is a hash of the sorted types, so that no process must ask for it, none can remember one that a rollback
took away, and (kind, id) and (kind, place) are plain scalar indexes whatever number of types an entity has.
"""

import hashlib
from collections.abc import Iterable
from functools import lru_cache

import orjson

from vidik.context.store import arrays
from vidik.kernel.database import Connection

Types = tuple[str, ...]


@lru_cache(maxsize=4096)
def kind_of(types: Types) -> int:
    """The number (signed 64 bits) of a combination of expanded types, in whatever order."""
    digest = hashlib.sha256("\n".join(sorted(types)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


async def register(connection: Connection, combinations: Iterable[Types]) -> None:
    """Make sure that the tenant knows these kinds; part of the transaction that first uses them."""
    kinds = sorted({tuple(sorted(types)) for types in combinations})
    if not kinds:
        return
    await connection.execute(
        "INSERT INTO kind (kind, types)"
        " SELECT new.kind, ARRAY(SELECT jsonb_array_elements_text(new.types)) FROM unnest(%s, %s) AS new (kind, types)"
        " ON CONFLICT DO NOTHING",
        [
            arrays.bigints([kind_of(types) for types in kinds]),
            arrays.documents([orjson.dumps(types).decode() for types in kinds]),
        ],
    )


async def all_kinds(connection: Connection) -> dict[int, Types]:
    """Every kind that the tenant has: number and sorted types (tens of rows)."""
    cursor = await connection.execute("SELECT kind, types FROM kind")
    return {row["kind"]: tuple(row["types"]) for row in await cursor.fetchall()}
