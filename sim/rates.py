"""What the kernels read: an economy's tables and a scenario's `[world]` as plain arrays, built once a run.

`rates_of` gives what is known before there are people; `tables_of` what also depends on the population, above all
hazards scaled so that the published monthly flows by age hold in it, whatever its mix of contracts, sizes and tenure.
All rates are per month, all money is won of the base year, wages are logs of won an hour.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.boards import Boards, submarkets
from sim.census import Census, census, turnover
from sim.economy import Economy
from sim.errors import InputError
from sim.kernels import alias_table, exp_, log_, logs, record_of
from sim.population import AGE5
from sim.record import Layout
from sim.scenario import Scenario
from sim.workers import (
    AGE_BITS,
    EMPLOYED,
    INACTIVE,
    MILITARY,
    NO_EMPLOYER,
    OLDEST_MONTH,
    OWN_ACCOUNT,
    REGULAR,
    RESTING,
    UNEMPLOYED,
)

BLOCK = 1 << 20  # people looked at together, so that nothing is as long as everybody
LAST_YEAR = 2036
SPREAD_OF_EMPLOYERS = 0.2  # sd of log productivity between employers (assumption)
PUBLIC_JOBS = (
    300_000  # public jobs for the elderly that lapse in December and come back in January (assumption)
)
PUBLIC_PLACE = ("Q", "91")  # their industry and occupation
FROM_STATES = (0.2, 0.1, 0.7)  # who starts own-account work: employees, unemployed, inactive (assumption)
UNPAID_WOMEN, UNPAID_MEN = (
    0.22,
    0.05,
)  # unpaid family workers among those who start own-account work (assumption)
FEW_JOBS = (
    250.0  # that end in a month, of a cell whose contracts are drawn halfway to its major group (assumption)
)
APART = 4.0  # at most, return to work of men or women against the mean of their age (assumption)
INVOLUNTARY = 0.6  # of separations into unemployment, contract ends and dismissals (assumption)
LAID_OFF_TO_UNEMPLOYMENT = 0.7  # of the laid off, the rest leaves the labour force for a while (assumption)
CALL_UP = 0.01  # a month, of men in school at 20-24 (assumption; the survey leaves conscripts out)


def by_year(levels: dict[int, float], first: int) -> np.ndarray:
    """A yearly path from `first` to LAST_YEAR: a value holds until the next one given."""
    known = sorted(levels)
    return np.array(
        [levels[max([k for k in known if k <= y] or [known[0]])] for y in range(first, LAST_YEAR + 1)]
    )


# --------------------------------------------------------------------------------- before there are people


def rates_of(economy: Economy, scenario: Scenario) -> Any:
    """Rates of an economy under a scenario; the first year is the base year (the spin-up)."""
    entrants, leave = demography(economy)
    low, _high = economy.ages
    shock_sd = economy.array("establishments", "size", item="demand_sd")
    adopters, intensity = _adopters(economy, scenario)
    factors = {
        dim: logs(economy.array("wage_factor", "code", dimension=dim))
        for dim in ("occupation", "industry", "size", "contract", "age", "sex", "education")
    }
    level = float(log_(economy.value("wage_level", "mean_hourly")))
    employees = economy.array("size_employees", "size").sum()
    tenure, exits = _tenure(economy, scenario)
    return record_of(
        {
            "entrants": entrants,
            "leave": leave,
            "age_low": np.append(low, 90).astype(np.float64),
            "adopters": adopters,
            "intensity_start": intensity,
            "shock_sd": shock_sd,
            "productivity_sd": SPREAD_OF_EMPLOYERS,
            "vacancy_rate": economy.value("flows", "vacancies") / employees - scenario.world.surplus_posts,
            "wage_occupation": level + factors["occupation"],
            "wage_industry": factors["industry"],
            "wage_size": factors["size"],
            "wage_contract": factors["contract"][:3],
            "wage_age": factors["age"],
            "wage_sex": factors["sex"],
            "wage_education": factors["education"],
            "regular_use": _regular_use(economy),
            "major": _major(economy),
            "minimum_wage": logs(by_year(economy.by_year("minimum_wage.hourly"), economy.base_year)),
            "tenure": tenure,
            "exit_by_contract": exits,
            "insured_share": _insured(economy),
        }
    )


def _major(economy: Economy) -> np.ndarray:
    known = economy.codes["major"]
    return np.array([known.index(m) for m in economy.majors], dtype=np.uint8)


def demography(economy: Economy) -> tuple[np.ndarray, np.ndarray]:
    """Entrants a year (years, sexes, ages) and monthly leaving hazards (years, sexes, ages) of the projection.

    One fifth of a five-year band moves on each year. What a band then lacks enters, what it has too many leaves.
    """
    years = [
        int(y) for y in economy.codes["year"] if int(y) >= economy.base_year and _projected(economy, int(y))
    ]
    path = np.stack([economy.array("projection", "sex", "age", year=y) for y in years])
    span = LAST_YEAR - economy.base_year + 1
    entrants = np.zeros((span, *path.shape[1:]))
    leave = np.zeros_like(entrants)
    for n in range(span):
        t = min(n, len(years) - 2)
        now, then = path[t], path[t + 1]
        stay = np.full(now.shape, 0.8)
        stay[:, -1] = 1.0
        due = now * stay
        due[:, 1:] += 0.2 * now[:, :-1]
        entrants[n] = np.maximum(0.0, then - due)
        loss = np.maximum(0.0, 1.0 - then / due)
        leave[n] = 1.0 - (1.0 - loss) ** (1.0 / 12.0)
    leave[:, :, 0] = 0.0
    return entrants, leave


def _projected(economy: Economy, year: int) -> bool:
    try:
        economy.array("projection", "sex", "age", year=year)
    except KeyError:
        return False
    return True


def _path(economy: Economy, scenario: Scenario) -> tuple[np.ndarray, np.ndarray]:
    """Adopters' share by year and size, from the base year to LAST_YEAR, and the industries' ratio to the mean."""
    series = str(scenario.world.adoption)
    given = [int(y) for y in economy.codes["year"] if _has_adoption(economy, series, int(y))]
    levels = np.stack([economy.array("adoption", "size", series=series, year=y) for y in given])
    years = np.arange(economy.base_year, LAST_YEAR + 1)
    path = np.stack([np.interp(years, given, levels[:, s]) for s in range(levels.shape[1])], axis=1)
    ratio = economy.array("adoption_industry", "industry")
    people = economy.array("industry", "industry")
    return path, ratio / (ratio * people).sum() * people.sum()


def _has_adoption(economy: Economy, series: str, year: int) -> bool:
    try:
        economy.array("adoption", "size", series=series, year=year)
    except KeyError:
        return False
    return True


def _adopters(economy: Economy, scenario: Scenario) -> tuple[np.ndarray, np.ndarray]:
    """Share of adopters at the start (sizes, industries), and their intensity by vintage (months ago)."""
    path, ratio = _path(economy, scenario)
    share = np.minimum(0.95, path[0][:, None] * ratio[None, :])
    intensity, a = [], 0.05
    for _ in range(36):  # three years of vintages, each as likely
        intensity.append(a)
        a += a * (1.0 - a) * 6.0 / scenario.world.adoption_ramp
    return share, np.array(intensity)


def _adoption_hazard(economy: Economy, scenario: Scenario) -> np.ndarray:
    """Innovation part of the Bass hazard (years, sizes, industries): the path's hazard less imitation."""
    path, ratio = _path(economy, scenario)
    share = np.minimum(0.95, path[:, :, None] * ratio)
    following = np.concatenate([share[1:], share[-1:]])
    whole = 1.0 - np.clip((1.0 - following) / (1.0 - share), 0.0, 1.0) ** (1.0 / 12.0)
    return np.asarray(np.maximum(0.0, whole - scenario.world.adoption_imitation * share))


