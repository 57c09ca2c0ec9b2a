"""Frames behind the account: who lost and gained jobs, where the trained stand, and the gaps before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from sim.economy import load
from sim.errors import InputError, nearest
from sim.evaluation.detail import CLOCKS, DEFINITIONS

if TYPE_CHECKING:
    from sim.evaluation.comparison import Effects

SLACK = ("low unemployment", "middle unemployment", "high unemployment")
PEOPLE = ("stage", "age", "sex", "education", "region", "exposure", "slack")
AT_START = ("exposure", "size")
"""Known of everyone as they were at the policy's start only."""
LOST, GAINED, OTHERS = "jobs lost by others", "jobs gained by others", "jobs of others, net"
RATE, PAY = "employment rate", "mean monthly pay of employees"
INCOME = "income a head, change"
GINI = "Gini coefficient of annual incomes"
MEASURES = {
    # of `sim.evaluation.incomes.INEQUALITY` -> how it is told, times, unit
    "gini": (GINI, 1.0, "0 to 1"),
    "lower_half": ("share of annual incomes of the lower half", 100.0, "percent"),
    "top_tenth": ("share of annual incomes of the top tenth", 100.0, "percent"),
}
GAPS = ("female less male", "15-29 less 40-49", "non-capital less capital", "middle school less college")
PAY_GAPS = (*GAPS, "high exposure less low exposure", "smaller employers less large")


# ---------------------------------------------------------------------------------------------------- slack


def by_slack(effects: Effects, data: Any, places: np.ndarray) -> Any:
    """Groups of provinces summed into three classes by the base run's unemployment rate over all months.

    places: of the provinces on the axis of groups, in the order of the provinces.
    """
    people = effects.results.cells["persons_by_region"].sel(scenario=effects.base, drop=True)
    people = people.sum(("replicate", "month"))
    jobless = people.sel(state="unemployed", drop=True)
    rate = (jobless / (jobless + people.sel(state="employed", drop=True))).values
    order = np.argsort(rate, kind="stable")
    parts = [
        data.isel(group=places[np.sort(some)]).sum("group") for some in np.array_split(order, len(SLACK))
    ]
    return xr.concat(parts, "group").assign_coords(
        group=[f"slack:{name}" for name in SLACK],
        dimension=("group", ["slack"] * len(SLACK)),
        category=("group", list(SLACK)),
    )


# ---------------------------------------------------------------------------------------------------- trace


def trace(effects: Effects, by: str | None) -> pd.DataFrame:
    """Jobs lost and gained by everyone outside the trained at each year-end, in persons.

    by: of the person (`PEOPLE`), or of the workplace: occupation (major group), size, industry; a job lost counts
    where the person works in the comparison, one gained where he or she works under the policy. InputError for
    another dimension.
    """
    kinds = list(dict.fromkeys(str(k) for k in effects.paired.kind.values))
    known = [*PEOPLE, *kinds[1:]]
    if by is None or by in PEOPLE:
        grouped = effects._grouped(effects.accounts[["gains", "losses"]], by)
        gains, losses = grouped.gains, grouped.losses
    elif by in kinds:
        jobs = effects.paired.trace.isel(place=np.flatnonzero(effects.paired.kind.values == by))
        jobs = jobs.rename(place="group", kind="dimension", workplace="category")
        gains, losses = (jobs.sel(change=name, drop=True) for name in ("gains", "losses"))
    else:
        raise InputError(
            f"unknown dimension {by!r}", allowed=", ".join(known), nearest=nearest(str(by), known)
        )
    told = {LOST: losses, GAINED: gains, OTHERS: gains - losses}
    frames = [effects._frame(values, name, "persons", gains + losses) for name, values in told.items()]
    return pd.concat(frames, ignore_index=True)


# -------------------------------------------------------------------------------------------------- trained


