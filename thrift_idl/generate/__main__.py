"""`python -m thrift_idl.generate [--check]`: regenerates `thrift_idl/gen/`, or checks that it is fresh.

Needs the Thrift compiler 0.17 or later on the PATH (Debian: thrift-compiler). Exit codes: 0 done or fresh, 1 stale,
2 no compiler.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from thrift_idl.generate.stubs import protocol_module, stub_module

IDL = Path(__file__).resolve().parent.parent
GENERATED = IDL / "gen"
SERVICE_STUB = "from typing import Any\n\ndef __getattr__(name: str) -> Any: ...\n"


def _compile(source: Path, out: Path, generator: str) -> None:
    command = ["thrift", "-nowarn", "--gen", generator, "-out", str(out), str(source)]
    subprocess.run(command, check=True)  # noqa: S603 - a fixed command on our own files


def _generate_one(source: Path, out: Path) -> None:
    _compile(source, out, "py:slots")
    _compile(source, out, "json")
    program = json.loads((out / f"{source.stem}.json").read_text())
    package = out / "thrift_idl" / "gen" / source.stem
    structs = package / "ttypes.py"
    structs.write_text(_with_quick_init(structs.read_text()))
    (package / "ttypes.pyi").write_text(stub_module(program))
    (package / "constants.pyi").write_text(SERVICE_STUB)
    for service in program["services"]:
        (package / f"{service['name']}.pyi").write_text(SERVICE_STUB)
        (package / "protocol.py").write_text(protocol_module(program, service))


def _with_quick_init(module: str) -> str:
    """The compiler's immutable structs set each field through a `super` object: without it they are made, and so read
    from bytes, in half the time.
    """
    quick = re.sub(r"\bsuper\(\w+, self\)\.__setattr__\(", "_set(self, ", module)
    return quick.replace("\nall_structs = []\n", "\nall_structs = []\n_set = object.__setattr__\n", 1)


def generate(out: Path) -> Path:
    """Generate everything below `out`; returns the folder that becomes `thrift_idl/gen`."""
    for source in sorted(IDL.glob("*.thrift")):
        _generate_one(source, out)
    made = out / "thrift_idl" / "gen"
    for remote in made.rglob("*-remote"):
        remote.unlink()
    for init in made.rglob("__init__.py"):
        init.write_text("")
    return made


def _files(root: Path) -> set[Path]:
    return {p.relative_to(root) for p in root.rglob("*.py*") if "__pycache__" not in p.parts}


def stale(made: Path) -> list[Path]:
    """Files below `thrift_idl/gen` that differ from what the IDL says."""
    names = _files(made) | _files(GENERATED)
    _, mismatch, errors = filecmp.cmpfiles(made, GENERATED, [str(n) for n in names], shallow=False)
    return sorted(Path(n) for n in mismatch + errors)


def main() -> int:
    """Entry point of the module."""
    parser = argparse.ArgumentParser(prog="python -m thrift_idl.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if stale")
    arguments = parser.parse_args()
    if shutil.which("thrift") is None:
        print("no Thrift compiler: apt-get install thrift-compiler", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        made = generate(Path(folder))
        if arguments.check:
            old = stale(made)
            for name in old:
                print(f"stale: thrift_idl/gen/{name} (make idl)", file=sys.stderr)
            return 1 if old else 0
        shutil.rmtree(GENERATED, ignore_errors=True)
        shutil.copytree(made, GENERATED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
