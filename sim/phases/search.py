"""Phase 6, search: who looks for work, who enters own-account work, who starts or stops looking; `apply` says where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.draws import LEAVE_JOB, OWN_ACCOUNT
from sim.kernels import BLOCK, alias_, device, jit, philox, unit_
from sim.phases.apply import LOOKS_FOR_JOB, apply
from sim.phases.reach import MOST_EAGER, SEARCH_WORD, SEARCHES, reached_block
from sim.phases.separate import vacate
from sim.workers import (
    EMPLOYED,
    HELD12,
    INACTIVE,
    MILITARY,
    NO_CONTRACT,
    NO_EMPLOYER,
    NOBODY,
    NOTICE,
    OLDEST_MONTH,
    PUBLIC,
    TEMPORARY,
    TRAINED,
    UNEMPLOYED,
)
from sim.workers import OWN_ACCOUNT as SELF_EMPLOYED

if TYPE_CHECKING:
    from sim.model import LaborMarket

ENTERS_OWN, ENTERS_PUBLIC = 2, 3
LEAST_EAGER = 0.25


def search(model: LaborMarket) -> None:
    """List the searchers, let people start own-account work, and send the applications."""
    m = model
    m.over_chunks(_decide, m.workers, m.tables, m.key, m.clock, m.reached, m.events, m.counts)
    own, sent = np.zeros((2, m.counts.size), dtype=np.int64)
    m.over_chunks(_count, int(m.params.applications), m.workers.state, m.events, m.counts, own, sent)
    left = np.empty(int(own.sum()), dtype=np.int32)
    m.over_chunks(
        _enter_own,
        m.workers,
        m.tables,
        m.key,
        m.clock,
        m.events,
        m.counts,
        np.cumsum(own) - own,
        left,
    )
    m.over_posts(vacate, m.posts.held, np.zeros(1, dtype=np.int64), left, np.array([left.size]))
    m.flows["own_account"] = left.size
    m.applications = apply(m, sent)


@jit
def _decide(lo, hi, chunk, desk, w, tb, key, clock, reached, events, counts):
    n = 0
    rows, word, kept = desk.ids, desk.word, desk.waiting
    for start in range(lo, hi, BLOCK):
        for q in range(_may_search(start, hi, w, tb, key, clock, reached, desk)):
            j = kept[q]
            i = int(rows[j])
            state = w.state[i]
            if state == 0 or (state != EMPLOYED and w.spell[i] == 0):
                continue
            if w.programme[i] != NOBODY and w.course_left[i] > 0 and tb.full_time[w.programme[i]]:
                continue
            u = unit_(word[SEARCH_WORD, j])
            sex = w.sex[i]
            band = tb.band[min(clock.month - w.birth[i], OLDEST_MONTH)]
            outcome = 0
            if state == UNEMPLOYED:
                stops = tb.stop_looking[band]
                if u < stops:
                    _stop_looking(i, band, w, tb, key, clock)
                else:
                    outcome = ENTERS_OWN if u < stops + tb.own_from_u[sex, band] else LOOKS_FOR_JOB
            elif state == INACTIVE:
                if w.reason[i] == MILITARY:
                    continue
                starts = tb.start_looking[sex, w.reason[i], band]
                own = starts + tb.own_from_n[sex, band]
                looks = own + tb.search_n[sex, w.reason[i], band]
                if u < starts:
                    w.state[i] = UNEMPLOYED
                    w.spell[i] = 0
                    w.benefit[i] = 0
                elif u < own:
                    outcome = ENTERS_OWN
                elif u < looks:
                    outcome = LOOKS_FOR_JOB
                elif clock.calendar_month == 1 and u < looks + tb.public_job[band]:
                    outcome = ENTERS_PUBLIC
            elif (w.tags[i] & NOTICE) != 0:
                outcome = LOOKS_FOR_JOB
            elif (w.tags[i] & PUBLIC) == 0:
                looks = eagerness(i, w, tb) * tb.search_e[w.contract[i], band]
                if u < looks:
                    outcome = LOOKS_FOR_JOB
                elif u < looks + tb.own_from_e[sex, band] and w.job[i] >= 0:
                    outcome = ENTERS_OWN
            if outcome > 0:
                events[lo + n] = i * 8 + outcome
                n += 1
    counts[chunk] = n


@device
def eagerness(i, w, tb):
    """How much the wage gap to one's own market raises search on the job."""
    gap = tb.market_wage[np.uint64(w.occupation[i]), np.uint64(w.region[i])] - w.wage[i]
    return min(max(1.0 + gap, LEAST_EAGER), MOST_EAGER)