def _regular_use(economy: Economy) -> np.ndarray:
    """Share who use AI at work regularly (ages, sexes, educations, majors): one-way ratios to the mean."""
    mean = economy.array("ai_use", "code", dimension="total")[1]
    ratio = {
        d: economy.array("ai_use", "code", dimension=d) / mean for d in ("age", "sex", "education", "major")
    }
    share = mean * (
        ratio["age"][:, None, None, None]
        * ratio["sex"][None, :, None, None]
        * ratio["education"][None, None, :, None]
        * ratio["major"][None, None, None, :]
    )
    return np.asarray(np.clip(share, 0.005, 0.8))


def _insured(economy: Economy) -> np.ndarray:
    """Share insured (industries, contracts): of the regular, officials and teachers are outside."""
    share = np.array([economy.scalar(f"insured.{c}") for c in economy.codes["contract"]])
    out = np.tile(share, (economy.n("industry"), 1))
    for k, industry in enumerate(economy.codes["industry"]):
        if economy.holds(f"insured.outside_{industry}"):
            out[k, REGULAR] *= 1.0 - economy.scalar(f"insured.outside_{industry}")
    return out


def _by_tenure(economy: Economy, scenario: Scenario) -> np.ndarray:
    """How separations fall with tenure (4 bands): the table's factors, to a power that is estimated."""
    factor = economy.array("flow_factor", "code", dimension="tenure", flow="en")
    return np.asarray(factor**scenario.world.separation_tenure)


