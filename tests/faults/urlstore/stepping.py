"""A process that puts a page over real backends and kills itself at one step: `-m ... METADATA CONTENT HOST STEP`.

Steps are counted before and after every call to a backend. Step 0 kills nothing; the number of steps is printed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from functools import partial
from typing import Any

from tests.support.stores import open_backends, service_over
from tests.support.urlstore_requests import chain, put, record
from thrift_idl.gen.urlstore.ttypes import PutPageRequest


class Stepping:
    """A backend in front of another: every call is two steps."""

    taken = 0

    def __init__(self, backend: Any, last_step: int) -> None:
        self._backend = backend
        self._last_step = last_step

    def __getattr__(self, name: str) -> Any:
        return partial(self._stepped, name)

    async def _stepped(self, name: str, *arguments: Any) -> Any:
        self._step()
        answer = await getattr(self._backend, name)(*arguments)
        self._step()
        return answer

    def _step(self) -> None:
        Stepping.taken += 1
        if Stepping.taken == self._last_step:
            os.kill(os.getpid(), signal.SIGKILL)


def first_puts(host: str) -> tuple[PutPageRequest, ...]:
    """The store's rows before: the page, then its URL as an alias of another, and a page that will be one."""
    return (
        put(f"http://{host}/", b"first", at=1),
        put(f"http://{host}/moved", b"moved", at=2, chain=chain(f"http://{host}/", f"http://{host}/moved")),
        put(f"http://{host}/one", b"one", at=3),
    )


def the_put(host: str) -> PutPageRequest:
    """The put that is killed: new content, two redirects, the end of an alias."""
    way = [f"http://{host}/{path}" for path in ("one", "two", "")]
    page = record("Second", "Second text", links=[f"http://{host}/next"])
    return put(way[-1], b"second" * 1_000, at=4, chain=chain(*way), page=page)


async def main(metadata: str, content: str, host: str, last_step: int) -> None:
    rows, objects = await open_backends(metadata, content)
    service = service_over((Stepping(rows, last_step), Stepping(objects, last_step)))
    await service.put_page(the_put(host))
    print(Stepping.taken)
    await rows.close()
    await objects.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
