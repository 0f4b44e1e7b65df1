"""The proof of politeness from ledgers: reads them, judges, compares, draws. Blocking: a command's whole work.

`to_json` writes (times in ms since 1970 by the ledger's wall clock, durations in ms):

- `verdict`: `proven` (every limit was kept, and each request of the access logs had its grant), `violated` (it wasn't
  so), or `unproven` (nothing contradicts it, but the record may be incomplete)
- `holds`: true if it is `proven`
- `doubts`: the reasons why the record may be incomplete, in words
- `sentence`: the verdict for people
- `grants`, `from_ms`, `to_ms`, `shards`, `clocks` (boots of machines), `versions` of the membership
- `windows`: `broken` (slots that made a second too full), `worst` [`name`, `kind` (domain or host), `fullness` (slots
  by allowed), `slots`, `allowed`, `until_ms`, `limit`, `shards`]
- `intervals`: `broken` (slots sooner than their interval), `examples` [`name`, `kind`, `slot_ms`, `gap_ms`,
  `interval_ms`]
- `busiest` [`domain`, `grants`]
- `condition`: `torn`, `damaged`, `missing`, `headless`, `unsigned`, `overlapping`, `abandoned`, `cut`, `jumps` (files,
  places), `unclosed` (number of files without an end)
- `access_log`, null without one: `requests`, `paired`, `ungranted`, `ungranted_examples` [`host`, `t_ms`], `unused`,
  `in_tail`, `outside`, `crowded`, `worst`, `lines`, `unreadable`, `others`, `to_the_second`
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import IO, Any, cast

from ratelimiter.ledger.accesslog import MAX_LINE_BYTES, Reading, accesses
from ratelimiter.ledger.agreement import Agreement, Comparison
from ratelimiter.ledger.picture import Curves, svg
from ratelimiter.ledger.proof import Proof, ProofVerdict
from ratelimiter.ledger.reading import Condition, LedgerFile, Progress, grants, ledger_files
from thrift_idl.errors import InvalidRequest

_BUSIEST = 10
_MOST_NAMED = 3
_DRAWN = 6


@dataclass(frozen=True, slots=True)
class AccessLogs:
    """The access logs, and the requests to search in them."""

    paths: Sequence[Path]
    agent: str
    host: str
    """The host of lines that name none."""


@dataclass(frozen=True, slots=True)
class Proven:
    """All results."""

    verdict: ProofVerdict
    condition: Condition
    agreement: Agreement | None = None
    reading: Reading | None = None

    @property
    def violated(self) -> bool:
        """True if a limit was broken, or a request had no grant."""
        return not self.verdict.holds or (self.agreement is not None and not self.agreement.holds)

    @property
    def holds(self) -> bool:
        """True if every limit was kept, each request had its grant, and the record is complete."""
        return not self.violated and not self.doubts

    @property
    def doubts(self) -> list[str]:
        """The reasons why the recorded grants may be incomplete, or can't be compared."""
        found, agreement = self.condition, self.agreement
        compared = len(self.verdict.boots) > 1 or agreement is not None
        told: tuple[tuple[Sequence[str], str], ...] = (
            (found.overlapping, "two processes wrote to one ledger at once"),
            (found.abandoned, "the next process didn't know whether the one before had ended: there was no lock"),
            (found.missing, "files are missing"),
            (found.damaged, "places can't be read"),
            (found.unsigned, "the writer is unknown: the first line can't be read"),
            (found.cut, "not closed, and then another boot: a power cut may have taken the last half minute"),
            (found.jumps if compared else (), "a wall clock was set, and times are compared by it"),
        )
        doubts = [f"{why}: {', '.join(places[:_MOST_NAMED])}" for places, why in told if places]
        if agreement and agreement.outside:
            doubts.append(f"{agreement.outside:,} requests lie before or long after what is on record")
        return doubts


Watched = Callable[[str, int], Progress]
"""Called with a task and its number of ledger bytes; returns the function that gets the bytes read."""


def prove(ledgers: Iterable[Path], logs: AccessLogs | None, skew_ms: float, worst: int, watched: Watched) -> Proven:
    """Judge the ledgers, and compare them with access logs. Raises `InvalidRequest`, `StoreUnreadable`."""
    condition, reading = Condition(), Reading()
    files = ledger_files(ledgers, condition)
    told = watched("judging", sum(file.bytes for file in files))
    proof, stream = Proof(worst, skew_ms), grants(files, condition, told)
    if logs is None:
        return Proven(proof.of(stream), condition)
    with _opened(logs.paths) as lines:
        requests = accesses(lines, logs.agent, logs.host, reading)
        agreement = Comparison(condition.ends).of(stream, requests, proof.add)
    if reading.lines and not reading.requests:
        raise InvalidRequest(_no_requests(logs, reading))
    return Proven(proof.end(), condition, agreement, reading)


