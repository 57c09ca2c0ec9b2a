"""The population and the employers: from an economy's margins to one row a person and one row an employer.

1. A joint table of sex x age x region x education x state is fitted to its margins and rounded.
2. For the employed, occupation is fitted to its margins by age, sex, education and region; industry follows from
   region and occupation; contract from age, sex, industry and occupation; size from industry and contract.
3. Employees of one region, industry and size are placed with employers of that cell; posts are counted (`staffing.py`).
4. What differs between persons within a cell (month of birth, employability, spell, wage, AI skill) is drawn.

Joints that nobody publishes are therefore the product of their margins (an assumption, see the economy's notes).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from sim.draws import PERSON, SPELL, SPIN_UP_OFFSET, uniforms
from sim.economy import Economy
from sim.fitting import fit, round_to_margins, round_total, spread_within
from sim.jobs import in_threads, threads_by_size
from sim.kernels import (
    BLOCK,
    CHUNK,
    device,
    draw_block,
    jit,
    log_,
    new_desk,
    normal_,
    unit_,
)
from sim.staffing import colleagues, employers_of, rearrange
from sim.workers import (
    ABSENT,
    DAILY,
    EMPLOYED,
    HELD12,
    INACTIVE,
    INSURED,
    MILITARY,
    NO_CONTRACT,
    RESTING,
    SCHOOL,
    TENURE_PAY_MONTHS,
    UNEMPLOYED,
    new_columns,
)

AGE5 = np.array([0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4], dtype=np.uint8)  # 15-29, 30-39, 40-49, 50-59, 60+
SECTOR = np.array(
    [0, 1, 1] + [2] * 18
)  # of KSIC sections A to U: agriculture, mining and manufacturing, the rest
OLDEST = 90  # ages of the last band are drawn from 70 to here


@dataclass(frozen=True)
class Population:
    """Everyone and every employer at the start of the spin-up year, and the rows of those still to come."""

    workers: Any
    employers: Any
    posts: Any
    living: int
    entrants: np.ndarray  # (months + 1,): first row of each month's entrants, counted from the spin-up
    residuals: dict[str, float]  # margin -> largest deviation, share of the table's total in agents
    headcount: dict[str, float]  # size class -> mean headcount over the published mean


class _People(NamedTuple):
    """The rounded joint table in rows: one entry per person."""

    sex: np.ndarray
    age: np.ndarray
    region: np.ndarray
    education: np.ndarray
    state: np.ndarray
    occupation: np.ndarray


def build(
    economy: Economy,
    scale: int,
    key: np.ndarray,
    rates: Any,
    months: int,
    spin_up: int,
    params: Any,
    threads: int = 0,
) -> Population:
    """Population of the base year at one agent for `scale` persons, with rows reserved for `months` of entrants,
    the first of them `spin_up` months before the run. threads: 0 by the number of workers; moves no digit."""
    residuals: dict[str, float] = {}
    joint = _demography(economy, scale, residuals)
    people = _occupations(economy, joint, scale, residuals)
    arrivals = _arrivals(rates, scale, months)
    living = people.sex.size
    rows = living + int(arrivals.sum())
    threads = threads or threads_by_size(rows)
    w = new_columns(rows)
    _jobs(economy, people, w, rates, residuals)
    order, heads = colleagues(w, living, key, economy.n("industry"), economy.n("size"))
    age = w.stage0[:living].copy()
    names = ("sex", "education", "region", "state", "reason", "contract", "occupation", "industry")
    columns = [age, *(getattr(w, name) for name in names)]
    in_threads(threads, partial(rearrange, order=order), columns)
    del order, columns
    w.previous[:] = 0
    w.stage0[:] = 3
    first = _entrants(economy, rates, arrivals, living, spin_up, key, w, age)
    employers, posts, headcount = employers_of(economy, scale, w, heads, key, rates, threads)
    _endow(w, living, age, employers, posts, key, rates, spin_up, params, threads)
    return Population(w, employers, posts, living, first, residuals, headcount)


# ------------------------------------------------------------------------------------------------ demography


def _demography(economy: Economy, scale: int, residuals: dict[str, float]) -> np.ndarray:
    """Whole agents by sex, age, region, education, state."""
    population = economy.array("population", "sex", "age", "state") / scale
    total = round(population.sum())
    people = round_total(population, total)
    places = round_total(economy.array("region_state", "region", "state") / scale, total)
    for s in range(3):  # the same number of agents in each state, whichever margin counts them
        places[:, s] = round_total(
            places[:, s] * (people[:, :, s].sum() / places[:, s].sum()), people[:, :, s].sum()
        )
    shares = economy.array("education_age", "age", "state", "education")
    learned = np.zeros(shares.shape, dtype=np.int64)
    for a in range(shares.shape[0]):
        for s in range(3):
            n = int(people[:, a, s].sum())
            learned[a, s] = round_total(shares[a, s] / shares[a, s].sum() * n, n)
    margins = [((0, 1, 4), people), ((2, 4), places), ((1, 3, 4), np.transpose(learned, (0, 2, 1)))]
    seed = np.ones((2, people.shape[1], places.shape[0], shares.shape[2], 3))
    joint = round_to_margins(fit(seed, margins), margins)
    for name, (axes, totals) in zip(
        ("sex x age x state", "region x state", "age x education x state"), margins, strict=True
    ):
        other = tuple(a for a in range(5) if a not in axes)
        residuals[name] = float(np.abs(joint.sum(axis=other) - totals).max() / total)
    return joint


def _occupations(economy: Economy, joint: np.ndarray, scale: int, residuals: dict[str, float]) -> _People:
    """Occupations of the employed; people without a job come after them."""
    employed = joint[..., 0]  # sex, age, region, education
    total = int(employed.sum())
    held = economy.array("occupation", "occupation")
    held = held / held.sum() * total
    trade = _trades(economy)  # region, industry, occupation: shares
    margins: list[Any] = [
        ((0, 1, 2, 3), employed.astype(np.float64)),
        ((2, 4), trade.sum(axis=1) * total),
        ((1, 4), (economy.array("occupation_age", "occupation", "age5") * held[:, None]).T, {1: AGE5}),
        ((0, 4), (economy.array("occupation_sex", "occupation", "sex") * held[:, None]).T),
        ((3, 4), (economy.array("occupation_education", "occupation", "education") * held[:, None]).T),
    ]
    for n in range(1, len(margins)):  # the margins of one table must have one total by the axes they share
        margins[n] = (margins[n][0], margins[n][1] / margins[n][1].sum() * total, *margins[n][2:])
    fitted = fit(np.ones((*employed.shape, held.size)) * np.where(held > 0, 1.0, 0.0), margins, 1e-4, 60)
    whole_places = round_total(trade.sum(axis=1) * total, total)
    by_region = employed.sum(axis=(0, 1, 3))
    for r in range(by_region.size):
        whole_places[r] = round_total(
            whole_places[r] * (by_region[r] / max(1, whole_places[r].sum())), by_region[r]
        )
    table = round_to_margins(fitted, [((0, 1, 2, 3), employed), ((2, 4), whole_places)])
    residuals["occupation"] = float(np.abs(table.sum(axis=(0, 1, 2, 3)) - held).max() / total)
    residuals["region x occupation"] = float(
        np.abs(table.sum(axis=(0, 1, 3)) - trade.sum(axis=1) * total).max() / total
    )
    sex, age, region, education, occupation = (
        np.repeat(axis.ravel(), table.ravel()).astype(np.uint8)
        for axis in np.indices(table.shape, dtype=np.uint8)
    )
    out: list[list[Any]] = [
        [sex],
        [age],
        [region],
        [education],
        [np.full(sex.size, EMPLOYED, np.uint8)],
        [occupation],
    ]
    for state in (UNEMPLOYED, INACTIVE):
        others = joint[..., state - 1]
        one = [
            np.repeat(axis.ravel(), others.ravel()).astype(np.uint8)
            for axis in np.indices(others.shape, dtype=np.uint8)
        ]
        n_people = one[0].size
        unknown = np.zeros(n_people, dtype=np.uint8)  # the last occupation is set when contracts are known
        for n, column in enumerate((*one, np.full(n_people, state, np.uint8), unknown)):
            out[n].append(column)
    return _People(*(np.concatenate(columns) for columns in out))


def _trades(economy: Economy) -> np.ndarray:
    """Shares of the employed by region, industry and occupation: industry x major margins, spread by sector."""
    of_major = economy.array("occupation_major", "occupation", "major")
    held = economy.array("occupation", "occupation")
    cells = economy.array("industry_occupation", "industry", "major")
    by_major = held[:, None] * of_major  # occupation, major
    share = np.divide(
        by_major, by_major.sum(axis=0), out=np.zeros_like(by_major), where=by_major.sum(axis=0) > 0
    )
    industry = cells @ share.T  # industry, occupation
    sector = economy.array("region_sector", "region", "sector")
    place = sector / sector.sum(axis=0)
    trades = place[:, SECTOR[: industry.shape[0]], None] * industry[None]
    return np.asarray(trades / trades.sum())


def _round_rows(shares: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Whole numbers by row with row totals `sizes` and column totals near `sizes @ shares`."""
    table = shares * sizes[:, None]
    columns = round_total(table.sum(axis=0), int(sizes.sum()))
    return round_to_margins(table, [((0,), sizes), ((1,), columns)])


