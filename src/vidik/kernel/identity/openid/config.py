"""The file that says which provider a city's people sign in with, and which of its groups may do what."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from vidik.kernel.errors import BadInput
from vidik.kernel.identity.areas import AreaCode
from vidik.kernel.identity.roles import ROLES, Grant
from vidik.kernel.settings import Settings

Name = Annotated[str, Field(min_length=1, max_length=200)]


class GroupGrant(BaseModel):
    """What members of one group of the provider are here: a role, in the whole city, one organisation or one area."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: str
    organisation: Name | None = None
    area: AreaCode | None = None

    @field_validator("role")
    @classmethod
    def _is_known(cls, role: str) -> str:
        if role not in ROLES:
            raise ValueError(f"there is no role {role}; roles are {', '.join(ROLES)}")
        return role


class Provider(BaseModel):
    """One city's provider; see docs/operators/identity.md, which explains every field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    name_sr: Name | None = None
    issuer: str
    client_id: Name
    client_secret_file: Path | None = None
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    groups_claim: Name = "groups"
    login_claim: Name = "preferred_username"
    groups: dict[str, tuple[GroupGrant, ...]] = Field(min_length=1)
    email_domains: tuple[str, ...] = ()
    required_claims: dict[str, tuple[str | bool | int, ...]] = Field(default_factory=dict)
    trusted_audiences: tuple[str, ...] = ()
    session_minutes: int = Field(480, ge=5, le=1440)
    tokens_days: int = Field(30, ge=1, le=365)
    clock_skew_seconds: int = Field(60, ge=0, le=300)

    @field_validator("issuer")
    @classmethod
    def _is_an_address(cls, issuer: str) -> str:
        parts = urlsplit(issuer)
        if parts.query or parts.fragment or not parts.hostname:
            raise ValueError("an issuer is an https address without query and fragment")
        if not is_safe(issuer):
            raise ValueError("an issuer is reached by https; plain http is for this machine itself (127.0.0.1) only")
        return issuer

    @field_validator("scopes")
    @classmethod
    def _asks_for_openid(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        return scopes if "openid" in scopes else ("openid", *scopes)

    @field_validator("groups", mode="before")
    @classmethod
    def _one_or_several(cls, groups: Any) -> Any:
        if not isinstance(groups, dict):
            return groups
        return {group: [given] if isinstance(given, dict) else given for group, given in groups.items()}

    @field_validator("required_claims", mode="before")
    @classmethod
    def _one_value_or_several(cls, claims: Any) -> Any:
        if not isinstance(claims, dict):
            return claims
        return {name: value if isinstance(value, list) else [value] for name, value in claims.items()}

    def grants_of(self, groups: frozenset[str]) -> frozenset[Grant]:
        """The roles that membership of these groups gives; groups that the file does not name give none."""
        return frozenset(
            Grant(given.role, given.organisation, given.area)
            for group in groups
            for given in self.groups.get(group, ())
        )

    def client_secret(self) -> str | None:
        """The secret, read anew each time so that it can be changed without a restart; raises BadInput."""
        if self.client_secret_file is None:
            return None
        try:
            secret = self.client_secret_file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise BadInput(f"The client secret cannot be read from {self.client_secret_file}.") from error
        if not secret:
            raise BadInput(f"The client secret in {self.client_secret_file} is empty.")
        return secret


def is_safe(address: str) -> bool:
    """Whether secrets may be sent to an address: https, or http to this machine itself."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host)
    if parts.scheme != "http":
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load_providers(path: Path) -> dict[str, Provider]:
    """Every tenant's provider by the tenant's name; raises BadInput with the place of a mistake."""
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BadInput(f"VIDIK_SIGN_IN names {path}, which cannot be read: {error}") from error
    if not isinstance(told, dict):
        raise BadInput(f"{path} must name a tenant, such as 'city:', and below it the provider.")
    providers = {}
    for tenant, entry in told.items():
        try:
            providers[str(tenant)] = Provider.model_validate(entry)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join([str(tenant), *(str(part) for part in first["loc"])])
            raise BadInput(f"{path}, {place}: {first['msg']}.") from error
    return providers


def provider_of(settings: Settings) -> Provider | None:
    """The provider of this installation's tenant, or None when its people sign in with passwords only.

    Raises BadInput when the file cannot be used, or when VIDIK_PUBLIC_URL, to which the provider sends people back,
    is not set.
    """
    if settings.sign_in is None:
        return None
    provider = _loaded(settings.sign_in).get(settings.tenant)
    if provider is not None and not is_safe(settings.public_url or ""):
        raise BadInput("Signing in through a provider needs VIDIK_PUBLIC_URL, the https address that people use.")
    return provider


@lru_cache(maxsize=8)
def _loaded(path: Path) -> dict[str, Provider]:
    return load_providers(path)
