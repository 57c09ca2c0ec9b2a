"""Output, productivity, hours saved, adoption and use of AI by size or industry of the employer, against the base."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr

from sim.errors import InputError, nearest
from sim.ratios import EMPLOYERS, fixed_composition

if TYPE_CHECKING:
    from sim.evaluation.comparison import Effects

BY = ("size", "industry")
CHANGES = {
    # sum, ratio of employers (`sim.ratios.EMPLOYERS`) or index, over 12 months -> how its change is told
    "output": "percent",
    "output_per_worker": "percent",
    "output_per_worker_fixed": "percent",
    "hours_saved_per_worker": "hours a worker and month",
    "user_share": "percentage points",
    "adoption_share": "percentage points",
}
OF_EMPLOYERS = "adoption_share"
"""Rests on employers, of which there are none where people work without one."""


def productivity_by(effects: Effects, by: str) -> pd.DataFrame:
    """Changes by `size` or `industry` of the employer over the 12 months before each horizon.

    "output_per_worker_fixed" holds a size class's industries, or an industry's sizes, as in the first month. An
    estimate that rests on fewer than 30 agents at work (or employers) in the base is too few. InputError for another
    dimension.
    """
    if by not in BY:
        raise InputError(f"unknown dimension {by!r}", allowed=", ".join(BY), nearest=nearest(by, BY))
    other = BY[1 - BY.index(by)]
    cells = effects.results.employers.sums
    sums = cells.sum(other)
    parts = []
    for name, unit in CHANGES.items():
        if name == "output_per_worker_fixed":
            values = effects._spans(_fixed(cells, by)).mean("month")
        elif name in EMPLOYERS:
            top, bottom = (effects._spans(part).sum("month") for part in EMPLOYERS[name].parts(sums))
            values = top / bottom.where(bottom != 0)
        else:
            values = effects._spans(sums[name]).sum("month")
        base = values.sel(scenario=effects.base, drop=True)
        change = values.sel(scenario=effects.scenarios) - base
        if unit == "percent":
            change = 100 * change / base.where(base != 0)
        elif unit == "percentage points":
            change = 100 * change
        heads = effects._spans(sums["open_employers" if name == OF_EMPLOYERS else "employed"]).mean("month")
        support = heads.sel(scenario=effects.base, drop=True).broadcast_like(change)
        some = (support > 0).any([d for d in support.dims if d != by])
        codes = [str(code) for code in change[by].values[some.values]]
        grouped = [
            x.sel({by: codes})
            .rename({by: "group"})
            .assign_coords(dimension=("group", [by] * len(codes)), category=("group", codes))
            for x in (change, support)
        ]
        parts.append(effects._frame(grouped[0], name, unit, grouped[1]))
    return pd.concat(parts, ignore_index=True)


def _fixed(cells: xr.Dataset, by: str) -> xr.DataArray:
    """Output a worker in each class of `by`, at the first month's composition within it."""
    classes = []
    for code in cells[by].values:
        here = cells.sel({by: [code]}).transpose("scenario", "replicate", "month", "size", "industry")
        values = fixed_composition(*(here[n].values for n in ("base_output", "output", "employed")))
        classes.append(here.output.isel(size=0, industry=0, drop=True).copy(data=values))
    joined: xr.DataArray = xr.concat(classes, pd.Index(cells[by].values, name=by))
    return joined


__all__ = ["BY", "CHANGES", "productivity_by"]
