"""Many variants of a scenario on common random numbers: each run once, and kept as a few numbers.

Attribution, marginal returns and allocation run one replicate of a variant many hundred times and need little of each
run (`measured`). What a run gave is written to a file of its own as soon as it is there, so that an interrupt loses
nothing: the same command finds it again. Variants of a replicate share the years before month 0 (`sim.branching`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sim import economy as economies
from sim.checkpoint import Place, beside, question
from sim.errors import InputError, nearest
from sim.jobs import Processes, bar
from sim.network_tables import require_country
from sim.records import Override, Programme, validated
from sim.replicate import RunData, simulate
from sim.scenario import FIRST_YEAR, Policy, Scenario

Measures = dict[str, Any]
Task = tuple[Scenario, int]
Evaluate = Callable[..., list[Measures]]
"""Measures of (scenario, replicate) pairs, in their order: a `Variants`, or in tests any function like it."""

TOTALS = {
    # measure -> unit
    "employed_months": "person-months",
    "employed_last": "persons",
    "furthest_months": "person-months",
    "output": "won of 2025",
    "benefits": "won",
    "revenue": "won",
    "spent": "won",
    "net_cost": "won",
}
FURTHEST = ("entry", "transition")
"""Stages at the policy's start whose members are furthest from work, for `furthest_months`."""
OBJECTIVES = {
    # objective -> what it is, unit
    "net-employment": ("person-months in work over the run", "person-months"),
    "productivity": ("output per person-month in work, over the run", "won of 2025 a month"),
    "fiscal": ("less the net cost to the public over the run", "won"),
    "equity": (
        "person-months in work of those in the entry or transition stage at the start",
        "person-months",
    ),
}
AFTERWARDS = 36
"""Months that a run goes on after the last intake that new money pays for."""
BY_PROGRAMME = ("applied", "enrolled", "budget", "course", "fixed")


