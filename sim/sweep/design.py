"""Design files: levers × uncertainties × seeds, as TOML.

A lever is what somebody decides (scenarios, and grids of keys laid over them); an uncertainty is what nobody knows
(parameters of `[world]`, sampled within the bounds of their records); a seed is a replicate, the same at every point
and for every lever, so that runs are compared in pairs. A design has levers × points × replicates runs, numbered with
the lever fastest and the point slowest.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sim.errors import InputError, nearest
from sim.layers import Layer, placed, read, scenario_folder
from sim.parameters import CHOICES, PARAMETERS
from sim.records import Record, between, fields_at, validated
from sim.scenario import Scenario, load

SCALAR = bool | int | float | str
FEWEST_RUNS, MOST_RUNS = 20, 1000
"""Runs of a work unit: a thousandth of the design, within these."""
WORKER_MONTHS = 2e9
"""The most worker-months of a unit, some minutes of one core: finer agents make smaller units."""
DRAWN = ("estimated", "fitted")
"""Names that stand for many factors: parameters with a prior, and those of them that calibration fits."""


def _values(value: object) -> object:
    """A single value stands for a list of one."""
    return value if isinstance(value, list | tuple) else [value]


Names = Annotated[tuple[str, ...], Field(strict=False), BeforeValidator(_values)]
Values = Annotated[tuple[SCALAR | dict[str, Any], ...], Field(strict=False, min_length=1)]
Bounds = Annotated[tuple[SCALAR, ...], Field(strict=False, min_length=2)]


class Grid(Record):
    """A key that is laid over every scenario with each of `values` in turn."""

    key: str
    values: Values
    labels: Names = ()

    @model_validator(mode="after")
    def _one_label_a_value(self) -> Self:
        if self.labels and len(self.labels) != len(self.values):
            raise InputError(
                f"{len(self.labels)} labels for {len(self.values)} values", key="levers.grid.labels"
            )
        return self


class Levers(Record):
    """What somebody decides. base: the scenario that effects are told against."""

    scenarios: Names = ("baseline", "roadmap")
    base: str = ""
    grid: Annotated[tuple[Grid, ...], Field(strict=False)] = ()


class Sample(Record):
    """Points of the uncertain factors, by one method.

    grid: every combination of `levels` values (of a choice, all its options), or of those in `values`; latin-hypercube,
    sobol: `points` of them; morris: `trajectories` of one step a factor on `levels` levels; saltelli: `base` ×
    (factors + 2), for Sobol indices; posterior: `points` draws of the posterior; list: the rows of `rows`.
    rest: what factors have that are not sampled here: their defaults, or draws of the posterior, another at each point.
    """

    method: Literal["grid", "latin-hypercube", "sobol", "morris", "saltelli", "posterior", "list"]
    factors: Names = ()
    points: Annotated[int, between(1, 10_000_000, "points")] | None = None
    trajectories: Annotated[int, between(2, 100_000, "trajectories")] | None = None
    levels: Annotated[int, between(2, 100, "levels")] | None = None
    base: Annotated[int, between(2, 1_000_000, "base samples")] | None = None
    rows: Annotated[tuple[dict[str, SCALAR], ...], Field(strict=False)] = ()
    values: dict[str, Annotated[tuple[SCALAR, ...], Field(strict=False, min_length=1)]] = Field(
        default_factory=dict
    )
    rest: Literal["default", "posterior"] = "default"
    seed: Annotated[int, between(0, 2**31 - 1, "a seed")] = 1

    @model_validator(mode="after")
    def _has_what_its_method_needs(self) -> Self:
        needs = NEEDS[self.method]
        for name in needs:
            if not getattr(self, name):
                raise InputError(f"a {self.method} sample must state {name}", key=f"samples.{name}")
        if self.method == "morris" and (self.levels or 2) % 2:
            raise InputError(
                f"{self.levels} levels of a Morris sample", key="samples.levels", allowed="an even number"
            )
        sizes = ("points", "trajectories", "levels", "base", "rows", "values")
        for name in sizes:
            if getattr(self, name) and name not in (*needs, *ALSO.get(self.method, ())):
                raise InputError(f"a {self.method} sample has no {name}", key=f"samples.{name}")
        return self


NEEDS: dict[str, tuple[str, ...]] = {
    "grid": (),
    "latin-hypercube": ("factors", "points"),
    "sobol": ("factors", "points"),
    "morris": ("factors", "trajectories"),
    "saltelli": ("factors", "base"),
    "posterior": ("points",),
    "list": ("rows",),
}
ALSO: dict[str, tuple[str, ...]] = {"grid": ("values", "factors", "levels"), "morris": ("levels",)}


class Failure(Record):
    """When a lever fails, for scenario discovery: an outcome below or above a limit."""

    outcome: str = "net_employment"
    below: float | None = None
    above: float | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.below is None) == (self.above is None):
            raise InputError(
                "must have one limit", key="answers.fails", allowed="outcome, and below or above"
            )
        return self


class Answers(Record):
    """What is told of the sweep when it is done."""

    outcomes: Names = ()
    best: str = "net_employment"
    """Outcome that levers compete for."""
    fails: Failure = Failure(below=0.0)
    heat: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Two factors of the heat map; when not given, the two that matter most."""


