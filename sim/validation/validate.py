"""`laborshift validate`: every comparison of the model with published facts, as table 18, failures first.

A part of the table is a module with `rows(fast, jobs, progress) -> list[Row]`. What a run is not asked stays in the
table as "not tested", with the reason: a table that leaves out what it cannot do would flatter the model.
"""

from __future__ import annotations

import csv
import hashlib
import json as json_module
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.errors import InputError, nearest
from sim.estimation import targets as published_targets
from sim.validation import backtest, held_out, limits, trials
from sim.validation.rows import GROUPS, ORDER, UNTESTED, Row, failures_first

if TYPE_CHECKING:
    from rich.table import Table

TITLES = {
    "fit": "moments of 2025 that parameters are fitted to",
    "test": "moments of 2025 held out",
    "backtest": "mid-2022 to mid-2025",
    "training": "effects of training, trials inside the model",
    "limit": "the occupational-mobility limit",
}


class Part(NamedTuple):
    """Groups of rows and what makes them; scaled: whether `rows` takes `scale` as well."""

    groups: tuple[str, ...]
    rows: Callable[..., list[Row]]
    scaled: bool = True


PARTS = (
    Part(("fit", "test"), held_out.rows),
    Part(("backtest",), backtest.rows),
    Part(("training",), trials.rows),
    Part(("limit",), limits.rows, scaled=False),
)
"""A part more is one line here."""

__all__ = ["PARTS", "Part", "collect", "counts", "record", "validate", "validate_command", "write"]


def validate(
    *,
    fast: bool = False,
    jobs: int = 1,
    scale: int | None = None,
    only: str | None = None,
    progress: bool = False,
) -> list[Row]:
    """All rows, or those of the group `only`, failures first. fast: fewer and coarser runs (under three minutes on two
    cores), wider errors. scale: people per agent of the Korean runs. Raises InputError for an unknown group."""
    if only is not None and only not in GROUPS:
        raise InputError(
            f"there is no group {only!r}",
            key="--only",
            allowed=", ".join(GROUPS),
            nearest=nearest(only, GROUPS),
        )
    if scale is not None and not 1 <= scale <= 1000:
        raise InputError(f"{scale} is out of range", key="--scale", allowed="people per agent from 1 to 1000")
    found: list[Row] = []
    for part in PARTS:
        if only is None or only in part.groups:
            more = {"scale": scale} if part.scaled else {}
            found += part.rows(fast=fast, jobs=jobs, progress=progress, **more)
    return failures_first(row for row in collect(found) if only in (None, row.group))


def collect(rows: Iterable[Row]) -> list[Row]:
    """One row an id, the one that was tested where there are two; and a row for each target held out that no part of
    the table answers."""
    found: dict[str, Row] = {}
    for row in rows:
        if row.id not in found or found[row.id].status == UNTESTED:
            found[row.id] = row
    asked_elsewhere = {fact.id for fact in trials.facts()}
    for target in published_targets.load().values():
        if target.role == "test" and target.id not in found and target.id not in asked_elsewhere:
            group = "backtest" if "backtest" in target.note else "test"
            found[target.id] = held_out.row_of(target, np.empty(0), group)
    return list(found.values())