def treated(
    effects: Effects, by: str | None, months: Sequence[int], clock: str, definition: str
) -> pd.DataFrame:
    """Employment of the trained, and their months in work, at months since the start or the planned end."""
    since = effects._grouped(effects.paired[["followed"]], by).followed
    since = since.sel(clock=_one_of(clock, CLOCKS, "clock"), drop=True)
    since = since.sel(definition=_one_of(definition, DEFINITIONS, "definition"), drop=True)
    kept = [m for m in months if m < since.sizes["months_since"]]
    since = since.sel(months_since=kept).rename(months_since="horizon")
    n = {str(name): since.sel(count=name, drop=True) for name in since["count"].values}
    how = _how(clock, definition)
    told = {
        "employment of the treated": (100 * n["gross"], "percent"),
        "employment of the treated without the policy": (100 * n["deadweight"], "percent"),
        "direct effect on the treated": (100 * (n["gross"] - n["deadweight"]), "percentage points"),
        "months in work of the treated": (n["months"], "months"),
        "months in work of the treated without the policy": (n["months_anyway"], "months"),
        "direct effect on months in work of the treated": (n["months"] - n["months_anyway"], "months"),
    }
    frames = [
        effects._frame(part, name + how, unit, n["known"], n["known"]) for name, (part, unit) in told.items()
    ]
    return pd.concat(frames, ignore_index=True)


def earnings(effects: Effects, by: str | None, clock: str) -> pd.DataFrame:
    """Pay and change of occupation of the trained at the first quarter-end from 3, 6, 12, 24 and 36 months on.

    Earnings: monthly pay of employees, zero without an employee's job; pay at work: of those who are employees.
    Effects are differences on all the trained; pay at work has none, because other people are employees.
    """
    items = effects._grouped(effects.paired[["earnings"]], by).earnings
    items = items.sel(clock=_one_of(clock, CLOCKS, "clock"), drop=True).rename(months_after="horizon")
    items = items.sel(horizon=[h for h in items.horizon.values if h < effects.paired.sizes["month"]])
    n = {str(name): items.sel(item=name, drop=True) for name in items["item"].values}
    how, won, points = _how(clock, "official"), "thousand won a month", "percentage points"
    known = n["known"]
    told = [
        ("earnings of the treated", n["pay"], won, known),
        ("earnings of the treated without the policy", n["pay_anyway"], won, known),
        ("direct effect on earnings of the treated", n["pay"] - n["pay_anyway"], won, known),
        ("pay at work of the treated", n["pay"], won, n["employees"]),
        ("pay at work of the treated without the policy", n["pay_anyway"], won, n["employees_anyway"]),
        ("in another occupation of the treated", 100 * n["moved"], "percent", known),
        (
            "in another occupation of the treated without the policy",
            100 * n["moved_anyway"],
            "percent",
            known,
        ),
        (
            "direct effect on change of occupation of the treated",
            100 * (n["moved"] - n["moved_anyway"]),
            points,
            known,
        ),
    ]
    frames = [effects._frame(part, name + how, unit, below, below) for name, part, unit, below in told]
    return pd.concat(frames, ignore_index=True)


def retention(effects: Effects, by: str | None, clock: str) -> pd.DataFrame:
    """The first job of the trained, 6 and 12 months on: still in it, and still in work at all.

    Placed: in work within six months of the start or the planned end; whoever was at work then keeps that job or not.
    Shares of the placed have no effect, because other people are placed; effects are on all the trained.
    """
    items = effects._grouped(effects.paired[["retention"]], by).retention
    items = items.sel(clock=_one_of(clock, CLOCKS, "clock"), drop=True).rename(months_kept="horizon")
    n = {str(name): items.sel(kept=name, drop=True) for name in items["kept"].values}
    how, points = _how(clock, "official"), "percentage points"
    without = " without the policy"
    told = []
    for name, said in (
        ("kept", "retention: same job of the placed"),
        ("at_work", "retention: in work of the placed"),
    ):
        told += [
            (said, 100 * n[name], "percent", n["placed"]),
            (said + without, 100 * n[f"{name}_anyway"], "percent", n["placed_anyway"]),
        ]
    for name, said in (
        ("placed", "placed within six months"),
        ("kept", "placed and still in the same job"),
        ("at_work", "placed and in work again or still"),
    ):
        more = 100 * (n[name] - n[f"{name}_anyway"])
        told += [
            (f"{said}, of the treated", 100 * n[name], "percent", n["known"]),
            (f"{said}, of the treated{without}", 100 * n[f"{name}_anyway"], "percent", n["known"]),
            (f"direct effect on {said}", more, points, n["known"]),
        ]
    frames = [effects._frame(part, name + how, unit, below, below) for name, part, unit, below in told]
    return pd.concat(frames, ignore_index=True)


def _one_of(value: str, allowed: Sequence[str], what: str) -> str:
    if value not in allowed:
        raise InputError(
            f"unknown {what} {value!r}", allowed=", ".join(allowed), nearest=nearest(value, allowed)
        )
    return value


