"""Printed behind the account: the trained by clock and definition, the jobs of the others, and gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim import economy as economies
from sim.evaluation.breakdown import GAINED, INCOME, LOST, MEASURES, OTHERS, PAY, RATE, year_of
from sim.evaluation.cells import between, cell, count, new_table, rows_of
from sim.evaluation.detail import CLOCKS, DEFINITIONS
from sim.programmes import HORIZONS

if TYPE_CHECKING:
    from rich.table import Table

    from sim.evaluation.comparison import Effects

MAJOR_GROUPS = {
    # KSCO-7, one digit
    "1": "managers",
    "2": "professionals and related",
    "3": "clerks",
    "4": "service workers",
    "5": "sales workers",
    "6": "agriculture, forestry, fishery",
    "7": "craft and related trades",
    "8": "plant and machine operators",
    "9": "elementary occupations",
}
KEPT = "retention: same job of the placed"
STAYED = "direct effect on placed and still in the same job"
MOST = 5  # occupations that lose, and that gain, in print


def trained(effects: Effects, scenario: str) -> Table:
    """Direct effects on all that a scenario trains, by clock and definition, at 3 to 36 months."""
    table = new_table(
        f"{scenario}: direct effects on all it trains, against {effects.base}",
        "months since",
        *(str(h) for h in HORIZONS),
        caption="completion: the planned end of the course, in both runs; earnings: zero without an employee's job; "
        "first job: within 6 months, told 6 and 12 months after it",
    )
    lines = []
    for clock in CLOCKS:
        for definition in DEFINITIONS:
            found = effects.treated(clock=clock, definition=definition)
            lines += [
                (found, "direct effect on the treated", f"{clock}: in work ({definition}), points", "+.1f"),
                (found, "direct effect on months in work", f"{clock}: months in work ({definition})", "+.2f"),
            ]
        found = effects.earnings(clock=clock)
        lines += [
            (found, "direct effect on earnings", f"{clock}: earnings, thousand won a month", "+,.0f"),
            (found, "direct effect on change of occup", f"{clock}: in another occupation, points", "+.1f"),
        ]
        found = effects.retention(clock=clock)
        lines += [
            (found, KEPT, f"{clock}: still in the first job, % of the placed", ".1f"),
            (
                found,
                STAYED,
                f"{clock}: placed and there, points",
                "+.1f",
            ),
        ]
    for found, outcome, label, form in lines:
        named = found.outcome.str.startswith(outcome) & ~found.outcome.str.contains("without the policy")
        mine = rows_of(found[(found.scenario == scenario) & named], "horizon_months")
        table.add_row(label, *(_with_interval(mine, h, form) for h in HORIZONS))
    return table


def traced(effects: Effects, scenario: str) -> Table:
    """Occupations where the others lost most and gained most, at the last horizon."""
    found = effects.trace("occupation")
    found = found[(found.scenario == scenario) & (found.horizon_months == effects.horizons[-1])]
    labels = _major_labels(effects)
    net = rows_of(found[found.outcome == OTHERS], "category")
    lost, gained = (rows_of(found[found.outcome == name], "category") for name in (LOST, GAINED))
    order = sorted(
        (code for code in net if net[code]["mean"] == net[code]["mean"]), key=lambda c: net[c]["mean"]
    )
    losing = [code for code in order if net[code]["mean"] < 0][:MOST]
    gaining = [code for code in reversed(order) if net[code]["mean"] > 0][:MOST]
    few = [labels[code] for code in net if code not in order]
    table = new_table(
        f"{scenario}: jobs of people it does not train, by occupation, after {effects.horizons[-1]} months",
        "major group",
        "lost",
        "gained",
        "net",
        "90% interval",
        caption=f"too few: {', '.join(few)}"
        if few
        else "lost: where worked in the base; gained: under the policy",
    )
    for codes in (losing, gaining):
        for code in codes:
            cells = (cell(rows, code, lambda row: count(row["mean"])) for rows in (lost, gained, net))
            table.add_row(labels[code], *cells, between(net[code]))
        table.add_section()
    return table


def gaps(effects: Effects, scenario: str) -> Table:
    """Employment rates and pay of groups before and after at the last horizon, and the gaps between groups."""
    found = effects.distribution()
    found = found[(found.scenario == scenario) & (found.horizon_months == effects.horizons[-1])]
    found = found[found.dimension != "region"]
    told = {
        (outcome, when): rows_of(found[found.outcome == f"{outcome}, {when}"], "category")
        for outcome in (RATE, PAY)
        for when in ("before", "after", "change")
    }
    told[INCOME, "change"] = rows_of(found[found.outcome == INCOME], "category")
    table = new_table(
        f"{scenario}: who gains, month {effects.horizons[-1]}, before ({effects.base}) and after",
        "group",
        *(
            "in work, % before",
            "after",
            "change, points",
            "monthly pay, thousand won, before",
            "after",
            "change",
            "income a head in the year, thousand won, change",
        ),
    )
    for kind in dict.fromkeys(["all", *found.dimension]):
        mine = found[found.dimension == kind]
        if kind == "gap":
            table.add_section()
        for category in dict.fromkeys(mine.category):
            cells = []
            for outcome, plain, signed in ((RATE, ",.1f", "+.3f"), (PAY, ",.0f", "+,.1f")):
                for when in ("before", "after"):
                    cells.append(_plain(told[outcome, when], category, plain))
                cells.append(_with_interval(told[outcome, "change"], category, signed))
            cells.append(_with_interval(told[INCOME, "change"], category, "+,.1f"))
            table.add_row(str(category), *cells)
    return table


def unequal(effects: Effects) -> Table:
    """Inequality of annual incomes before and after, in the last calendar year."""
    found = effects.distribution()
    found = found[found.horizon_months == effects.horizons[-1]]
    table = new_table(
        f"Inequality of annual incomes in {year_of(effects, effects.horizons[-1])}, against {effects.base}",
        "",
        *(f"{scenario}: {when}" for scenario in effects.scenarios for when in ("before", "after", "change")),
        caption="of everyone of 15 to 59 at the policy's start, those without income included; before tax",
    )
    for said, _, unit in MEASURES.values():
        plain, signed = (".4f", "+.6f") if unit != "percent" else (".2f", "+.4f")
        cells = []
        for scenario in effects.scenarios:
            mine = rows_of(found[found.scenario == scenario], "outcome")
            cells += [_plain(mine, f"{said}, {when}", plain) for when in ("before", "after")]
            cells.append(_with_interval(mine, f"{said}, change", signed))
        table.add_row(said + (", %" if unit == "percent" else ""), *cells)
    return table


def _with_interval(rows: dict[Any, Any], category: object, form: str) -> str:
    return cell(rows, category, lambda row: f"{row['mean'] + 0.0:{form}} {between(row, form)}")


def _plain(rows: dict[Any, Any], category: object, form: str) -> str:
    return cell(rows, category, lambda row: f"{row['mean']:{form}}")


def _major_labels(effects: Effects) -> dict[str, str]:
    """Code and name of each major group; names of occupations where the economy has no groups."""
    economy = economies.load(str(effects.results.attrs["economy"]))
    codes = [str(c) for c in effects.paired.workplace.values[effects.paired.kind.values == "occupation"]]
    if "major" not in economy.codes:
        return dict(zip(codes, economy.labels("occupation"), strict=True))
    return {code: f"{code} {MAJOR_GROUPS[code]}" if code in MAJOR_GROUPS else code for code in codes}


__all__ = ["gaps", "traced", "trained", "unequal"]
