"""Tables for `laborshift describe`: what there is, with defaults, units, ranges and sources, as plain rows.

A sheet is made once and shown twice: as a table for people, as records for `--json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.economy import Economy
from sim.errors import InputError, nearest
from sim.layers import leaves, merged, shipped, toml_value
from sim.parameters import CHOICES, PARAMETERS
from sim.records import METADATA, Programme
from sim.scenario import Scenario, load

if TYPE_CHECKING:
    from sim.sweep.design import Design


@dataclass(frozen=True)
class Sheet:
    """A titled table. Cells are text, numbers or None; `note` is a line below."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    note: str = ""

    def records(self) -> list[dict[str, Any]]:
        """One dictionary a row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def scenarios() -> list[Sheet]:
    """The scenarios and the designs that ship."""
    from sim.sweep.design import read_design
    from sim.sweep.design import shipped as designs

    found = [(name, load(name)) for name in shipped()]
    rows = [(name, one.based_on, one.title, one.title_ko, one.date) for name, one in found]
    note = "Join them with +, as in roadmap+fast-ai. Topics: parameters, programmes, economy, a scenario, or a design."
    read = [(name, read_design(path)) for name, path in designs().items()]
    sweeps = [(name, one.runs, one.file.title, one.file.title_ko, one.file.date) for name, one in read]
    return [
        Sheet("Scenarios", ("name", "based on", "title", "title_ko", "date"), rows, note),
        Sheet("Designs of sweeps", ("name", "runs", "title", "title_ko", "date"), sweeps),
    ]


def parameters(name: str | None = None) -> list[Sheet]:
    """The parameters and choices of `[world]`, or one of them. Raises InputError for an unknown name."""
    known = [*PARAMETERS, *CHOICES]
    if name is not None and name not in known:
        raise InputError(f"there is no parameter {name!r}", nearest=nearest(name, known))
    numbers = [
        (
            p.name,
            p.default,
            p.low,
            p.high,
            p.unit,
            ("calibrated" if p.estimate is not None else "yes") if p.estimated else "",
            f"{p.prior}, centre {p.centre:g}" if p.prior else "",
            p.label,
            p.label_ko,
            p.source,
        )
        for p in PARAMETERS.values()
        if name in (None, p.name)
    ]
    choices = [
        (c.name, c.default, ", ".join(map(str, c.options)), c.label, c.label_ko, c.source)
        for c in CHOICES.values()
        if name in (None, c.name)
    ]
    labels = ("label", "label_ko", "source")
    sheets = [
        Sheet(
            "Parameters of [world]",
            ("name", "default", "low", "high", "unit", "estimated", "prior", *labels),
            numbers,
            "estimated: fitted or carrying a prior; calibrated: the default is the estimate of sim/calibrated.toml.",
        ),
        Sheet("Choices of [world]", ("name", "default", "options", *labels), choices),
    ]
    return [sheet for sheet in sheets if sheet.rows]


def programmes(economy: Economy, id: str | None = None) -> list[Sheet]:
    """An economy's programme records, or every field of one. Raises InputError for an unknown id."""
    raw = economy.programmes
    if id is not None:
        if id not in raw:
            raise InputError(f"there is no programme {id!r}", nearest=nearest(id, raw))
        return [_record(id, raw[id])]
    rows = []
    for key, table in raw.items():
        one = Programme.from_table(key, table)
        level = max(one.base_budget, default=economy.base_year)
        money = one.base_money(level) / 1e9
        stages = ", ".join(one.stages)
        share = one.plan_share if one.plan else None
        rows.append((key, one.label_ko, one.kind, stages, one.months, one.unit_cost, one.seats, money, share))
    money_columns = ("won a person", "seats a year", "continuing, bn won", "plan share")
    columns = ("id", "label_ko", "kind", "stages", "months", *money_columns)
    note = "One programme in full, with sources: laborshift describe programmes ID"
    return [Sheet(f"Programmes of {economy.title_en}", columns, rows, note)]


