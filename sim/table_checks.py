"""Checks that every folder of tables shares: columns, numbers, sources, records, and where in a file they stand.

Each mistake is a `Problem` with the file, the row (the line of the file; a header is line 1, the whole file 0), the
column and the name of the rule, so that an editor can go there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.economy_schema import ANY, EFFECTS, KINDS, RECORD, YEAR, Sources
from sim.errors import nearest

if TYPE_CHECKING:
    from sim.economy import Economy, Table


class Problem(NamedTuple):
    """One mistake in an economy's folder; its text is `file:row: column: message`."""

    file: str
    row: int
    column: str
    rule: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (f"{self.file}:{self.row}", self.column, self.message) if part)


def check_columns(table: Table, wanted: Sequence[str], optional: Sequence[str] = ()) -> Iterator[Problem]:
    """The header has the wanted columns and no others, and every row has as many cells."""
    for name in wanted:
        if name not in table.header:
            yield Problem(table.file, 1, name, "column", "the column is missing")
    for at, name in enumerate(table.header):
        if name not in wanted and name not in optional:
            yield Problem(table.file, 1, name, "column", "this column is not known" + or_near(name, wanted))
        elif name in table.header[:at]:
            yield Problem(table.file, 1, name, "column", "this column is given twice")
    for row, line in zip(table.rows, table.lines, strict=True):
        if len(row) != len(table.header):
            problem = f"{len(row)} cells, where the header has {len(table.header)}"
            yield Problem(table.file, line, table.header[0], "column", problem)


def check_provenance(
    file: str, row: int, column: str, record: Mapping[str, Any], sources: Sources
) -> Iterator[Problem]:
    """A known kind; a known source unless it is an assumption; a year; a note where the figure was made here.

    `column` is empty for a row of a CSV file, whose own columns are named instead."""
    kind = str(record.get("kind", ""))
    ids = [name.strip() for name in str(record.get("source", "")).split(";") if name.strip()]
    year = str(record.get("year", ""))
    if kind not in KINDS:
        yield Problem(file, row, column or "kind", "kind", f"unknown kind {kind!r}" + or_allowed(kind, KINDS))
    elif not ids and kind != "assumption":
        yield Problem(file, row, column or "source", "source", f"a {kind} figure needs a source")
    elif kind in ("derived", "assumption") and not str(record.get("note", "")).strip():
        yield Problem(
            file, row, column or "note", "note", f"{kind}: the note must say how the figure was made"
        )
    for name in ids:
        if sources is not None and name not in sources:
            message = f"no source {name!r} in sources.csv" + or_near(name, sources)
            yield Problem(file, row, column or "source", "source", message)
    if year and not YEAR.fullmatch(year):
        yield Problem(
            file, row, column or "year", "year", f"{year!r} is neither a year nor a period of years"
        )
    elif not year and not column and kind != "assumption":
        yield Problem(file, row, "year", "year", f"a {kind} figure needs a year")


def check_number(
    file: str, row: int, column: str, value: object, limits: tuple[float, float]
) -> Iterator[Problem]:
    """A finite number within its limits."""
    number = number_of(value)
    low, high = limits
    if number is None:
        yield Problem(file, row, column, "number", f"{value!r} is not a number")
    elif not low <= number <= high:
        allowed = f"{low:g} or more" if high == math.inf else f"{low:g} to {high:g}"
        yield Problem(file, row, column, "range", f"{number:g} is out of range: {allowed}")


def check_sources(economy: Economy) -> Iterator[Problem]:
    """`sources.csv`: one row a source, each with a citation."""
    table = economy.tables.get("sources")
    if table is None:
        return
    yield from check_columns(table, ("id", "citation", "url", "licence", "note"))
    yield from check_unique(table, "id")
    if "citation" in table.header:
        for text, line in zip(table.column("citation"), table.lines, strict=True):
            if not text.strip():
                yield Problem(table.file, line, "citation", "source", "a source needs a citation")


