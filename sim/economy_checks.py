"""The search for places where an economy's tables do not hold what they must (`economy_schema`).

Each mistake is a `Problem` with the file, the row (the line of the file; a header is line 1, the file as a whole 0),
the column and the name of the rule, so that an editor can go there. Nothing here stops at the first mistake.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sim.economy_schema import (
    ANY,
    CODEBOOKS,
    EFFECTS,
    HEADER,
    HEADER_OPTIONS,
    POSITIVE,
    PROGRAMME_CHOICES,
    PROGRAMME_FLAGS,
    PROGRAMME_NUMBERS,
    PROGRAMME_TABLES,
    PROGRAMME_TEXTS,
    PROVENANCE,
    RANGES,
    SCALARS,
    SCHEMA,
    SHARE,
    SUM_TOLERANCE,
    TOTAL_TOLERANCE,
    TOTALS,
    WIDE,
    Rule,
    Sources,
)
from sim.table_checks import (
    Problem,
    check_columns,
    check_number,
    check_provenance,
    check_record,
    check_sources,
    check_unique,
    first_number,
    given_before,
    line_of,
    number_of,
    or_allowed,
    or_near,
    unit_of,
)

if TYPE_CHECKING:
    from sim.economy import Economy, Table


def find_problems(economy: Economy) -> list[Problem]:
    """Everything wrong with an economy's folder: files, codebooks, sources, tables, totals, TOML records."""
    table = economy.tables.get("sources")
    sources = set(table.column("id")) if table is not None and "id" in table.header else None
    found: list[Iterator[Problem]] = [_files(economy), check_sources(economy)]
    found += [_codebook(economy, name, columns.split(), sources) for name, columns in CODEBOOKS.items()]
    found += [_long(economy, name, rule, sources) for name, rule in SCHEMA.items()]
    found += [_wide(economy, name, rules, sources) for name, rules in WIDE.items()]
    found += [_totals(economy), _projection(economy), _targets(economy, sources)]
    found += [_scalars(economy, sources), _programmes(economy, sources)]
    return [p._replace(file=economy.inherited.get(p.file, p.file)) for p in itertools.chain(*found)]


# -- files, columns, provenance ------------------------------------------------------------------------------


def _files(economy: Economy) -> Iterator[Problem]:
    """Every file that is expected is there and can be read, and no other table is."""
    tables = [*CODEBOOKS, *SCHEMA, *WIDE, "sources", "targets"]
    wanted = [f"{name}.csv" for name in tables] + ["economy.toml", "programmes.toml", "wide_tables.toml"]
    present = [table.file for table in economy.tables.values()] + list(economy.texts)
    for file in wanted:
        if file not in present and file not in economy.unreadable:
            yield Problem(file, 0, "", "file", "the file is missing")
    for file in present:
        if file not in wanted:
            yield Problem(file, 0, "", "file", "this file is not known" + or_near(file, wanted))
    for file, message in economy.unreadable.items():
        yield Problem(file, first_number(message), "", "file", message)


def _codebook(economy: Economy, name: str, numbers: Sequence[str], sources: Sources) -> Iterator[Problem]:
    """A codebook: codes given once, labels in both languages, numbers where they belong, and their source."""
    table = economy.tables.get(name)
    if table is None:
        return
    yield from check_columns(table, ("code", "label_en", "label_ko", *numbers), PROVENANCE)
    yield from check_unique(table, "code")
    for column in numbers:
        if column in table.header:
            limits = SHARE if column in ("capital", "decline") else POSITIVE
            for text, line in zip(table.column(column), table.lines, strict=True):
                yield from check_number(table.file, line, column, text, limits)
    for row, line in zip(table.rows, table.lines, strict=True):
        if "kind" in table.header:
            record = dict(zip(table.header, row, strict=False))
            yield from check_provenance(table.file, line, "", record, sources)


# -- long tables ---------------------------------------------------------------------------------------------


