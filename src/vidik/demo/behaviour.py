"""Which model speaks for which asset, and how often it reports."""

from dataclasses import dataclass
from typing import Any

from vidik.demo.assets import Asset, City
from vidik.demo.models import air, heating, lighting, parking, traffic, waste, water
from vidik.demo.orders import Orders
from vidik.demo.world import World

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between readings: live, and in the past day that is written at the first start."""

    live: float
    past: float


PACES = {
    "demo-heat-substation": Pace(15, 600),
    "demo-air-station": Pace(60, 600),
    "demo-water-zone-meter": Pace(30, 600),
    "demo-traffic-counter": Pace(60, 600),
    "demo-parking-site": Pace(30, 900),
    "demo-lighting-cabinet": Pace(30, 1_800),
    "demo-waste-container": Pace(300, 3_600),
    "demo-parking-spot": Pace(1_200, 3_600),
    "demo-luminaire": Pace(120, 3_600),
}


class Behaviour:
    """What every asset of a city says at a time."""

    def __init__(self, city: City, world: World) -> None:
        self._world = world
        self._spots: dict[str, list[Asset]] = {}
        for asset in city.assets:
            if asset.profile == "demo-parking-spot":
                self._spots.setdefault(asset.gateway_id, []).append(asset)

    @property
    def orders(self) -> Orders:
        """The commands that the city has been given."""
        return self._world.orders

    def record(self, asset: Asset, t: float) -> Record | None:
        """The asset's reading at `t` (whole seconds since 1970), or None when its device is silent."""
        if "silent" in self._world.faults.of(asset.device_id, t):
            return None
        values = self._values(asset, t)
        return {"t": int(t), **values}

    def _values(self, asset: Asset, t: float) -> Record:
        world = self._world
        match asset.profile:
            case "demo-luminaire":
                return lighting.luminaire(asset, t, world)
            case "demo-lighting-cabinet":
                return lighting.cabinet(asset, t, world)
            case "demo-parking-site":
                return parking.site(self._spots[asset.device_id], t, world)
            case "demo-parking-spot":
                return parking.spot(asset, t, world)
            case "demo-waste-container":
                return waste.record(asset, t, world)
            case "demo-heat-substation":
                return heating.record(asset, t, world)
            case "demo-water-zone-meter":
                return water.record(asset, t, world)
            case "demo-traffic-counter":
                return traffic.record(asset, t, world)
            case "demo-air-station":
                return air.record(asset, t, world)
        raise ValueError(f"no model for {asset.profile}")
