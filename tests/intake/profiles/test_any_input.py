"""Whatever comes in: a decoder answers with readings that hold to their profile, or with Rejected. Never otherwise."""

import json
import math

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vidik.intake.profiles import Profile, Reading, Rejected, load_profiles

PROFILES = load_profiles()
RECEIVED = 1_763_775_600_000_000
numbers = st.one_of(st.integers(), st.floats(), st.booleans(), st.text(max_size=8), st.none())
anything = st.recursive(
    st.one_of(numbers, st.just({})),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=4)),
    max_leaves=12,
)
air = PROFILES["demo-air-station"]
scada = PROFILES["nis-heat-scada"]
milesight = PROFILES["milesight-em300-th"]
quick = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def decode(profile: Profile, payload: bytes) -> list[Reading]:
    try:
        return profile.decode(payload, RECEIVED)
    except Rejected:
        return []


def holds(profile: Profile, readings: list[Reading]) -> None:
    for reading in readings:
        assert reading.observed_at <= RECEIVED + 300_000_000
        for iri, value in reading.values.items():
            spec = profile.attribute(iri)
            assert spec is not None
            if spec.numeric:
                assert isinstance(value, float)
                assert math.isfinite(value)
                assert spec.minimum is None or value >= spec.minimum
                assert spec.maximum is None or value <= spec.maximum


@quick
@given(st.binary(max_size=400))
def test_any_bytes(payload: bytes) -> None:
    for profile in (air, scada, milesight):
        holds(profile, decode(profile, payload))


@quick
@given(anything)
def test_any_json(document: object) -> None:
    payload = json.dumps(document).encode(errors="replace")
    for profile in (air, milesight):
        holds(profile, decode(profile, payload))


@quick
@given(st.fixed_dictionaries({"t": numbers, "pm10": numbers, "pm25": numbers, "temp": numbers}))
def test_any_values_in_the_right_places(document: dict[str, object]) -> None:
    holds(air, decode(air, json.dumps(document).encode(errors="replace")))


@quick
@given(
    st.integers(min_value=946_684_800, max_value=1_763_775_600),
    st.floats(min_value=0, max_value=1000),
    st.floats(min_value=-40, max_value=60),
)
def test_plausible_values_stand_unchanged(t: int, dust: float, temperature: float) -> None:
    (reading,) = decode(air, json.dumps({"t": t, "pm10": dust, "temp": temperature}).encode())

    assert sorted(reading.values.values(), key=repr) == sorted([dust, temperature], key=repr)
    assert reading.observed_at == t * 1_000_000


@quick
@given(st.text(max_size=300))
def test_any_text_as_lines(text: str) -> None:
    holds(scada, decode(scada, text.encode(errors="replace")))


@quick
@given(st.lists(st.text(alphabet="0123456789.,-eE nainfx", max_size=8), min_size=8, max_size=8))
def test_any_cells_of_a_line(cells: list[str]) -> None:
    head = "datetime,t_amb,t_ref,t_sup_prim,t_ret_prim,t_sup_sec,t_ret_sec,e,pe\n"
    line = "2024-01-05 06:00:00," + ",".join(f'"{cell}"' for cell in cells)

    holds(scada, decode(scada, (head + line).encode()))
