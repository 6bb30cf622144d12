"""What a snapshot is, as a client writes it and as it is shown (ETSI GS CIM 009, clause 5.2.41). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from vidik.context.ngsild import problems, values
from vidik.context.ngsild.temporal.query import parse_duration
from vidik.context.subscriptions.addresses import is_address, without_keys
from vidik.context.subscriptions.model import Endpoint
from vidik.context.subscriptions.parsing import is_header
from vidik.kernel.clock import iso

Status = Literal["preparing", "success", "partial", "empty", "failure"]
Json = dict[str, Any]

QUERIES: Final = ("snapshotQueries", "snapshotTemporalQueries")
DETAILS: Final = {
    "snapshotQueries": "snapshotQueriesDetails",
    "snapshotTemporalQueries": "snapshotTemporalQueriesDetails",
}
TIMES: Final = ("createdAt", "modifiedAt", "expiresAt", "lastUsedAt")
_PROVIDED: Final = ("snapshotStatus", *DETAILS.values(), *TIMES, "@context")
_CHANGEABLE: Final = ("snapshotLifetime", "snapshotPriority", "endpoint", "receiverInfo")
MEMBERS: Final = frozenset(("id", "type", "snapshotStatus", "endpoint", *TIMES, *_CHANGEABLE))
"""What a purge may ask about."""
DEFAULT_PRIORITY: Final = 5
LIFETIME: Final = timedelta(days=1)
LONGEST_LIFETIME: Final = timedelta(days=7)
MAXIMUM_QUERIES: Final = 20


@dataclass(slots=True)
class Snapshot:
    """One snapshot of a tenant's memory."""

    id: str
    place: str
    """32 hexadecimal digits that name its schema."""
    body: Json
    status: Status
    priority: int
    created_at: datetime
    modified_at: datetime
    expires_at: datetime
    last_used_at: datetime

    @property
    def tenant(self) -> str:
        """The name under which the database knows what it holds."""
        return f"snapshot:{self.place}"

    @property
    def endpoint(self) -> Endpoint | None:
        """Who is told how it is doing."""
        uri = self.body.get("endpoint")
        pairs = self.body.get("receiverInfo") or ()
        return None if uri is None else Endpoint(uri, receiver_info=tuple((one["key"], one["value"]) for one in pairs))

    def times(self) -> Json:
        """The moments that matter of it."""
        moments = (self.created_at, self.modified_at, self.expires_at, self.last_used_at)
        return dict(zip(TIMES, map(iso, moments), strict=True))


def parse(body: Any, *, queries: bool) -> Json:
    """The body of a new snapshot; `queries` says that it has queries, which a clone has not. Raises BadInput."""
    given = _given(body)
    if given.get("type") != "Snapshot":
        raise problems.bad_data('A snapshot has the type "Snapshot".', "type")
    if "id" in given:
        values.uri(given["id"], "id")
    if queries and not any(name in given for name in QUERIES):
        raise problems.bad_data(f"A snapshot has {' or '.join(QUERIES)}.", "snapshotQueries")
    for name in QUERIES:
        if name in given:
            if not queries:
                raise problems.bad_data("A clone has the queries of what it is a clone of.", name)
            _check_queries(given[name], name)
    _check(given, {"id", "type", *QUERIES, *_CHANGEABLE})
    return given


def parse_fragment(body: Any, snapshot_id: str) -> Json:
    """What a client changes of a snapshot; raises BadInput."""
    given = _given(body)
    if given.pop("id", snapshot_id) != snapshot_id or given.pop("type", "Snapshot") != "Snapshot":
        raise problems.bad_data("Neither the id nor the type of a snapshot changes.", "id")
    _check(given, set(_CHANGEABLE))
    return given


def _given(body: Any) -> Json:
    if not isinstance(body, dict):
        raise problems.bad_data("A snapshot is a JSON object.")
    return {name: value for name, value in body.items() if name not in _PROVIDED}


