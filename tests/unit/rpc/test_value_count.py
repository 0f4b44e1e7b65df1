import struct

import pytest

from tests.support.idl_samples import sample
from thrift_idl.gen.urlstore.ttypes import PutPageRequest
from thrift_idl.rpc.message import encode
from thrift_idl.rpc.validation import TooManyValues, bound_values


def empties(count: int) -> bytes:
    """A struct with an unknown list of empty structs."""
    return b"\x0f\x00\x63\x0c" + struct.pack("!i", count) + b"\x00" * (count + 1)


def test_a_struct_of_more_values_than_allowed_is_refused() -> None:
    with pytest.raises(TooManyValues):
        bound_values(empties(2000), 0, 1000)


def test_repeated_fields_are_counted_together() -> None:
    with pytest.raises(TooManyValues):
        bound_values(empties(400)[:-1] * 3 + b"\x00", 0, 1000)


def test_numbers_are_counted_without_being_visited() -> None:
    many = b"\x0f\x00\x63\x08" + struct.pack("!i", 2**31 - 1)
    with pytest.raises(TooManyValues):
        bound_values(many + b"\x00" * 2000, 0, 1000)


def test_few_values_in_many_bytes_pass() -> None:
    bound_values(b"\x0b\x00\x01" + struct.pack("!i", 5000) + b"x" * 5000 + b"\x00", 0, 1000)


def test_a_short_frame_cannot_hold_too_many() -> None:
    bound_values(empties(900), 0, 1000)


def test_nesting_deeper_than_the_limit_is_refused() -> None:
    with pytest.raises(TooManyValues, match="nested"):
        bound_values(b"\x0c\x00\x63" * 5000, 0, 1000)


def test_every_type_of_the_idl_is_stepped_over_exactly() -> None:
    """A sample page with a list of empties behind it: only who finds the end of every field sees them."""
    packed = encode(sample(PutPageRequest))
    enough = len(packed) - 1  # one value less than bytes: it is looked at, and a value takes a byte at least
    bound_values(packed, 0, enough)
    with pytest.raises(TooManyValues):
        bound_values(packed[:-1] + empties(len(packed)), 0, enough)


@pytest.mark.parametrize("end", range(310, 700, 7))
def test_bytes_that_end_too_early_are_left_to_the_codec(end: int) -> None:
    bound_values(encode(sample(PutPageRequest))[:end], 0, 300)
