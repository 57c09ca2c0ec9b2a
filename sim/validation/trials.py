"""Published effects of training and AI against trials inside the model: `trials.csv`, twenty targets.

A trial is a scenario of `scenarios/validation/` with one course in 2026 against the same years without it, in pairs with
common random numbers. The effect on those it trains is that of `sim.evaluation.effects` (same person, with and without
the course). Horizons of the meta-analysis count from the planned end of a course, lock-in from its start. A line of the
file that gives an id alone is a target of `calibration/targets.csv`.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sim.estimation import targets as published_targets
from sim.evaluation.compare import effects_of, paired_runs
from sim.evaluation.effects import ACCOUNTS, PairSums
from sim.jobs import bar, side_by_side
from sim.scenario import Scenario, load
from sim.validation.people import Found, Sums, Trials, measure
from sim.validation.rows import UNTESTED, Row, status_of

FILE = Path(__file__).with_name("trials.csv")
COLUMNS = ("target", "id", "label", "label_ko", "unit", "published", "low", "high", "source", "note")
FULL, FAST = (100, 6), (500, 3)
"""People per agent, replicates."""
COURSES = {"six-months": 6, "four-weeks": 1, "twelve-months": 12, "card": 2}
"""Trials of the unemployed, and months that their courses last."""
PROFILE = (3, 6, 12, 24, 36, 48, 60)
SLACK = {"weak": 2.0, "strong": 0.5}
"""Times as many of the inactive as in the tables start to look for work."""
SEARCHES = "level_start_looking"
YEAR = 12

__all__ = ["COURSES", "FILE", "Fact", "direct", "displaced", "facts", "pooled", "rows", "windows"]

Replicates = list[Sums]


class Fact(NamedTuple):
    """A line of the file: the target (1 to 20) it belongs to, the published figure, and where the model passes."""

    target: int
    id: str
    label: str
    label_ko: str
    unit: str
    published: float | None
    low: float | None
    high: float | None
    source: str
    note: str


@lru_cache
def facts() -> tuple[Fact, ...]:
    """The lines of the file, in its order; those that give an id alone are filled in from the estimation's targets."""
    shared = published_targets.load()
    with FILE.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))

    def number(text: str) -> float | None:
        return float(text) if text else None

    out = []
    for line in lines:
        if (known := shared.get(line["id"])) is not None:
            low, high = known.interval
            told = (known.label, known.label_ko, known.unit, known.value, low, high, known.source, known.note)
        else:
            ends = (number(line[name]) for name in ("published", "low", "high"))
            told = (line["label"], line["label_ko"], line["unit"], *ends, line["source"], line["note"])
        out.append(Fact(int(line["target"]), line["id"], *told))
    return tuple(out)


def rows(fast: bool = False, jobs: int = 1, progress: bool = False, scale: int | None = None) -> list[Row]:
    """Rows of group `training`: all lines of the file but the moments of a plain run, which `held_out` answers.

    scale: people per agent, instead of 100 (500 when fast).
    """
    people, replicates = FAST if fast else FULL
    run = {"scale": scale or people, "replicates": replicates}
    found: dict[str, Replicates] = {}
    found |= _courses(run, jobs, progress)
    found |= _vouchers(run, jobs, progress)
    found |= _adoption(run, jobs, progress)
    found |= _people(run, jobs, progress)
    numbers = {id: pooled(sums) for id, sums in found.items()}
    numbers |= _displacement(run, jobs, progress)
    return [_row(fact, *numbers.get(fact.id, (None, None))) for fact in facts() if not _moment(fact.id)]


def _moment(id: str) -> bool:
    """Whether a plain run answers the line: `sim.validation.held_out` does."""
    return id.startswith("kdt_") or id in ("ai_time_saved_all", "ai_productivity")


def _row(fact: Fact, value: float | None, error: float | None) -> Row:
    status = status_of(value, error, fact.low, fact.high)
    if status == UNTESTED:
        value = error = None
    return Row(
        *(fact.id, "training", fact.label, fact.label_ko, fact.unit, value, error, fact.published),
        *(fact.low, fact.high, status, fact.source, fact.note),
    )


def pooled(sums: Sequence[Sums]) -> tuple[float, float | None]:
    """Ratio of sums over replicates, and its standard error from the residuals (Cochran 1977, section 2.11); NaN where
    nobody is in the denominator, no error from one replicate."""
    top, bottom = np.array(sums, dtype=np.float64).T
    if bottom.sum() == 0.0:
        return math.nan, None
    ratio = float(top.sum() / bottom.sum())
    if top.size < 2:
        return ratio, None
    residual = top - ratio * bottom
    return ratio, float(residual.std(ddof=1) / math.sqrt(top.size) / abs(bottom.mean()))


# ------------------------------------------------------------------------------------------- paired trials


def direct(pair: PairSums, first: int, last: int) -> Sums:
    """Effect on the employment of the trained, person-months, and the person-months, from month `first` to before
    month `last` of each person's own start."""
    known, gross, anyway = pair.since[first:last, 0].sum(axis=0)
    return float(gross - anyway), float(known)


def displaced(pair: PairSums, first: int, last: int) -> Sums:
    """Work lost by everybody else, net of gains, and the direct effect, person-months of the run's months."""
    heads = dict(zip(ACCOUNTS, pair.heads[first:last, 0].sum(axis=0), strict=True))
    return float(heads["losses"] - heads["gains"]), float(heads["gross"] - heads["deadweight"])


