"""Photos from the street: checked, made smaller, freed of everything but the picture, kept by their SHA-256."""

import hashlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

from vidik.kernel.errors import NotFound, TooLarge, Unprocessable
from vidik.kernel.files import write_durably

LARGEST_BYTES = 12 * 1024 * 1024
LARGEST_PIXELS = 60_000_000
LONGEST_SIDE = 2560
MOST_A_TASK = 20
MEDIA_TYPE = "image/jpeg"
_TAKEN = ("JPEG", "PNG", "WEBP")
_QUALITY = 85


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo as it is kept; `given_sha256` is of the bytes that were sent."""

    content: bytes
    sha256: str
    given_sha256: str
    width: int
    height: int


def clean_photo(content: bytes) -> Photo:
    """Return a photo without metadata (place, device, name), upright, no side over 2560 px, as JPEG.

    The same bytes give the same photo. Raises TooLarge, or Unprocessable for what is no JPEG, PNG or WebP.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if len(content) > LARGEST_BYTES:
        raise TooLarge(f"A photo may have {LARGEST_BYTES // 1_048_576} MB at most.", code="photo-too-large")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=_TAKEN) as opened:
                if opened.width * opened.height > LARGEST_PIXELS:
                    raise TooLarge("The photo has more than 60 million points.", code="photo-too-large")
                opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
                upright = ImageOps.exif_transpose(opened).convert("RGB")
        upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        # Into a fresh picture: nothing but its points comes along.
        bare = Image.new("RGB", upright.size)
        bare.paste(upright)
        made = io.BytesIO()
        bare.save(made, "JPEG", quality=_QUALITY, optimize=True)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Unprocessable("This is no photo that can be read (JPEG, PNG or WebP).", code="no-photo") from error
    kept = made.getvalue()
    given = hashlib.sha256(content).hexdigest()
    return Photo(kept, hashlib.sha256(kept).hexdigest(), given, bare.width, bare.height)


def _file(data: Path, sha256: str) -> Path:
    return data / "task-photos" / sha256[:2] / f"{sha256}.jpg"


def keep(data: Path, photo: Photo) -> None:
    """Write a photo into the data folder, whole or not at all, and on the disk before this returns."""
    target = _file(data, photo.sha256)
    if target.is_file():
        return
    write_durably(target, photo.content)


def read(data: Path, sha256: str) -> bytes:
    """Return a kept photo; raises NotFound."""
    try:
        return _file(data, sha256).read_bytes()
    except OSError as error:
        raise NotFound("The photo is not in the data folder.", code="no-photo") from error
