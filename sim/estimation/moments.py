"""The moments of a finished market, measured as the surveys measure them: `calibration/targets.csv`, same ids.

Stocks and flows are means over the last twelve months of the run; where the record keeps no series, the people at the
end of the last month are asked, as a survey would ask them (`DEFINITIONS` says which). A target that one run cannot
answer, such as an effect or a change since 2022, has no moment: it is not tested here. All are ratios of heads, so
that the scale drops out. The run must have lasted `MONTHS`: courses of six months and six months after completion.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.programmes import ATTENDING, COMPLETED, HORIZONS
from sim.record import AGES5, FIRM_ITEMS, FLOWS, STATES, TOTALS
from sim.workers import (
    DAILY,
    EMPLOYED,
    INACTIVE,
    INSURED,
    NO_EMPLOYER,
    OWN_ACCOUNT,
    REGULAR,
    RESTING,
    TEMPORARY,
    UNEMPLOYED,
    UNPAID_FAMILY,
)

if TYPE_CHECKING:
    from sim.model import LaborMarket

MONTHS = 18
YEAR = 12
WINDOW = np.uint32(
    (1 << 13) - 1
)  # insured in each of the last 13 month ends: this one, and the same a year ago
YEAR_AGO = np.uint32(1 << 12)
UNDER_50 = math.log(50 / 30) / math.log(
    100 / 30
)  # of the staff in 30-99, if employment is even over log size
WON_BANDS = (2_500_000, 4_500_000)  # a month, before tax, won of 2024 (the pay bands published)
PAY_GROWTH = 3834 / 3737  # mean pay of 2025 over that of 2024: the model's won are those of 2025

DEFINITIONS: dict[str, str] = {
    "employment_rate_*": "employed over people of 15+, by age band or sex; mean of month ends",
    "employment_rate_55-64, 65-79": "the same at the last month end",
    "unemployment_rate_*": "unemployed over labour force, by age band or sex; mean of month ends",
    "flow_*": "those in the second state at a month end over those who were in the first a month before",
    "job_to_job": "hired out of another job in a month over employed; mean of months",
    "job_change_year": "insured a year before and at work at the last month end, but as unpaid family workers: those "
    "in another job than then (register statistics compare two Decembers)",
    "share_*": "employed by contract: temporary and daily over employees, own account over employed; last month end",
    "turnover, hire_rate": "people who leave or join employers in a month, moves between employers on both sides, "
    "over those with an employer; leavers are joiners less the change of the stock",
    "one_year_stayers*": "in the present job longer than twelve months over employed but unpaid family workers; "
    "large: at employers of 300 and over; sme: at smaller ones, and own account",
    "tenure_mean": "mean years in the present job, the same people",
    "vacancy_rate": "unfilled posts at a month end over these and people with an employer",
    "unfilled_rate": "unfilled posts at a quarter's end over these and the quarter's hires",
    "unemployed_*": "unemployed with a spell over 6, or up to 3, month ends: one began within the month of the first",
    "wage_major_*": "mean monthly pay (hours x hourly pay) of employees of a major group over that of all; last month",
    "wage_large_small": "mean monthly pay at 300 and over, over that under 50: 1-29, and 30-99 by UNDER_50",
    "wage_women_men, wage_monthly, wage_under_250, wage_over_450": "monthly pay of employees, last month; "
    "bands in won of 2024",
    "occupational_exit": "at the last month end insured, and insured a year before, in another occupation than then "
    "(fewer months in it than insured ones since), over those insured at both",
    "resting_rate_*": "inactive and resting over people of the age; 15-29 mean of month ends, 30-39 the last one",
    "insured_share": "insured employees over employees; mean of month ends",
    "benefit_rate": "recipients of unemployment benefit over insured; mean of month ends",
    "insured_acquired": "insured in their first month at an employer over insured; last month",
    "hires_regular": "regular contracts among those in their first month at an employer; last month",
    "ai_use_regular, ai_productivity, ai_time_saved_all": "users over employed; output over output without AI, less 1; "
    "hours saved over hours worked; mean of 2025, the year before the run, when the survey asked (without a spin-up: "
    "of the run's first month)",
    "ai_adoption_*": "employers in business that have adopted AI over all, by size; last month",
    "kdt_fill, polytechnic_applicants": "enrolled, and applicants, over seats listed, last twelve months",
    "*_completion": "completed over enrolled, intakes whose courses are over",
    "*_insured_*, *_employed_*": "completers insured, or in work, so many months after completion, over those known",
    "kdt_course_sd": "sd between courses of insured employment six months after completion, net of sampling noise "
    "(one-way analysis of variance); courses of one rank of quality are pooled over provinces, where agents are few",
}
"""Ids (or patterns of them) -> how they are measured."""


class Measured(NamedTuple):
    """A moment, and the agents that it rests on: those in its denominator, added up over months."""

    value: float
    n: int


def moments(market: LaborMarket) -> dict[str, float]:
    """The moments of a finished run by target id, NaN where nobody is in the denominator.

    ValueError when the run is shorter than a year.
    """
    return {name: m.value for name, m in measure(market).items()}


def measure(market: LaborMarket) -> dict[str, Measured]:
    """As `moments`, each with the number of agents that it rests on."""
    if market.month < YEAR:
        raise ValueError(f"moments are those of a year: {market.month} months have been run, not {YEAR}")
    survey = _Survey(market)
    found: dict[str, Measured] = {}
    for block in (_stocks, _jobs, _hires, _spells, _pay, _support, _ai, _courses):
        for name, part, whole in block(survey):
            found[name] = Measured(float(part / whole) if whole > 0 else math.nan, round(float(whole)))
    found |= dict(_others(survey))
    return found


Ratios = Iterator[tuple[str, float, float]]


class _Survey:
    """What the blocks of moments ask of a market: sums over the last year, people at the end."""

    def __init__(self, market: LaborMarket) -> None:
        self.market = market
        self.record = market.record
        self.last = slice(market.month - YEAR, market.month)
        self.rows = np.flatnonzero(market.workers.state == EMPLOYED)
        self.employee = self.of("contract") < OWN_ACCOUNT

    def of(self, name: str) -> np.ndarray:
        """A column of the workers, for those at work."""
        return np.asarray(getattr(self.market.workers, name)[self.rows])

    def sums(self, block: str) -> np.ndarray:
        """A block of the record over the last year, months first."""
        return self.record.layout.block(self.record.sums[self.last], block)

    def total(self, name: str) -> float:
        """One of TOTALS added up over the last year."""
        return float(self.sums("totals")[:, TOTALS.index(name)].sum())

    def survey_year(self, block: str) -> np.ndarray:
        """A block of the record over the year before the run, or the first month when there was no spin-up."""
        spun = self.record.spin_up_sums[-YEAR:]
        return self.record.layout.block(np.array(spun) if spun else self.record.sums[:1], block)

    def flow(self, name: str) -> float:
        """One of FLOWS added up over the last year."""
        return float(self.record.flows[self.last, FLOWS.index(name)].sum())

    @cached_property
    def staff(self) -> np.ndarray:
        """People with an employer at each month end of the run."""
        firms = self.record.layout.block(self.record.sums[: self.market.month], "firms")
        return np.asarray(firms[:, :NO_EMPLOYER, :, FIRM_ITEMS.index("employed")].sum(axis=(1, 2)))

    @cached_property
    def insured(self) -> np.ndarray:
        """Insured employees among the living."""
        return np.asarray(self.employee & ((self.of("tags") & INSURED) != 0))

    @cached_property
    def monthly(self) -> np.ndarray:
        """Monthly pay of employees, whole won of 2025: sums are then exact, in any order and on any machine."""
        tables, birth = self.market.tables, self.of("birth")[self.employee]
        months = np.clip(self.market.month - 1 - birth.astype(np.int32), 0, tables.band.size - 1)
        hours = tables.hours[self.of("contract")[self.employee], tables.band[months]]
        return np.asarray(np.rint(hours * np.exp(self.of("wage")[self.employee].astype(np.float64))))

    @cached_property
    def by_age(self) -> np.ndarray:
        """People at the last month end by year of age and state (and those rows that nobody occupies)."""
        workers = self.market.workers
        years = np.maximum(self.market.month - 1 - workers.birth.astype(np.int32), 0) // 12
        return np.bincount(years * 4 + workers.state, minlength=4 * 130).reshape(-1, 4)


def _stocks(s: _Survey) -> Ratios:
    """Employment and unemployment rates; flows between month ends."""
    people = s.sums("people").sum(axis=(0, 1, 4))  # age, sex, state
    for kind, heads in (("age", people.sum(axis=1)), ("sex", people.sum(axis=0))):
        names = AGES5 if kind == "age" else s.market.economy.codes["sex"]
        for name, (employed, unemployed, inactive) in zip(names, heads, strict=True):
            yield f"employment_rate_{name}", employed, employed + unemployed + inactive
            yield f"unemployment_rate_{name}", unemployed, employed + unemployed
    for low, high in ((55, 64), (65, 79)):
        heads = s.by_age[low : high + 1].sum(axis=0)
        yield f"employment_rate_{low}-{high}", heads[EMPLOYED], heads[1:].sum()
    moves = s.sums("moves").sum(axis=(0, 1))[1:]  # before, after
    for a, before in enumerate("eun"):
        for b, after in enumerate("eun"):
            if a != b:
                yield f"flow_{before}{after}", moves[a, b], moves[a].sum()


def _jobs(s: _Survey) -> Ratios:
    """Contracts and how long jobs last."""
    contract, size, spell = s.of("contract"), s.of("size"), s.of("spell")
    heads = np.bincount(contract, minlength=UNPAID_FAMILY + 1)
    employees = heads[: DAILY + 1].sum()
    yield "share_temporary", heads[TEMPORARY], employees
    yield "share_daily", heads[DAILY], employees
    yield "share_own_account", heads[OWN_ACCOUNT], heads.sum()
    jobs, stays = contract != UNPAID_FAMILY, spell > YEAR
    large = size == NO_EMPLOYER - 1
    small = (size < NO_EMPLOYER - 1) | (contract == OWN_ACCOUNT)
    for name, those in (("", jobs), ("_large", large), ("_sme", small)):
        yield f"one_year_stayers{name}", (those & stays).sum(), those.sum()
    yield "tenure_mean", spell[jobs].sum() / 12.0, jobs.sum()
    record = s.of("insured")
    registered = (record & YEAR_AGO) != 0
    yield "job_change_year", (registered & jobs & ~stays).sum(), (registered & jobs).sum()
    both = registered & s.insured
    since = np.bitwise_count(record & WINDOW)
    yield "occupational_exit", (both & ~stays & (s.of("experience") < since)).sum(), both.sum()


def _hires(s: _Survey) -> Ratios:
    """Hires, separations, vacancies."""
    month = s.market.month
    staff = float(s.staff[s.last].sum())
    before = s.staff[month - YEAR - 1] if month > YEAR else _staff_before(s)
    hires, vacancies = s.flow("hires"), s.flow("vacancies")
    employed = float(s.sums("people")[..., STATES.index("employed")].sum())
    yield "job_to_job", s.flow("job_to_job"), employed
    yield "hire_rate", hires, staff
    yield "turnover", hires - (s.staff[month - 1] - before), staff
    yield "vacancy_rate", vacancies, vacancies + staff
    yield "unfilled_rate", vacancies, vacancies + 3.0 * hires
    first = s.of("spell") == 1
    new = first & (s.of("job") >= 0)
    yield "hires_regular", (new & (s.of("contract") == REGULAR)).sum(), new.sum()
    yield "insured_acquired", (s.insured & first).sum(), s.insured.sum()


def _staff_before(s: _Survey) -> float:
    """People with an employer before the first month; those of that month without a spin-up."""
    if not s.record.spin_up_sums:
        return float(s.staff[0])
    firms = s.record.layout.block(s.record.spin_up_sums[-1], "firms")
    return float(firms[:NO_EMPLOYER, :, FIRM_ITEMS.index("employed")].sum())


def _spells(s: _Survey) -> Ratios:
    """How long the unemployed have looked."""
    workers = s.market.workers
    spell = workers.spell[workers.state == UNEMPLOYED]
    yield "unemployed_under_3_months", (spell <= 3).sum(), spell.size
    yield "unemployed_6_months", (spell > 6).sum(), spell.size


def _pay(s: _Survey) -> Ratios:
    """Monthly pay of employees."""
    pay, mean = s.monthly, max(float(s.monthly.mean()) if s.monthly.size else 0.0, 1.0)
    yield "wage_monthly", pay.sum(), pay.size
    tables, codes = s.market.tables, s.market.economy.codes
    major = tables.major[s.of("occupation")[s.employee]]
    heads = np.bincount(major, minlength=len(codes["major"]))
    paid = np.bincount(major, weights=pay, minlength=heads.size)
    for m, name in enumerate(codes["major"]):
        yield f"wage_major_{name}", paid[m] / mean, heads[m]
    low, high = (bound * PAY_GROWTH for bound in WON_BANDS)
    yield "wage_under_250", (pay < low).sum(), pay.size
    yield "wage_over_450", (pay >= high).sum(), pay.size


def _support(s: _Survey) -> Ratios:
    """Rest, insurance, benefits."""
    people = s.sums("people").sum(axis=(0, 1, 3, 4))  # age, state
    yield "resting_rate_15-29", s.total("resting_youth"), people[0].sum()
    workers = s.market.workers
    resting = workers.birth[(workers.state == INACTIVE) & (workers.reason == RESTING)]
    years = (s.market.month - 1 - resting.astype(np.int32)) // 12
    yield "resting_rate_30-39", ((years >= 30) & (years < 40)).sum(), s.by_age[30:40, 1:].sum()
    yield "insured_share", s.total("insured"), s.total("employees")
    yield "benefit_rate", s.total("beneficiaries"), s.total("insured")


def _ai(s: _Survey) -> Ratios:
    """Use of AI in the survey's year, and adoption by size at the end."""
    then = s.survey_year("firms").sum(axis=(0, 1, 2))
    yield "ai_use_regular", then[FIRM_ITEMS.index("users")], then[FIRM_ITEMS.index("employed")]
    e, sizes = s.market.employers, s.market.economy.codes["size"]
    opened = np.bincount(e.size, weights=e.open, minlength=len(sizes))
    adopted = np.bincount(e.size, weights=e.open * (e.intensity > 0.0), minlength=len(sizes))
    for k, size in enumerate(sizes):
        yield f"ai_adoption_{size}", adopted[k], opened[k]


