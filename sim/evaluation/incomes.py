"""Incomes of a pair of runs by who was trained, added up by group: what participants gain, and what all others do.

Participants are the trained of `sim.evaluation.effects`: whom the policy trains before the comparison does, and who
were in the same labour state in both runs when they began. Their incomes count in all years of the run, also before the
course. Everyone else, the displaced and those whom only the comparison trains included, is among the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from sim.incomes import ITEMS as RECEIVED
from sim.incomes import Incomes

if TYPE_CHECKING:
    from sim.evaluation.effects import Groups
    from sim.replicate import RunData

ITEMS = (*RECEIVED, "self_payments")
SIDES = ("participants", "others")
RUNS = ("before", "after")
INEQUALITY = ("gini", "lower_half", "top_tenth", "persons")
"""Gini coefficient; shares of all income that the lower half and the top tenth of persons have; persons (agents)."""


def incomes_of(run: RunData) -> dict[int, Incomes]:
    """Everyone's incomes of a run by calendar year, with what trainees paid for their places in the year they began."""
    from sim import economy as economies

    records = run.scenario.programmes(economies.load(run.scenario.run.economy).programmes)
    fee = np.array([records[p].own_payment for p in run.programmes], dtype=np.int64)
    e, start = run.enrolments, run.scenario.run.start
    year = start.year + (start.month - 1 + e.start.astype(np.int64)) // 12
    found = {}
    for y, received in run.record.incomes.items():
        mine = np.flatnonzero(year == y)
        found[y] = {**received, "self_payments": (e.person[mine], fee[e.programme[mine]])}
    return found


def income_sums(
    policy: Mapping[int, Incomes],
    comparison: Mapping[int, Incomes],
    who: np.ndarray,
    traits: Mapping[str, np.ndarray],
    people: Mapping[str, np.ndarray],
    groups: Groups,
) -> np.ndarray:
    """Policy less comparison (years, groups, SIDES, ITEMS), won of agents.

    who: rows of the participants; traits: their categories by dimension, one each (at enrolment); people: categories of
    everyone by dimension, indexed by row.
    """
    size = next(iter(people.values())).size
    out = np.zeros((len(policy), len(groups.labels), len(SIDES), len(ITEMS)), dtype=np.int64)
    inside = np.zeros(size, dtype=bool)
    inside[who] = True
    change = np.zeros(size, dtype=np.int64)
    for y, year in enumerate(sorted(policy)):
        for k, item in enumerate(ITEMS):
            change[:] = 0
            for sign, run in ((1, policy), (-1, comparison)):
                rows, won = run[year][item]
                np.add.at(change, rows, sign * won.astype(np.int64))
            out[y, :, 0, k] = _by_group(traits, change[who], groups)
            others = np.flatnonzero((change != 0) & ~inside)
            theirs = {name: code[others] for name, code in people.items()}
            out[y, :, 1, k] = _by_group(theirs, change[others], groups)
    return out


def inequality(
    policy: Mapping[int, Incomes], comparison: Mapping[int, Incomes], who: np.ndarray
) -> np.ndarray:
    """Inequality of annual incomes in the comparison and under the policy (years, RUNS, INEQUALITY).

    Of the people `who` (one flag a row), the same in both runs and in all years, with nothing for those who have no
    income: pay, own-account income, benefits and allowances, before tax, which is proportional to pay.
    """
    out = np.zeros((len(policy), len(RUNS), len(INEQUALITY)))
    for y, year in enumerate(sorted(policy)):
        won = np.zeros((len(RUNS), who.size), dtype=np.int64)
        for own, run in zip(won, (comparison, policy), strict=True):
            for item in RECEIVED:
                rows, amount = run[year][item]
                np.add.at(own, rows, amount.astype(np.int64))
        out[y] = [unequal(own[who]) for own in won]
    return out


def unequal(won: np.ndarray) -> tuple[float, ...]:
    """`INEQUALITY` of incomes (persons,), none below zero; zeros where nobody has any.

    Gini = 2 sum(rank x income) / (n x sum) - (n + 1) / n, incomes ascending (Cowell 2011, Measuring Inequality).
    """
    n, total = won.size, float(won.sum())
    if n == 0 or total == 0.0:
        return (0.0, 0.0, 0.0, float(n))
    ordered = np.sort(won).astype(np.float64)
    gini = 2.0 * float(np.arange(1, n + 1) @ ordered) / (n * total) - (n + 1) / n
    lower, top = ordered[: n // 2].sum() / total, ordered[n - n // 10 :].sum() / total
    return (gini, float(lower), float(top), float(n))


def _by_group(codes: Mapping[str, np.ndarray], won: np.ndarray, groups: Groups) -> np.ndarray:
    """Won by group (groups,): exact, in whole numbers. codes: category of each by dimension."""
    parts: list[np.ndarray] = []
    for name, every in groups.dimensions.items():
        total = np.zeros(len(every), dtype=np.int64)
        if name == "all":
            total[0] = won.sum()
        elif name in codes:
            np.add.at(total, codes[name], won)
        parts.append(total)
    return np.concatenate(parts)


__all__ = ["INEQUALITY", "ITEMS", "RUNS", "SIDES", "income_sums", "incomes_of", "inequality", "unequal"]
