"""Each behaviour that PinLater's own tests assert has a test of ours, by name."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from tests.conformance import vectors

CASES = json.loads(vectors("pinlater/behaviours.json").read_text())["cases"]
OURS = Path(__file__).parents[2] / "contract" / "pinlater" / "test_behaviours.py"
WRITTEN = {each.name for each in ast.parse(OURS.read_text()).body if isinstance(each, ast.AsyncFunctionDef)}


@pytest.mark.parametrize("name", [case["name"] for case in CASES])
def test_the_behaviour_has_a_test(name: str) -> None:
    words = re.sub(r"\W+", "_", re.sub(r"\([^)]*\)", "", name)).strip("_")
    assert f"test_{words}" in WRITTEN


def test_there_are_28_of_them() -> None:
    assert len(CASES) == 28
