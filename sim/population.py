"""The population and the employers: from an economy's margins to one row a person and one row an employer.

1. A joint table of sex x age x region x education x state is fitted to its margins and rounded.
2. For the employed, occupation is fitted to its margins by age, sex, education and region; industry follows from
   region and occupation; contract from age, sex, industry and occupation; size from industry and contract.
3. Employees of one region, industry and size are placed with employers of that cell; posts are counted.
4. What differs between persons within a cell (month of birth, employability, spell, wage, AI skill) is drawn.

Joints that nobody publishes are therefore the product of their margins (an assumption, see the economy's notes).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sim.draws import ESTABLISHMENT, PERSON, POSTS, SPELL, uniforms
from sim.economy import Economy
from sim.employers import ADOPTER, new_employers, new_posts
from sim.fitting import fit, round_to_margins, round_total, spread_within
from sim.kernels import exp_, jit, log_, normal_
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
    UNEMPLOYED,
    new_columns,
)

AGE5 = np.array([0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4], dtype=np.uint8)  # 15-29, 30-39, 40-49, 50-59, 60+
SECTOR = np.array(
    [0, 1, 1] + [2] * 18
)  # of KSIC sections A to U: agriculture, mining and manufacturing, the rest
NO_STRATUM = 1 << 20  # of people without an employer
OLDEST = 90  # ages of the last band are drawn from 70 to here
DORMANT_EVERY = 20  # one row of employers in this many waits to be born at any time
REAL_HEADCOUNT_SCALE = 100  # up to here employers keep their real headcount


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
    economy: Economy, scale: int, key: np.ndarray, rates: Any, months: int, spin_up: int, params: Any
) -> Population:
    """Population of the base year at one agent for `scale` persons, with rows reserved for `months` of entrants,
    the first of them `spin_up` months before the run."""
    residuals: dict[str, float] = {}
    joint = _demography(economy, scale, residuals)
    people = _occupations(economy, joint, scale, residuals)
    arrivals = _arrivals(rates, scale, months)
    living = people.sex.size
    rows = living + int(arrivals.sum())
    w = new_columns(rows)
    _jobs(economy, people, w, rates, residuals)
    order, stratum = _order(w, living, key, economy.n("industry"), economy.n("size"))
    for name in (
        "sex",
        "education",
        "region",
        "state",
        "reason",
        "contract",
        "occupation",
        "industry",
        "birth",
    ):
        column = getattr(w, name)
        column[:living] = column[:living][order]
    size = w.previous[:living][order]
    w.previous[:] = 0
    age = w.stage0[:living][order]
    w.stage0[:] = 3
    first = _entrants(economy, rates, arrivals, living, spin_up, key, w, age)
    employers, posts, headcount = _employers(economy, scale, w, size, stratum, key, rates)
    _endow(w, living, age, employers, posts, key, rates, spin_up, params)
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
    band in `stage0`: both columns are set anew by the caller."""
    n = people.sex.size
    for name in ("sex", "education", "region", "state", "occupation"):
        getattr(w, name)[:n] = getattr(people, name)
    w.stage0[:n] = people.age
    regions, industries, occupations = (economy.n(d) for d in ("region", "industry", "occupation"))
    at_work = np.flatnonzero(people.state == EMPLOYED)
    trades = _trades(economy).transpose(0, 2, 1).reshape(-1, industries)
    trades = trades + 1e-15 * trades.sum(axis=0)
    trades /= trades.sum(axis=1, keepdims=True)
    group = people.region.astype(np.int64) * occupations + people.occupation
    sizes = np.bincount(group[at_work], minlength=regions * occupations)
    w.industry[at_work] = spread_within(group[at_work], _round_rows(trades, sizes))
    target = economy.array("industry", "industry")
    residuals["industry"] = _off(np.bincount(w.industry[at_work], minlength=industries), target)
    _contracts(economy, people, at_work, w, residuals)
    idle = np.flatnonzero(people.state != EMPLOYED)
    _last_occupations(people, at_work, idle, w, rates.exit_by_contract, occupations)
    group = people.region.astype(np.int64) * occupations + w.occupation[: people.sex.size]
    w.industry[idle] = spread_within(
        group[idle], _round_rows(trades, np.bincount(group[idle], minlength=sizes.size))
    )
    employees = at_work[w.contract[at_work] <= DAILY]
    group = w.industry[employees].astype(np.int64) * 3 + w.contract[employees]
    sizes = np.bincount(group, minlength=industries * 3)
    seed = np.repeat(economy.array("size_industry", "size", "industry").T, 3, axis=0)
    totals = economy.array("size_employees", "size")
    w.previous[employees] = spread_within(group, _fit_rows(seed, sizes, totals))
    residuals["size of employees"] = _off(np.bincount(w.previous[employees], minlength=totals.size), totals)
    shares = economy.array("inactive_reason", "sex", "age", "reason").reshape(-1, economy.n("reason"))
    out = np.flatnonzero(people.state == INACTIVE)
    group = people.sex[out].astype(np.int64) * economy.n("age") + people.age[out]
    w.reason[out] = spread_within(group, _round_rows(shares, np.bincount(group, minlength=shares.shape[0])))


