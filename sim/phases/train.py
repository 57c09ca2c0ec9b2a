"""Phase 5, train: programmes recruit, teach, lose and complete trainees; money is booked.

Order within the month: courses go on (drop-outs, completions, allowances); the SME package moves employers along its
funnel; people apply; seats are filled; fixed costs, channels and instructors are paid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.draws import COURSE, FUNNEL, MONTH, QUALITY, TICKET, uniforms
from sim.employers import DIAGNOSED, DISCOVERED, DONE, IN_TRAINING, NOT_REACHED, RESTRUCTURING, TRAINING
from sim.kernels import BLOCK, device, draw_block, jit, logistic_, normal_, philox, unit_
from sim.programmes import ATTENDING, COMPLETED, COURSE_KINDS, DROPPED, HORIZONS, LEFT
from sim.workers import (
    ABSENT,
    EMPLOYED,
    INACTIVE,
    INSURED,
    NOBODY,
    OLDEST_MONTH,
    TRAINED,
    UNEMPLOYED,
    life_stage,
)

if TYPE_CHECKING:
    from sim.model import LaborMarket

PROVIDERS = 8  # courses of one programme in one province that an entrant can choose from
MOST_LOGIT = 4.0  # bound on what a person's own traits add to the logit of applying
QUALITY_TO_SKILL = (
    2.0  # skill reached per unit of causal course quality (sd of 6-month employment; assumption)
)
PACKAGE_MONTHS = 3  # months that an employer stays in the training step of the SME package
PACKAGE_STEPS = (NOT_REACHED, DISCOVERED, DIAGNOSED, TRAINING)


def train(model: LaborMarket) -> None:
    """Run every programme for one month."""
    if model.spin_up:
        return
    teach(model)
    model.start_budget_year()
    if not model.funded_this_year():
        return
    package(model)
    pay_standing(model)
    set_awareness(model)
    enrol(model, *apply(model))


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


def pay_allowances(model: LaborMarket, staying: np.ndarray) -> None:
    """Monthly allowance of attendants who are not in work, by province."""
    m, records = model, model.enrolments
    rows, programme = records.person[staying], records.programme[staying]
    idle = m.workers.state[rows] != EMPLOYED
    won = m.allowance[programme, m.workers.region[rows]].astype(np.int64) * idle
    paid = np.bincount(programme, weights=won, minlength=len(m.programmes)).astype(np.int64)
    for p in np.flatnonzero(paid):
        m.ledger.spend("allowance", int(p), m.policy_year, int(paid[p]) * m.scenario.run.scale)


def follow(model: LaborMarket) -> None:
    """Note, at the month's end, who is employed 3, 6, 12, 24 and 36 months after the start and after completion."""
    m, w, records = model, model.workers, model.enrolments
    for h, months in enumerate(HORIZONS):
        for since, rows in enumerate((m.started.get(m.month - months), m.completed_in(m.month - months))):
            if rows is None or rows.size == 0:
                continue
            who = records.person[rows]
            employed = w.state[who] == EMPLOYED
            records.placed[rows, since, 0, h] = employed
            records.placed[rows, since, 1, h] = employed & ((w.tags[who] & INSURED) != 0)


# --------------------------------------------------------------------------------------- the SME package


def package(model: LaborMarket) -> None:
    """Move employers along the funnel: discovered, diagnosed, in training, done. Throughput in employers a year."""
    m, e = model, model.employers
    for p, record in enumerate(m.programmes):
        if record.kind != "sme-package" or not record.firms_a_year or m.budget_now(p) == 0:
            continue
        m.firm_seats += (
            record.firms_a_year * m.ramp(record) / 12.0 / (m.scenario.run.scale * m.headcount_of(record))
        )
        take = int(m.firm_seats)
        m.firm_seats -= take
        leaving = (e.funnel == TRAINING) & (m.in_package_since <= m.month - PACKAGE_MONTHS)
        e.funnel[leaving] = DONE
        e.lever[leaving] = np.maximum(e.lever[leaving], np.float32(record.adoption_lever))
        sizes = [m.economy.codes["size"].index(s) for s in record.eligibility.sizes]
        fits = (e.open == 1) & np.isin(e.size, sizes) if sizes else e.open == 1
        for step in (DIAGNOSED, DISCOVERED, NOT_REACHED):  # the last step first: one step a month
            waiting = np.flatnonzero(fits & (e.funnel == step))
            ticket = uniforms(m.key, FUNNEL, 0, waiting)
            willing = (
                ticket[:, 1] < record.firms_willing if step == NOT_REACHED else np.ones(waiting.size, bool)
            )
            order = np.argsort(ticket[willing, 0], kind="stable")
            chosen = waiting[willing][order][:take]
            e.funnel[chosen] = step + 1
            if step == DIAGNOSED:
                m.in_package_since[chosen] = m.month
                m.firms_trained += chosen.size
        m.posts.flags[:] &= ~IN_TRAINING
        m.posts.flags[e.funnel[m.posts.employer] == TRAINING] |= IN_TRAINING


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


