"""Tables 9, 13 and 14: what becomes of the jobs, where, and whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from sim.evaluation.breakdown import INCOME, PAY, RATE
from sim.evaluation.cost import cost_per, extra_money
from sim.programmes import SUBSIDY, allowances
from sim.report.effect_rows import (
    label,
    mean_of,
    n_of,
    not_here,
    ratio_of,
    rows_by,
    scenario_cells,
    scenario_columns,
    source_of,
    value_at,
)
from sim.report.subject import Subject
from sim.report.table import Column, Number, ReportTable, Value
from sim.report.words import Words
from sim.summary import FEWEST, LAST

if TYPE_CHECKING:
    from sim.evaluation.comparison import Effects

ACCOUNT = {
    # account -> unit of its column
    "trained": "persons",
    "gross": "persons",
    "deadweight": "persons",
    "direct": "change of persons",
    "substitution": "balance of persons",
    "displacement": "balance of persons",
    "net": "change of persons",
}
GROUPS = ("age", "sex", "education", "exposure", "size", "gap")
SINCE = 12
"""Months since enrolment at which the effect on the trained of each group is told."""
DIRECT = "direct effect on the treated"


# ------------------------------------------------------------------------------------------------- 9 net jobs


def table_09(subject: Subject, say: Words) -> ReportTable:
    """From gross placement to net jobs: the country at every year-end; stages, provinces and classes of provinces by
    unemployment at the last one."""
    key, title = "net-jobs", say("jobs.9.title")
    effects = subject.effects
    if effects is None:
        return not_here(subject, say, 9, key, title)
    columns = (
        Column(say("jobs.by")),
        Column(say("jobs.group")),
        *scenario_columns(effects, say),
        *(Column(say(f"jobs.account.{account}"), unit) for account, unit in ACCOUNT.items()),
    )
    rows: list[tuple[Value, ...]] = []
    for by in (None, "stage", "slack", "region"):
        found = effects.decomposition(by)
        known = rows_by(found, "scenario", "category", "horizon_months", "outcome")
        for months in effects.horizons if by is None else effects.horizons[-1:]:
            for category in dict.fromkeys(found.category):
                group = (
                    say("jobs.after", months=months) if by is None else label(subject, say, by, str(category))
                )
                for scenario in effects.scenarios:
                    rows.append(
                        (
                            say(f"jobs.dimension.{by or 'all'}"),
                            group,
                            *scenario_cells(subject, effects, say, scenario),
                            *(value_at(known, (scenario, category, months, a), say) for a in ACCOUNT),
                        )
                    )
    notes = [say("jobs.9.note", months=effects.horizons[-1]), say("jobs.9.signs"), say("jobs.rounding")]
    notes.append(say("jobs.many"))
    if _subsidises(effects):
        notes.append(say("jobs.9.subsidised"))
    return ReportTable(
        number=9,
        key=key,
        title=title,
        columns=columns,
        rows=rows,
        definition=say("jobs.9.definition"),
        source=source_of(subject, effects, say),
        n=n_of(effects, say),
        notes=tuple(notes),
    )


def _subsidises(effects: Effects) -> bool:
    """Whether a scenario hires with a subsidy, so that the trained of the account are the subsidised hires too."""
    books = effects.results.programmes.sums
    return bool(books.enrolled.where(books.programme_kind == SUBSIDY, 0).any())


# ------------------------------------------------------------------------------------------------ 13 provinces


def table_13(subject: Subject, say: Words) -> ReportTable:
    """The provinces, the capital area and the rest: who is trained, what becomes of the jobs and what one costs."""
    key, title = "provinces", say("jobs.13.title")
    effects = subject.effects
    if effects is None:
        return not_here(subject, say, 13, key, title)
    columns = (
        Column(say("jobs.13.province")),
        *scenario_columns(effects, say),
        Column(say("jobs.13.unemployment"), "share"),
        Column(say("jobs.13.allowance"), "thousand won"),
        Column(say("jobs.account.trained"), "persons"),
        *(Column(say(f"jobs.account.{account}"), ACCOUNT[account]) for account in ("gross", "direct", "net")),
        Column(say("jobs.13.cost"), "million won"),
    )
    rows = []
    for name, codes in _places(subject, effects, say).items():
        for scenario in effects.scenarios:
            rows.append(
                (
                    name,
                    *scenario_cells(subject, effects, say, scenario),
                    unemployment(effects, codes),
                    _allowance(subject, scenario, codes),
                    *_province(effects, scenario, codes, say),
                )
            )
    notes = (say("jobs.13.money"), say("jobs.13.allowances"), say("jobs.13.seats"), say("jobs.many"))
    return ReportTable(
        number=13,
        key=key,
        title=title,
        columns=columns,
        rows=rows,
        definition=say("jobs.13.definition", months=effects.horizons[-1]),
        source=source_of(subject, effects, say),
        n=n_of(effects, say),
        notes=notes,
    )


def _places(subject: Subject, effects: Effects, say: Words) -> dict[str, list[str]]:
    """Rows and the provinces in them: each province, the capital area, the rest, the country."""
    codes = [str(code) for code in effects.results.cells.sums.region.values]
    inside = subject.economy.attribute("region", "capital") > 0
    places = {label(subject, say, "region", code): [code] for code in codes}
    places[say("jobs.13.capital")] = [code for code, here in zip(codes, inside, strict=True) if here]
    places[say("jobs.13.rest")] = [code for code, here in zip(codes, inside, strict=True) if not here]
    places[say("jobs.all")] = codes
    return places


def unemployment(effects: Effects, codes: list[str]) -> Number:
    """Unemployed over the labour force of provinces in the base's last twelve months."""
    people = effects.results.cells.sums.persons_by_region.sel(scenario=effects.base, region=codes)
    people = people.isel(month=slice(-LAST, None)).sum(("month", "region"))
    top = people.sel(state="unemployed").values
    return ratio_of(effects.results.design, top, top + people.sel(state="employed").values)


