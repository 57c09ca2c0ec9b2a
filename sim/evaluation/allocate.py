"""The best split of an envelope of new money over stages or programmes, and whether it beats the published one.

The envelope is the new money of a scenario. A split is a share for each group; within a group the money is divided as
the scenario divides it, as far as places allow, the rest by the room that is left. Seats, centres and firms grow or
shrink with a programme's money, up to `growth` times; applicants, instructors and ramp-up are as the model has them.

The search sees some replicates, each with a draw of the posterior of its own; what it finds is judged on replicates and
draws that it has not seen, against the published split, on the same draws. A split that wins in the search and not
there has only been lucky, which is then said.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.errors import InputError
from sim.evaluation.optimise import Region, Surface, maximise, top
from sim.evaluation.variants import (
    AFTERWARDS,
    OBJECTIVES,
    Evaluate,
    grouped,
    kept_beside,
    records_of,
    require_objective,
    score,
    with_horizon,
)
from sim.intervals import mean_interval
from sim.parameters import PARAMETERS
from sim.records import Override, Programme, validated
from sim.scenario import Policy, Scenario
from sim.uncertainty import SEED, draw_of, ensemble

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

GROWTH = 3.0
"""Most that a programme's places may be of those it has now (assumption)."""
FLOOR = 0.5
"""Part of its published money that every group keeps: minimum service (assumption)."""
PARETO_WEIGHTS = (1.0, 0.75, 0.5, 0.25, 0.0)
STAYS = 1e-3
"""Largest change of a share that counts as none."""
WORST = 0.10
PSI = (0.05, 0.95)
"""Quantiles of the posterior's job creation, low and high; of its range where nothing is drawn."""
SCALED = ("seats", "firms_a_year", "fixed_cost")


@dataclass(frozen=True)
class Effort:
    """How much is run. evaluations: splits of the search; replicates: runs of each; held_out: fresh replicates of the
    published and the found split; psi: those of each at low and at high job creation."""

    scale: int
    evaluations: int
    replicates: int
    held_out: int
    psi: int


DEFAULT = Effort(scale=200, evaluations=24, replicates=10, held_out=40, psi=8)
QUICK = Effort(scale=1000, evaluations=8, replicates=2, held_out=4, psi=2)
COMPARED = 8  # replicates of the scenario file of a split
EVERY_REPLICATE = 9_999
"""Number of replicates that scenarios state: odd, so that each has a draw of its own."""


def effort(quick: bool = False, **asked: int | None) -> Effort:
    """`DEFAULT`, or `QUICK`, with what was asked for instead."""
    return replace(QUICK if quick else DEFAULT, **{name: n for name, n in asked.items() if n is not None})


