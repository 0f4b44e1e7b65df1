"""Content codings: undone in bounded steps, whatever way the bytes arrive."""

from __future__ import annotations

import gzip
import random
import zlib

import brotli  # type: ignore[import-untyped]  # ships no types
import pytest
import zstandard

from fetcher.decoding import Decoder, codings_of
from fetcher.settings import MIB
from thrift_idl.errors import BadReply

TEXT = random.Random(1).randbytes(30_000) + b"<p>" * 40_000


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKED = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=3),
    "zstd": zstandard.compress,
}


def decoded(codings, data: bytes, cap: int = 10 * MIB, step: int = 1 << 20) -> tuple[bytes, list[str]]:
    decoder = Decoder(codings, cap)
    for start in range(0, len(data), step):
        if not decoder.feed(data[start : start + step]):
            break
    return decoder.content(), decoder.flags


@pytest.mark.parametrize("step", [1, 7, 1000, 1 << 20])
@pytest.mark.parametrize("coding", PACKED)
def test_each_coding_is_undone_however_it_is_cut(coding, step) -> None:
    assert decoded([coding], PACKED[coding](TEXT), step=step) == (TEXT, [])


@pytest.mark.parametrize("step", [1, 1000])
def test_deflate_without_its_zlib_header_is_undone_too(step) -> None:
    assert decoded(["deflate"], raw_deflate(TEXT), step=step) == (TEXT, [])


@pytest.mark.parametrize("step", [1, 1000])
def test_gzip_may_have_several_members_and_padding(step) -> None:
    members = gzip.compress(b"one") + gzip.compress(b"two")
    for padding in (b"", b"\0", bytes(20), b"\x1f"):
        assert decoded(["gzip"], members + padding, step=step) == (b"onetwo", [])


@pytest.mark.parametrize("step", [1, 1000])
def test_zstd_may_have_several_frames(step) -> None:
    frames = zstandard.compress(b"one") + zstandard.compress(b"two")
    assert decoded(["zstd"], frames, step=step) == (b"onetwo", [])


@pytest.mark.parametrize("window", [18, 21, 22, 24])
@pytest.mark.parametrize("size", [2 * MIB - 17, 2 * MIB - 16, 2 * MIB - 15, 2 * MIB + 1, 3 * MIB])
def test_a_wide_brotli_window_is_undone_in_long_steps_only_where_the_content_needs_it(window, size) -> None:
    words = b"the quick brown fox jumps over the lazy dog and the house of representatives ".split(b" ")
    half = b" ".join(random.Random(window).choices(words, k=400_000))[: size // 2]
    content = half + half + bytes(size % 2)  # the second half reaches back as far as may be
    packed = brotli.compress(content, quality=4, lgwin=window)
    for step in (len(packed), 10_000):
        decoder = Decoder(["br"], 30 * MIB)
        for start in range(0, len(packed), step):
            assert decoder.stages[0].long <= (decoder.stages[0].given > MIB)
            assert decoder.feed(packed[start : start + step])
        assert (decoder.content() == content, decoder.flags) == (True, [])
        assert decoder.stages[0].long == (window > 21 and size > 2 * MIB - 16)


def test_five_codings_may_be_stacked() -> None:
    codings = ["gzip", "br", "zstd", "deflate", "gzip"]
    data = TEXT
    for coding in codings:
        data = PACKED[coding](data)
    assert decoded(codings, data, step=1000) == (TEXT, [])


@pytest.mark.parametrize("coding", PACKED)
def test_content_over_the_cap_is_cut_there_and_flagged(coding) -> None:
    content, flags = decoded([coding], PACKED[coding](TEXT), cap=50_000)
    assert (content, flags) == (TEXT[:50_000], ["truncated"])


def test_content_of_exactly_the_cap_is_whole() -> None:
    assert decoded(["gzip"], gzip.compress(TEXT), cap=len(TEXT)) == (TEXT, [])
    assert decoded([], TEXT, cap=len(TEXT)) == (TEXT, [])


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_a_stream_that_stops_too_soon_is_kept_and_flagged(coding) -> None:
    content, flags = decoded([coding], PACKED[coding](TEXT)[:-2000])
    assert TEXT.startswith(content) and len(content) > 20_000 and flags == ["truncated"]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_stream_that_breaks_is_kept_up_to_there_and_flagged(coding) -> None:
    packed = PACKED[coding](random.Random(2).randbytes(400_000))
    broken = packed[:300_000] + b"\xff" * (len(packed) - 300_000)
    content, flags = decoded([coding], broken, step=10_000)
    assert len(content) > 100_000 and (flags == [] or flags == ["truncated", "bad_encoding"])


@pytest.mark.parametrize("coding", PACKED)
def test_what_was_never_coded_is_a_bad_reply(coding) -> None:
    with pytest.raises(BadReply):
        decoded([coding], b"<html>plainly not coded</html>")


def test_an_empty_body_needs_no_decoding() -> None:
    assert decoded(["gzip", "br"], b"") == (b"", [])


def test_codings_are_read_from_all_headers_and_synonyms_are_known() -> None:
    assert codings_of(["x-gzip, BR", " zstd ,identity,", "none"]) == ["gzip", "br", "zstd"]


@pytest.mark.parametrize("values", [["rot13"], ["gzip", "compress"], ["gzip,gzip,gzip", "br,br,br"]])
def test_unknown_codings_and_more_than_five_are_refused(values) -> None:
    with pytest.raises(BadReply):
        codings_of(values)