def _how(clock: str, definition: str) -> str:
    """What is added to an outcome's name when it is not the official definition since the start."""
    return ("" if definition == "official" else ", insured") + (
        "" if clock == "start" else ", from completion"
    )


# --------------------------------------------------------------------------------------------- distribution


def distribution(effects: Effects) -> pd.DataFrame:
    """Employment rate and mean pay of employees by group before (the base) and after (the policy), and the change.

    Means over replicates of each replicate's rate, so that after less before is the change. Gaps (`GAPS`) are rows of
    the dimension "gap". Rates in percent of everyone of 15 or more, pay in thousand won a month. Then the change of all
    income a head in the calendar year of each horizon, and the inequality of annual incomes (`inequality`).
    """
    frames = []
    for outcome, unit, points in ((RATE, "percent", "percentage points"), (PAY, "thousand won a month", "")):
        before, after, support = (_rates if outcome == RATE else _pays)(effects)
        for told, values, how in (
            ("before", before, unit),
            ("after", after, unit),
            ("change", after - before, points or unit),
        ):
            frames.append(effects._frame(values, f"{outcome}, {told}", how, support))
    return pd.concat([*frames, income_change(effects), inequality(effects)], ignore_index=True)


def income_change(effects: Effects) -> pd.DataFrame:
    """Who gains and who loses: pay, own-account income, benefits and allowances, less self-payments, before tax, a head
    of each group in the calendar year of a horizon, against the base. Trainees count where they were at enrolment,
    everyone else at the policy's start; heads are those of the base at the horizon, by exposure and size those who were
    there at the start."""
    won = effects.paired.incomes.sum("side")
    signs = xr.DataArray([-1 if item == "self_payments" else 1 for item in won.income.values], dims="income")
    won = (won * signs).sum("income")
    kinds = ("stage", "age", "sex", "education", "region")
    won = won.isel(group=np.isin(won.dimension.values, ("all", *kinds, *AT_START)))
    years = [year_of(effects, h) for h in effects.horizons]
    won = won.sel(year=xr.DataArray(years, dims="horizon")).drop_vars(["year", "dimension", "category"])
    won = won.assign_coords(horizon=effects.horizons)
    parts = [_people(effects, by).sum("state") for by in kinds]
    heads = xr.concat([parts[0].sum("group").expand_dims(group=["all:all"]), *parts], "group")
    heads = heads.sel(scenario=effects.base, drop=True).expand_dims(scenario=effects.scenarios)
    start = effects.paired.start.isel(group=np.isin(effects.paired.dimension.values, AT_START))
    start = start.drop_vars(["dimension", "category"]).expand_dims(horizon=effects.horizons)
    heads = xr.concat([heads, start], "group").sel(group=won.group.values)
    won, heads = (
        x.isel(group=(heads > 0).all(("scenario", "replicate", "horizon")).values) for x in (won, heads)
    )
    return effects._frame(
        _labelled(won / 1e3 / heads), INCOME, "thousand won a head and year", _labelled(heads)
    )


def inequality(effects: Effects) -> pd.DataFrame:
    """Gini coefficient, and shares of the lower half and the top tenth, of annual incomes before (the base) and after
    (the policy) in the calendar year of a horizon: of everyone who was there at the policy's start and then below 60,
    the same people in both runs and all years, those without any income included."""
    years = xr.DataArray([year_of(effects, h) for h in effects.horizons], dims="horizon")
    found = (
        effects.paired.inequality.sel(year=years).drop_vars("year").assign_coords(horizon=effects.horizons)
    )
    agents = found.sel(measure="persons", run="after", drop=True) * effects.scale
    frames = []
    for name, (said, times, unit) in MEASURES.items():
        values = times * found.sel(measure=name, drop=True)
        before, after = (values.sel(run=when, drop=True) for when in ("before", "after"))
        for told, part in (("before", before), ("after", after), ("change", after - before)):
            how = "percentage points" if told == "change" and unit == "percent" else unit
            frames.append(effects._frame(part, f"{said}, {told}", how, agents))
    return pd.concat(frames, ignore_index=True)


def year_of(effects: Effects, horizon: int) -> int:
    """Calendar year of the last month of a horizon."""
    return int(pd.Timestamp(effects.results.months[horizon - 1]).year)