@dataclass(frozen=True)
class Envelope:
    """What is to be split. groups: programmes by group; published: won by programme of the scenario's own envelope;
    factor: the envelope over the scenario's."""

    asked: Scenario
    records: Mapping[str, Programme]
    groups: Mapping[str, tuple[str, ...]]
    published_won: Mapping[str, float]
    factor: float
    growth: float
    floor: float

    @classmethod
    def of(
        cls,
        scenario: Scenario,
        *,
        by: str = "stage",
        budget: int | None = None,
        growth: float = GROWTH,
        floor: float = FLOOR,
    ) -> Envelope:
        """The envelope of a scenario; budget: won in all years instead of its own.

        InputError when the scenario has no new money, or options make no sense.
        """
        if growth < 1.0:
            raise InputError(f"{growth:g}", key="--growth", allowed="1 or more")
        if not 0.0 <= floor <= 1.0:
            raise InputError(f"{floor:g}", key="--floor", allowed="a share from 0 to 1")
        records = records_of(scenario)
        own = sum(scenario.policy.budget.get(year, 0) for year in scenario.years)
        if own <= 0:
            problem = f"{scenario.name} has no new money to split"
            raise InputError(
                problem, key="policy.budget", allowed="a scenario with new money, such as roadmap"
            )
        if budget is not None and budget <= 0:
            raise InputError(f"{budget:,} won", key="--budget", allowed="more than 0 won")
        shares = scenario.shares(records)
        closed = {id for id, one in scenario.policy.programmes.items() if one.budget is not None}
        ids = [
            id
            for id, one in records.items()
            if not one.closed and id not in closed and (shares[id] > 0 or (one.plan and _room(one, 1.0) > 0))
        ]
        groups = grouped(records, ids, by)
        if len(groups) < 2:
            raise InputError("there is one group only, so there is nothing to split", key="--by")
        years = sum(1 for year in scenario.years if scenario.policy.budget.get(year, 0))
        won = {id: shares[id] * own / years for id in ids}
        return cls(scenario, records, groups, won, (budget or own) / own, growth, floor)

    @property
    def won(self) -> float:
        """Won a year, mean of the years with money."""
        return self.factor * sum(self.published_won.values()) / max(self.allocated, 1e-12)

    @property
    def allocated(self) -> float:
        """Part of the scenario's new money that goes to programmes here."""
        shares = self.asked.shares(self.records)
        return float(sum(shares[id] for id in self.published_won))

    @cached_property
    def caps(self) -> dict[str, float]:
        """Most new money a year that a programme's places can take, won."""
        return {id: self._cap(id) for id in self.published_won}

    def _cap(self, id: str) -> float:
        record, now = self.records[id], self.published_won[id]
        kept = record.base_money(self.asked.run.start.year) * self.asked.policy.continuing
        places = (record.seats or 0) * record.unit_cost + (record.fixed_cost if record.seats else 0)
        return max(now, self.growth * max(now, places, kept) - kept)

    @cached_property
    def published(self) -> np.ndarray:
        """The scenario's own split as shares (K,) of the envelope, brought into the region."""
        shares = np.array([sum(self.published_won[id] for id in ids) for ids in self.groups.values()])
        return self.region.nearest(shares / shares.sum() * self.region.total)

    @cached_property
    def region(self) -> Region:
        """Shares that are allowed: from `floor` times the published share up to what places can take; all money that
        can be used is."""
        shares = np.array([sum(self.published_won[id] for id in ids) for ids in self.groups.values()])
        shares = shares / shares.sum()
        upper = np.array([sum(self.caps[id] for id in ids) for ids in self.groups.values()]) / self.won
        upper = np.minimum(upper, 1.0)
        lower, total = np.minimum(self.floor * shares, upper), min(1.0, float(upper.sum()))
        most, least = total - (lower.sum() - lower), total - (upper.sum() - upper)  # what the others leave
        return Region(np.maximum(lower, least), np.minimum(upper, most), total)

    def by_programme(self, split: np.ndarray) -> dict[str, float]:
        """Won a year by programme of a split (K,): within a group as published up to the caps, the rest by room."""
        found: dict[str, float] = {}
        for share, ids in zip(split, self.groups.values(), strict=True):
            now = np.array([self.published_won[id] for id in ids])
            caps, left = np.array([self.caps[id] for id in ids]), float(share) * self.won
            weight = now / now.sum() if now.sum() > 0 else caps / caps.sum()
            part = np.minimum(caps, weight * left)
            for _ in range(len(ids)):
                over = left - part.sum()
                live = (part < caps * (1 - 1e-12)) & (weight > 0)
                if over <= 1e-6 or not live.any():
                    break
                part = np.minimum(caps, part + over * weight * live / (weight * live).sum())
            room = caps - part
            if (over := left - part.sum()) > 1e-6 and room.sum() > 0:
                part = part + room * min(1.0, over / room.sum())
            found |= dict(zip(ids, part.tolist(), strict=True))
        return found

    def scenario(self, split: np.ndarray, name: str = "split") -> Scenario:
        """The scenario with a split (K,): shares of the new money, and places that follow the money."""
        return self._with(self.changes(split), name)

    def changes(self, split: np.ndarray) -> dict[str, dict[str, Any]]:
        """What the split changes of each programme: its share, and seats, firms and fixed cost in the proportion of
        its money (with what goes on, where places are paid by both)."""
        won, found = self.by_programme(split), {}
        for id, now in self.published_won.items():
            record, new = self.records[id], won[id]
            kept = record.base_money(self.asked.run.start.year) * self.asked.policy.continuing
            ratio = (kept + new) / (kept + now) if kept + now > 0 else 1.0
            scaled: dict[str, Any] = {"share": min(1.0, round(new / self.won, 9))}
            if abs(ratio - 1.0) > 1e-9:
                names = [*SCALED, *(("persons_2026",) if record.kind == "instructors" else ())]
                scaled |= {key: round(value * ratio) for key in names if (value := getattr(record, key))}
            found[id] = scaled
        over = sum(one["share"] for one in found.values()) - 1.0
        if over > 0:  # rounding
            largest = max(found, key=lambda id: float(found[id]["share"]))
            found[largest]["share"] -= over
        return found

    def _with(self, changes: Mapping[str, Mapping[str, Any]], name: str) -> Scenario:
        said = {id: item.model_dump(exclude_unset=True) for id, item in self.asked.policy.programmes.items()}
        overrides = {
            id: validated(Override, said.get(id, {}) | dict(changes.get(id, {})))
            for id in said | dict(changes)
        }
        budget = {year: round(won * self.factor) for year, won in self.asked.policy.budget.items()}
        policy = Policy(budget=budget, continuing=self.asked.policy.continuing, programmes=overrides)
        found = self.asked.model_copy(update={"policy": policy, "name": name})
        found._layers = self.asked._layers
        return found

    def nothing(self) -> Scenario:
        """The scenario without the envelope: what goes on, goes on."""
        policy = Policy(
            continuing=self.asked.policy.continuing,
            programmes={
                id: validated(Override, item.model_dump(exclude_unset=True, exclude={"share"}))
                for id, item in self.asked.policy.programmes.items()
            },
        )
        found = self.asked.model_copy(update={"policy": policy, "name": "no-new-money"})
        found._layers = self.asked._layers
        return found

    def toml(self, split: np.ndarray, note: str) -> str:
        """The split as a complete scenario file, to run and to compare."""
        found = self.scenario(split, f"{self.asked.name}-split").with_run(replicates=COMPARED)
        return f"# {note}\n{found.resolved_toml()}"


