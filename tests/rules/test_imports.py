"""A test module imports from `tests.support`, from its own folder and from folders that contain it; from no other."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.rules.sources import Source, sources


def imported(source: Source) -> Iterator[tuple[str, ...]]:
    """The modules of the tests that a module imports, wherever in it, in parts."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom):
            beyond = source.folder[: len(source.folder) + 1 - node.level] if node.level else ()
            module = (*beyond, *(node.module.split(".") if node.module else ()))
            # `from tests import engines`: the name is the module.
            modules = [(*module, alias.name) for alias in node.names] if len(module) == 1 else [module]
        elif isinstance(node, ast.Import):
            modules = [tuple(alias.name.split(".")) for alias in node.names]
        else:
            continue
        yield from (module for module in modules if module[0] == "tests")


def allowed(folder: tuple[str, ...], module: tuple[str, ...]) -> bool:
    """True if a module in `folder` may import `module`: shared, or in this folder or one that contains it."""
    if module[:2] == ("tests", "support"):
        return True
    if len(folder) == 1:  # conftest.py
        return False
    return (
        module[: len(folder)] == folder
        or (len(module) > 2 and folder[: len(module) - 1] == module[:-1])
        or (folder[: len(module)] == module)
    )


@pytest.mark.parametrize(
    ("folder", "module", "may"),
    [
        ("tests.unit.crawler", "tests.support.stores", True),
        ("tests.unit.crawler", "tests.unit.crawler.samples", True),
        ("tests.unit.ratelimiter.pool", "tests.unit.ratelimiter.samples", True),
        ("tests.conformance.url", "tests.conformance", True),
        ("tests.unit.ratelimiter", "tests.unit.ratelimiter.pool.shards", True),
        ("tests.unit.crawler", "tests.unit.rpc.samples", False),
        ("tests.unit.crawler", "tests.contract.crawler.samples", False),
        ("tests.support", "tests.unit.rpc.samples", False),
        ("tests", "tests.unit.rpc.samples", False),
    ],
)
def test_the_rule_says(folder: str, module: str, may: bool) -> None:
    assert allowed(tuple(folder.split(".")), tuple(module.split("."))) is may


def test_each_imports_from_support_and_its_own_folder_only() -> None:
    assert [
        (source.name, ".".join(module))
        for source in sources()
        for module in imported(source)
        if not allowed(source.folder, module)
    ] == []
