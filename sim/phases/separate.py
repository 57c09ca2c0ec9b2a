"""Phase 3, separate: jobs end by quits, contract ends, closures, layoffs and retirement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.draws import AGEING, LEAVE_JOB
from sim.employers import ADOPTER, CLOSING
from sim.kernels import BLOCK, device, exp_, jit, philox, unit_
from sim.phases.learn import WINDOW
from sim.phases.reach import (
    APPLIES,
    AT_ADOPTER,
    RETIREMENT_AGE,
    SEPARATE_WORD,
    SEPARATES,
    reached_block,
)
from sim.workers import (
    EMPLOYED,
    HELD12,
    INACTIVE,
    INVOLUNTARY,
    LOST12,
    NO_CONTRACT,
    NO_EMPLOYER,
    NOTICE,
    OLDEST_MONTH,
    PUBLIC,
    REGULAR,
    UNEMPLOYED,
)

if TYPE_CHECKING:
    from sim.model import LaborMarket

TO_UNEMPLOYED, TO_INACTIVE, LAID_OFF, RETIRED, PUBLIC_END = 0, 1, 2, 3, 4


def separate(model: LaborMarket) -> None:
    """End jobs. Those separated search from next month."""
    m = model
    laid_off = np.zeros_like(m.counts)
    m.over_chunks(
        _decide,
        m.workers,
        m.posts,
        m.tables,
        m.params,
        m.key,
        m.clock,
        m.reached,
        m.events,
        m.counts,
        laid_off,
    )
    m.over_posts(vacate, m.posts.held, m.chunk_starts, m.events, m.counts)
    m.flows["separations"], m.flows["layoffs"] = int(m.counts.sum()), int(laid_off.sum())


@jit
def flag_staff(lo, hi, chunk, desk, job, flags, reached):
    """Whose employer closes, and whose has adopted AI."""
    for start in range(lo, hi, BLOCK):
        end = min(start + BLOCK, hi)
        _flag(job[start:end], flags, reached[start:end], desk.flag)


@device
def _flag(jobs, flags, bits, flag):
    for j in range(jobs.size):
        flag[j] = flags[jobs[j]]  # of nobody's posts for those who have none
    for j in range(jobs.size):
        closes = np.uint8((flag[j] & CLOSING) != 0) * SEPARATES
        bits[j] |= closes | (np.uint8((flag[j] & ADOPTER) != 0) * AT_ADOPTER)


@device
def tenure_band(months):
    """0-2, 3-11, 12-35, 36 and more months."""
    return 0 if months < 3 else 1 if months < 12 else 2 if months < 36 else 3


@jit
def _decide(lo, hi, chunk, desk, w, posts, tb, pm, key, clock, reached, events, counts, laid_off):
    n = 0
    for start in range(lo, hi, BLOCK):
        end = min(start + BLOCK, hi)
        _flag(w.job[start:end], posts.flags, reached[start:end], desk.flag)
        for q in range(_may_leave(start, hi, w, posts, tb, pm, key, clock, reached, desk)):
            h = np.uint64(desk.waiting[q])
            i = int(desk.ids[h])
            job = w.job[i]
            cause = -1
            if (w.tags[i] & NOTICE) != 0 or (posts.flags[job] & CLOSING) != 0:
                cause = LAID_OFF
            elif (w.tags[i] & PUBLIC) != 0:
                cause = PUBLIC_END if clock.calendar_month == 12 else -1
            elif desk.which[h] < desk.worth[h]:
                cause = TO_UNEMPLOYED
            elif desk.which[h] < desk.most[h]:
                cause = TO_INACTIVE
            elif w.contract[i] == REGULAR and clock.month - w.birth[i] == RETIREMENT_AGE:
                _, _, _, y = philox(np.uint64(i), np.uint64(0), clock.counter, AGEING, key[0], key[1])
                if unit_(y) < tb.retire:
                    cause = RETIRED
            if cause >= 0:
                events[lo + n] = (job + 1) * 8
                n += 1
                laid_off[chunk] += int(cause == LAID_OFF)
                leave_job(i, cause, w, tb, key, clock)
                reached[i] |= APPLIES
    counts[chunk] = n


@device
def _may_leave(start, hi, w, posts, tb, pm, key, clock, reached, desk):
    """Those of a block whose word is below their own hazard, and who may leave without one. Numbers in `desk.ids` are
    left on `desk.waiting`, words and hazards (into unemployment, into either) beside them; how many there are. Without
    a branch: one in six hits leaves, at places that no processor guesses."""
    found = reached_block(start, hi, SEPARATES, reached, clock.counter, key, desk)
    kept, n = desk.waiting, np.uint64(0)
    for j in range(found):
        i = np.uint64(desk.ids[j])
        months = min(max(clock.month - w.birth[i], 0), OLDEST_MONTH)
        band, size = np.uint64(tb.band[np.uint64(months)]), np.uint64(w.size[i])
        contract = np.uint64(min(w.contract[i], NO_CONTRACT - 1))
        tenure = np.uint64(w.spell[i] >= 3) + np.uint64(w.spell[i] >= 12) + np.uint64(w.spell[i] >= 36)
        level = tb.tenure_factor[tenure] * tb.occupation_factor[np.uint64(w.occupation[i])]
        to_u = tb.separate_u[contract, band, size] * level
        to_n = tb.separate_n[contract, band, size] * level
        z = exp_(-pm.separation_employability * w.employability[i] - tb.employability_mean)
        u = unit_(desk.word[SEPARATE_WORD, j])
        desk.which[j], desk.worth[j], desk.most[j] = u, to_u * z, (to_u + to_n) * z
        told = ((w.tags[i] & (NOTICE | PUBLIC)) != 0) | ((posts.flags[w.job[i]] & CLOSING) != 0)
        may = told | (u < (to_u + to_n) * z) | (months == RETIREMENT_AGE)
        kept[n] = j
        n += np.uint64((w.state[i] == EMPLOYED) & may)
    return np.int64(n)


@jit
def vacate(lo, hi, part, desk, held, starts, events, counts):
    """Take those on the list, as (post + 1) x 8, off the posts lo to hi."""
    for chunk in range(counts.size):
        for n in range(starts[chunk], starts[chunk] + counts[chunk]):
            job = events[n] // 8 - 1
            if lo <= job < hi:
                held[job] -= 1


@device
def leave_job(i, cause, w, tb, key, clock):
    """The worker becomes unemployed or inactive, with the benefit months earned."""
    why, how, _, _ = philox(np.uint64(i), np.uint64(0), clock.counter, LEAVE_JOB, key[0], key[1])
    band = tb.band[min(clock.month - w.birth[i], OLDEST_MONTH)]
    tags = w.tags[i]
    to_u = cause == TO_UNEMPLOYED or (cause == LAID_OFF and unit_(why) < tb.laid_off_u[band])
    lost = cause in (LAID_OFF, PUBLIC_END) or (cause == TO_UNEMPLOYED and unit_(how) < tb.involuntary)
    long_held = w.spell[i] >= 12
    mask, insured_recent = w.insured[i], 0
    recent = mask & WINDOW
    while recent != 0:  # as often as there are insured months among the last 18
        recent &= recent - np.uint32(1)
        insured_recent += 1
    keep = tags & HELD12
    if long_held:
        keep |= HELD12
    if lost:
        keep |= INVOLUNTARY
        if long_held:
            keep |= LOST12
    w.tags[i] = keep | (tags & np.uint8(64))
    w.benefit[i] = 0
    if lost and to_u and insured_recent >= tb.insured_months_needed:
        older = 1 if clock.month - w.birth[i] >= 50 * 12 else 0
        w.benefit[i] = tb.benefit_months[older, min((mask >> np.uint32(18)) // np.uint32(12), np.uint32(20))]
    w.job[i] = -1
    w.size[i] = NO_EMPLOYER
    w.contract[i] = NO_CONTRACT
    w.spell[i] = 0
    if to_u:
        w.state[i] = UNEMPLOYED
    else:
        w.state[i] = INACTIVE
        x = unit_(why)
        if cause == LAID_OFF:  # the word above its threshold is uniform again
            x = (x - tb.laid_off_u[band]) / (1.0 - tb.laid_off_u[band])
        reason = 0
        while reason < 4 and x >= tb.reason_on_leaving[w.sex[i], band, reason]:
            reason += 1
        w.reason[i] = reason


__all__ = ["leave_job", "separate", "tenure_band", "vacate"]
