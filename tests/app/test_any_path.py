"""Every door of the modules' own interfaces, asked for a name that nothing can have: it is not there, no failure."""

import json
import re

import httpx
import pytest
from starlette.applications import Starlette
from tests.principals import a_principal

from vidik.kernel.identity import authenticator
from vidik.kernel.identity.roles import PERMISSIONS

EVERYTHING = a_principal("administrator", "administrator", scopes=PERMISSIONS)
NAMES = ("%00", "a%00b", "%ed%a0%80", "%ff", "x" * 5000, "99999999999999999999")


@pytest.mark.parametrize("name", NAMES)
async def test_no_door_fails_for_a_name_in_its_path(app: Starlette, client: httpx.AsyncClient, name: str) -> None:
    authenticator(app.state.services).sources.append(lambda _user, secret: EVERYTHING if secret == "all" else None)
    paths = (await client.get("/api/openapi.json")).json()["paths"]
    doors = [(method, path) for path, methods in paths.items() if "{" in path for method in methods]
    assert len(doors) > 100
    failed = []
    for method, path in doors:
        address = "/api" + re.sub(r"\{[^}]*\}", name, path)
        response = await client.request(
            method, address, headers={"Authorization": "Bearer all", "If-Match": '"1"'}, content=b"{}"
        )
        if response.status_code >= 500:
            failed.append((method, path, response.json()["detail"]))
    assert failed == []


async def test_no_door_fails_for_a_number_that_is_too_large(app: Starlette, client: httpx.AsyncClient) -> None:
    authenticator(app.state.services).sources.append(lambda _user, secret: EVERYTHING if secret == "all" else None)
    paths = (await client.get("/api/openapi.json")).json()["paths"]
    doors = [
        (method, path, parameter["name"])
        for path, methods in paths.items()
        for method, operation in methods.items()
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query" and '"integer"' in json.dumps(parameter["schema"])
    ]
    assert len(doors) > 20
    failed = []
    for method, path, name in doors:
        address = "/api" + re.sub(r"\{[^}]*\}", "1", path)
        for number in (10**23, -(10**23), 2**63, 2**31):
            response = await client.request(
                method, address, headers={"Authorization": "Bearer all"}, params={name: number}
            )
            if response.status_code >= 500:
                failed.append((method, path, name, number))
    assert failed == []


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 20_000, b'"\xff\xfe"'])
async def test_a_body_that_cannot_be_read_is_named(client: httpx.AsyncClient, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = await client.post("/api/crews", content=body, headers=headers)
    assert (response.status_code, response.json()["field"]) == (400, "body")
    assert "nested too deeply" in response.json()["detail"]
