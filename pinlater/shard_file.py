"""The file of shards, and the step from a changed file to the shards in use. Parsing is pure.

[shards.1]                    # the name is part of job descriptors: it never changes
backend = "redis://10.0.0.1:6379/0"

[shards.2]
backend = "redis://10.0.0.2:6379/0"
dequeue_only = true           # takes no new jobs: to be emptied, then removed
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec

from drivers.paths import path_of
from pinlater.backends import Backend
from pinlater.shard import JobShard
from pinlater.shards import Shards
from pinlater.telemetry import PinLaterTelemetry
from pinlater.toml_lines import TomlText
from thrift_idl.errors import AragogError, BadConfiguration

Open = Callable[[str, str], Awaitable[Backend]]
"""Opens the backend of a shard (its name, its URL) without a check that it answers. Raises `BadConfiguration`."""

_NAME: Final = re.compile(r"\w{1,32}", re.ASCII)
_MOST: Final = 256


class ShardEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One shard."""

    backend: str
    dequeue_only: bool = False


def parse(text: str, file: str) -> Mapping[str, ShardEntry]:
    """The file's text. Raises `BadConfiguration` naming `file`, line and reason."""
    given = TomlText(text, file)
    entries = given.table("shards", ShardEntry)
    for name in entries:
        if not _NAME.fullmatch(name):
            raise given.error(f'"{name}" is no name of a shard: at most 32 letters, digits and _', "shards", name)
    stores = [_store(entry.backend) for entry in entries.values()]
    for name, entry in entries.items():
        if stores.count(_store(entry.backend)) > 1:
            raise given.error("two shards name its backend", "shards", name)
    if not 1 <= len(entries) <= _MOST:
        raise given.error(f"1 to {_MOST} shards, not {len(entries)}")
    return entries


def _store(url: str) -> str:
    """One spelling for each store: for a `sqlite:` URL, the path of its file."""
    try:
        return str(path_of(url.replace("{data_dir}", "%7Bdata_dir%7D"), "sqlite"))
    except BadConfiguration:  # of another kind; or it is refused when it is opened
        return url


async def _opened(open_shard: Open, name: str, url: str) -> Backend:
    try:
        return await open_shard(name, url)
    except AragogError as error:
        raise BadConfiguration(f"shard {name}: {error}") from error


async def adopt(
    shards: Shards, entries: Mapping[str, ShardEntry], open_shard: Open, telemetry: PinLaterTelemetry
) -> None:
    """Use these shards from now on, all at once; close removed ones once no call uses them any more.

    Raises `BadConfiguration` if one can't be opened; then nothing changes.
    """
    before, after = shards.by_name, dict[str, JobShard]()
    try:
        for name, entry in entries.items():
            known = before.get(name)
            if known is None or known.url != entry.backend:
                known = JobShard(await _opened(open_shard, name, entry.backend), telemetry, url=entry.backend)
            after[name] = known
    except BaseException:
        for name, shard in after.items():
            if shard is not before.get(name):
                await shard.close()
        raise
    for name, shard in after.items():
        shard.dequeue_only = entries[name].dequeue_only
    for gone in shards.replace(after.values()):
        await gone.close()
