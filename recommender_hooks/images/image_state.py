"""The record of an image's visits, and its effect on the next visit. Pure: time is an argument.

One attribute of the image's URL (namespace `image`, name `state`, JSON): docs/signals.md lists its fields for its
readers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import msgspec
import orjson

from recommender_hooks.images.image_signals import SIGNALS_VERSION, ImageError, ImageSignals
from recommender_hooks.publication_rules import forbids_image
from runtime.backoff import Backoff
from runtime.durations import DAY_MS, HOUR_MS
from thrift_idl.errors import AragogError, BadConfiguration, Deferred, InvalidRequest, NoSlot, StoreTooNew
from thrift_idl.gen.fetcher.ttypes import FetchResult, Hop
from thrift_idl.gen.urlstore.ttypes import Attribute
from thrift_idl.redirect_chain import chain_from_json, chain_to_json
from weburl.validators import sendable

NAMESPACE, NAME, STATE_VERSION = "image", "state", 1

_MAX_CHAIN = 65_536  # characters of JSON

Family = Literal["fetched", "refused", "deferred", "unavailable"]


@dataclass(frozen=True, slots=True)
class ImagePolicy:
    """The rules for visiting images."""

    max_images: int = 32
    """Images of one page; further ones aren't visited."""
    max_bytes: int = 10 * 1024 * 1024
    fresh_days: int = 30
    """The time after a visit, good or bad, without a request for the image; then a conditional GET is sent."""
    tries: int = 5
    """Visits in a row that end unavailable before that is the outcome."""
    backoff_ms: int = 30_000
    """The wait after the first such visit; doubled after each further one."""
    max_backoff_ms: int = HOUR_MS
    give_up_ms: int = DAY_MS
    """A host may defer an image for this long before that is the outcome; a lack of slots has no end."""
    lease_ms: int = 60_000
    """A visit takes less; that of a process that died blocks the image for this long."""
    busy_ms: int = 250
    """The wait for an image that another process is visiting."""


@dataclass(frozen=True, slots=True)
class ImageState:
    """The end of the last visit of an image."""

    family: Family
    code: str
    """`fetched`, `unchanged` (304), a code of the error tree, of `ImageError`, or `unlisted`: its headers say so."""
    fetched_ms: int
    """The start of that visit."""
    ended: bool
    """False = it is to be visited again, not before `retry_ms`."""
    status: int = 0
    url: str = ""
    """Request form of the URL that served it; "" = none."""
    etag: str = ""
    last_modified: str = ""
    tries: int = 0
    first_ms: int = 0
    """The start of the first of the visits in a row without an end."""
    retry_ms: int = 0
    chain: str = ""
    """Hops made before a deferral, JSON: the next visit resumes there."""
    signals: ImageSignals | None = None
    signals_version: int = 0


