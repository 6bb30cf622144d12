"""A made-up provider, and browsers that visit."""

from typing import Any

import httpx
import pytest
from tests.kernel.identity.openid.made_up import MadeUpProvider
from tests.kernel.identity.openid.visiting import CITY

from vidik.kernel.identity.openid.client import ProviderClient
from vidik.kernel.identity.openid.config import Provider
from vidik.kernel.identity.openid.flow import OpenId


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"public_url": "https://vidik.test"})


@pytest.fixture
def browser(browser):
    """Browsers at the https address that people use."""

    def make() -> httpx.AsyncClient:
        client = browser()
        client.base_url = "https://vidik.test"
        return client

    return make


@pytest.fixture
def made_up():
    return MadeUpProvider()


@pytest.fixture
def configure(services, made_up):
    """Lets the city's file say something else than CITY."""

    def configure(**told: Any) -> None:
        client = ProviderClient(Provider.model_validate(CITY | told), made_up.transport)
        services.put(OpenId(services, client))

    configure()
    return configure


@pytest.fixture
def visitor(browser, configure):
    return browser()
