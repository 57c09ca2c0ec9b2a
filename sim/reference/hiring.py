"""Phases 6 and 7 of the oracle: who looks for work and where, what is offered, who is hired; and the wage rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.reference import arithmetic as a
from sim.reference.agents import Person, Post, Vacancy
from sim.reference.jobs import staff_use
from sim.reference.subsidies import approvals, enter, pay
from sim.workers import (
    EMPLOYED,
    INACTIVE,
    MILITARY,
    NOBODY,
    OWN_ACCOUNT,
    REGULAR,
    TEMPORARY,
    UNEMPLOYED,
    UNPAID_FAMILY,
)

if TYPE_CHECKING:
    from sim.reference.market import ReferenceMarket

SEARCHES, STARTS_OWN, STARTS_PUBLIC, STOPS_LOOKING, STARTS_LOOKING = (
    "searches",
    "starts own work",
    "starts a public job",
    "stops looking",
    "starts looking",
)
LOOKS = 128  # more than anybody takes
LARGE = 4
LONG_TERM = 6


# ------------------------------------------------------------------------------------------------ 6 search


def search(model: ReferenceMarket) -> None:
    """Start or stop looking, start work without a vacancy, or send applications."""
    model.searchers = []
    starters = 0
    for person in model.living:
        step = next_step(model, person)
        if step == STOPS_LOOKING:
            why = a.unit(model.words("LEAVE_JOB", person.row, 1)[0])
            person.become_inactive(a.category(why, model.tables.reason_on_leaving[person.sex][person.band]))
        elif step == STARTS_LOOKING:
            person.state, person.spell, person.benefit = UNEMPLOYED, 0, 0
        elif step == SEARCHES:
            model.searchers.append(person)
        elif step:
            start_without_vacancy(model, person, step)
            starters += 1
    model.applications = {
        person.row: [
            look_around(model, person, number) if number == 0 or person.state == UNEMPLOYED else None
            for number in range(int(model.parameters.applications))
        ]
        for person in model.searchers
    }
    model.flows["own_account"] = starters


def next_step(model: ReferenceMarket, person: Person) -> str | None:
    """What someone does about work this month; nothing in the month of separation or in a full-time course."""
    t = model.tables
    if not person.employed and person.spell == 0:
        return None
    if person.programme != NOBODY and person.course_left > 0 and t.full_time[person.programme]:
        return None
    u, sex, band = a.unit(person.month_words[2]), person.sex, person.band
    if person.state == UNEMPLOYED:
        stops = t.stop_looking[band]
        if u < stops:
            return STOPS_LOOKING
        return STARTS_OWN if u < stops + t.own_from_u[sex][band] else SEARCHES
    if person.state == INACTIVE:
        if person.reason == MILITARY:
            return None
        starts = t.start_looking[sex][person.reason][band]
        own = starts + t.own_from_n[sex][band]
        looks = own + t.search_n[sex][person.reason][band]
        if u < starts:
            return STARTS_LOOKING
        if u < own:
            return STARTS_OWN
        if u < looks:
            return SEARCHES
        return STARTS_PUBLIC if model.calendar_month == 1 and u < looks + t.public_job[band] else None
    if person.notice:
        return SEARCHES
    if person.public:
        return None
    gap = t.market_wage[person.occupation][person.region] - person.wage
    looks = t.search_e[person.contract][band] * min(max(1.0 + gap, 0.25), 3.0)
    if u < looks:
        return SEARCHES
    return STARTS_OWN if u < looks + t.own_from_e[sex][band] and person.post is not None else None


def start_without_vacancy(model: ReferenceMarket, person: Person, step: str) -> None:
    """Own-account work, unpaid family work, or a public job for the elderly."""
    t = model.tables
    how, where, _, _ = model.words("OWN_ACCOUNT", person.row)
    person.leave_post()
    person.state, person.benefit, person.spell = EMPLOYED, 0, 0
    person.forget_job()
    if step == STARTS_PUBLIC:
        person.contract, person.public = TEMPORARY, True
        cell = t.public_place
    else:
        unpaid = a.unit(how) < t.unpaid_share[person.sex][person.band]
        person.contract = UNPAID_FAMILY if unpaid else OWN_ACCOUNT
        cell = a.from_alias(where, t.own_place)
    industry, occupation = divmod(cell, len(t.major))
    take_up(person, occupation, industry)
    person.wage = a.single(t.wage_occupation[occupation] + t.wage_industry[industry] + t.wage_sex[person.sex])


def take_up(person: Person, occupation: int, industry: int) -> None:
    """Change to an occupation and industry; experience counts in one occupation only."""
    if occupation != person.occupation:
        person.experience = 0
    person.occupation, person.industry = occupation, industry


def look_around(model: ReferenceMarket, person: Person, number: int) -> Vacancy | None:
    """Look at boards, one slot at a time, until a vacancy pays enough; patience is drawn at the start (geometric)."""
    t, boards = model.tables, model.boards
    stop = a.unit(model.words("APPLICATION", person.row, number)[3])
    origin, course = person.occupation, person.course_occupation
    turn = a.unit(model.words("ATTEMPT", person.row, number * LOOKS + LOOKS - 1)[3])
    if course != NOBODY and turn < t.conversion_weight[course]:
        origin = course
    row = person.region * len(t.major) + origin
    least = least_acceptable(model, person)
    most = boards.most[row][person.employed and not person.notice]
    for look in range(int(min(most - 1.0, a.log(stop) * boards.patience[row]))):
        where, what, slot, _ = model.words("ATTEMPT", person.row, number * LOOKS + look)
        province = a.from_alias(where, boards.province[row])
        board = model.board[province * len(t.major) + a.from_alias(what, boards.trade[origin][province])]
        vacancy: Vacancy | None = board[a.place(slot, len(board))]
        if (
            vacancy is not None
            and liking(model, *offer(model, person, number, vacancy), vacancy.post) > least
        ):
            return vacancy
    return None


# ------------------------------------------------------------------------------------------------- 7 match


def match(model: ReferenceMarket) -> None:
    """Every vacancy offers itself to its best applicant; people take the best of their offers."""
    reliefs = approvals(model)
    for person in model.searchers:
        for number, vacancy in enumerate(model.applications[person.row]):
            if vacancy is not None:
                points = score(model, person, number, vacancy)
                if (person, number) in reliefs:
                    points += model.parameters.score_subsidy * reliefs[person, number].share
                if points > vacancy.best_score:  # a tie goes to the lower identity
                    vacancy.best_score, vacancy.offered_to = points, (person, number)
    model.hires_by_cell, model.skill_by_cell = model.empty_counts(), model.empty_counts()
    model.saved_by_cell = model.empty_counts()
    hires = moves = 0
    for person in model.searchers:
        offers = [
            (number, vacancy)
            for number, vacancy in enumerate(model.applications[person.row])
            if vacancy is not None and vacancy.offered_to == (person, number)
        ]
        if not offers:
            continue
        number, vacancy = max(offers, key=lambda it: liking(model, *offer(model, person, *it), it[1].post))
        wage, contract = offer(model, person, number, vacancy)
        region, group = vacancy.post.employer.region, model.tables.major[vacancy.post.occupation]
        model.hires_by_cell[region][group] += 1
        model.skill_by_cell[region][group] += int(person.skill * 1e6)
        hires, moves = hires + 1, moves + person.employed
        if (person, number) in reliefs:
            enter(model, person, vacancy, reliefs[person, number])
        hire(model, person, vacancy, wage, contract)
    offered = sum(vacancy.offered_to is not None for vacancy in model.vacancies)
    model.flows |= {
        "hires": hires,
        "job_to_job": moves,
        "offers_refused": offered - hires,
        "vacancies": sum(post.vacant for post in model.posts),
    }
    pay(model)


def score(model: ReferenceMarket, person: Person, number: int, vacancy: Vacancy) -> float:
    """How a vacancy ranks an applicant."""
    t, p, wanted = model.tables, model.parameters, vacancy.post.occupation
    points: float = (
        p.score_employability * person.employability + p.score_skill * person.skill * vacancy.requirement
    )
    if person.occupation == wanted:
        points += p.score_occupation
    else:
        points -= p.score_distance * t.distance[person.occupation][wanted]
    if person.certificates > 0:
        points += p.score_certificate * t.exposure[wanted]
    if not person.employed and person.spell >= LONG_TERM:
        points -= p.score_long_term
    if person.age_months >= 45 * 12:
        points -= p.score_age
    points += p.score_education * t.education_match[person.education][wanted]
    luck: float = p.score_noise * a.gumbel(a.unit(model.words("APPLICATION", person.row, number)[0]))
    return points + luck


def hire(model: ReferenceMarket, person: Person, vacancy: Vacancy, wage: float, contract: int) -> None:
    """Someone takes a vacant post."""
    post = vacancy.post
    person.leave_post()
    person.post = post
    post.staff.add(person)
    post.vacant -= 1
    if person.programme != NOBODY or person.trained:
        post.employer.hired_trainee = True
    take_up(person, post.occupation, post.employer.industry)
    person.state, person.contract, person.wage, person.spell, person.benefit = (
        EMPLOYED,
        contract,
        a.single(wage),
        0,
        0,
    )
    person.forget_job()
    covered = model.tables.insured_share[post.employer.industry][contract]
    person.covered = a.unit(model.words("HIRED", person.row)[0]) < covered


# --------------------------------------------------------------------------------------------------- wages


def offer(model: ReferenceMarket, person: Person, number: int, vacancy: Vacancy) -> tuple[float, int]:
    """Log hourly wage and contract that a vacancy offers a person."""
    t, p = model.tables, model.parameters
    e, o = vacancy.post.employer, vacancy.post.occupation
    _, luck, which, _ = model.words("APPLICATION", person.row, number)
    contract = a.category(a.unit(which), t.hired_contract[t.age5[person.band]][t.major[o]][e.size])
    worth = (
        t.wage_age[person.band]
        + t.wage_sex[person.sex]
        + t.wage_education[person.education]
        + p.wage_employability * person.employability
    )
    wage: float = (
        a.single(t.wage_occupation[o] + t.wage_industry[e.industry] + t.wage_size[e.size] + e.productivity)
        + t.wage_contract[contract]
        + worth
        + p.match_sd * a.normal(a.unit(luck))
    )
    if e.adopter:
        experience = person.experience if person.occupation == o else 0
        augmented = e.intensity * t.exposure[o] * t.complementarity[o]
        gain = p.productivity_gain * augmented * staff_use(model, person.skill, experience)
        wage += p.rent_share * a.log(1.0 + gain)
    if vacancy.requirement > 0.0 and person.skill >= 0.5:
        wage += model.premium
    return max(wage, t.minimum_wage[model.year_index]), contract


def liking(model: ReferenceMarket, wage: float, contract: int, post: Post | None) -> float:
    """What a wage is worth: more at a large employer, more with a regular contract."""
    if post is not None and post.employer.size == LARGE:
        wage += model.parameters.large_preference
    if contract == REGULAR:
        wage += model.parameters.regular_preference
    return wage


def least_acceptable(model: ReferenceMarket, person: Person) -> float:
    """What an offer must exceed: the job held, or the reservation wage."""
    t, p = model.tables, model.parameters
    if person.employed and not person.notice:
        return liking(model, person.wage, person.contract, person.post)
    reservation: float = person.wage + t.log_reservation - p.reservation_decline * person.spell
    return max(reservation, t.benefit_hourly[model.year_index]) if person.benefit > 0 else reservation
