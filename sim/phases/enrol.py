"""Phase 5, second half: who applies to a programme, who gets a seat, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.draws import QUALITY, TICKET, uniforms, words
from sim.employers import IN_TRAINING, RESTRUCTURING
from sim.incomes import note_allowances
from sim.kernels import BLOCK, UNIT, device, jit, logistic_, normal_, normals, unit_
from sim.phases.reach import APPLIES, APPLY_WORD, STATES, reached_block, set_apply_limits
from sim.phases.withhold import by_lot
from sim.programmes import EMPLOYABILITY_CLASSES, MOST_LOGIT
from sim.records import MOST_SPELL
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
    from sim.randomised import Rule
    from sim.records import Programme

PROVIDERS = 8  # courses of one programme in one province that an entrant can choose from
ONE, NONE = np.uint64(1), np.uint64(0)
TICKET_BITS, PLACE_BITS = 32, 26  # beside the 6 bits of one of MOST_PROGRAMMES


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
    funded = m.ledger.books[0, :, m.policy_year] > 0
    pt.open[: funded.size] = pt.intake[: funded.size, m.clock.calendar_month - 1] & funded
    pt.aware[:] = np.minimum(1.0, pt.awareness[:, None] * known) * keen
    pt.openings = sum(1 << int(p) for p in np.flatnonzero(pt.open))
    set_apply_limits(m, _limits(m))


def _limits(model: LaborMarket) -> np.ndarray:
    """The most that anyone of a stage, state, age and class of employability could be drawn to apply (stages, states,
    ages, classes): the programmes' highest probabilities, added up."""
    pt = model.programme_table
    of_programme = pt.aware[:, :, None, None] * pt.most[:, None]
    bound = np.zeros((len(STAGES), STATES, *pt.most.shape[1:]))
    bits = np.arange(pt.open.size, dtype=np.uint64)
    for state in (EMPLOYED, UNEMPLOYED, INACTIVE):
        admitted = (pt.open != 0) & ((pt.by_state[state] >> bits) & ONE != NONE)
        bound[:, state] = of_programme[admitted].sum(axis=0)
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
    if m.rules:
        free = ~m.randomised.barred(m.rules, rows, choice)
        rows, choice = rows[free], choice[free]
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
    if state != EMPLOYED:
        admitted &= pt.by_spell[min(np.int64(w.spell[i]), MOST_SPELL)]
    if state == INACTIVE:
        admitted &= pt.by_reason[w.reason[i]]
    elif state == EMPLOYED:
        admitted &= pt.by_contract[w.contract[i]] & pt.by_size[w.size[i]] & pt.by_industry[w.industry[i]]
    return admitted


@device
def employability_class(z):
    """Which of the whole numbers, counted from -4, an employability lies above."""
    return min(max(int(z + EMPLOYABILITY_CLASSES / 2), 0), EMPLOYABILITY_CLASSES - 1)


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
    for start in range(lo, hi, BLOCK):
        for q in range(_may_apply(start, hi, w, posts, tb, lim, key, clock, reached, desk)):
            j = np.uint64(desk.waiting[q])
            i, stage, u = int(desk.ids[j]), int(desk.kind[j]), unit_(desk.word[APPLY_WORD, j])
            inside = (posts.flags[w.job[i]] & IN_TRAINING) != 0
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


@device
def _may_apply(start, hi, w, posts, tb, lim, key, clock, reached, desk):
    """Those of a block whose word is below the limit of their own stage and class, and whose employer is in training.
    Numbers in `desk.ids` are left on `desk.waiting`, stages on `desk.kind`; how many there are."""
    found = reached_block(start, hi, APPLIES, reached, clock.counter, key, desk)
    kept, n = desk.waiting, np.uint64(0)
    for j in range(found):
        i = np.uint64(desk.ids[j])
        state, flags = w.state[i], posts.flags[w.job[i]]  # of nobody's posts for those who have none
        months = clock.month - w.birth[i]
        stage = life_stage(state, w.reason[i], w.tags[i], (flags & RESTRUCTURING) != 0, months)
        band = np.uint64(tb.band[np.uint64(min(max(months, 0), OLDEST_MONTH))])
        kind = np.uint64(employability_class(w.employability[i]))
        below = unit_(desk.word[APPLY_WORD, j]) < lim.apply[np.uint64(stage), np.uint64(state), band, kind]
        desk.kind[j] = stage
        kept[n] = j
        n += np.uint64(
            (state != ABSENT) & (w.programme[i] == NOBODY) & (((flags & IN_TRAINING) != 0) | below)
        )
    return np.int64(n)