def _room(record: Programme, growth: float) -> float:
    return growth * (record.seats or 0) * record.unit_cost


# --------------------------------------------------------------------------------------- search and judgement


@dataclass(frozen=True, eq=False)
class Judged:
    """A split on fresh replicates. scores, against: (H,) by objective, of the split and of the published one."""

    split: np.ndarray
    scores: Mapping[str, np.ndarray]
    against: Mapping[str, np.ndarray]

    def gain(self, objective: str) -> tuple[float, float, float, float]:
        """Mean gain over the published split, the ends of its 90% interval, and its worst decile."""
        d = self.scores[objective] - self.against[objective]
        mean, low, high = (float(x) for x in mean_interval(d))
        return mean, low, high, float(np.quantile(d, WORST))


@dataclass(frozen=True, eq=False)
class Allocation:
    """What was found. splits: of the search (n, K) with their mean scores by objective; front: judged splits by
    weight of the objective, the found one first; psi: judged at low and high job creation."""

    envelope: Envelope
    objective: str
    other: str | None
    found: Judged
    front: tuple[tuple[float, Judged], ...]
    psi: Mapping[str, tuple[float, Judged]]
    nothing: Mapping[str, np.ndarray]
    splits: np.ndarray
    values: Mapping[str, np.ndarray]
    equity_floor: float | None

    def sentence(self) -> str:
        """Whether the split beats the published one where it was not searched."""
        if np.abs(self.found.split - self.envelope.published).max() < STAYS:
            return "The search found no split that can be told from the published split: there is nothing to change."
        mean, low, high, _ = self.found.gain(self.objective)
        n, unit = self.found.scores[self.objective].size, OBJECTIVES[self.objective][1]
        told = f"{mean:+,.0f} {unit}, 90% interval {low:,.0f} to {high:,.0f}, {n} fresh replicates"
        if low > 0:
            return f"The split found beats the published split by {mean:,.0f} {unit} ({told})."
        if high < 0:
            return f"The split found is worse than the published split: keep the published one ({told})."
        return f"The split found cannot be told from the published split ({told})."


