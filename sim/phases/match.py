"""Phase 7, match: vacancies rank their applicants and make one offer each; workers take the best of theirs.

With one application, no differences between applicants and one submarket, fills follow the urn-ball matching
function: E M = V (1 - (1 - 1/V)^U).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.draws import APPLICATION, HIRED
from sim.kernels import BATCH, BLOCK, device, draw_listed, jit, normal_, unit_
from sim.phases.reach import AT_ADOPTER
from sim.phases.subsidise import award, favour, pay
from sim.wages import liking, offer_of, worth_of
from sim.workers import EMPLOYED, HELD12, INSURED, NOBODY, TRAINED

if TYPE_CHECKING:
    from sim.model import LaborMarket


def match(model: LaborMarket) -> None:
    """Rank, offer, accept, hire."""
    m = model
    relief = favour(m)
    sent = m.applications.worker.size
    best = np.full((len(m.desks), m.advertised), -1, dtype=np.int32)
    m.over_chunks(_rank, m.applications, best, rows=sent, size=BATCH)
    m.over_chunks(_best_of_all, m.applications.score, best, rows=m.advertised, size=BATCH)
    accepted = Accepted.room(sent)
    counts = np.zeros((3, -(-sent // BATCH)), dtype=np.int64)
    by_cell = np.zeros((counts.shape[1], 2, *m.job_creation.shape), dtype=np.int64)
    m.over_chunks(
        _accept,
        m.applications,
        best[0],
        m.workers,
        m.tables,
        m.params,
        m.key,
        m.clock,
        m.adverts,
        m.premium,
        accepted,
        counts,
        rows=sent,
        size=BATCH,
    )
    award(m, accepted, counts[1], relief)
    m.over_chunks(
        _hire,
        m.workers,
        m.employers,
        m.posts,
        m.tables,
        m.key,
        m.clock,
        m.reached,
        accepted,
        counts,
        by_cell,
        rows=sent,
        size=BATCH,
    )
    m.over_posts(_fill, m.posts, accepted, counts, BATCH)
    m.hires_by_cell, m.skill_by_cell = by_cell.sum(axis=0)
    offers, hires, moves = (int(n) for n in counts.sum(axis=1))
    m.flows["hires"], m.flows["job_to_job"], m.flows["offers_refused"] = hires, moves, offers - hires
    m.flows["vacancies"] = m.openings - hires
    pay(m)
    del m.applications, m.adverts  # else they would stand beside those of the next month


class Accepted(NamedTuple):
    """Offers accepted, from the start of each chunk of applications: application, worker, post, log wage, contract;
    then what the worker leaves and brings: the post held before (-1 none), whether at work, part in programmes, AI
    skill."""

    application: np.ndarray
    worker: np.ndarray
    post: np.ndarray
    wage: np.ndarray
    contract: np.ndarray
    left: np.ndarray
    worked: np.ndarray
    trainee: np.ndarray
    skill: np.ndarray

    @classmethod
    def room(cls, n: int) -> Accepted:
        """Room for `n` of them."""
        types = (
            np.uint32,
            np.uint32,
            np.int32,
            np.float32,
            np.uint8,
            np.int32,
            np.uint8,
            np.uint8,
            np.float32,
        )
        return cls(*(np.empty(n, dtype=t) for t in types))


@jit
def _rank(lo, hi, chunk, desk, applications, best):
    """The best application of each vacancy among those that a thread has seen; a tie goes to the lower identity, as
    applications come in that order, to each thread too."""
    mine, score = best[desk.lane], applications.score
    for q in range(lo, hi):
        v = applications.vacancy[q]
        if v >= 0 and (mine[v] < 0 or score[q] > score[mine[v]]):
            mine[v] = q


@jit
def _best_of_all(lo, hi, chunk, desk, score, best):
    """The best application of each vacancy, from what every thread has found; ties as above."""
    for lane in range(1, best.shape[0]):
        for v in range(lo, hi):
            q, b = best[lane, v], best[0, v]
            if q >= 0 and (b < 0 or score[q] > score[b] or (score[q] == score[b] and q < b)):
                best[0, v] = q


@jit
def _accept(
    lo, hi, chunk, desk, applications, best, w, tb, pm, key, clock, adverts, premium, accepted, counts
):
    """Those of a chunk who have an offer take the best of theirs, the first of equals; a worker belongs to the chunk of
    the first application. Offers are listed a block at a time, so that their words are drawn together."""
    worker = applications.worker
    offers, n, settled, value = 0, lo, np.int64(-1), 0.0
    first, last = lo, hi
    while 0 < first < hi and worker[first] == worker[first - 1]:
        first += 1
    while last < worker.size and worker[last] == worker[last - 1]:
        last += 1
    for start in range(first, last, BLOCK):
        found = _offers(start, min(start + BLOCK, last), applications, best, desk)
        draw_listed(desk.ids, desk.subs, found, clock.counter, APPLICATION, key, desk.word)
        _value_offers(found, desk, w, tb, pm, clock, adverts, premium)
        offers += found
        for h in range(found):
            i = np.int64(desk.ids[h])
            if i == settled and desk.worth[h] <= value:
                continue
            n += int(i != settled)
            settled, value = i, desk.worth[h]
            accepted.worker[n - 1], accepted.post[n - 1] = i, adverts[desk.seen[h]].post
            accepted.wage[n - 1], accepted.contract[n - 1] = desk.gain[h], desk.kind[h]
            accepted.application[n - 1] = desk.waiting[h]
    counts[0, chunk], counts[1, chunk] = offers, n - lo


@device
def _offers(start, end, applications, best, desk):
    """List the applications of a block that rank first: worker, number of the application, vacancy, place; how many."""
    n = np.uint64(0)
    for q in range(start, end):
        v = applications.vacancy[q]
        desk.ids[n], desk.subs[n], desk.seen[n] = applications.worker[q], applications.number[q], v
        desk.waiting[n] = q
        n += np.uint64((v >= 0) & (best[np.uint64(max(v, 0))] == q))
    return np.int64(n)


@device
def _value_offers(found, desk, w, tb, pm, clock, adverts, premium):
    """Wage and contract that each listed offer is of, and how it is liked."""
    for h in range(found):
        i, advert = np.int64(desk.ids[h]), adverts[desk.seen[h]]
        worth, luck = worth_of(i, w, tb, pm, clock), pm.match_sd * normal_(unit_(desk.word[1, h]))
        which = unit_(desk.word[2, h])
        offered, kind = offer_of(i, advert, worth, luck, which, w, tb, pm, clock, premium)
        desk.gain[h], desk.kind[h] = offered, kind
        desk.worth[h] = liking(offered, advert.size_class, kind, pm)


@jit
def _hire(lo, hi, chunk, desk, w, e, posts, tb, key, clock, reached, accepted, counts, by_cell):
    """Those of a chunk take up their posts; block by block and a few columns at a time, so that many wait for memory
    together. Counted: hires and their AI skill by province and major group, and how many were at work before. Several
    threads may note that one employer has hired a trainee: they all write 1."""
    hires, skill = by_cell[chunk, 0], by_cell[chunk, 1]
    for start in range(lo, lo + counts[1, chunk], BLOCK):
        n = min(BLOCK, lo + counts[1, chunk] - start)
        worker, post = accepted.worker[start : start + n], accepted.post[start : start + n]
        contract = accepted.contract[start : start + n]
        draw_listed(worker, desk.zeros, n, clock.counter, HIRED, key, desk.word)
        for j in range(n):
            i = np.uint64(worker[j])
            accepted.left[start + j] = w.job[i]
            accepted.worked[start + j] = w.state[i] == EMPLOYED
            accepted.skill[start + j] = w.skill[i]
            desk.group[j] = posts.employer[np.uint64(post[j])]
            desk.kind[j] = posts.occupation[np.uint64(post[j])]
        for j in range(n):
            i, f = np.uint64(worker[j]), np.uint64(desk.group[j])
            w.size[i] = e.size[f]
            w.industry[i] = e.industry[f]
            w.job[i] = post[j]
            w.wage[i] = accepted.wage[start + j]
        for j in range(n):
            i, o = np.uint64(worker[j]), desk.kind[j]
            w.experience[i] = w.experience[i] if w.occupation[i] == o else 0
            w.occupation[i] = o
            w.spell[i] = 0
            w.benefit[i] = 0
        for j in range(n):
            i = np.uint64(worker[j])
            tags = w.tags[i]
            accepted.trainee[start + j] = (w.programme[i] != NOBODY) | ((tags & TRAINED) != 0)
            covered = (
                unit_(desk.word[0, j]) < tb.insured_share[np.uint64(w.industry[i]), np.uint64(contract[j])]
            )
            w.tags[i] = (tags & (HELD12 | TRAINED)) | (np.uint8(covered) * INSURED)
            w.state[i] = EMPLOYED
            w.contract[i] = contract[j]
            reached[i] |= AT_ADOPTER  # it may be one
        for j in range(n):
            f, major = np.uint64(desk.group[j]), np.uint64(tb.major[np.uint64(desk.kind[j])])
            hires[np.uint64(e.region[f]), major] += 1
            skill[np.uint64(e.region[f]), major] += int(float(accepted.skill[start + j]) * 1e6)
            counts[2, chunk] += int(accepted.worked[start + j])
            if accepted.trainee[start + j] != 0:
                e.hired_trainee[f] = 1


@jit
def _fill(lo, hi, part, desk, posts, accepted, counts, size):
    """Posts filled and posts left, of the posts lo to hi."""
    for chunk in range(counts.shape[1]):
        for n in range(chunk * size, chunk * size + counts[1, chunk]):
            p, left = accepted.post[n], accepted.left[n]
            if lo <= p < hi:
                posts.held[p] += 1
                posts.vacant[p] -= 1
            if lo <= left < hi:
                posts.held[left] -= 1
