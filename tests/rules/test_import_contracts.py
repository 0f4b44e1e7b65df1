"""Every import contract of pyproject.toml holds today, and fails on an import that it forbids.

One graph is built for all of them; each test adds its import to a copy.
"""

from __future__ import annotations

import importlib
import re
import tomllib
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import grimp
import pytest
from grimp import ImportGraph
from importlinter import Contract, ContractCheck
from importlinter.api import read_configuration
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract

from tests.rules.import_contracts import ROOT, pure_modules, says_pure

_PYPROJECT = ROOT / "pyproject.toml"
_CONFIGURATION = read_configuration(str(_PYPROJECT))
_OPTIONS = {options["id"]: options for options in _CONFIGURATION["contracts_options"]}
_SESSION = _CONFIGURATION["session_options"]
_ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
_PACKAGES: list[str] = _SESSION["root_packages"]


def contract_types() -> dict[str, type[Contract]]:
    """import-linter's types that we use, and ours as pyproject.toml names them."""
    types: dict[str, type[Contract]] = {
        "acyclic_siblings": AcyclicSiblingsContract,
        "forbidden": ForbiddenContract,
        "layers": LayersContract,
    }
    for entry in _SESSION["contract_types"]:
        name, path = entry.split(": ")
        module, _, attribute = path.rpartition(".")
        types[name] = getattr(importlib.import_module(module), attribute)
    return types


@cache
def graph_of_today() -> ImportGraph:
    """The imports of all packages, as `make check` reads them."""
    return grimp.build_graph(*_PACKAGES, include_external_packages=True, cache_dir=None)


def checked(contract: str, graph: ImportGraph, **changes: Any) -> ContractCheck:
    """The contract's verdict on a graph, which it may change."""
    options = _OPTIONS[contract] | changes
    kind = contract_types()[options["type"]]
    return kind(options["name"], _SESSION, options).check(graph, verbose=False)


def with_import(importer: str, imported: str) -> ImportGraph:
    """Today's imports and one more."""
    graph = deepcopy(graph_of_today())
    for module in (importer, imported):
        if module not in graph.modules:
            is_ours = module.partition(".")[0] in _PACKAGES
            graph.add_module(module, is_squashed=not is_ours)
    graph.add_import(importer=importer, imported=imported)
    return graph


