"""Phase 6, second half: where the searchers apply.

An application looks at boards of vacancies one slot at a time. Submarkets come up with weight
(M_ij / o_j) D_rr' exp(b dw) x slots; a vacancy on it that pays enough ends the search, and before each look it may be
given up (one geometric draw). But for the limit of looks, the probability to apply is then W / (w0 + W), and to apply
in submarket c proportional to W_c (W counts the vacancies one would take: wages are posted), and no draw of anybody
moves when one vacancy comes or goes. Someone at work gives up sooner than someone without a job.

Applications are looked after a block at a time, a look each in turn, so that words are drawn together and one
application's wait for memory is another's time to compute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.boards import MOST_LOOKS
from sim.draws import APPLICATION, ATTEMPT
from sim.kernels import (
    BATCH,
    BLOCK,
    alias_,
    device,
    draw_listed,
    gumbel_,
    jit,
    log_,
    normal_,
    philox,
    place_,
    unit_,
)
from sim.wages import least_acceptable, liking, offer_of, requirement_of, worth_of
from sim.workers import EMPLOYED, LONG_TERM, NOBODY, NOTICE, OLDEST_MONTH, UNEMPLOYED

if TYPE_CHECKING:
    from sim.model import LaborMarket

NONE = -1
LOOKS_FOR_JOB = 1  # on the list of the search phase, beside 8 x the row
FEW = np.uint32(8)  # more than there are size classes


class Applications(NamedTuple):
    """The month's applications, those of one worker next to each other: row of the worker, number of the application,
    the advertised vacancy (-1 none) and how it ranks the applicant."""

    worker: np.ndarray
    number: np.ndarray
    vacancy: np.ndarray
    score: np.ndarray

    @classmethod
    def room(cls, n: int) -> Applications:
        """Room for `n` of them."""
        return cls(
            np.empty(n, dtype=np.uint32),
            np.empty(n, dtype=np.uint8),
            np.empty(n, dtype=np.int32),
            np.empty(n),
        )


def apply(model: LaborMarket, sent: np.ndarray) -> Applications:
    """Everyone on the list who looks for a job sends one application; the unemployed send k. sent: by chunk."""
    m = model
    each = int(m.params.applications)
    applications = Applications.room(int(sent.sum()))
    m.over_chunks(_write, m.workers, each, m.events, m.counts, np.cumsum(sent) - sent, applications)
    m.over_chunks(
        _apply,
        m.workers,
        m.tables,
        m.boards,
        m.params,
        m.key,
        m.clock,
        m.slots,
        m.adverts,
        m.premium,
        applications,
        rows=applications.worker.size,
        size=BATCH,
    )
    return applications


@jit
def _write(lo, hi, chunk, desk, w, each, events, counts, starts, applications):
    n = starts[chunk]
    for e in range(lo, lo + counts[chunk]):
        i = events[e] // 8
        if events[e] % 8 != LOOKS_FOR_JOB:
            continue
        for a in range(each if w.state[i] == UNEMPLOYED else 1):
            applications.worker[n] = i
            applications.number[n] = a
            n += 1


@jit
def _apply(lo, hi, chunk, desk, w, tb, boards, pm, key, clock, slots, adverts, premium, applications):
    added = pm.rent_share * log_(1.0 + pm.productivity_gain) + premium + 1e-6
    for start in range(lo, hi, BLOCK):
        end = min(start + BLOCK, hi)
        who, number = applications.worker[start:end], applications.number[start:end]
        found, score = applications.vacancy[start:end], applications.score[start:end]
        for j in range(end - start):
            desk.ids[j] = who[j]
            desk.subs[j] = number[j]
        draw_listed(desk.ids, desk.subs, end - start, clock.counter, APPLICATION, key, desk.word)
        _draw(end - start, desk, pm)
        waiting = _begin(who, number, found, desk, w, tb, boards, pm, key, clock)
        look = np.int64(0)
        while waiting > 0:
            for q in range(waiting):
                j = desk.waiting[q]
                desk.ids[q] = who[j]
                desk.subs[q] = int(number[j]) * MOST_LOOKS + look
            draw_listed(desk.ids, desk.subs, waiting, clock.counter, ATTEMPT, key, desk.word)
            waiting = _look(
                look, waiting, who, found, desk, w, tb, boards, pm, clock, slots, adverts, premium, added
            )
            look += 1
        hits = np.uint64(0)
        for j in range(end - start):
            desk.waiting[hits] = j
            hits += np.uint64(found[j] != NONE)
        for q in range(np.int64(hits)):
            at = np.uint64(desk.waiting[q])
            score[at] = score_of(who[at], adverts[found[at]], desk.noise[at], w, tb, pm, clock)


@device
def _draw(n, desk, pm):
    """What chance gives each application of a block: ranking noise, luck, contract, and the log of when to give up."""
    noise, spread = pm.score_noise, pm.match_sd
    for j in range(n):
        desk.noise[j] = noise * gumbel_(unit_(desk.word[0, j]))
        desk.luck[j] = spread * normal_(unit_(desk.word[1, j]))
        desk.which[j] = unit_(desk.word[2, j])
        desk.patience[j] = log_(unit_(desk.word[3, j]))


@device
def _begin(who, number, found, desk, w, tb, boards, pm, key, clock):
    """What each application of a block brings of its worker; how many look at all."""
    waiting = np.uint64(0)
    for j in range(who.size):
        i = who[j]
        found[j] = NONE
        desk.least[j] = least_acceptable(i, w, tb, pm, clock)
        desk.worth[j] = worth_of(i, w, tb, pm, clock)
        origin = w.occupation[i]
        course = w.course_occupation[i]
        if course != NOBODY:
            last = np.uint64(int(number[j]) * MOST_LOOKS + MOST_LOOKS - 1)
            _, _, _, turn = philox(np.uint64(i), last, clock.counter, ATTEMPT, key[0], key[1])
            if unit_(turn) < tb.conversion_weight[course]:
                origin = course
        row = np.uint64(w.region[i]) * np.uint64(tb.major.size) + np.uint64(origin)
        desk.origin[j] = origin
        desk.group[j] = tb.age5[tb.band[min(clock.month - w.birth[i], OLDEST_MONTH)]]
        at_work = np.uint64((w.state[i] == EMPLOYED) & ((w.tags[i] & NOTICE) == 0))
        geometric = desk.patience[j] * boards.patience[row]  # 1 - q a look
        desk.row[j] = row
        desk.looks[j] = int(min(boards.most[row, at_work] - 1.0, geometric))
        desk.waiting[waiting] = j
        waiting += np.uint64(desk.looks[j] > 0)
    return np.int64(waiting)


@device
def _look(look, waiting, who, found, desk, w, tb, boards, pm, clock, slots, adverts, premium, added):
    """One look of each application that is still waiting; how many go on. `added` bounds what AI adds to an offer. Two
    slots in three are empty: what an advertisement is worth is worked out only where one stands."""
    seen, hit = desk.seen, desk.hit
    _read(waiting, desk.waiting, desk.row, desk.origin, desk.word, seen, boards, slots)
    hits = np.uint64(0)
    for q in range(waiting):
        hit[hits] = q
        hits += np.uint64(seen[q] != NONE)
    _like(np.int64(hits), desk, tb, pm, clock, adverts, added)
    for h in range(np.int64(hits)):
        at = np.uint64(hit[h])
        j, v = np.uint64(desk.waiting[at]), seen[at]
        acceptable = desk.gain[h] > 0.0
        if not acceptable and desk.gain[h] + desk.most[h] > 0.0:
            offered, kind = offer_of(
                who[j], adverts[v], desk.worth[j], desk.luck[j], desk.which[j], w, tb, pm, clock, premium
            )
            acceptable = liking(offered, adverts[v].size_class, kind, pm) > desk.least[j]
        found[j] = v if acceptable else NONE
    left = np.uint64(0)
    for q in range(waiting):
        j = np.uint64(desk.waiting[q])
        desk.waiting[left] = j
        left += np.uint64((found[j] == NONE) & (look + 1 < desk.looks[j]))
    return np.int64(left)


@device
def _read(n, waiting, row, origin, word, seen, boards, slots):
    """What stands in the slot that each application looks at: province, occupation, slot, a step at a time, so that
    many wait for memory together."""
    occupations = np.uint64(boards.trade.shape[0])
    for q in range(n):
        seen[q] = alias_(word[0, q], boards.province[np.uint64(row[np.uint64(waiting[q])])])
    for q in range(n):
        province, trade = np.uint64(seen[q]), np.uint64(origin[np.uint64(waiting[q])])
        seen[q] = province * occupations + np.uint64(alias_(word[1, q], boards.trade[trade, province]))
    for q in range(n):
        cell = np.uint64(seen[q])
        first, after = boards.first[cell], boards.first[cell + np.uint64(1)]
        seen[q] = first + place_(word[2, q], after - first)
    for q in range(n):
        seen[q] = slots[np.uint64(seen[q])]


@device
def _like(n, desk, tb, pm, clock, adverts, added):
    """By how much a vacancy is liked better than the least acceptable, but for what AI adds; and the most of that."""
    for h in range(n):
        advert = adverts[np.uint64(desk.seen[np.uint64(desk.hit[h])])]
        desk.gain[h] = advert.pay
        desk.kind[h] = np.uint32(advert.occupation) * FEW + np.uint32(advert.size_class)
        desk.most[h] = added if advert.intensity > 0.0 else 0.0
    lowest = tb.minimum_wage[clock.year_index]
    for h in range(n):
        j, size = np.uint64(desk.waiting[np.uint64(desk.hit[h])]), np.uint64(desk.kind[h] % FEW)
        major = np.uint64(tb.major[np.uint64(desk.kind[h] // FEW)])
        shares = tb.hired_contract[np.uint64(desk.group[j]), major, size]
        which = desk.which[j]
        contract = np.uint64(which >= shares[0]) + np.uint64(which >= shares[1])
        bare = desk.gain[h] + tb.wage_contract[contract] + desk.worth[j] + desk.luck[j]
        desk.gain[h] = liking(max(bare, lowest), size, contract, pm) - desk.least[j]


@device
def score_of(i, advert, noise, w, tb, pm, clock):
    """How an advertised vacancy ranks applicant i."""
    o = advert.occupation
    far = -pm.score_distance * tb.distance[w.occupation[i], o]
    long = (w.state[i] != EMPLOYED) & (w.spell[i] >= LONG_TERM)
    older = clock.month - w.birth[i] >= 45 * 12
    score = pm.score_employability * w.employability[i]
    score += pm.score_skill * w.skill[i] * requirement_of(advert, tb)
    score += pm.score_occupation if w.occupation[i] == o else far
    score += pm.score_certificate * tb.exposure[o] if w.certificates[i] > 0 else 0.0
    score -= pm.score_long_term if long else 0.0
    score -= pm.score_age if older else 0.0
    score += pm.score_education * tb.education_match[w.education[i], o]
    return score + noise