def _courses(s: _Survey) -> Ratios:
    """What programmes take in, and where completers stand."""
    m, records = s.market, s.market.enrolments
    after = records.placed[:, 1]  # from completion: enrolments, official or insured, horizons
    for programme, short in (("kdt", "kdt"), ("polytechnic-midcareer", "polytechnic")):
        if programme not in m.programme_ids:
            continue
        p = m.programme_ids.index(programme)
        counts = s.record.programmes[s.last, p].sum(axis=0)
        seats = _seats(s, p)
        if short == "kdt":
            yield "kdt_fill", counts[1], seats
        else:
            yield "polytechnic_applicants", counts[0], seats
        mine = records.programme == p
        over = mine & (records.start + m.programmes[p].months < m.month) & (records.status != ATTENDING)
        done = mine & (records.status == COMPLETED)
        yield f"{short}_completion", (over & done).sum(), over.sum()
        for d, definition in enumerate(("employed", "insured")):
            for months in (3, 6):
                placed = after[done, d, HORIZONS.index(months)]
                yield f"{short}_{definition}_{months}_months", (placed == 1).sum(), (placed >= 0).sum()


def _seats(s: _Survey, p: int) -> float:
    """Seats that a programme lists for the last twelve months, in agents; 0 without a published number."""
    record, start = s.market.programmes[p], s.market.scenario.run.start
    if record.seats is None:
        return 0.0
    seats, intakes = 0.0, max(1, len(record.intake_months))
    for month in range(s.last.start, s.last.stop):
        year, calendar = divmod(start.year * 12 + start.month - 1 + month, 12)
        if calendar + 1 in record.intake_months:
            seats += record.seats * (1.0 + record.seats_growth) ** max(0, year - 2026) / intakes
    return seats / s.market.scenario.run.scale


