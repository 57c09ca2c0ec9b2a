"""Who applies to a programme, and who gets a seat (phase 5 of the oracle, second half)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim.records import MOST_SPELL, Programme
from sim.reference import arithmetic as a
from sim.reference.agents import Employer, Enrolment, Person
from sim.reference.lots import barred, by_lot, design_of, note
from sim.reference.programmes import COURSES, STAGES, first_month, pay_allowance, ramp, shrunk
from sim.workers import INACTIVE, NOBODY

if TYPE_CHECKING:
    from sim.reference.market import ReferenceMarket


# ------------------------------------------------------------------------------------------- applications


def choice_of(model: ReferenceMarket, person: Person) -> int | None:
    """The programme that someone applies to this month: at most one."""
    if person.programme != NOBODY:
        return None
    programmes, stage = model.programmes, person.stage
    inside = person.post is not None and person.post.in_training
    u, reached = a.unit(person.month_words[3]), 0.0
    for p, record in enumerate(programmes.records):
        if not programmes.open[p] or not eligible(model, person, record, stage):
            continue
        if record.kind == "sme-package":
            if inside:
                return p
            continue
        reached += apply_probability(model, person, p, stage)
        if u < reached:
            return p
    return None


def eligible(model: ReferenceMarket, person: Person, record: Programme, stage: int) -> bool:
    """Whether someone may take part, as the record says; an empty list excludes nobody."""
    rule, codes = record.eligibility, model.programmes.codes

    def listed(allowed: Sequence[str], dimension: str, code: int) -> bool:
        return not allowed or code in [codes[dimension][name] for name in allowed]

    if record.stage_required and STAGES[stage] not in record.stages:
        return False
    if rule.states and person.state not in [model.programmes.states[name] for name in rule.states]:
        return False
    if not rule.age_min <= person.age_months // 12 <= rule.age_max:
        return False
    if not listed(rule.regions, "region", person.region) or not listed(
        rule.education, "education", person.education
    ):
        return False
    if model.tables.exposure[person.occupation] < rule.exposure_min:
        return False
    if not person.employed and min(person.spell, MOST_SPELL) < rule.spell_min:
        return False
    if person.state == INACTIVE:
        fits = (
            listed(rule.reasons, "reason", person.reason)
            if rule.reasons
            else person.reason != codes["reason"]["military"]
        )
        if not fits:
            return False
    if person.employed:
        if not listed(rule.contracts, "contract", person.contract) or not listed(
            rule.industries, "industry", person.industry
        ):
            return False
        if rule.sizes and (person.post is None or not listed(rule.sizes, "size", person.post.employer.size)):
            return False
    return rule.insured is None or rule.insured == person.covered


def apply_probability(model: ReferenceMarket, person: Person, p: int, stage: int) -> float:
    """Probability to hear of a programme and apply."""
    programmes, record = model.programmes, model.programmes.records[p]
    traits = (
        record.apply_education * (person.education - 1.0)
        + record.apply_age * (person.age_months / 120.0 - 4.0)
        + record.apply_exposure * (model.tables.exposure[person.occupation] - 0.5)
        + record.apply_zeta * person.employability
        + record.apply_female * person.sex
    )
    traits = min(max(traits, -4.0), 4.0)
    keen = programmes.aware[p][stage] * programmes.response[p][person.region]
    return keen * a.logistic(programmes.apply_logit[p] + traits)


# --------------------------------------------------------------------------------------------------- seats


def enrol(model: ReferenceMarket, year: int) -> None:
    """Fill the month's seats of every programme and book their cost."""
    programmes = model.programmes
    applicants: dict[int, list[Person]] = {}
    for person in model.living:
        p = choice_of(model, person)
        if p is not None and not barred(model, person, p):
            applicants.setdefault(p, []).append(person)
    teachers = programmes.instructors / 12.0
    started: list[Enrolment] = []
    for p, record in enumerate(programmes.records):
        if not programmes.open[p]:
            continue
        mine = applicants.get(p, [])
        seats = seats_now(model, p, year, teachers)
        design = design_of(model, record)
        if design is not None:
            order = in_order(model, record, mine)
            chosen, lost, kept = by_lot(model, design, order, seats, places)
            if kept:
                programmes.seats_taken[p] += len(lost)
                programmes.held_back[p] += len(lost) * model.scale * record.unit_cost
                if record.instructors > 0:
                    teachers -= len(lost) * model.scale / record.instructors
            note(model, p, design, chosen, lost)
        else:
            chosen = select(model, record, mine, seats)
            if record.selection == "lottery" and len(chosen) < len(mine):
                note(model, p, None, chosen, [person for person in mine if person not in chosen])
        if record.kind == "sme-package" and record.trainees_per_firm:
            most = max(1, round(record.trainees_per_firm * shrunk(model, record)))
            chosen = within_employers(chosen, most)
        if not chosen:
            continue
        if record.instructors > 0:
            teachers -= len(chosen) * model.scale / record.instructors
        persons = len(chosen) * model.scale
        programmes.ledger.spend("course", p, year, persons * record.unit_cost, persons)
        programmes.seats_taken[p] += len(chosen)
        courses = [
            start(model, person, p, drawn=record.selection == "lottery" and len(mine) > sum(seats))
            for person in chosen
        ]
        started += courses
    programmes.enrolments += started
    programmes.attending += started
    for course in started:
        pay_allowance(model, course, year)


