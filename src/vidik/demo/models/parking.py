"""Car parks: each spot is taken or free for a while, so that a site's share follows the hour of the day.

Shapes of the day (offices fill at 8 and empty at 16, the centre fills again in the evening, homes fill at night) are
those of the usual land-use shares for shared parking (ULI, Shared Parking).
"""

from vidik.demo.assets import Asset
from vidik.demo.noise import smooth, uniform
from vidik.demo.weather import local_time
from vidik.demo.world import World

# Share of spots taken at 0, 2, 4 ... 22 h, by the kind of place.
_SHARES = {
    0: (0.22, 0.15, 0.12, 0.25, 0.78, 0.96, 0.97, 0.93, 0.80, 0.74, 0.62, 0.38),  # centre
    1: (0.10, 0.06, 0.06, 0.22, 0.88, 0.97, 0.95, 0.90, 0.45, 0.22, 0.15, 0.12),  # offices, hospital
    2: (0.90, 0.93, 0.94, 0.80, 0.52, 0.45, 0.47, 0.52, 0.68, 0.80, 0.86, 0.89),  # homes
}
_WEEKEND = {0: 0.82, 1: 0.35, 2: 1.05}
_KINDS = len(_SHARES)


def taken_share(site: str, t: float, world: World) -> float:
    """The share of spots that drivers would take at a site, 0 to 1."""
    base = world.key(site)
    kind = base % _KINDS
    here = local_time(int(t // 60))
    shares = _SHARES[kind]
    left = int(here.hour // 2)
    part = here.hour / 2 - left
    share = shares[left] * (1 - part) + shares[(left + 1) % 12] * part
    if here.weekend:
        share *= _WEEKEND[kind]
    share *= 0.84 + 0.18 * uniform(base, 5)  # a few sites are everybody's favourite
    return min(1.0, max(0.02, share + 0.06 * smooth(base, t, 5_400)))


def spot_taken(asset: Asset, t: float, world: World) -> bool:
    """Whether a car stands on a spot; it stays from ten minutes to two hours."""
    base = world.key(asset.device_id)
    stay = 600 + 6_600 * uniform(base, 7)
    turn = int((t + 7_200 * uniform(base, 8)) // stay)
    arrived = turn * stay - 7_200 * uniform(base, 8)
    return uniform(base, turn) < taken_share(asset.gateway_id, arrived, world)


def spot(asset: Asset, t: float, world: World) -> dict[str, float]:
    """The values of one spot's sensor."""
    base = world.key(asset.device_id)
    charge = 0.98 - 0.5 * uniform(base, 9) - 0.02 * (t % 2_592_000) / 2_592_000
    return {"car": int(spot_taken(asset, t, world)), "bat": round(charge, 2)}


def site(spots: list[Asset], t: float, world: World) -> dict[str, float]:
    """The values of one site, counted from its spots."""
    taken = sum(spot_taken(each, t, world) for each in spots)
    total = len(spots)
    return {"free": total - taken, "total": total, "occ": round(taken / total, 3)}
