"""The device profiles of an installation: the package's and those in the data folder, read again when they change."""

from collections.abc import Mapping
from pathlib import Path

import structlog

from vidik.intake.profiles import Profile, ProfileError, load_profiles

_log = structlog.get_logger(__name__)


class ProfileLibrary:
    """Profiles by name. A folder with a mistake in it leaves the last good profiles in use."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._seen: dict[Path, int] | None = None
        self._profiles: dict[str, Profile] = {}
        self.mistake: str | None = None
        """What is wrong with the folder's profiles, as a sentence; None when they are in use."""
        self.reload_if_changed()

    @property
    def profiles(self) -> Mapping[str, Profile]:
        """The profiles in use."""
        return self._profiles

    def reload_if_changed(self) -> bool:
        """Read the folder again if a file changed; returns whether other profiles are in use now."""
        files = self._files()
        if files == self._seen:
            return False
        self._seen = files
        try:
            self._profiles = load_profiles([self._folder] if self._folder else [])
        except ProfileError as error:
            self.mistake = str(error)
            _log.error("device profiles have a mistake; the last good ones stay in use", mistake=self.mistake)
            if not self._profiles:
                self._profiles = load_profiles()
                return True
            return False
        self.mistake = None
        return True

    def _files(self) -> dict[Path, int]:
        if self._folder is None or not self._folder.is_dir():
            return {}
        return {path: path.stat().st_mtime_ns for path in self._folder.glob("*.y*ml")}
