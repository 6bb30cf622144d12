"""Which vital signs a city has: the package's, what it changed of them, those that it made, and their layout."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final, Literal, NamedTuple

import orjson
import structlog

from vidik.console.vitals import repository
from vidik.console.vitals.sign import Sign, definition_of, read_sign
from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.errors import BadInput, NotFound, Unprocessable
from vidik.kernel.identity import Principal
from vidik.kernel.versions import Changed

_log = structlog.get_logger(__name__)

Origin = Literal["package", "changed", "own"]
MOST_SIGNS: Final = 60
MOST_IN_STRIP: Final = 8


class Standing(NamedTuple):
    """A sign that stands, where it comes from, and its record; version 0 is the package's own."""

    sign: Sign
    origin: Origin
    version: int = 0
    changed_by: str | None = None
    changed_at: Any = None


class Layout(NamedTuple):
    """Which signs stand where, each list in its order; version 0 is the package's own."""

    strip: Sequence[str]
    page: Sequence[str]
    hidden: Sequence[str]
    version: int = 0
    changed_by: str | None = None
    changed_at: Any = None


def read_signs(text: str) -> tuple[dict[str, Sign], list[str]]:
    """Return the signs of a TOML file by key, and its strip; raises BadInput that names the sign and the field."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"The vital signs are not TOML: {error}") from error
    unknown = sorted(set(told) - {"strip", "sign"})
    if unknown:
        raise BadInput(f"The vital signs have no {unknown[0]}: only strip and sign.", field=unknown[0])
    items = told.get("sign", [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise BadInput("The vital signs are a list of [[sign]].", field="sign")
    found: dict[str, Sign] = {}
    for item in items:
        try:
            sign = read_sign(item)
        except BadInput as error:
            raise BadInput(f"{item.get('key', '?')}: {error.detail}", field=error.field) from error
        if sign.key in found:
            raise BadInput(f"Two vital signs have the key {sign.key}.", field="key")
        found[sign.key] = sign
    strip = told.get("strip", [])
    if not isinstance(strip, list) or not set(strip) <= set(found) or len(strip) > MOST_IN_STRIP:
        raise BadInput(f"The strip is a list of at most {MOST_IN_STRIP} of the keys.", field="strip")
    return found, strip


@cache
def packaged() -> tuple[dict[str, Sign], list[str]]:
    """Return the signs that come with Vidik by key, and the strip."""
    return read_signs(files("vidik.console.vitals").joinpath("signs.toml").read_text("utf-8"))


async def standing_signs(connection: Connection) -> dict[str, Standing]:
    """Return every sign of the city by key, the package's first; one that this Vidik cannot read is left out."""
    return _standing(await repository.changed_signs(connection))


def _standing(rows: Iterable[Mapping[str, Any]]) -> dict[str, Standing]:
    own, _ = packaged()
    found = {key: Standing(sign, "package") for key, sign in own.items()}
    for row in rows:
        key, record = row["key"], (row["version"], row["changed_by"], row["changed_at"])
        if row["definition"] is None:
            if key in own:
                found[key] = Standing(own[key], "package", *record)
            continue
        try:
            found[key] = Standing(_read(orjson.dumps(row["definition"])), "changed" if key in own else "own", *record)
        except BadInput as error:
            _log.error("a changed vital sign is left out", sign=key, reason=error.detail)
    return found


@lru_cache(maxsize=1_000)
def _read(definition: bytes) -> Sign:
    """Return a sign as the table has it; asked for with every question of a screen."""
    return read_sign(orjson.loads(definition))


async def standing_layout(connection: Connection, signs: Iterable[str]) -> Layout:
    """Return where each sign stands: what no list of the city names comes last on the page."""
    row = await repository.layout(connection)
    keys = list(signs)
    if row is None:
        strip = packaged()[1]
        return Layout(strip, [key for key in keys if key not in strip], [])
    named = {*row["strip"], *row["page"], *row["hidden"]}
    there = set(keys)
    strip, page, hidden = ([key for key in row[part] if key in there] for part in ("strip", "page", "hidden"))
    page += [key for key in keys if key not in named]
    return Layout(strip, page, hidden, row["version"], row["changed_by"], row["changed_at"])


