"""S3 from Ceph's object gateway over one monitor and one OSD, from Debian's packages."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.engines import probes, programs
from deploy.engines.errors import EngineFailed
from deploy.engines.ports import LOOPBACK
from deploy.engines.site import Site

# The one user of a store that only this machine can reach.
_KEY = "aragog"
_SECRET = "aragog-on-loopback"  # noqa: S105  # guards nothing

_MONITOR_START_MS = 20_000


@dataclass(frozen=True, slots=True)
class CephGateway:
    """Monitor, OSD, gateway: three processes that are killed, paused and started together."""

    ports: tuple[str, ...] = ("clients", "monitor")

    @property
    def packages(self) -> Mapping[str, str]:
        """Name Ceph's programs."""
        return {
            "ceph": "ceph-common",
            "ceph-mon": "ceph-mon",
            "ceph-osd": "ceph-osd",
            "monmaptool": "ceph-common",
            "radosgw": "radosgw",
            "radosgw-admin": "radosgw",
        }

    def url(self, port: int) -> str:
        """Return s3://KEY:SECRET@HOST:PORT, spoken to over plain HTTP; a bucket may follow as the path."""
        return f"s3://{_KEY}:{_SECRET}@{LOOPBACK}:{port}"

    def prepare(self, site: Site) -> None:
        """Nothing has to be fetched."""

    def launch(self, site: Site) -> None:
        """Start the three, in order. The first time, and after a first start that failed, from nothing."""
        formatted = site.path("formatted")  # holds the cluster's id
        fresh = not formatted.exists()
        fsid = str(uuid.uuid4()) if fresh else formatted.read_text()
        site.render("ceph.conf", "ceph.conf", fsid=fsid, clients=site.port("clients"), monitor=site.port("monitor"))
        if fresh:
            site.wipe("mon", "osd", "rgw")
            self._format_monitor(site, fsid)
        self._spawn_monitor(site)
        if fresh:
            self._format_osd(site)
        site.spawn("osd", ["ceph-osd", *_conf(site), "--id", "0", "-f"])
        if fresh:
            self._make_user(site)
            formatted.write_text(fsid)
        site.spawn("gateway", ["radosgw", *_conf(site), "-n", "client.rgw", "-f"])

    def answers(self, port: int) -> bool:
        """True if HTTP is answered."""
        return probes.s3_answers(port)

    def _format_monitor(self, site: Site, fsid: str) -> None:
        site.path("rgw", "here").parent.mkdir(exist_ok=True)
        monmap, log = str(site.path("monmap")), site.path("format.log")
        at = f"[v2:{LOOPBACK}:{site.port('monitor')}]"
        programs.run(["monmaptool", "--create", "--clobber", "--fsid", fsid, "--addv", "a", at, monmap], log)
        programs.run(["ceph-mon", *_conf(site), "--id", "a", "--mkfs", "--monmap", monmap], log)

    def _spawn_monitor(self, site: Site) -> None:
        monitor = site.spawn("monitor", ["ceph-mon", *_conf(site), "--id", "a", "-f"])
        deadline = time.monotonic() + _MONITOR_START_MS / 1000
        while not probes.listens(site.port("monitor")):
            if not monitor.alive or time.monotonic() > deadline:
                raise EngineFailed(f"Ceph's monitor does not start:\n{site.log_tail()}")
            time.sleep(0.05)

    def _format_osd(self, site: Site) -> None:
        log = site.path("format.log")
        programs.run(["ceph", *_conf(site), "osd", "create"], log)
        site.path("osd", "here").parent.mkdir(exist_ok=True)
        programs.run(["ceph-osd", *_conf(site), "--id", "0", "--mkfs"], log)

    def _make_user(self, site: Site) -> None:
        """Make the S3 user; this waits until the OSD is up, because a user is an object, too."""
        user = ["user", "create", "--uid=aragog", "--display-name=aragog"]
        keys = [f"--access-key={_KEY}", f"--secret={_SECRET}"]
        programs.run(["radosgw-admin", *_conf(site), *user, *keys], site.path("format.log"))


def _conf(site: Site) -> list[str]:
    return ["-c", str(site.path("ceph.conf"))]