def allocate(
    envelope: Envelope,
    objective: str,
    evaluate: Evaluate,
    effort: Effort,
    *,
    pareto: str | None = None,
    equity_floor: float | None = None,
) -> Allocation:
    """Search the best split for an objective, or the front of two, and judge it on replicates not searched.

    equity_floor: least gain in `equity` over the published split. Replicates 0, 1, ... are searched; those judged on
    come after, and where parameters are drawn have none of the draws of the search.
    """
    region, start, seed = envelope.region, envelope.published, envelope.asked.run.seed
    names = list(dict.fromkeys([objective, *([pareto] if pareto else []), "equity"]))
    searched = range(effort.replicates)

    def values(x: np.ndarray) -> np.ndarray:
        tasks = [(envelope.scenario(one), r) for one in x for r in searched]
        found = evaluate(tasks, what="runs of the search", again=True)
        scores = np.array([[score(one, name) for name in names] for one in found])
        return np.asarray(scores.reshape(len(x), effort.replicates, len(names)).mean(axis=1))

    def best(x: np.ndarray, y: np.ndarray, weight: float = 1.0) -> np.ndarray:
        return best_split(x, y, names, region, start, weight if pareto else None, equity_floor)

    x_found, x, y = maximise(
        values, region, start, effort.evaluations, seed, lambda x, y: best(x, y, 0.5 if pareto else 1.0)
    )
    candidates = [(w, best(x, y, w)) for w in PARETO_WEIGHTS] if pareto else [(1.0, x_found)]
    fresh = fresh_replicates(envelope.asked, effort.replicates, effort.held_out)
    front = judged(envelope, [one for _, one in candidates], names, fresh, evaluate)
    psi = {
        end: (value, judged(at, [candidates[0][1]], names, fresh[: effort.psi], evaluate)[0])
        for end, value, at in job_creation(envelope)
    }
    nothing = [(envelope.nothing(), r) for r in fresh]
    base = evaluate(nothing, what="runs without the money")
    return Allocation(
        envelope,
        objective,
        pareto,
        front[0],
        tuple((w, one) for (w, _), one in zip(candidates, front, strict=True)),
        psi,
        {name: np.array([score(one, name) for one in base]) for name in names},
        x,
        {name: y[:, k] for k, name in enumerate(names)},
        equity_floor,
    )


def best_split(
    x: np.ndarray,
    y: np.ndarray,
    names: Sequence[str],
    region: Region,
    start: np.ndarray,
    weight: float | None,
    equity_floor: float | None,
) -> np.ndarray:
    """The top of the surface fitted to the splits x (n, K) and their scores y (n, names): of the first, or with a
    weight of the first two, each in its own standard deviations over x; equity not below the start's plus its floor."""
    wanted = y[:, 0]
    if weight is not None:
        unit = y[:, :2].std(axis=0)
        wanted = (y[:, :2] / np.where(unit > 0, unit, 1.0)) @ np.array([weight, 1.0 - weight])
    floor = None
    if equity_floor is not None:
        equity = Surface.fit(x, y[:, list(names).index("equity")], region)
        floor = (equity, equity(start) + equity_floor)
    return top(Surface.fit(x, wanted, region), region, start, floor)


def judged(
    envelope: Envelope,
    splits: Sequence[np.ndarray],
    names: Sequence[str],
    replicates: Sequence[int],
    evaluate: Evaluate,
) -> list[Judged]:
    """Splits against the published one on the same replicates."""
    scenarios = [envelope.scenario(one) for one in (envelope.published, *splits)]
    tasks = [(one, r) for one in scenarios for r in replicates]
    found = evaluate(tasks, what="runs on fresh draws")
    n = len(replicates)
    scores = [
        {name: np.array([score(one, name) for one in found[k * n : (k + 1) * n]]) for name in names}
        for k in range(len(scenarios))
    ]
    return [Judged(split, one, scores[0]) for split, one in zip(splits, scores[1:], strict=True)]


