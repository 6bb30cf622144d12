"""Logs: structured, and never with a secret."""

import json
import logging
from pathlib import Path

import pytest
import structlog

from vidik.kernel.logs import HIDDEN, configure_logging, get_logger, without_secrets


@pytest.fixture(autouse=True)
def _restore_logging() -> object:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "key", ["password", "new_password", "Authorization", "api_key", "device_secret", "session_cookie", "token"]
)
def test_a_value_under_a_secret_name_is_hidden(key: str) -> None:
    assert without_secrets({key: "something"}) == {key: HIDDEN}


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("header Bearer abc.def-ghi", "header Bearer ***"),
        ("postgresql://vidik:hunter2@host/db", "postgresql://vidik:***@host/db"),
        ("Cookie: vidik_session=abcdef; other=1", "Cookie: vidik_session=***; other=1"),
    ],
)
def test_a_secret_inside_a_sentence_is_hidden(text: str, hidden: str) -> None:
    assert without_secrets(text) == hidden


def test_secrets_are_found_inside_lists_and_dictionaries() -> None:
    assert without_secrets({"headers": [{"authorization": "x"}]}) == {"headers": [{"authorization": HIDDEN}]}


def test_json_logs_are_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", "web")

    get_logger("vidik.test").info("something happened", device="d1", password="p")
    logging.getLogger("another.library").warning("Bearer %s", "abcdefgh")

    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["event"] == "something happened"
    assert (first["device"], first["password"], first["process"]) == ("d1", HIDDEN, "web")
    assert second["event"] == "Bearer ***"


def test_console_logs_go_to_a_file_and_only_errors_to_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("console", "worker", folder=tmp_path)
    logger = get_logger("vidik.test")

    logger.info("all is well")
    try:
        raise ValueError("broken")
    except ValueError:
        logger.exception("something failed")

    terminal = capsys.readouterr().err
    file = (tmp_path / "worker.log").read_text()
    assert "all is well" not in terminal
    assert "broken" in terminal
    assert "Traceback" not in terminal
    assert "all is well" in file
    assert "Traceback" in file
