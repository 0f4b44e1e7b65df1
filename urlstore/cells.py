"""Packed cells: values that a backend keeps without reading them.

A cell is: schema (1 byte), rank, encoding (1 byte: 0 as it is, 1 zstd), the struct in Thrift's binary form. The rank
decides between two writes of the same millisecond, where the greater cell stays. A page's rank is its content hash, so
that both backends and every retry keep the same content; a link note's is its own content; the others have none.
"""

from __future__ import annotations

import threading
from hashlib import sha256
from typing import TypeVar

import zstandard

from thrift_idl.errors import ContentTooLarge, StoreTooNew, StoreUnreadable
from thrift_idl.gen.urlstore.ttypes import Attribute, Inlink, Linked, Outcome, Page
from thrift_idl.records import Struct, pack, unpack

S = TypeVar("S", bound=Struct)


class _Contexts(threading.local):
    """zstd's working memory, one for each thread: making it takes longer than compressing a small cell."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True)
        self.decompressor = zstandard.ZstdDecompressor()


SCHEMA = 1
"""Raised when a cell's layout changes; new optional fields of the IDL don't change it."""

MAX_CELL_BYTES = 3 * 1024 * 1024
"""Packed, not compressed. Cassandra refuses mutations over half a commit log segment: 4 MiB at 8 MiB a segment."""

_PLAIN, _ZSTD = 0, 1
_LEVEL = 1  # 3.06x at 279 µs; level 3 gives 3.2x at 390 µs
_WORTH_COMPRESSING = 256
_RANK_BYTES = 32
_LINKED_RANK_BYTES = 9


_contexts = _Contexts()


def encode_page(page: Page) -> bytes:
    """The cell of a page. Raises `ContentTooLarge` beyond `MAX_CELL_BYTES`."""
    return _encode(page, page.content_hash)


def decode_page(cell: bytes) -> Page:
    """The page in a cell. Raises `StoreTooNew`, `StoreUnreadable`."""
    return _decode(Page, cell, _RANK_BYTES)


def encode_outcome(outcome: Outcome) -> bytes:
    """The cell of an outcome."""
    return _encode(outcome)


def decode_outcome(cell: bytes) -> Outcome:
    """The outcome in a cell. Raises `StoreTooNew`, `StoreUnreadable`."""
    return _decode(Outcome, cell)


def encode_attribute(attribute: Attribute) -> bytes:
    """The cell of an attribute."""
    return _encode(attribute)


def decode_attribute(cell: bytes) -> Attribute:
    """The attribute in a cell. Raises `StoreTooNew`, `StoreUnreadable`."""
    return _decode(Attribute, cell)


def encode_linked(linked: Linked, page_write_ms: int) -> bytes:
    """The cell of a link note. Of two in one microsecond a later page's stays, of one page the one that is done."""
    # Keys are hashes: compression would not make them smaller.
    return _encode(linked, page_write_ms.to_bytes(8) + bytes((linked.done,)), worth_compressing=MAX_CELL_BYTES)


def decode_linked(cell: bytes) -> Linked:
    """The link note in a cell. Raises `StoreTooNew`, `StoreUnreadable`."""
    return _decode(Linked, cell, _LINKED_RANK_BYTES)


def encode_inlink(inlink: Inlink) -> bytes:
    """The cell of an inlink."""
    return _encode(inlink)


def decode_inlink(cell: bytes) -> Inlink:
    """The inlink in a cell. Raises `StoreTooNew`, `StoreUnreadable`."""
    return _decode(Inlink, cell)


def compress(content: bytes) -> bytes:
    """Content in stored form: one zstd frame that carries its length. The same bytes give the same frame."""
    return _contexts.compressor.compress(content)


def decompress(blob: bytes, length: int) -> bytes:
    """The content of a frame whose header says `length` bytes. Raises `StoreUnreadable`."""
    try:
        if zstandard.get_frame_parameters(blob).content_size == length:
            return _contexts.decompressor.decompress(blob)
    except zstandard.ZstdError as error:
        raise StoreUnreadable(f"stored content is damaged ({error}): fetch the page again") from error
    raise StoreUnreadable("stored content has another length than its row says: fetch the page again")


def content_of(blob: bytes, page: Page) -> bytes:
    """A page's content from its backend, unpacked. Raises `StoreUnreadable` if it isn't the stored content."""
    content = decompress(blob, page.content_bytes)
    if sha256(content).digest() != page.content_hash:
        raise StoreUnreadable(f"the content of {page.url} is damaged: fetch the page again", url=page.url)
    return content


def _encode(record: Struct, rank: bytes = b"", worth_compressing: int = _WORTH_COMPRESSING) -> bytes:
    packed = pack(record)
    if len(packed) > MAX_CELL_BYTES:
        what = type(record).__name__.lower()
        raise ContentTooLarge(f"the {what} has {len(packed)} bytes packed; the limit is {MAX_CELL_BYTES}")
    encoding, payload = _PLAIN, packed
    if len(packed) >= worth_compressing and len(smaller := compress(packed)) < len(packed):
        encoding, payload = _ZSTD, smaller
    return bytes((SCHEMA,)) + rank + bytes((encoding,)) + payload


def _decode(kind: type[S], cell: bytes, rank_bytes: int = 0) -> S:
    if cell[0] > SCHEMA:
        raise StoreTooNew(f"written by a newer Aragog (cell schema {cell[0]}, known {SCHEMA}): upgrade Aragog")
    try:
        encoding, payload = cell[1 + rank_bytes], cell[2 + rank_bytes :]
        if encoding == _ZSTD:
            payload = _contexts.decompressor.decompress(payload, max_output_size=MAX_CELL_BYTES)
        return unpack(kind, payload)
    except Exception as error:  # damaged bytes make the codec raise almost anything
        raise StoreUnreadable(f"a stored {kind.__name__.lower()} is damaged ({error}): fetch the page again") from error
