"""The rules of the frontier. Pure: a `Book` holds one crawl's numbers and the entries that one call touches.

Every change of an entry goes through `_move`, which changes the counters with it: so open always is the number of open
entries. `scripts/book.lua` is the same for Redis; the contract suite and a property test compare the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from crawler.frontier import (
    LOST_CODE,
    OVER_BUDGET_CODE,
    ClaimVerdict,
    EntryClaim,
    Finish,
    Finished,
    Offer,
    Rekeyed,
    VisitEnding,
)
from crawler.frontier.crawls import CrawlState, may_turn
from crawler.frontier.entry import MAX_DEPTH, UNOWNED, EntryState, FrontierEntry, owner_of
from thrift_idl.errors import InvalidRequest


@dataclass(slots=True)
class CrawlNumbers:
    """One crawl's numbers, as stored; a `Book` changes them."""

    state: CrawlState
    seeded: bool
    limited: bool
    """True if the crawl has a depth limit."""
    max_pages: int | None
    counts: list[int]
    """Entries by `EntryState`."""
    pages: int
    ended_ms: int

    @property
    def open(self) -> int:
        """Entries that the crawl waits for."""
        return self.counts[EntryState.WAITING] + self.counts[EntryState.CLAIMED]

    @property
    def spent(self) -> bool:
        """True if the crawl has all its pages."""
        return self.max_pages is not None and self.pages >= self.max_pages

    @property
    def full(self) -> bool:
        """True if running visits may bring all remaining pages."""
        claimed = self.counts[EntryState.CLAIMED]
        return self.max_pages is not None and self.pages + claimed >= self.max_pages


