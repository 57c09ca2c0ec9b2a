"""What a comparison says first: the answer in sentences, how the jobs add up, and what else changed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from sim.evaluation.cells import BILLION, NONE, Row, between, cell, new_table, rows_of
from sim.evaluation.cost import UNCLEAR
from sim.evaluation.fiscal import MVPF, PRESENT_VALUE
from sim.evaluation.show import jobs

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from sim.evaluation.comparison import Effects

AFTER = (6, 12, 24)
QUOTABLE = 100
"""People an agent, at most, of results to be published."""
SINCE = "direct effect on the treated"


def front(effects: Effects) -> Iterator[RenderableType]:
    """Sentences and the account of jobs of each scenario, then one table of everything else."""
    from rich.text import Text

    for scenario in effects.scenarios:
        yield Text("\n".join(answer(effects, scenario)))
        yield jobs(effects, scenario)
    yield changes(effects)


def answer(effects: Effects, scenario: str) -> list[str]:
    """What a scenario does, in sentences that follow from the numbers: who is trained and at what cost, what it does
    to those it trains, and what is left of it in all."""
    last = effects.horizons[-1]
    costs = effects.cost()
    mine = rows_of(costs[costs.scenario == scenario], "outcome")
    trained, spent = mine["additional persons trained"]["mean"], mine["additional money spent"]["mean"]
    told = [
        f"{scenario} against {effects.base}, {last} months",
        f"  It trains {_more(trained)} people (its courses also take people from others); courses and allowances cost "
        f"{_money(spent)}.",
    ]
    found = effects.treated(months=AFTER)
    direct = rows_of(found[(found.scenario == scenario) & (found.outcome == SINCE)], "horizon_months")
    parts = [
        f"{h} months after they start {_told(direct[h], '+.1f', ' points')}" for h in AFTER if h in direct
    ]
    told.append(f"  Chance of work of those it trains, because of it: {'; '.join(parts)}.")
    net = effects.net("employed")
    jobs_of = rows_of(net[net.scenario == scenario], "horizon_months")
    told.append(
        f"  Jobs in all at the end, others' losses and gains included: {_told(jobs_of[last], '+,.0f', '')}."
    )
    return told


def changes(effects: Effects) -> Table:
    """Months of work, unemployment, output, AI and money, one column a scenario."""
    table = new_table(
        f"What else changes against {effects.base}",
        "",
        *effects.scenarios,
        caption=f"90% intervals{_of_what(effects)}; * the interval leaves out zero" + _alone(effects),
    )
    last = effects.horizons[-1]
    months = effects.decomposition(unit="person-months")
    months = months[(months.outcome == "net") & (months.horizon_months == last)]
    rates = effects.productivity()
    rates = rates[rates.horizon_months == last]
    costs, views, fiscal = effects.cost(), effects.viewpoints(), effects.fiscal()
    cost = fiscal[(fiscal.outcome == "public balance: net fiscal cost") & (fiscal.category == PRESENT_VALUE)]
    lines = (
        ("months of work, whole run", months, 1.0, "+,.0f"),
        ("unemployment rate, points, last year", rates[rates.outcome == "unemployment_rate"], 1.0, "+.3f"),
        ("output, %, last year", rates[rates.outcome == "output"], 1.0, "+.3f"),
        (
            "output a worker at fixed composition, %, last year",
            rates[rates.outcome == "output_per_worker_fixed"],
            1.0,
            "+.3f",
        ),
        ("AI users among the employed, points, last year", rates[rates.outcome == "user_share"], 1.0, "+.3f"),
        ("net cost to the budget, billion won, present value", cost, BILLION, "+,.0f"),
        (
            "won a net additional job, million",
            costs[costs.outcome == "won per net additional job"],
            1e6,
            ",.0f",
        ),
        (f"{MVPF}, won a won", views[views.outcome == MVPF], 1.0, ".2f"),
    )
    for label, frame, unit, form in lines:
        rows, told = rows_of(frame, "scenario"), partial(_starred, unit=unit, form=form)
        table.add_row(label, *(cell(rows, scenario, told) for scenario in effects.scenarios))
    return table


def _more(x: float) -> str:
    return "the same number of" if x == 0 else f"{abs(x):,.0f} {'more' if x > 0 else 'fewer'}"


def _money(won: float) -> str:
    return f"{abs(won) / BILLION:,.0f} billion won {'more' if won >= 0 else 'less'}"


def _clear(row: Row) -> bool:
    """Whether the interval leaves out zero."""
    return bool(row["low"] > 0.0 or row["high"] < 0.0)


def _told(row: Row, form: str, unit: str) -> str:
    """A number with its interval, and whether it is one: for sentences."""
    if np.isnan(row["mean"]):
        return str(row["unit"]).split(" (")[0]
    number = f"{row['mean'] + 0.0:{form}}{unit}"
    if np.isnan(row["low"]):
        return f"{number} (one replicate has no interval)"
    if row["low"] == row["high"] == 0.0:
        return "nothing changes"
    ends = f"{row['low'] + 0.0:{form}} to {row['high'] + 0.0:{form}}"
    return f"{number} ({ends})" if _clear(row) else f"{UNCLEAR} ({ends})"


def _starred(row: Row, unit: float, form: str) -> str:
    ends = {name: row[name] / unit for name in ("low", "high")}
    return f"{row['mean'] / unit + 0.0:{form}} {between(ends, form)}".rstrip() + (" *" if _clear(row) else "")


def _of_what(effects: Effects) -> str:
    """What the intervals know of, and whether the run is fine enough to be quoted."""
    drawn = effects.results.design.per_draw
    known = (
        " (parameters of the posterior, and chance)" if drawn else " (chance alone, at one set of parameters)"
    )
    coarse = f"; {effects.scale:,} people an agent are for a first look, not to be quoted"
    return known + (coarse if effects.scale > QUOTABLE else "")


def _alone(effects: Effects) -> str:
    return "" if effects.replicates > 1 else f"; one replicate has none ({NONE})"


__all__ = ["answer", "changes", "front"]
