"""The tables: `pages/<host>/site.toml` read into frozen records, every file into memory.

A table maps a request target to its answer. Keys of one answer (all optional):

- `file` (beside the table) or `image` (in `images/`): what is served; `type`: its Content-Type, "" = send none
- `status`, `location`, `headers`: as sent. `location` is sent as written, relative or absolute
- `delay_ms`: wait before answering. `gzip`: encode it for clients that accept gzip
- `etag`, `last_modified`: validators; a matching conditional request is answered with 304
- `nonce`: this text of the file is replaced, at every request, by another one of the same length
- `fails_first = {times, status, retry_after}`: the first `times` requests get that status
- `epochs = [{...}, ...]`: the differences in epoch 0, 1, 2, ...; the last one stays
- `purpose`: the reason for it. `orphan`: why no link leads to it. `listed = false`: not among `SampleWeb.urls()`

Of the site: `purpose`, `seed` (the first target of a crawl, "/" by default, "" = none), `dead` (its port refuses).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

PAGES = Path(__file__).parent / "pages"
IMAGES = Path(__file__).parent / "images"

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".xhtml": "application/xhtml+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".pdf": "application/pdf",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}


@dataclass(frozen=True, slots=True)
class FailsFirst:
    """The first `times` requests are answered with `status`, and with Retry-After in seconds if given."""

    times: int
    status: int
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """The answer to one request target; see the head of this module."""

    purpose: str = ""
    status: int = 200
    type: str | None = None
    location: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    file: str | None = None
    image: str | None = None
    content: bytes = b""
    delay_ms: int = 0
    gzip: bool = False
    etag: str | None = None
    last_modified: str | None = None
    nonce: str | None = None
    fails_first: FailsFirst | None = None
    epochs: tuple[Rule, ...] = ()
    orphan: str | None = None
    listed: bool | None = None

    def at(self, epoch: int) -> Rule:
        """The rule as it is in `epoch`; the last epoch of the table stays."""
        return self.epochs[min(epoch, len(self.epochs) - 1)] if self.epochs else self

    def is_listed(self, target: str) -> bool:
        """True if the target is one of the web's pages: images and robots.txt are not, unless the table says so."""
        if self.listed is not None:
            return self.listed
        return self.image is None and target != "/robots.txt"


@dataclass(frozen=True, slots=True)
class Site:
    """One host and its answers."""

    host: str
    purpose: str
    seed: str
    dead: bool
    rules: Mapping[str, Rule]


SITE_KEYS = {"purpose", "seed", "dead"}
RULE_KEYS = {each.name for each in fields(Rule)} - {"content"}


def load_sites(pages: Path = PAGES) -> dict[str, Site]:
    """Every site by its host. Raises ValueError naming the table and key that is wrong, OSError for a missing file."""
    tables = sorted(pages.glob("*/site.toml"))
    return {table.parent.name: _site(table) for table in tables}


def _site(table: Path) -> Site:
    raw = tomllib.loads(table.read_text(encoding="utf-8"))
    settings = {key: value for key, value in raw.items() if not key.startswith("/")}
    _refuse_unknown(settings, SITE_KEYS, str(table))
    rules = {key: _rule(table, key, value) for key, value in raw.items() if key.startswith("/")}
    return Site(
        host=table.parent.name,
        purpose=settings["purpose"],
        seed=settings.get("seed", "/"),
        dead=settings.get("dead", False),
        rules=rules,
    )


def _rule(table: Path, target: str, raw: dict[str, Any]) -> Rule:
    _refuse_unknown(raw, RULE_KEYS, f"{table} [{target}]")
    values = dict(raw)
    epochs = values.pop("epochs", [])
    if "fails_first" in values:
        values["fails_first"] = FailsFirst(**values["fails_first"])
    rule = _with_content(table.parent, Rule(**values))
    changed = tuple(_rule(table, target, values | epoch) for epoch in epochs)
    return replace(rule, epochs=changed)


def _with_content(folder: Path, rule: Rule) -> Rule:
    """The rule with its bytes, and with the Content-Type of its file's ending unless it names one."""
    path = IMAGES / rule.image if rule.image else folder / rule.file if rule.file else None
    if path is None:
        return rule
    kind = rule.type if rule.type is not None else TYPES[path.suffix]
    return replace(rule, content=path.read_bytes(), type=kind)


def _refuse_unknown(raw: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(raw) - known)
    if unknown:
        raise ValueError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")
