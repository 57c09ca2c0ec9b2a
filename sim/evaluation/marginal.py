"""What the next ten billion won buy in each programme, which constraint binds there, and how sure the ranking is.

The effect of a little more money is a finite difference on common random numbers: the scenario with a step more in one
programme (and, where money is what binds and there is enough of it, with a step less), against the scenario. Nothing
but money is added: where seats, applicants, employers or instructors bind, the next won buys nothing, and both runs
are equal to the last bit.

The best programme is looked for in stages (`select`): replicates are doubled until it is told from all others, with an
error of at most 5% over all looks together, or until they run out.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf, sqrt
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.draws import ORDER, key_of, uniforms
from sim.errors import InputError
from sim.evaluation.variants import (
    OBJECTIVES,
    TOTALS,
    Evaluate,
    Measures,
    first_stage,
    kept_beside,
    money_years,
    records_of,
    require_objective,
    score,
    with_horizon,
    with_money,
)
from sim.intervals import mean_interval, student_t
from sim.kernels import normals
from sim.programmes import SUBSIDY
from sim.records import Programme
from sim.scenario import Scenario
from sim.summary import FEWEST

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

AMOUNT = 10_000_000_000
"""Won that effects are told for."""
FIRST, MOST = 8, 32
"""Replicates of the first look, and the most that are run."""
CONFIDENCE = 0.95
SERVED = 0.98  # share of applicants with a seat from which applicants are what binds
SPENT = 0.95  # share of the money for courses from which money is what binds
FILLED = 0.95
MEASURES = ("employed_months", "employed_last", "output", "net_cost")
TAKEN = 0.5  # part of the next won that becomes places from which money is what binds
BEST_DRAWS = 20_000  # draws for the probability of being best


# ------------------------------------------------------------------------------------------ ranking, selection


@dataclass(frozen=True)
class Ranking:
    """What `select` found.

    best: the leader. sure: whether it is told from all others at `confidence`. data: observations by name; the first n
    of every name are of the same replicates. needed: replicates that would make it sure at today's differences and
    spread, by the normal approximation; None where a difference is nothing. looks: replicates at each look.
    chance: probability that each is best.
    """

    best: str
    sure: bool
    confidence: float
    data: Mapping[str, np.ndarray]
    needed: int | None
    looks: tuple[int, ...]
    chance: Mapping[str, float]


def looks_at(first: int, most: int) -> list[int]:
    """Replicates at each look: doubled from the first, the last is `most`."""
    sizes = [first]
    while sizes[-1] < most:
        sizes.append(min(2 * sizes[-1], most))
    return sizes


def select(
    sample: Callable[[Sequence[str], range], Mapping[str, np.ndarray]],
    names: Sequence[str],
    *,
    first: int = FIRST,
    most: int = MOST,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Ranking:
    """Which of `names` has the highest mean, told with a stated confidence, in stages.

    sample(names, replicates) observes some names on some replicates (common random numbers). At every look the leader
    is compared with each of the others by a paired t-test, one-sided, at the level (1 - confidence) / (looks x (k - 1))
    for k names; those that lose are dropped. To drop the true best at a look takes the rejection of a true hypothesis,
    of which there are k - 1, so that over all looks the best is lost with at most 1 - confidence (Bonferroni; normal
    observations). `sure` when the leader alone is left.
    """
    sizes, alive = looks_at(first, most), list(names)
    level = (1.0 - confidence) / (len(sizes) * max(1, len(names) - 1))
    data = {name: np.empty(0) for name in names}
    done, leader, made = 0, names[0], []
    for size in sizes:
        new = sample(alive, range(done, size))
        for name in alive:
            data[name] = np.concatenate([data[name], np.asarray(new[name], dtype=np.float64)])
        done = size
        made.append(size)
        leader = max(alive, key=lambda name: float(data[name].mean()))
        limit = student_t(size - 1, 1.0 - 2.0 * level)
        alive = [n for n in alive if n == leader or _t(data[leader] - data[n]) <= limit]
        if alive == [leader]:
            break
    error = (1.0 - confidence) / max(1, len(names) - 1)
    rest = [needed_for(data[leader][: data[n].size] - data[n], error) for n in names if n != leader]
    most_needed = max(rest, default=float(done))
    return Ranking(
        leader,
        alive == [leader],
        confidence,
        data,
        None if most_needed == inf else max(2, int(most_needed)),
        tuple(made),
        chances(data, seed),
    )


def _t(difference: np.ndarray) -> float:
    mean, sd = float(difference.mean()), float(difference.std(ddof=1))
    return mean / (sd / sqrt(difference.size)) if sd > 0 else inf * np.sign(mean) if mean else 0.0


def needed_for(difference: np.ndarray, error: float) -> float:
    """Replicates after which a paired difference like this is told from zero with a one-sided error, by the normal
    approximation: (z s / d)^2; infinite where it is zero."""
    mean, sd = float(np.mean(difference)), float(np.std(difference, ddof=1))
    if sd == 0:
        return 2.0 if mean > 0 else inf
    return ceil((NormalDist().inv_cdf(1.0 - error) * sd / mean) ** 2) if mean else inf


def chances(data: Mapping[str, np.ndarray], seed: int = 0) -> dict[str, float]:
    """Probability that each has the highest mean: draws from the normal around the means, with the covariance of means
    over nested replicates, S / max(n, m), S of the replicates that all have. Ties share."""
    names = list(data)
    size = np.array([data[name].size for name in names])
    common = np.array([data[name][: size.min()] for name in names])
    spread = np.atleast_2d(np.cov(common)) / np.maximum.outer(size, size)
    value, vector = np.linalg.eigh(spread)
    root = vector * np.sqrt(np.maximum(value, 0.0))
    u = uniforms(key_of(seed, 0), ORDER, 10**6, np.arange(BEST_DRAWS * len(names)))[:, 0]
    normal = normals(u).reshape(BEST_DRAWS, len(names))
    drawn = np.array([data[name].mean() for name in names]) + normal @ root.T
    scale = np.abs(drawn).max(initial=1.0)
    top = drawn >= drawn.max(axis=1, keepdims=True) - 1e-9 * scale
    return dict(zip(names, (top / top.sum(axis=1, keepdims=True)).mean(axis=0).tolist(), strict=True))


# -------------------------------------------------------------------------------------------- what binds


def binding(
    record: Programme,
    measures: Sequence[Measures],
    id: str,
    scenario: Scenario,
    years: Sequence[int],
    money: bool | None = None,
) -> str:
    """What keeps a programme from taking more, from what runs recorded over some years: applicants (employers of the
    SME package), money, seats or instructors; throughput of a channel.

    Applicants bind where nearly all of them were seated, money where it was spent but for less than one agent's place
    a year, seats where they were filled; what is left are instructors. money: whether more money was seen to become
    places, where a run has tried; it overrules what the books look like.
    """
    scale = scenario.run.scale
    if record.closed:
        return "closed"
    at = [k for k, year in enumerate(measures[0]["years"]) if year in set(years)]
    empty = {
        name: [0] * len(measures[0]["years"]) for name in ("applied", "enrolled", "budget", "course", "fixed")
    }
    mine = [one["programmes"].get(id, empty) for one in measures]
    applied, enrolled, budget, course, fixed = (
        sum(one[name][k] for one in mine for k in at) / len(mine)
        for name in ("applied", "enrolled", "budget", "course", "fixed")
    )
    if record.kind == SUBSIDY:
        course = enrolled * record.unit_cost  # what is promised, whether or not the hires last
    if record.kind in ("channel", "instructors"):
        most = (record.persons_a_year or record.persons_2026 or 10**9) * max(1, record.unit_cost)
        return "throughput" if budget >= most * len(at) else "money"
    if money or budget == 0:
        return "money"
    if enrolled >= SERVED * applied:
        return "employers" if record.kind == "sme-package" else "applicants"
    place = record.unit_cost * scale * len(at)
    if money is None and course >= min(SPENT * (budget - fixed), budget - fixed - place):
        return "money"
    if record.seats is not None and enrolled >= FILLED * seats_over(record, scenario, years) - scale * len(
        at
    ):
        return "seats"
    return (
        "instructors"
        if record.instructors > 0
        else "employers"
        if record.kind == "sme-package"
        else "applicants"
    )


def seats_over(record: Programme, scenario: Scenario, years: Sequence[int]) -> float:
    """Persons that a programme's seats allow over some years, ramp-up counted (it has no limit where seats is None)."""
    start, total = scenario.run.start, 0.0
    for month in range(scenario.run.months):
        year, calendar = divmod(start.year * 12 + start.month - 1 + month, 12)
        if year in set(years) and calendar + 1 in record.intake_months:
            ramped = record.ramp_up > 0 and not record.base_money(2025)
            ramp = min(1.0, (month + 1) / record.ramp_up) if ramped else 1.0
            growth = (1.0 + record.seats_growth) ** max(0, year - 2026)
            total += (record.seats or 0) * growth / len(record.intake_months) * ramp
    return total