@dataclass(frozen=True, slots=True)
class Use:
    """Nothing to do: the state is valid."""

    state: ImageState


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now."""

    delay_ms: int


@dataclass(frozen=True, slots=True)
class ImageVisit:
    """Fetch it, with these validators, from the last of these hops."""

    if_none_match: str | None = None
    if_modified_since: str | None = None
    resume: tuple[Hop, ...] = ()


def next_step(state: ImageState | None, request_form: str, now_ms: int, policy: ImagePolicy) -> Use | Wait | ImageVisit:
    """The action of a page that shows the image."""
    if state is None:
        return ImageVisit()
    if not state.ended and state.fetched_ms <= now_ms < state.retry_ms:  # not while a clock was ahead
        return Wait(state.retry_ms - now_ms)
    outdated = state.signals is not None and state.signals_version != SIGNALS_VERSION
    is_final = state.ended and state.code != BadConfiguration.code  # our configuration may have been corrected since
    if is_final and not outdated and now_ms - state.fetched_ms < policy.fresh_days * DAY_MS:
        return Use(state)
    if resume := _hops(state.chain):
        return ImageVisit(resume=resume)
    if state.signals is None or outdated or state.url != request_form:  # validators are of the URL that served it
        return ImageVisit()
    return ImageVisit(sendable(state.etag) or None, sendable(state.last_modified) or None)


def fetched(result: FetchResult, signals: ImageSignals | ImageError) -> ImageState:
    """The state after a visit that got content, an image or not."""
    state = ImageState(
        family="fetched",
        code="fetched",
        fetched_ms=result.began_ms,
        ended=True,
        status=result.status,
        url=result.url,
        etag=_validator(result, "etag"),
        last_modified=_validator(result, "last-modified"),
        signals_version=SIGNALS_VERSION,
    )
    if isinstance(signals, ImageError):
        return replace(state, family="refused", code=signals.code)
    if forbids_image(result.headers):
        return replace(state, family="refused", code="unlisted")
    return replace(state, signals=signals)


def unchanged(state: ImageState, result: FetchResult) -> ImageState:
    """The state after a 304."""
    confirmed = replace(state, family="fetched", code="unchanged", fetched_ms=result.began_ms, ended=True, status=304)
    return replace(confirmed, tries=0, first_ms=0, retry_ms=0, chain="")


def failed(
    state: ImageState | None, error: AragogError, began_ms: int, spread: float, policy: ImagePolicy
) -> ImageState:
    """The state after a visit that ended in an error. `spread`, 0 to 1, keeps images from returning all at once.

    A refusal drops the signals: their image is gone. After the last try they stay.
    """
    base = state or ImageState("refused", "", began_ms, True)
    family: Family = error.family  # type: ignore[assignment]  # only errors that are outcomes come here
    status = int(error.details.get("status", 0))
    base = replace(base, family=family, code=error.code, fetched_ms=began_ms, status=status, chain="")
    if family == "refused":
        return replace(base, ended=True, tries=0, first_ms=0, retry_ms=0, url="", signals=None)
    first_ms = base.first_ms or began_ms
    if isinstance(error, Deferred):
        tries, delay_ms = base.tries, error.delay_ms
        is_over = not isinstance(error, NoSlot) and began_ms - first_ms >= policy.give_up_ms
    else:
        tries = base.tries + 1
        delay_ms = Backoff(policy.backoff_ms, policy.max_backoff_ms).delay_ms(tries, spread)
        is_over = tries >= policy.tries
    if is_over:
        return replace(base, ended=True, tries=0, first_ms=0, retry_ms=0)
    chain = chain_to_json(error.chain) if error.chain else ""
    return replace(
        base,
        ended=False,
        tries=tries,
        first_ms=first_ms,
        retry_ms=began_ms + delay_ms,
        chain=chain if len(chain) <= _MAX_CHAIN else "",
    )


def unasked(state: ImageState | None, error: BadConfiguration, began_ms: int) -> ImageState:
    """The state of an image that our configuration forbids to fetch: the known part of it stays.

    A later publication of a page that shows it tries again.
    """
    base = state or ImageState("refused", "", began_ms, True)
    return replace(base, family="refused", code=error.code, fetched_ms=began_ms, ended=True, tries=0, first_ms=0)


def encode(state: ImageState, write_ms: int) -> Attribute:
    """The attribute that keeps it."""
    value = orjson.dumps(state, option=orjson.OPT_SORT_KEYS)
    return Attribute(NAMESPACE, NAME, STATE_VERSION, value, write_ms)


def decode(attribute: Attribute) -> ImageState | None:
    """The state; None if it can't be read: the image is visited again. Raises `StoreTooNew`."""
    if attribute.version > STATE_VERSION:
        raise StoreTooNew(
            f"image states of version {attribute.version} are written by a newer Aragog: upgrade this one"
        )
    try:
        return msgspec.json.decode(attribute.value, type=ImageState)
    except msgspec.DecodeError:
        return None


def _validator(result: FetchResult, name: str) -> str:
    return sendable(next((header.value for header in result.headers if header.name.lower() == name), ""))


def _hops(chain: str) -> tuple[Hop, ...]:
    """The hops in a state; none if they can't be read."""
    try:
        return chain_from_json(chain) if chain else ()
    except InvalidRequest:
        return ()
