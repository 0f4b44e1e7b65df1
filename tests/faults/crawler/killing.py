"""Kills from outside, and what they hit: the steps of the jobs in flight, our children, the end state of a crawl."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.support.processes import read_log, run_aragog, start_aragog
from tests.support.sample_crawls import events, requests
from tests.support.sample_web import by_url

STEPS = ("fetch", "extract", "put", "enqueue", "publish", "ack")
#: Patience for a small web: `busy.test` asks for two seconds of it, `full.test` for ever.
PATIENT = {
    # All sites at once, so that a kill finds many jobs in many steps: politeness is proven elsewhere.
    "ratelimiter_qps": "50",
    "crawl_max_tries": "2",
    "crawl_backoff_ms": "300",
    "crawl_give_up_ms": "4000",
    "crawl_claim_timeout_ms": "2000",
    "events_image_tries": "2",
    "events_image_backoff_ms": "300",
    "events_image_give_up_ms": "60000",
}
#: Other bytes at every request: a kill between fetch and put shows in their hash.
NONCE = "http://news.test/letter"
#: What a robots.txt redirects to: asked for with it, by no job of its own.
ROBOTS = "http://apps.test/robots-rules.txt"
_CHILD_ENDS_S = 10.0
#: A kill comes uniformly at random within one of these times: mostly of the first step that is told, else of the start.
_WINDOWS_S = (0.5, 2.0)
_AT_WORK = 0.9


@dataclass(frozen=True, slots=True)
class Hit:
    """One kill: of whom, and what was in flight there."""

    target: str
    steps: Mapping[str, int]
    """Jobs in flight by their step."""
    urls: frozenset[str]
    """What those jobs were about."""


@dataclass(slots=True)
class Toll:
    """All kills of a run."""

    hits: list[Hit] = field(default_factory=list)

    def table(self) -> str:
        """Kills by target and step: a kill counts in each step that some job was in."""
        columns = (*STEPS, "link", "give_back")
        lines = [
            "| killed | kills | " + " | ".join(columns) + " | nothing in flight |",
            "| --- |" + " ---: |" * (len(columns) + 2),
        ]
        for target in dict.fromkeys(hit.target for hit in self.hits):
            some = [hit for hit in self.hits if hit.target == target]
            lines.append(_row(target, some, columns))
        return "\n".join([*lines, _row("all", self.hits, columns)])

    def of_step(self, step: str) -> int:
        """Kills that hit some job in this step."""
        return sum(1 for hit in self.hits if hit.steps.get(step))


def _row(name: str, hits: list[Hit], columns: tuple[str, ...]) -> str:
    counts = [sum(1 for hit in hits if hit.steps.get(step)) for step in columns]
    cells = [len(hits), *counts, sum(1 for hit in hits if not hit.steps)]
    return f"| {name} | " + " | ".join(map(str, cells)) + " |"


def in_flight(folder: Path, pid: int | None = None) -> tuple[Counter[str], frozenset[str]]:
    """Jobs in flight by step, and their URLs, in the worker of that pid or in all that wrote into `folder`."""
    jobs: dict[str, tuple[str, str]] = {}
    for path in folder.iterdir() if pid is None else [folder / str(pid)]:
        lines = path.read_text().splitlines() if path.exists() else []
        for line in lines:
            step, job, url = (*line.split(" "), "")[:3]
            jobs[job] = (step, url or jobs.get(job, ("", ""))[1])
    busy = {job: each for job, each in jobs.items() if each[0] != "done"}
    return Counter(step for step, _ in busy.values()), frozenset(url for _, url in busy.values() if url)


def children_of(pid: int) -> set[int]:
    """Living processes of `python -m runtime.child` whose parent is, or was, `pid`: their command line names it."""
    return {int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if _is_child_of(path, pid)}


def _is_child_of(path: Path, pid: int) -> bool:
    try:
        words = path.read_bytes().split(b"\0")
        state = (path.parent / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return b"runtime.child" in words and str(pid).encode() in words and state != "Z"


def assert_children_end(pid: int) -> None:
    """Soon after their parent's end no child of ours is left."""
    deadline = time.monotonic() + _CHILD_ENDS_S
    while left := children_of(pid):
        assert time.monotonic() < deadline, f"children {left} of the killed process {pid} live on"
        time.sleep(0.02)


def crawl_under_kills(
    env: Mapping[str, str], web: Mapping[str, Any], random: Random, kills: int, *, group: bool
) -> tuple[list[Hit], dict[str, Any]]:
    """The crawl of the sample web in one process, killed so often, resumed by the same command; how it ended."""
    hits: list[Hit] = []
    while True:
        process = start_aragog(env, "crawl", "--scope", "any", "--json", *web["seeds"])
        wait_s = 110.0
        if len(hits) < kills:
            wait_s = random.uniform(0.0, random.choice(_WINDOWS_S))
            if random.random() < _AT_WORK:
                wait_until_at_work(env, process)
        try:
            out, err = process.communicate(timeout=wait_s)
        except subprocess.TimeoutExpired:
            assert len(hits) < kills, "the crawl doesn't end"
            hits.append(_kill(env, process, group=group))
            if (over := _over(env)) is not None:
                return hits, over
            continue
        assert process.returncode == 0, err
        ended: dict[str, Any] = json.loads(out)
        return hits, ended


