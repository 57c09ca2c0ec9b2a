"""The outcomes of a run as tables for people, and as one JSON object for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.results import Results
from sim.summary import FEWEST, PLAN_GOAL, TOO_FEW, pick, records

Row = tuple[str, str, str]

HEADLINES: tuple[tuple[str, str, str, str], ...] = (
    # label, outcome, dimension, category ("" for the last twelve months)
    ("Employment rate", "employment_rate", "all", ""),
    ("  aged 15-29", "employment_rate", "age", "15-29"),
    ("  aged 50-59", "employment_rate", "age", "50-59"),
    ("Unemployment rate", "unemployment_rate", "all", ""),
    ("Vacancies", "vacancies", "all", ""),
    ("Hires a month", "hires", "all", ""),
    ("Mean hourly pay", "mean_wage", "all", ""),
    ("Wage Gini", "wage_gini", "all", ""),
    ("Employers with AI", "adoption_share", "all", ""),
    ("Workers who use AI regularly", "user_share", "all", ""),
    ("Output over output without AI", "ai_gain", "all", ""),
    ("Hours that AI saves", "hours_saved_share", "all", ""),
)


def print_run(results: Results, folder: Path) -> None:
    """What happened, by scenario: headlines, then programmes; then where the files are."""
    console = Console() if sys.stdout.isatty() else Console(width=140)
    table = results.summary()
    for name in results.scenarios:
        mine = table[table["scenario"] == name]
        console.print(headline_table(results, mine, name))
        console.print(programme_table(results, mine))
    console.print(Text(f"results: {folder}"), soft_wrap=True)


def headline_table(results: Results, table: pd.DataFrame, name: str) -> Table:
    """The labour market in the last twelve months, re-employment by stage, and the plan's goal."""
    span = f"{str(results.months[0])[:7]} to {str(results.months[-1])[:7]}"
    many = results.replicates > 1
    title = f"{name}: {span}, scale {results.scale}, {results.replicates} replicate{'s' if many else ''}"
    out = Table(title=Text(title), title_justify="left", caption_justify="left")
    out.caption = Text(
        "last 12 months; 90% intervals across "
        + ("draws of the posterior" if results.draws else "replicates, of chance alone")
        if many
        else "last 12 months; one replicate has no interval"
    )
    for column, side in (
        ("outcome", "left"),
        ("value", "right"),
        ("90% interval", "right"),
        ("unit", "left"),
    ):
        out.add_column(column, justify="right" if side == "right" else "left")
    for label, outcome, dimension, category in HEADLINES:
        wanted = {"outcome": outcome, "dimension": dimension} | ({"category": category} if category else {})
        _add(out, label, pick(table, **wanted))
    out.add_section()
    for stage in ("entry", "transition"):
        for horizon in (6, 12):
            row = pick(
                table,
                outcome="reemployment_official_completers_from_nonemployment",
                dimension="stage",
                category=stage,
                horizon_months=horizon,
            )
            _add(out, f"Completers without work before ({stage}): in work after {horizon} months", row)
    out.add_section()
    trained = pick(table, outcome="plan_trained")
    _add(out, f"Trained in the plan's programmes by {trained['category']}", trained)
    _add(out, f"  of the goal of {PLAN_GOAL:,} by 2030-12", pick(table, outcome="plan_trained_of_goal"))
    return out


def programme_table(results: Results, table: pd.DataFrame) -> Table:
    """Programmes with money or people: trainees over the run, where they stand, and the money."""
    out = Table(title=Text("Programmes over the run"), title_justify="left", caption_justify="left")
    out.caption = Text(
        "in work: of all enrolled, months after the start, official definition, people with a job before "
        f"included; {TOO_FEW}: fewer than 30 agents at this scale"
    )
    if results.months.size % 12:
        out.caption.append("; the budget is of whole years")
    for column in (
        "programme",
        "started",
        "completed",
        "in work at 6",
        "at 12 months",
        "budget, bn won",
        "spent",
        "unspent",
        "allowances",
    ):
        out.add_column(column, justify="left" if column == "programme" else "right")
    for row in _programmes(results, table):
        out.add_row(*(Text(cell) for cell in row))
    return out


def _programmes(results: Results, table: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    sums = results.programmes.sums
    labels = dict(zip(sums["programme"].values, sums["programme_label_en"].values, strict=True))
    for code in [*labels, "all"]:
        of = {"dimension": "all" if code == "all" else "programme", "category": str(code)}
        counts = {name: pick(table, outcome=name, **of)["mean"] for name in ("enrolled", "completed")}
        won = {
            name: pick(table, outcome=name, **of)["mean"] / 1e9
            for name in ("budget", "course", "fixed", "unspent", "allowance")
        }
        if not won["budget"] and not counts["enrolled"]:
            continue
        placed = [
            pick(table, outcome="reemployment_official_enrolled", horizon_months=h, **of) for h in (6, 12)
        ]
        teaches = counts["enrolled"] > 0
        yield (
            "all" if code == "all" else str(labels[code]),
            _people(counts["enrolled"], results),
            _people(counts["completed"], results),
            *(_share(row) if teaches else "" for row in placed),
            f"{won['budget']:,.1f}",
            f"{won['course'] + won['fixed']:,.1f}",
            f"{won['unspent']:,.1f}",
            f"{won['allowance']:,.1f}",
        )


def _people(persons: float, results: Results) -> str:
    agents = results.agents(persons) * results.replicates
    return "" if not persons else TOO_FEW if agents < FEWEST else f"{persons:,.0f}"


def _share(row: Any) -> str:
    if TOO_FEW in row["unit"]:
        return TOO_FEW
    return "" if math.isnan(row["mean"]) else f"{row['mean']:.1%}"


def _add(table: Table, label: str, row: Any) -> None:
    value, ends, unit = cells(row)
    table.add_row(Text(label), Text(value), Text(ends), Text(unit))


def cells(row: Any) -> Row:
    """Value, interval and unit of a row of the summary, as a person would write them."""
    mean, low, high, unit = row["mean"], row["low"], row["high"], str(row["unit"])
    if TOO_FEW in unit:
        return TOO_FEW, "", unit.removeprefix(TOO_FEW).strip(" ()")
    if math.isnan(mean):
        return "", "", unit
    percent = unit.startswith("share")
    digits = 0 if abs(mean) >= 1000 else 4

    def shown(x: float) -> str:
        return f"{x:.2%}" if percent else f"{x:,.{digits}f}"

    ends = "" if math.isnan(low) else f"{shown(low)} to {shown(high)}"
    return shown(mean), ends, unit.removeprefix("share").strip() if percent else unit


def as_json(results: Results, folder: Path) -> str:
    """One object: the folder, the scenarios, the provenance and every row of the summary."""
    provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    return json.dumps(
        {
            "folder": str(folder),
            "scenarios": results.scenarios,
            "provenance": provenance,
            "summary": records(results.summary()),
        },
        ensure_ascii=False,
    )
