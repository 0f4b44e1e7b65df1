from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from crawler.job import body
from crawler.job.body import MAX_BODY_BYTES, BadJob, CrawlJob, JobTooNew, Policy, keys
from thrift_idl.gen.fetcher.ttypes import Hop
from thrift_idl.records import field_names
from thrift_idl.redirect_chain import chain_from_json, chain_to_json

DOCS = (Path(__file__).parents[4] / "docs" / "crawl-job.md").read_text()
FULL = CrawlJob(
    url="https://example.org/?q=é",
    crawl="c_1",
    depth=3,
    scope="domain",
    policy=Policy(max_tries=4, give_up_ms=60_000),
    tries=2,
    deferred_ms=1_700_000_000_000,
    resume=(Hop("http://a.test/", 302, "http://b.test/", "http", "192.0.2.1:80", 1.5), Hop("http://b.test/", 301, "c")),
    others={"x_note": {"deep": [1, None]}},
)


def test_a_job_comes_back_as_it_was_written() -> None:
    assert CrawlJob.decode(FULL.encode()) == FULL


def test_the_least_job_has_every_default() -> None:
    assert CrawlJob.decode(b'{"v":1,"url":"http://a.test/"}') == CrawlJob("http://a.test/")
    assert json.loads(CrawlJob("http://a.test/").encode()) == {"v": 1, "url": "http://a.test/"}


def test_keys_of_others_survive_a_deferral() -> None:
    job = CrawlJob.decode(b'{"v":1,"url":"http://a.test/","x_mine":[1,{"a":null}]}')
    assert json.loads(job.encode())["x_mine"] == [1, {"a": None}]


def test_a_resume_chain_is_the_fetchers() -> None:
    hops = json.dumps(json.loads(FULL.encode())["resume"])
    assert chain_from_json(hops) == FULL.resume
    assert (
        CrawlJob.decode(b'{"v":1,"url":"u","resume":' + chain_to_json(FULL.resume).encode() + b"}").resume
        == FULL.resume
    )


def test_a_hop_may_have_keys_of_a_later_fetcher() -> None:
    body = b'{"v":1,"url":"u","resume":[{"url":"a","status":301,"target":"b","tomorrow":1}]}'
    assert CrawlJob.decode(body).resume == (Hop("a", 301, "b"),)


@pytest.mark.parametrize("version", [2, 99])
def test_a_newer_version_is_told_apart_from_a_bad_job(version: int) -> None:
    with pytest.raises(JobTooNew, match=f"version {version}.*upgrade"):
        CrawlJob.decode(json.dumps({"v": version, "address": "elsewhere"}).encode())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("v", 0),
        ("v", True),
        ("v", "1"),
        ("v", None),
        ("url", ""),
        ("url", 7),
        ("url", "h" * 8193),
        ("crawl", "a b"),
        ("crawl", "a}b"),
        ("crawl", None),
        ("crawl", "a" * 49),
        ("crawl", "a\n"),
        ("depth", -1),
        ("depth", 1.0),
        ("depth", True),
        ("depth", 65_536),
        ("depth", 2**70),
        ("scope", "planet"),
        ("scope", ["host"]),
        ("scope", {}),
        ("policy", []),
        ("policy", {"max_tries": 0}),
        ("policy", {"patience": 1}),
        ("policy", {"give_up_ms": -1}),
        ("tries", -1),
        ("deferred_ms", 2**53),
        ("resume", {}),
        ("resume", [1]),
        ("resume", [{"url": "a", "status": 301}]),
        ("resume", [{"url": "a", "status": "301", "target": "b"}]),
        ("resume", [{"url": "a", "status": 301, "target": "b", "peer": 1}]),
        ("resume", [{"url": "a", "status": 301, "target": "b", "latency_ms": True}]),
        ("resume", [{"url": "a", "status": 301, "target": "b"}] * 12),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_key(key: str, value: object) -> None:
    body = json.dumps({"v": 1, "url": "http://a.test/"} | {key: value}).encode()
    with pytest.raises(BadJob, match=f'"{key}'):
        CrawlJob.decode(body)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"depth": 65_536}, '"depth" must be a whole number from 0 to 65535'),
        ({"scope": "planet"}, '"scope" must be host, domain or any'),
        ({"crawl": "a b"}, '"crawl" must be a crawl id: 1 to 48 letters, digits and underscores, or ""'),
        ({"policy": {"patience": 1}}, '"policy" must be an object of max_tries, give_up_ms'),
        ({"policy": {"max_tries": None}}, '"policy.max_tries" must be a whole number from 1 to 1000000'),
        ({"resume": [{"url": "a", "status": 301, "target": "b"}, {}]}, '"resume[1]" must be an object with url, '),
        ({"resume": [{"url": "", "status": 301, "target": "b"}]}, '"resume[0].url" must be a URL of at most 8192 '),
    ],
)
def test_the_message_says_what_the_value_must_be(value: dict[str, object], message: str) -> None:
    body = json.dumps({"v": 1, "url": "http://a.test/"} | value).encode()
    with pytest.raises(BadJob) as error:
        CrawlJob.decode(body)
    assert error.value.message.startswith(f"crawl job: {message}")


