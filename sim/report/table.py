"""A table of a report: numbers with intervals in named columns, and what a reader must know of them.

Values are numbers, never text made of numbers: both languages, the workbook and the page show the same. How a number is
written follows from its unit (`written`).
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from sim.report.words import Words


class Number(NamedTuple):
    """A value with its 90% interval; NaN ends where there is none, NaN all over where too few agents are behind it."""

    mean: float
    low: float = math.nan
    high: float = math.nan

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0.0 or self.high < 0.0

    @classmethod
    def of(cls, row: Any) -> Number:
        """From a row of a frame with the columns mean, low and high."""
        return cls(float(row["mean"]), float(row["low"]), float(row["high"]))


Value = Number | float | int | str | None
NUMERIC = " class='number'"  # of a cell, in HTML


class Column(NamedTuple):
    """title: in the report's language. unit: of `UNITS`, "" for text."""

    title: str
    unit: str = ""


UNITS: dict[str, tuple[float, str]] = {
    # unit -> factor on the stored value, format of the number; its name is the message "unit.<unit>"
    "persons": (1.0, ",.0f"),
    "change of persons": (1.0, "+,.0f"),
    "balance of persons": (1.0, ",.0f"),
    "person-months": (1.0, ",.0f"),
    "change of person-months": (1.0, "+,.0f"),
    "share": (100.0, ".1f"),
    "small share": (100.0, ".2f"),
    "points": (1.0, "+.1f"),
    "percent": (1.0, "+.2f"),
    "won": (1.0, ",.0f"),
    "thousand won": (1e-3, ",.0f"),
    "million won": (1e-6, ",.1f"),
    "100 million won": (1e-8, ",.0f"),
    "change of 100 million won": (1e-8, "+,.0f"),
    "change of trillion won": (1e-12, "+.2f"),
    "months": (1.0, ".1f"),
    "count of months": (1.0, ".0f"),
    "change of months": (1.0, "+.2f"),
    "change of thousand won": (1e-3, "+,.0f"),
    "number with digits": (1.0, ",.1f"),
    "ratio": (1.0, ".2f"),
    "small ratio": (1.0, ".4f"),
    "hours": (1.0, ".2f"),
    "count": (1.0, ",.0f"),
    "year": (1.0, ".0f"),
    "number": (1.0, ".3g"),
}

BOUNDS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("persons", "person-months"), (0.0, math.inf)),
    **dict.fromkeys(("share", "small share"), (0.0, 1.0)),
}
"""Units whose values cannot lie beyond: ends of intervals are cut there (a t interval of few replicates may not be)."""


