"""A process that links pages over real backends and kills itself at one step: `-m ... METADATA CONTENT HOST STEP`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from tests.faults.urlstore.stepping import Stepping
from tests.support.stores import open_backends, service_over
from tests.support.urlstore_requests import chain, link, put, record
from thrift_idl.gen.urlstore.ttypes import PutPageRequest
from urlstore.backends import LinkedWrite, StoredRow

PAGES = ("changed", "new", "moved")
TARGETS = ("gone", "stays", "won", "left", "later")


def _page(host: str, path: str, *targets: str, at: int, **fields: object) -> PutPageRequest:
    links = [f"http://{host}/{target}" for target in targets]
    return put(f"http://{host}/{path}", repr((at, targets)).encode(), at=at, page=record(links=links), **fields)  # type: ignore[arg-type]  # fields of a fetch


def linked_before(host: str) -> tuple[PutPageRequest, ...]:
    """Pages whose links lie in the store before."""
    return _page(host, "changed", "gone", "stays", at=1), _page(host, "moved", "left", "stays", at=2)


def linked_now(host: str) -> tuple[PutPageRequest, ...]:
    """The store before the kill: a page with other links, a new one, one that is an alias now."""
    moved = chain(f"http://{host}/moved", f"http://{host}/new")
    return _page(host, "changed", "stays", "won", at=3), _page(host, "new", "won", "stays", at=4, chain=moved)


def linked_later(host: str) -> tuple[PutPageRequest, ...]:
    """The next work, if the killed one isn't repeated."""
    return _page(host, "changed", "later", at=5), _page(host, "moved", "later", at=6), _page(host, "new", at=7)


def urls(host: str, paths: tuple[str, ...] = PAGES) -> tuple[str, ...]:
    return tuple(f"http://{host}/{path}" for path in paths)


class OneByOne(Stepping):
    """Rows of one call are read or written one after the other: a kill may come in between."""

    async def read_rows(self, keys: Sequence[bytes]) -> list[StoredRow | None]:
        rows: list[StoredRow | None] = []
        for key in keys:
            rows += await self._stepped("read_rows", [key])
        return rows

    async def write_linked(self, writes: Sequence[LinkedWrite]) -> None:
        for write in writes:
            await self._stepped("write_linked", [write])


async def main(metadata: str, content: str, host: str, last_step: int) -> None:
    rows, objects = await open_backends(metadata, content)
    service = service_over((OneByOne(rows, last_step), objects))
    await service.link_pages(link(*urls(host)))
    print(Stepping.taken)
    await rows.close()
    await objects.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