def windows(pairs: dict[str, list[PairSums]]) -> dict[str, Replicates]:
    """What the rows ask of the trials of the unemployed: course -> one pair a replicate."""

    def of(course: str, first: int, last: int) -> Replicates:
        return [direct(pair, first, last) for pair in pairs[course]]

    six, end = "six-months", COURSES["six-months"]
    year_5, year_3 = of(six, 48, 60), of(six, 24, 36)
    return {
        "effect_under_1_year": of(six, end, end + 12),
        "effect_1_2_years": of(six, end + 12, end + 24),
        "effect_over_2_years": of(six, end + 24, end + 48),
        "effect_12_months_korea": of("card", 11, 14),
        "voucher_first_year": of("twelve-months", 0, 12),
        "voucher_years_2_4": of("twelve-months", 12, 48),
        "six_months_first_year": of(six, 0, 12),
        "six_months_second_year": of(six, 12, 24),
        "four_weeks_first_year": of("four-weeks", 0, 12),
        "four_weeks_second_year": of("four-weeks", 12, 24),
        "broad_training_30_months": of("card", 27, 34),
        "fade_out": [(late, early * n / m) for (late, n), (early, m) in zip(year_5, year_3, strict=True)],
        "displacement_training": [displaced(pair, 0, 12) for pair in pairs[six]],
    }


def _courses(run: dict[str, int], jobs: int, progress: bool) -> dict[str, Replicates]:
    base, *others = [_trial(name, run) for name in ("none", *COURSES)]
    _, pairs = paired_runs([base, *others], jobs=jobs, progress=progress)
    return windows(dict(zip(COURSES, pairs, strict=True)))


def _trial(name: str, run: dict[str, int], called: str = "", **world: float) -> Scenario:
    """The scenario of a trial with run settings and, under another name, a changed world."""
    sets = [f"world.{key}={value}" for key, value in world.items()]
    asked = load(f"validation/trial-{name}", overrides=sets).with_run(**run)
    return asked.model_copy(update={"name": f"{name}-{called}"}) if called else asked


def _vouchers(run: dict[str, int], jobs: int, progress: bool) -> dict[str, Replicates]:
    """Part of the gain of AI skill that is lost because those who would have trained anyway take the vouchers."""
    short = run | {"months": 15}
    free = load("validation/trial-voucher", overrides=["policy.programmes.trial.crowd_out=0.0"])
    asked = [
        _trial("none", short),
        _trial("voucher", short),
        free.with_run(**short).model_copy(update={"name": "free"}),
    ]
    effects = effects_of(asked, *paired_runs(asked, jobs=jobs, progress=progress))
    none, crowded, whole = effects.results.market.sums["skill"].sum("month").values.astype(np.float64)
    return {"voucher_crowding": [*zip(whole - crowded, whole - none, strict=True)]}


def _adoption(run: dict[str, int], jobs: int, progress: bool) -> dict[str, Replicates]:
    """Mean pay in the second year of adoption against that with adoption frozen."""
    two_years = run | {"months": 24}
    frozen = load("validation/trial-none", overrides=["world.adoption_frozen=true"]).with_run(**two_years)
    asked = [frozen.model_copy(update={"name": "frozen"}), _trial("none", two_years)]
    effects = effects_of(asked, *paired_runs(asked, jobs=jobs, progress=progress))
    still, moving = effects.results.market["mean_pay"].values[:, :, YEAR:].sum(axis=2)
    return {"ai_pay_24_months": [*zip(moving - still, still, strict=True)]}


def _displacement(
    run: dict[str, int], jobs: int, progress: bool
) -> dict[str, tuple[float | None, float | None]]:
    """Displacement share over months 13 to 48, and how much more of it there is when many look for work."""
    four_years = run | {"months": 48}
    shares = {}
    for called, level in {"usual": 1.0, **SLACK}.items():
        asked = [_trial(name, four_years, called, **{SEARCHES: level}) for name in ("none", "six-months")]
        _, (pairs,) = paired_runs(asked, jobs=jobs, progress=progress)
        shares[called] = _share([displaced(pair, YEAR, 48) for pair in pairs])
    out = {"displacement_share": shares["usual"]}
    weak, strong = shares["weak"], shares["strong"]
    if weak[0] is not None and strong[0] is not None:
        out["displacement_slack"] = weak[0] - strong[0], math.hypot(weak[1] or 0.0, strong[1] or 0.0)
    return out


def _share(sums: Replicates) -> tuple[float | None, float | None]:
    """A share of a direct effect that is not above zero says nothing: then there is no number."""
    gain = np.array([bottom for _, bottom in sums])
    error = gain.std(ddof=1) / math.sqrt(gain.size) if gain.size > 1 else 0.0
    return pooled(sums) if gain.mean() > 2.0 * error else (None, None)


def _people(run: dict[str, int], jobs: int, progress: bool) -> dict[str, Replicates]:
    """Where pay, skill or firms count (`sim.validation.people`), one replicate a process."""
    free = load("validation/trial-voucher", overrides=["policy.programmes.trial.crowd_out=0.0"])
    trials = Trials(*(_trial(name, run) for name in ("none", "sector")), free.with_run(**run), _trial("firms", run))
    calls = [(trials, r) for r in range(run["replicates"])]
    with bar(len(calls), "replicates", progress) as tick:
        done: Iterator[Found] | list[Found]
        done = side_by_side(measure, calls, jobs, tick) if jobs > 1 else [_ticked(tick, *c) for c in calls]
    found: dict[str, Replicates] = {}
    for one in done:
        for id, sums in one.items():
            found.setdefault(id, []).append(sums)
    return found


def _ticked(tick, trials: Trials, replicate: int) -> Found:  # type: ignore[no-untyped-def]
    found = measure(trials, replicate)
    tick(1)
    return found
