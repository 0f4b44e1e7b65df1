"""Events of the store's telemetry."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.stores import open_backends
from tests.support.urlstore_requests import T0, content_of, put
from thrift_idl.errors import NotFound
from urlstore.service import UrlStoreService
from urlstore.telemetry import MethodCall, PagePut


class Listener:
    def __init__(self) -> None:
        self.calls: list[MethodCall] = []
        self.puts: list[PagePut] = []

    def called(self, call: MethodCall) -> None:
        self.calls.append(call)

    def page_put(self, put: PagePut) -> None:
        self.puts.append(put)


async def test_every_call_is_told_with_its_source_and_error(tmp_path: Path) -> None:
    heard = Listener()
    backends = await open_backends("sqlite:///:memory:", f"file:///{tmp_path}")
    service = UrlStoreService(*backends, clock_ms=lambda: T0, telemetry=heard)
    for _ in range(2):
        await service.put_page(put("http://a.test/", b"x" * 1_000))
    with pytest.raises(NotFound):
        await service.get_content(content_of("http://b.test/"))
    await service.close()
    assert [(call.method, call.source, call.error) for call in heard.calls] == [
        ("put_page", "tests", ""),
        ("put_page", "tests", ""),
        ("get_content", "tests", "not_found"),
    ]
    assert all(call.took_ms > 0 for call in heard.calls)
    assert [(one.content_changed, one.record_changed, one.content_bytes) for one in heard.puts] == [
        (True, True, 1_000),
        (False, False, 1_000),
    ]
    assert 0 < heard.puts[0].stored_bytes < 1_000 and heard.puts[1].stored_bytes == 0