def _tenure(economy: Economy, scenario: Scenario) -> tuple[np.ndarray, np.ndarray]:
    """Stationary distribution of tenure by contract, cumulated (contracts, 480 months), and mean monthly exits
    (contracts), under the table's hazards."""
    contract = economy.array("flow_factor", "code", dimension="contract", flow="en")
    tenure = _by_tenure(economy, scenario)
    quits = economy.array("flow_factor", "code", dimension="contract", flow="job_to_job")
    upper = np.array([3, 12, 36, 10**6])
    band = np.searchsorted(upper, np.arange(480), side="right")
    out, exits = np.zeros((contract.size, 480)), np.zeros(contract.size)
    for c in range(contract.size):
        leave = (
            (economy.value("flows", "eu") + economy.value("flows", "en")) * contract[c]
            + economy.value("flows", "job_to_job") * quits[c]
        ) * tenure[band]
        survive = np.cumprod(np.append(1.0, 1.0 - np.minimum(leave[:-1] + 0.002, 0.9)))
        out[c] = np.cumsum(survive) / survive.sum()
        exits[c] = (leave * survive).sum() / survive.sum()
    return out, exits


# ------------------------------------------------------------------------------------------- once they exist


def tables_of(
    economy: Economy,
    scenario: Scenario,
    rates: Any,
    population: Any,
    scale: int,
    spin_up: int,
    full_time: np.ndarray,
    conversion_weight: np.ndarray,
) -> tuple[Any, Boards]:
    """Tables for the kernels, and the boards of vacancies.

    Shifts everyone's wage so that employees' mean pay an hour worked is the published one."""
    w, living = population.workers, population.living
    first = economy.base_year
    low, _ = economy.ages
    band = np.repeat(np.searchsorted(low, np.arange(121), side="right").clip(1) - 1, 12).astype(np.int32)
    shift = _centre_wages(economy, rates, w, living, -spin_up, band, scenario.world.level_pay)
    of_major, of_size = _pay_level(economy)
    pay = rates.wage_occupation + shift + of_major
    people = census(w, living, -spin_up, band, economy.n("industry"), economy.n("occupation"))
    hazards = _separations(economy, scenario, people.at_work)
    flows = {f: economy.array("flows_age", "age", flow=f) for f in economy.codes["flow"]}
    by_tenure = _by_tenure(economy, scenario)
    leave = (hazards[0] + hazards[1])[..., None] * by_tenure
    own = _own_account(people, leave, scenario.world.level_own_account)
    quits = economy.array("flow_factor", "code", dimension="contract", flow="job_to_job")
    openings, ending = turnover(
        w,
        living,
        -spin_up,
        band,
        leave,
        economy.value("flows", "job_to_job") * quits[:, None] * np.ones(by_tenure.size)[None, :],
        rates.major,
        AGE5,
        economy.n("region"),
    )
    boards = submarkets(economy, scenario, rates, openings)
    leaving = np.einsum("xacst,cast->xa", people.at_work, hazards[1][..., None] * by_tenure)
    resting = scenario.world.level_return_resting
    start_looking, search_inactive = _from_inactivity(economy, people.inactive, leaving, flows, resting)
    returns = start_looking + search_inactive
    returns[:, RESTING] /= resting  # the stock of those who rest is what the level moves
    exposure = economy.array("exposure", "occupation", measure=str(scenario.world.exposure))
    years = LAST_YEAR - first + 1
    floor, ceiling = (by_year(economy.by_year(f"benefit.{k}_daily"), first) for k in ("floor", "ceiling"))
    spread = scenario.world.separation_employability
    public_place = economy.codes["industry"].index(PUBLIC_PLACE[0]) * economy.n("occupation") + economy.codes[
        "occupation"
    ].index(PUBLIC_PLACE[1])
    elders = int(people.stock(INACTIVE)[:, 10:].sum())
    base_output = (
        (rates.wage_occupation + shift)[:, None, None]
        + rates.wage_industry[None, :, None]
        + np.append(rates.wage_size, 0.0)[None, None, :]
        - float(log_(economy.scalar("macro.labour_share")))
    )
    if max(Layout.of(economy).groups, base_output.size) > 1 << 16:  # the month's end numbers both in 16 bits
        raise InputError("an economy has room for 136 provinces, and 10,922 pairs of occupation and industry")
    return (
        record_of(
            {
                "at": np.array(
                    Layout.of(economy).offsets[:-1], dtype=np.uint64
                ),  # where each block of the record begins
                "band": band,
                "age5": AGE5.astype(np.int32),
                "ages": (band + (AGE5[band] << int(AGE_BITS))).astype(
                    np.uint8
                ),  # of each month of age, the band and above it the group
                "leave": rates.leave[0].copy(),
                "leave_school": _leave_school(economy),
                "call_up": np.where(
                    (np.arange(2)[:, None] == 0) & (np.arange(low.size)[None, :] == 1), CALL_UP, 0.0
                ),
                "reason_after_school": _reasons(economy, returns, after_school=True),
                "graduate": _graduates(economy),
                "retire": 0.5 * economy.scalar("retirement.longest_job_share"),
                "hours": np.vstack([economy.array("hours", "contract", "age"), np.zeros((1, low.size))]),
                "separate_u": hazards[0],
                "separate_n": hazards[1],
                "tenure_factor": by_tenure,
                "occupation_factor": np.ones(economy.n("occupation")),
                "employability_mean": 0.5 * spread**2,
                "employability_most": exp_(3.8 * spread),
                "laid_off_u": np.where(np.arange(low.size) >= 9, 0.5, LAID_OFF_TO_UNEMPLOYMENT),
                "involuntary": INVOLUNTARY,
                "reason_on_leaving": _reasons(economy, returns, after_school=False),
                "insured_months_needed": int(economy.scalar("benefit.insured_days") / 30),
                "benefit_months": _benefit_months(economy),
                "benefit_floor": floor,
                "benefit_ceiling": ceiling,
                "benefit_hourly": logs(floor / 8.0),
                "adoption_hazard": _adoption_hazard(economy, scenario),
                "shock_rho": economy.array("establishments", "size", item="demand_rho"),
                "shock_sd": rates.shock_sd
                * np.sqrt(1.0 - economy.array("establishments", "size", item="demand_rho") ** 2),
                "shock_mean": np.zeros(rates.shock_sd.size),
                "birth": np.minimum(0.9, economy.array("establishments", "size", item="closure_rate") * 20.0),
                "closure": economy.array("establishments", "size", item="closure_rate"),
                "growth_industry": np.ones(economy.n("industry")),
                "growth_region": np.ones(economy.n("region")),
                "exposure": _common_scale(economy, exposure) * scenario.world.exposure_level,
                "complementarity": economy.array("complementarity", "occupation"),
                "major": rates.major,
                "base_level": np.array([exp_(float(x)) for x in base_output.ravel()]).reshape(
                    base_output.shape
                ),
                "stop_looking": flows["un"] * _hazard_level(economy, scenario, "stop_looking"),
                "start_looking": start_looking * _hazard_level(economy, scenario, "start_looking"),
                "search_n": np.minimum(
                    0.9, search_inactive * _hazard_level(economy, scenario, "search_inactive")
                ),
                "search_e": _search_employed(economy, scenario),
                "own_from_u": own[1],
                "own_from_n": own[2],
                "own_from_e": own[0],
                "unpaid_share": np.where(np.arange(2)[:, None] == 0, UNPAID_MEN, UNPAID_WOMEN)
                * np.ones((2, low.size)),
                "public_job": np.where(np.arange(low.size) >= 10, PUBLIC_JOBS / scale / max(1, elders), 0.0),
                "public_place": public_place,
                "own_place": alias_table(people.own.ravel().astype(np.float64)),
                "market_wage": np.repeat(
                    pay[:, None], economy.n("region"), axis=1
                ),  # log won an hour to expect
                "conversion_weight": conversion_weight,
                "distance": economy.wide("skill_distance"),
                "education_match": _education_match(economy),
                "hired_contract": _hired_contracts(ending, FEW_JOBS / scale, scenario.world.regular_hires),
                "insured_share": rates.insured_share,
                "minimum_wage": rates.minimum_wage[:years],
                "log_reservation": float(log_(scenario.world.reservation_share)),
                "wage_occupation": pay,
                "wage_industry": rates.wage_industry,
                "wage_size": rates.wage_size + of_size,
                "wage_contract": rates.wage_contract,
                "wage_age": rates.wage_age,
                "wage_sex": rates.wage_sex,
                "wage_education": rates.wage_education,
                "full_time": full_time,
            }
        ),
        boards,
    )


