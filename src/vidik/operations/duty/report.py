"""A handover as a page and as PDF, in three scripts: from what was signed alone. Pure; the same bytes each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any

from fpdf import FPDF
from fpdf.fonts import FontFace

from vidik.kernel.clock import CITY_ZONE
from vidik.kernel.print_fonts import dejavu
from vidik.kernel.scripts import in_script

_WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Handover of duty", "Примопредаја дежурства"),
    "desk": ("Desk", "Радно место"),
    "time": ("Time", "Време"),
    "people": ("On duty", "На дужности"),
    "note": ("For the next shift", "За следећу смену"),
    "alarms": ("Alarms", "Аларми"),
    "raised": (
        "Raised: {critical} critical, {high} high, {medium} medium, {low} low. Acknowledged: {acknowledged}.",
        "Јављено: критичних {critical}, високих {high}, средњих {medium}, ниских {low}. Потврђено: {acknowledged}.",
    ),
    "standing": ("Standing at the end", "Остаје отворено"),
    "incidents": ("Incidents", "Инциденти"),
    "procedures": ("Running procedures", "Поступци у току"),
    "tasks": ("Tasks", "Задаци"),
    "warnings": ("Warnings to the public", "Упозорења јавности"),
    "until": ("Until", "До"),
    "Update": ("changed", "измењено"),
    "Cancel": ("called off", "опозив"),
    "warning.draft": ("draft, not sent", "нацрт, није послато"),
    "warning.released": ("stands", "на снази"),
    "warning.replaced": ("replaced by a later one", "замењено новијим"),
    "warning.cancelled": ("called off", "опозвано"),
    "warning.expired": ("over", "истекло"),
    "notices": ("Messages to people on call", "Поруке људима у приправности"),
    "sent": (
        "Sent: {sent}. Taken over: {acknowledged}. Not through yet: {failed}. Given up: {given_up}.",
        "Послато: {sent}. Преузето: {acknowledged}. Још није прошло: {failed}. Одустало се: {given_up}.",
    ),
    "log": ("Duty log", "Дневник дежурства"),
    "none": ("Nothing.", "Ништа."),
    "cut": ("Only the first {n} are listed.", "Наведено је само првих {n}."),
    "signatures": ("Signatures", "Потписи"),
    "outgoing": ("Handed over by", "Предаје"),
    "incoming": ("Taken over by", "Прима"),
    "unsigned": ("not signed yet", "још није потписано"),
    "hash": ("Hash of what is signed (SHA-256)", "Хеш потписаног (SHA-256)"),
    "what": ("What", "Шта"),
    "shelved": ("shelved", "одложен"),
    "suppressed": ("suppressed by design", "потиснут по замисли"),
    "out_of_service": ("out of service", "ван употребе"),
    "learnt": ("Cause: {cause} Lesson: {lesson}", "Узрок: {cause} Поука: {lesson}"),
    "crew": ("Crew", "Екипа"),
    "priority": ("Priority", "Приоритет"),
    "since": ("Since", "Од"),
    "who": ("Who", "Ко"),
    "state": ("State", "Стање"),
    "step": ("Step", "Корак"),
    "waits": ("Waits for", "Чека"),
    "waits.person": ("a person", "човека"),
    "waits.answer": ("an answer", "одговор"),
    "waits.confirmation": ("somebody to confirm the command", "да неко потврди наредбу"),
    "waits.failed": ("somebody: it did not work", "човека: није успело"),
    "waits.time": ("until {time}", "до {time}"),
    "overdue": ("overdue", "касни"),
    "when": ("When", "Када"),
    "number": ("Number", "Број"),
    "critical": ("critical", "критичан"),
    "high": ("high", "висок"),
    "medium": ("medium", "средњи"),
    "low": ("low", "низак"),
    "open": ("open", "отворен"),
    "closed": ("closed", "затворен"),
    "assigned": ("assigned", "додељен"),
    "accepted": ("accepted", "прихваћен"),
    "under_way": ("under way", "на путу"),
    "arrived": ("arrived", "на месту"),
    "done": ("done", "урађен"),
    "failed": ("failed", "није успео"),
    "cancelled": ("cancelled", "отказан"),
    "exercise": ("EXERCISE", "ВЕЖБА"),
    "trial": ("TEST", "ПРОБА"),
    "simulated": ("simulated", "симулирано"),
}
_MARKS = ("shelved", "suppressed", "out_of_service", "simulated")
_GREY, _INK = (81, 96, 111), (28, 39, 51)


@dataclass(frozen=True)
class Section:
    """A heading, a sentence, and rows of text under headers."""

    title: str
    text: str = ""
    headers: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


class _Phrases:
    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        english, cyrillic = _WORDS[key]
        template = english if self.language == "en" else self.script(cyrillic)
        return template.format(**values)

    def script(self, text: str) -> str:
        """Names and what people typed, in the script of who reads: Cyrillic only where the report is."""
        return in_script(text, self.language)

    def of(self, texts: Mapping[str, str]) -> str:
        return texts.get(self.language) or texts.get("en") or ""

    @staticmethod
    def time(text: str | None) -> str:
        return datetime.fromisoformat(text).astimezone(CITY_ZONE).strftime("%d.%m.%Y %H:%M") if text else ""


def sections_of(content: Mapping[str, Any], signed: Mapping[str, Any], language: str) -> tuple[str, list[Section]]:
    """Return the title and the sections of a handover; `content` is what was signed."""
    say = _Phrases(language)
    facts = content["facts"]
    head = Section(
        "",
        headers=[say("desk"), say("time")],
        rows=[[say.script(content["desk"]), f"{say.time(content['begins_at'])} - {say.time(content['ends_at'])}"]],
    )
    people = [
        [
            say.script(one["person"]),
            say.script(one["desk"]),
            f"{say.time(one['begins_at'])} - {say.time(one['ends_at'])}",
        ]
        for one in facts["people"]
    ]
    sections = [
        head,
        Section(say("note"), say.script(content["note"]) or say("none")),
        _listed(say, "people", [say("who"), say("desk"), say("time")], people),
        Section(say("alarms"), say("raised", **facts["alarms"]["counts"])),
        _listed(say, "standing", [say("priority"), say("what"), say("since"), say("who")],
                [_alarm(say, one) for one in facts["alarms"]["standing"]]),
        _listed(say, "incidents", [say("number"), say("what"), say("state"), say("since")],
                [_incident(say, one) for one in facts["incidents"]]),
        # As with warnings: handovers signed before they were told of say nothing of procedures.
        _listed(say, "procedures", [say("number"), say("what"), say("step"), say("since"), say("waits")],
                [_procedure(say, one) for one in facts.get("procedures", [])]),
        _listed(say, "tasks", [say("number"), say("what"), say("crew"), say("state"), say("since")],
                [_task(say, one) for one in facts["tasks"]]),
        # What was signed before warnings were among the facts says nothing of them.
        _listed(say, "warnings", [say("what"), say("state"), say("since"), say("until"), say("who")],
                [_warning(say, one) for one in facts.get("warnings", [])]),
        Section(say("notices"), say("sent", **facts["notices"])),
        _listed(say, "log", [say("when"), say("who"), say("what")],
                [[say.time(one["at"]), say.script(one["person"]), say.script(one["text"])] for one in facts["log"]]),
        Section(
            say("signatures"),
            headers=[say("outgoing"), say("incoming")],
            rows=[[f"{say.script(content['outgoing'])}, {say.time(content['drawn_up_at'])}", _incoming(say, signed)]],
        ),
        Section(say("hash"), signed["hash"]),
    ]  # fmt: skip
    return say("title"), sections


def _listed(say: _Phrases, key: str, headers: list[str], rows: list[list[str]]) -> Section:
    if not rows:
        return Section(say(key), say("none"))
    return Section(say(key), say("cut", n=len(rows)) if len(rows) == 100 else "", headers, rows)


def _alarm(say: _Phrases, one: Mapping[str, Any]) -> list[str]:
    marks = [say(mark) for mark in (one.get("hidden_by"), one["origin"]) if mark in _MARKS]
    what = f"{say.script(one['entity_name'])}: {say.of(one['message'])}" + (f" ({', '.join(marks)})" if marks else "")
    return [say(one["priority"]), what, say.time(one["raised_at"]), say.script(one["acknowledged_by"] or "")]


def _incident(say: _Phrases, one: Mapping[str, Any]) -> list[str]:
    title = say.of(one["titles"]) if one["titles"] else say.script(one["title"])
    # Handovers that were signed earlier tell of exercises, too.
    mark = f"{say('exercise')}: " if one.get("exercise_id") is not None else ""
    learnt = ""
    if one["state"] == "closed" and one.get("cause"):
        said = {name: _ended(say.script(one[name] or "")) for name in ("cause", "lesson")}
        learnt = f". {say('learnt', **said)}"
    return [one["number"], mark + title + learnt, say(one["state"]), say.time(one["opened_at"])]


def _task(say: _Phrases, one: Mapping[str, Any]) -> list[str]:
    mark = f"{say('exercise')}: " if one.get("exercise") else ""
    title = say.of(one["titles"]) if one.get("titles") else say.script(one["title"])
    # Handovers that were signed earlier say nothing of crews.
    crew = say.script(one.get("crew") or "")
    return [f"T-{one['id']}", mark + title, crew, say(one["state"]), say.time(one["opened_at"])]


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", "…")) else f"{sentence}."


def _procedure(say: _Phrases, one: Mapping[str, Any]) -> list[str]:
    def said(words: Mapping[str, str]) -> str:
        return words["en"] if say.language == "en" else say.script(words["sr"])

    if one["failed"]:
        waits = say("waits.failed")
    elif one["kind"] == "wait":
        waits = say("waits.time", time=say.time(one["due_at"]))
    else:
        waits = say({"question": "waits.answer", "command": "waits.confirmation"}.get(one["kind"], "waits.person"))
        waits += f" ({say.script(one['held_by'])})" if one["held_by"] else ""
    waits += f", {say('overdue')}" if one["overdue"] else ""
    incident = say.of(one["incident_titles"]) if one["incident_titles"] else say.script(one["incident"])
    return [one["number"], f"{said(one['title'])}: {incident}", said(one["step"]), say.time(one["since"]), waits]


def _warning(say: _Phrases, one: Mapping[str, Any]) -> list[str]:
    mark = {"Exercise": f"{say('exercise')}: ", "Test": f"{say('trial')}: "}.get(one["status"], "")
    headline = one["headline_en"] if say.language == "en" and one["headline_en"] else say.script(one["headline"])
    kind = f" ({say(one['kind'])})" if one["kind"] != "Alert" else ""
    state = say(f"warning.{one['state']}")
    who = say.script(one["released_by"] or "")
    return [mark + headline + kind, state, say.time(one["sent_at"]), say.time(one["expires_at"]), who]


def _incoming(say: _Phrases, signed: Mapping[str, Any]) -> str:
    return (
        f"{say.script(signed['incoming'])}, {say.time(signed['signed_at'])}" if signed["incoming"] else say("unsigned")
    )


_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2733;"
    "background:#fff}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem .3rem 0;"
    "border-bottom:1px solid #d5dbe1;vertical-align:top;overflow-wrap:anywhere}th{color:#51606f}h2{font-size:1.1rem;"
    "margin:1.4rem 0 .3rem}p{white-space:pre-wrap;overflow-wrap:anywhere}"
)


def page(content: Mapping[str, Any], signed: Mapping[str, Any], language: str) -> str:
    """Return the page of a handover."""
    title, sections = sections_of(content, signed, language)
    parts = [
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title><style>{_STYLE}</style>'
        f"</head><body><main><h1>{escape(title)}</h1>"
    ]
    for section in sections:
        if section.title:
            parts.append(f"<h2>{escape(section.title)}</h2>")
        if section.text:
            parts.append(f"<p>{escape(section.text)}</p>")
        if section.rows:
            head = "".join(f'<th scope="col">{escape(one)}</th>' for one in section.headers)
            rows = "".join(
                "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in section.rows
            )
            parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
    return "".join([*parts, "</main></body></html>"])


def pdf(content: Mapping[str, Any], signed: Mapping[str, Any], language: str) -> bytes:
    """Return the PDF of a handover, A4."""
    title, sections = sections_of(content, signed, language)
    paper = FPDF(format="A4")
    paper.set_margins(16, 16)
    paper.set_auto_page_break(True, margin=16)
    for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
        paper.add_font("DejaVu", style, str(dejavu() / name))
    paper.set_title(title)
    paper.set_lang(language)
    paper.set_creation_date(datetime.fromisoformat(signed["signed_at"] or content["drawn_up_at"]))
    paper.add_page()
    _write(paper, title, 17, bold=True)
    for section in sections:
        if section.title:
            paper.ln(3)
            _write(paper, section.title, 11.5, bold=True)
        if section.text:
            _write(paper, section.text, 9)
        if section.rows:
            _table(paper, section)
    return bytes(paper.output())


def _write(paper: FPDF, text: str, size: float, *, bold: bool = False) -> None:
    paper.set_font("DejaVu", "B" if bold else "", size)
    paper.set_text_color(*_INK)
    paper.multi_cell(0, size * 0.55, text, new_x="LMARGIN", new_y="NEXT", align="L")
    paper.ln(1)


def _table(paper: FPDF, section: Section) -> None:
    paper.set_font("DejaVu", size=8)
    paper.set_draw_color(213, 219, 225)
    columns = list(zip(section.headers, *section.rows, strict=True))
    widths = tuple(float(max(12, min(60, max(map(len, column))))) for column in columns)
    with paper.table(
        borders_layout="HORIZONTAL_LINES",
        col_widths=widths,
        text_align="LEFT",
        headings_style=FontFace(emphasis="BOLD", color=_GREY),
        line_height=4.2,
        padding=0.8,
    ) as drawn:
        for row in [section.headers, *section.rows]:
            line = drawn.row()
            for cell in row:
                line.cell(cell)
