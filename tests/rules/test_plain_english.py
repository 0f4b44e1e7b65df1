"""Docstrings begin with a noun or a verb, as docs/style.md asks: no question word comes first."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.rules.sources import ROOT

QUESTIONS = {"who", "whom", "whose", "what", "which", "where", "when", "whether", "why", "how"}
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
PACKAGES = (
    *("aragog", "crawler", "deploy", "drivers", "extraction", "fetcher", "pinlater", "ratelimiter"),
    *("recommender_hooks", "runtime", "testweb", "thrift_idl", "urlstore", "weburl", "tests", "benchmarks"),
)


def is_question(docstring: str) -> bool:
    """True if a docstring begins with a word that asks."""
    first = docstring.split(maxsplit=1)[0] if docstring.strip() else ""
    return first.strip(",.:;?").lower() in QUESTIONS


def docstrings(path: Path) -> list[tuple[int, str]]:
    """The docstrings of a module, its classes and functions, each with its line."""
    tree = ast.parse(path.read_text())
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | FUNCTION)]
    return [(getattr(node, "lineno", 1), text) for node in nodes if (text := ast.get_docstring(node)) is not None]


@pytest.mark.parametrize("docstring", ["What a page says.", "Whose turn it is.", "How, and why.", "Who?"])
def test_a_question_is_found(docstring: str) -> None:
    assert is_question(docstring)


@pytest.mark.parametrize("docstring", ["The statements of a page.", "Whatever.", "", "Howling."])
def test_a_noun_is_no_question(docstring: str) -> None:
    assert not is_question(docstring)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_docstring_begins_with_a_question(package: str) -> None:
    generated = ROOT / "thrift_idl" / "gen"
    paths = [path for path in sorted((ROOT / package).rglob("*.py")) if not path.is_relative_to(generated)]
    assert paths
    assert [
        (f"{path.relative_to(ROOT)}:{line}", text)
        for path in paths
        for line, text in docstrings(path)
        if is_question(text)
    ] == []
