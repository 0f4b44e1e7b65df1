"""Nothing is lost: killed with SIGKILL from outside at random times and resumed, a crawl ends as the undisturbed one.

`make test` runs a minute of it; under ARAGOG_TORTURE=1 there are 200 kills, and the table of what they hit is written
to the file that ARAGOG_TORTURE_REPORT names.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from deploy.engines import Engine
from tests.faults.crawler import killing
from tests.faults.crawler.killing import PATIENT, STEPS, End, Hit, Toll, crawl_under_kills, end_state
from tests.faults.crawler.killing_many import ENGINES, TARGETS, WORKERS, Killer, stores
from tests.faults.crawler.supervision import addresses, supervised
from tests.support import engines
from tests.support.engine_fixtures import PrivateEngines
from tests.support.processes import run_aragog, sample_web, start_aragog, stop
from tests.support.sample_crawls import crawl
from tests.support.sample_web import reaching

SEED = 4
#: Of one crawl; more than it lasts are left over.
KILLS_OF_A_CRAWL = 5
EMBEDDED_KILLS = 130
ALL_KILLS = 200
LEAST_OF_A_STEP = 10
#: Crawls that went wrong before a torture run ends.
MOST_WRONG = 3
Env = Mapping[str, str]
Web = Mapping[str, Any]


@contextmanager
def embedded(folder: Path) -> Iterator[tuple[Env, Web, str]]:
    """The sample web, and the environment that crawls it into `folder`; the sink of that."""
    (folder / "steps").mkdir(parents=True)
    with sample_web(folder) as web:
        env = reaching(web, folder / "data", torture_steps=str(folder / "steps"), **PATIENT)
        yield env, web, f"file:///{folder}/data/events.jsonl"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> End:
    with embedded(tmp_path_factory.mktemp("undisturbed") / "all") as (env, web, sink):
        return end_state(env, web, crawl(env, web), sink)


def assert_nothing_lost(end: End, undisturbed: End, hits: list[Hit]) -> None:
    """The same end; and a URL is asked for again only where a kill took its visit."""
    wrong = [*killing.differences(end, undisturbed), *killing.asked_too_often(end, undisturbed, hits)]
    assert not wrong, "\n".join([*wrong[:20], *map(str, hits)])


def killed_embedded(folder: Path, undisturbed: End, seed: int, *, group: bool, kills: int) -> list[Hit]:
    with embedded(folder) as (env, web, sink):
        hits, ended = crawl_under_kills(env, web, Random(seed), kills, group=group)
        end = end_state(env, web, ended, sink)
    assert_nothing_lost(end, undisturbed, hits)
    return hits


def killed_distributed(
    folder: Path, undisturbed: End, seed: int, private: Mapping[str, Engine], targets: list[str]
) -> list[Hit]:
    (folder / "steps").mkdir(parents=True)
    with ExitStack() as stack:
        web: Web = stack.enter_context(sample_web(folder))
        cache = stack.enter_context(engines.redis_database(engines.shared_engine("redis-cache")))
        made = stack.enter_context(stores(private, cache))
        steps = str(folder / "steps")
        env = reaching(web, folder / "data", torture_steps=steps, **PATIENT, **made.settings) | addresses()
        supervisor = stack.enter_context(supervised(env, folder / "logs", WORKERS))
        killer = Killer(env, supervisor, private, Random(seed))
        hits, ended = killer.crawl(web["seeds"], targets)
        supervisor.wait_until_up()
        end = end_state(env, web, ended, made.sink)
    assert_nothing_lost(end, undisturbed, hits)
    return hits


@pytest.mark.timeout(400)
@pytest.mark.parametrize("group", [False, True], ids=["the parent alone", "the whole group"])
def test_a_killed_crawl_goes_on_with_the_same_command_and_ends_as_undisturbed(
    group: bool, undisturbed: End, tmp_path: Path
) -> None:
    hits = killed_embedded(tmp_path / "all", undisturbed, SEED + group, group=group, kills=3)
    assert hits


@pytest.mark.timeout(300)
def test_workers_servers_and_engines_die_and_the_crawl_ends_as_undisturbed(
    undisturbed: End, private_engines: PrivateEngines, tmp_path: Path
) -> None:
    private = {name: private_engines(name) for name in ENGINES}
    targets = ["worker-0", "redis-durable", "urlstore", "pinlater", "s3"]
    hits = killed_distributed(tmp_path / "all", undisturbed, SEED, private, targets)
    assert hits


def unspent(data: Path) -> bool:
    """True if every job is back in its queue, or done, with all its attempts."""
    with sqlite3.connect(data / "pinlater.sqlite") as database:
        claimed = database.execute("SELECT count(*) FROM job WHERE state = 1").fetchone()[0]
        spent = database.execute("SELECT count(*) FROM job WHERE attempts_remaining < attempts_allowed").fetchone()[0]
    return bool(claimed == 0 and spent == 0)


def stopped_at_work(env: Env, number: int, *arguments: str) -> tuple[int, str]:
    """A command that is told to stop in the midst of its work; its exit code and what it said."""
    process = start_aragog(env, *arguments)
    killing.wait_until_at_work(env, process)
    process.send_signal(number)
    try:
        _, err = process.communicate(timeout=30)
    finally:
        stop(process)
    killing.assert_children_end(process.pid)
    return process.returncode, err


@pytest.mark.timeout(400)
def test_told_to_stop_it_gives_its_jobs_back_with_all_attempts_and_goes_on_later(
    undisturbed: End, tmp_path: Path
) -> None:
    with embedded(tmp_path / "all") as (env, web, sink):
        data, command = Path(env["ARAGOG_DATA_DIR"]), ("crawl", "--scope", "any", "--json", *web["seeds"])
        code, said = stopped_at_work(env, signal.SIGINT, *command)
        assert code == 1 and "the same command continues" in said and "Traceback" not in said
        assert unspent(data)
        code, said = stopped_at_work(env, signal.SIGTERM, "worker")
        assert code == 0 and "Traceback" not in said
        assert unspent(data)
        code, _ = stopped_at_work(env, signal.SIGTERM, *command)
        assert code == 1 and unspent(data)
        listed = run_aragog(env, "crawl", "ls", "--json").stdout.splitlines()
        assert len(listed) == 1
        end = end_state(env, web, crawl(env, web), sink)
    assert_nothing_lost(end, undisturbed, [])


@pytest.mark.timeout(400)
def test_told_to_stop_while_its_redis_is_down_it_ends_and_goes_on_later(
    undisturbed: End, private_redis: Engine, tmp_path: Path
) -> None:
    with embedded(tmp_path / "all") as (env, web, sink):
        redis = {"ARAGOG_PINLATER_BACKEND": private_redis.url, "ARAGOG_CRAWL_FRONTIER": private_redis.url}
        here = dict(env) | redis | {"ARAGOG_CRAWL_DRAIN_MS": "1500"}
        process = start_aragog(here, "crawl", "--scope", "any", "--json", *web["seeds"])
        killing.wait_until_at_work(here, process)
        private_redis.kill()
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        try:
            _, said = process.communicate(timeout=30)
        finally:
            stop(process)
        assert process.returncode == 1 and "the same command continues" in said and "Traceback" not in said
        hit = Hit("redis", *killing.in_flight(Path(env["ARAGOG_TORTURE_STEPS"]), process.pid))
        private_redis.start()
        end = end_state(here, web, crawl(here, web), sink)
    assert_nothing_lost(end, undisturbed, [hit])


# --- the torture run ---


@pytest.mark.torture
@pytest.mark.skipif(not os.environ.get("ARAGOG_TORTURE"), reason="200 kills take half an hour: ARAGOG_TORTURE=1")
@pytest.mark.timeout(7200)
def test_two_hundred_kills_in_every_step_lose_nothing(
    undisturbed: End, private_engines: PrivateEngines, tmp_path: Path
) -> None:
    toll, seed, wrong = Toll(), SEED * 1_000, list[str]()
    while len(toll.hits) < EMBEDDED_KILLS and len(wrong) < MOST_WRONG:
        seed += 1
        folder, group = tmp_path / f"embedded-{seed}", bool(seed % 2)
        kill = partial(killed_embedded, folder, undisturbed, seed, group=group, kills=KILLS_OF_A_CRAWL)
        wrong += _go_on(toll, kill)
    private = {name: private_engines(name) for name in ENGINES}
    waiting: list[str] = []
    while len(toll.hits) < ALL_KILLS and len(wrong) < MOST_WRONG:
        seed += 1
        waiting = waiting or Random(seed).sample(TARGETS, len(TARGETS))  # those that a crawl doesn't last for are left
        folder = tmp_path / f"distributed-{seed}"
        wrong += _go_on(toll, partial(killed_distributed, folder, undisturbed, seed, private, waiting))
    assert not wrong, "\n".join(wrong)
    few = {step: toll.of_step(step) for step in STEPS if toll.of_step(step) < LEAST_OF_A_STEP}
    assert not few, toll.table()


def _go_on(toll: Toll, kill: Callable[[], list[Hit]]) -> list[str]:
    """One more crawl; what was wrong with it."""
    try:
        toll.hits += kill()
    except AssertionError as error:
        return [str(error)]
    finally:
        _report(toll)
    return []


def _report(toll: Toll) -> None:
    if path := os.environ.get("ARAGOG_TORTURE_REPORT"):
        Path(path).write_text(toll.table() + "\n")
