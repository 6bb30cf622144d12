"""The alarm engine on one core (time of the processor): 10,000 rules over a replay of the demo city; a storm."""

import gc
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import vidik.kernel
from bench.alarm_storm import measure_storm
from bench.report import Figure, Report
from vidik.context.jsonld import names
from vidik.context.store.changes import Change
from vidik.demo.assets import City
from vidik.demo.behaviour import Behaviour
from vidik.demo.meters import Meters
from vidik.demo.past import past_records
from vidik.demo.planning import plan_city
from vidik.demo.world import World
from vidik.intake.profiles import load_profiles
from vidik.kernel.clock import CITY_ZONE
from vidik.operations.rules.memory import Memory
from vidik.operations.rules.model import AnyRule
from vidik.operations.rules.rulebook import RuleBook, packaged_rules, read_rule

RULES = 10_000
DAYS = 30
SEED = 7
DAY = 24 * 3_600
BEGIN = 1_763_424_000  # 2025-11-18, midnight UTC
LEVEL = {"kind": "threshold", "above": 1e6, "clear": 0, "hold": "10m"}
WORD = {"kind": "state", "values": ["never"], "hold": "10m"}
RATE = {"kind": "rate", "rise": 1e6, "over": "1h", "clear": 0}
HABIT = {"kind": "forecast", "margin": 1e6}
KINDS: tuple[dict[str, Any], ...] = (*[LEVEL] * 14, *[WORD] * 4, RATE, HABIT)
"""Beside the packaged rules, which do raise: these cost their time and stay quiet. Most rules of a city are levels."""


async def run(report: Report) -> None:
    """Replay a month of the demo city, made of one of its days, through the memory of rules."""
    city = _demo_city()
    day = list(_one_day(city))
    rules = _rules(day)
    book = RuleBook(rules, names.expand_type, names.expand_attribute)
    memory = Memory(book, names.compact, CITY_ZONE)
    findings = 0
    took = 0.0
    watched = _watched(book, day)
    for number in range(DAYS):
        changes = _shifted(day, number * DAY * 1_000_000)
        # What the replay itself makes is not the engine's garbage.
        gc.collect()
        began = time.process_time()
        findings += len(memory.take(changes, 0))
        memory.changed()
        took += time.process_time() - began
    looking = _time_of_only_looking(day) * DAYS
    values = sum(len(change.attributes) for change in day) * DAYS
    report.add(
        Figure(
            f"alarm engine, {RULES:,} rules, {DAYS} days of the demo city, one core",
            len(day) * DAYS / took,
            "readings/s",
            goal=50_000,
            limit=len(day) * DAYS / looking,
            limit_is="only looking at every value",
            details={
                "readings": f"{len(day) * DAYS:,} ({values / len(day) / DAYS:.1f} values each)",
                "values/s": f"{values / took:,.0f}",
                "rules looked at by a reading": f"{watched:.1f}",
                "findings": f"{findings:,}",
            },
        )
    )
    measure_storm(report, day, _shifted(day, DAY * 1_000_000), city.assets)


def _demo_city() -> City:
    basemap = json.loads((Path(vidik.kernel.__file__).parent / "basemaps" / "nis.json").read_text())
    return plan_city(basemap, SEED)


def _one_day(city: City) -> Iterator[Change]:
    behaviour = Behaviour(city, World.of(city, SEED, Meters()))
    profiles = load_profiles()
    found = []
    for asset in city.assets:
        profile = profiles[asset.profile]
        types = (profile.type_iri,)
        payload = json.dumps(past_records(behaviour, asset, BEGIN + DAY)).encode()
        for reading in profile.decode(payload, (BEGIN + DAY + 60) * 1_000_000):
            at = reading.observed_at
            values = {iri: (value, at) for iri, value in reading.values.items()}
            found.append((at, Change(asset.entity_id, types, "updated", values)))
    return (change for _, change in sorted(found, key=lambda pair: pair[0]))


def _rules(day: list[Change]) -> dict[str, AnyRule]:
    """The packaged rules, and rules for single assets up to the number, each on one of the asset's attributes."""
    rules = dict(packaged_rules())
    assets: dict[str, Change] = {}
    for change in day:
        assets.setdefault(change.entity_id, change)
    turn = 0
    while len(rules) < RULES:
        for change in assets.values():
            attributes = sorted(change.attributes)
            if len(rules) == RULES or not attributes:
                break
            rule = _quiet_rule(f"asset_{turn}", change, names.compact(attributes[turn % len(attributes)]), turn)
            rules[rule.code] = rule
            turn += 1
    return rules


def _quiet_rule(code: str, change: Change, attribute: str, turn: int) -> AnyRule:
    return read_rule(
        {
            "code": code,
            "service": "all",
            "priority": "low",
            "entity_types": [names.compact(change.types[0])],
            "entity_ids": [change.entity_id],
            "title": {"en": "Asset", "sr": "Објекат"},
            "message": {"en": "{value}", "sr": "{value}"},
            "attribute": attribute,
            **KINDS[turn % len(KINDS)],
        }
    )


def _shifted(day: list[Change], shift: int) -> list[Change]:
    return [
        Change(
            change.entity_id,
            change.types,
            change.operation,
            {iri: (value, (at or 0) + shift) for iri, (value, at) in change.attributes.items()},
        )
        for change in day
    ]


def _watched(book: RuleBook, day: list[Change]) -> float:
    looks = 0
    for change in day:
        found = book.watched(change.types, change.entity_id)
        if found is not None:
            looks += len({judge.code for iri in change.attributes for judge in found.triggers.get(iri, ())})
    return looks / len(day)


def _time_of_only_looking(day: list[Change]) -> float:
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        for change in day:
            for value, at in change.attributes.values():
                if value is None or at is None:
                    raise ValueError("a reading without a value")
        best = min(best, time.process_time() - began)
    return best
