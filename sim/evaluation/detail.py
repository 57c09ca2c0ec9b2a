"""Counts behind the account: where the others' jobs were, and where the trained stand, earn and work afterwards.

Everything here is a count of agents (or of thousand won) from one pair of runs, as in `sim.evaluation.effects`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.programmes import HORIZONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sim.evaluation.effects import Groups, Observed

CLOCKS = ("start", "completion")
"""Months count from the month of enrolment, or from the planned end of the course, finished or not, in both runs."""
DEFINITIONS = ("official", "insured")
FOLLOWED = ("known", "gross", "deadweight", "months", "months_anyway")
"""Trained followed so far; in work under the policy and anyway; their months in work since, in each run."""
EARNINGS = ("known", "pay", "pay_anyway", "employees", "employees_anyway", "moved", "moved_anyway")
"""At a quarter-end: the trained followed so far, thousand won a month, employees, those in another occupation."""

PLACED_WITHIN = 6
"""Months from the start or the planned end within which a job counts as the placement."""
RETAINED = (6, 12)
RETENTION = ("known", "placed", "placed_anyway", "kept", "kept_anyway", "at_work", "at_work_anyway")
"""The trained followed long enough; placed; in the same job so many months later; then in work in any job."""

WAGES = ("pay", "employees", "pay_base", "employees_base")


class Trained(NamedTuple):
    """Those whom the policy trains: row of the person, month of the start, of the planned end, and that from which the
    comparison trains him or her too; occupation at the start; category by dimension, indexed by place in this list."""

    who: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    until: np.ndarray
    occupation: np.ndarray
    traits: Mapping[str, np.ndarray]


def bits(packed: np.ndarray, rows: np.ndarray, month: np.ndarray | None = None) -> np.ndarray:
    """Bits of `rows` in packed bits (bytes,), or in those of each row's own month (months, bytes)."""
    byte = packed[rows >> 3] if month is None else packed[month, rows >> 3]
    return np.asarray((byte >> (7 - (rows & 7)) & 1).astype(bool))


def followed(policy: Observed, comparison: Observed, trained: Trained, groups: Groups) -> np.ndarray:
    """The trained by months since the start or the planned end (clocks, definitions, months, groups, FOLLOWED).

    Months in work count the month-ends after month 0 of the clock, up to the month that is told.
    """
    months = policy.employed.shape[0]
    shape = (len(CLOCKS), len(DEFINITIONS), months, len(groups.labels), len(FOLLOWED))
    out = np.zeros(shape, dtype=np.int64)
    for c, begin in enumerate((trained.begin, trained.end)):
        for d, definition in enumerate(DEFINITIONS):
            worked = np.zeros((2, begin.size), dtype=np.int64)
            for k in range(months):
                known = np.flatnonzero((begin + k < months) & (begin + k < trained.until))
                who, t = trained.who[known], begin[known] + k
                placed, anyway = (bits(run.work(definition), who, t) for run in (policy, comparison))
                if k:
                    worked[0, known] += placed
                    worked[1, known] += anyway
                for j, rows in enumerate((known, known[placed], known[anyway])):
                    out[c, d, k, :, j] = groups.tally(trained.traits, rows)
                for j in range(2):
                    out[c, d, k, :, 3 + j] = groups.tally(trained.traits, known, worked[j, known])
    return out


