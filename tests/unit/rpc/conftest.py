import asyncio
from collections.abc import Callable

import pytest

from thrift_idl.rpc.event_loop import new_event_loop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every asynchronous test here runs on both loops (twice on asyncio's where there is no uvloop)."""
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": new_event_loop}
