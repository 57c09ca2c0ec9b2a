"""Tables 5 to 8: where the trained stand, what training did to them, what it cost them first, which jobs they have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from sim.report.effect_rows import (
    Rows,
    label,
    n_of,
    not_here,
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
from sim.validation.trials import facts

if TYPE_CHECKING:
    from sim.evaluation.comparison import Effects
    from sim.results import Results

PLACED_AT = (3, 6, 12)
FOLLOWED = (3, 6, 12, 24, 36)
KEPT_AT = (6, 12)
GROUPS = ("stage", "sex", "age", "education", "exposure", "size", "programme")
DIRECT, WORKED = "direct effect on the treated", "direct effect on months in work of the treated"
EARNED = "direct effect on earnings of the treated"


# ------------------------------------------------------------------------------------------- 5 gross placement


def table_05(subject: Subject, say: Words) -> ReportTable:
    """In work 3, 6 and 12 months after the start and after completion, by stage and programme, by both definitions."""
    key, title, results = "gross-placement", say("people.5.title"), subject.results
    if results is None:
        return not_here(subject, say, 5, key, title)
    known = rows_by(results.summary(), "scenario", "outcome", "dimension", "category", "horizon_months")
    names = [name for name in results.scenarios if _trains(results, name)]
    columns = (
        Column(say("people.group")),
        *((Column(say("jobs.scenario")),) if len(results.scenarios) > 1 else ()),
        Column(say("people.how")),
        *(
            Column(say(f"people.5.{definition}", months=months), "share")
            for definition in ("official", "insured")
            for months in PLACED_AT
        ),
    )
    rows: list[tuple[Value, ...]] = []
    for dimension, category, suffix in _placed_groups(results):
        for name in names:
            for counted in ("enrolled", "completers"):
                cells = [
                    value_at(
                        known,
                        (name, f"reemployment_{definition}_{counted}{suffix}", dimension, category, months),
                        say,
                    )
                    for definition in ("official", "insured")
                    for months in PLACED_AT
                ]
                if any(isinstance(cell, Number) and cell.mean == cell.mean for cell in cells):
                    who = (
                        say("people.all") if dimension == "all" else label(subject, say, dimension, category)
                    )
                    who = say("people.5.without work", group=who) if suffix else who
                    which = (scenario_label(subject, say, name),) if len(results.scenarios) > 1 else ()
                    rows.append((who, *which, say(f"people.counted.{counted}"), *cells))
    if not rows:
        return ReportTable(5, key, title, missing=say("people.5.nobody"))
    n = say("people.n", replicates=results.replicates, months=results.months.size, scale=f"{results.scale:,}")
    return ReportTable(
        5,
        key,
        title,
        columns,
        rows,
        say("people.5.definition"),
        str(results.attrs["model"]),
        n,
        (say("people.5.note"),),
    )


def _placed_groups(results: Results) -> Iterator[tuple[str, str, str]]:
    """Dimension, category and suffix of the outcome."""
    yield "all", "all", ""
    for stage in ("entry", "active", "transition"):
        yield "stage", stage, ""
    for stage in ("entry", "transition"):
        yield "stage", stage, "_from_nonemployment"
    for programme in results.programmes.sums["programme"].values:
        yield "programme", str(programme), ""


def _trains(results: Results, name: str) -> bool:
    return bool(results.programmes.sums["enrolled"].sel(scenario=name).sum() > 0)


# ----------------------------------------------------------------------------------- 6 the effect on the treated


def table_06(subject: Subject, say: Words) -> ReportTable:
    """What the policy did to those it trains, 3 to 36 months from their start, by group; the published beside it."""
    key, title, effects = "direct-effect", say("people.6.title"), subject.effects
    if effects is None:
        return not_here(subject, say, 6, key, title)
    columns = (
        Column(say("jobs.by")),
        Column(say("people.group")),
        *scenario_columns(effects, say),
        *(Column(say("people.after", months=months), "points") for months in FOLLOWED),
    )
    rows: list[tuple[Value, ...]] = []
    for by in (None, *GROUPS):
        rows += _of_group(subject, effects, say, by, effects.treated(by), say(f"people.by.{by or 'all'}"))
    insured = effects.treated(None, definition="insured")
    rows += _of_group(subject, effects, say, None, insured, say("people.by.insured"))
    notes = [say("people.6.note"), say("jobs.many"), *_published(say)]
    return ReportTable(
        6,
        key,
        title,
        columns,
        rows,
        say("people.6.definition"),
        source_of(subject, effects, say),
        n_of(effects, say),
        tuple(notes),
    )


def _of_group(
    subject: Subject, effects: Effects, say: Words, by: str | None, found: pd.DataFrame, title: str
) -> list[tuple[Value, ...]]:
    """Rows of the direct effect by category; categories without any number are left out."""
    known = rows_by(found, "scenario", "category", "horizon_months", "outcome")
    rows: list[tuple[Value, ...]] = []
    for category in dict.fromkeys(found.category):
        for scenario in effects.scenarios:
            cells = [value_at(known, (scenario, category, months, DIRECT), say) for months in FOLLOWED]
            if by is None or any(isinstance(cell, Number) and cell.mean == cell.mean for cell in cells):
                group = say("people.all") if by is None else label(subject, say, by, str(category))
                rows.append((title, group, *scenario_cells(subject, effects, say, scenario), *cells))
    return rows


def _published(say: Words) -> list[str]:
    """Published effects of training on employment, as the validation has them."""
    return [
        say(
            "people.6.published",
            what=one.label_ko if say.lang == "ko" else one.label,
            value=f"{one.published * 100:+.1f}",
            low=f"{one.low * 100:+.1f}",
            high=f"{one.high * 100:+.1f}",
            source=one.source,
        )
        for one in facts()
        if one.id.startswith("effect_")
        and one.published is not None
        and one.low is not None
        and one.high is not None
    ]


# -------------------------------------------------------------------------------------------------- 7 lock-in


def table_07(subject: Subject, say: Words) -> ReportTable:
    """What courses cost the trained first: months in work and earnings given up, and when the gap has closed."""
    key, title, effects = "lock-in", say("people.7.title"), subject.effects
    if effects is None:
        return not_here(subject, say, 7, key, title)
    columns = (
        Column(say("people.group")),
        *scenario_columns(effects, say),
        Column(say("people.7.closed")),
        *(Column(say("people.7.worked", months=months), "change of months") for months in FOLLOWED),
        *(Column(say("people.7.earned", months=months), "change of thousand won") for months in KEPT_AT),
    )
    rows: list[tuple[Value, ...]] = []
    for by in (None, "stage", "programme"):
        found, earned = effects.treated(by), effects.earnings(by)
        known = rows_by(found, "scenario", "category", "horizon_months", "outcome")
        money = rows_by(earned, "scenario", "category", "horizon_months", "outcome")
        for category in dict.fromkeys(found.category):
            for scenario in effects.scenarios:
                worked = [value_at(known, (scenario, category, months, WORKED), say) for months in FOLLOWED]
                if by is not None and not any(isinstance(w, Number) and w.mean == w.mean for w in worked):
                    continue
                group = say("people.all") if by is None else label(subject, say, by, str(category))
                won = [
                    _thousands(value_at(money, (scenario, category, months, EARNED), say))
                    for months in KEPT_AT
                ]
                closed = _closed(known, scenario, str(category), say)
                rows.append((group, *scenario_cells(subject, effects, say, scenario), closed, *worked, *won))
    return ReportTable(
        7,
        key,
        title,
        columns,
        rows,
        say("people.7.definition"),
        source_of(subject, effects, say),
        n_of(effects, say),
        (say("people.7.note"), say("jobs.many")),
    )


def _closed(known: Rows, scenario: str, category: str, say: Words) -> str:
    """When the direct effect, negative before, is no longer told from zero, or is above it."""
    before = False
    for months in FOLLOWED:
        row = known.get((scenario, category, months, DIRECT))
        if row is None or row["mean"] != row["mean"]:
            continue
        number = Number.of(row)
        if number.high < 0.0:
            before = True
        elif before:
            return say("people.7.by", months=months)
        elif months == FOLLOWED[0]:
            return say("people.7.none")
    return say("people.7.open") if before else say("people.7.none")


def _thousands(value: Value) -> Value:
    """Thousand won a month as won a month."""
    return Number(*(1000.0 * x for x in value)) if isinstance(value, Number) else value


# ---------------------------------------------------------------------------------------------- 8 job quality


def table_08(subject: Subject, say: Words) -> ReportTable:
    """The jobs of the trained with the policy and without it: kept, paid, in which occupation."""
    key, title, effects = "job-quality", say("people.8.title"), subject.effects
    if effects is None:
        return not_here(subject, say, 8, key, title)
    columns = (
        Column(say("people.8.what")),
        *scenario_columns(effects, say),
        Column(say("people.8.unit")),
        Column(say("people.8.with"), "number with digits"),
        Column(say("people.8.without"), "number with digits"),
    )
    kept = rows_by(effects.retention(), "scenario", "horizon_months", "outcome")
    paid = rows_by(effects.earnings(), "scenario", "horizon_months", "outcome")
    asked = [
        (kept, "retention: same job of the placed", "same job", KEPT_AT),
        (kept, "retention: in work of the placed", "in work", KEPT_AT),
    ]
    asked += [
        (paid, "pay at work of the treated", "pay", KEPT_AT),
        (paid, "in another occupation of the treated", "occupation", KEPT_AT),
    ]
    rows: list[tuple[Value, ...]] = []
    for known, outcome, name, horizons in asked:
        for months in horizons:
            for scenario in effects.scenarios:
                both = [
                    value_at(known, (scenario, months, one), say)
                    for one in (outcome, f"{outcome} without the policy")
                ]
                which = scenario_cells(subject, effects, say, scenario)
                unit = say("people.8.thousand won") if name == "pay" else "%"
                rows.append((say(f"people.8.{name}", months=months), *which, unit, *both))
    return ReportTable(
        8,
        key,
        title,
        columns,
        rows,
        say("people.8.definition"),
        source_of(subject, effects, say),
        n_of(effects, say),
        (say("people.8.note"),),
    )


__all__ = ["table_05", "table_06", "table_07", "table_08"]
