"""Apache Cassandra 5.0 on one node, from Maven Central's jars, on Java 17."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.engines import probes, programs
from deploy.engines.errors import EngineFailed
from deploy.engines.jars import jars
from deploy.engines.ports import LOOPBACK
from deploy.engines.site import Site


@dataclass(frozen=True, slots=True)
class Cassandra:
    """A ring of one."""

    ports: tuple[str, ...] = ("clients", "storage")

    @property
    def packages(self) -> Mapping[str, str]:
        """Name nothing: `programs.java` finds Java by its version, `jars` asks for Maven if it needs it."""
        return {}

    def url(self, port: int) -> str:
        """Return cassandra://HOST:PORT; a keyspace may follow as the path."""
        return f"cassandra://{LOOPBACK}:{port}"

    def prepare(self, site: Site) -> None:
        """Find Java, fetch the jars."""
        programs.java()
        jars("cassandra")

    def launch(self, site: Site) -> None:
        """Write the configuration and start the daemon."""
        clients, storage = site.port("clients"), site.port("storage")
        config = site.render("cassandra.yaml", "cassandra.yaml", clients=clients, storage=storage)
        log = site.render("cassandra.logback.xml", "logback.xml")
        options = site.render(
            "cassandra.jvm",
            "jvm.options",
            config=config.as_uri(),
            log=log.as_uri(),
            agent=_agent(),
            classpath=f"{jars('cassandra')}/*",
        )
        site.path("tmp", "here").parent.mkdir(exist_ok=True)
        site.spawn("cassandra", [programs.java(), f"@{options}", "org.apache.cassandra.service.CassandraDaemon"])

    def answers(self, port: int) -> bool:
        """True if CQL's OPTIONS is answered by SUPPORTED."""
        return probes.cassandra_supports(port)


def _agent() -> str:
    """Return the path of jamm, the agent by which Cassandra measures its memtables; it doesn't start without it."""
    for jar in jars("cassandra").glob("jamm-*.jar"):
        return str(jar)
    raise EngineFailed(f"no jamm-*.jar in {jars('cassandra')}: remove that directory, it is fetched again")
