"""The data directories of released formats, unpacked; copied into engines; and what lies in a store, to be compared."""

from __future__ import annotations

import asyncio
import sqlite3
import tarfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

from aragog.assembly.scheduling import visited_pinlater
from aragog.settings import load
from crawler.frontier import Frontier
from crawler.frontier.entry import EntryState
from crawler.frontier.redis import RedisFrontier
from crawler.frontier.redis_scripts import FrontierScripts
from crawler.frontier.sqlite import SqliteFrontier
from crawler.job.job_queues import JobQueues
from tests.support import stored_web as web
from tests.support.processes import environment
from urlstore.backends import InlinkKind, InlinkWrite, LinkedWrite, MetadataBackend
from urlstore.backends.sqlite import SqliteMetadata
from weburl import url_key
from weburl.earlier_key_versions import earlier_keys

ARCHIVES = sorted((Path(__file__).parents[1] / "formats").glob("key-*.tar.gz"))
Places = tuple[str, str]
"""URLs of metadata and frontier."""


def unpacked(archive: Path, folder: Path) -> Path:
    """A copy of the data directory in `archive`."""
    folder.mkdir(parents=True)
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder


def places_in(data_dir: Path) -> Places:
    """Of an embedded store."""
    return f"sqlite:///{data_dir / 'urlstore.sqlite'}", f"sqlite:///{data_dir / 'frontier.sqlite'}"


async def open_metadata(url: str) -> MetadataBackend:
    """Whatever the version of its keys."""
    if url.startswith("sqlite:"):
        return await SqliteMetadata.open(url, any_keys=True)
    from urlstore.backends.cassandra import CassandraMetadata

    return await CassandraMetadata.open(url, any_keys=True)


async def open_frontier(url: str) -> Frontier:
    """Whatever the version of its keys."""
    if url.startswith("sqlite:"):
        return await SqliteFrontier.open(url, any_keys=True)
    return await RedisFrontier.open(url, any_keys=True)


@asynccontextmanager
async def queues_in(data_dir: Path) -> AsyncIterator[JobQueues]:
    """The jobs of an embedded store."""
    async with visited_pinlater(load(environment(data_dir=str(data_dir)))) as pinlater:
        yield JobQueues(pinlater, "tests")


# --- copies in engines, as the version that wrote the files would have written them ---


async def copy_to_engines(data_dir: Path, metadata_url: str, frontier_url: str) -> None:
    """Rows, attributes and inlinks into Cassandra, crawls into Redis; nothing says of which version they are."""
    there = await open_metadata(metadata_url)
    here = await SqliteMetadata.open(places_in(data_dir)[0], any_keys=True)
    with closing(sqlite3.connect(data_dir / "urlstore.sqlite")) as database:
        for key, linked, linked_us in database.execute("SELECT key, linked, linked_us FROM url_row"):
            for write in await here.read_writes(key):
                await there.write_row(write)
            if linked:
                await there.write_linked([LinkedWrite(key, linked_us, linked)])
            for attribute in await here.read_attribute_writes(key, 100):
                await there.write_attribute(attribute)
        for key in [row[0] for row in database.execute("SELECT DISTINCT key FROM attribute")]:
            for attribute in await here.read_attribute_writes(key, 100):
                await there.write_attribute(attribute)
        inlinks = database.execute("SELECT target_key, kind, source_key, write_us, cell FROM inlink").fetchall()
        await there.write_inlinks([InlinkWrite(t, InlinkKind(k), s, at, cell) for t, k, s, at, cell in inlinks])
    await here.close()
    await there.close()
    await _copy_frontier(data_dir / "frontier.sqlite", frontier_url)


async def _copy_frontier(path: Path, url: str) -> None:
    scripts = FrontierScripts(url, any_keys=True)
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        for row in database.execute("SELECT * FROM frontier_crawl"):
            crawl, entries, failures = scripts.keys(row["id"])
            fields = {
                name: "" if row[name] is None else row[name]
                for name in tuple(row.keys())
                if name not in ("number", "id")
            }
            counts = database.execute("SELECT code, count FROM frontier_outcome WHERE crawl = ?", (row["number"],))
            fields |= {f"outcome:{code}": count for code, count in counts}
            await scripts.client.hset(crawl, mapping=fields)
            await scripts.client.zadd(scripts.index, {row["id"]: row["number"]})
            for table, key, field in (("frontier_entry", entries, "entry"), ("frontier_failure", failures, "failure")):
                for each in database.execute(f"SELECT * FROM {table} WHERE crawl = ?", (row["number"],)):
                    await scripts.client.hset(key, each["key"], each[field])
    await scripts.client.aclose()


# --- what lies there ---


async def contents(places: Places) -> dict[str, Any]:
    """All that the store and the frontier hold of the URLs of the web, by today's and by earlier keys."""
    async with AsyncExitStack() as stack:
        metadata, frontier = await open_metadata(places[0]), await open_frontier(places[1])
        stack.push_async_callback(metadata.close)
        stack.push_async_callback(frontier.close)
        found: dict[str, Any] = {}
        for url in web.URLS:
            for key in dict.fromkeys((url_key(url), *earlier_keys(url, 1))):
                found[f"{url} {key.hex()}"] = await _under(metadata, key)
        found["versions"] = (await metadata.key_state(), await frontier.key_version())
        found["crawls"] = [(s.crawl.id, s.state, s.counters, s.outcomes) for s in await frontier.crawls.all()]
        found["failures"] = {
            s.crawl.id: await frontier.crawls.failures(s.crawl.id) for s in await frontier.crawls.all()
        }
    return found | {"entries": await entries(places[1])}


async def _under(metadata: MetadataBackend, key: bytes) -> Any:
    row = await metadata.read_row(key)
    cells = (row.url, row.page, row.redirects_to, row.outcome, bool(row.linked), row.written_ms) if row else None
    attributes = sorted(
        (a.attribute_namespace, a.name, a.write_ms, a.cell) for a in await metadata.read_attribute_writes(key, 100)
    )
    inlinks = {
        kind.name: [(i.source_key, i.cell) for i in await metadata.read_inlinks(key, kind, b"", 100)]
        for kind in InlinkKind
    }
    return cells, attributes, inlinks


async def entries(url: str) -> Mapping[str, Mapping[bytes, bytes]]:
    """Crawl id -> URL key -> packed entry."""
    if url.startswith("sqlite:"):
        return await asyncio.to_thread(_sqlite_entries, url.removeprefix("sqlite:///"))
    scripts = FrontierScripts(url, any_keys=True)
    ids = [crawl_id.decode() for crawl_id in await scripts.client.zrange(scripts.index, 0, -1)]
    found = {crawl_id: await scripts.client.hgetall(scripts.keys(crawl_id)[1]) for crawl_id in ids}
    await scripts.client.aclose()
    return found


def _sqlite_entries(path: str) -> dict[str, dict[bytes, bytes]]:
    found: dict[str, dict[bytes, bytes]] = {}
    query = "SELECT id, key, entry FROM frontier_entry JOIN frontier_crawl ON number = crawl"
    with closing(sqlite3.connect(path)) as database:
        for crawl_id, key, entry in database.execute(query):
            found.setdefault(crawl_id, {})[key] = entry
    return found


def states(found: Mapping[bytes, bytes]) -> dict[bytes, EntryState]:
    """URL key -> the state of its entry."""
    return {key: EntryState(entry[0] & 0x0F) for key, entry in found.items()}
