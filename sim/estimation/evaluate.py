"""The moments of a scenario at many points of its parameters: one function, the same numbers on every executor.

What was computed is kept by `sim.estimation.problem.Runs`, under the `identity` of what was run.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sim.errors import InputError, nearest
from sim.jobs import Processes, side_by_side
from sim.parameters import PARAMETERS

if TYPE_CHECKING:
    from sim.scenario import Scenario

GROUPS_A_PROCESS = 4  # a process takes its calls in so many parts, so that none waits long for another
Progress = Callable[[int], None]

__all__ = ["at_point", "batch", "identity"]


def at_point(scenario: Scenario, point: Mapping[str, float]) -> Scenario:
    """The scenario with some numbers of `[world]` replaced; whole-number parameters are rounded.

    Raises InputError when there is no such parameter, or a value is outside its range.
    """
    values: dict[str, float] = {}
    for name, value in point.items():
        if (record := PARAMETERS.get(name)) is None:
            raise InputError(
                "no such parameter", key=f"world.{name}", nearest=nearest(name, list(PARAMETERS))
            )
        if not record.low <= value <= record.high:
            raise InputError(
                f"{value:g} is out of range",
                key=f"world.{name}",
                allowed=f"from {record.low:g} to {record.high:g} {record.unit}",
            )
        values[name] = round(value) if record.integer else float(value)
    return scenario.model_copy(update={"world": scenario.world.model_copy(update=values)})


def batch(
    scenario: Scenario,
    names: Sequence[str],
    thetas: np.ndarray,
    seeds: Sequence[int],
    moments: Sequence[str],
    *,
    jobs: int = 1,
    progress: Progress | None = None,
    processes: Processes | None = None,
) -> np.ndarray:
    """Moments (runs, moments) of the scenario at parameters thetas (runs, names), one row a run.

    seeds: number of the random key (replicate) of each run; equal numbers are common random numbers. A moment whose
    denominator is empty is NaN, and so is the whole row of a run that fails: it counts against its point. The numbers
    do not depend on `jobs`. progress: told how many runs have been done. processes: that are there already, instead
    of new ones.
    """
    tell = progress or (lambda _: None)
    points = [dict(zip(names, map(float, row), strict=True)) for row in np.atleast_2d(thetas)]
    calls = [(scenario, point, int(seed), tuple(moments)) for point, seed in zip(points, seeds, strict=True)]
    if jobs <= 1 or (len(calls) == 1 and processes is None):
        rows = []
        for call in calls:
            rows.append(_one(*call))
            tell(1)
        return np.array(rows).reshape(len(calls), len(moments))
    parts = [part for part in np.array_split(np.arange(len(calls)), jobs * GROUPS_A_PROCESS) if part.size]
    done = iter([part.size for part in parts])
    grouped = [([calls[n] for n in part],) for part in parts]
    each = processes.each if processes else partial(side_by_side, jobs=jobs)
    found = each(_several, grouped, tick=lambda _: tell(next(done)))
    return np.concatenate(found)


def _several(calls: Sequence[tuple[Scenario, dict[str, float], int, tuple[str, ...]]]) -> np.ndarray:
    return np.array([_one(*call) for call in calls])


def _one(scenario: Scenario, point: dict[str, float], seed: int, moments: tuple[str, ...]) -> np.ndarray:
    from sim.estimation.moments import moments as measured
    from sim.model import LaborMarket

    asked = at_point(scenario, point)
    try:
        market = LaborMarket(asked, seed, threads=1).run()
    except (ArithmeticError, ValueError):  # the model cannot live with these parameters
        return np.full(len(moments), math.nan)
    found = measured(market)
    market.__dict__.clear()  # Mesa's model holds itself: its columns would wait for the garbage collector
    return np.array([found.get(name, math.nan) for name in moments])


def identity(scenario: Scenario) -> str:
    """What runs at points of a scenario have in common: model, measures, economy and scenario (hex)."""
    from sim import economy as economies
    from sim.estimation import moments as measures
    from sim.kernels import source_digest

    whole = {
        "model": source_digest(),
        "measures": hashlib.sha256(Path(measures.__file__).read_bytes()).hexdigest(),
        "economy": economies.load(scenario.run.economy).digest,
        "scenario": scenario.settings(),
    }
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()[:32]
