"""The frontier in a durable Redis: the rules of `book.lua`, each slice of a call one script."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Self

from crawler.frontier import (
    LOST_CODE,
    ClaimVerdict,
    EntryClaim,
    EntryState,
    Finish,
    Finished,
    Offer,
    Rekeyed,
    VisitEnding,
)
from crawler.frontier.entry import MAX_DEPTH, FrontierEntry, owner_of, pack
from crawler.frontier.records import check_keys, pack_failure, slices
from crawler.frontier.redis_crawls import RedisCrawls
from crawler.frontier.redis_scripts import Argument, FrontierScripts


class RedisFrontier:
    """`Frontier` over Redis (AOF, noeviction)."""

    def __init__(self, scripts: FrontierScripts) -> None:
        self._scripts = scripts
        self.crawls = RedisCrawls(scripts)

    @classmethod
    async def open(cls, url: str, *, any_keys: bool = False) -> Self:
        """The frontier that `url` (`redis://host:port/db`) names; it connects at the first use.

        Every call then raises `StoreTooOld` or `StoreTooNew` if the URL keys have another version; not with
        `any_keys`, to convert it. Raises `BadConfiguration`.
        """
        return cls(FrontierScripts(url, any_keys=any_keys))

    async def unknown(self, crawl_id: str, keys: Sequence[bytes], depth: int) -> Sequence[bytes]:
        """One script a slice."""
        check_keys(keys)
        unknown: list[bytes] = []
        for part in slices(tuple(dict.fromkeys(keys))):
            wanted = await self._scripts.run("unknown", crawl_id, (min(depth, MAX_DEPTH), *part))
            unknown += (part[index - 1] for index in wanted)
        return unknown

    async def schedule(self, crawl_id: str, offers: Sequence[Offer]) -> None:
        """One script a slice."""
        for part in slices(offers):
            await self._scripts.run("schedule", crawl_id, _arguments(part))

    async def claim(self, crawl_id: str, offers: Sequence[Offer]) -> Sequence[EntryClaim]:
        """One script a slice."""
        claims: list[EntryClaim] = []
        for part in slices(offers):
            answer = await self._scripts.run("claim", crawl_id, _arguments(part))
            claims += (EntryClaim(ClaimVerdict(answer[i]), answer[i + 1]) for i in range(0, len(answer), 2))
        return claims

    async def release(self, crawl_id: str, offers: Sequence[Offer]) -> None:
        """One script a slice."""
        for part in slices(offers):
            await self._scripts.run("release", crawl_id, _arguments(part))

    async def finish(self, crawl_id: str, offer: Offer, ending: VisitEnding, final_key: bytes | None = None) -> Finish:
        """One script."""
        final_key = offer.key if final_key is None else final_key
        check_keys((offer.key, final_key))
        failure = pack_failure(ending) if ending.state is EntryState.FAILED else b""
        rest = (int(ending.state), ending.code, failure, final_key)
        finished, depth, open_, pages, ended = await self._scripts.run("finish", crawl_id, (*_argument(offer), *rest))
        return Finish(Finished(finished), depth, open_, pages, bool(ended))

    async def key_version(self) -> int:
        """One read."""
        return await self._scripts.key_version()

    async def write_key_version(self, version: int) -> None:
        """One write."""
        await self._scripts.write_key_version(version)

    async def rekey(self, crawl_id: str, urls: Sequence[Rekeyed]) -> int:
        """One script a slice."""
        moved = 0
        for part in slices(urls):
            check_keys([key for url in part for key in (url.old, url.new)])
            owners = (owner_of(url.descriptor) if url.descriptor else b"" for url in part)
            flat = [each for url, owner in zip(part, owners, strict=True) for each in (url.old, url.new, owner)]
            moved += await self._scripts.run("rekey", crawl_id, flat)
        return moved

    async def entries(self, crawl_id: str) -> AsyncIterator[Mapping[bytes, FrontierEntry]]:
        """A scan of the hash, a thousand fields at a time."""
        async for some in self._scripts.entries(crawl_id):
            yield some

    async def disown(self, crawl_id: str, entries: Mapping[bytes, FrontierEntry], *, refetch: bool = False) -> int:
        """One script a slice."""
        check_keys(tuple(entries))
        disowned = 0
        for part in slices(tuple(entries.items())):
            told = [argument for key, entry in part for argument in (key, pack(entry))]
            disowned += await self._scripts.run("disown", crawl_id, (int(refetch), *told))
        return disowned

    async def give_up(self, crawl_id: str, keys: Sequence[bytes]) -> int:
        """One script a slice."""
        check_keys(keys)
        return sum([await self._scripts.run("give_up", crawl_id, (LOST_CODE, *part)) for part in slices(keys)])

    async def close(self) -> None:
        """Close the connections."""
        await self._scripts.client.aclose()


def _argument(offer: Offer) -> tuple[Argument, ...]:
    return offer.key, owner_of(offer.descriptor), min(offer.depth, MAX_DEPTH)


def _arguments(offers: Sequence[Offer]) -> list[Argument]:
    check_keys([offer.key for offer in offers])
    return list(_flat(offers))


def _flat(offers: Sequence[Offer]) -> Iterator[Argument]:
    for offer in offers:
        yield from _argument(offer)