def _others(s: _Survey) -> Iterator[tuple[str, Measured]]:
    """Moments that are no ratio of heads."""
    under = (1.0, 1.0, UNDER_50, 0.0, 0.0, 0.0)
    large = (0.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    yield "wage_large_small", _relative(s, "size", large, under)
    yield "wage_women_men", _relative(s, "sex", (0.0, 1.0), (1.0, 0.0))
    firms = s.survey_year("firms").sum(axis=(0, 1, 2))
    then = dict(zip(FIRM_ITEMS, (float(x) for x in firms), strict=True))
    hours, heads = float(s.survey_year("totals")[:, TOTALS.index("hours")].sum()), round(then["employed"])
    if heads:
        yield "ai_productivity", Measured(then["output"] / then["base_output"] - 1.0, heads)
        yield "ai_time_saved_all", Measured(then["hours_saved"] / hours, heads)
    if "kdt" in s.market.programme_ids:
        yield "kdt_course_sd", _between(s, s.market.programme_ids.index("kdt"))


def _relative(s: _Survey, column: str, one: tuple[float, ...], other: tuple[float, ...]) -> Measured:
    """Mean pay of employees of some codes of a column over that of others, each code by its weight in either; heads
    of the smaller group."""
    codes = s.of(column)[s.employee]
    heads = np.bincount(codes, minlength=len(one))
    paid = np.bincount(codes, weights=s.monthly, minlength=len(one))
    n = [sum(w * h for w, h in zip(weights, heads, strict=True)) for weights in (one, other)]
    if min(n) <= 0.0:
        return Measured(math.nan, 0)
    mean = [sum(w * p for w, p in zip(weights, paid, strict=True)) for weights in (one, other)]
    return Measured(float((mean[0] / n[0]) / (mean[1] / n[1])), int(min(n)))


def _between(s: _Survey, p: int) -> Measured:
    """Sd between courses of insured employment at six months, net of sampling noise; NaN where no course has two
    completers that are known, or there are not two courses."""
    records = s.market.enrolments
    placed = records.placed[:, 1, 1, HORIZONS.index(6)]
    known = (records.programme == p) & (records.status == COMPLETED) & (placed >= 0)
    if not known.any():
        return Measured(math.nan, 0)
    better = s.market.course_quality[p, records.region[known]].astype(np.float32)
    rank = (better < records.quality[known][:, None]).sum(axis=1)  # of the course among those of its province
    _, course = np.unique(rank, return_inverse=True)
    heads = np.bincount(course).astype(np.float64)
    rate = np.bincount(course, weights=placed[known]) / heads
    n, k = float(heads.sum()), heads.size
    if k < 2 or n <= k:
        return Measured(math.nan, int(n))
    mean = float((heads * rate).sum() / n)
    within = float((heads * rate * (1.0 - rate)).sum()) / (n - k)
    between = float((heads * (rate - mean) ** 2).sum()) / (k - 1)
    size = (n - float((heads**2).sum()) / n) / (k - 1)
    return Measured(math.sqrt(max(0.0, (between - within) / size)), int(n))
