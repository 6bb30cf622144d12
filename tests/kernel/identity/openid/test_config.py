"""The file that names a city's provider."""

import pytest
import yaml

from vidik.kernel.errors import BadInput
from vidik.kernel.identity.openid.config import is_safe, load_providers, provider_of
from vidik.kernel.identity.roles import Grant
from vidik.kernel.settings import Settings

ENTRY = {"name": "City", "issuer": "https://a.test", "client_id": "vidik", "groups": {"g": {"role": "crew"}}}


@pytest.fixture
def written(tmp_path):
    def write(told):
        path = tmp_path / "sign-in.yaml"
        path.write_text(told if isinstance(told, str) else yaml.safe_dump(told))
        return path

    return write


def test_each_tenant_has_a_provider_of_its_own(written):
    path = written({"city": ENTRY, "medijana": ENTRY | {"issuer": "https://b.test"}})

    def issuer(tenant):
        provider = provider_of(Settings(sign_in=path, tenant=tenant, public_url="https://vidik.test"))
        return provider and provider.issuer

    assert [issuer("city"), issuer("medijana"), issuer("pantelej")] == ["https://a.test", "https://b.test", None]


def test_one_group_may_give_several_roles(written):
    groups = {"g": [{"role": "crew"}, {"role": "auditor", "organisation": "toplana"}], "h": {"role": "crew"}}

    provider = load_providers(written({"city": ENTRY | {"groups": groups}}))["city"]

    assert provider.grants_of(frozenset({"g", "h", "unknown"})) == {Grant("crew"), Grant("auditor", "toplana")}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"issuer": "http://a.test"}, "city.issuer"),
        ({"issuer": "https://a.test?x=1"}, "city.issuer"),
        ({"groups": {}}, "city.groups"),
        ({"groups": {"g": {"role": "king"}}}, "city.groups.g.0.role"),
        ({"session_minutes": 100000}, "city.session_minutes"),
        ({"secret": "in the file"}, "city.secret"),
        ({"client_id": None}, "city.client_id"),
    ],
)
def test_a_mistake_is_named_by_its_place(written, change, place):
    with pytest.raises(BadInput, match=f"{place}: "):
        load_providers(written({"city": ENTRY | change}))


@pytest.mark.parametrize("text", ["", "- a", "{", "city:"])
def test_what_is_no_such_file_is_said(written, text):
    with pytest.raises(BadInput):
        load_providers(written(text))


def test_without_a_public_address_nobody_is_sent_to_a_provider(written):
    with pytest.raises(BadInput, match="VIDIK_PUBLIC_URL"):
        provider_of(Settings(sign_in=written({"city": ENTRY}), public_url="http://vidik.test"))


def test_the_secret_is_read_anew_each_time(written, tmp_path):
    secret = tmp_path / "secret"
    provider = load_providers(written({"city": ENTRY | {"client_secret_file": str(secret)}}))["city"]

    with pytest.raises(BadInput):
        provider.client_secret()
    secret.write_text("one\n")
    assert provider.client_secret() == "one"
    secret.write_text("two")
    assert provider.client_secret() == "two"


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://a.test/x", True),
        ("http://127.0.0.1:1/x", True),
        ("http://[::1]:1/x", True),
        ("http://a.test", False),
        ("http://localhost", False),
        ("ftp://a.test", False),
        ("https://", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_secrets_go_to_safe_addresses_only(address, safe):
    assert is_safe(address) is safe