def _check(given: Json, known: set[str]) -> None:
    unknown = given.keys() - known
    if unknown:
        raise problems.bad_data(f"{min(unknown)} is no member of a snapshot that can be given here.", min(unknown))
    priority = given.get("snapshotPriority", DEFAULT_PRIORITY)
    if not isinstance(priority, int) or isinstance(priority, bool) or not 1 <= priority <= 10:
        raise problems.bad_data("snapshotPriority is a whole number of 1 to 10.", "snapshotPriority")
    if "snapshotLifetime" in given:
        lifetime_of(given)
    if "endpoint" in given:
        uri = values.uri(given["endpoint"], "endpoint")
        if not is_address(uri, ("http", "https")):
            raise problems.bad_data("endpoint is an address of http or https.", "endpoint")
    pairs = given.get("receiverInfo", [])
    if not isinstance(pairs, list) or not all(map(_is_pair, pairs)):
        raise problems.bad_data("receiverInfo is a list of objects with a key and a value.", "receiverInfo")


def _is_pair(one: Any) -> bool:
    """Whether it is a header that may be sent, with a name of letters, digits, - and _ only."""
    if not isinstance(one, dict) or not all(isinstance(one.get(name), str) for name in ("key", "value")):
        return False
    name = one["key"].replace("-", "").replace("_", "")
    return name.isascii() and name.isalnum() and is_header(one["key"], one["value"])


def _check_queries(given: Any, name: str) -> None:
    if not isinstance(given, list) or not 1 <= len(given) <= MAXIMUM_QUERIES:
        raise problems.bad_data(f"{name} is a list of 1 to {MAXIMUM_QUERIES} queries.", name)
    for one in given:
        if not isinstance(one, dict) or one.get("type") != "Query":
            raise problems.bad_data(f'{name} is a list of objects with the type "Query".', name)
        if ("temporalQ" in one) != (name == "snapshotTemporalQueries"):
            raise problems.bad_data("temporalQ goes with snapshotTemporalQueries, and with those always.", name)


def lifetime_of(body: Mapping[str, Any]) -> timedelta:
    """How long a snapshot lasts from now; raises BadInput."""
    text = body.get("snapshotLifetime")
    if text is None:
        return LIFETIME
    if not isinstance(text, str):
        raise problems.bad_data("snapshotLifetime is an ISO 8601 duration such as PT1H.", "snapshotLifetime")
    wanted = parse_duration(text, "snapshotLifetime")
    if wanted.is_zero:
        raise problems.bad_data("snapshotLifetime is longer than nothing.", "snapshotLifetime")
    return min(wanted.about, LONGEST_LIFETIME)


def status_of(details: Sequence[Mapping[str, Any]]) -> Status:
    """How a snapshot is, from how each of its queries went."""
    results = [one["resultStatus"] for one in details]
    if "failure" in results:
        return "failure" if set(results) == {"failure"} else "partial"
    if any("problemDetails" in one for one in details):
        return "partial"
    return "success" if "success" in results else "empty"


def shown(snapshot: Snapshot, *, secrets: bool) -> Json:
    """A snapshot as it is told; without `secrets` the keys to its endpoint are hidden."""
    body = {"id": snapshot.id, "type": "Snapshot", **snapshot.body, "snapshotStatus": snapshot.status}
    body |= {"snapshotPriority": snapshot.priority, **snapshot.times()}
    if not secrets and "receiverInfo" in body:
        body["receiverInfo"] = [{**one, "value": "…"} for one in body["receiverInfo"]]
    if not secrets and "endpoint" in body:
        body["endpoint"] = without_keys(body["endpoint"])
    return body


def notification(snapshot: Snapshot, moment: datetime, notification_id: str) -> Json:
    """A SnapshotNotification (clause 5.3.4)."""
    body: Json = {
        "id": notification_id,
        "type": "SnapshotNotification",
        "snapshotId": snapshot.id,
        "notifiedAt": iso(moment),
        "snapshotStatus": snapshot.status,
        "expiresAt": iso(snapshot.expires_at),
    }
    # The two data types spell this member differently.
    for name, spelt in (
        ("snapshotQueriesDetails", "snapshotQueriesDetails"),
        ("snapshotTemporalQueriesDetails", "temporalSnapshotQueriesDetails"),
    ):
        if name in snapshot.body:
            body[spelt] = snapshot.body[name]
    return body
