"""Hiring subsidies, inside phase 7: employers are paid a monthly sum for hiring eligible people out of work.

Once applications are in, employers with an eligible applicant ask for the subsidy, and are approved in the order of a
lot until the month's money is promised. An approved vacancy ranks its eligible applicants higher, by `score_subsidy`
for each part of the cost of the job that the subsidy bears: its won over pay of the months that a job lasts (posts over
a month's openings at the start). Whoever of them is hired is paid for until the months are over or the job ends. Posts
wanted answer through job creation (`sim.phases.post`). Pay offered does not change: wages are posted.

Money is promised for all months of a hire, so that it never runs over; what those who leave early do not use pays for
others, also in later years (otherwise a third of it would lapse, and nothing could be held against a programme of the
same cost). Payments are booked to the year they fall in as far as its line goes, else to the earliest with any left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.draws import APPLICATION, SUBSIDY, words
from sim.kernels import BATCH, exp_, jit, normal_, philox, unit_
from sim.phases.enrol import eligible, remember
from sim.programmes import COMPLETED, DROPPED
from sim.programmes import SUBSIDY as KIND
from sim.wages import offer_of, worth_of
from sim.workers import EMPLOYED, OLDEST_MONTH, life_stage

if TYPE_CHECKING:
    from sim.model import LaborMarket
    from sim.phases.match import Accepted

NONE = -1


class Relief(NamedTuple):
    """Of each application of the month: the subsidy that would come with it (a programme, -1 none), and the part of the
    cost of the job that it bears."""

    programme: np.ndarray
    share: np.ndarray


def favour(model: LaborMarket) -> Relief | None:
    """Approve vacancies and rank their eligible applicants higher; None where no subsidy takes hires this month."""
    m = model
    taking = [] if m.spin_up else [p for p in range(len(m.programmes)) if _takes(m, p)]
    if not taking:
        return None
    n = m.applications.worker.size
    relief = Relief(np.full(n, NONE, dtype=np.int16), np.zeros(n))
    won = np.array([record.unit_cost / m.posts_over_openings for record in m.programmes])
    m.over_chunks(
        _relieve,
        m.applications,
        np.uint64(sum(1 << p for p in taking)),
        won,
        m.workers,
        m.employers,
        m.posts,
        m.tables,
        m.programme_table,
        m.params,
        m.key,
        m.clock,
        m.adverts,
        m.premium,
        relief,
        rows=n,
    )
    for p in taking:
        mine = np.flatnonzero(relief.programme == p)
        asking = np.unique(m.applications.vacancy[mine])
        m.applied[p] = asking.size
        approved = _approved(m, p, asking)
        relief.programme[mine[~np.isin(m.applications.vacancy[mine], approved)]] = NONE
    chosen = relief.programme != NONE
    m.applications.score[chosen] += m.params.score_subsidy * relief.share[chosen]
    return relief


def _takes(model: LaborMarket, p: int) -> bool:
    """Whether programme p is a hiring subsidy that promises money this month."""
    m, record = model, model.programmes[p]
    opens = record.kind == KIND and not record.closed and m.clock.calendar_month in record.intake_months
    return opens and m.budget_now(p) > 0


@jit
def _relieve(
    lo,
    hi,
    chunk,
    desk,
    applications,
    taking,
    won,
    w,
    e,
    posts,
    tb,
    pt,
    pm,
    key,
    clock,
    adverts,
    premium,
    relief,
):
    """The first subsidy that each application could bring. won: of each programme, per month that a job lasts."""
    for q in range(lo, hi):
        v, i = applications.vacancy[q], np.int64(applications.worker[q])
        if v < 0 or w.state[i] == EMPLOYED:
            continue
        f = posts.employer[adverts[v].post]
        months = clock.month - w.birth[i]
        stage = life_stage(w.state[i], w.reason[i], w.tags[i], False, months)
        admitted = taking & eligible(i, stage, w, tb, pt, clock)
        admitted &= pt.by_size[e.size[f]] & pt.by_industry[e.industry[f]]
        if admitted == np.uint64(0):
            continue
        number = np.uint64(applications.number[q])
        _, luck, which, _ = philox(np.uint64(i), number, clock.counter, APPLICATION, key[0], key[1])
        worth = worth_of(i, w, tb, pm, clock)
        luck_of_pay = pm.match_sd * normal_(unit_(luck))
        offered, contract = offer_of(
            i, adverts[v], worth, luck_of_pay, unit_(which), w, tb, pm, clock, premium
        )
        admitted &= pt.by_contract[contract]
        for p in range(won.size):
            if (admitted >> np.uint64(p)) & np.uint64(1) != np.uint64(0):
                pay_of_month = tb.hours[contract, tb.band[min(months, OLDEST_MONTH)]] * exp_(offered)
                relief.programme[q] = p
                relief.share[q] = min(1.0, won[p] / pay_of_month)
                break


def _approved(model: LaborMarket, p: int, asking: np.ndarray) -> np.ndarray:
    """Of the vacancies that ask, those with the lowest tickets of their employers, as far as the money goes."""
    m = model
    seats = int(m.seats_now(p, m.programmes[p], m.teaching_capacity()).sum())
    employer = m.posts.employer[m.adverts.post[asking]]
    ticket = words(m.key, SUBSIDY, m.month, employer, p)[:, 0]
    return np.asarray(asking[np.lexsort((asking, ticket))[:seats]])


def award(model: LaborMarket, accepted: Accepted, counts: np.ndarray, relief: Relief | None) -> None:
    """Enter the subsidised hires, still as they were without work. counts: offers accepted in each chunk."""
    m = model
    m.saved_by_cell[:] = 0
    if relief is None:
        return
    rows = np.concatenate([np.arange(k * BATCH, k * BATCH + n) for k, n in enumerate(counts)])
    sent = accepted.application[rows]
    rows, sent = (x[relief.programme[sent] != NONE] for x in (rows, sent))
    programme, post = relief.programme[sent].astype(np.int64), accepted.post[rows]
    employer = m.posts.employer[post]
    lines = remember(m, programme, accepted.worker[rows].astype(np.int64), lottery=np.zeros(rows.size))
    m.subsidised = np.concatenate([m.subsidised, np.stack([lines, employer], axis=1)])
    m.started[m.month + 1] = m.enrolments.size
    m.employers.hired_trainee[employer] = 1
    cell = m.employers.region[employer], m.tables.major[m.posts.occupation[post]]
    np.add.at(m.saved_by_cell, cell, (relief.share[sent] * 1e6).astype(np.int64))
    for p, hires in zip(*np.unique(programme, return_counts=True), strict=True):
        m.seats_taken[p] += hires
        m.ledger.spend("course", int(p), m.policy_year, 0, int(hires) * m.scenario.run.scale)


def pay(model: LaborMarket) -> None:
    """Pay a month for everyone still with the employer that hired him or her, and keep the money of what is left."""
    m, w, records = model, model.workers, model.enrolments
    if m.spin_up or m.subsidised.size == 0:
        return
    lines, employer = m.subsidised.T
    who, programme, begun = records.person[lines], records.programme[lines], records.start[lines].astype(int)
    stays = (w.job[who] >= 0) & (m.posts.employer[np.maximum(w.job[who], 0)] == employer)
    months = np.array([record.months for record in m.programmes])[programme]
    unit = np.array([record.unit_cost for record in m.programmes])[programme]
    month = m.month - begun + 1
    over = month > months
    records.status[lines[~stays]] = DROPPED
    records.status[lines[over]] = COMPLETED
    records.end[lines[over | ~stays]] = m.month
    going_on = stays & ~over
    so_far, before = unit * month // months, unit * (month - 1) // months
    for p in np.unique(programme):
        mine = going_on & (programme == p)
        due, promised = (so_far - before)[mine].sum(), (unit - so_far)[mine].sum()
        _spend(m, int(p), int(due) * m.scenario.run.scale)
        m.held_back[p] = promised * m.scenario.run.scale
    m.subsidised = m.subsidised[going_on]


def _spend(model: LaborMarket, p: int, won: int) -> None:
    """Book won to this year's line, else to the earliest with money left."""
    ledger, year = model.ledger, model.policy_year
    for y in (year, *range(year)):
        part = min(won, ledger.left(p, y))
        ledger.spend("course", p, y, part)
        won -= part


__all__ = ["Relief", "award", "favour", "pay"]
