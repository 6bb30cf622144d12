"""Rules as data: what files may say, what they may not, and how a rule is found."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.operations.factories import a_rule

from vidik.context.jsonld import names
from vidik.intake.library import ProfileLibrary
from vidik.intake.profiles import load_profiles
from vidik.kernel.errors import BadInput
from vidik.kernel.settings import Settings
from vidik.operations.alarms.holds import circle_of
from vidik.operations.rules import rulebook
from vidik.operations.rules.messages import attribute_words, fill, format_value
from vidik.operations.rules.model import PRIORITIES, QualityRule, RequestsRule, SilenceRule, Text
from vidik.operations.rules.priority import matrix
from vidik.operations.rules.rulebook import RuleBook, city_rules, packaged_rules, read_rule
from vidik.operations.rules.service import definition_of, merged, original_rules

SUBSTATION = (names.expand_type("HeatSubstation"),)
LAMP = (names.expand_type("Streetlight"),)


def book(*rules: Any) -> RuleBook:
    return RuleBook({rule.code: rule for rule in rules}, names.expand_type, names.expand_attribute)


class TestPackagedRules:
    @pytest.mark.parametrize("rule", packaged_rules().values(), ids=lambda rule: rule.code)
    def test_speaks_of_attributes_that_some_profile_gives(self, rule: Any) -> None:
        if isinstance(rule, QualityRule | SilenceRule | RequestsRule):
            return
        given: dict[str, set[str]] = {}
        for profile in load_profiles().values():
            given.setdefault(profile.entity_type, set()).update(spec.name for spec in profile.attributes)
        read = {rule.attribute, getattr(rule, "reference", rule.attribute)}
        read |= {condition.attribute for condition in rule.when if condition.attribute}
        for entity_type in rule.entity_types:
            assert read <= given[entity_type]

    @pytest.mark.parametrize("rule", packaged_rules().values(), ids=lambda rule: rule.code)
    def test_is_written_in_two_scripts(self, rule: Any) -> None:
        for text in (rule.title, rule.message):
            assert not any("\u0400" <= letter <= "\u04ff" for letter in text.en)
            assert any("\u0400" <= letter <= "\u04ff" for letter in text.sr)

    @pytest.mark.parametrize("rule", packaged_rules().values(), ids=lambda rule: rule.code)
    def test_survives_being_written_and_read(self, rule: Any) -> None:
        assert merged(None, rule.code, definition_of(rule)) == rule

    @pytest.mark.parametrize("rule", packaged_rules().values(), ids=lambda rule: rule.code)
    def test_belongs_to_a_service_of_the_console(self, rule: Any) -> None:
        assert rule.service in {"heating", "lighting", "parking", "air", "water", "waste", "traffic", "all"}

    @pytest.mark.parametrize("rule", packaged_rules().values(), ids=lambda rule: rule.code)
    def test_is_rationalised_and_has_the_priority_of_its_consequence(self, rule: Any) -> None:
        assert rule.advice is not None, "the response"
        assert rule.rationalisation is not None
        assert rule.priority == rule.rationalised_priority
        for text in (rule.rationalisation.cause, rule.rationalisation.consequence, rule.advice):
            assert set(text.scripts()) == {"en", "sr-Cyrl", "sr-Latn"}

    def test_inhibit_one_another_only_where_there_are_such_rules(self) -> None:
        named = {by.rule for rule in packaged_rules().values() for by in rule.inhibited_by}
        assert named <= set(packaged_rules())
        assert all(circle_of(packaged_rules(), code) is None for code in packaged_rules())


class TestPriority:
    @pytest.mark.parametrize(
        ("impact", "within", "priority"),
        [
            ("severe", "15m", "critical"),
            ("severe", "16m", "critical"),
            ("severe", "2d", "medium"),
            ("serious", "1h", "high"),
            ("serious", "8h", "medium"),
            ("moderate", "9h", "low"),
            ("minor", "1m", "low"),
        ],
    )
    def test_comes_from_consequence_and_time_to_respond(self, impact: str, within: str, priority: str) -> None:
        text = {"en": "Pipe", "sr": "Цев"}
        reasons = {"cause": text, "consequence": text, "owner": "water", "impact": impact, "respond_within": within}
        definition = {name: value for name, value in definition_of(a_rule()).items() if name != "priority"}
        assert read_rule(definition | {"rationalisation": reasons}).priority == priority

    @pytest.mark.parametrize("column", range(4))
    def test_never_falls_with_a_worse_consequence(self, column: int) -> None:
        rows = matrix()["rows"]
        ranks = [PRIORITIES.index(rows[impact][column]) for impact in ("severe", "serious", "moderate", "minor")]
        assert ranks == sorted(ranks)

    @pytest.mark.parametrize("impact", ["severe", "serious", "moderate", "minor"])
    def test_never_rises_with_more_time(self, impact: str) -> None:
        ranks = [PRIORITIES.index(priority) for priority in matrix()["rows"][impact]]
        assert ranks == sorted(ranks)


class TestMistakes:
    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"clear": 55}, ""),
            ({"above": 50, "below": 40}, ""),
            ({"hold": "soon"}, "hold"),
            ({"priority": "urgent"}, "priority"),
            ({"message": {"en": "{speed}", "sr": "{speed}"}}, "message"),
            ({"atribute": "x"}, "atribute"),
            ({"when": [{"hours": "25:00-26:00"}]}, "when.0"),
            ({"when": [{"attribute": "power"}]}, "when.0"),
            ({"kind": "guess"}, "kind"),
        ],
    )
    def test_are_named(self, fields: dict[str, Any], field: str) -> None:
        with pytest.raises(BadInput) as caught:
            a_rule(**fields)
        assert (caught.value.field or "").startswith(field)

    def test_of_a_file_name_the_file_and_the_rule(self, tmp_path: Path) -> None:
        definition = definition_of(a_rule()) | {"hold": "soon"}
        (tmp_path / "heating.yaml").write_text(yaml.safe_dump([definition]))
        with pytest.raises(BadInput, match=r"heating\.yaml, return_high: .*hold"):
            city_rules(tmp_path)

    def test_two_rules_of_one_code_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "heating.yaml").write_text(yaml.safe_dump([definition_of(a_rule())] * 2))
        with pytest.raises(BadInput, match="return_high"):
            city_rules(tmp_path)


class TestACitysFolder:
    def test_is_read_again_only_when_a_file_has_come_gone_or_changed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reads: list[str] = []
        read_rules = rulebook.read_rules

        def counted(text: str, source: str) -> Any:
            reads.append(source)
            return read_rules(text, source)

        monkeypatch.setattr(rulebook, "read_rules", counted)
        file = tmp_path / "heating.yaml"
        file.write_text(yaml.safe_dump([definition_of(a_rule())]))
        for _ in range(5):
            assert set(city_rules(tmp_path)) == {"return_high"}
        assert reads == ["heating.yaml"]
        file.write_text(yaml.safe_dump([definition_of(a_rule(code="another"))]))
        assert set(city_rules(tmp_path)) == {"another"}
        (tmp_path / "more.yaml").write_text(yaml.safe_dump([definition_of(a_rule(code="more"))]))
        assert set(city_rules(tmp_path)) == {"another", "more"}
        file.unlink()
        assert set(city_rules(tmp_path)) == {"more"}
        (tmp_path / "more.yaml").write_text("- {code: 17}")
        for _ in range(3):
            with pytest.raises(BadInput, match=r"more\.yaml"):
                city_rules(tmp_path)
        assert len(reads) == 6

    def test_that_cannot_be_read_leaves_the_packages_rules_standing(self, tmp_path: Path) -> None:
        (tmp_path / "rules").mkdir()
        (tmp_path / "rules" / "heating.yaml").write_bytes("назив: поврат".encode("cp1251"))
        assert set(original_rules(Settings(data=tmp_path))) == set(packaged_rules())


class TestFinding:
    def test_a_type_without_rules_costs_one_look(self) -> None:
        assert book(a_rule()).watched(LAMP, "urn:x") is None

    def test_only_triggering_attributes_set_a_rule_off(self) -> None:
        rule = a_rule(when=[{"attribute": "power", "above": 20}])
        watched = book(rule).watched(SUBSTATION, "urn:x")
        assert watched is not None
        assert set(watched.triggers) == {names.expand_attribute("returnTemperaturePrimary")}
        assert watched.remembered == {"returnTemperaturePrimary", "power"}

    def test_a_disabled_rule_is_not_there(self) -> None:
        assert book(a_rule(enabled=False)).watched(SUBSTATION, "urn:x") is None

    def test_a_rule_on_one_attribute_remembers_nothing(self) -> None:
        watched = book(a_rule()).watched(SUBSTATION, "urn:x")
        assert watched is not None
        assert watched.remembered == frozenset()


class TestMessages:
    def test_serbian_writes_a_comma(self) -> None:
        message = fill(a_rule().message, value=51.25, threshold=50, unit="°C")
        assert message == {"en": "Return at 51.2 °C.", "sr-Cyrl": "Поврат 51,2 °C.", "sr-Latn": "Povrat 51,2 °C."}

    @pytest.mark.parametrize(
        ("value", "text"),
        [(1234.6, "1235"), (51.24, "51.2"), (0.987, "0.99"), (-39.9, "\N{MINUS SIGN}39.9"), (50.0, "50"), (0.0, "0")],
    )
    def test_figures_are_as_long_as_a_person_needs(self, value: float, text: str) -> None:
        assert format_value(value) == text

    def test_an_empty_unit_leaves_no_gap(self) -> None:
        assert fill(a_rule().message, value=3.0, threshold=None, unit=None)["en"] == "Return at 3."

    def test_an_attribute_is_said_in_words(self, tmp_path: Path) -> None:
        message = Text(en="{attribute} reports {value}.", sr="{attribute} јавља {value}.")
        said = fill(message, value=-39.9, threshold=None, unit=None, attribute="outdoorTemperature")
        assert said["en"] == "Outdoors reports \N{MINUS SIGN}39.9."
        assert said["sr-Latn"] == "Napolju javlja \N{MINUS SIGN}39,9."
        own = fill(message, value=1.0, threshold=None, unit=None, attribute="citysOwn")
        assert own["sr-Cyrl"] == "citysOwn јавља 1."

    def test_every_attribute_of_the_packaged_profiles_has_words(self, tmp_path: Path) -> None:
        profiles = ProfileLibrary(tmp_path).profiles.values()
        iris = {names.expand_attribute(name) for name in attribute_words()}
        assert {spec.iri for profile in profiles for spec in profile.attributes} - iris == set()
