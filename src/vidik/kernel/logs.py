"""Structured logs: lines for people in a console, JSON for servers, and never a secret in either."""

from __future__ import annotations

import logging
import logging.handlers
import re
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal, cast

import structlog
from structlog.typing import FilteringBoundLogger, Processor

HIDDEN = "***"
FILE_BYTES = 8_000_000
FILES_KEPT = 3

REQUEST_ID: ContextVar[str] = ContextVar("vidik_request_id")
"""The request that is being answered: every entry that is written meanwhile has it."""

_SECRET_KEY = re.compile(r"passw|secret|token|authori[sz]ation|cookie|credential|api_?key|private_?key", re.IGNORECASE)
# What secrets look like inside a sentence: an authorisation header, a password in a URL, a session cookie.
_SECRET_TEXT = re.compile(
    r"(?P<before>\b(?:Bearer|Basic)\s+|(?<=://)[^\s:/@]*:|vidik_session=|\bpassword=)(?P<secret>[^\s@;,'\"]+)",
    re.IGNORECASE,
)
_DEEPEST = 4


def get_logger(name: str) -> FilteringBoundLogger:
    """A logger whose entries carry its name; usable before logging is configured."""
    return cast(FilteringBoundLogger, structlog.get_logger(name))


def without_secrets(value: Any, depth: int = 0) -> Any:
    """A copy of a log value with secrets hidden: by the name of a key, and by pattern inside text."""
    if isinstance(value, str):
        return _SECRET_TEXT.sub(rf"\g<before>{HIDDEN}", value) if len(value) > 6 else value
    if depth >= _DEEPEST:
        return value
    if isinstance(value, dict):
        return {
            key: HIDDEN if _is_secret_key(key) and item is not None else without_secrets(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(item, depth + 1) for item in value]
    return value


def configure_logging(
    log_format: Literal["console", "json"], process: str, *, folder: Path | None = None, level: str = "INFO"
) -> None:
    """Send this process's logs where its reader is.

    `json`: every entry to standard output, one object a line. `console`: every entry to the file
    `folder`/<process>.log (kept small by rotation), and the first line of errors also to the terminal, which is
    otherwise the supervisor's.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_request_id,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_of(process),
    ]
    handlers = _json_handlers() if log_format == "json" else _console_handlers(process, folder)
    for handler in handlers:
        handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=shared,
                processors=[
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *_renderers(log_format, handler),
                ],
            )
        )
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # our own loop says it once, in a sentence
    for noisy in ("httpx", "httpcore", "gmqtt", "psycopg.pool", "alembic", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=True,
    )


def _renderers(log_format: str, handler: logging.Handler) -> list[Processor]:
    if log_format == "json":
        return [structlog.processors.format_exc_info, _hide_secrets, structlog.processors.JSONRenderer()]
    rendered = structlog.dev.ConsoleRenderer(
        colors=_is_terminal(handler), exception_formatter=structlog.dev.plain_traceback
    )
    if handler.level >= logging.ERROR:
        return [_without_traceback, _hide_secrets, rendered]
    return [structlog.processors.format_exc_info, _hide_secrets, rendered]


def _json_handlers() -> list[logging.Handler]:
    return [logging.StreamHandler(sys.stdout)]


def _console_handlers(process: str, folder: Path | None) -> list[logging.Handler]:
    terminal = logging.StreamHandler(sys.stderr)
    if folder is None:
        return [terminal]
    terminal.setLevel(logging.ERROR)
    folder.mkdir(parents=True, exist_ok=True)
    file = logging.handlers.RotatingFileHandler(
        folder / f"{process}.log", maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8"
    )
    return [terminal, file]


def _is_terminal(handler: logging.Handler) -> bool:
    return type(handler) is logging.StreamHandler and handler.stream.isatty()


def _add_request_id(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    request_id = REQUEST_ID.get(None)
    if request_id is not None:
        event.setdefault("request_id", request_id)
    return event


def _name_of(process: str) -> Processor:
    def add(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = process
        return event

    return add


def _without_traceback(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    # What went wrong in one line; how the code came there is in the file.
    given = event.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else sys.exc_info()[1] if given is True else given
    if isinstance(error, BaseException):
        event["error"] = f"{type(error).__name__}: {error}".splitlines()[0]
    return event


def _hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return cast(MutableMapping[str, Any], without_secrets(dict(event)))


def _is_secret_key(key: object) -> bool:
    return isinstance(key, str) and _SECRET_KEY.search(key) is not None
