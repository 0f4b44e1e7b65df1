"""A rate limiter that grants at once: what is measured is the fetcher."""

from __future__ import annotations

from thrift_idl.gen.ratelimiter.ttypes import Grant

GRANT = Grant(True, 0.0, 0.0, 1.0)


class AlwaysGrants:
    async def reserve(self, request: object) -> Grant:
        return GRANT

    async def feedback(self, request: object) -> None: ...

    async def reserve_batch(self, request: object) -> tuple[Grant, ...]:
        return ()

    async def status(self, request: object) -> None: ...

    async def block(self, request: object) -> None: ...
