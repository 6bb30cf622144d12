"""The built front end at `/`: packed copies where the browser takes them, caching for ever where names are hashes."""

import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from vidik.kernel.errors import NotFound

FOLDER: Final = Path(__file__).with_name("static")
_HASHED: Final = "assets/"
_PACKED: Final = (("br", ".br"), ("gzip", ".gz"))

# MapLibre makes its workers from a file of ours, or from a blob where a browser wants that, and draws images from
# blobs. Svelte and MapLibre set style attributes; no script is ever inline.
SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "child-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self), payment=(), usb=()",
}
_OTHER_DOORS: Final = ("api/", "ngsi-ld/", "health/", "metrics", "portal/", ".vite/")
_FILE_ENDINGS: Final = frozenset(
    (".js", ".mjs", ".css", ".map", ".json", ".png", ".svg", ".ico", ".webp", ".woff", ".woff2", ".txt", ".html")
)

_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Vidik: the console is not built</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:10vh auto;padding:0 1rem;color:#23303b}
code{background:#eef2f5;padding:.1em .4em;border-radius:4px}</style>
<h1>Vidik is running, its console is not built yet</h1>
<p>This is a checkout without the built front end. In its folder run</p>
<p><code>make frontend</code></p>
<p>and load this page again. An installed wheel always carries the console.</p>
<p>Meanwhile: <a href="/api/docs">the modules' interfaces</a>, <a href="/health/ready">health</a>.</p>
</html>"""


class StaticFiles:
    """Answers GET and HEAD for every path that no other module took."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder.resolve()

    async def __call__(self, request: Request) -> Response:
        """Return the file, index.html for a route of the front end, or a problem."""
        path = request.path_params.get("path", "")
        if not (self._folder / "index.html").is_file():
            if path and not self._is_route(path):
                raise NotFound(f"There is nothing at /{path}.")
            return HTMLResponse(_NOT_BUILT, status_code=503, headers={**SECURITY_HEADERS, "Cache-Control": "no-store"})
        file = self._file(path)
        if file is None:
            if not self._is_route(path):
                raise NotFound(f"There is nothing at /{path}.")
            file = self._folder / "index.html"
        return self._answer(request, file)

    def _file(self, path: str) -> Path | None:
        """Return the file of a path inside the folder, or None; no link or `..` leads out of it."""
        if not path or "\0" in path:
            return None
        file = (self._folder / path).resolve()
        return file if file.is_relative_to(self._folder) and file.is_file() else None

    @staticmethod
    def _is_route(path: str) -> bool:
        """Whether the front end may know the path: a missing script or picture must not become a page."""
        return not path.startswith(_OTHER_DOORS) and Path(path).suffix not in _FILE_ENDINGS

    def _answer(self, request: Request, file: Path) -> Response:
        headers = dict(SECURITY_HEADERS)
        inside = file.relative_to(self._folder).as_posix()
        hashed = inside.startswith(_HASHED) and file.suffix != ".html"
        headers["Cache-Control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        headers["Vary"] = "Accept-Encoding"
        media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        if media_type == "text/html":
            media_type = "text/html; charset=utf-8"
        chosen = file
        accepted = request.headers.get("accept-encoding", "")
        for encoding, ending in _PACKED:
            packed = file.with_name(file.name + ending)
            if encoding in accepted and packed.is_file():
                headers["Content-Encoding"] = encoding
                chosen = packed
                break
        response = FileResponse(chosen, media_type=media_type, headers=headers, stat_result=chosen.stat())
        tag = response.headers.get("etag")
        if tag is not None and tag in request.headers.get("if-none-match", ""):
            kept = {name: value for name, value in headers.items() if name != "Content-Encoding"}
            return Response(status_code=304, headers={**kept, "ETag": tag})
        return response
