"""Phase 5, second half: who applies to a programme, who gets a seat, and what it costs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from sim.draws import QUALITY, TICKET, uniforms
from sim.employers import IN_TRAINING, RESTRUCTURING
from sim.kernels import BLOCK, device, jit, logistic_, normal_, normals, unit_
from sim.phases.reach import APPLIES, APPLY_WORD, STATES, reached_block, set_apply_limits
from sim.programmes import COURSE_KINDS
from sim.workers import (
    ABSENT,
    EMPLOYED,
    INACTIVE,
    INSURED,
    NOBODY,
    OLDEST_MONTH,
    STAGES,
    UNEMPLOYED,
    life_stage,
)

if TYPE_CHECKING:
    from sim.model import LaborMarket

PROVIDERS = 8  # courses of one programme in one province that an entrant can choose from
MOST_LOGIT = 4.0  # bound on what a person's own traits add to the logit of applying
ONE, NONE = np.uint64(1), np.uint64(0)


# ------------------------------------------------------------------------------------------- applications


def announce(model: LaborMarket) -> None:
    """Which programmes take applications this month, how widely they are known by stage (channels included), and the
    limits of the month's draw within which anyone may apply."""
    m, pt = model, model.programme_table
    pt.openings = 0
    if m.spin_up or not m.funded_this_year():
        return
    known, keen = np.ones((2, len(STAGES)))
    m.seat_steering = 0.0
    for p, record in enumerate(m.programmes):
        if record.kind == "channel" and m.budget_now(p) > 0:
            m.seat_steering = max(m.seat_steering, record.seat_steering)
            strength = min(2.0, m.budget_now(p) / max(1, record.base_money(2025) or m.budget_now(p)))
            for stage in record.for_stages or record.stages:
                known[STAGES.index(stage)] *= 1.0 + record.awareness_lever * strength
                keen[STAGES.index(stage)] *= 1.0 + record.application_lever * strength
    for p, record in enumerate(m.programmes):
        teaches = record.kind in COURSE_KINDS and not record.closed
        pt.open[p] = teaches and m.budget_now(p) > 0 and m.clock.calendar_month in record.intake_months
        pt.aware[p] = np.minimum(1.0, record.awareness * known) * keen if teaches else 0.0
    pt.openings = sum(1 << int(p) for p in np.flatnonzero(pt.open))
    set_apply_limits(m, _limits(m))


def _limits(model: LaborMarket) -> np.ndarray:
    """The most that anyone of a stage, state and age could be drawn to apply (stages, states, ages): the programmes'
    probabilities at the bounds of the traits, added up."""
    m = model
    table = m.programme_table
    pt = SimpleNamespace(**{name: table[name] for name in table.dtype.names})  # records are slow to ask
    low, high = m.economy.ages
    bound = np.zeros((len(STAGES), STATES, low.size))
    exposure = m.tables.exposure.max()
    for p in np.flatnonzero(pt.open):
        if pt.package[p]:
            continue
        by_age, by_exposure = float(pt.by_age[p]), float(pt.by_exposure[p])
        traits = np.maximum(by_age * (low / 10.0 - 4.0), by_age * ((high + 1) / 10.0 - 4.0))
        traits += max(by_exposure * (exposure - 0.5), -0.5 * by_exposure)
        traits += abs(pt.by_education[p]) + 3.8 * abs(pt.by_zeta[p]) + max(0.0, pt.by_female[p])
        traits = np.clip(traits, -MOST_LOGIT, MOST_LOGIT)
        most = np.array([logistic_(float(pt.logit[p] + x)) for x in traits]) * pt.allowance[p].max()
        most[(high * 12 + 11 < pt.age_min[p]) | (low * 12 > pt.age_max[p])] = 0.0
        for state in (EMPLOYED, UNEMPLOYED, INACTIVE):
            if int(pt.by_state[state]) >> int(p) & 1:
                bound[:, state] += pt.aware[p][:, None] * most
    return bound


def apply(model: LaborMarket) -> tuple[np.ndarray, np.ndarray]:
    """Who applies to which programme this month: at most one application a person."""
    m = model
    m.over_chunks(
        _choose,
        m.workers,
        m.posts,
        m.tables,
        m.programme_table,
        m.limits,
        m.key,
        m.clock,
        m.reached,
        m.events,
        m.choices,
        m.counts,
    )
    rows, choice = m.listed(m.events), m.listed(m.choices)
    m.flows_by_programme("applied", choice)
    return rows, choice


