"""Cyrillic to Latin, and folding for search."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vidik.kernel.scripts import fold, three_scripts, to_latin

LETTERS = "абвгдђежзијклљмнњопрстћуфхцчџш"
CYRILLIC_TEXT = st.text(alphabet=LETTERS + LETTERS.upper() + " -,.0123456789")
CYRILLIC_WORDS = st.text(alphabet=LETTERS, min_size=1)


class TestToLatin:
    @pytest.mark.parametrize(
        ("cyrillic", "latin"),
        [
            ("инјекција", "injekcija"),
            ("надживети", "nadživeti"),
            ("Танјуг", "Tanjug"),
            ("Његошева", "Njegoševa"),
            ("ЊЕГОШЕВА", "NJEGOŠEVA"),
            ("Љ", "Lj"),
            ("ЉУБАВ И ЏЕЗ", "LJUBAV I DŽEZ"),
            ("КОЊ", "KONJ"),
            ("Џеп", "Džep"),
            ("Ђорђе Чворовић, ул. Шумадијска 7а", "Đorđe Čvorović, ul. Šumadijska 7a"),
            ("Развод 48,5 °C", "Razvod 48,5 °C"),
        ],
    )
    def test_words(self, cyrillic: str, latin: str) -> None:
        assert to_latin(cyrillic) == latin

    @pytest.mark.parametrize(
        "address",
        ["https://видик.срб/стање?q=љ", "www.ниш.срб", "грађанин@ниш.срб", "mqtts://посредник.ниш.срб:8883"],
    )
    def test_addresses_stay(self, address: str) -> None:
        assert to_latin(f"Пише {address} овде") == f"Piše {address} ovde"

    @given(CYRILLIC_TEXT)
    def test_nothing_cyrillic_is_left(self, text: str) -> None:
        assert not re.search(r"[\u0400-\u04ff]", to_latin(text))

    @given(CYRILLIC_TEXT)
    def test_twice_is_once(self, text: str) -> None:
        assert to_latin(to_latin(text)) == to_latin(text)

    @given(CYRILLIC_WORDS, CYRILLIC_WORDS)
    def test_small_letters_go_one_by_one(self, first: str, second: str) -> None:
        assert to_latin(first + second) == to_latin(first) + to_latin(second)

    @given(CYRILLIC_TEXT)
    def test_case_does_not_change_the_letters(self, text: str) -> None:
        assert to_latin(text).lower() == to_latin(text.lower())

    @given(st.text(alphabet=st.characters(max_codepoint=0x3FF)))
    def test_other_scripts_stay(self, text: str) -> None:
        assert to_latin(text) == text


class TestFold:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Ђорђа Чворовића", "djordja cvorovica"),
            ("Ђорђа", "Đorđa"),
            ("Ниш", "NIS"),
            ("Надживети", "nadziveti"),
            ("Вожда Карађорђа", "vozda karadorda"),
            ("Љубав", "LJUBAV"),
        ],
    )
    def test_ways_of_writing_one_name_agree(self, one: str, other: str) -> None:
        assert fold(one) == fold(other)

    @given(CYRILLIC_TEXT)
    def test_cyrillic_and_its_latin_agree(self, text: str) -> None:
        assert fold(text) == fold(to_latin(text))

    @example("𝑨")
    @example("ddjj")
    @given(st.text())
    def test_twice_is_once(self, text: str) -> None:
        assert fold(fold(text)) == fold(text)


def test_three_scripts_derives_latin() -> None:
    assert three_scripts("Return", "Поврат") == {"en": "Return", "sr-Cyrl": "Поврат", "sr-Latn": "Povrat"}
