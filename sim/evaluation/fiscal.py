"""Who gains and who pays: the public balance by year, viewpoints that add up, and the marginal value of public funds.

Everything is a difference against the base, in won of the base year, by calendar year; present values count the first
year whole and discount each later one. Four viewpoints are exhaustive, so that what one pays another receives:

    workers   = pay + own-account income - income tax - workers' contributions + benefits + allowances - self-payments
    budget    = income tax + both contributions - courses - fixed cost - allowances - benefits - hiring subsidies
                (= - net fiscal cost)
    employers = output - pay - own-account income - employers' contributions + hiring subsidies
    society   = workers + budget + employers - deadweight of taxation
              = output - courses - fixed cost - self-payments - deadweight of taxation

Workers are everyone, the displaced included: the participants (`sim.evaluation.incomes`) and all others, whose lines
add up to the workers'. The marginal value of public funds (Hendren & Sprung-Keyser 2020, QJE 135(3)) is the workers'
gain over the net fiscal cost. Self-payments are the trainees' part of the fee, by their records. Travel and the value
of leisure are not counted: the workers' gain is their income, not their well-being.

The `[evaluation]` table of a scenario sets the discount rate, the horizon and the deadweight of taxation; all of it is
worked out after the runs.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from sim.evaluation.cost import UNCLEAR
from sim.intervals import Design
from sim.programmes import SUBSIDY
from sim.summary import COLUMNS
from sim.variables import REVENUE

if TYPE_CHECKING:
    from sim.evaluation.comparison import Effects

DISCOUNT_RATE = 0.045
"""A year, real: of public feasibility studies in Korea; used where the economy's tables hold none."""
PUBLISHED = Path(__file__).with_name("mvpf.csv")
OUTLAYS = ("courses", "fixed cost", "allowances", "benefits", "hiring subsidies")
RECEIPTS = ("income tax", "workers' contributions", "employers' contributions")
VIEWPOINTS: dict[str, dict[str, int]] = {
    "workers": {
        "pay": 1,
        "own-account income": 1,
        "income tax": -1,
        "workers' contributions": -1,
        "benefits": 1,
        "allowances": 1,
        "self-payments": -1,
    },
    "budget": {**dict.fromkeys(RECEIPTS, 1), **dict.fromkeys(OUTLAYS, -1)},
    "employers": {
        "output": 1,
        "pay": -1,
        "own-account income": -1,
        "employers' contributions": -1,
        "hiring subsidies": 1,
    },
}
"""Viewpoint -> line and its sign."""
PERSONS = {
    "pay": "pay",
    "own-account income": "own_account",
    "benefits": "benefits",
    "allowances": "allowances",
}
PERSONS |= {"self-payments": "self_payments"}
"""Line -> item of the incomes of persons."""
TAXED = {"income tax": "income_tax", "workers' contributions": "worker_contributions"}
"""Line -> what of the market it is: a constant share of pay."""
PRESENT_VALUE = "present value"
MVPF = "marginal value of public funds"
CASH = "the same won in cash"
PAYS = "infinite, pays for itself"


class Published(NamedTuple):
    """A published marginal value of public funds of a training programme; its interval where one is given."""

    programme: str
    country: str
    mvpf: float
    low: float
    high: float
    source: str


def published() -> list[Published]:
    """The rows of `mvpf.csv`: programmes of the United States, over the period that was observed."""
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Published(
            programme=row["programme"],
            country=row["country"],
            mvpf=float(row["mvpf"]),
            low=float(row["low"] or "nan"),
            high=float(row["high"] or "nan"),
            source=row["source"],
        )
        for row in rows
    ]


