"""A comparison for people at a terminal: jobs and how they add up, re-employment, money, the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.evaluation.cells import (
    BILLION,
    Row,
    between,
    billions,
    cell,
    count,
    new_table,
    percent,
    points,
    rows_of,
    small,
    whole,
    won,
)
from sim.evaluation.comparison import CHANGES_OF
from sim.evaluation.experiments import ITT, NET, OFFERED
from sim.programmes import HORIZONS, SUBSIDY
from sim.summary import PLAN_GOAL, TOO_FEW

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from sim.evaluation.comparison import Effects

STEPS = (
    # account, how the line begins
    ("trained", "trained, not so in {base}"),
    ("gross", "in work (gross placement)"),
    ("deadweight", "- would be in work anyway (deadweight)"),
    ("direct", "= direct effect on the trained"),
    ("substitution", "- substitution (at employers that hired trainees)"),
    ("displacement", "- displacement (elsewhere, net of gains)"),
    ("net", "= net jobs"),
)
PRODUCTIVITY = {
    "output": "output",
    "output_per_worker": "output per worker",
    "output_per_worker_fixed": "output per worker, fixed composition",
    "user_share": "AI users among the employed",
    "adoption_share": "employers that have adopted AI",
    "unemployment_rate": "unemployment rate",
}


def tables(effects: Effects) -> Iterator[RenderableType]:
    """The tables in the order of reading, one block of jobs and one ledger for each scenario."""
    from sim.evaluation import show_details, show_money

    for scenario in effects.scenarios:
        yield jobs(effects, scenario)
    yield from trials(effects)
    yield placement(effects)
    for scenario in effects.scenarios:
        yield from details(effects, scenario)
    yield show_details.unequal(effects)
    yield money(effects)
    for scenario in effects.scenarios:
        yield show_money.costs(effects, scenario)
        yield show_money.balance(effects, scenario)
    yield show_money.viewpoints(effects)
    yield productivity(effects)
    yield show_money.by_employer(effects, "size")
    yield path(effects)
    for scenario in effects.scenarios:
        yield ledger(effects, scenario)


def details(effects: Effects, scenario: str) -> Iterator[RenderableType]:
    """The trained from both clocks, whose jobs the others lost and gained, and gaps before and after."""
    from sim.evaluation import show_details

    yield show_details.trained(effects, scenario)
    yield show_details.traced(effects, scenario)
    yield show_details.gaps(effects, scenario)


def whole_accounts(means: Mapping[str, float]) -> dict[str, float]:
    """Accounts in whole persons such that the printed lines add up: direct and net follow from the others."""
    whole = {name: float(np.round(x)) for name, x in means.items()}
    parts = [whole[name] for name in ("gross", "deadweight", "substitution", "displacement")]
    if not np.isnan(parts).any():
        whole["direct"] = whole["gross"] - whole["deadweight"]
        whole["net"] = whole["direct"] - whole["substitution"] - whole["displacement"]
    return whole


def jobs(effects: Effects, scenario: str) -> Table:
    """Persons by account at every year-end, and the interval at the last."""
    found = effects.decomposition()
    found = found[found.scenario == scenario]
    means = found.pivot(index="outcome", columns="horizon_months", values="mean")
    columns = {h: whole_accounts({str(k): float(x) for k, x in means[h].items()}) for h in effects.horizons}
    last = rows_of(found[found.horizon_months == effects.horizons[-1]], "outcome")
    title = f"{scenario} against {effects.base}: persons in work at the end of month"
    books = effects.results.programmes.sums
    subsidised = books.enrolled.sel(scenario=scenario).where(books.programme_kind == SUBSIDY, 0).any()
    table = new_table(
        title,
        "",
        *(str(h) for h in effects.horizons),
        "90% interval, last",
        caption=f"{effects.replicates} paired replicates, {effects.scale:,} people an agent; the first line has all "
        "who are trained here and would not be there: seats also pass from one person to another"
        + split_of(last["net"]),
    )
    for account, label in STEPS:
        row = last[account]
        few = str(row["unit"]).startswith(TOO_FEW)
        values = [count(columns[h][account]) for h in effects.horizons]
        style = "bold" if account in ("direct", "net") else None
        if subsidised:
            label = label.replace("trained, not", "trained or hired with a subsidy, not").replace(
                "the trained", "them"
            )
        table.add_row(label.format(base=effects.base), *values, TOO_FEW if few else between(row), style=style)
    return table


def split_of(row: Mapping[str, Any]) -> str:
    """Of which the variance of a replicate is made, where it is known: for the end of a caption."""
    parameter = float(row["share_parameter"])
    if parameter != parameter:
        return ""
    structure = float(row["share_structure"])
    parts = {"structure": structure, "parameters": parameter, "chance": float(row["share_seed"])}
    return "; variance of net: " + ", ".join(f"{x:.0%} {name}" for name, x in parts.items() if x == x)


def trials(effects: Effects) -> Iterator[Table]:
    """One table for each programme whose seats a lot decided: what the trial reports, and what paired runs say."""
    if "trials" not in effects.results.tree.children:
        return
    found = effects.trials()
    net = rows_of(found[(found.outcome == NET) & (found.horizon_months == effects.horizons[-1])], "scenario")
    mine = found[found.dimension.str.startswith("trial/") & found.horizon_months.notna()]
    for (scenario, dimension, id), part in mine.groupby(["scenario", "dimension", "category"], sort=False):
        design = str(dimension).removeprefix("trial/")
        table = new_table(
            f"{scenario}: {id}, {design}: in work after the lot, % and points",
            "months since the lot",
            *(str(h) for h in HORIZONS),
            caption="trial: intervals of its own errors; paired: the same persons with and without the policy, "
            f"across replicates. Net jobs per 100 trained, end of the run: {cell(net, scenario, points)}",
        )
        for name, lines in part.groupby("outcome", sort=False):
            outcome, by_horizon = str(name), rows_of(lines, "horizon_months")
            told = points if lines["unit"].str.contains("points").any() else percent
            style = "bold" if outcome in (ITT, OFFERED) else None
            table.add_row(outcome, *(cell(by_horizon, h, told) for h in HORIZONS), style=style)
        yield table


def placement(effects: Effects) -> Table:
    """Re-employment of those not in work at enrolment, and the direct effect, at months since the start."""
    summary = effects.results.summary()
    found = summary[
        (summary.outcome == "reemployment_official_enrolled")
        & (summary.dimension == "origin")
        & (summary.category == "not employed")
    ]
    table = new_table(
        "In work after the start of training, %", "months since the start", *(str(h) for h in HORIZONS)
    )
    for scenario in effects.results.scenarios:
        mine = rows_of(found[found.scenario == scenario], "horizon_months")
        table.add_row(
            f"{scenario}: enrolled when not in work",
            *(cell(mine, h, lambda row: f"{100 * row['mean']:.1f}") for h in HORIZONS),
        )
    treated = effects.treated()
    treated = treated[treated.outcome == "direct effect on the treated"]
    for scenario in effects.scenarios:
        mine = rows_of(treated[treated.scenario == scenario], "horizon_months")
        table.add_row(
            f"{scenario}: effect on all it trains, points",
            *(cell(mine, h, lambda row: f"{row['mean']:+.1f} {between(row, '.1f')}") for h in HORIZONS),
        )
    return table


MONEY_NOTES = {
    "additional money spent": ", with allowances, billion won",
    "additional persons trained": " (trained here and not in the base, less the reverse)",
}


def money(effects: Effects) -> Table:
    """Persons trained against the goal, additional money, and what a job costs."""
    summary, costs = effects.results.summary(), effects.cost()
    table = new_table(f"Goal and money, against {effects.base}", "", *effects.scenarios)
    trained = rows_of(summary[summary.outcome == "plan_trained"], "scenario")
    until = trained[effects.base]["category"]
    table.add_row(
        f"trained in the plan's programmes to {until}",
        *(cell(trained, s, lambda row: count(row["mean"])) for s in effects.scenarios),
    )
    table.add_row(
        f"of the goal of {PLAN_GOAL:,}",
        *(cell(trained, s, lambda row: f"{row['mean'] / PLAN_GOAL:.1%}") for s in effects.scenarios),
    )
    for outcome in dict.fromkeys(costs.outcome):
        mine = rows_of(costs[costs.outcome == outcome], "scenario")
        table.add_row(
            outcome + MONEY_NOTES.get(outcome, ", billion won" if outcome.startswith("additional") else ""),
            *(cell(mine, s, won) for s in effects.scenarios),
        )
    return table


def path(effects: Effects) -> Table:
    """From training to skill, use and output: what has changed by each year-end."""
    found = effects.path()
    table = new_table(
        f"From training to output, last year-end, against {effects.base}",
        "",
        *effects.scenarios,
        caption="a course reaches output only by these steps and by who works",
    )
    found = found[found.horizon_months == effects.horizons[-1]]
    for outcome in dict.fromkeys(found.outcome):
        mine = rows_of(found[found.outcome == outcome], "scenario")
        told: Callable[[Row], str] = {"won": billions, "0 to 1": small}.get(
            next(str(row["unit"]) for row in mine.values()), whole
        )
        unit = ", billion won" if told is billions else ""
        table.add_row(
            outcome.removeprefix("path: ") + unit, *(cell(mine, s, told) for s in effects.scenarios)
        )
    return table


def productivity(effects: Effects) -> Table:
    """Changes of output, productivity and AI use over the last twelve months."""
    found = effects.productivity()
    found = found[(found.horizon_months == effects.horizons[-1]) & found.outcome.isin(list(PRODUCTIVITY))]
    table = new_table(
        f"Productivity and rates, last 12 months, against {effects.base}", "", *effects.scenarios
    )
    for outcome, label in PRODUCTIVITY.items():
        mine = rows_of(found[found.outcome == outcome], "scenario")
        unit = "%" if CHANGES_OF[outcome] == "percent" else "points"
        table.add_row(
            f"{label}, {unit}",
            *(
                cell(mine, s, lambda row: f"{row['mean']:+.3f} {between(row, '+.3f')}")
                for s in effects.scenarios
            ),
        )
    return table


def ledger(effects: Effects, scenario: str) -> Table:
    """Billion won by programme and year: spent of planned; planned = spent + unspent to the won."""
    books = effects.money()
    books = books[books.scenario == scenario]
    years = sorted(books.year.unique())
    table = new_table(
        f"{scenario}: billion won spent / planned",
        "programme",
        *(str(y) for y in years),
        "planned",
        "spent",
        "unspent",
        "allowances",
        caption="planned = spent + unspent; allowances are entitlements paid on top",
    )
    for programme, mine in books.groupby("programme"):
        if mine[["planned", "spent", "allowance"]].to_numpy().any():
            table.add_row(str(programme), *_book_cells(mine, years))
    total = books.groupby("year", as_index=False)[["planned", "spent", "unspent", "allowance"]].sum()
    table.add_section()
    table.add_row("all", *_book_cells(total, years), style="bold")
    return table


def _book_cells(books: pd.DataFrame, years: Sequence[int]) -> list[str]:
    by_year = books.set_index("year")
    cells = [f"{by_year.spent[y] / BILLION:,.1f} / {by_year.planned[y] / BILLION:,.1f}" for y in years]
    return cells + [
        f"{books[name].sum() / BILLION:,.1f}" for name in ("planned", "spent", "unspent", "allowance")
    ]


__all__ = ["jobs", "ledger", "money", "placement", "productivity", "tables", "whole_accounts"]
