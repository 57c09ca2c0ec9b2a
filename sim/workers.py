"""Workers: one row a person, one column an attribute; life stage; Mesa's AgentSet verbs over the columns.

A row is an identity: it is never reused and never renumbered. The rows of the people who will enter later are
reserved at the start, from the population projection, so they are the same in every scenario.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mesa
import numpy as np

from sim.kernels import columns_of, device

if TYPE_CHECKING:
    from sim.model import LaborMarket

# codes: 0 is a row that nobody occupies (not yet entered, or left)
ABSENT, EMPLOYED, UNEMPLOYED, INACTIVE = 0, 1, 2, 3
SCHOOL, CARE, MILITARY, RESTING, OTHER = 0, 1, 2, 3, 4
REGULAR, TEMPORARY, DAILY, OWN_ACCOUNT, UNPAID_FAMILY, NO_CONTRACT = 0, 1, 2, 3, 4, 5
ENTRY, ACTIVE, TRANSITION, OUTSIDE = 0, 1, 2, 3
STAGES = ("entry", "active", "transition", "outside")
NOBODY = 255  # no programme, no course occupation
NO_EMPLOYER = 5  # size class of people without an employer

# bits of `tags`
HELD12 = np.uint8(1)  # ever held a job for 12 months
LOST12 = np.uint8(2)  # the last job was lost and had been held for 12 months
INVOLUNTARY = np.uint8(4)  # the last job was lost, not left
PUBLIC = np.uint8(8)  # in a public job for the elderly
NOTICE = np.uint8(16)  # told of a layoff, leaves next month
INSURED = np.uint8(32)  # the job is covered by employment insurance
TRAINED = np.uint8(64)  # has completed a course
TENURE_PAY_MONTHS = 60  # pay rises with tenure so long

FINAL_SCHOOL_YEAR = (
    23 * 12
)  # months of age from which someone in school counts as in the final year (assumption)
YOUTH_END = 35 * 12
LONG_TERM = 6  # months of unemployment from which a spell is long (OECD uses 12; Korea reports 6)
OLDEST_MONTH = 121 * 12 - 1  # ages are read from a table up to here
AGE_BITS, BAND = (
    np.uint8(4),
    np.uint8(15),
)  # age band in the low bits of `tables.ages`, group of ages above them


@dataclass(frozen=True)
class Column:
    """One attribute of every worker: storage type, label, unit."""

    name: str
    dtype: Any
    label: str
    unit: str


COLUMNS = (
    Column("birth", np.int16, "month of birth, counted from the first month of the run", "month"),
    Column("sex", np.uint8, "sex", "code"),
    Column("education", np.uint8, "highest education reached", "code"),
    Column("region", np.uint8, "province", "code"),
    Column("state", np.uint8, "labour state: 0 absent, 1 employed, 2 unemployed, 3 inactive", "code"),
    Column("reason", np.uint8, "why inactive", "code"),
    Column("contract", np.uint8, "contract, 5 when not employed", "code"),
    Column("occupation", np.uint8, "occupation held, or the last one", "code"),
    Column("industry", np.uint8, "industry, the last one when not employed", "code"),
    Column("job", np.int32, "employer's posts of one occupation, -1 without employer", "row of posts"),
    Column("size", np.uint8, "size class of the employer, 5 without one", "code"),
    Column("spell", np.uint16, "months in the present job or state", "months"),
    Column("experience", np.uint16, "months worked in the occupation", "months"),
    Column("tags", np.uint8, "bits: see HELD12 to TRAINED", "bits"),
    Column("employability", np.float32, "latent employability, N(0,1), fixed", "sd"),
    Column("skill", np.float32, "AI skill", "0 to 1"),
    Column("wage", np.float32, "log hourly wage, the last one when not employed", "log won of 2025"),
    Column(
        "insured",
        np.uint32,
        "18 low bits: insured in each of the last 18 months; above: insured months",
        "bits",
    ),
    Column("benefit", np.uint8, "months of unemployment benefit left", "months"),
    Column("programme", np.uint8, "programme attended, 255 none", "code"),
    Column("course_left", np.uint8, "months of the course left", "months"),
    Column("certificates", np.uint8, "courses completed with a certificate", "count"),
    Column("course_occupation", np.uint8, "occupation a conversion course aims at, 255 none", "code"),
    Column("stage0", np.uint8, "life stage at policy start", "code"),
    Column("previous", np.uint8, "labour state at the last month's end", "code"),
)

WorkerColumns = namedtuple("WorkerColumns", [c.name for c in COLUMNS])  # type: ignore[misc]
BYTES_PER_WORKER = sum(np.dtype(c.dtype).itemsize for c in COLUMNS)


def new_columns(rows: int) -> Any:
    """Empty columns for `rows` people, everyone absent."""
    columns: Any = WorkerColumns(*columns_of([(c.name, c.dtype) for c in COLUMNS], rows))
    columns.contract[:] = NO_CONTRACT
    columns.size[:] = NO_EMPLOYER
    columns.job[:] = -1
    columns.programme[:] = NOBODY
    columns.course_occupation[:] = NOBODY
    columns.stage0[:] = OUTSIDE
    return columns


@device
def life_stage(state, reason, tags, restructuring, age_months):
    """Life stage by precedence: transition, entry, active, outside (0 entry, 1 active, 2 transition, 3 outside).

    transition: under notice, or in an occupation the employer is restructuring; or wants work (unemployed or
    resting) and lost a job held 12 months or more, or is 35 or over. entry: 34 or under, not employed, not in
    school before the final year, not in the army. active: employed.
    """
    young = age_months < YOUTH_END
    wants_work = (state == UNEMPLOYED) | (reason == RESTING)
    lost = wants_work & (((tags & LOST12) != 0) | (age_months >= YOUTH_END))
    done = (reason != SCHOOL) | (age_months >= FINAL_SCHOOL_YEAR)
    free = (state != INACTIVE) | ((reason != MILITARY) & done)
    moves = ((tags & NOTICE) != 0) | restructuring
    idle = TRANSITION if lost else ENTRY if young & free else OUTSIDE
    at_work = TRANSITION if moves else ACTIVE
    return OUTSIDE if state == ABSENT else at_work if state == EMPLOYED else idle  # without a branch to guess


class Worker(mesa.Agent):  # type: ignore[misc]
    """A view of one row, made when asked for. Attributes read and write the columns.

    Mesa would register every agent made; a view is not an agent's life, so its constructor is not called.
    """

    def __init__(self, model: LaborMarket, row: int) -> None:
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "unique_id", int(row))
        object.__setattr__(self, "pos", None)

    def __getattr__(self, name: str) -> Any:
        if name in WorkerColumns._fields:
            return getattr(self.model.workers, name)[self.unique_id]
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in WorkerColumns._fields:
            raise AttributeError(f"a worker has no column {name!r}")
        getattr(self.model.workers, name)[self.unique_id] = value

    @property
    def age(self) -> int:
        """Age in whole years."""
        return int((self.model.month - int(self.birth)) // 12)

    @property
    def stage(self) -> str:
        """Life stage now."""
        return STAGES[int(self.model.stages(np.array([self.unique_id]))[0])]

    @property
    def employer(self) -> int:
        """Row of the employer, -1 without."""
        job = int(self.job)
        return int(self.model.posts.employer[job]) if job >= 0 else -1


class WorkerSet:
    """Mesa's AgentSet verbs (select, get, set, agg, groupby, len, iteration) over columns.

    `select(state="unemployed")` takes codes or their names; `get` returns arrays; iteration makes views.
    """

    def __init__(self, model: LaborMarket, rows: np.ndarray | None = None) -> None:
        self.model = model
        self._rows = rows

    @property
    def rows(self) -> np.ndarray:
        """Rows of the living people in this set."""
        if self._rows is None:
            return np.flatnonzero(self.model.workers.state != ABSENT)
        return self._rows

    def __len__(self) -> int:
        if self._rows is None:
            return int(np.count_nonzero(self.model.workers.state))  # but for the absent, who are 0
        return int(self._rows.size)

    def __iter__(self) -> Iterator[Worker]:
        return (Worker(self.model, int(row)) for row in self.rows)

    def __getitem__(self, index: int) -> Worker:
        return Worker(self.model, int(self.rows[index]))

    def select(self, filter_func: Any = None, at_most: int | None = None, **equal: Any) -> WorkerSet:
        """People for whom every `column=value` holds (names or codes) and `filter_func(columns)` is true."""
        rows = self.rows
        for name, value in equal.items():
            code = self.model.code(name, value) if isinstance(value, str) else value
            rows = rows[self.model.column(name)[rows] == code]
        if filter_func is not None:
            rows = rows[
                np.asarray(filter_func(WorkerColumns(*(c[rows] for c in self.model.workers))), dtype=bool)
            ]
        return WorkerSet(self.model, rows[:at_most])

    def get(self, name: str) -> np.ndarray:
        """A copy of one column for these people."""
        return np.asarray(self.model.column(name)[self.rows])

    def set(self, name: str, value: Any) -> WorkerSet:
        """Write one column for these people."""
        getattr(self.model.workers, name)[self.rows] = value
        return self

    def agg(self, name: str, function: Any) -> Any:
        """`function` of one column."""
        return function(self.get(name))

    def groupby(self, name: str) -> dict[Any, WorkerSet]:
        """One set for each value of a column."""
        values, rows = self.get(name), self.rows
        return {value: WorkerSet(self.model, rows[values == value]) for value in np.unique(values)}
