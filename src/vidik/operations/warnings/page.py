"""What citizens see: the page of warnings and the Atom feed. Pure; works without scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any
from xml.etree import ElementTree

from vidik.kernel.clock import CITY_ZONE, iso
from vidik.kernel.scripts import to_latin
from vidik.operations.warnings.cap import MEDIA_TYPE, languages_of
from vidik.operations.warnings.content import Content

ATOM = "http://www.w3.org/2005/Atom"
LANGUAGES = ("sr-Cyrl", "sr-Latn", "en")
_WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Warnings", "Упозорења"),
    "language": ("Language", "Језик и писмо"),
    "none": ("There is no warning now.", "Сада нема упозорења."),
    "until": ("until {time}", "до {time}"),
    "where": ("Where", "Где"),
    "do": ("What to do", "Шта треба да урадите"),
    "cancel": ("Cancelled", "Опозвано"),
    "update": ("Updated", "Измењено"),
    "draft": ("Preview: this was not sent.", "Преглед: ово није послато."),
    "Exercise": ("EXERCISE", "ВЕЖБА"),
    "Test": ("TEST", "ПРОБА"),
    "Extreme": ("Extreme", "Изузетна опасност"),
    "Severe": ("Severe", "Велика опасност"),
    "Moderate": ("Moderate", "Умерена опасност"),
    "Minor": ("Minor", "Мања опасност"),
    "Unknown": ("Severity unknown", "Тежина није позната"),
    "tell": ("Tell me in this browser", "Обавести ме у овом прегледачу"),
    "tellOff": ("Do not tell me any more", "Не обавештавај ме више"),
    "why": (
        "The browser's push address is kept for this alone, for a year at most, and for nothing else.",
        "Адреса прегледача чува се само за ово, најдуже годину дана, и ни за шта друго.",
    ),
    "refused": ("The browser did not allow it.", "Прегледач то није дозволио."),
}
_STYLE = (
    ":root{color-scheme:light dark;--ink:#17212b;--soft:#465564;--ground:#fff;--link:#0b5394;--edge:#51606f;"
    "--severe:#a33b00;--extreme:#a30020}"
    "@media (prefers-color-scheme:dark){:root{--ink:#dfe7ee;--soft:#a3b3c1;--ground:#10171e;--link:#7cbcec;"
    "--edge:#8496a6;--severe:#f0a13a;--extreme:#ff5d5d}}"
    "body{font:17px/1.5 system-ui,sans-serif;max-width:44rem;margin:0 auto;padding:1rem;color:var(--ink);"
    "background:var(--ground)}"
    "article{border-left:6px solid var(--edge);padding:.2rem 0 .4rem 1rem;margin:1.4rem 0}"
    "h1{font-size:1.7rem;margin:.4rem 0}h2{margin:.2rem 0;font-size:1.3rem}h3{margin:1rem 0 0;font-size:1rem}"
    ".Extreme{border-color:var(--extreme)}.Severe{border-color:var(--severe)}.mark{font-weight:700}"
    "p{white-space:pre-wrap;overflow-wrap:anywhere;margin:.4rem 0}.small{color:var(--soft);font-size:.9rem}"
    "nav a{display:inline-flex;align-items:center;min-height:44px;margin-right:1.2rem}"
    "button{font:inherit;padding:.5rem 1rem;min-height:44px}a{color:var(--link)}"
)


def words(key: str, language: str, **values: str) -> str:
    """Return one of the page's texts."""
    english, cyrillic = _WORDS[key]
    template = english if language == "en" else to_latin(cyrillic) if language == "sr-Latn" else cyrillic
    return template.format(**values)


