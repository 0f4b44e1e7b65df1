"""The sample web fetched embedded, and by four processes over the real engines: one code path, one result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.processes import audited, opened_files, read_log, run_aragog, sample_web, service
from tests.support.sample_web import ELSEWHERE, by_url, differences, export, fetch_everything, reaching
from testweb.expectation import load

EXPECTED = {url: each for url, each in load().items() if each.code != "invalid_url"}
#: A URL of a redirect loop has no hops in the expectation: its alias is what its own redirect says.
LOOPS = {url for url, each in EXPECTED.items() if each.code == "too_many_redirects"}


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("embedded")
    with sample_web(folder) as web:
        env = reaching(web, folder / "data")
        visits = fetch_everything(env, web)
        yield {"env": env, "visits": visits, "export": export(env), "log": read_log(web["log"]), "web": web}


def test_every_url_is_what_the_expectation_says(embedded: dict[str, Any]) -> None:
    rows = by_url(embedded["export"])
    asked = {*embedded["web"]["urls"], *ELSEWHERE} - LOOPS
    wrong = [line for url in sorted(asked) for line in differences(EXPECTED[url], rows.get(url))]
    assert not wrong, "\n".join(wrong)


def test_the_store_holds_no_url_that_the_expectation_does_not_know(embedded: dict[str, Any]) -> None:
    assert set(by_url(embedded["export"])) <= set(EXPECTED)


def test_each_url_of_a_loop_is_refused_and_says_so(embedded: dict[str, Any]) -> None:
    ended = {visit["url"]: visit["outcome"]["code"] for visit in embedded["visits"]}
    assert LOOPS and {ended[url] for url in LOOPS} == {"too_many_redirects"}
    rows = by_url(embedded["export"])
    assert {rows[url]["redirects_to"] for url in LOOPS} == LOOPS


def test_a_claim_holds_where_the_expectation_says_so(embedded: dict[str, Any]) -> None:
    held = {url: each.canonical_holds for url, each in EXPECTED.items() if each.canonical_holds is not None}
    found = {}
    for url in held:
        card = json.loads(run_aragog(embedded["env"], "lookup", "--json", url).stdout)
        found[url] = card["canonical"] != url
    assert held and found == held


def test_no_request_is_sent_that_robots_txt_forbids(embedded: dict[str, Any]) -> None:
    forbidden = {url for url, each in EXPECTED.items() if each.code == "robots_denied"}
    asked = {f"http://{entry['host']}{entry['path']}" for entry in embedded["log"]}
    assert forbidden and not asked & forbidden


def test_no_window_of_a_domain_exceeds_its_limit(embedded: dict[str, Any]) -> None:
    times: dict[str, list[float]] = {}
    for entry in embedded["log"]:
        domain = ".".join(str(entry["host"]).split(".")[-2:])
        times.setdefault(domain, []).append(float(entry["t_ms"]))
    worst = max(most_within(sorted(each), 1_000) for each in times.values())
    assert worst <= 1.05 * 10 + 1


def most_within(times: list[float], window_ms: float) -> int:
    """The most requests in any window of that length."""
    return max(sum(1 for t in times if start <= t < start + window_ms) for start in times)


@pytest.mark.redis
@pytest.mark.cassandra
@pytest.mark.s3
@pytest.mark.timeout(300)
def test_four_processes_on_the_real_engines_store_the_same(
    embedded: dict[str, Any], redis_cache_url: str, cassandra_url: str, s3_url: str, tmp_path: Path
) -> None:
    opened = tmp_path / "opened"
    with ExitStack() as stack:
        web = stack.enter_context(sample_web(tmp_path))
        env = reaching(
            web,
            tmp_path / "data",
            urlstore_metadata=cassandra_url,
            urlstore_content=s3_url,
            fetcher_robots_cache=redis_cache_url,
        )
        env = audited(env, opened)
        for name in ("ratelimiter", "urlstore", "fetcher"):
            address = stack.enter_context(service(env, name))
            env[f"ARAGOG_{name.upper()}_SERVICE"] = address
        fetch_everything(env, web)
        exported = export(env)
    assert exported.splitlines() == embedded["export"].splitlines()
    assert exported == embedded["export"]
    ours = [path for path in opened_files(opened) if path.startswith(str(tmp_path))]
    assert ours, "the audit saw nothing"
    assert not [path for path in ours if "sqlite" in path or "/content/" in path]
    pages = {url: row["page"] for url, row in by_url(exported).items() if "page" in row}
    assert_engines_hold(pages, cassandra_url, s3_url)


def assert_engines_hold(pages: dict[str, Any], cassandra_url: str, s3_url: str) -> None:
    """Read everything back by the engines' own clients: each page a row, each row's content an object."""
    kept = {page["content_key"]: page["content_hash"] for page in pages.values() if page["content_key"]}
    assert rows_with_a_page(cassandra_url) == set(pages)
    assert objects(s3_url) == kept


def rows_with_a_page(url: str) -> set[str]:
    from cassandra.cluster import Cluster

    where = urlsplit(url)
    with Cluster([where.hostname], port=where.port) as cluster:
        session = cluster.connect(where.path.strip("/"))
        rows = session.execute("SELECT url, page FROM url_row")
        return {row.url for row in rows if row.page}


def objects(url: str) -> dict[str, str]:
    """Content key -> SHA-256 of what the object holds, decompressed."""
    import boto3
    import zstandard

    where = urlsplit(url)
    bucket = where.path.strip("/")
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{where.hostname}:{where.port}",
        aws_access_key_id=where.username,
        aws_secret_access_key=where.password,
        region_name="us-east-1",
    )
    found = {}
    for listed in client.list_objects_v2(Bucket=bucket)["Contents"]:
        blob = client.get_object(Bucket=bucket, Key=listed["Key"])["Body"].read()
        content = zstandard.ZstdDecompressor().decompressobj().decompress(blob)
        found[listed["Key"].removesuffix(".zst")] = hashlib.sha256(content).hexdigest()
    return found
