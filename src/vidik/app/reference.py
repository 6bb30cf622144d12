"""The reference of the modules' own interfaces: one page, made here, that needs no script and no network."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

_METHODS = ("get", "post", "put", "patch", "delete")

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 62rem; margin: 0 auto; padding: 1.5rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
details { border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: 6px; margin: .5rem 0; }
summary { padding: .5rem .75rem; cursor: pointer; overflow-wrap: anywhere; }
details > div { padding: 0 .75rem .75rem; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
b.method { display: inline-block; min-width: 4.2em; font: 600 .8em ui-monospace, monospace; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; }
"""


def reference_page(api: FastAPI) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that shows the application's OpenAPI description as a page."""

    async def page(_request: Request) -> Response:
        return HTMLResponse(render(api.openapi()))

    return page


def render(description: dict[str, Any]) -> str:
    """An OpenAPI 3.1 description as one HTML page."""
    info = description["info"]
    groups = _grouped(description["paths"])
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(items)}" for tag, items in sorted(groups.items()))
    schemas = description.get("components", {}).get("schemas", {})
    shapes = "".join(_schema(name, schema) for name, schema in sorted(schemas.items()))
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(info['title'])}: interfaces</title>"
        f"<meta name=viewport content='width=device-width, initial-scale=1'><style>{_STYLE}</style>"
        f"<main><h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info.get('summary', ''))} "
        "Machine-readable: <a href=/api/openapi.json>openapi.json</a>. Sign in with a session cookie or send "
        "<code>Authorization: Bearer</code> and an API token. Errors are problem details (RFC 9457).</p>"
        f"{body}<h2>Shapes</h2>{shapes}</main></html>"
    )


def _grouped(paths: dict[str, Any]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for path, operations in paths.items():
        for method in _METHODS:
            if method in operations:
                operation = operations[method]
                tag = (operation.get("tags") or ["Other"])[0]
                groups.setdefault(tag, []).append(_operation(path, method, operation))
    return groups


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(item['name'])}</code><td>{escape(item['in'])}"
        f"<td>{_type(item.get('schema', {}))}<td>{'required' if item.get('required') else ''}"
        for item in operation.get("parameters", [])
    )
    table = f"<table><tr><th>Parameter<th>In<th>Type<th></tr>{rows}</table>" if rows else ""
    sent = _content(operation.get("requestBody", {}))
    answers = "".join(
        f"<tr><td><code>{escape(status)}</code><td>{escape(answer.get('description', ''))}<td>{_content(answer)}"
        for status, answer in operation.get("responses", {}).items()
    )
    about = escape(operation.get("description", ""))
    return (
        f"<details><summary><b class=method>{method.upper()}</b><code>/api{escape(path)}</code> "
        f"{escape(operation.get('summary', ''))}</summary><div><p>{about}</p>{table}"
        f"{f'<p>Body: {sent}</p>' if sent else ''}"
        f"<table><tr><th>Answer<th><th>Body</tr>{answers}</table></div></details>"
    )


def _content(holder: dict[str, Any]) -> str:
    return ", ".join(
        f"{_type(media.get('schema', {}))} <code>{escape(kind)}</code>"
        for kind, media in holder.get("content", {}).items()
    )


def _schema(name: str, schema: dict[str, Any]) -> str:
    required = set(schema.get("required", []))
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code><td>{_type(part)}<td>{'required' if field in required else ''}"
        f"<td>{escape(part.get('description', ''))}"
        for field, part in schema.get("properties", {}).items()
    )
    anchor = escape(name, quote=True)
    return (
        f"<details id='{anchor}'><summary><code>{escape(name)}</code></summary><div>"
        f"<p>{escape(schema.get('description', ''))}</p><table>{rows}</table></div></details>"
    )


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[-1], quote=True)
        return f"<a href='#{name}'>{name}</a>"
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " or ".join(_type(part) for part in schema[union])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    return escape(str(schema.get("type", "anything")))