# --------------------------------------------------------------------------------------- jobs and why not


def _jobs(economy: Economy, people: _People, w: Any, rates: Any, residuals: dict[str, float]) -> None:
    """Industry, contract and size of the employed; reasons of the inactive. Size is left in `previous`, the age
    band in `stage0`: both columns are set anew by the caller. People come by state: employed, unemployed, inactive."""
    n = people.sex.size
    for name in ("sex", "education", "region", "state", "occupation"):
        getattr(w, name)[:n] = getattr(people, name)
    w.stage0[:n] = people.age
    regions, industries, occupations = (economy.n(d) for d in ("region", "industry", "occupation"))
    at_work, idle, out = _by_state(people.state)
    trades = _trades(economy).transpose(0, 2, 1).reshape(-1, industries)
    trades = trades + 1e-15 * trades.sum(axis=0)
    trades /= trades.sum(axis=1, keepdims=True)

    def industry_of(rows: slice) -> np.ndarray:
        group = people.region[rows].astype(np.int32) * occupations + w.occupation[rows]
        counts = np.bincount(group, minlength=regions * occupations)
        return spread_within(group, _round_rows(trades, counts))

    w.industry[at_work] = industry_of(at_work)
    target = economy.array("industry", "industry")
    residuals["industry"] = _off(np.bincount(w.industry[at_work], minlength=industries), target)
    _contracts(economy, people, at_work, w, residuals)
    _last_occupations(people, at_work, idle, w, rates.exit_by_contract, occupations)
    w.industry[idle] = industry_of(idle)
    employee = w.contract[at_work] <= DAILY
    group = w.industry[at_work][employee].astype(np.int32) * 3 + w.contract[at_work][employee]
    sizes = np.bincount(group, minlength=industries * 3)
    seed = np.repeat(economy.array("size_industry", "size", "industry").T, 3, axis=0)
    totals = economy.array("size_employees", "size")
    size = spread_within(group, _fit_rows(seed, sizes, totals))
    w.previous[at_work][employee] = size
    residuals["size of employees"] = _off(np.bincount(size, minlength=totals.size), totals)
    shares = economy.array("inactive_reason", "sex", "age", "reason").reshape(-1, economy.n("reason"))
    group = people.sex[out].astype(np.int32) * economy.n("age") + people.age[out]
    w.reason[out] = spread_within(group, _round_rows(shares, np.bincount(group, minlength=shares.shape[0])))


