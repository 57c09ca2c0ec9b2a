"""Phase 5, train: programmes recruit, teach, lose and complete trainees; money is booked.

Order within the month: courses go on (drop-outs, completions, allowances); fixed costs, channels and instructors are
paid; people apply and seats are filled (`enrol`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.draws import COURSE, TICKET, uniforms
from sim.kernels import BATCH, jit, logistic_, philox, unit_
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
    outcome = np.empty(active.size, dtype=np.int8)
    m.over_chunks(
        _attend,
        active,
        records.person,
        records.programme,
        records.status,
        records.end,
        w,
        m.programme_table,
        m.key,
        m.clock,
        outcome,
        rows=active.size,
        size=BATCH,
    )
    complete(model, active[outcome == COMPLETED])
    staying = active[outcome == ATTENDING]
    pay_allowances(model, staying)
    m.attending = staying


@jit
def _attend(lo, hi, chunk, desk, active, person, programme, status, end, w, pt, key, clock, outcome):
    """How the month ends for each attendant; a course that is over is over for the worker too."""
    for n in range(lo, hi):
        i, p = person[active[n]], programme[active[n]]
        outcome[n] = ATTENDING
        if w.state[i] == ABSENT:
            outcome[n] = LEFT
        else:
            word, _, _, _ = philox(np.uint64(i), np.uint64(0), clock.counter, COURSE, key[0], key[1])
            if unit_(word) < logistic_(pt.drop_logit[p] - pt.drop_zeta[p] * w.employability[i]):
                outcome[n] = DROPPED
            else:
                w.course_left[i] -= 1
                if w.course_left[i] == 0:
                    outcome[n] = COMPLETED
        if outcome[n] != ATTENDING:
            status[active[n]], end[active[n]] = outcome[n], clock.month
            w.programme[i] = NOBODY
            w.course_left[i] = 0


def complete(model: LaborMarket, done: np.ndarray) -> None:
    """Completers gain skill, a certificate, a new direction; their employer gains a lever on adoption.

    Of the employed, a share `crowd_out` would have trained at private cost anyway: they gain nothing more.
    """
    m, w, records = model, model.workers, model.enrolments
    rows = records.person[done]
    w.tags[rows] |= TRAINED
    ticket = uniforms(m.key, TICKET, m.month, rows, 1)
    programme = records.programme[done]
    for p in np.unique(programme):
        record = m.programmes[p]
        mine = programme == p
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
    m, w, records, lots = model, model.workers, model.enrolments, model.randomised
    for h, months in enumerate(HORIZONS):
        then = m.month - months
        if then < 0:
            break
        for since, taken in enumerate((m.started_in(then), m.may_end_in(then))):
            bits = [np.uint32(1 << records.bit(since, definition, h)) for definition in (0, 1)]
            m.over_chunks(
                _note,
                w.state,
                w.tags,
                records.person[taken],
                records.end[taken],
                records.status[taken],
                then if since else -1,
                *bits,
                records.known[taken],
                records.at_work[taken],
                rows=taken.stop - taken.start,
                size=BATCH,
            )
        rows = np.flatnonzero(lots.month == then)
        employed = w.state[lots.person[rows]] == EMPLOYED
        lots.note(rows, 0, 0, h, employed)
        lots.note(rows, 0, 1, h, employed & ((w.tags[lots.person[rows]] & INSURED) != 0))


@jit
def _note(
    lo, hi, chunk, desk, state, tags, person, end, status, completed, official, insured, known, at_work
):
    """Who of some enrolments is employed now; only of those completed in a month, unless it is -1."""
    for n in range(lo, hi):
        if completed < 0 or (end[n] == completed and status[n] == COMPLETED):
            i = person[n]
            known[n] |= official | insured
            if state[i] == EMPLOYED:
                at_work[n] |= official | (insured if (tags[i] & INSURED) != 0 else np.uint32(0))


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
