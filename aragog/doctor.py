"""The checks of `aragog doctor`: everything that could prevent a start, or break a promise.

Each check is a function of the settings that returns its findings; none changes anything.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aragog.assembly.clients import client_of
from aragog.data_locations import left_behind, moving, place_of
from aragog.settings import Settings
from drivers.connection_url import parts_of, shown
from drivers.owner_lock import OWNER_LOCK, owner_pid
from fetcher.resolver import lookup_of
from fetcher.transport.dial import check, parse_proxy
from pinlater import queue_limits, shard_file
from ratelimiter.ledger.segments import segment_files
from ratelimiter.limits import read_overrides
from ratelimiter.overrides import limit_of_qps
from ratelimiter.pool.membership import Membership, read_membership
from runtime.host_port import split
from runtime.watched_file import read_file
from thrift_idl.errors import AragogError, BackendDown, BadConfiguration, ProxyDown, StoreTooOld
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import StatusRequest
from thrift_idl.rpc.ping import answer_ms

State = Literal["ok", "warning", "failed"]
_PATIENCE_MS = 2_000
_LITTLE_ROOM_BYTES = 1 << 30
_NO_ROOM_BYTES = 64 << 20
_HERE = {"sqlite", "file", "memory"}
_PORTS = {"redis": 6379, "rediss": 6379, "cassandra": 9042, "kafka": 9092, "s3": 443}
_POOL = "pool://"
_ANY_DOMAIN = "example.com"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    check: str
    state: State
    said: str
    remedy: str = ""
    """The remedy; "" = none."""
    path: str = ""
    """The file or folder that a setting names, absolute; "" = it names none."""


async def examine(settings: Settings) -> list[Finding]:
    """Every finding on a configuration that could be loaded."""
    found = [*_data_directory(settings), *_contact(settings), *_limits(settings), *_ledger(settings)]
    membership, told = _membership(settings)
    found += told
    found += _queues_file(settings)
    shards, told = _shards_file(settings)
    found += told
    found += [finding async for finding in _names(settings)]
    found += await _proxy(settings)
    async for finding in _services(settings, membership):
        found.append(finding)
    engines = [*_engines(settings), *shards]
    found += await asyncio.gather(*(_engine(name, url, settings) for name, url in engines))
    found += [told for name, url in engines for told in _left_behind(name, url, settings)]
    found += [finding async for finding in _stored(settings)]
    return found


# --- this machine ---


def _data_directory(settings: Settings) -> Iterator[Finding]:
    path = settings.data_path
    nearest = next((folder for folder in (path, *path.parents) if folder.exists()), Path("/"))
    if not os.access(nearest, os.W_OK | os.X_OK):
        remedy = "set data_dir to a folder that you may write, or change its owner"
        yield Finding("data directory", "failed", f"{path} can't be written", remedy, str(path))
        return
    yield Finding("data directory", "ok", _place_line(path), path=str(path))
    free = shutil.disk_usage(nearest).free
    state: State = "ok" if free > _LITTLE_ROOM_BYTES else "warning" if free > _NO_ROOM_BYTES else "failed"
    yield Finding("disk", state, f"{free / (1 << 30):.1f} GiB free at {nearest}", "" if state == "ok" else "make room")
    yield _lock(path)


def _place_line(path: Path) -> str:
    return f"{path}{'' if path.exists() else ' will be made'}"


def _lock(path: Path) -> Finding:
    if pid := _lock_holder(path):
        return Finding("lock", "ok", f"process {pid} fetches or limits from {path}; others wait for it")
    return Finding("lock", "ok", "free")


def _lock_holder(path: Path) -> int:
    """The pid of the process that owns a data directory; 0 = none."""
    pid = owner_pid(path / OWNER_LOCK)
    return pid if pid and _is_locked(path / OWNER_LOCK) else 0


def _is_locked(lock: Path) -> bool:
    """True if a process holds the lock: the kernel's list shows it, without taking the lock."""
    try:
        inode = lock.stat().st_ino
        return any(f":{inode} " in line and "FLOCK" in line for line in Path("/proc/locks").read_text().splitlines())
    except OSError:
        return True


