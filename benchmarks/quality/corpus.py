"""Two hundred pages of many makers: written after templates, made by site generators, documentation of this system."""

from __future__ import annotations

import html
import subprocess
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from benchmarks.peer_environment import environment

HERE = Path(__file__).parent
SITE = "http://notes.test"
_EACH = 11
_LARGEST = 200 * 1024
GENERATORS = (
    "mkdocs==1.6.1",
    "mkdocs-material==9.7.0",
    "sphinx",
    "furo",
    "sphinx-rtd-theme",
    "pelican",
    "pdoc",
    "markdown",
)
#: Maker -> where Debian keeps its pages.
DOCUMENTATION = {
    "sphinx of CPython": "/usr/share/doc/python3.11/html",
    "apache2": "/usr/share/doc/apache2-doc/manual/en",
    "gi-docgen": "/usr/share/doc/libpango1.0-doc",
    "xfpt": "/usr/share/doc/exim4-doc-html",
    "libxslt": "/usr/share/doc/libxslt1-dev",
    "nodejs": "/usr/share/doc/nodejs",
    "docbook of valgrind": "/usr/share/doc/valgrind",
    "mkdocs": "/usr/share/doc/mkdocs",
    "bootstrap": "/usr/share/doc/libjs-bootstrap4",
    "texinfo of libffi": "/usr/share/doc/libffi8",
    "docbook of debian-reference": "/usr/share/debian-reference",
    "gtk-doc": "/usr/share/gtk-doc/html",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """A page; `text` is its article where we wrote it, "" elsewhere."""

    maker: str
    url: str
    content: bytes
    text: str = ""


def articles() -> list[dict[str, Any]]:
    """Our own texts."""
    found: list[dict[str, Any]] = tomllib.loads((HERE / "articles.toml").read_text(encoding="utf-8"))["article"]
    return found


def samples(work: Path) -> list[Sample]:
    """All pages that can be had here; `work`: where sites are generated."""
    return [*written(), *generated(work), *documentation()]


def written() -> Iterator[Sample]:
    """Each article in each template."""
    for template in sorted((HERE / "pages").glob("*.html")):
        page = Template(template.read_text(encoding="utf-8"))
        for article in articles():
            url = f"{SITE}/{template.stem}/{article['slug']}"
            fields = {name: html.escape(value) for name, value in article.items() if isinstance(value, str)}
            fields |= {"url": url, "image": f"{SITE}/images/{article['image']}", "body": _paragraphs(article)}
            yield Sample(template.stem, url, page.substitute(fields).encode(), text_of(article))


def text_of(article: dict[str, Any]) -> str:
    """The article of a page: title and paragraphs."""
    return "\n".join((article["title"], *article["paragraphs"]))


def _paragraphs(article: dict[str, Any]) -> str:
    return "\n".join(f"<p>{html.escape(each, quote=False)}</p>" for each in article["paragraphs"])


def documentation() -> Iterator[Sample]:
    """Some pages of each maker, spread over what is installed."""
    for maker, folder in DOCUMENTATION.items():
        paths = [path for path in sorted(Path(folder).rglob("*.html")) if 2_000 < path.stat().st_size < _LARGEST]
        for path in paths[:: max(1, len(paths) // _EACH)][:_EACH]:
            yield Sample(maker, f"http://docs.test{path}", path.read_bytes())


def generated(work: Path) -> Iterator[Sample]:
    """Our articles as the sites of generators that are packages of Python."""
    venv = environment("generators", GENERATORS)
    for maker, make in _MAKERS.items():
        folder = work / maker.replace(" ", "-")
        folder.mkdir(parents=True, exist_ok=True)
        make(folder, venv / "bin")
        by_slug = {article["slug"]: article for article in articles()}
        for path in sorted(folder.glob("out/**/*.html")):
            article = by_slug.get(path.stem) or by_slug.get(path.parent.name)
            if article:
                yield Sample(
                    maker, f"{SITE}/{maker.replace(' ', '-')}/{path.name}", path.read_bytes(), text_of(article)
                )


def _markdown(folder: Path, head: Callable[[dict[str, Any]], str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for article in articles():
        body = "\n\n".join(article["paragraphs"])
        (folder / f"{article['slug']}.md").write_text(f"{head(article)}\n\n{body}\n", encoding="utf-8")


def _material(folder: Path, programs: Path) -> None:
    _markdown(folder / "docs", lambda article: f"# {article['title']}")
    (folder / "docs/index.md").write_text("# Notes\n")
    settings = "site_name: Marginal Notes\ntheme: {name: material, font: false}\nsite_dir: out\nplugins: []\n"
    (folder / "mkdocs.yml").write_text(settings)
    _run([programs / "mkdocs", "build", "-q"], folder)


def _sphinx(theme: str) -> Callable[[Path, Path], None]:
    def make(folder: Path, programs: Path) -> None:
        (folder / "conf.py").write_text(f"project = 'Marginal Notes'\nhtml_theme = '{theme}'\n")
        names = "\n".join(f"   {article['slug']}" for article in articles())
        (folder / "index.rst").write_text(f"Notes\n=====\n\n.. toctree::\n\n{names}\n")
        for article in articles():
            body = "\n\n".join(article["paragraphs"])
            text = f"{article['title']}\n{'=' * len(article['title'])}\n\n{body}\n"
            (folder / f"{article['slug']}.rst").write_text(text, encoding="utf-8")
        _run([programs / "sphinx-build", "-q", "-b", "html", ".", "out"], folder)

    return make


def _pelican(folder: Path, programs: Path) -> None:
    _markdown(
        folder / "content",
        lambda article: f"Title: {article['title']}\nDate: {article['date']}\nSlug: {article['slug']}\nCategory: Notes",
    )
    (folder / "settings.py").write_text("SITENAME = 'Marginal Notes'\nAUTHOR = 'Us'\nTIMEZONE = 'UTC'\n")
    _run([programs / "pelican", "content", "-o", "out", "-s", "settings.py", "-q"], folder)


def _pdoc(folder: Path, programs: Path) -> None:
    for article in articles():
        body = "\n\n".join((article["title"], *article["paragraphs"]))
        (folder / f"{article['slug'].replace('-', '_')}.py").write_text(f'"""{body}"""\n', encoding="utf-8")
    modules = [f"{article['slug'].replace('-', '_')}.py" for article in articles()]
    _run([programs / "pdoc", "-o", "out", *modules], folder)
    for path in folder.glob("out/*_*.html"):
        path.rename(path.with_name(path.name.replace("_", "-")))


def _run(command: Iterable[object], folder: Path) -> None:
    subprocess.run([str(each) for each in command], cwd=folder, check=True, stdout=subprocess.DEVNULL)


_MAKERS: dict[str, Callable[[Path, Path], None]] = {
    "mkdocs material": _material,
    "sphinx furo": _sphinx("furo"),
    "sphinx rtd": _sphinx("sphinx_rtd_theme"),
    "sphinx alabaster": _sphinx("alabaster"),
    "pelican": _pelican,
    "pdoc": _pdoc,
}