def _no_requests(logs: AccessLogs, reading: Reading) -> str:
    if reading.unreadable:
        return f"{reading.unreadable} lines of the access log are of no known format (nginx combined, JSON lines)"
    return f'no request in the access log has a user agent with "{logs.agent}": name yours with --agent'


def draw(ledgers: Iterable[Path], verdict: ProofVerdict, picture: Path, watched: Watched) -> None:
    """Draw the busiest domains: a second reading, because only the first one finds them."""
    condition = Condition()
    files: list[LedgerFile] = ledger_files(ledgers, condition)
    told = watched("drawing", sum(file.bytes for file in files))
    busiest = [domain for domain, _ in verdict.busiest.most_common(_DRAWN)]
    curves = Curves(busiest, verdict.first_ms, verdict.last_ms)
    for granted in grants(files, condition, told):
        curves.add(granted)
    picture.write_text(svg(list(curves.curves.values()), verdict.first_ms, verdict.last_ms), encoding="utf-8")


@contextmanager
def _opened(paths: Sequence[Path]) -> Iterator[Iterator[bytes]]:
    """The lines of access logs, one after the other; of .gz files too. Raises `InvalidRequest`."""
    with ExitStack() as stack:
        try:
            yield chain.from_iterable([_lines(stack.enter_context(_open(path))) for path in paths])
        except (OSError, EOFError) as error:
            raise InvalidRequest(f"access log: {error}") from error


def _open(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Lines, an endless one in pieces: those are counted as unreadable."""
    return iter(lambda: file.readline(MAX_LINE_BYTES + 1), b"")


def moment(ms: float) -> str:
    """A time of the ledger for people."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}.{int(ms % 1000):03d} UTC"


def sentence(proven: Proven) -> str:
    """The result in one sentence."""
    verdict, agreement = proven.verdict, proven.agreement
    if not verdict.grants:
        return "the ledger holds no grant: there is nothing to prove"
    faults = [
        (verdict.broken, "slots made a second too full"),
        (verdict.early, "slots came sooner than their interval"),
        (agreement.ungranted if agreement else 0, "requests had no grant"),
        (agreement.crowded if agreement else 0, "requests made a second too full where they arrived"),
    ]
    said = [f"{count:,} {what}" for count, what in faults if count]
    if said:
        return "limits were broken: " + ", ".join(said)
    if proven.doubts:
        return "it cannot be proven that every limit was kept; no grant on record broke one"
    agreed = f"; all {agreement.paired:,} requests had their grant" if agreement else ""
    return f"every limit was kept, in {verdict.grants:,} grants to {len(verdict.busiest):,} domains{agreed}"


def to_json(proven: Proven) -> dict[str, Any]:
    """The output of `aragog politeness verify --json`: the keys that the head of this module lists."""
    verdict, condition = proven.verdict, proven.condition
    return {
        "verdict": "violated" if proven.violated else "proven" if proven.holds else "unproven",
        "holds": proven.holds,
        "doubts": proven.doubts,
        "sentence": sentence(proven),
        "grants": verdict.grants,
        "from_ms": verdict.first_ms,
        "to_ms": verdict.last_ms,
        "shards": sorted(verdict.shards),
        "clocks": len(verdict.boots),
        "versions": sorted(verdict.versions),
        "windows": {"broken": verdict.broken, "worst": [asdict(window) for window in verdict.worst]},
        "intervals": {"broken": verdict.early, "examples": [asdict(each) for each in verdict.early_examples]},
        "busiest": [{"domain": domain, "grants": n} for domain, n in verdict.busiest.most_common(_BUSIEST)],
        "condition": {
            "torn": condition.torn,
            "damaged": condition.damaged,
            "missing": condition.missing,
            "headless": condition.headless,
            "unsigned": condition.unsigned,
            "overlapping": condition.overlapping,
            "abandoned": condition.abandoned,
            "cut": condition.cut,
            "jumps": condition.jumps,
            "unclosed": len(condition.ends),
        },
        "access_log": _log_json(proven.agreement, proven.reading) if proven.agreement and proven.reading else None,
    }


def _log_json(agreement: Agreement, reading: Reading) -> dict[str, Any]:
    fullness, domain, t_ms, requests, most = agreement.worst
    return {
        **asdict(reading),
        **asdict(agreement),
        "ungranted_examples": [{"host": host, "t_ms": t} for host, t in agreement.ungranted_examples],
        "worst": {"fullness": fullness, "domain": domain, "until_ms": t_ms, "requests": requests, "allowed": most},
    }