# --------------------------------------------------------------------------------------- finite differences


@dataclass(frozen=True)
class Step:
    """How a programme's money is changed: by `won` in all, spread over the years; central when less is tried too."""

    won: int
    central: bool


def step_of(record: Programme, scale: int, amount: int, asked: int | None) -> int:
    """Won of a step: as asked, else the least that pays for `FEWEST` agents, not below the amount that effects are
    told for."""
    return asked or max(amount, FEWEST * record.unit_cost * scale)


def shifted(scenario: Scenario, id: str, won: int, years: Sequence[int]) -> Scenario:
    """The scenario with so much more (or less) money in one programme, spread evenly over some years, to the won."""
    money = {name: dict(by_year) for name, by_year in scenario.money(records_of(scenario)).items()}
    each, over = divmod(won, len(years))
    for n, year in enumerate(years):
        money[id][year] = money[id].get(year, 0) + each + (1 if n < over else 0)
    return with_money(scenario, money)


@dataclass(frozen=True)
class Marginal:
    """Effects of the next `amount` won by programme.

    ranking: of the objective. effects: by measure and programme, one value a replicate (as many as were run of it).
    places: persons enrolled more for the amount, by programme.
    """

    amount: int
    objective: str
    years: tuple[int, ...]
    ranking: Ranking
    steps: Mapping[str, Step]
    binds: Mapping[str, str]
    effects: Mapping[str, Mapping[str, np.ndarray]]
    places: Mapping[str, float]
    records: Mapping[str, Programme]

    def frame(self) -> pd.DataFrame:
        """One row a programme and measure ("objective" and `MEASURES`): the effect of the next `amount` with its 90%
        interval, n, the step, what binds, and the probability that it is the best."""
        rows = []
        for id in sorted(self.steps, key=lambda name: -float(self.ranking.data[name].mean())):
            for measure, of in self.effects.items():
                mean, low, high = (float(x) for x in mean_interval(of[id]))
                unit = OBJECTIVES[self.objective][1] if measure == "objective" else TOTALS[measure]
                step = self.steps[id]
                rows.append(
                    {
                        "programme": id,
                        "stage": first_stage(self.records[id]),
                        "measure": self.objective if measure == "objective" else measure,
                        "mean": mean,
                        "low": low,
                        "high": high,
                        "unit": f"{unit} for the next {self.amount:,} won",
                        "replicates": of[id].size,
                        "step_won": step.won,
                        "difference": "central" if step.central else "forward",
                        "extra_places": self.places[id],
                        "binds": self.binds[id],
                        "binds_by_record": self.records[id].binds,
                        "chance_best": self.ranking.chance[id],
                    }
                )
        return pd.DataFrame(rows)

    def sentence(self) -> str:
        """What the ranking says, in one sentence."""
        rank, n = self.ranking, max(x.size for x in self.ranking.data.values())
        if rank.sure:
            return (
                f"{rank.best} is best for {self.objective}: {rank.confidence:.0%} sure after {n} replicates"
            )
        need = (
            "no number of replicates would tell"
            if rank.needed is None
            else f"some {rank.needed:,} would be needed"
        )
        return (
            f"which programme is best for {self.objective} cannot be told with {n} replicates "
            f"({rank.best} leads, probability {rank.chance[rank.best]:.0%}); {need} to be {rank.confidence:.0%} sure"
        )