class DesignFile(Record):
    """The tables of a design file."""

    title: str = ""
    title_ko: str = ""
    author: str = ""
    reference: str = ""
    date: dt.date | None = None
    run: dict[str, Any] = Field(default_factory=dict)
    levers: Levers = Levers()
    samples: Annotated[tuple[Sample, ...], Field(strict=False)] = ()
    bounds: dict[str, Bounds] = Field(default_factory=dict)
    """Narrower bounds of a number, or fewer options of a choice, by factor."""
    keep: Names = ()
    """Groups (`market`) and variables (`cells.persons_by_age`) of `run.nc` that are kept of each run."""
    unit: Annotated[int, between(1, 100_000, "runs")] | None = None
    """Runs of a work unit; when not given, `Design.unit` decides."""
    answers: Answers = Answers()


@dataclass(frozen=True)
class Factor:
    """One uncertain number or choice. Numbers are sampled between `low` and `high`, on their logarithm where `log`."""

    name: str
    key: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    integer: bool = False
    options: tuple[SCALAR, ...] = ()

    @property
    def label(self) -> str:
        """What people call it."""
        record = PARAMETERS.get(self.name) or CHOICES.get(self.name)
        return record.label if record else self.name

    @property
    def label_ko(self) -> str:
        """The same in Korean."""
        record = PARAMETERS.get(self.name) or CHOICES.get(self.name)
        return record.label_ko if record else self.name


@dataclass(frozen=True)
class Lever:
    """One scenario with one value of every grid. base: number of the lever it is compared with, or None."""

    label: str
    scenario: str
    overrides: tuple[str, ...]
    base: int | None


