"""Phases 1 to 4 of the oracle: people age, employers adopt, jobs end, posts open."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from sim.reference import arithmetic as a
from sim.reference.agents import Employer, Person, Post, Vacancy
from sim.workers import INACTIVE, MILITARY, NO_CONTRACT, REGULAR, RESTING, SCHOOL, UNEMPLOYED

if TYPE_CHECKING:
    from sim.reference.market import ReferenceMarket

SERVICE_MONTHS = 18
FIRST_INTENSITY = a.single(0.05)
NOT_REACHED = 0
NO_EMPLOYER = 5  # size class of those without
TO_UNEMPLOYED, TO_INACTIVE, LAID_OFF, RETIRED, PUBLIC_JOB_ENDS = (
    "U",
    "N",
    "laid off",
    "retired",
    "public job ends",
)


# --------------------------------------------------------------------------------------------------- 1 age


def age(model: ReferenceMarket) -> None:
    """Newcomers enter; some leave for good; the young leave school, serve and graduate."""
    first, last = model.entrants[model.month + model.spin_up_months]
    for person in model.people[first:last]:
        person.state = INACTIVE
    left = 0
    for person in model.living:
        person.month_words = model.words("MONTH", person.row)
        if a.unit(person.month_words[0]) < model.leave_hazard[person.sex][person.band]:
            person.go_absent()
            left += 1
            continue
        if person.state == INACTIVE and person.reason == MILITARY:
            serve(person)
        elif person.state == INACTIVE and person.reason == SCHOOL:
            study(model, person)
        if person.age_months in (19 * 12, 24 * 12):
            graduate(model, person)
    model.flows |= {"entered": last - first, "left": left}


def serve(person: Person) -> None:
    """Eighteen months in the army, then back to school or home."""
    if person.spell >= SERVICE_MONTHS:
        person.reason = SCHOOL if person.age_months < 24 * 12 else RESTING
        person.spell = 0


def study(model: ReferenceMarket, person: Person) -> None:
    """Someone in school is called up, or leaves it for another reason to be inactive."""
    t = model.tables
    finish, call, after, _ = model.words("AGEING", person.row)
    if a.unit(call) < t.call_up[person.sex][person.band]:
        person.reason, person.spell = MILITARY, 0
    elif a.unit(finish) < t.leave_school[person.band]:
        person.reason = a.category(a.unit(after), t.reason_after_school[person.sex][person.band], first=1)
        person.spell = 0


def graduate(model: ReferenceMarket, person: Person) -> None:
    """At 19 some go beyond high school, at 24 some of those finish college."""
    step = 0 if person.age_months == 19 * 12 else 1
    if (
        person.education == step
        and a.unit(model.words("AGEING", person.row)[3]) < model.tables.graduate[step]
    ):
        person.education = step + 1


# ------------------------------------------------------------------------------------------------- 2 adopt


def peers_share(employers: list[Employer]) -> dict[tuple[int, int], float]:
    """Adopters' share among open employers of a size and industry, shrunk by 20 employers to that of the size."""

    def counted(members: list[Employer]) -> tuple[int, int]:
        return sum(e.adopter for e in members), len(members)

    share = {}
    for size, industry in {(e.size, e.industry) for e in employers}:
        of_size = [e for e in employers if e.open and e.size == size]
        everywhere = counted(of_size)
        adopters, members = counted([e for e in of_size if e.industry == industry])
        share[size, industry] = (adopters + 20.0 * (everywhere[0] / max(everywhere[1], 1))) / (members + 20.0)
    return share