@device
def _may_search(start, hi, w, tb, key, clock, reached, desk):
    """Those of a block whose word may mean anything: all that are reached, but of the employed only those whose own
    wage gap lets them search. Numbers in `desk.ids` are left on `desk.waiting`; how many there are."""
    found = reached_block(start, hi, SEARCHES, reached, clock.counter, key, desk)
    kept, n = desk.waiting, np.uint64(0)
    for j in range(found):
        i = np.uint64(desk.ids[j])
        band = np.uint64(tb.band[np.uint64(min(max(clock.month - w.birth[i], 0), OLDEST_MONTH))])
        contract = np.uint64(min(w.contract[i], NO_CONTRACT - 1))
        most = eagerness(i, w, tb) * tb.search_e[contract, band] + tb.own_from_e[np.uint64(w.sex[i]), band]
        kept[n] = j
        at_rest = (
            (w.state[i] == EMPLOYED)
            & ((w.tags[i] & NOTICE) == 0)
            & (unit_(desk.word[SEARCH_WORD, j]) >= most)
        )
        n += np.uint64(not at_rest)
    return np.int64(n)


@device
def _stop_looking(i, band, w, tb, key, clock):
    why, _, _, _ = philox(np.uint64(i), np.uint64(1), clock.counter, LEAVE_JOB, key[0], key[1])
    reason, x = 0, unit_(why)
    while reason < 4 and x >= tb.reason_on_leaving[w.sex[i], band, reason]:
        reason += 1
    w.state[i] = INACTIVE
    w.reason[i] = reason
    w.spell[i] = 0
    w.benefit[i] = 0


@jit
def _count(lo, hi, chunk, desk, each, state, events, counts, own, sent):
    """How many on the list enter own-account work, and how many applications the others send."""
    for n in range(lo, lo + counts[chunk]):
        i, looks = events[n] // 8, events[n] % 8 == LOOKS_FOR_JOB
        own[chunk] += int(not looks)
        sent[chunk] += (1 + (each - 1) * int(state[i] == UNEMPLOYED)) * int(looks)


@jit
def _enter_own(lo, hi, chunk, desk, w, tb, key, clock, events, counts, starts, left):
    """Own-account and unpaid family work, and public jobs for the elderly, are entered without a vacancy; the posts
    left are listed for `vacate`."""
    entered = starts[chunk]
    for n in range(lo, lo + counts[chunk]):
        i, kind = events[n] // 8, events[n] % 8
        if kind == LOOKS_FOR_JOB:
            continue
        left[entered] = (w.job[i] + 1) * 8
        entered += 1
        how, where, _, _ = philox(np.uint64(i), np.uint64(0), clock.counter, OWN_ACCOUNT, key[0], key[1])
        w.job[i] = -1
        w.size[i] = NO_EMPLOYER
        w.state[i] = EMPLOYED
        w.benefit[i] = 0
        w.spell[i] = 0
        if kind == ENTERS_PUBLIC:
            w.contract[i] = TEMPORARY
            w.tags[i] = (w.tags[i] & (HELD12 | TRAINED)) | PUBLIC
            pick = tb.public_place
        else:
            sex = w.sex[i]
            band = tb.band[min(clock.month - w.birth[i], OLDEST_MONTH)]
            w.contract[i] = SELF_EMPLOYED if unit_(how) >= tb.unpaid_share[sex, band] else SELF_EMPLOYED + 1
            w.tags[i] = w.tags[i] & (HELD12 | TRAINED)
            pick = alias_(where, tb.own_place)
        occupation, industry = pick % tb.major.size, pick // tb.major.size
        if occupation != w.occupation[i]:
            w.experience[i] = 0
        w.occupation[i] = occupation
        w.industry[i] = industry
        w.wage[i] = tb.wage_occupation[occupation] + tb.wage_industry[industry] + tb.wage_sex[w.sex[i]]
