"""Tables 1 to 4: what the scenarios are, what was put in and carried out, who takes part, who completes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from sim.report.effect_rows import (
    label,
    mean_of,
    n_of,
    not_here,
    ratio_of,
    rows_by,
    scenario_cells,
    scenario_columns,
    scenario_label,
    source_of,
    value_at,
)
from sim.report.subject import Subject
from sim.report.table import Column, Number, ReportTable, Value
from sim.report.words import Words

if TYPE_CHECKING:
    from sim.results import Results

WHO = ("stage", "sex", "age", "education", "region")
"""Characteristics of those whom the policy trains that the results hold together with those of everyone."""


def _n(results: Results, say: Words) -> str:
    return say(
        "people.n", replicates=results.replicates, months=results.months.size, scale=f"{results.scale:,}"
    )


def _which(results: Results, say: Words, subject: Subject, name: str) -> tuple[str, ...]:
    return (scenario_label(subject, say, name),) if len(results.scenarios) > 1 else ()


def _scenario_column(results: Results, say: Words) -> tuple[Column, ...]:
    return (Column(say("jobs.scenario")),) if len(results.scenarios) > 1 else ()


def _books(results: Results, name: str, programme: str, account: str) -> np.ndarray:
    """(replicates, years) of an account of one programme."""
    sums = results.programmes.sums[account].sel(scenario=name, programme=programme)
    return np.asarray(sums.transpose("replicate", ...).values)


def _starts(results: Results, name: str, programme: str) -> np.ndarray:
    """(replicates, years) of people who start."""
    sums = results.programmes.sums
    months = sums["enrolled"].sel(scenario=name, programme=programme).transpose("replicate", "month")
    years = sums["month"].dt.year.values
    return np.stack([months.values[:, years == year].sum(axis=1) for year in sums["year"].values], axis=1)


# -------------------------------------------------------------------------------------------------- 1 scenarios


def table_01(subject: Subject, say: Words) -> ReportTable:
    """Money and people of every programme, by scenario and calendar year, and the change against the base."""
    key, title, results = "scenarios", say("inputs.1.title"), subject.results
    if results is None:
        return not_here(subject, say, 1, key, title)
    base = subject.effects.base if subject.effects is not None else None
    columns = (
        Column(say("inputs.programme")),
        *_scenario_column(results, say),
        Column(say("inputs.year")),
        Column(say("inputs.1.money"), "100 million won"),
        *((Column(say("inputs.1.more money"), "change of 100 million won"),) if base else ()),
        Column(say("inputs.1.started"), "persons"),
        *((Column(say("inputs.1.more started"), "change of persons"),) if base else ()),
        Column(say("inputs.1.unit cost"), "thousand won"),
    )
    rows: list[tuple[Value, ...]] = []
    sums, design = results.programmes.sums, results.design
    for programme in map(str, sums["programme"].values):
        for name in results.scenarios:
            money, heads = _books(results, name, programme, "budget"), _starts(results, name, programme)
            course, paid = (_books(results, name, programme, a) for a in ("course", "persons_paid"))
            for k, year in enumerate(sums["year"].values):
                if not (money[:, k].any() or heads[:, k].any()):
                    continue
                cells: list[Value] = [
                    label(subject, say, "programme", programme),
                    *_which(results, say, subject, name),
                ]
                cells += [str(year), float(money[:, k].mean())]
                if base:
                    other = _books(results, base, programme, "budget")[:, k].mean()
                    cells.append(float(money[:, k].mean() - other) if name != base else None)
                cells.append(mean_of(design, heads[:, k]))
                if base:
                    change = heads[:, k] - _starts(results, base, programme)[:, k]
                    cells.append(mean_of(design, change) if name != base else None)
                cells.append(float(course[:, k].sum() / paid[:, k].sum()) if paid[:, k].sum() else None)
                rows.append(tuple(cells))
    changes = [
        say("inputs.1.world", scenario=scenario_label(subject, say, n), keys=k) for n, k in _worlds(subject)
    ]
    notes = (say("inputs.1.note"), *changes)
    if not rows:
        return ReportTable(1, key, title, missing=say("inputs.1.nothing"), notes=notes)
    return ReportTable(
        1,
        key,
        title,
        columns,
        rows,
        say("inputs.1.definition"),
        str(results.attrs["model"]),
        _n(results, say),
        notes,
    )


def _worlds(subject: Subject) -> list[tuple[str, str]]:
    """Scenarios that differ from the first in what nobody controls, and in which keys."""
    worlds = {name: one.world.model_dump() for name, one in subject.scenarios.items()}
    first = next(iter(worlds.values()))
    found = []
    for name, world in worlds.items():
        if keys := [f"{key} = {value}" for key, value in world.items() if value != first[key]]:
            found.append((name, ", ".join(keys)))
    return found


# ---------------------------------------------------------------------------------------- 2 inputs and execution


def table_02(subject: Subject, say: Words) -> ReportTable:
    """What was planned and what was carried out over the run: money, people, cost of a place."""
    key, title, results = "execution", say("inputs.2.title"), subject.results
    if results is None:
        return not_here(subject, say, 2, key, title)
    columns = (
        Column(say("inputs.programme")),
        *_scenario_column(results, say),
        Column(say("inputs.2.budget"), "100 million won"),
        Column(say("inputs.2.spent"), "100 million won"),
        Column(say("inputs.2.execution"), "share"),
        Column(say("inputs.2.unspent"), "100 million won"),
        Column(say("inputs.2.allowances"), "100 million won"),
        Column(say("inputs.1.started"), "persons"),
        Column(say("inputs.2.planned cost"), "thousand won"),
        Column(say("inputs.2.executed cost"), "thousand won"),
    )
    rows: list[tuple[Value, ...]] = []
    programmes = [*map(str, results.programmes.sums["programme"].values)]
    for programme in (*programmes, None):
        for name in results.scenarios:
            chosen = programmes if programme is None else [programme]
            won = {
                account: sum(_books(results, name, one, account).sum(axis=1) for one in chosen)
                for account in ("budget", "course", "fixed", "unspent", "allowance", "persons_paid")
            }
            heads = sum(_starts(results, name, one).sum(axis=1) for one in chosen)
            if not (np.any(won["budget"]) or np.any(heads)):
                continue
            spent = np.asarray(won["course"] + won["fixed"])
            design = results.design
            who = say("inputs.all") if programme is None else label(subject, say, "programme", programme)
            paid = float(np.sum(won["persons_paid"]))
            planned = None if programme is None else _unit_cost(subject, name, programme)
            rows.append(
                (
                    who,
                    *_which(results, say, subject, name),
                    float(np.mean(won["budget"])),
                    mean_of(design, spent),
                    ratio_of(design, spent, np.asarray(won["budget"])) if np.any(won["budget"]) else None,
                    mean_of(design, np.asarray(won["unspent"])),
                    mean_of(design, np.asarray(won["allowance"])),
                    mean_of(design, np.asarray(heads)),
                    planned,
                    float(np.sum(won["course"])) / paid if paid and programme is not None else None,
                )
            )
    if not rows:
        return ReportTable(2, key, title, missing=say("inputs.1.nothing"))
    notes = (say("inputs.2.note"), say("inputs.2.seats"))
    return ReportTable(
        2,
        key,
        title,
        columns,
        rows,
        say("inputs.2.definition"),
        str(results.attrs["model"]),
        _n(results, say),
        notes,
    )


def _unit_cost(subject: Subject, scenario: str, programme: str) -> float | None:
    """Won a place as the scenario's record has it; None where the programme pays for no places."""
    records = subject.scenarios[scenario].programmes(subject.economy.programmes)
    cost = records[programme].unit_cost if programme in records else 0
    return float(cost) or None