# --------------------------------------------------------------------------------------------------- seats


def enrol(model: LaborMarket, rows: np.ndarray, choice: np.ndarray) -> None:
    """Fill the month's seats of every programme and book their cost. rows, choice: applicants and their programme."""
    m = model
    year, scale = m.policy_year, m.scenario.run.scale
    teachers = m.teaching_capacity()
    tickets = words(m.key, TICKET, m.month, rows)
    queue = _queue(choice, tickets[:, 0])
    ends = np.searchsorted(choice[queue], np.arange(len(m.programmes) + 1))
    starting, lottery = [queue[:0]], [False]
    for p in map(int, np.flatnonzero(m.programme_table.open)):
        record = m.programmes[p]
        mine = _ordered(m, record, rows, queue[ends[p] : ends[p + 1]])
        seats = m.seats_now(p, record, teachers)
        rule = m.rules.get(p)
        if rule is not None and rule.holds(m.month):
            made, refused = by_lot(m, rule, rows[mine], seats)
            chosen, lost = mine[made], mine[refused]
            if not rule.refilled:
                m.hold_back(p, lost.size, teachers)
            note_lots(m, p, rule, rows[chosen], rows[lost])
        else:
            chosen = mine[seated(m.workers.region[rows[mine]], seats)]
            if record.selection == "lottery" and chosen.size < mine.size:
                note_lots(m, p, None, rows[chosen], rows[np.setdiff1d(mine, chosen)])
        if record.kind == "sme-package" and record.trainees_per_firm:
            most = max(1, round(record.trainees_per_firm * m.headcount_of(record)))
            chosen = chosen[within_firms(m, rows[chosen], most)]
        if chosen.size == 0:
            continue
        persons = int(chosen.size) * scale
        if record.instructors > 0:
            teachers[0] -= persons / record.instructors
        m.ledger.spend("course", p, year, persons * record.unit_cost, persons)
        m.seats_taken[p] += chosen.size
        starting.append(chosen)
        lottery.append(record.selection == "lottery" and mine.size > seats.sum())
    chosen = np.concatenate(starting)
    drawn = np.repeat(lottery, [each.size for each in starting])
    started = start(m, choice[chosen], rows[chosen], (tickets[chosen, 1] + 0.5) * UNIT, drawn)
    m.attending = np.concatenate([m.attending, started])
    pay_allowances(m, started)


def _queue(choice: np.ndarray, ticket: np.ndarray) -> np.ndarray:
    """Applicants by programme, then by a person's own ticket of the month (a word); ties go to the lower identity, as
    applicants come in that order.

    Programme, ticket and place in the list fit into one number of 64 bits, and numbers are sorted ten times faster than
    four columns are (`np.lexsort`)."""
    key = choice.astype(np.uint64) << np.uint64(TICKET_BITS + PLACE_BITS)
    key |= ticket.astype(np.uint64) << np.uint64(PLACE_BITS)
    key |= np.arange(choice.size, dtype=np.uint64)
    key.sort()
    return (key & np.uint64((1 << PLACE_BITS) - 1)).astype(np.int64)


def _ordered(model: LaborMarket, record: Programme, rows: np.ndarray, queue: np.ndarray) -> np.ndarray:
    """A programme's queue in the order in which its seats are given: as it is (first come, lottery), by a score
    (ranked: education and employability), or by the exposure of the occupation (targeted); ties stay in order."""
    w, who = model.workers, rows[queue]
    if record.selection == "ranked":
        first = -(w.education[who] + w.employability[who].astype(np.float64))
    elif record.selection == "targeted":
        first = -model.tables.exposure[w.occupation[who]]
    else:
        return queue
    return queue[np.argsort(first, kind="stable")]


