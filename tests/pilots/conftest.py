"""A web application with an energy manager and a reader, and a made-up heating plant whose saving is known."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import numpy as np
import pytest
from starlette.applications import Starlette

from vidik.app.application import assemble
from vidik.console.live import LiveCity
from vidik.kernel.identity import Principal, authenticator
from vidik.kernel.identity.roles import Grant
from vidik.kernel.services import Services
from vidik.kernel.settings import Settings
from vidik.pilots.jobs import work_off

TRUE_SAVING = 0.2
START = "2023-01-01"
BASELINE = {"first": "2024-01-01", "last": "2024-12-31"}
REPORTING = {"first": "2025-01-01", "last": "2025-06-30"}
DONORS = 14


def a_person(name: str, role: str, number: str) -> Principal:
    """Somebody with a role in the whole city."""
    return Principal(
        kind="person",
        id=number,
        login=name.split()[0].lower(),
        name=name,
        organisation=None,
        roles=frozenset({role}),
        grants=frozenset({Grant(role)}),
        tenant="city",
    )


PEOPLE = {
    "manager": a_person("Јелена Илић", "energy_manager", "1"),
    "other": a_person("Марко Савић", "energy_manager", "2"),
    "drafter": a_person("Ана Ђорђевић", "utility_manager", "3"),
    "reader": a_person("Петар Јовић", "auditor", "4"),
    "nobody": a_person("Грађанин", "citizen", "5"),
}


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[Starlette]:
    """The whole web application, opened; a bearer secret is a key of PEOPLE."""
    application = assemble(settings)
    async with application.router.lifespan_context(application):
        services: Services = application.state.services
        authenticator(services).sources.append(lambda _user, secret: PEOPLE.get(secret))
        await services.get(LiveCity).ready()  # an application that closes while it reads leaves a cursor behind
        yield application


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which the energy manager is signed in."""
    transport = httpx.ASGITransport(app=app)
    headers = {"Authorization": "Bearer manager"}
    async with httpx.AsyncClient(transport=transport, base_url="http://vidik.test", headers=headers) as browser:
        yield browser


def as_person(key: str) -> dict[str, str]:
    """Headers of a request of somebody else."""
    return {"Authorization": f"Bearer {key}"}


def made_up_meters(*, saving: float = TRUE_SAVING, until: str = "2025-07-01") -> bytes:
    """Daily heat of one building and its neighbours: colder is more; `saving` from the reporting period on."""
    generator = np.random.default_rng(7)
    days = np.arange(np.datetime64(START), np.datetime64(until))
    season = np.cos(2 * np.pi * (days.astype("datetime64[D]").astype(int) - 20) / 365.25)
    temperature = 12 - 11 * season + generator.normal(0, 2.5, len(days))
    demand = 40 + 9 * np.clip(17 - temperature, 0, None)
    columns = [np.round(demand * generator.normal(1, 0.04, len(days)), 3) for _ in range(DONORS + 1)]
    columns[0] = np.round(np.where(days >= np.datetime64(REPORTING["first"]), columns[0] * (1 - saving), columns[0]), 3)
    buffer = io.StringIO()
    names = ["date", "building", *(f"neighbour {number}" for number in range(1, DONORS + 1)), "outdoor"]
    buffer.write(",".join(names) + "\n")
    for place, day in enumerate(days):
        values = [f"{column[place]}" for column in columns]
        buffer.write(",".join([str(day), *values, f"{temperature[place]:.2f}"]) + "\n")
    return buffer.getvalue().encode()


METERS = made_up_meters()
FILE = hashlib.sha256(METERS).hexdigest()


def a_signal(name: str, **other: Any) -> dict[str, Any]:
    """A column of the made-up meters."""
    return {"name": name, "file": FILE, "column": name, "kind": "amount", "unit": "KWH"} | other


def a_specification(**other: Any) -> dict[str, Any]:
    """A whole plan for the made-up building, with some members said otherwise."""
    specification: dict[str, Any] = {
        "title": "Крива грејања у школи",
        "service": "heating",
        "option": "C",
        "design": "baseline",
        "model": "best",
        "boundary": "Heat meter of the school.",
        "units": [a_signal("building")],
        "donors": [a_signal(f"neighbour {number}") for number in range(1, DONORS + 1)],
        "temperature": a_signal("outdoor", kind="mean", unit="CEL"),
        "baseline": BASELINE,
        "reporting": REPORTING,
        "repairs": ["duplicates", "short_gaps"],
        "expected": 0.15,
        "decision": {
            "level": 0.9,
            "worthwhile": 0.05,
            "scale_up": "All schools.",
            "extend": "One more season.",
            "stop": "Back to the old curve.",
        },
        "tariff": [
            {"price": {"value": "9.50", "unit": "RSD/KWH", "source": "Price list", "year": 2025, "vat_included": False}}
        ],
        "emissions": {
            "value": "0.25",
            "unit": "kg/KWH",
            "source": "Heat plant",
            "year": 2024,
            "approach": "location-based",
        },
        "fund": "budget",
    }
    return specification | other


async def given_meters(client: httpx.AsyncClient, **parameters: Any) -> None:
    """Hand in the made-up meters."""
    answer = await client.post("/api/pilots/files", params={"name": "meters.csv", **parameters}, content=METERS)
    assert answer.status_code == 201, answer.text


async def a_draft(client: httpx.AsyncClient, **other: Any) -> dict[str, Any]:
    """A plan as drafted."""
    answer = await client.post("/api/pilots/plans", json={"specification": a_specification(**other)})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def signed(client: httpx.AsyncClient, plan: dict[str, Any]) -> dict[str, Any]:
    """A draft after its signature."""
    body = {"hash": plan["draft_hash"], "statement": "Сагласна сам."}
    answer = await client.post(f"/api/pilots/plans/{plan['id']}/freeze", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def finished(app: Starlette, client: httpx.AsyncClient, path: str, body: Any = None) -> dict[str, Any]:
    """Ask for long work, let the worker do it, and return the job."""
    answer = await client.post(path, json=body)
    assert answer.status_code == 202, answer.text
    services: Services = app.state.services
    await work_off(services, "city")
    job: dict[str, Any] = (await client.get(f"/api/pilots/jobs/{answer.json()['job']}")).json()
    return job
