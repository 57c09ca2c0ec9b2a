"""Phase 5 of the oracle: programmes recruit, teach, lose and complete trainees; money is booked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sim.economy import Economy
from sim.ledger import Ledger
from sim.records import Programme
from sim.reference import arithmetic as a
from sim.reference.agents import OUTSIDE, Employer, Enrolment, Person
from sim.workers import ABSENT, EMPLOYED, INACTIVE, NOBODY

if TYPE_CHECKING:
    from sim.reference.market import ReferenceMarket

TEACHING = ("course", "sme-package", "joint-centre", "lab", "support")
HORIZONS = (3, 6, 12, 24, 36)
STAGES = ("entry", "active", "transition", "outside")
ATTENDING, COMPLETED, DROPPED, LEFT = range(4)
NOT_REACHED, DISCOVERED, DIAGNOSED, IN_TRAINING, DONE = range(5)
COURSES = 8  # of one programme in one province
PACKAGE_MONTHS = 3


class Programmes:
    """The programme records, what is left of their money and seats, and everyone ever enrolled."""

    def __init__(self, records: Sequence[Programme], economy: Economy, parameters: Any, ledger: Ledger) -> None:
        self.records, self.economy, self.ledger = list(records), economy, ledger
        codes, regions = economy.codes, range(economy.n("region"))
        self.codes = {name: {code: n for n, code in enumerate(codes[name])} for name in
                      ("reason", "contract", "size", "industry", "region", "education", "occupation")}
        self.states = {code: n + 1 for n, code in enumerate(codes["state"])}
        capital, decline = economy.attribute("region", "capital"), economy.attribute("region", "decline")
        self.allowance = [[_allowance(r, float(capital[n]) > 0, float(decline[n])) for n in regions] for r in records]
        self.response = [
            a.power([won / r.allowance_capital for won in row], parameters.allowance_elasticity)
            if r.allowance_capital > 0 else [1.0 for _ in regions]
            for r, row in zip(records, self.allowance, strict=True)
        ]
        self.apply_logit = [a.logit(min(max(r.apply, 1e-7), 1 - 1e-7)) for r in records]
        self.drop_logit = [a.logit(min(0.999, max(1e-6, 1.0 - max(r.completion, 1e-6) ** (1.0 / r.months))))
                           for r in records]
        self.drop_zeta = [r.completion_zeta or parameters.completion_employability for r in records]
        self.open = [False for _ in records]
        self.aware = [[0.0] * len(STAGES) for _ in records]
        self.seat_carry = [[0.0 for _ in regions] for _ in records]
        self.seats_taken, self.seats_released = [0 for _ in records], [0.0 for _ in records]
        self.instructors = sum((r.base_money(2025) / max(1, r.unit_cost)) / r.instructors
                               for r in records if r.instructors > 0 and r.unit_cost > 0)
        self.firm_seats = 0.0
        self.enrolments: list[Enrolment] = []
        self.attending: list[Enrolment] = []


def _allowance(record: Programme, capital: bool, decline: float) -> int:
    """Won a month in a province: capital area, elsewhere, more for the part in population decline."""
    if capital:
        return record.allowance_capital
    return int(record.allowance_noncapital
               + decline * max(0, record.allowance_decline - record.allowance_noncapital))


def train(model: ReferenceMarket) -> None:
    """Run every programme for one month."""
    if model.spin_up:
        return
    year = model.year - model.programmes.ledger.years[0]
    start_budget_year(model, year)
    teach(model, year)
    if not any(model.programmes.ledger.budget(p, year) for p in range(len(model.programmes.records))):
        return
    package(model, year)
    pay_standing(model, year)
    set_awareness(model, year)
    enrol(model, year)


def start_budget_year(model: ReferenceMarket, year: int) -> None:
    """What a year leaves lapses, but for the part of a place or of its cost that is too small for one agent."""
    programmes = model.programmes
    if model.calendar_month != first_month(model, year):
        return
    for p, record in enumerate(programmes.records):
        programmes.seats_released[p] = max(0.0, programmes.seats_released[p] - programmes.seats_taken[p]) % 1.0
        programmes.seats_taken[p] = 0
        if record.kind in TEACHING:
            programmes.ledger.bring_forward(p, year, record.unit_cost * model.scale)


def first_month(model: ReferenceMarket, year: int) -> int:
    """Calendar month in which the money of a year begins."""
    return model.run_settings.start.month if year == 0 else 1


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
    drop = a.logistic(programmes.drop_logit[course.programme]
                      - programmes.drop_zeta[course.programme] * person.employability)
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


def pay_allowance(model: ReferenceMarket, course: Enrolment, year: int) -> None:
    """A month's allowance for a trainee without work."""
    won = model.programmes.allowance[course.programme][course.who.region]
    if won and not course.who.employed:
        model.programmes.ledger.spend("allowance", course.programme, year, won * model.scale)


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


# --------------------------------------------------------------------------------------- the SME package


def package(model: ReferenceMarket, year: int) -> None:
    """Employers are discovered, diagnosed and trained: one step a month, so many a month."""
    programmes = model.programmes
    for p, record in enumerate(programmes.records):
        if record.kind != "sme-package" or not record.firms_a_year or programmes.ledger.budget(p, year) == 0:
            continue
        programmes.firm_seats += record.firms_a_year * ramp(model, record) / 12.0 / (model.scale * shrunk(model, record))
        number = int(programmes.firm_seats)
        programmes.firm_seats -= number
        for e in model.employers:
            if e.funnel == IN_TRAINING and e.in_package_since <= model.month - PACKAGE_MONTHS:
                e.funnel, e.lever = DONE, max(e.lever, a.single(record.adoption_lever))
        sizes = [programmes.codes["size"][code] for code in record.eligibility.sizes]
        for step in (DIAGNOSED, DISCOVERED, NOT_REACHED):  # the last first, so that nobody takes two at once
            waiting = [e for e in model.employers if e.open and e.funnel == step and (not sizes or e.size in sizes)]
            for e in next_employers(model, waiting, record, step)[:number]:
                e.funnel = step + 1
                if step == DIAGNOSED:
                    e.in_package_since = model.month
        for post in model.posts:
            post.in_training = post.employer.funnel == IN_TRAINING


