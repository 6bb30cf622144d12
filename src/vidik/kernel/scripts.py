"""Serbian scripts: Cyrillic is stored, Latin is derived from it, and search sees neither.

The way back (Latin to Cyrillic) is never taken: "injekcija", "nadživeti" and "Tanjug" have digraphs that are
two letters, and no program can tell. From Cyrillic to Latin every letter has exactly one answer.
"""

import re
import unicodedata
from collections.abc import Mapping

_PAIRS: Mapping[str, str] = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "ђ": "đ", "е": "e", "ж": "ž", "з": "z", "и": "i",
    "ј": "j", "к": "k", "л": "l", "љ": "lj", "м": "m", "н": "n", "њ": "nj", "о": "o", "п": "p", "р": "r",
    "с": "s", "т": "t", "ћ": "ć", "у": "u", "ф": "f", "х": "h", "ц": "c", "ч": "č", "џ": "dž", "ш": "š",
}  # fmt: skip

_LETTERS: Mapping[int, str] = str.maketrans(
    dict(_PAIRS) | {lower.upper(): latin.capitalize() for lower, latin in _PAIRS.items()}
)
_SHOUTED: Mapping[str, str] = {"Љ": "LJ", "Њ": "NJ", "Џ": "DŽ"}
# An address that holds Cyrillic letters names a machine: transliterated, it would name another one.
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)\S+|[^\s@<>()]+@[^\s@<>()]+\.[^\s@<>()]+", re.IGNORECASE)
# The second letter of a capital digraph is a capital only among capitals: ЉУБАВ is LJUBAV, Љубав is Ljubav.
_CAPITAL_DIGRAPH = re.compile(r"[ЉЊЏ]")


def to_latin(text: str) -> str:
    """Return Serbian `text` in Latin script; letters that are not Serbian Cyrillic, and addresses, stay.

    >>> to_latin("Његошева, ЉУБАВ, инјекција, надживети, https://видик.срб/а")
    'Njegoševa, LJUBAV, injekcija, nadživeti, https://видик.срб/а'
    """
    pieces = []
    end = 0
    for address in _ADDRESS.finditer(text):
        pieces += [_transliterate(text[end : address.start()]), address.group()]
        end = address.end()
    pieces.append(_transliterate(text[end:]))
    return "".join(pieces)


GIVEN_NAMES: Mapping[str, tuple[str, str]] = {
    "Vidik": ("Vidik", "Видик"),
    "First dispatcher": ("First dispatcher", "Први диспечер"),
    "demo": ("Demo city", "Демо град"),
}
"""What Vidik calls itself and the accounts that it makes, in English and Serbian; the console has the same."""


def in_script(text: str, language: str) -> str:
    """Return a name or words as stored for a reader of en, sr-Cyrl or sr-Latn: Cyrillic only for the second.

    >>> in_script("Ана Јовић", "en"), in_script("First dispatcher", "sr-Cyrl")
    ('Ana Jović', 'Први диспечер')
    """
    english, cyrillic = GIVEN_NAMES.get(text, (text, text))
    return cyrillic if language == "sr-Cyrl" else to_latin(english if language == "en" else cyrillic)


def _transliterate(text: str) -> str:
    return _CAPITAL_DIGRAPH.sub(lambda found: _digraph(text, found.start()), text).translate(_LETTERS)


def _digraph(text: str, place: int) -> str:
    following = text[place + 1 : place + 2]
    if following.isalpha():
        shouted = following.isupper()
    else:
        before = text[max(0, place - 1) : place]
        shouted = before.isalpha() and before.isupper()
    letter = text[place]
    return _SHOUTED[letter] if shouted else _PAIRS[letter.lower()].capitalize()


def fold(text: str) -> str:
    """Return `text` as search compares it: Latin, small, without marks; "Ђорђа", "Đorđa" and "Djordja" agree.

    >>> fold("Ђорђа Чворовића") == fold("Djordja Cvorovica")
    True
    """
    folded = _folded_once(text)
    # Taking marks and styles off can leave a capital or a new "dj" (𝑨, "ddjj"): fold until nothing changes.
    while (again := _folded_once(folded)) != folded:
        folded = again
    return folded


def _folded_once(text: str) -> str:
    latin = _transliterate(text).casefold().replace("đ", "d").replace("dj", "d")
    apart = unicodedata.normalize("NFKD", latin)
    # Without marks there is nothing to take off: half of the time for a console that folds every name at its start.
    return apart if apart.isascii() else "".join(mark for mark in apart if not unicodedata.combining(mark))


def three_scripts(english: str, cyrillic: str) -> dict[str, str]:
    """Return one text as the interface carries it: {"en", "sr-Cyrl", "sr-Latn"}, Latin derived."""
    return {"en": english, "sr-Cyrl": cyrillic, "sr-Latn": to_latin(cyrillic)}
