"""What a report says, block by block, the same on the page and in the PDF. Pure: from an extract alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from vidik.kernel.scripts import to_latin
from vidik.pilots.plans.freezing import Standing, changed_after_start, stand
from vidik.pilots.reports.charts import FORESEEN, INK, SAVED, Chart, Curve, chart
from vidik.pilots.reports.extract import Extract
from vidik.pilots.reports.findings import said
from vidik.pilots.reports.words import Words, symbol
from vidik.pilots.specification import Factor, Specification


@dataclass(frozen=True)
class Heading:
    """A heading of a section."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A sentence or more; a `warning` stands out."""

    text: str
    warning: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of text under headers; the first column names each row. `numeric` columns stand to the right."""

    headers: list[str]
    rows: list[list[str]]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Figure:
    """A chart; what it shows stands in a table beside it."""

    title: str
    chart: Chart


Block = Heading | Paragraph | Table | Figure


@dataclass(frozen=True)
class Report:
    """A whole report in one language."""

    language: str
    title: str
    subtitle: str
    verdict: str
    blocks: list[Block]


def report_of(extract: Extract, language: str) -> Report:
    """Everything that a report says, in the words of a language; raises BrokenPlan where the plan was changed."""
    words = Words(language)
    plan, entry = extract.plan, extract.entry
    standing = stand(
        plan["canonical"], plan["hash"], [(link["canonical"], link["hash"]) for link in plan["amendments"]]
    )
    specification = standing.specification
    warnings = [Paragraph(words(key), warning=True) for key in _warned(plan, entry, standing)]
    blocks: list[Block] = [
        *warnings,
        *_result(words, extract.outcome, entry),
        *_decision(words, entry, specification),
        *_course(words, extract.outcome),
        *_years(words, entry),
        *_units(words, extract.outcome),
        *_found(words, extract),
        *_plan(words, specification),
        *_signature(words, plan, standing),
        *_data(words, extract),
        Heading(words("verify")),
        Paragraph(f"{words('how')} {extract.manifest_hash}."),
    ]
    subtitle = f"{words(specification.service)} · {_period(words, entry['first'], entry['last'])}"
    title = to_latin(specification.title) if language == "sr-Latn" else specification.title
    return Report(language, title, subtitle, words(entry["verdict"]), blocks)


def _warned(plan: Mapping[str, Any], entry: Mapping[str, Any], standing: Standing) -> list[str]:
    warned = ["simulated"] if plan["simulated"] else []
    if changed_after_start(standing):
        warned.append("changed_late")
    if datetime.fromisoformat(plan["signed_at"]).date() >= standing.began:
        warned.append("frozen_late")
    if plan["changes"] or entry["data_changed"]:
        warned.append("changed")
    return warned


def _result(words: Words, outcome: Mapping[str, Any], entry: Mapping[str, Any]) -> list[Block]:
    unit, interval, money = symbol(entry["unit"]), entry["interval"], entry["money"]
    currency = entry["currency"]
    rows = [
        [words("saving"), f"{words.number(entry['saving'])} {unit}"],
        [f"{words('interval')} ({words.percent(interval['level'], 0)})", _between(words, interval, unit)],
        [words("fraction"), words.percent(entry["fraction"])],
        [words("actual"), f"{words.number(outcome['actual'])} {unit}"],
        [words("counterfactual"), f"{words.number(outcome['counterfactual'])} {unit}"],
        [words("placebos"), str(interval["placebos"])],
        [words("p_value"), "\u2013" if entry["p_value"] is None else words.number(entry["p_value"], 3)],
        [words("money"), words.money(money["value"], currency) + _vat(words, entry["vat_included"])],
        [f"{words('money')}, {words('interval').lower()}",
         f"{words.money(money['low'], currency)} {words('period_text')} {words.money(money['high'], currency)}"],
    ]  # fmt: skip
    if Decimal(entry["share"]) != 1:
        rows.insert(0, [words("share_of"), words.percent(float(entry["share"]))])
    if entry.get("cost") is not None:
        rows += _cost(words, entry["cost"], entry["verdict"])
    if entry["tonnes"] is not None:
        tonnes = {name: None if value is None else float(value) for name, value in entry["tonnes"].items()}
        rows.append([words("tonnes"), f"{words.number(tonnes['value'], 3)} ({_between(words, tonnes, 't')})"])
    if entry["guideline_14"] is not None:
        rows.append([words("guideline_14"), _between(words, entry["guideline_14"], unit)])
    blocks: list[Block] = [Heading(words("result")), Table([words("member"), words("value")], rows, frozenset({1}))]
    if interval["note"]:
        noted = next((one for one in outcome["findings"] if one["text"] == interval["note"]), None)
        blocks.append(Paragraph(interval["note"] if noted is None else said(words, noted)))
    return blocks


def _cost(words: Words, cost: Mapping[str, Any], verdict: str) -> list[list[str]]:
    amount = words.money(cost["amount"], cost["currency"]) + _vat(words, cost["vat_included"])
    payback, yearly = cost["payback_years"], cost["yearly"]
    rows = [[words("cost"), f"{amount}: {cost['covers']} ({cost['source']})"]]
    if payback is None:
        return [*rows, [words("payback"), words("payback_worse" if verdict == "worse" else "payback_unknown")]]
    low, high = (words.money(yearly[end], cost["currency"]) for end in ("low", "high"))
    worth = words.money(yearly["value"], cost["currency"])
    years = [words.number(payback[end], 1) for end in ("value", "low", "high")]
    return [
        *rows,
        [f"{words('yearly')} ({cost['days_a_year']} {words('days').lower()})",
         f"{worth} ({low} {words('period_text')} {high})"],
        [words("payback"), f"{years[0]} ({years[1]} {words('period_text')} {years[2]})"],
    ]  # fmt: skip


def _decision(words: Words, entry: Mapping[str, Any], specification: Specification) -> list[Block]:
    rule = specification.decision
    rows = [
        [words("rule_decision"), f"{words(entry['rule_decision'])}: {getattr(rule, entry['rule_decision'])}"],
        [words("decided"), words(entry["decision"])],
        [words("decided_by"), f"{entry['decided_by']}, {entry['decided_at']}"],
        [words("note"), entry["note"]],
    ]
    blocks: list[Block] = [Heading(words("decision")), Table([words("member"), words("value")], rows)]
    if entry["decision"] != entry["rule_decision"]:
        blocks.append(Paragraph(words("against_rule"), warning=True))
    return blocks


def _course(words: Words, outcome: Mapping[str, Any]) -> list[Block]:
    course, unit = outcome["course"], symbol(outcome["unit"])
    days = [date.fromisoformat(day) for day in course["days"]]
    cumulative = chart(
        words("cumulative_chart"),
        days,
        [Curve(words("saving"), course["cumulative"], SAVED)],
        unit,
        words.number,
        (course["cumulative_low"], course["cumulative_high"]),
    )
    daily = chart(
        words("daily_chart"),
        days,
        [
            Curve(words("actual"), course["actual"], INK),
            Curve(words("counterfactual"), course["counterfactual"], FORESEEN, dashes=True),
        ],
        unit,
        words.number,
    )
    headers = [words("month"), words("days"), words("actual"), words("counterfactual"), f"{words('saving')}, {unit}"]
    return [
        Heading(words("course")),
        Figure(words("cumulative_chart"), cumulative),
        Figure(words("daily_chart"), daily),
        Table(headers, _months(words, days, course), frozenset({1, 2, 3, 4})),
    ]


def _months(words: Words, days: Sequence[date], course: Mapping[str, Any]) -> list[list[str]]:
    groups: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for day, actual, foreseen in zip(days, course["actual"], course["counterfactual"], strict=True):
        if actual is not None and foreseen is not None:
            groups[f"{day:%Y-%m}"].append((actual, foreseen))
    rows = []
    for month, known in groups.items():
        actual, foreseen = sum(one[0] for one in known), sum(one[1] for one in known)
        sums = [words.number(value) for value in (actual, foreseen, foreseen - actual)]
        rows.append([month, str(len(known)), *sums])
    return rows


def _years(words: Words, entry: Mapping[str, Any]) -> list[Block]:
    headers = [words("year"), words("days"), words("saving"), words("interval"), words("money"), words("tonnes")]
    rows = [
        [
            str(part["year"]),
            str(part["days"]),
            f"{words.number(part['saving'])} {symbol(entry['unit'])}",
            _between(words, part, symbol(entry["unit"])),
            words.money(part["money"]["value"], entry["currency"]),
            "\u2013" if part["tonnes"] is None else words.number(Decimal(part["tonnes"]["value"]), 3),
        ]
        for part in entry["years"]
    ]
    return [Heading(words("by_year")), Table(headers, rows, frozenset(range(1, 6)))]


def _units(words: Words, outcome: Mapping[str, Any]) -> list[Block]:
    keys = ("unit", "model", "actual", "counterfactual", "saving", "cv_daily", "nmbe", "r2", "within")
    rows, weights = [], []
    for unit in outcome["units"]:
        fit = unit["fit"] or {}
        within = fit.get("within_guideline_14")
        rows.append(
            [
                unit["name"],
                unit["model"],
                *(words.number(unit[name]) for name in ("actual", "counterfactual", "saving")),
                words.percent(fit.get("cv_rmse_daily")),
                words.percent(fit.get("nmbe"), 2),
                "\u2013" if fit.get("r2") is None else words.number(fit["r2"], 3),
                "\u2013" if within is None else words("yes" if within else "no"),
            ]
        )
        weights += [[unit["name"], donor, words.number(weight, 3)] for donor, weight in unit["weights"].items()]
    blocks: list[Block] = [
        Heading(words("units")),
        Table([words(key) for key in keys], rows, frozenset(range(2, 8))),
    ]
    if weights:
        headers = [words("unit"), words("donor"), words("value")]
        blocks += [Heading(words("donors")), Table(headers, weights, frozenset({2}))]
    return blocks


def _found(words: Words, extract: Extract) -> list[Block]:
    findings = extract.outcome["findings"]
    rows = [[one["code"], one["subject"] or "", _days(words, one), said(words, one)] for one in findings]
    headers = [words("finding"), words("signal"), words("days"), words("what")]
    blocks: list[Block] = [Heading(words("findings"))]
    blocks.append(Table(headers, rows) if rows else Paragraph(words("none")))
    events = extract.plan["events"]
    if events:
        asked = [
            [
                said(words, one["finding"]),
                words(one["answer"]),
                one["note"],
                f"{one['answered_by']}, {one['answered_at']}",
            ]
            for one in events
            if one["answer"]
        ]
        headers = [words("finding"), words("answer"), words("note"), words("by")]
        blocks += [Heading(words("events")), Table(headers, asked)]
    return blocks


def _plan(words: Words, specification: Specification) -> list[Block]:
    design = "baseline_design" if specification.design == "baseline" else specification.design
    rule = specification.decision
    rows = [
        [words("boundary"), specification.boundary],
        [words("option"), specification.option],
        [words("design"), words(design)],
        [words("model"), specification.model],
        [words("units"), ", ".join(unit.name for unit in specification.units)],
        [words("baseline"), _period(words, specification.baseline.first, specification.baseline.last)],
        [words("reporting"), _period(words, specification.reporting.first, specification.reporting.last)],
        [words("exclusions"), "; ".join(f"{_period(words, one.first, one.last)}: {one.reason}"
                                        for one in specification.exclusions) or words("none")],
        [words("repairs"), ", ".join(specification.repairs) or words("none")],
        [words("expected"), words.percent(specification.expected)],
        [words("worthwhile"), words.percent(rule.worthwhile)],
        [words("rule"), f"{words('scale_up')}: {rule.scale_up} {words('extend')}: {rule.extend} "
                        f"{words('stop')}: {rule.stop}"],
        [words("fund"), specification.fund],
    ]  # fmt: skip
    if specification.allocation is not None:
        named = [
            (words("this_plan") if one.plan is None else f"{words('plan')} {one.plan}", words.percent(float(one.share)))
            for one in specification.allocation.shares
        ]
        shares = ", ".join(f"{name}: {share}" for name, share in named)
        rows.append([words("allocation"), f"{specification.allocation.rule} ({shares})"])
    prices = [[words("tariff"), *_factor(words, band.price), _when(band.hours, band.weekdays)]
              for band in specification.tariff]  # fmt: skip
    if specification.emissions is not None:
        factor = specification.emissions
        prices.append([words("emissions"), *_factor(words, factor), words.approach(factor.approach or "")])
    headers = [words("member"), words("value"), words("source"), words("hours")]
    return [
        Heading(words("plan")),
        Table([words("member"), words("value")], rows),
        Table(headers, prices),
    ]


def _factor(words: Words, factor: Factor) -> list[str]:
    vat = _vat(words, factor.vat_included)
    return [
        f"{words.number(factor.value, _digits(factor.value))} {factor.unit}{vat}",
        f"{factor.source} ({factor.year})",
    ]


def _digits(value: Decimal) -> int:
    return max(0, -int(value.as_tuple().exponent))


def _when(hours: Sequence[int], weekdays: Sequence[int]) -> str:
    all_hours, all_days = len(set(hours)) == 24, len(set(weekdays)) == 7
    return "0\u201324 h" if all_hours and all_days else f"{_runs(hours)} h / {_runs([day + 1 for day in weekdays])}"


def _runs(numbers: Sequence[int]) -> str:
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}\u2013{last}" for first, last in runs)


def _signature(words: Words, plan: Mapping[str, Any], standing: Standing) -> list[Block]:
    rows = [
        [words("hash"), plan["hash"]],
        [words("signed_by"), f"{plan['signed_by']}, {plan['signed_at']}"],
        [words("author"), plan["author"]],
        [words("statement"), plan["statement"]],
        [words("audit"), str(plan["audit_position"])],
    ]
    blocks: list[Block] = [Heading(words("signature")), Table([words("member"), words("value")], rows)]
    links = [
        [
            str(link.number),
            ", ".join(sorted(link.content["changes"])),
            link.content["reason"],
            link.content["by"],
            link.content["at"] + (f" ({words('after_start')})" if link.content["after_start"] else ""),
        ]
        for link in standing.amendments
    ]
    headers = [words(key) for key in ("number", "what", "reason", "by", "at")]
    blocks += [Heading(words("amendments")), Table(headers, links) if links else Paragraph(words("none"))]
    return blocks


def _data(words: Words, extract: Extract) -> list[Block]:
    rows = [
        [one["name"], words("unit_role" if one["role"] == "unit" else one["role"]), one["start"], str(one["steps"]),
         one["digest"]]
        for one in extract.manifest["series"]
    ]  # fmt: skip
    headers = [words(key) for key in ("signal", "role", "at", "steps", "digest")]
    blocks: list[Block] = [Heading(words("data")), Table(headers, rows, frozenset({3}))]
    blocks += [Paragraph(one["sentence"][words.language], warning=True) for one in extract.plan["changes"]]
    return blocks


def _between(words: Words, interval: Mapping[str, Any], unit: str) -> str:
    return f"{words.number(interval['low'])} {words('period_text')} {words.number(interval['high'])} {unit}"


def _vat(words: Words, included: bool | None) -> str:
    return "" if included is None else f" ({words('with_vat' if included else 'without_vat')})"


def _period(words: Words, first: date | str, last: date | str) -> str:
    return f"{first} {words('period_text')} {last}"


def _days(words: Words, finding: Mapping[str, Any]) -> str:
    first, last = finding["first"], finding["last"]
    if first is None:
        return ""
    return first if last in (None, first) else _period(words, first, last)
