"""Two people at once: who changes a thing says which version they saw, and another one is answered with what stands."""

from collections.abc import Mapping
from typing import Any, ClassVar

from vidik.kernel.errors import VidikError


class Changed(VidikError):
    """Somebody else changed the thing meanwhile; `current` is its view now, `changed_by` the person."""

    status: ClassVar[int] = 412
    title: ClassVar[str] = "Changed meanwhile"
    default_code: ClassVar[str] = "changed-meanwhile"

    def __init__(self, current: Mapping[str, Any], changed_by: str) -> None:
        super().__init__(
            f"{changed_by} changed this meanwhile. Look at what stands now, then decide again.",
            values={"changed_by": changed_by},
        )
        self.current = current

    def problem(self) -> dict[str, Any]:
        """The problem with the thing as it stands."""
        return super().problem() | {"current": dict(self.current)}


class VersionMissing(VidikError):
    """A change that does not say which version it is made of (RFC 6585, 428)."""

    status: ClassVar[int] = 428
    title: ClassVar[str] = "Say which version you saw"
    default_code: ClassVar[str] = "version-required"
