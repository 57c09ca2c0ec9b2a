"""What the tables of a comparison share: rows by name, numbers or why there are none, labels, what they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from sim.report.subject import Subject
from sim.report.table import Column, Number, ReportTable, Value, too_short
from sim.report.words import Words
from sim.summary import FEWEST, TOO_FEW

if TYPE_CHECKING:
    from sim.evaluation.comparison import Effects
    from sim.intervals import Design

Rows = dict[tuple[Any, ...], dict[str, Any]]
SAID = ("exposure", "slack", "gap")
"""Dimensions whose labels are in the catalogue `jobs`."""


def rows_by(frame: pd.DataFrame, *keys: str) -> Rows:
    """The rows of a frame by the values of some columns."""
    rows: list[dict[Any, Any]] = frame.to_dict("records")
    return {tuple(row[key] for key in keys): row for row in rows}


def value_at(rows: Rows, key: tuple[Any, ...], say: Words) -> Value:
    """The number at `key`; why there is none, in words; None where there is no such row."""
    return None if key not in rows else value_of(rows[key], say)


def value_of(row: dict[str, Any], say: Words) -> Value:
    """The number of a row; NaN where it rests on too few agents; else why there is none, None where the row does not
    say."""
    if np.isfinite(row["mean"]):
        return Number.of(row)
    reason = str(row["unit"]).rsplit(" (", 1)[0]
    if reason == TOO_FEW:
        return Number(float("nan"))
    return say(f"jobs.why.{reason}") if f"jobs.why.{reason}" in say else None


def mean_of(design: Design, values: np.ndarray, agents: float | None = None) -> Number:
    """Mean over replicates with its interval; NaN below `FEWEST` agents, where these are given."""
    if agents is not None and agents < FEWEST:
        return Number(float("nan"))
    ends = design.mean(np.asarray(values, dtype=np.float64))
    return Number(float(ends.mean), float(ends.low), float(ends.high))


def ratio_of(design: Design, top: np.ndarray, bottom: np.ndarray) -> Number:
    """Ratio of sums over replicates with its interval."""
    ends = design.ratio(top, bottom)
    return Number(float(ends.mean), float(ends.low), float(ends.high))


def scenario_label(subject: Subject, say: Words, name: str) -> str:
    """The title of a scenario, up to a colon where that tells it from the others; its name where it has no title."""
    titles = {one: say.of(found.title, found.title_ko) for one, found in subject.scenarios.items()}
    short = {one: title.split(":")[0].strip() for one, title in titles.items()}
    for told in (short, titles):
        if told.get(name) and list(told.values()).count(told[name]) == 1:
            return told[name]
    return name


def scenario_columns(effects: Effects, say: Words) -> tuple[Column, ...]:
    """A column of scenarios where there are several."""
    return (Column(say("jobs.scenario")),) if len(effects.scenarios) > 1 else ()


def scenario_cells(subject: Subject, effects: Effects, say: Words, name: str) -> tuple[str, ...]:
    """What stands in `scenario_columns`."""
    return (scenario_label(subject, say, name),) if len(effects.scenarios) > 1 else ()


def label(subject: Subject, say: Words, dimension: str, code: str) -> str:
    """A category in the language of the report."""
    if dimension == "all":
        return say("jobs.all")
    if dimension in SAID:
        return say(f"jobs.{dimension}.{code}")
    if dimension == "size" and code in ("none", "no employer"):
        return say("jobs.no employer")
    found = _coordinate(subject, say, dimension)
    if code in found:
        return found[code]
    key = f"label.{dimension}.{code}"
    return say("label.stage.none" if key == "label.stage.outside" and key not in say else key)


def _coordinate(subject: Subject, say: Words, dimension: str) -> dict[str, str]:
    """Labels by code that the results hold."""
    results = subject.results
    name = f"{dimension}_label_{say.lang}"
    for group in () if results is None else (results.cells, results.employers, results.programmes):
        if name in group.sums.coords:
            told: xr.DataArray = group.sums[name]
            codes = (str(code) for code in told[dimension].values)
            return {code: str(text) for code, text in zip(codes, told.values, strict=True)}
    return {}


def n_of(effects: Effects, say: Words) -> str:
    """Paired replicates, months and people an agent."""
    return say(
        "jobs.n",
        replicates=effects.replicates,
        months=effects.results.months.size,
        scale=f"{effects.scale:,}",
    )


def source_of(subject: Subject, effects: Effects, say: Words) -> str:
    """Of which model and against what."""
    model = str(effects.results.attrs["model"])
    return say("jobs.source", model=model, base=scenario_label(subject, say, effects.base))


def not_here(subject: Subject, say: Words, number: int, key: str, title: str) -> ReportTable:
    """A table that needs a comparison, for another kind of subject."""
    return too_short(number, key, title, say(f"jobs.missing.{subject.kind}"))


__all__ = [
    "label",
    "mean_of",
    "n_of",
    "not_here",
    "ratio_of",
    "rows_by",
    "scenario_cells",
    "scenario_columns",
    "scenario_label",
    "source_of",
    "value_at",
    "value_of",
]