def set_awareness(model: LaborMarket) -> None:
    """Which programmes take applications this month, and how widely they are known by stage (channels included)."""
    m, pt = model, model.programme_table
    known = np.ones(4)
    keen = np.ones(4)
    for p, record in enumerate(m.programmes):
        if record.kind == "channel" and m.budget_now(p) > 0:
            strength = min(2.0, m.budget_now(p) / max(1, record.base_money(2025) or m.budget_now(p)))
            for stage in record.for_stages or record.stages:
                s = ("entry", "active", "transition").index(stage)
                known[s] *= 1.0 + record.awareness_lever * strength
                keen[s] *= 1.0 + record.application_lever * strength
    for p, record in enumerate(m.programmes):
        teaches = record.kind in COURSE_KINDS and not record.closed
        pt.open[p] = teaches and m.budget_now(p) > 0 and m.clock.calendar_month in record.intake_months
        pt.aware[p] = np.minimum(1.0, record.awareness * known) * keen if teaches else 0.0


# ------------------------------------------------------------------------------------------- applications


def apply(model: LaborMarket) -> tuple[np.ndarray, np.ndarray]:
    """Who applies to which programme this month: at most one application a person."""
    m, pt = model, model.programme_table
    bound = np.zeros((4, m.economy.n("age")))
    low, high = m.economy.ages
    for p in np.flatnonzero(pt.open):
        decades = np.maximum(pt.by_age[p] * (low / 10.0 - 4.0), pt.by_age[p] * ((high + 1) / 10.0 - 4.0))
        exposed = max(pt.by_exposure[p] * (m.tables.exposure.max() - 0.5), -0.5 * pt.by_exposure[p])
        traits = (
            decades + exposed + abs(pt.by_education[p]) + 3.8 * abs(pt.by_zeta[p]) + max(0.0, pt.by_female[p])
        )
        traits = np.clip(traits, -MOST_LOGIT, MOST_LOGIT)
        most = (
            pt.aware[p].max()
            * pt.allowance[p].max()
            * np.array([logistic_(float(pt.logit[p] + x)) for x in traits])
        )
        most[(high * 12 + 11 < pt.age_min[p]) | (low * 12 > pt.age_max[p])] = 0.0
        for state in (EMPLOYED, UNEMPLOYED, INACTIVE):
            if pt.states[p] >> state & 1 and not pt.package[p]:
                bound[state] += most
    packaged = bool((pt.package & pt.open).any())
    m.over_chunks(
        _interested,
        m.workers,
        m.posts,
        m.tables,
        bound,
        packaged,
        m.key,
        m.clock,
        m.events,
        m.counts,
        m.words,
    )
    rows = m.listed(m.events)
    choice = np.full(rows.size, -1, dtype=np.int16)
    _choose(rows, m.workers, m.employers, m.posts, m.tables, pt, m.key, m.clock, choice)
    keep = choice >= 0
    rows, choice = rows[keep], choice[keep]
    m.flows_by_programme("applied", choice)
    return rows, choice


@jit
def _interested(lo, hi, chunk, w, posts, tb, bound, packaged, key, clock, events, counts, words):
    n = 0
    word = words[chunk]
    for start in range(lo, hi, BLOCK):
        m = min(BLOCK, hi - start)
        draw_block(start, m, clock.counter, MONTH, key, 3, word)
        for j in range(m):
            i = start + j
            state = w.state[i]
            if state == ABSENT or w.programme[i] != NOBODY:
                continue
            inside = packaged and w.job[i] >= 0 and (posts.flags[w.job[i]] & IN_TRAINING) != 0
            band = tb.band[min(clock.month - w.birth[i], OLDEST_MONTH)]
            if inside or unit_(word[j]) < bound[state, band]:
                events[lo + n] = i
                n += 1
    counts[chunk] = n


