"""Cells of the printed tables: a number with its interval, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.summary import TOO_FEW

if TYPE_CHECKING:
    from rich.table import Table

BILLION = 1e9
Row = Mapping[Any, Any]
NONE = "-"


def new_table(title: str, *columns: str, caption: str = "") -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", caption=caption or None, caption_justify="left")
    for n, name in enumerate(columns):
        table.add_column(name, justify="right" if n else "left", overflow="fold")
    return table


def rows_of(frame: pd.DataFrame, key: str) -> dict[Any, Row]:
    """The rows of a frame by the value of one column."""
    return {row[key]: row for row in frame.to_dict("records")}


def cell(rows: Mapping[Any, Row], key: object, told: Callable[[Row], str]) -> str:
    """What `told` says of the row at `key`; why there is no number; or a dash where there is no row."""
    if key not in rows:
        return NONE
    row = rows[key]
    if not np.isnan(row["mean"]):
        return told(row)
    unit = str(row["unit"])
    return unit.rsplit(" (", 1)[0] if unit.endswith(")") else NONE


def points(row: Row) -> str:
    return f"{row['mean']:+.1f} {between(row, '.1f')}"


def percent(row: Row) -> str:
    return f"{row['mean']:.1f}"


def won(row: Row) -> str:
    if row["unit"] == "persons":
        return count(row["mean"])
    if str(row["outcome"]).startswith("additional"):
        return f"{row['mean'] / BILLION:,.1f}"
    return f"{row['mean']:,.0f} {between(row)}"


def count(x: float) -> str:
    return TOO_FEW if np.isnan(x) else f"{x + 0.0:,.0f}"


def between(row: Row, form: str = ",.0f") -> str:
    """`[low, high]`; nothing when a single replicate gives no interval."""
    low, high = row["low"], row["high"]
    return "" if np.isnan(low) else rf"\[{low + 0.0:{form}}, {high + 0.0:{form}}]"


def billions(row: Row) -> str:
    low, high = row["low"] / BILLION, row["high"] / BILLION
    return f"{row['mean'] / BILLION + 0.0:,.1f} {between({'low': low, 'high': high}, ',.1f')}".rstrip()


def small(row: Row) -> str:
    return f"{row['mean']:+.5f} {between(row, '+.5f')}".rstrip()


def whole(row: Row) -> str:
    return f"{row['mean'] + 0.0:,.0f} {between(row)}".rstrip()


__all__ = [
    "BILLION",
    "NONE",
    "Row",
    "between",
    "billions",
    "cell",
    "count",
    "new_table",
    "percent",
    "points",
    "rows_of",
    "small",
    "whole",
    "won",
]
