"""Every scenario that ships gives the bytes it gave before (`tests/golden.py --write` when they are to change)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import golden

KEPT = json.loads(golden.KEPT.read_text(encoding="utf-8"))


def test_every_scenario_is_kept() -> None:
    assert sorted(KEPT) == golden.names()


@pytest.mark.parametrize("scenario", golden.names())
def test_results_are_the_ones_kept(scenario: str) -> None:
    assert golden.parts(scenario) == KEPT[scenario]