def fresh_replicates(scenario: Scenario, searched: int, number: int) -> list[int]:
    """Numbers of replicates after those searched, with none of their draws of parameters."""
    if scenario.run.uncertainty == SEED:
        return list(range(searched, searched + number))
    seen = {draw_of(scenario, r) for r in range(searched)}
    found: list[int] = []
    for r in range(searched, EVERY_REPLICATE):
        if draw_of(scenario, r) not in seen:
            found.append(r)
        if len(found) == number:
            return found
    raise InputError(
        f"{len(seen)} draws are searched and none is left to judge on",
        key="run.uncertainty",
        allowed="more draws",
    )


def job_creation(envelope: Envelope) -> list[tuple[str, float, Envelope]]:
    """The envelope in worlds with low and with high job creation (psi), and its values; nothing else changes."""
    asked = envelope.asked
    if asked.run.uncertainty == SEED:
        record = PARAMETERS["job_creation"]
        ends = [record.low + q * (record.high - record.low) for q in PSI]
    else:
        draws = ensemble(asked.run.uncertainty)
        if "job_creation" not in draws.names:
            return []
        column = draws.theta[:, draws.names.index("job_creation")]
        order = np.argsort(column)
        ends = np.interp(PSI, np.cumsum(draws.weight[order]), column[order]).tolist()
    found = []
    for end, value in zip(("low", "high"), ends, strict=True):
        world = validated(
            type(asked.world), asked.world.model_dump(exclude_unset=True) | {"job_creation": round(value, 6)}
        )
        moved = asked.model_copy(update={"world": world})
        moved._layers = asked._layers
        kept = {name: getattr(envelope, name) for name in Envelope.__dataclass_fields__}
        found.append((end, round(value, 6), Envelope(**kept | {"asked": moved})))
    return found


# --------------------------------------------------------------------------------------------- the command


def allocate_command(
    scenario: Scenario,
    *,
    objective: str = "net-employment",
    pareto: str | None = None,
    budget: int | None = None,
    by: str = "stage",
    growth: float = GROWTH,
    floor: float = FLOOR,
    equity_floor: float | None = None,
    effort: Effort = DEFAULT,
    out: Path | None = None,
    jobs: int = 1,
    json: bool = False,
    quiet: bool = False,
    force: bool = False,
) -> None:
    """`laborshift allocate`: search, judge, keep the folder, print tables or one JSON object."""
    from sim.runner import say_if_compiling

    envelope = prepared(scenario, objective, pareto, budget, by, growth, floor, effort)
    say_if_compiling(quiet=quiet or json)
    told, folder = allocate_into(
        envelope,
        objective=objective,
        pareto=pareto,
        by=by,
        equity_floor=equity_floor,
        effort=effort,
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
    scenario: Scenario,
    objective: str,
    pareto: str | None,
    budget: int | None,
    by: str,
    growth: float,
    floor: float,
    effort: Effort,
) -> Envelope:
    """The envelope of a scenario run until `AFTERWARDS` months past its last intake. InputError for options that
    make no sense."""
    require_objective(objective)
    if pareto is not None and require_objective(pareto, "--pareto") == objective:
        raise InputError("a front needs two objectives", key="--pareto", allowed="another than --objective")
    for key, number, least in (
        ("--evaluations", effort.evaluations, 2),
        ("--replicates", effort.replicates, 1),
        ("--held-out", effort.held_out, 2),
    ):
        if number < least:
            raise InputError(f"{number} is too few", key=key, allowed=f"{least} or more")
    asked = with_horizon(scenario, EVERY_REPLICATE).with_run(scale=effort.scale, replicates=EVERY_REPLICATE)
    return Envelope.of(asked, by=by, budget=budget, growth=growth, floor=floor)