def seats_now(model: ReferenceMarket, p: int, year: int, teachers: float) -> list[int]:
    """Seats of the month by province: the least of money, places and instructors, spread with a carry."""
    programmes, record, month = model.programmes, model.programmes.records[p], model.calendar_month
    ledger, first = programmes.ledger, first_month(model, year)
    brought = int(ledger.brought[p, year])
    released = ledger.budget(p, year) * (month - first + 1) // (13 - first) + brought
    spent = ledger.budget(p, year) + brought - ledger.left(p, year)
    free = min(released - spent, ledger.left(p, year)) - programmes.held_back[p]
    if record.kind == "hiring-subsidy":  # its money does not lapse
        free += sum(ledger.left(p, earlier) for earlier in range(year))
    money = max(0, free)
    affordable = money / max(1, record.unit_cost * model.scale)
    if record.seats is not None:
        growth = (1.0 + record.seats_growth) ** max(0, model.year - 2026)
        intakes = max(1, sum(k >= first for k in record.intake_months))
        programmes.seats_released[p] += record.seats * growth / intakes / model.scale * ramp(model, record)
        affordable = min(affordable, programmes.seats_released[p] - programmes.seats_taken[p])
    elif record.ramp_up:
        affordable *= ramp(model, record)
    if record.instructors > 0:
        affordable = min(affordable, teachers * record.instructors / model.scale)
    seats = int(max(0.0, affordable) + 1e-9)
    share = (
        [record.regions.get(code, 0.0) for code in model.economy.codes["region"]]
        if record.regions
        else by_labour_and_demand(model)
    )
    whole = a.total(share)
    share = [s / whole for s in share]
    carry = programmes.seat_carry[p]
    due = [max(c + s * seats, 0.0) for c, s in zip(carry, share, strict=True)]
    all_due = max(a.total(due), 1e-12)
    by_region = a.largest_remainders([d / all_due * seats for d in due], seats)
    programmes.seat_carry[p] = [c + (s * seats - n) for c, s, n in zip(carry, share, by_region, strict=True)]
    return by_region


def by_labour_and_demand(model: ReferenceMarket) -> list[float]:
    """Shares of provinces in the labour force, drawn toward those in a year's openings as far as councils steer."""
    force = [float(n) for n in model.labour_force]
    all_force = a.total(force)
    share = [n / all_force for n in force]
    openings = [sum(row) for row in model._of_twelve_months(0)]
    steering = model.programmes.seat_steering
    if steering > 0.0 and sum(openings) > 0:
        share = [
            (1.0 - steering) * s + steering * (n / sum(openings))
            for s, n in zip(share, openings, strict=True)
        ]
    return share


def turn(model: ReferenceMarket, record: Programme, person: Person) -> tuple[float, int, int]:
    """Place in the order of selection: score or exposure where the record says so, then ticket, then identity."""
    first = 0.0
    if record.selection == "ranked":
        first = -(person.education + person.employability)
    elif record.selection == "targeted":
        first = -model.tables.exposure[person.occupation]
    return first, model.words("TICKET", person.row)[0], person.row


def in_order(model: ReferenceMarket, record: Programme, applicants: list[Person]) -> list[Person]:
    """A queue: everyone in turn."""
    return sorted(applicants, key=lambda person: turn(model, record, person))


def select(
    model: ReferenceMarket, record: Programme, applicants: list[Person], seats: list[int]
) -> list[Person]:
    """Who gets a seat: first those of one's own province, then what is left anywhere."""
    return places(in_order(model, record, applicants), seats)


def places(order: list[Person], seats: list[int]) -> list[Person]:
    """Who of a queue gets a seat."""
    left, total = list(seats), sum(seats)
    at_home = set()
    for person in order:
        if left[person.region] > 0:
            left[person.region] -= 1
            at_home.add(person)
    spare = total - len(at_home)
    chosen = []
    for person in order:
        if person in at_home:
            chosen.append(person)
        elif spare > 0:
            spare -= 1
            chosen.append(person)
    return chosen


def within_employers(chosen: list[Person], most: int) -> list[Person]:
    """The first `most` of each employer."""
    counts: dict[Employer, int] = {}
    kept = []
    for person in chosen:
        assert person.post is not None
        employer = person.post.employer
        counts[employer] = counts.get(employer, 0) + 1
        if counts[employer] <= most:
            kept.append(person)
    return kept


def start(model: ReferenceMarket, person: Person, p: int, drawn: bool) -> Enrolment:
    """Enrol someone in a course of programme p: which one depends on employability where quality is not causal."""
    kappa = model.parameters.quality_causal
    luck = a.normal(a.unit(model.words("TICKET", person.row)[1]))
    pull = math.sqrt(max(0.0, 1.0 - kappa)) * person.employability + math.sqrt(kappa) * luck
    rank = min(COURSES - 1, int(COURSES * a.logistic(1.702 * pull)))
    number = (p * 32 + person.region) * COURSES
    courses = sorted(a.unit(model.words("QUALITY", number + n, month=0)[0]) for n in range(COURSES))
    course = Enrolment(person, p, model.month, a.single(a.normal(courses[rank])), drawn)
    person.programme, person.course_left = p, model.programmes.records[p].months
    return course
