"""What a process of the family hands to its modules."""

from dataclasses import dataclass, field
from typing import TypeVar, cast

from vidik.kernel.database import Database
from vidik.kernel.settings import Settings

_Service = TypeVar("_Service")


@dataclass
class Services:
    """Settings and database of this process, and the long-lived objects that modules put here at start."""

    settings: Settings
    database: Database
    _shared: dict[type, object] = field(default_factory=dict)

    def put(self, service: object, *, under: type | None = None) -> None:
        """Share one long-lived object of this process under its type."""
        self._shared[under or type(service)] = service

    def get(self, kind: type[_Service]) -> _Service:
        """The shared object of a type; raises LookupError when this process has none."""
        found = self._shared.get(kind)
        if found is None:
            raise LookupError(f"this process has no {kind.__name__}")
        return cast(_Service, found)

    def has(self, kind: type) -> bool:
        """Whether this process shares an object of a type."""
        return kind in self._shared
