from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import orjson
import pytest

from crawler.frontier import EntryState, VisitEnding
from crawler.frontier.crawls import Counters, Crawl, CrawlState, may_turn
from crawler.frontier.entry import MAX_DEPTH, FrontierEntry, owner_of, pack, unpack
from crawler.frontier.records import pack_crawl, pack_failure, slices, unpack_crawl, unpack_failure
from thrift_idl.errors import InvalidRequest, StoreTooNew, StoreUnreadable

CRAWL = Crawl("c", "q_c", 3, "domain", 2, 100, 1_700_000_000_000, "aragog crawl http://a.test/")


@pytest.mark.parametrize("state", list(EntryState))
@pytest.mark.parametrize("fetched", [False, True])
def test_an_entry_of_eleven_bytes_comes_back(state: EntryState, fetched: bool) -> None:
    entry = FrontierEntry(state, fetched, 517, owner_of("q:s1:p1:7"))
    assert len(pack(entry)) == 11
    assert unpack(pack(entry)) == entry
    assert entry.open == (state in (EntryState.WAITING, EntryState.CLAIMED))


def test_a_depth_beyond_the_greatest_stays_the_greatest() -> None:
    assert unpack(pack(FrontierEntry(EntryState.PAGE, True, 10**9, bytes(8)))).depth == MAX_DEPTH


def test_counters_have_the_names_of_the_states() -> None:
    names = [state.name.lower() for state in EntryState]
    assert [field.name for field in fields(Counters)] == [*names, "pages"]


def test_a_crawl_comes_back() -> None:
    assert unpack_crawl(pack_crawl(CRAWL)) == CRAWL


def test_records_of_a_newer_version_are_a_clear_error() -> None:
    newer = orjson.dumps(orjson.loads(pack_crawl(CRAWL)) | {"v": 2})
    with pytest.raises(StoreTooNew, match="upgrade"):
        unpack_crawl(newer)
    with pytest.raises(StoreTooNew, match="upgrade"):
        unpack_failure(bytes(16), orjson.dumps({"v": 2}))
    with pytest.raises(StoreUnreadable):
        unpack_crawl(b'{"v":1,"name":"?"}')


def test_a_failure_is_bounded() -> None:
    ending = VisitEnding(EntryState.FAILED, "timeout", "http://a.test/" + "a" * 10_000, "m" * 10_000, 3)
    failure = unpack_failure(bytes(16), pack_failure(ending))
    assert (len(failure.url), len(failure.message), failure.tries) == (8_192, 500, 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ""},
        {"id": "a-b"},
        {"id": "{a}"},
        {"id": "a" * 49},
        {"seeds": -1},
        {"max_depth": -1},
        {"max_pages": 0},
        {"created_ms": -1},
    ],
)
def test_a_crawl_that_makes_no_sense_is_refused_by_the_name_of_its_field(changes: dict[str, Any]) -> None:
    (name,) = changes
    with pytest.raises(InvalidRequest, match=name):
        replace(CRAWL, **changes)


def test_an_end_is_an_end() -> None:
    ways = {(was, to) for was in CrawlState for to in CrawlState if may_turn(was, to)}
    running, paused, cancelled = CrawlState.RUNNING, CrawlState.PAUSED, CrawlState.CANCELLED
    assert ways == {(was, to) for was in (running, paused) for to in (running, paused, cancelled)} | {
        (cancelled, cancelled)
    }


def test_slices_have_all_items_in_order() -> None:
    assert [len(part) for part in slices(range(1_201))] == [500, 500, 201]
    assert [item for part in slices(range(1_201)) for item in part] == list(range(1_201))
    assert slices([]) == []