def _rates(effects: Effects) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Percent in work by group and gap at each year-end: base, policy, and the persons it rests on."""
    parts, total = [], []
    for by in ("stage", "age", "sex", "education", "region"):
        people = _people(effects, by)
        parts.append(people.sel(state="employed", drop=True))
        total.append(people.sum("state"))
    return _before_after(effects, xr.concat(parts, "group"), xr.concat(total, "group"), 100.0)


def _people(effects: Effects, by: str) -> xr.DataArray:
    """Persons by category of `by` and state at each horizon."""
    at = xr.DataArray(np.array(effects.horizons) - 1, dims="horizon")
    people = (
        effects.results.cells[f"persons_by_{by}"]
        .isel(month=at)
        .reset_coords(drop=True)
        .drop_vars("month", errors="ignore")
    )
    people = people.rename({by: "group"}).assign_coords(horizon=effects.horizons)
    return people.assign_coords(group=[f"{by}:{code}" for code in people.group.values])


def _pays(effects: Effects) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Mean monthly pay by group and gap, as `_rates`."""
    wages = effects.paired.wages
    kinds = ("stage", "age", "sex", "education", "region", *AT_START)
    wages = wages.isel(group=np.isin(wages.dimension.values, kinds)).drop_vars(["dimension", "category"])
    both = [
        xr.concat([wages.sel(sum=f"{name}_base", drop=True), wages.sel(sum=name, drop=True)], "run")
        for name in ("pay", "employees")
    ]
    return _gapped(
        effects, both[0].isel(run=0), both[1].isel(run=0), both[0].isel(run=1), both[1].isel(run=1), 1.0
    )


def _before_after(
    effects: Effects, part: xr.DataArray, total: xr.DataArray, times: float
) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    base = [one.sel(scenario=effects.base, drop=True) for one in (part, total)]
    mine = [one.sel(scenario=effects.scenarios) for one in (part, total)]
    base = [one.expand_dims(scenario=effects.scenarios) for one in base]
    return _gapped(effects, base[0], base[1], mine[0], mine[1], times)


def _gapped(
    effects: Effects,
    part0: xr.DataArray,
    total0: xr.DataArray,
    part1: xr.DataArray,
    total1: xr.DataArray,
    times: float,
) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Rates with the gaps appended, before and after, and the support of each."""
    from_capital = load(str(effects.results.attrs["economy"])).attribute("region", "capital") > 0
    regions = [str(g) for g in part0.group.values if str(g).startswith("region:")]
    capital = [name for name, inside in zip(regions, from_capital, strict=True) if inside]
    elsewhere = [name for name in regions if name not in capital]
    sizes = [str(g) for g in part0.group.values if str(g).startswith("size:")][
        :-1
    ]  # the last has no employer
    ends = (
        (["sex:female"], ["sex:male"]),
        (["age:15-29"], ["age:40-49"]),
        (elsewhere, capital),
        (["education:middle"], ["education:college"]),
        (["exposure:high exposure"], ["exposure:low exposure"]),
        (sizes[:-1], sizes[-1:]),
    )
    named = list(zip(PAY_GAPS if sizes else GAPS, ends, strict=False))

    def rates(part: xr.DataArray, total: xr.DataArray) -> xr.DataArray:
        def of(groups: list[str]) -> xr.DataArray:
            return times * part.sel(group=groups).sum("group") / total.sel(group=groups).sum("group")

        plain = times * part / total.where(total > 0)
        gaps = [(of(a) - of(b)).expand_dims(group=[f"gap:{name}"]) for name, (a, b) in named]
        return _labelled(xr.concat([plain, *gaps], "group"))

    fewest = [
        xr.concat([total0.sel(group=a).sum("group"), total0.sel(group=b).sum("group")], "side")
        .min("side")
        .expand_dims(group=[f"gap:{name}"])
        for name, (a, b) in named
    ]
    return rates(part0, total0), rates(part1, total1), _labelled(xr.concat([total0, *fewest], "group"))


def _labelled(values: xr.DataArray) -> xr.DataArray:
    split = [str(g).split(":", 1) for g in values.group.values]
    return values.assign_coords(
        dimension=("group", [a for a, _ in split]), category=("group", [b for _, b in split])
    )


__all__ = [
    "by_slack",
    "distribution",
    "earnings",
    "income_change",
    "inequality",
    "retention",
    "trace",
    "treated",
]