@device
def eligible(i, p, stage, size, w, tb, pt, clock):
    """Whether worker i may take part in programme p."""
    state = w.state[i]
    age = clock.month - w.birth[i]
    if (pt.states[p] >> state) & 1 == 0 or age < pt.age_min[p] or age > pt.age_max[p]:
        return False
    if (pt.stages[p] >> stage) & 1 == 0 or (pt.regions[p] >> w.region[i]) & 1 == 0:
        return False
    if (pt.educations[p] >> w.education[i]) & 1 == 0 or tb.exposure[w.occupation[i]] < pt.exposure_min[p]:
        return False
    if state == INACTIVE and (pt.reasons[p] >> w.reason[i]) & 1 == 0:
        return False
    if state == EMPLOYED:
        if (pt.contracts[p] >> w.contract[i]) & 1 == 0 or (pt.sizes[p] >> size) & 1 == 0:
            return False
        if (pt.industries[p] >> w.industry[i]) & 1 == 0:
            return False
    insured = 1 if (w.tags[i] & INSURED) != 0 else 0
    return pt.insured[p] < 0 or pt.insured[p] == insured


@device
def apply_probability(i, p, stage, w, tb, pt, clock):
    """Probability that worker i hears of programme p and applies this month."""
    traits = (
        pt.by_education[p] * (w.education[i] - 1.0)
        + pt.by_age[p] * ((clock.month - w.birth[i]) / 120.0 - 4.0)
        + pt.by_exposure[p] * (tb.exposure[w.occupation[i]] - 0.5)
        + pt.by_zeta[p] * w.employability[i]
        + pt.by_female[p] * w.sex[i]
    )
    traits = min(max(traits, -MOST_LOGIT), MOST_LOGIT)
    return pt.aware[p, stage] * pt.allowance[p, w.region[i]] * logistic_(pt.logit[p] + traits)


@jit
def _choose(rows, w, e, posts, tb, pt, key, clock, choice):
    for n in range(rows.size):
        i = rows[n]
        _, _, _, x = philox(np.uint64(i), np.uint64(0), clock.counter, MONTH, key[0], key[1])
        u = unit_(x)
        job = w.job[i]
        size = 5
        restructuring = False
        inside = False
        if job >= 0:
            size = e.size[posts.employer[job]]
            restructuring = (posts.flags[job] & RESTRUCTURING) != 0
            inside = (posts.flags[job] & IN_TRAINING) != 0
        stage = life_stage(w.state[i], w.reason[i], w.tags[i], restructuring, clock.month - w.birth[i])
        reached = 0.0
        for p in range(pt.open.size):
            if pt.open[p] == 0 or not eligible(i, p, stage, size, w, tb, pt, clock):
                continue
            if pt.package[p]:
                if inside:
                    choice[n] = p
                    break
                continue
            reached += apply_probability(i, p, stage, w, tb, pt, clock)
            if u < reached:
                choice[n] = p
                break


# --------------------------------------------------------------------------------------------------- seats


def enrol(model: LaborMarket, rows: np.ndarray, choice: np.ndarray) -> None:
    """Fill the month's seats of every programme and book their cost."""
    m = model
    year = m.policy_year
    teachers = m.teaching_capacity()
    starting = []
    for p, record in enumerate(m.programmes):
        mine = rows[choice == p]
        if record.kind not in COURSE_KINDS or not m.programme_table.open[p]:
            continue
        seats = m.seats_now(p, record, teachers)
        chosen = select(m, p, record, mine, seats)
        if record.kind == "sme-package" and record.trainees_per_firm:
            chosen = within_firms(m, chosen, max(1, round(record.trainees_per_firm * m.headcount_of(record))))
        if chosen.size == 0:
            continue
        if record.instructors > 0:
            teachers[0] -= chosen.size * m.scenario.run.scale / record.instructors
        m.ledger.spend(
            "course",
            p,
            year,
            chosen.size * record.unit_cost * m.scenario.run.scale,
            chosen.size * m.scenario.run.scale,
        )
        m.seats_taken[p] += chosen.size
        starting.append(
            start(m, p, record, chosen, lottery=record.selection == "lottery" and mine.size > seats.sum())
        )
    started = np.concatenate(starting) if starting else np.empty(0, dtype=np.int64)
    m.started[m.month] = started
    m.attending = np.concatenate([m.attending, started])
    pay_allowances(m, started)


