"""What all models look at: the weather, the faults, the meters, the orders."""

from dataclasses import dataclass, field

from vidik.demo.assets import City
from vidik.demo.faults import Faults
from vidik.demo.meters import Meters
from vidik.demo.noise import key
from vidik.demo.orders import Orders
from vidik.demo.weather import Sky


@dataclass
class World:
    """One city at work."""

    seed: int
    sky: Sky
    faults: Faults
    meters: Meters
    orders: Orders = field(default_factory=Orders)

    @classmethod
    def of(cls, city: City, seed: int, meters: Meters, started_at: float | None = None) -> "World":
        """The world of a city; `started_at` (seconds since 1970) sets the opening act."""
        return cls(seed, Sky(seed), Faults(seed, city.by_profile(), started_at), meters)

    def key(self, name: str) -> int:
        """A number that stands for `name` in this world."""
        return key(self.seed, name)
