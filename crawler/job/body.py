"""The body of a crawl job: versioned UTF-8 JSON that any client of PinLater may enqueue. See docs/crawl-job.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from crawler.frontier.crawls import is_crawl_id
from crawler.frontier.entry import MAX_DEPTH
from crawler.frontier.scope import SCOPE_KINDS, ScopeKind
from runtime.durations import DAY_MS
from thrift_idl.errors import InvalidRequest
from thrift_idl.gen.fetcher.ttypes import Hop
from thrift_idl.records import to_json
from weburl import MAX_LENGTH

VERSION = 1
QUEUE = "crawl"
"""The queue of jobs that belong to no crawl."""
MAX_BODY_BYTES = 256 * 1024
"""Eleven hops of two URLs at their longest, and the rest of a job."""
MAX_OTHERS_BYTES = 32 * 1024
MAX_HOPS = 11

_MAX_TRIES = 1_000_000
_MAX_MS = 2**53 - 1  # exact in every JSON reader (RFC 8259 6)


class BadJob(InvalidRequest):
    """The body is no crawl job; the message names the key. A repeat doesn't change that: ack it."""

    code = "bad_job"


class JobTooNew(InvalidRequest):
    """The job was written by a newer Aragog: give it back to a newer worker, or upgrade this one."""

    code = "job_too_new"


@dataclass(frozen=True, slots=True)
class Policy:
    """The patience of a job; None = by the worker's settings."""

    max_tries: int | None = None
    """Visits that end as `unavailable` before the URL is failed."""
    give_up_ms: int | None = None
    """After this time with only deferrals the URL is failed."""


@dataclass(frozen=True, slots=True)
class CrawlJob:
    """One URL to be visited. Jobs that we write carry its request form; other clients may write any form."""

    url: str
    crawl: str = ""
    """The crawl id; "" = the job belongs to none: it is visited whenever it comes, and its links aren't followed."""
    depth: int = 0
    """Links away from the nearest seed."""
    scope: ScopeKind | None = None
    """The links to follow from here on; None = by the crawl's scope."""
    policy: Policy = Policy()
    tries: int = 0
    """Visits so far that ended as `unavailable`."""
    deferred_ms: int = 0
    """The time that its host has deferred it since the last answer; waiting for a slot of ours isn't counted."""
    alone: int = 0
    """Visits begun with no other beside them, since the last one that ended: so often it was lost by its own fault."""
    resume: tuple[Hop, ...] = ()
    """Hops made before a deferral: the next visit continues at the last one's target."""
    others: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Keys that this version doesn't know: kept, unread, as long as the job lives; its links' jobs don't have them."""

    def encode(self) -> bytes:
        """The body. Keys at their defaults are left out. Raises `BadJob` if it exceeds `MAX_BODY_BYTES`."""
        body = _dumped(dict(self.others) | {"v": VERSION, "url": self.url} | self._optional())
        if len(body) > MAX_BODY_BYTES:
            raise BadJob(f"the job has {len(body)} bytes; the limit is {MAX_BODY_BYTES}")
        return body

    @classmethod
    def decode(cls, body: bytes) -> CrawlJob:
        """The job in `body`. Raises only `BadJob` and `JobTooNew`, for any bytes."""
        values = _object(body)
        version = values.pop("v", None)
        if not _is_int(version, 1, _MAX_MS):
            raise BadJob(f'crawl job: "v" must be {VERSION}, the version of this format')
        if version > VERSION:
            raise JobTooNew(f"crawl job of version {version}; this Aragog knows {VERSION}: upgrade it")
        if "url" not in values:
            raise BadJob('crawl job: "url" is missing')
        known = {name: read(name, values.pop(name)) for name, read in _KEYS.items() if name in values}
        if values and len(_dumped(values)) > MAX_OTHERS_BYTES:
            raise BadJob(f"crawl job: keys unknown to this version may have {MAX_OTHERS_BYTES} bytes")
        return cls(**known, others=values)

    def _optional(self) -> dict[str, Any]:
        policy = {"max_tries": self.policy.max_tries, "give_up_ms": self.policy.give_up_ms}
        keys = {
            "crawl": self.crawl,
            "depth": self.depth,
            "scope": self.scope,
            "policy": {name: value for name, value in policy.items() if value is not None},
            "tries": self.tries,
            "deferred_ms": self.deferred_ms,
            "alone": self.alone,
            "resume": to_json(self.resume),
        }
        return {name: value for name, value in keys.items() if value}