def _allowance(subject: Subject, scenario: str, codes: list[str]) -> Value:
    """The highest monthly allowance of programmes that train somebody in the scenario; None where provinces differ."""
    assert subject.results is not None
    economy, enrolled = subject.economy, subject.results.programmes.sums.enrolled.sel(scenario=scenario)
    trains = (enrolled > 0).any(("replicate", "month"))
    records = subject.scenarios[scenario].programmes(economy.programmes)
    paid = [allowances(records[str(code)], economy) for code in trains.programme.values[trains.values]]
    most = np.max([np.zeros(economy.n("region")), *paid], axis=0)
    here = {float(won) for code, won in zip(economy.codes["region"], most, strict=True) if code in codes}
    return here.pop() if len(here) == 1 else None


def _province(effects: Effects, scenario: str, codes: list[str], say: Words) -> tuple[Value, ...]:
    """Trained, gross, direct and net at the last year-end, and won per net job."""
    whole = effects.accounts.sel(scenario=scenario, horizon=effects.horizons[-1])
    heads: xr.Dataset = whole.sel(group=[f"region:{code}" for code in codes]).sum("group")
    trained = float(heads.trained.sum()) / effects.scale
    touched = float((heads.trained + heads.gains + heads.losses).sum()) / effects.scale
    design = effects.results.design
    won = extra_money(effects).spent.sel(scenario=scenario).values
    more = float((heads.trained - heads.forgone).sum())
    total = float((whole.trained - whole.forgone).sel(group="all:all").sum())
    return (
        mean_of(design, heads.trained.values),
        mean_of(design, heads.gross.values, trained),
        mean_of(design, heads.direct.values, trained),
        mean_of(design, heads.net.values, touched),
        Number(float("nan"))
        if touched < FEWEST
        else _won_per_job(won * (more / total if total > 0 else 0.0), heads.net.values, effects, say),
    )


def _won_per_job(won: np.ndarray, jobs: np.ndarray, effects: Effects, say: Words) -> Value:
    ends, why = cost_per(won, jobs, effects.results.design)
    return say(f"jobs.why.{why}") if why else Number(*ends)


# --------------------------------------------------------------------------------------------- 14 distribution


