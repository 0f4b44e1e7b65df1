"""Redis in two forms: one keeps everything that it acknowledged, the other is only a cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.engines import probes
from deploy.engines.ports import LOOPBACK
from deploy.engines.site import Site


@dataclass(frozen=True, slots=True)
class Redis:
    """A single redis-server with the configuration in `config`, a file beside this module."""

    config: str

    ports: tuple[str, ...] = ("clients",)

    @property
    def packages(self) -> Mapping[str, str]:
        """Name redis-server."""
        return {"redis-server": "redis-server"}

    def url(self, port: int) -> str:
        """Return redis://HOST:PORT/0."""
        return f"redis://{LOOPBACK}:{port}/0"

    def prepare(self, site: Site) -> None:
        """Nothing has to be fetched."""

    def launch(self, site: Site) -> None:
        """Start redis-server in the foreground of its own session."""
        site.path("data", "here").parent.mkdir(exist_ok=True)
        config = site.render(self.config, "redis.conf", port=site.port("clients"))
        site.spawn("redis", ["redis-server", str(config)])

    def answers(self, port: int) -> bool:
        """True if PING is answered by PONG."""
        return probes.redis_pongs(port)