@dataclass(frozen=True)
class ReportTable:
    """A table of the report. definition, source: sentences in the report's language; n: what it rests on; notes:
    further ones; missing: why it cannot be filled, else "". A filled table has rows."""

    number: int
    key: str
    title: str
    columns: tuple[Column, ...] = ()
    rows: list[tuple[Value, ...]] = field(default_factory=list)
    definition: str = ""
    source: str = ""
    n: str = ""
    notes: tuple[str, ...] = ()
    missing: str = ""

    def __post_init__(self) -> None:
        if not self.rows and not self.missing:
            raise ValueError(f"table {self.number} has no rows and does not say why")
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"table {self.number}: a row is not as wide as the columns")

    def frame(self, say: Words | None = None) -> pd.DataFrame:
        """Plain numbers in the unit shown, for workbook and CSV: a column, and two more where there are intervals; with
        words, the titles of columns have their units."""
        titles = [column.title for column in self.columns] if say is None else self.headers(say)
        out: dict[str, list[Any]] = {}
        for k, name in enumerate(titles):
            unit, values = self.columns[k].unit, [row[k] for row in self.rows]
            factor = UNITS[unit][0] if unit else 1.0
            while name in out:
                name += " "
            if self._has_ends(k):
                numbers = [_within(v if isinstance(v, Number) else Number(_float(v)), unit) for v in values]
                out[name] = [v.mean * factor for v in numbers]
                out[f"{name} [5%]"] = [v.low * factor for v in numbers]
                out[f"{name} [95%]"] = [v.high * factor for v in numbers]
            else:
                out[name] = [v * factor if isinstance(v, int | float) and unit else v for v in values]
        return pd.DataFrame(out)

    def frame_units(self) -> list[str]:
        """The unit of each column of `frame`, "" for text."""
        return [one.unit for k, one in enumerate(self.columns) for _ in range(3 if self._has_ends(k) else 1)]

    def _has_ends(self, column: int) -> bool:
        return any(isinstance(row[column], Number) for row in self.rows)

    def html(self, say: Words) -> str:
        """The table as HTML with its heading and notes; headers are marked for screen readers."""
        heading = html.escape(say("table.heading", number=self.number, title=self.title))
        head = f'<h3 id="table-{self.number}">{heading}</h3>'
        notes = "".join(f"<div class='note'>{html.escape(text)}</div>" for text in self.said(say))
        if self.missing:
            return f"{head}<p class='missing'>{html.escape(self.missing)}</p>{notes}"
        titles = "".join(
            f"<th scope='col'{NUMERIC if column.unit else ''}>{html.escape(text)}</th>"
            for text, column in zip(self.headers(say), self.columns, strict=True)
        )
        body = "".join(
            "<tr>" + "".join(_cell(text, k, self.columns[k]) for k, text in enumerate(line)) + "</tr>"
            for line in self.lines(say)
        )
        label = html.escape(self.title)
        table = f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
        return (
            f"{head}\n<div class='wide' role='region' tabindex='0' aria-label='{label}'>{table}</div>{notes}"
        )

    def headers(self, say: Words) -> list[str]:
        """Titles with units."""
        units = [say(f"unit.{c.unit}") if c.unit else "" for c in self.columns]
        return [
            f"{c.title} ({unit})" if unit else c.title for c, unit in zip(self.columns, units, strict=True)
        ]

    def lines(self, say: Words) -> list[list[str]]:
        """Every cell as it is written."""
        return [
            [written(v, c.unit, say) for v, c in zip(row, self.columns, strict=True)] for row in self.rows
        ]

    def said(self, say: Words) -> list[str]:
        """Definition, n, source and notes as lines."""
        parts = (("table.definition", self.definition), ("table.n", self.n), ("table.source", self.source))
        return [f"{say(key)}: {text}" for key, text in parts if text] + list(self.notes)


def written(value: Value, unit: str, say: Words) -> str:
    """A value as it is written: the interval in brackets behind it unless it is no wider, a dash for none."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    factor, form = UNITS[unit] if unit else (1.0, "")
    number = _within(value if isinstance(value, Number) else Number(float(value)), unit)
    if number.mean != number.mean:
        return say("table.too few") if isinstance(value, Number) else "–"
    text = _signed(number.mean * factor, form)
    ends = [_signed(end, form) for end in _rounded(number.low * factor, number.high * factor)]
    return text if number.low != number.low or ends == [text, text] else f"{text} [{ends[0]}, {ends[1]}]"


def money(won: float, say: Words) -> str:
    """An amount of money in running text, in the unit of the language."""
    return say.of(f"{won * 1e-9:,g} billion won", f"{won * 1e-8:,g}억 원")


def _within(number: Number, unit: str) -> Number:
    """A number that is inside the bounds of its unit, with the ends of its interval there too."""
    least, most = BOUNDS.get(unit, (-math.inf, math.inf))
    if not least <= number.mean <= most:
        return number
    return Number(number.mean, *(end if end != end else min(max(end, least), most) for end in number[1:]))


def _rounded(low: float, high: float) -> tuple[float, float]:
    """Ends of an interval in the thousands to three digits of half its width: further ones are noise."""
    half = 0.5 * (high - low)
    digits = 2 - math.floor(math.log10(half)) if 0.0 < half < math.inf else 0
    return (round(low, digits), round(high, digits)) if digits < 0 else (low, high)


def _signed(x: float, form: str) -> str:
    """A number without a sign before zero."""
    text = format(x, ",.0f" if form == ".3g" and abs(x) >= 1000 else form)
    zero = not any(c in "123456789" for c in text)
    return text.strip("+-") if zero else text.replace("-", "−")


def _cell(text: str, k: int, column: Column) -> str:
    tag, scope = ("th", " scope='row'") if k == 0 else ("td", "")
    style = NUMERIC if column.unit else ""
    return f"<{tag}{scope}{style}>{html.escape(text)}</{tag}>"


def _float(value: Value) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def too_short(number: int, key: str, title: str, why: str, notes: Sequence[str] = ()) -> ReportTable:
    """A table that cannot be filled, and why."""
    return ReportTable(number, key, title, missing=why, notes=tuple(notes))


__all__ = ["UNITS", "Column", "Number", "ReportTable", "Value", "money", "too_short", "written"]