def allocate_into(
    envelope: Envelope,
    *,
    objective: str,
    pareto: str | None = None,
    by: str = "stage",
    equity_floor: float | None = None,
    effort: Effort = DEFAULT,
    out: Path | None = None,
    jobs: int = 1,
    force: bool = False,
    progress: bool = False,
) -> tuple[dict[str, Any], Path]:
    """Allocate and write the folder; a finished one is read, unless `force`. What is told, and the folder."""
    from sim.evaluation import answers

    started = time.perf_counter()
    asked = envelope.asked
    words = (
        f"{answers.digest_of(asked)} {objective} {pareto} {by} {envelope.factor!r} {envelope.growth!r} "
        f"{envelope.floor!r} {equity_floor!r} {effort}"
    )
    number = hashlib.sha256(words.encode()).hexdigest()[:8]
    folder = answers.folder_of(f"allocation-{asked.name}-{objective}", number, out)
    if not force and (known := answers.finished(folder)) is not None:
        return known, folder
    with kept_beside(folder, jobs, progress) as evaluate:
        found = allocate(envelope, objective, evaluate, effort, pareto=pareto, equity_floor=equity_floor)
        told, tables = reported(found, effort)
        figures = {"allocation": picture(told)} | ({"front": front_picture(told)} if pareto else {})
        note = f"{found.sentence()} Objective: {objective}."
        answers.write(
            folder,
            told,
            tables,
            [asked],
            evaluate,
            seconds=time.perf_counter() - started,
            figures=figures,
            texts={"split.toml": envelope.toml(found.found.split, note)},
        )
    return told, folder


def reported(found: Allocation, effort: Effort) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """What is told of an allocation, and its tables: allocation (won by programme), search, and with two objectives
    the front."""
    envelope, objective, split = found.envelope, found.objective, found.found.split
    before, after = envelope.by_programme(envelope.published), envelope.by_programme(split)
    programmes = pd.DataFrame(
        [
            {
                "group": group,
                "programme": id,
                "published_won_a_year": round(before[id]),
                "found_won_a_year": round(after[id]),
                "most_won_a_year": round(envelope.caps[id]),
            }
            for group, ids in envelope.groups.items()
            for id in ids
        ]
    )
    groups = [
        {"group": g, "published": float(p), "found": float(f), "least": float(low), "most": float(high)}
        for g, p, f, low, high in zip(
            envelope.groups,
            envelope.published,
            split,
            envelope.region.lower,
            envelope.region.upper,
            strict=True,
        )
    ]
    search = pd.DataFrame(found.splits, columns=[f"share_{g}" for g in envelope.groups]).assign(
        **found.values
    )
    tables = {"allocation": programmes, "search": search}
    told: dict[str, Any] = {
        "question": f"the best split of {envelope.won:,.0f} won a year of {envelope.asked.name} for {objective}",
        "scenario": envelope.asked.name,
        "objective": objective,
        "definition": OBJECTIVES[objective][0],
        "unit": OBJECTIVES[objective][1],
        "won_a_year": round(envelope.won),
        "months": envelope.asked.run.months,
        "months_after_last_intake": AFTERWARDS,
        "scale": envelope.asked.run.scale,
        "uncertainty": envelope.asked.run.uncertainty,
        "growth": envelope.growth,
        "floor": envelope.floor,
        "equity_floor": found.equity_floor,
        "evaluations": effort.evaluations,
        "replicates_a_split": effort.replicates,
        "fresh_replicates": effort.held_out,
        "splits": groups,
        "gains": [_gain(found.found, name) for name in found.found.scores],
        "effect_of_money": {
            which: _ends(scores[objective] - found.nothing[objective])
            for which, scores in (("published", found.found.against), ("found", found.found.scores))
        },
        "job_creation": [
            {"job_creation": value, "end": end, **_gain(one, objective)}
            for end, (value, one) in found.psi.items()
        ],
        "sentence": found.sentence(),
        "programmes": programmes.to_dict("records"),
    }
    if found.other:
        rows = [
            {
                "weight": w,
                **{f"share_{g}": float(s) for g, s in zip(envelope.groups, one.split, strict=True)},
                **{
                    f"{name}_{key}": x
                    for name in (objective, found.other)
                    for key, x in _gain(one, name).items()
                    if key != "outcome"
                },
            }
            for w, one in found.front
        ]
        told |= {"other": found.other, "front": _not_dominated(rows, objective, found.other)}
        tables["front"] = pd.DataFrame(told["front"])
    return told, tables