def test_every_key_of_a_body_has_words_for_its_message() -> None:
    hops = [f"resume[].{name}" for name in field_names(Hop)]
    policy = [f"policy.{field.name}" for field in fields(Policy)]
    assert {*keys(), "resume[]", *hops, *policy} == {"v", *body.WANTED}


def test_a_key_with_the_name_of_our_field_is_another_clients() -> None:
    job = CrawlJob.decode(b'{"v":1,"url":"u","others":{"url":"x"}}')
    assert (job.url, job.others) == ("u", {"others": {"url": "x"}})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"http://a.test/"',
        b"{",
        b'{"v":1}',
        b'{"v":1,"url":"\xff"}',
        b'{"v":1,"url":"\\ud800"}',
        b'{"v":1,"url":"u","depth":NaN}',
        b"[" * 100_000,
        b'{"v":1,"url":"u","x":' + b"[" * 500 + b"]" * 500 + b"}",  # could be read, but not written again
        b'{"v":1,"url":"u","x":"' + b"a" * 33_000 + b'"}',
        b" " * (MAX_BODY_BYTES + 1),
    ],
)
def test_what_is_no_job_is_a_bad_job_and_no_other_error(body: bytes) -> None:
    with pytest.raises(BadJob):
        CrawlJob.decode(body)


def test_a_job_too_large_for_a_body_is_not_written() -> None:
    with pytest.raises(BadJob, match="limit"):
        CrawlJob("http://a.test/", others={"x": "a" * MAX_BODY_BYTES}).encode()


def test_the_longest_chain_of_the_longest_urls_fits() -> None:
    url = "http://a.test/".ljust(8192, "a")
    job = CrawlJob(url, resume=tuple(Hop(url, 301, url, "http", "192.0.2.1:80", 1.25) for _ in range(11)))
    assert CrawlJob.decode(job.encode()) == job


def test_the_documentation_has_every_key_in_its_table_and_its_schema() -> None:
    table = re.findall(r"^\| `(\w+)` \|", DOCS, re.MULTILINE)
    blocks = re.findall(r"```json\n(.*?)```", DOCS, re.DOTALL)
    assert tuple(table) == tuple(json.loads(blocks[-1])["properties"]) == keys()
    assert CrawlJob.decode(blocks[0].encode()) == CrawlJob("https://example.org/")


def test_the_documented_client_enqueues_a_job_that_is_one() -> None:
    """The ten lines, with our generated structs in place of Pinterest's and no server behind."""
    from thrift_idl.gen.pinlater import ttypes

    code = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)[0]
    wanted = [line for line in code.splitlines() if line.startswith(("import json", "job =", "request ="))]
    names = dict(vars(ttypes))
    exec("\n".join(wanted), names)
    (job,) = names["request"].jobs
    assert names["request"].queueName == "crawl"
    assert CrawlJob.decode(job.body) == CrawlJob("https://example.org/")
