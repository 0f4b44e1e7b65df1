import pytest

from thrift_idl.rpc.message import FrameError, Frames, framed

STREAM = framed(b"one") + framed(b"t") + framed(b"three" * 20)


@pytest.mark.parametrize("step", range(1, 30))
def test_frames_are_the_same_however_the_stream_was_cut(step: int) -> None:
    frames = Frames(1000)
    found = [frame for at in range(0, len(STREAM), step) for frame in frames.feed(STREAM[at : at + step])]
    assert found == [b"one", b"t", b"three" * 20]
    assert frames.held == 0


@pytest.mark.parametrize("length", [0, -1, -(2**31), 101, 2**31 - 1])
def test_an_impossible_length_is_refused_before_its_frame_arrives(length: int) -> None:
    with pytest.raises(FrameError):
        Frames(100).feed(length.to_bytes(4, "big", signed=True))


def test_an_impossible_length_is_refused_also_when_it_arrives_byte_by_byte() -> None:
    frames = Frames(100)
    for byte in b"\x00\x00\x01":
        assert frames.feed(bytes([byte])) == []
    with pytest.raises(FrameError):
        frames.feed(b"\x00")


def test_the_largest_frame_is_taken() -> None:
    assert Frames(100).feed(framed(b"x" * 100)) == [b"x" * 100]


def test_half_a_frame_is_held_and_counted() -> None:
    frames = Frames(100)
    assert frames.feed(framed(b"whole") + framed(b"half one")[:6]) == [b"whole"]
    assert frames.held == 6
