"""What a job costs: money against the base, over jobs against the base."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from sim.evaluation.comparison import YEAR
from sim.evaluation.cost_effectiveness import placements
from sim.intervals import Design
from sim.summary import COLUMNS
from sim.variables import REVENUE

if TYPE_CHECKING:
    from sim.evaluation.comparison import Effects

SEEDS_ONLY = Design()
UNCLEAR = "not distinguishable from zero"


def extra_money(effects: Effects) -> xr.Dataset:
    """Won more than the base over the whole run (scenario, replicate): planned, and spent with allowances."""
    books = effects.results.programmes.sums
    won = xr.Dataset({"planned": books.budget, "spent": books.course + books.fixed + books.allowance})
    won = won.sum(("year", "programme"))
    return won.sel(scenario=effects.scenarios) - won.sel(scenario=effects.base, drop=True)


def public_accounts(effects: Effects) -> xr.Dataset:
    """Won more than the base over the whole run (scenario, replicate): programmes with allowances (`spent`),
    unemployment benefit, tax and contributions gained, and what is left to pay (`net cost`)."""
    market = effects.results.market.sums
    won = xr.Dataset(
        {"benefits": market.benefits, "tax and contributions": sum(market[name] for name in REVENUE)}
    ).sum("month")
    won = won.sel(scenario=effects.scenarios) - won.sel(scenario=effects.base, drop=True)
    won["spent"] = extra_money(effects).spent
    won["net cost"] = won.spent + won.benefits - won["tax and contributions"]
    return won


def cost(effects: Effects) -> pd.DataFrame:
    """Additional money of the whole run, and won per additional course begun and completed, placement, person trained,
    direct job, net job and net job-year.

    Additional persons trained: those who train here and not in the base, less those who train in the base only.

    Jobs are those at the last horizon, job-years those of the whole run. A cost per job has no number where
    the interval of the jobs covers zero, or where jobs fall.
    """
    extra, horizon = extra_money(effects), effects.horizons[-1]
    public = public_accounts(effects)
    last = {"horizon": horizon, "group": "all:all"}
    heads, months = effects.accounts.sel(last), effects.in_months.sel(last)
    books = effects.results.programmes.sums
    gross = {
        "additional course begun": books.enrolled.sum(("month", "programme")),
        "additional course completed": books.completed.sum(("month", "programme")),
        "additional placement, 6 months after completion": placements(effects.results),
    }
    per = {
        **{
            name: count.sel(scenario=effects.scenarios) - count.sel(scenario=effects.base, drop=True)
            for name, count in gross.items()
        },
        "additional person trained": heads.trained - heads.forgone,
        "direct job": heads.direct,
        "net additional job": heads.net,
        "net additional job-year": months.net / YEAR,
    }
    design = effects.results.design

    def row(scenario: str, name: str, values: np.ndarray, unit: str) -> tuple[object, ...]:
        mean, low, high, *shares = (float(x) for x in design.mean(values))
        return (scenario, name, "all", "all", horizon, mean, low, high, unit, *shares)

    rows = []
    for scenario in effects.scenarios:
        own = {name: won.sel(scenario=scenario).values for name, won in extra.items()}
        for name in ("planned", "spent"):
            rows.append(row(scenario, f"additional money {name}", own[name], "won"))
        for name in ("benefits", "tax and contributions", "net cost"):
            rows.append(
                row(scenario, f"additional {name}", public[name].sel(scenario=scenario).values, "won")
            )
        more = per["additional person trained"].sel(scenario=scenario).values
        rows.append(row(scenario, "additional persons trained", more, "persons"))
        for name, counted in per.items():
            found, why = cost_per(own["spent"], counted.sel(scenario=scenario).values, design)
            unit = f"{why} (won)" if why else "won"
            rows.append((scenario, f"won per {name}", "all", "all", horizon, *found, unit, *(np.nan,) * 3))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"horizon_months": "Int64"})


def cost_per(
    won: np.ndarray, jobs: np.ndarray, design: Design = SEEDS_ONLY
) -> tuple[tuple[float, float, float], str]:
    """Won per job (mean, low, high), or why there is no such number, from replicates (n,): the money over the
    ends of the jobs' interval.

    NaN when the jobs cannot be told from zero, when they fall, or when no money is added.
    """
    nothing = (np.nan, np.nan, np.nan)
    mean, low, high = (float(x) for x in design.mean(jobs)[:3])
    money = float(np.mean(won))
    if money <= 0:
        return nothing, "no additional spending"
    if np.isnan(mean):
        return nothing, "nobody is followed that far"
    if np.isnan(low):
        return nothing, "one replicate has no interval" if len(jobs) == 1 else "one draw has no interval"
    if low <= 0 <= high:
        return nothing, UNCLEAR
    if high < 0:
        return nothing, "fewer, not more"
    return (money / mean, money / high, money / low), ""


__all__ = ["UNCLEAR", "cost", "cost_per", "extra_money", "public_accounts"]
