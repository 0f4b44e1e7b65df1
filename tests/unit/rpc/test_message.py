import struct
from typing import Any

import pytest

from tests.support.idl_samples import sample, structs
from tests.support.rpc_endpoints import reserve
from thrift_idl.gen.pinlater.ttypes import PinLaterDequeueResponse
from thrift_idl.gen.ratelimiter import RateLimiter as service
from thrift_idl.gen.ratelimiter.ttypes import Reservation, ReserveBatchRequest, ReserveRequest
from thrift_idl.rpc.message import (
    CALL,
    EXCEPTION,
    REPLY,
    FrameError,
    Undecodable,
    decode,
    encode,
    read_header,
    write_header,
)

ARGUMENTS = encode(service.reserve_args(reserve()))


def test_a_header_is_read_as_it_was_written() -> None:
    header = read_header(write_header(CALL, b"reserve", 77) + ARGUMENTS, CALL)
    assert (header.kind, header.name, header.sequence) == (CALL, b"reserve", 77)


@pytest.mark.parametrize("cut", range(11))
def test_a_frame_too_short_for_a_header_is_refused(cut: int) -> None:
    with pytest.raises(FrameError):
        read_header(write_header(CALL, b"reserve", 77)[:cut], CALL)


@pytest.mark.parametrize(
    "frame",
    [
        b"\x82\x21\x01\x07reserve" + b"\x00" * 20,  # compact
        b'[1,"reserve",1,0,{}]' + b" " * 20,  # JSON
        b"\x00\x00\x00\x07reserve\x01\x00\x00\x00\x01" + b"\x00" * 20,  # binary, not strict
        b"\x80\x02\x00\x01\x00\x00\x00\x07reserve\x00\x00\x00\x01",
        b"\x80\x01\x00\x01\xff\xff\xff\xffreserve\x00\x00\x00\x01",
        b"\x80\x01\x00\x01\x00\x00\x00\x63reserve\x00\x00\x00\x01",
        b"\x80\x01\x00\x01\x00\x00\x01\x01" + b"n" * 257 + b"\x00\x00\x00\x01",
        write_header(REPLY, b"reserve", 1),
        write_header(4, b"reserve", 1),  # one-way: no method of ours
    ],
)
def test_whatever_is_no_strict_binary_call_is_refused(frame: bytes) -> None:
    with pytest.raises(FrameError):
        read_header(frame, CALL)


def test_a_client_takes_replies_and_exceptions_only() -> None:
    assert read_header(write_header(EXCEPTION, b"x", 1), REPLY, EXCEPTION).kind == EXCEPTION
    with pytest.raises(FrameError):
        read_header(write_header(CALL, b"x", 1), REPLY, EXCEPTION)


@pytest.mark.parametrize("kind", structs(), ids=lambda kind: kind.__name__)
def test_every_struct_of_the_idl_survives_the_wire_with_every_field(kind: type[Any]) -> None:
    record = sample(kind)
    holder: Any = type(f"{kind.__name__}_holder", (service.reserve_args,), {"__slots__": ()})
    holder.thrift_spec = (None, (1, 12, "request", [kind, kind.thrift_spec], None))
    assert decode(holder, encode(holder(record)), 0).request == record


@pytest.mark.parametrize("end", range(len(ARGUMENTS)))
def test_arguments_cut_anywhere_are_undecodable(end: int) -> None:
    with pytest.raises(Undecodable):
        decode(service.reserve_args, ARGUMENTS[:end], 0)


def test_bytes_after_the_arguments_are_undecodable() -> None:
    with pytest.raises(Undecodable, match="after the end"):
        decode(service.reserve_args, ARGUMENTS + b"\x00", 0)


def test_a_container_longer_than_its_frame_is_undecodable() -> None:
    many = b"\x0c\x00\x01\x0f\x00\x02\x0c" + struct.pack("!i", 20_000_000) + b"\x00" * 12
    with pytest.raises(Undecodable):
        decode(service.reserve_batch_args, many, 0)


def missing_host() -> Any:
    return Reservation("example.org", None)  # type: ignore[arg-type]


def test_a_required_field_missing_deep_inside_is_undecodable() -> None:
    nested = service.reserve_args(ReserveRequest(reserve().context, missing_host()))
    listed = service.reserve_batch_args(ReserveBatchRequest(reserve().context, (missing_host(),)))
    for arguments in (nested, listed):
        with pytest.raises(Undecodable, match="host"):
            decode(type(arguments), encode(arguments), 0)


def test_structs_within_maps_are_checked_too() -> None:
    from thrift_idl.gen.pinlater import PinLater
    from thrift_idl.gen.pinlater.ttypes import PinLaterJobInfo

    kind: Any = PinLaterJobInfo
    good = sample(kind)
    incomplete = kind(*(None if name == "customStatus" else getattr(good, name) for name in good.__slots__))
    result = PinLater.lookupJobs_result(success={"a": good, "b": incomplete})
    with pytest.raises(Undecodable, match="customStatus"):
        decode(PinLater.lookupJobs_result, encode(result), 0)


def test_optional_fields_may_be_missing() -> None:
    from thrift_idl.gen.pinlater import PinLater

    result = PinLater.dequeueJobs_result(success=PinLaterDequeueResponse(None, None))
    assert decode(PinLater.dequeueJobs_result, encode(result), 0) == result