# ------------------------------------------------------------------------------------ 3 participants and selection


def table_03(subject: Subject, say: Words) -> ReportTable:
    """Whom the policy trains, beside everyone aged 15 or over."""
    key, title, effects = "participants", say("inputs.3.title"), subject.effects
    if effects is None:
        return not_here(subject, say, 3, key, title)
    columns = (
        Column(say("jobs.by")),
        Column(say("people.group")),
        *scenario_columns(effects, say),
        Column(say("inputs.3.trained"), "persons"),
        Column(say("inputs.3.share"), "share"),
        Column(say("inputs.3.everyone"), "share"),
        Column(say("inputs.3.ratio"), "ratio"),
    )
    last = effects.horizons[-1]
    rows: list[tuple[Value, ...]] = []
    for by in WHO:
        known = rows_by(effects.decomposition(by), "scenario", "category", "horizon_months", "outcome")
        people = _everyone(effects.results, by, effects.base)
        for category, share in people.items():
            for scenario in effects.scenarios:
                trained = value_at(known, (scenario, category, last, "trained"), say)
                total = sum(
                    float(known[scenario, one, last, "trained"]["mean"])
                    for one in people
                    if known[scenario, one, last, "trained"]["mean"]
                    == known[scenario, one, last, "trained"]["mean"]
                )
                part = (
                    trained.mean / total
                    if isinstance(trained, Number) and trained.mean == trained.mean
                    else None
                )
                rows.append(
                    (
                        say(f"people.by.{by}") if by != "region" else say("jobs.dimension.region"),
                        label(subject, say, by, category),
                        *scenario_cells(subject, effects, say, scenario),
                        trained,
                        part,
                        share,
                        part / share if part is not None and share else None,
                    )
                )
    notes = (say("inputs.3.note"), say("inputs.3.eligible"))
    return ReportTable(
        3,
        key,
        title,
        columns,
        rows,
        say("inputs.3.definition"),
        source_of(subject, effects, say),
        n_of(effects, say),
        notes,
    )


