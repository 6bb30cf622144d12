"""A profile file as it is written: its keys, their types and the rules between them. Explained key by key in
docs/integrators/profiles.md (a test fails when a key is missing there)."""

import re
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic import StringConstraints as Text

from vidik.intake.profiles.paths import parse_path

Slug = Annotated[str, Text(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Term = Annotated[str, Text(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,99}$|^[a-z][a-z0-9+.-]*:.+$")]
UnitCode = Annotated[str, Text(pattern=r"^[A-Z0-9]{2,3}$")]
Scalar = bool | int | float | str


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class EntityPart(_Part):
    """Which entity the device speaks for."""

    type: Term
    id: str = Field(pattern=r"^[a-z][a-z0-9+.-]*:\S+$")

    @model_validator(mode="after")
    def _template(self) -> Self:
        if "{device_id}" not in self.id or re.sub(r"\{(device_id|city)\}", "", self.id).count("{"):
            raise ValueError("`id` needs {device_id} and may use {city}; nothing else in braces")
        return self


class TimePart(_Part):
    """When the values were observed."""

    path: str | None = None
    column: str | None = None
    format: str = "iso8601"
    zone: str | None = None
    ambiguous: Literal["earlier", "later", "reject"] = "reject"
    missing: Literal["reject", "received"] = "reject"
    future_limit_seconds: int = Field(300, ge=0, le=86_400)
    earliest: str = Field("2000-01-01", pattern=r"^\d{4}-\d\d-\d\d$")

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if self.path is not None:
            parse_path(self.path)
        if self.format not in ("iso8601", "unix_s", "unix_ms", "unix_us") and "%" not in self.format:
            raise ValueError(
                f"`format` is iso8601, unix_s, unix_ms, unix_us or a strptime pattern, not {self.format!r}"
            )
        if "%" in self.format and "%z" not in self.format and self.zone is None:
            raise ValueError("a pattern without %z needs `zone`")
        if self.zone is not None:
            try:
                ZoneInfo(self.zone)
            except (ZoneInfoNotFoundError, ValueError):
                raise ValueError(f"{self.zone!r} is not a time zone, such as Europe/Belgrade") from None
        return self


class DevicePart(_Part):
    """How a message says which device it is about, when a gateway sends for many."""

    path: str | None = None
    column: str | None = None
    template: str = "{value}"

    @model_validator(mode="after")
    def _found(self) -> Self:
        if (self.path is None) == (self.column is None):
            raise ValueError("give either `path` or `column`")
        if self.path is not None:
            parse_path(self.path)
        if self.template.count("{value}") != 1:
            raise ValueError("`template` needs {value} once")
        return self


class CsvPart(_Part):
    """How the lines are written."""

    separator: Literal[",", ";", "\t", "|"] = ","
    decimal: Literal[".", ","] = "."
    header: bool = True
    columns: list[str] | None = None
    encoding: Literal["utf-8", "windows-1250", "windows-1251", "iso-8859-2"] = "utf-8"
    empty: list[str] = [""]

    @model_validator(mode="after")
    def _columns_known(self) -> Self:
        if self.header == (self.columns is not None):
            raise ValueError("give `columns` exactly when `header` is false")
        if self.separator == self.decimal:
            raise ValueError("`separator` and `decimal` cannot be the same sign")
        return self


class AttributePart(_Part):
    """One attribute of the entity and where its value stands in the message."""

    name: Term
    path: str | None = None
    column: str | None = None
    latitude: str | None = None
    longitude: str | None = None
    type: Literal["number", "integer", "number_text", "boolean", "text", "choice", "point"] = "number"
    unit: UnitCode | None = None
    scale: float = Field(1.0, allow_inf_nan=False)
    offset: float = Field(0.0, allow_inf_nan=False)
    minimum: float | None = Field(None, allow_inf_nan=False)
    maximum: float | None = Field(None, allow_inf_nan=False)
    fault_values: list[float] = []
    choices: dict[Scalar, Scalar] | list[Scalar] | None = None
    required: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.type == "point":
            if self.latitude is None or self.longitude is None or self.path or self.column:
                raise ValueError("a point needs `latitude` and `longitude`, and neither `path` nor `column`")
        elif (self.path is None) == (self.column is None) or self.latitude or self.longitude:
            raise ValueError("give either `path` or `column`")
        if self.path is not None:
            parse_path(self.path)
        if (self.choices is not None) != (self.type == "choice"):
            raise ValueError("`choices` and type: choice go together")
        if self.choices is not None and not self.choices:
            raise ValueError("`choices` is empty")
        numeric = self.type in ("number", "integer", "number_text")
        for key in ("unit", "minimum", "maximum", "fault_values"):
            if getattr(self, key) not in (None, []) and not numeric:
                raise ValueError(f"`{key}` is for numbers")
        if (self.scale, self.offset) != (1.0, 0.0) and not numeric:
            raise ValueError("`scale` and `offset` are for numbers")
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ValueError("`minimum` must be below `maximum`")
        return self


class ProfileFile(_Part):
    """One profile file."""

    name: Slug
    version: int = Field(ge=1)
    title: str = Field(min_length=1, max_length=200)
    service: Literal["heating", "lighting", "parking", "air", "water", "waste", "traffic", "other"]
    format: Literal["json", "csv", "chirpstack-v4", "tts-v3"]
    entity: EntityPart
    expected_interval_seconds: int = Field(ge=1, le=31 * 86_400)
    time: TimePart | None = None
    device: DevicePart | None = None
    batch: bool = False
    csv: CsvPart | None = None
    reject_if_all: float | None = Field(None, allow_inf_nan=False)
    attributes: list[AttributePart] = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def _fits_its_format(self) -> Self:
        lines = self.format == "csv"
        if lines != (self.csv is not None):
            raise ValueError("`csv` and format: csv go together")
        if self.format in ("json", "csv") and self.time is None:
            raise ValueError("`time` is missing: say where the time stands, or `missing: received`")
        time = self.time
        if time is not None and time.missing == "reject" and time.path is None and time.column is None:
            raise ValueError("`time` names no path or column and says missing: reject; nothing would ever pass")
        if self.batch and self.format != "json":
            raise ValueError("`batch` is for format: json; lines of CSV are always many")
        self._places(lines)
        return self

    def _places(self, lines: bool) -> None:
        wrong = "path" if lines else "column"
        places: list[tuple[str, Any]] = [("time", self.time), ("device", self.device)]
        places += [(f"attributes.{part.name}", part) for part in self.attributes]
        for field, part in places:
            if part is not None and getattr(part, wrong) is not None:
                raise ValueError(f"{field}: format {self.format} reads by {'column' if lines else 'path'}, not {wrong}")
        if lines and any(part.type == "number_text" for part in self.attributes):
            raise ValueError("in CSV every number is text: write type: number")
        if self.csv is not None and self.csv.columns is not None:
            known = set(self.csv.columns)
            for field, column in self.named_columns():
                if column not in known:
                    raise ValueError(f"{field}: the column {column!r} is not in csv.columns")

    def named_columns(self) -> list[tuple[str, str]]:
        """Every (field, column) that the profile reads by."""
        found = [("time", self.time.column if self.time else None)]
        found += [("device", self.device.column if self.device else None)]
        for part in self.attributes:
            found += [(part.name, part.column), (part.name, part.latitude), (part.name, part.longitude)]
        return [(field, column) for field, column in found if column is not None]
