"""What is kept of a month: sums of whole numbers, laid out in one vector, and the flows counted by the phases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.kernels import jit
from sim.workers import INSURED, NO_EMPLOYER, OLDEST_MONTH, OWN_ACCOUNT

if TYPE_CHECKING:
    from sim.economy import Economy
    from sim.incomes import Incomes
    from sim.model import LaborMarket

STATES = ("employed", "unemployed", "inactive")
AGES5 = ("15-29", "30-39", "40-49", "50-59", "60+")
QUARTER, YEAR = 3, 12  # months
PAY_BINS = 128  # log wage from 8, 32 bins a log point
FIRM_ITEMS = ("employed", "base_output", "output", "users", "hours_saved", "wages")
TOTALS = (
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
FLOWS = (
    "entered",
    "left",
    "separations",
    "layoffs",
    "notices",
    "own_account",
    "hires",
    "job_to_job",
    "offers_refused",
    "vacancies",
    "unadvertised",
    "openings",
    "adopters",
    "open_employers",
    "exposed_intensity",
)


class Layout(NamedTuple):
    """Shapes of the blocks of the monthly vector and where each begins."""

    people: tuple[int, ...]  # stage at start, age, sex, education, state
    places: tuple[int, ...]  # province, stage at start, state
    trades: tuple[int, ...]  # occupation, age, employed or unemployed
    firms: tuple[int, ...]  # size, industry, FIRM_ITEMS
    moves: tuple[int, ...]  # age, state a month ago (0 absent), state
    pay: tuple[int, ...]
    totals: tuple[int, ...]

    @classmethod
    def of(cls, economy: Economy) -> Layout:
        """The layout of an economy: so many provinces, occupations and industries."""
        return cls(
            people=(4, 5, 2, 3, 3),
            places=(economy.n("region"), 4, 3),
            trades=(economy.n("occupation"), 5, 2),
            firms=(NO_EMPLOYER + 1, economy.n("industry"), len(FIRM_ITEMS)),
            moves=(5, 4, 3),
            pay=(PAY_BINS,),
            totals=(len(TOTALS),),
        )

    @property
    def groups(self) -> int:
        """Province x stage x age x sex x education x state (0 absent), as the month end counts them."""
        return self.places[0] * int(np.prod(self.people[:-1])) * 4

    @property
    def offsets(self) -> tuple[int, ...]:
        """Start of each block, and the length of the vector."""
        return (0, *(int(x) for x in np.cumsum([int(np.prod(shape)) for shape in self])))

    def block(self, vectors: np.ndarray, name: str) -> np.ndarray:
        """One block of stacked vectors (..., length) in its own shape."""
        n = self._fields.index(name)
        return vectors[..., self.offsets[n] : self.offsets[n + 1]].reshape(*vectors.shape[:-1], *self[n])


class Record:
    """Monthly sums of one run: `sums` (months, length), `flows` (months, FLOWS), programme counts."""

    def __init__(self, layout: Layout, months: int, programmes: int, keep_status: bool) -> None:
        self.layout = layout
        self.sums = np.zeros((months, layout.offsets[-1]), dtype=np.int64)
        self.flows = np.zeros((months, len(FLOWS)))
        self.spin_up_sums: list[np.ndarray] = []
        self.spin_up_flows: list[dict[str, float]] = []
        # applied, enrolled, completed, dropped, attending
        self.programmes = np.zeros((months, programmes, 5), dtype=np.int64)
        self.keep_status = keep_status
        self.employed: list[np.ndarray] = []  # one bit a person a month
        self.unemployed: list[np.ndarray] = []
        self.employer: dict[int, np.ndarray] = {}  # at the ends of years: employer of everyone, -1 none
        self.hired_by: dict[int, np.ndarray] = {}  # employers that have hired a trainee, one bit each
        self.insured: list[
            np.ndarray
        ] = []  # in work that employment insurance covers, one bit a person a month
        self.start = np.zeros(
            (2, 0), dtype=np.uint8
        )  # occupation (255 not here yet) and size class as month 0 begins
        self.job_begun: list[np.ndarray] = []  # in the first month of a job, one bit a person a month
        self.occupation: dict[
            int, np.ndarray
        ] = {}  # at the ends of quarters: occupation, the last one without work
        self.pay: dict[int, np.ndarray] = {}  # and monthly pay of employees, thousand won; 0 for all others
        self.place: dict[int, np.ndarray] = {}  # at the ends of years: size class and industry (2, persons)
        self.incomes: dict[int, Incomes] = {}  # by calendar year
        self.income_of_year: dict[str, np.ndarray] = {}  # of everyone, in the running year
        # employers in business, and those of them that have adopted AI, by size and industry
        self.adoption = np.zeros((months, *layout.firms[:2], 2), dtype=np.int64)
        self.panel: list[dict[str, np.ndarray]] = []

    def add(self, model: LaborMarket, sums: np.ndarray) -> None:
        """Keep one month."""
        flows = dict(model.flows)
        adoption = np.zeros((model.stretches, *self.adoption.shape[1:]), dtype=np.int64)
        exposed = np.zeros(model.stretches, dtype=np.int64)
        model.over_employers(_adoption, model.employers, model.posts, model.tables, adoption, exposed)
        adoption = adoption.sum(axis=0)
        flows["open_employers"], flows["adopters"] = (int(n) for n in adoption.sum(axis=(0, 1)))
        flows["openings"], flows["exposed_intensity"] = model.openings, int(exposed.sum()) * 1e-6
        if model.spin_up:
            self.spin_up_sums.append(sums)
            self.spin_up_flows.append(flows)
            return
        t = model.month
        self.sums[t] = sums
        self.flows[t] = [flows.get(name, 0) for name in FLOWS]
        self.adoption[t] = adoption
        records, ending = model.enrolments, model.may_end_in(t)
        n = self.programmes.shape[1]
        self.programmes[t, :, 0] = model.applied
        self.programmes[t, :, 1] = np.bincount(records.programme[model.started_in(t)], minlength=n)
        for k, status in ((2, 1), (3, 2)):
            ended = (records.status[ending] == status) & (records.end[ending] == t)
            self.programmes[t, :, k] = np.bincount(records.programme[ending][ended], minlength=n)
        going_on = np.concatenate([model.attending, model.subsidised[:, 0]])
        self.programmes[t, :, 4] = np.bincount(records.programme[going_on], minlength=n)
        if self.keep_status:
            self._keep_status(model)
        if model.panel_rows.size:
            self.panel.append(model.panel())

    def _keep_status(self, model: LaborMarket) -> None:
        w = model.workers
        self.employed.append(np.packbits(w.state == 1))
        self.unemployed.append(np.packbits(w.state == 2))
        self.insured.append(np.packbits((w.state == 1) & ((w.tags & INSURED) != 0)))
        self.job_begun.append(np.packbits((w.state == 1) & (w.spell == 1)))  # `learn` has counted the month
        month, last = model.month, model.month + 1 == model.scenario.run.months
        if (month + 1) % QUARTER == 0 or last:
            self.occupation[month] = np.array(w.occupation)
            self.pay[month] = _monthly_pay(model)
        if (month + 1) % YEAR == 0 or last:
            job = w.job
            self.employer[month] = np.where(job >= 0, model.posts.employer[np.maximum(job, 0)], -1).astype(
                np.int32
            )
            self.hired_by[month] = np.packbits(model.employers.hired_trainee)
            self.place[month] = np.stack([w.size, w.industry])


def _monthly_pay(model: LaborMarket) -> np.ndarray:
    """Pay of employees this month in whole thousand won (persons,), 0 for everyone else."""
    w = model.workers
    pay = np.zeros(w.state.size, dtype=np.uint16)
    rows = np.flatnonzero((w.state == 1) & (w.contract < OWN_ACCOUNT))
    age = np.clip(model.clock.month - w.birth[rows].astype(np.int64), 0, OLDEST_MONTH)
    hours = np.asarray(model.tables.hours)[w.contract[rows], np.asarray(model.tables.band)[age]]
    thousands = np.rint(hours * np.exp(w.wage[rows].astype(np.float64)) / 1000.0)
    pay[rows] = np.minimum(thousands, np.iinfo(np.uint16).max)
    return pay


@jit
def _adoption(
    lo: int,
    hi: int,
    chunk: int,
    desk: Any,
    e: Any,
    posts: Any,
    tb: Any,
    adoption: np.ndarray,
    intensities: np.ndarray,
) -> None:
    """Open employers, and those of them that have adopted AI, by size and industry; exposed intensity of posts held
    (millionths)."""
    counts, exposed = adoption[chunk], 0
    for f in range(lo, hi):
        intensity = float(e.intensity[f])
        counts[e.size[f], e.industry[f], 0] += int(e.open[f])
        if intensity > 0.0:
            counts[e.size[f], e.industry[f], 1] += int(e.open[f])
            for p in range(e.posts_from[f], e.posts_to[f]):
                exposed += int(intensity * tb.exposure[posts.occupation[p]] * 1e6) * int(posts.held[p])
    intensities[chunk] = exposed
