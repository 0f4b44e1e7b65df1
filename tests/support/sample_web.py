"""The sample web fetched by the command line, and the store that came of it held to the expectation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.processes import environment, run_aragog
from testweb.expectation import Expected

#: URLs that the expectation names beside those that the sample web serves.
ELSEWHERE = ("http://169.254.169.254/latest/meta-data/", "https://shop.test/checkout")
#: Long enough for `busy.test` (429 twice), too short for the hosts that ask for patience for ever.
PATIENCE_MS = "4000"


def reaching(web: Mapping[str, Any], data_dir: Path, **settings: str) -> dict[str, str]:
    """The environment that reaches the sample web."""
    return environment(
        data_dir=str(data_dir),
        # The message of a refused connection names its port: the same one in every run.
        fetcher_connect_to=json.dumps(web["connect_to"] | {"dead.test": "127.0.0.1:1"}),
        fetcher_allow_private='["*.test"]',
        **settings,
    )


def fetch_everything(env: Mapping[str, str], web: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Fetch every URL that the expectation knows; what each visit came to."""
    urls = [*web["urls"], *ELSEWHERE]
    done = run_aragog(env, "fetch", "--json", "--patience-ms", PATIENCE_MS, *urls)
    assert done.returncode == 1, done.stderr  # some are meant to fail
    return [json.loads(line) for line in done.stdout.splitlines()]


def export(env: Mapping[str, str]) -> bytes:
    """The store without its timing fields, sorted."""
    done = run_aragog(env, "store", "export", "--sorted", "--no-timing")
    assert done.returncode == 0, done.stderr
    return done.stdout.encode()


def by_url(exported: bytes) -> dict[str, dict[str, Any]]:
    """The exported rows by their URLs."""
    return {row["url"]: row for row in map(json.loads, exported.splitlines())}


def differences(expected: Expected, row: Mapping[str, Any] | None) -> list[str]:
    """Differences of a stored row from the expectation, field by field."""
    if row is None:
        return [f"{expected.url}: no row"]
    pairs = _alias(expected, row) if expected.outcome == "alias" else _outcome(expected, row)
    if expected.outcome == "fetched":
        pairs |= _page(expected, row)
    return [f"{expected.url}: {name}: {got!r}, not {want!r}" for name, (got, want) in pairs.items() if got != want]


def _alias(expected: Expected, row: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    targets = [*(url for _, url in expected.hops[1:]), expected.final_url]
    return {"redirects_to": (row.get("redirects_to"), targets[0]), "page": (row.get("page"), None)}


def _outcome(expected: Expected, row: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    outcome = row.get("outcome", {})
    pairs: dict[str, tuple[Any, Any]] = {
        "family": (outcome.get("family"), expected.outcome),
        "alias": (row.get("redirects_to"), None),
    }
    if expected.code:
        pairs["code"] = (outcome.get("code"), expected.code)
    return pairs


def _page(expected: Expected, row: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    page = row.get("page")
    if page is None:
        return {"page": (None, "a page")}
    record = page["record"]
    plain = ("title", "description", "canonical", "language", "charset")
    pairs = {name: (record[name], getattr(expected, name)) for name in plain}
    return pairs | {
        "status": (page["status"], expected.status),
        "media_type": (page["media_type"], expected.media_type),
        "content_bytes": (page["content_bytes"], expected.content_size),
        "opengraph": ([(p["name"], p["content"]) for p in record["opengraph"]], list(expected.opengraph)),
        "twitter": ([(p["name"], p["content"]) for p in record["twitter"]], list(expected.twitter)),
        "json_ld": (len(record["json_ld"]), len(expected.json_ld)),
        "images": ([(i["url"], i["found"]) for i in record["images"]], [(i.url, i.found) for i in expected.images]),
        "outlinks": (
            [(o["url"], o["text"], tuple(o["rel"]), o["nofollow"]) for o in record["outlinks"]],
            [(o.url, o.text, o.rel, o.nofollow) for o in expected.outlinks],
        ),
        "robots": (
            [(r["agent"], tuple(r["directives"])) for r in record["robots"]],
            [(r.agent, r.directives) for r in expected.robots],
        ),
        "preferences": (tuple(record["preferences"]), expected.preferences),
    }
