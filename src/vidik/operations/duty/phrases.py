"""What a message to a person says, in their language. Pure: from the facts of the call alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from vidik.kernel.scripts import in_script, to_latin

_WORDS: Mapping[str, tuple[str, str]] = {
    "alarm": ("{priority} alarm: {name}", "{priority} аларм: {name}"),
    "incident": ("Incident {number}: {title}", "Инцидент {number}: {title}"),
    "trial": ("Trial message", "Пробна порука"),
    "trial.body": (
        "This is how Vidik will reach you when you are on call. Nothing needs to be done.",
        "Овако ће вас Видик обавестити када сте у приправности. Није потребно ништа да урадите.",
    ),
    "exercise": ("EXERCISE", "ВЕЖБА"),
    "simulated": ("Simulated data", "Симулирани подаци"),
    "since": ("Nobody has acknowledged it yet.", "Нико још није потврдио пријем."),
    "look": ("In Vidik: {address}", "У Видику: {address}"),
    "take": ("Take it over: {address}", "Преузмите: {address}"),
    "priority.critical": ("Critical", "Критичан"),
    "priority.high": ("High", "Висок"),
    "priority.medium": ("Medium", "Средњи"),
    "priority.low": ("Low", "Низак"),
}


class Text(NamedTuple):
    """A message to a person."""

    title: str
    body: str


def say(facts: Mapping[str, Any], language: str, *, asked: bool, exercise: bool, address: str | None) -> Text:
    """Return a message in en, sr-Cyrl or sr-Latn; `asked`: somebody is to take it over, on the page `address`."""

    def words(key: str, **values: str) -> str:
        english, cyrillic = _WORDS[key]
        template = english if language == "en" else to_latin(cyrillic) if language == "sr-Latn" else cyrillic
        # Values as they are: what a person typed may have braces in it.
        for name, value in values.items():
            template = template.replace("{" + name + "}", value)
        return template

    def script(text: str) -> str:
        return in_script(text, language)

    kind = facts["kind"]
    lines: list[str] = []
    if kind == "alarm":
        title = words("alarm", priority=words(f"priority.{facts['priority']}"), name=script(facts["entity_name"]))
        lines += [facts["message"].get(language) or facts["message"]["en"], words("since")]
        if facts.get("origin") == "simulated":
            lines.append(words("simulated"))
    elif kind == "incident":
        said = (facts.get("titles") or {}).get(language) or script(facts["title"])
        title = words("incident", number=facts["number"], title=said)
        lines.append(words("since"))
    elif kind == "procedure":
        said = (facts.get("titles") or {}).get(language) or script(facts["title"])
        title = words("incident", number=facts["number"], title=said)
        lines.append(facts["text"][language])
        if asked:
            lines.append(words("since"))
        if facts.get("origin") == "simulated":
            lines.append(words("simulated"))
    else:
        title = words("trial")
        lines.append(words("trial.body"))
    if exercise:
        title = f"{words('exercise')}: {title}"
    if address and kind != "trial":
        lines.append(words("take" if asked else "look", address=address))
    return Text(title, "\n".join(lines))
