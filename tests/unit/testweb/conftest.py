from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from testweb import SampleWeb

Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def web() -> AsyncIterator[SampleWeb]:
    async with SampleWeb() as running:
        yield running


@pytest.fixture
async def ask(web: SampleWeb) -> AsyncIterator[Ask]:
    """Asks the running web for a URL, as any HTTP client would that was told where to connect."""
    async with httpx.AsyncClient() as client:

        async def send(url: str, method: str = "GET", **headers: str) -> httpx.Response:
            asked = httpx.URL(url)
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            local = asked.copy_with(host="127.0.0.1", port=web.port)
            return await client.request(method, local, headers={"Host": asked.host} | named)

        yield send