def page(warnings: Sequence[Mapping[str, Any]], city: str, language: str, *, preview: bool = False) -> str:
    """Return the page of warnings as citizens see it; a preview says that nothing was sent."""
    title = f"{words('title', language)}: {city}"
    parts = [
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title><style>{_STYLE}</style>'
        '<link rel="alternate" type="application/atom+xml" href="/cap/feed.atom"></head><body><main>'
        f"<h1>{escape(title)}</h1>"
    ]
    if preview:
        parts.append(f'<p class="mark">{escape(words("draft", language))}</p>')
    else:
        names = {"sr-Cyrl": "Ћирилица", "sr-Latn": "Latinica", "en": "English"}
        links = "".join(
            f'<a href="?language={code}" lang="{code}" hreflang="{code}">{names[code]}</a>' for code in LANGUAGES
        )
        parts.append(f'<nav aria-label="{escape(words("language", language), quote=True)}">{links}</nav>')
    parts += [_article(row, language) for row in warnings] or [f"<p>{escape(words('none', language))}</p>"]
    if not preview:
        data = "".join(
            f' data-{name}="{escape(words(key, language), quote=True)}"'
            for name, key in (("on", "tell"), ("off", "tellOff"), ("refused", "refused"))
        )
        parts.append(
            f'<p><button id="tell" hidden{data}>{escape(words("tell", language))}</button></p>'
            f'<p class="small" id="why" role="status" hidden>{escape(words("why", language))}</p>'
            '<script src="/warnings-page.js" defer></script>'
        )
    return "".join([*parts, "</main></body></html>"])


def _article(row: Mapping[str, Any], language: str) -> str:
    content = Content.model_validate(row["content"])
    said = dict(languages_of(content))
    texts = said.get(language) or said["sr-Cyrl"]
    marks = [words(content.status, language)] if content.status != "Actual" else []
    if row["kind"] != "Alert":
        marks.append(words(row["kind"].lower(), language))
    until = words("until", language, time=content.expires.astimezone(CITY_ZONE).strftime("%d.%m.%Y %H:%M"))
    mark = f'<p class="mark">{escape(" · ".join(marks))}</p>' if marks else ""
    todo = f"<h3>{escape(words('do', language))}</h3><p>{escape(texts.instruction)}</p>" if texts.instruction else ""
    return (
        f'<article class="{content.severity}" id="{escape(row["identifier"] or "", quote=True)}">{mark}'
        f"<h2>{escape(texts.headline)}</h2>"
        f'<p class="small">{escape(words(content.severity, language))} · {escape(texts.event)} · {escape(until)}</p>'
        f"<p>{escape(texts.description)}</p>{todo}"
        f"<p><strong>{escape(words('where', language))}:</strong> {escape(texts.area)}</p></article>"
    )


def atom(warnings: Sequence[Mapping[str, Any]], city: str, base: str, moment: datetime) -> bytes:
    """Return the Atom feed (RFC 4287) of warnings, each with its CAP document."""
    feed = ElementTree.Element("feed", {"xmlns": ATOM, "xml:lang": "sr-Cyrl"})
    _add(feed, "id", f"{base}/cap/feed.atom")
    _add(feed, "title", f"{words('title', 'sr-Cyrl')}: {city}")
    _add(feed, "updated", iso(max((row["sent_at"] for row in warnings), default=moment)))
    author = ElementTree.SubElement(feed, "author")
    _add(author, "name", city)
    ElementTree.SubElement(feed, "link", {"rel": "self", "href": f"{base}/cap/feed.atom"})
    for row in warnings:
        content = Content.model_validate(row["content"])
        address = f"{base}/cap/{row['identifier']}.xml"
        entry = ElementTree.SubElement(feed, "entry")
        _add(entry, "id", address)
        _add(entry, "title", content.sr.headline)
        _add(entry, "updated", iso(row["sent_at"]))
        _add(entry, "published", iso(row["sent_at"]))
        _add(entry, "summary", content.sr.description)
        ElementTree.SubElement(entry, "category", {"term": content.category})
        ElementTree.SubElement(entry, "link", {"rel": "alternate", "type": MEDIA_TYPE, "href": address})
    return bytes(ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True))


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text