def _gain(one: Judged, name: str) -> dict[str, Any]:
    mean, low, high, worst = one.gain(name)
    return {
        "outcome": name,
        "mean": mean,
        "low": low,
        "high": high,
        "worst_decile": worst,
        "unit": OBJECTIVES[name][1],
    }


def _ends(values: np.ndarray) -> dict[str, float]:
    mean, low, high = (float(x) for x in mean_interval(values))
    return {"mean": mean, "low": low, "high": high, "worst_decile": float(np.quantile(values, WORST))}


def _not_dominated(rows: Sequence[dict[str, Any]], one: str, two: str) -> list[dict[str, Any]]:
    """The rows, marked where no other has more of both on the fresh replicates."""
    a, b = (np.array([row[f"{name}_mean"] for row in rows]) for name in (one, two))
    beaten = [bool(((a >= a[k]) & (b >= b[k]) & ((a > a[k]) | (b > b[k]))).any()) for k in range(len(rows))]
    return [row | {"on_front": not worse} for row, worse in zip(rows, beaten, strict=True)]


def _text(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False)


def show(told: Mapping[str, Any], console: Console) -> None:
    """Print the splits, the gains on fresh replicates, and the sentence."""
    from sim.evaluation.answers import number, printed

    percent = [
        [row["group"], *(f"{100 * row[key]:.1f}%" for key in ("published", "found", "least", "most"))]
        for row in told["splits"]
    ]
    programmes = [
        [
            f"  {row['programme']}",
            *(number(row[key], 1e9) for key in ("published_won_a_year", "found_won_a_year")),
        ]
        for row in told["programmes"]
    ]
    title = (
        f"{told['scenario']}: {told['won_a_year'] / 1e9:,.1f} billion won a year, for {told['definition']}"
    )
    caption = f"places up to {told['growth']:g} times those of today; each group keeps {told['floor']:.0%} of its money"
    console.print(printed(title, ("group", "published", "found", "least", "most"), percent, caption))
    console.print(printed("billion won a year", ("programme", "published", "found"), programmes))
    lines = [["gain, " + row["outcome"], *_cells(row)] for row in told["gains"]]
    lines += [
        [f"gain at job creation {row['job_creation']:.2f} ({row['end']})", *_cells(row)]
        for row in told["job_creation"]
    ]
    lines += [
        [f"{which} split against no new money", *_cells(row | {"unit": told["unit"]})]
        for which, row in told["effect_of_money"].items()
    ]
    caption = (
        f"{told['fresh_replicates']} replicates that the search has not seen, parameters: {told['uncertainty']}; "
        f"{told['months']} months, {told['scale']:,} people an agent"
    )
    header = ("against the published split", "mean", "90%", "worst decile", "unit")
    console.print(printed("On fresh draws", header, lines, caption))
    if "front" in told:
        names = (told["objective"], told["other"])
        rows = [
            [
                f"{row['weight']:.2f}",
                *(f"{100 * row['share_' + one['group']]:.1f}%" for one in told["splits"]),
                *(
                    cell
                    for name in names
                    for cell in _cells(
                        {k: row[f"{name}_{k}"] for k in ("mean", "low", "high", "worst_decile", "unit")}
                    )[:2]
                ),
                "yes" if row["on_front"] else "no",
            ]
            for row in told["front"]
        ]
        header = (
            f"weight of {names[0]}",
            *(one["group"] for one in told["splits"]),
            names[0],
            "90%",
            names[1],
            "90%",
            "on front",
        )
        console.print(printed("Front: gains over the published split", header, rows))
    console.print(told["sentence"], highlight=False, soft_wrap=True)


def _cells(row: Mapping[str, Any]) -> list[str]:
    from sim.evaluation.answers import number

    divisor, unit = (1e9, "billion won") if row["unit"] == "won" else (1.0, row["unit"])
    ends = f"{number(row['low'], divisor)} to {number(row['high'], divisor)}"
    return [number(row["mean"], divisor), ends, number(row["worst_decile"], divisor), unit]