def seated(region: np.ndarray, seats: np.ndarray) -> np.ndarray:
    """Who of a queue gets a seat (indices): first the seats of their own province, then what is left anywhere.

    region: of each in the queue; seats: by province.
    """
    taken = _place_in(region) < seats[region]
    left = int(seats.sum()) - int(taken.sum())
    taken[np.flatnonzero(~taken)[:left]] = True
    return np.flatnonzero(taken)


def note_lots(model: LaborMarket, p: int, rule: Rule | None, won: np.ndarray, lost: np.ndarray) -> None:
    """Remember who won and who lost a seat of programme p by lot, in the order of identities."""
    m, rows = model, np.concatenate([won, lost])
    offered = np.arange(rows.size) < won.size
    order = np.argsort(rows, kind="stable")
    rows, w = rows[order], m.workers
    m.randomised.draw(
        m.month,
        rule,
        person=rows,
        programme=np.full(rows.size, p),
        region=w.region[rows],
        state=w.state[rows],
        offered=offered[order],
    )


def within_firms(model: LaborMarket, rows: np.ndarray, most: int) -> np.ndarray:
    """The first `most` of each employer, in the order given (indices)."""
    return np.flatnonzero(_place_in(model.posts.employer[model.workers.job[rows]]) < most)


def _place_in(group: np.ndarray) -> np.ndarray:
    """How many of the same group stand before each."""
    order = np.argsort(group, kind="stable")
    grouped = group[order]
    place = np.empty(group.size, dtype=np.int64)
    place[order] = np.arange(group.size) - np.searchsorted(grouped, grouped, side="left")
    return place


def course_qualities(key: np.ndarray, programmes: int, regions: int) -> np.ndarray:
    """Quality of the courses that one can choose from, worst first (programmes, provinces, providers)."""
    where = np.add.outer(np.arange(programmes) * 32, np.arange(regions)).ravel() * PROVIDERS
    ids = (where[:, None] + np.arange(PROVIDERS)).ravel()
    drawn = np.sort(uniforms(key, QUALITY, 0, ids)[:, 0].reshape(-1, PROVIDERS), axis=1)
    return normals(drawn.ravel()).reshape(programmes, regions, PROVIDERS)


def start(
    model: LaborMarket, programme: np.ndarray, rows: np.ndarray, ticket: np.ndarray, drawn: np.ndarray
) -> np.ndarray:
    """Enrol `rows`: a course with its quality, months ahead, and a line in the memory of courses. drawn: by lot."""
    m, w = model, model.workers
    provider = np.empty(rows.size, dtype=np.int64)
    _providers(w.employability[rows], np.ascontiguousarray(ticket), float(m.params.quality_causal), provider)
    quality = m.course_quality[programme, w.region[rows], provider]
    numbers = remember(m, programme, rows, quality=quality.astype(np.float32), lottery=drawn)
    w.programme[rows] = programme
    w.course_left[rows] = np.array([p.months for p in m.programmes])[programme]
    return numbers


def remember(model: LaborMarket, programme: np.ndarray, rows: np.ndarray, **more: np.ndarray) -> np.ndarray:
    """A line for each of `rows`, as they are now, in the memory of courses (and of subsidised hires)."""
    m, w, job = model, model.workers, model.workers.job[rows]
    return m.enrolments.append(
        person=rows,
        programme=programme,
        start=np.full(rows.size, m.month),
        stage=m.stages(rows),
        region=w.region[rows],
        age=m.tables.band[np.clip(m.month - w.birth[rows], 0, OLDEST_MONTH)],
        sex=w.sex[rows],
        education=w.education[rows],
        state=w.state[rows],
        occupation=w.occupation[rows],
        employer=np.where(job >= 0, m.posts.employer[np.maximum(job, 0)], -1),
        wage=w.wage[rows],
        **more,
    )


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
    note_allowances(m, rows, won)
    paid = np.bincount(programme, weights=won, minlength=len(m.programmes)).astype(np.int64)
    for p in np.flatnonzero(paid):
        m.ledger.spend("allowance", int(p), m.policy_year, int(paid[p]) * m.scenario.run.scale)