async def write_sign(
    connection: Connection, principal: Principal, key: str, definition: Mapping[str, Any], version: int
) -> tuple[Standing | None, Standing]:
    """Write a sign over the version that was seen (0: the package's, or none); returns what stood before and stands.

    Raises BadInput with the field at fault, Changed, Unprocessable for one sign too many.
    """
    sign = read_sign({**definition, "key": key})
    await repository.lock(connection)
    rows = await repository.changed_signs(connection)
    signs = _standing(rows)
    before = signs.get(key)
    _seen(before, version)
    if before is None and len(signs) >= MOST_SIGNS:
        raise Unprocessable(
            f"A city has at most {MOST_SIGNS} vital signs.", code="vital-signs-many", values={"most": MOST_SIGNS}
        )
    # One that was removed and made again goes on counting: a version never stands for two things.
    following = 1 + max((row["version"] for row in rows if row["key"] == key), default=0)
    moment = now()
    await repository.write_sign(connection, key, definition_of(sign), following, principal.name, moment)
    origin: Origin = "changed" if key in packaged()[0] else "own"
    return before, Standing(sign, origin, following, principal.name, moment)


async def take_back(
    connection: Connection, principal: Principal, key: str, version: int
) -> tuple[Standing, Standing | None]:
    """Let the package's sign stand again, or remove one that the city made; returns what stood and what stands now.

    Raises NotFound when nobody changed it, Changed.
    """
    await repository.lock(connection)
    before = (await standing_signs(connection)).get(key)
    if before is None or before.origin == "package":
        raise NotFound(f"Nobody has changed a vital sign {key}.")
    _seen(before, version)
    moment = now()
    await repository.write_sign(connection, key, None, version + 1, principal.name, moment)
    original = packaged()[0].get(key)
    if original is None:
        return before, None
    return before, Standing(original, "package", version + 1, principal.name, moment)


async def write_layout(
    connection: Connection, principal: Principal, lists: Mapping[str, Sequence[str]], version: int
) -> tuple[Layout, Layout]:
    """Write where signs stand, over the version that was seen; returns what stood before and what stands.

    Raises Changed, Unprocessable unless every sign of the city stands in exactly one place.
    """
    await repository.lock(connection)
    signs = await standing_signs(connection)
    before = await standing_layout(connection, signs)
    if before.version != version:
        raise Changed(layout_view(before), before.changed_by or "")
    told = [key for part in ("strip", "page", "hidden") for key in lists[part]]
    if sorted(told) != sorted(signs):
        raise Unprocessable("Every vital sign stands in exactly one list.", field="strip", code="vital-layout-keys")
    moment = now()
    await repository.write_layout(connection, lists, version + 1, principal.name, moment)
    return before, Layout(lists["strip"], lists["page"], lists["hidden"], version + 1, principal.name, moment)


def _seen(before: Standing | None, version: int) -> None:
    if (before.version if before else 0) != version:
        current = sign_view(before) if before else {}
        raise Changed(current, (before.changed_by if before else None) or "")


def sign_view(standing: Standing) -> dict[str, Any]:
    """Return a sign as who manages it sees it; `original` is the package's definition where it was changed."""
    original = packaged()[0].get(standing.sign.key)
    return {
        "key": standing.sign.key,
        "name": standing.sign.name.scripts(),
        "definition": definition_of(standing.sign),
        "original": definition_of(original) if original is not None and standing.origin == "changed" else None,
        "origin": standing.origin,
        "version": standing.version,
        "changed_by": standing.changed_by,
        "changed_at": iso(standing.changed_at) if standing.changed_at else None,
    }


def layout_view(layout: Layout) -> dict[str, Any]:
    """Return a layout as JSON."""
    return {
        "strip": list(layout.strip),
        "page": list(layout.page),
        "hidden": list(layout.hidden),
        "version": layout.version,
        "changed_by": layout.changed_by,
        "changed_at": iso(layout.changed_at) if layout.changed_at else None,
    }