def _centre_wages(
    economy: Economy, rates: Any, w: Any, living: int, month: int, band: np.ndarray, level: float
) -> float:
    """Shift log wages so that employees' pay over their hours is `level` times the published one, less what moves
    to better pay and the minimum wage add later by major group and size; nobody is below the minimum.

    month: of the spin-up's start; band: age band of every month of age."""
    hours, paid, worked = economy.array("hours", "contract", "age"), 0.0, 0.0
    for lo in range(0, living, BLOCK):
        part = slice(lo, min(lo + BLOCK, living))
        employee = w.contract[part] < OWN_ACCOUNT
        months = np.clip(month - w.birth[part][employee].astype(np.int32), 0, OLDEST_MONTH)
        each = hours[w.contract[part][employee], band[months]]
        paid += float((each * np.exp(w.wage[part][employee].astype(np.float64))).sum())
        worked += float(each.sum())
    wanted = level * economy.value("wage_level", "mean_hourly")
    shift = round(float(np.log(wanted / (paid / worked))), 6)
    of_major, of_size = _pay_level(economy)
    moved = (shift + of_major).astype(np.float32)
    bonus = np.append(of_size, 0.0).astype(np.float32)  # without an employer none
    for lo in range(0, w.wage.size, BLOCK):
        part = slice(lo, min(lo + BLOCK, w.wage.size))
        w.wage[part] += moved[w.occupation[part]] + bonus[w.size[part]]
    for lo in range(0, living, BLOCK):
        part = slice(lo, min(lo + BLOCK, living))
        lowest = np.where(w.contract[part] < OWN_ACCOUNT, np.float32(rates.minimum_wage[0]), -np.inf)
        np.maximum(w.wage[part], lowest.astype(np.float32), out=w.wage[part])
    return shift