def marginal(
    scenario: Scenario,
    evaluate: Evaluate,
    *,
    objective: str = "net-employment",
    amount: int = AMOUNT,
    step: int | None = None,
    first: int = FIRST,
    most: int = MOST,
) -> Marginal:
    """Effects of the next `amount` won in each programme that may take money (not closed, with a cost a person)."""
    records = records_of(scenario)
    open_to_money = [id for id, one in sorted(records.items()) if not one.closed and one.unit_cost > 0]
    if len(open_to_money) < 2:
        raise InputError("no two programmes can take money: there is nothing to rank")
    years, money = money_years(scenario), scenario.money(records)
    same = with_money(scenario, money)
    base = evaluate([(same, r) for r in range(first)], what="runs, as it is", again=True)
    binds = {id: binding(records[id], base, id, scenario, years) for id in open_to_money}
    steps, variants = {}, {}
    for id in open_to_money:
        won = step_of(records[id], scenario.run.scale, amount, step)
        less = [money[id].get(y, 0) - ceil(won / len(years)) - records[id].fixed_cost for y in years]
        steps[id] = Step(won, binds[id] == "money" and min(less) >= 0)
        variants[id] = (
            shifted(scenario, id, won, years),
            shifted(scenario, id, -won, years) if steps[id].central else same,
        )
    effects: dict[str, dict[str, list[float]]] = {
        name: {id: [] for id in open_to_money} for name in ("objective", *MEASURES)
    }
    more: dict[str, list[float]] = {id: [] for id in open_to_money}

    def sample(names: Sequence[str], replicates: range) -> dict[str, np.ndarray]:
        tasks = [(one, r) for id in names for one in variants[id] for r in replicates]
        found = iter(
            evaluate(tasks, what=f"runs, replicates {replicates.start + 1} to {replicates.stop}", again=False)
        )
        for id in names:
            factor = amount / (steps[id].won * (2 if steps[id].central else 1))
            up, down = ([next(found) for _ in replicates] for _ in range(2))
            for a, b in zip(up, down, strict=True):
                effects["objective"][id].append((score(a, objective) - score(b, objective)) * factor)
                for name in MEASURES:
                    effects[name][id].append((a[name] - b[name]) * factor)
                more[id].append((_enrolled(a, id) - _enrolled(b, id)) * factor)
        return {id: np.array(effects["objective"][id][-len(replicates) :]) for id in names}

    ranking = select(sample, open_to_money, first=first, most=most, seed=scenario.run.seed)
    places = {id: float(np.mean(x)) for id, x in more.items()}
    for id in open_to_money:
        taken = places[id] * records[id].unit_cost >= TAKEN * amount
        binds[id] = binding(records[id], base, id, scenario, years, taken)
    return Marginal(
        amount,
        objective,
        tuple(years),
        ranking,
        steps,
        binds,
        {name: {id: np.array(x) for id, x in of.items()} for name, of in effects.items()},
        places,
        records,
    )