def counts(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    """Rows by group and status; groups without rows are left out."""
    found = Counter((row.group, row.status) for row in rows)
    return {
        group: {status: found[group, status] for status in ORDER}
        for group in GROUPS
        if any(found[group, status] for status in ORDER)
    }


def record(rows: Sequence[Row], **settings: object) -> dict[str, Any]:
    """What `--json` prints and validation.json holds: settings, counts, rows, and which rows answer each of the twenty
    published targets of training and AI (`sim/validation/trials.csv`)."""
    from sim import __version__

    here = {row.id for row in rows}
    targets: dict[int, list[str]] = {}
    for fact in trials.facts():
        if fact.id in here:
            targets.setdefault(fact.target, []).append(fact.id)
    return {
        "model": f"LaborShift {__version__}",
        **settings,
        "counts": counts(rows),
        "published_targets": {str(n): ids for n, ids in sorted(targets.items())},
        "rows": [row._asdict() for row in rows],
    }


# ---------------------------------------------------------------------------------------------- the command


def validate_command(
    *,
    fast: bool = False,
    jobs: int = 1,
    scale: int | None = None,
    only: str | None = None,
    out: Path | None = None,
    json: bool = False,
    quiet: bool = False,
) -> None:
    """`laborshift validate`: run, keep the folder, print table 18 or one JSON object. Facts that the model fails are
    results, not mistakes: they raise nothing."""
    from sim.folder import OUTPUTS

    rows = validate(fast=fast, jobs=jobs, scale=scale, only=only, progress=not (quiet or json))
    settings = {"fast": fast, "scale": scale, "only": only}
    folder = (out or OUTPUTS) / f"validation-{_hash(settings)}"
    whole = record(rows, **settings)
    try:
        write(folder, rows, whole)
    except OSError as reason:
        raise InputError(
            f"results cannot be written ({reason.strerror})", file=str(folder), key="--out"
        ) from reason
    if json:
        print(json_module.dumps({"folder": str(folder), **whole}, ensure_ascii=False))
    elif not quiet:
        from rich.console import Console

        console = Console() if sys.stdout.isatty() else Console(width=160)
        console.print(table(rows))
        console.print(count_table(rows))
        console.print(f"results: {folder}", highlight=False, soft_wrap=True)


def _hash(settings: dict[str, Any]) -> str:
    """Eight digits of the question: model, economy, published facts, settings."""
    from sim.economy import load
    from sim.kernels import source_digest

    question = {
        "model": source_digest(),
        "economy": load("korea").digest,
        "facts": [path.read_text(encoding="utf-8") for path in (published_targets.shipped(), trials.FILE)],
        **settings,
    }
    return hashlib.sha256(json_module.dumps(question, sort_keys=True).encode()).hexdigest()[:8]


def write(folder: Path, rows: Sequence[Row], whole: dict[str, Any]) -> None:
    """validation.csv, .json and .md into a folder that appears whole or not at all."""
    from sim.folder import whole as appearing

    with appearing(folder) as part:
        with (part / "validation.csv").open("w", newline="", encoding="utf-8") as file:
            sheet = csv.writer(file, lineterminator="\n")
            sheet.writerow(Row._fields)
            sheet.writerows(["" if x is None else x for x in row] for row in rows)
        text = json_module.dumps(whole, ensure_ascii=False, indent=1)
        (part / "validation.json").write_text(text + "\n", encoding="utf-8")
        (part / "validation.md").write_text(markdown(rows), encoding="utf-8")


# ------------------------------------------------------------------------------------------------ for people

HEADINGS = ("group", "what", "model", "published", "passes in", "verdict", "source")


def number(x: float | None) -> str:
    """Four significant digits; thousands with separators; nothing for None."""
    if x is None:
        return ""
    return f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.4g}"


def span(row: Row) -> str:
    """Where the number passes, in words."""
    if row.low is None and row.high is None:
        return ""
    if row.low is None:
        return f"up to {number(row.high)}"
    return f"{number(row.low)} to {number(row.high)}" if row.high is not None else f"from {number(row.low)}"


def cells(row: Row) -> tuple[str, ...]:
    """A row under `HEADINGS`."""
    error = f" ± {number(row.error)}" if row.error else ""
    value = f"{number(row.value)}{error}" if row.value is not None else ""
    what = f"{row.label} ({row.unit})" if row.unit else row.label
    return row.group, what, value, number(row.published), span(row), row.status, row.source


def table(rows: Sequence[Row]) -> Table:
    """Table 18 for a terminal."""
    from rich.table import Table
    from rich.text import Text

    out = Table(title="18 검증 · validation: failures first", title_justify="left", caption_justify="left")
    out.caption = "model ± standard error over replicates; a number passes within two of these of the range"
    for heading in HEADINGS:
        out.add_column(
            heading, justify="right" if heading in ("model", "published") else "left", overflow="fold"
        )
    style = {"fails": "bold red", "not tested": "yellow", "passes": "green"}
    for row in rows:
        out.add_row(*(Text(cell, style=style.get(cell, "")) for cell in cells(row)))
    return out


def count_table(rows: Sequence[Row]) -> Table:
    """How many fail, are not tested, and pass, by group."""
    from rich.table import Table

    out = Table(title="rows by group", title_justify="left")
    for heading in ("group", "", *ORDER):
        out.add_column(heading, justify="right" if heading in ORDER else "left")
    for group, by in counts(rows).items():
        out.add_row(group, TITLES[group], *(str(by[status]) for status in ORDER))
    return out


def markdown(rows: Sequence[Row]) -> str:
    """Table 18 and the counts, as the docs show them."""

    def line(items: Iterable[object]) -> str:
        return "| " + " | ".join(str(item).replace("|", "/") for item in items) + " |"

    told = [line(("group", "", *ORDER)), line("---" for _ in range(5))]
    told += [line((group, TITLES[group], *by.values())) for group, by in counts(rows).items()]
    told += ["", line(HEADINGS), line("---" for _ in HEADINGS), *(line(cells(row)) for row in rows)]
    reasons = [f"* {row.label}: {row.note}" for row in rows if row.status == UNTESTED and row.note]
    if reasons:
        told += ["", "Not tested, and why:", "", *reasons]
    return "\n".join(told) + "\n"
