"""Tables 10, 11 and 12: what it costs, who gains and who pays, and what employers make of it. Table 16 is in
`sim.report.scenarios`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from sim.evaluation.by_employer import BY
from sim.evaluation.cost_effectiveness import STEPS
from sim.evaluation.fiscal import (
    CASH,
    MVPF,
    OUTLAYS,
    PRESENT_VALUE,
    RECEIPTS,
    deadweight_of,
    last_year,
    published,
    rate_of,
)
from sim.ratios import EMPLOYERS
from sim.report.effect_rows import (
    label,
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
from sim.report.scenarios import table_16
from sim.report.subject import Subject
from sim.report.table import Column, Number, ReportTable, Value, too_short, written
from sim.report.words import Words
from sim.summary import FEWEST, LAST

if TYPE_CHECKING:
    from sim.results import Results

NET_COST = "net fiscal cost"
GAINS = ("participants", "others", "workers", "budget", "employers", "society")
RATIOS = (
    "participants: income over own payment",
    "society: output over cost",
    "budget: receipts over outlays",
    MVPF,
    f"{MVPF}, employers' income too",
    f"{CASH}: {MVPF}",
)
MEASURES = {
    # ratio of employers in the base -> its unit, unit of its change, what its change is called in the effects
    "output_per_worker": ("thousand won", "percent", "output_per_worker_fixed"),
    "hours_saved_per_worker": ("hours", "hours", "hours_saved_per_worker"),
    "user_share": ("share", "points", "user_share"),
    "adoption_share": ("share", "points", "adoption_share"),
}


# ------------------------------------------------------------------------------------------ 10 what a job costs


def table_10(subject: Subject, say: Words) -> ReportTable:
    """Won per additional person and job, then per trainee, completer and placement of each scenario; of a run, per
    trainee."""
    key, title = "cost-effectiveness", say("money.10.title")
    effects = subject.effects
    if effects is None and subject.results is not None:
        return _of_runs(subject, subject.results, say, key, title)
    if effects is None:
        return not_here(subject, say, 10, key, title)
    scenarios = effects.results.scenarios
    cost = effects.cost()
    added = rows_by(cost, "scenario", "outcome")
    gross = effects.cost_effectiveness()
    own = rows_by(gross, "scenario", "outcome", "dimension", "category")
    rows: list[tuple[Value, ...]] = []
    for outcome in dict.fromkeys(cost.outcome[cost.outcome.str.startswith("won per ")]):
        values = [value_at(added, (scenario, outcome), say) for scenario in scenarios]
        rows.append((say(f"money.10.{outcome}"), label(subject, say, "all", "all"), *values))
    places = list(dict.fromkeys(zip(gross.dimension, gross.category, strict=True)))
    places.sort(key=lambda place: ("all", "stage", "programme").index(place[0]))
    for what in STEPS:
        for by, category in places:
            at = (f"won per {what}", by, category)
            values = [value_at(own, (scenario, *at), say) for scenario in scenarios]
            if any(isinstance(x, Number) and x.mean == x.mean for x in values):
                rows.append(
                    (say(f"money.10.won per {what}"), label(subject, say, by, str(category)), *values)
                )
    money = [
        say(
            "money.10.money",
            scenario=scenario_label(subject, say, scenario),
            spent=_told(Number.of(added[scenario, "additional money spent"]), "100 million won", say),
            persons=_told(Number.of(added[scenario, "additional persons trained"]), "change of persons", say),
        )
        for scenario in effects.scenarios
    ]
    titles = (scenario_label(subject, say, scenario) for scenario in scenarios)
    return ReportTable(
        number=10,
        key=key,
        title=title,
        columns=(
            Column(say("money.10.what")),
            Column(say("jobs.group")),
            *(Column(text, "thousand won") for text in titles),
        ),
        rows=rows,
        definition=say("money.10.definition"),
        source=source_of(subject, effects, say),
        n=n_of(effects, say),
        notes=(say("money.10.additional"), say("money.10.gross"), *money),
    )


def _of_runs(subject: Subject, results: Results, say: Words, key: str, title: str) -> ReportTable:
    """Won per trainee, all and by programme: what runs without a base say of cost."""
    books = results.programmes.sums
    outlays, enrolled = (
        (books.course + books.fixed + books.allowance).sum("year"),
        books.enrolled.sum("month"),
    )
    few, rows = Number(float("nan")), []
    for code in (None, *(str(code) for code in books.programme.values)):
        cells: list[Value] = []
        for scenario in results.scenarios:
            won, heads = (x.sel(scenario=scenario) for x in (outlays, enrolled))
            won, heads = (x.sum("programme") if code is None else x.sel(programme=code) for x in (won, heads))
            agents = float(heads.sum()) / results.scale
            enough = few if agents < FEWEST else ratio_of(results.design, won.values, heads.values)
            cells.append(enough if agents > 0.0 else None)
        if any(isinstance(x, Number) and x.mean == x.mean for x in cells):
            by = "all" if code is None else "programme"
            rows.append((say("money.10.won per trainee"), label(subject, say, by, code or "all"), *cells))
    if not rows:
        return too_short(10, key, title, say("money.10.nobody"))
    titles = (scenario_label(subject, say, scenario) for scenario in results.scenarios)
    return ReportTable(
        number=10,
        key=key,
        title=title,
        columns=(
            Column(say("money.10.what")),
            Column(say("jobs.group")),
            *(Column(text, "thousand won") for text in titles),
        ),
        rows=rows,
        definition=say("money.10.run"),
        source=say("money.12.run", model=str(results.attrs["model"])),
        n=_runs(results, say),
        notes=(say("jobs.alone"),),
    )


def _runs(results: Results, say: Words) -> str:
    """What the numbers of runs without a base rest on."""
    months, scale = results.months.size, f"{results.scale:,}"
    return say("money.12.n", replicates=results.replicates, months=months, scale=scale)


def _told(number: Number, unit: str, say: Words) -> str:
    return f"{written(number, unit, say)} {say(f'unit.{unit}')}"


# ------------------------------------------------------------------------------------------- 11 fiscal balance


def table_11(subject: Subject, say: Words) -> ReportTable:
    """The public balance by year and in present value, what each side gains, and gain over cost."""
    key, title = "fiscal-balance", say("money.11.title")
    effects = subject.effects
    if effects is None:
        return not_here(subject, say, 11, key, title)
    balance = effects.fiscal()
    by_year = rows_by(balance, "scenario", "outcome", "category")
    views = rows_by(effects.viewpoints(), "scenario", "outcome")
    years = [str(year) for year in dict.fromkeys(balance.category) if year != PRESENT_VALUE]
    shown = (*OUTLAYS, *RECEIPTS, NET_COST)
    rows: list[tuple[Value, ...]] = []
    for scenario in effects.scenarios:
        who = scenario_cells(subject, effects, say, scenario)
        for name in shown:
            told = f"public balance: {name}"
            if name == "hiring subsidies" and by_year[scenario, told, PRESENT_VALUE]["mean"] == 0.0:
                continue
            each = [Number.of(by_year[scenario, told, year]).mean for year in years]
            now = value_at(by_year, (scenario, told, PRESENT_VALUE), say)
            rows.append((say("money.11.balance"), say(f"money.11.{name}"), *who, *each, now, None))
        none = [None] * len(years)
        for side in GAINS:
            gain = value_at(views, (scenario, f"{side}: gain"), say)
            rows.append((say("money.11.gains"), say(f"money.11.{side}"), *who, *none, gain, None))
        for name in RATIOS:
            ratio = value_at(views, (scenario, name), say)
            rows.append((say("money.11.ratios"), say(f"money.11.{name}"), *who, *none, None, ratio))
    columns = (
        Column(say("money.11.part")),
        Column(say("money.11.item")),
        *scenario_columns(effects, say),
        *(Column(say("money.11.year", year=year), "change of 100 million won") for year in years),
        Column(say("money.11.present"), "change of 100 million won"),
        Column(say("money.11.ratio"), "ratio"),
    )
    rates = {"rate": _percent(rate_of(effects, None)), "deadweight": _percent(deadweight_of(effects, None))}
    return ReportTable(
        number=11,
        key=key,
        title=title,
        columns=columns,
        rows=rows,
        definition=say("money.11.definition", year=last_year(effects), **rates),
        source=source_of(subject, effects, say),
        n=n_of(effects, say),
        notes=(say("money.11.signs"), say("money.11.sides"), say("money.11.mvpf"), _abroad(say)),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _abroad(say: Words) -> str:
    """Published values, with their intervals where there are any, and their source."""
    found = published()
    values = "; ".join(f"{x.programme} {written(Number(x.mvpf, x.low, x.high), 'ratio', say)}" for x in found)
    sources = "; ".join(dict.fromkeys(x.source for x in found))
    return say("money.11.published", values=values, source=sources)


# ----------------------------------------------------------------------------------------------- 12 employers


def table_12(subject: Subject, say: Words) -> ReportTable:
    """Output a worker, hours saved, use and adoption of AI by size and industry of the employer: without the policy,
    and the change by it; of a run, as they are."""
    key, title = "employers", say("money.12.title")
    results, effects = subject.results, subject.effects
    if results is None:
        return not_here(subject, say, 12, key, title)
    columns = [Column(say("jobs.by")), Column(say("jobs.group"))]
    if effects is not None:
        columns += scenario_columns(effects, say)
    for name, (unit, of_change, _) in MEASURES.items():
        without = "without " if effects is not None else ""
        columns.append(Column(say(f"money.12.{without}{name}"), unit))
        if effects is not None:
            columns.append(Column(say(f"money.12.change of {name}"), of_change))
    rows: list[tuple[Value, ...]] = []
    for by in BY:
        codes = [str(code) for code in results.employers.sums[by].values]
        base = effects.base if effects is not None else results.scenarios[0]
        levels = {name: _levels(results, base, by, name) for name in MEASURES}
        names = {code: (say(f"jobs.dimension.{by}"), label(subject, say, by, code)) for code in codes}
        if effects is None:
            rows += [(*names[c], *(levels[n][c] for n in MEASURES)) for c in codes]
            continue
        found = effects.productivity(by)
        found = found[found.horizon_months == effects.horizons[-1]]
        changes = rows_by(found, "scenario", "category", "outcome")
        for c in codes:
            for scenario in effects.scenarios:
                cells: list[Value] = []
                for name, (_, _, change) in MEASURES.items():
                    level = levels[name][c]
                    mean = level.mean if isinstance(level, Number) and level.mean == level.mean else level
                    cells += [mean, value_at(changes, (scenario, c, change), say)]
                rows.append((*names[c], *scenario_cells(subject, effects, say, scenario), *cells))
    months = min(LAST, results.months.size)
    if effects is None:
        source = say("money.12.run", model=str(results.attrs["model"]))
        n = _runs(results, say)
    else:
        source, n = source_of(subject, effects, say), n_of(effects, say)
    return ReportTable(
        number=12,
        key=key,
        title=title,
        columns=tuple(columns),
        rows=rows,
        definition=say("money.12.definition", months=months),
        source=source,
        n=n,
        notes=(say("money.12.fixed"), say("money.12.path")) if effects is not None else (),
    )


def _levels(results: Results, scenario: str, by: str, name: str) -> dict[str, Value]:
    """A ratio of employers over the last twelve months by class; None where a class has nothing of the kind."""
    sums: xr.Dataset = results.employers.sums.sel(scenario=scenario).sum(BY[1 - BY.index(by)])
    sums = sums.isel(month=slice(-LAST, None))
    top, bottom = EMPLOYERS[name].parts(sums)
    out: dict[str, Value] = {}
    for code in sums[by].values:
        above, below = (part.sel({by: code}).sum("month").values for part in (top, bottom))
        agents = float(np.sum(below)) / sums.sizes["month"] / results.scale
        if agents == 0.0:
            out[str(code)] = None
        else:
            few = Number(float("nan"))
            out[str(code)] = few if agents < FEWEST else ratio_of(results.design, above, below)
    return out


__all__ = ["table_10", "table_11", "table_12", "table_16"]
