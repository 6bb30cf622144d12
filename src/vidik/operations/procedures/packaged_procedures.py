"""The procedures that come with Vidik, one file each in `packaged/`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml

from vidik.operations.procedures.definition import Definition


@cache
def packaged_procedures() -> Mapping[str, Definition]:
    """Return every packaged procedure, by code."""
    folder = files("vidik.operations.procedures").joinpath("packaged")
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".yaml"))
    texts = [folder.joinpath(name).read_text("utf-8") for name in names]
    found = [Definition.model_validate(yaml.safe_load(text)) for text in texts]
    return {definition.code: definition for definition in found}
