"""Reads profile files: the ones in the package and the city's own; a mistake names the file and the field."""

import re
from collections.abc import Callable, Hashable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import yaml
from pydantic import ValidationError

from vidik.intake.profiles.csv_messages import compile_csv, line_format
from vidik.intake.profiles.json_messages import compile_json
from vidik.intake.profiles.model import ProfileFile
from vidik.intake.profiles.profile import AttributeSpec, Profile

LIBRARY = Path(__file__).parent / "library"
MAX_FILE_BYTES = 256 * 1024


class ProfileError(ValueError):
    """A profile file has a mistake; the message names the file and the field."""

    def __init__(self, file: str, field: str, reason: str) -> None:
        super().__init__(f"{file}: {field}: {reason}" if field else f"{file}: {reason}")
        self.file = file
        self.field = field
        self.reason = reason


class Names(Protocol):
    """What turns short names into IRIs; `vidik.context.jsonld.names` does."""

    def expand_type(self, name: str, /) -> str: ...

    def expand_attribute(self, name: str, /) -> str: ...


def load_profiles(folders: Path | Iterable[Path] = (), *, names: Names | None = None) -> dict[str, Profile]:
    """Return the package's profiles and those in `folders` (*.yaml, *.yml) by name.

    A profile in a folder replaces the one of the same name before it. Folders that do not exist hold no
    profiles. Raises ProfileError for the first mistake.
    """
    places = [LIBRARY, *([folders] if isinstance(folders, Path) else folders)]
    found: dict[str, Profile] = {}
    for place in places:
        seen: dict[str, Path] = {}
        for file in sorted([*place.glob("*.yaml"), *place.glob("*.yml")]):
            profile = load_profile(file, names=names)
            if profile.name in seen:
                raise ProfileError(str(file), "name", f"{profile.name!r} is already in {seen[profile.name].name}")
            seen[profile.name] = file
            found[profile.name] = profile
    return found


def load_profile(file: Path, *, names: Names | None = None) -> Profile:
    """Return the profile in one file. Raises ProfileError."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ProfileError(str(file), "", f"the file cannot be read: {error.strerror}") from error
    profile = parse_profile(content, str(file), names=names)
    if profile.name != file.stem:
        raise ProfileError(str(file), "name", f"the file of {profile.name!r} must be called {profile.name}.yaml")
    return profile


def parse_profile(content: bytes, file: str, *, names: Names | None = None) -> Profile:
    """Return the profile written in `content`; `file` is for messages. Raises ProfileError."""
    return compile_profile(read_profile_file(content, file), file, names=names)


def read_profile_file(content: bytes, file: str) -> ProfileFile:
    """Return the validated content of a profile file. Raises ProfileError."""
    if len(content) > MAX_FILE_BYTES:
        raise ProfileError(file, "", "the file is larger than 256 KiB")
    try:
        document = yaml.load(content, Loader=_Loader)  # noqa: S506 - a SafeLoader with fewer types
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ProfileError(file, "", f"this is not YAML: {' '.join(str(error).split())}") from None
    try:
        return ProfileFile.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ProfileError(file, _where(document, first["loc"]), _sentence(first)) from None


def compile_profile(written: ProfileFile, file: str = "", *, names: Names | None = None) -> Profile:
    """Return the profile ready to decode. Raises ProfileError when its attributes disagree."""
    known = names or _city_names()
    _refuse_mixed_meanings(written, file)
    if _is_sealed(written.entity.type):
        raise ProfileError(file, "entity.type", f"{written.entity.type} are what citizens report, and no device does")
    compiler: Callable[..., Any] = compile_csv if written.format == "csv" else compile_json
    specs: dict[str, AttributeSpec] = {}
    for part in written.attributes:
        specs.setdefault(
            part.name,
            AttributeSpec(
                name=part.name,
                iri=known.expand_attribute(part.name),
                kind="GeoProperty" if part.type == "point" else "Property",
                unit_code=part.unit,
                minimum=part.minimum,
                maximum=part.maximum,
                numeric=part.type in ("number", "integer", "number_text"),
            ),
        )
    return Profile(
        name=written.name,
        version=written.version,
        title=written.title,
        service=written.service,
        entity_type=written.entity.type,
        type_iri=known.expand_type(written.entity.type),
        attributes=list(specs.values()),
        expected_interval=timedelta(seconds=written.expected_interval_seconds),
        format=written.format,
        id_template=written.entity.id,
        decoder=compiler(written, known.expand_attribute),
        lines=line_format(written) if written.format == "csv" else None,
    )


def _refuse_mixed_meanings(written: ProfileFile, file: str) -> None:
    """An attribute may stand in several places (meters of two makes), but with one unit and one type."""
    units: dict[str, tuple[str | None, str]] = {}
    for index, part in enumerate(written.attributes):
        meaning = (part.unit, part.type)
        if units.setdefault(part.name, meaning) != meaning:
            raise ProfileError(file, f"attributes[{index}]", f"{part.name} already has another unit or type")


def _is_sealed(entity_type: str) -> bool:
    from vidik.context.store.sealed import is_sealed  # reads the contexts, too

    return is_sealed([entity_type])


def _city_names() -> Names:
    from vidik.context.jsonld import names  # its contexts take a moment to read; only loading needs them

    return names


def _where(document: Any, location: tuple[int | str, ...]) -> str:
    steps = []
    for step in location:
        if isinstance(step, int):
            steps.append(f"[{step}]")
            document = document[step] if isinstance(document, list) and step < len(document) else None
            name = document.get("name") if isinstance(document, dict) else None
            if isinstance(name, str):
                steps.append(f"({name})")
        else:
            document = document.get(step) if isinstance(document, dict) else None
            steps.append(f".{step}" if steps else step)
    return "".join(steps)


def _sentence(error: Any) -> str:
    if error["type"] == "missing":
        return "this key is missing"
    if error["type"] == "extra_forbidden":
        return "no such key"
    message = str(error["msg"]).removeprefix("Value error, ")
    given = error.get("input")
    return f"{message} (found {given!r})" if isinstance(given, str | int | float) else message


def _resolvers() -> dict[str, list[tuple[str, Any]]]:
    """PyYAML's, except that of words only true and false are truth values, and dates stay text."""
    replaced = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")
    kept = {
        first: [pair for pair in pairs if pair[0] not in replaced]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    truth = ("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"))
    return kept | {first: [truth, *kept.get(first, [])] for first in "tf"}


class _Loader(yaml.SafeLoader):
    """YAML with the truth values of YAML 1.2 (`on`, `off`, `yes`, `no` are words) and no key given twice."""

    yaml_implicit_resolvers = _resolvers()

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            mark = (key.tag, str(key.value))
            if mark in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is given twice", key.start_mark
                )
            seen.add(mark)
        return super().construct_mapping(node, deep)