def _everyone(results: Results, by: str, base: str) -> dict[str, float]:
    """Share of each group among everyone aged 15 or over, in the first month of the base."""
    sums: xr.DataArray = results.cells.sums[f"persons_by_{by}"].sel(scenario=base).isel(month=0)
    heads = sums.sum([dim for dim in sums.dims if dim != by])
    total = float(heads.sum())
    return {str(code): float(x) / total for code, x in zip(heads[by].values, heads.values, strict=True)}


# ---------------------------------------------------------------------------------------- 4 completion and dropout


def table_04(subject: Subject, say: Words) -> ReportTable:
    """Who starts, completes and drops out, by programme."""
    key, title, results = "completion", say("inputs.4.title"), subject.results
    if results is None:
        return not_here(subject, say, 4, key, title)
    columns = (
        Column(say("inputs.programme")),
        *_scenario_column(results, say),
        Column(say("inputs.4.months"), "count of months"),
        *(
            Column(say(f"inputs.4.{name}"), "persons")
            for name in ("enrolled", "completed", "dropped", "attending")
        ),
        Column(say("inputs.4.completion"), "share"),
    )
    rows: list[tuple[Value, ...]] = []
    sums, design = results.programmes.sums, results.design
    for programme in map(str, sums["programme"].values):
        for name in results.scenarios:
            at = {"scenario": name, "programme": programme}
            heads = {
                one: sums[one].sel(at).transpose("replicate", "month").values.sum(axis=1)
                for one in ("enrolled", "completed", "dropped")
            }
            if not heads["enrolled"].any():
                continue
            going = sums["attending"].sel(at).transpose("replicate", "month").values[:, -1]
            ended = heads["completed"] + heads["dropped"]
            agents = float(results.agents(ended.sum()))
            share = ratio_of(design, heads["completed"], ended) if agents >= 30 else Number(float("nan"))
            months = subject.scenarios[name].programmes(subject.economy.programmes)[programme].months
            counts = (mean_of(design, heads[one]) for one in ("enrolled", "completed", "dropped"))
            who = label(subject, say, "programme", programme)
            rows.append(
                (who, *_which(results, say, subject, name), months, *counts, mean_of(design, going), share)
            )
    if not rows:
        return ReportTable(4, key, title, missing=say("people.5.nobody"))
    return ReportTable(
        4,
        key,
        title,
        columns,
        rows,
        say("inputs.4.definition"),
        str(results.attrs["model"]),
        _n(results, say),
        (say("inputs.4.note"),),
    )


__all__ = ["table_01", "table_02", "table_03", "table_04"]