def _long(economy: Economy, name: str, rule: Rule, sources: Sources) -> Iterator[Problem]:
    """All rules of one long table."""
    table = economy.tables.get(name)
    if table is None:
        return
    keys = rule.keys.split()
    wanted = [*keys, "value", *(column for column in PROVENANCE if column not in keys)]
    broken = list(check_columns(table, wanted))
    yield from broken
    if broken:
        return
    for row, line in zip(table.rows, table.lines, strict=True):
        yield from _row(economy, table, rule, dict(zip(table.header, row, strict=True)), line, sources)
    yield from _cells(economy, table, rule)
    if rule.sums:
        yield from _sums(table, rule)


def _row(
    economy: Economy, table: Table, rule: Rule, row: Mapping[str, str], line: int, sources: Sources
) -> Iterator[Problem]:
    """One row: known codes, a number in range, its unit and where it comes from."""
    for key in rule.keys.split():
        known = _known(economy, rule, key, row)
        if known is not None and row[key] not in known:
            message = f"unknown {key} {row[key]!r}" + or_allowed(row[key], known)
            yield Problem(table.file, line, key, "code", message)
        elif key == "year" and not re.fullmatch(r"\d{4}", row[key]):
            yield Problem(table.file, line, key, "year", f"{row[key]!r} is not a year")
    unit = unit_of(row["unit"])
    if not unit or (rule.unit and unit != rule.unit):
        message = f"the unit is {row['unit']!r}, not {rule.unit or 'given'!r}"
        yield Problem(table.file, line, "unit", "unit", message)
    yield from check_number(table.file, line, "value", row["value"], rule.within or RANGES.get(unit, ANY))
    yield from check_provenance(table.file, line, "", row, sources)


def _known(economy: Economy, rule: Rule, key: str, row: Mapping[str, str]) -> Collection[str] | None:
    """The codes a key may have; None when any will do."""
    dim = row.get("dimension", "") if key == "code" else key
    if key == "item":
        return None
    if key == "dimension":
        return {*economy.codes, *rule.items}
    if rule.codes and dim in rule.codes:
        return rule.codes[dim]
    return None if dim == "year" else economy.codes.get(dim)


def _cells(economy: Economy, table: Table, rule: Rule) -> Iterator[Problem]:
    """Every combination of codes is there, once."""
    keys = rule.keys.split()
    cells = list(zip(*(table.column(key) for key in keys), strict=True))
    for cell, line, before in zip(cells, table.lines, given_before(cells, table.lines), strict=True):
        if before:
            message = f"the cell {', '.join(cell)} is given on line {before} too"
            yield Problem(table.file, line, keys[-1], "duplicate", message)
    seen = dict.fromkeys(cells)
    missing = [cell for cell in _expected(economy, rule, list(seen)) if cell not in seen]
    for cell in missing[:5]:
        what = ", ".join(f"{key}={code}" for key, code in zip(keys, cell, strict=True))
        yield Problem(table.file, 1, keys[-1], "missing", f"no row for {what}")
    if len(missing) > 5:
        yield Problem(table.file, 1, keys[-1], "missing", f"and {len(missing) - 5} more rows are missing")