def measured(run: RunData) -> Measures:
    """The few numbers of a run: `TOTALS` over all its months, and `BY_PROGRAMME` by calendar year.

    employed_months, furthest_months: person-months in work, of everyone and of those who were in the entry or the
    transition stage when the policy began; employed_last: persons in work in the last month; output, benefits, revenue
    (income tax and contributions), spent (courses, fixed cost, allowances), net_cost = spent + benefits - revenue: won.
    programmes: for each with money or applicants, lists over `years`; persons and won.
    """
    from sim.record import TOTALS as NAMES
    from sim.variables import REVENUE
    from sim.workers import STAGES

    scale, layout = run.scenario.run.scale, run.record.layout
    economy = economies.load(run.scenario.run.economy)
    people = layout.block(run.record.sums, "people")[..., 0].sum(axis=(2, 3, 4)).astype(np.int64) * scale
    total = _totals(run)
    wages = layout.block(run.record.sums, "totals")[..., NAMES.index("wages")]
    rates = [round(economy.scalar(rate) * 1_000_000) for rate, _ in REVENUE.values()]
    revenue = scale * sum(int((wages * millionths // 1_000_000).sum()) for millionths in rates)
    spent = int(run.books[1:4].sum())
    furthest = [STAGES.index(stage) for stage in FURTHEST]
    return {
        "employed_months": int(people.sum()),
        "employed_last": int(people[-1].sum()),
        "furthest_months": int(people[:, furthest].sum()),
        "output": total["output"],
        "benefits": total["benefits"],
        "revenue": revenue,
        "spent": spent,
        "net_cost": spent + total["benefits"] - revenue,
        "years": list(run.years),
        "programmes": _by_programme(run),
    }


def _totals(run: RunData) -> dict[str, int]:
    from sim.record import TOTALS as NAMES

    sums = run.record.layout.block(run.record.sums, "totals").sum(axis=0)
    return {name: int(sums[NAMES.index(name)]) * run.scenario.run.scale for name in ("output", "benefits")}


def _by_programme(run: RunData) -> dict[str, dict[str, list[int]]]:
    start, counts = run.scenario.run.start, run.record.programmes * run.scenario.run.scale
    year = (start.month - 1 + np.arange(counts.shape[0])) // 12
    by_year = np.zeros((len(run.years), *counts.shape[1:]), dtype=np.int64)
    np.add.at(by_year, year, counts)
    found = {}
    for p, id in enumerate(run.programmes):
        columns = (by_year[:, p, 0], by_year[:, p, 1], *run.books[:3, p])
        if any(column.any() for column in columns):
            found[id] = {name: [int(x) for x in c] for name, c in zip(BY_PROGRAMME, columns, strict=True)}
    return found


def score(measures: Measures, objective: str) -> float:
    """The value of a run for an objective of `OBJECTIVES`, in its unit; more is better."""
    if objective == "productivity":
        return float(measures["output"] / measures["employed_months"])
    if objective == "fiscal":
        return -float(measures["net_cost"])
    return float(measures["employed_months" if objective == "net-employment" else "furthest_months"])


def require_objective(objective: str, key: str = "--objective") -> str:
    """The objective. InputError when there is none of that name."""
    if objective not in OBJECTIVES:
        near = nearest(objective, OBJECTIVES)
        raise InputError(
            f"unknown objective {objective!r}", key=key, allowed=", ".join(OBJECTIVES), nearest=near
        )
    return objective


# --------------------------------------------------------------------------------------------- running them


class Variants:
    """Evaluates (scenario, replicate) pairs in up to `jobs` processes; what is known is not run again.

    kept: folder of one small file a run. progress: a bar, on a terminal only. `made` counts what was run here, `known`
    holds everything that was asked for, by (digest, replicate).
    """

    def __init__(self, kept: Path, jobs: int = 1, progress: bool = False) -> None:
        self.kept, self.jobs, self.progress = kept, jobs, progress
        self.made = 0
        self.known: dict[tuple[str, int], Measures] = {}
        self._processes: Processes | None = None

    def __enter__(self) -> Variants:
        self.kept.mkdir(parents=True, exist_ok=True)
        self._histories = tempfile.TemporaryDirectory(prefix="laborshift-", ignore_cleanup_errors=True)
        return self

    def __exit__(self, *error: Any) -> None:
        if self._processes is not None:
            self._processes.__exit__(*error)
        self._histories.cleanup()

    def __call__(self, tasks: Sequence[Task], what: str = "runs", again: bool = False) -> list[Measures]:
        """Measures of each of `tasks`. what: beside the bar. again: the replicates come back in a later call, so
        their histories are kept."""
        keys = [(identity(scenario), replicate) for scenario, replicate in tasks]
        new: dict[tuple[str, int], Task] = {}
        for key, task in zip(keys, tasks, strict=True):
            if key not in self.known and (found := self._read(key)) is not None:
                self.known[key] = found
            if key not in self.known:
                new[key] = task
        place = Place(Path(self._histories.name))
        order = sorted(new, key=lambda key: key[1])  # a replicate's history serves all its variants
        with bar(len(order), what, self.progress) as tick:
            calls = [(*new[key], place, self._file(key)) for key in order]
            if self.jobs <= 1 or len(calls) < 2:
                for call in calls:
                    _kept(*call)
                    tick(1)
            else:
                if self._processes is None:
                    self._processes = Processes(self.jobs).__enter__()
                self._processes.each(_kept, calls, tick)
        for key in order:
            self.known[key] = self._read(key) or {}
        if not again:
            for scenario, replicate in new.values():
                place.forget_histories([scenario], replicate)
        self.made += len(order)
        return [self.known[key] for key in keys]

    def _file(self, key: tuple[str, int]) -> Path:
        return self.kept / f"{key[0][:24]}-{key[1]}.json"

    def _read(self, key: tuple[str, int]) -> Measures | None:
        try:
            found: Measures = json.loads(self._file(key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found

    def table(self) -> str:
        """All that was asked for as CSV: variant (digest), replicate, `TOTALS`; sorted, so the same bytes always."""
        lines = [",".join(("variant", "replicate", *TOTALS))]
        for (digest, replicate), one in sorted(self.known.items()):
            lines.append(",".join((digest[:24], str(replicate), *(str(one[name]) for name in TOTALS))))
        return "\n".join(lines) + "\n"


def _kept(scenario: Scenario, replicate: int, place: Place, file: Path) -> None:
    """Run one replicate and keep its measures in a file, which is there whole or not at all."""
    found = measured(simulate(scenario, replicate, threads=1, place=place, shared=True))
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(found) + "\n", encoding="utf-8")
        os.replace(part, file)
    finally:
        part.unlink(missing_ok=True)


def identity(scenario: Scenario) -> str:
    """What a run is kept under, but for its replicate: the question, the kernels and what is measured (hex)."""
    return hashlib.sha256((question(scenario) + _model()).encode()).hexdigest()


@lru_cache(maxsize=1)
def _model() -> str:
    from sim.kernels import source_digest

    return source_digest() + hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


@contextmanager
def kept_beside(folder: Path, jobs: int, progress: bool) -> Iterator[Variants]:
    """`Variants` that keeps its runs beside a results folder; they go when the command succeeds."""
    kept = beside(folder)
    try:
        with Variants(kept, jobs, progress) as evaluate:
            yield evaluate
    except KeyboardInterrupt:
        number = len(list(kept.glob("*.json")))
        kept_is = (
            f"{number} runs are kept, the same command goes on from them" if number else "no run was finished"
        )
        if not number:
            shutil.rmtree(kept, ignore_errors=True)
        raise KeyboardInterrupt(f"interrupted; {kept_is}") from None
    except BaseException:
        if not any(kept.glob("*.json")):
            shutil.rmtree(kept, ignore_errors=True)
        raise
    shutil.rmtree(kept, ignore_errors=True)


# --------------------------------------------------------------------------------------------- making them


def records_of(scenario: Scenario) -> dict[str, Programme]:
    """The programme records of a scenario. InputError when the economy has no labour market."""
    require_country(scenario)
    economy = economies.load(scenario.run.economy)
    return scenario.programmes(economy.programmes, economy.codes)


def with_money(
    scenario: Scenario,
    money: Mapping[str, Mapping[int, int]],
    changes: Mapping[str, Override] | None = None,
) -> Scenario:
    """The scenario with these won by programme and year, whatever they were made of before, as continuing money.

    changes: what is said of programmes otherwise, in place of the scenario's own words. Whether money is new or goes
    on matters to `ramp_up` alone, which looks at 2025: the level of 2025 is kept. A scenario with its own money is
    bit for bit itself. InputError when it starts before 2026.
    """
    if scenario.run.start.year < FIRST_YEAR:
        problem = f"a start in {scenario.run.start.year} leaves no level of 2025 to keep"
        raise InputError(problem, key="run.start", allowed=f"{FIRST_YEAR} or later")
    said = changes if changes is not None else scenario.policy.programmes
    plain = {id: _plain(item) for id, item in said.items()}
    before = scenario.model_copy(
        update={"policy": Policy(programmes={id: validated(Override, item) for id, item in plain.items()})}
    )
    records = before.programmes(economies.load(scenario.run.economy).programmes)
    overrides = {
        id: validated(
            Override, plain.get(id, {}) | {"base_budget": {2025: record.base_money(2025)} | dict(money[id])}
        )
        for id, record in records.items()
    }
    return _like(scenario, Policy(programmes=overrides))


def _plain(item: Override) -> dict[str, Any]:
    """What a scenario says of a programme, without its part of the new money."""
    return item.model_dump(exclude_unset=True, exclude={"share", "budget"})


def _like(scenario: Scenario, policy: Policy) -> Scenario:
    found = scenario.model_copy(update={"policy": policy})
    found._layers = scenario._layers
    return found


def money_years(scenario: Scenario) -> list[int]:
    """Years of the run with new money, of the pot or of a programme's own; all years of the run where there is none."""
    policy = scenario.policy
    pots = [policy.budget, *(item.budget or {} for item in policy.programmes.values())]
    return [y for y in scenario.years if any(pot.get(y, 0) for pot in pots)] or list(scenario.years)


def with_horizon(scenario: Scenario, replicates: int) -> Scenario:
    """The scenario run until `AFTERWARDS` months past the last intake of new money, at least as long as it says.

    Every replicate of it has parameters of its own where they are drawn from a posterior: `replicates` is taken to the
    next odd number (`sim.uncertainty.replicates_a_draw`). InputError when the tables end before.
    """
    start = scenario.run.start
    past = (money_years(scenario)[-1] + 1 - start.year) * 12 + 1 - start.month + AFTERWARDS
    return scenario.with_run(months=max(scenario.run.months, past), replicates=replicates | 1)


def first_stage(record: Programme) -> str:
    """The stage a programme is counted under: the first that its record names."""
    return record.stages[0] if record.stages else "none"


def grouped(records: Mapping[str, Programme], ids: Iterable[str], by: str) -> dict[str, tuple[str, ...]]:
    """Programmes by stage (`first_stage`) or each on its own, in order of stages and names.

    InputError for another grouping.
    """
    if by not in ("stage", "programme"):
        raise InputError(f"unknown grouping {by!r}", key="--by", allowed="stage, programme")
    ids = sorted(ids)
    if by == "programme":
        return {id: (id,) for id in ids}
    stages = [
        s for s in ("entry", "active", "transition", "none") if any(first_stage(records[i]) == s for i in ids)
    ]
    return {s: tuple(i for i in ids if first_stage(records[i]) == s) for s in stages}


__all__ = [
    "AFTERWARDS",
    "BY_PROGRAMME",
    "OBJECTIVES",
    "TOTALS",
    "Evaluate",
    "Measures",
    "Variants",
    "first_stage",
    "grouped",
    "identity",
    "kept_beside",
    "measured",
    "money_years",
    "records_of",
    "require_objective",
    "score",
    "with_horizon",
    "with_money",
]
