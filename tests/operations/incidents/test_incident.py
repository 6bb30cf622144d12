"""The life of an incident: every order of actions keeps what must always hold, and nothing that hung on it is lost."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from vidik.kernel.errors import Conflict, VidikError
from vidik.operations.incidents import incident as core
from vidik.operations.incidents.incident import SEVERITIES, Act, Actor, Incident, Link, Opening

START = datetime(2026, 1, 15, 10, tzinfo=UTC)
ANA = Actor("Ана", "person:1")


def an_opening(**said: Any) -> Opening:
    return Opening(**{"type": "fire", "severity": "moderate", "title": "Пожар", **said})


def an_incident(number: int = 1, **said: object) -> Incident:
    incident, _ = core.opened(an_opening(), Act(ANA, START))
    return core.replace(incident, **{"id": number, "number": f"2026-{number:04d}", **said})


class City(RuleBasedStateMachine):
    """A model city: incidents by id and what hangs on each, moved only by the core."""

    ids = Bundle("ids")
    seconds = 0

    def __init__(self) -> None:
        super().__init__()
        self.incidents: dict[int, Incident] = {}
        self.links: dict[int, set[Link]] = {}
        self.hung: set[Link] = set()

    def act(self) -> Act:
        self.seconds += 1
        return Act(ANA, START + timedelta(seconds=self.seconds))

    def put(self, incident: Incident) -> None:
        before = self.incidents.get(incident.id)
        assert before is None or incident.version == before.version + 1
        self.incidents[incident.id] = incident

    @initialize(target=ids)
    def first(self) -> int:
        return self.new(set())

    def new(self, links: set[Link], opening: Opening | None = None) -> int:
        number = len(self.incidents) + 1
        incident, entry = core.opened(opening or an_opening(), self.act())
        assert entry.kind == "opened"
        self.put(core.replace(incident, id=number, number=f"2026-{number:04d}"))
        self.links[number] = links
        return number

    @rule(target=ids)
    def open(self) -> int:
        link = Link("alarm", str(len(self.hung)))
        self.hung.add(link)
        return self.new({link})

    @rule(one=ids, verb=st.sampled_from(["contain", "close", "reopen", "change"]))
    def move(self, one: int, verb: str) -> None:
        incident = self.incidents[one]
        act = self.act()
        steps = {
            "contain": lambda: core.contain(incident, "", act),
            "close": lambda: core.close(incident, "цев", "мењати", act),
            "reopen": lambda: core.reopen(incident, {"reason": "опет"}, act),
            "change": lambda: core.changed(incident, {"title": f"Пожар {self.seconds}"}, act),
        }
        try:
            step = steps[verb]()
        except Conflict:
            return
        assert step is not None
        self.put(step[0])

    @rule(one=ids, other=ids)
    def merge(self, one: int, other: int) -> None:
        try:
            merged = core.merge(
                self.incidents[one], self.incidents[other], self.links[one], self.links[other], self.act()
            )
        except Conflict:
            return
        self.put(merged.source[0])
        self.put(merged.target[0])
        self.links[other] |= merged.moved
        self.links[one] -= merged.moved

    @rule(target=ids, one=ids, data=st.data())
    def split(self, one: int, data: st.DataObject) -> int:
        links = sorted(self.links[one])
        chosen = data.draw(st.sets(st.sampled_from(links))) if links else set()
        try:
            parts = core.split(self.incidents[one], links, chosen, an_opening(), self.act())
        except Conflict:
            return one
        self.put(parts.rest)
        self.links[one] -= parts.taken
        return self.new(set(parts.taken), parts.opening)

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        everywhere = [link for links in self.links.values() for link in links]
        assert sorted(everywhere) == sorted(self.hung)

    @invariant()
    def each_state_says_what_it_must(self) -> None:
        for incident in self.incidents.values():
            assert (incident.state == "closed") == (incident.closed_at is not None) == (incident.cause is not None)
            assert (incident.state == "merged") == (incident.merged_into is not None)
            assert incident.state != "merged" or not self.links[incident.id]

    @invariant()
    def every_merge_leads_to_an_end(self) -> None:
        for incident in self.incidents.values():
            seen, one = {incident.id}, incident
            while one.merged_into is not None:
                one = self.incidents[one.merged_into]
                assert one.id not in seen
                seen.add(one.id)


City.TestCase.settings = settings(max_examples=40, stateful_step_count=25)
TestCity = City.TestCase


class TestClosing:
    @pytest.mark.parametrize(("cause", "lesson", "code"), [(" ", "x", "cause-missing"), ("x", "", "lesson-missing")])
    def test_asks_for_cause_and_lesson(self, cause: str, lesson: str, code: str) -> None:
        with pytest.raises(VidikError) as refused:
            core.close(an_incident(), cause, lesson, Act(ANA, START))
        assert refused.value.code == code

    def test_a_closed_one_is_opened_again_with_its_former_end_in_the_timeline(self) -> None:
        closed, entry = core.close(an_incident(), "пуче цев", "мењати цеви", Act(ANA, START))
        again, said = core.reopen(closed, {"reason": "опет цури"}, Act(ANA, START))
        assert entry.data == {"cause": "пуче цев", "lesson": "мењати цеви"}
        assert (again.state, again.cause, said.data["before"]) == ("open", None, "closed")


class TestChanging:
    def test_says_what_was_before_and_drops_vidiks_own_title(self) -> None:
        step = core.changed(
            an_incident(titles={"en": "Fire"}), {"title": "Пожар у Чаиру", "severity": "moderate"}, Act(ANA, START)
        )
        assert step is not None
        assert step[0].titles is None
        assert step[1].data == {"title": ["Пожар", "Пожар у Чаиру"]}

    def test_that_changes_nothing_is_no_change(self) -> None:
        assert core.changed(an_incident(), {"title": "Пожар"}, Act(ANA, START)) is None


class TestMerging:
    def test_takes_the_worse_severity(self) -> None:
        one, other = an_incident(1, severity="extreme"), an_incident(2)
        merged = core.merge(one, other, [], [], Act(ANA, START))
        assert merged.target[0].severity == SEVERITIES[-1]
        assert merged.target[1].data["severity"] == ["moderate", "extreme"]

    def test_never_mixes_an_exercise_with_real_work(self) -> None:
        with pytest.raises(Conflict, match="exercise"):
            core.merge(an_incident(1, exercise_id=7), an_incident(2), [], [], Act(ANA, START))
