from __future__ import annotations

import msgspec
import pytest

from runtime.invalid_field import InvalidField, invalid_field


class Leaf(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    size: int = 0


class Root(msgspec.Struct, forbid_unknown_fields=True):
    leaf: Leaf
    leaves: list[Leaf] = []


@pytest.mark.parametrize(
    ("document", "place", "named"),
    [
        ({"leaf": {"name": 5}}, "leaf.name", ""),
        ({"leaf": {"name": "a"}, "leaves": [{"name": "b"}, {"name": "c", "size": "d"}]}, "leaves[1].size", ""),
        ({"leaf": {}}, "leaf", "name"),
        ({"leaf": {"name": "a", "colour": 1}}, "leaf", "colour"),
        ({}, "", "leaf"),
        ({"twig": 1}, "", "twig"),
        ([], "", ""),
    ],
)
def test_the_place_and_the_key_that_is_missing_or_unknown_there(document: object, place: str, named: str) -> None:
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert(document, Root)
    found = invalid_field(error.value)
    assert (found.place, found.named) == (place, named)
    assert found.reason and " - at " not in found.reason


def test_a_value_that_imitates_a_place_is_part_of_the_reason() -> None:
    text = "Invalid enum value 'x - at `$.other`' - at `$.kind`"
    found = invalid_field(msgspec.ValidationError(text))
    assert found == InvalidField("kind", "Invalid enum value 'x - at `$.other`'", "")
