"""The command line: quick help, sentences instead of traces, and the same effects as the doors."""

import json
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from vidik.cli import accounts, app, audit_record, city, devices, family  # noqa: F401  each registers its commands
from vidik.cli.checks import _places, examine
from vidik.kernel.errors import VidikError
from vidik.kernel.identity.openid.config import _loaded
from vidik.kernel.settings import Settings, get_settings
from vidik.kernel.supervisor_lock import DataFolderLock


@pytest.fixture
def _environment(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDIK_DATABASE_URL", database_url)
    monkeypatch.setenv("VIDIK_DATA", str(tmp_path))
    monkeypatch.setenv("VIDIK_ARGON2_MEMORY_KIB", "64")
    monkeypatch.setenv("COLUMNS", "200")
    get_settings.cache_clear()


def vidik(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"TERM": "dumb"})


def error_of(result: Result) -> VidikError:
    assert isinstance(result.exception, VidikError), result.exception
    return result.exception


def test_help_comes_without_loading_the_platform() -> None:
    program = "import sys; import vidik.cli; from vidik.cli import accounts, city, devices, family; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()

    assert not {"fastapi", "psycopg", "pydantic", "numpy", "shapely", "httpx"}.intersection(loaded)


def test_an_error_is_a_sentence_and_a_status(tmp_path: Path) -> None:
    with DataFolderLock(tmp_path):
        done = subprocess.run(
            [sys.executable, "-m", "vidik.cli", "up"],
            env={"VIDIK_DATA": str(tmp_path), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert re.search(r"already runs on .* \(process \d+\)", done.stderr)
    assert "Traceback" not in done.stderr


PERIODS = ("--fit", "2022-01-01..2022-12-31", "--test", "2023-01-01..2023-12-31")


@pytest.mark.parametrize(
    ("arguments", "field", "words"),
    [
        (("pilots", "evaluate"), "meters", "Missing option"),
        (("pilots", "evaluate", "--meters", "m.csv", *PERIODS, "--level", "high"), "level", "Invalid value"),
        (("pilots", "evaluate", "--meters", "m.csv", *PERIODS, "--kinds", "counter"), "kinds", "No such option"),
        (("pilots", "evaluate", "--meters", "m.csv", *PERIODS, "more"), None, "unexpected extra argument"),
        (("pilots", "weigh"), None, "No such command"),
    ],
)
def test_wrong_options_are_json_where_json_was_asked_for(
    arguments: tuple[str, ...], field: str | None, words: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vidik.cli", *arguments, "--json"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (2, "")
    error = json.loads(done.stderr)["error"]
    assert (error["code"], error["field"]) == ("usage", field)
    assert words in error["detail"]


def test_wrong_options_are_a_sentence_where_nobody_asked_for_json() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vidik.cli", "pilots", "evaluate"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr.startswith("Usage: ")


@pytest.mark.usefixtures("_environment")
class TestDevices:
    def test_a_registered_device_is_listed_and_its_secret_shown_once(self) -> None:
        added = vidik("device", "add", "gateway-1", "--name", "First gateway")
        listed = vidik("device", "list")

        assert re.search(r"shown once: vds_\S{40}", added.output)
        assert "First gateway" in listed.output
        assert "vds_" not in listed.output
        assert "First gateway" in vidik("device", "list", "--search", "first").output
        assert "First gateway" not in vidik("device", "list", "--search", "second").output

    def test_a_new_secret_replaces_the_old_one(self, database_url: str) -> None:
        vidik("device", "add", "gateway-1")
        before = _secret_hash(database_url)

        vidik("device", "secret", "gateway-1")

        assert _secret_hash(database_url) != before

    @pytest.mark.parametrize(
        ("arguments", "field"),
        [
            (["bad id"], "device_id"),
            (["good", "--profile", "none-such"], "profile"),
            (["good", "--place", "here"], "place"),
            (["good", "--origin", "dreamt"], "origin"),
            (["good", "--gateway", "none-such"], "gateway_id"),
        ],
    )
    def test_a_mistake_names_its_field(self, arguments: list[str], field: str) -> None:
        assert error_of(vidik("device", "add", *arguments)).field == field


def _secret_hash(database_url: str) -> bytes:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT secret_hash FROM tenant_city.device").fetchone()
        assert row is not None
        return bytes(row[0])


@pytest.mark.usefixtures("_environment")
class TestAccounts:
    def test_an_account_is_made_by_hand_and_audited(self, database_url: str) -> None:
        result = vidik("account", "add", "ana", "--name", "Ana", "--role", "dispatcher")

        assert "First password, shown once" in result.output
        with psycopg.connect(database_url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM platform.audit_record WHERE action = 'account.create'"
            ).fetchone()
        assert row == (1,)

    def test_an_unknown_role_is_refused(self) -> None:
        assert error_of(vidik("account", "add", "ana", "--name", "Ana", "--role", "king")).field == "roles"

    def test_a_short_password_is_refused(self) -> None:
        vidik("account", "add", "ana", "--name", "Ana", "--role", "crew")

        assert error_of(vidik("account", "password", "ana", "--password", "short")).field == "password"

    def test_a_password_can_be_set(self) -> None:
        vidik("account", "add", "ana", "--name", "Ana", "--role", "crew")

        result = vidik("account", "password", "ana", "--password", "plava cigla 77")

        assert "is changed" in result.output

    def test_a_token_holds_only_permissions_that_exist(self) -> None:
        assert "vdk_" in vidik("token", "add", "scada", "--permission", "context.read").output
        assert error_of(vidik("token", "add", "scada", "--permission", "everything")).field == "permission"


@pytest.mark.usefixtures("_environment")
class TestAudit:
    @pytest.fixture(autouse=True)
    def _three_records(self, _environment: None) -> None:
        for login in ("ana", "petar", "mira"):
            assert vidik("account", "add", login, "--name", login, "--role", "crew").exit_code == 0

    def test_a_record_that_holds_says_its_head_which_can_be_noted(self, database_url: str) -> None:
        result = vidik("audit", "verify")

        found = re.search(r"The chain holds: 3 records. Head: (3:[0-9a-f]{64})", result.output)
        assert found is not None, result.output
        assert result.exit_code == 0
        assert vidik("audit", "verify", "--head", found[1]).exit_code == 0
        _tamper(database_url, "DELETE FROM platform.audit_record WHERE position = 3")
        assert vidik("audit", "verify").exit_code == 0  # what is left is a chain, too
        cut = vidik("audit", "verify", "--head", found[1])
        assert (cut.exit_code, "the end was cut off" in cut.output) == (1, True)

    def test_a_changed_record_is_named(self, database_url: str) -> None:
        _tamper(database_url, "UPDATE platform.audit_record SET content = replace(content, 'petar', 'pavle')")

        result = vidik("audit", "verify")

        assert (result.exit_code, "Broken at record 2: the record or its hash was changed." in result.output) == (
            1,
            True,
        )

    def test_an_exported_record_is_verified_without_a_database(self, database_url: str, tmp_path: Path) -> None:
        with psycopg.connect(database_url) as connection:
            rows = connection.execute("SELECT hash, content FROM platform.audit_record ORDER BY position").fetchall()
        lines = [f'{{"hash":"{hashed.hex()}","record":{content}}}' for hashed, content in rows]
        file = tmp_path / "audit.ndjson"

        def outcome(text: str) -> tuple[int, str]:
            file.write_text(text)
            result = vidik("audit", "verify", str(file))
            return result.exit_code, result.output.split(". ")[0].strip()

        assert outcome("\n".join(lines)) == (0, "The chain holds: 3 records")
        assert outcome("\n".join(lines).replace("petar", "pavle"))[1].startswith("Broken at record 2")
        assert outcome("\n".join([lines[0], lines[2]]))[1].startswith("Broken at record 2")
        assert outcome("no record")[1].startswith("Broken at record 1: the line is no record")
        assert error_of(vidik("audit", "verify", str(tmp_path / "none"))).field == "file"
        assert error_of(vidik("audit", "verify", "--head", "3:x")).field == "--head"


def _tamper(database_url: str, statement: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(statement)


class TestDoctor:
    def test_the_file_of_the_sign_in_provider_is_looked_at(self, tmp_path: Path) -> None:
        path = tmp_path / "sign-in.yaml"
        path.write_text(
            "city: {name: City, issuer: 'https://a.test', client_id: x, groups: {g: {role: crew}}}\n"
            "other: {name: City, issuer: 'https://a.test', client_id: x, groups: {g: {role: king}}}"
        )
        with_mistake = examine(Settings(data=tmp_path, sign_in=path, public_url="https://vidik.test"))
        path.write_text(path.read_text().replace("king", "crew"))
        _loaded.cache_clear()
        good = examine(Settings(data=tmp_path, sign_in=path, public_url="https://vidik.test"))
        without_address = examine(Settings(data=tmp_path, sign_in=path))

        assert any("other.groups.g.0.role" in one.sentence for one in with_mistake if one.level == "bad")
        assert any("https://a.test" in one.sentence for one in good if one.level == "ok")
        assert any("VIDIK_PUBLIC_URL" in one.sentence for one in without_address if one.level == "bad")

    def test_areas_and_organisations_of_the_sign_in_file_that_are_not_there_are_said_with_what_to_do(
        self, tmp_path: Path, database_url: str
    ) -> None:
        with psycopg.connect(database_url) as connection:
            connection.execute("SET search_path TO tenant_city, platform")
            connection.execute(
                "INSERT INTO area (code, name, shape, changed_by, changed_at) VALUES ('medijana', 'М', %s, 'x', now())",
                ['{"type": "Polygon", "coordinates": [[[21, 43], [22, 43], [22, 44], [21, 43]]]}'],
            )
            connection.execute(
                "INSERT INTO device (device_id, name, organisation, origin) VALUES ('d', 'd', 'toplana', 'real')"
            )
        path = tmp_path / "sign-in.yaml"
        path.write_text(
            "city: {name: City, issuer: 'https://a.test', client_id: x, groups: {"
            "right: {role: dispatcher, organisation: toplana, area: medijana},"
            "slip: {role: dispatcher, organisation: toplna, area: medjana}}}"
        )
        settings = Settings(data=tmp_path, sign_in=path, public_url="https://vidik.test")

        found = {finding.level: finding.sentence for finding in _places(settings, database_url)}

        assert set(found) == {"bad", "note"}
        assert "'slip'" in found["bad"]
        assert "'medjana', which does not exist" in found["bad"]
        assert "draw it under Control, Areas, or correct the file (perhaps 'medijana' is meant)" in found["bad"]
        assert "'toplna'" in found["note"]
        assert "perhaps 'toplana' is meant" in found["note"]

    def test_doors_open_to_the_network_without_tls_are_bad(self, tmp_path: Path) -> None:
        findings = examine(Settings(data=tmp_path, host="0.0.0.0", port=0, mqtt_port=1))

        bad = [finding.sentence for finding in findings if finding.level == "bad"]
        assert any("VIDIK_PUBLIC_URL" in sentence for sentence in bad)
        assert any("VIDIK_MQTT_TLS_PORT" in sentence for sentence in bad)

    def test_a_missing_certificate_is_named(self, tmp_path: Path) -> None:
        findings = examine(Settings(data=tmp_path, mqtt_certificate=tmp_path / "none.pem"))

        assert any("none.pem" in finding.sentence for finding in findings if finding.level == "bad")

    def test_a_data_folder_that_is_not_there_is_worth_knowing(self, tmp_path: Path) -> None:
        findings = examine(Settings(data=tmp_path / "later"))

        assert any("does not exist yet" in finding.sentence for finding in findings)