def _contact(settings: Settings) -> Iterator[Finding]:
    if not settings.fetcher.service and not settings.fetcher.contact:
        remedy = "set fetcher.contact to a page or mail address where a site owner reaches you"
        yield Finding("contact", "warning", "none: nothing beyond loopback is fetched", remedy)


# --- the limiter's files ---


def _limits(settings: Settings) -> Iterator[Finding]:
    given = settings.ratelimiter
    for name, setting in (("limits", "ratelimiter.overrides"), ("shadow limits", "ratelimiter.shadow_overrides")):
        path = settings.path(setting)
        if path is None:
            continue
        try:
            overrides = read_overrides(path, limit_of_qps(given.qps))
        except BadConfiguration as error:
            remedy = "correct the file; until then a running limiter keeps the last good one, and none starts"
            yield Finding(name, "failed", error.message, remedy, str(path))
        else:
            yield Finding(name, "ok", f"{path}: {len(overrides)} overrides", path=str(path))


def _ledger(settings: Settings) -> Iterator[Finding]:
    from aragog.assembly.limiting import ledger_folder  # noqa: PLC0415 - opens all that a limiter needs

    if settings.ratelimiter.service:
        return
    if not settings.ratelimiter.ledger:
        remedy = "set ratelimiter.ledger, if politeness is to be proved"
        yield Finding("ledger", "warning", "off: grants aren't on record", remedy)
        return
    try:
        folder = ledger_folder(settings)
        files = segment_files(folder) if folder.exists() else []
        size = sum(file.stat().st_size for file in files)
    except (BadConfiguration, OSError) as error:
        yield Finding("ledger", "failed", str(error), "set ratelimiter.ledger to file:///full/path/to/folder")
        return
    said = f"{folder}: {len(files)} files, {size / (1 << 20):.1f} of at most {settings.ratelimiter.ledger_mib} MiB"
    yield Finding("ledger", "ok", said, path=str(folder))


def _membership(settings: Settings) -> tuple[Membership | None, list[Finding]]:
    """The pool's members, as a shard or as a client of the pool reads them."""
    from aragog.assembly.limiting import membership_file  # noqa: PLC0415 - opens all that a limiter needs

    given, path = settings.ratelimiter, ""
    try:
        file = membership_file(settings)
        if file is None:
            return None, []
        path = str(file)
        membership = read_membership(file)
    except AragogError as error:
        remedy = "correct the file: shards grant nothing while it can't be read"
        return None, [Finding("membership", "failed", error.message, remedy, path)]
    names = [shard.name for shard in membership.shards]
    if given.shard and given.shard not in names:
        remedy = "add the shard to the file, its version one higher, or stop this process"
        said = f"{file}: version {membership.version} has no shard {given.shard!r}"
        return membership, [Finding("membership", "failed", said, remedy, path)]
    said = f"{file}: version {membership.version}, {', '.join(names)}"
    return membership, [Finding("membership", "ok", said, path=path)]


def _queues_file(settings: Settings) -> Iterator[Finding]:
    path = settings.path("pinlater.queues")
    if path is None or settings.pinlater.service:
        return
    try:
        read_file(path, queue_limits.parse)
    except BadConfiguration as error:
        remedy = "correct the file; until then a running PinLater keeps the last good one, and none starts"
        yield Finding("pinlater.queues", "failed", error.message, remedy, str(path))
    else:
        yield Finding("pinlater.queues", "ok", str(path), path=str(path))


def _shards_file(settings: Settings) -> tuple[list[tuple[str, str]], list[Finding]]:
    """(setting, URL) of each shard of PinLater, and the findings on the file that names them."""
    path = settings.path("pinlater.shards")
    if path is None or settings.pinlater.service:
        return [], []
    try:
        entries = read_file(path, shard_file.parse)
    except BadConfiguration as error:
        remedy = "correct the file; until then a running PinLater keeps the last good one, and none starts"
        return [], [Finding("pinlater.shards", "failed", error.message, remedy, str(path))]
    named = [(f"pinlater.shards: {name}", entry.backend) for name, entry in entries.items()]
    return named, [Finding("pinlater.shards", "ok", f"{path}: {', '.join(entries)}", path=str(path))]


