"""Phase 9, produce: output, wages, benefits and taxes are added up, and the month is recorded.

Only sums of integers are kept (heads, won, fixed point): no number of threads changes a digit, and every ratio
is derived later from the sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.incomes import BENEFIT_SHARE, DAY_HOURS, note_benefits, note_pay
from sim.kernels import BLOCK, device, exp_, exps, jit
from sim.phases.learn import learn
from sim.phases.reach import look_up, months_of_age
from sim.phases.train import follow
from sim.record import FIRM_ITEMS as ITEMS
from sim.record import PAY_BINS
from sim.record import TOTALS as TOTAL_NAMES
from sim.wages import APPLIED, staff_use
from sim.workers import (
    ABSENT,
    AGE_BITS,
    BAND,
    EMPLOYED,
    INACTIVE,
    INSURED,
    LONG_TERM,
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
FIRST_BIN, LAST_BIN = np.int32(0), np.int32(PAY_BINS - 1)
YOUNG = np.int16(30 * 12)
G2, G3, G4, G5, G6 = (np.uint16(n) for n in (2, 3, 4, 5, 6))  # narrow: a vector then holds 16 workers


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
        _value(start, end, w, tb, desk)
        _employed(start, end, w, tb, pm, desk, acc)
        _others(start, end, w, tb, clock, desk, acc)
        _gains(start, users, w, e, posts, tb, pm, desk, acc)
    _fold(desk.heads, tb.at, acc)


@device
def _group(start, end, w, tb, clock, desk, acc):
    """Everyone in a block by group (province, stage, age, sex, education, state); AI skill; the young who rest."""
    state, reason, skill = w.state[start:end], w.reason[start:end], w.skill[start:end]
    region, stage, sex, level = (
        w.region[start:end],
        w.stage0[start:end],
        w.sex[start:end],
        w.education[start:end],
    )
    months, ages, group = desk.months, desk.band, desk.place
    months_of_age(w.birth[start:end], np.int16(clock.month), months)
    look_up(months, end - start, tb.ages, ages)
    for j in range(end - start):
        place = np.uint16(np.uint16(region[j]) * G4 + stage[j])
        kind = np.uint16(np.uint16(place * G5 + (ages[j] >> AGE_BITS)) * G2 + sex[j])
        group[j] = np.uint16(np.uint16(np.uint16(kind * G3) + level[j]) * G4 + state[j])
    for j in range(end - start):
        desk.heads[np.uint64(group[j])] += 1
    skills, skilled, resting = 0, 0, np.uint16(0)
    for j in range(end - start):
        lives = state[j] != ABSENT
        skills += int(float(skill[j]) * 1e6) * int(lives)
        skilled += int(lives & (skill[j] >= APPLIED))
    for j in range(end - start):
        rests = (state[j] == INACTIVE) & (reason[j] == RESTING) & (months[j] < YOUNG)
        resting = np.uint16(resting + np.uint16(rests))
    totals = tb.at[TOTALS]
    acc[totals + T_SKILL] += skills
    acc[totals + T_SKILLED] += skilled
    acc[totals + T_RESTING_YOUTH] += int(resting)


@device
def _value(start, end, w, tb, desk):
    """Of everyone in a block hours, output without AI and pay (of use for those at work only), and where they count:
    narrow numbers in vectors, what is looked up in loops of its own."""
    contract, occupation, industry = w.contract[start:end], w.occupation[start:end], w.industry[start:end]
    size, wage, ages = w.size[start:end], w.wage[start:end], desk.band
    n, hours, worth = end - start, desk.hours, desk.worth
    at, cell, trade, bin_ = desk.place, desk.cell, desk.trade, desk.bin
    industries, sizes = np.uint16(tb.base_level.shape[1]), np.uint16(tb.base_level.shape[2])
    kind, bands = desk.flag, np.uint8(tb.hours.shape[1])
    level = tb.base_level.reshape(tb.base_level.size)
    for j in range(n):
        place = np.uint16(np.uint16(occupation[j]) * industries + industry[j])
        at[j] = np.uint16(np.uint16(place * sizes) + size[j])
        cell[j] = np.uint16(np.uint16(np.uint16(size[j]) * industries) + industry[j]) * G6
        kind[j] = np.uint8(contract[j] * bands) + (ages[j] & BAND)
        trade[j] = np.uint16(np.uint16(occupation[j]) * G5) + (ages[j] >> AGE_BITS)
    look_up(at, n, level, worth)
    look_up(kind, n, tb.hours.reshape(tb.hours.size), hours)
    for j in range(n):
        desk.bare[j] = int(hours[j] * worth[j])
    exps(wage, n, at, desk.noise, worth)
    for j in range(n):
        desk.pay[j] = int(hours[j] * worth[j])
        bin_[j] = min(max(np.int32((float(wage[j]) - 8.0) * 32.0), FIRST_BIN), LAST_BIN)


@device
def _employed(start, end, w, tb, pm, desk, acc):
    """Those at work in a block, from a list, into the cells of the record: sums into one cell over and over wait for
    themselves, which is why those who would add zero are left out."""
    state, contract, skill, tags = (
        w.state[start:end],
        w.contract[start:end],
        w.skill[start:end],
        w.tags[start:end],
    )
    hours, pay, ids = desk.hours, desk.pay, desk.ids
    trades, bins, firms, totals = tb.at[TRADES], tb.at[PAY], tb.at[FIRMS], tb.at[TOTALS]
    workers = np.uint64(0)
    for j in range(end - start):
        ids[workers] = j
        workers += np.uint64(state[j] == EMPLOYED)
    thousandths, wages, insured, employees = 0, 0, np.uint16(0), np.uint16(0)
    for j in range(end - start):
        thousandths += int(hours[j] * 1e3)  # nobody else has hours
        wages += pay[j] if contract[j] < OWN_ACCOUNT else 0
    for j in range(end - start):
        employee = np.uint8(contract[j] < OWN_ACCOUNT)
        employees = np.uint16(employees + employee)
        insured = np.uint16(insured + np.uint8(employee & np.uint8((tags[j] & INSURED) != 0)))
        desk.paid[j] = employee
        desk.reads[j] = skill[j] >= pm.use_midpoint  # more likely than not to use AI regularly
    for q in range(np.int64(workers)):
        at = np.uint64(ids[q])
        acc[trades + np.uint64(desk.trade[at]) * TWO] += 1
        cell = firms + np.uint64(desk.cell[at])
        acc[cell] += 1 + (int(desk.reads[at]) << USER_BITS)
        acc[cell + BASE] += desk.bare[at]
        acc[cell + WAGES] += pay[at]
        acc[bins + np.uint64(desk.bin[at])] += int(desk.paid[at])
    acc[totals + T_HOURS] += thousandths
    acc[totals + T_WAGES] += wages
    acc[totals + T_INSURED] += int(insured)
    acc[totals + T_EMPLOYEES] += int(employees)


@device
def _others(start, end, w, tb, clock, desk, acc):
    """Those of a block without a job (by occupation; long spells, benefits) or in another state than a month ago."""
    state, previous = w.state[start:end], w.previous[start:end]
    wage, occupation = w.wage[start:end], w.occupation[start:end]
    spell, benefit = w.spell[start:end], w.benefit[start:end]
    floor, ceiling = tb.benefit_floor[clock.year_index], tb.benefit_ceiling[clock.year_index]
    trades, moves, totals = tb.at[TRADES], tb.at[MOVES], tb.at[TOTALS]
    others = np.uint64(0)
    for j in range(end - start):
        desk.subs[others] = j
        others += np.uint64((state[j] == UNEMPLOYED) | (state[j] != previous[j]))
    for q in range(np.int64(others)):
        at = np.uint64(desk.subs[q])
        s, old = state[at], np.uint64(desk.band[at] >> AGE_BITS)
        if s == UNEMPLOYED:
            acc[trades + (np.uint64(occupation[at]) * AGES + old) * TWO + ONE] += 1
            acc[totals + T_LONG] += int(spell[at] >= LONG_TERM)
            if benefit[at] > 0:
                daily = min(max(BENEFIT_SHARE * DAY_HOURS * exp_(wage[at]), floor), ceiling)
                acc[totals + T_BENEFITS] += int(daily) * 30
                acc[totals + T_BENEFICIARIES] += 1
                benefit[at] -= 1
        if s != previous[at] and s != ABSENT:
            acc[moves + (old * FOUR + np.uint64(previous[at])) * THREE + np.uint64(s) - ONE] += 1
    for j in range(end - start):
        previous[j] = state[j]


@device
def _gains(start, users, w, e, posts, tb, pm, desk, acc):
    """What AI adds to output, and the hours that it saves, of those in a block who use it."""
    for q in range(users):
        j = np.uint64(desk.waiting[q])
        if desk.used[j] > 0.0:
            cell, i = tb.at[FIRMS] + np.uint64(desk.cell[j]), start + np.int64(j)
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
