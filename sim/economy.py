"""An economy: one country's tables, read from a folder and asked for by name.

An economy is data. `sim/economies/korea` is the one that ships; any other folder with the same files is
loaded by its path and needs no code. The folder holds

* `economy.toml`: names, base year and single values, `[group.name]` with `value`, `unit`, `source`, ...;
* codebooks (`ages.csv`, `regions.csv`, ...): the order of their rows is the order of the codes in the model;
* long tables: key columns, then `value,unit,year,source,kind,note`, one row a cell;
* wide tables (`mobility.csv`, ...): square matrices whose provenance stands in `wide_tables.toml`;
* `programmes.toml`, `targets.csv` and `sources.csv`.

With `based_on = "korea"` in its `economy.toml`, by name or by a path from the folder, a folder holds only what differs:
its own tables replace those of the base, its records of `economy.toml` are laid over the base's one by one, and its
sources are added. Such is `sim/economies/korea-2022`.

With `kind = "network"` in its `economy.toml` it is not a country but occupations as nodes with moves between them
(`sim.network_tables`): `nodes.csv`, `moves.csv` and, if given, `target_demand.csv` and `sources.csv`.

Reading is lenient and looking up is strict: a folder with a mistake in it still loads as far as it can, so
that `check` can name every mistake at once, while `array`, `value` and `scalar` never return a guess.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import itertools
import math
import os
import pickle
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.economy_checks import find_problems
from sim.errors import InputError, nearest
from sim.table_checks import Problem

__all__ = ["Economy", "Problem", "Table", "Target", "check", "load", "names"]

ECONOMIES = Path(__file__).parent / "economies"

CODEBOOKS = {
    "sex": "sexes",
    "age": "ages",
    "education": "educations",
    "region": "regions",
    "industry": "industries",
    "occupation": "occupations",
    "size": "sizes",
    "contract": "contracts",
    "state": "states",
    "reason": "reasons",
}
"""Dimension -> the file (without `.csv`) that lists its codes and labels."""

VOCABULARY = {
    "age5": ["15-29", "30-39", "40-49", "50-59", "60+"],
    "sector": ["agriculture", "mining-manufacturing", "services"],
    "flow": ["eu", "en", "ue", "un", "ne", "nu"],
    "tenure": ["0", "3", "12", "36"],
    "measure": [
        "ilo-2025",
        "aioe",
        "eloundou-alpha",
        "eloundou-beta",
        "eloundou-gamma",
        "microsoft",
        "anthropic-observed",
    ],
    "series": ["low", "central", "high"],
}
"""Dimensions whose codes belong to the model and not to a country, so that they have no codebook."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class Target(NamedTuple):
    """A published stock or flow that a baseline without AI and without training must hold."""

    id: str
    label: str
    value: float
    unit: str
    year: str
    source: str
    kind: str
    note: str


@dataclass(frozen=True)
class Table:
    """One CSV file as text: `rows[i]` starts on line `lines[i]` of the file (the header is line 1)."""

    file: str
    header: list[str]
    rows: list[list[str]]
    lines: list[int]

    @cached_property
    def keys(self) -> list[str]:
        """The columns before `value`; none in a file without that column."""
        return self.header[: self.header.index("value")] if "value" in self.header else []

    def column(self, name: str) -> list[str]:
        """The text of one column; KeyError when there is no such column."""
        if name not in self.header:
            raise KeyError(f"{self.file}: no column {name!r}; columns: {', '.join(self.header)}")
        at = self.header.index(name)
        return [row[at] if at < len(row) else "" for row in self.rows]

    def numbers(self, name: str) -> list[float]:
        """One column as finite numbers; InputError, with the line, where one is not; KeyError as `column`."""
        numbers = []
        for text, line in zip(self.column(name), self.lines, strict=True):
            try:
                number = float(text)
            except ValueError:
                number = math.nan
            if not math.isfinite(number):
                raise InputError(f"{text!r} is not a number", file=self.file, line=line, key=name)
            numbers.append(number)
        return numbers

    @cached_property
    def cells(self) -> dict[tuple[str, ...], float]:
        """Codes -> value. InputError on a value that is not a number or a cell given twice."""
        cells: dict[tuple[str, ...], float] = {}
        width = len(self.keys)
        for row, line, value in zip(self.rows, self.lines, self.numbers("value"), strict=True):
            key = tuple(row[:width])
            if key in cells:
                raise InputError(f"the cell {', '.join(key)} is given twice", file=self.file, line=line)
            cells[key] = value
        return cells


