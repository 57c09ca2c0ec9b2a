"""Phase 1, age: people enter, leave school, serve, finish their education and leave the population."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.draws import AGEING
from sim.kernels import BLOCK, device, jit, philox, unit_
from sim.phases.reach import AGES, COLLEGE_AGE, HIGH_SCHOOL_AGE, LEAVE_WORD, list_set, reach, set_limits
from sim.phases.separate import vacate
from sim.workers import (
    ABSENT,
    EMPLOYED,
    INACTIVE,
    MILITARY,
    NO_CONTRACT,
    NO_EMPLOYER,
    NOBODY,
    OLDEST_MONTH,
    RESTING,
    SCHOOL,
)

if TYPE_CHECKING:
    from sim.model import LaborMarket

SERVICE_MONTHS = 18


def age(model: LaborMarket) -> None:
    """Birthdays, schooling, service, entry of the month's cohort, exits by the population projection."""
    m = model
    first, last = m.entrants(m.month)
    m.workers.state[first:last] = INACTIVE
    m.flows["entered"] = last - first
    set_limits(m)
    m.over_chunks(_decide, m.workers, m.tables, m.limits, m.key, m.clock, m.reached, m.events, m.counts)
    m.over_chunks(_leave, m.workers, m.events, m.counts)
    m.over_posts(vacate, m.posts.held, m.chunk_starts, m.events, m.counts)
    m.flows["left"] = int(m.counts.sum())


@jit
def _decide(lo, hi, chunk, desk, w, tb, lim, key, clock, reached, events, counts):
    """Whom the month may reach, and of each block at once, while it is in the cache, who ages."""
    n = 0
    for start in range(lo, hi, BLOCK):
        end = min(start + BLOCK, hi)
        reach(start, end, w, lim, key, clock, reached, desk)
        for q in range(list_set(start, end, AGES, reached, desk.ids)):
            i = int(desk.ids[q])
            months = clock.month - w.birth[i]
            band = tb.band[min(months, OLDEST_MONTH)]
            if unit_(desk.word[LEAVE_WORD, i - start]) < tb.leave[w.sex[i], band]:
                events[lo + n] = i
                n += 1
                continue
            if w.state[i] == INACTIVE and (w.reason[i] == SCHOOL or w.reason[i] == MILITARY):
                _school(i, w, tb, key, clock, months, band)
            if months in (HIGH_SCHOOL_AGE, COLLEGE_AGE):
                _graduate(i, w, tb, key, clock, months)
    counts[chunk] = n


@device
def _school(i, w, tb, key, clock, months, band):
    """Someone in school may leave it or be called up; someone who has served 18 months comes back."""
    finish, call, after, _ = philox(np.uint64(i), np.uint64(0), clock.counter, AGEING, key[0], key[1])
    sex = w.sex[i]
    if w.reason[i] == MILITARY:
        if w.spell[i] >= SERVICE_MONTHS:
            w.reason[i] = SCHOOL if months < COLLEGE_AGE else RESTING
            w.spell[i] = 0
    elif unit_(call) < tb.call_up[sex, band]:
        w.reason[i] = MILITARY
        w.spell[i] = 0
    elif unit_(finish) < tb.leave_school[band]:
        x = unit_(after)
        reason = 1
        while reason < 4 and x >= tb.reason_after_school[sex, band, reason]:
            reason += 1
        w.reason[i] = reason
        w.spell[i] = 0


@device
def _graduate(i, w, tb, key, clock, months):
    """Education is settled at 19 (high school) and 24 (college), with the shares of the cohort before."""
    _, _, _, x = philox(np.uint64(i), np.uint64(0), clock.counter, AGEING, key[0], key[1])
    step = 0 if months == HIGH_SCHOOL_AGE else 1
    if w.education[i] == step and unit_(x) < tb.graduate[step]:
        w.education[i] = step + 1


@jit
def _leave(lo, hi, chunk, desk, w, events, counts):
    """Those on the list leave; the post that each leaves behind takes their place on it."""
    for e in range(lo, lo + counts[chunk]):
        i = events[e]
        job = w.job[i] if w.state[i] == EMPLOYED else -1
        w.state[i] = ABSENT
        w.job[i] = -1
        w.size[i] = NO_EMPLOYER
        w.contract[i] = NO_CONTRACT
        w.programme[i] = NOBODY
        events[e] = (job + 1) * 8
