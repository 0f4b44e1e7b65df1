"""The body of a crawl job: versioned UTF-8 JSON that any client of PinLater may enqueue. See docs/crawl-job.md."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
import orjson
from msgspec import UNSET, Meta, UnsetType

from crawler.frontier.crawls import CRAWL_ID
from crawler.frontier.entry import MAX_DEPTH
from crawler.frontier.scope import ScopeKind
from runtime.durations import DAY_MS
from runtime.invalid_field import invalid_field
from thrift_idl.errors import InvalidRequest
from thrift_idl.gen.fetcher.ttypes import Hop
from thrift_idl.records import to_json
from thrift_idl.redirect_chain import HopFields
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
_MAX_GIVE_UP_MS = 366 * DAY_MS


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
        try:
            fields = msgspec.convert(values, _JobFields)
        except msgspec.ValidationError as error:
            raise _refusal(error) from None
        others = {} if _KNOWN.issuperset(values) else {key: values[key] for key in values if key not in _KNOWN}
        if others and len(_dumped(others)) > MAX_OTHERS_BYTES:
            raise BadJob(f"crawl job: keys unknown to this version may have {MAX_OTHERS_BYTES} bytes")
        return fields.job(others)

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


class _PolicyFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A policy in JSON. A key that is there has a value: null is none."""

    max_tries: Annotated[int, Meta(ge=1, le=_MAX_TRIES)] | UnsetType = UNSET
    give_up_ms: Annotated[int, Meta(ge=0, le=_MAX_GIVE_UP_MS)] | UnsetType = UNSET

    def policy(self) -> Policy:
        """The record."""
        return Policy(
            None if self.max_tries is UNSET else self.max_tries,
            None if self.give_up_ms is UNSET else self.give_up_ms,
        )


_Tries = Annotated[int, Meta(ge=0, le=_MAX_TRIES)]


class _JobFields(msgspec.Struct, frozen=True):
    """The keys of a body that this version knows, less `v`, which says whether the others are these."""

    url: Annotated[str, Meta(min_length=1, max_length=MAX_LENGTH)]
    crawl: Annotated[str, Meta(pattern=rf"^(?:{CRAWL_ID})?\Z")] = ""
    depth: Annotated[int, Meta(ge=0, le=MAX_DEPTH)] = 0
    scope: ScopeKind | None = None
    policy: _PolicyFields | UnsetType = UNSET
    tries: _Tries = 0
    deferred_ms: Annotated[int, Meta(ge=0, le=_MAX_MS)] = 0
    alone: _Tries = 0
    resume: Annotated[tuple[HopFields, ...], Meta(max_length=MAX_HOPS)] = ()

    def job(self, others: Mapping[str, Any]) -> CrawlJob:
        """The record."""
        return CrawlJob(
            self.url,
            self.crawl,
            self.depth,
            self.scope,
            _PATIENT if self.policy is UNSET else self.policy.policy(),
            self.tries,
            self.deferred_ms,
            self.alone,
            tuple(hop.hop() for hop in self.resume) if self.resume else (),
            others,
        )


_PATIENT = Policy()
_KNOWN = frozenset(("v", *_JobFields.__struct_fields__))
WANTED: Mapping[str, str] = {
    "url": f"a URL of at most {MAX_LENGTH} characters",
    "crawl": 'a crawl id: 1 to 48 letters, digits and underscores, or ""',
    "depth": f"a whole number from 0 to {MAX_DEPTH}",
    "scope": "host, domain or any",
    "policy": f"an object of {', '.join(_PolicyFields.__struct_fields__)}",
    "policy.max_tries": f"a whole number from 1 to {_MAX_TRIES}",
    "policy.give_up_ms": f"a whole number from 0 to {_MAX_GIVE_UP_MS}",
    "tries": f"a whole number from 0 to {_MAX_TRIES}",
    "deferred_ms": f"a whole number from 0 to {_MAX_MS}",
    "alone": f"a whole number from 0 to {_MAX_TRIES}",
    "resume": f"a list of at most {MAX_HOPS} hops",
    "resume[]": "an object with url, status and target",
    "resume[].url": f"a URL of at most {MAX_LENGTH} characters",
    "resume[].status": "a whole number from 0 to 999",
    "resume[].target": f"a URL of at most {MAX_LENGTH} characters",
    "resume[].kind": "a text of at most 64 characters",
    "resume[].peer": "a text of at most 64 characters",
    "resume[].latency_ms": f"a number from 0 to {DAY_MS}",
    "resume[].began_ms": f"a whole number from 0 to {_MAX_MS}",
    "resume[].waited_ms": f"a number from 0 to {DAY_MS}",
}
"""The value that a key must have, by its place: the library names the type and one bound, this both bounds."""


def _refusal(error: msgspec.ValidationError) -> BadJob:
    """The error for the body's author: it names the key, with its place in a list, and the value that it must have."""
    found = invalid_field(error)
    if not found.place:
        return BadJob(f'crawl job: "{found.named}" is missing')
    return BadJob(f'crawl job: "{found.place}" must be {WANTED[re.sub("[0-9]+", "", found.place)]}')


def keys() -> Sequence[str]:
    """Every key of a body."""
    return ("v", *_JobFields.__struct_fields__)