def lines(effects: Effects) -> xr.Dataset:
    """Won more than the base, by line (scenario, replicate, year)."""
    results = effects.results
    books, market = results.programmes.sums, results.market.sums
    subsidy = books.programme_kind == SUBSIDY
    by_year = {
        "courses": books.course.where(~subsidy, 0).sum("programme"),
        "hiring subsidies": books.course.where(subsidy, 0).sum("programme"),
        "fixed cost": books.fixed.sum("programme"),
        "allowances": books.allowance.sum("programme"),
        "self-payments": books.self_payment.sum("programme"),
    }
    income = results.employers.sums.wages.sum(("size", "industry"))  # of everyone at work
    monthly = {
        "benefits": market.benefits,
        **dict(zip(RECEIPTS, (market[name] for name in REVENUE), strict=True)),
        "pay": market.wages,
        "own-account income": income - market.wages,
        "output": market.output,
    }
    by_year |= {name: series.groupby("month.year").sum() for name, series in monthly.items()}
    won = xr.Dataset({name: one.astype(np.float64).reset_coords(drop=True) for name, one in by_year.items()})
    won = won.sel(scenario=effects.scenarios) - won.sel(scenario=effects.base, drop=True)
    return won.sel(year=won.year <= last_year(effects)).transpose("scenario", "replicate", "year")


def of_participants(effects: Effects) -> xr.Dataset:
    """The workers' lines of the participants alone (scenario, replicate, year), won more than in the base."""
    market = effects.results.market.sums
    found = effects.paired.incomes.sel(group="all:all", side="participants", drop=True).astype(np.float64)
    own = {line: found.sel(income=item, drop=True) for line, item in PERSONS.items()}
    wages = market.wages.sum()
    own |= {line: own["pay"] * (market[name].sum() / wages) for line, name in TAXED.items()}
    won = xr.Dataset({name: own[name].reset_coords(drop=True) for name in VIEWPOINTS["workers"]})
    return won.sel(year=won.year <= last_year(effects)).transpose("scenario", "replicate", "year")


def last_year(effects: Effects) -> int:
    """The last calendar year within the horizon."""
    months = effects.results.months
    horizon = int(effects.results.tree.attrs.get("horizon_months", months.size))
    return int(pd.Timestamp(months[min(horizon, months.size) - 1]).year)


def net_cost(won: xr.Dataset) -> xr.DataArray:
    """Outlays less receipts."""
    return _total(won, OUTLAYS) - _total(won, RECEIPTS)


def _total(won: xr.Dataset, names: Sequence[str]) -> xr.DataArray:
    return won[list(names)].to_array().sum("variable")


def present(won: xr.Dataset, rate: float) -> xr.Dataset:
    """Present values (scenario, replicate): the first year whole, later ones discounted at `rate` a year."""
    discounted: xr.Dataset = won / (1.0 + rate) ** (won.year - won.year.min())
    return discounted.sum("year")


