"""Moments of 2025 at the default parameters: those fitted, and those held out (`calibration/targets.csv`)."""

from __future__ import annotations

import math

import numpy as np

from sim.estimation.evaluate import batch
from sim.estimation.targets import Target, load
from sim.scenario import load as load_scenario
from sim.validation.rows import Row, status_of

SCENARIO = "baseline"
FULL = (100, 8)
FAST = (500, 4)
"""People per agent, replicates."""
ROLES = ("fit", "test")

__all__ = ["row_of", "rows"]


def rows(fast: bool = False, jobs: int = 1, progress: bool = False, scale: int | None = None) -> list[Row]:
    """A row for every target of role fit or test that one run answers (`sim.estimation.moments`); group = role.

    value: mean over replicates of 18 months, error its standard error. scale: people per agent, instead of 100 (500
    when fast). Raises InputError when the targets file is wrong.
    """
    from sim.estimation.moments import MONTHS
    from sim.jobs import bar

    people, replicates = FAST if fast else FULL
    scenario = load_scenario(SCENARIO).with_run(scale=scale or people, months=MONTHS, replicates=1)
    targets = [one for one in load().values() if one.role in ROLES]
    names = [one.id for one in targets]
    with bar(replicates, "moments", progress) as tick:
        found = batch(
            scenario,
            [],
            np.empty((replicates, 0)),
            range(replicates),
            names,
            jobs=1 if fast else min(jobs, replicates),
            progress=tick,
        )
    return [row_of(one, found[:, n]) for n, one in enumerate(targets) if not np.isnan(found[:, n]).all()]


def row_of(target: Target, values: np.ndarray, group: str | None = None) -> Row:
    """The row of a target from the model's value in each replicate (replicates,), NaN or none where it has none; group:
    instead of the target's role."""
    known = values[~np.isnan(values)]
    low, high = target.interval
    value = float(known.mean()) if known.size else None
    error = float(known.std(ddof=1) / math.sqrt(known.size)) if known.size > 1 else None
    return Row(
        id=target.id,
        group=group or target.role,
        label=target.label,
        label_ko=target.label_ko,
        unit=target.unit,
        value=value,
        error=error,
        published=target.value,
        low=low,
        high=high,
        status=status_of(value, error, low, high),
        source=target.source,
        note=target.note,
    )
