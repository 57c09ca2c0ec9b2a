"""Scenarios: what a run is asked to do, read from sparse TOML files, composed with `+`, checked and resolved.

A scenario has three parts kept apart: `[run]` (how the computer runs it), `[policy]` (what the government
decides) and `[world]` (what nobody controls); `[network]` is the world of an economy of nodes and moves. Money is in
whole won, by calendar year.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, PrivateAttr, ValidationInfo, create_model, model_validator
from pydantic_core import PydanticCustomError

from sim.designs import Evaluation
from sim.errors import InputError, nearest
from sim.evaluation_records import VALUATION
from sim.layers import DESCRIPTION, Layer, Table, compose, given, merged, override, placed, toml_lines
from sim.parameters import CHOICES, PARAMETERS
from sim.records import Override, Programme, Ratio, Record, WonByYear, between, validated

T = TypeVar("T")
FIRST_YEAR, LAST_START_YEAR, LAST_YEAR = 2026, 2033, 2035
"""A run starts in FIRST_YEAR, or as early as its economy allows (`Economy.first_start`), and ends with the tables'
projections."""

NEEDED = {
    "course": ("awareness", "apply", "unit_cost", "months", "completion", "skill"),
    "hiring-subsidy": ("unit_cost", "months"),
}
"""Keys that a programme of the scenario's own must state, by kind: their defaults would make it empty or free."""

PARTIAL = "partial"  # validation context of one file of several: rules about the whole do not hold yet


def _first_of_month(day: dt.date) -> dt.date:
    if day.day != 1 or day.year > LAST_START_YEAR:
        allowed = f"the first of a month, {FIRST_YEAR}-01-01 to {LAST_START_YEAR}-12-01"
        raise PydanticCustomError("start", "{day} cannot be a start", {"day": str(day), "allowed": allowed})
    return day


def _first_start(economy: str) -> dt.date:
    """The first month that an economy can start in; that of FIRST_YEAR where it cannot be read, which is told later."""
    from sim import economy as economies

    try:
        return economies.load(economy).first_start
    except (InputError, KeyError):
        return dt.date(FIRST_YEAR, 1, 1)


def _plain_name(name: str) -> str:
    if not re.fullmatch(r"[\w.+-]*", name):
        raise PydanticCustomError(
            "name", "cannot name a folder", {"allowed": "letters, digits and the signs . _ + -"}
        )
    return name


class RunSettings(Record):
    """How a run is carried out. The number of threads moves no digit of a result."""

    economy: str = "korea"
    """A name that ships, or the path of a folder of tables."""
    start: Annotated[dt.date, AfterValidator(_first_of_month)] = dt.date(2026, 1, 1)
    months: Annotated[int, between(1, 240, "months")] = 60
    scale: Annotated[int, between(1, 1000, "people per agent")] = 100
    replicates: Annotated[int, between(1, 10_000, "replicates")] = 8
    seed: Annotated[int, between(0, 2**63 - 1, "a seed")] = 20251218
    uncertainty: str = "seed"
    """Parameters of the replicates: "seed", one point for all; "posterior", draws of the ensemble that ships; or the
    path of another ensemble (`sim.uncertainty`)."""
    threads: Annotated[int, between(0, 64, "threads")] = 0
    """0: by the number of workers (`sim.jobs.threads_by_size`)."""
    timing: Literal["sequential", "simultaneous"] = "sequential"
    """Phases one after the other, or (network economies) all from the state at the start of the step."""
    steps: Annotated[int | None, between(1, 100_000, "steps")] = None
    """Steps of a network economy; when not given, as many as `months` hold."""

    @property
    def end(self) -> dt.date:
        """First day of the last month."""
        years, month = divmod(self.start.month - 1 + self.months - 1, 12)
        return dt.date(self.start.year + years, month + 1, 1)


