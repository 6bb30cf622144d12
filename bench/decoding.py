"""Decoding one JSON message of three values by a compiled profile, against only parsing its JSON."""

import timeit

import orjson

from bench.report import Figure, Report
from vidik.intake.profiles import load_profiles

PAYLOAD = b'{"t":1763775000,"pm10":31.5,"pm25":21.25,"no2":33.2}'
RECEIVED_AT = 1_763_775_001_000_000


async def run(report: Report) -> None:
    """The best of several repetitions, each of 5,000 messages."""
    profile = load_profiles()["demo-air-station"]
    took = min(timeit.repeat(lambda: profile.decode(PAYLOAD, RECEIVED_AT), number=5_000, repeat=9)) / 5_000
    parsing = min(timeit.repeat(lambda: orjson.loads(PAYLOAD), number=5_000, repeat=9)) / 5_000
    report.add(
        Figure(
            "decoding a message of 3 values by its profile",
            took * 1e6,
            "µs",
            goal=10,
            higher_is_better=False,
            details={"only parsing the JSON": f"{parsing * 1e6:.2f} µs"},
        )
    )