def _enrolled(measures: Measures, id: str) -> int:
    return sum(measures["programmes"].get(id, {}).get("enrolled", [0]))


# --------------------------------------------------------------------------------------------- the command


def marginal_command(
    scenario: Scenario,
    *,
    objective: str = "net-employment",
    amount: int = AMOUNT,
    step: int | None = None,
    first: int = FIRST,
    most: int = MOST,
    out: Path | None = None,
    jobs: int = 1,
    json: bool = False,
    quiet: bool = False,
    force: bool = False,
) -> None:
    """`laborshift marginal`: run the differences, keep the folder, print table 15 or one JSON object."""
    from sim.runner import say_if_compiling

    asked = prepared(scenario, objective, amount, step, first, most)
    say_if_compiling(quiet=quiet or json)
    told, folder = marginal_into(
        asked,
        objective=objective,
        amount=amount,
        step=step,
        first=first,
        most=most,
        out=out,
        jobs=jobs,
        force=force,
        progress=not (quiet or json),
    )
    if json:
        print(_text(told | {"folder": str(folder)}))
    elif not quiet:
        from sim.evaluation.answers import console

        show(told, console())
        console().print(f"results: {folder}", highlight=False, soft_wrap=True)


def prepared(
    scenario: Scenario, objective: str, amount: int, step: int | None, first: int, most: int
) -> Scenario:
    """The scenario as it is run; InputError for options that make no sense."""
    require_objective(objective)
    for key, won in (("--amount", amount), ("--step", step)):
        if won is not None and won <= 0:
            raise InputError(f"{won:,} won", key=key, allowed="more than 0 won")
    if first < 2:
        raise InputError(f"{first} has no interval", key="--replicates", allowed="2 or more")
    if most < first:
        raise InputError(
            f"{most} is less than --replicates", key="--max-replicates", allowed=f"{first} or more"
        )
    return with_horizon(scenario, most)


def marginal_into(
    scenario: Scenario,
    *,
    objective: str = "net-employment",
    amount: int = AMOUNT,
    step: int | None = None,
    first: int = FIRST,
    most: int = MOST,
    out: Path | None = None,
    jobs: int = 1,
    force: bool = False,
    progress: bool = False,
) -> tuple[dict[str, Any], Path]:
    """Marginal returns of a scenario that `prepared` made, written to a folder; a finished one is read, unless
    `force`. What is told, and the folder."""
    from sim.evaluation import answers

    started = time.perf_counter()
    words = f"{answers.digest_of(scenario)} {objective} {amount} {step} {first} {most}"
    number = hashlib.sha256(words.encode()).hexdigest()[:8]
    folder = answers.folder_of(f"marginal-{scenario.name}-{objective}", number, out)
    if not force and (known := answers.finished(folder)) is not None:
        return known, folder
    with kept_beside(folder, jobs, progress) as evaluate:
        found = marginal(
            scenario, evaluate, objective=objective, amount=amount, step=step, first=first, most=most
        )
        table = found.frame()
        told = {
            "question": f"the next {amount:,} won in each programme of {scenario.name}",
            "scenario": scenario.name,
            "objective": objective,
            "definition": OBJECTIVES[objective][0],
            "amount": amount,
            "years": list(found.years),
            "months": scenario.run.months,
            "scale": scenario.run.scale,
            "best": found.ranking.best,
            "sure": found.ranking.sure,
            "confidence": found.ranking.confidence,
            "looks": list(found.ranking.looks),
            "replicates_needed": found.ranking.needed,
            "sentence": found.sentence(),
            "marginal": answers.rows(table),
        }
        answers.write(
            folder,
            told,
            {"marginal": table},
            [scenario],
            evaluate,
            seconds=time.perf_counter() - started,
            figures={"marginal": picture(told)},
        )
    return told, folder


