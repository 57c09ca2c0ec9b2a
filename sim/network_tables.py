"""An economy of occupations as nodes with moves between them: its files, their checks, its target demand.

The folder holds `economy.toml` (`kind = "network"`, names, the records of `RECORDS` with unit and source), `nodes.csv`
(id, label, employment in persons, optional exposure 0 to 1), `moves.csv` (source, target, weight of the observed moves)
and, if given, `target_demand.csv` (step, occupation, demand in persons) and `sources.csv`.

The model is that of del Rio-Chanona, Mealy, Beguerisse-Diaz, Lafond and Farmer (2021), "Occupational mobility and
automation: a data-driven network model", J. R. Soc. Interface 18, 20200898.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.economy_schema import POSITIVE, PROVENANCE, SHARE
from sim.errors import InputError
from sim.table_checks import (
    Problem,
    check_columns,
    check_number,
    check_record,
    check_sources,
    check_unique,
    first_number,
    given_before,
    line_of,
    or_allowed,
    or_near,
)

if TYPE_CHECKING:
    from sim.economy import Economy, Table
    from sim.scenario import NetworkSettings, Scenario

HEADER = ("kind", "name", "title_en", "title_ko")
RECORDS: dict[str, tuple[float, float]] = {
    "step.weeks": (0.1, 520.0),
    "rates.delta_u": SHARE,
    "rates.delta_v": SHARE,
    "rates.gamma_u": SHARE,
    "rates.gamma_v": SHARE,
    "rates.r": SHARE,
}
"""Records of `economy.toml` that must be there -> the values they may have."""
OPTIONAL = {"step.long_term": (1.0, 1000.0)}
LONG_TERM = 3  # steps completed in a spell from which it is long, where the economy does not say
FILES = ("economy.toml", "nodes.csv", "moves.csv")
MORE_FILES = ("target_demand.csv", "sources.csv")
WEEKS_A_YEAR = 365.25 / 7.0


class Rates(NamedTuple):
    """Chances a step: separation, opening, and the two speeds at which demand follows its target; stay: r."""

    delta_u: float
    delta_v: float
    gamma_u: float
    gamma_v: float
    r: float


@dataclass(frozen=True, eq=False)
class Network:
    """The tables of a network economy as arrays, n nodes and m edges (staying included), edges sorted by source.

    employment: (n,), persons, the demand d(0); exposure: (n,), 0 to 1, None when not given; starts: (n + 1,), first
    edge of each source; targets, mobility: (m,), the entries of the row-stochastic matrix A; table_steps (k,), table
    (k, n): target demand in persons at given steps, None when not given; weeks: length of a step.
    """

    ids: list[str]
    labels: list[str]
    employment: np.ndarray
    exposure: np.ndarray | None
    starts: np.ndarray
    targets: np.ndarray
    mobility: np.ndarray
    rates: Rates
    weeks: float
    long_term: int
    table_steps: np.ndarray | None
    table: np.ndarray | None

    @property
    def sources(self) -> np.ndarray:
        """Source of each edge (m,)."""
        return np.repeat(np.arange(len(self.ids)), np.diff(self.starts))

    def steps(self, scenario: Scenario) -> int:
        """Steps of a run: `run.steps`, else the whole steps nearest to `run.months`."""
        asked = scenario.run.steps
        return max(1, round(scenario.run.months / 12 * WEEKS_A_YEAR / self.weeks)) if asked is None else asked


def network_of(economy: Economy) -> Network:
    """The arrays of a network economy. Raises InputError, with every mistake, when its files hold one."""
    problems = network_problems(economy)
    if problems:
        first, *others = (
            InputError(p.message, file=str(economy.path / p.file), line=p.row or None, key=p.column)
            for p in problems
        )
        first.others = tuple(others)
        raise first
    nodes, moves = economy.tables["nodes"], economy.tables["moves"]
    ids, rates = nodes.column("id"), Rates(*(economy.scalar(f"rates.{name}") for name in Rates._fields))
    place = {name: n for n, name in enumerate(ids)}
    matrix = [{n: rates.r} for n in range(len(ids))]
    ends = [[place[name] for name in moves.column(column)] for column in ("source", "target")]
    weights = moves.numbers("weight")
    totals = np.bincount(ends[0], weights, minlength=len(ids))
    for i, j, weight in zip(*ends, weights, strict=True):
        if weight > 0:
            matrix[i][j] = (1.0 - rates.r) * weight / totals[i]
    for i in np.flatnonzero(totals == 0.0).tolist():
        matrix[i][i] = 1.0  # nobody was seen to leave it
    edges = [(j, row[j]) for row in matrix for j in sorted(row)]
    given = economy.documents["economy"].get("step", {})
    steps, table = _demand_table(economy, place, np.array(nodes.numbers("employment")))
    return Network(
        ids=ids,
        labels=nodes.column("label"),
        employment=np.array(nodes.numbers("employment")),
        exposure=np.array(nodes.numbers("exposure")) if "exposure" in nodes.header else None,
        starts=np.cumsum([0, *(len(row) for row in matrix)]),
        targets=np.array([j for j, _ in edges], dtype=np.int64),
        mobility=np.array([share for _, share in edges]),
        rates=rates,
        weeks=economy.scalar("step.weeks"),
        long_term=int(economy.scalar("step.long_term")) if "long_term" in given else LONG_TERM,
        table_steps=steps,
        table=table,
    )


def _demand_table(
    economy: Economy, place: dict[str, int], start: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Steps (k,) and target demand (k, n): linear between the steps given, held beyond them; d(0) where none is."""
    if "target_demand" not in economy.tables:
        return None, None
    source = economy.tables["target_demand"]
    given: dict[str, dict[float, float]] = {}
    rows = zip(source.column("occupation"), source.numbers("step"), source.numbers("demand"), strict=True)
    for name, step, demand in rows:
        given.setdefault(name, {})[step] = demand
    steps = np.array(sorted(set(source.numbers("step"))))
    table = np.repeat(start[None, :], steps.size, axis=0)
    for name, by_step in given.items():
        table[:, place[name]] = np.interp(steps, sorted(by_step), [by_step[t] for t in sorted(by_step)])
    return steps, table


