"""Strings that a page controls stop no work of ours: each is stored and served, or refused, by every command alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender_hooks.events.event_reader import read_events
from tests.support.processes import run_aragog
from tests.support.small_web import Page, SmallWeb, small_web

HOME = "http://a.test/"
TOO_LONG = "/" + "|" * 4_000
"""Its request form is within the limit, its normalized form would not be."""
DOUBLED = "/?" + "\\" * 8_000
"""JSON writes it twice as long."""


ODD = {
    "canonical": Page(f"<title>odd</title><link rel=canonical href='{TOO_LONG}'>"),
    "og": Page(f"<title>odd</title><meta property=og:url content='http://a.test{TOO_LONG}'>"),
    "link": Page(f"<title>odd</title><a href='{TOO_LONG}'>x</a><a href='{DOUBLED}'>y</a><a href=/good>z</a>"),
    "image": Page(f"<title>odd</title><img src='{TOO_LONG}'><img src='{DOUBLED}'>"),
    "base": Page(f"<title>odd</title><base href='{TOO_LONG}/'><a href=b>x</a><link rel=canonical href=c>"),
    "etag": Page("<title>odd</title>", etag='"caf\xe9"'),
    "tab": Page("<title>odd</title>", etag='"a\tb"'),
}
LEADING_NOWHERE = {
    "far": Page(status=302, location=TOO_LONG),
    "doubled": Page(status=302, location=DOUBLED),
    "refresh": Page(f'<meta http-equiv=refresh content="0;url={TOO_LONG}">'),
}


@pytest.fixture
def web() -> Iterator[SmallWeb]:
    with small_web({"a.test/good": Page("<title>good</title>")}) as served:
        yield served


def test_odd_pages_are_pages_like_any_other(web: SmallWeb, tmp_path: Path) -> None:
    odd = ODD | LEADING_NOWHERE
    links = "".join(f"<a href=/{name}>{name}</a>" for name in [*odd, "good"])
    web.pages |= {f"a.test/{name}": page for name, page in odd.items()}
    web.pages["a.test/"] = Page(f"<title>home</title>{links}")
    env = web.settings(tmp_path / "data")
    for _ in range(2):  # the second time all is known
        done = run_aragog(env, "crawl", "--json", HOME)
        assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
        ended = json.loads(done.stdout)
        assert (ended["state"], ended["failed"]) == ("done", 0) and ended["pages"] >= len(ODD) + 2
    commands = [["lookup", f"{HOME}canonical"], ["lookup", f"{HOME}og"], ["explain", f"{HOME}canonical"]]
    for command in [*commands, ["links", f"{HOME}link"], ["links", "--in", f"{HOME}good"]]:
        assert run_aragog(env, *command).returncode == 0, command
    events = read_events(f"file://{tmp_path}/data/events.jsonl")
    assert {event["url"] for event in events} >= {HOME, f"{HOME}good", *(f"{HOME}{name}" for name in ODD)}


def test_what_our_configuration_forbids_holds_up_nobody(web: SmallWeb, tmp_path: Path) -> None:
    """Without a contact nothing beyond loopback is fetched: an image is left out, a page is a failure that is named."""
    web.pages["a.test/"] = Page("<title>home</title><a href=/odd>odd</a><a href=/good>good</a>")
    web.pages["a.test/odd"] = Page("<title>odd</title><img src='http://93.184.216.34/x.png'>")
    env = web.settings(tmp_path / "data")
    done = run_aragog(env, "crawl", "--json", HOME)
    assert done.returncode == 0 and "names no contact" in done.stderr, done.stderr
    web.pages["a.test/odd"] = Page(status=302, location="http://93.184.216.34/")
    done = run_aragog(env, "crawl", "--scope", "any", "--json", HOME)
    ended = json.loads(done.stdout)
    assert (done.returncode, ended["state"], ended["pages"], ended["failed"]) == (1, "done", 2, 1)
    assert ended["outcomes"]["bad_configuration"] == 1 and "Traceback" not in done.stderr
    assert f"aragog crawl retry {ended['id']}" in done.stderr
    failed = run_aragog(env, "crawl", "show", "--failed", "--json", ended["id"])
    assert json.loads(failed.stdout)["code"] == "bad_configuration"