def _last_occupations(
    people: _People, at_work: np.ndarray, idle: np.ndarray, w: Any, exits: np.ndarray, occupations: int
) -> None:
    """Occupations that people without a job held last, or will look for first: those that people of the same sex, age
    and education leave, so jobs that end often weigh more than their stock (assumption)."""
    ages, educations = int(people.age.max()) + 1, int(people.education.max()) + 1
    cells = 2 * ages * educations
    cell = (people.sex.astype(np.int64) * ages + people.age) * educations + people.education
    left = np.bincount(
        cell[at_work] * occupations + people.occupation[at_work],
        weights=exits[w.contract[at_work]],
        minlength=cells * occupations,
    ).reshape(cells, occupations)
    national = left.sum(axis=0)
    chance = left + 1e-6 * national
    chance /= chance.sum(axis=1, keepdims=True)
    counts = _round_rows(chance, np.bincount(cell[idle], minlength=cells))
    w.occupation[idle] = spread_within(cell[idle], counts)


def _contracts(
    economy: Economy, people: _People, at_work: np.ndarray, w: Any, residuals: dict[str, float]
) -> None:
    major = np.array([int(m) - 1 for m in economy.majors])
    seeds = (
        economy.array("contract_age", "age", "contract")[:, None, None, None]
        * economy.array("contract_sex", "sex", "contract")[None, :, None, None]
        * economy.array("contract_industry", "industry", "contract")[None, None, :, None]
        * economy.array("contract_occupation_major", "major", "contract")[None, None, None, :]
    )
    shape = seeds.shape
    group = np.ravel_multi_index(
        (people.age[at_work], people.sex[at_work], w.industry[at_work], major[people.occupation[at_work]]),
        shape[:-1],
    )
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


# ------------------------------------------------------------------------------------------------ employers


