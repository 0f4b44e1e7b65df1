"""Certificates good and bad, made by the openssl command when the web starts; keys never leave their folder."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

DAY = timedelta(days=1)
_CONFIGURATION = """
[ca]
default_ca = ours
[ours]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
policy = any
unique_subject = no
email_in_dn = no
copy_extensions = copy
default_md = sha256
[any]
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
commonName = unnamed
"""


def openssl(*arguments: object) -> None:
    """Run one openssl command. Raises OSError if it fails or is missing."""
    try:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)  # noqa: S603, S607
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip().splitlines()
        raise OSError(f"openssl {arguments[0]} failed: {said[0] if said else error}") from None


@dataclass(frozen=True, slots=True)
class Certificate:
    """Two files in PEM."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of our own, in a folder."""

    folder: Path
    name: str

    @property
    def certificate(self) -> Path:
        """The certificate that a client must trust; PEM."""
        return self.folder / f"{self.name}.pem"

    @property
    def _key(self) -> Path:
        return self.folder / f"{self.name}.key"

    @property
    def _configuration(self) -> Path:
        return self.folder / "openssl.cnf"

    def found(self) -> None:
        """Make the authority's own key and certificate. Raises OSError."""
        self._configuration.write_text(_CONFIGURATION.format(folder=self.folder))
        (self.folder / "index.txt").touch()
        make_key(self._key)
        openssl(
            *("req", "-x509", "-new", "-key", self._key, "-out", self.certificate, "-days", 30),
            *("-config", self._configuration, "-subj", f"/CN={self.name}"),
            *("-addext", "basicConstraints=critical,CA:true", "-addext", "keyUsage=critical,keyCertSign"),
        )

    def issue(
        self,
        name: str,
        host: str,
        start: timedelta = -DAY,
        end: timedelta = 7 * DAY,
        rsa_bits: int = 0,
        digest: str = "sha256",
    ) -> Certificate:
        """A certificate for `host` and one label below it, good between `start` and `end` from now. Raises OSError."""
        key, request, chain = (self.folder / f"{name}.{kind}" for kind in ("key", "csr", "pem"))
        make_key(key, rsa_bits)
        openssl(
            *("req", "-new", "-key", key, "-out", request, "-config", self._configuration, "-subj", f"/CN={host}"),
            *("-addext", f"subjectAltName=DNS:{host},DNS:*.{host}"),
        )
        openssl(
            *("ca", "-batch", "-notext", "-config", self._configuration, "-md", digest),
            *("-cert", self.certificate, "-keyfile", self._key, "-in", request, "-out", chain),
            *("-startdate", _date(start), "-enddate", _date(end)),
        )
        return Certificate(chain, key)

    def self_signed(self, name: str, host: str) -> Certificate:
        """A certificate that no authority has signed. Raises OSError."""
        key, chain = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        make_key(key)
        openssl(
            *("req", "-x509", "-new", "-key", key, "-out", chain, "-days", 7, "-config", self._configuration),
            *("-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host},DNS:*.{host}"),
        )
        return Certificate(chain, key)


def make_key(path: Path, rsa_bits: int = 0) -> None:
    """A private key on P-256, or RSA's. Raises OSError."""
    kind = (
        ("RSA", "-pkeyopt", f"rsa_keygen_bits:{rsa_bits}")
        if rsa_bits
        else ("EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    )
    openssl("genpkey", "-algorithm", *kind, "-out", path)


def _date(from_now: timedelta) -> str:
    return (datetime.now(UTC) + from_now).strftime("%Y%m%d%H%M%SZ")
