"""Pilots of a small city, handed in through the public door: one decided, one undecided, one with a question open."""

import math
import random
from datetime import date, timedelta
from typing import Any

import httpx

from tests.family import wait_for

FIRST, STARTS, LAST = date(2024, 9, 1), date(2025, 5, 1), date(2025, 9, 30)
DONORS = 12
SAVED = "Dimming in the old town"
UNDECIDED = "Timers in the park"
STEPPED = "Lamps of the market"
STEP = date(2025, 7, 10)


def street_csv(*, saved: float = 0.0, seed: int = 1) -> bytes:
    """Daily kWh of one street that is changed on STARTS and of streets that are not."""
    rng = random.Random(seed)
    days = [FIRST + timedelta(number) for number in range((LAST - FIRST).days + 1)]
    sizes = [rng.uniform(80, 120) for _ in range(DONORS + 1)]
    rows = [",".join(["day", "street", *(f"other {number + 1}" for number in range(DONORS))])]
    for day in days:
        season = 1 + 0.3 * math.cos((day.timetuple().tm_yday - 10) / 365 * math.tau) + rng.gauss(0, 0.02)
        values = [size * season * (1 + rng.gauss(0, 0.02)) for size in sizes]
        if day >= STARTS:
            values[0] *= 1 - saved
        rows.append(",".join([day.isoformat(), *(f"{value:.3f}" for value in values)]))
    return ("\n".join(rows) + "\n").encode()


def stepped_csv() -> bytes:
    """Daily kWh of a street that uses a third less from STEP on, and of streets that go on as they were."""
    rng = random.Random(4)
    rows = [",".join(["day", "street", *(f"other {number + 1}" for number in range(DONORS))])]
    for number in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(number)
        week = 80 if day.weekday() > 4 else 100
        values = [week * rng.gauss(1, 0.03) for _ in range(DONORS + 1)]
        if day >= STEP:
            values[0] *= 0.65
        rows.append(",".join([day.isoformat(), *(f"{value:.3f}" for value in values)]))
    return ("\n".join(rows) + "\n").encode()


def specification(title: str, file: str) -> dict[str, Any]:
    names = ["street", *(f"other {number + 1}" for number in range(DONORS))]
    signals = [{"name": name, "file": file, "column": name, "kind": "amount", "unit": "KWH"} for name in names]
    return {
        "title": title,
        "service": "lighting",
        "option": "comparison",
        "design": "difference_in_differences",
        "boundary": "One street from the cabinet to its last lamp.",
        "units": signals[:1],
        "donors": signals[1:],
        "baseline": {"first": FIRST.isoformat(), "last": (STARTS - timedelta(1)).isoformat()},
        "reporting": {"first": STARTS.isoformat(), "last": LAST.isoformat()},
        "expected": 0.15,
        "decision": {
            "level": 0.9,
            "worthwhile": 0.05,
            "scale_up": "A saving is shown.",
            "extend": "None is shown yet.",
            "stop": "It is worse.",
        },
        "tariff": [
            {"price": {"value": "14.20", "unit": "RSD/KWH", "source": "Supplier", "year": 2025, "vat_included": False}}
        ],
        "cost": {
            "amount": "90000",
            "vat_included": False,
            "covers": "Timers and fitting.",
            "source": "Bill",
            "days_a_year": 365,
        },
        "emissions": {"value": "0.7", "unit": "kg/KWH", "source": "Agency", "year": 2024},
    }


def hand_in(client: httpx.Client) -> dict[str, int]:
    """Freeze the pilots, look at all, decide the first; returns their numbers by title."""
    made = {}
    own_past = {"design": "baseline", "option": "C", "model": "mean_week"}
    for title, series, other in (
        (SAVED, street_csv(saved=0.15), {}),
        (UNDECIDED, street_csv(seed=2), {}),
        (STEPPED, stepped_csv(), own_past),
    ):
        kept = client.post(
            "/api/pilots/files",
            params={"name": "streets.csv", "simulated": True},
            content=series,
            headers={"Content-Type": "text/csv"},
        )
        assert kept.status_code == 201, kept.text
        plan = specification(title, kept.json()["file"]) | other
        drafted = client.post("/api/pilots/plans", json={"specification": plan})
        assert drafted.status_code == 201, drafted.text
        draft = drafted.json()
        assert draft["problems"] == []
        address = f"/api/pilots/plans/{draft['id']}"
        signature = {"hash": draft["draft_hash"], "statement": "Read and signed."}
        frozen = client.post(f"{address}/freeze", json=signature)
        assert frozen.status_code == 200, frozen.text
        finish(client, client.post(f"{address}/watch"))
        made[title] = draft["id"]
    verdict = {"decision": "scale_up", "note": "By the rule."}
    finish(client, client.post(f"/api/pilots/plans/{made[SAVED]}/verdict", json=verdict))
    return made


def finish(client: httpx.Client, started: httpx.Response) -> None:
    """Wait until a job is done."""
    assert started.status_code == 202, started.text
    address = f"/api/pilots/jobs/{started.json()['job']}"
    seen = wait_for(
        "the job", lambda: (job := client.get(address).json())["state"] in ("done", "failed") and job, seconds=120
    )
    assert seen["state"] == "done", seen
