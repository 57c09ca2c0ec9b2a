"""Hiring subsidies of the oracle (inside phase 7): who is approved, who is hired with one, what is paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sim.records import Programme
from sim.reference import arithmetic as a
from sim.reference.agents import Enrolment, Person, Vacancy
from sim.reference.enrolling import eligible, seats_now
from sim.reference.programmes import COMPLETED, DROPPED

if TYPE_CHECKING:
    from sim.reference.market import ReferenceMarket

Application = tuple[Person, int]  # whose, and which of his or hers


class Relief(NamedTuple):
    """What comes with an application: a subsidy, and the part of the cost of the job that it bears."""

    programme: int
    share: float


class Hire(NamedTuple):
    """A subsidised hire that is still paid for."""

    line: Enrolment
    employer: int


def approvals(model: ReferenceMarket) -> dict[Application, Relief]:
    """The applications that bring a subsidy, where their vacancy was approved for one."""
    programmes = model.programmes
    if model.spin_up:
        return {}
    year = model.year - programmes.ledger.years[0]
    taking = [
        p
        for p, record in enumerate(programmes.records)
        if record.kind == "hiring-subsidy"
        and not record.closed
        and model.calendar_month in record.intake_months
        and programmes.ledger.budget(p, year) > 0
    ]
    if not taking:
        return {}
    found: dict[Application, Relief] = {}
    at: dict[int, dict[Vacancy, list[Application]]] = {p: {} for p in taking}
    for person in model.searchers:
        for number, vacancy in enumerate(model.applications[person.row]):
            relief = None if vacancy is None else relief_of(model, person, number, vacancy, taking)
            if vacancy is not None and relief is not None:
                found[person, number] = relief
                at[relief.programme].setdefault(vacancy, []).append((person, number))
    place = {vacancy: n for n, vacancy in enumerate(model.vacancies)}

    for p in taking:

        def turn(vacancy: Vacancy, p: int = p) -> tuple[int, int]:
            return model.words("SUBSIDY", vacancy.post.employer.row, p)[0], place[vacancy]

        seats = sum(seats_now(model, p, year, 0.0))
        for vacancy in sorted(at[p], key=turn)[seats:]:
            for application in at[p][vacancy]:
                del found[application]
    return found


def relief_of(
    model: ReferenceMarket, person: Person, number: int, vacancy: Vacancy, taking: list[int]
) -> Relief | None:
    """The first subsidy that someone without work could bring to a vacancy."""
    from sim.reference.hiring import offer

    if person.employed:
        return None
    wage, contract = offer(model, person, number, vacancy)
    for p in taking:
        record = model.programmes.records[p]
        if eligible(model, person, record, person.stage) and fits(model, record, vacancy, contract):
            pay = model.tables.hours[contract][person.band] * a.exp(wage)
            won = record.unit_cost / model.posts_over_openings
            return Relief(p, min(1.0, won / pay))
    return None


def fits(model: ReferenceMarket, record: Programme, vacancy: Vacancy, contract: int) -> bool:
    """Whether the job is one that the subsidy is for."""
    rule, codes, e = record.eligibility, model.programmes.codes, vacancy.post.employer
    return (
        (not rule.sizes or e.size in [codes["size"][code] for code in rule.sizes])
        and (not rule.industries or e.industry in [codes["industry"][code] for code in rule.industries])
        and (not rule.contracts or contract in [codes["contract"][code] for code in rule.contracts])
    )


def enter(model: ReferenceMarket, person: Person, vacancy: Vacancy, relief: Relief) -> None:
    """A subsidised hire, still as he or she was without work."""
    programmes, e = model.programmes, vacancy.post.employer
    line = Enrolment(person, relief.programme, model.month, 0.0, False)
    programmes.enrolments.append(line)
    programmes.subsidised.append(Hire(line, e.row))
    programmes.seats_taken[relief.programme] += 1
    e.hired_trainee = True
    group = model.tables.major[vacancy.post.occupation]
    model.saved_by_cell[e.region][group] += int(relief.share * 1e6)
    year = model.year - programmes.ledger.years[0]
    programmes.ledger.spend("course", relief.programme, year, 0, model.scale)


def pay(model: ReferenceMarket) -> None:
    """A month for each who is still there; the rest is kept."""
    programmes, staying = model.programmes, []
    promised: dict[int, int] = {}
    for hire in programmes.subsidised:
        line, record = hire.line, programmes.records[hire.line.programme]
        promised.setdefault(line.programme, 0)
        month, post = model.month - line.start + 1, line.who.post
        if month > record.months:
            line.status, line.end = COMPLETED, model.month
        elif post is None or post.employer.row != hire.employer:
            line.status, line.end = DROPPED, model.month
        else:
            staying.append(hire)
            before, so_far = (record.unit_cost * n // record.months for n in (month - 1, month))
            promised[line.programme] += record.unit_cost - so_far
            book(model, line.programme, (so_far - before) * model.scale)
    for p, won in promised.items():
        programmes.held_back[p] = won * model.scale
    programmes.subsidised = staying


def book(model: ReferenceMarket, p: int, won: int) -> None:
    """Won from this year's line, else from the earliest with money left."""
    ledger = model.programmes.ledger
    year = model.year - ledger.years[0]
    for y in (year, *range(year)):
        part = min(won, ledger.left(p, y))
        ledger.spend("course", p, y, part)
        won -= part