def earnings(policy: Observed, comparison: Observed, trained: Trained, groups: Groups) -> np.ndarray:
    """Pay and occupation of the trained (clocks, HORIZONS, groups, EARNINGS) at the first quarter-end from a horizon
    on, for those whom the run follows that far."""
    out = np.zeros((len(CLOCKS), len(HORIZONS), len(groups.labels), len(EARNINGS)), dtype=np.int64)
    ends = np.array(sorted(policy.pay), dtype=np.int64)
    if ends.size == 0:
        return out
    for c, begin in enumerate((trained.begin, trained.end)):
        for h, months in enumerate(HORIZONS):
            quarter = np.searchsorted(ends, begin + months)
            month = ends[np.minimum(quarter, ends.size - 1)]
            known = (quarter < ends.size) & (month < trained.until)
            for t in np.unique(month[known]):
                rows = np.flatnonzero(known & (month == t))
                who = trained.who[rows]
                out[c, h, :, 0] += groups.tally(trained.traits, rows)
                for j, run in enumerate((policy, comparison)):
                    pay = run.pay[t][who].astype(np.int64)
                    left = run.occupation[t][who] != trained.occupation[rows]
                    moved = bits(run.employed[t], who) & left
                    out[c, h, :, 1 + j] += groups.tally(trained.traits, rows, pay)
                    out[c, h, :, 3 + j] += groups.tally(trained.traits, rows[pay > 0])
                    out[c, h, :, 5 + j] += groups.tally(trained.traits, rows[moved])
    return out


def retention(policy: Observed, comparison: Observed, trained: Trained, groups: Groups) -> np.ndarray:
    """Who of the trained keeps the first job after the clock's month 0 (clocks, RETAINED, groups, RETENTION).

    Placed: in work at a month-end from month 0 to `PLACED_WITHIN` (a job held on at month 0 counts). Kept: in that same
    job so many months after the placement, without a break or a move in between.
    """
    months = policy.employed.shape[0]
    out = np.zeros((len(CLOCKS), len(RETAINED), len(groups.labels), len(RETENTION)), dtype=np.int64)
    if policy.job_begun is None or comparison.job_begun is None:
        return out
    for c, begin in enumerate((trained.begin, trained.end)):
        for h, held in enumerate(RETAINED):
            last = begin + PLACED_WITHIN + held
            known = np.flatnonzero((last < months) & (last < trained.until))
            out[c, h, :, 0] = groups.tally(trained.traits, known)
            for j, run in enumerate((policy, comparison)):
                rows = _first_job(run, trained.who[known], begin[known], held)
                for k, chosen in enumerate(rows):
                    out[c, h, :, 1 + 2 * k + j] = groups.tally(trained.traits, known[chosen])
    return out


def _first_job(run: Observed, who: np.ndarray, begin: np.ndarray, held: int) -> tuple[np.ndarray, ...]:
    """Of people `who` (one each): placed; in the same job `held` months later; in work then."""
    assert run.job_begun is not None
    month = np.full(who.size, -1, dtype=np.int64)
    for t in range(PLACED_WITHIN, -1, -1):
        month = np.where(bits(run.employed, who, begin + t), begin + t, month)
    placed = month >= 0
    same = placed.copy()
    for t in range(1, held + 1):
        later = np.maximum(month, 0) + t
        same &= bits(run.employed, who, later) & ~bits(run.job_begun, who, later)
    return placed, same, placed & bits(run.employed, who, np.maximum(month, 0) + held)


def trace(
    policy: Observed, comparison: Observed, month: int, changed: np.ndarray, groups: Groups
) -> np.ndarray:
    """Jobs gained (where the person works under the policy) and lost (where in the comparison), by workplace.

    changed: rows outside the trained that work in one of the two runs only. Returns (places, gains and losses).
    """
    places = groups.workplaces
    won = bits(policy.employed[month], changed)
    return np.stack(
        [
            places.tally(policy.work_at.get(month, {}), changed[won]),
            places.tally(comparison.work_at.get(month, {}), changed[~won]),
        ],
        axis=-1,
    )


def wages(policy: Observed, comparison: Observed, month: int, groups: Groups) -> np.ndarray:
    """Monthly pay in thousand won and number of all employees in each run (groups, WAGES)."""
    parts = []
    for run in (policy, comparison):
        pay = run.pay.get(month, np.zeros(run.size)).astype(np.int64)
        rows = np.flatnonzero(pay)
        parts += [groups.tally(run.people, rows, pay[rows]), groups.tally(run.people, rows)]
    return np.stack(parts, axis=-1)
