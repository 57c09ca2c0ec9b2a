"""Phase 7, match: vacancies rank their applicants and make one offer each; workers take the best of theirs.

With one application, no differences between applicants and one submarket, fills follow the urn-ball matching
function: E M = V (1 - (1 - 1/V)^U).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.draws import APPLICATION, HIRED
from sim.kernels import device, jit, normal_, philox, unit_
from sim.phases.reach import AT_ADOPTER
from sim.wages import liking, offer_of, worth_of
from sim.workers import EMPLOYED, HELD12, INSURED, NOBODY, TRAINED

if TYPE_CHECKING:
    from sim.model import LaborMarket


def match(model: LaborMarket) -> None:
    """Rank, offer, accept, hire."""
    m = model
    best = np.full(m.advertised, -1, dtype=np.int32)
    _rank(m.applications, best)
    cells = m.job_creation.shape
    m.hires_by_cell, m.skill_by_cell = np.zeros(cells, np.int64), np.zeros(cells, np.int64)
    offers, hires, moves = _accept(
        m.applications,
        best,
        m.workers,
        m.employers,
        m.posts,
        m.tables,
        m.params,
        m.key,
        m.clock,
        m.adverts,
        m.premium,
        m.reached,
        m.hires_by_cell,
        m.skill_by_cell,
    )
    m.flows["hires"], m.flows["job_to_job"], m.flows["offers_refused"] = hires, moves, offers - hires
    m.flows["vacancies"] = int(m.posts.vacant.sum())


@jit
def _rank(applications, best):
    """The best application of each vacancy; a tie goes to the lower identity, as applications come in that order."""
    for q in range(applications.vacancy.size):
        v = applications.vacancy[q]
        if v >= 0 and (best[v] < 0 or applications.score[q] > applications.score[best[v]]):
            best[v] = q


@jit
def _accept(
    applications,
    best,
    w,
    e,
    posts,
    tb,
    pm,
    key,
    clock,
    adverts,
    premium,
    reached,
    hires_by_cell,
    skill_by_cell,
):
    worker, vacancy = applications.worker, applications.vacancy
    offers, hires, moves = 0, 0, 0
    spread, settled = pm.match_sd, -1
    for q in range(vacancy.size):
        if vacancy[q] < 0 or best[vacancy[q]] != q:
            continue
        offers += 1
        i = worker[q]
        if i == settled:
            continue  # with the first of this worker's offers
        settled = i
        chosen, value, wage, contract = -1, -1e9, 0.0, 0
        worth = worth_of(i, w, tb, pm, clock)
        other = q
        while other < worker.size and worker[other] == i:
            v = vacancy[other]
            if v >= 0 and best[v] == other:
                a = np.uint64(applications.number[other])
                _, luck, which, _ = philox(np.uint64(i), a, clock.counter, APPLICATION, key[0], key[1])
                offered, kind = offer_of(
                    i,
                    adverts[v],
                    worth,
                    spread * normal_(unit_(luck)),
                    unit_(which),
                    w,
                    tb,
                    pm,
                    clock,
                    premium,
                )
                liked = liking(offered, adverts[v].size_class, pm)
                if liked > value:
                    chosen, value, wage, contract = v, liked, offered, kind
            other += 1
        p = adverts[chosen].post
        cell = posts.employer[p]
        region, major = e.region[cell], tb.major[adverts[chosen].occupation]
        hires_by_cell[region, major] += 1
        skill_by_cell[region, major] += int(float(w.skill[i]) * 1e6)
        moves += int(w.state[i] == EMPLOYED)
        hire(i, p, wage, contract, w, e, posts, tb, key, clock)
        reached[i] |= AT_ADOPTER  # it may be one
        hires += 1
    return offers, hires, moves


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
    w.size[i] = e.size[f]
    w.contract[i] = contract
    w.occupation[i] = o
    w.industry[i] = e.industry[f]
    w.wage[i] = wage
    w.spell[i] = 0
    w.benefit[i] = 0
    w.tags[i] = w.tags[i] & (HELD12 | TRAINED)
    if unit_(covered) < tb.insured_share[contract]:
        w.tags[i] |= INSURED
