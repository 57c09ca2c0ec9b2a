"""The backtest: Korea in July 2022, run to the end of 2025 without refitting, against what was published.

The economy is `korea-2022`, the scenario `validation/backtest-2022`. Each figure stands next to two dull forecasts:
demography alone (the rates of 2022 by sex and age, the people of 2025) and last year's growth (that of 2021 to 2022,
three years on). `decomposition` says what the model makes of the fall in youth employment.

Figures are changes: of months, July 2022 to July 2025, for insured jobs; of annual averages, 2022 to 2025, for what the
household survey counts; of second halves for vacancies. The year of the tables is the model's January, as in `korea`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from sim import economy as economies
from sim.economy import Economy
from sim.intervals import mean_interval
from sim.jobs import side_by_side
from sim.record import FLOWS
from sim.scenario import Scenario, load
from sim.validation.rows import Row, status_of
from sim.workers import EMPLOYED, INSURED, OWN_ACCOUNT

SCENARIO = "validation/backtest-2022"
VARIANTS: dict[str, dict[str, Any]] = {
    "full": {},
    "AI frozen": {"adoption_frozen": True},
    "no growth": {"growth": "none"},
}
"""Runs of one replicate, with common random numbers -> what each changes of the scenario's world."""
FULL, FAST = (100, 8), (1000, 3)
"""Scale and replicates."""
START, END = 1, 37  # months done at the end of July 2022 and of July 2025
YOUTH, FIFTIES = 0, 3  # of the five wide age bands
AGES = {YOUTH: "15-29", FIFTIES: "50-59"}
BANDS = {YOUTH: slice(0, 3), FIFTIES: slice(7, 9)}  # of the twelve bands
YEARS = 3
RATE_ERROR = {YOUTH: 0.0037, FIFTIES: 0.0030}  # of an annual rate, as derived in calibration/targets.csv
TERCILE_ERROR = 0.012  # of the change of a tercile of employed over another's (assumption)
VACANCY_RANGE = 0.10  # either side of the published fall (assumption)
JOBS_RANGE = 0.10  # of a published change of insured jobs, either side (assumption)

Tell = Callable[[int], None]


class Measured(NamedTuple):
    """What one run leaves, in persons. Years are the annual averages of 2022 and 2025."""

    people: np.ndarray  # year, age5, state
    occupation: np.ndarray  # year, occupation: employed
    insured: np.ndarray  # July 2022 and 2025, age5, industry: insured employees
    vacancies: np.ndarray  # second halves of 2022 and 2025: mean of month ends


class Figure(NamedTuple):
    """A change in the model and as published. `values`: one a replicate; `low`, `high`: where the mean passes."""

    id: str
    label: str
    label_ko: str
    unit: str
    values: np.ndarray
    published: float
    low: float
    high: float
    demography: float
    trend: float
    source: str
    note: str = ""


class Part(NamedTuple):
    """A part of the change of youth employment, persons: mean and interval over replicates (NaN with one)."""

    name: str
    mean: float
    low: float
    high: float


# ------------------------------------------------------------------------------------------------- the runs


def rows(fast: bool = False, jobs: int = 1, progress: bool = False, scale: int | None = None) -> list[Row]:
    """The backtest as rows of group "backtest". scale: people per agent, instead of 100 (1000 when fast)."""
    from sim.jobs import bar

    scenario = backtest(fast)
    if scale is not None:
        scenario = scenario.with_run(scale=scale)
    with bar(runs(fast), "backtest", progress) as tick:
        done = replicates(scenario, jobs, tick, variants=("full",))
    return [row_of(figure) for figure in figures(scenario, done["full"])]


def backtest(fast: bool = False, *overrides: str) -> Scenario:
    """The scenario at its published scale, or small; overrides as `--set` takes them."""
    scale, n = FAST if fast else FULL
    return load(SCENARIO, overrides=overrides).with_run(scale=scale, replicates=n, threads=1)


def runs(fast: bool = False, variants: int = 1) -> int:
    """Runs that `rows` makes, or `replicates` with so many variants."""
    return (FAST if fast else FULL)[1] * variants


