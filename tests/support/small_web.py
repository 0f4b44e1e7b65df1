"""A web of a few pages on loopback, each as the test wrote it; it logs what was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from tests.support.processes import environment


@dataclass
class Page:
    """The answer of a URL. With an ETag, a conditional request for it is answered 304."""

    content: bytes | str = ""
    media_type: str = "text/html"
    status: int = 200
    etag: str = ""
    location: str = ""


@dataclass
class SmallWeb:
    """Pages by URL without scheme (`a.test/x`); the rest is 404."""

    pages: dict[str, Page]
    port: int = 0
    log: list[tuple[str, str]] = field(default_factory=list)
    """(URL without scheme, If-None-Match)."""

    def asked(self) -> list[str]:
        """The requested URLs, without robots.txt."""
        return [url for url, _ in self.log if not url.endswith("/robots.txt")]

    def settings(self, data_dir: Path, **settings: str) -> dict[str, str]:
        """The environment that reaches this web."""
        return environment(
            data_dir=str(data_dir),
            fetcher_connect_to=json.dumps({"*.test": f"127.0.0.1:{self.port}"}),
            fetcher_allow_private='["*.test"]',
            ratelimiter_qps="200",
            **settings,
        )


def _handler(web: SmallWeb) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = self.headers["Host"].partition(":")[0] + self.path
            wanted = self.headers.get("If-None-Match", "")
            web.log.append((url, wanted))
            page = web.pages.get(url, Page(status=404))
            content = page.content.encode() if isinstance(page.content, str) else page.content
            unchanged = bool(page.etag) and page.etag == wanted
            self.send_response(304 if unchanged else page.status)
            fields = {"Content-Type": page.media_type, "ETag": page.etag, "Location": page.location}
            for name, value in fields.items():
                if value:
                    self.send_header(name, value)
            if not unchanged:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if not unchanged:
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing: the web logs."""

    return Handler


@contextmanager
def small_web(pages: dict[str, Page]) -> Iterator[SmallWeb]:
    """Serve `pages`, which may be changed meanwhile."""
    web = SmallWeb(pages)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(web))
    server.daemon_threads = True
    web.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