def _expected(economy: Economy, rule: Rule, given: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """The cells of a complete table; one by dimension and code is complete for each dimension by itself."""
    keys = rule.keys.split()
    at = keys.index("dimension") if "dimension" in keys else None
    blocks = [""] if at is None else list(dict.fromkeys([*rule.items, *(cell[at] for cell in given)]))
    for block in blocks:
        rows = [cell for cell in given if at is None or cell[at] == block]
        axes = []
        for i, key in enumerate(keys):
            here = list(dict.fromkeys(cell[i] for cell in rows))
            known = [block] if key == "dimension" else _known(economy, rule, key, {"dimension": block})
            axes.append(_axis(rule, key, here, known))
        yield from itertools.product(*axes)


def _axis(rule: Rule, key: str, here: Sequence[str], known: Collection[str] | None) -> Collection[str]:
    """The codes a key has in a complete table, `here` being those that the file gives it."""
    if key == "item":
        return dict.fromkeys([*here, *rule.items])
    if key == "year":
        years = [int(year) for year in here if re.fullmatch(r"\d{4}", year)]
        return [str(year) for year in range(min(years), max(years) + 1)] if years else []
    if key == "flow" and "dimension" in rule.keys:  # a factor of some flows only: each of them for all codes
        return [flow for flow in known or () if flow in here] or list(known or ())[:1]
    return here if known is None else known


def _sums(table: Table, rule: Rule) -> Iterator[Problem]:
    """Shares sum to 1 over one key, within every combination of the others."""
    others = [key for key in rule.keys.split() if key != rule.sums]
    groups: dict[tuple[str, ...], list[tuple[int, float]]] = {}
    for key, line, value in _values(table, others):
        groups.setdefault(key, []).append((line, value))
    for key, cells in groups.items():
        total = math.fsum(value for _, value in cells)
        if abs(total - 1) > SUM_TOLERANCE:
            where = f"of {', '.join(key)} " if key else ""
            message = f"the shares {where}sum to {total:.6g} over {rule.sums}, not 1"
            yield Problem(table.file, cells[0][0], "value", "sum", message)


# -- between tables ------------------------------------------------------------------------------------------


def _totals(economy: Economy) -> Iterator[Problem]:
    """Totals that stand in several tables are the same in all of them."""
    for agree in TOTALS:
        first: tuple[str, float] | None = None
        for name, only in agree:
            table = economy.tables.get(name)
            if table is None or not {"value", *only} <= set(table.header):
                continue
            cells = _values(table, list(only))
            held = [value for key, _, value in cells if all(map(_in, key, only.values()))]
            total = math.fsum(held)
            if first is None:
                first = (table.file, total)
            elif abs(total - first[1]) > TOTAL_TOLERANCE * abs(first[1]):
                message = f"the total is {total:,.0f}, in {first[0]} it is {first[1]:,.0f}"
                yield Problem(table.file, 1, "value", "total", message)


def _projection(economy: Economy) -> Iterator[Problem]:
    """The projection starts from the population of the base year, by sex and age."""
    population, projection = economy.tables.get("population"), economy.tables.get("projection")
    keys = ["sex", "age"]
    if population is None or projection is None or not {*keys, "year"} <= set(projection.header):
        return
    people: dict[tuple[str, ...], float] = {}
    for key, _, value in _values(population, keys):
        people[key] = people.get(key, 0.0) + value
    base = str(economy.documents.get("economy", {}).get("base_year", ""))
    for (sex, age, year), line, value in _values(projection, [*keys, "year"]):
        start = people.get((sex, age))
        if year == base and start is not None and abs(value - start) > TOTAL_TOLERANCE * start:
            message = f"{value:,.0f} {sex}, {age} in {base}; in population.csv there are {start:,.0f}"
            yield Problem(projection.file, line, "value", "total", message)


def _wide(economy: Economy, name: str, rules: Sequence[str], sources: Sources) -> Iterator[Problem]:
    """A square table: its dimension's codes both ways, entries in 0..1, its own rules, its provenance."""
    table = economy.tables.get(name)
    if table is None:
        return
    record = economy.documents.get("wide_tables", {}).get(name)
    file, line = "wide_tables.toml", line_of(economy, "wide_tables.toml", name)
    if not isinstance(record, dict):
        yield Problem(file, line, name, "source", f"no record of where {table.file} comes from")
    else:
        yield from check_provenance(file, line, name, record, sources)
    dim, *across = table.header
    codes = economy.codes.get(dim)
    if codes is None:
        yield Problem(table.file, 1, dim, "column", "the first column is not named after a codebook")
        return
    broken = [*check_columns(table, [dim, *codes]), *check_unique(table, dim)]
    for code, line in zip(table.column(dim), table.lines, strict=True):
        if code not in codes:
            message = f"unknown {dim} {code!r}" + or_allowed(code, codes)
            broken.append(Problem(table.file, line, dim, "code", message))
    for code in sorted(set(codes) - set(table.column(dim)), key=codes.index):
        broken.append(Problem(table.file, 1, dim, "missing", f"no row for {code}"))
    matrix = {row[0]: dict(zip(across, row[1:], strict=False)) for row in table.rows}
    for row, line in zip(table.rows, table.lines, strict=True):
        for code, text in zip(across, row[1:], strict=False):
            broken += check_number(table.file, line, code, text, SHARE)
    yield from broken
    if not broken:
        yield from _matrix(
            table, {a: {b: float(v) for b, v in row.items()} for a, row in matrix.items()}, rules
        )


def _matrix(
    table: Table, matrix: Mapping[str, Mapping[str, float]], rules: Sequence[str]
) -> Iterator[Problem]:
    """Row sums, symmetry and diagonal of a square table whose cells are all numbers."""
    for (a, row), line in zip(matrix.items(), table.lines, strict=True):
        total = math.fsum(row.values())
        if "row-sum" in rules and abs(total - 1) > SUM_TOLERANCE:
            yield Problem(table.file, line, table.header[0], "row-sum", f"the row sums to {total:.6g}, not 1")
        if "diagonal" in rules and row[a] != 0:
            yield Problem(table.file, line, a, "diagonal", f"the diagonal is {row[a]:g}, not 0")
        for b, value in row.items() if "symmetry" in rules else ():
            if a < b and abs(value - matrix[b][a]) > 1e-9:
                message = f"{value:g} from {a} to {b}, {matrix[b][a]:g} back"
                yield Problem(table.file, line, b, "symmetry", message)


def _targets(economy: Economy, sources: Sources) -> Iterator[Problem]:
    """`targets.csv`: one row a target, a number in the range of its unit, its provenance."""
    table = economy.tables.get("targets")
    if table is None:
        return
    broken = list(check_columns(table, ("id", "label", "value", *PROVENANCE)))
    yield from broken
    if broken:
        return
    yield from check_unique(table, "id")
    for cells, line in zip(table.rows, table.lines, strict=True):
        row = dict(zip(table.header, cells, strict=True))
        yield from check_number(
            table.file, line, "value", row["value"], EFFECTS.get(unit_of(row["unit"]), ANY)
        )
        yield from check_provenance(table.file, line, "", row, sources)


# -- TOML records --------------------------------------------------------------------------------------------


def _scalars(economy: Economy, sources: Sources) -> Iterator[Problem]:
    """`economy.toml`: a header, then `[group.name]` records; the values the model reads are there."""
    file, document = "economy.toml", economy.documents.get("economy")
    if document is None:
        return
    for key, kind in HEADER.items():
        if not isinstance(document.get(key), kind):
            yield Problem(file, line_of(economy, file, key), key, "scalar", f"the header needs {key}")
    base = document.get("base_year")
    start, base_start = document.get("first_start"), dt.date(base if isinstance(base, int) else 1, 1, 1)
    if start is not None and not (isinstance(start, dt.date) and start.day == 1 and start >= base_start):
        message = f"{start} is not the first of a month from {base_start} on"
        yield Problem(file, line_of(economy, file, "first_start"), "first_start", "scalar", message)
    known = (*HEADER, *HEADER_OPTIONS)
    groups = {group: records for group, records in document.items() if group not in known}
    names = [
        f"{group}.{key}" for group, records in groups.items() if isinstance(records, dict) for key in records
    ]
    for name in SCALARS:
        if name not in names:
            yield Problem(file, 0, name, "scalar", "the value is missing" + or_near(name, names))
    for group, records in groups.items():
        if not isinstance(records, dict):
            yield Problem(
                file, line_of(economy, file, group), group, "scalar", "a value needs a group and a record"
            )
            continue
        for key, record in records.items():
            yield from check_record(
                file, line_of(economy, file, group, key), f"{group}.{key}", record, None, sources
            )


def _programmes(economy: Economy, sources: Sources) -> Iterator[Problem]:
    """`programmes.toml`: one table a programme; the shares of the plan's new money sum to 1."""
    file = "programmes.toml"
    shares: list[float] = []
    programmes = economy.documents.get("programmes")
    if programmes is None:
        return
    for name, record in programmes.items():
        if not isinstance(record, dict):
            yield Problem(file, line_of(economy, file, name), name, "record", "a programme is a table")
            continue
        yield from _programme(economy, name, record, sources)
        share = record.get("plan_share")
        if record.get("plan") is True and isinstance(share, dict):
            shares += [number for number in [number_of(share.get("value"))] if number is not None]
    if abs(math.fsum(shares) - 1) > SUM_TOLERANCE:
        message = f"the shares of the programmes with plan = true sum to {math.fsum(shares):.6g}, not 1"
        yield Problem(file, 1, "plan_share", "sum", message)


def _programme(economy: Economy, name: str, record: Mapping[str, Any], sources: Sources) -> Iterator[Problem]:
    """One programme: known keys, words from their lists, numbers as records, codes that exist."""
    file = "programmes.toml"
    tables = ("eligibility", "regions", "conversion")
    known = [*PROGRAMME_TEXTS, *PROGRAMME_CHOICES, *PROGRAMME_FLAGS, *PROGRAMME_NUMBERS, *tables]
    for key in PROGRAMME_TEXTS:
        if key not in record:
            yield Problem(file, line_of(economy, file, name), f"{name}.{key}", "record", "the key is missing")
    for key, value in record.items():
        line, column = line_of(economy, file, name, key), f"{name}.{key}"
        if key not in known:
            yield Problem(file, line, column, "record", "this key is not known" + or_near(key, known))
        elif key in PROGRAMME_NUMBERS:
            yield from check_record(file, line, column, value, PROGRAMME_NUMBERS[key], sources)
            assumed = isinstance(value, dict) and value.get("kind") == "assumption"
            if assumed and not {"low", "high"} <= set(value):
                yield Problem(file, line, column, "record", "an assumption needs low and high")
        elif key in PROGRAMME_CHOICES:
            yield from _words(file, line, column, value, PROGRAMME_CHOICES[key])
        elif key in PROGRAMME_FLAGS:
            yield from _flag(file, line, column, value)
        elif key in tables and not isinstance(value, dict):
            yield Problem(file, line, column, "record", f"{value!r} is not a table")
    yield from _parts(economy, name, record, sources)


def _flag(file: str, line: int, column: str, value: object) -> Iterator[Problem]:
    """True or false, and nothing like them."""
    if not isinstance(value, bool):
        yield Problem(file, line, column, "record", f"{value!r} is not true or false")


def _words(file: str, line: int, column: str, value: object, known: Collection[str]) -> Iterator[Problem]:
    """Every word, of one or of a list, is a known one."""
    for word in value if isinstance(value, list) else [value]:
        if str(word) not in known:
            yield Problem(file, line, column, "code", f"unknown {str(word)!r}" + or_allowed(str(word), known))


def _parts(economy: Economy, name: str, record: Mapping[str, Any], sources: Sources) -> Iterator[Problem]:
    """The sub-tables of a programme: who may come, conversion targets, and the shares of seats by region."""
    file = "programmes.toml"
    for part, keys in PROGRAMME_TABLES.items():
        table = record.get(part)
        for key, value in table.items() if isinstance(table, dict) else ():
            line, column, allowed = (
                line_of(economy, file, name, part, key),
                f"{name}.{part}.{key}",
                keys.get(key),
            )
            if allowed is None:
                if key not in PROVENANCE:
                    yield Problem(file, line, column, "record", "this key is not known" + or_near(key, keys))
            elif isinstance(allowed, str):
                yield from _words(file, line, column, value, economy.codes.get(allowed, ()))
            elif allowed is bool:
                yield from _flag(file, line, column, value)
            elif isinstance(value, dict):
                yield from check_record(file, line, column, value, allowed, sources)
            else:
                yield from check_number(file, line, column, value, allowed)
    regions = record.get("regions")
    if not isinstance(regions, dict):
        return
    line, column = line_of(economy, file, name, "regions", "value"), f"{name}.regions"
    yield from check_record(file, line, column, regions, SHARE, sources)
    shares = regions.get("value")
    if isinstance(shares, dict):
        yield from _words(file, line, column, list(shares), economy.codes.get("region", ()))
        total = math.fsum(number for number in map(number_of, shares.values()) if number is not None)
        if abs(total - 1) > SUM_TOLERANCE:
            yield Problem(file, line, column, "sum", f"the shares of seats sum to {total:.6g}, not 1")


# -- small parts ---------------------------------------------------------------------------------------------


def _values(table: Table, keys: Sequence[str]) -> list[tuple[tuple[str, ...], int, float]]:
    """Codes of some keys, line and value of every row of a long table whose value is a number."""
    columns = zip(*(table.column(key) for key in keys), strict=True) if keys else itertools.repeat(())
    rows = zip(columns, table.lines, map(number_of, table.column("value")), strict=False)
    return [(key, line, value) for key, line, value in rows if value is not None]


def _in(code: str, codes: Collection[str]) -> bool:
    return code in codes