def replicates(
    scenario: Scenario,
    jobs: int = 1,
    progress: Tell | None = None,
    variants: Sequence[str] = tuple(VARIANTS),
) -> dict[str, list[Measured]]:
    """Every replicate of the scenario in each variant, numbers shared between variants. ValueError when the run ends
    before December 2025."""
    if scenario.run.months < END + 5:
        raise ValueError(f"the backtest needs {END + 5} months, not {scenario.run.months}")
    tell = progress or (lambda _: None)
    calls = [(scenario, name, r) for name in variants for r in range(scenario.run.replicates)]
    if jobs > 1 and len(calls) > 1:
        found = side_by_side(measure, calls, jobs, tell)
    else:
        found = []
        for call in calls:
            found.append(measure(*call))
            tell(1)
    n = scenario.run.replicates
    return {name: found[k * n : (k + 1) * n] for k, name in enumerate(variants)}


def measure(scenario: Scenario, variant: str, replicate: int) -> Measured:
    """Run one replicate of a variant and count."""
    from sim.model import LaborMarket

    world = scenario.world.model_copy(update=VARIANTS[variant])
    market = LaborMarket(scenario.model_copy(update={"world": world}), replicate)
    insured: list[np.ndarray] = []

    def look(done: int) -> None:
        if done in (START, END):
            insured.append(insured_jobs(market))

    market.run(look)
    record, scale = market.record, scenario.run.scale
    sums = np.concatenate([np.array(record.spin_up_sums), record.sums])
    first = len(record.spin_up_sums) - market.spin_up_months  # January of the base year
    years = [sums[at : at + 12] for at in (first, first + 12 * YEARS)]
    people = [record.layout.block(one, "people").sum(axis=(1, 3, 4)).mean(axis=0) for one in years]
    trades = [record.layout.block(one, "trades")[..., 0].sum(axis=2).mean(axis=0) for one in years]
    vacancies = record.flows[:, FLOWS.index("vacancies")]
    halves = [vacancies[at : at + 6].mean() for at in (0, 12 * YEARS)]
    market.__dict__.clear()  # Mesa's model holds itself: its columns would wait for the garbage collector
    return Measured(*(scale * np.array(one) for one in (people, trades, insured, halves)))


def insured_jobs(market: Any) -> np.ndarray:
    """Insured employees at the end of the last month by wide age band and industry, in agents."""
    w, tables = market.workers, market.tables
    rows = np.flatnonzero((w.state == EMPLOYED) & (w.contract < OWN_ACCOUNT) & ((w.tags & INSURED) != 0))
    months = np.clip(market.month - 1 - w.birth[rows].astype(np.int64), 0, tables.band.size - 1)
    industries = market.economy.n("industry")
    cell = tables.age5[tables.band[months]].astype(np.int64) * industries + w.industry[rows]
    return np.bincount(cell, minlength=5 * industries).reshape(5, industries)


# ------------------------------------------------------------------------------------------------ the figures


def figures(scenario: Scenario, runs: Sequence[Measured]) -> list[Figure]:
    """What is tested, with both dull forecasts."""
    economy = economies.load(scenario.run.economy)
    world = _World(economy, str(scenario.world.exposure))
    return [*_rates(world, runs), *_exposure(world, runs), *_insured(world, runs), *_totals(world, runs)]