def _by_state(state: np.ndarray) -> tuple[slice, slice, slice]:
    """Rows of the employed, of those without work, and of the inactive among them."""
    employed, inactive = (int(n) for n in np.searchsorted(state, [UNEMPLOYED, INACTIVE]))
    return slice(0, employed), slice(employed, state.size), slice(inactive, state.size)


def _last_occupations(
    people: _People, at_work: slice, idle: slice, w: Any, exits: np.ndarray, occupations: int
) -> None:
    """Occupations that people without a job held last, or will look for first: those that people of the same sex, age
    and education leave, so jobs that end often weigh more than their stock (assumption)."""
    ages, educations, contracts = int(people.age.max()) + 1, int(people.education.max()) + 1, exits.size
    cells = 2 * ages * educations

    def cell_of(rows: slice) -> np.ndarray:
        kind = people.sex[rows].astype(np.int32) * ages + people.age[rows]
        return np.asarray(kind * educations + people.education[rows])

    held = (cell_of(at_work) * occupations + people.occupation[at_work]) * contracts + w.contract[at_work]
    heads = np.bincount(held, minlength=cells * occupations * contracts)
    left = heads.reshape(cells, occupations, contracts) @ exits
    national = left.sum(axis=0)
    chance = left + 1e-6 * national
    chance /= chance.sum(axis=1, keepdims=True)
    cell = cell_of(idle)
    counts = _round_rows(chance, np.bincount(cell, minlength=cells))
    w.occupation[idle] = spread_within(cell, counts)


