"""The tables: complete, readable, and every page reached from the seeds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from testweb import SampleWeb
from testweb.expectation import load
from testweb.sites import IMAGES, PAGES, load_sites

SITES = load_sites()


def test_every_file_is_served_by_some_url() -> None:
    served = {
        PAGES / site.host / each.file
        for site in SITES.values()
        for rule in site.rules.values()
        for each in (rule, *rule.epochs)
        if each.file
    }
    assert {path for path in PAGES.glob("*/*") if path.name != "site.toml"} == served


def test_every_site_and_every_odd_page_says_what_it_is_for() -> None:
    for site in SITES.values():
        assert site.purpose
        for target, rule in site.rules.items():
            silent = rule.image or "robots" in target or rule.status in (302, 308) or rule.epochs
            assert rule.purpose or silent, f"{site.host}{target}"


def test_every_page_is_reached_from_the_seeds_but_those_that_say_why_not() -> None:
    web, expected = SampleWeb(), load()
    reached: set[str] = set()
    queue = web.seeds()
    while queue:
        url = queue.pop()
        if url in reached or url not in expected:
            continue
        reached.add(url)
        page = expected[url]
        queue += [link.url for link in page.outlinks if not link.nofollow]
        queue += [hop for _, hop in page.hops] + [page.final_url]
        if page.code == "too_many_redirects":
            queue += ["http://moves.test/loop-b"]
    orphans = {
        f"http://{site.host}{target}" for site in SITES.values() for target, rule in site.rules.items() if rule.orphan
    }
    assert set(web.urls()) - reached == orphans


def test_images_are_small_and_what_their_names_say() -> None:
    formats = {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP"}
    paths = [path for path in IMAGES.iterdir() if path.suffix in formats]
    assert {rule.image for site in SITES.values() for rule in site.rules.values() if rule.image} == {
        path.name for path in paths
    }
    for path in paths:
        assert path.stat().st_size < 8_192
        with Image.open(path) as image:
            image.load()
            assert image.format == formats[path.suffix]


def test_a_nonce_stands_in_the_file_that_it_varies() -> None:
    for site in SITES.values():
        for rule in site.rules.values():
            if rule.nonce:
                assert rule.nonce.encode() in rule.content


def test_the_server_needs_nothing_but_the_standard_library() -> None:
    script = "import sys, testweb, testweb.expectation; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    foreign = {name for name in done.stdout.split() if name not in sys.stdlib_module_names}
    assert {name for name in foreign if not re.match(r"_|__editable__|testweb$|sitecustomize", name)} == set()


def table(folder: Path, text: str) -> Path:
    (folder / "odd.test").mkdir()
    (folder / "odd.test" / "site.toml").write_text('purpose = "odd"\n' + text)
    return folder


def test_an_unknown_key_of_a_table_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"odd\.test.*\[/\]: unknown key 'stauts'"):
        load_sites(table(tmp_path, '["/"]\nstauts = 200\n'))


def test_a_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.html"):
        load_sites(table(tmp_path, '["/"]\nfile = "gone.html"\n'))
