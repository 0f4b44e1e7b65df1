"""The content of a reply: its codings decoded one after the other, within the caller's cap and a bound on the work.

Each stage passes its small output to the next before it continues, so no reply makes us hold more than the cap and
8 MiB. No stage may return more than content could have, or take much input for almost no output: blocks, members and
frames without content cost time, and a hundred bytes can stand for terabytes of them.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from fetcher.codings import SPARE, BadCoding, Full, stage
from fetcher.settings import MIB
from thrift_idl.errors import BadReply

MOST_CODINGS = 5
_ALIASES = {"x-gzip": "gzip", "x-deflate": "deflate"}
_BARREN = MIB  # what a stage may take for nothing, and...
_TAKEN_PER_GIVEN = 2  # ... for each byte that it gives: no coding makes content longer by more than a little
_OVERHEAD = MIB  # what lies between two stages is coded content: no longer than the content but for this


class Store:
    """Keeps up to `cap` bytes, less what the windows of the stages before it exceed their share."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._buffer = io.BytesIO()

    def write(self, data: bytes, windows: int) -> None:
        """Keep `data`, where stages hold `windows` bytes. Raises `Full`, having kept what fits."""
        room = self._cap - max(0, windows - SPARE) - self._buffer.tell()
        if len(data) > room:
            self._buffer.write(data[: max(0, room)])
            raise Full
        self._buffer.write(data)

    def __len__(self) -> int:
        return self._buffer.tell()

    def content(self) -> bytes:
        """All that was kept; no copy is made."""
        return self._buffer.getvalue()


def codings_of(values: Sequence[str]) -> list[str]:
    """Content codings in the order they were applied. Raises `BadReply` for unknown ones and more than five."""
    named = [coding.strip().lower() for value in values for coding in value.split(",")]
    codings = [_ALIASES.get(coding, coding) for coding in named if coding not in ("", "identity", "none")]
    unknown = [coding for coding in codings if coding not in ("gzip", "deflate", "br", "zstd")]
    if unknown:
        raise BadReply(f"unknown content coding {unknown[0][:40]!a}", coding=ascii(unknown[0][:40]))
    if len(codings) > MOST_CODINGS:
        raise BadReply(f"{len(codings)} stacked content codings; {MOST_CODINGS} are the limit")
    return codings


class Decoder:
    """`take` the body as on the wire, `step` while it is `busy`; `content` is what came of it.

    Flags: `truncated` (the cap is reached, or the coded stream ends too soon), `bad_encoding` (not coded as declared,
    or far more coding than content).
    """

    def __init__(self, codings: Sequence[str], cap: int) -> None:
        self._store = Store(cap)
        self._most_between = cap + _OVERHEAD
        self.stages = [stage(coding, cap) for coding in reversed(codings)]
        self._fed = False
        self.wanted = True
        """More of the body isn't in vain."""
        self.busy = False
        """Something is left to do before the next `take`, and..."""
        self.long = False
        """... the next step of it may take long, so that it belongs into a thread."""
        self._at = 0
        self.flags: list[str] = []

    def take(self, data: bytes) -> None:
        """The next bytes of the body; only where the decoder isn't busy. Raises as `step`."""
        self._fed = self._fed or bool(data)
        try:
            self._push(data, 0)
        except (Full, BadCoding) as reason:
            self._end(reason)
        self._find_work()

    def step(self) -> None:
        """Do a little of the work, at worst 20 ms of it where it isn't `long`; only while the decoder is busy.

        It is done by the last stage that has anything to do: so before none of them lies more than a piece. Raises
        `BadReply` if nothing could be decoded at all.
        """
        stepping = self.stages[self._at]
        try:
            piece = stepping.step()
            if piece:
                self._push(piece, self._at + 1)
            if stepping.taken > _BARREN + _TAKEN_PER_GIVEN * stepping.given:
                raise BadCoding(f"{stepping.taken} coded bytes stand for {stepping.given}")
            if stepping.given > self._most_between and stepping is not self.stages[-1]:
                raise BadCoding(f"{stepping.given} bytes between two codings are more than content could be")
        except (Full, BadCoding) as reason:
            self._end(reason)
        self._find_work()

    def feed(self, data: bytes) -> bool:
        """Take `data` and do all the work at once, seconds at worst: not on an event loop. False = no more is wanted.

        Raises `BadReply` if nothing could be decoded at all.
        """
        self.take(data)
        while self.busy:
            self.step()
        return self.wanted

    def _find_work(self) -> None:
        at = len(self.stages) - 1
        while at >= 0 and not self.stages[at].busy:
            at -= 1
        self._at, self.busy = at, at >= 0 and self.wanted
        self.long = at >= 0 and self.stages[at].long

    def _push(self, data: bytes, at: int) -> None:
        if at < len(self.stages):
            self.stages[at].take(data)
            return
        windows = 0
        for each in self.stages:
            windows += each.held
        self._store.write(data, windows)

    def _end(self, reason: Full | BadCoding) -> None:
        self.wanted = False
        if isinstance(reason, Full):
            self.flags.append("truncated")
        elif not len(self._store):
            raise BadReply(f"the content is not coded as declared: {reason}") from None
        else:
            self.flags += ["truncated", "bad_encoding"]

    def content(self) -> bytes:
        """What was decoded; call it at the end of the body. Raises `BadReply` where a body came to nothing."""
        if self._fed and not self.flags and not all(each.finished() for each in self.stages):
            if not len(self._store):
                raise BadReply("the content is not coded as declared: too short")
            self.flags.append("truncated")
        return self._store.content()