def target_demand(network: Network, settings: NetworkSettings, start: np.ndarray, step: int) -> np.ndarray:
    """Target demand d†(t) of each node (n,), in the unit of `start`, which is d(0) (n,), at a step t from 0 on.

    none: d(0). reallocation: d(0) + (D - d(0)) S(t) after step `start`, with D in proportion to d(0) (1 - exposure)
    and of the same total, S logistic, half done after half of `years` and `level` of it at their end. cycle:
    d(0) (1 - amplitude sin(2 pi (t + start) / period)) from step `start` on. table: `target_demand.csv`.
    Rounded to a millionth of an agent, so that the sines of different C libraries agree.
    """
    if settings.shock == "table" and network.table is not None and network.table_steps is not None:
        columns = (np.interp(step, network.table_steps, column) for column in network.table.T)
        wanted = np.fromiter(columns, np.float64) * (start.sum() / network.employment.sum())
    elif settings.shock == "cycle" and step >= (begin := 80 if settings.start is None else settings.start):
        turn = 2.0 * math.pi * (step + begin) / settings.period
        wanted = start * (1.0 - settings.amplitude * math.sin(turn))
    elif settings.shock == "reallocation" and network.exposure is not None:
        begin = 100 if settings.start is None else settings.start
        half = settings.years * WEEKS_A_YEAR / network.weeks / 2.0
        speed = math.log(settings.level / (1.0 - settings.level)) / half
        done = 1.0 / (1.0 + math.exp(-speed * (step - begin - half))) if step > begin else 0.0
        least = start * (1.0 - network.exposure)
        wanted = start + (least * (start.sum() / least.sum()) - start) * done
    else:
        wanted = start
    return np.asarray(np.round(wanted, 6))


def require_network(scenario: Scenario, economy: Economy) -> None:
    """InputError when a scenario asks of a network economy what it does not have."""
    if scenario.run.timing != "simultaneous":
        raise scenario.placed(
            InputError(
                "a network economy is matched from the state at the start of the step",
                key="run.timing",
                allowed='"simultaneous", as in the scenario validation/occupational-mobility',
            )
        )
    if scenario.run.uncertainty != "seed":
        problem = "no parameter of a network economy is calibrated"
        raise scenario.placed(InputError(problem, key="run.uncertainty", allowed='"seed"'))
    needed = {"table": ("target_demand.csv", "target_demand" in economy.tables)}
    nodes = economy.tables.get("nodes")
    needed["reallocation"] = ("exposure in nodes.csv", nodes is not None and "exposure" in nodes.header)
    what, there = needed.get(scenario.network.shock, ("", True))
    if not there:
        problem = f"the shock {scenario.network.shock!r} needs {what}, which {economy.name} does not have"
        raise scenario.placed(InputError(problem, key="network.shock"))


def require_country(scenario: Scenario, what: str = "") -> None:
    """InputError when a scenario is about a network economy, or sets what only those have.

    what: the command that is for countries only; without it, what the model of a country cannot run.
    """
    from sim.economy import load

    if load(scenario.run.economy).kind != "country":
        problem = f"{what or 'this'} is for countries, and {scenario.run.economy} is a network of occupations"
        raise scenario.placed(InputError(problem, key="run.economy"))
    if scenario.run.timing != "sequential":
        allowed = '"sequential" for a country, or an economy of nodes and moves in run.economy'
        raise scenario.placed(
            InputError("only a network economy is simultaneous", key="run.timing", allowed=allowed)
        )


# ---------------------------------------------------------------------------------------------------- checks


def network_problems(economy: Economy) -> list[Problem]:
    """Everything wrong with the folder of a network economy: file, row, column, rule and message."""
    sources = economy.tables.get("sources")
    ids = set(sources.column("id")) if sources is not None and "id" in sources.header else None
    found = [_files(economy), check_sources(economy), _header(economy, ids), _nodes(economy), _moves(economy)]
    return list(itertools.chain(*found, _demands(economy)))