def adopt(model: ReferenceMarket) -> None:
    """Demand shocks; births and closures; first adoption (Bass 1969) and deepening (logistic)."""
    t, p = model.tables, model.parameters
    share = peers_share(model.employers)
    frozen = model.spin_up or model.world.adoption_frozen
    for e in model.employers:
        adopting, closing, opening, _ = (a.unit(w) for w in model.words("EMPLOYER", e.row))
        e.shock = a.single(
            t.shock_rho[e.size] * e.shock
            + t.shock_sd[e.size] * a.normal(a.unit(model.words("SHOCK", e.row)[0]))
        )
        among_peers = share[e.size, e.industry]
        if not e.open:
            if opening < t.birth[e.size]:
                e.open = True
                e.intensity = FIRST_INTENSITY if adopting < among_peers else 0.0
                for post_ in e.posts:
                    post_.clear()
        elif closing < t.closure[e.size]:
            close(e)
        elif frozen:
            continue
        elif not e.adopter:
            innovation = t.adoption_hazard[model.year_index][e.size][e.industry]
            if adopting < (innovation + p.adoption_imitation * among_peers) * (1.0 + e.lever):
                e.intensity = FIRST_INTENSITY
        else:
            pace = 6.0 / p.adoption_ramp * (1.0 + p.adoption_staff_skill * e.staff_skill)
            e.intensity = a.single(min(1.0, e.intensity + e.intensity * (1.0 - e.intensity) * pace))


def close(e: Employer) -> None:
    """Go out of business; the row waits for the next employer of its kind."""
    e.open, e.hired_trainee = False, False
    e.intensity, e.lever, e.funnel = 0.0, 0.0, NOT_REACHED
    for post_ in e.posts:
        post_.clear()
        post_.closing = True


# ---------------------------------------------------------------------------------------------- 3 separate


def separate(model: ReferenceMarket) -> None:
    """End jobs; those separated search from next month."""
    ended = [
        (person, cause) for person in model.people if person.employed and (cause := why_leave(model, person))
    ]
    for person, cause in ended:
        leave_job(model, person, cause)
    model.flows |= {"separations": len(ended), "layoffs": sum(cause == LAID_OFF for _, cause in ended)}


def tenure_band(months: int) -> int:
    """0-2, 3-11, 12-35, 36 and more months."""
    return sum(months >= start for start in (3, 12, 36))


def why_leave(model: ReferenceMarket, person: Person) -> str | None:
    """Why a job ends this month, or None."""
    t, p = model.tables, model.parameters
    if person.notice or (person.post is not None and person.post.closing):
        return LAID_OFF
    if person.public:
        return PUBLIC_JOB_ENDS if model.calendar_month == 12 else None
    size = person.post.employer.size if person.post is not None else NO_EMPLOYER
    level = t.tenure_factor[tenure_band(person.spell)] * t.occupation_factor[person.occupation]
    to_u = t.separate_u[person.contract][person.band][size] * level
    to_n = t.separate_n[person.contract][person.band][size] * level
    frailty = a.exp(-p.separation_employability * person.employability - t.employability_mean)
    u = a.unit(person.month_words[1])
    if u < to_u * frailty:
        return TO_UNEMPLOYED
    if u < (to_u + to_n) * frailty:
        return TO_INACTIVE
    retires = person.contract == REGULAR and person.age_months == 60 * 12
    if retires and a.unit(model.words("AGEING", person.row)[3]) < t.retire:
        return RETIRED
    return None


