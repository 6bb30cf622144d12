"""One request that is shared with other sources: who is concerned, in which words, and what went wrong."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field

from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems
from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.http.exchange import Parameters
from vidik.context.ngsild.query import q
from vidik.context.registrations.forwarding import hearsay
from vidik.context.registrations.forwarding.federation import Federation
from vidik.context.registrations.forwarding.requests import LOOP_DETECTED, Answer, Errand, Sender
from vidik.context.registrations.sources import own_properties
from vidik.context.registrations.sources.matching import Asked, matching
from vidik.context.registrations.sources.model import Information, Registration
from vidik.context.registrations.sources.registry import Known
from vidik.kernel.clock import now
from vidik.kernel.errors import VidikError

Handler = Callable[[Call], Awaitable[Response]]
"""How the API answers a request here alone."""

_RECEIVED_BY = re.compile(r"\s*(?:[^\s,/]+/)?[\d.]+\s+([^\s,]+)")


class LoopDetected(VidikError):
    """What this broker forwarded came back to it (clauses 5.5.2 and 6.3.18)."""

    status = LOOP_DETECTED
    title = "The request came back"
    default_code = "loop-detected"


@dataclass(slots=True)
class Words:
    """What names are written in on the way to a source; `link` is the address of that @context."""

    context: ActiveContext
    link: str | None


@dataclass(slots=True)
class Sharing:
    """A request and the sources that it may be shared with."""

    call: Call
    known: Known
    federation: Federation
    visited: frozenset[str]
    warnings: list[str] = field(default_factory=list)
    left_out: frozenset[int] = frozenset()
    """Registrations that a context source filter does not let take part."""

    @classmethod
    def of(cls, call: Call, known: Known, federation: Federation) -> Sharing:
        """The sharing of a request; raises LoopDetected for one that has been here before."""
        via = call.request.headers.get("via", "")
        visited = frozenset(match.group(1) for part in via.split(",") if (match := _RECEIVED_BY.match(part)))
        if known.alias in visited:
            raise LoopDetected(
                "This request has been forwarded by this broker before.",
                type_uri=problems.ERRORS + "LoopDetected",
            )
        return cls(call, known, federation, visited)

    async def narrow(self, asked: Parameters, context: ActiveContext) -> None:
        """Let only sources take part that fit the context source filter, where one is given (`csf`, clause 4.9).

        Raises BadInput for a filter that cannot be read.
        """
        text = asked.get("csf")
        if text is None:
            return
        query = q.parse_q(text, "csf")
        async with self.call.broker.reader.session(self.call.tenant) as connection:
            every = self.known.registrations
            fits = await own_properties.fit(connection, [(one, (query,), context) for one in every])
        self.left_out = frozenset(one.key for one, is_fitting in zip(every, fits, strict=True) if not is_fitting)

    def concerned(self, asked: Asked) -> Iterator[tuple[Registration, Information]]:
        """Registrations in force, each with a part of its information, that a question concerns."""
        moment = now()
        datasets = frozenset(self.call.parameters.names("datasetId") or ())
        for one in self.known.of_types(asked.types):
            if datasets and one.datasets and datasets.isdisjoint(one.datasets):
                continue  # clause 5.12
            if one.is_in_force(moment) and one.alias not in self.visited and one.key not in self.left_out:
                for part in matching(one, asked):
                    yield one, part

    def asks(self, registration: Registration) -> bool:
        """Whether the entity map that is used, where one is, says that a source has something of what is asked."""
        return self.call.mapped is None or self.call.mapped.asks(registration.id)

    async def words(self, registration: Registration, context: ActiveContext) -> Words:
        """The words for a source: its jsonldContext, else the request's where it has an address, else none."""
        contexts = self.call.broker.contexts
        address = registration.info.get("jsonldContext")
        if address is not None:
            return Words(await contexts.resolve(address), address)
        if context is contexts.core or not isinstance(context.source, str):
            return Words(contexts.core, None)
        return Words(context, context.source)

    async def words_or_warn(self, registration: Registration, context: ActiveContext) -> Words | None:
        """The words for a source; None, and a warning, where its jsonldContext cannot be had."""
        try:
            return await self.words(registration, context)
        except VidikError as error:
            self.warn(registration, Answer(0, problem=error.detail))
            return None

    async def send(self, errand: Errand) -> Answer:
        """Do an errand in the name of the request."""
        request = self.call.request
        via = ", ".join([*request.headers.getlist("via"), f"1.1 {self.known.alias}"])
        sender = Sender(self.call.tenant, via, request.headers)
        return await self.federation.forwarder.send(sender, errand)

    def warn(self, registration: Registration, answer: Answer) -> None:
        """Note that a source's share of an answer is missing (clause 6.3.17)."""
        text = answer.problem or f"the source answered {answer.status}"
        self.warnings.append(f'{answer.warn_code} {registration.id} "{hearsay.plain(text, registration)}"')

    def headers(self) -> Mapping[str, str]:
        """The headers that say what is missing of an answer."""
        return {"NGSILD-Warning": ", ".join(self.warnings)} if self.warnings else {}
