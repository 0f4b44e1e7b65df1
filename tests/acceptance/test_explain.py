"""`explain` before anything was fetched, held to the hand-written expectation and to the fetch that follows."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aragog.assembly.services import assembled
from aragog.cli.explain import decision
from aragog.cli.pages import fetch_all
from aragog.data_directory_lock import owned
from aragog.demo import settings_for
from aragog.explain import UrlExplainer, UrlReport, sentence, to_json
from crawler.visit.visitor import PageVisit
from tests.support.processes import environment, run_aragog, sample_web, service
from tests.support.sample_web import reaching
from testweb import SampleWeb
from testweb.expectation import load
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import RobotsVerdict

EXPECTED = load()
CONTEXT = Context("test")
#: What can be known before a page is asked for; all else, only its answer says.
FORESEEN = {
    *("invalid_url", "address_denied", "robots_denied", "robots_unavailable"),
    *("connect_failure", "tls_failure"),
}
#: The line that decides, by hand from the files under testweb/pages; of all other URLs none matches.
FILMS = {url: (2, "allow: /") for url in EXPECTED if url.startswith("http://films.test/")}
DECIDING = FILMS | {
    "http://apps.test/internal/status": (2, "disallow: /internal/"),
    "http://garden.test/drafts/published": (4, "allow: /drafts/published"),
    "http://garden.test/drafts/winter": (3, "disallow: /drafts/"),
    "http://garden.test/search?q=soil": (5, "disallow: /*?q="),
    "http://moves.test/forbidden/room": (2, "disallow: /forbidden/"),
    "http://shop.test/cart?add=trowel": (2, "disallow: /cart"),
}
#: Images that a page shows and robots.txt forbids.
PRIVATE_IMAGES = {
    "http://garden.test/images/private/plan.png": (6, "disallow: /images/private/"),
    "http://gallery.test/images/private/self.jpg": (2, "disallow: /images/private/"),
}
#: Requests that explaining sends: robots.txt, and where that of apps.test redirects to.
ROBOTS = ("/robots.txt", "/robots-rules.txt")


@dataclass(frozen=True)
class Run:
    """Everything explained on an empty store, then fetched, then explained again."""

    before: dict[str, UrlReport]
    visits: dict[str, PageVisit]
    after: dict[str, UrlReport]
    requested_by_explaining: list[str]
    requested: set[str]


async def explain_then_fetch(data_dir: Path) -> Run:
    urls = [*EXPECTED, *PRIVATE_IMAGES]
    async with SampleWeb() as web, assembled(settings_for(web, data_dir)) as assembly:
        explainer = UrlExplainer(assembly.fetcher, assembly.store)

        async def explain_all() -> dict[str, UrlReport]:
            reports = await asyncio.gather(*(explainer.explain(url, CONTEXT) for url in urls))
            return dict(zip(urls, reports, strict=True))

        before = await explain_all()
        sent = [entry.path for entry in web.log.entries]
        visits = await fetch_all(assembly.visitor, list(EXPECTED), 4_000)
        requested = {entry.url for entry in web.log.entries}
        return Run(before, dict(zip(EXPECTED, visits, strict=True)), await explain_all(), sent, requested)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return asyncio.run(explain_then_fetch(tmp_path_factory.mktemp("explain")))


def foreseen(url: str) -> str:
    """The code that a fetch of `url` can be known to end in beforehand; "" = it would be fetched."""
    if url in PRIVATE_IMAGES:
        return "robots_denied"
    code = EXPECTED[url].code
    return code if code in FORESEEN else ""


def test_every_url_is_foretold_as_the_expectation_says(embedded: Run) -> None:
    assert len(embedded.before) > 100
    found = {url: (report.fetch.would_fetch, report.fetch.code) for url, report in embedded.before.items()}
    assert found == {url: (not foreseen(url), foreseen(url)) for url in found}


def test_every_url_names_the_line_that_decides(embedded: Run) -> None:
    lines, wanted = {}, {}
    for url, report in embedded.before.items():
        if report.fetch.robots and report.fetch.robots.verdict:
            rules = report.fetch.robots.verdict
            lines[url] = (rules.line, rules.rule)
            wanted[url] = (DECIDING | PRIVATE_IMAGES).get(url, (0, ""))
    assert lines == wanted
    assert set(DECIDING | PRIVATE_IMAGES) <= set(lines)


def test_explaining_requests_nothing_but_each_robots_txt_once(embedded: Run) -> None:
    sent = embedded.requested_by_explaining
    hosts = {url.split("/")[2] for url in EXPECTED} - {"dead.test", "169.254.169.254", "garden.test:99999"}
    assert set(sent) == set(ROBOTS)
    assert sent.count("/robots.txt") == len(hosts) and sent.count("/robots-rules.txt") == 1


def test_the_fetch_agrees_request_by_request(embedded: Run) -> None:
    said = {url: bool(report.fetch.would_fetch) for url, report in embedded.before.items()}
    assert said == {url: url in embedded.requested for url in said}


def test_the_stored_outcome_agrees(embedded: Run) -> None:
    ended = {url: visit.outcome.code for url, visit in embedded.visits.items()}
    denied = {url: foreseen(url) for url in ended if foreseen(url)}
    assert denied and {url: ended[url] for url in denied} == denied
    rows = {url: embedded.after[url].stored for url in denied if denied[url] != "invalid_url"}
    assert {url: found.row.outcome.code for url, found in rows.items()} == {url: denied[url] for url in rows}


def test_after_the_fetch_the_same_is_said_from_the_cache(embedded: Run) -> None:
    sources = {url: report.fetch.robots.source for url, report in embedded.after.items() if report.fetch.robots}
    assert set(sources.values()) == {"cached", "unavailable"}
    held = {url for url, report in embedded.after.items() if report.fetch.code == "host_held"}
    assert held <= {url for url in EXPECTED if url.startswith("http://full.test/")}, "a 429 holds its domain"
    for url, report in embedded.after.items():
        assert url in held or report.fetch.code == embedded.before[url].fetch.code


@pytest.mark.parametrize(
    ("url", "end", "code"),
    [
        ("http://moves.test/to-draft", "http://garden.test/drafts/winter", "robots_denied"),
        ("http://moves.test/to-metadata", "http://169.254.169.254/latest/meta-data/", "address_denied"),
        ("http://moves.test/to-dead", "http://dead.test/", "connect_failure"),
        ("http://moves.test/first", "http://moves.test/end", ""),
    ],
)
def test_stored_redirects_are_explained_hop_by_hop(embedded: Run, url: str, end: str, code: str) -> None:
    before, after = embedded.before[url], embedded.after[url]
    assert before.leads_to == ()
    assert (after.leads_to[-1].url, after.leads_to[-1].code) == (end, code)
    assert (f"redirects to {end}, which would not be fetched: {code}" in sentence(after)) == bool(code)


def test_canonical_and_why_follow_the_claims(embedded: Run) -> None:
    shown = {url: to_json(report)["canonical"] for url, report in embedded.after.items() if report.stored}
    for url, expected in EXPECTED.items():
        if expected.canonical_holds is not None:
            assert (shown[url]["url"] != url) == expected.canonical_holds
            assert shown[url]["claims"][0]["holds"] == expected.canonical_holds
            assert ("holds: " if expected.canonical_holds else "no claim holds") in shown[url]["why"]
    assert shown["http://moves.test/loop-a"]["cycle"] and "circle" in shown["http://moves.test/loop-a"]["why"]
    assert shown["http://moves.test/first"]["why"].startswith("where its redirects lead")


def test_a_page_that_is_stored_is_shown_with_its_last_outcome(embedded: Run) -> None:
    assert to_json(embedded.before["http://kitchen.test/"])["stored"] is None
    stored = to_json(embedded.after["http://kitchen.test/"])["stored"]
    assert stored["page"]["version"] == 1 and stored["page"]["title"] == EXPECTED["http://kitchen.test/"].title
    assert stored["outcome"]["code"] == "fetched"


# --- the command ---


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with sample_web(tmp_path_factory.mktemp("web")) as served:
        yield served


KEYS = {
    "": "url would_fetch sentence family code message delay_ms forms address robots limit limit_unknown canonical "
    "stored leads_to",
    "forms": "parsed request_form normalized key origin registrable_domain",
    "address": "port_refusal addresses",
    "robots": "url source present allowed line rule group version crawl_delay_ms flag fetched_ms age_ms code message "
    "delay_ms",
    "limit": "domain interval_ms next_slot_ms held_ms blocked_ms limit version line note host_limit host_interval_ms "
    "host_line held_status next_hold_ms limits_error shadow",
    "canonical": "url why aliases cycle claims",
}


def test_json_has_every_key_always_and_the_exit_code_says_no(web: dict[str, Any], tmp_path: Path) -> None:
    done = run_aragog(reaching(web, tmp_path / "data"), "explain", "--json", "HTTP://garden.test/drafts/%77inter#x")
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    for section, keys in KEYS.items():
        assert list(said[section] if section else said) == keys.split()
    assert (said["would_fetch"], said["code"], said["stored"]) == (False, "robots_denied", None)
    assert said["forms"] == {
        "parsed": "http://garden.test/drafts/%77inter#x",
        "request_form": "http://garden.test/drafts/%77inter",
        "normalized": "http://garden.test/drafts/winter",
        "key": "59b3d4d8626c35ead16f365ad2b21a52",
        "origin": "http://garden.test",
        "registrable_domain": "garden.test",
    }
    assert (said["robots"]["line"], said["robots"]["group"], said["robots"]["source"]) == (3, "*", "fetched")
    assert said["limit"]["interval_ms"] == 100.0


def test_the_card_answers_first_and_prints_the_outside_as_text(web: dict[str, Any], tmp_path: Path) -> None:
    env = reaching(web, tmp_path / "data")
    done = run_aragog(env, "explain", "http://garden.test/drafts/published?[red]\x1b[31m")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "[red]" in lines[0] and "would be fetched" in lines[1] and "\x1b" not in done.stdout
    assert "line 4: allow: /drafts/published (group *)" in done.stdout and "127.0.0.1" in done.stdout
    denied = run_aragog(env, "explain", "http://garden.test:99999/")
    assert denied.returncode == 1 and "would not be fetched: invalid_url" in denied.stdout


@pytest.mark.parametrize("flag", ["too_many_rules", "too_many_wildcards", "too_many_steps"])
def test_the_card_says_why_a_file_beyond_our_bounds_forbids(flag: str) -> None:
    said = decision(RobotsVerdict(False, group="*", version="0123456789abcdef", flag=flag))
    assert said.startswith("no line: ") and said.endswith(f"a URL is taken as disallowed ({flag}) (group *)")


def test_text_that_is_no_unicode_is_answered(tmp_path: Path) -> None:
    done = run_aragog(environment(data_dir=str(tmp_path)), "explain", "--json", os.fsdecode(b"\xff\xfe"))
    assert done.returncode == 1 and json.loads(done.stdout)["code"] == "invalid_url", done.stderr


async def test_while_another_process_owns_the_data_directory_the_cache_explains(
    web: dict[str, Any], tmp_path: Path
) -> None:
    env = reaching(web, tmp_path / "data")
    assert run_aragog(env, "explain", "http://garden.test/").returncode == 0
    async with owned(tmp_path / "data", 0, lambda _: None):
        told = await asyncio.to_thread(run_aragog, env, "explain", "--json", "http://garden.test/drafts/winter")
        open_still = await asyncio.to_thread(run_aragog, env, "explain", "--json", "http://shop.test/cart")
    assert told.returncode == 1, told.stderr
    said, unsaid = json.loads(told.stdout), json.loads(open_still.stdout)
    assert (said["code"], said["robots"]["source"], said["limit"]) == ("robots_denied", "cached", None)
    assert f"process {os.getpid()}" in said["limit_unknown"]
    assert open_still.returncode == 1, "nobody can tell, so it isn't promised"
    assert (unsaid["would_fetch"], unsaid["robots"]["source"]) == (None, "unknown")


def test_a_served_fetcher_explains_the_same(web: dict[str, Any], tmp_path: Path) -> None:
    urls = {
        "http://garden.test/drafts/winter": ("robots_denied", 3),
        "http://garden.test/drafts/published": ("", 4),
        "http://closed.test/": ("robots_unavailable", None),
        "http://169.254.169.254/latest/meta-data/": ("address_denied", None),
        "http://garden.test:99999/": ("invalid_url", None),
    }
    env = reaching(web, tmp_path / "data")
    with service(env, "fetcher") as address:
        served = env | {"ARAGOG_FETCHER_SERVICE": address}
        said = {url: json.loads(run_aragog(served, "explain", "--json", url).stdout) for url in urls}
    found = {url: (each["code"], each["robots"] and each["robots"]["line"]) for url, each in said.items()}
    assert found == urls
    assert said["http://garden.test/drafts/winter"]["limit"]["domain"] == "garden.test", "the fetcher's own limiter"
