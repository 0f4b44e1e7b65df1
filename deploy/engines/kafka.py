"""Apache Kafka 4.1, one KRaft node, from Maven Central's jars, on Java 17."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.engines import probes, programs
from deploy.engines.jars import jars
from deploy.engines.ports import LOOPBACK
from deploy.engines.site import Site


@dataclass(frozen=True, slots=True)
class Kafka:
    """A broker that is its own controller."""

    ports: tuple[str, ...] = ("clients", "controller")

    @property
    def packages(self) -> Mapping[str, str]:
        """Name nothing: `programs.java` finds Java by its version, `jars` asks for Maven if it needs it."""
        return {}

    def url(self, port: int) -> str:
        """Return kafka://HOST:PORT; a topic may follow as the path."""
        return f"kafka://{LOOPBACK}:{port}"

    def prepare(self, site: Site) -> None:
        """Find Java, fetch the jars."""
        programs.java()
        jars("kafka")

    def launch(self, site: Site) -> None:
        """Format the log directory the first time, then start the broker."""
        config = site.render(
            "kafka.properties", "server.properties", clients=site.port("clients"), controller=site.port("controller")
        )
        log = site.render("kafka.log4j2.xml", "log4j2.xml")
        options = site.render("kafka.jvm", "jvm.options", log=log.as_uri(), classpath=f"{jars('kafka')}/*")
        site.path("tmp", "here").parent.mkdir(exist_ok=True)
        java = [programs.java(), f"@{options}"]
        self._format(site, java, config)
        site.spawn("kafka", [*java, "kafka.Kafka", str(config)])

    def answers(self, port: int) -> bool:
        """True if ApiVersions is answered."""
        return probes.kafka_lists_versions(port)

    def _format(self, site: Site, java: list[str], config: Path) -> None:
        """Write the cluster's id into the log directory, unless it has one."""
        if site.path("data", "meta.properties").exists():
            return
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
        storage = ["kafka.tools.StorageTool", "format"]
        programs.run([*java, *storage, "-t", cluster, "-c", str(config)], site.path("format.log"))