@dataclass(frozen=True, eq=False)
class Economy:
    """A country's tables. Made by `load`; shared between callers, so treat it as read only."""

    name: str
    path: Path
    digest: str
    """sha256 over the names and bytes of all files of the folder, names sorted, and of its base's; hexadecimal."""
    tables: dict[str, Table] = field(repr=False)
    """Every CSV file by its name without `.csv`."""
    documents: dict[str, dict[str, Any]] = field(repr=False)
    """Every TOML file by its name without `.toml`."""
    texts: dict[str, str] = field(repr=False)
    """The text of every TOML file, by full file name: to find the line of a key."""
    unreadable: dict[str, str] = field(repr=False)
    """File name -> why it could not be read."""
    inherited: dict[str, str] = field(default_factory=dict, repr=False)
    """Name of a file that the base holds -> its path from this folder."""

    # -- what it is called -----------------------------------------------------------------------------------

    @property
    def kind(self) -> str:
        """ "country", or what `economy.toml` says: "network" for nodes and moves."""
        return str(self.header.get("kind", "country"))

    @property
    def title_en(self) -> str:
        """English title; the name when the folder gives none."""
        return str(self.header.get("title_en", self.name))

    @property
    def title_ko(self) -> str:
        """Korean title; the name when the folder gives none."""
        return str(self.header.get("title_ko", self.name))

    @property
    def currency(self) -> str:
        """ISO 4217 code of all money in the tables; empty when the folder gives none."""
        return str(self.header.get("currency", ""))

    @property
    def base_year(self) -> int:
        """The year that stocks and flows describe. KeyError when the folder gives none."""
        year = self.header.get("base_year")
        if not isinstance(year, int):
            raise KeyError(f"economy.toml of {self.name}: no base_year")
        return year

    @property
    def first_start(self) -> dt.date:
        """The first month a run may start in: as `economy.toml` says, else the January after the base year.

        The months between the January of the base year and the start are the spin-up."""
        start = self.header.get("first_start")
        return start if isinstance(start, dt.date) else dt.date(self.base_year + 1, 1, 1)

    # -- codes -----------------------------------------------------------------------------------------------

    @cached_property
    def codes(self) -> dict[str, list[str]]:
        """Dimension -> its codes in model order.

        Besides codebooks and vocabulary: `major` (the major groups of `occupations.csv`) and `year` (every
        year that is a key of some table, ascending)."""
        if self.kind != "country":
            nodes = self.tables.get("nodes")
            return {"occupation": nodes.column("id") if nodes is not None and "id" in nodes.header else []}
        codes = {dim: list(values) for dim, values in VOCABULARY.items()}
        for dim, file in CODEBOOKS.items():
            if file in self.tables and "code" in self.tables[file].header:
                codes[dim] = self.tables[file].column("code")
        occupations = self.tables.get("occupations")
        if occupations is not None and "ksco_major" in occupations.header:
            codes["major"] = sorted(set(occupations.column("ksco_major")))
        dated = [table for table in self.tables.values() if "year" in table.keys]
        codes["year"] = sorted({year for table in dated for year in table.column("year")})
        return codes

    def labels(self, dim: str, lang: str = "en") -> list[str]:
        """Labels in model order, in `lang` ("en" or "ko"); the codes where a dimension has no codebook.

        KeyError for an unknown dimension or language."""
        if dim in CODEBOOKS:
            return self._table(CODEBOOKS[dim]).column(f"label_{lang}")
        if dim not in self.codes:
            raise KeyError(_unknown("dimension", dim, self.codes))
        return list(self.codes[dim])

    def n(self, dim: str) -> int:
        """Number of codes of a dimension. KeyError for an unknown one."""
        if dim not in self.codes:
            raise KeyError(_unknown("dimension", dim, self.codes))
        return len(self.codes[dim])

    @cached_property
    def majors(self) -> list[str]:
        """The major group of each occupation, in the order of occupations."""
        return self._table("occupations").column("ksco_major")

    def attribute(self, dim: str, column: str) -> Floats:
        """A numeric column of a codebook in model order, as `attribute("region", "capital")`.

        KeyError for an unknown dimension or column, InputError where it is not a number."""
        if dim not in CODEBOOKS:
            raise KeyError(_unknown("codebook", dim, CODEBOOKS))
        return np.array(self._table(CODEBOOKS[dim]).numbers(column), np.float64)

    @property
    def ages(self) -> tuple[Integers, Integers]:
        """Lowest and highest age of each band in years, both inclusive."""
        return self.attribute("age", "low").astype(np.int64), self.attribute("age", "high").astype(np.int64)

    @property
    def size_bounds(self) -> tuple[Integers, Integers]:
        """Lowest and highest number of workers of each establishment size class, both inclusive."""
        return self.attribute("size", "low").astype(np.int64), self.attribute("size", "high").astype(np.int64)

    # -- tables ----------------------------------------------------------------------------------------------

    def array(self, table: str, *dims: str, **fixed: str | int) -> Floats:
        """Values of a long table as an array, one axis for each of `dims`, the other keys held at `fixed`.

        An axis is in codebook order, years ascending. The axis `code`, as in
        `array("wage_factor", "code", dimension="size")`, has the codes given for the dimension held, in
        codebook order; an axis without known codes, such as `item`, has the order of the file.

        KeyError when the table or a key is unknown, a key is neither an axis nor held, or a cell is missing;
        InputError where a value is not a number."""
        source = self._table(table)
        if sorted([*dims, *fixed]) != sorted(source.keys):
            raise KeyError(
                f"{source.file} has the keys {', '.join(source.keys)}, not {', '.join([*dims, *fixed])}"
            )
        held = {key: str(code) for key, code in fixed.items()}
        axes = [self._axis(source, dim, held) for dim in dims]
        order = [[*dims, *held].index(key) for key in source.keys]
        tail = tuple(held.values())
        asked = [tuple((*head, *tail)[at] for at in order) for head in itertools.product(*axes)]
        missing = [key for key in asked if key not in source.cells]
        if missing:
            first = ", ".join(f"{key}={code}" for key, code in zip(source.keys, missing[0], strict=True))
            raise KeyError(
                f"{source.file}: {len(missing)} of {len(asked)} cells are missing, the first {first}"
            )
        return np.array([source.cells[key] for key in asked], np.float64).reshape(
            [len(axis) for axis in axes]
        )

    def value(self, table: str, item: str) -> float:
        """One value of a table with a single key, as `value("flows", "eu")`; KeyError when it is missing."""
        source = self._table(table)
        if len(source.keys) != 1:
            raise KeyError(f"{source.file} has the keys {', '.join(source.keys)}: use array()")
        if (item,) not in source.cells:
            raise KeyError(
                f"{source.file}: {_unknown(source.keys[0], item, [key for (key,) in source.cells])}"
            )
        return source.cells[(item,)]

    def wide(self, name: str) -> Floats:
        """A square matrix, rows (from) and columns (to) in codebook order.

        KeyError when the file is missing or is not square in the codes of its first column."""
        table = self._table(name)
        dim, *across = table.header
        codes, down = self.codes.get(dim, []), table.column(dim)
        if not codes or sorted(across) != sorted(codes) or sorted(down) != sorted(codes):
            raise KeyError(f"{table.file} is not a square matrix over the codes of {dim!r}")
        matrix = np.array([table.numbers(code) for code in codes], np.float64).T
        return matrix[[down.index(code) for code in codes]]

    # -- single values ---------------------------------------------------------------------------------------

    def record(self, name: str) -> Mapping[str, Any]:
        """The record `[group.name]` of `economy.toml`: `value` with its unit, year, source, kind and note.

        KeyError when there is none."""
        group, _, key = name.partition(".")
        groups = {k: v for k, v in self.header.items() if isinstance(v, dict)}
        record = groups.get(group, {}).get(key)
        if not isinstance(record, dict) or "value" not in record:
            known = [f"{g}.{k}" for g, records in groups.items() for k in records]
            raise KeyError(f"economy.toml: {_unknown('value', name, known)}")
        return record

    def holds(self, name: str) -> bool:
        """Whether `economy.toml` has the record `[group.name]`."""
        group, _, key = name.partition(".")
        records = self.header.get(group)
        return isinstance(records, dict) and key in records

    def scalar(self, name: str) -> float:
        """A single number, as `scalar("benefit.replacement")`; KeyError unless it is one number."""
        value = self.record(name)["value"]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise KeyError(f"economy.toml: {name} is not a single number")
        return float(value)

    def by_year(self, name: str) -> dict[int, float]:
        """Numbers by year, ascending, as `by_year("minimum_wage.hourly")`; KeyError for anything else."""
        value = self.record(name)["value"]
        try:
            return {int(year): float(number) for year, number in sorted(value.items())}
        except (AttributeError, TypeError, ValueError):
            raise KeyError(f"economy.toml: {name} is not a table of numbers by year") from None

    @property
    def programmes(self) -> dict[str, dict[str, Any]]:
        """The programme records as the TOML has them, by id; a copy of its own for every caller."""
        records: dict[str, dict[str, Any]] = pickle.loads(self._programmes)
        return records

    @cached_property
    def _programmes(self) -> bytes:
        return pickle.dumps(self.documents.get("programmes", {}))

    @cached_property
    def targets(self) -> list[Target]:
        """What the model is held against: one record a row of `targets.csv`."""
        table = self._table("targets")
        columns: list[list[Any]] = [table.column(name) for name in Target._fields]
        columns[Target._fields.index("value")] = table.numbers("value")
        return [Target._make(row) for row in zip(*columns, strict=True)]

    def problems(self) -> list[Problem]:
        """Everything wrong with the tables, as `check` finds it."""
        return check(self)

    # -- inside ----------------------------------------------------------------------------------------------

    @property
    def header(self) -> dict[str, Any]:
        """The content of `economy.toml`; empty when it cannot be read."""
        return self.documents.get("economy", {})

    def _table(self, name: str) -> Table:
        if name not in self.tables:
            raise KeyError(f"economy {self.name}: {_unknown('table', name, self.tables)}")
        return self.tables[name]

    def _axis(self, table: Table, dim: str, held: Mapping[str, str]) -> list[str]:
        """The codes along one axis of `array`."""
        if dim in self.codes and dim != "year":
            return self.codes[dim]
        at = table.keys.index(dim)
        kept = [(table.keys.index(key), code) for key, code in held.items()]
        given = list(dict.fromkeys(key[at] for key in table.cells if all(key[i] == code for i, code in kept)))
        if dim == "year":
            return sorted(given)
        known = self.codes.get(held.get("dimension", ""), [])
        return [code for code in known if code in given] + [code for code in given if code not in known]


