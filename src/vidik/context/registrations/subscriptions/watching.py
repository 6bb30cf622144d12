"""Which registrations somebody who subscribed to them is told of (ETSI GS CIM 009, clauses 5.11.2 and 5.11.7). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild.http.exchange import LD_JSON, Parameters, context_of_answer
from vidik.context.ngsild.problems import bad_data
from vidik.context.ngsild.query import q
from vidik.context.ngsild.query.selections import matches_scopes
from vidik.context.registrations.sources import matching
from vidik.context.registrations.sources.matching import Asked, Times
from vidik.context.registrations.sources.model import Json, Registration
from vidik.context.registrations.sources.parsing import shown_registration
from vidik.context.subscriptions.addresses import without_login
from vidik.context.subscriptions.model import Subscription
from vidik.kernel.clock import iso

Reason = Literal["newlyMatching", "updated", "noLongerMatching"]
_TEMPORAL: Final = ("timerel", "timeAt", "endTimeAt", "timeproperty")


@dataclass(frozen=True, slots=True)
class Watch:
    """What a subscription asks of registrations."""

    subscription: Subscription
    asked: tuple[Asked, ...]
    """Of these one must concern a part of a registration's information."""
    times: Times | None
    """None asks for sources that tell of now."""
    filters: tuple[q.Query, ...]
    """What must hold of the properties that a source's owner gave it: `csf` and `q`."""

    @property
    def words(self) -> ActiveContext:
        """The words that its filters are written in."""
        return self.subscription.query_context or self.subscription.context


def watch_of(subscription: Subscription, body: Mapping[str, Any]) -> Watch:
    """What a subscription with this JSON asks of registrations; raises BadInput naming the member at fault."""
    asked = tuple(
        Asked(
            matching.leaf_types(one.types),
            None if one.id is None else frozenset((one.id,)),
            matching.pattern_of(one.id_pattern),
            subscription.watched,
        )
        for one in subscription.selectors
    )
    filters = [] if subscription.query is None else [subscription.query]
    if "csf" in body:
        filters.append(q.parse_q(body["csf"]))
    return Watch(
        subscription, asked or (Asked(attributes=subscription.watched),), _times(body.get("temporalQ")), tuple(filters)
    )


def _times(given: Any) -> Times | None:
    if given is None:
        return None
    if not isinstance(given, dict) or not all(isinstance(one, str) for one in given.values()):
        raise bad_data("temporalQ is an object with timerel and timeAt.", "temporalQ")
    if "timerel" not in given:
        raise bad_data("temporalQ has a timerel.", "temporalQ.timerel")
    return matching.parse_times(Parameters.of({name: given[name] for name in _TEMPORAL if name in given}))


def relevant(watch: Watch, registration: Registration, core: ActiveContext, moment: datetime) -> Json | None:
    """A registration as it is stored, with the parts of its information that a subscription asks about.

    None where it asks about none, or the registration does not match otherwise. Filters are not looked at.
    """
    if not registration.is_in_force(moment) or not _is_of_time(watch, registration):
        return None
    subscription = watch.subscription
    if subscription.scopes is not None and not matches_scopes(subscription.scopes, registration.scopes):
        return None
    if subscription.geo is not None:
        word = core.compact(subscription.geo.geo_property)
        if not matching.is_in_place(registration, subscription.geo, word, unplaced=False):
            return None
    parts = [
        stored
        for stored, part in zip(registration.body["information"], registration.information, strict=True)
        if any(matching.concerns(part, one) for one in watch.asked)
    ]
    return {**registration.body, "information": parts} if parts else None


def _is_of_time(watch: Watch, registration: Registration) -> bool:
    return registration.is_of_now if watch.times is None else watch.times.meets(registration)


def reason_of(former: Json | None, new: Json | None) -> Reason | None:
    """Why a subscription is told of a change: what was relevant to it before, and what is now."""
    if new is not None:
        return "newlyMatching" if former is None else "updated"
    return None if former is None else "noLongerMatching"


def told(watch: Watch, registration: Registration, relevant_part: Json) -> Json:
    """A registration as a notification shows it; what opens the source's door stays here."""
    subscription = watch.subscription
    shown = shown_registration(relevant_part, subscription.context)
    shown.pop("contextSourceInfo", None)
    shown["endpoint"] = without_login(shown["endpoint"])
    if subscription.view.system:
        shown |= {"createdAt": iso(registration.created_at), "modifiedAt": iso(registration.modified_at)}
    if subscription.endpoint.accept == LD_JSON:
        shown["@context"] = context_of_answer(subscription.context)
    return shown
