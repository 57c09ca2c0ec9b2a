"""One comparison of the model with a published fact: a row of table 18."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

FAILS, PASSES, UNTESTED = "fails", "passes", "not tested"
ORDER = (FAILS, UNTESTED, PASSES)
"""How rows are listed: failures first."""
GROUPS = ("fit", "test", "backtest", "training", "limit")
"""Moments fitted; moments held out; mid-2022 to mid-2025; effects of training; other models' limits."""


class Row(NamedTuple):
    """A comparison. value, error: the model's number and its standard error over replicates, None when not tested;
    low, high: where the number passes, None for an open end; published: the figure as published."""

    id: str
    group: str
    label: str
    label_ko: str
    unit: str
    value: float | None
    error: float | None
    published: float | None
    low: float | None
    high: float | None
    status: str
    source: str
    note: str = ""


def status_of(
    value: float | None, error: float | None = 0.0, low: float | None = None, high: float | None = None
) -> str:
    """PASSES when the value lies in the range, within two of its own standard errors; UNTESTED without a value."""
    if value is None or math.isnan(value):
        return UNTESTED
    reach = 2.0 * (error or 0.0)
    below = low is not None and value + reach < low
    above = high is not None and value - reach > high
    return FAILS if below or above else PASSES


def failures_first(rows: Iterable[Row]) -> list[Row]:
    """Rows in the order of table 18: failures, then what is not tested, then what passes; by group within."""
    return sorted(rows, key=lambda row: (ORDER.index(row.status), GROUPS.index(row.group)))


__all__ = ["FAILS", "GROUPS", "PASSES", "UNTESTED", "Row", "failures_first", "status_of"]