def names() -> list[str]:
    """The economies that ship with the model."""
    return sorted(path.parent.name for path in ECONOMIES.glob("*/economy.toml"))


def load(name_or_path: str | Path) -> Economy:
    """The economy of that name, or in that folder; kept in memory until one of its files changes.

    InputError when there is no such folder, or its `economy.toml` cannot be read. `check` finds the other
    mistakes in the tables."""
    path = _folder(name_or_path)
    economy = _read(path)
    if "economy" not in economy.documents:
        problem = economy.unreadable.get("economy.toml", "the file is missing: this folder is not an economy")
        raise InputError(problem, file=str(path / "economy.toml"))
    return economy


def check(economy: Economy | str | Path) -> list[Problem]:
    """Everything wrong with an economy's tables, in the order of the rules; empty when all is well.

    InputError when there is no such folder."""
    economy = economy if isinstance(economy, Economy) else _read(_folder(economy))
    if economy.kind != "country":
        from sim.network_tables import network_problems

        return network_problems(economy)
    return find_problems(economy)


def _folder(name_or_path: str | Path) -> Path:
    known = names()
    path = ECONOMIES / name_or_path if str(name_or_path) in known else Path(name_or_path)
    if path.is_dir():
        return path.resolve()
    raise InputError(
        f"there is no economy {str(name_or_path)!r}",
        key="economy",
        allowed=f"{', '.join(known)}, or the path of a folder of tables",
        nearest=nearest(str(name_or_path), known),
    )


