"""A calibration for people at a terminal: parameters, moments, and what else must be known of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.estimation.calibrate import Calibration


def show(found: Calibration, accepted: Sequence[Path] = ()) -> None:
    """Print a calibration: its parameters, its moments, its tests, where its files are."""
    console = Console() if sys.stdout.isatty() else Console(width=140)
    console.print(parameters(found))
    console.print(moments(found))
    for line in tests(found):
        console.print(Text(line))
    console.print(Text(f"results: {found.folder}"), soft_wrap=True)
    for file in accepted:
        console.print(Text(f"accepted: {file}"), soft_wrap=True)


def parameters(found: Calibration) -> Table:
    """Prior, estimate and interval of every parameter, and whether the data say anything about it."""
    record = found.record
    table = _table(
        "Parameters", "name", ">prior centre", ">estimate", ">90% interval", ">contraction", "pinned"
    )
    table.caption = Text(
        f"estimate: {record['estimate_is']}; contraction: 1 - variance of the posterior over that of the prior; "
        "not pinned: below 0.2, what is drawn is the prior"
    )
    for row in record["parameters"]:
        span = f"[{row['low']:.4g}, {row['high']:.4g}]"
        pinned = "yes" if row["pinned"] else "no"
        numbers = (f"{row['centre']:.4g}", f"{row['estimate']:.4g}", span, f"{row['contraction']:.2f}")
        _add(table, row["name"], *numbers, pinned)
    for name in record["not_fitted"]:
        _add(table, name, "", "not fitted", "", "", "")
    return table


def moments(found: Calibration) -> Table:
    """The moments that were fitted: target, model at the estimate, range."""
    rows = [row for row in found.record["moments"] if row["fitted"]]
    table = _table("Moments of the fit", "moment", ">target", ">model", ">range", "met")
    met = sum(row["met"] for row in rows)
    table.caption = Text(f"{met} of {len(rows)} met, within two standard errors of the runs at the estimate")
    for row in rows:
        span = f"[{row['low']:.4g}, {row['high']:.4g}]"
        _add(
            table,
            row["id"],
            f"{row['target']:.4g}",
            f"{row['model']:.4g}",
            span,
            "yes" if row["met"] else "no",
        )
    for id in found.record["not_measured"]:
        _add(table, id, "", "not measured", "", "")
    return table


def tests(found: Calibration) -> list[str]:
    """Whether the model can fit at all, and whether the estimate is to be believed, one line each."""
    record = found.record
    told, history = record["diagnostics"], record["history_matching"]
    apart = {
        name: x
        for name, x in zip(
            record["sensitivity_of"]["parameters"],
            record["smoother"]["from_the_posterior_in_sds"],
            strict=True,
        )
        if abs(x) > 2.0
    }
    j = told["j"]
    lines = [
        f"J test: {j['statistic']:.1f} on {j['df']:.1f} degrees of freedom, p = {j['p']:.3f}",
        f"history matching: {history['share_not_ruled_out']:.1%} of {history['points']} points of the prior are not "
        f"ruled out"
        + (f"; least plausible: {', '.join(history['blockers'][:5])}" if history["blockers"] else ""),
        f"sampler: largest R-hat {max(told['rhat']):.3f}, smallest effective size {min(told['effective_size']):.0f}, "
        f"{told['outside_wave']:.1%} of the draws beyond the last wave",
    ]
    if told["poorly_emulated"]:
        lines.append(f"emulated badly: {', '.join(told['poorly_emulated'])}")
    if not told["converged"]:
        lines.append("the search for the most probable point was stopped before it converged")
    if told["rivals"]:
        lines.append(f"{len(told['rivals'])} other optima are as good: the posterior may have several modes")
    if apart:
        far = ", ".join(f"{name} ({x:+.1f})" for name, x in apart.items())
        lines.append(f"the ensemble smoother is more than two posterior sds away in {far}")
    return [*lines, f"{record['runs']} runs at scale {record['scale']}"]


def _table(title: str, *columns: str) -> Table:
    """columns: with > for numbers, on the right."""
    table = Table(title=Text(title), title_justify="left", caption_justify="left")
    for column in columns:
        table.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left")
    return table


def _add(table: Table, *cells: Any) -> None:
    table.add_row(*(Text(str(cell)) for cell in cells))


__all__ = ["moments", "parameters", "show", "tests"]