BREAKS = {
    "table": [
        ("weburl.parser", "extraction.tags"),
        ("weburl.parser", "thrift_idl.gen.page.ttypes"),
        ("weburl.parser", "runtime.clock"),
        ("runtime.clock", "drivers.paths"),
        ("runtime.clock", "thrift_idl.records"),
        ("drivers.sqlite", "crawler.frontier"),
        ("drivers.sqlite", "thrift_idl.records"),
        ("testweb.server", "runtime.host_port"),
        ("extraction.page", "runtime.children"),
        ("extraction.page", "urlstore.headers"),
        ("thrift_idl.records", "weburl"),
        ("thrift_idl.records", "runtime.clock"),
        ("thrift_idl.rpc.client_connection", "drivers.paths"),
        ("thrift_idl.errors", "thrift_idl.records"),
        ("thrift_idl.errors", "runtime.durations"),
        ("ratelimiter.service", "fetcher.addresses"),
        ("pinlater.service", "crawler.job.body"),
        ("fetcher.service", "extraction.text_features"),
        ("fetcher.service", "extraction"),
        ("fetcher.service", "crawler.visit.visitor"),
        ("urlstore.service", "fetcher.service"),
        ("recommender_hooks.service", "urlstore.headers"),
        ("crawler.visit.visitor", "fetcher.service"),
        ("crawler.visit.visitor", "pinlater.service"),
        ("crawler.visit.visitor", "urlstore.headers"),
        ("crawler.visit.visitor", "aragog.settings"),
        ("deploy.engines.engine", "drivers.paths"),
    ],
    "pure": [
        ("weburl.parser", "socket"),
        ("weburl.domain", "threading"),
        ("extraction.tags", "asyncio"),
        ("extraction.page", "runtime.clock"),
        ("crawler.job.retry_decision", "asyncio"),
        ("crawler.frontier.book", "crawler.frontier.sqlite"),
        ("ratelimiter.next_slot", "time"),
        ("ratelimiter.overrides", "ratelimiter.limits"),  # which imports asyncio
        ("fetcher.answer_rules", "ssl"),
        ("fetcher.robots.rules", "drivers.redis"),
        ("pinlater.monitor_rules", "sqlite3"),
        ("urlstore.page_updates", "urlstore.backends.sqlite"),
        ("recommender_hooks.events.page_event", "redis"),
    ],
    "drivers": [
        ("urlstore.page_updates", "cassandra"),
        ("urlstore.service", "boto3"),
        ("crawler.frontier.scope", "redis"),
        ("aragog.assembly.backends", "confluent_kafka"),
        ("fetcher.service", "botocore"),
        ("runtime.batching", "redis"),
        ("runtime.clock", "psycopg"),  # nobody imports it yet
    ],
    "backends": [
        ("pinlater.backends.redis", "pinlater.service"),
        ("urlstore.backends.sqlite", "urlstore.service"),
    ],
    "circles": [
        ("weburl.host_form", "weburl.url"),
        ("aragog.telemetry_log", "aragog.metrics"),
        ("ratelimiter.ledger.lines", "ratelimiter.pace"),
        ("recommender_hooks.images.image_visits", "recommender_hooks.events.page_event"),
        ("crawler.visit.visitor", "crawler.job.body"),
        ("benchmarks.medians", "benchmarks.__main__"),
    ],
    "aragog": [
        ("aragog.settings", "aragog.assembly.services"),
        ("aragog.doctor", "aragog.cli.terminal"),
        ("aragog.explain", "aragog.doctor"),
        ("aragog.assembly.rekeying", "aragog.export"),
        ("aragog.cli.console", "aragog.demo"),
        ("aragog.newcomer", "aragog.settings"),  # no layer names it
    ],
    "crawler": [
        ("crawler.frontier.scope", "crawler.job.body"),
        ("crawler.visit.visitor", "crawler.job.body"),
        ("crawler.job.body", "crawler.seeds.crawl_start"),
        ("crawler.seeds.crawl_start", "crawler.worker.crawling"),
        ("crawler.newcomer", "weburl"),
    ],
}


def test_each_contract_has_an_import_that_breaks_it() -> None:
    assert BREAKS.keys() == _OPTIONS.keys()


@pytest.mark.parametrize("contract", _OPTIONS)
def test_a_contract_holds_today(contract: str) -> None:
    assert checked(contract, deepcopy(graph_of_today())).kept


@pytest.mark.parametrize(
    ("contract", "importer", "imported"),
    [(contract, *each) for contract, imports in BREAKS.items() for each in imports],
)
def test_a_contract_fails_on_an_import_that_it_forbids(contract: str, importer: str, imported: str) -> None:
    today = graph_of_today()
    known = {importer, imported} <= today.modules
    assert not known or not today.direct_import_exists(importer=importer, imported=imported)
    assert not checked(contract, with_import(importer, imported)).kept


@pytest.mark.parametrize("importer", ["fetcher.service", "urlstore.headers", "recommender_hooks.publication_rules"])
def test_x_robots_tag_is_read_where_fetcher_store_and_hooks_may_import_it(importer: str) -> None:
    assert checked("table", with_import(importer, "weburl.robots_directives")).kept


def test_every_import_that_a_test_adds_is_one_between_modules_that_exist() -> None:
    """So that a module that moves takes its example along, instead of leaving one that proves nothing."""
    named = {module for imports in BREAKS.values() for each in imports for module in each}
    ours = {module for module in named if module.partition(".")[0] in _PACKAGES and not module.endswith(".newcomer")}
    assert ours - graph_of_today().modules == set()


def test_a_package_without_a_row_breaks_the_table() -> None:
    rows = [row for row in _OPTIONS["table"]["rows"] if not row.startswith("crawler:")]
    assert not checked("table", deepcopy(graph_of_today()), rows=rows).kept