def _read(path: Path, above: tuple[Path, ...] = ()) -> Economy:
    """The folder laid over its base, if it has one. InputError when there is no such base, or a circle of them."""
    with os.scandir(path) as entries:
        files = [one for one in entries if not one.name.startswith(".") and one.is_file()]
        stamps = sorted((file.name, *_stamp(file)) for file in files)
    economy = _read_files(path, tuple(stamps))
    base = economy.header.get("based_on")
    if base is None:
        return economy
    beside = path / str(base)
    below = beside.resolve() if beside.is_dir() else ECONOMIES / str(base)
    if str(base) == "" or not below.is_dir() or below in (*above, path):
        problem = (
            f"there is no economy {str(base)!r}" if not below.is_dir() else f"{base!r} is built on this one"
        )
        raise InputError(
            problem,
            file=str(path / "economy.toml"),
            key="based_on",
            allowed=f"{', '.join(names())}, or the path of a folder of tables",
            nearest=nearest(str(base), names()),
        )
    return _laid_over(_read(below, (*above, path)), economy)


@lru_cache(maxsize=16)
def _laid_over(below: Economy, own: Economy) -> Economy:
    """An economy whose files replace those of its base; records of `economy.toml` and sources are added."""
    tables, documents = below.tables | own.tables, below.documents | own.documents
    if {"sources"} <= below.tables.keys() & own.tables.keys():
        base, new = below.tables["sources"], own.tables["sources"]
        tables["sources"] = Table(new.file, new.header, new.rows + base.rows, new.lines + base.lines)
    header = dict(below.header)
    for key, value in own.header.items():
        both = isinstance(value, dict) and isinstance(header.get(key), dict)
        header[key] = header[key] | value if both else value
    documents["economy"] = header
    held = {name: below.path / name for name in (*below.texts, *(t.file for t in below.tables.values()))}
    held |= {name: below.path / path for name, path in below.inherited.items()}
    own_files = (*own.texts, *own.unreadable, *(table.file for table in own.tables.values()))
    return Economy(
        own.name,
        own.path,
        hashlib.sha256(f"{own.digest} {below.digest}".encode()).hexdigest(),
        tables,
        documents,
        below.texts | own.texts,
        below.unreadable | own.unreadable,
        {name: os.path.relpath(file, own.path) for name, file in held.items() if name not in own_files},
    )