class Book:
    """One call's view of a crawl: after it, `removed`, `changed`, `failures`, `outcomes` are to be stored."""

    def __init__(self, numbers: CrawlNumbers, entries: Mapping[bytes, FrontierEntry], now_ms: int) -> None:
        self.numbers = numbers
        self.removed: dict[bytes, bytes | None] = {}
        """Removed entries, their failures too, and the keys where they are now; None = nowhere."""
        self.changed: dict[bytes, FrontierEntry] = {}
        self.failures: dict[bytes, VisitEnding | None] = {}
        """Changes of the list of failed URLs; None = not on it."""
        self.outcomes: dict[str, int] = {}
        self._entries = dict(entries)
        self._now_ms = now_ms

    def unknown(self, keys: Iterable[bytes], depth: int) -> list[bytes]:
        """See `Frontier.unknown`."""
        if self.numbers.state.ended or self.numbers.spent:
            return []
        return [key for key in dict.fromkeys(keys) if self._wants_job(key, min(depth, MAX_DEPTH))]

    def schedule(self, offers: Iterable[Offer]) -> None:
        """See `Frontier.schedule`."""
        for offer in offers:
            if not self.numbers.state.ended:
                self._enter(offer)

    def claim(self, offers: Iterable[Offer]) -> list[EntryClaim]:
        """See `Frontier.claim`."""
        return [self._claim(offer) for offer in offers]

    def release(self, offers: Iterable[Offer]) -> None:
        """See `Frontier.release`."""
        for offer in offers:
            entry = self._entries.get(offer.key)
            if entry and entry.state is EntryState.CLAIMED and entry.owner == owner_of(offer.descriptor):
                self._move(offer.key, replace(entry, state=EntryState.WAITING))

    def finish(self, offer: Offer, ending: VisitEnding, final_key: bytes | None) -> Finish:
        """See `Frontier.finish`."""
        entry = self._entries.get(offer.key)
        if entry is None or not entry.open or entry.owner != owner_of(offer.descriptor):
            return self._finish(Finished.STALE, offer.depth)
        final_key = offer.key if final_key is None else final_key
        least = self._least_depth(entry, self._entries.get(final_key))
        if self.numbers.limited and ending.leads_on and least < offer.depth:
            return self._finish(Finished.AGAIN, least)
        if ending.state is EntryState.PAGE:
            self._close_page(offer, entry, ending, final_key)
        else:
            self._close(offer.key, entry, ending)
        return self._finish(Finished.DONE, offer.depth)

    def seeded(self) -> None:
        """See `Crawls.seeded`."""
        self.numbers.seeded = True
        self._end()

    def turn(self, state: CrawlState) -> None:
        """See `Crawls.turn`."""
        if not may_turn(self.numbers.state, state):
            raise InvalidRequest(f"the crawl is {self.numbers.state}: it can't become {state} any more")
        if state.ended and not self.numbers.state.ended:
            self.numbers.ended_ms = self._now_ms
        self.numbers.state = state

    def reopen(self, keys: Sequence[bytes]) -> dict[bytes, int]:
        """See `Crawls.reopen`."""
        if self.numbers.state is CrawlState.CANCELLED:
            raise InvalidRequest("the crawl is cancelled: start a new one")
        return {key: entry.depth for key in keys if (entry := self._reopen(key)) is not None}

    def rekey(self, urls: Iterable[Rekeyed]) -> int:
        """See `Frontier.rekey`."""
        moved = 0
        for url in urls:
            if self._is_meant(url):
                self._rename(url.old, url.new)
                moved += 1
        if moved:
            self._end()
        return moved

    def disown(self, entries: Mapping[bytes, FrontierEntry], *, refetch: bool) -> int:
        """See `Frontier.disown`."""
        if self.numbers.state is CrawlState.CANCELLED:
            return 0
        as_told = [key for key, entry in entries.items() if self._entries.get(key) == entry]
        for key in as_told:
            self._disown(key, self._entries[key], refetch)
        return len(as_told)

    def give_up(self, keys: Iterable[bytes]) -> int:
        """See `Frontier.give_up`."""
        unowned = [key for key in keys if (entry := self._entries.get(key)) and entry.open and entry.owner == UNOWNED]
        for key in unowned:
            self._close(key, self._entries[key], VisitEnding(EntryState.SKIPPED, LOST_CODE))
        if unowned:
            self._end()
        return len(unowned)

    # --- one entry ---

    def _is_meant(self, url: Rekeyed) -> bool:
        entry = self._entries.get(url.old)
        if entry is None or url.old == url.new:
            return False
        if url.descriptor:
            return entry.open and entry.owner == owner_of(url.descriptor)
        return not entry.open or entry.owner == UNOWNED

    def _rename(self, old: bytes, new: bytes) -> None:
        entry = self._entries.pop(old)
        self.changed.pop(old, None)
        self.numbers.counts[entry.state] -= 1
        self.removed[old] = None if new in self._entries else new
        if new not in self._entries:
            self._move(new, entry)

    def _disown(self, key: bytes, entry: FrontierEntry, refetch: bool) -> None:
        if refetch and entry.state is EntryState.PAGE:
            self.numbers.pages -= 1
        self._run_again()
        fetched = entry.fetched and not refetch
        self._move(key, replace(entry, state=EntryState.WAITING, owner=UNOWNED, fetched=fetched))

    def _run_again(self) -> None:
        if self.numbers.state is CrawlState.DONE:
            self.numbers.state, self.numbers.ended_ms = CrawlState.RUNNING, 0

    def _wants_job(self, key: bytes, depth: int) -> bool:
        entry = self._entries.get(key)
        if entry is None or self._found_nearer(entry, depth):
            return True
        self._lower(key, entry, depth)
        return entry.open and entry.owner == UNOWNED

    def _enter(self, offer: Offer) -> None:
        """Make the offer the entry's owner if it has none, or is reopened by it."""
        entry, depth, owner = self._entries.get(offer.key), min(offer.depth, MAX_DEPTH), owner_of(offer.descriptor)
        if entry is None or self._found_nearer(entry, depth):
            self._move(offer.key, FrontierEntry(EntryState.WAITING, entry is not None, depth, owner))
        elif entry.open:
            if entry.owner == UNOWNED:
                entry = self._move(offer.key, replace(entry, owner=owner))
            self._lower(offer.key, entry, depth)

    def _claim(self, offer: Offer) -> EntryClaim:
        verdict = self._verdict(offer)
        entry = self._entries.get(offer.key)
        return EntryClaim(verdict, entry.depth if entry else offer.depth)

    def _verdict(self, offer: Offer) -> ClaimVerdict:
        if self.numbers.state is not CrawlState.RUNNING:
            return ClaimVerdict.LATER if self.numbers.state is CrawlState.PAUSED else ClaimVerdict.NOT_RUNNING
        self._enter(offer)  # even if it is skipped: `schedule` may come after, and would wait for a job that is acked
        entry = self._entries[offer.key]
        if not entry.open or entry.owner != owner_of(offer.descriptor):
            return ClaimVerdict.REPEAT
        return ClaimVerdict.RELINK if entry.fetched else self._admit(offer.key, entry)

    def _admit(self, key: bytes, entry: FrontierEntry) -> ClaimVerdict:
        """A place in the page budget."""
        if self.numbers.max_pages is None or entry.state is EntryState.CLAIMED:
            return ClaimVerdict.MINE
        if self.numbers.spent:
            self._close(key, entry, VisitEnding(EntryState.SKIPPED, OVER_BUDGET_CODE))
            self._end()
            return ClaimVerdict.OVER_BUDGET
        if self.numbers.full:
            return ClaimVerdict.LATER
        self._move(key, replace(entry, state=EntryState.CLAIMED))
        return ClaimVerdict.MINE

    def _reopen(self, key: bytes) -> FrontierEntry | None:
        entry = self._entries.get(key)
        if entry is None or (entry.open and entry.owner != UNOWNED):
            return None
        if entry.open:
            return entry
        if entry.state is not EntryState.FAILED:
            return None
        self._run_again()
        return self._move(key, replace(entry, state=EntryState.WAITING, owner=UNOWNED))

    def _close(self, key: bytes, entry: FrontierEntry, ending: VisitEnding) -> None:
        if not entry.fetched:
            self.outcomes[ending.code] = self.outcomes.get(ending.code, 0) + 1
        self.failures[key] = ending if ending.state is EntryState.FAILED else None
        fetched = entry.fetched or ending.leads_on
        self._move(key, replace(entry, state=ending.state, fetched=fetched))

    def _close_page(self, offer: Offer, entry: FrontierEntry, ending: VisitEnding, final_key: bytes) -> None:
        page = self._entries.get(final_key)
        if page is None or not page.fetched:
            self.numbers.pages += 1
        alias = final_key != offer.key
        self._close(offer.key, entry, replace(ending, state=EntryState.ALIAS) if alias else ending)
        if alias:
            self._mark_page(final_key, page, offer)

    def _mark_page(self, key: bytes, entry: FrontierEntry | None, offer: Offer) -> None:
        """`key` is the page that `offer`'s visit got by a redirect: done, and the offer's unless it was before."""
        depth = min(offer.depth, entry.depth if entry else MAX_DEPTH)
        if entry is not None and entry.fetched and not entry.open:
            self._move(key, replace(entry, depth=depth))
            return
        self.failures[key] = None
        self._move(key, FrontierEntry(EntryState.PAGE, True, depth, owner_of(offer.descriptor)))

    def _move(self, key: bytes, entry: FrontierEntry) -> FrontierEntry:
        """Every change of an entry, and of the counters with it."""
        old = self._entries.get(key)
        if old is not None:
            self.numbers.counts[old.state] -= 1
        self.numbers.counts[entry.state] += 1
        self._entries[key] = self.changed[key] = entry
        return entry

    # --- depth ---

    def _found_nearer(self, entry: FrontierEntry, depth: int) -> bool:
        """True if the links of a done page must be scheduled again, at a smaller depth."""
        return self.numbers.limited and not entry.open and entry.fetched and depth < entry.depth

    def _lower(self, key: bytes, entry: FrontierEntry, depth: int) -> None:
        if self.numbers.limited and entry.open and depth < entry.depth:
            self._move(key, replace(entry, depth=depth))

    @staticmethod
    def _least_depth(entry: FrontierEntry, final: FrontierEntry | None) -> int:
        """The depth for the links of a page: the least of all that found it and haven't scheduled its links."""
        waits = final is not None and (final.open or not final.fetched)
        return min(entry.depth, final.depth) if final is not None and waits else entry.depth

    # --- the crawl ---

    def _finish(self, finished: Finished, depth: int) -> Finish:
        if finished is Finished.DONE:
            self._end()
        numbers = self.numbers
        return Finish(finished, depth, numbers.open, numbers.pages, numbers.state.ended)

    def _end(self) -> None:
        numbers = self.numbers
        if numbers.seeded and numbers.open == 0 and not numbers.state.ended:
            numbers.state, numbers.ended_ms = CrawlState.DONE, self._now_ms
