"""Which rules stand in a city: the package's, those in its folder, and what people changed in the table."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import orjson
import structlog

from vidik.kernel.database import Connection
from vidik.kernel.errors import BadInput
from vidik.kernel.settings import Settings
from vidik.operations.rules import repository as rules_repository
from vidik.operations.rules.model import AnyRule
from vidik.operations.rules.rulebook import city_rules, packaged_rules, read_rule

_log = structlog.get_logger(__name__)

Source = Literal["package", "city", "override"]


class StandingRule(NamedTuple):
    """A rule, where it comes from, and who changed it when (for an override)."""

    rule: AnyRule
    source: Source
    changed_by: str | None = None
    changed_at: Any = None


def original_rules(settings: Settings) -> dict[str, StandingRule]:
    """Return every rule by code as package and folder have it, before people change it."""
    rules = {code: StandingRule(rule, "package") for code, rule in packaged_rules().items()}
    try:
        rules |= {code: StandingRule(rule, "city") for code, rule in city_rules(settings.data / "rules").items()}
    except BadInput as error:
        # The city must not go without alarms because of a slip in a file: the package's rules stand meanwhile.
        _log.error("the city's own rules are left out", reason=error.detail)
    return rules


async def standing_rules(connection: Connection, settings: Settings) -> dict[str, StandingRule]:
    """Return every rule of the city by code: a later source replaces an earlier one of the same code."""
    rules = original_rules(settings)
    for row in await rules_repository.read_overrides(connection):
        try:
            rule = _validated(orjson.dumps(row["definition"]))
        except BadInput as error:
            _log.error("a changed rule is left out", rule=row["code"], reason=error.detail)
            continue
        rules[row["code"]] = StandingRule(rule, "override", row["changed_by"], row["changed_at"])
    return rules


@lru_cache(maxsize=20_000)
def _validated(definition: bytes) -> AnyRule:
    """Return a rule as the table has it; asked for every few seconds, and 0.1 ms each."""
    return read_rule(orjson.loads(definition))


def merged(rule: AnyRule | None, code: str, changes: Mapping[str, Any]) -> AnyRule:
    """Return a rule with some fields changed, or a new one; raises BadInput when it does not hold together."""
    base = definition_of(rule) if rule is not None else {}
    if changes.get("kind", base.get("kind")) != base.get("kind"):
        base = {}
    return read_rule({**base, **changes, "code": code})


def definition_of(rule: AnyRule) -> dict[str, Any]:
    """Return a rule as its file would say it, without what is left at its default."""
    return rule.model_dump(mode="json", exclude_defaults=True) | {"kind": rule.kind}
