"""Phase 9, produce: output, wages, benefits and taxes are added up, and the month is recorded.

Only sums of integers are kept (heads, won, fixed point): no number of threads changes a digit, and every ratio
is derived later from the sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.incomes import BENEFIT_SHARE, DAY_HOURS, note_benefits, note_pay
from sim.kernels import BLOCK, device, exp_, jit
from sim.phases.learn import learn
from sim.phases.train import follow
from sim.record import FIRM_ITEMS as ITEMS
from sim.record import PAY_BINS
from sim.record import TOTALS as TOTAL_NAMES
from sim.wages import APPLIED, staff_use
from sim.workers import (
    ABSENT,
    EMPLOYED,
    INACTIVE,
    INSURED,
    LONG_TERM,
    OLDEST_MONTH,
    OWN_ACCOUNT,
    RESTING,
    UNEMPLOYED,
)

if TYPE_CHECKING:
    from sim.model import LaborMarket

# unsigned, as every index below: the compiler then asks of none whether it is negative
AGES, ONE, TWO, THREE, FOUR = (np.uint64(n) for n in (5, 1, 2, 3, 4))
USER_BITS = 32  # in a chunk, users are counted in the upper half of the employed
PEOPLE, PLACES, TRADES, FIRMS, MOVES, PAY, TOTALS = (np.uint64(n) for n in range(7))  # blocks, in `tables.at`
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
YOUNG = 30 * 12


def produce(model: LaborMarket) -> None:
    """Everyone learns (`learn`); then the month is added up and recorded."""
    m = model
    m.sums[:] = 0
    note_benefits(m)
    m.over_chunks(_close, m.workers, m.employers, m.posts, m.tables, m.params, m.clock, m.reached, m.sums)
    note_pay(m)
    follow(m)
    m.record.add(m, m.sums.sum(axis=0))


@jit
def _close(lo, hi, chunk, desk, w, e, posts, tb, pm, clock, reached, sums):
    desk.heads[:] = 0
    acc = sums[chunk]
    for start in range(lo, hi, BLOCK):
        end = min(start + BLOCK, hi)
        users = learn(start, end, w, e, posts, tb, pm, clock, reached, desk)
        _group(start, end, w, tb, clock, desk, acc)
        _value(start, end, w, tb, desk, acc)
        _add_up(start, end, w, tb, pm, desk, acc)
        _support(start, end, w, tb, clock, acc)
        _gains(start, users, w, e, posts, tb, pm, desk, acc)
    _fold(desk.heads, tb.at, acc)


@device
def _group(start, end, w, tb, clock, desk, acc):
    """Age band and group of everyone in a block (province, stage, age, sex, education, state), and their AI skill."""
    state, birth, skill = w.state[start:end], w.birth[start:end], w.skill[start:end]
    region, stage, sex, level = (
        w.region[start:end],
        w.stage0[start:end],
        w.sex[start:end],
        w.education[start:end],
    )
    band, group, month = desk.band, desk.group, clock.month
    for j in range(end - start):
        band[j] = tb.band[np.uint64(min(max(month - birth[j], 0), OLDEST_MONTH))]
    for j in range(end - start):
        place = np.uint64(region[j]) * FOUR + np.uint64(stage[j])
        kind = (place * AGES + np.uint64(tb.age5[np.uint64(band[j])])) * TWO + np.uint64(sex[j])
        group[j] = (kind * THREE + np.uint64(level[j])) * FOUR + np.uint64(state[j])
    skills, skilled = 0, 0
    for j in range(end - start):
        lives = state[j] != ABSENT
        skills += int(float(skill[j]) * 1e6) * int(lives)
        skilled += int(lives & (skill[j] >= APPLIED))
    totals = tb.at[TOTALS]
    acc[totals + T_SKILL] += skills
    acc[totals + T_SKILLED] += skilled


@device
def _value(start, end, w, tb, desk, acc):
    """Hours, output without AI and pay of everyone in a block, zero without work; cell of size and industry."""
    contract, occupation, industry = w.contract[start:end], w.occupation[start:end], w.industry[start:end]
    size, wage, tags = w.size[start:end], w.wage[start:end], w.tags[start:end]
    band, hours, bare, pay, cell = desk.band, desk.hours, desk.bare, desk.pay, desk.cell
    industries, firms = np.uint64(tb.growth_industry.size), tb.at[FIRMS]
    for j in range(end - start):
        hours[j] = tb.hours[np.uint64(contract[j]), np.uint64(band[j])]
    for j in range(end - start):
        level = tb.base_level[np.uint64(occupation[j]), np.uint64(industry[j]), np.uint64(size[j])]
        bare[j] = int(hours[j] * level)
    for j in range(end - start):
        pay[j] = int(hours[j] * exp_(wage[j]))
    for j in range(end - start):
        cell[j] = firms + (np.uint64(size[j]) * industries + np.uint64(industry[j])) * FIRM_ITEMS
    thousandths, wages, insured, employees = 0, 0, 0, 0
    for j in range(end - start):
        employee = int(contract[j] < OWN_ACCOUNT)
        thousandths += int(hours[j] * 1e3)
        wages += pay[j] * employee
        employees += employee
        insured += employee * int((tags[j] & INSURED) != 0)
    totals = tb.at[TOTALS]
    acc[totals + T_HOURS] += thousandths
    acc[totals + T_WAGES] += wages
    acc[totals + T_INSURED] += insured
    acc[totals + T_EMPLOYEES] += employees


@device
def _add_up(start, end, w, tb, pm, desk, acc):
    """Count everyone in a block into the cells of the record. Those at work are listed first, and those without a job
    or in another state than a month ago: branches on what is as likely as not cost more than all the sums."""
    state, previous, skill = w.state[start:end], w.previous[start:end], w.skill[start:end]
    contract, wage, occupation = w.contract[start:end], w.wage[start:end], w.occupation[start:end]
    trades, moves, bins = tb.at[TRADES], tb.at[MOVES], tb.at[PAY]
    reader = pm.use_midpoint  # more likely than not to use AI regularly
    workers, others = np.uint64(0), np.uint64(0)
    for j in range(end - start):
        desk.heads[desk.group[j]] += 1
        desk.ids[workers] = j
        workers += np.uint64(state[j] == EMPLOYED)
    for j in range(end - start):
        desk.subs[others] = j
        others += np.uint64((state[j] == UNEMPLOYED) | (state[j] != previous[j]))
    for q in range(np.int64(workers)):
        at = np.uint64(desk.ids[q])
        trade = np.uint64(occupation[at]) * AGES + np.uint64(tb.age5[np.uint64(desk.band[at])])
        acc[trades + trade * TWO] += 1
        cell = np.uint64(desk.cell[at])
        acc[cell] += 1 + (int(skill[at] >= reader) << USER_BITS)
        acc[cell + BASE] += desk.bare[at]
        acc[cell + WAGES] += desk.pay[at]
        place = min(max(int((float(wage[at]) - 8.0) * 32.0), 0), PAY_BINS - 1)
        acc[bins + np.uint64(place)] += int(contract[at] < OWN_ACCOUNT)
    for q in range(np.int64(others)):
        at = np.uint64(desk.subs[q])
        s, old = state[at], np.uint64(tb.age5[np.uint64(desk.band[at])])
        if s == UNEMPLOYED:
            acc[trades + (np.uint64(occupation[at]) * AGES + old) * TWO + ONE] += 1
        if s != previous[at] and s != ABSENT:
            acc[moves + (old * FOUR + np.uint64(previous[at])) * THREE + np.uint64(s) - ONE] += 1
    for j in range(end - start):
        previous[j] = state[j]


@device
def _support(start, end, w, tb, clock, acc):
    """Benefits of the unemployed, long spells, and the young who rest."""
    state, spell, benefit, wage = (
        w.state[start:end],
        w.spell[start:end],
        w.benefit[start:end],
        w.wage[start:end],
    )
    reason, birth, month = w.reason[start:end], w.birth[start:end], clock.month
    floor, ceiling = tb.benefit_floor[clock.year_index], tb.benefit_ceiling[clock.year_index]
    resting, long, totals = 0, 0, tb.at[TOTALS]
    for j in range(end - start):
        rests = (state[j] == INACTIVE) & (reason[j] == RESTING) & (month - birth[j] < YOUNG)
        resting += int(rests)
        long += int((state[j] == UNEMPLOYED) & (spell[j] >= LONG_TERM))
    for j in range(end - start):
        if benefit[j] > 0 and state[j] == UNEMPLOYED:
            daily = min(max(BENEFIT_SHARE * DAY_HOURS * exp_(wage[j]), floor), ceiling)
            acc[totals + T_BENEFITS] += int(daily) * 30
            acc[totals + T_BENEFICIARIES] += 1
            benefit[j] -= 1
    acc[totals + T_RESTING_YOUTH] += resting
    acc[totals + T_LONG] += long


@device
def _gains(start, users, w, e, posts, tb, pm, desk, acc):
    """What AI adds to output, and the hours that it saves, of those in a block who use it."""
    for q in range(users):
        j = np.uint64(desk.waiting[q])
        if desk.used[j] > 0.0:
            cell, i = np.uint64(desk.cell[j]), start + np.int64(j)
            _gain(i, cell, desk.bare[j], desk.hours[j], w, e, posts, tb, pm, acc)


@device
def _gain(i, cell, base, hours, w, e, posts, tb, pm, acc):
    """What AI adds to the output of worker i, and the hours it saves."""
    o = w.occupation[i]
    z = float(e.intensity[posts.employer[w.job[i]]]) * tb.exposure[o]
    theta = tb.complementarity[o]
    gain = pm.productivity_gain * z * theta * staff_use(float(w.skill[i]), float(w.experience[i]), pm)
    saved = pm.substitution * z * (1.0 - theta)
    acc[cell + OUTPUT] += int(base * (1.0 + gain) / (1.0 - saved)) - base
    acc[cell + SAVED] += int(hours * (1.0 - (1.0 - saved) / (1.0 + gain)) * 1e3)


@device
def _fold(heads, at, acc):
    """From the counts of a chunk to the tables of the record."""
    totals, stays = (
        at[TOTALS],
        at[MOVES],
    )  # who is in the state of a month ago is the rest of those in that state
    for group in range(heads.size):
        n = int(heads[group])
        s = group % 4
        if n == 0 or s == ABSENT:
            continue
        rest = group // 4
        level, rest = rest % 3, rest // 3
        sex, rest = rest % 2, rest // 2
        old, rest = rest % 5, rest // 5
        stage = rest % 4
        acc[at[PEOPLE] + np.uint64((((stage * 5 + old) * 2 + sex) * 3 + level) * 3 + s - 1)] += n
        acc[at[PLACES] + np.uint64(rest * 3 + s - 1)] += n
        acc[stays + np.uint64((old * 4 + s) * 3 + s - 1)] += n
    for old in range(5):
        for s in range(1, 4):
            for before in range(4):
                if before != s:
                    moved = acc[stays + np.uint64((old * 4 + before) * 3 + s - 1)]
                    acc[stays + np.uint64((old * 4 + s) * 3 + s - 1)] -= moved
    for cell in range(np.int64(at[FIRMS]), np.int64(at[MOVES]), np.int64(FIRM_ITEMS)):
        users = acc[cell] >> USER_BITS
        acc[cell] -= users << USER_BITS
        acc[cell + 3] += users
        acc[cell + 2] += acc[cell + 1]
        acc[totals + T_BASE] += acc[cell + 1]
        acc[totals + T_OUTPUT] += acc[cell + 2]
        acc[totals + T_USERS] += acc[cell + 3]
        acc[totals + T_SAVED] += acc[cell + 4]
