"""Generated code is fresh, and the Protocols agree with the compiler's modules."""

from __future__ import annotations

import importlib
import inspect
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from thrift_idl.generate.__main__ import GENERATED, generate, stale
from thrift_idl.rpc.methods import methods

SERVICES = [("fetcher", "Fetcher"), ("pinlater", "PinLater"), ("ratelimiter", "RateLimiter"), ("urlstore", "UrlStore")]
compiler = pytest.mark.skipif(
    shutil.which("thrift") is None, reason="no Thrift compiler: apt-get install thrift-compiler"
)


@compiler
def test_the_generated_code_is_what_the_idl_says(tmp_path: Path) -> None:
    assert stale(generate(tmp_path)) == []


@compiler
def test_a_change_of_the_generated_code_is_noticed(tmp_path: Path) -> None:
    made = generate(tmp_path)
    changed = made / "context" / "ttypes.py"
    changed.write_text(changed.read_text() + "\n# changed\n")
    (made / "page" / "ttypes.pyi").unlink()
    assert stale(made) == [Path("context/ttypes.py"), Path("page/ttypes.pyi")]


@compiler
def test_the_command_says_that_all_is_fresh() -> None:
    command = [sys.executable, "-m", "thrift_idl.generate", "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def protocol_of(program: str, service: str) -> Any:
    return getattr(importlib.import_module(f"thrift_idl.gen.{program}.protocol"), service)


@pytest.mark.parametrize(("program", "service"), SERVICES)
def test_each_protocol_has_the_services_methods_and_parameters_all_coroutines(program: str, service: str) -> None:
    protocol = protocol_of(program, service)
    for method in methods(protocol).values():
        function = getattr(protocol, method.name)
        assert inspect.iscoroutinefunction(function)
        assert tuple(inspect.signature(function).parameters)[1:] == method.parameters
    declared = {name for name in vars(protocol) if not name.startswith("_")}
    assert declared == {method.name for method in methods(protocol).values()}


@pytest.mark.parametrize(("program", "service"), [s for s in SERVICES if s[1] != "PinLater"])
def test_every_request_of_ours_begins_with_a_context_and_every_method_declares_failure(
    program: str, service: str
) -> None:
    for method in methods(protocol_of(program, service)).values():
        (entry,) = [entry for entry in method.arguments.thrift_spec if entry is not None]
        assert entry[3][0].__slots__[0] == "context"
        assert method.failure_slot() == "failure"


def test_the_error_tree_imports_no_generated_code() -> None:
    generated = "any(m.startswith(('thrift.', 'thrift_idl.gen')) for m in sys.modules)"
    code = f"import sys, thrift_idl.errors; sys.exit({generated})"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_generated_folder_is_where_the_check_looks() -> None:
    assert (GENERATED / "context" / "ttypes.py").exists()
