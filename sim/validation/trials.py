"""Published effects of training and AI against trials inside the model: `trials.csv`, twenty targets.

A trial is a scenario of `scenarios/validation/` with one course in 2026 against the same years without it, in pairs
with common random numbers. The effect on those it trains is that of `sim.evaluation.effects`: the same person, with and
without the course. Horizons of the meta-analysis count from the planned end of a course, as it counts them; lock-in
counts from its start. A line of the file without a label is a target of `calibration/targets.csv`.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sim.estimation import targets as published_targets
from sim.evaluation.compare import effects_of, paired_runs
from sim.evaluation.effects import ACCOUNTS, PairSums
from sim.jobs import bar, side_by_side
from sim.scenario import Scenario, load
from sim.validation.people import Sums, Trials, measure
from sim.validation.rows import UNTESTED, Row, status_of

FILE = Path(__file__).with_name("trials.csv")
COLUMNS = ("target", "id", "label", "label_ko", "unit", "published", "low", "high", "rule", "source", "note")
FULL, FAST = (100, 6), (1000, 4)
"""People per agent, replicates."""
COURSES = {"six-months": 6, "four-weeks": 1, "twelve-months": 12, "card": 2}
"""Trials of the unemployed, and months that their courses last."""
SLACK = {"weak": 2.0, "strong": 0.5}
"""Times as many of the inactive as in the tables start to look for work."""
SEARCHES = "level_start_looking"
YEAR = 12

__all__ = ["COURSES", "FILE", "Fact", "direct", "displaced", "facts", "pooled", "rows", "windows"]

SHARES = ("fade_out", "displacement_share", *SLACK)
VALUED = {"score_certificate": 5.0, "score_skill": 5.0, "ai_post_share": 1.0}
SEEN, MORE = (8, 24), 2
"""Months of the run over which displacement is added up: from eight months on, while the effect lasts; and how many
times the replicates it takes, as what all others lose or gain is much noisier than what the trained gain."""

Replicates = list[Sums]
Number = tuple[float | None, float | None]


class Fact(NamedTuple):
    """A line of the file: the target (1 to 20) it belongs to, the published figure, and where the model passes: within
    two of its errors of the range, or (rule `sign`: an effect that the study shows) inside it by two errors."""

    target: int
    id: str
    label: str
    label_ko: str
    unit: str
    published: float | None
    low: float | None
    high: float | None
    rule: str
    source: str
    note: str


@lru_cache
def facts() -> tuple[Fact, ...]:
    """The lines of the file, in its order; those without a label are filled in from the estimation's targets."""
    shared = published_targets.load()
    with FILE.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))

    def number(text: str) -> float | None:
        return float(text) if text else None

    out = []
    for line in lines:
        published: float | None
        low: float | None
        high: float | None
        if (known := shared.get(line["id"])) is not None:
            line |= {name: getattr(known, name) for name in ("label", "label_ko", "unit", "source")}
            line["rule"] = "range"
            line["note"] = "; ".join(note for note in (known.note, line["note"]) if note)
            published, low, high = known.value, *known.interval
        else:
            published, low, high = (number(line[name]) for name in ("published", "low", "high"))
        words = (line["label"], line["label_ko"], line["unit"])
        out.append(
            Fact(
                int(line["target"]),
                line["id"],
                *words,
                published,
                low,
                high,
                line["rule"],
                line["source"],
                line["note"],
            )
        )
    return tuple(out)


def rows(fast: bool = False, jobs: int = 1, progress: bool = False, scale: int | None = None) -> list[Row]:
    """Rows of group `training`: all lines of the file but the moments of a plain run, which `held_out` answers.

    scale: people per agent, instead of 100 (1,000 when fast).
    """
    people, replicates = FAST if fast else FULL
    run = {"scale": scale or people, "replicates": replicates}
    found: dict[str, Replicates] = {}
    blocks = (_courses, _displacement, _people, _vouchers, _adoption)
    if (
        fast and jobs > 1
    ):  # a process takes longer to be ready than a coarse trial takes: a block of them each
        with bar(len(blocks), "trials", progress) as tick:
            done = side_by_side(_alone, [(block, run) for block in blocks], jobs, tick)
    else:
        done = [block(run, jobs, progress) for block in blocks]
    for one in done:
        found |= one
    numbers = {id: share(sums) if id in SHARES else pooled(sums) for id, sums in found.items()}
    numbers["displacement_slack"] = less(numbers.pop("weak"), numbers.pop("strong"))
    return [_row(fact, *numbers.get(fact.id, (None, None))) for fact in facts() if not _moment(fact.id)]