def test_the_contracts_cover_every_package_but_the_tests() -> None:
    project = tomllib.loads(_PYPROJECT.read_text())
    installed = {pattern.rstrip("*") for pattern in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert set(_PACKAGES) == installed | {"benchmarks", "deploy"}
    assert sorted(_OPTIONS["circles"]["ancestors"]) == sorted(_PACKAGES)


def documented_table() -> dict[str, list[str]]:
    """The table of docs/architecture.md: package -> modules, `all` for everything."""
    rows = re.findall(r"^\| (`.*) \| (.*) \|$", _ARCHITECTURE.partition("## The way of")[0], re.MULTILINE)
    named = re.compile(r"`([^`]+)`")
    return {
        package: ["all"] if modules.startswith("everything") else named.findall(modules)
        for packages, modules in rows
        for package in named.findall(packages)
    }


def test_the_documented_table_is_in_force() -> None:
    rows = (row.partition(":") for row in _OPTIONS["table"]["rows"])
    assert documented_table() == {package: modules.replace(",", " ").split() for package, _, modules in rows}


def test_the_picture_of_the_house_shows_every_folder_of_code() -> None:
    picture = _ARCHITECTURE.split("```")[1]
    shown = {name.partition("/")[0] for name in re.findall(r"^[a-z_/]+/(?=\s)|(?<=  )[a-z]+/", picture, re.MULTILINE)}
    code = {path.parent.name for path in ROOT.glob("*/*.py") if not path.parent.name.startswith(".")}
    assert shown - {"docs", "rpc"} == code


def test_the_drivers_of_the_distributed_assembly_are_heavy() -> None:
    extra = tomllib.loads(_PYPROJECT.read_text())["project"]["optional-dependencies"]["distributed"]
    modules = {name.removesuffix("-driver").replace("-", "_") for name in extra}
    assert modules <= set(_OPTIONS["drivers"]["protected_modules"])
    assert set(_OPTIONS["drivers"]["protected_modules"]) <= set(_OPTIONS["pure"]["forbidden_modules"])


def test_modules_that_call_themselves_pure_are_found_by_their_docstring(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "__init__.py").write_text('"""A store: its rules are pure modules."""\n')
    (tmp_path / "store" / "rules.py").write_text('"""The rules of the store. Pure: time is an argument."""\n')
    (tmp_path / "store" / "disk.py").write_text('"""The disk of the store."""\nPURE = "Pure."\n')
    assert [name for name in ("store", "store.rules", "store.disk") if says_pure(name, tmp_path)] == ["store.rules"]


def test_the_pure_modules_are_many_and_in_every_service() -> None:
    pure = set(pure_modules(graph_of_today(), _PACKAGES, _OPTIONS["pure"]["packages"]))
    services = {module.partition(".")[0] for module in pure}
    assert {"crawler", "fetcher", "pinlater", "ratelimiter", "recommender_hooks", "runtime", "urlstore"} <= services


BY_NAME = {
    "benchmarks/urls.py": "a peer's library, which may be absent",
    "aragog/cli/commands.py": "a command is imported when it is typed: a filter in a pipe starts without the crawler",
    "runtime/child.py": "a child process is told its function as text",
    "thrift_idl/rpc/methods.py": "the compiler's module of a service, by the name of its Protocol",
}
"""The files that import a module by its name in a string, and their reason: no contract sees such an import."""


def test_no_other_file_imports_a_module_by_its_name() -> None:
    files = (path for package in _PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    by_name = re.compile(r"\b(import_module|__import__)\b")
    assert {path.relative_to(ROOT).as_posix() for path in files if by_name.search(path.read_text())} == set(BY_NAME)


def test_an_import_for_types_alone_counts_like_any_other() -> None:
    assert "exclude_type_checking_imports" not in _SESSION


def test_the_table_has_one_row_for_a_package() -> None:
    packages = [row.partition(":")[0] for row in _OPTIONS["table"]["rows"]]
    assert len(packages) == len(set(packages))