def picture(told: Mapping[str, Any], lang: str = "en", labels: Mapping[str, str] | None = None) -> Figure:
    """Bars of the published and the found split, with the bounds.

    labels: how the scenario, groups and the objective are called, by id.
    """
    from matplotlib.patches import Patch
    from matplotlib.ticker import PercentFormatter

    from sim.drawing import BLACK, BLUE, SMALL, SPACING, WIDE, heading, panels, style, wrapped

    rows = told["splits"][::-1]
    with style(lang) as say:
        called = lambda id: (labels or {}).get(id, say(id))  # noqa: E731
        figure, axes = panels(1, 1, (WIDE, 0.62 * len(rows) + 1.9))
        ax, places = axes[0][0], np.arange(len(rows))
        keys = []
        for n, (key, colour, hatch) in enumerate((("published", "#c4c4c4", ""), ("found", BLUE, "//"))):
            look: dict[str, Any] = {"facecolor": colour, "hatch": hatch, "edgecolor": BLACK, "linewidth": 0.6}
            keys.append(Patch(label=say(key), **look))
            values, at = [row[key] for row in rows], places + (0.5 - n) * 0.34
            ax.barh(at, values, 0.32, **look)
            for y, value in zip(at, values, strict=True):
                ax.text(value, y, f" {value:.1%}", va="center", fontsize=SMALL)
        for k, row in enumerate(rows):
            ends = [row["least"], row["most"]]
            ax.vlines(ends, k - 0.42, k + 0.42, color=BLACK, linewidth=1.2, linestyle=":")
        names = [wrapped(called(row["group"]), 36) for row in rows]
        ax.set_yticks(places, names, fontsize=SMALL if len(rows) > 4 else None, linespacing=SPACING)
        ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        ax.grid(visible=False, axis="y")
        ax.set_xlabel(say("share of envelope"))
        title = say("split").format(name=called(told["scenario"]), objective=called(told["objective"]))
        heading(figure, title, say("split note"), keys)
    return figure


def front_picture(
    told: Mapping[str, Any], lang: str = "en", labels: Mapping[str, str] | None = None
) -> Figure:
    """Gains in both objectives over the published split, with 90% intervals.

    labels: how objectives and units are called, by id.
    """
    from sim.drawing import BLACK, BLUE, GREY, SMALL, WIDE, heading, numbers, panels, style, wrapped

    one, two = told["objective"], told["other"]
    with style(lang) as say:
        called = lambda id: (labels or {}).get(id, say(id))  # noqa: E731
        figure, axes = panels(1, 1, (WIDE, 4.6))
        ax = axes[0][0]
        for row in told["front"]:
            xs, ys = ([row[f"{name}_{key}"] for key in ("mean", "low", "high")] for name in (one, two))
            ax.errorbar(
                xs[0],
                ys[0],
                xerr=[[xs[0] - xs[1]], [xs[2] - xs[0]]],
                yerr=[[ys[0] - ys[1]], [ys[2] - ys[0]]],
                marker="o" if row["on_front"] else "s",
                color=BLUE if row["on_front"] else GREY,
                capsize=2,
            )
            ax.annotate(
                f"{row['weight']:.2f}",
                (xs[0], ys[0]),
                textcoords="offset points",
                xytext=(5, 5),
                fontsize=SMALL,
            )
        ax.axhline(0, color=BLACK, linewidth=0.9)
        ax.axvline(0, color=BLACK, linewidth=0.9)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(numbers(say))
        for name, label in ((one, ax.set_xlabel), (two, ax.set_ylabel)):
            label(wrapped(f"{called(name)} ({called(OBJECTIVES[name][1])})", 42))
        heading(figure, say("front"), say("front note").format(objective=called(one)))
    return figure


__all__ = [
    "DEFAULT",
    "QUICK",
    "Allocation",
    "Effort",
    "Envelope",
    "Judged",
    "allocate",
    "allocate_command",
    "allocate_into",
    "best_split",
    "effort",
    "fresh_replicates",
    "job_creation",
    "judged",
    "picture",
    "prepared",
    "reported",
    "show",
]
