"""The moments of a scenario at many points of its parameters: one function, the same numbers on every executor.

What was computed is remembered in a file of one line a run, so that an interrupted calibration goes on where it was
and no run is made twice.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sim.errors import InputError, nearest
from sim.parameters import PARAMETERS

if TYPE_CHECKING:
    from sim.scenario import Scenario

GROUPS_A_PROCESS = 4  # a process takes its calls in so many parts, so that none waits long for another
Progress = Callable[[int], None]

__all__ = ["Evaluator", "at_point", "batch", "run_key"]


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
) -> np.ndarray:
    """Moments (runs, moments) of the scenario at parameters thetas (runs, names), one row a run.

    seeds: number of the random key (replicate) of each run; equal numbers are common random numbers. A moment whose
    denominator is empty is NaN, and so is the whole row of a run that fails: it counts against its point. The numbers
    do not depend on `jobs`. progress: told how many runs have been done.
    """
    from sim.jobs import side_by_side

    tell = progress or (lambda _: None)
    points = [dict(zip(names, map(float, row), strict=True)) for row in np.atleast_2d(thetas)]
    calls = [(scenario, point, int(seed), tuple(moments)) for point, seed in zip(points, seeds, strict=True)]
    if jobs <= 1 or len(calls) == 1:
        rows = []
        for call in calls:
            rows.append(_one(*call))
            tell(1)
        return np.array(rows).reshape(len(calls), len(moments))
    parts = [part for part in np.array_split(np.arange(len(calls)), jobs * GROUPS_A_PROCESS) if part.size]
    done = iter([part.size for part in parts])
    found = side_by_side(
        _several, [([calls[n] for n in part],) for part in parts], jobs, lambda _: tell(next(done))
    )
    return np.concatenate(found)


def _several(calls: Sequence[tuple[Scenario, dict[str, float], int, tuple[str, ...]]]) -> np.ndarray:
    return np.array([_one(*call) for call in calls])


def _one(scenario: Scenario, point: dict[str, float], seed: int, moments: tuple[str, ...]) -> np.ndarray:
    from sim.estimation.moments import moments as measured
    from sim.model import LaborMarket

    market = LaborMarket(at_point(scenario, point), seed, threads=1).run()
    found = measured(market)
    market.__dict__.clear()  # Mesa's model holds itself: its columns would wait for the garbage collector
    return np.array([found.get(name, math.nan) for name in moments])


def run_key(scenario: Scenario, point: Mapping[str, float], seed: int, moments: Sequence[str]) -> str:
    """What makes a run the run it is: model, economy, scenario, parameters, key and what is measured (hex)."""
    from sim import economy as economies
    from sim.estimation import moments as measures
    from sim.kernels import source_digest

    whole = {
        "model": source_digest(),
        "measures": hashlib.sha256(Path(measures.__file__).read_bytes()).hexdigest(),
        "economy": economies.load(scenario.run.economy).digest,
        "scenario": at_point(scenario, point).settings(),
        "seed": seed,
        "moments": list(moments),
    }
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()[:32]


class Evaluator:
    """`batch` for one scenario, parameters and moments, remembering every run in `memory` (a file of JSON lines).

    Called with thetas (runs, names) and seeds (runs,); returns moments (runs, moments). `runs` counts those made,
    `recalled` those found. A line that an interrupt cut short is not read.
    """

    def __init__(
        self,
        scenario: Scenario,
        names: Sequence[str],
        moments: Sequence[str],
        *,
        jobs: int = 1,
        memory: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.scenario, self.names, self.moments = scenario, tuple(names), tuple(moments)
        self.jobs, self.memory, self.progress = jobs, memory, progress
        self.runs = self.recalled = 0
        self._known: dict[str, list[float]] = dict(_lines(memory))

    def __call__(self, thetas: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        thetas, seeds = np.atleast_2d(thetas), np.asarray(seeds, dtype=np.int64)
        keys = [
            run_key(
                self.scenario, dict(zip(self.names, map(float, row), strict=True)), int(seed), self.moments
            )
            for row, seed in zip(thetas, seeds, strict=True)
        ]
        missing = [n for n, key in enumerate(keys) if key not in self._known and key not in keys[:n]]
        self.recalled += len(keys) - len(missing)
        size = max(1, self.jobs) * 32  # what an interrupt can lose
        for lo in range(0, len(missing), size):
            part = missing[lo : lo + size]
            rows = batch(
                self.scenario,
                self.names,
                thetas[part],
                [int(s) for s in seeds[part]],
                self.moments,
                jobs=self.jobs,
                progress=self.progress,
            )
            self._keep({keys[n]: list(map(float, row)) for n, row in zip(part, rows, strict=True)})
        return np.array([self._known[key] for key in keys])

    def _keep(self, rows: dict[str, list[float]]) -> None:
        self.runs += len(rows)
        self._known.update(rows)
        if self.memory is not None:
            self.memory.parent.mkdir(parents=True, exist_ok=True)
            with self.memory.open("a", encoding="utf-8") as file:
                file.write("\n")  # a line that was cut short ends here
                file.writelines(json.dumps([key, row]) + "\n" for key, row in rows.items())


def _lines(memory: Path | None) -> list[tuple[str, list[float]]]:
    out: list[tuple[str, list[float]]] = []
    if memory is not None and memory.exists():
        for line in memory.read_text(encoding="utf-8").splitlines():
            try:
                key, row = json.loads(line)
            except ValueError:
                continue
            out.append((key, row))
    return out