def _object(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BODY_BYTES:
        raise BadJob(f"crawl job: {len(body)} bytes; the limit is {MAX_BODY_BYTES}")
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadJob(f"crawl job: no UTF-8 JSON: {error}") from None
    if not isinstance(values, dict):
        raise BadJob("crawl job: must be a JSON object")
    return values


def _dumped(values: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(values)
    except TypeError as error:  # nested deeper than orjson writes, or a lone surrogate
        raise BadJob(f"crawl job: can't be written as JSON: {error}") from None


def _is_int(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most  # type(): JSON's true is no number


def _number(least: int, most: int) -> Callable[[str, object], Any]:
    def read(name: str, value: object) -> int:
        if not _is_int(value, least, most):
            raise BadJob(f'crawl job: "{name}" must be a whole number from {least} to {most}')
        return value  # type: ignore[return-value]  # checked above

    return read


def _url(name: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_LENGTH:
        raise BadJob(f'crawl job: "{name}" must be a URL of at most {MAX_LENGTH} characters')
    return value


def _crawl(name: str, value: object) -> str:
    if not isinstance(value, str) or (value and not is_crawl_id(value)):
        raise BadJob(f'crawl job: "{name}" must be a crawl id: 1 to 48 letters, digits and underscores, or ""')
    return value


def _scope(name: str, value: object) -> Any:
    if value is not None and value not in SCOPE_KINDS:
        raise BadJob(f'crawl job: "{name}" must be host, domain or any')
    return value


def _policy(name: str, value: object) -> Policy:
    if not isinstance(value, dict) or set(value) - set(_POLICY):
        raise BadJob(f'crawl job: "{name}" must be an object of {", ".join(_POLICY)}')
    return Policy(**{key: read(f"{name}.{key}", value[key]) for key, read in _POLICY.items() if key in value})


def _resume(name: str, value: object) -> tuple[Hop, ...]:
    if not isinstance(value, list) or len(value) > MAX_HOPS:
        raise BadJob(f'crawl job: "{name}" must be a list of at most {MAX_HOPS} hops')
    return tuple(_hop(f"{name}[{at}]", hop) for at, hop in enumerate(value))


def _hop(name: str, value: object) -> Hop:
    """A hop as `redirect_chain` writes it; keys that it may get later are skipped."""
    if not isinstance(value, dict) or not {"url", "status", "target"} <= set(value):
        raise BadJob(f'crawl job: "{name}" must be an object with url, status and target')
    return Hop(**{key: read(f"{name}.{key}", value[key]) for key, read in _HOP.items() if key in value})


def _word(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > 64:
        raise BadJob(f'crawl job: "{name}" must be a text of at most 64 characters')
    return value


def _latency(name: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= DAY_MS:
        raise BadJob(f'crawl job: "{name}" must be a number from 0 to {DAY_MS}')
    return float(value)


_Reader = Callable[[str, object], Any]
_KEYS: Mapping[str, _Reader] = {
    "url": _url,
    "crawl": _crawl,
    "depth": _number(0, MAX_DEPTH),
    "scope": _scope,
    "policy": _policy,
    "tries": _number(0, _MAX_TRIES),
    "deferred_ms": _number(0, _MAX_MS),
    "alone": _number(0, _MAX_TRIES),
    "resume": _resume,
}
_POLICY: Mapping[str, _Reader] = {"max_tries": _number(1, _MAX_TRIES), "give_up_ms": _number(0, 366 * DAY_MS)}
_HOP: Mapping[str, _Reader] = {
    "url": _url,
    "status": _number(0, 999),
    "target": _url,
    "kind": _word,
    "peer": _word,
    "latency_ms": _latency,
    "began_ms": _number(0, _MAX_MS),
    "waited_ms": _latency,
}


def keys() -> Sequence[str]:
    """Every key of a body."""
    return ("v", *_KEYS)