def fiscal(effects: Effects, rate: float | None = None) -> pd.DataFrame:
    """The public balance by year and in present value: outlays, receipts, net fiscal cost."""
    won = lines(effects)
    names = (*OUTLAYS, *RECEIPTS)
    table = won[list(names)].assign({"net fiscal cost": net_cost(won)})
    now = present(table, rate_of(effects, rate))
    rows = []
    for scenario in effects.scenarios:
        for name in table:
            told = f"public balance: {name}"
            for year in table.year.values:
                values = table[name].sel(scenario=scenario, year=year).values
                rows.append(_row(effects, scenario, told, "year", str(year), values))
            rows.append(
                _row(effects, scenario, told, "all", PRESENT_VALUE, now[name].sel(scenario=scenario).values)
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def viewpoints(effects: Effects, rate: float | None = None, deadweight: float | None = None) -> pd.DataFrame:
    """Gain of participants, all other workers, the budget, employers and society in present value, line by line, and
    gain over cost.

    rate: of discount, a year; deadweight: won lost by raising a won of taxes, on the net fiscal cost. Where not given,
    what the scenarios' `[evaluation]` says, else the economy's rate and none.
    """
    rate, deadweight = rate_of(effects, rate), deadweight_of(effects, deadweight)
    now, theirs = present(lines(effects), rate), present(of_participants(effects), rate)
    rows = []
    for scenario in effects.scenarios:
        own = {str(name): won.sel(scenario=scenario).values for name, won in now.items()}
        trained = {str(name): won.sel(scenario=scenario).values for name, won in theirs.items()}
        rows += _two_sides(effects, scenario, own, trained)
        gains: dict[str, np.ndarray] = {}
        for who, signs in VIEWPOINTS.items():
            for name, sign in signs.items():
                rows.append(_row(effects, scenario, f"{who}: {name}", "all", PRESENT_VALUE, sign * own[name]))
            gains[who] = np.sum([sign * own[name] for name, sign in signs.items()], axis=0)
            rows.append(_row(effects, scenario, f"{who}: gain", "all", PRESENT_VALUE, gains[who]))
        lost = deadweight * gains["budget"]  # which is the net fiscal cost, below zero
        rows.append(_row(effects, scenario, "society: deadweight of taxation", "all", PRESENT_VALUE, lost))
        whole = np.sum([*gains.values(), lost], axis=0)
        rows.append(_row(effects, scenario, "society: gain", "all", PRESENT_VALUE, whole))
        resources = own["courses"] + own["fixed cost"] + own["self-payments"] - lost
        rows.append(_ratio(effects, scenario, "society: output over cost", own["output"], resources))
        rows.append(_ratio(effects, scenario, "budget: receipts over outlays", *_both_sides(own)))
        rows.append(_mvpf(effects, scenario, gains["workers"], -gains["budget"]))
        rows.append(
            _mvpf(
                effects,
                scenario,
                gains["workers"] + gains["employers"],
                -gains["budget"],
                f"{MVPF}, employers' income too",
            )
        )
        rows += _as_cash(effects, scenario, -gains["budget"])
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _two_sides(
    effects: Effects, scenario: str, own: dict[str, np.ndarray], trained: dict[str, np.ndarray]
) -> list[tuple[object, ...]]:
    """The workers' lines and gain of participants and of all others, and what participants get a won they pay."""
    signs = VIEWPOINTS["workers"]
    sides = {"participants": trained, "others": {name: own[name] - trained[name] for name in signs}}
    rows = []
    for who, part in sides.items():
        for name, sign in signs.items():
            rows.append(_row(effects, scenario, f"{who}: {name}", "all", PRESENT_VALUE, sign * part[name]))
        gain = np.sum([sign * part[name] for name, sign in signs.items()], axis=0)
        rows.append(_row(effects, scenario, f"{who}: gain", "all", PRESENT_VALUE, gain))
        if who == "participants":
            paid = part["self-payments"]
            rows.append(_ratio(effects, scenario, "participants: income over own payment", gain + paid, paid))
    return rows


def _as_cash(effects: Effects, scenario: str, cost: np.ndarray) -> list[tuple[object, ...]]:
    """The same net cost paid out to as many people as the policy trains: a won received is a won spent, by definition.

    Nobody is taken to behave otherwise for it, so it changes no job and no output.
    """
    last = {"horizon": effects.horizons[-1], "group": "all:all", "scenario": scenario}
    persons = effects.accounts.trained.sel(last).values.astype(np.float64)
    each = _ratio(effects, scenario, f"{CASH}: won a person trained", cost, persons, "nobody more is trained")
    known = _ratio(effects, scenario, f"{CASH}: {MVPF}", cost, cost)
    return [each, known, _row(effects, scenario, f"{CASH}: jobs", "all", "all", 0.0 * cost, "persons")]


def path(effects: Effects) -> pd.DataFrame:
    """From training to use to output, at each year-end, against the base: completions so far; AI skill a person; users;
    employers with AI; hours saved and output of the year. Nothing leads from a course to output but these steps."""
    results = effects.results
    market, horizons = results.market.sums, effects.horizons
    people = results.market["employed"] + results.market["unemployed"] + results.market["inactive"]
    steps = {
        "completions so far": (results.programmes.sums.completed.sum("programme").cumsum("month"), "persons"),
        "AI skill a person": (market.skill / people, "0 to 1"),
        "employed who use AI": (market.users, "persons"),
        "employers with AI": (market.adopters, "employers"),
        "hours saved in the year": (_over_year(market.hours_saved), "hours"),
        "output of the year": (_over_year(market.output), "won"),
    }
    rows = []
    for name, (series, unit) in steps.items():
        values = series.transpose("scenario", "replicate", "month").astype(np.float64)
        change = values.sel(scenario=effects.scenarios) - values.sel(scenario=effects.base, drop=True)
        for scenario in effects.scenarios:
            for h in horizons:
                here = change.sel(scenario=scenario).isel(month=h - 1).values
                rows.append(_row(effects, scenario, f"path: {name}", "all", "all", here, unit, horizon=h))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def rate_of(effects: Effects, rate: float | None) -> float:
    """The discount rate asked for, else that of the economy. ValueError below zero."""
    found = float(effects.results.tree.attrs.get("discount_rate", DISCOUNT_RATE)) if rate is None else rate
    if found < 0.0:
        raise ValueError(f"a discount rate is 0 or more, not {found}")
    return found


def deadweight_of(effects: Effects, deadweight: float | None) -> float:
    """The deadweight of taxation asked for, else that of the scenarios. ValueError below zero."""
    told = effects.results.tree.attrs.get("deadweight_of_taxation", 0.0)
    found = float(told) if deadweight is None else deadweight
    if found < 0.0:
        raise ValueError(f"a deadweight of taxation is 0 or more, not {found}")
    return found


def _over_year(monthly: xr.DataArray) -> xr.DataArray:
    return monthly.rolling(month=12, min_periods=1).sum()


def _both_sides(own: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return np.sum([own[name] for name in RECEIPTS], axis=0), np.sum([own[name] for name in OUTLAYS], axis=0)


def _row(
    effects: Effects,
    scenario: str,
    outcome: str,
    dimension: str,
    category: str,
    values: np.ndarray,
    unit: str = "won",
    horizon: int | None = None,
) -> tuple[object, ...]:
    mean, low, high, *shares = (float(x) for x in effects.results.design.mean(np.asarray(values)))
    last = effects.horizons[-1] if horizon is None else horizon
    return (scenario, outcome, dimension, category, last, mean, low, high, unit, *shares)


def _ratio(
    effects: Effects,
    scenario: str,
    outcome: str,
    top: np.ndarray,
    bottom: np.ndarray,
    nothing: str = "no additional cost",
) -> tuple[object, ...]:
    """A ratio of present values; no number where the denominator cannot be told from zero or is below it. nothing: said
    where it is zero."""
    _, low, high, *_ = (float(x) for x in effects.results.design.mean(bottom))
    known = low == low and low > 0.0
    why = "" if known else _why(low, high, nothing)
    ends = [float(x) for x in effects.results.design.ratio(top, bottom)] if known else [np.nan] * 6
    unit = f"{why} (won a won)" if why else "won a won"
    return (scenario, outcome, "all", PRESENT_VALUE, effects.horizons[-1], *ends[:3], unit, *ends[3:])


def _why(low: float, high: float, nothing: str) -> str:
    if low != low:
        return "one replicate has no interval"
    if low == high == 0.0:
        return nothing
    return UNCLEAR if low <= 0.0 <= high else "costs nothing"


def _mvpf(
    effects: Effects, scenario: str, gain: np.ndarray, cost: np.ndarray, outcome: str = MVPF
) -> tuple[object, ...]:
    """The marginal value of public funds, and which case it is where it is no plain ratio of a cost.

    Infinite where workers gain and the budget does too (it pays for itself); no number where workers lose and the
    budget gains, or where the cost, or without a cost the gain, cannot be told from zero.
    """
    row = _ratio(effects, scenario, outcome, gain, cost)
    design: Design = effects.results.design
    _, _, above, *_ = (float(x) for x in design.mean(cost))
    _, low, high, *_ = (float(x) for x in design.mean(gain))
    if not above < 0.0:
        return row
    if low > 0.0:
        return (*row[:5], *(np.inf,) * 3, f"{PAYS} (won a won)", *row[9:])
    why = "saves money, workers lose" if high < 0.0 else "saves money, workers' gain " + UNCLEAR
    return (*row[:8], f"{why} (won a won)", *row[9:])


__all__ = [
    "CASH",
    "DISCOUNT_RATE",
    "MVPF",
    "PRESENT_VALUE",
    "VIEWPOINTS",
    "Published",
    "deadweight_of",
    "fiscal",
    "last_year",
    "lines",
    "net_cost",
    "of_participants",
    "path",
    "present",
    "published",
    "rate_of",
    "viewpoints",
]
