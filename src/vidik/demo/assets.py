"""What the demo city is made of."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Asset:
    """One simulated device and the entity it speaks for; `size` is what its model scales by."""

    device_id: str
    profile: str
    entity_type: str
    service: str
    name: str
    name_en: str
    longitude: float
    latitude: float
    gateway_id: str
    operator: str
    size: float = 1.0
    traits: dict[str, float] = field(default_factory=dict)
    part_of: str | None = None
    geometry: dict[str, object] | None = None

    @property
    def entity_id(self) -> str:
        """The entity's id."""
        return f"urn:ngsi-ld:{self.entity_type}:nis:{self.device_id.removeprefix('nis-')}"


@dataclass(frozen=True, slots=True)
class Gateway:
    """A device that has a credential and sends for others."""

    device_id: str
    name: str
    operator: str


@dataclass(frozen=True, slots=True)
class City:
    """Every gateway and every asset."""

    gateways: list[Gateway]
    assets: list[Asset]

    def behind_gateways(self) -> dict[str, list[Asset]]:
        """Assets by the gateway that sends for them: few and busy ones first, luminaires last."""
        found: dict[str, list[Asset]] = {}
        for asset in self.assets:
            found.setdefault(asset.gateway_id, []).append(asset)
        order = {"parking": 1, "lighting": 2}
        return dict(sorted(found.items(), key=lambda entry: order.get(entry[1][0].service, 0)))

    def by_profile(self) -> dict[str, list[str]]:
        """Device ids by profile, in the order of the plan."""
        found: dict[str, list[str]] = {}
        for asset in self.assets:
            found.setdefault(asset.profile, []).append(asset.device_id)
        return found
