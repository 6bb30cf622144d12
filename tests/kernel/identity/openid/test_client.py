"""A provider that is slow or strange: one question for many people, and an end to every wait."""

import asyncio

import httpx
import pytest
from tests.kernel.identity.openid.made_up import ISSUER
from tests.kernel.identity.openid.test_sign_in import CITY

from vidik.kernel.identity.openid import client as module
from vidik.kernel.identity.openid.client import ProviderClient
from vidik.kernel.identity.openid.config import Provider
from vidik.kernel.identity.openid.errors import ProviderAway

PROVIDER = Provider.model_validate(CITY)


async def test_many_who_wait_for_a_provider_that_is_away_wait_once():
    asked = []
    gone = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        await gone.wait()
        raise httpx.ConnectTimeout("away", request=request)

    client = ProviderClient(PROVIDER, httpx.MockTransport(answer))
    people = [asyncio.create_task(client.metadata()) for _ in range(5)]
    await asyncio.sleep(0)
    gone.set()
    outcomes = await asyncio.gather(*people, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [ProviderAway] * 5
    assert len(asked) == 1


async def test_a_provider_that_answers_drop_by_drop_is_left(monkeypatch):
    monkeypatch.setattr(module, "_LONGEST_SECONDS", 0.05)

    async def drops():
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=drops())

    with pytest.raises(ProviderAway):
        await ProviderClient(PROVIDER, httpx.MockTransport(answer)).metadata()


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, content=b"x" * 1_000_001),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(302, headers={"Location": "https://evil.test"}),
        httpx.Response(500),
        httpx.Response(200, json={"issuer": ISSUER}),
    ],
    ids=["endless", "a page", "a list", "a redirect", "a fault", "nothing but a name"],
)
async def test_what_no_provider_says_is_as_good_as_no_answer(response):
    with pytest.raises(ProviderAway):
        await ProviderClient(PROVIDER, httpx.MockTransport(lambda _request: response)).metadata()
