"""The effect of an image's last visit on the next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recommender_hooks.images import image_state
from recommender_hooks.images.image_signals import SIGNALS_VERSION, ImageError, signals_of
from recommender_hooks.images.image_state import (
    ImagePolicy,
    ImageState,
    ImageVisit,
    Use,
    Wait,
    failed,
    fetched,
    next_step,
    unasked,
)
from tests.support.event_samples import T0, sample
from thrift_idl.errors import BadConfiguration, ConnectFailure, HttpStatus, NoSlot, RetryAfter, StoreTooNew
from thrift_idl.gen.fetcher.ttypes import FetchResult, Header, Hop
from thrift_idl.gen.urlstore.ttypes import Attribute

URL = "http://a.test/i.jpg"
DAY_MS = 86_400_000
POLICY = ImagePolicy(fresh_days=30, tries=3, backoff_ms=1_000, max_backoff_ms=3_000, give_up_ms=DAY_MS)
SIGNALS = signals_of(sample("icon.png"))


def result(status: int = 200, url: str = URL, **headers: str) -> FetchResult:
    fields = tuple(Header(name.replace("_", "-"), value) for name, value in headers.items())
    return FetchResult(url, status, fields, b"", (), "image/png", began_ms=T0, latency_ms=1.0)  # type: ignore[call-arg]  # stubs have keywords only


GOOD = fetched(result(ETag='"1"', Last_Modified="Mon"), SIGNALS)


def test_an_image_never_seen_is_visited() -> None:
    assert next_step(None, URL, T0, POLICY) == ImageVisit()


def test_a_validator_that_no_request_can_carry_is_neither_kept_nor_sent() -> None:
    odd = fetched(result(ETag='"caf\xe9"', Last_Modified="a\tb"), SIGNALS)
    assert (odd.etag, odd.last_modified) == ("", "")
    of_an_old_store = replace(GOOD, etag='"caf\xe9"', last_modified="x" * 5_000)
    assert next_step(of_an_old_store, URL, T0 + 30 * DAY_MS, POLICY) == ImageVisit()


def test_a_retry_of_the_future_waits_for_no_clock_that_was_ahead() -> None:
    state = failed(None, ConnectFailure(), T0 + 3 * DAY_MS, 1.0, POLICY)
    assert isinstance(next_step(state, URL, T0 + 3 * DAY_MS, POLICY), Wait)
    assert next_step(state, URL, T0, POLICY) == ImageVisit()


def test_what_our_configuration_forbids_is_tried_again_whenever_it_is_asked_for() -> None:
    for before in (None, GOOD):
        state = unasked(before, BadConfiguration("no contact"), T0)
        assert state.ended and (state.family, state.code) == ("refused", "bad_configuration")
        assert state.signals == (before.signals if before else None)
        assert isinstance(next_step(state, URL, T0 + 1, POLICY), ImageVisit)


def test_an_image_stays_fresh_for_days_then_it_is_asked_whether_it_changed() -> None:
    last = T0 + 30 * DAY_MS - 1
    assert next_step(GOOD, URL, last, POLICY) == next_step(GOOD, URL, T0 - DAY_MS, POLICY) == Use(GOOD)
    assert next_step(GOOD, URL, last + 1, POLICY) == ImageVisit('"1"', "Mon")


def test_validators_are_sent_only_to_the_url_that_gave_them() -> None:
    moved = replace(GOOD, url="http://a.test/elsewhere.jpg")
    assert next_step(moved, URL, T0 + 30 * DAY_MS, POLICY) == ImageVisit()


def test_signals_of_another_version_are_made_anew_from_the_whole_image() -> None:
    old = replace(GOOD, signals_version=SIGNALS_VERSION - 1)
    assert next_step(old, URL, T0, POLICY) == ImageVisit()


def test_a_304_keeps_the_signals_and_is_fresh_again() -> None:
    stale = failed(GOOD, ConnectFailure("down"), T0 + 31 * DAY_MS, 0, POLICY)
    confirmed = image_state.unchanged(stale, replace_began(result(304), T0 + 32 * DAY_MS))
    assert confirmed == replace(GOOD, code="unchanged", status=304, fetched_ms=T0 + 32 * DAY_MS)
    assert next_step(confirmed, URL, T0 + 40 * DAY_MS, POLICY) == Use(confirmed)


def replace_began(fetch: FetchResult, began_ms: int) -> FetchResult:
    from thrift_idl.records import replace as replaced

    return replaced(fetch, began_ms=began_ms)


def test_a_refusal_is_an_end_that_drops_the_signals() -> None:
    gone = failed(GOOD, HttpStatus("404", status="404"), T0, 0, POLICY)
    assert (gone.ended, gone.signals, gone.family, gone.code, gone.status) == (
        True,
        None,
        "refused",
        "http_status",
        404,
    )
    assert next_step(gone, URL, T0 + 1, POLICY) == Use(gone)


def test_what_is_no_image_is_an_end_too() -> None:
    bad = fetched(result(), ImageError("not_an_image"))
    assert (bad.ended, bad.family, bad.code, bad.signals) == (True, "refused", "not_an_image", None)


@pytest.mark.parametrize("said", ["noindex", "none", "noimageindex", "noai", "aragog: noindex"])
def test_an_image_whose_own_headers_ask_for_it_is_unlisted(said: str) -> None:
    asked = fetched(result(X_Robots_Tag=said), SIGNALS)
    assert (asked.family, asked.code, asked.signals) == ("refused", "unlisted", None)
    for other in ("nofollow", "otherbot: noindex"):
        assert fetched(result(X_Robots_Tag=other), SIGNALS).signals == SIGNALS


def test_an_unavailable_image_is_tried_again_ever_later_then_left() -> None:
    first = failed(None, ConnectFailure("down"), T0, 1.0, POLICY)
    assert (first.ended, first.retry_ms, first.tries) == (False, T0 + 1_000, 1)
    assert next_step(first, URL, T0 + 300, POLICY) == Wait(700)
    assert next_step(first, URL, T0 + 1_000, POLICY) == ImageVisit()
    second = failed(first, ConnectFailure("down"), T0 + 1_000, 0.0, POLICY)
    assert (second.ended, second.retry_ms) == (False, T0 + 2_000)  # the backoff of 2,000, spread over its half
    third = failed(second, ConnectFailure("down"), T0 + 2_000, 0.0, POLICY)
    assert (third.ended, third.code, third.tries) == (True, "connect_failure", 0)
    assert next_step(third, URL, T0 + 3_000, POLICY) == Use(third)


def test_after_the_last_try_old_signals_stay() -> None:
    state = GOOD
    for _ in range(3):
        state = failed(state, ConnectFailure("down"), T0 + 31 * DAY_MS, 0, POLICY)
    assert (state.ended, state.signals) == (True, SIGNALS)


def test_a_deferred_image_spends_no_try_resumes_where_it_stopped_and_ends_after_a_day() -> None:
    hop = Hop(URL, 301, "http://b.test/", "http")
    held = failed(None, RetryAfter("429", delay_ms=5_000, status="429", chain=(hop,)), T0, 0, POLICY)
    assert (held.ended, held.tries, held.status) == (False, 0, 429)
    assert next_step(held, URL, T0 + 1, POLICY) == Wait(4_999)
    assert next_step(held, URL, T0 + 5_000, POLICY) == ImageVisit(resume=(hop,))
    again = failed(held, RetryAfter("429", delay_ms=5_000), T0 + DAY_MS - 1, 0, POLICY)
    assert not again.ended
    assert failed(again, RetryAfter("429", delay_ms=5_000), T0 + DAY_MS, 0, POLICY).ended


def test_a_want_of_slots_has_no_end() -> None:
    state = None
    for day in range(100):
        state = failed(state, NoSlot("full", delay_ms=10), T0 + day * DAY_MS, 0, POLICY)
        assert not state.ended


@pytest.mark.parametrize("chain", ["rubbish", "[1]", "{}", '[{"url": 1}'])
def test_a_chain_that_cant_be_read_begins_anew(chain: str) -> None:
    held = replace(failed(None, RetryAfter("429", delay_ms=1), T0, 0, POLICY), chain=chain)
    assert next_step(held, URL, T0 + 1, POLICY) == ImageVisit()


def test_a_chain_that_a_later_version_wrote_is_read() -> None:
    chain = '[{"url":"http://a.test/i.jpg","status":301,"target":"http://b.test/","kind":"http","new_field":1}]'
    held = replace(failed(None, RetryAfter("429", delay_ms=1), T0, 0, POLICY), chain=chain)
    assert next_step(held, URL, T0 + 1, POLICY) == ImageVisit(resume=(Hop(URL, 301, "http://b.test/"),))


def test_a_chain_too_long_for_a_state_is_not_kept() -> None:
    url = "http://a.test/".ljust(8_000, "a")
    walked = tuple(Hop(url, 301, url) for _ in range(5))
    assert failed(None, RetryAfter("429", delay_ms=1, chain=walked), T0, 0, POLICY).chain == ""


@pytest.mark.parametrize("state", [GOOD, failed(None, ConnectFailure("down"), T0, 0, POLICY)])
def test_a_state_survives_its_attribute(state: ImageState) -> None:
    attribute = image_state.encode(state, T0)
    assert (attribute.attribute_namespace, attribute.name, attribute.version) == ("image", "state", 1)
    assert image_state.decode(attribute) == state


def test_a_damaged_state_is_none_and_a_newer_one_an_error() -> None:
    assert image_state.decode(Attribute("image", "state", 1, b'{"family": "x"}', T0)) is None
    with pytest.raises(StoreTooNew, match="version 2"):
        image_state.decode(Attribute("image", "state", 2, b"{}", T0))