class _World:
    """The tables of 2022 and the published figures, as the figures below ask for them."""

    def __init__(self, economy: Economy, measure: str) -> None:
        self.published = {target.id: target.value for target in economy.targets}
        first = economy.base_year
        people = economy.array("population", "sex", "age", "state")
        path = [economy.array("projection", "sex", "age", year=first + n) for n in (0, YEARS)]
        self.people = np.stack(path)  # year, sex, age
        self.employed = np.stack(
            [people[:, :, 0], people[:, :, 0] / path[0] * path[1]]
        )  # at the rates of 2022
        self.occupation = economy.array("occupation", "occupation")
        self.of_major = economy.array("occupation_major", "occupation", "major")
        self.by_age = economy.array("occupation_age", "occupation", "age5")
        scores = economy.array("exposure", "occupation", measure=measure)
        self.rank = mid_rank(scores, self.occupation)
        by_major = self.occupation[:, None] * self.of_major
        cells = economy.array("industry_occupation", "industry", "major")
        mean = cells @ (self.rank @ (by_major / by_major.sum(axis=0))) / cells.sum(axis=1)
        self.industry_exposure = mean
        self.exposed = mid_rank(mean, cells.sum(axis=1)) > 0.5

    def growth(self, age: int) -> float:
        """Employed of an age band in 2025 over 2022, at the rates of 2022 by sex and five years of age."""
        employed = self.employed[:, :, BANDS[age]].sum(axis=(1, 2))
        return float(employed[1] / employed[0])

    def rate(self, age: int, year: int) -> float:
        """The same as an employment rate, in 2022 (0) or 2025 (1)."""
        band = BANDS[age]
        return float(self.employed[year, :, band].sum() / self.people[year, :, band].sum())

    def seen(self, age: int, year: int) -> float:
        """The published employment rate of a year."""
        name = f"{AGES[age]}_{year}"
        return self.published[f"employed_{name}"] / self.published[f"people_{name}"]

    def trend(self, age: int) -> float:
        """Employed of an age band, last year's growth three years on."""
        now, before = (self.published[f"employed_{AGES[age]}_{year}"] for year in (2022, 2021))
        return (now / before) ** YEARS

    def gap(self, employed: np.ndarray) -> float:
        """Log of employed in the upper third of exposure over the lower third."""
        return math.log(employed[self.rank > 2 / 3].sum() / employed[self.rank < 1 / 3].sum())

    def majors(self, year: int) -> np.ndarray:
        """Employed by occupation in a year, each moving with its published major groups from 2022."""
        ratio = [
            self.published[f"employed_major_{m + 1}_{year}"] / self.published[f"employed_major_{m + 1}_2022"]
            for m in range(self.of_major.shape[1])
        ]
        return np.asarray(self.occupation * (self.of_major @ np.array(ratio)))


