"""Table 16: the scenarios side by side, and which is best how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from sim.evaluation.breakdown import year_of
from sim.evaluation.fiscal import lines, net_cost, present, rate_of
from sim.programmes import HORIZONS
from sim.report.effect_rows import mean_of, n_of, not_here, rows_by, scenario_label, source_of, value_at
from sim.report.subject import Subject
from sim.report.table import Column, Number, ReportTable, Value, too_short
from sim.report.words import Words
from sim.summary import LAST

if TYPE_CHECKING:
    from sim.evaluation.comparison import Effects
    from sim.sweep.answers import Sweep

WORKED = "direct effect on months in work of the treated"
CRITERIA = ("jobs", "productivity", "budget")
"""What scenarios can be best at: person-months in work, output a worker at fixed composition, the public balance."""
OF_SWEEP = {"net_employment": "jobs", "productivity": "productivity", "net_cost": "budget"}
"""Outcome of a sweep -> criterion."""


def table_16(subject: Subject, say: Words) -> ReportTable:
    """Each scenario against the base: jobs, months in work, productivity, budget and inequality; rank and chances."""
    key, title = "scenarios", say("money.16.title")
    if subject.sweep is not None:
        return _of_sweep(subject, subject.sweep, say, key, title)
    effects = subject.effects
    if effects is None:
        return not_here(subject, say, 16, key, title)
    last, design = effects.horizons[-1], effects.results.design
    values = criteria(effects)
    chances = {name: _chances(values[name], effects.results.scenarios) for name in CRITERIA}
    known = rows_by(effects.decomposition(), "scenario", "horizon_months", "outcome")
    known |= rows_by(effects.treated(), "scenario", "horizon_months", "outcome")
    followed = _longest(effects)
    productive = rows_by(effects.productivity(), "scenario", "horizon_months", "outcome")
    names = effects.results.scenarios
    means = values["jobs"].mean("replicate")
    order = sorted(names, key=lambda name: -float(means.sel(scenario=name)))
    rows: list[tuple[Value, ...]] = []
    for name in order:
        found: list[Value] = [None] * 6
        if name != effects.base:
            found = [
                value_at(known, (name, last, "net"), say),
                mean_of(design, values["jobs"].sel(scenario=name).values),
                value_at(known, (name, followed, WORKED), say),
                value_at(productive, (name, last, "output_per_worker_fixed"), say),
                mean_of(design, -values["budget"].sel(scenario=name).values),
                mean_of(design, gini_change(effects, name)),
            ]
        best = [chances[name_of].get(name) for name_of in CRITERIA]
        rows.append(
            (
                scenario_label(subject, say, name),
                *found,
                say("money.16.place", rank=order.index(name) + 1),
                *best,
            )
        )
    columns = (
        Column(say("jobs.scenario")),
        Column(say("jobs.account.net"), "change of persons"),
        Column(say("money.16.months"), "change of person-months"),
        Column(say("money.16.worked", months=followed), "months"),
        Column(say("money.16.productivity"), "percent"),
        Column(say("money.16.budget"), "change of 100 million won"),
        Column(say("money.16.gini"), "percent"),
        Column(say("money.16.rank")),
        *(Column(say(f"money.16.best {name}"), "share") for name in CRITERIA),
    )
    notes = [_lead(subject, effects, values["jobs"], order, say), say("money.16.best")]
    return ReportTable(
        number=16,
        key=key,
        title=title,
        columns=columns,
        rows=rows,
        definition=say("money.16.definition", months=last, year=year_of(effects, last)),
        source=source_of(subject, effects, say),
        n=n_of(effects, say),
        notes=(*notes, say("money.16.reemployment")),
    )


def criteria(effects: Effects) -> dict[str, xr.DataArray]:
    """Of `CRITERIA`, of which more is better: scenarios less the base (scenario, replicate), the base itself zero."""
    output = effects.results.market["output_per_worker_fixed"].isel(month=slice(-LAST, None)).mean("month")
    here = {"horizon": effects.horizons[-1], "group": "all:all"}
    found = {
        "jobs": effects.in_months.net.sel(here, drop=True),
        "productivity": output.sel(scenario=effects.scenarios) - output.sel(scenario=effects.base, drop=True),
        "budget": -net_cost(present(lines(effects), rate_of(effects, None))),
    }
    names = effects.results.scenarios
    return {
        name: one.reset_coords(drop=True).astype(float).reindex(scenario=names, fill_value=0.0)
        for name, one in found.items()
    }


def gini_change(effects: Effects, scenario: str) -> np.ndarray:
    """Change of the Gini coefficient of annual incomes against the base, percent (replicates,)."""
    year = year_of(effects, effects.horizons[-1])
    found = effects.paired.inequality.sel(scenario=scenario, year=year, measure="gini")
    before, after = (found.sel(run=when).values for when in ("before", "after"))
    return np.asarray(100.0 * (after - before) / before)


def _longest(effects: Effects) -> int:
    """The longest follow-up of the trained, up to two years."""
    known = effects.treated()
    told = known[(known.outcome == WORKED) & known["mean"].notna()].horizon_months
    return int(max((m for m in told if m <= 24), default=min(told, default=HORIZONS[0])))


def _chances(values: xr.DataArray, names: list[str]) -> dict[str, Number]:
    """Share of replicates in which a scenario is the best, with its interval; nothing from one replicate."""
    from sim.sweep.choice import choice

    told = values.transpose("replicate", "scenario").sel(scenario=names).values
    return _best(choice(told, names)) if len(told) > 1 else {}


def _best(found: pd.DataFrame) -> dict[str, Number]:
    return {
        str(row["policy"]): Number(float(row["best"]), float(row["best_low"]), float(row["best_high"]))
        for row in found.to_dict("records")
    }


def _lead(subject: Subject, effects: Effects, jobs: xr.DataArray, order: list[str], say: Words) -> str:
    """Whether the first can be told from the second by person-months in work."""
    first, second = order[:2]
    ahead = mean_of(effects.results.design, (jobs.sel(scenario=first) - jobs.sel(scenario=second)).values)
    names = {
        "first": scenario_label(subject, say, first),
        "second": scenario_label(subject, say, second),
    }
    return say("money.16.ahead" if ahead.clear else "money.16.tied", **names)


# ------------------------------------------------------------------------------------------------------ sweeps


def _of_sweep(subject: Subject, sweep: Sweep, say: Words, key: str, title: str) -> ReportTable:
    """Outcomes of each lever over the points that are fair draws of the parameters, and where it is the best."""
    from sim.sweep.show import NEW_POINTS, by_lever, policy_choice

    there = [name for name in OF_SWEEP if name in sweep.outcomes()]
    levels = by_lever(sweep, there) if there else pd.DataFrame()
    levels = levels[levels["method"].isin(NEW_POINTS)] if len(levels) else levels
    if not len(levels):
        return too_short(16, key, title, say("money.16.no points"))
    largest = levels.sort_values("points", kind="stable")["sample"].iloc[-1]
    levels = levels[levels["sample"] == largest]
    told: dict[tuple[Any, ...], Number] = {
        (row["lever"], row["outcome"]): Number(float(row["mean"]), float(row["low"]), float(row["high"]))
        for row in levels.to_dict("records")
    }
    choices = {name: policy_choice(sweep, name)[0] for name in there}
    best = {name: _best(found) if len(found) else {} for name, found in choices.items()}
    regret = _column(choices[there[0]], "regret")
    units = {
        "net_employment": "change of person-months",
        "productivity": "won",
        "net_cost": "change of 100 million won",
    }
    rows: list[tuple[Value, ...]] = [
        (
            scenario_label(subject, say, lever),
            *(told.get((lever, name)) for name in there),
            *(best[name].get(lever) for name in there),
            regret.get(lever),
        )
        for lever in sweep.levers
    ]
    unit_of_regret = units[there[0]].removeprefix("change of ")
    columns = (
        Column(say("jobs.scenario")),
        *(Column(say(f"money.16.sweep {name}"), units[name]) for name in there),
        *(Column(say(f"money.16.best {OF_SWEEP[name]}"), "share") for name in there),
        Column(say("money.16.regret"), unit_of_regret),
    )
    manifest = sweep.store.manifest
    return ReportTable(
        number=16,
        key=key,
        title=title,
        columns=columns,
        rows=rows,
        definition=say("money.16.sweep definition"),
        source=say("money.16.sweep source", model=str(manifest["model"])),
        n=say(
            "money.16.sweep n",
            points=int(levels["points"].max()),
            replicates=sweep.store.replicates,
            months=int(manifest["months"]),
            scale=f"{int(manifest['scale']):,}",
        ),
        notes=(say("money.16.sweep note"),),
    )


def _column(found: pd.DataFrame, name: str) -> dict[str, float]:
    return {str(p): float(x) for p, x in zip(found["policy"], found[name], strict=True)} if len(found) else {}


__all__ = ["criteria", "gini_change", "table_16"]