def select(model: LaborMarket, p: int, record, rows: np.ndarray, seats: np.ndarray) -> np.ndarray:
    """Applicants who get a seat: first the seats of their own province, then what is left anywhere.

    Order: a person's own ticket of the month (first come, lottery), a score (ranked: education and employability), or
    the exposure of the occupation (targeted); ties go to the ticket, then to the lower identity.
    """
    w = model.workers
    if rows.size == 0 or seats.sum() == 0:
        return rows[:0]
    ticket = uniforms(model.key, TICKET, model.month, rows)[:, 0]
    first = np.zeros(rows.size)
    if record.selection == "ranked":
        first = -(w.education[rows] + w.employability[rows].astype(np.float64))
    elif record.selection == "targeted":
        first = -model.tables.exposure[w.occupation[rows]]
    order = np.lexsort((rows, ticket, first))
    rows = rows[order]
    region = w.region[rows]
    by_region = np.lexsort((np.arange(rows.size), region))
    sorted_regions = region[by_region]
    place = np.arange(rows.size) - np.searchsorted(sorted_regions, sorted_regions, side="left")
    taken = np.zeros(rows.size, dtype=bool)
    taken[by_region] = place < seats[sorted_regions]
    left = int(seats.sum()) - int(taken.sum())
    taken[np.flatnonzero(~taken)[:left]] = True
    return rows[taken]


def within_firms(model: LaborMarket, rows: np.ndarray, most: int) -> np.ndarray:
    """The first `most` of each employer, in the order given."""
    employer = model.posts.employer[model.workers.job[rows]]
    order = np.lexsort((np.arange(rows.size), employer))
    grouped = employer[order]
    place = np.arange(rows.size) - np.searchsorted(grouped, grouped, side="left")
    keep = np.zeros(rows.size, dtype=bool)
    keep[order] = place < most
    return rows[keep]


def start(model: LaborMarket, p: int, record, rows: np.ndarray, lottery: bool) -> np.ndarray:
    """Enrol `rows` in programme p: a course with its quality, months ahead, and a line in the memory of courses."""
    m, w = model, model.workers
    ticket = uniforms(m.key, TICKET, m.month, rows)[:, 1]
    kappa = m.params.quality_causal
    provider = np.array(
        [_provider(float(w.employability[i]), float(t), kappa) for i, t in zip(rows, ticket, strict=True)],
        dtype=np.int64,
    )
    region = w.region[rows].astype(np.int64)
    rank = (p * 32 + region) * PROVIDERS
    courses = np.sort(
        uniforms(m.key, QUALITY, 0, (rank[:, None] + np.arange(PROVIDERS)).ravel())[:, 0].reshape(
            -1, PROVIDERS
        ),
        axis=1,
    )
    quality = np.array([normal_(float(u)) for u in courses[np.arange(rows.size), provider]])
    job = w.job[rows]
    stage = m.stages(rows)
    numbers = m.enrolments.append(
        person=rows,
        programme=np.full(rows.size, p),
        start=np.full(rows.size, m.month),
        stage=stage,
        region=region,
        age=m.tables.band[np.clip(m.month - w.birth[rows], 0, OLDEST_MONTH)],
        sex=w.sex[rows],
        education=w.education[rows],
        state=w.state[rows],
        occupation=w.occupation[rows],
        employer=np.where(job >= 0, m.posts.employer[np.maximum(job, 0)], -1),
        wage=w.wage[rows],
        quality=quality.astype(np.float32),
        lottery=np.full(rows.size, lottery),
    )
    w.programme[rows] = p
    w.course_left[rows] = record.months
    return numbers


def _provider(employability: float, ticket: float, causal: float) -> int:
    """Rank of the course: the more employable reach better ones, to the extent that quality is not causal."""
    pull = np.sqrt(max(0.0, 1.0 - causal)) * employability + np.sqrt(causal) * normal_(ticket)
    return min(PROVIDERS - 1, int(PROVIDERS * logistic_(1.702 * pull)))


__all__ = ["apply_probability", "eligible", "follow", "train"]
