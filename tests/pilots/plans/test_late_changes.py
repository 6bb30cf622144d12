"""What a plan says of itself when it was changed late, or when its data were changed by the way of an amendment."""

import hashlib
from datetime import UTC, date, datetime

import httpx
import pytest
from tests.pilots.conftest import METERS, a_draft, a_signal, a_specification, given_meters, signed
from tests.pilots.made import building

from vidik.kernel.errors import Conflict
from vidik.pilots.ledger.sums import MIXED_VAT, rule_of
from vidik.pilots.measurement.twins import alike_units
from vidik.pilots.plans.canonical import digest
from vidik.pilots.plans.checking import check
from vidik.pilots.plans.freezing import Standing, amendment_text, changed_after_start, plan_text, stand
from vidik.pilots.plans.overlaps import overlaps_of, refuse_other_currency
from vidik.pilots.specification import Specification

PLAN = Specification.model_validate(a_specification())


def amended_by(changes: dict[str, object], *, late: bool) -> Standing:
    text = plan_text(PLAN)
    link = amendment_text(
        plan=digest(text),
        previous=digest(text),
        number=1,
        kind="amendment",
        changes=changes,
        reason="x",
        by="x",
        at=datetime(2025, 3, 1, tzinfo=UTC),
        after_start=late,
    )
    return stand(text, digest(text), [(link, digest(link))])


class TestLateChanges:
    def test_are_named_by_their_members(self) -> None:
        assert changed_after_start(amended_by({"fund": "EU"}, late=True)) == ["fund"]
        assert changed_after_start(amended_by({"fund": "EU"}, late=False)) == []

    def test_a_start_that_was_moved_later_does_not_make_them_early(self) -> None:
        moved = amended_by({"reporting": {"first": "2025-05-01", "last": "2025-06-30"}}, late=True)

        assert moved.specification.reporting.first == date(2025, 5, 1)
        assert moved.began == PLAN.reporting.first


class TestCurrency:
    @pytest.mark.parametrize("unit", ["rsd/KWH", "дин/KWH", "RSD /KWH", "/KWH"])
    def test_is_three_capital_letters(self, unit: str) -> None:
        tariff = a_specification()["tariff"]
        tariff[0]["price"]["unit"] = unit

        _, problems = check(a_specification(tariff=tariff))

        assert [problem.code for problem in problems] == ["price-currency"]

    def test_of_all_frozen_plans_is_one(self) -> None:
        tariff = a_specification()["tariff"]
        tariff[0]["price"]["unit"] = "EUR/KWH"
        in_euros = Specification.model_validate(a_specification(tariff=tariff))

        refuse_other_currency(PLAN, {1: PLAN})
        with pytest.raises(Conflict, match="in EUR, those of plan 1") as refused:
            refuse_other_currency(in_euros, {1: PLAN})
        assert refused.value.code == "currency-differs"

    def test_amounts_with_and_without_vat_are_said_to_be_mixed(self) -> None:
        entries = [{"id": number, "corrects": None, "vat_included": number > 1} for number in (1, 2)]

        assert rule_of(entries)["en"].endswith(MIXED_VAT["en"])
        assert not rule_of(entries[:1])["en"].endswith(MIXED_VAT["en"])


class TestTwins:
    def test_one_meter_by_two_ways_is_one_saving(self) -> None:
        series = building("a", 1)
        assert alike_units({"a": series, "b": building("b", 1, seed=9)}, {"else": series}) == ["a"]

    def test_they_overlap_though_they_come_from_elsewhere(self) -> None:
        other = Specification.model_validate(a_specification(units=[a_signal("building", file="0" * 64)]))

        assert overlaps_of(PLAN, {3: other}) == []
        (found,) = overlaps_of(PLAN, {3: other}, {3: ["building"]})
        assert found.signals == ["building"]


async def test_a_file_with_other_baseline_data_is_not_slipped_in(client: httpx.AsyncClient) -> None:
    await given_meters(client)
    plan = await signed(client, await a_draft(client))
    # The same meter a little higher before the start, and one byte more: neither an overlap nor data that were signed.
    lines = METERS.decode().splitlines()
    for number, line in enumerate(lines[1:], start=1):
        day, own, rest = line.split(",", 2)
        lines[number] = f"{day},{float(own) * (1.1 if day < '2025' else 1):.3f},{rest}"
    edited = ("\n".join(lines) + "\n\n").encode()
    await client.post("/api/pilots/files", params={"name": "meters 2.csv"}, content=edited)
    unit = a_signal("building", file=hashlib.sha256(edited).hexdigest())

    answer = await client.post(
        f"/api/pilots/plans/{plan['id']}/amendments", json={"changes": {"units": [unit]}, "reason": "Newer file."}
    )

    assert answer.status_code == 200, answer.text
    assert answer.json()["amendments"][0]["replaced"] == ["building"]
    copied = METERS + b"\n"
    await client.post("/api/pilots/files", params={"name": "copy.csv"}, content=copied)
    copy = a_signal("building", file=hashlib.sha256(copied).hexdigest())
    await client.post(
        f"/api/pilots/plans/{plan['id']}/amendments",
        json={"changes": {"units": [a_signal("building")]}, "reason": "Back."},
    )
    again = await a_draft(client, title="Исто из друге датотеке", units=[copy])
    frozen = await client.post(
        f"/api/pilots/plans/{again['id']}/freeze", json={"hash": again["draft_hash"], "statement": "x"}
    )
    assert (frozen.status_code, frozen.json()["code"]) == (409, "overlapping-pilots")
