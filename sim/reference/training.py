"""Phase 5 of the oracle: programmes recruit, teach, lose and complete trainees; money is booked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.records import Programme
from sim.reference import arithmetic as a
from sim.reference.agents import Employer, Enrolment
from sim.reference.enrolling import enrol
from sim.reference.programmes import (
    ATTENDING,
    COMPLETED,
    DIAGNOSED,
    DISCOVERED,
    DONE,
    DROPPED,
    HORIZONS,
    IN_TRAINING,
    LEFT,
    NOT_REACHED,
    PACKAGE_MONTHS,
    STAGES,
    TEACHING,
    first_month,
    pay_allowance,
    ramp,
    shrunk,
)
from sim.workers import ABSENT, EMPLOYED, NOBODY

if TYPE_CHECKING:
    from sim.reference.market import ReferenceMarket


def train(model: ReferenceMarket) -> None:
    """Run every programme for one month."""
    if model.spin_up:
        return
    year = model.year - model.programmes.ledger.years[0]
    start_budget_year(model, year)
    teach(model, year)
    package(model, year)
    if not any(model.programmes.ledger.budget(p, year) for p in range(len(model.programmes.records))):
        return
    pay_standing(model, year)
    set_awareness(model, year)
    enrol(model, year)


def start_budget_year(model: ReferenceMarket, year: int) -> None:
    """What a year leaves lapses, but for the part of a place or of its cost that is too small for one agent."""
    programmes = model.programmes
    if model.calendar_month != first_month(model, year):
        return
    for p, record in enumerate(programmes.records):
        programmes.seats_released[p] = (
            max(0.0, programmes.seats_released[p] - programmes.seats_taken[p]) % 1.0
        )
        programmes.seats_taken[p] = 0
        if record.kind != "hiring-subsidy":
            programmes.held_back[p] = 0
        if record.kind in TEACHING:
            programmes.ledger.bring_forward(p, year, record.unit_cost * model.scale)


# ------------------------------------------------------------------------------------------ courses go on


def teach(model: ReferenceMarket, year: int) -> None:
    """Trainees drop out, go on or complete."""
    programmes, staying = model.programmes, []
    done = []
    for course in programmes.attending:
        person = course.who
        course.status = attend(model, course)
        if course.status == ATTENDING:
            staying.append(course)
            continue
        course.end = model.month
        person.programme, person.course_left = NOBODY, 0
        if course.status == COMPLETED:
            done.append(course)
    for course in done:
        complete(model, course)
    programmes.attending = staying
    for course in staying:
        pay_allowance(model, course, year)


def attend(model: ReferenceMarket, course: Enrolment) -> int:
    """One month of a course."""
    person, programmes = course.who, model.programmes
    if person.state == ABSENT:
        return LEFT
    drop = a.logistic(
        programmes.drop_logit[course.programme]
        - programmes.drop_zeta[course.programme] * person.employability
    )
    if a.unit(model.words("COURSE", person.row)[0]) < drop:
        return DROPPED
    person.course_left -= 1
    return COMPLETED if person.course_left == 0 else ATTENDING


def complete(model: ReferenceMarket, course: Enrolment) -> None:
    """Skill, certificate, a new direction; a lever on the employer's adoption."""
    person, record = course.who, model.programmes.records[course.programme]
    person.trained = True
    crowd, target, _, _ = (a.unit(w) for w in model.words("TICKET", person.row, 1))
    if not (course.state == EMPLOYED and crowd < record.crowd_out):  # else would have trained anyway
        boost = 1.0 + model.parameters.quality_causal * record.quality_sd * 2.0 * course.quality
        reached = record.skill * min(max(boost, 0.3), 1.7)
        person.skill = max(person.skill, a.single(min(reached, 1.0)))
    if record.certificate:
        person.certificates = min(person.certificates + 1, 255)
    if record.conversion is not None and record.conversion.targets:
        targets = record.conversion.targets
        person.course_occupation = model.programmes.codes["occupation"][targets[int(target * len(targets))]]
    if record.adoption_lever > 0.0 and person.employed and person.post is not None:
        employer = person.post.employer
        employer.lever = max(employer.lever, a.single(record.adoption_lever))


