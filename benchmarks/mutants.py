"""Mutants of the pure modules, a seeded sample by mutmut: how many of them do the fast tests kill?

`make mutants` tries 2,000 of them in a copy of the tracked files under .bench/mutants. Then it prints the killed share
of each module, and each survivor with its change. `make mutants ARGS="--count 200 --only ratelimiter"` tries less.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.peer_environment import ROOT, environment
from tests.rules.import_contracts import says_pure

MUTMUT = "mutmut==3.8.1"
FOLDER = ROOT / ".bench/mutants"

_OTHER_CODE = ("tests/", "benchmarks/", "deploy/", "thrift_idl/")
_TESTS = ("tests/unit", "tests/property")


@dataclass(frozen=True, slots=True)
class Fate:
    """The end of one mutant."""

    name: str
    """mutmut's: `module.x_function__mutmut_N`."""
    status: str
    """killed, survived, no tests, timeout, or another word of mutmut."""

    @property
    def module(self) -> str:
        """The module that was changed."""
        return self.name.rpartition(".")[0].split(".xǁ")[0]


def pure_modules(files: Iterable[str]) -> list[str]:
    """Those of the files that the import rules take for pure."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    packages = next(each["packages"] for each in contracts if each.get("id") == "pure")
    folders = tuple(f"{package.replace('.', '/')}/" for package in packages)
    code = (file for file in files if file.endswith(".py") and not file.startswith(_OTHER_CODE))
    modules = (file for file in code if not file.endswith("__init__.py"))
    return [file for file in modules if file.startswith(folders) or says_pure(file[:-3].replace("/", "."))]


def sample(names: Iterable[str], count: int, seed: int) -> list[str]:
    """`count` of the names, the same for the same seed and the same names."""
    every = sorted(names)
    return sorted(random.Random(seed).sample(every, min(count, len(every))))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print; 1 where fewer are killed than `--least` says."""
    asked = _parser().parse_args(arguments)
    files = _tracked()
    modules = [file for file in pure_modules(files) if file.startswith(tuple(asked.only))]
    _copy(files, modules)
    _mutmut("run", "--max-children", str(asked.processes), "nothing.*", quiet=True)
    names = sample(_fates(), asked.count, asked.seed)
    print(f"{len(names)} of {len(_fates())} mutants of {len(modules)} pure modules, seed {asked.seed}", flush=True)
    _mutmut("run", "--max-children", str(asked.processes), *names)
    chosen = set(names)
    fates = [fate for name, fate in _fates().items() if name in chosen]
    killed = _report(fates)
    if not fates or any(fate.status == "not run" for fate in fates):
        print("not all were tried: mutmut's own words stand above", file=sys.stderr)
        return 1
    return 0 if killed >= asked.least else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__, allow_abbrev=False)
    parser.add_argument("--count", type=int, default=2_000, help="mutants tried (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (default: %(default)s)")
    parser.add_argument("--only", nargs="*", default=[""], help="folders or files of the checkout (default: all)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="default: %(default)s")
    parser.add_argument("--least", type=float, default=0.85, help="share to be killed, else the exit code is 1")
    return parser


def _tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.split()


def _copy(files: Sequence[str], modules: Sequence[str]) -> None:
    """The tracked files, with a table for mutmut in their pyproject.toml; nothing of an earlier run stays."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for file in files:
        target = FOLDER / file
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / file).is_file():
            shutil.copy2(ROOT / file, target)
    folders = sorted({file.partition("/")[0] for file in modules})
    others = sorted({file.partition("/")[0] for file in files if "/" in file} - {*folders, ".ci", "tests"})
    settings = {
        "source_paths": folders,
        "only_mutate": list(modules),
        "also_copy": [*others, "README.md"],
        "pytest_add_cli_args_test_selection": _test_folders(folders),
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-q", "-x", "--hypothesis-profile=fast"],
    }
    table = "\n".join(f"{key} = {json.dumps(value)}" for key, value in settings.items())
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (FOLDER / "pyproject.toml").write_text(f"{text}\n[tool.mutmut]\n{table}\n", encoding="utf-8")


def _test_folders(folders: Sequence[str]) -> list[str]:
    found = [f"{level}/{folder}" for level in _TESTS for folder in folders]
    return [path for path in found if (ROOT / path).is_dir()]


def _mutmut(*arguments: str, quiet: bool = False) -> None:
    """Runs in the copy. mutmut and what it needs lie in a folder of their own, behind our environment's packages."""
    tools = next((environment("mutmut", (MUTMUT,)) / "lib").glob("python*/site-packages"))
    variables = {**os.environ, "PYTHONPATH": f"{FOLDER}/mutants:{tools}", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(
        [sys.executable, "-m", "mutmut", *arguments],
        cwd=FOLDER,
        env=variables,
        check=False,  # it ends with 1 where a mutant survived, or none is asked for
        stdout=subprocess.DEVNULL if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
    )


_STATUS = {
    0: "survived",
    1: "killed",
    3: "killed",
    5: "no tests",
    33: "no tests",
    34: "skipped",
    35: "suspicious",
    36: "timeout",
}


def _fates() -> dict[str, Fate]:
    found = {}
    for meta in sorted((FOLDER / "mutants").rglob("*.meta")):
        for name, code in json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"].items():
            status = "not run" if code is None else _STATUS.get(code, "died")
            found[name] = Fate(name, status)
    return found


def _report(fates: Sequence[Fate]) -> float:
    """Prints shares by module and the survivors; the share that was killed. A time-out and a crash count as killed."""
    by_module: dict[str, Counter[str]] = {}
    for fate in fates:
        by_module.setdefault(fate.module, Counter())[fate.status] += 1
    for module, counts in sorted(by_module.items()):
        words = ", ".join(f"{count} {status}" for status, count in counts.items())
        print(f"{module:45} {_share(counts):6.1%}  {words}")
    for fate in fates:
        if fate.status in ("survived", "no tests"):
            print(f"\n{fate.status}: ", end="", flush=True)
            _mutmut("show", fate.name)
    every = sum(by_module.values(), Counter[str]())
    print(f"\nkilled: {_share(every):.1%} of {every.total()} ({dict(every)})")
    return _share(every)


def _share(counts: Counter[str]) -> float:
    alive = counts["survived"] + counts["no tests"] + counts["suspicious"]
    tried = counts.total() - counts["not run"] - counts["skipped"]
    return (tried - alive) / tried if tried else 0.0


if __name__ == "__main__":
    sys.exit(main())
