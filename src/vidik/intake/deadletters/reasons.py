"""What intake's reasons are called: a code, its parameters, and the sentence in three scripts.

Intake says why it refused something as an English sentence, and that sentence is what is stored. Here each of them has
its pattern, so that what was refused long ago is understood too; a test reads the sources and misses none.
"""

import re
from typing import Any, NamedTuple

from vidik.kernel.scripts import three_scripts


class Reason(NamedTuple):
    """A reason that is known: parameters are the text that stands in the sentence's gaps."""

    code: str
    parameters: dict[str, str]
    texts: dict[str, str]


# code, English as intake says it, Serbian. The first that fits is taken.
_CATALOGUE = (
    ("device-unknown", "this device is not registered", "овај уређај није уписан"),
    ("device-disabled", "this device is switched off", "овај уређај је искључен"),
    ("profile-unknown", "the device has no profile that Vidik knows", "уређај нема профил који Видик познаје"),
    (
        "credential-not-allowed",
        "this credential may not bring readings of the device",
        "ова акредитација не сме да доноси очитавања тог уређаја",
    ),
    ("device-not-named", "the device is not named", "уређај није именован"),
    (
        "below-range",
        "{value} is outside the plausible range {low} or more",
        "{value} је ван вероватног опсега: {low} или више",
    ),
    (
        "above-range",
        "{value} is outside the plausible range {high} or less",
        "{value} је ван вероватног опсега: {high} или мање",
    ),
    (
        "outside-range",
        "{value} is outside the plausible range {low} to {high}",
        "{value} је ван вероватног опсега од {low} до {high}",
    ),
    (
        "fault-value",
        "{value} is what this sensor says when it fails",
        "{value} је оно што овај сензор јавља кад откаже",
    ),
    (
        "sensors-lost",
        "every value is {value}: the device had lost its sensors",
        "свака вредност је {value}: уређај је изгубио сензоре",
    ),
    ("unknown-choice", "{value} is none of: {allowed}", "{value} није ниједно од: {allowed}"),
    ("no-such-place", "{value} is not a place on the Earth", "{value} није место на Земљи"),
    ("value-missing", "the value is missing", "вредност недостаје"),
    ("value-twice", "{attribute} is given twice", "{attribute} је наведено двапут"),
    ("nothing-known", "none of the profile's values is in the message", "у поруци нема ниједне вредности из профила"),
    ("time-missing", "the time is missing", "време недостаје"),
    ("time-future", "the time is in the future", "време је у будућности"),
    (
        "time-too-early",
        "the time is before {date}: is the device's clock set?",
        "време је пре {date}: да ли је часовник уређаја подешен?",
    ),
    ("time-unreadable", "the time cannot be read", "време се не може прочитати"),
    ("time-not-text", "the time must be text", "време мора бити текст"),
    ("time-not-number", "the time must be a number", "време мора бити број"),
    ("time-no-calendar", "the time is outside every calendar", "време је ван сваког календара"),
    (
        "time-no-zone",
        "the time has no offset from UTC and the profile names no zone",
        "време нема помак од UTC, а профил не наводи временску зону",
    ),
    (
        "time-never-was",
        "this local time did not exist: the clocks went forward over it",
        "ово локално време није постојало: сат је померен унапред преко њега",
    ),
    (
        "time-was-twice",
        "this local time happened twice: the clocks went back over it",
        "ово локално време било је двапут: сат је враћен преко њега",
    ),
    (
        "number-comma-expected",
        "a number was expected, with a comma as the decimal sign",
        "очекиван је број са запетом као децималним знаком",
    ),
    ("number-text-expected", "a number in text was expected", "очекиван је број записан као текст"),
    ("number-expected", "a number was expected", "очекиван је број"),
    ("whole-number-expected", "a whole number was expected", "очекиван је цео број"),
    ("finite-number-expected", "a finite number was expected", "очекиван је коначан број"),
    ("number-too-large", "the number is too large", "број је превелик"),
    ("boolean-expected", "true or false was expected", "очекивано је тачно или нетачно"),
    ("text-expected", "text was expected", "очекиван је текст"),
    ("text-too-long", "the text is longer than {limit} characters", "текст је дужи од {limit} знакова"),
    ("single-value-expected", "a single value was expected", "очекивана је једна вредност"),
    ("point-expected", "a point needs two numbers", "тачка тражи два броја"),
    (
        "object-or-list-expected",
        "a JSON object or a list of them was expected",
        "очекиван је JSON објекат или њихов списак",
    ),
    ("object-expected", "a JSON object was expected", "очекиван је JSON објекат"),
    ("not-json", "this is not JSON: {detail}", "ово није JSON"),
    ("not-csv-zero", "this is not CSV: it contains a zero byte", "ово није CSV: садржи нулти бајт"),
    ("not-csv", "this is not CSV: {detail}", "ово није CSV"),
    ("too-many-records", "more than {limit} records in one message", "више од {limit} записа у једној поруци"),
    ("too-many-lines", "more than {limit} lines in one message", "више од {limit} редова у једној поруци"),
    ("too-large", "the message is larger than {limit} KiB", "порука је већа од {limit} KiB"),
    (
        "not-decoded-by-network",
        "the network server decoded nothing: give the device a codec (payload formatter) there",
        "мрежни сервер није ништа декодирао: тамо доделите уређају кодек (payload formatter)",
    ),
    ("cells-count", "{expected} cells were expected, {found} found", "очекивано је поља: {expected}, нађено: {found}"),
    ("no-lines", "there is no line with values in the message", "у поруци нема ниједног реда са вредностима"),
    ("header-missing", "the header is missing", "заглавље недостаје"),
    ("column-twice", "the header names this column twice", "заглавље наводи ову колону двапут"),
    ("column-missing", "the header lacks this column", "у заглављу нема ове колоне"),
    ("not-stored", "the database refused the values", "база је одбила вредности"),
    ("not-decoded", "the message could not be decoded", "порука се не може прочитати"),
)
_GAP = re.compile(r"\\{(\w+)\\}")
_PATTERNS = [
    (code, re.compile(_GAP.sub(r"(?P<\1>.+)", re.escape(english)), re.DOTALL), serbian)
    for code, english, serbian in _CATALOGUE
]
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[-+]?\d+)?")
_LINE = re.compile(r"line (\d+)(?:, (.+))?")