def mid_rank(scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The place of each score in 0 to 1: the weight below it, and half its own."""
    order = np.argsort(scores, kind="stable")
    rank = np.empty(scores.size)
    rank[order] = (np.cumsum(weights[order]) - 0.5 * weights[order]) / weights.sum()
    return rank


def _rates(world: _World, runs: Sequence[Measured]) -> list[Figure]:
    """Employment rates of youth, and of youth less those in their fifties."""
    rates = np.array([run.people[:, :, 0] / run.people.sum(axis=2) for run in runs])  # run, year, age5
    changes = rates[:, 1] - rates[:, 0]
    seen = {age: world.seen(age, 2025) - world.seen(age, 2022) for age in AGES}
    alone = {age: world.rate(age, 1) - world.rate(age, 0) for age in AGES}
    before = {age: YEARS * (world.seen(age, 2022) - world.seen(age, 2021)) for age in AGES}
    wide = {age: 2.0 * math.sqrt(2.0) * error for age, error in RATE_ERROR.items()}
    both = math.hypot(*wide.values())
    y, f = YOUTH, FIFTIES
    return [
        Figure(
            "youth_rate_change_2022_2025",
            "Employment rate 15-29, 2022 to 2025",
            "청년(15~29세) 고용률 변화, 2022~2025",
            "change of a rate",
            changes[:, y],
            *_around(seen[y], wide[y]),
            alone[y],
            before[y],
            "eaps-series",
        ),
        Figure(
            "youth_fifties_rate_gap",
            "Employment rate 15-29 less 50-59, 2022 to 2025",
            "고용률 차이(15~29세 - 50~59세)의 변화, 2022~2025",
            "change of a rate",
            changes[:, y] - changes[:, f],
            *_around(seen[y] - seen[f], both),
            alone[y] - alone[f],
            before[y] - before[f],
            "eaps-series",
        ),
    ]


def _exposure(world: _World, runs: Sequence[Measured]) -> list[Figure]:
    """Employment in occupations of high exposure against low."""
    change = np.array([world.gap(run.occupation[1]) - world.gap(run.occupation[0]) for run in runs])
    now = world.gap(world.occupation)
    bands = ((0, 3), (3, 5), (5, 7), (7, 9), (9, 12))
    aged = [world.employed[:, :, a:b].sum(axis=(1, 2)) for a, b in bands]
    growth = np.array([later / first for first, later in aged])
    seen = world.gap(world.majors(2025)) - now
    return [
        Figure(
            "exposure_employment_gap",
            "Employment, upper third of exposure over lower third, 2022 to 2025",
            "AI 노출도 상위 1/3 대 하위 1/3 직업의 고용 변화, 2022~2025",
            "log ratio",
            change,
            *_around(seen, 2.0 * TERCILE_ERROR),
            world.gap(world.occupation * (world.by_age @ growth)) - now,
            YEARS * (now - world.gap(world.majors(2021))),
            "eaps-occupation-2025;res-sections",
            "published by nine major groups, which carry their occupations along",
        )
    ]


def _insured(world: _World, runs: Sequence[Measured]) -> list[Figure]:
    """Insured jobs of youth and of those in their fifties, all and in industries of high exposure."""
    counts = np.array([run.insured for run in runs])  # run, month, age5, industry
    series = world.published["insured_20-29_2022-07"] / world.published["insured_20-29_2021-07"]
    last = {YOUTH: series**YEARS, FIFTIES: world.trend(FIFTIES)}
    how = {
        YOUTH: "last year's growth: insured of 20-29",
        FIFTIES: "last year's growth: employed of the age, insured not held",
    }
    out = []
    for age, name, ko in ((YOUTH, "youth", "청년"), (FIFTIES, "fifties", "50대")):
        for part, which, what, what_ko in (
            ("", slice(None), "", ""),
            ("_high", world.exposed, ", high-exposure industries", ", 고노출 산업"),
        ):
            jobs = counts[:, :, age, which].sum(axis=-1)
            start = float(jobs[:, 0].mean())
            seen = world.published[f"insured_{AGES[age]}{part}_change"]
            out.append(
                Figure(
                    f"{name}_insured{part}_change",
                    f"Insured jobs {AGES[age]}{what}, July 2022 to July 2025",
                    f"{ko} 고용보험 일자리 변화{what_ko}, 2022.7~2025.7",
                    "jobs",
                    jobs[:, 1] - jobs[:, 0],
                    *_around(seen, JOBS_RANGE * abs(seen)),
                    start * (world.growth(age) - 1.0),
                    start * (last[age] - 1.0),
                    "bok-2025-10",
                    how[age],
                )
            )
    return out


def _totals(world: _World, runs: Sequence[Measured]) -> list[Figure]:
    """What the household survey counts, and vacancies."""
    employed = np.array([run.people[:, :, 0] for run in runs])
    vacancies = np.array([run.vacancies for run in runs])
    seen = world.published
    out = []
    for age, ko in ((YOUTH, "청년(15~29세)"), (FIFTIES, "50대")):
        start = seen[f"employed_{AGES[age]}_2022"]
        error = 2.0 * math.sqrt(2.0) * RATE_ERROR[age] * seen[f"people_{AGES[age]}_2025"]
        out.append(
            Figure(
                f"employed_{AGES[age]}_change",
                f"Employed {AGES[age]} in the household survey, 2022 to 2025",
                f"{ko} 취업자 변화(경제활동인구조사), 2022~2025",
                "persons",
                employed[:, 1, age] - employed[:, 0, age],
                *_around(seen[f"employed_{AGES[age]}_2025"] - start, error),
                start * (world.growth(age) - 1.0),
                start * (world.trend(age) - 1.0),
                "eaps-series",
            )
        )
    fall = seen["unfilled_2025"] / seen["unfilled_2022"] - 1.0
    out.append(
        Figure(
            "vacancies_change",
            "Vacancies, second half of 2022 to second half of 2025",
            "빈일자리 변화, 2022년 하반기~2025년 하반기",
            "relative change",
            vacancies[:, 1] / vacancies[:, 0] - 1.0,
            *_around(fall, VACANCY_RANGE),
            0.0,
            (seen["unfilled_2022"] / seen["unfilled_2021"]) ** YEARS - 1.0,
            "unfilled-5plus",
            "published: unfilled, establishments with 5 workers and over",
        )
    )
    return out


def _around(published: float, reach: float) -> tuple[float, float, float]:
    return published, published - reach, published + reach


def row_of(figure: Figure) -> Row:
    """A figure as a row: mean and standard error over replicates, the interval and the dull forecasts in its note."""
    n = figure.values.size
    mean, low, high = (float(x) for x in mean_interval(figure.values))
    error = float(figure.values.std(ddof=1) / math.sqrt(n)) if n > 1 else None
    said = f"interval {_say(low)} to {_say(high)}; " if n > 1 else ""
    said += f"demography alone {_say(figure.demography)}; last year's growth {_say(figure.trend)}"
    return Row(
        figure.id,
        "backtest",
        figure.label,
        figure.label_ko,
        figure.unit,
        mean,
        error,
        figure.published,
        figure.low,
        figure.high,
        status_of(mean, error, figure.low, figure.high),
        figure.source,
        f"{said}; {figure.note}" if figure.note else said,
    )


def _say(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:+.4f}"


# ------------------------------------------------------------------------------------------ the decomposition


def decomposition(scenario: Scenario, runs: dict[str, list[Measured]]) -> list[Part]:
    """The change of employed 15-29 from 2022 to 2025 in the model by cause, persons; the parts add up to the total.

    cohort size: the rates of 2022 by sex and five years of age, the people of 2025; AI: the run less the one with
    adoption frozen; demand: the run less the one without growth; the rest: what is left, with the joint effect of AI
    and growth, and what the start does as it settles. runs: of every variant, the same replicates."""
    world = _World(economies.load(scenario.run.economy), str(scenario.world.exposure))
    change = {
        name: np.array([run.people[1, YOUTH, 0] - run.people[0, YOUTH, 0] for run in found])
        for name, found in runs.items()
    }
    total = change["full"]
    band = BANDS[YOUTH]
    cohort = np.full(total.size, np.diff(world.employed[:, :, band].sum(axis=(1, 2)))[0])
    ai, demand = total - change["AI frozen"], total - change["no growth"]
    parts = {
        "cohort size": cohort,
        "AI": ai,
        "demand": demand,
        "the rest": total - cohort - ai - demand,
        "total": total,
    }
    return [Part(name, *(float(x) for x in mean_interval(values))) for name, values in parts.items()]


def report(fast: bool = False, jobs: int = 1, progress: Tell | None = None) -> dict[str, Any]:
    """Figures, rows and the decomposition as plain data, for the page on the backtest."""
    scenario = backtest(fast)
    found = replicates(scenario, jobs, progress)
    economy = economies.load(scenario.run.economy)
    table = figures(scenario, found["full"])
    exposed = np.array(economy.codes["industry"])[_World(economy, str(scenario.world.exposure)).exposed]
    return {
        "scale": scenario.run.scale,
        "replicates": scenario.run.replicates,
        "months": scenario.run.months,
        "adoption": str(scenario.world.adoption),
        "exposure": str(scenario.world.exposure),
        "exposed_industries": exposed.tolist(),
        "figures": [_plain(figure) for figure in table],
        "decomposition": [part._asdict() for part in decomposition(scenario, found)],
    }


def _plain(figure: Figure) -> dict[str, Any]:
    mean, low, high = (float(x) for x in mean_interval(figure.values))
    row = row_of(figure)
    named = {"mean": mean, "mean_low": low, "mean_high": high, "status": row.status}
    return {key: value for key, value in figure._asdict().items() if key != "values"} | named


__all__ = [
    "Figure",
    "Measured",
    "Part",
    "backtest",
    "decomposition",
    "figures",
    "measure",
    "report",
    "rows",
    "runs",
]
