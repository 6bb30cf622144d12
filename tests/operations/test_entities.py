"""What an entity is called where more people read than may read the whole of it."""

import pytest

from vidik.context.jsonld import names
from vidik.operations.entities import name_of


@pytest.mark.parametrize(
    ("address", "street"),
    [
        ("Вожда Карађорђа 12", "Вожда Карађорђа"),
        ("Vožda Karađorđa 12a/3", "Vožda Karađorđa"),
        ("Вожда Карађорђа 12.", "Вожда Карађорђа"),
        ("Булевар 12. фебруар 25", "Булевар 12. фебруар"),
        ("7. јула 3", "7. јула"),
        ("Обреновићева, код Тајне", "Обреновићева"),
        ("Обреновићева", "Обреновићева"),
    ],
)
def test_a_request_is_called_by_its_street_and_not_by_the_house(address: str, street: str) -> None:
    document = {names.expand_attribute("address_string"): {"type": "Property", "value": address}}
    assert name_of("urn:ngsi-ld:service_requests:1", document) == street
