"""Phases 8 and 9 of the oracle: skill and records move on; the month is added up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.reference import arithmetic as a
from sim.reference.agents import Person
from sim.reference.jobs import NO_EMPLOYER, staff_use
from sim.reference.training import follow
from sim.workers import OWN_ACCOUNT, RESTING, TENURE_PAY_MONTHS, UNEMPLOYED

if TYPE_CHECKING:
    from sim.reference.market import ReferenceMarket

MOST_MONTHS = 65535  # durations stop here
MOST_INSURED = 16383


def learn(model: ReferenceMarket) -> None:
    """Spells, experience, tenure pay, insurance and AI skill."""
    for person in model.living:
        spell, insured = person.spell, False
        used = use_at_work(model, person)
        person.spell = min(spell + 1, MOST_MONTHS)
        if person.employed:
            person.experience = min(person.experience + 1, MOST_MONTHS)
            person.held12 = person.held12 or spell + 1 >= 12
        if person.employed and person.contract < OWN_ACCOUNT:
            raise_pay(model, person, spell)
            insured = person.covered
        person.skill = next_skill(model, person, used)
        if insured:
            person.insured_months = min(person.insured_months + 1, MOST_INSURED)
        person.insured_lately.append(insured)


def use_at_work(model: ReferenceMarket, person: Person) -> float:
    """How much of the job is done with AI."""
    p = model.parameters
    if person.post is None or not person.post.employer.adopter:
        return 0.0
    exposed: float = person.post.employer.intensity * model.tables.exposure[person.occupation]
    return exposed * a.logistic(p.use_slope * (person.skill - p.use_midpoint))


def next_skill(model: ReferenceMarket, person: Person, used: float) -> float:
    """AI skill grows by use at work; what was taught decays without any."""
    p = model.parameters
    skill = a.single(min(1.0, person.skill + p.learning_by_use * used * (1.0 - person.skill)))
    if not person.trained:
        return skill
    idle = 1.0 - a.logistic(p.use_slope * (skill - p.use_midpoint))
    return a.single(skill - p.skill_decay * idle * skill)


def raise_pay(model: ReferenceMarket, person: Person, spell: int) -> None:
    """Pay for tenure, up to five years; nobody below the minimum wage."""
    lowest = model.tables.minimum_wage[model.year_index]
    if spell < TENURE_PAY_MONTHS:
        person.wage = a.single(person.wage + model.parameters.tenure_wage)
    if person.wage < lowest:
        person.wage = a.single(lowest)


def produce(model: ReferenceMarket) -> None:
    """Totals of the month; a month of benefit is used up; the state is remembered."""
    names = (
        "wages",
        "benefits",
        "beneficiaries",
        "long_term_unemployed",
        "resting_youth",
        "skilled",
        "users",
        "base_output",
        "output",
        "hours",
        "hours_saved",
        "insured",
        "skill",
        "employees",
    )
    model.totals = dict.fromkeys(names, 0)
    for person in model.people:
        person.previous = person.state
    for person in model.living:
        model.totals["skill"] += int(person.skill * 1e6)
        model.totals["skilled"] += person.skill >= 0.5
        if person.employed:
            count_work(model, person)
        elif person.state == UNEMPLOYED:
            model.totals["long_term_unemployed"] += person.spell >= 6
            pay_benefit(model, person)
        else:
            model.totals["resting_youth"] += person.reason == RESTING and person.age_months < 30 * 12
    follow(model)


def pay_benefit(model: ReferenceMarket, person: Person) -> None:
    """Thirty days of benefit: 60% of the former wage, eight hours a day, between floor and ceiling."""
    if person.benefit == 0:
        return
    t, year = model.tables, model.year_index
    daily = min(max(0.6 * 8.0 * a.exp(person.wage), t.benefit_floor[year]), t.benefit_ceiling[year])
    model.totals["benefits"] += int(daily) * 30
    model.totals["beneficiaries"] += 1
    person.benefit -= 1


def count_work(model: ReferenceMarket, person: Person) -> None:
    """Hours, output and pay of someone at work."""
    t, p, sums = model.tables, model.parameters, model.totals
    gain = saved = 0.0
    size = NO_EMPLOYER
    if person.post is not None:
        e = person.post.employer
        size = e.size
        if e.adopter:
            z, theta = e.intensity * t.exposure[person.occupation], t.complementarity[person.occupation]
            use = staff_use(model, person.skill, person.experience)
            gain, saved = p.productivity_gain * z * theta * use, p.substitution * z * (1.0 - theta)
    hours = t.hours[person.contract][person.band]
    base = int(hours * t.base_level[person.occupation][person.industry][size])
    sums["hours"] += int(hours * 1e3)
    sums["base_output"] += base
    sums["output"] += int(base * (1.0 + gain) / (1.0 - saved))
    sums["hours_saved"] += int(hours * (1.0 - (1.0 - saved) / (1.0 + gain)) * 1e3)
    sums["users"] += person.skill >= p.use_midpoint  # more likely than not to use AI regularly
    if person.contract < OWN_ACCOUNT:
        sums["employees"] += 1
        sums["wages"] += int(hours * a.exp(person.wage))
        sums["insured"] += person.covered
