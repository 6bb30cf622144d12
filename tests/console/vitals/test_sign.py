"""What a definition may say, and what is said of one that does not hold together."""

from typing import Any

import pytest

from vidik.console.vitals.figures import PERMISSION
from vidik.console.vitals.service import packaged, read_signs
from vidik.console.vitals.sign import Assets, Work, definition_of, read_sign
from vidik.context.jsonld import names
from vidik.intake.library import ProfileLibrary
from vidik.kernel.errors import BadInput

WORDS = {"en": "x", "sr": "х"}


def a_definition(**fields: Any) -> dict[str, Any]:
    return {
        "key": "pressure",
        "service": "water",
        "name": WORDS,
        "meaning": WORDS,
        "responsible": WORDS,
        "basis": WORDS,
        "source": {"kind": "assets", "types": ["Zone"], "aggregate": "mean", "attribute": "pressure"},
        **fields,
    }


def assets(**fields: Any) -> dict[str, Any]:
    return {"kind": "assets", "types": ["Zone"], "aggregate": "mean", "attribute": "pressure", **fields}


TEST = {"attribute": "pressure", "above": 2}
BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"key": "Pressure"}, "key", "pattern"),
    ({"service": "sewage"}, "service", "heating"),
    ({"name": {"en": "x"}}, "name.sr", "required"),
    ({"name": {"en": "x" * 41, "sr": "х"}}, "name.en", "40"),
    ({"colour": "red"}, "colour", "not permitted"),
    ({"normal": [5, 2]}, "normal", "the normal band begins below its end"),
    ({"target": {}}, "target", "give either at_least or at_most"),
    ({"target": {"at_least": 1, "at_most": 2}}, "target", "give either"),
    ({"unit": "per cent"}, "unit", "pattern"),
    ({"decimals": 9}, "decimals", "less than or equal to 3"),
    ({"source": {"kind": "magic"}}, "source", "magic"),
    ({"source": assets(types=[])}, "source.types", "at least 1"),
    ({"source": assets(aggregate="mode")}, "source.aggregate", "share"),
    ({"source": assets(attribute=None)}, "source", "every other aggregate needs one"),
    ({"source": assets(aggregate="share", ways=[[TEST]])}, "source", "share and count have no attribute"),
    ({"source": assets(aggregate="count", attribute=None)}, "source", "by ways what they count"),
    ({"source": assets(ways=[[TEST]])}, "source", "no other aggregate does"),
    ({"source": assets(aggregate="ratio")}, "source", "per which attribute"),
    ({"source": assets(per="flow")}, "source", "no other aggregate does"),
    ({"source": assets(over="90m")}, "source", "whole hours"),
    ({"source": assets(over="24h", among=[TEST])}, "source", "of all assets"),
    ({"source": assets(among=[{"attribute": "a"}])}, "source.among.0", "above, below or equals"),
    ({"source": assets(among=[{"attribute": "a", "reference": "b", "equals": [1]}])}, "source.among.0", "distance"),
    ({"source": assets(scale=0)}, "source.scale", "greater than 0"),
    ({"source": {"kind": "work", "figure": "alarms_per_operator"}}, "source", "needs over"),
    ({"source": {"kind": "work", "figure": "crews_on_duty", "over": "1h"}}, "source", "has no over"),
    ({"source": {"kind": "work", "figure": "incidents_over_target", "within": "5s"}}, "source", "a minute"),
    ({"source": {"kind": "work", "figure": "requests_in_time", "within": "3d", "over": "1d"}}, "source", "shorter"),
]


class TestReadSign:
    @pytest.mark.parametrize(("fields", "field", "reason"), BAD)
    def test_names_the_field_and_the_reason(self, fields, field, reason):
        with pytest.raises(BadInput) as refusal:
            read_sign(a_definition(**fields))

        assert refusal.value.field == field
        assert reason in str(refusal.value.values["reason"])

    def test_what_is_written_reads_as_the_same_sign(self):
        for sign in packaged()[0].values():
            assert read_sign(definition_of(sign)) == sign

    def test_only_what_is_measured_makes_another_past(self):
        sign = read_sign(a_definition())

        assert read_sign(a_definition(target={"at_least": 2}, name={"en": "y", "sr": "у"})).digest == sign.digest
        assert read_sign(a_definition(source=assets(aggregate="median"))).digest != sign.digest


class TestReadSigns:
    @pytest.mark.parametrize(
        ("text", "field"),
        [
            ("signs = 1", "signs"),
            ("strip = ['a']", "strip"),
            ("sign = 1", "sign"),
            ("[[sign]]\nkey = 'abc'", "name"),
            ("x = ", None),
        ],
    )
    def test_refuses_a_file_that_says_something_else(self, text, field):
        with pytest.raises(BadInput) as refusal:
            read_signs(text)

        assert refusal.value.field == field


class TestPackaged:
    def test_covers_every_service_and_the_work(self):
        signs = packaged()[0].values()

        services = {sign.service for sign in signs}
        assert services == {"heating", "lighting", "parking", "air", "water", "waste", "traffic", None}
        assert 18 <= len(signs) <= 26

    def test_measures_only_what_a_simulated_device_says(self, tmp_path):
        known = {
            profile.type_iri: {spec.name for spec in profile.attributes}
            for profile in ProfileLibrary(tmp_path).profiles.values()
            if profile.name.startswith("demo-")
        }

        for sign in packaged()[0].values():
            if isinstance(sign.source, Assets):
                for name in sign.source.types:
                    assert set(sign.source.attributes()) <= known[names.expand_type(name)], sign.key

    def test_every_figure_of_the_work_has_its_permission(self):
        for sign in packaged()[0].values():
            if isinstance(sign.source, Work):
                assert sign.source.figure in PERMISSION
