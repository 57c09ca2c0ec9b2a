"""The work of a sweep: one unit of runs, from scenarios to a shard and a marker. Doing it again gives the same bytes.

A run that raises is tried once more, then kept as a failure: numbers NaN, status 2, the traceback and the seed in the
unit's marker. A run that takes its process with it (out of memory, killed) cannot say so: it leaves its number in
`at/`, and after `DEADLY` deaths of a process that had nothing else to do it is a failure too.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import traceback
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sim.checkpoint import Place
from sim.economy import Economy
from sim.economy import load as load_economy
from sim.errors import InputError
from sim.records import Programme
from sim.replicate import simulate
from sim.scenario import Scenario
from sim.sweep.outcomes import rows
from sim.sweep.points import at_point
from sim.sweep.store import AT, DONE, FAILED, Store

TRIES = 2
"""Times that a run which raises is tried."""
DEADLY = 3
"""Deaths of the process at one run after which the run counts as failed."""
JOB = ("SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX")


@lru_cache(maxsize=2)
def opened(folder: Path) -> Store:
    """The store, kept open in this process. InputError where the sweep began with other kernels."""
    from sim.kernels import source_digest

    store = Store(folder)
    if store.manifest["kernels_sha256"] != source_digest():
        problem = "was begun by another version of the model: its runs and new ones would not be of one kind"
        raise InputError(
            problem, file=str(folder), allowed=f"{store.manifest['model']} as it was, or a new sweep"
        )
    return store


def do_unit(folder: Path, unit: int, alone: bool = True) -> None:
    """Do the runs of a unit, unless they are done. alone: whether a death of this process is this unit's doing."""
    store = opened(folder)
    if store.marker(unit).exists():
        return
    started, cpu = time.perf_counter(), time.process_time()
    runs = store.runs_of(unit)
    blocks = {name: np.full((len(runs), *shape), np.nan) for name, shape in store.kept.arrays.items()}
    status = np.full(len(runs), FAILED, dtype=np.uint8)
    failures, model = [], 0.0
    at = At(store.folder / AT / f"{unit:07d}", alone)
    with tempfile.TemporaryDirectory(prefix="laborshift-") as histories:
        place = Place(Path(histories))
        for n, run in enumerate(runs):
            if at.begins(run) >= DEADLY:
                failures.append(_failure(store, run, f"its process died {DEADLY} times at this run"))
                continue
            found, spent, why = _tried(store, run, place)
            model += spent
            if found is None:
                failures.append(_failure(store, run, why))
                continue
            for name, block in found.items():
                blocks[name][n] = block
            status[n] = DONE
    digest = store.write(runs.start, blocks, status)
    told = {
        "runs": [runs.start, runs.stop],
        "sha256": digest,
        "seconds": round(time.perf_counter() - started, 4),
        "cpu_seconds": round(time.process_time() - cpu, 4),
        "model_seconds": round(model, 4),
        "host": os.uname().nodename,
        "process": os.getpid(),
        "job": {name: os.environ[name] for name in JOB if name in os.environ},
        "finished": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "failures": failures,
    }
    store.mark(unit, told)
    at.ends()


def _tried(store: Store, run: int, place: Place) -> tuple[dict[str, np.ndarray] | None, float, str]:
    """The rows of a run, seconds in the model, and why there are none."""
    spent, why = 0.0, ""
    for _ in range(TRIES):
        started = time.perf_counter()
        try:
            scenario, replicate = asked(store, run)
            started = time.perf_counter()
            last = store.place(run)[2] == len(store.levers) - 1
            data = simulate(scenario, replicate, threads=1, place=place, shared=len(store.levers) > 1)
            spent += time.perf_counter() - started
            if last:  # of those that share a history
                for file in place.folder.iterdir():
                    file.unlink()
            return rows(data, store.kept, records(store, run, scenario), economy_of(store.folder)), spent, ""
        except Exception:
            spent += time.perf_counter() - started
            why = traceback.format_exc()
    return None, spent, why


def asked(store: Store, run: int) -> tuple[Scenario, int]:
    """As `Store.scenario`, with the points of the unit read once."""
    point, replicate, lever = store.place(run)
    first, values = _points(store.folder, run // store.unit)
    return at_point(store.design, lever, values[point - first]), replicate


@lru_cache(maxsize=2)
def _points(folder: Path, unit: int) -> tuple[int, np.ndarray]:
    store = opened(folder)
    runs = store.runs_of(unit)
    first, last = (store.place(run)[0] for run in (runs.start, runs.stop - 1))
    return first, store.values(first, last + 1)


@lru_cache(maxsize=2)
def economy_of(folder: Path) -> Economy:
    """The economy of a sweep, read once."""
    return load_economy(opened(folder).design.scenarios[0].run.economy)


def records(store: Store, run: int, scenario: Scenario) -> dict[str, Programme]:
    """Programme records of a run's scenario: of its lever, unless the design varies keys of the policy."""
    varied = any(not one.key.startswith("world.") for one in store.design.factors)
    if varied:
        return scenario.programmes(load_economy(scenario.run.economy).programmes)
    return _records_of_lever(store.folder, store.place(run)[2])


@lru_cache(maxsize=256)
def _records_of_lever(folder: Path, lever: int) -> dict[str, Programme]:
    scenario = opened(folder).design.scenarios[lever]
    return scenario.programmes(load_economy(scenario.run.economy).programmes)


def _failure(store: Store, run: int, why: str) -> dict[str, Any]:
    point, replicate, lever = store.place(run)
    return {
        "run": run,
        "point": point,
        "replicate": replicate,
        "lever": store.levers[lever],
        "seed": store.manifest["seed"],
        "traceback": why,
    }


class At:
    """The run that a unit is at, in a file that outlives the process."""

    def __init__(self, file: Path, alone: bool) -> None:
        self.file, self.alone = file, alone
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
            self.deaths = {int(run): int(n) for run, n in told["deaths"].items()}
            if told["alone"]:
                self.deaths[told["run"]] = self.deaths.get(told["run"], 0) + 1
        except (OSError, ValueError, KeyError, TypeError):
            self.deaths = {}

    def begins(self, run: int) -> int:
        """Note that a run begins; how often a process has died at it."""
        told = {"run": run, "alone": self.alone, "deaths": self.deaths}
        part = self.file.with_name(f"{self.file.name}.{os.getpid()}.part")
        part.write_text(json.dumps(told), encoding="utf-8")
        os.replace(part, self.file)
        return self.deaths.get(run, 0)

    def ends(self) -> None:
        """The unit is done."""
        self.file.unlink(missing_ok=True)


__all__ = ["DEADLY", "TRIES", "do_unit", "opened"]