def _pay_level(economy: Economy) -> tuple[np.ndarray, np.ndarray]:
    """Log pay at the start of the spin-up against the published: by occupation, that of its major group; by size."""
    major, size = (
        np.round(np.log(economy.array("pay_level", "code", dimension=d)), 6) for d in ("major", "size")
    )
    return major[_major(economy)], size


def _hazard_level(economy: Economy, scenario: Scenario, item: str) -> np.ndarray:
    """Level of a base hazard by age: the economy's profile times the estimated level."""
    profile = economy.array("hazard_level", "age", item=item)
    return np.asarray(profile * getattr(scenario.world, f"level_{item}"))


def _separations(economy: Economy, scenario: Scenario, at_work: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Monthly hazards (contracts, ages, sizes + none) into unemployment and inactivity before tenure: contract x
    size x age, scaled so that each age band's published flow holds for its present mix."""
    stock = at_work.sum(axis=0)  # age, contract, size, tenure
    by_tenure = _by_tenure(economy, scenario)
    out = []
    for flow in ("eu", "en"):
        contract, sizes = (
            economy.array("flow_factor", "code", dimension=d, flow=flow) for d in ("contract", "size")
        )
        contract = contract * np.where(
            np.arange(contract.size) >= OWN_ACCOUNT, scenario.world.level_separate_own, 1.0
        )
        sizes = np.append(sizes**scenario.world.separation_size, 1.0)
        relative = np.einsum("acst,c,s,t->a", stock, contract, sizes, by_tenure)
        mean = relative / np.maximum(1, stock.sum(axis=(1, 2, 3)))
        target = economy.array("flows_age", "age", flow=flow)
        level = target / np.where(mean > 0, mean, 1.0) * _hazard_level(economy, scenario, f"separate_{flow}")
        out.append(np.minimum(contract[:, None, None] * level[None, :, None] * sizes[None, None, :], 0.6))
    return out[0], out[1]


def _own_account(people: Census, leave: np.ndarray, level: float) -> list[np.ndarray]:
    """Monthly hazards (sexes, ages) to start own-account work from E, U and N: `level` times what replaces those who
    stop."""
    own = people.at_work[:, :, OWN_ACCOUNT:, NO_EMPLOYER, :]  # sex, age, contract, tenure
    stops = np.einsum("xact,cat->xa", own, leave[OWN_ACCOUNT:, :, NO_EMPLOYER, :])
    return [
        np.minimum(0.2, level * stops * share / np.maximum(1, people.stock(state)))
        for state, share in zip((EMPLOYED, UNEMPLOYED, INACTIVE), FROM_STATES, strict=True)
    ]


def _from_inactivity(
    economy: Economy,
    inactive: np.ndarray,
    leaving: np.ndarray,
    flows: dict[str, np.ndarray],
    resting: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Monthly hazards (sexes, reasons, ages) of the inactive to start looking and to search for a job at hand, before
    their levels. Those of men and women are as far apart as keeps the employed of both: as many return as leave a job
    for inactivity (`leaving`: sexes, ages); flows by sex are not published.

    inactive: heads (sexes, ages, reasons). resting: return of those who rest, against the table's."""
    stock = np.swapaxes(inactive, 1, 2).astype(np.float64)
    stock[:, MILITARY] = 0.0
    out = []
    for flow in ("nu", "ne"):
        factor = economy.array("flow_factor", "code", dimension="reason", flow=flow)[:, None].copy()
        factor[RESTING] *= resting
        ready = (factor * stock).sum(axis=1)  # sexes, ages
        sex = leaving / np.maximum(1.0, ready) * ready.sum(axis=0) / np.maximum(1.0, leaving.sum(axis=0))
        hazard = factor * np.clip(sex, 1.0 / APART, APART)[:, None]
        mean = (hazard * stock).sum(axis=(0, 1)) / np.maximum(1.0, stock.sum(axis=(0, 1)))
        out.append(hazard / np.where(mean > 0.0, mean, 1.0) * flows[flow])
    return np.minimum(0.5, out[0]), out[1]


def _search_employed(economy: Economy, scenario: Scenario) -> np.ndarray:
    """Monthly hazard (contracts, ages) that someone at work looks for another job, at the market wage."""
    contract, age = (
        economy.array("flow_factor", "code", dimension=d, flow="job_to_job") for d in ("contract", "age")
    )
    level = _hazard_level(economy, scenario, "search_employed") * economy.value("flows", "job_to_job")
    return np.minimum(0.9, contract[:, None] * (age * level)[None, :])


def _hired_contracts(ending: np.ndarray, few: float, regular: float) -> np.ndarray:
    """Cumulated shares of contracts among hires (five ages, majors, sizes, 3): those of the jobs that end, which they
    replace, with the log odds of a regular one raised by `regular` (for temporary jobs that turn regular)."""
    usual = ending.sum(axis=(0, 2))  # of a major group: what a cell of few jobs is drawn to
    usual = (usual + 1e-6) / (usual + 1e-6).sum(axis=-1, keepdims=True)
    flow = (ending + few * usual[None, :, None, :]) * np.array([exp_(regular), 1.0, 1.0])
    return np.asarray(np.cumsum(flow / flow.sum(axis=-1, keepdims=True), axis=-1))


def _common_scale(economy: Economy, scores: np.ndarray) -> np.ndarray:
    """Rank-map a measure onto one employment-weighted distribution in [0, 1]: the mid-rank of employment."""
    held = economy.array("occupation", "occupation")
    order = np.argsort(scores, kind="stable")
    cumulated = np.cumsum(held[order]) - 0.5 * held[order]
    out = np.empty(scores.size)
    out[order] = cumulated / held.sum()
    return out


def _leave_school(economy: Economy) -> np.ndarray:
    """Monthly hazard of leaving school by age band, from the shares in school at the middle of each band."""
    share = (
        economy.array("inactive_reason", "sex", "age", "reason")[:, :, 0]
        * economy.array("population", "sex", "age", "state")[:, :, 2]
    ).sum(axis=0)
    share = share / economy.array("population", "sex", "age", "state").sum(axis=(0, 2))
    out = np.full(share.size, 0.2)
    out[0] = 0.002
    for band in (1, 2):
        out[band] = np.log(max(share[band - 1], 1e-4) / max(share[band], 1e-4)) / 60.0
    out[3:6] = 0.1
    return np.clip(out, 0.0, 0.5)


def _reasons(economy: Economy, exits: np.ndarray, after_school: bool) -> np.ndarray:
    """Cumulated shares (sexes, ages, reasons) of why someone is inactive after leaving a job, or after school: those of
    the stock times how soon each reason ends (`exits`: sexes, reasons, ages), so that the stock stays."""
    share = economy.array("inactive_reason", "sex", "age", "reason") * np.swapaxes(exits, 1, 2)
    share[:, :, MILITARY] = 0.0
    if after_school:
        share[:, :, 0] = 0.0
        share[:, :, 3] += 1e-3
    total = share.sum(axis=-1, keepdims=True)
    return np.asarray(np.cumsum(np.where(total > 0, share / np.where(total > 0, total, 1.0), 0.2), axis=-1))


def _graduates(economy: Economy) -> np.ndarray:
    """Chance that education is settled one step higher at 19 and at 24, from neighbouring age bands."""
    shares = economy.array("education_age", "age", "state", "education")
    stock = economy.array("population", "sex", "age", "state").sum(axis=0)
    level = (shares * stock[:, :, None]).sum(axis=1)
    level = level / level.sum(axis=1, keepdims=True)
    beyond = 1.0 - level[2, 0]
    return np.array([beyond, level[2, 2] / beyond])


def _benefit_months(economy: Economy) -> np.ndarray:
    """Months of benefit (under 50 or not, whole insured years up to 20)."""
    table = np.zeros((2, 21), dtype=np.uint8)
    for rule in economy.record("benefit.duration")["value"]:
        older = 1 if rule["age_from"] >= 50 else 0
        table[older, int(rule["insured_from_years"]) :] = int(rule["days"]) // 30
    return table


def _education_match(economy: Economy) -> np.ndarray:
    """Log odds of an education in an occupation against all employed (educations, occupations), within +-1."""
    share = economy.array("occupation_education", "occupation", "education")
    held = economy.array("occupation", "occupation")
    mean = (share * held[:, None]).sum(axis=0) / held.sum()
    return np.asarray(np.clip(np.log(np.maximum(share, 1e-3) / mean), -1.0, 1.0).round(6).T.copy())


__all__ = ["rates_of", "tables_of"]