def _order(
    w: Any, living: int, key: np.ndarray, industries: int, sizes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows so that colleagues stand together: employees by region, industry and size, mixed within; then others."""
    employee = (w.state[:living] == EMPLOYED) & (w.contract[:living] <= DAILY)
    stratum = (w.region[:living].astype(np.int64) * industries + w.industry[:living]) * sizes
    stratum += w.previous[:living]
    stratum = np.where(employee, stratum, NO_STRATUM)
    ticket = uniforms(key, PERSON, -1, np.arange(living))[:, 0]
    order = np.lexsort((ticket, stratum))
    return order, stratum[order]


def _employers(
    economy: Economy, scale: int, w: Any, size: np.ndarray, stratum: np.ndarray, key: np.ndarray, rates: Any
) -> tuple[Any, Any, dict[str, float]]:
    """Employers of each region, industry and size, with heads drawn around the class mean; posts by occupation."""
    n = int((stratum < NO_STRATUM).sum())
    industries, sizes = economy.n("industry"), economy.n("size")
    stratum = stratum[:n]
    starts = np.flatnonzero(np.diff(stratum, prepend=-1))
    heads = np.diff(np.append(starts, n))
    classes = stratum[starts] % sizes
    mean = economy.array("establishments", "size", item="mean_employees")
    shrink = np.maximum(1.0, mean / np.maximum(1.0, scale / REAL_HEADCOUNT_SCALE)) / mean
    number = np.maximum(1, np.rint(heads / (mean * shrink)[classes])).astype(np.int64)
    cell = np.repeat(np.arange(starts.size), number)
    draw = uniforms(key, ESTABLISHMENT, 0, np.arange(cell.size))
    weight = np.empty(cell.size)
    _weights(draw[:, 0], weight)
    first = np.concatenate([[0], np.cumsum(number)])
    running = np.cumsum(weight)
    before = np.concatenate([[0.0], running])[first[cell]]
    whole = np.add.reduceat(weight, first[:-1])[cell]
    ends = starts[cell] + np.rint((running - before) / whole * heads[cell]).astype(np.int64)
    begins = np.where(np.arange(cell.size) == first[cell], starts[cell], np.concatenate([[0], ends[:-1]]))
    kept = np.flatnonzero(ends > begins)
    begins, ends, cell, draw = begins[kept], ends[kept], cell[kept], draw[kept]
    employer_of = np.repeat(np.arange(kept.size), ends - begins)
    twins = np.arange(kept.size)[np.arange(kept.size) % DORMANT_EVERY == DORMANT_EVERY // 2]
    e = new_employers(kept.size + twins.size)
    source = np.concatenate([np.arange(kept.size), twins])
    code = stratum[starts[cell]][source]
    e.region[:], e.industry[:], e.size[:] = (
        code // (industries * sizes),
        code // sizes % industries,
        code % sizes,
    )
    e.open[: kept.size] = 1
    order = np.argsort(employer_of.astype(np.int64) * 64 + w.occupation[:n], kind="stable")
    pair = (employer_of.astype(np.int64) * 64 + w.occupation[:n])[order]
    new = np.flatnonzero(np.diff(pair, prepend=-1))
    held = np.diff(np.append(new, n))
    post_of = np.empty(n, dtype=np.int32)
    post_of[order] = np.repeat(np.arange(new.size), held)
    employer = pair[new] // 64
    bounds = np.searchsorted(employer, np.arange(kept.size + 1))
    spans = [np.arange(bounds[t], bounds[t + 1]) for t in twins]
    copies = np.concatenate(spans) if spans else np.empty(0, dtype=np.int64)
    posts = new_posts(new.size + copies.size)
    posts.employer[: new.size] = employer
    posts.employer[new.size :] = (
        np.repeat(np.arange(kept.size, kept.size + twins.size), [s.size for s in spans]) if spans else 0
    )
    posts.occupation[:] = np.concatenate([pair[new] % 64, (pair[new] % 64)[copies]])
    posts.held[: new.size] = held
    e.posts_from[:] = np.searchsorted(posts.employer, np.arange(e.open.size), side="left")
    e.posts_to[:] = np.searchsorted(posts.employer, np.arange(e.open.size), side="right")
    w.job[:n] = post_of
    w.size[:n] = e.size[posts.employer[post_of]]
    own = draw[source]
    ids = np.arange(e.open.size)
    fresh = uniforms(key, ESTABLISHMENT, 1, ids)
    _start_employers(e, own, fresh, rates.productivity_sd, rates.adopters, rates.intensity_start)
    heads_posted = np.concatenate([held, held[copies]]).astype(np.float64)
    _start_posts(
        e,
        posts,
        heads_posted,
        rates.vacancy_rate,
        uniforms(key, POSTS, 0, posts.employer.astype(np.uint64), posts.occupation)[:, 0],
        rates.wage_occupation,
    )
    kinds = e.size[: kept.size]
    reported = {
        code: float((ends - begins)[kinds == s].mean() / mean[s]) if (kinds == s).any() else 0.0
        for s, code in enumerate(economy.codes["size"])
    }
    return e, posts, reported


@jit
def _weights(u, out):
    for i in range(u.size):
        out[i] = exp_(0.5 * normal_(u[i]))


@jit
def _start_employers(e, own, fresh, productivity_sd, adopters, intensity):
    for f in range(e.open.size):
        s = e.size[f]
        e.productivity[f] = productivity_sd * normal_(fresh[f, 3])
        if e.open[f] == 1 and own[f, 1] < adopters[s, e.industry[f]]:
            vintage = min(int(own[f, 2] * intensity.size), intensity.size - 1)
            e.intensity[f] = intensity[vintage]


@jit
def _start_posts(e, posts, heads, vacancy_rate, rounding, wage):
    for f in range(e.open.size):
        bill = 0.0
        for p in range(e.posts_from[f], e.posts_to[f]):
            bill += heads[p] * exp_(wage[posts.occupation[p]])
        for p in range(e.posts_from[f], e.posts_to[f]):
            posts.base[p] = heads[p] * (1.0 + vacancy_rate)
            posts.rounding[p] = rounding[p]
            posts.base_labour[p] = 1.0
            posts.flags[p] = ADOPTER if e.intensity[f] > 0.0 else 0
            posts.wage_share[p] = heads[p] * exp_(wage[posts.occupation[p]]) / bill


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
) -> None:
    rows = np.arange(w.state.size)
    bands = np.concatenate([age, np.zeros(rows.size - living, dtype=age.dtype)])
    for lo in range(
        0, rows.size, 1 << 20
    ):  # by blocks: the draws of everyone at once would be the memory's peak
        block = rows[lo : lo + (1 << 20)]
        _persons(
            block[0],
            w,
            bands,
            e,
            posts,
            rates,
            params,
            uniforms(key, PERSON, 1, block),
            uniforms(key, SPELL, 0, block),
            uniforms(key, SPELL, 1, block),
            living,
            spin_up,
        )


@jit
def _persons(lo, w, bands, e, posts, rates, pm, person, spell, other, living, spin_up):
    for n in range(person.shape[0]):
        i = lo + n
        w.employability[i] = normal_(person[n, 2])
        band = bands[i]
        use = rates.regular_use[band, w.sex[i], w.education[i], rates.major[w.occupation[i]]]
        skill = pm.use_midpoint + pm.skill_start_spread * (normal_(person[n, 3]) + normal_(use))
        w.skill[i] = min(max(skill, 0.0), 1.0)
        residual = pm.wage_employability * w.employability[i] + pm.match_sd * normal_(spell[n, 3])
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
            continue
        width = rates.age_low[band + 1] - rates.age_low[band]
        years = person[n, 0] * width if band < 11 else person[n, 0] * person[n, 0] * width
        w.birth[i] = -spin_up - int((rates.age_low[band] + years) * 12.0)
        if w.state[i] == EMPLOYED:
            contract = w.contract[i]
            longest = max(0, int((rates.age_low[band] + years - 15.0) * 12.0))
            months = 0
            while months < 479 and spell[n, 0] >= rates.tenure[contract, months]:
                months += 1
            months = min(months, longest)
            w.spell[i] = months
            w.experience[i] = min(months + int(other[n, 0] * 60.0), max(months, longest))
            if months >= 12 or (band >= 3 and other[n, 1] < 0.8):
                w.tags[i] |= HELD12
            if contract <= DAILY:
                f = posts.employer[w.job[i]]
                w.wage[i] += rates.wage_size[e.size[f]] + rates.wage_contract[contract] + e.productivity[f]
                w.wage[i] = max(w.wage[i], rates.minimum_wage[0])
                if spell[n, 2] < rates.insured_share[contract]:
                    w.tags[i] |= INSURED
                    recent = min(months, 18)
                    w.insured[i] = np.uint32((min(months, 16383) << 18) | ((1 << recent) - 1))
        elif w.state[i] == UNEMPLOYED:
            w.spell[i] = min(int(-log_(spell[n, 0]) * 2.0) + 1, 24)
            w.experience[i] = int(spell[n, 1] * 60.0)
        else:
            w.spell[i] = min(int(-log_(spell[n, 0]) * 24.0) + 1, 600)
            if w.reason[i] == MILITARY:
                w.spell[i] = min(w.spell[i], 17)
            if band >= 3:
                w.experience[i] = int(spell[n, 1] * 120.0)
