"""The tables of a sweep for people, on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.evaluation.answers import printed
from sim.sweep.design import Failure
from sim.sweep.outcomes import OUTCOMES

if TYPE_CHECKING:
    from rich.table import Table

    from sim.sweep.answers import Sweep

SHOWN = 10
"""Factors of a table; the files have all."""
WALKS = ("morris", "saltelli", "grid", "list")
"""Samples whose points are not fair draws: their means say little."""
KINDS = {
    "morris": "change of the outcome as the factor goes through its range (Morris: mean of absolute effects)",
    "saltelli": "share of the variance, by the factor alone and together with others (Sobol indices)",
    "given": "share of the variance that goes with the factor alone (RBD-FAST)",
}
SHARES = {"total": "with others", "first": "alone"}


def outcome_table(sweep: Sweep, levels: pd.DataFrame) -> Table:
    """Outcomes by lever, over points that are fair draws where there are any."""
    fair = ~levels["method"].isin(WALKS)
    shown = levels[fair] if fair.any() else levels
    several = shown["sample"].nunique() > 1
    lines, before, seeds = [], "", bool(shown["chance_share"].notna().any())
    for row in shown.to_dict("records"):
        one = OUTCOMES[str(row["outcome"])]
        say, units = _scale(one.units)
        lines.append(
            (
                one.label if row["outcome"] != before else "",
                str(row["lever"]),
                *([f"{row['method']}, {row['points']:,} points"] if several else []),
                say(row["mean"]),
                f"{say(row['low'])} to {say(row['high'])}",
                f"{row['above_zero']:.0%}" if one.effect else "",
                *([f"{row['chance_share']:.0%}"] if seeds else []),
                units,
            )
        )
        before = str(row["outcome"])
    points = "" if several else f"; {int(shown['points'].max()):,} points" if len(shown) else ""
    note = f"effects are against the base at the same point and seed{points}"
    if seeds:
        note += "; chance: share of the variance of one run that its seed makes, not what is varied"
    else:
        note += "; one replicate: what is varied and chance cannot be told apart"
    if failed := sweep.failed():
        note += f"; {failed} of {sweep.store.runs:,} runs failed and are left out (--status says why)"
    header = (
        "outcome",
        "lever",
        *(["sample"] if several else []),
        "mean",
        "90% of points",
        "above zero",
        *(["chance"] if seeds else []),
        "unit",
    )
    title = sweep.store.manifest["title"] or sweep.store.manifest["name"]
    return _left(printed(title, header, lines, note), "lever", "sample", "unit")


def factor_tables(matters: pd.DataFrame, outcome: str) -> list[Table]:
    """What an outcome hangs on: a table a sample and lever, the most important factors first."""
    made = []
    for (n, method, lever), part in matters.groupby(["sample", "method", "lever"], sort=False):
        title = f"What it hangs on: {OUTCOMES[outcome].label}, {lever} (sample {n})"
        say, units = _scale(OUTCOMES[outcome].units)
        rows = part.head(SHOWN).to_dict("records")
        if method == "morris":
            header = ["factor", "effect", "90% interval", "mean with sign", "sigma"]
            lines = [
                [r["label"], say(r["mu_star"]), _ends(r, "mu_star", say), say(r["mu"]), say(r["sigma"])]
                for r in rows
            ]
            note = f"{KINDS['morris']}; {units}"
        else:
            names = [name for name in SHARES if name in part and part[name].notna().any()]
            header = ["factor", *(x for name in names for x in (SHARES[name], "90% interval"))]
            lines = [
                [r["label"], *(x for name in names for x in (_two(r[name]), _ends(r, name, _two)))]
                for r in rows
            ]
            note = KINDS[str(method)]
        made.append(printed(title, header, lines, note))
    return made


def choice_table(policies: pd.DataFrame, used: str) -> Table:
    """Chances of being best and regret. used: how many points it rests on."""
    best = OUTCOMES[str(policies["outcome"].iloc[0])]
    say, units = _scale(best.units)
    lines = [
        (
            str(r["policy"]),
            f"{r['best']:.0%}",
            f"{r['best_low']:.0%} to {r['best_high']:.0%}",
            *(say(r[name]) for name in ("mean", "regret", "regret_90", "regret_most")),
            "least" if r["minimax"] else "",
        )
        for r in policies.to_dict("records")
    ]
    header = (
        "lever",
        "best at",
        "90% interval",
        "mean",
        "mean regret",
        "9 in 10 below",
        "largest",
        "minimax",
    )
    turned = "" if best.better > 0 else ", less is better: signs are turned"
    note = f"{used}; regret: what the best lever at the same point would have given more; {units}"
    return printed(f"Which lever is best: {best.label}{turned}", header, lines, note)


def failure_table(boxes: pd.DataFrame, fails: Failure) -> Table:
    """When levers fail."""
    lines: list[tuple[str, ...]] = []
    for r in boxes.to_dict("records"):
        there = r["points"] == r["points"]
        inside = f"{r['density']:.0%} ({r['density_low']:.0%} to {r['density_high']:.0%})" if there else "-"
        quality = f"{r['quality']:.2f}" if r["quality"] == r["quality"] else "-"
        holds = f"{r['coverage']:.0%}" if there else "-"
        lines.append((str(r["lever"]), f"{r['share_failing']:.0%}", str(r["when"]), inside, holds, quality))
    limit = f"below {fails.below:g}" if fails.below is not None else f"above {fails.above:g}"
    header = ("lever", "fails at", "above all when", "fails there at", "of all failures", "accuracy")
    note = "accuracy: balanced, at points that the tree has not seen; 0.5 says nothing (CART)"
    table = printed(f"When it fails: {OUTCOMES[fails.outcome].label} {limit}", header, lines, note)
    return _left(table, "above all when")


def _left(table: Table, *columns: str) -> Table:
    for column in table.columns:
        if str(column.header) in columns:
            column.justify = "left"
    return table


def _ends(row: dict[Any, Any], name: str, say: Any) -> str:
    return f"{say(row[f'{name}_low'])} to {say(row[f'{name}_high'])}"


def _two(x: float) -> str:
    return "-" if x != x else f"{x:.2f}"


def _scale(units: str) -> tuple[Any, str]:
    """How numbers of a unit are written, and the unit as written."""
    if units in ("share", "ratio"):
        return (lambda x: "-" if x != x else f"{x:.4f}"), units
    if units in ("won", "won of 2025"):
        return (lambda x: "-" if x != x else f"{x / 1e9:,.1f}"), f"bn {units}"
    return (lambda x: "-" if x != x else f"{x:,.0f}" if abs(x) >= 100 else f"{x:.3g}"), units


__all__ = ["choice_table", "factor_tables", "failure_table", "outcome_table"]
