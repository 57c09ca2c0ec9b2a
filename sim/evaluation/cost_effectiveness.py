"""What a trainee, a completer and a placement cost, by programme and by life stage: a scenario's own averages.

Outlays are courses, fixed cost and allowances of the whole run. A trainee costs the outlays over all who enrol. A
completer and a placement (in work 6 months after completion, by the official definition) cost as many trainees as it
takes in the intakes that the run follows to the end (`sim.placements.staircase`), at a trainee's cost in their
programme. Stages bear the programmes' cost in proportion to who enrols; channels and the training of instructors, which
enrol nobody, are in the average of all programmes only. These are gross: who would have found work anyway is in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from sim.summary import COLUMNS, FEWEST, TOO_FEW

if TYPE_CHECKING:
    from sim.evaluation.comparison import Effects
    from sim.results import Results

STEPS = {"trainee": "enrolled", "completer": "completed", "placement": "employed"}
"""What is paid for -> step of the staircase."""


def cost_effectiveness(effects: Effects) -> pd.DataFrame:
    """Won per trainee, completer and placement of every scenario, the base included: all, by programme, by stage."""
    results, rows = effects.results, []
    for scenario in results.scenarios:
        books = results.programmes.sums.sel(scenario=scenario)
        outlays = (books.course + books.fixed + books.allowance).sum("year")
        enrolled = books.enrolled.sum("month")
        each = (outlays / enrolled.where(enrolled > 0)).fillna(0.0)
        steps = books.staircase.sum("origin")
        begun = steps.sel(step="enrolled", drop=True)
        some = (enrolled > 0).any("replicate")
        codes = [str(code) for code in books.programme.values[some.values]]
        for what, step in STEPS.items():
            counted = steps.sel(step=step, drop=True)
            money = each * begun
            persons = support = enrolled.sum("programme")
            if what != "trainee":
                support = counted.sum(("stage", "programme"))
                persons = persons * _over(support, begun.sum(("stage", "programme")))
            whole = (outlays.sum("programme"), persons)
            rows.append(_row(effects, scenario, what, "all", "all", *whole, support))
            for code in codes:
                mine = {"programme": code}
                top, below = (x.sum("stage").sel(mine) for x in (money, counted))
                if what == "trainee":
                    top, below = outlays.sel(mine), enrolled.sel(mine)
                rows.append(_row(effects, scenario, what, "programme", code, top, below, below))
            for stage in map(str, books.stage.values):
                top, below = (x.sel(stage=stage).sum("programme") for x in (money, counted))
                rows.append(_row(effects, scenario, what, "stage", stage, top, below, below))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def placements(results: Results) -> xr.DataArray:
    """Persons in work 6 months after completion (scenario, replicate): completions of the run, each programme's at the
    rate of those followed that far in any replicate; NaN where nobody is."""
    books = results.programmes.sums
    at = {"counted": "completers", "definition": "official", "horizon": 6}
    known, placed = (books[name].sel(at, drop=True).sum(("stage", "origin")) for name in ("known", "placed"))
    rate = _over(placed.sum("replicate"), known.sum("replicate"))
    rate = rate.fillna(_over(placed.sum(("replicate", "programme")), known.sum(("replicate", "programme"))))
    completed = books.completed.sum("month")
    followed = rate.notnull().all("programme") | ~(completed > 0).any(("programme", "replicate"))
    expected: xr.DataArray = (completed * rate.fillna(0.0)).sum("programme").where(followed)
    return expected


def _over(top: xr.DataArray, bottom: xr.DataArray) -> xr.DataArray:
    return top / bottom.where(bottom != 0)


def _row(
    effects: Effects,
    scenario: str,
    what: str,
    dimension: str,
    category: str,
    money: xr.DataArray,
    counted: xr.DataArray,
    support: xr.DataArray,
) -> tuple[object, ...]:
    """Ratio of sums over replicates with its interval; too few below `FEWEST` agents counted."""
    ends = [float(x) for x in effects.results.design.ratio(money.values, np.nan_to_num(counted.values))]
    unit = "won"
    if float(support.sum()) / effects.scale < FEWEST:
        ends, unit = [np.nan] * len(ends), f"{TOO_FEW} (won)"
    return (scenario, f"won per {what}", dimension, category, pd.NA, *ends[:3], unit, *ends[3:])


__all__ = ["cost_effectiveness", "placements"]