def _contracts(
    economy: Economy, people: _People, at_work: slice, w: Any, residuals: dict[str, float]
) -> None:
    major = np.array([int(m) - 1 for m in economy.majors], dtype=np.uint8)
    seeds = (
        economy.array("contract_age", "age", "contract")[:, None, None, None]
        * economy.array("contract_sex", "sex", "contract")[None, :, None, None]
        * economy.array("contract_industry", "industry", "contract")[None, None, :, None]
        * economy.array("contract_occupation_major", "major", "contract")[None, None, None, :]
    )
    shape = seeds.shape
    group = np.zeros(people.age[at_work].size, dtype=np.int32)
    of_people = (
        people.age[at_work],
        people.sex[at_work],
        w.industry[at_work],
        major[people.occupation[at_work]],
    )
    for codes, kinds in zip(of_people, shape[:-1], strict=True):
        group *= kinds
        group += codes
    sizes = np.bincount(group, minlength=int(np.prod(shape[:-1])))
    totals = economy.array("contract", "contract")
    w.contract[at_work] = spread_within(group, _fit_rows(seeds.reshape(-1, shape[-1]), sizes, totals))
    residuals["contract"] = _off(np.bincount(w.contract[at_work], minlength=totals.size), totals)


def _fit_rows(seed: np.ndarray, sizes: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Whole numbers: rows of fixed size, columns in proportion to `totals`, associations as in `seed`."""
    n = int(sizes.sum())
    columns = round_total(totals / totals.sum() * n, n)
    fitted = fit(
        seed * (sizes > 0)[:, None],
        [((0,), sizes.astype(np.float64)), ((1,), columns.astype(np.float64))],
        1e-6,
    )
    return round_to_margins(fitted, [((0,), sizes), ((1,), columns)])


def _off(counts: np.ndarray, totals: np.ndarray) -> float:
    return float(np.abs(counts / counts.sum() - totals / totals.sum()).max())


# -------------------------------------------------------------------------------- entrants and personal draws


def _arrivals(rates: Any, scale: int, months: int) -> np.ndarray:
    """Agents who enter each month by sex and age band (months, sexes, ages); what is left over is carried on."""
    running = np.cumsum(rates.entrants[np.arange(months) // 12] / 12.0 / scale, axis=0)
    whole = np.floor(running + 1e-9).astype(np.int64)
    return np.diff(whole, axis=0, prepend=0)


def _entrants(
    economy: Economy,
    rates: Any,
    arrivals: np.ndarray,
    living: int,
    spin_up: int,
    key: np.ndarray,
    w: Any,
    age: np.ndarray,
) -> np.ndarray:
    """Fill the reserved rows: 15-year-olds in school, and people who move to the country at other ages."""
    _months, _sexes, _ages = arrivals.shape
    month, sex, band = (np.repeat(axis.ravel(), arrivals.ravel()) for axis in np.indices(arrivals.shape))
    rows = np.arange(living, living + month.size)
    draw = uniforms(key, PERSON, 0, rows)
    w.sex[rows] = sex
    young = np.bincount(w.region[:living][age == 0], minlength=economy.n("region"))
    w.region[rows] = np.searchsorted(np.cumsum(young) / young.sum(), draw[:, 1], side="right")
    w.education[rows] = np.where(band == 0, 0, 1)
    w.reason[rows] = np.where(band == 0, SCHOOL, RESTING)
    at_work = (w.state[:living] == EMPLOYED) & (age <= 2)
    young_jobs = np.flatnonzero(at_work)
    pick = young_jobs[(uniforms(key, PERSON, 2, rows)[:, 0] * young_jobs.size).astype(np.int64)]
    w.occupation[rows], w.industry[rows] = w.occupation[pick], w.industry[pick]
    low = rates.age_low[band]
    years = np.where(band == 0, 0.0, uniforms(key, PERSON, 2, rows)[:, 1] * (rates.age_low[band + 1] - low))
    w.birth[rows] = (month - spin_up) - low.astype(np.int64) * 12 - (years * 12).astype(np.int64)
    w.contract[rows] = NO_CONTRACT
    w.state[rows] = ABSENT
    counts = arrivals.sum(axis=(1, 2))
    return living + np.concatenate([[0], np.cumsum(counts)])


def _endow(
    w: Any,
    living: int,
    age: np.ndarray,
    e: Any,
    posts: Any,
    key: np.ndarray,
    rates: Any,
    spin_up: int,
    params: Any,
    threads: int,
) -> None:
    """What differs between persons, a quarter of the time that building takes."""

    def draw(lo: int) -> None:
        desks = (new_desk(1) for _ in range(3))
        hi = min(lo + CHUNK, w.state.size)
        _persons(lo, hi, w, age, e, posts, rates, params, key, living, spin_up, *desks)

    in_threads(threads, draw, range(0, w.state.size, CHUNK))


@jit
def _persons(lo, hi, w, age, e, posts, rates, pm, key, living, spin_up, for_person, for_spell, for_other):
    for start in range(lo, hi, BLOCK):
        n = min(BLOCK, hi - start)
        draw_block(start, n, SPIN_UP_OFFSET + 1, PERSON, key, for_person.word)
        draw_block(start, n, SPIN_UP_OFFSET, SPELL, key, for_spell.word)
        draw_block(start, n, SPIN_UP_OFFSET + 1, SPELL, key, for_other.word)
        for j in range(n):
            i = start + j
            band = int(age[i]) if i < living else 0
            words = (for_person.word[:, j], for_spell.word[:, j], for_other.word[:, j])
            _person(i, band, *words, w, e, posts, rates, pm, living, spin_up)


@device
def _person(i, band, person, spell, other, w, e, posts, rates, pm, living, spin_up):
    w.employability[i] = normal_(unit_(person[2]))
    use = rates.regular_use[band, w.sex[i], w.education[i], rates.major[w.occupation[i]]]
    skill = pm.use_midpoint + pm.skill_start_spread * (normal_(unit_(person[3])) + normal_(use))
    w.skill[i] = min(max(skill, 0.0), 1.0)
    residual = pm.wage_employability * w.employability[i] + pm.match_sd * normal_(unit_(spell[3]))
    w.wage[i] = (
        rates.wage_occupation[w.occupation[i]]
        + rates.wage_industry[w.industry[i]]
        + rates.wage_age[band]
        + rates.wage_sex[w.sex[i]]
        + rates.wage_education[w.education[i]]
        + residual
    )
    if i >= living:
        w.wage[i] = max(w.wage[i] - 0.2, rates.minimum_wage[0])
        return
    width = rates.age_low[band + 1] - rates.age_low[band]
    years = unit_(person[0]) * width if band < 11 else unit_(person[0]) * unit_(person[0]) * width
    w.birth[i] = -spin_up - int((rates.age_low[band] + years) * 12.0)
    if w.state[i] == EMPLOYED:
        contract = w.contract[i]
        longest = max(0, int((rates.age_low[band] + years - 15.0) * 12.0))
        months, most, u = 0, 479, unit_(spell[0])  # the first month whose cumulated share is above u
        while months < most:
            middle = (months + most) // 2
            if u >= rates.tenure[contract, middle]:
                months = middle + 1
            else:
                most = middle
        months = min(months, longest)
        w.spell[i] = months
        w.experience[i] = min(months + int(unit_(other[0]) * 60.0), max(months, longest))
        if months >= 12 or (band >= 3 and unit_(other[1]) < 0.8):
            w.tags[i] |= HELD12
        if contract <= DAILY:
            f = posts.employer[w.job[i]]
            w.wage[i] += rates.wage_size[e.size[f]] + rates.wage_contract[contract] + e.productivity[f]
            w.wage[i] += pm.tenure_wage * min(months, TENURE_PAY_MONTHS)
            w.wage[i] = max(w.wage[i], rates.minimum_wage[0])
            if unit_(spell[2]) < rates.insured_share[w.industry[i], contract]:
                w.tags[i] |= INSURED
                recent = min(months, 18)
                w.insured[i] = np.uint32((min(months, 16383) << 18) | ((1 << recent) - 1))
    elif w.state[i] == UNEMPLOYED:
        w.spell[i] = min(int(-log_(unit_(spell[0])) * 2.0) + 1, 24)
        w.experience[i] = int(unit_(spell[1]) * 60.0)
    else:
        w.spell[i] = min(int(-log_(unit_(spell[0])) * 24.0) + 1, 600)
        if w.reason[i] == MILITARY:
            w.spell[i] = min(w.spell[i], 17)
        if band >= 3:
            w.experience[i] = int(unit_(spell[1]) * 120.0)
