"""Find anything by a few letters, in any script: assets, devices, alarms, streets, help."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vidik.console.help_topics import HELP_TOPICS
from vidik.console.projection import Asset
from vidik.kernel.scripts import fold

_EACH = 8
_MOST = 24


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found; `rank` is smaller for what fits better."""

    rank: int
    kind: str
    id: str
    title: str
    subtitle: str | None
    place: list[float] | None

    def view(self) -> dict[str, Any]:
        """Return the hit as JSON."""
        return {
            "kind": self.kind,
            "id": self.id,
            "title": self.title,
            "subtitle": self.subtitle,
            "place": self.place,
        }


def rank(words: list[str], folded: str) -> int | None:
    """Return how well folded text fits all the words (0 begins with them, 1 a word does, 2 inside), or None."""
    worst = 0
    for place, word in enumerate(words):
        found = folded.find(word)
        if found < 0:
            return None
        begins = found == 0 and place == 0
        worst = max(worst, 0 if begins or place else 1 if f" {word}" in folded else 2)
    return worst


def find_assets(words: list[str], assets: Iterable[Asset], script: str) -> list[Hit]:
    """Return the assets that fit by name (in any language) or id, best first, titled in the reader's."""
    hits = []
    for asset in assets:
        fits = rank(words, asset.folded)
        if fits is not None:
            subtitle = asset.asset_type.service
            hits.append(Hit(fits, "asset", asset.id, asset.name_in(script), subtitle, asset.place))
    return best(hits)


def find_streets(words: list[str], streets: Mapping[str, tuple[str, list[float]]]) -> list[Hit]:
    """Return the streets that fit; `streets` maps a folded name to (name, a place on it)."""
    hits = []
    for folded, (name, place) in streets.items():
        fits = rank(words, folded)
        if fits is not None:
            hits.append(Hit(fits, "street", name, name, None, place))
    return best(hits)


def find_help(words: list[str], script: str) -> list[Hit]:
    """Return the topics of help that fit in any script, titled in the reader's."""
    hits = []
    for topic in HELP_TOPICS:
        fits = rank(words, fold(" ".join((topic.title.en, topic.title.sr, topic.keywords))))
        if fits is not None:
            hits.append(Hit(fits, "help", topic.code, topic.title.scripts()[script], None, None))
    return best(hits)


def find_rows(words: list[str], kind: str, rows: Iterable[Mapping[str, Any]]) -> list[Hit]:
    """Return rows (id, title, subtitle, text, place) that fit by their text."""
    hits = []
    for row in rows:
        fits = rank(words, fold(row["text"]))
        if fits is not None:
            hits.append(Hit(fits, kind, row["id"], row["title"], row["subtitle"], row["place"]))
    return best(hits)


def best(hits: list[Hit]) -> list[Hit]:
    """Return the few that fit best, shorter titles first among equals."""
    return sorted(hits, key=lambda hit: (hit.rank, len(hit.title), hit.title))[:_EACH]


def together(*groups: list[Hit]) -> list[dict[str, Any]]:
    """Return all groups as one list, what fits best first, each group's order kept."""
    hits = [hit for group in groups for hit in group]
    return [hit.view() for hit in sorted(hits, key=lambda hit: hit.rank)[:_MOST]]


def street_names(basemap: Mapping[str, Any]) -> dict[str, tuple[str, list[float]]]:
    """Return the named streets of a base map: folded name to (name, the middle of its longest piece)."""
    found: dict[str, tuple[int, str, list[float]]] = {}
    streets = basemap.get("layers", {}).get("streets", {}).get("features", [])
    for feature in streets:
        name = (feature.get("properties") or {}).get("name")
        line = _line(feature.get("geometry") or {})
        if not isinstance(name, str) or not name or not line:
            continue
        before = found.get(fold(name))
        if before is None or len(line) > before[0]:
            middle = line[len(line) // 2]
            found[fold(name)] = (len(line), name, [float(middle[0]), float(middle[1])])
    return {folded: (name, place) for folded, (_, name, place) in found.items()}


def _line(geometry: Mapping[str, Any]) -> list[list[float]]:
    coordinates = geometry.get("coordinates") or []
    if geometry.get("type") == "LineString":
        return list(coordinates)
    if geometry.get("type") == "MultiLineString":
        return list(max(coordinates, key=len, default=[]))
    return []