def recognise(reason: str) -> Reason | None:
    """Return what a stored reason is; None for a sentence that no release of Vidik has said."""
    for code, pattern, serbian in _PATTERNS:
        found = pattern.fullmatch(reason)
        if found is not None:
            given = found.groupdict()
            spoken = {name: _with_comma(text) for name, text in given.items()}
            return Reason(code, given, three_scripts(reason, serbian.format_map(spoken)))
    return None


def described(reason: str) -> dict[str, Any]:
    """Return {reason, reason_code, reason_parameters, reason_texts}; an unknown sentence stays as it is."""
    known = recognise(reason)
    return {
        "reason": reason,
        "reason_code": known.code if known else None,
        "reason_parameters": known.parameters if known else {},
        "reason_texts": known.texts if known else three_scripts(reason, reason),
    }


def field_texts(field: str) -> tuple[dict[str, str] | None, str | None]:
    """Return (the line in three scripts, or None; the field's own name, or None) of where something was refused."""
    found = _LINE.fullmatch(field)
    if found is None:
        return None, field
    return three_scripts(f"line {found[1]}", f"ред {found[1]}"), found[2]


def _with_comma(text: str) -> str:
    """A figure as Serbian writes it, with a minus instead of a hyphen; other text stays."""
    return re.sub("^-", "\N{MINUS SIGN}", text).replace(".", ",") if _NUMBER.fullmatch(text) else text
