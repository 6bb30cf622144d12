"""One request and its answer: contexts, media types, tenants and parameters, as clause 6.3 has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl, quote

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vidik.context.jsonld import packaged
from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems
from vidik.context.ngsild.http.nesting import MAXIMUM_NESTING, is_too_deep
from vidik.kernel.answers import WHOLE_ANSWER

JSON: Final = "application/json"
LD_JSON: Final = "application/ld+json"
GEO_JSON: Final = "application/geo+json"
READABLE: Final = (JSON, LD_JSON, GEO_JSON)
"""What an answer about entities can be had as."""
MERGE_PATCH: Final = "application/merge-patch+json"
CONTEXT_REL: Final = "http://www.w3.org/ns/json-ld#context"
MAXIMUM_BODY: Final = 8 * 1024 * 1024

_LINK = re.compile(r"<([^>]*)>\s*((?:;\s*[^;,=\"\s]+\s*(?:=\s*(?:\"[^\"]*\"|[^;,\"\s]*))?\s*)*)")
_LINK_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^;,\s]*))")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]*)", re.IGNORECASE)
_ZERO = b"\\u0000"


class Parameters:
    """The query string, each parameter once."""

    def __init__(self, query_string: bytes) -> None:
        self._values: dict[str, str] = {}
        if not query_string:
            return
        try:
            pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=64)
        except (UnicodeDecodeError, ValueError) as error:
            raise problems.invalid_request("The query string cannot be read.") from error
        for name, value in pairs:
            if "\x00" in value:
                raise problems.bad_data("A parameter has no zero characters.", name)
            self._values[name] = f"{self._values[name]},{value}" if name in self._values else value

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Parameters:
        """Parameters that did not come in a query string."""
        made = cls(b"")
        made._values.update(values)
        return made

    def joined(self, other: Parameters) -> Parameters:
        """These parameters, with those of another that these do not have."""
        return Parameters.of({**other._values, **self._values})

    def get(self, name: str) -> str | None:
        """A parameter's text; None when it is absent or empty."""
        return self._values.get(name) or None

    def has(self, name: str) -> bool:
        """Whether a parameter is there, be it empty."""
        return name in self._values

    def present(self) -> frozenset[str]:
        """The names of all parameters."""
        return frozenset(self._values)

    def names(self, name: str) -> list[str] | None:
        """A parameter that is a list with commas; None when it is absent."""
        text = self.get(name)
        return None if text is None else [part.strip() for part in text.split(",") if part.strip()]

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number within limits; raises BadInput."""
        text = self.get(name)
        if text is None:
            return default
        if not text.isascii() or not text.lstrip("-").isdigit() or not low <= int(text[:12]) <= high:
            raise problems.bad_data(f"{name} is a whole number of {low} to {high}.", name)
        return int(text)

    def flag(self, name: str) -> bool:
        """A parameter that is true or false."""
        text = self.get(name)
        if text not in (None, "true", "false"):
            raise problems.bad_data(f"{name} is true or false.", name)
        return text == "true"

    def with_offset(self, offset: int) -> str:
        """The query string again, with another offset; in the order of the parameters' names."""
        changed = sorted({**self._values, "offset": str(offset)}.items())
        return "&".join(f"{quote(name)}={quote(value, safe=':/,;*')}" for name, value in changed)


def link_context(request: Request) -> str | None:
    """The address of the @context that a Link header names; raises BadInput for two of them."""
    found = [address for header in request.headers.getlist("link") for address in _contexts_in(header)]
    if len(found) > 1:
        raise problems.bad_data("There is at most one Link to an @context.", "Link")
    return found[0] if found else None


@lru_cache(maxsize=512)
def _contexts_in(header: str) -> tuple[str, ...]:
    found: list[str] = []
    for match in _LINK.finditer(header):
        rel = _LINK_REL.search(match.group(2))
        if rel and CONTEXT_REL in ((rel.group(1) or rel.group(2) or "").split()):
            found.append(match.group(1).strip())
    return tuple(found)