def shrunk(model: ReferenceMarket, record: Programme) -> float:
    """Headcount of the employers a programme is for, over the published one: below 1 at coarse scales."""
    sizes = record.eligibility.sizes or model.economy.codes["size"]
    return a.total([max(model.headcount[code], 1e-3) for code in sizes]) / len(sizes)


def next_employers(model: ReferenceMarket, waiting: list[Employer], record: Programme, step: int) -> list[Employer]:
    """Employers in the order of their tickets; the first step only with those who are willing."""
    tickets = {e.row: model.words("FUNNEL", e.row, month=0) for e in waiting}
    if step == NOT_REACHED:
        waiting = [e for e in waiting if a.unit(tickets[e.row][1]) < record.firms_willing]
    return sorted(waiting, key=lambda e: (tickets[e.row][0], e.row))


# ------------------------------------------------------------------------------------- standing expenses


def ramp(model: ReferenceMarket, record: Programme) -> float:
    """Part of new money that can be used by now."""
    if record.ramp_up == 0 or record.base_money(2025):
        return 1.0
    return min(1.0, (model.month + 1) / record.ramp_up)


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
    for p, record in enumerate(programmes.records):
        money = programmes.ledger.budget(p, year)
        if record.kind == "channel" and money > 0:
            strength = min(2.0, money / max(1, record.base_money(2025) or money))
            for stage in record.for_stages or record.stages:
                known[STAGES.index(stage)] *= 1.0 + record.awareness_lever * strength
                keen[STAGES.index(stage)] *= 1.0 + record.application_lever * strength
    for p, record in enumerate(programmes.records):
        teaches = record.kind in TEACHING and not record.closed
        programmes.open[p] = (teaches and programmes.ledger.budget(p, year) > 0
                              and model.calendar_month in record.intake_months)
        programmes.aware[p] = [min(1.0, record.awareness * k) * e if teaches else 0.0
                               for k, e in zip(known, keen, strict=True)]


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
    if not listed(rule.regions, "region", person.region) or not listed(rule.education, "education", person.education):
        return False
    if model.tables.exposure[person.occupation] < rule.exposure_min:
        return False
    if person.state == INACTIVE:
        fits = (listed(rule.reasons, "reason", person.reason) if rule.reasons
                else person.reason != codes["reason"]["military"])
        if not fits:
            return False
    if person.employed:
        if not listed(rule.contracts, "contract", person.contract) or not listed(rule.industries, "industry",
                                                                                  person.industry):
            return False
        if rule.sizes and (person.post is None or not listed(rule.sizes, "size", person.post.employer.size)):
            return False
    return rule.insured is None or rule.insured == person.covered


def apply_probability(model: ReferenceMarket, person: Person, p: int, stage: int) -> float:
    """Probability to hear of a programme and apply."""
    programmes, record = model.programmes, model.programmes.records[p]
    traits = (record.apply_education * (person.education - 1.0) + record.apply_age * (person.age_months / 120.0 - 4.0)
              + record.apply_exposure * (model.tables.exposure[person.occupation] - 0.5)
              + record.apply_zeta * person.employability + record.apply_female * person.sex)
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
        if p is not None:
            applicants.setdefault(p, []).append(person)
    teachers = programmes.instructors / 12.0
    started: list[Enrolment] = []
    for p, record in enumerate(programmes.records):
        if not programmes.open[p]:
            continue
        mine = applicants.get(p, [])
        seats = seats_now(model, p, year, teachers)
        chosen = select(model, record, mine, seats)
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
        courses = [start(model, person, p, drawn=len(mine) > sum(seats)) for person in chosen]
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
    money = max(0, min(released - spent, ledger.left(p, year)))
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
    share = ([record.regions.get(code, 0.0) for code in model.economy.codes["region"]] if record.regions
             else [float(n) for n in model.labour_force])
    whole = a.total(share)
    share = [s / whole for s in share]
    carry = programmes.seat_carry[p]
    due = [max(c + s * seats, 0.0) for c, s in zip(carry, share, strict=True)]
    all_due = max(a.total(due), 1e-12)
    by_region = a.largest_remainders([d / all_due * seats for d in due], seats)
    programmes.seat_carry[p] = [c + (s * seats - n) for c, s, n in zip(carry, share, by_region, strict=True)]
    return by_region


def turn(model: ReferenceMarket, record: Programme, person: Person) -> tuple[float, int, int]:
    """Place in the order of selection: score or exposure where the record says so, then ticket, then identity."""
    first = 0.0
    if record.selection == "ranked":
        first = -(person.education + person.employability)
    elif record.selection == "targeted":
        first = -model.tables.exposure[person.occupation]
    return first, model.words("TICKET", person.row)[0], person.row


def select(model: ReferenceMarket, record: Programme, applicants: list[Person], seats: list[int]) -> list[Person]:
    """Who gets a seat: first those of one's own province, then what is left anywhere."""
    order = sorted(applicants, key=lambda person: turn(model, record, person))
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


__all__ = ["OUTSIDE", "Programmes", "follow", "train"]