class Policy(Record):
    """What the government decides."""

    budget: WonByYear = Field(default_factory=dict)
    """New plan money, won a year; a year that is not given has none."""
    continuing: Ratio = 1.0
    """Multiplies the continuing money of every programme."""
    programmes: dict[str, Override] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _shares_of_one_pot(self) -> Self:
        given = {id: item.share for id, item in self.programmes.items() if item.share}
        total = sum(given.values())
        if total > 1 + 1e-9:
            parts = ", ".join(f"{id} {share:g}" for id, share in given.items())
            problem = f"the shares of the new money add up to {total:.4g} ({parts})"
            raise InputError(problem, key="policy.programmes", allowed="a sum of 1 or less")
        for id, item in self.programmes.items():
            if item.share is not None and item.budget is not None:
                key = f"policy.programmes.{id}.budget"
                raise InputError("a programme has a share of the new money or a budget, not both", key=key)
        return self


if TYPE_CHECKING:

    class World(Record):
        """What nobody controls: structural choices, and every number of `sim.parameters` as an attribute."""

        exposure: str = ""
        adoption: str = ""
        adoption_frozen: bool = False
        growth: str = ""

        def __getattr__(self, name: str) -> float: ...

else:
    World = create_model(
        "World",
        __base__=Record,
        __module__=__name__,
        __doc__="What nobody controls: `sim.parameters.CHOICES` and `PARAMETERS` as fields.",
        **{
            c.name: (bool if c.default in (True, False) else Literal[c.options], c.default)
            for c in CHOICES.values()
        },
        **{
            p.name: (
                Annotated[int if p.integer else float, between(p.low, p.high, f"a number ({p.unit})")],
                p.default,
            )
            for p in PARAMETERS.values()
        },
    )


class NetworkSettings(Record):
    """How target demand moves in a network economy (`sim.network_tables.target_demand`)."""

    shock: Literal["none", "reallocation", "cycle", "table"] = "none"
    start: Annotated[int | None, between(0, 100_000, "a step")] = None
    """First step of the shock; when not given, 100 for a reallocation and 80 for a cycle."""
    years: Annotated[float, between(0.1, 1000, "years")] = 30.0
    level: Annotated[float, between(0.51, 0.999999, "a share")] = 0.9999
    """Of a reallocation: part of it that is done after `years`."""
    amplitude: Annotated[float, between(0, 1, "a share")] = 0.065
    period: Annotated[float, between(2, 100_000, "steps")] = 103.0


