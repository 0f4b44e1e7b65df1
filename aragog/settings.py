"""Configuration: one TOML file and the environment, checked whole before anything starts.

Every seam's backend is a connection URL; every service is either in this process (`service = ""`) or a Thrift
address. `{data_dir}` in a URL or a path stands for the data directory. Paths in URLs are absolute (`drivers.paths`);
other paths may be relative to the folder in which the process starts, and are resolved once. An environment variable
`ARAGOG_<SECTION>_<KEY>` overrides the file (`ARAGOG_DATA_DIR` and `ARAGOG_DURABILITY` for the two top-level keys);
lists and tables are JSON in it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_type_hints

import msgspec
from msgspec import structs
from platformdirs import user_config_path, user_data_path

from drivers.connection_url import shown
from drivers.paths import escaped
from runtime.durations import DAY_MS, HOUR_MS
from thrift_idl.errors import BadConfiguration

Part = Literal["whole", "login"]
"""The whole value, or the login and secret options of a URL in it."""

SECRETS: Mapping[str, Part] = {
    "fetcher.service": "login",  # an address has none, but may be given with one
    "fetcher.proxy": "login",
    "fetcher.robots_cache": "login",
    "ratelimiter.service": "login",
    "ratelimiter.state": "login",
    "ratelimiter.holds": "login",
    "ratelimiter.ledger": "login",
    "urlstore.service": "login",
    "urlstore.metadata": "login",
    "urlstore.content": "login",
    "pinlater.service": "login",
    "pinlater.backend": "login",
    "pinlater.admin_hash": "whole",  # of a password that may be weak
    "pinlater.admin_password": "whole",
    "crawl.frontier": "login",
    "events.sink": "login",
    "events.leases": "login",
}


def hidden(values: Mapping[str, Any], section: str = "") -> dict[str, Any]:
    """Settings as plain values, those of one section or all of them by section, without secrets."""
    return {key: _hidden(value, f"{section}.{key}" if section else key) for key, value in values.items()}


def _hidden(value: Any, name: str) -> Any:
    if isinstance(value, dict) and "." not in name:
        return hidden(value, name)
    part = SECRETS.get(name)
    if part == "whole":
        return "***" if value else ""
    return shown(value) if part == "login" else value


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings that are shown without secrets."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return list(hidden(msgspec.to_builtins(self), _SECTION_OF.get(type(self), "")).items())


class FetcherSettings(Section, frozen=True):
    """[fetcher]: the only part that touches the outside."""

    #: Its address, or those of several, separated by commas: each origin then has one of them.
    service: str = ""
    listen: str = "127.0.0.1:9101"
    user_agent: str = "Aragog/0.1"
    #: A page or mail address where a site owner reaches you; without it nothing beyond loopback is fetched.
    contact: str = ""
    robots_cache: str = "sqlite:///{data_dir}/robots.sqlite"
    #: How long a robots.txt decides before it is requested again from its origin. RFC 9309 allows at most a day
    #: (86400000); the copy stays in force while the origin can't be reached, in either case.
    robots_max_age_ms: int = 7 * DAY_MS
    #: Host pattern -> address:port to dial instead, like curl's --connect-to.
    connect_to: dict[str, str] = {}
    #: Host patterns and networks that may resolve to private addresses.
    allow_private: list[str] = []
    #: Networks that are never dialled, even if allowed: our own public addresses, for instance.
    deny: list[str] = []
    #: The proxy of all connections, http://[user:password@]address:port; "" = none. It gets CONNECT requests for
    #: the address that we vetted, also for http.
    proxy: str = ""
    #: Nameservers by address, separated by commas; "" = the system's; "system" = getaddrinfo (no times to live).
    dns: str = ""
    #: A name's addresses are kept for their time to live, at most this long.
    dns_max_ttl_ms: int = HOUR_MS
    max_content_bytes: int = 10 * 1024 * 1024
    deadline_ms: int = 30_000


class LimiterSettings(Section, frozen=True):
    """[ratelimiter]: the time when a domain may be fetched next."""

    #: An address, or the pool that a membership file describes: pool:///etc/aragog/limiters.toml.
    service: str = ""
    listen: str = "127.0.0.1:9102"
    #: Of a pool: the name of the shard that this process serves, and the file that names all of them.
    shard: str = ""
    membership: str = ""
    #: Requests a second to one registrable domain.
    qps: float = 10.0
    #: TOML or YAML file of limits of domains, hosts and wildcards, reloaded while we run.
    overrides: str = ""
    #: A candidate for it: its grants, delays and refusals are counted; it causes no request.
    shadow_overrides: str = ""
    #: A Crawl-delay of robots.txt lengthens a domain's interval up to this.
    max_crawl_delay_ms: int = 60_000
    state: str = "file:///{data_dir}/limits"
    #: Holds and blocks; of a pool: the durable Redis that its shards share.
    holds: str = "file:///{data_dir}/holds"
    #: The folder of the ledger: every grant, for `aragog politeness verify`; each limiter has its own. "" = none.
    ledger: str = "file:///{data_dir}/ledger"
    #: Its bound on the disk: the oldest grants go first.
    ledger_mib: int = 1024


class UrlStoreSettings(Section, frozen=True):
    """[urlstore]: content, metadata, links, attributes."""

    service: str = ""
    listen: str = "127.0.0.1:9103"
    metadata: str = "sqlite:///{data_dir}/urlstore.sqlite"
    #: `file:///{data_dir}/content`: one file for each page, for other programs to read; a page then costs four times as
    #: much to store.
    content: str = "sqlite:///{data_dir}/content.sqlite"


class PinLaterSettings(Section, frozen=True):
    """[pinlater]: jobs that run later, again, or never."""

    service: str = ""
    #: Pinterest's port.
    listen: str = "127.0.0.1:9010"
    backend: str = "sqlite:///{data_dir}/pinlater.sqlite"
    #: TOML file of shards instead of the one backend, reloaded while we run: docs/pinlater.md.
    shards: str = ""
    #: TOML file of rates, pauses, caps and monitor's numbers of queues, reloaded while we run: docs/pinlater.md.
    queues: str = ""
    #: SHA-256 (hex) of the password that deletes queues; empty = none is right.
    admin_hash: str = ""
    #: The password that this process sends when it drops the queue of an ended crawl.
    admin_password: str = ""


class CrawlSettings(Section, frozen=True):
    """[crawl]: the worker and its frontier."""

    frontier: str = "sqlite:///{data_dir}/frontier.sqlite"
    #: Jobs that one worker claims at a time.
    places: int = 128
    #: Bytes of content that one worker holds at a time, all pages together. A page larger than a place's share of it is
    #: fetched once more, whole, when the worker's one large place is free.
    bytes_in_flight_mib: int = 256
    max_tries: int = 4
    backoff_ms: int = 30_000
    give_up_ms: int = DAY_MS
    drain_ms: int = 10_000
    #: The life of a claim without a heartbeat: a dead worker's jobs come back after this.
    claim_timeout_ms: int = 30_000


class EventSettings(Section, frozen=True):
    """[events]: the sink of page events, and the interval of visits of one image."""

    sink: str = "file:///{data_dir}/events.jsonl"
    #: The leases on images: `memory://` if one process does all, else the durable Redis.
    leases: str = "memory://"
    image_tries: int = 5
    image_backoff_ms: int = 30_000
    image_give_up_ms: int = DAY_MS


class ExtractionSettings(Section, frozen=True):
    """[extraction]: the bounds of one page in its child process."""

    children: int = 1
    #: CPU time. By the wall clock, six times as much.
    timeout_ms: int = 10_000
    memory_mib: int = 1024
    #: Main content, word count, language and simhash of each page too: 2 to 4 ms, and its text once more in its row.
    text_features: bool = False


class MetricsSettings(Section, frozen=True):
    """[metrics]: numbers for Prometheus, of `aragog serve` and `aragog worker`."""

    #: The address of /metrics, 127.0.0.1:9464 for instance; "" = none.
    listen: str = ""


class Settings(Section, frozen=True):
    """All settings. `durability = "full"` survives power loss too, not only kill -9."""

    data_dir: str = ""
    durability: Literal["normal", "full"] = "normal"
    fetcher: FetcherSettings = FetcherSettings()
    ratelimiter: LimiterSettings = LimiterSettings()
    urlstore: UrlStoreSettings = UrlStoreSettings()
    pinlater: PinLaterSettings = PinLaterSettings()
    crawl: CrawlSettings = CrawlSettings()
    events: EventSettings = EventSettings()
    extraction: ExtractionSettings = ExtractionSettings()
    metrics: MetricsSettings = MetricsSettings()

    @property
    def data_path(self) -> Path:
        """The embedded data directory, absolute. Raises `BadConfiguration`."""
        return _resolved("data_dir", self.data_dir)

    def expand(self, url: str) -> str:
        """`url` with `{data_dir}` filled in."""
        return url.replace("{data_dir}", escaped(self.data_path)) if "{data_dir}" in url else url

    def path(self, name: str) -> Path | None:
        """The absolute path in the setting `name` (`pinlater.queues`), which is no URL; None = it is empty.

        Raises `BadConfiguration`.
        """
        section, _, key = name.partition(".")
        path: str = getattr(getattr(self, section), key)
        if "{data_dir}" in path:
            path = path.replace("{data_dir}", str(self.data_path))
        return _resolved(name, path) if path else None

    @property
    def fetches_here(self) -> bool:
        """True if this process fetches or limits by itself, and so must own the data directory."""
        return not (self.fetcher.service and self.ratelimiter.service)


_TOP = {"data_dir", "durability"}
_SECTION_OF = {kind: name for name, kind in get_type_hints(Settings).items() if name not in _TOP}
_SECTIONS = set(_SECTION_OF.values())
#: Read by others: the engines, the test suites, this module.
_FOREIGN = ("ARAGOG_ENGINE", "ARAGOG_CONFIG", "ARAGOG_CONFORMANCE", "ARAGOG_REQUIRE", "ARAGOG_TORTURE")


def _resolved(name: str, path: str) -> Path:
    """An absolute path without symbolic links: one spelling for each file, even if the current folder changes later."""
    if not path or "://" in path or "\0" in path:
        raise BadConfiguration(f"{name}: {path!r} is no path: write /full/path, or one relative to the current folder")
    try:
        return Path(path).expanduser().resolve()
    except (OSError, RuntimeError) as error:  # no such user, no current folder, a loop of links
        raise BadConfiguration(f"{name}: {path!r} can't be resolved: {error}") from error


def config_file(environment: Mapping[str, str]) -> Path:
    """The path of the configuration: `$ARAGOG_CONFIG`, else aragog.toml of the user's configuration folder."""
    named = environment.get("ARAGOG_CONFIG")
    return Path(named).expanduser() if named else user_config_path("aragog") / "aragog.toml"