def _text(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False)


def show(told: Mapping[str, Any], console: Console) -> None:
    """Print table 15 and its sentence."""
    from sim.evaluation.answers import number, printed

    lines = []
    unit = next(row["unit"] for row in told["marginal"] if row["measure"] == told["objective"])
    divisor = 1e9 if told["objective"] == "fiscal" else 1.0
    for row in told["marginal"]:
        if row["measure"] != told["objective"]:
            continue
        ends = f"{number(row['low'], divisor)} to {number(row['high'], divisor)}"
        lines.append(
            (
                row["programme"],
                row["stage"],
                number(row["mean"], divisor),
                ends,
                number(row["extra_places"]),
                row["binds"],
                f"{row['chance_best']:.0%}",
                f"{row['step_won'] / 1e9:,.0f}",
                row["difference"],
                str(row["replicates"]),
            )
        )
    header = (
        *("programme", "stage", "effect", "90%", "more places", "binds", "best?"),
        *("step, bn won", "difference", "n"),
    )
    title = f"{told['scenario']}: {told['definition']}, {'billion ' if divisor > 1 else ''}{unit}"
    caption = (
        f"{told['months']} months, {told['scale']:,} people an agent; over the money of "
        f"{told['years'][0]} to {told['years'][-1]}; best?: probability of being the best"
    )
    console.print(printed(title, header, lines, caption))
    console.print(told["sentence"], highlight=False, soft_wrap=True)


def picture(told: Mapping[str, Any], lang: str = "en", labels: Mapping[str, str] | None = None) -> Figure:
    """The effect of the next won in each programme, with its interval and what binds there.

    labels: how programmes, constraints, the objective and its unit are called, by id.
    """
    from sim.drawing import BLACK, BLUE, SMALL, SPACING, WIDE, heading, numbers, panels, short, style, wrapped

    rows = [row for row in told["marginal"] if row["measure"] == told["objective"]][::-1]
    with style(lang) as say:
        called = lambda id: (labels or {}).get(id, say(id))  # noqa: E731
        figure, axes = panels(1, 1, (WIDE, 0.36 * len(rows) + 1.6))
        ax = axes[0][0]
        for place, row in enumerate(rows):
            mean, low, high = (
                float("nan") if row[end] is None else row[end] for end in ("mean", "low", "high")
            )
            ax.hlines(place, low, high, color=BLUE, linewidth=1.6)
            money = row["binds"] == "money"
            ax.plot(mean, place, "o", color=BLUE, markerfacecolor=BLUE if money else "white", markersize=7)
            at: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center", "fontsize": SMALL}
            ax.text(1.02, place, called(row["binds"]), **at)
        ax.text(
            1.02, len(rows), say("binds"), transform=ax.get_yaxis_transform(), va="center", fontweight="bold"
        )
        ax.axvline(0.0, color=BLACK, linewidth=0.9)
        names = [wrapped(called(row["programme"]), 36) for row in rows]
        ax.set_yticks(range(len(rows)), names, fontsize=SMALL, linespacing=SPACING)
        ax.set_ylim(-0.6, len(rows) - 0.4)
        ax.xaxis.set_major_formatter(numbers(say))
        ax.grid(visible=False, axis="y")
        units = str(rows[0]["unit"]).split(" for ")[0] if rows else ""
        ax.set_xlabel(f"{called(told['objective'])} ({called(units)})")
        title = say("next won").format(
            amount=short(float(told["amount"]), lang), name=called(told["scenario"])
        )
        heading(figure, title, say("next won note"))
    return figure


__all__ = [
    "AMOUNT",
    "FIRST",
    "MOST",
    "Marginal",
    "Ranking",
    "Step",
    "binding",
    "chances",
    "looks_at",
    "marginal",
    "marginal_command",
    "marginal_into",
    "needed_for",
    "picture",
    "prepared",
    "seats_over",
    "select",
    "shifted",
    "show",
    "step_of",
]
