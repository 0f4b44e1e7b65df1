"""Each behaviour that PinLater's own tests assert has a test of ours, by name."""

from __future__ import annotations

import json
import re

import pytest

from tests.conformance import vectors
from tests.contract.pinlater import test_behaviours

CASES = json.loads(vectors("pinlater/behaviours.json").read_text())["cases"]


@pytest.mark.parametrize("name", [case["name"] for case in CASES])
def test_the_behaviour_has_a_test(name: str) -> None:
    words = re.sub(r"\W+", "_", re.sub(r"\([^)]*\)", "", name)).strip("_")
    assert callable(getattr(test_behaviours, f"test_{words}", None))


def test_there_are_28_of_them() -> None:
    assert len(CASES) == 28
