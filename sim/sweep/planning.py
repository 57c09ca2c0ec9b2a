"""What a sweep will take: runs, core-hours and disk, from the lines that `laborshift warmup` measured here."""

from __future__ import annotations

import math
import sys
from typing import Any, NamedTuple

from sim import economy as economies
from sim.plan import Calibration, activity_of, calibrate, calibration_file, duration, size, workers_of
from sim.sweep.design import Design

OVERHEAD_S = 0.008
"""Of a run beyond its simulation: making its scenario and its rows, writing, the pool (`benchmarks/sweep.py`)."""
CELLS = 8
"""Bytes of a number before compression."""
PACKED = 0.13
"""Share of them that is left on disk (`benchmarks/sweep.py`)."""
MARKER = 600
COLUMNS = {"month": 100, "year": 72, "": 5760}
"""Columns that are kept by default, by axis of time: 20 programmes, 60 months."""


class SweepPlan(NamedTuple):
    """Runs, units, points and levers; seconds of a core a run and in all; wall seconds on `jobs` cores; bytes."""

    name: str
    runs: int
    levers: int
    points: int
    replicates: int
    units: int
    unit: int
    workers: int
    months: int
    jobs: int
    run_s: float
    cpu_s: float
    wall_s: float
    peak_bytes: float
    disk_bytes: float
    files: int


def plan(design: Design, calibration: Calibration, jobs: int) -> SweepPlan:
    """What a design will take. Levers that differ in policy alone live the years before the first month once."""
    c, run = calibration, design.scenarios[0].run
    economy = economies.load(run.economy)
    spin_up = (run.start.year - economy.base_year) * 12 + run.start.month - 1
    workers = workers_of(economy, run.scale, spin_up + run.months)
    quiet = c.quiet.at(workers)
    extra = max(0.0, c.busy.at(workers) - quiet)
    parts = [activity_of(one, economy) for one in design.scenarios]
    pairs = design.runs // len(design.levers)
    once = c.building.at(workers) + spin_up * quiet
    policy = sum(run.months * (quiet + part * extra) for part in parts)
    simulating = pairs * (once + policy)
    processes = min(jobs, math.ceil(design.runs / design.unit))
    cpu = simulating + design.runs * OVERHEAD_S + processes * c.start_s
    units = math.ceil(design.runs / design.unit)
    rounds = math.ceil(units / processes)
    wall = 2 * c.start_s + rounds * (simulating / design.runs + OVERHEAD_S) * design.unit
    cells = COLUMNS["month"] * run.months + COLUMNS["year"] * math.ceil(run.months / 12) + COLUMNS[""]
    return SweepPlan(
        name=design.name,
        runs=design.runs,
        levers=len(design.levers),
        points=pairs // design.replicates,
        replicates=design.replicates,
        units=units,
        unit=design.unit,
        workers=workers,
        months=run.months,
        jobs=processes,
        run_s=simulating / design.runs + OVERHEAD_S,
        cpu_s=cpu,
        wall_s=wall,
        peak_bytes=(processes + 1) * c.start_bytes
        + processes * (c.memory.at(workers) + design.unit * cells * CELLS * 1.5),
        disk_bytes=design.runs * cells * CELLS * PACKED + units * MARKER,
        files=units * 8,
    )


def plan_command(design: Design, *, jobs: int = 1, json: bool = False) -> None:
    """`laborshift plan DESIGN`: one table for people, or one JSON object."""
    from json import dumps

    calibration = Calibration.read(calibration_file())
    if calibration is None:
        text = "this machine has not been measured yet (laborshift warmup does); measuring now, about half a minute"
        print(text, file=sys.stderr, flush=True)
        calibration = calibrate()
    found = plan(design, calibration, jobs)
    if json:
        told: dict[str, Any] = {**found._asdict(), "cpu_hours": found.cpu_s / 3600}
        print(dumps(told, ensure_ascii=False))
        return
    from sim.evaluation.answers import console, printed

    points = f"{found.levers} levers x {found.points:,} points x {found.replicates} replicate"
    points += "s" if found.replicates > 1 else ""
    side = f"{found.jobs} process{'es' if found.jobs > 1 else ''}"
    rows = [
        ("runs", f"{found.runs:,}", f"{points}, in {found.units:,} units of {found.unit}"),
        ("a run", f"{found.run_s:.3g} s", f"of one core: {found.workers:,} workers, {found.months} months"),
        ("processor time", f"{found.cpu_s / 3600:,.3g} core-hours", ""),
        (
            "wall time",
            duration(found.wall_s),
            f"{side} here, on cores that nobody else uses; --jobs J for others",
        ),
        ("on 100 cores", duration(found.cpu_s / 100), "a cluster, without waiting for the queue"),
        ("peak memory", size(found.peak_bytes), "all processes"),
        ("disk", size(found.disk_bytes), f"about {found.files:,} files"),
    ]
    note = f"rests on what was measured here on {calibration.measured[:10]}; expect 30% either way"
    table = printed(f"Sweep {found.name}", ("will take", "", "of which"), rows, note)
    table.columns[2].justify = "left"
    console().print(table)


__all__ = ["SweepPlan", "plan", "plan_command"]
