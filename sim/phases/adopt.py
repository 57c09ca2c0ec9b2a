"""Phase 2, adopt: employers adopt AI and deepen its use; employers are born, close and receive demand shocks.

First adoption follows Bass (1969): hazard (p + q x adopters' share among peers) x (1 + lever); intensity then
follows a logistic ramp that is faster with the staff's AI skill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.draws import EMPLOYER, FUNNEL, SHOCK, uniforms
from sim.employers import ADOPTER, CLOSING, DIAGNOSED, DISCOVERED, DONE, IN_TRAINING, NOT_REACHED, TRAINING
from sim.kernels import BLOCK, device, draw_block, jit, normal_, unit_

if TYPE_CHECKING:
    from sim.model import LaborMarket

FIRST_INTENSITY = 0.05
PACKAGE_MONTHS = 3  # months that an employer stays in the training step of the SME package
PEERS = 20.0  # employers that shrink a cell's share of adopters to that of its size class (assumption)
RAMP = 6.0  # a logistic goes from 5% to 95% in about six units of its rate


def adopt(model: LaborMarket) -> None:
    """Adoption, deepening, births, closures and demand shocks of this month."""
    share = peers_share(model)
    hazard = model.tables.adoption_hazard[model.clock.year_index]
    frozen = model.spin_up or model.scenario.world.adoption_frozen
    model.over_employers(
        _employers,
        model.employers,
        model.posts,
        model.tables,
        model.params,
        model.key,
        model.clock,
        share,
        hazard,
        bool(frozen),
    )
    if not model.spin_up:
        package(model)


def peers_share(model: LaborMarket) -> np.ndarray:
    """Adopters' share among open employers, by size and industry (sizes, industries), shrunk to that of the size: with
    coarse agents a cell has few employers, and a share that is nearly nought or one would slow imitation down."""
    shape = (model.economy.n("size"), model.economy.n("industry"))
    counts = np.zeros((model.stretches, 2, *shape), dtype=np.int64)
    model.over_employers(_count_peers, model.employers, counts)
    opened, adopted = counts.sum(axis=0)
    of_size = adopted.sum(axis=1, keepdims=True) / np.maximum(opened.sum(axis=1, keepdims=True), 1)
    return np.asarray((adopted + PEERS * of_size) / (opened + PEERS))


@jit
def _count_peers(lo, hi, chunk, desk, e, counts):
    """Open employers, and those of them that have adopted AI, by size and industry."""
    opened, adopted = counts[chunk, 0], counts[chunk, 1]
    for f in range(lo, hi):
        if e.open[f] == 1:
            opened[e.size[f], e.industry[f]] += 1
            adopted[e.size[f], e.industry[f]] += int(e.intensity[f] > 0.0)


@jit
def _employers(lo, hi, chunk, desk, e, posts, tb, pm, key, clock, share, hazard, frozen):
    word = desk.word
    for start in range(lo, hi, BLOCK):
        end = min(start + BLOCK, hi)
        draw_block(start, end - start, clock.counter, SHOCK, key, word)
        _shocks(e.size[start:end], e.shock[start:end], tb, word)
        draw_block(start, end - start, clock.counter, EMPLOYER, key, word)
        for f in range(start, end):
            _employer(f, word[:, f - start], e, posts, tb, pm, share, hazard, frozen)


@device
def _shocks(size, shock, tb, word):
    for j in range(size.size):
        s = np.uint64(size[j])
        shock[j] = tb.shock_rho[s] * shock[j] + tb.shock_sd[s] * normal_(unit_(word[0, j]))


@device
def _employer(f, word, e, posts, tb, pm, share, hazard, frozen):
    """Births, closures, first adoption and deepening of employer f, from its words: adopt, close, open."""
    size, industry = e.size[f], e.industry[f]
    adopting, closing, opening = word[0], word[1], word[2]
    if e.open[f] == 0:
        if unit_(opening) < tb.birth[size]:
            e.open[f] = 1
            e.intensity[f] = FIRST_INTENSITY if unit_(adopting) < share[size, industry] else 0.0
            for p in range(e.posts_from[f], e.posts_to[f]):
                posts.flags[p] = ADOPTER if e.intensity[f] > 0.0 else 0
    elif unit_(closing) < tb.closure[size]:
        e.open[f] = 0
        e.intensity[f] = 0.0
        e.lever[f] = 0.0
        e.funnel[f] = NOT_REACHED
        e.hired_trainee[f] = 0
        for p in range(e.posts_from[f], e.posts_to[f]):
            posts.flags[p] = CLOSING
    elif not frozen:
        if e.intensity[f] == 0.0:
            h = (hazard[size, industry] + pm.adoption_imitation * share[size, industry]) * (1.0 + e.lever[f])
            if unit_(adopting) < h:
                e.intensity[f] = FIRST_INTENSITY
                for p in range(e.posts_from[f], e.posts_to[f]):
                    posts.flags[p] |= ADOPTER
        else:
            a = float(e.intensity[f])
            rate = RAMP / pm.adoption_ramp * (1.0 + pm.adoption_staff_skill * e.staff_skill[f])
            e.intensity[f] = min(1.0, a + a * (1.0 - a) * rate)


def package(model: LaborMarket) -> None:
    """Move employers along the SME package: discovered, diagnosed, in training, done. Throughput in employers a year;
    those in training leave after three months, whether or not there is still money for others."""
    m, e = model, model.employers
    for p, order in m.package_order.items():
        record = m.programmes[p]
        _leave_training(
            order, int(m.package_reached[p]), e, m.in_package_since, m.month, record.adoption_lever
        )
        take = 0
        if m.budget_now(p) > 0:
            scale = m.scenario.run.scale * m.headcount_of(record)
            m.firm_seats += (record.firms_a_year or 0) * m.ramp(record) / 12.0 / scale
            take = int(m.firm_seats)
            m.firm_seats -= take
        m.package_reached[p] = _advance(
            order, int(m.package_reached[p]), take, e, m.in_package_since, m.month
        )
    if m.package_order:
        m.packages = _mark_training(e, m.posts)


def package_orders(model: LaborMarket) -> dict[int, np.ndarray]:
    """For each SME package the employers it may reach: the willing ones of its sizes, by their own ticket."""
    m = model
    orders = {}
    for p, record in enumerate(m.programmes):
        if record.kind == "sme-package" and record.firms_a_year:
            sizes = [m.economy.codes["size"].index(s) for s in record.eligibility.sizes]
            rows = (
                np.flatnonzero(np.isin(m.employers.size, sizes))
                if sizes
                else np.arange(m.employers.size.size)
            )
            ticket = uniforms(m.key, FUNNEL, 0, rows)
            willing = ticket[:, 1] < record.firms_willing
            orders[p] = rows[willing][np.argsort(ticket[willing, 0], kind="stable")].astype(np.int32)
    return orders


@jit
def _leave_training(order, reached, e, since, month, lever):
    for n in range(reached):
        f = order[n]
        if e.funnel[f] == TRAINING and since[f] <= month - PACKAGE_MONTHS:
            e.funnel[f] = DONE
            e.lever[f] = max(e.lever[f], np.float32(lever))


@jit
def _advance(order, reached, take, e, since, month):
    """The next `take` employers of each step move on, the last step first: one step a month."""
    for step in (DIAGNOSED, DISCOVERED, NOT_REACHED):
        left, n = take, 0
        while left > 0 and n < (order.size if step == NOT_REACHED else reached):
            f = order[n]
            if e.open[f] == 1 and e.funnel[f] == step:
                e.funnel[f] = step + 1
                left -= 1
                if step == DIAGNOSED:
                    since[f] = month
            n += 1
        reached = max(reached, n)
    return reached


@jit
def _mark_training(e, posts):
    found = False
    for f in range(e.open.size):
        first, last = e.posts_from[f], e.posts_to[f]
        if e.funnel[f] == TRAINING:
            found = True
            for p in range(first, last):
                posts.flags[p] |= IN_TRAINING
        elif last > first and (posts.flags[first] & IN_TRAINING) != 0:
            for p in range(first, last):
                posts.flags[p] &= ~IN_TRAINING
    return found
