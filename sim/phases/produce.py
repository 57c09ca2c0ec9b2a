"""Phase 9, produce: output, wages, benefits and taxes are added up, and the month is recorded.

Only sums of integers are kept (heads, won, fixed point): no number of threads changes a digit, and every ratio
is derived later from the sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.kernels import BLOCK, device, exp_, jit
from sim.phases.learn import learn
from sim.phases.train import follow
from sim.record import ABSENT_SIZE, LAYOUT, PAY_BINS
from sim.record import FIRM_ITEMS as ITEMS
from sim.record import TOTALS as TOTAL_NAMES
from sim.wages import staff_use
from sim.workers import ABSENT, EMPLOYED, INSURED, OLDEST_MONTH, OWN_ACCOUNT, RESTING, UNEMPLOYED

if TYPE_CHECKING:
    from sim.model import LaborMarket

SKILLED = 0.5  # AI skill of the `applied` step of the ladder
# unsigned, as every index below: the compiler then asks of none whether it is negative
STATES, AGES, ONE, TWO, FOUR = (np.uint64(n) for n in (3, 5, 1, 2, 4))
PEOPLE, PLACES, TRADES, FIRMS, MOVES, PAY, TOTALS, _END = (np.uint64(n) for n in LAYOUT.offsets)
_EMPLOYED, BASE, OUTPUT, USERS, SAVED, WAGES = (np.uint64(n) for n in range(len(ITEMS)))
FIRM_ITEMS = np.uint64(len(ITEMS))
(
    T_WAGES,
    T_BENEFITS,
    T_BENEFICIARIES,
    T_LONG,
    T_RESTING_YOUTH,
    T_SKILLED,
    T_USERS,
    T_BASE,
    T_OUTPUT,
    T_HOURS,
    T_SAVED,
    T_INSURED,
    T_SKILL,
    T_EMPLOYEES,
) = (np.uint64(n) for n in range(len(TOTAL_NAMES)))
BENEFIT_SHARE, DAY_HOURS = 0.6, 8.0  # of the former daily wage (Employment Insurance Act, art. 46)


def produce(model: LaborMarket) -> None:
    """Everyone learns (`learn`); then the month is added up and recorded."""
    m = model
    m.sums[:] = 0
    m.over_chunks(_close, m.workers, m.employers, m.posts, m.tables, m.params, m.clock, m.sums)
    follow(m)
    m.record.add(m, m.sums.sum(axis=0))


@jit
def _close(lo, hi, chunk, desk, w, e, posts, tb, pm, clock, sums):
    acc = sums[chunk]
    for start in range(lo, hi, BLOCK):
        end = min(start + BLOCK, hi)
        learn(start, end, w, e, posts, tb, pm, clock, desk.used)
        _add_up(start, end, w, e, posts, tb, pm, clock, desk.used, acc)
    for cell in range(int(FIRMS), int(MOVES), int(FIRM_ITEMS)):
        acc[TOTALS + T_BASE] += acc[cell + int(BASE)]
        acc[TOTALS + T_OUTPUT] += acc[cell + int(OUTPUT)]
        acc[TOTALS + T_USERS] += acc[cell + int(USERS)]
        acc[TOTALS + T_SAVED] += acc[cell + int(SAVED)]


@device
def _add_up(start, end, w, e, posts, tb, pm, clock, used, acc):
    industries = np.uint64(tb.growth_industry.size)
    floor, ceiling = tb.benefit_floor[clock.year_index], tb.benefit_ceiling[clock.year_index]
    reader, gain_most, substitution = pm.use_midpoint, pm.productivity_gain, pm.substitution
    skills, skilled, thousandths, wages, insured, employees = 0, 0, 0, 0, 0, 0
    states, previous, births, sexes, levels, regions, stages, skill_of = (
        w.state[start:end],
        w.previous[start:end],
        w.birth[start:end],
        w.sex[start:end],
        w.education[start:end],
        w.region[start:end],
        w.stage0[start:end],
        w.skill[start:end],
    )
    jobs, contracts, occupations, trades, pay = (
        w.job[start:end],
        w.contract[start:end],
        w.occupation[start:end],
        w.industry[start:end],
        w.wage[start:end],
    )
    for j in range(end - start):
        state = states[j]
        if state == ABSENT:
            previous[j] = ABSENT
            continue
        months = clock.month - births[j]
        band = tb.band[np.uint64(min(months, OLDEST_MONTH))]
        old = np.uint64(tb.age5[band])
        s = np.uint64(state) - ONE
        stage = np.uint64(stages[j])
        group = ((stage * AGES + old) * TWO + np.uint64(sexes[j])) * STATES + np.uint64(levels[j])
        acc[PEOPLE + group * STATES + s] += 1
        acc[PLACES + (np.uint64(regions[j]) * FOUR + stage) * STATES + s] += 1
        acc[MOVES + (old * FOUR + np.uint64(previous[j])) * STATES + s] += 1
        previous[j] = state
        skill = float(skill_of[j])
        skills += int(skill * 1e6)
        skilled += int(skill >= SKILLED)
        trade = TRADES + (np.uint64(occupations[j]) * AGES + old) * TWO
        if state == EMPLOYED:
            job, contract, occupation, industry = jobs[j], contracts[j], occupations[j], trades[j]
            acc[trade] += 1
            size = posts.size[np.uint64(job)] if job >= 0 else ABSENT_SIZE
            hours = tb.hours[contract, band]
            cell = FIRMS + (np.uint64(size) * industries + np.uint64(industry)) * FIRM_ITEMS
            base = int(hours * tb.base_level[occupation, industry, size])
            wage = int(hours * exp_(pay[j]))
            output = base
            if used[j] > 0.0:
                z = float(e.intensity[posts.employer[job]]) * tb.exposure[occupation]
                theta = tb.complementarity[occupation]
                gain = gain_most * z * theta * staff_use(skill, float(w.experience[start + j]), pm)
                saved = substitution * z * (1.0 - theta)
                output = int(base * (1.0 + gain) / (1.0 - saved))
                acc[cell + SAVED] += int(hours * (1.0 - (1.0 - saved) / (1.0 + gain)) * 1e3)
            acc[cell] += 1
            acc[cell + BASE] += base
            acc[cell + OUTPUT] += output
            acc[cell + USERS] += int(skill >= reader)  # more likely than not to use AI regularly
            acc[cell + WAGES] += wage
            thousandths += int(hours * 1e3)
            if contract < OWN_ACCOUNT:
                employees += 1
                wages += wage
                insured += int((w.tags[start + j] & INSURED) != 0)
                place = min(max(int((float(pay[j]) - 8.0) * 32.0), 0), PAY_BINS - 1)
                acc[PAY + np.uint64(place)] += 1
        elif state == UNEMPLOYED:
            acc[trade + ONE] += 1
            acc[TOTALS + T_LONG] += int(w.spell[start + j] >= 6)
            if w.benefit[start + j] > 0:
                daily = min(max(BENEFIT_SHARE * DAY_HOURS * exp_(pay[j]), floor), ceiling)
                acc[TOTALS + T_BENEFITS] += int(daily) * 30
                acc[TOTALS + T_BENEFICIARIES] += 1
                w.benefit[start + j] -= 1
        elif w.reason[start + j] == RESTING and months < 30 * 12:
            acc[TOTALS + T_RESTING_YOUTH] += 1
    acc[TOTALS + T_SKILL] += skills
    acc[TOTALS + T_SKILLED] += skilled
    acc[TOTALS + T_HOURS] += thousandths
    acc[TOTALS + T_WAGES] += wages
    acc[TOTALS + T_INSURED] += insured
    acc[TOTALS + T_EMPLOYEES] += employees
