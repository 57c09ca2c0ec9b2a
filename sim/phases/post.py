"""Phase 4, post: employers compare posts held with posts wanted, give notice, and open or withdraw vacancies.

Posts wanted are n* = n0 . G . e . J . l . (c/C)^(-sigma_b) . C^(-sigma_k): growth net of AI, the demand shock, job
creation, the unit labour requirement, business stealing and the scale effect (model description, "Labour demand").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.draws import ADVERTISE, LAYOFF
from sim.employers import ADVERT, IN_TRAINING, LAYING_OFF, RESTRUCTURING
from sim.kernels import BATCH, BLOCK, device, draw_listed, exp_, jit, log_, logs, philox, place_, unit_
from sim.phases.reach import APPLIES, AT_ADOPTER, SEARCHES
from sim.wages import staff_use
from sim.workers import NOTICE

if TYPE_CHECKING:
    from sim.model import LaborMarket

FIXED = 1e9  # fixed point of the industry mean of unit cost
RESTRUCTURED = (
    0.98  # a labour requirement below this share of the start is a restructured occupation (assumption)
)
NO_ADVERT = -1


def post(model: LaborMarket) -> None:
    """Unit costs, posts wanted, notices, vacancies and their advertisements."""
    m = model
    add_up_staff(m)
    sums = np.zeros((m.stretches, 2, m.economy.n("industry")), dtype=np.int64)
    m.over_employers(unit_costs, m.employers, m.posts, m.tables, m.params, m.staff, sums)
    cost, weight = sums.sum(axis=0)
    industry_cost = np.ones(cost.size)
    np.divide(cost, FIXED * weight, out=industry_cost, where=weight > 0)
    update_job_creation(m)
    creation = exp_array(m.job_creation)
    sums = np.zeros((m.stretches, 3, *m.need.shape), dtype=np.int64)
    heads = np.zeros((2, m.stretches), dtype=np.int64)
    m.over_employers(
        _wanted,
        m.employers,
        m.posts,
        m.tables,
        m.params,
        m.key,
        m.clock,
        industry_cost,
        logs(industry_cost),
        creation,
        sums,
        heads,
    )
    m.need[:], m.wanted_by_cell[:], m.openings_by_cell = sums.sum(axis=0)
    vacant, laid_off = heads
    m.flows["notices"] = 0
    if laid_off.any() or m.packages:
        m.over_chunks(_colleagues, m.workers.job, m.posts.flags, m.reached, m.events, m.counts)
        m.flows["notices"] = _give_notice(m, m.listed(m.events))
    m.openings = _advertise(m, vacant)


def exp_array(log: np.ndarray) -> np.ndarray:
    """exp of a small array, by the shared table."""
    return np.array([exp_(float(x)) for x in log.ravel()]).reshape(log.shape)


def add_up_staff(model: LaborMarket) -> None:
    """Heads, AI skill and use x novelty of the staff of adopting employers, as sums of fixed point in scratch: every
    thread has its own, since the staff of one employer are in many chunks."""
    m = model
    m.over_employers(_clear, m.staff)  # 141 MB for all of Korea
    m.over_chunks(_add_up_staff, m.workers, m.posts, m.params, m.reached, m.staff, lanes=m.staff.shape[0])


@jit
def _clear(lo, hi, chunk, desk, staff):
    for lane in range(staff.shape[0]):
        staff[lane, lo:hi] = 0


@jit
def _add_up_staff(lo, hi, chunk, desk, w, posts, pm, reached, staff):
    mine = staff[desk.lane]
    for start in range(lo, hi, BLOCK):
        bits = reached[start : min(start + BLOCK, hi)]
        n = np.uint64(0)
        for j in range(bits.size):
            desk.ids[n] = start + j
            n += np.uint64((bits[j] & AT_ADOPTER) != 0)
        for q in range(np.int64(n)):
            i = desk.ids[q]
            if w.job[i] >= 0:
                f = posts.employer[np.uint64(w.job[i])]
                a = float(w.skill[i])
                mine[f, 0] += 1
                mine[f, 1] += int(a * 1e6)
                mine[f, 2] += int(staff_use(a, float(w.experience[i]), pm) * 1e6)


@device
def _take_means(f, e, staff):
    """Mean AI skill and mean use x novelty of the staff of employer f, from what `add_up_staff` found."""
    heads, skill, use = 0, 0, 0
    for thread in range(staff.shape[0]):
        heads += staff[thread, f, 0]
        skill += staff[thread, f, 1]
        use += staff[thread, f, 2]
    e.staff_skill[f] = skill * 1e-6 / max(1, heads)
    e.staff_use[f] = use * 1e-6 / max(1, heads)


@device
def labour_requirement(intensity, exposure, complementarity, mean_use, pm):
    """l = (1 - delta s) / (1 + g m u): substitutable part s = z (1 - theta), augmentable part m = z theta."""
    z = intensity * exposure
    return (1.0 - pm.substitution * z * (1.0 - complementarity)) / (
        1.0 + pm.productivity_gain * z * complementarity * mean_use
    )


@device
def relative_labour(p, f, e, posts, tb, pm):
    """Unit labour requirement of posts p at employer f, relative to the start."""
    if e.intensity[f] == 0.0 and posts.base_labour[p] == 1.0:
        return 1.0
    o = posts.occupation[p]
    now = labour_requirement(
        float(e.intensity[f]), tb.exposure[o], tb.complementarity[o], float(e.staff_use[f]), pm
    )
    return now / posts.base_labour[p]


@jit
def rebase(lo, hi, chunk, desk, e, posts, tb, pm, staff):
    """Make today the start: every ratio of labour requirement is one from here."""
    for f in range(lo, hi):
        _take_means(f, e, staff)
        for p in range(e.posts_from[f], e.posts_to[f]):
            o = posts.occupation[p]
            posts.base_labour[p] = 1.0
            if e.intensity[f] > 0.0:
                posts.base_labour[p] = labour_requirement(
                    float(e.intensity[f]), tb.exposure[o], tb.complementarity[o], float(e.staff_use[f]), pm
                )


@jit
def unit_costs(lo, hi, chunk, desk, e, posts, tb, pm, staff, sums):
    """Means of the staff, and the unit cost c = 1 - b (1 - sum w l) of every employer; by industry its sum weighted by
    posts held, and those posts."""
    cost, weight = sums[chunk, 0], sums[chunk, 1]
    for f in range(lo, hi):
        _take_means(f, e, staff)
        saved = 0.0
        held = 0
        for p in range(e.posts_from[f], e.posts_to[f]):
            saved += posts.wage_share[p] * (1.0 - relative_labour(p, f, e, posts, tb, pm))
            held += int(posts.held[p])
        c = 1.0 - pm.labour_share * saved
        e.unit_cost[f] = c
        cost[e.industry[f]] += int(c * FIXED) * held
        weight[e.industry[f]] += held


@device
def _to_lay_off(over, word, pm):
    """How many of the posts of one occupation that are over are given up this month."""
    return int(pm.layoff_share * over + unit_(word))


@jit
def _wanted(
    lo, hi, chunk, desk, e, posts, tb, pm, key, clock, industry_cost, log_mean, creation, sums, heads
):
    """Posts wanted, open and to be given up; by province and major group the AI requirement of those wanted (intensity
    x exposure, millionths), those wanted and those open; how many are open, and to be given up, in all."""
    need, wanted_by_cell, openings = sums[chunk, 0], sums[chunk, 1], sums[chunk, 2]
    listed = np.int64(0)
    for f in range(lo, hi):
        k, r, s = e.industry[f], e.region[f], e.size[f]
        scale, intensity = 0.0, float(e.intensity[f])
        if e.open[f] == 1:
            mean = industry_cost[k]
            scale = tb.growth_industry[k] * tb.growth_region[r] * exp_(e.shock[f] - tb.shock_mean[s])
            if e.unit_cost[f] != 1.0 or mean != 1.0:
                scale *= exp_(
                    -pm.business_stealing * (log_(float(e.unit_cost[f])) - log_mean[k])
                    - pm.scale_effect * log_mean[k]
                )
        first, last = e.posts_from[f], e.posts_to[f]
        if listed + last - first > BLOCK:
            heads[1, chunk] += _give_up(listed, posts, pm, key, clock, desk)
            listed = np.int64(0)
        for p in range(first, last):
            o = posts.occupation[p]
            major = tb.major[o]
            labour = relative_labour(p, f, e, posts, tb, pm) if scale > 0.0 else 1.0
            wanted = int(posts.base[p] * scale * creation[r, major] * labour + posts.rounding[p])
            wanted = wanted if scale > 0.0 else 0
            wanted_by_cell[r, major] += wanted
            if intensity > 0.0:
                need[r, major] += int(intensity * tb.exposure[o] * 1e6) * wanted
            over = int(posts.held[p]) - wanted
            vacant = max(0, -over)
            posts.wanted[p], posts.vacant[p] = wanted, vacant
            posts.flags[p] &= ~(LAYING_OFF | RESTRUCTURING)
            openings[r, major] += vacant
            heads[0, chunk] += vacant
            desk.ids[listed], desk.subs[listed], desk.row[listed] = f, o, p
            desk.gain[listed] = labour
            listed += int(over > 0)
    heads[1, chunk] += _give_up(listed, posts, pm, key, clock, desk)


@device
def _give_up(listed, posts, pm, key, clock, desk):
    """Flags of the listed posts of which too many are held, and how many are given up this month in all. They are
    listed, not branched to: one post in thirteen, at places that no processor guesses."""
    draw_listed(desk.ids, desk.subs, listed, clock.counter, LAYOFF, key, desk.word)
    given_up = 0
    for n in range(listed):
        p = desk.row[n]
        loses = _to_lay_off(int(posts.held[p]) - int(posts.wanted[p]), desk.word[0, n], pm)
        given_up += loses
        posts.flags[p] |= np.uint8(desk.gain[n] < RESTRUCTURED) * RESTRUCTURING
        posts.flags[p] |= np.uint8(loses > 0) * LAYING_OFF
    return given_up


@jit
def _colleagues(lo, hi, chunk, desk, job, flags, reached, events, counts):
    """Who may be laid off, and whose employer is in the training step of the SME package."""
    n = 0
    jobs, bits = job[lo:hi], reached[lo:hi]
    for j in range(jobs.size):
        flag = flags[jobs[j]]  # of nobody's posts for those who have none
        if (flag & (LAYING_OFF | IN_TRAINING)) != 0:
            if (flag & IN_TRAINING) != 0:
                bits[j] |= APPLIES
            if (flag & LAYING_OFF) != 0:
                events[lo + n] = lo + j
                n += 1
    counts[chunk] = n


@jit
def _order(lo, hi, chunk, desk, rows, w, e, posts, pm, key, clock, jobs, loses, out):
    """The post of each on the list, how many it loses, and when its turn would come."""
    last, losing = np.int64(-1), np.int64(0)
    for n in range(lo, hi):
        i = rows[n]
        p = np.int64(w.job[i])
        if p != last:
            f, o = np.uint64(posts.employer[p]), np.uint64(posts.occupation[p])
            word, _, _, _ = philox(f, o, clock.counter, LAYOFF, key[0], key[1])
            losing = _to_lay_off(posts.held[p] - posts.wanted[p], word, pm)
            last = p
        jobs[n], loses[n] = p, losing
        word, _, _, _ = philox(
            np.uint64(i), np.uint64(1) << np.uint64(20), clock.counter, LAYOFF, key[0], key[1]
        )
        weight = exp_(-pm.layoff_skill * w.skill[i] - pm.layoff_tenure * w.spell[i])
        out[n] = -log_(unit_(word)) / weight


def _give_notice(model: LaborMarket, rows: np.ndarray) -> int:
    """Choose whom to lay off without replacement, weights exp(-b_L skill - b_t tenure): exponential race."""
    m, w = model, model.workers
    order, leaves = np.empty(rows.size), np.zeros(rows.size, dtype=bool)
    jobs, loses = np.empty((2, rows.size), dtype=np.int32)
    m.over_chunks(
        _order,
        rows,
        w,
        m.employers,
        m.posts,
        m.params,
        m.key,
        m.clock,
        jobs,
        loses,
        order,
        rows=rows.size,
        size=BATCH,
    )
    _first_out(jobs, order, loses, m.first_out, leaves)
    several = np.flatnonzero(loses > 1)  # few posts lose more than one
    ranked = several[np.lexsort((several, order[several], jobs[several]))]
    posts = jobs[ranked]
    place = np.arange(ranked.size) - np.searchsorted(posts, posts, side="left")
    leaves[ranked[place < loses[ranked]]] = True
    chosen = rows[leaves]
    w.tags[chosen] |= NOTICE
    m.reached[chosen] |= SEARCHES
    return int(chosen.size)


@jit
def _first_out(jobs, order, loses, first, leaves):
    """Mark the first to go of every post that loses one; a tie goes to the lower identity. `first` is scratch."""
    for n in range(jobs.size):
        first[jobs[n]] = -1
    for n in range(jobs.size):
        p = jobs[n]
        if loses[n] == 1 and (first[p] < 0 or order[n] < order[first[p]]):
            first[p] = n
    for n in range(jobs.size):
        leaves[n] = loses[n] == 1 and first[jobs[n]] == n


def update_job_creation(model: LaborMarket) -> None:
    """ln J of each province x major group moves toward eta ln(h/h0) + chi r (a_hires - a_0) + epsilon x the part of the
    cost of a job that hiring subsidies bear; none in the spin-up.

    h = -ln(1 - fill) with the 12-month fill of the cell, shrunk to the national one (`SHRINK`).
    """
    m = model
    if m.spin_up:
        return
    psi = min(float(m.params.job_creation), 0.99)
    eta = psi / ((1.0 - psi) * m.posts_over_openings)
    pace = min(1.0 / 12.0, 1.0 / (1.0 + eta * m.posts_over_openings))
    pull = np.zeros(m.job_creation.shape)
    if psi > 0.0:
        easier = logs(m.filling_hazard()) - logs(m.filling_start)
        requirement = m.need / np.maximum(1, m.wanted_by_cell) * 1e-6  # of the posts wanted a month ago
        better = m.params.hiring_quality * requirement * (m.hires_skill() - m.quality_start)
        pull = eta * easier + better
        if m._saved.any():
            pull += m.params.subsidy_elasticity * m.hires_relief()
    m.job_creation[:] = (1.0 - pace) * m.job_creation + pace * pull


@jit
def _write_adverts(lo, hi, chunk, desk, e, posts, tb, boards, pm, key, clock, numbers, adverts, board, wish):
    """An advertisement of every vacancy, the board it belongs on, and the slot it would take by its own key."""
    n = numbers[chunk]
    for f in range(lo, hi):
        for p in range(e.posts_from[f], e.posts_to[f]):
            if posts.vacant[p] == 0:
                continue
            o = posts.occupation[p]
            cell = int(e.region[f]) * tb.major.size + int(o)
            size = boards.first[cell + 1] - boards.first[cell]
            for ordinal in range(posts.vacant[p]):
                place, asks, _, _ = philox(
                    np.uint64(f),
                    np.uint64(o) * np.uint64(65536) + np.uint64(ordinal),
                    clock.counter,
                    ADVERTISE,
                    key[0],
                    key[1],
                )
                board[n], wish[n] = cell, place_(place, size)
                advert = adverts[n]
                advert.post = p
                advert.pay = (
                    tb.wage_occupation[o]
                    + tb.wage_industry[e.industry[f]]
                    + tb.wage_size[e.size[f]]
                    + e.productivity[f]
                )
                advert.intensity = e.intensity[f]
                advert.occupation = o
                advert.size_class = e.size[f]
                advert.asks = int(e.intensity[f] > 0.0 and unit_(asks) < pm.ai_post_share)
                n += 1


@jit
def _place(lo, hi, part, desk, first, board, wish, slots, free, lost):
    """Every vacancy takes a slot of its submarket's board: linear probing from the slot it would take.

    Whoever reads the board at random slots until one is taken meets every vacancy with the same chance, and one
    vacancy more or less moves nobody else's. A board that is full leaves the rest unadvertised this month: how many.
    Each part of the boards (lo to hi) is filled from the whole list.
    """
    for n in range(board.size):
        cell = board[n]
        if cell < lo or cell >= hi:
            continue
        if free[cell] == 0:
            lost[part] += 1
            continue
        size, slot = first[cell + 1] - first[cell], wish[n]
        while slots[first[cell] + slot] >= 0:
            slot = slot + 1 if slot + 1 < size else 0
        slots[first[cell] + slot] = n
        free[cell] -= 1


def _advertise(model: LaborMarket, vacant: np.ndarray) -> int:
    """Put the vacancies on the boards; how many there are. vacant: of each stretch of employers."""
    m = model
    m.advertised = int(vacant.sum())
    m.slots[:] = NO_ADVERT
    m.adverts = np.recarray(m.advertised + 1, dtype=ADVERT)
    m.adverts[NO_ADVERT] = (-np.inf, -1, 0.0, 0, 0, 0)  # what stands in an empty slot
    board, wish = np.empty((2, m.advertised), dtype=np.int32)
    m.over_employers(
        _write_adverts,
        m.employers,
        m.posts,
        m.tables,
        m.boards,
        m.params,
        m.key,
        m.clock,
        np.cumsum(vacant) - vacant,
        m.adverts,
        board,
        wish,
    )
    free, lost = np.diff(m.boards.first), np.zeros(len(m.desks), dtype=np.int64)
    part = -(-free.size // lost.size)
    m.over_chunks(_place, m.boards.first, board, wish, m.slots, free, lost, rows=free.size, size=part)
    m.flows["unadvertised"] = int(lost.sum())
    return int(vacant.sum())


__all__ = ["add_up_staff", "labour_requirement", "post", "rebase", "unit_costs"]
