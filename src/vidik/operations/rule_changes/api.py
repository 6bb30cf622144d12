"""Rules over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import ConfigDict, Field, StrictBool

from vidik.kernel import audit
from vidik.kernel.clock import iso, now
from vidik.kernel.errors import BadInput, NotFound
from vidik.kernel.forms import Form, Keepable
from vidik.kernel.identity import Principal, require, require_in_the_city
from vidik.kernel.web import ServicesOf, Transaction
from vidik.operations.alarms.holds import circle_of
from vidik.operations.rule_changes.trials import refuse_a_flood
from vidik.operations.rules import repository as rules_repository
from vidik.operations.rules.model import AnyRule, write_duration
from vidik.operations.rules.priority import matrix
from vidik.operations.rules.service import StandingRule, definition_of, merged, original_rules, standing_rules
from vidik.operations.words import Words

router = APIRouter(tags=["operations"])


class RuleChange(Form):
    """Fields of a rule in the place of the standing ones, why, and whether a flood is meant."""

    model_config = ConfigDict(extra="allow")

    reason: Words | None = Field(None, max_length=2000)
    confirm_flood: StrictBool = False


@router.get("/rules")
async def list_rules(
    connection: Transaction,
    services: ServicesOf,
    _: Annotated[Principal, Depends(require("alarms.read"))],
) -> dict[str, Any]:
    """List every rule that stands, with where it comes from."""
    standing = await standing_rules(connection, services.settings)
    return {"items": [_rule_view(found) for found in sorted(standing.values(), key=_by_service)]}


@router.get("/rules/priority-matrix")
async def read_priority_matrix(_: Annotated[Principal, Depends(require("alarms.read"))]) -> dict[str, Any]:
    """Return the priority that each impact and longest time to respond give (the last column has no end)."""
    found = matrix()
    columns = [write_duration(limit) if limit is not None else None for limit in found["columns"]]
    return {"respond_within": columns, "priority": found["rows"]}


@router.get("/rules/{code}")
async def read_rule(
    code: Keepable,
    connection: Transaction,
    services: ServicesOf,
    _: Annotated[Principal, Depends(require("alarms.read"))],
) -> dict[str, Any]:
    """Return one rule that stands; `original` is its definition before people changed it, null for one they made."""
    found = (await standing_rules(connection, services.settings)).get(code)
    if found is None:
        raise NotFound(f"There is no rule {code}.")
    original = original_rules(services.settings).get(code)
    return _rule_view(found) | {"original": definition_of(original.rule) if original else None}


@router.delete("/rules/{code}")
async def take_change_back(
    code: Keepable,
    connection: Transaction,
    services: ServicesOf,
    principal: Annotated[Principal, Depends(require_in_the_city("rules.manage"))],
) -> dict[str, Any] | None:
    """Forget what people changed of a rule: the package's (or the folder's) stands again; null when there is none."""
    standing = (await standing_rules(connection, services.settings)).get(code)
    if standing is None or standing.source != "override":
        raise NotFound(f"Nobody has changed a rule {code}.")
    original = original_rules(services.settings).get(code)
    await rules_repository.remove_override(connection, code)
    await rules_repository.rules_changed(connection)
    after = definition_of(original.rule) if original else None
    details = {"before": definition_of(standing.rule), "after": after}
    await audit.record(connection, principal, "rule.restore", f"rule:{code}", details=details)
    return _rule_view(original) | {"original": after} if original else None


@router.put("/rules/{code}")
async def change_rule(
    code: str,
    body: RuleChange,
    services: ServicesOf,
    principal: Annotated[Principal, Depends(require_in_the_city("rules.manage"))],
) -> dict[str, Any]:
    """Change fields of a rule, or make a new one when the body is a whole rule; takes effect at once.

    One that would have flooded its operator is refused with the figures of the dry run, unless `confirm_flood` is true.
    """
    tenant = services.settings.tenant
    async with services.database.session(tenant) as connection:
        rules = await standing_rules(connection, services.settings)
    standing = rules.get(code)
    rule: AnyRule = merged(standing.rule if standing else None, code, body.model_extra or {})
    through = circle_of({one: found.rule for one, found in rules.items()} | {code: rule}, code)
    if through is not None:
        raise BadInput(
            f"The rule would inhibit itself through {through}.",
            field="inhibited_by",
            code="inhibits-itself",
            values={"rule": through},
        )
    moment = now()
    if not body.confirm_flood:
        before = standing.rule if standing else None
        await refuse_a_flood(services.database, tenant, before, rule, moment)
    details = {
        "before": definition_of(standing.rule) if standing else None,
        "after": definition_of(rule),
        "flood_confirmed": body.confirm_flood,
    }
    async with services.database.transaction(tenant) as connection:
        await rules_repository.write_override(connection, code, definition_of(rule), principal.name, moment)
        await rules_repository.rules_changed(connection)
        await audit.record(
            connection, principal, "rule.change", f"rule:{code}", reason=body.reason or None, details=details
        )
    original = original_rules(services.settings).get(code)
    view = _rule_view(StandingRule(rule, "override", principal.name, moment))
    return view | {"original": definition_of(original.rule) if original else None}


def _by_service(found: StandingRule) -> tuple[str, str]:
    return found.rule.service, found.rule.code


def _rule_view(found: StandingRule) -> dict[str, Any]:
    rule = found.rule
    view = rule.model_dump(mode="json")
    view["title"] = rule.title.scripts()
    view["message"] = rule.message.scripts()
    view["advice"] = rule.advice.scripts() if rule.advice else None
    if rule.rationalisation is not None:
        view["rationalisation"]["cause"] = rule.rationalisation.cause.scripts()
        view["rationalisation"]["consequence"] = rule.rationalisation.consequence.scripts()
    view["rationalised_priority"] = rule.rationalised_priority
    view["definition"] = definition_of(rule)
    view["source"] = found.source
    view["changed_by"] = found.changed_by
    view["changed_at"] = iso(found.changed_at) if found.changed_at else None
    return view