def _record(id: str, table: Mapping[str, Any]) -> Sheet:
    """Every field of one programme with its unit, source, kind and note."""
    rows: list[tuple[Any, ...]] = []
    for key, item in table.items():
        if isinstance(item, Mapping) and "value" in item and set(item) <= METADATA:
            rows.append(
                (key, _plain(item["value"]), *(item.get(k, "") for k in ("unit", "kind", "source", "note")))
            )
        elif isinstance(item, Mapping):
            rows += [(f"{key}.{inner}", _plain(value), "", "", "", "") for inner, value in item.items()]
        else:
            rows.append((key, _plain(item), "", "", "", ""))
    return Sheet(f"Programme {id}", ("field", "value", "unit", "kind", "source", "note"), rows)


def _plain(value: Any) -> Any:
    """A cell: lists and tables become text, a nested record its value."""
    if isinstance(value, Mapping):
        value = value.get("value", value)
    if isinstance(value, Mapping):
        return ", ".join(
            f"{key}: {item:,}" if isinstance(item, int) else f"{key}: {item}" for key, item in value.items()
        )
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


def economy(economy: Economy) -> list[Sheet]:
    """What an economy's folder holds: its name, its codes and its tables."""
    if economy.kind != "country":
        return _network(economy)
    facts = [
        ("name", economy.name),
        ("title", economy.title_en),
        ("title_ko", economy.title_ko),
        ("base year", str(economy.base_year)),
        ("currency", economy.currency),
        ("programmes", len(economy.programmes)),
        ("digest", economy.digest[:8]),
    ]
    codes = [(dim, len(known), ", ".join(known)) for dim, known in economy.codes.items()]
    tables = [
        (name, ", ".join(table.keys), len(table.rows)) for name, table in sorted(economy.tables.items())
    ]
    return [
        Sheet("Economy", ("what", "value"), facts),
        Sheet("Codes, in model order", ("dimension", "number", "codes"), codes),
        Sheet("Tables", ("table", "key columns", "rows"), tables),
    ]


def _network(economy: Economy) -> list[Sheet]:
    """A network economy: its names and size, and every number with its unit and source."""
    from sim.network_tables import network_of

    network = network_of(economy)
    names = (("name", economy.name), ("title", economy.title_en), ("title_ko", economy.title_ko))
    facts = [
        *names,
        ("kind", economy.kind),
        ("occupations", len(network.ids)),
        ("moves", len(economy.tables["moves"].rows)),
        ("persons", round(network.employment.sum())),
        ("exposure", "no" if network.exposure is None else "yes"),
        ("target demand", "no" if network.table_steps is None else f"{network.table_steps.size} steps"),
        ("digest", economy.digest[:8]),
    ]
    groups = {group: table for group, table in economy.header.items() if isinstance(table, Mapping)}
    numbers = [
        (f"{group}.{key}", *(record.get(k, "") for k in ("value", "unit", "year", "kind", "source", "note")))
        for group, table in groups.items()
        for key, record in table.items()
    ]
    columns = ("number", "value", "unit", "year", "kind", "source", "note")
    return [Sheet("Economy", ("what", "value"), facts), Sheet("Numbers", columns, numbers)]


def scenario(scenario: Scenario, economy: Economy) -> list[Sheet]:
    """A scenario's settings that differ from the defaults, and its money by programme and year."""
    records = scenario.programmes(economy.programmes, economy.codes)
    money, shares, spare = scenario.money(records), scenario.shares(records), scenario.unallocated(records)
    years = tuple(str(year) for year in scenario.years)
    facts = [
        (key, getattr(scenario, key))
        for key in ("name", "title", "title_ko", "author", "reference", "based_on")
    ]
    facts += [
        ("date", str(scenario.date or "")),
        *((f"run.{k}", str(v)) for k, v in scenario.run.model_dump().items()),
    ]
    usual = dict(leaves(Scenario().settings()))
    changed = [
        (key, _plain(value), usual.get(key))
        for key, value in leaves(scenario.settings())
        if value != usual.get(key) and not key.startswith(("run.", "policy.budget"))
    ]
    rows: list[tuple[Any, ...]] = [
        (id, shares[id] or None, *(won / 1e9 for won in by_year.values()))
        for id, by_year in money.items()
        if any(by_year.values()) or shares[id]
    ]
    totals = [sum(by_year[year] for by_year in money.values()) / 1e9 for year in scenario.years]
    rows.append(("total", None, *totals))
    if any(spare.values()):
        rows.append(("new money not allocated", None, *(won / 1e9 for won in spare.values())))
    note = f"{len(money) + 1 - len(rows)} programmes have no money." if len(rows) <= len(money) else ""
    sheets = [
        Sheet(f"Scenario {scenario.name}", ("what", "value"), facts),
        Sheet("Differs from the defaults", ("key", "value", "default"), changed),
        Sheet("Money, billion won", ("programme", "share of new", *years), rows if records else [], note),
    ]
    return [sheet for sheet in sheets if sheet.rows]