class Scenario(Record):
    """A complete question: every setting has a value. Made by `load`, or directly from its parts."""

    name: Annotated[str, AfterValidator(_plain_name)] = "scenario"
    title: str = ""
    title_ko: str = ""
    author: str = ""
    reference: str = ""
    based_on: str = ""
    date: dt.date | None = None
    run: RunSettings = RunSettings()
    policy: Policy = Policy()
    world: World = World()
    network: NetworkSettings = NetworkSettings()
    evaluation: Evaluation = Evaluation()
    _layers: tuple[Layer, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _starts_in_time(self, info: ValidationInfo) -> Self:
        start = self.run.start
        if info.context == PARTIAL or start.year >= FIRST_YEAR:
            return self
        first = _first_start(self.run.economy)
        if start < first:
            allowed = f"the first of a month, {first} to {LAST_START_YEAR}-12-01"
            raise InputError(f"{start} cannot be a start", key="run.start", allowed=allowed)
        return self

    @model_validator(mode="after")
    def _ends_in_time(self, info: ValidationInfo) -> Self:
        if info.context != PARTIAL and self.run.end.year > LAST_YEAR:
            latest = (LAST_YEAR - self.run.start.year + 1) * 12 - self.run.start.month + 1
            problem = f"{self.run.months} months from {self.run.start} end in {self.run.end:%Y-%m}"
            raise InputError(
                problem, key="run.months", allowed=f"up to {latest} months (the end of {LAST_YEAR})"
            )
        return self

    @property
    def years(self) -> range:
        """The calendar years that the run touches."""
        return range(self.run.start.year, self.run.end.year + 1)

    def with_run(self, **settings: object) -> Scenario:
        """The same scenario with other run settings: `scenario.with_run(scale=1000, months=12)`."""
        table = self.run.model_dump() | settings
        run = validated(RunSettings, table, prefix=("run",))
        changed = validated(Scenario, {**self.model_dump(exclude_unset=True), "run": run})
        changed._layers = self._layers
        return changed

    def programmes(
        self, economy: Mapping[str, Mapping[str, Any]], codes: Mapping[str, Sequence[str]] | None = None
    ) -> dict[str, Programme]:
        """The economy's programme records with this scenario's changes, then the scenario's own programmes.

        economy: raw tables by id; codes: the economy's codebooks, to check codes that the scenario names.
        Programmes without money are kept. Raises InputError for an unknown or an incomplete programme.
        """
        try:
            records = {id: Programme.from_table(id, raw) for id, raw in economy.items()}
        except InputError as error:
            error.file = f"programmes.toml of {self.run.economy}"
            raise
        for id, item in self.policy.programmes.items():
            changes = item.model_dump(exclude_unset=True, exclude={"share", "budget"})
            try:
                if id not in records:
                    self._require_complete(id, changes, list(economy))
                base = records[id].model_dump(exclude_unset=True) if id in records else {}
                prefix = ("policy", "programmes", id)
                records[id] = validated(Programme, {**merged(base, changes), "id": id}, prefix)
                if codes is not None:
                    _require_codes(changes, codes, ".".join(prefix))
            except InputError as error:
                raise self.placed(error) from None
        self._placed(lambda scenario: scenario.evaluation.require(records))
        return records

    def _require_complete(self, id: str, changes: Mapping[str, Any], known: list[str]) -> None:
        """An id that the economy lacks must be a full record, else it is a misspelt name."""
        key = f"policy.programmes.{id}"
        if not {"label_en", "kind", "stages"} & changes.keys():
            allowed = "a programme of the economy, or a full record with label_en, kind, stages"
            raise InputError(
                f"unknown programme {id!r}", key=key, allowed=allowed, nearest=nearest(id, known)
            )
        needed = ["label_en", "kind", "stages", *NEEDED.get(str(changes.get("kind")), ())]
        if missing := [name for name in needed if name not in changes]:
            raise InputError(f"a new programme must also state {', '.join(missing)}", key=key)

    def shares(self, programmes: Mapping[str, Programme]) -> dict[str, float]:
        """Share of the new money by programme; the sum is 1 or less and the rest is not allocated.

        A share that the scenario gives holds. Other programmes of the plan keep their record's `plan_share`,
        and are scaled down together where the given shares leave less than that. Closed programmes and those
        with a budget of their own take none.
        """
        fixed, planned = dict[str, float](), dict[str, float]()
        for id, programme in programmes.items():
            item = self.policy.programmes.get(id, Override())
            if programme.closed or item.budget is not None:
                fixed[id] = 0.0
            elif item.share is not None:
                fixed[id] = item.share
            else:
                planned[id] = programme.plan_share if programme.plan else 0.0
        room, wanted = max(0.0, 1 - sum(fixed.values())), sum(planned.values())
        fit = 1.0 if wanted <= room + 1e-9 else room / wanted
        return {id: fixed[id] if id in fixed else planned[id] * fit for id in programmes}

    def money(self, programmes: Mapping[str, Programme]) -> dict[str, dict[int, int]]:
        """Won by programme and calendar year of the run (for whole years, also where the run covers a part).

        Continuing money times `continuing`, plus the share of the year's new money or the programme's own
        budget. The new money is split to the won: programmes and what is not allocated add up to it exactly.
        """
        shares, money = self.shares(programmes), {id: dict[int, int]() for id in programmes}
        for year in self.years:
            new = split(self.policy.budget.get(year, 0), shares)
            for id, programme in programmes.items():
                own = self.policy.programmes.get(id, Override()).budget
                added = new[id] if own is None else own.get(year, 0)
                kept = round(programme.base_money(year) * Fraction(str(self.policy.continuing)))
                money[id][year] = 0 if programme.closed else kept + added
        return money

    def unallocated(self, programmes: Mapping[str, Programme]) -> dict[int, int]:
        """New money that no programme receives, won by year of the run."""
        shares, budget = self.shares(programmes), self.policy.budget
        return {
            year: budget.get(year, 0) - sum(split(budget.get(year, 0), shares).values())
            for year in self.years
        }

    def settings(self) -> dict[str, dict[str, Any]]:
        """Every setting with its value; of the programmes, what the scenario changes."""
        overrides = {id: item.model_dump(exclude_unset=True) for id, item in self.policy.programmes.items()}
        policy = self.policy.model_dump() | {
            "programmes": {id: item for id, item in overrides.items() if item}
        }
        tables = {"run": self.run.model_dump(), "policy": policy, "world": self.world.model_dump()}
        network = {} if self.network == NetworkSettings() else {"network": self.network.model_dump()}
        asked = self.evaluation.model_dump(exclude_defaults=True)
        return tables | network | ({"evaluation": asked} if asked else {})

    def digest(self, economy_digest: str) -> str:
        """sha256 (hex) of the question: settings, economy and model version. Folder names use the first 8
        digits.

        Descriptions, the number of threads and how effects are valued are left out, and the economy counts by its
        content (which says the timing too), not its path; so does the posterior that parameters are drawn from, if they
        are. Raises InputError when there is no such posterior.
        """
        from sim import __version__
        from sim.uncertainty import question as drawn_from

        settings = self.settings()
        for key in ("economy", "threads", "timing", "uncertainty"):
            del settings["run"][key]
        if settings["run"]["steps"] is None:
            del settings["run"]["steps"]
        design = {k: v for k, v in settings.pop("evaluation", {}).items() if k not in VALUATION}
        settings |= {"evaluation": design} if design else {}
        draws = self._placed(drawn_from)
        question: Table = {**settings, **draws, "economy": economy_digest, "version": __version__}
        text = json.dumps(question, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def resolved_toml(self) -> str:
        """The scenario as TOML with every parameter stated; loading it asks the same question.

        Parameters that are drawn from a posterior are named in a comment instead: stated, they would be fixed.
        """
        from sim.uncertainty import drawn_names

        facts = {key: value for key in DESCRIPTION if (value := getattr(self, key)) and key != "based_on"}
        origin = f"# resolved; based on {self.based_on}" if self.based_on else "# resolved"
        notes = {p.name: f"{p.unit}; {p.label}" for p in PARAMETERS.values()}
        notes |= {c.name: c.label for c in CHOICES.values()}
        settings, names = self.settings(), self._placed(drawn_names)
        settings["world"] = {key: value for key, value in settings["world"].items() if key not in names}
        drawn = [f"# drawn from {self.run.uncertainty}: {', '.join(names)}"] if names else []
        return "\n".join([origin, *drawn, *toml_lines(facts | settings, notes)]) + "\n"

    def _placed(self, question: Callable[[Scenario], T]) -> T:
        """What is asked of the scenario; where that fails, the error says where its key was set."""
        try:
            return question(self)
        except InputError as error:
            raise (error if error.file else self.placed(error)) from None

    def placed(self, error: InputError) -> InputError:
        """The error with the file and line that set its key last, where the scenario came from files."""
        return placed(error, self._layers)


def load(spec: str | Path, *, overrides: Sequence[str] = (), **policy: object) -> Scenario:
    """The scenario of a file, a name or several joined by `+`, complete and checked.

    spec: "roadmap", "my/plan.toml", "roadmap+fast-ai"; a name is looked for in the working folder, then among
    the scenarios that ship. A further part that shares a base with the first adds its own keys only.
    overrides: "table.key=value" in TOML, as `--set` takes them; they win over everything.
    policy: keys of `[policy]`, such as `budget={2026: 300e9}`.

    Raises InputError (file, line, key, what is allowed, nearest name) for whatever is wrong.
    """
    parts = compose(spec, _sparse)
    layers = [layer for part in parts for layer in part]
    if policy:
        layers.append(given("load()", {"policy": policy}, _sparse))
    layers += [override(text, _sparse) for text in overrides]
    table: Table = {}
    for layer in layers:
        table = merged(table, layer.table)
    for key in DESCRIPTION:
        table.pop(key, None)
    on_top = [layer for part in parts for layer in part[-1:]]
    try:
        scenario = validated(Scenario, table | _description(on_top) | _set_descriptions(layers))
    except InputError as error:
        raise placed(error, tuple(layers)) from None
    scenario._layers = tuple(layers)
    return scenario


def _sparse(table: Table) -> Table:
    """The keys that a table sets, checked on their own and in plain types."""
    return validated(Scenario, table, context=PARTIAL).model_dump(exclude_unset=True)


def _description(tops: Sequence[Layer]) -> Table:
    """What the composed scenario is called: names and titles joined, the latest date, the first base."""
    tables = [layer.table for layer in tops]
    stems = [re.sub(r"[^\w.+-]+", "-", layer.path.stem) for layer in tops if layer.path]
    names = [table.get("name", stem) for table, stem in zip(tables, stems, strict=True)]
    joined = {
        key: mark.join(dict.fromkeys(table[key] for table in tables if table.get(key)))
        for key, mark in {"title_ko": " + ", "author": "; ", "reference": "; "}.items()
    }
    titles = [table.get("title", name) for table, name in zip(tables, names, strict=True)]
    dates = [table["date"] for table in tables if "date" in table]
    return joined | {
        "name": "+".join(names),
        "title": " + ".join(titles),
        "based_on": tables[0].get("based_on", ""),
        "date": max(dates, default=None),
    }


def _set_descriptions(layers: Sequence[Layer]) -> Table:
    """Descriptions given by `--set`, such as a title of one's own."""
    sets = [layer.table for layer in layers if layer.path is None]
    return {key: table[key] for table in sets for key in DESCRIPTION if key in table}


def split(won: int, shares: Mapping[str, float]) -> dict[str, int]:
    """An amount split by shares to the won: rounded down, and what is over goes to the largest remainders.

    The parts add up to the amount when the shares add up to one, else to the amount times their sum, rounded
    down.
    """
    exact = {id: won * Fraction(str(share)) for id, share in shares.items()}
    whole = abs(sum(shares.values()) - 1) < 1e-9
    total = won if whole else min(won, int(sum(exact.values())))
    parts = {id: int(amount) for id, amount in exact.items()}
    by_remainder = sorted(shares, key=lambda id: parts[id] - exact[id])
    for id in by_remainder[: max(0, total - sum(parts.values()))]:
        parts[id] += 1
    return parts


def _require_codes(changes: Mapping[str, Any], codes: Mapping[str, Sequence[str]], key: str) -> None:
    """Codes that a scenario names must be in the economy's codebooks. Raises InputError with the nearest."""
    eligibility = changes.get("eligibility", {})
    named = {
        ("region", "regions"): changes.get("regions", ()),
        ("occupation", "conversion.targets"): (changes.get("conversion") or {}).get("targets", ()),
        ("reason", "eligibility.reasons"): eligibility.get("reasons", ()),
        ("contract", "eligibility.contracts"): eligibility.get("contracts", ()),
        ("size", "eligibility.sizes"): eligibility.get("sizes", ()),
        ("industry", "eligibility.industries"): eligibility.get("industries", ()),
        ("region", "eligibility.regions"): eligibility.get("regions", ()),
        ("education", "eligibility.education"): eligibility.get("education", ()),
    }
    for (dimension, field), used in named.items():
        for code in used:
            if dimension in codes and code not in codes[dimension]:
                raise InputError(
                    f"{code!r} is no code of the economy's {dimension}s",
                    key=f"{key}.{field}",
                    allowed=", ".join(codes[dimension]),
                    nearest=nearest(code, codes[dimension]),
                )
