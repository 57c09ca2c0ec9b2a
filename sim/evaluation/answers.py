"""The folder and the printed form of what many variants answer: attribution, marginal returns, allocation.

A folder holds `answer.json` (all that is told), a CSV of each table, `runs.csv` (the totals of every run), the resolved
scenarios and provenance.json. It appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim import economy as economies
from sim.errors import InputError
from sim.evaluation.variants import Variants, identity
from sim.folder import OUTPUTS, PROVENANCE, commit, whole
from sim.scenario import Scenario

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console
    from rich.table import Table

ANSWER = "answer.json"
LONGEST_NAME = 80


def digest_of(*scenarios: Scenario) -> str:
    """A digest (hex) of scenarios, kernels and what is measured."""
    return hashlib.sha256("".join(identity(one) for one in scenarios).encode()).hexdigest()


def folder_of(name: str, number: str, out: Path | None) -> Path:
    """Where an answer belongs: the same question has the same folder."""
    return (out or OUTPUTS) / f"{name[:LONGEST_NAME]}-{number}"


def finished(folder: Path) -> dict[str, Any] | None:
    """What a finished folder tells; None when there is none."""
    try:
        found: dict[str, Any] = json.loads((folder / ANSWER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def write(
    folder: Path,
    told: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    scenarios: Iterable[Scenario],
    evaluate: Variants,
    *,
    seconds: float,
    figures: Mapping[str, Figure] | None = None,
    texts: Mapping[str, str] | None = None,
) -> None:
    """Write the folder. figures: by file name; texts: further files. InputError where it cannot be written."""
    from sim import __version__
    from sim.drawing import save
    from sim.kernels import source_digest

    scenarios = list(scenarios)
    run = scenarios[-1].run
    economy = economies.load(run.economy)
    record = {
        "model": f"laborshift {__version__}",
        "commit": commit(),
        "scenario_sha256": {one.name: one.digest(economy.digest) for one in scenarios},
        "economy": run.economy,
        "economy_sha256": economy.digest,
        "kernels_sha256": source_digest(),
        "seed": run.seed,
        "scale": run.scale,
        "months": run.months,
        "uncertainty": run.uncertainty,
        "runs": len(evaluate.known),
        "runs_made_now": evaluate.made,
        "jobs": evaluate.jobs,
        "machine": {"system": platform.platform(), "processor": platform.machine()},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
    }
    try:
        with whole(folder) as part:
            _put(part / ANSWER, json.dumps(told, ensure_ascii=False, indent=1) + "\n")
            for name, table in tables.items():
                table.to_csv(part / f"{name}.csv", index=False, encoding="utf-8", lineterminator="\n")
            _put(part / "runs.csv", evaluate.table())
            for name, text in (texts or {}).items():
                _put(part / name, text)
            for one in scenarios:
                _put(part / f"scenario-{one.name}.toml", one.resolved_toml())
            for name, figure in (figures or {}).items():
                save(figure, part / "figures", name)
            _put(part / PROVENANCE, json.dumps(record, ensure_ascii=False, indent=1) + "\n")
    except OSError as reason:
        problem = f"results cannot be written ({reason.strerror})"
        raise InputError(problem, file=str(folder), key="--out") from reason


def _put(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as plain records; None where there is no number."""
    return [
        {str(key): None if pd.isna(x) else x for key, x in row.items()} for row in table.to_dict("records")
    ]


def console() -> Console:
    """Where tables for people go: 160 columns wide when that is a file."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=160)


def printed(title: str, header: Sequence[str], lines: Iterable[Sequence[str]], caption: str = "") -> Table:
    """A table for people, all but its first column to the right."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left", caption_justify="left")
    table.caption = Text(caption) if caption else None
    for n, name in enumerate(header):
        table.add_column(name, justify="right" if n else "left", overflow="fold")
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))
    return table


def number(x: float | None, divisor: float = 1.0, digits: int | None = None) -> str:
    """A number with separators, and with one digit after the point where it is divided; "-" for none."""
    if x is None or pd.isna(x):
        return "-"
    places = (1 if divisor != 1.0 else 0) if digits is None else digits
    text = f"{float(x) / divisor:,.{places}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text


__all__ = ["console", "digest_of", "finished", "folder_of", "number", "printed", "rows", "write"]