@device
def eligible(i, stage, w, tb, pt, clock):
    """The programmes that admit worker i, a bit each."""
    state = w.state[i]
    admitted = (
        pt.by_stage[stage]
        & pt.by_state[state]
        & pt.by_month_of_age[min(clock.month - w.birth[i], OLDEST_MONTH)]
        & pt.by_region[w.region[i]]
        & pt.by_level[w.education[i]]
        & pt.by_occupation[w.occupation[i]]
        & pt.by_cover[1 if (w.tags[i] & INSURED) != 0 else 0]
    )
    if state == INACTIVE:
        admitted &= pt.by_reason[w.reason[i]]
    elif state == EMPLOYED:
        admitted &= pt.by_contract[w.contract[i]] & pt.by_size[w.size[i]] & pt.by_industry[w.industry[i]]
    return admitted


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
def _choose(lo, hi, chunk, desk, w, posts, tb, pt, lim, key, clock, reached, events, choices, counts):
    found = 0
    rows, word = desk.ids, desk.word
    for start in range(lo, hi, BLOCK):
        for j in range(reached_block(start, hi, APPLIES, reached, clock.counter, key, desk)):
            i = int(rows[j])
            state = w.state[i]
            if state == ABSENT or w.programme[i] != NOBODY:
                continue
            job = w.job[i]
            flags = posts.flags[job] if job >= 0 else np.uint8(0)
            inside = (flags & IN_TRAINING) != 0
            months = clock.month - w.birth[i]
            stage = life_stage(state, w.reason[i], w.tags[i], (flags & RESTRUCTURING) != 0, months)
            u = unit_(word[APPLY_WORD, j])
            if not inside and u >= lim.apply[stage, state, tb.band[min(months, OLDEST_MONTH)]]:
                continue
            open_to = pt.openings & eligible(i, stage, w, tb, pt, clock)
            tried = 0.0
            for p in range(pt.logit.size):
                rest = open_to >> np.uint64(p)
                if rest == NONE:
                    break
                if (rest & ONE) == NONE:
                    continue
                if pt.package[p] != 0:
                    chosen = inside
                else:
                    tried += apply_probability(i, p, stage, w, tb, pt, clock)
                    chosen = u < tried
                if chosen:
                    events[lo + found] = i
                    choices[lo + found] = p
                    found += 1
                    break
    counts[chunk] = found


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
    provider = np.empty(rows.size, dtype=np.int64)
    _providers(w.employability[rows], np.ascontiguousarray(ticket), float(m.params.quality_causal), provider)
    region = w.region[rows].astype(np.int64)
    rank = (p * 32 + region) * PROVIDERS
    courses = np.sort(
        uniforms(m.key, QUALITY, 0, (rank[:, None] + np.arange(PROVIDERS)).ravel())[:, 0].reshape(
            -1, PROVIDERS
        ),
        axis=1,
    )
    quality = normals(courses[np.arange(rows.size), provider])
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


@jit
def _providers(employability, ticket, causal, rank):
    """Rank of the course: the more employable reach better ones, to the extent that quality is not causal."""
    for n in range(rank.size):
        pull = np.sqrt(max(0.0, 1.0 - causal)) * employability[n] + np.sqrt(causal) * normal_(ticket[n])
        rank[n] = min(PROVIDERS - 1, int(PROVIDERS * logistic_(1.702 * pull)))


def pay_allowances(model: LaborMarket, staying: np.ndarray) -> None:
    """Monthly allowance of attendants who are not in work, by province."""
    m, records = model, model.enrolments
    rows, programme = records.person[staying], records.programme[staying]
    idle = m.workers.state[rows] != EMPLOYED
    won = m.allowance[programme, m.workers.region[rows]].astype(np.int64) * idle
    paid = np.bincount(programme, weights=won, minlength=len(m.programmes)).astype(np.int64)
    for p in np.flatnonzero(paid):
        m.ledger.spend("allowance", int(p), m.policy_year, int(paid[p]) * m.scenario.run.scale)