def design(design: Design) -> list[Sheet]:
    """A design of a sweep: its size, levers, samples and what it varies."""
    from sim.parameters import PARAMETERS
    from sim.sweep.points import count

    run, file = design.scenarios[0].run, design.file
    facts: list[tuple[Any, ...]] = [
        ("name", design.name),
        *((key, getattr(file, key)) for key in ("title", "title_ko", "reference")),
        (
            "runs",
            f"{design.runs:,} = {len(design.levers)} levers x {sum(count(design, s) for s in file.samples):,} points x "
            f"{design.replicates} replicates",
        ),
        ("work unit", f"{design.unit} runs"),
        *((f"run.{key}", str(getattr(run, key))) for key in ("economy", "start", "months", "scale", "seed")),
    ]
    labels = [one.label for one in design.levers]
    levers = [
        (one.label, one.scenario, "" if one.base is None else labels[one.base]) for one in design.levers
    ]
    samples = [(s.method, count(design, s), len(design.sampled(s)), s.rest, s.seed) for s in file.samples]
    factors = [
        (
            one.name,
            ", ".join(map(str, one.options)) if one.options else f"{one.low:g} to {one.high:g}",
            "logarithm" if one.log else "",
            PARAMETERS[one.name].unit if one.name in PARAMETERS else "",
            one.label,
            one.label_ko,
        )
        for one in design.factors
    ]
    return [
        Sheet("Design of a sweep", ("what", "value"), facts),
        Sheet("Levers", ("lever", "scenario", "compared with"), levers),
        Sheet("Samples", ("method", "points", "factors", "what is not sampled", "seed"), samples),
        Sheet("Factors", ("name", "range", "sampled on", "unit", "label", "label_ko"), factors),
    ]


def template(name: str, base: Scenario, based_on: str) -> str:
    """A sparse scenario file to edit: what it builds on, and the commonest changes as comments."""
    budget = merged({2026: 254_000_000_000}, base.policy.budget)
    years = "\n".join(f"# {year} = {won:_}" for year, won in sorted(budget.items()))
    run = base.run
    return f'''# A LaborShift scenario: what is set here differs from its base. Remove a "#" to set a key.
#   laborshift check {name}.toml      says what is wrong
#   laborshift run {name}.toml        runs it
#   laborshift describe parameters    what can be set in [world]
#   laborshift describe programmes    what can be funded
title = {toml_value(name)}
title_ko = ""
author = ""
reference = ""
based_on = {toml_value(based_on)}

[run]
# months = {run.months}            # at most to the end of 2035; effects need 36 months past the last intake
# scale = {run.scale}            # people per agent; 1000 for a first look
# replicates = {run.replicates}
# seed = {run.seed}
# uncertainty = "posterior"   # parameters of the replicates: drawn from the posterior, or "seed", one point for all

[policy]
# continuing = {base.policy.continuing}       # times the continuing money of every programme

[policy.budget]        # new plan money, won a year
{years}

# One programme: a share of the new money, or a budget of its own; any field of its record can be changed.
# [policy.programmes.kdt]
# share = 0.45
# allowance = {{capital = 300_000, noncapital = 400_000, decline = 500_000}}   # won a month

[world]                # what nobody controls
# exposure = "{base.world.exposure}"
# adoption = "{base.world.adoption}"
# substitution = {base.world.substitution}
'''
