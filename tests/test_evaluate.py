"""Runs at many points of the parameters: the same numbers on every executor."""

from __future__ import annotations

import numpy as np
import pytest

from sim.errors import InputError
from sim.estimation.evaluate import at_point, batch, identity
from sim.scenario import load

NAMES = ("job_creation", "level_separate_eu")
MOMENTS = ("flow_eu", "vacancy_rate", "wage_women_men")
POINTS = np.array([[0.5, 1.0], [0.5, 1.5], [0.5, 1.0]])


@pytest.fixture(scope="module")
def alone() -> np.ndarray:
    return batch(tiny(), NAMES, POINTS, [0, 0, 1], MOMENTS)


def tiny() -> object:
    return load("baseline").with_run(scale=1000, months=12, replicates=1)


def test_processes_change_no_byte(alone: np.ndarray) -> None:
    assert batch(tiny(), NAMES, POINTS, [0, 0, 1], MOMENTS, jobs=2).tobytes() == alone.tobytes()


def test_a_higher_hazard_is_a_higher_flow(alone: np.ndarray) -> None:
    """A hazard half as high again makes more unemployed a month later, but less than half as many again: those who
    leave easily have left."""
    assert 1.1 < alone[1, 0] / alone[0, 0] < 1.5
    assert alone[2, 0] != alone[0, 0]  # another key


def test_other_scenarios_and_economies_are_told_apart() -> None:
    assert identity(tiny()) == identity(tiny())
    assert identity(tiny()) != identity(tiny().with_run(months=13))


def test_a_point_outside_the_records_is_refused() -> None:
    with pytest.raises(InputError, match="out of range") as far:
        at_point(tiny(), {"job_creation": 2.0})
    assert far.value.key == "world.job_creation"
    with pytest.raises(InputError, match="no such parameter") as unknown:
        at_point(tiny(), {"job_creaton": 0.5})
    assert unknown.value.nearest == "job_creation"
    assert at_point(tiny(), {"applications": 2.6}).world.applications == 3
