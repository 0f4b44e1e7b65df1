"""Lines of a test that depend on the day: on the machine's speed, on accidents, on what Debian ships."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

SHORTEST_S = 5.0
"""No test outside torture may fail because something took less than this."""

_WALL = re.compile(r"\b(time\.(monotonic|perf_counter|time)|monotonic|perf_counter|loop\.time)\(\)")
_WALL_MS = re.compile(r"\b(monotonic_ms|wall_ms|precise_wall_ms)\(\)")
_WAITS = {"wait_for": 1, "timeout": 0, "timeout_at": 0}
_KEYWORD_WAITS = {"communicate", "wait", "run", "check_output", "check_call", "join", "result"}
#: Names of counts of what happens by accident, when they are compared with a number other than 0.
_ACCIDENTS = re.compile(
    r".*(lost|refused|down|delayed|late|crashed|crashes|kills|killed|retried|retries|collisions|races|missed|repeats)"
)
_DEBIAN_VERSION = re.compile(r"\b\d[\w.+~]*-\d[\w.+~]*(deb\d+u\d+|\+b\d+|~deb\d+)|\bdpkg(-query)?\b")


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of a test that depends on the day, and why."""

    line: int
    why: str


def findings(tree: ast.Module) -> list[Finding]:
    """All of a module, functions marked `torture` left out."""
    numbers = _numbers(tree)
    found: list[Finding] = []
    for node in _outside_torture(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found += _elapsed(node, numbers)
        elif isinstance(node, ast.Call):
            found += _waits(node, numbers)
        elif isinstance(node, ast.Assert):
            found += _accidents(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _DEBIAN_VERSION.search(node.value):
            found.append(Finding(node.lineno, "a package's version or floor: read what is installed"))
    return sorted(set(found), key=lambda each: each.line)


def _outside_torture(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those of functions marked `torture` and of blocks that expect the time-out."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and any(
            "torture" in ast.unparse(each) for each in child.decorator_list
        ):
            continue
        if _expects_the_end(child):
            continue
        yield child
        yield from _outside_torture(child)


def _expects_the_end(node: ast.AST) -> bool:
    """True for a block that the time-out of a wait is to end: the test is of the time-out."""
    if isinstance(node, ast.With | ast.AsyncWith):
        return any("raises" in ast.unparse(each) or "TimeoutError" in ast.unparse(each) for each in node.items)
    if isinstance(node, ast.Try):
        return any(each.type is not None and "TimeoutError" in ast.unparse(each.type) for each in node.handlers)
    return isinstance(node, ast.Call) and "Event().wait()" in ast.unparse(node)


def _numbers(tree: ast.Module) -> dict[str, float]:
    """Constants of the module: `PATIENCE_S = 0.5`."""
    return {
        target.id: float(node.value.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, int | float)
    }


def _number(node: ast.AST | None, numbers: dict[str, float]) -> float | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return float(node.value)
    return numbers.get(node.id) if isinstance(node, ast.Name) else None


def _waits(call: ast.Call, numbers: dict[str, float]) -> Iterator[Finding]:
    """`asyncio.timeout(1)`, `wait_for(x, 1)`, `communicate(timeout=1)`, `@pytest.mark.timeout(1)`."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    given = [each.value for each in call.keywords if each.arg == "timeout" and name in (*_KEYWORD_WAITS, *_WAITS)]
    if name in _WAITS and len(call.args) > _WAITS[name]:
        given.append(call.args[_WAITS[name]])
    for each in given:
        bound = _number(each, numbers)
        if bound is not None and 0 < bound < SHORTEST_S:
            yield Finding(call.lineno, f"a wait of at most {bound:g} s: {SHORTEST_S:g} s or more")


def _elapsed(function: ast.FunctionDef | ast.AsyncFunctionDef, numbers: dict[str, float]) -> Iterator[Finding]:
    """`assert monotonic() - began < 1`, `took = monotonic() - began; assert took < 1`, `deadline = monotonic() + 1`."""
    elapsed: dict[str, float] = {}  # name -> its unit in seconds
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
            text = ast.unparse(node.value)
            unit = 0.001 if _WALL_MS.search(text) or re.search(r"\* 1_?000\b", text) else 1.0
            if not (_WALL.search(text) or _WALL_MS.search(text)):
                continue
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if isinstance(node.value.op, ast.Add):
                ahead = _number(node.value.right, numbers)
                if ahead is not None and 0 < ahead * unit < SHORTEST_S and _is_deadline(function, names):
                    yield Finding(node.lineno, f"a deadline {ahead * unit:g} s ahead: {SHORTEST_S:g} s or more")
            else:
                elapsed |= dict.fromkeys(names, unit)
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            for compared in (each for each in ast.walk(node.test) if isinstance(each, ast.Compare)):
                yield from _bound(compared, elapsed, numbers)


def _is_deadline(function: ast.AST, names: list[str]) -> bool:
    """True if an assertion looks at it: a loop that merely ends there asserts nothing."""
    asserts = [node for node in ast.walk(function) if isinstance(node, ast.Assert)]
    return any(name in re.findall(r"\w+", ast.unparse(each.test)) for each in asserts for name in names)


def _bound(compared: ast.Compare, elapsed: dict[str, float], numbers: dict[str, float]) -> Iterator[Finding]:
    sides = [compared.left, *compared.comparators]
    for (left, right), operator in zip(itertools.pairwise(sides), compared.ops, strict=True):
        if isinstance(operator, ast.Lt | ast.LtE):
            less, more = left, right
        elif isinstance(operator, ast.Gt | ast.GtE):
            less, more = right, left
        else:
            continue
        bound, text = _number(more, numbers), ast.unparse(less)
        unit = elapsed.get(text)
        if unit is None and isinstance(less, ast.BinOp) and isinstance(less.op, ast.Sub):
            unit = 0.001 if _WALL_MS.search(text) else 1.0 if _WALL.search(text) else None
        if bound is not None and unit is not None and bound * unit < SHORTEST_S:
            yield Finding(compared.lineno, f"no more than {bound * unit:g} s may have passed: {SHORTEST_S:g} s or more")


def _accidents(node: ast.Assert) -> Iterator[Finding]:
    for compared in (each for each in ast.walk(node.test) if isinstance(each, ast.Compare)):
        if not all(isinstance(each, ast.Gt | ast.GtE | ast.Lt | ast.LtE) for each in compared.ops):
            continue
        sides = [compared.left, *compared.comparators]
        named = [each for each in sides if _ACCIDENTS.fullmatch(_name(each))]
        if named and any(_number(each, {}) not in (None, 0.0) for each in sides):
            yield Finding(compared.lineno, f"a count of accidents, {_name(named[0])}: only `> 0` is sure")


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Await):
        return _name(node.value)
    if isinstance(node, ast.Call):  # `await to_thread(kills, ...)`
        return _name(node.args[0]) if getattr(node.func, "attr", "") == "to_thread" and node.args else _name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
