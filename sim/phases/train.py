"""Phase 5, train: programmes recruit, teach, lose and complete trainees; money is booked.

Order within the month: courses go on (drop-outs, completions, allowances); fixed costs, channels and instructors are
paid; people apply and seats are filled (`enrol`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.draws import COURSE, TICKET, uniforms
from sim.kernels import jit, logistic_, philox, unit_
from sim.phases.enrol import apply, enrol, pay_allowances
from sim.programmes import ATTENDING, COMPLETED, DROPPED, HORIZONS, LEFT
from sim.workers import ABSENT, EMPLOYED, INSURED, NOBODY, TRAINED

if TYPE_CHECKING:
    from sim.model import LaborMarket

QUALITY_TO_SKILL = (
    2.0  # skill reached per unit of causal course quality (sd of 6-month employment; assumption)
)


def train(model: LaborMarket) -> None:
    """Run every programme for one month."""
    if model.spin_up:
        return
    teach(model)
    model.start_budget_year()
    if model.funded_this_year():
        pay_standing(model)
        enrol(model, *apply(model))
    model.started[model.month + 1] = model.enrolments.size


# ------------------------------------------------------------------------------------------ courses go on


def teach(model: LaborMarket) -> None:
    """Attendants drop out, leave or complete; allowances of those who stay are paid."""
    m, w, records = model, model.workers, model.enrolments
    active = m.attending
    if active.size == 0:
        return
    rows, programme = records.person[active], records.programme[active]
    outcome = np.empty(active.size, dtype=np.int8)
    _attend(rows, programme, w, m.programme_table, m.key, m.clock, outcome)
    records.status[active] = outcome
    ended = outcome != ATTENDING
    records.end[active[ended]] = m.month
    w.programme[rows[ended]] = NOBODY
    w.course_left[rows[ended]] = 0
    done = active[outcome == COMPLETED]
    complete(model, done)
    staying = active[~ended]
    pay_allowances(model, staying)
    m.attending = staying


@jit
def _attend(rows, programme, w, pt, key, clock, outcome):
    for n in range(rows.size):
        i, p = rows[n], programme[n]
        outcome[n] = ATTENDING
        if w.state[i] == ABSENT:
            outcome[n] = LEFT
            continue
        word, _, _, _ = philox(np.uint64(i), np.uint64(0), clock.counter, COURSE, key[0], key[1])
        if unit_(word) < logistic_(pt.drop_logit[p] - pt.drop_zeta[p] * w.employability[i]):
            outcome[n] = DROPPED
            continue
        w.course_left[i] -= 1
        if w.course_left[i] == 0:
            outcome[n] = COMPLETED


def complete(model: LaborMarket, done: np.ndarray) -> None:
    """Completers gain skill, a certificate, a new direction; their employer gains a lever on adoption.

    Of the employed, a share `crowd_out` would have trained at private cost anyway: they gain nothing more.
    """
    m, w, records = model, model.workers, model.enrolments
    rows = records.person[done]
    w.tags[rows] |= TRAINED
    ticket = uniforms(m.key, TICKET, m.month, rows, 1)
    for p in np.unique(records.programme[done]):
        record = m.programmes[p]
        mine = records.programme[done] == p
        who, quality = rows[mine], records.quality[done[mine]].astype(np.float64)
        reached = record.skill * np.clip(
            1.0 + m.params.quality_causal * record.quality_sd * QUALITY_TO_SKILL * quality, 0.3, 1.7
        )
        crowded = (records.state[done[mine]] == EMPLOYED) & (ticket[mine, 0] < record.crowd_out)
        gained = np.where(crowded, 0.0, np.minimum(reached, 1.0)).astype(np.float32)
        w.skill[who] = np.maximum(w.skill[who], gained)
        if record.certificate:
            w.certificates[who] = np.minimum(w.certificates[who].astype(np.int64) + 1, 255)
        if record.conversion is not None and record.conversion.targets:
            targets = [m.economy.codes["occupation"].index(c) for c in record.conversion.targets]
            pick = (ticket[mine, 1] * len(targets)).astype(np.int64)
            w.course_occupation[who] = np.array(targets, dtype=np.uint8)[pick]
        if record.adoption_lever > 0.0:
            at_work = who[(w.state[who] == EMPLOYED) & (w.job[who] >= 0)]
            employers = m.posts.employer[w.job[at_work]]
            m.employers.lever[employers] = np.maximum(
                m.employers.lever[employers], np.float32(record.adoption_lever)
            )


def follow(model: LaborMarket) -> None:
    """Note, at the month's end, who is employed 3, 6, 12, 24 and 36 months after the start and after completion."""
    m, w, records = model, model.workers, model.enrolments
    for h, months in enumerate(HORIZONS):
        for since, rows in enumerate((m.started_in(m.month - months), m.completed_in(m.month - months))):
            if rows.size == 0:
                continue
            who = records.person[rows]
            employed = w.state[who] == EMPLOYED
            records.note(rows, since, 0, h, employed)
            records.note(rows, since, 1, h, employed & ((w.tags[who] & INSURED) != 0))
        lots = m.randomised
        rows = np.flatnonzero(lots.month == m.month - months)
        employed = w.state[lots.person[rows]] == EMPLOYED
        lots.note(rows, 0, 0, h, employed)
        lots.note(rows, 0, 1, h, employed & ((w.tags[lots.person[rows]] & INSURED) != 0))


# ------------------------------------------------------------------------------------- standing expenses


def pay_standing(model: LaborMarket) -> None:
    """Fixed cost of centres and labs, channels, and the training of instructors: a twelfth a month."""
    m = model
    for p, record in enumerate(m.programmes):
        year = m.policy_year
        money = m.budget_now(p)
        if money == 0:
            continue
        fixed = min(record.fixed_cost, money)
        month = m.clock.calendar_month
        if record.kind in ("channel", "instructors"):
            most = (record.persons_a_year or record.persons_2026 or 10**9) * max(1, record.unit_cost)
            fixed = min(money, most)
        due = fixed * month // 12 - fixed * (month - 1) // 12
        due = min(due, m.ledger.left(p, year))
        persons = 0
        if record.kind == "instructors" and record.unit_cost > 0:
            persons = due // record.unit_cost
            m.instructors += persons
        m.ledger.spend("fixed", p, year, due, persons)
