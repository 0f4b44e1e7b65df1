"""The owner of attributes under a key that several URLs had."""

from __future__ import annotations

import pytest

from aragog.rekey import owns
from recommender_hooks.images import image_state
from recommender_hooks.images.image_state import ImageState
from urlstore.backends import AttributeWrite
from urlstore.cells import encode_attribute
from urlstore.rekeying import Renamed, renamed

FIRST, SECOND = "http://a.test/pic?w=2&w=1", "http://a.test/pic?w=1&w=2"
ELSEWHERE = "http://cdn.test/1.png"


def of_image(served_by: str) -> AttributeWrite:
    state = ImageState("fetched", "fetched", 1, True, url=served_by)
    attribute = image_state.encode(state, 1)
    return AttributeWrite(b"k" * 16, attribute.attribute_namespace, attribute.name, 1, encode_attribute(attribute))


def first() -> Renamed:
    (url,) = renamed([FIRST], 1)
    return url


@pytest.mark.parametrize(
    ("served_by", "is_own"),
    [(FIRST, True), (ELSEWHERE, True), ("", True), (SECOND, False)],
    ids=["itself", "where it redirects to", "nothing", "the other"],
)
def test_a_state_is_the_images_own_unless_another_of_its_key_served_it(served_by: str, is_own: bool) -> None:
    assert owns(1, first(), [of_image(served_by)]) is is_own


def test_other_attributes_and_damaged_states_go_with_the_url() -> None:
    assert owns(1, first(), [AttributeWrite(b"k" * 16, "team", "note", 1, b"\xff")])
    assert owns(1, first(), [AttributeWrite(b"k" * 16, image_state.NAMESPACE, image_state.NAME, 1, b"\x01\x00?")])