def _read_file(path: Path, required: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        if required:
            raise BadConfiguration(f"{path}: no such file; unset ARAGOG_CONFIG or create it") from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadConfiguration(f"{path}: {error}") from error


def _value(name: str, text: str, current: type) -> object:
    if current in (str, int, float):
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise BadConfiguration(f"{name}: not JSON: {error}") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, text in environment.items():
        if not name.startswith("ARAGOG_") or name.startswith(_FOREIGN):
            continue
        key = name.removeprefix("ARAGOG_").lower()
        section, _, field = key.partition("_")
        if key in _TOP:
            found[key] = text
        elif section in _SECTIONS:
            kinds = get_type_hints(get_type_hints(Settings)[section])
            found.setdefault(section, {})[field] = _value(name, text, kinds.get(field, str))
        else:
            raise BadConfiguration(f"{name}: no such setting; `aragog config show` lists them all")
    return found


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        nested = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = {**result[key], **value} if nested else value
    return result


def _check(settings: Settings) -> Settings:
    limits = (
        (settings.ratelimiter.qps > 0, "ratelimiter.qps must be above 0"),
        (settings.ratelimiter.max_crawl_delay_ms >= 0, "ratelimiter.max_crawl_delay_ms must be 0 or more"),
        (settings.ratelimiter.ledger_mib >= 1, "ratelimiter.ledger_mib must be 1 or more"),
        (settings.fetcher.robots_max_age_ms > 0, "fetcher.robots_max_age_ms must be above 0"),
        (settings.fetcher.max_content_bytes > 0, "fetcher.max_content_bytes must be above 0"),
        (settings.fetcher.deadline_ms > 0, "fetcher.deadline_ms must be above 0"),
        (1 <= settings.extraction.children <= 64, "extraction.children must be 1 to 64"),
        (1 <= settings.crawl.places <= 2_000, "crawl.places must be 1 to 2000"),
        (settings.crawl.bytes_in_flight_mib > 0, "crawl.bytes_in_flight_mib must be above 0"),
        (settings.crawl.max_tries > 0, "crawl.max_tries must be above 0"),
        (settings.crawl.claim_timeout_ms >= 1_000, "crawl.claim_timeout_ms must be 1000 or more"),
    )
    for holds, message in limits:
        if not holds:
            raise BadConfiguration(message)
    return settings


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. Raises `BadConfiguration` naming the file or variable, and the key."""
    environment = os.environ if environment is None else environment
    path = config_file(environment)
    raw = _merged(_read_file(path, "ARAGOG_CONFIG" in environment), _from_environment(environment))
    raw.setdefault("data_dir", str(user_data_path("aragog")))
    try:
        settings = msgspec.convert(raw, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise BadConfiguration(f"{path} or the environment: {error}") from error
    return _check(structs.replace(settings, data_dir=str(settings.data_path)))
