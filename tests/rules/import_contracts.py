"""Contracts on imports that import-linter lacks: a table of allowed imports, pure modules, packages with few importers.

`pyproject.toml` names them under `contract_types`, so that `make check` holds them with import-linter's own.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.application import contract_utils
from importlinter.contracts.protected import ProtectedContract

ROOT = Path(__file__).parents[2]
_SAYS_PURE = re.compile(r"\bPure\b")


def is_under(module: str, package: str) -> bool:
    """True if `module` is `package` or lies in it."""
    return module == package or module.startswith(f"{package}.")


class ImportTable(Contract):
    """Each package imports no other module of ours than those in its row, and what lies in them.

    A row is `package: module, module`. The row of a subpackage or module takes the place of its package's. `all` allows
    everything. A package without a row breaks the contract: nothing is allowed by having been forgotten.
    """

    type_name = "import_table"

    rows = fields.ListField(subfield=fields.StringField())
    ignore_imports = fields.SetField(subfield=fields.ImportExpressionField(), required=False)
    unmatched_ignore_imports_alerting = fields.EnumField(
        contract_utils.AlertLevel, default=contract_utils.AlertLevel.ERROR
    )

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Compare every import of the graph with its row."""
        removal = contract_utils.remove_ignored_imports_and_report(
            graph,
            self.ignore_imports,  # type: ignore[arg-type]  # the value that the field has parsed
            self.unmatched_ignore_imports_alerting,  # type: ignore[arg-type]
        )
        roots = set(self.session_options["root_packages"])
        illegal = sorted(_outside(graph, roots, dict(map(_row, self.rows))))  # type: ignore[call-overload]
        return ContractCheck(kept=not illegal, warnings=list(removal.warnings), metadata={"illegal": illegal})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each import that no row allows."""
        _print(check.metadata["illegal"])


def _row(text: str) -> tuple[str, tuple[str, ...]]:
    package, _, modules = text.partition(":")
    return package.strip(), tuple(modules.replace(",", " ").split())


def _outside(graph: ImportGraph, roots: set[str], table: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    for module in graph.modules:
        if module.partition(".")[0] not in roots:
            continue
        package = max((row for row in table if is_under(module, row)), key=len, default="")
        if not package:
            yield module, "has no row in the table"
            continue
        may = (package, *table[package])
        for imported in graph.find_modules_directly_imported_by(module):
            is_ours = imported.partition(".")[0] in roots
            if is_ours and "all" not in may and not any(is_under(imported, each) for each in may):
                yield module, imported


class PureModules(Contract):
    """Modules that decide and don't act: none reaches, directly or by others, a module or package that acts.

    Pure is each module of `packages`, and each one whose docstring says "Pure". `forbidden_modules` are what acts: each
    with the modules in it, except the pure ones among them.
    """

    type_name = "pure_modules"

    packages = fields.ListField(subfield=fields.StringField())
    forbidden_modules = fields.SetField(subfield=fields.ModuleExpressionField())
    ignore_imports = fields.SetField(subfield=fields.ImportExpressionField(), required=False)
    unmatched_ignore_imports_alerting = fields.EnumField(
        contract_utils.AlertLevel, default=contract_utils.AlertLevel.ERROR
    )

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Look for the way from each pure module to each that acts."""
        removal = contract_utils.remove_ignored_imports_and_report(
            graph,
            self.ignore_imports,  # type: ignore[arg-type]  # the value that the field has parsed
            self.unmatched_ignore_imports_alerting,  # type: ignore[arg-type]
        )
        pure = set(pure_modules(graph, self.session_options["root_packages"], self.packages))  # type: ignore[arg-type]
        acting = {
            module
            for expression in self.forbidden_modules  # type: ignore[attr-defined]
            for found in _matching(graph, str(expression))
            for module in (found, *_inside(graph, found))
        } - pure
        chains = sorted(
            graph.find_shortest_chain(importer=module, imported=acts) or ()
            for module in pure
            for acts in graph.find_upstream_modules(module) & acting
        )
        return ContractCheck(kept=not chains, warnings=list(removal.warnings), metadata={"illegal": _shortest(chains)})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each way to a module that acts."""
        _print(check.metadata["illegal"])


class GuardedPackages(ProtectedContract):
    """import-linter's "protected" that may name packages before a module of ours imports them."""

    type_name = "guarded_packages"

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Compare the importers of each package that the graph has."""
        named: list[Any] = self.protected_modules  # type: ignore[assignment]  # the value that the field has parsed
        self.protected_modules = [each for each in named if each.expression in graph.modules]  # type: ignore[assignment]
        return super().check(graph, verbose)


def pure_modules(graph: ImportGraph, roots: Iterable[str], packages: Iterable[str]) -> Iterator[str]:
    """The pure modules of ours in the graph."""
    for module in graph.modules:
        if module.partition(".")[0] in roots and (
            any(is_under(module, each) for each in packages) or says_pure(module)
        ):
            yield module


@cache
def says_pure(module: str, root: Path = ROOT) -> bool:
    """True if the module's docstring has the word "Pure", with a capital: a package whose docstring tells of pure
    modules isn't one."""
    path = root.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not file.is_file():  # a test's, of the graph alone
        return False
    text = file.read_text(encoding="utf-8")
    return "Pure" in text and bool(_SAYS_PURE.search(ast.get_docstring(ast.parse(text)) or ""))


def _matching(graph: ImportGraph, expression: str) -> set[str]:
    return graph.find_matching_modules(expression) if "*" in expression else {expression} & graph.modules


def _inside(graph: ImportGraph, module: str) -> set[str]:
    return set() if graph.is_module_squashed(module) else graph.find_descendants(module)


def _shortest(chains: list[Any]) -> list[tuple[str, ...]]:
    """The chains that hold no other of them: a module that imports an impure one is told once."""
    told: list[tuple[str, ...]] = []
    for chain in sorted(chains, key=len):
        if not any(chain[-len(each) :] == each for each in told):
            told.append(chain)
    return told


def _print(chains: Iterable[Iterable[str]]) -> None:
    for chain in chains:
        output.print_error("  ".join(["-", " -> ".join(chain)]), bold=False)
    output.new_line()
