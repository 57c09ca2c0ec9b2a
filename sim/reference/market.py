"""The oracle's month: the same nine phases in the same order, over objects."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import mesa
import numpy as np

from sim.draws import PURPOSES, SPIN_UP_OFFSET
from sim.ledger import Ledger
from sim.parameters import PARAMETERS
from sim.rates import rates_of
from sim.reference import arithmetic as a
from sim.reference.agents import Employer, Person, Post, Vacancy
from sim.reference.hiring import match, search
from sim.reference.jobs import adopt, age, post, rebase_labour, separate, take_staff_means
from sim.reference.month_end import learn, produce
from sim.reference.programmes import Programmes
from sim.reference.training import train
from sim.workers import ABSENT, EMPLOYED, UNEMPLOYED

if TYPE_CHECKING:
    from sim.model import LaborMarket

SHRINK = 5_000.0  # openings (or hires) of persons that shrink a cell's twelve-month rate to the national one
Cells = list[list[float]]  # by province and major group


class ReferenceMarket(mesa.Model):  # type: ignore[misc]
    """A copy of a market that has not lived a month yet, in objects.

    market: made with `spin_up=False`; it is read, never changed. Raises ValueError when it has already stepped.
    """

    def __init__(self, market: LaborMarket) -> None:
        super().__init__(seed=0)
        if market.month != -market.spin_up_months or market.record.spin_up_sums or market.record.sums.any():
            raise ValueError("the oracle starts with a market that has not lived a month (spin_up=False)")
        self.run_settings, self.world, self.economy = (
            market.scenario.run,
            market.scenario.world,
            market.economy,
        )
        self.scale, self.headcount = market.scenario.run.scale, dict(market.headcount)
        self.evaluation = market.scenario.evaluation
        self.shrink = SHRINK / self.scale
        self.month = market.month
        self.spin_up_months = market.spin_up_months
        self.key = (int(market.key[0]), int(market.key[1]))
        self.parameters = SimpleNamespace(**{name: float(market.params[name]) for name in PARAMETERS})
        self.tables = SimpleNamespace(
            **{name: market.tables[name].tolist() for name in market.tables.dtype.names}
        )
        self.boards = SimpleNamespace(
            **{name: getattr(market.boards, name).tolist() for name in market.boards._fields}
        )
        self.entrants = [market.entrants(t) for t in range(self.month, market.scenario.run.months)]
        self._take_people(market)
        rates = rates_of(market.economy, market.scenario)
        self._leave: list[list[list[float]]] = rates.leave.tolist()
        self._shock_sd = np.array(rates.shock_sd)
        self._growth: list[list[float]] = [
            (market.economy.array("growth", "code", dimension=dim) * (self.world.growth != "none")).tolist()
            for dim in ("industry", "region")
        ]
        ledger = Ledger(market.ledger.programmes, {}, market.ledger.years)
        ledger.books[0] = market.ledger.books[0]
        self.programmes = Programmes(market.programmes, market.economy, self.parameters, ledger)
        regions, majors = market.economy.n("region"), market.economy.n("major")
        self._cells = (regions, majors)
        self.log_job_creation = self.empty()
        self.requirement, self.need = self.empty(), 0  # AI requirement of the posts wanted: mean by cell, sum
        self.history: list[
            tuple[Cells, Cells, Cells, Cells]
        ] = []  # of twelve months: openings, hires, skill of hires, cost of jobs borne by subsidies
        self.premium = self.parameters.premium_base
        self.vacancies: list[Vacancy] = []
        self.flows: dict[str, int] = {}
        self.totals: dict[str, int] = {}

    def _take_people(self, market: LaborMarket) -> None:
        self.employers = [Employer(self, row, market.employers) for row in range(market.employers.open.size)]
        self.posts: list[Post] = []
        for row in range(market.posts.held.size):
            employer = self.employers[int(market.posts.employer[row])]
            self.posts.append(Post(employer, row, market.posts))
            employer.posts.append(self.posts[-1])
        self.people = [
            Person(self, row, market.workers, self.posts) for row in range(market.workers.state.size)
        ]

    # ------------------------------------------------------------------------------------------- the month

    def step(self) -> None:
        """One month: nine phases, in this order."""
        self.begin_month()
        age(self)
        adopt(self)
        separate(self)
        post(self)
        train(self)
        search(self)
        match(self)
        learn(self)
        produce(self)
        self.end_month()

    @property
    def spin_up(self) -> bool:
        """Before the first month of the scenario."""
        return self.month < 0

    @property
    def living(self) -> list[Person]:
        """Everyone who is here, in the order of identities."""
        return [person for person in self.people if person.state != ABSENT]

    def words(self, purpose: str, identity: int, sub: int = 0, month: int | None = None) -> a.Words:
        """The four words of a draw: a function of purpose, identity, sub-number and month, and of nothing else."""
        when = (self.month if month is None else month) + SPIN_UP_OFFSET
        return a.philox((identity, sub, when, PURPOSES[purpose][0]), self.key)

    # ---------------------------------------------------------------------------------- between the months

    def begin_month(self) -> None:
        """What the calendar brings."""
        start = self.run_settings.start
        self.year, month = divmod(start.year * 12 + start.month - 1 + self.month, 12)
        self.calendar_month = month + 1
        self.year_index = self.year - self.economy.base_year
        self.flows = {}
        self.leave_hazard = self._leave[min(self.year_index, len(self._leave) - 1)]
        lived = 2.0 * (self.month + self.spin_up_months + 1)
        kept = a.power(self.tables.shock_rho, lived)
        self.shock_mean = [
            0.5 * (sd * sd) * (1.0 - k) for sd, k in zip(self._shock_sd.tolist(), kept, strict=True)
        ]
        since = max(0, self.month) / 12.0
        self.growth_industry, self.growth_region = (
            a.power([1.0 + g for g in rates], since) for rates in self._growth
        )
        if self.month == 0:
            self._start_policy()
        if self.month == -self.spin_up_months or (self.month >= 0 and self.month % 12 == 0):
            self.labour_force = [0] * self._cells[0]
            for person in self.people:
                if person.state in (EMPLOYED, UNEMPLOYED):
                    self.labour_force[person.region] += 1

    def _start_policy(self) -> None:
        """From here every ratio is counted, and everyone has a stage at policy start."""
        take_staff_means(self)
        rebase_labour(self)
        self.filling_start, self.hires_skill_start = self.filling_hazard(), self.hires_skill()
        openings = sum(sum(row) for month in self.history for row in month[0])
        self.posts_over_openings = sum(p.wanted for p in self.posts) / max(1.0, openings / 12.0)
        for person in self.living:
            person.stage0 = person.stage
        self.scarcity_start = self.log_scarcity()

    def end_month(self) -> None:
        """Remember the month's openings and hires; move the premium of AI skill."""
        month = (self.openings_by_cell, self.hires_by_cell, self.skill_by_cell, self.saved_by_cell)
        self.history = [*self.history[-11:], month]
        if not self.spin_up:
            p = self.parameters
            relative = self.log_scarcity() - self.scarcity_start
            self.premium = min(max(p.premium_base - relative / p.premium_elasticity, 0.0), 0.3)
        self.month += 1

    # -------------------------------------------------------------------------------- what phases ask about

    def empty(self) -> Cells:
        """Zeros by province and major group."""
        return [[0.0] * self._cells[1] for _ in range(self._cells[0])]

    def empty_counts(self) -> Any:
        """Whole zeros by province and major group."""
        return [[0] * self._cells[1] for _ in range(self._cells[0])]

    def _of_twelve_months(self, what: int) -> Cells:
        return [
            [sum(month[what][r][g] for month in self.history) for g in range(self._cells[1])]
            for r in range(self._cells[0])
        ]

    def filling_hazard(self) -> Cells:
        """-ln(1 - fill) by province and major group, fill over twelve months shrunk to the national one."""
        openings, hires = self._of_twelve_months(0), self._of_twelve_months(1)
        national = sum(map(sum, hires)) / max(1, sum(map(sum, openings)))
        out = self.empty()
        for r, row in enumerate(out):
            for g in range(len(row)):
                fill = (hires[r][g] + self.shrink * national) / (openings[r][g] + self.shrink)
                row[g] = -a.log(1.0 - max(min(fill, 0.999), 1e-3))
        return out

    def hires_skill(self) -> Cells:
        """Mean AI skill of twelve months' hires by province and major group, shrunk to the national one."""
        return self._mean_of_hires(2)

    def hires_relief(self) -> Cells:
        """Part of the cost of a job that subsidies bore, mean of twelve months' hires, shrunk alike."""
        return self._mean_of_hires(3)

    def _mean_of_hires(self, what: int) -> Cells:
        hires, skill = self._of_twelve_months(1), self._of_twelve_months(what)
        millionths = [[s * 1e-6 for s in row] for row in skill]
        national = a.total([s for row in millionths for s in row]) / max(1, sum(map(sum, hires)))
        return [
            [
                (millionths[r][g] + self.shrink * national) / (hires[r][g] + self.shrink)
                for g in range(self._cells[1])
            ]
            for r in range(self._cells[0])
        ]

    def log_scarcity(self) -> float:
        """ln(people in the labour force with applied skill / posts wanted that use AI)."""
        skilled = sum(1 for p in self.people if p.skill >= 0.5 and p.state in (EMPLOYED, UNEMPLOYED))
        return a.log(max(1.0, float(skilled))) - a.log(max(1.0, self.need * 1e-6))
