"""The money of a comparison for people at a terminal: what a trainee costs, the public balance, who gains and who pays,
and productivity by size and industry of the employer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.evaluation.cells import BILLION, Row, between, billions, cell, new_table, rows_of
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

if TYPE_CHECKING:
    from rich.table import Table

    from sim.evaluation.comparison import Effects

VIEWPOINTS = {
    "participants: gain": "participants, after tax",
    "others: gain": "all other workers (the displaced too)",
    "workers: gain": "= workers",
    "budget: gain": "public budget (less: net fiscal cost)",
    "employers: gain": "employers",
    "society: deadweight of taxation": "deadweight of taxation",
    "society: gain": "= all: output less what training uses",
    "society: output over cost": "output over what training uses",
    "budget: receipts over outlays": "receipts over outlays of the budget",
    MVPF: MVPF,
    f"{MVPF}, employers' income too": "with employers' income",
    f"{CASH}: {MVPF}": f"{CASH}, {MVPF}",
    f"{CASH}: won a person trained": f"{CASH}, million won a person trained",
}
BY_EMPLOYER = {
    "output_per_worker_fixed": "output a worker, fixed composition, %",
    "hours_saved_per_worker": "hours saved, a worker and month",
    "user_share": "AI users, points",
    "adoption_share": "employers with AI, points",
}


def costs(effects: Effects, scenario: str) -> Table:
    """Won per trainee, completer and placement: all, by life stage and by programme."""
    found = effects.cost_effectiveness()
    found = found[found.scenario == scenario]
    table = new_table(
        f"{scenario}: thousand won per",
        "",
        *STEPS,
        caption="courses, fixed cost and allowances; placement: in work 6 months after completion, gross. "
        "Who would have found work anyway is in it: the tables above have what is additional",
    )
    order = {"all": 0, "stage": 1, "programme": 2}
    places = dict.fromkeys(zip(found.dimension, found.category, strict=True))
    for dimension, category in sorted(places, key=lambda place: order[place[0]]):
        mine = rows_of(
            found[(found.dimension == dimension) & (found.category == category)],
            "outcome",
        )
        if all(np.isnan(row["mean"]) for row in mine.values()):
            continue
        table.add_row(category, *(cell(mine, f"won per {what}", _thousands) for what in STEPS))
    return table


def balance(effects: Effects, scenario: str) -> Table:
    """Outlays, receipts and the net fiscal cost, by year and in present value."""
    found = effects.fiscal()
    found = found[found.scenario == scenario]
    years = [str(c) for c in dict.fromkeys(found.category) if c != PRESENT_VALUE]
    table = new_table(
        f"{scenario} against {effects.base}: public balance, billion won",
        "",
        *years,
        f"present value at {rate_of(effects, None):.1%}",
        caption="a benefit saved and a tax gained lower the net cost",
    )
    for name in (*OUTLAYS, *RECEIPTS, "net fiscal cost"):
        mine = rows_of(found[found.outcome == f"public balance: {name}"], "category")
        if name == "hiring subsidies" and all(row["mean"] == 0.0 for row in mine.values()):
            continue
        sign = "- " if name in RECEIPTS else ""
        style = "bold" if name == "net fiscal cost" else None
        by_year = (cell(mine, y, lambda row: f"{row['mean'] / BILLION + 0.0:,.1f}") for y in years)
        table.add_row(
            "= net fiscal cost" if style else sign + name,
            *by_year,
            cell(mine, PRESENT_VALUE, billions),
            style=style,
        )
    return table


def viewpoints(effects: Effects) -> Table:
    """Present value of what each side gains, and the marginal value of public funds beside published ones."""
    found = effects.viewpoints()
    abroad = "; ".join(f"{one.programme} {one.mvpf:g}" for one in published())
    table = new_table(
        f"Who gains and who pays, against {effects.base}: present value, billion won",
        "",
        *effects.scenarios,
        caption=f"to the end of {last_year(effects)}, discounted at {rate_of(effects, None):.1%} a year. Cash: nobody "
        f"behaves otherwise for it, by definition. Published for the United States: {abroad} (Hendren & Sprung-Keyser "
        "2020)",
    )
    for outcome, label in VIEWPOINTS.items():
        if "deadweight" in outcome and deadweight_of(effects, None) == 0.0:
            continue
        mine = rows_of(found[found.outcome == outcome], "scenario")
        told = _ratio
        if outcome.endswith(("gain", "taxation")):
            told = billions
        elif "won a person" in outcome:
            told = _millions
        table.add_row(
            label,
            *(cell(mine, s, told) for s in effects.scenarios),
            style="bold" if outcome in ("workers: gain", "society: gain", MVPF) else None,
        )
    return table


def by_employer(effects: Effects, by: str) -> Table:
    """Changes of productivity, hours saved, use and adoption by size or industry, last twelve months."""
    found = effects.productivity(by)
    found = found[(found.horizon_months == effects.horizons[-1]) & found.outcome.isin(list(BY_EMPLOYER))]
    table = new_table(
        f"By {by} of the employer, last 12 months, against {effects.base}", "", by, *effects.scenarios
    )
    for outcome, label in BY_EMPLOYER.items():
        mine = found[found.outcome == outcome]
        for code in dict.fromkeys(mine.category):
            here = rows_of(mine[mine.category == code], "scenario")
            if all(np.isnan(row["mean"]) for row in here.values()):
                continue
            table.add_row(label, str(code), *(cell(here, s, _change) for s in effects.scenarios))
            label = ""
        table.add_section()
    return table


def _thousands(row: Row) -> str:
    return f"{row['mean'] / 1e3:,.0f} {between({k: row[k] / 1e3 for k in ('low', 'high')})}".rstrip()


def _millions(row: Row) -> str:
    return f"{row['mean'] / 1e6:,.2f} {between({k: row[k] / 1e6 for k in ('low', 'high')}, ',.2f')}".rstrip()


def _change(row: Row) -> str:
    return f"{row['mean']:+.3f} {between(row, '+.3f')}".rstrip()


def _ratio(row: Row) -> str:
    if np.isinf(row["mean"]):
        return str(row["unit"]).rsplit(" (", 1)[0]
    return f"{row['mean']:.2f} {between(row, '.2f')}".rstrip()


__all__ = ["balance", "by_employer", "costs", "viewpoints"]