def leave_job(model: ReferenceMarket, person: Person, cause: str) -> None:
    """Leave the post, for unemployment or inactivity, with the benefit months earned."""
    t = model.tables
    why, how, _, _ = (a.unit(w) for w in model.words("LEAVE_JOB", person.row))
    laid_off_u = t.laid_off_u[person.band]
    to_unemployment = cause == TO_UNEMPLOYED or (cause == LAID_OFF and why < laid_off_u)
    lost = (cause in (LAID_OFF, PUBLIC_JOB_ENDS)) or (cause == TO_UNEMPLOYED and how < t.involuntary)
    long_held = person.spell >= 12
    person.forget_job()
    person.held12 = person.held12 or long_held
    person.involuntary, person.lost12 = lost, lost and long_held
    person.leave_post()
    person.contract, person.spell, person.benefit = NO_CONTRACT, 0, 0
    if to_unemployment:
        person.state = UNEMPLOYED
        if lost and sum(person.insured_lately) >= t.insured_months_needed:
            older = 1 if person.age_months >= 50 * 12 else 0
            person.benefit = t.benefit_months[older][min(person.insured_months // 12, 20)]
        return
    if cause == LAID_OFF:  # the draw above its threshold is uniform again
        why = (why - laid_off_u) / (1.0 - laid_off_u)
    person.become_inactive(a.category(why, t.reason_on_leaving[person.sex][person.band]))


# -------------------------------------------------------------------------------------------------- 4 post


def post(model: ReferenceMarket) -> None:
    """Posts wanted, notices to those who are too many, vacancies on the boards."""
    take_staff_means(model)
    industry_cost = unit_costs(model)
    if not model.spin_up:
        update_job_creation(model)
    model.flows["notices"] = 0
    for e in model.employers:
        scale = demand(model, e, industry_cost)
        for post_ in e.posts:
            plan_posts(model, e, post_, scale)
    take_requirement(model)
    advertise(model)


def staff_use(model: ReferenceMarket, skill: float, experience: float) -> float:
    """use(a) . nov(exp)."""
    p = model.parameters
    use = a.logistic(p.use_slope * (skill - p.use_midpoint))
    novelty: float = max(p.expert_floor, 1.0 - (1.0 - p.expert_floor) * experience / p.novice_months)
    return use * novelty


def take_staff_means(model: ReferenceMarket) -> None:
    """Mean AI skill and mean use x novelty of the staff, where AI is used (whole millionths)."""
    for e in model.employers:
        staff = [person for post_ in e.posts for person in post_.staff] if e.adopter else []
        skill = sum(int(person.skill * 1e6) for person in staff)
        use = sum(int(staff_use(model, person.skill, person.experience) * 1e6) for person in staff)
        e.staff_skill = a.single(skill * 1e-6 / max(1, len(staff)))
        e.staff_use = a.single(use * 1e-6 / max(1, len(staff)))


def labour_requirement(model: ReferenceMarket, e: Employer, occupation: int) -> float:
    """Labour a unit of output takes: (1 - delta s) / (1 + g m u)."""
    t, p = model.tables, model.parameters
    z: float = e.intensity * t.exposure[occupation]
    theta: float = t.complementarity[occupation]
    saved: float = p.substitution * z * (1.0 - theta)
    gained: float = p.productivity_gain * z * theta * e.staff_use
    return (1.0 - saved) / (1.0 + gained)


def relative_labour(model: ReferenceMarket, e: Employer, post_: Post) -> float:
    """The requirement over that of the start."""
    if not e.adopter and post_.base_labour == 1.0:
        return 1.0
    return labour_requirement(model, e, post_.occupation) / post_.base_labour


def rebase_labour(model: ReferenceMarket) -> None:
    """Today's requirement is the start's."""
    for e in model.employers:
        for post_ in e.posts:
            post_.base_labour = a.single(labour_requirement(model, e, post_.occupation)) if e.adopter else 1.0


def unit_costs(model: ReferenceMarket) -> list[float]:
    """Unit cost of each employer relative to the start; returns the mean by industry, weighted by posts held."""
    cost, weight = ([0] * len(model.growth_industry) for _ in range(2))
    for e in model.employers:
        saved = 0.0
        for post_ in e.posts:
            saved += post_.wage_share * (1.0 - relative_labour(model, e, post_))
        c = 1.0 - model.parameters.labour_share * saved
        e.unit_cost = a.single(c)
        held = sum(post_.held for post_ in e.posts)
        cost[e.industry] += int(c * 1e9) * held
        weight[e.industry] += held
    return [c / (1e9 * w) if w else 1.0 for c, w in zip(cost, weight, strict=True)]


def update_job_creation(model: ReferenceMarket) -> None:
    """ln J moves toward eta ln(h / h0) + chi r (skill of hires - at the start)."""
    p = model.parameters
    filling, skill, requirement = model.filling_hazard(), model.hires_skill(), model.requirement
    relief = model.hires_relief()
    psi, r = min(p.job_creation, 0.99), model.posts_over_openings
    eta = psi / ((1.0 - psi) * r)
    pace = min(1.0 / 12.0, 1.0 / (1.0 + eta * r))
    for region, row in enumerate(model.log_job_creation):
        for g, before in enumerate(row):
            pull = 0.0
            if psi > 0.0:
                pull = eta * (a.log(filling[region][g]) - a.log(model.filling_start[region][g]))
                better = skill[region][g] - model.hires_skill_start[region][g]
                pull += p.hiring_quality * requirement[region][g] * better
                pull += p.subsidy_elasticity * relief[region][g]
            row[g] = (1.0 - pace) * before + pace * pull


def take_requirement(model: ReferenceMarket) -> None:
    """AI requirement of the posts wanted (intensity x exposure in whole millionths): the sum, and the mean by province
    and major group."""
    posts: dict[tuple[int, int], list[Post]] = {}
    for post_ in model.posts:
        posts.setdefault((post_.employer.region, model.tables.major[post_.occupation]), []).append(post_)
    model.requirement, model.need = model.empty(), 0
    for (region, g), members in posts.items():
        needs = sum(
            int(m.employer.intensity * model.tables.exposure[m.occupation] * 1e6) * m.wanted for m in members
        )
        model.need += needs
        model.requirement[region][g] = needs / max(1, sum(m.wanted for m in members)) * 1e-6


def demand(model: ReferenceMarket, e: Employer, industry_cost: list[float]) -> float:
    """G . e . (c/C)^-sigma_b . C^-sigma_k of an employer; nothing when it is closed."""
    if not e.open:
        return 0.0
    p, mean = model.parameters, industry_cost[e.industry]
    scale = (
        model.growth_industry[e.industry]
        * model.growth_region[e.region]
        * a.exp(e.shock - model.shock_mean[e.size])
    )
    if e.unit_cost != 1.0 or mean != 1.0:
        scale *= a.exp(
            -p.business_stealing * (a.log(e.unit_cost) - a.log(mean)) - p.scale_effect * a.log(mean)
        )
    return scale


def plan_posts(model: ReferenceMarket, e: Employer, post_: Post, scale: float) -> None:
    """Whole posts wanted, vacancies, and notice to a share of those who are too many."""
    post_.wanted, labour = 0, 1.0
    if scale > 0.0:
        labour = relative_labour(model, e, post_)
        creation = a.exp(model.log_job_creation[e.region][model.tables.major[post_.occupation]])
        post_.wanted = int(post_.base * scale * creation * labour + post_.rounding)
    too_many = post_.held - post_.wanted
    post_.vacant = max(0, -too_many)
    post_.restructuring = too_many > 0 and labour < 0.98
    post_.laying_off = False
    if too_many > 0:
        draw = a.unit(model.words("LAYOFF", e.row, post_.occupation)[0])
        number = int(model.parameters.layoff_share * too_many + draw)
        post_.laying_off = number > 0
        for person in sorted(post_.staff, key=lambda person: (race(model, person), person.row))[:number]:
            person.notice = True
            model.flows["notices"] += 1


def race(model: ReferenceMarket, person: Person) -> float:
    """Arrival in an exponential race: the first are laid off, with weights exp(-b_L skill - b_t tenure)."""
    p = model.parameters
    weight = a.exp(-p.layoff_skill * person.skill - p.layoff_tenure * person.spell)
    return -a.log(a.unit(model.words("LAYOFF", person.row, 1 << 20)[0])) / weight


def advertise(model: ReferenceMarket) -> None:
    """Every vacancy takes a slot of its submarket's board, the next free one from a place of its own."""
    t, first = model.tables, model.boards.first
    occupations = len(t.major)
    model.vacancies, model.openings_by_cell = [], model.empty_counts()
    model.board = [[None] * (after - before) for before, after in itertools.pairwise(first)]
    model.flows["unadvertised"] = 0
    for e in model.employers:
        for post_ in e.posts:
            model.openings_by_cell[e.region][t.major[post_.occupation]] += post_.vacant
            board = model.board[e.region * occupations + post_.occupation]
            for ordinal in range(post_.vacant):
                if all(slot is not None for slot in board):
                    model.flows["unadvertised"] += 1
                    continue
                where, asks, _, _ = model.words("ADVERTISE", e.row, post_.occupation * 65536 + ordinal)
                slot = a.place(where, len(board))
                while board[slot] is not None:
                    slot = (slot + 1) % len(board)
                skilled = a.unit(asks) < model.parameters.ai_post_share
                board[slot] = Vacancy(post_, e.intensity * t.exposure[post_.occupation] if skilled else 0.0)
                model.vacancies.append(board[slot])