def _over(env: Mapping[str, str]) -> dict[str, Any] | None:
    """The end of the crawl, if the kill came when only the summary was left: the same command would begin again."""
    jobs = Path(env["ARAGOG_DATA_DIR"]) / "pinlater.sqlite"
    if not jobs.exists():
        return None
    with closing(sqlite3.connect(f"file:{jobs}?mode=ro", uri=True)) as database:
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'queue'").fetchone() is None:
            return None
        if database.execute("SELECT 1 FROM queue WHERE name LIKE 'crawl!_%' ESCAPE '!'").fetchone():
            return None
    listed = run_aragog(env, "crawl", "ls", "--json").stdout.splitlines()
    crawls: list[dict[str, Any]] = [each for each in map(json.loads, listed) if each["state"] == "done"]
    return crawls[0] if crawls else None


def wait_until_at_work(env: Mapping[str, str], process: subprocess.Popen[str]) -> None:
    """Return once a worker has told its first step, or has ended."""
    steps = Path(env["ARAGOG_TORTURE_STEPS"]) / str(process.pid)
    while process.poll() is None and not (steps.exists() and steps.stat().st_size):
        time.sleep(0.005)


def _kill(env: Mapping[str, str], process: subprocess.Popen[str], *, group: bool) -> Hit:
    (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
    process.communicate()
    assert_children_end(process.pid)
    steps, urls = in_flight(Path(env["ARAGOG_TORTURE_STEPS"]), process.pid)
    return Hit("the whole group" if group else "the parent alone", steps, urls)


@dataclass(frozen=True, slots=True)
class End:
    """The end of a crawl, without the differences of any two runs."""

    counts: Mapping[str, Any]
    failed: tuple[str, ...]
    rows: Mapping[str, Any]
    events: tuple[str, ...]
    requests: Mapping[str, int]


def end_state(env: Mapping[str, str], web: Mapping[str, Any], ended: Mapping[str, Any], sink: str) -> End:
    """The end of a crawl: its counters, failures, store, events; and what was asked of the origin."""
    failed = _answer(env, "crawl", "show", "--failed", "--json", ended["id"])
    counts = {name: ended[name] for name in ("state", "pages", "open", "done", "failed")}
    counts["outcomes"] = _without_circles(ended["outcomes"])
    exported = _answer(env, "store", "export", "--sorted", "--no-timing")
    rows = {url: _without_nonce(row) for url, row in by_url(exported.encode()).items()}
    published = sorted({json.dumps(_event(event), sort_keys=True) for event in map(json.loads, events(sink))})
    return End(counts, tuple(sorted(failed.splitlines())), rows, tuple(published), requests(read_log(web["log"])))


def _answer(env: Mapping[str, str], *arguments: str) -> str:
    """The output of a command. The last one killed may be down yet: then it says so, and is asked again."""
    deadline = time.monotonic() + 60
    while (done := run_aragog(env, *arguments)).returncode:
        assert "backend_down" in done.stderr and time.monotonic() < deadline, done.stderr
        time.sleep(0.5)
    return done.stdout


def _without_circles(outcomes: Mapping[str, int]) -> dict[str, int]:
    """Whoever closes a circle of redirects finds it: which of its URLs (or both, visited again) depends on time."""
    moved = outcomes["redirected"] + outcomes["too_many_redirects"]
    return dict(outcomes) | {"redirected": moved, "too_many_redirects": 0}


def _without_nonce(row: dict[str, Any]) -> dict[str, Any]:
    if "page" in row:  # which of several redirects came first is a matter of time
        row = row | {"page": {k: v for k, v in row["page"].items() if k != "chain"}}
    if row["url"] != NONCE:
        return row
    return row | {"page": {k: v for k, v in row["page"].items() if k not in ("content_hash", "content_key")}}


def _event(event: dict[str, Any]) -> dict[str, Any]:
    return event if event["url"] != NONCE else event | {"content_hash": ""}


def differences(end: End, undisturbed: End) -> list[str]:
    """Differences between the end of a disturbed crawl and that of the undisturbed one."""
    return list(_differences(end, undisturbed))


def _differences(end: End, undisturbed: End) -> Iterator[str]:
    if end.counts != undisturbed.counts:
        yield f"counts: {end.counts}, not {undisturbed.counts}"
    for name in ("failed", "events"):
        found, wanted = set(getattr(end, name)), set(getattr(undisturbed, name))
        yield from (f"{name}: {each[:1500]} is too many" for each in sorted(found - wanted))
        yield from (f"{name}: {each[:1500]} is lost" for each in sorted(wanted - found))
    for url in sorted({*end.rows, *undisturbed.rows}):
        here, there = end.rows.get(url), undisturbed.rows.get(url)
        if here != there:
            yield f"row {url}: {_changed(here, there)}"


def _changed(here: Any, there: Any, where: str = "") -> str:
    if not isinstance(here, dict) or not isinstance(there, dict):
        return f"{where} {here!r:.300}, not {there!r:.300}"
    names = [name for name in {*here, *there} if here.get(name) != there.get(name)]
    return "; ".join(_changed(here.get(name), there.get(name), f"{where}.{name}") for name in names)


def asked_too_often(end: End, undisturbed: End, hits: list[Hit]) -> list[str]:
    """URLs asked for too often: more than undisturbed, and more than kills took a visit (of an image: a page's)."""
    told = Counter(url for hit in hits for url in hit.urls)
    publishing = sum(1 for hit in hits if hit.steps.get("publish"))
    found = []
    for url, count in end.requests.items():
        image = url.endswith((".jpg", ".png", ".webp"))
        most = undisturbed.requests.get(url, 0) + told[url] + (publishing if image else 0)
        if count > most and url != ROBOTS:
            found.append(f"{url}: asked {count} times, at most {most} expected")
    return found