def follow(model: ReferenceMarket) -> None:
    """Note at the month's end who is at work 3, 6, 12, 24, 36 months after the start, and after completion."""
    for course in model.programmes.enrolments:
        dates = {"start": course.start}
        if course.status == COMPLETED:
            dates["completion"] = course.end
        for since, date in dates.items():
            if model.month - date in HORIZONS:
                months = model.month - date
                course.placed[since, "official", months] = course.who.employed
                course.placed[since, "insured", months] = course.who.employed and course.who.covered
    for lot in model.programmes.lots:
        months = model.month - lot.month
        if months in HORIZONS:
            lot.placed["official", months] = lot.who.employed
            lot.placed["insured", months] = lot.who.employed and lot.who.covered


# --------------------------------------------------------------------------------------- the SME package


def package(model: ReferenceMarket, year: int) -> None:
    """Employers are discovered, diagnosed and trained: one step a month, so many a month."""
    programmes = model.programmes
    for p, record in enumerate(programmes.records):
        if record.kind != "sme-package" or not record.firms_a_year:
            continue
        for e in model.employers:
            if e.funnel == IN_TRAINING and e.in_package_since <= model.month - PACKAGE_MONTHS:
                e.funnel, e.lever = DONE, max(e.lever, a.single(record.adoption_lever))
        number = 0
        if programmes.ledger.budget(p, year) > 0:
            a_month = record.firms_a_year * ramp(model, record) / 12.0
            programmes.firm_seats += a_month / (model.scale * shrunk(model, record))
            number = int(programmes.firm_seats)
            programmes.firm_seats -= number
        sizes = [programmes.codes["size"][code] for code in record.eligibility.sizes]
        for step in (DIAGNOSED, DISCOVERED, NOT_REACHED):  # the last first, so that nobody takes two at once
            waiting = [
                e for e in model.employers if e.open and e.funnel == step and (not sizes or e.size in sizes)
            ]
            for e in next_employers(model, waiting, record, step)[:number]:
                e.funnel = step + 1
                if step == DIAGNOSED:
                    e.in_package_since = model.month
        for post in model.posts:
            post.in_training = post.employer.funnel == IN_TRAINING


def next_employers(
    model: ReferenceMarket, waiting: list[Employer], record: Programme, step: int
) -> list[Employer]:
    """Employers in the order of their tickets; the first step only with those who are willing."""
    tickets = {e.row: model.words("FUNNEL", e.row, month=0) for e in waiting}
    if step == NOT_REACHED:
        waiting = [e for e in waiting if a.unit(tickets[e.row][1]) < record.firms_willing]
    return sorted(waiting, key=lambda e: (tickets[e.row][0], e.row))


# ------------------------------------------------------------------------------------- standing expenses


def pay_standing(model: ReferenceMarket, year: int) -> None:
    """A twelfth of fixed cost, channels and the training of instructors."""
    programmes, ledger, month = model.programmes, model.programmes.ledger, model.calendar_month
    for p, record in enumerate(programmes.records):
        money = ledger.budget(p, year)
        if money == 0:
            continue
        yearly = min(record.fixed_cost, money)
        if record.kind in ("channel", "instructors"):
            persons = record.persons_a_year or record.persons_2026 or 10**9
            yearly = min(money, persons * max(1, record.unit_cost))
        due = min(yearly * month // 12 - yearly * (month - 1) // 12, ledger.left(p, year))
        taught = due // record.unit_cost if record.kind == "instructors" and record.unit_cost > 0 else 0
        programmes.instructors += taught
        ledger.spend("fixed", p, year, due, taught)


def set_awareness(model: ReferenceMarket, year: int) -> None:
    """Which programmes take applications, and how many hear of them and are keen, by life stage."""
    programmes = model.programmes
    known, keen = [1.0] * len(STAGES), [1.0] * len(STAGES)
    programmes.seat_steering = 0.0
    for p, record in enumerate(programmes.records):
        money = programmes.ledger.budget(p, year)
        if record.kind == "channel" and money > 0:
            programmes.seat_steering = max(programmes.seat_steering, record.seat_steering)
            strength = min(2.0, money / max(1, record.base_money(2025) or money))
            for stage in record.for_stages or record.stages:
                known[STAGES.index(stage)] *= 1.0 + record.awareness_lever * strength
                keen[STAGES.index(stage)] *= 1.0 + record.application_lever * strength
    for p, record in enumerate(programmes.records):
        teaches = record.kind in TEACHING and not record.closed
        programmes.open[p] = (
            teaches and programmes.ledger.budget(p, year) > 0 and model.calendar_month in record.intake_months
        )
        programmes.aware[p] = [
            min(1.0, record.awareness * k) * e if teaches else 0.0 for k, e in zip(known, keen, strict=True)
        ]
