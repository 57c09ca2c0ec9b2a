"""LaborMarket: the month as nine named phases, nothing else decided here."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, NamedTuple

import mesa
import numpy as np

from sim import economy as economies
from sim.draws import PANEL, SPIN_UP_OFFSET, key_of, words
from sim.employers import RESTRUCTURING, STRETCH, Employer
from sim.fitting import round_total
from sim.jobs import threads_by_size
from sim.kernels import CHUNK, jit, log_, logs, new_desk, record_of
from sim.ledger import Ledger
from sim.network_tables import require_country
from sim.parameters import PARAMETERS
from sim.phases import adopt, age, match, post, produce, search, separate, train
from sim.phases.adopt import package_orders
from sim.phases.enrol import announce, course_qualities
from sim.phases.post import add_up_staff, rebase
from sim.phases.reach import limits_of
from sim.phases.separate import flag_staff
from sim.population import build
from sim.programmes import COURSE_KINDS, SUBSIDY, Enrolments, allowances, table_of
from sim.randomised import Randomised, rules_of
from sim.rates import rates_of, tables_of
from sim.record import Layout, Record
from sim.records import Programme
from sim.scenario import Scenario
from sim.uncertainty import drawn
from sim.wages import APPLIED
from sim.workers import (
    ABSENT,
    EMPLOYED,
    NOBODY,
    STAGES,
    UNEMPLOYED,
    Worker,
    WorkerColumns,
    WorkerSet,
    life_stage,
)

SHRINK = 5_000.0  # openings, in persons, that shrink a cell's filling rate to the national one
Clock = namedtuple("Clock", "month counter calendar_month year year_index")


class Start(NamedTuple):
    """What a market is built from: people, employers, the tables that fit them. Policy has no part in it."""

    workers: Any
    employers: Any
    posts: Any
    tables: Any
    boards: Any
    entrants: np.ndarray
    residuals: dict[str, float]
    headcount: dict[str, float]


class LaborMarket(mesa.Model):  # type: ignore[misc]
    """One replicate of a scenario: every person and employer, moved month by month.

    scenario: what to run; replicate: number of the random key, shared by every scenario (common random numbers).
    Before the first month the base year's stock lives through a spin-up without training and with AI frozen.
    start: people and tables of a market that has lived already (`sim.checkpoint`), instead of building them.
    Raises InputError when the scenario names an economy that does not exist.
    """

    # What one month leaves to the next, as `sim.checkpoint` keeps it; a test holds that nothing else does. HISTORY (its
    # first line is a `Start`) is all that the years before month 0 leave, whatever the policy.
    HISTORY: ClassVar[tuple[str, ...]] = (
        *("workers", "employers", "posts", "tables", "boards", "_entrants", "residuals", "headcount"),
        *("month", "steps", "reached", "need", "wanted_by_cell", "_openings", "_hires", "_skill"),
        *("_labour_force", "record.spin_up_sums", "record.spin_up_flows"),
    )
    STATE: ClassVar[tuple[str, ...]] = (
        *HISTORY,
        *("filling_start", "quality_start", "posts_over_openings", "premium_start"),  # of month 0
        *("job_creation", "premium", "seat_carry", "seats_taken", "seats_released", "seat_steering"),
        *("firm_seats", "in_package_since", "package_reached", "packages", "instructors"),
        *("attending", "subsidised", "_saved", "started", "enrolments.size", "enrolments._columns"),
        *("held_back", "randomised.size", "randomised._columns"),
        *("ledger.books", "ledger.brought", "record.sums", "record.flows", "record.programmes"),
        *("record.employed", "record.unemployed", "record.employer", "record.hired_by", "record.panel"),
        *(
            "record.insured",
            "record.job_begun",
            "record.start",
            "record.occupation",
            "record.pay",
            "record.place",
        ),
        *("record.incomes", "record.income_of_year", "record.adoption"),
    )

    def __init__(
        self,
        scenario: Scenario,
        replicate: int = 0,
        *,
        keep_status: bool = False,
        panel: int = 0,
        threads: int | None = None,
        spin_up: bool = True,
        start: Start | None = None,
    ) -> None:
        super().__init__(seed=0)  # Mesa's own generators serve nothing: every draw goes through sim.draws
        require_country(scenario)
        run = scenario.run
        self.asked, self.scenario, self.replicate = scenario, drawn(scenario, replicate), replicate
        self.economy = economies.load(run.economy)
        self.layout = Layout.of(self.economy)
        self.key = key_of(run.seed, replicate)
        self.shrink = SHRINK / run.scale
        self.params = record_of({name: float(getattr(self.scenario.world, name)) for name in PARAMETERS})
        self.threads = threads or run.threads  # 0: by the number of workers, once it is known
        self.spin_up_months = (run.start.year - self.economy.base_year) * 12 + run.start.month - 1
        self.month = -self.spin_up_months
        self._set_programmes()
        self._build(start)
        self.record = Record(self.layout, run.months, len(self.programmes), keep_status)
        self.followed = panel
        self._choose_panel(panel)
        while spin_up and self.month < 0:
            self.step()

    # ------------------------------------------------------------------------------------------- the month

    def step(self) -> None:
        """One month: nine phases, in this order."""
        self._begin_month()
        age(self)
        adopt(self)
        separate(self)
        post(self)
        train(self)
        search(self)
        match(self)
        produce(self)  # everyone learns, then the month is added up: one pass
        self._end_month()

    def run(self, on_month: Callable[[int], None] | None = None) -> LaborMarket:
        """All months of the scenario; `on_month` is told each one done."""
        while self.month < self.scenario.run.months:
            self.step()
            if on_month:
                on_month(self.month)
        return self

    # --------------------------------------------------------------------------------- people and employers

    @property
    def agents(self) -> WorkerSet:
        """Everyone alive, with AgentSet verbs over columns."""
        return WorkerSet(self)

    @agents.setter
    def agents(self, value: Any) -> None:
        raise AttributeError("the workers of a LaborMarket are its columns")

    def worker(self, row: int) -> Worker:
        """A view of one person."""
        return Worker(self, row)

    def employer(self, row: int) -> Employer:
        """A view of one employer."""
        return Employer(self, row)

    def column(self, name: str) -> np.ndarray:
        """A column of the workers, or the derived `stage`, `age`, `employer`. KeyError when there is none."""
        w = self.workers
        if name in WorkerColumns._fields:
            return np.asarray(getattr(w, name))
        if name == "age":
            return np.asarray((self.month - w.birth.astype(np.int64)) // 12)
        if name == "employer":
            return np.where(w.job >= 0, self.posts.employer[np.maximum(w.job, 0)], -1)
        if name == "stage":
            return self.stages(np.arange(w.state.size))
        raise KeyError(
            f"no column {name!r}; columns: {', '.join(WorkerColumns._fields)}, age, employer, stage"
        )

    def code(self, name: str, label: str) -> int:
        """The code of a label of a column. KeyError when there is none."""
        if name in ("stage", "stage0"):
            return STAGES.index(label)
        if name in ("state", "previous"):
            return self.economy.codes["state"].index(label) + 1
        return self.economy.codes[name].index(label)

    def stages(self, rows: np.ndarray) -> np.ndarray:
        """Life stage of people now (codes of `sim.workers.STAGES`)."""
        w = self.workers
        job = w.job[rows]
        restructuring = (job >= 0) & ((self.posts.flags[np.maximum(job, 0)] & RESTRUCTURING) != 0)
        months = self.month - w.birth[rows].astype(np.int64)
        return _stages(w, rows.astype(np.int64, copy=False), restructuring, months)

    # -------------------------------------------------------------------------------------- what phases ask

    @property
    def spin_up(self) -> bool:
        """Before the first month of the scenario."""
        return self.month < 0

    @property
    def policy_year(self) -> int:
        """Index of this month's year in the ledger."""
        return int(self.clock.year) - self.ledger.years[0]

    def over_chunks(
        self,
        kernel: Callable[..., None],
        *columns: Any,
        rows: int | None = None,
        size: int = 0,
        lanes: int = 0,
    ) -> None:
        """Run `kernel(lo, hi, chunk, desk, *columns)` over everyone (or `rows` rows), chunk by chunk; chunks never
        share what they write, so any thread may take any chunk: whoever is free takes the next, at its own desk.
        size: rows of a chunk. lanes: at most so many threads (each finds its number in `desk.lane`)."""
        n, size = self.workers.state.size if rows is None else rows, size or CHUNK
        next_chunks = iter(range(-(-n // size)))

        def work(desk: Any) -> None:
            for chunk in next_chunks:
                kernel(chunk * size, min((chunk + 1) * size, n), chunk, desk, *columns)

        if self._pool is None:
            work(self.desks[0])
        else:
            for done in [self._pool.submit(work, desk) for desk in self.desks[: lanes or None]]:
                done.result()

    def over_posts(self, kernel: Callable[..., None], *columns: Any) -> None:
        """`over_chunks` of all posts, a chunk a thread: for kernels that go through a whole list and write only to the
        posts lo to hi. Looking at all of the list costs little beside the waits for posts that lie anywhere."""
        rows = self.posts.held.size
        self.over_chunks(kernel, *columns, rows=rows, size=-(-rows // len(self.desks)))

    def over_employers(self, kernel: Callable[..., None], *columns: Any) -> None:
        """`over_chunks` of all employers, in `stretches` chunks."""
        self.over_chunks(kernel, *columns, rows=self.employers.open.size, size=STRETCH)

    @property
    def stretches(self) -> int:
        """How many chunks of employers there are."""
        return -(-int(self.employers.open.size) // STRETCH)

    def listed(self, events: np.ndarray) -> np.ndarray:
        """What the chunks put on the list, in order."""
        return np.concatenate(
            [events[lo : lo + n] for lo, n in zip(self.chunk_starts, self.counts, strict=True)]
        )

    def entrants(self, month: int) -> tuple[int, int]:
        """Rows of those who enter in a month."""
        n = month + self.spin_up_months
        return int(self._entrants[n]), int(self._entrants[n + 1])

    def filling_hazard(self) -> np.ndarray:
        """-ln(1 - fill) by province and major group, fill over twelve months shrunk to the national one."""
        openings, hires = self._openings.sum(axis=0), self._hires.sum(axis=0)
        national = hires.sum() / max(1, openings.sum())
        fill = np.minimum((hires + self.shrink * national) / (openings + self.shrink), 0.999)
        return -logs(1.0 - np.maximum(fill, 1e-3))

    def hires_skill(self) -> np.ndarray:
        """Mean AI skill of the hires of twelve months by province and major group, shrunk like the filling rate."""
        hires, skill = self._hires.sum(axis=0), self._skill.sum(axis=0) * 1e-6
        national = skill.sum() / max(1, hires.sum())
        return np.asarray((skill + self.shrink * national) / (hires + self.shrink))

    def hires_relief(self) -> np.ndarray:
        """Part of the cost of a job that hiring subsidies bore, mean of a year's hires by province and major group,
        shrunk like the filling rate."""
        hires, saved = self._hires.sum(axis=0), self._saved.sum(axis=0) * 1e-6
        national = saved.sum() / max(1, hires.sum())
        return np.asarray((saved + self.shrink * national) / (hires + self.shrink))

    # ---------------------------------------------------------------------------------- programmes and money

    def funded_this_year(self) -> bool:
        """Whether any programme has money this year."""
        return bool(self.ledger.books[0, :, self.policy_year].any())

    def budget_now(self, p: int) -> int:
        """Money of programme p this year, won."""
        return self.ledger.budget(p, self.policy_year)

    def ramp(self, record: Programme) -> float:
        """Part of the new money that can be used this month."""
        return (
            min(1.0, (self.month + 1) / record.ramp_up)
            if record.ramp_up > 0 and not record.base_money(2025)
            else 1.0
        )

    def seats_now(self, p: int, record: Programme, teachers: list[float]) -> np.ndarray:
        """Seats of this month by province, in agents: the least of money, places and instructors.

        Money and places are released by twelfths; what is not used stays until the year's end and then lapses, but for
        the money of hiring subsidies.
        """
        scale, month = self.scenario.run.scale, int(self.clock.calendar_month)
        year = self.policy_year
        first = self.scenario.run.start.month if year == 0 else 1
        released = self.ledger.budget(p, year) * (month - first + 1) // (13 - first) + int(
            self.ledger.brought[p, year]
        )
        spent = int(self.ledger.books[1:3, p, year].sum())
        free = min(released - spent, self.ledger.left(p, year)) - int(self.held_back[p])
        if record.kind == SUBSIDY:
            free += sum(self.ledger.left(p, y) for y in range(year))
        affordable = max(0, free) / max(1, record.unit_cost * scale)
        if record.seats is not None:
            growth = (1.0 + record.seats_growth) ** max(0, int(self.clock.year) - 2026)
            intakes = max(1, len([k for k in record.intake_months if k >= first]))
            self.seats_released[p] += record.seats * growth / intakes / scale * self.ramp(record)
            affordable = min(affordable, self.seats_released[p] - self.seats_taken[p])
        elif record.ramp_up:
            affordable *= self.ramp(record)
        if record.instructors > 0:
            affordable = min(affordable, teachers[0] * record.instructors / scale)
        seats = int(max(0.0, affordable) + 1e-9)
        if seats == 0:
            return np.zeros(self.seat_carry.shape[1], dtype=np.int64)
        share = self._region_share(record)
        due = np.maximum(self.seat_carry[p] + share * seats, 0.0)
        whole = round_total(due / max(due.sum(), 1e-12) * seats, seats)
        self.seat_carry[p] += share * seats - whole
        return whole

    def hold_back(self, p: int, seats: int, teachers: list[float]) -> None:
        """Seats of programme p that a trial leaves empty: their money and places serve nobody else this year."""
        record, persons = self.programmes[p], seats * self.scenario.run.scale
        self.held_back[p] += persons * record.unit_cost
        self.seats_taken[p] += seats
        if record.instructors > 0:
            teachers[0] -= persons / record.instructors

    def start_budget_year(self) -> None:
        """In a year's first month what was not used lapses, but for less than one agent's place and money."""
        if self.clock.calendar_month != (self.scenario.run.start.month if self.policy_year == 0 else 1):
            return
        self.seats_released[:] = np.maximum(0.0, self.seats_released - self.seats_taken) % 1.0
        self.seats_taken[:] = 0
        for p, record in enumerate(self.programmes):
            if record.kind != SUBSIDY:
                self.held_back[p] = 0
            if record.kind in COURSE_KINDS:
                self.ledger.bring_forward(p, self.policy_year, record.unit_cost * self.scenario.run.scale)

    def headcount_of(self, record: Programme) -> float:
        """Mean headcount of the employers a programme is for, over the published one (below 1 at coarse scales)."""
        sizes = record.eligibility.sizes or self.economy.codes["size"]
        return float(np.mean([max(self.headcount[s], 1e-3) for s in sizes]))

    def teaching_capacity(self) -> list[float]:
        """Instructor-years that courses can still use this month."""
        return [self.instructors / 12.0]

    def started_in(self, month: int) -> slice:
        """Enrolments that started in a month."""
        return slice(int(self.started[month]), int(self.started[month + 1]))

    def may_end_in(self, month: int) -> slice:
        """The enrolments whose course can end in a month: those that started no longer before than a course takes."""
        longest = max((int(p.months) for p in self.programmes), default=0)
        return slice(int(self.started[max(0, month - longest)]), int(self.started[month]))

    def flows_by_programme(self, what: str, choice: np.ndarray) -> None:
        """Count applications by programme."""
        self.applied = np.bincount(choice, minlength=len(self.programmes))

    def panel(self) -> dict[str, np.ndarray]:
        """The followed workers' columns this month."""
        w, rows = self.workers, self.panel_rows
        names: tuple[str, ...] = WorkerColumns._fields
        out: dict[str, np.ndarray] = {name: np.array(getattr(w, name)[rows]) for name in names}
        out["employer"] = self.column("employer")[rows]
        out["stage"] = self.stages(rows)
        return out

    # --------------------------------------------------------------------------------------------- building

    def _set_programmes(self) -> None:
        records = self.scenario.programmes(self.economy.programmes)
        own = sorted(
            records.keys() - self.economy.programmes.keys()
        )  # last, so that they move nobody's draws
        self.programme_ids = [*sorted(records.keys() - set(own)), *own]
        self.programmes = [records[name] for name in self.programme_ids]
        self.ledger = Ledger(self.programme_ids, self.scenario.money(records), list(self.scenario.years))
        self.allowance = np.array([allowances(p, self.economy) for p in self.programmes])
        n, regions = len(self.programmes), self.economy.n("region")
        self.course_quality = course_qualities(self.key, n, regions)
        self.seat_carry = np.zeros((n, regions))
        self.seats_taken, self.seats_released = np.zeros(n), np.zeros(n)
        self.applied = np.zeros(n, dtype=np.int64)
        self.firm_seats, self.seat_steering = 0.0, 0.0
        # won that a trial keeps this year for empty seats, or that subsidised hires are still promised
        self.held_back = np.zeros(n, dtype=np.int64)
        self.rules = rules_of(self.scenario.evaluation, self.programme_ids, self.economy, self.key)
        self.enrolments, self.randomised = Enrolments(), Randomised()
        self.attending = np.empty(0, dtype=np.int64)
        self.subsidised = np.empty((0, 2), dtype=np.int64)  # line in the enrolments, and employer
        self.started = np.zeros(self.scenario.run.months + 1, dtype=np.int64)  # enrolments before each month
        self.instructors = sum(
            (p.base_money(2025) / max(1, p.unit_cost)) / p.instructors
            for p in self.programmes
            if p.instructors > 0 and p.unit_cost > 0
        )

    def _build(self, start: Start | None) -> None:
        rates = rates_of(self.economy, self.scenario)
        full_time = np.zeros(256, dtype=np.uint8)
        full_time[: len(self.programmes)] = [p.full_time for p in self.programmes]
        weight = np.zeros(self.economy.n("occupation"))
        for p in self.programmes:
            if p.conversion:
                rows = [self.economy.codes["occupation"].index(target) for target in p.conversion.targets]
                weight[rows] = np.maximum(weight[rows], p.conversion.weight)
        people = start or self._people(rates, full_time, weight)
        self.workers, self.employers, self.posts = people.workers, people.employers, people.posts
        self._entrants, self.residuals, self.headcount = people.entrants, people.residuals, people.headcount
        self.tables, self.boards = people.tables, people.boards
        self.tables.full_time[:], self.tables.conversion_weight[:] = full_time, weight  # all that policy sets
        self.programme_table = table_of(
            self.programmes,
            self.economy,
            self.tables.exposure,
            self.params.allowance_elasticity,
            self.params.completion_employability,
        )
        self.limits = limits_of(self.tables)
        self._leave, self._shock_sd = rates.leave, np.array(rates.shock_sd)
        n = self.workers.state.size
        self.chunk_starts = np.arange(0, n, CHUNK)
        self.counts = np.zeros(self.chunk_starts.size, dtype=np.int64)
        self.threads = self.threads or threads_by_size(n)
        self._pool = ThreadPoolExecutor(self.threads) if self.threads > 1 else None
        self.desks = [new_desk(self.layout.groups, lane) for lane in range(self.threads)]
        self._set_scratch()
        self.reached = np.zeros(n, dtype=np.uint8)
        self.choices = np.empty(n, dtype=np.uint8)
        self.sums = np.zeros((self.chunk_starts.size, self.layout.offsets[-1]), dtype=np.int64)
        self.slots = np.empty(int(self.boards.first[-1]), dtype=np.int32)
        cells = (self.economy.n("region"), self.economy.n("major"))
        self.job_creation = np.zeros(cells)
        self.need, self.wanted_by_cell, self.saved_by_cell = np.zeros((3, *cells), dtype=np.int64)
        self._openings, self._hires, self._skill, self._saved = (
            np.zeros((12, *cells), dtype=np.int64) for _ in range(4)
        )
        self.in_package_since = np.full(self.employers.open.size, 2**15 - 1, dtype=np.int16)
        self.package_order, self.packages = package_orders(self), False
        self.package_reached = dict.fromkeys(self.package_order, 0)
        self.premium, self.premium_start = self.params.premium_base, 0.0
        self.openings = 0
        self.flows: dict[str, float] = {}
        if start is None:
            self._rebase()
        self._growth = [self._growth_of(dim) for dim in ("industry", "region")]

    def _set_scratch(self) -> None:
        """One piece of memory for what a phase lists of people, adds up of staff and notes of posts, one at a time;
        as many threads add up the staff as have room in it for sums of their own."""
        people, employers, posts = self.workers.state.size, self.employers.open.size, self.posts.held.size
        each = 6 * employers  # three sums of 64 bits
        adding = max(1, min(len(self.desks), people // each))
        scratch = np.empty(max(people, adding * each, posts), dtype=np.int32)
        self.events, self.first_out = scratch[:people], scratch[:posts]
        self.staff = scratch[: adding * each].view(np.int64).reshape(adding, employers, 3)

    def _people(self, rates: Any, full_time: np.ndarray, weight: np.ndarray) -> Start:
        """Everyone and every employer of the base year, and the tables that fit them."""
        run = self.scenario.run
        total = self.spin_up_months + run.months
        people = build(
            self.economy, run.scale, self.key, rates, total, self.spin_up_months, self.params, self.threads
        )
        tables, boards = tables_of(
            self.economy, self.scenario, rates, people, run.scale, self.spin_up_months, full_time, weight
        )
        return Start(
            people.workers,
            people.employers,
            people.posts,
            tables,
            boards,
            people.entrants,
            people.residuals,
            people.headcount,
        )

    def _rebase(self) -> None:
        """Make today the start of every ratio of labour requirement."""
        w, e, p = self.workers, self.employers, self.posts
        self.over_chunks(flag_staff, w.job, p.flags, self.reached)
        add_up_staff(self)
        self.over_employers(rebase, e, p, self.tables, self.params, self.staff)

    def _growth_of(self, dim: str) -> np.ndarray:
        rate = self.economy.array("growth", "code", dimension=dim)
        return np.zeros(rate.size) if self.scenario.world.growth == "none" else rate

    def _region_share(self, record: Programme) -> np.ndarray:
        """Seats by province: as the record says; else by the labour force and, as far as councils steer, by the
        openings of the last twelve months."""
        if record.regions:
            share = np.array([record.regions.get(r, 0.0) for r in self.economy.codes["region"]])
        else:
            share = self._labour_force / self._labour_force.sum()
            openings = self._openings.sum(axis=(0, 2))
            if self.seat_steering > 0.0 and openings.sum() > 0:
                demand = openings / openings.sum()
                share = (1.0 - self.seat_steering) * share + self.seat_steering * demand
        return np.asarray(share / share.sum())

    def _choose_panel(self, panel: int) -> None:
        """The rows with the lowest tickets."""
        first, n = np.empty((2, 0), dtype=np.int64), self.workers.state.size
        for lo in range(0, n if panel else 0, CHUNK):
            rows = np.arange(lo, min(lo + CHUNK, n))
            both = np.hstack([first, [words(self.key, PANEL, 0, rows)[:, 0], rows]])
            first = both[:, np.lexsort((both[1], both[0]))[:panel]]
        self.panel_rows = np.sort(first[1])

    # ---------------------------------------------------------------------------------- between the months

    def _begin_month(self) -> None:
        start, t = self.scenario.run.start, self.month
        year, month = divmod(start.year * 12 + start.month - 1 + t, 12)
        index = year - self.economy.base_year
        self.clock = Clock(np.int64(t), np.uint64(t + SPIN_UP_OFFSET), month + 1, year, index)
        self.flows = {}
        self.applied[:] = 0
        self.tables.leave[:] = self._leave[min(index, self._leave.shape[0] - 1)]
        lived = 2.0 * (t + self.spin_up_months + 1)
        self.tables.shock_mean[:] = 0.5 * self._shock_sd**2 * (1.0 - self.tables.shock_rho**lived)
        since = max(0, t) / 12.0
        self.tables.growth_industry[:] = (1.0 + self._growth[0]) ** since
        self.tables.growth_region[:] = (1.0 + self._growth[1]) ** since
        if t == 0:
            self._start_policy()
        announce(self)
        if t == -self.spin_up_months or (t >= 0 and t % 12 == 0):
            self._labour_force = self._active_by_region()

    def _start_policy(self) -> None:
        """The first month: from here every ratio is counted, and everyone has a stage at policy start."""
        self._rebase()
        self.filling_start, self.quality_start = self.filling_hazard(), self.hires_skill()
        self.posts_over_openings = float(self.posts.wanted.sum() / max(1.0, self._openings.sum() / 12.0))
        self.over_chunks(_set_stage0, self.workers, self.posts.flags, self.clock)
        if self.record.keep_status:
            state = self.workers.state
            occupation = np.where(state != ABSENT, self.workers.occupation, NOBODY)
            self.record.start = np.stack([occupation, self.workers.size])
        self.premium_start = self._log_scarcity()

    def _end_month(self) -> None:
        slot = self.month % 12
        self._openings[slot], self._hires[slot] = self.openings_by_cell, self.hires_by_cell
        self._skill[slot], self._saved[slot] = self.skill_by_cell, self.saved_by_cell
        if not self.spin_up:
            relative = self._log_scarcity() - self.premium_start
            p = self.params
            self.premium = float(min(max(p.premium_base - relative / p.premium_elasticity, 0.0), 0.3))
        self.month += 1

    def _active_by_region(self) -> np.ndarray:
        """People in the labour force by province."""
        active = np.zeros((self.chunk_starts.size, self.economy.n("region")), dtype=np.int64)
        self.over_chunks(_count_active, self.workers.state, self.workers.region, active)
        return np.asarray(active.sum(axis=0), dtype=np.float64)

    def _log_scarcity(self) -> float:
        """ln(skilled supply / posts that use AI): what moves the AI wage premium."""
        self.over_chunks(_skilled, self.workers.state, self.workers.skill, self.counts)
        return float(log_(max(1.0, float(self.counts.sum()))) - log_(max(1.0, int(self.need.sum()) * 1e-6)))


@jit
def _skilled(lo, hi, chunk, desk, state, skill, counts):
    """People in the labour force with applied AI skill."""
    states, skills, skilled = state[lo:hi], skill[lo:hi], 0
    for j in range(states.size):
        active = (states[j] == EMPLOYED) | (states[j] == UNEMPLOYED)
        skilled += int((skills[j] >= APPLIED) & active)
    counts[chunk] = skilled


@jit
def _count_active(lo, hi, chunk, desk, state, region, active):
    """People in the labour force by province."""
    for i in range(lo, hi):
        active[chunk, region[i]] += int((state[i] == EMPLOYED) | (state[i] == UNEMPLOYED))


@jit
def _set_stage0(lo, hi, chunk, desk, w, flags, clock):
    """Everyone's life stage now."""
    for i in range(lo, hi):
        if w.state[i] != ABSENT:
            restructuring = (
                flags[w.job[i]] & RESTRUCTURING
            ) != 0  # of nobody's posts for those who have none
            months = clock.month - w.birth[i]
            w.stage0[i] = life_stage(w.state[i], w.reason[i], w.tags[i], restructuring, months)


def _stages(w: Any, rows: np.ndarray, restructuring: np.ndarray, months: np.ndarray) -> np.ndarray:
    out = np.empty(rows.size, dtype=np.uint8)
    _stages_loop(w.state, w.reason, w.tags, rows, restructuring, months, out)
    return out


@jit
def _stages_loop(state, reason, tags, rows, restructuring, months, out):
    for n in range(rows.size):
        i = rows[n]
        out[n] = life_stage(state[i], reason[i], tags[i], restructuring[n], months[n])


__all__ = ["COURSE_KINDS", "LaborMarket"]
