"""Documents name what exists: files, folders, modules, make targets; a room's README names the imports in force."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

import pytest

from tests.rules.sources import ROOT

ROOMS = {path.parent.name for path in ROOT.glob("[a-z]*/__init__.py")}
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "*/README.md", "docs/*.md", "docs/adr/*.md", "tests/formats/README.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"  # it tells of files as they were
)
#: Folders of the repository whose names begin a path in a document.
FOLDERS = {*ROOMS, "docs", ".ci"}

_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"[\w.-]+(?:/[\w.{}-]+)*/?")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_RUN = re.compile(r"python -m ([\w.]+)")
_IMPORT = re.compile(r"^from ([\w.]+) import (\w+)", re.MULTILINE)
_TARGET = re.compile(r"(?:^ {4}|`)make ([a-z][a-z-]*)", re.MULTILINE)
#: Modules of others that documents tell to run, and what the Thrift compiler makes for a client (docs/crawl-job.md).
_NOT_OURS = {"pytest", "pip", "benchmarks.NAME", "pinlater.PinLater"}


def named(document: Path) -> set[str]:
    """Paths in code marks: those that begin with a folder of the repository; in a README all, seen from its folder."""
    here = document.parent
    found = set()
    for code in _CODE.findall(document.read_text()):
        is_path = _PATH.fullmatch(code) and ("/" in code or code.endswith((".py", ".thrift", ".toml", ".md")))
        if not is_path or "NAME" in code:
            continue
        if "/" in code and code.split("/")[0] in FOLDERS:
            found.add(code)
        elif (
            here != ROOT and document.name == "README.md" and ((here / code.split("/")[0]).is_dir() or "/" not in code)
        ):
            found.add(f"{name(here)}/{code}")
    return found


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_room_has_a_readme_that_names_three_files_to_begin_with() -> None:
    for room in sorted(ROOMS):
        readme = (ROOT / room / "README.md").read_text()
        files = re.findall(r"^\d\. `([^`]+)`", readme, re.MULTILINE)
        assert len(files) == 3 and all((ROOT / room / file).is_file() for file in files), (room, files)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_a_file_or_folder_that_a_document_names_exists(document: Path) -> None:
    assert sorted(path for path in named(document) if not (ROOT / path).exists()) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_a_file_that_a_document_names_without_its_folder_is_somewhere(document: Path) -> None:
    codes = {code for code in _CODE.findall(document.read_text()) if re.fullmatch(r"\w+\.py", code)}
    assert sorted(codes - {path.name for room in ROOMS for path in (ROOT / room).rglob("*.py")}) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_a_link_of_a_document_leads_somewhere(document: Path) -> None:
    targets = {target for target in _LINK.findall(document.read_text()) if "://" not in target}
    assert sorted(target for target in targets if not (document.parent / target).exists()) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_a_module_that_a_document_runs_or_imports_exists(document: Path) -> None:
    text = document.read_text()
    modules = {module for module in _RUN.findall(text) if module not in _NOT_OURS}
    for module in modules:
        path = ROOT.joinpath(*module.split("."))
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module
    for module, what in _IMPORT.findall(text):
        if module.split(".")[0] in ROOMS and f"{module}.{what}" not in _NOT_OURS and module != "pinlater.ttypes":
            assert hasattr(importlib.import_module(module), what), f"{module}.{what}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_a_make_target_of_a_document_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(_TARGET.findall(document.read_text())) <= targets


def test_a_readme_names_the_imports_that_the_table_allows() -> None:
    """`pyproject.toml` holds the table."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    rows = [row.partition(":") for contract in contracts for row in contract.get("rows", ())]
    for room, _, modules in rows:
        if room not in ROOMS or modules.strip() == "all":
            continue
        (line,) = re.findall(r"^- Imports of ours: (.*)$", (ROOT / room / "README.md").read_text(), re.MULTILINE)
        assert _CODE.findall(line) == modules.replace(",", " ").split(), room