def has_header(request: Request, name: bytes) -> bool:
    """Whether a header is there: asked of every request several times, and ten times quicker than reading it."""
    scope = request.scope
    names = scope.get("vidik.header_names")
    if names is None:
        names = scope["vidik.header_names"] = {given for given, _ in scope["headers"]}
    return name in names


@lru_cache(maxsize=512)
def accepted(header: str, offered: tuple[str, ...]) -> str:
    """The offered media type that an Accept header likes best; raises NotAcceptable."""
    best, best_quality = None, 0.0
    for offer in offered:
        quality = _quality(header, offer)
        if quality > best_quality:
            best, best_quality = offer, quality
    if best is None:
        raise problems.not_acceptable(f"This resource can be had as {', '.join(offered)}.")
    return best


def _quality(header: str, offer: str) -> float:
    """The quality that the most specific range of an Accept header gives to a media type."""
    found, precision = 0.0, -1
    for part in header.split(","):
        media, *parameters = [piece.strip().lower() for piece in part.split(";")]
        level = {offer: 2, f"{offer.partition('/')[0]}/*": 1, "*/*": 0}.get(media)
        if level is None or level < precision:
            continue
        quality = 1.0
        for parameter in parameters:
            name, _, number = parameter.partition("=")
            if name.strip() == "q":
                try:
                    quality = min(max(float(number), 0.0), 1.0)
                except ValueError:
                    quality = 1.0  # what cannot be read says nothing
        found, precision = quality, level
    return found


async def read_json(request: Request, media_types: Sequence[str]) -> tuple[Any, str]:
    """The body as JSON and its media type.

    Raises UnsupportedMediaType, TooLarge, or BadInput (InvalidRequest) for what is not JSON or says not what it is.
    """
    declared_kind = request.headers.get("content-type")
    if declared_kind is None:
        # Clause 6.3.4 answers 415 to another media type; that there is none is a precondition like any other.
        raise problems.invalid_request(f"A body has a Content-Type: {', '.join(media_types)}.", "Content-Type")
    kind = declared_kind.partition(";")[0].strip().lower()
    if kind not in media_types:
        raise problems.unsupported_media_type(f"This operation takes {', '.join(media_types)}.")
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > MAXIMUM_BODY:
        raise problems.too_large(MAXIMUM_BODY)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAXIMUM_BODY:
            raise problems.too_large(MAXIMUM_BODY)
    if not body.strip():
        raise problems.invalid_request("The request has no body.")
    if ";" in declared_kind and _is_in_doubt(declared_kind, body):
        raise problems.unsupported_charset()
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise problems.invalid_request(f"The body is not JSON: {error}.") from error
    if is_too_deep(body, content):
        raise problems.bad_data(f"The body is nested deeper than {MAXIMUM_NESTING} levels.")
    if _ZERO in body and _has_zero(content):
        raise problems.bad_data("Text has no zero characters.")
    return content, kind


def _is_in_doubt(declared_kind: str, body: bytearray) -> bool:
    """Whether a body may say something else in the charset that is declared than it does in UTF-8.

    JSON knows no such parameter, and JSON is UTF-8 whatever it says (RFC 8259, 8.1 and 11): what is plain ASCII is the
    same either way. Anything else would be stored as what the sender did not say.
    """
    found = _CHARSET.search(declared_kind)
    is_other = found is not None and found.group(1).lower() not in ("utf-8", "utf8")
    return is_other and (not body.isascii() or 0 in body)


def _has_zero(content: Any) -> bool:
    waiting = [content]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if "\x00" in one:
                return True
        elif isinstance(one, dict):
            waiting.extend(one)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return False