async def _stored(settings: Settings) -> AsyncIterator[Finding]:
    """Data that the files of this machine lost. A running process changes them: then they aren't compared."""
    from aragog.completeness import SAMPLE, incomplete_crawls, lost_content  # noqa: PLC0415 - opens all stores

    if _lock_holder(settings.data_path):
        return
    try:
        async for crawl_id, lost in incomplete_crawls(settings):
            remedy = "give the crawl's command again: it restores URLs that are named anywhere, and reports the others"
            yield Finding(f"crawl {crawl_id}", "warning", lost, remedy)
        looked = await lost_content(settings)
    except StoreTooOld as error:
        remedy = "stop what uses it, then: aragog store rekey (nothing is fetched again)"
        yield Finding("URL keys", "failed", error.message, remedy)
        return
    except AragogError as error:
        yield Finding("stores", "failed", error.message, "correct what it names; other findings may say how")
        return
    if looked is None:
        return
    pages, lost_urls = looked
    which = f"a sample of {pages:,} pages" if pages == SAMPLE else f"{pages:,} pages"
    if lost_urls:
        remedy = f"fetch them again, such as: aragog fetch {shlex.quote(lost_urls[0])}"
        said = f"of {which}, {len(lost_urls):,} have lost their content: {', '.join(lost_urls[:3])}"
        yield Finding("content", "warning", said, remedy)
    else:
        yield Finding("content", "ok", f"{which}: all have theirs")


# --- over the network ---


async def _names(settings: Settings) -> AsyncIterator[Finding]:
    """The way in which hosts are looked up here; no look-up is made."""
    if settings.fetcher.service:
        return
    lookup, said = lookup_of(settings.fetcher.dns)
    await lookup.close()
    yield Finding("names", "ok", said)


async def _proxy(settings: Settings) -> list[Finding]:
    """The egress proxy: nothing can be fetched unless it answers and accepts us."""
    if settings.fetcher.service or not settings.fetcher.proxy:
        return []
    try:
        proxy = parse_proxy(settings.fetcher.proxy)
        await check(proxy)
    except (ProxyDown, BadConfiguration) as error:
        return [Finding("proxy", "failed", error.message, "start it, or correct the setting fetcher.proxy")]
    return [Finding("proxy", "ok", f"{proxy} answers")]


async def _services(settings: Settings, membership: Membership | None) -> AsyncIterator[Finding]:
    named = {
        "fetcher": settings.fetcher.service,
        "ratelimiter": settings.ratelimiter.service,
        "urlstore": settings.urlstore.service,
        "pinlater": settings.pinlater.service,
    }
    listed = ((name, each.strip()) for name, addresses in named.items() for each in addresses.split(","))
    addresses = [(name, address) for name, address in listed if address and not address.startswith(_POOL)]
    addresses += [(f"shard {shard.name}", shard.address) for shard in membership.shards] if membership else []
    for finding in await asyncio.gather(*(_service(name, address) for name, address in addresses)):
        yield finding
        if finding.state == "ok" and finding.check == "ratelimiter":
            yield await _running_limits(settings.ratelimiter.service)


async def _service(name: str, address: str) -> Finding:
    try:
        took = await answer_ms(address, _PATIENCE_MS)
    except BadConfiguration as error:
        return Finding(name, "failed", str(error), "correct the address")
    except BackendDown as error:
        return Finding(name, "failed", str(error), f"start it (aragog serve), or correct the address {address}")
    return Finding(name, "ok", f"{address} answers, in {took:.0f} ms")