def _files(economy: Economy) -> Iterator[Problem]:
    present = [table.file for table in economy.tables.values()] + list(economy.texts)
    for file in FILES:
        if file not in present and file not in economy.unreadable:
            yield Problem(file, 0, "", "file", "the file is missing")
    for file in present:
        if file not in (*FILES, *MORE_FILES):
            yield Problem(
                file, 0, "", "file", "this file is not known" + or_near(file, (*FILES, *MORE_FILES))
            )
    for file, message in economy.unreadable.items():
        yield Problem(file, first_number(message), "", "file", message)


def _header(economy: Economy, sources: Collection[str] | None) -> Iterator[Problem]:
    """The kind and names, and one record for every rate."""
    file, document = "economy.toml", economy.header
    if economy.kind != "network":
        kinds = or_allowed(economy.kind, ("network", "country"))
        yield Problem(
            file, line_of(economy, file, "kind"), "kind", "scalar", f"unknown kind {economy.kind!r}{kinds}"
        )
    for key in HEADER:
        if not isinstance(document.get(key), str):
            yield Problem(file, line_of(economy, file, key), key, "scalar", f"the header needs {key}")
    groups = {key: table for key, table in document.items() if key not in HEADER}
    names = [f"{group}.{key}" for group, table in groups.items() if isinstance(table, dict) for key in table]
    for name in RECORDS:
        if name not in names:
            yield Problem(file, 0, name, "scalar", "the value is missing" + or_near(name, names))
    for group, table in groups.items():
        for key, record in table.items() if isinstance(table, dict) else [("", table)]:
            name = f"{group}.{key}".strip(".")
            limits, line = (RECORDS | OPTIONAL).get(name), line_of(economy, file, group, key)
            if limits is None:
                known = or_near(name, (*RECORDS, *OPTIONAL, *HEADER))
                yield Problem(file, line, name, "scalar", f"this value is not known{known}")
            else:
                yield from check_record(file, line, name, record, limits, sources)
                if isinstance(record, dict) and isinstance(record.get("value"), dict | list):
                    yield Problem(file, line, name, "number", "the value is not one number")


def _sound(table: Table | None, wanted: tuple[str, ...], optional: tuple[str, ...] = ()) -> Iterator[Problem]:
    """The columns are right, and there is a row."""
    if table is not None:
        yield from check_columns(table, wanted, optional)
        if not table.rows:
            yield Problem(table.file, 1, "", "missing", "the table has no rows")


def _nodes(economy: Economy) -> Iterator[Problem]:
    table = economy.tables.get("nodes")
    broken = list(_sound(table, ("id", "label", "employment"), ("exposure", *PROVENANCE)))
    yield from broken
    if table is None or broken:
        return
    yield from check_unique(table, "id")
    limits = {"employment": (1.0, math.inf), "exposure": SHARE}
    for column in (name for name in limits if name in table.header):
        for text, line in zip(table.column(column), table.lines, strict=True):
            yield from check_number(table.file, line, column, text, limits[column])


def _moves(economy: Economy) -> Iterator[Problem]:
    """Moves between known nodes, each once; staying is the rate r and no move."""
    table = economy.tables.get("moves")
    broken = list(_sound(table, ("source", "target", "weight")))
    yield from broken
    if table is None or broken:
        return
    yield from _known_nodes(economy, table, ("source", "target"))
    pairs = list(zip(table.column("source"), table.column("target"), strict=True))
    earlier = given_before(pairs, table.lines)
    for pair, line, before, text in zip(pairs, table.lines, earlier, table.column("weight"), strict=True):
        yield from check_number(table.file, line, "weight", text, POSITIVE)
        if pair[0] == pair[1]:
            message = f"{pair[0]} moves to itself: staying is rates.r in economy.toml"
            yield Problem(table.file, line, "target", "diagonal", message)
        elif before:
            message = f"the move {', '.join(pair)} is given on line {before} too"
            yield Problem(table.file, line, "target", "duplicate", message)


def _demands(economy: Economy) -> Iterator[Problem]:
    table = economy.tables.get("target_demand")
    broken = list(_sound(table, ("step", "occupation", "demand")))
    yield from broken
    if table is None or broken:
        return
    yield from _known_nodes(economy, table, ("occupation",))
    cells = list(zip(table.column("step"), table.column("occupation"), strict=True))
    earlier = given_before(cells, table.lines)
    for (step, name), line, before, text in zip(
        cells, table.lines, earlier, table.column("demand"), strict=True
    ):
        yield from check_number(table.file, line, "demand", text, POSITIVE)
        if not step.isdecimal():
            yield Problem(
                table.file, line, "step", "number", f"{step!r} is not a step: a whole number from 0 on"
            )
        if before:
            message = f"the cell {step}, {name} is given on line {before} too"
            yield Problem(table.file, line, "occupation", "duplicate", message)


def _known_nodes(economy: Economy, table: Table, columns: tuple[str, ...]) -> Iterator[Problem]:
    nodes = economy.codes["occupation"]
    known = set(nodes)
    for column in columns:
        for name, line in zip(table.column(column), table.lines, strict=True):
            if name not in known:
                message = f"no node {name!r} in nodes.csv" + or_near(name, nodes)
                yield Problem(table.file, line, column, "code", message)