def body_context(content: Any, kind: str, link: str | None) -> Any:
    """What a body says its @context is (clause 6.3.5); raises BadInput for one in the wrong place."""
    inline = content.get("@context") if isinstance(content, dict) else None
    if kind == LD_JSON:
        if link is not None:
            raise problems.bad_data(f"With {LD_JSON} the @context is in the body, not in a Link header.", "Link")
        if isinstance(content, dict) and inline is None:
            raise problems.bad_data(f"With {LD_JSON} the body has an @context.", "@context")
        return inline
    if isinstance(content, dict) and "@context" in content:
        raise problems.bad_data(f"With {kind} the @context is in a Link header, not in the body.", "@context")
    return link


def context_of_answer(context: ActiveContext) -> Any:
    """What an answer in JSON-LD says its @context is."""
    source = context.source
    if context.names_core or source == packaged.CORE_CONTEXT_URL:
        return source
    return [*(source if isinstance(source, list) else [source]), packaged.CORE_CONTEXT_URL]


class Answer(Response):
    """A body that is made already, with its headers as they leave: Starlette's own reads and writes each of them."""

    def __init__(
        self, body: bytes, kind: str, headers: Mapping[str, str], link: bytes | None = None, status: int = 200
    ) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        self.raw_headers = [(b"content-length", b"%d" % len(body)), (b"content-type", kind.encode())]
        for name, value in headers.items():
            if link is not None and name == "Link":
                link = b"%s, %s" % (value.encode("latin-1"), link)
            else:
                self.raw_headers.append((name.lower().encode("latin-1"), value.encode("latin-1")))
        if link is not None:
            self.raw_headers.append((b"link", link))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if WHOLE_ANSWER in scope.get("extensions", ()):
            body = self.body
            await send({"type": WHOLE_ANSWER, "status": self.status_code, "headers": self.raw_headers, "body": body})
        else:
            await super().__call__(scope, receive, send)


def answer(
    body: Any,
    kind: str,
    context: ActiveContext,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    prefer: str = "",
) -> Response:
    """JSON with a Link to the @context, or JSON-LD with it inside; GeoJSON as a client prefers it (clause 6.3.6)."""
    if kind == JSON or (kind == GEO_JSON and "body=json" in prefer.replace(" ", "")):
        return Answer(orjson.dumps(body), kind, headers or {}, _link_to(context), status)
    inside = context_of_answer(context)
    for one in body if isinstance(body, list) else (body,):
        one["@context"] = inside
    return Answer(orjson.dumps(body), kind, headers or {}, status=status)


def tagged_answer(body: Any, tag: str, vary: str, context: ActiveContext) -> Response:
    """As `answer` in plain JSON, with the tag of the answer."""
    return Answer(orjson.dumps(body), JSON, {"ETag": tag, "Vary": vary}, _link_to(context))


def answer_array(fragments: Iterable[bytes], context: ActiveContext, headers: Mapping[str, str]) -> Response:
    """A JSON array of what is JSON already, empty fragments left out, with a Link to the @context."""
    return Answer(b"[" + b",".join(filter(None, fragments)) + b"]", JSON, headers, _link_to(context))


def _link_to(context: ActiveContext) -> bytes:
    return _link_header(context.source if isinstance(context.source, str) else packaged.CORE_CONTEXT_URL)


@lru_cache(maxsize=512)
def _link_header(address: str) -> bytes:
    return f'<{address}>; rel="{CONTEXT_REL}"; type="{LD_JSON}"'.encode("latin-1")


def page_links(path: str, parameters: Parameters, kind: str, limit: int, offset: int, more: bool) -> dict[str, str]:
    """The Link header to the pages before and after, of the media type of this one (clause 6.3.10)."""
    links = []
    if more:
        links.append(page_link(path, parameters, kind, offset + limit, "next"))
    if offset > 0:
        links.append(page_link(path, parameters, kind, max(0, offset - limit), "prev"))
    return {"Link": ", ".join(links)} if links else {}


def page_link(path: str, parameters: Parameters, kind: str, offset: int, rel: str) -> str:
    """The Link to another page."""
    return f'<{path.removesuffix("/")}?{parameters.with_offset(offset)}>;rel="{rel}";type="{kind}"'
