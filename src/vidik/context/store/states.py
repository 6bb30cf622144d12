"""What an entity is in the store: as it was read, and as it is to be written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vidik.context.store.document import Document, Instance
from vidik.kernel.clock import to_microseconds


@dataclass(slots=True)
class EntityRow:
    """An entity as it is stored: expanded names, NGSI-LD instances (see ARCHITECTURE, the city's memory)."""

    key: int
    id: str
    types: list[str]
    scope: list[str] | None
    document: Document
    created_at: datetime
    modified_at: datetime
    observed_at: datetime | None
    expires_at: datetime | None
    xmin: str
    """The transaction that wrote this version of the row."""

    @property
    def version(self) -> str:
        """Which of its states it is."""
        return version_of(self.xmin, self.modified_at)


@dataclass(slots=True)
class EntityWrite:
    """A whole new state of an entity.

    `document` is complete, with createdAt and modifiedAt already set in its instances. `changed` holds what history
    and the change stream shall say: attribute to its new instances; a deleted one as `{"type": …, "deletedAt": …}`.
    `before` is the row that was loaded for update, None for a new entity.
    """

    entity_id: str
    types: list[str]
    scope: list[str] | None
    document: Document
    expires_at: datetime | None
    changed: dict[str, list[Instance]]
    before: EntityRow | None


def version_of(xmin: str, modified_at: datetime) -> str:
    """A name that no other committed state of the same entity has.

    Transaction numbers come again after four thousand million, and clocks are set back: not both at once.
    """
    return f"{int(xmin):x}.{to_microseconds(modified_at):x}"
