"""Documentation that others wrote, as Debian's packages bring it, and where each package's pages are served.

Three hosts of three registrable domains: one maker alone, one maker in eleven languages, and five makers side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DOC = Path("/usr/share/doc")


@dataclass(frozen=True, slots=True)
class Package:
    """One Debian package, mounted at a path of its host."""

    name: str
    path: str
    """Begins and ends in a slash."""
    folder: Path
    """What is served there."""
    seeds: tuple[str, ...]
    """Relative to `path`."""


@dataclass(frozen=True, slots=True)
class Site:
    """One host name and what is mounted there."""

    host: str
    domain: str
    """Its registrable domain, as anybody can see."""
    packages: tuple[Package, ...]

    def seeds(self) -> list[str]:
        """The first URL of a crawl."""
        return [f"http://{self.host}{each.path}{seed}" for each in self.packages for seed in each.seeds]


#: The libraries of which libpango1.0-doc has a reference each.
_PANGO = tuple(f"{name}/index.html" for name in ("Pango", "PangoCairo", "PangoFT2", "PangoFc", "PangoOT", "PangoXft"))
SITES = (
    # Sphinx. Large pages, deep links, one page only as .gz.
    Site(
        "docs.python.test",
        "python.test",
        (Package("python3.11-doc", "/", DOC / "python3.11/html", ("",)),),
    ),
    # XSLT of Apache's own: HTML and XHTML, UTF-8, ISO-8859-1 and EUC-KR; its home page is a meta refresh.
    Site(
        "httpd.apache.test",
        "apache.test",
        (Package("apache2-doc", "/", DOC / "apache2-doc/manual", ("",)),),
    ),
    Site(
        "www.debian.test",
        "debian.test",
        (
            # DocBook XSL; XSLT of Exim's own with canonical and robots; MkDocs; gi-docgen with OpenGraph; remark, whose
            # all.html has the most tags of any page here.
            Package("debian-reference-en", "/reference/", Path("/usr/share/debian-reference"), ("index.en.html",)),
            Package("exim4-doc-html", "/exim/", DOC / "exim4-doc-html/spec_html", ("index.html",)),
            Package("mkdocs-doc", "/mkdocs/", DOC / "mkdocs/html", ("",)),
            Package("libpango1.0-doc", "/pango/", DOC / "libpango1.0-doc/reference", _PANGO),
            Package("nodejs-doc", "/nodejs/", DOC / "nodejs/api", ("index.html",)),
        ),
    ),
)


def missing() -> list[str]:
    """Packages that this machine lacks."""
    packages = (each for site in SITES for each in site.packages)
    return [each.name for each in packages if not (each.folder / _file(each.seeds[0])).exists()]


def seeds() -> list[str]:
    """The first URLs of a crawl of all of them."""
    return [seed for site in SITES for seed in site.seeds()]


def roots() -> list[str]:
    """The first URLs of each package."""
    return [f"http://{site.host}{each.path}" for site in SITES for each in site.packages]


def _file(seed: str) -> str:
    return seed or "index.html"