@dataclass(frozen=True)
class Design:
    """A checked design. Made by `read_design`; `file` is as written, `text` its TOML."""

    name: str
    file: DesignFile
    text: str
    path: Path | None = None
    sets: tuple[str, ...] = ()
    resolved: tuple[Path, ...] = ()
    """In a sweep's folder: the complete scenario of each lever."""

    @property
    def replicates(self) -> int:
        """Seeds at every point."""
        return int(self.scenarios[0].run.replicates)

    @cached_property
    def levers(self) -> tuple[Lever, ...]:
        """Scenarios × grids, the grids fastest."""
        asked = self.file.levers
        base = asked.base or (asked.scenarios[0] if len(asked.scenarios) > 1 else "")
        if base and base not in asked.scenarios:
            raise InputError(
                f"{base!r} is not among the scenarios",
                key="levers.base",
                allowed=", ".join(asked.scenarios),
                nearest=nearest(base, asked.scenarios),
            )
        combos = list(itertools.product(*(_settings(grid) for grid in asked.grid)))
        made = []
        for s, name in enumerate(asked.scenarios):
            for c, combo in enumerate(combos):
                label = ", ".join([Path(name).stem, *(text for text, _ in combo)])
                at = asked.scenarios.index(base) * len(combos) + c if base else None
                overrides = tuple(text for _, text in combo)
                made.append(Lever(label, name, overrides, None if at == s * len(combos) + c else at))
        if len({one.label for one in made}) < len(made):
            raise InputError("two levers have one name", key="levers.scenarios")
        return tuple(made)

    @cached_property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenario of each lever, with the design's run settings and one point of the parameters."""
        return tuple(self.scenario(one) for one in self.levers)

    def scenario(self, lever: Lever, more: Sequence[str] = ()) -> Scenario:
        """The scenario of a lever with further keys (`--set` style) on top."""
        if self.resolved:
            return load(self.resolved[self.levers.index(lever)], overrides=more)
        settings = {"replicates": 1, "uncertainty": "seed", "threads": 1} | self.file.run
        runs = [f"run.{key}={json.dumps(value, default=str)}" for key, value in settings.items()]
        beside = str(self.path.parent / lever.scenario) if self.path else ""
        spec = beside if beside and Path(beside).is_file() else lever.scenario
        try:
            return load(spec, overrides=[*lever.overrides, *runs, *self.sets, *more])
        except InputError as error:
            if error.file is None and error.key is None:
                error.key = "levers.scenarios"
            raise

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """Every factor that some sample varies, in the order of first mention; then those that draws fill in."""
        names = dict.fromkeys(name for sample in self.file.samples for name in self.sampled(sample))
        if any(one.method == "posterior" or one.rest == "posterior" for one in self.file.samples):
            from sim.uncertainty import ensemble

            names |= dict.fromkeys(ensemble().names)
        return tuple(self._factor(name) for name in names)

    def sampled(self, sample: Sample) -> list[str]:
        """Names of the factors that a sample varies by itself."""
        if sample.method == "list":
            return list(dict.fromkeys(name for row in sample.rows for name in row))
        if sample.method == "posterior":
            from sim.uncertainty import ensemble

            return list(ensemble().names)
        found: dict[str, None] = {}
        for name in (*sample.factors, *sample.values):
            many = name in DRAWN
            found |= dict.fromkeys(_estimated(name) if many else [name])
        return list(found)

    def _factor(self, name: str) -> Factor:
        bounds = self.file.bounds.get(name)
        if name in PARAMETERS:
            record = PARAMETERS[name]
            low, high = _numbers(name, bounds, record.low, record.high)
            log = record.prior == "lognormal" and low > 0
            return Factor(name, f"world.{name}", low, high, log, record.integer)
        if name in CHOICES:
            options = bounds or CHOICES[name].options
            for one in options:
                if one not in CHOICES[name].options:
                    allowed = ", ".join(map(str, CHOICES[name].options))
                    raise InputError(f"{one!r} is not a choice", key=f"bounds.{name}", allowed=allowed)
            return Factor(name, f"world.{name}", options=tuple(options))
        known = [*PARAMETERS, *CHOICES, *DRAWN]
        if "." not in name:
            allowed = "a parameter or choice of [world], estimated, fitted, or a dotted key such as policy.continuing"
            raise InputError(
                f"unknown factor {name!r}",
                key="samples.factors",
                allowed=allowed,
                nearest=nearest(name, known),
            )
        if name.startswith("world.") and name[6:] in known:
            return replace(self._factor(name[6:]), name=name)
        given = [v for s in self.file.samples for v in s.values.get(name, ())]
        given += [row[name] for s in self.file.samples for row in s.rows if name in row]
        if bounds is None and not given:
            raise InputError(f"{name} needs bounds", key="bounds", allowed=f'"{name}" = [low, high]')
        if bounds is None or isinstance(bounds[0], str | bool) or len(bounds) > 2:
            return Factor(name, name, options=tuple(dict.fromkeys(bounds or given)))
        low, high = _numbers(name, bounds, float("-inf"), float("inf"))
        return Factor(name, name, low, high, integer=all(isinstance(b, int) for b in bounds))

    @property
    def unit(self) -> int:
        """Runs of a work unit: as the file says, else a thousandth of all, within limits; always all levers."""
        runs, many = self.runs, len(self.levers)
        if self.file.unit:
            return min(runs, -(-self.file.unit // many) * many)
        from sim.economy import load as load_economy
        from sim.plan import workers_of

        run = self.scenarios[0].run
        workers = workers_of(load_economy(run.economy), run.scale, run.months)
        most = max(1, int(WORKER_MONTHS / (workers * (run.months + 12))))
        wanted = min(max(runs // 1000, FEWEST_RUNS), MOST_RUNS, most)
        return min(runs, -(-wanted // many) * many)

    @cached_property
    def runs(self) -> int:
        """All runs: levers × points × replicates."""
        from sim.sweep.points import count

        return len(self.levers) * self.replicates * sum(count(self, one) for one in self.file.samples)

    @cached_property
    def digest(self) -> str:
        """sha256 (hex) of the question: every lever's scenario, the samples and bounds, what is kept, the unit."""
        from sim.economy import load as load_economy

        asked = self.file.model_dump(include={"samples", "bounds", "levers", "keep"}, mode="json")
        economy = load_economy(self.scenarios[0].run.economy).digest
        posterior = ""
        if any(one.method == "posterior" or one.rest == "posterior" for one in self.file.samples):
            from sim.uncertainty import ensemble

            posterior = ensemble().digest
        question = [
            asked,
            [one.digest(economy) for one in self.scenarios],
            self.replicates,
            self.unit,
            posterior,
        ]
        return hashlib.sha256(json.dumps(question, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def require(self) -> None:
        """InputError for whatever is wrong that only shows when levers, factors and scenarios meet."""
        from sim.network_tables import require_country
        from sim.sweep.outcomes import OUTCOMES, kept_names

        if not self.file.samples:
            raise InputError(
                "a design has at least one sample", key="samples", allowed='[[samples]] with method = "..."'
            )
        first = self.scenarios[0]
        for one, lever in zip(self.scenarios, self.levers, strict=True):
            require_country(one, "a sweep")
            for name in ("economy", "start", "months", "scale", "seed", "uncertainty", "replicates"):
                if getattr(one.run, name) != getattr(first.run, name):
                    raise InputError(
                        f"{lever.label} has another {name} than {self.levers[0].label}", key=f"run.{name}"
                    )
            if one.run.uncertainty != "seed":
                allowed = 'a [[samples]] table with method = "posterior"'
                raise InputError(
                    "a design draws its parameters itself", key="run.uncertainty", allowed=allowed
                )
            self._refuse_fixed(one, lever)
        kept_names(self.file.keep)
        asked = [*self.file.answers.outcomes, self.file.answers.best, self.file.answers.fails.outcome]
        for name in asked:
            if name not in OUTCOMES:
                raise InputError(
                    f"unknown outcome {name!r}",
                    key="answers",
                    allowed=", ".join(OUTCOMES),
                    nearest=nearest(name, OUTCOMES),
                )
        names = [one.name for one in self.factors]
        for name in (*self.file.bounds, *self.file.answers.heat):
            if name not in names:
                raise InputError(f"{name} is varied by no sample", key="bounds", nearest=nearest(name, names))
        if len(self.file.answers.heat) not in (0, 2):
            raise InputError("takes two factors", key="answers.heat")
        from sim.sweep.points import trial

        for overrides in trial(self):
            self.scenario(self.levers[0], overrides)

    def _refuse_fixed(self, scenario: Scenario, lever: Lever) -> None:
        """A parameter that a lever's scenario sets itself cannot be varied as well."""
        by_key = {
            one.key: one.name
            for sample in self.file.samples
            for one in map(self._factor, self.sampled(sample))
            if sample.method != "posterior"
        }
        own = {f"world.{name}" for layer in scenario._layers for name in layer.table.get("world", {})}
        if clash := sorted(own & by_key.keys()):
            problem = f"the scenario of lever {lever.label!r} sets {clash[0]} itself, and a sample varies it"
            raise InputError(problem, key="samples.factors", allowed="one of the two")


def _estimated(name: str) -> list[str]:
    return [p.name for p in PARAMETERS.values() if (p.fitted if name == "fitted" else p.estimated)]


def _settings(grid: Grid) -> list[tuple[str, str]]:
    """Label and override of each value of a grid."""
    from sim.layers import toml_inline

    labels = grid.labels or tuple(f"{grid.key.split('.')[-1]} {toml_inline(value)}" for value in grid.values)
    return [
        (label, f"{grid.key} = {toml_inline(value)}")
        for label, value in zip(labels, grid.values, strict=True)
    ]


def _numbers(name: str, bounds: Sequence[Any] | None, low: float, high: float) -> tuple[float, float]:
    if bounds is None:
        return float(low), float(high)
    numbers = [b for b in bounds if isinstance(b, int | float) and not isinstance(b, bool)]
    if len(bounds) != 2 or len(numbers) != 2 or not low <= numbers[0] < numbers[1] <= high:
        allowed = f"[low, high] within {low:g} to {high:g}"
        raise InputError(f"{list(bounds)} are no bounds of {name}", key=f"bounds.{name}", allowed=allowed)
    return float(numbers[0]), float(numbers[1])


# ---------------------------------------------------------------------------------------------------- reading


def shipped() -> dict[str, Path]:
    """Name -> file of every design that ships."""
    return {path.stem: path for path in sorted((scenario_folder() / "sweeps").glob("*.toml"))}


def find(name: str) -> Path | None:
    """The file of a design, by path, or by name in the working folder or among those that ship; None: there is none."""
    for path in (Path(name).expanduser(), Path(f"{name}.toml").expanduser()):
        if path.suffix == ".toml" and path.is_file() and is_design(path):
            return path
    return shipped().get(name)


def is_design(path: Path) -> bool:
    """Whether a TOML file is a design: it has samples or levers."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return False
    return re.search(r"^\s*\[+\s*(samples|levers)\b", text, re.MULTILINE) is not None


def read_design(name: str | Path, sets: Sequence[str] = ()) -> Design:
    """A design by path or name, checked against the scenarios and parameters. sets: "run.scale=500" and the like, on
    top of every scenario.

    Raises InputError (file, line, key, what is allowed, the nearest name).
    """
    path = find(str(name))
    if path is None:
        exists = Path(str(name)).is_file()
        problem = "is not a design: it has no [[samples]]" if exists else f"there is no design {str(name)!r}"
        raise InputError(
            problem,
            file=str(name) if exists else None,
            allowed=f"the path of a .toml file, or one of {', '.join(shipped())}",
            nearest=nearest(Path(str(name)).stem, shipped()),
        )
    return parse(path, sets)


def parse(path: Path, sets: Sequence[str] = ()) -> Design:
    """`read_design` of one file."""

    def check(table: Mapping[str, Any]) -> dict[str, Any]:
        validated(DesignFile, table)
        return dict(table)

    layer = read(path, check)
    design = Design(
        re.sub(r"[^\w.+-]+", "-", path.stem),
        validated(DesignFile, layer.table),
        layer.text,
        path,
        tuple(sets),
    )
    try:
        design.require()
    except InputError as error:
        raise _in_file(error, layer) from None
    return design


def _in_file(error: InputError, layer: Layer) -> InputError:
    """The error at its place in the design's file, unless it names another file."""
    if error.file is not None and error.file.startswith("--set run."):  # from the design's own [run]
        error.file, error.key = None, error.key or "run"
    return placed(error, (layer,))


__all__ = [
    "Answers",
    "Design",
    "Factor",
    "Lever",
    "Sample",
    "fields_at",
    "find",
    "is_design",
    "read_design",
    "shipped",
]