def _alone(block: Callable[..., dict[str, Replicates]], run: dict[str, int]) -> dict[str, Replicates]:
    return block(run, 1, False)


def _moment(id: str) -> bool:
    """Whether a plain run answers the line: `sim.validation.held_out` does."""
    return id.startswith("kdt_") or id in ("ai_time_saved_all", "ai_productivity")


def _row(fact: Fact, value: float | None, error: float | None) -> Row:
    reach = error or 0.0
    status = status_of(value, -reach if fact.rule == "sign" else reach, fact.low, fact.high)
    if status == UNTESTED:
        value = error = None
    return Row(
        id=fact.id,
        group="training",
        label=fact.label,
        label_ko=fact.label_ko,
        unit=fact.unit,
        value=value,
        error=error,
        published=fact.published,
        low=fact.low,
        high=fact.high,
        status=status,
        source=fact.source,
        note=fact.note,
    )


def pooled(sums: Sequence[Sums]) -> Number:
    """Ratio of sums over replicates, and its standard error from the residuals (Cochran 1977, section 2.11); NaN where
    nobody is in the denominator, no error from one replicate."""
    top, bottom = np.array(sums, dtype=np.float64).T
    if bottom.sum() == 0.0:
        return math.nan, None
    ratio = round(float(top.sum() / bottom.sum()), 12)
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


def trained(pair: PairSums, first: int, last: int) -> float:
    """Person-months, in or after their course, of those it trains, in the run's months."""
    return float(pair.heads[first:last, 0, ACCOUNTS.index("trained")].sum())


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
        "displacement_training": [(displaced(pair, 0, 12)[0], trained(pair, 0, 12)) for pair in pairs[six]],
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


def _displacement(run: dict[str, int], jobs: int, progress: bool) -> dict[str, Replicates]:
    """Who pays for a course that employers value, as the world is, and where more and fewer look for work."""
    two_years = run | {"months": SEEN[1], "replicates": MORE * run["replicates"]}
    found = {}
    for called, level in {"displacement_share": 1.0, **SLACK}.items():
        world = VALUED | {SEARCHES: level}
        asked = [_trial(name, two_years, called, **world) for name in ("none", "valued")]
        _, (pairs,) = paired_runs(asked, jobs=jobs, progress=progress)
        found[called] = [displaced(pair, *SEEN) for pair in pairs]
    return found


def share(sums: Replicates) -> Number:
    """As `pooled`, but a share of an effect that is not above zero by two errors says nothing: there is no number."""
    gain = np.array([bottom for _, bottom in sums])
    error = gain.std(ddof=1) / math.sqrt(gain.size) if gain.size > 1 else 0.0
    return pooled(sums) if gain.mean() > 2.0 * error else (None, None)


def less(one: Number, other: Number) -> Number:
    """The difference of two numbers with independent errors; none where one of them is missing."""
    if one[0] is None or other[0] is None:
        return None, None
    return one[0] - other[0], math.hypot(one[1] or 0.0, other[1] or 0.0)


def _people(run: dict[str, int], jobs: int, progress: bool) -> dict[str, Replicates]:
    """Where pay, skill or firms count (`sim.validation.people`), one replicate a process."""
    free = load("validation/trial-voucher", overrides=["policy.programmes.trial.crowd_out=0.0"])
    trials = Trials(_trial("none", run), _trial("sector", run), free.with_run(**run), _trial("firms", run))
    calls = [(trials, r) for r in range(run["replicates"])]
    with bar(len(calls), "replicates", progress) as tick:
        done = side_by_side(measure, calls, jobs, tick) if jobs > 1 else [measure(*call) for call in calls]
    found: dict[str, Replicates] = {}
    for one in done:
        for id, sums in one.items():
            found.setdefault(id, []).append(sums)
    return found