def check_unique(table: Table, column: str) -> Iterator[Problem]:
    """No empty and no repeated text in a column of names."""
    seen: dict[str, int] = {}
    for text, line in zip(table.column(column) if column in table.header else [], table.lines, strict=False):
        if not text.strip():
            yield Problem(table.file, line, column, "code", "the name is empty")
        elif text in seen:
            yield Problem(
                table.file, line, column, "duplicate", f"{text!r} is given on line {seen[text]} too"
            )
        seen.setdefault(text, line)


def given_before(cells: Sequence[tuple[str, ...]], lines: Sequence[int]) -> list[int]:
    """For every row the line that gave the same cell first, 0 where it is that line."""
    first: dict[tuple[str, ...], int] = {}
    found = [first.setdefault(cell, line) for cell, line in zip(cells, lines, strict=True)]
    return [0 if before == line else before for before, line in zip(found, lines, strict=True)]


def check_record(
    file: str, line: int, name: str, record: object, limits: tuple[float, float] | None, sources: Sources
) -> Iterator[Problem]:
    """A number with its provenance: `{value=, unit=, year=, source=, kind=, note=, low=, high=}`.

    The value may be a table of numbers by year, or a list of tables of numbers. Without `limits` the range is
    that of the unit."""
    if not isinstance(record, dict) or "value" not in record:
        yield Problem(
            file, line, name, "record", "a number is a record: value, unit, year, source, kind, note"
        )
        return
    for key in record:
        if key not in RECORD:
            yield Problem(file, line, name, "record", f"unknown key {key!r}" + or_allowed(key, RECORD))
    unit = unit_of(str(record.get("unit", "")))
    if not unit:
        yield Problem(file, line, name, "unit", "the unit is not given")
    yield from check_provenance(file, line, name, record, sources)
    allowed = limits or EFFECTS.get(unit, ANY)
    for value in leaves(record["value"]):
        yield from check_number(file, line, name, value, allowed)
    ends = [number_of(record[end]) for end in ("low", "high") if end in record]
    value = number_of(record["value"])
    if len(ends) == 2 and value is not None and None not in ends:
        low, high = ends
        if low is not None and high is not None and not low <= value <= high:
            yield Problem(
                file, line, name, "range", f"{value:g} is outside its own range, {low:g} to {high:g}"
            )


def leaves(value: object) -> list[object]:
    """The values inside tables and lists; the value itself when it is neither."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return [value] if inside is None else [leaf for part in inside for leaf in leaves(part)]


def number_of(value: object) -> float | None:
    """A finite number, or the number a text spells; None for anything else, true and false included."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def unit_of(text: str) -> str:
    """The first word of a unit: "share a month" -> "share", "KRW/hour" -> "KRW"."""
    return (re.split(r"[ ,/]", text.strip()) or [""])[0]


def line_of(economy: Economy, file: str, *path: str) -> int:
    """The line of a TOML file that holds a key, or the nearest table around it; 0 when neither is there."""
    lines = key_lines(economy.texts.get(file, ""))
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 0)


@lru_cache(maxsize=8)
def key_lines(text: str) -> dict[tuple[str, ...], int]:
    """The first line of every table and key of a TOML text."""
    lines: dict[tuple[str, ...], int] = {}
    header: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if table := re.match(r"\s*\[([^\[\]]+)\]", line):
            header = dotted(table[1])
            lines.setdefault(header, number)
        elif key := re.match(r"""\s*([\w.'"-]+)\s*=""", line):
            lines.setdefault((*header, *dotted(key[1])), number)
    return lines


def dotted(name: str) -> tuple[str, ...]:
    """A dotted TOML name in its parts."""
    return tuple(part.strip().strip("\"'") for part in name.split("."))


def first_number(message: str) -> int:
    """The line that a TOML error names ("... (at line 3, column 5)"); 0 when it names none."""
    at = re.search(r"at line (\d+)", message)
    return int(at[1]) if at else 0


def or_near(name: str, known: Collection[str]) -> str:
    """The end of a message: the nearest name that is known."""
    found = nearest(name, known)
    return f"; the nearest is {found!r}" if found else ""


def or_allowed(name: str, known: Collection[str]) -> str:
    """The end of a message: the nearest known name or, where none is near, what is allowed."""
    return or_near(name, known) or f"; allowed: {', '.join(known)}"
