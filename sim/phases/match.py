"""Phase 7, match: vacancies rank their applicants and make one offer each; workers take the best of theirs.

With one application, no differences between applicants and one submarket, fills follow the urn-ball matching
function: E M = V (1 - (1 - 1/V)^U).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.draws import APPLICATION, HIRED
from sim.kernels import device, gumbel_, jit, philox, unit_
from sim.wages import liking, luck_of, offer_of, worth_of
from sim.workers import EMPLOYED, HELD12, INSURED, NOBODY, TRAINED

if TYPE_CHECKING:
    from sim.model import LaborMarket

LONG_TERM = 6  # months of unemployment from which a spell is long (OECD uses 12; Korea reports 6)


def match(model: LaborMarket) -> None:
    """Rank, offer, accept, hire."""
    m = model
    best = np.full(m.advertised, -1, dtype=np.int64)
    score = np.full(m.advertised, -np.inf)
    _rank(
        m.searchers,
        m.application,
        m.workers,
        m.posts,
        m.tables,
        m.params,
        m.key,
        m.clock,
        m.adverts,
        best,
        score,
    )
    cells = m.job_creation.shape
    m.hires_by_cell, m.skill_by_cell = np.zeros(cells, np.int64), np.zeros(cells, np.int64)
    hires, moves, taken = _accept(
        m.searchers,
        m.application,
        m.workers,
        m.employers,
        m.posts,
        m.tables,
        m.params,
        m.key,
        m.clock,
        m.adverts,
        best,
        m.hires_by_cell,
        m.skill_by_cell,
        m.premium,
    )
    m.flows["hires"], m.flows["job_to_job"], m.flows["offers_refused"] = (
        hires,
        moves,
        int((best >= 0).sum()) - taken,
    )
    m.flows["vacancies"] = int(m.posts.vacant.sum())


@device
def score_of(i, a, p, requirement, w, posts, tb, pm, key, clock):
    """How a vacancy of posts p ranks applicant i (his or her application a)."""
    o = posts.occupation[p]
    noise, _, _, _ = philox(np.uint64(i), np.uint64(a), clock.counter, APPLICATION, key[0], key[1])
    score = pm.score_employability * w.employability[i] + pm.score_skill * w.skill[i] * requirement
    if w.occupation[i] == o:
        score += pm.score_occupation
    else:
        score -= pm.score_distance * tb.distance[w.occupation[i], o]
    if w.certificates[i] > 0:
        score += pm.score_certificate * tb.exposure[o]
    if w.state[i] != EMPLOYED and w.spell[i] >= LONG_TERM:
        score -= pm.score_long_term
    if clock.month - w.birth[i] >= 45 * 12:
        score -= pm.score_age
    score += pm.score_education * tb.education_match[w.education[i], o]
    return score + pm.score_noise * gumbel_(unit_(noise))


@jit
def _rank(searchers, application, w, posts, tb, pm, key, clock, adverts, best, top):
    k = application.shape[1]
    for n in range(searchers.size):
        for a in range(k):
            v = application[n, a]
            if v < 0:
                continue
            s = score_of(searchers[n], a, adverts.post[v], adverts.skill[v], w, posts, tb, pm, key, clock)
            if s > top[v]:  # a tie goes to the lower identity: searchers come in the order of identities
                top[v] = s
                best[v] = n * k + a


@jit
def _accept(
    searchers,
    application,
    w,
    e,
    posts,
    tb,
    pm,
    key,
    clock,
    adverts,
    best,
    hires_by_cell,
    skill_by_cell,
    premium,
):
    k = application.shape[1]
    hires = 0
    moves = 0
    for n in range(searchers.size):
        i = searchers[n]
        employed = w.state[i] == EMPLOYED
        chosen, value, wage, contract = -1, -1e9, 0.0, 0
        for a in range(k):
            v = application[n, a]
            if v < 0 or best[v] != n * k + a:
                continue
            luck, which = luck_of(i, a, pm, key, clock)
            worth = worth_of(i, w, tb, pm, clock)
            offered, kind = offer_of(i, v, worth, luck, which, adverts, w, posts, tb, pm, clock, premium)
            liked = liking(offered, adverts.kind[v] % tb.wage_size.size, pm)
            if liked > value:
                chosen, value, wage, contract = v, liked, offered, kind
        if chosen >= 0:
            p = adverts.post[chosen]
            f = posts.employer[p]
            hires_by_cell[e.region[f], tb.major[posts.occupation[p]]] += 1
            skill_by_cell[e.region[f], tb.major[posts.occupation[p]]] += int(float(w.skill[i]) * 1e6)
            if employed:
                moves += 1
            hire(i, p, wage, contract, w, e, posts, tb, key, clock)
            hires += 1
    return hires, moves, hires


@device
def hire(i, p, wage, contract, w, e, posts, tb, key, clock):
    """Worker i takes one of posts p."""
    if w.state[i] == EMPLOYED and w.job[i] >= 0:
        posts.held[w.job[i]] -= 1
    f, o = posts.employer[p], posts.occupation[p]
    posts.held[p] += 1
    posts.vacant[p] -= 1
    if w.programme[i] != NOBODY or (w.tags[i] & TRAINED) != 0:
        e.hired_trainee[f] = 1
    if w.occupation[i] != o:
        w.experience[i] = 0
    covered, _, _, _ = philox(np.uint64(i), np.uint64(0), clock.counter, HIRED, key[0], key[1])
    w.state[i] = EMPLOYED
    w.job[i] = p
    w.contract[i] = contract
    w.occupation[i] = o
    w.industry[i] = e.industry[f]
    w.wage[i] = wage
    w.spell[i] = 0
    w.benefit[i] = 0
    w.tags[i] = w.tags[i] & (HELD12 | TRAINED)
    if unit_(covered) < tb.insured_share[contract]:
        w.tags[i] |= INSURED


__all__ = ["hire", "match", "score_of"]
