"""What a request is told, and which incident it may belong to."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.operations.conftest import rows

from vidik.context.jsonld import names
from vidik.kernel.clock import now
from vidik.kernel.services import Services
from vidik.operations.entities import name_of
from vidik.operations.incidents.incident import Incident
from vidik.operations.incidents.incident import State as IncidentState
from vidik.operations.incidents.types import packaged_types
from vidik.operations.requests.jobs import forget
from vidik.operations.requests.request import Standing, State, answer, facts_of
from vidik.operations.requests.services import packaged_services, request_services
from vidik.operations.requests.suggesting import Where, suggest
from vidik.operations.rules.fences import Place
from vidik.operations.rules.model import RequestsRule
from vidik.operations.rules.rulebook import packaged_rules

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
HERE = Place(21.9, 43.32)


def an_incident(number: int = 1, east_m: float = 0, hours: float = 0, **said: Any) -> Incident:
    fields: dict[str, Any] = {
        "id": number, "number": f"2026-{number:04d}", "type": "water_burst", "severity": "moderate", "state": "open",
        "title": "Пукла цев", "opened_at": NOON + timedelta(hours=hours), "opened_by": "Милица",
        "opened_from": "person", "changed_at": NOON, "changed_by": "Милица",
        "place": {"type": "Point", "coordinates": [HERE.longitude + east_m / 80_900, HERE.latitude]}, **said,
    }  # fmt: skip
    return Incident(**fields)


class TestTelling:
    @pytest.mark.parametrize("state", get_args(State))
    def test_every_state_has_words_and_a_status_of_open311(self, state: State) -> None:
        said = answer(Standing(state, "2026-0017", "{разлог}", "Наисус"), NOON)
        assert said["status"]["value"] == ("closed" if state in ("done", "refused") else "open")
        notes = said["status_notes"]["languageMap"]
        assert set(notes) == {"en", "sr-Cyrl", "sr-Latn"}
        if state in ("refused", "forwarded"):
            assert all("{разлог}" in text for text in notes.values())
        assert ("agency_responsible" in said) == (state == "forwarded")


class TestSuggesting:
    def test_the_nearest_of_the_type_that_runs_now(self) -> None:
        found = suggest(
            Where("water_burst", HERE, NOON, None),
            packaged_services()["water_leak"],
            [
                an_incident(1, 250),
                an_incident(2, 90),
                an_incident(3, 301),
                an_incident(4, hours=-25),
                an_incident(5, type="flood"),
                an_incident(6, state="closed"),
                an_incident(7, exercise_id=3),
                an_incident(8, place=None),
            ],
        )
        assert [(one.incident.id, round(one.metres)) for one in found] == [(2, 90), (1, 250)]

    def test_inside_its_area_it_is_there(self) -> None:
        ring = [[21.89, 43.31], [21.91, 43.31], [21.91, 43.33], [21.89, 43.33], [21.89, 43.31]]
        area = {"type": "Polygon", "coordinates": [ring]}
        (found,) = suggest(Where("water_burst", HERE, NOON, None), None, [an_incident(1, 5000, area=area)])
        assert found.metres == 0

    @settings(max_examples=100)
    @given(
        st.lists(
            st.tuples(
                st.floats(0, 2000),
                st.floats(-48, 48),
                st.sampled_from(get_args(IncidentState)),
                st.sampled_from(["water_burst", "flood"]),
            ),
            max_size=12,
        )
    )
    def test_only_what_holds_the_nearest_first(self, some: list[tuple[float, float, IncidentState, str]]) -> None:
        service = packaged_services()["water_leak"]
        incidents = [
            an_incident(number, east, hours, state=state, type=kind)
            for number, (east, hours, state, kind) in enumerate(some)
        ]
        found = suggest(Where("water_burst", HERE, NOON, None), service, incidents)
        assert len(found) <= 5
        assert [one.metres for one in found] == sorted(one.metres for one in found)
        for one in found:
            assert one.incident.is_running
            assert one.incident.type == "water_burst"
            assert one.metres <= service.near_m
            assert abs(one.incident.opened_at - NOON) <= timedelta(hours=service.within_hours)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("service_code", "service_name", "description", "address_string", "address", "media_url", "status",
         "requested_datetime", "agency_responsible", "location")  # fmt: skip


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_no_value_of_any_kind_is_too_much(said: dict[str, Any]) -> None:
    document = {names.expand_attribute(name): {"type": "Property", "value": value} for name, value in said.items()}
    facts = facts_of("urn:x", document, NOON)
    assert facts.requested_at <= NOON
    assert all(ord(letter) >= 32 or letter in "\n\t" for letter in facts.description + facts.address)
    assert name_of("urn:x", document)


class TestData:
    def test_what_is_packaged_holds_together(self) -> None:
        services = packaged_services()
        assert {one.incident for one in services.values()} <= set(packaged_types())
        rules = [rule for rule in packaged_rules().values() if isinstance(rule, RequestsRule)]
        assert rules
        for rule in rules:
            assert set(rule.service_codes) <= set(services)
            assert {services[code].incident for code in rule.service_codes} == {rule.incident}
            assert rule.priority == rule.rationalised_priority

    def test_a_city_has_services_of_its_own(self, tmp_path: Any) -> None:
        folder = tmp_path / "request-services"
        folder.mkdir()
        (folder / "ours.yaml").write_text(
            "- {code: '011', title: {en: Leak, sr: Цурење}, incident: water_burst, near_m: 50}", "utf-8"
        )
        (folder / "wrong.yaml").write_text("- {code: '012'}", "utf-8")
        found = request_services(tmp_path)
        assert (next(iter(found)), found["011"].near_m, "012" in found, "smoke" in found) == ("011", 50, False, True)

    async def test_every_column_says_whether_it_is_personal(self, services: Services) -> None:
        said = yaml.safe_load(files("vidik.operations.requests").joinpath("personal_data.yaml").read_text("utf-8"))
        for table, columns in said.items():
            found = await rows(
                services,
                "SELECT column_name FROM information_schema.columns"
                f" WHERE table_schema = current_schema() AND table_name = '{table}'",
            )
            assert {row["column_name"] for row in found} == {*columns["personal"], *columns["not_personal"]}
            assert all(len(one) == 3 for one in columns["personal"].values())

    async def test_who_decided_is_forgotten_after_five_years(self, services: Services) -> None:
        async with services.database.transaction("city") as connection:
            await connection.execute(
                """
                INSERT INTO citizen_request (entity_id, seen_at, requested_at, service_code, status, decision, reason,
                                             decided_at, decided_by, told, changed_at, changed_by)
                VALUES ('r', now(), now(), '', 'closed', 'refused', 'Јелена зове', now(), 'Милица',
                        '{"state": "refused", "reason": "Јелена зове"}', now(), 'Милица')
                """
            )
            await forget(connection, now() + timedelta(days=1))
        kept = str(await rows(services, "SELECT * FROM citizen_request"))
        assert "Милица" not in kept
        assert "Јелена" not in kept
        assert "refused" in kept