def _stamp(file: os.DirEntry[str]) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=16)
def _read_files(path: Path, stamps: tuple[tuple[str, int, int], ...]) -> Economy:
    """Read the files. The stamps (name, time of change, size) are there for the cache, to see an edit."""
    digest = hashlib.sha256()
    tables: dict[str, Table] = {}
    documents: dict[str, dict[str, Any]] = {}
    texts: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    for name, _, _ in stamps:
        content = (path / name).read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
        stem, _, ending = name.rpartition(".")
        try:
            if ending == "csv":
                tables[stem] = _parse_csv(name, content.decode("utf-8-sig"))
            elif ending == "toml":
                texts[name] = content.decode("utf-8")
                documents[stem] = tomllib.loads(texts[name])
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, csv.Error) as error:
            unreadable[name] = f"the file cannot be read: {error}"
    return Economy(path.name, path, digest.hexdigest(), tables, documents, texts, unreadable)


def _parse_csv(file: str, text: str) -> Table:
    """Rows with the line each starts on (a quoted note may run over several). Empty lines are skipped."""
    rows: list[list[str]] = []
    lines: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    start = 1
    for row in reader:
        if row:
            rows.append(row)
            lines.append(start)
        start = reader.line_num + 1
    header, *body = rows or [[]]
    return Table(file, header, body, lines[1:])


def _unknown(what: str, name: str, known: Mapping[str, object] | list[str]) -> str:
    """The text of a KeyError: what is not there, and the nearest thing that is."""
    near = nearest(name, list(known))
    return f"no {what} {name!r}" + (f"; the nearest is {near!r}" if near else "")