async def _running_limits(address: str) -> Finding:
    """The override file of a running limiter: in force, or refused."""
    try:
        async with client_of(address, RateLimiter, _PATIENCE_MS) as limiter:
            status = await limiter.status(StatusRequest(Context("doctor"), _ANY_DOMAIN))
    except AragogError as error:
        return Finding("limits in force", "warning", f"{address}: {error}", "ask the limiter that owns the domain")
    if status.limits_error:
        remedy = "correct the file; until then the last good one stays in force"
        return Finding("limits in force", "failed", f"{address} refused: {status.limits_error}", remedy)
    return Finding("limits in force", "ok", f"{address} follows its override file")


def _engines(settings: Settings) -> Iterator[tuple[str, str]]:
    """(setting, URL) of every engine that this configuration opens by itself."""
    if not settings.fetcher.service:
        yield "fetcher.robots_cache", settings.fetcher.robots_cache
    if not settings.ratelimiter.service:
        yield "ratelimiter.state", settings.ratelimiter.state
        yield "ratelimiter.holds", settings.ratelimiter.holds
    if not settings.urlstore.service:
        yield "urlstore.metadata", settings.urlstore.metadata
        yield "urlstore.content", settings.urlstore.content
    if not settings.pinlater.service and not settings.pinlater.shards:
        yield "pinlater.backend", settings.pinlater.backend
    yield "crawl.frontier", settings.crawl.frontier
    yield "events.sink", settings.events.sink
    yield "events.leases", settings.events.leases


async def _engine(setting: str, url: str, settings: Settings) -> Finding:
    """The place of the files, or the answer at the engine's address. Its health has checks of its own."""
    scheme = url.partition("://")[0]
    if scheme in _HERE:
        return _on_this_machine(setting, scheme, url, settings)
    try:
        authority = parts_of(shown(url), scheme).netloc.rpartition("@")[2]
    except BadConfiguration:
        authority = ""
    places = [place for place in authority.split(",") if place]
    if scheme not in _PORTS or not places:
        return Finding(setting, "failed", "its URL names no backend", f"correct the setting {setting}")
    if scheme == "s3" and ":" not in authority:
        return Finding(setting, "ok", f"the bucket {authority} at Amazon: not asked")
    silent = [place for place in places if not await _listens(place, _PORTS[scheme])]
    if not silent:
        return Finding(setting, "ok", f"{scheme}: {', '.join(places)} answers")
    state: State = "failed" if len(silent) == len(places) else "warning"
    remedy = f"start it, or correct the setting {setting}"
    return Finding(setting, state, f"{scheme}: {', '.join(silent)} doesn't answer", remedy)


def _on_this_machine(setting: str, scheme: str, url: str, settings: Settings) -> Finding:
    try:
        path = place_of(url, settings)
    except BadConfiguration as error:
        return Finding(setting, "failed", error.message, f"correct the setting {setting}")
    if path is None:
        return Finding(setting, "ok", f"{scheme}: in this process")
    return Finding(setting, "ok", f"{scheme}: {_place_line(path)}", path=str(path))


def _left_behind(setting: str, url: str, settings: Settings) -> Iterator[Finding]:
    """Data that an earlier version wrote elsewhere for this URL. No process starts on an empty store instead."""
    try:
        place, earlier = place_of(url, settings), left_behind(url, settings)
    except BadConfiguration:  # reported already
        return
    if place is None or earlier is None:
        return
    check, said = f"{setting} of an earlier version", f"{earlier} was written for what now is {place}"
    if place.exists():
        remedy = f"decide which of the two you want, then move the other away: mv {shlex.quote(str(earlier))} ELSEWHERE"
        yield Finding(check, "warning", said, remedy, str(earlier))
    else:
        yield Finding(check, "failed", said, moving(earlier, place), str(earlier))


async def _listens(place: str, default_port: int) -> bool:
    found = split(place, default_port=default_port)
    if found is None:
        return False
    try:
        async with asyncio.timeout(_PATIENCE_MS / 1000):
            _, writer = await asyncio.open_connection(*found)
    except (OSError, ValueError, TimeoutError):
        return False
    writer.close()
    return True