def table_14(subject: Subject, say: Words) -> ReportTable:
    """Groups by age, sex, education, exposure and size of the employer, and the gaps between them before and after."""
    key, title = "distribution", say("jobs.14.title")
    effects = subject.effects
    if effects is None:
        return not_here(subject, say, 14, key, title)
    found = effects.distribution()
    found = found[(found.horizon_months == effects.horizons[-1]) & found.dimension.isin(GROUPS)]
    known = rows_by(found, "scenario", "dimension", "category", "outcome")
    places = list(dict.fromkeys(zip(found.dimension, found.category, strict=True)))
    places.sort(key=lambda place: GROUPS.index(place[0]))
    own = {by: _own(effects, by) for by in GROUPS if by != "gap"}
    columns = (
        Column(say("jobs.by")),
        Column(say("jobs.group")),
        *scenario_columns(effects, say),
        Column(say("jobs.account.trained"), "persons"),
        Column(say("jobs.14.effect", months=SINCE), "points"),
        Column(say("jobs.account.net"), "change of persons"),
        Column(say("jobs.14.rate before"), "share"),
        Column(say("jobs.14.rate after"), "share"),
        Column(say("jobs.14.rate change"), "points"),
        *(Column(say(f"jobs.14.pay {when}"), "thousand won") for when in ("before", "after", "change")),
        Column(say("jobs.14.income"), "thousand won"),
    )
    rows: list[tuple[Value, ...]] = []
    for by, category in places:
        for scenario in effects.scenarios:
            at = (scenario, by, category)
            rate, pay = (
                [value_at(known, (*at, f"{of}, {when}"), say) for when in ("before", "after", "change")]
                for of in (RATE, PAY)
            )
            mine = own.get(by, {})
            cells = (
                _plain(mine.get((scenario, category, "trained"))),
                mine.get((scenario, category, DIRECT)),
                mine.get((scenario, category, "net")),
                *(_plain(_times(x, 0.01)) for x in rate[:2]),
                rate[2],
                *(_plain(_times(x, 1e3)) for x in pay[:2]),
                _times(pay[2], 1e3),
                _times(value_at(known, (*at, INCOME), say), 1e3),
            )
            if any(_is_number(x) for x in cells[3:]):
                names = (say(f"jobs.dimension.{by}"), label(subject, say, by, str(category)))
                rows.append((*names, *scenario_cells(subject, effects, say, scenario), *cells))
    return ReportTable(
        number=14,
        key=key,
        title=title,
        columns=columns,
        rows=rows,
        definition=say("jobs.14.definition", months=effects.horizons[-1]),
        source=source_of(subject, effects, say),
        n=n_of(effects, say),
        notes=(say("jobs.14.at"), say("jobs.14.gaps"), say("jobs.many")),
    )


def _own(effects: Effects, by: str) -> dict[tuple[str, str, str], Number]:
    """Trained, effect on them and net jobs of each group, by scenario, category and outcome; no effect where nobody is
    trained."""
    heads = effects.decomposition(by)
    heads = heads[(heads.horizon_months == effects.horizons[-1]) & heads.outcome.isin(["trained", "net"])]
    since = effects.treated(by)
    since = since[(since.horizon_months == SINCE) & (since.outcome == DIRECT)]
    told = {
        (str(row["scenario"]), str(row["category"]), str(row["outcome"])): Number.of(row)
        for frame in (heads, since)
        for row in frame.to_dict("records")
    }
    return {at: x for at, x in told.items() if at[2] != DIRECT or told[*at[:2], "trained"].mean > 0.0}


def _times(value: Value, factor: float) -> Value:
    return Number(*(x * factor for x in value)) if isinstance(value, Number) else value


def _plain(value: Value) -> Value:
    """The mean alone; too few stays so."""
    return value.mean if isinstance(value, Number) and value.mean == value.mean else value


def _is_number(value: Value) -> bool:
    mean = value.mean if isinstance(value, Number) else value
    return isinstance(mean, int | float) and mean == mean


__all__ = ["table_09", "table_13", "table_14"]
