"""Short names and addresses of the city context."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidik.context.jsonld import names, packaged

words = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,20}", fullmatch=True).filter(lambda word: word not in {"id", "type"})


class TestCityNames:
    @pytest.mark.parametrize(
        ("short", "address"),
        [
            ("OffStreetParking", "https://smartdatamodels.org/dataModel.Parking/OffStreetParking"),
            ("Streetlight", "https://smartdatamodels.org/dataModel.Streetlighting/Streetlight"),
            ("HeatSubstation", "https://vidik.rs/ns#HeatSubstation"),
        ],
    )
    def test_a_type_has_the_address_of_its_model(self, short: str, address: str) -> None:
        assert names.expand_type(short) == address
        assert names.compact(address) == short

    @pytest.mark.parametrize(
        ("short", "address"),
        [
            ("location", "https://uri.etsi.org/ngsi-ld/location"),
            ("status", "https://uri.etsi.org/ngsi-ld/status"),
            ("operator", "https://vidik.rs/ns#operator"),
            ("pm10", "https://smartdatamodels.org/dataModel.Environment/pm10"),
            ("nobodyDefinedThis", "https://uri.etsi.org/ngsi-ld/default-context/nobodyDefinedThis"),
        ],
    )
    def test_an_attribute_has_one_address(self, short: str, address: str) -> None:
        assert names.expand_attribute(short) == address
        assert names.compact(address) == short

    def test_every_term_comes_back_as_itself(self) -> None:
        words = [word for word in packaged.city_terms() if word not in {"id", "type", "vidik", "ngsi-ld"}]
        assert len(words) > 1000
        assert [word for word in words if names.compact(names.expand_attribute(word)) != word] == []

    def test_an_address_stays_as_it_is(self) -> None:
        assert names.expand_type("https://example.org/Thing") == "https://example.org/Thing"
        assert names.compact("https://example.org/Thing") == "https://example.org/Thing"

    @given(st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,20}", fullmatch=True).filter(lambda word: word not in {"id", "type"}))
    def test_any_word_survives_the_way_there_and_back(self, word: str) -> None:
        assert names.compact(names.expand_attribute(word)) == word
