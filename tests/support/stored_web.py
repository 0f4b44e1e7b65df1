"""The web that each format's data directory was crawled from. Names repeat in queries, their values not in order."""

from __future__ import annotations

import struct
import zlib
from typing import Any

SITE = "http://shop.test"
SEED = f"{SITE}/"
LISTED = f"{SITE}/list?page=2&page=1"
"""Fetched; the page also links to `OTHER`, which version 1 of the key took for the same."""
OTHER = f"{SITE}/list?page=1&page=2"
PLAIN = f"{SITE}/plain?a=1&b=2"
"""Its key never changed."""
MOVED = f"{SITE}/go?x=2&x=1"
TARGET = f"{SITE}/end?tag=b&tag=a"
"""What `MOVED` redirects to."""
SECRET = f"{SITE}/secret?s=2&s=1"
"""Refused by robots.txt."""
BROKEN = f"{SITE}/broken?b=2&b=1"
"""Answers 500."""
DOTS = f"{SITE}/x/.a/../../dots"
"""Version 1 of the key took `.a/..` as it stands."""
IMAGE = f"{SITE}/pic?w=2&w=1"
PLAIN_IMAGE = f"{SITE}/pic?w=9"
PAGES_OF_SITE = (SEED, LISTED, PLAIN, TARGET, DOTS)
NOTE = b'{"by": "a team"}'

LATER_SEED = "http://later.test/"
LATER = ("later.test/x?k=2&k=1",)
"""Answer 503: their jobs wait for an hour, with the crawl unfinished."""
WAITING = ("http://later.test/x?k=2&k=1", "http://later.test/y?k=2&k=1", "http://later.test/z")

URLS = (SEED, LISTED, OTHER, PLAIN, MOVED, TARGET, SECRET, BROKEN, DOTS, IMAGE, PLAIN_IMAGE, LATER_SEED, *WAITING)


def _png(shade: int) -> bytes:
    """64 x 64 pixels, grey from `shade` on."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    lines = b"".join(b"\0" + bytes((shade + x * y // 64) % 256 for x in range(64)) for y in range(64))
    head = struct.pack("!IIBBBBB", 64, 64, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def _html(title: str, *links: str, images: tuple[str, ...] = ()) -> str:
    anchors = "".join(f'<a href="{link.replace("&", "&amp;")}">to {title}</a>' for link in links)
    shown = "".join(f'<img src="{image.replace("&", "&amp;")}" alt="{title}" width=640 height=640>' for image in images)
    return f"<title>{title}</title><p>{title}, a page.</p>{anchors}{shown}"


PAGES: dict[str, dict[str, Any]] = {
    "shop.test/robots.txt": {"content": "User-agent: *\nDisallow: /secret\n", "media_type": "text/plain"},
    "shop.test/": {"content": _html("home", LISTED, OTHER, PLAIN, MOVED, SECRET, BROKEN, DOTS)},
    "shop.test/list?page=2&page=1": {"content": _html("listed", SEED, MOVED, images=(IMAGE, PLAIN_IMAGE))},
    "shop.test/list?page=1&page=2": {"content": _html("other", SEED)},
    "shop.test/plain?a=1&b=2": {"content": _html("plain", LISTED, TARGET, images=(IMAGE,))},
    "shop.test/go?x=2&x=1": {"status": 302, "location": TARGET},
    "shop.test/end?tag=b&tag=a": {"content": _html("end", SEED)},
    "shop.test/x/.a/../../dots": {"content": _html("dots", SEED)},
    "shop.test/broken?b=2&b=1": {"status": 500},
    "shop.test/pic?w=2&w=1": {"content": _png(10), "media_type": "image/png", "etag": '"w2"'},
    "shop.test/pic?w=9": {"content": _png(90), "media_type": "image/png"},
    "later.test/": {"content": _html("later", *WAITING)},
    "later.test/x?k=2&k=1": {"status": 503},
    "later.test/y?k=2&k=1": {"status": 503},
    "later.test/z": {"status": 503},
}
