"""What everyone earns and receives in a calendar year, in whole won: kept for pairs of runs only (`keep_status`).

Four items a person: pay of employees, income of the own-account and family workers, unemployment benefit, and training
allowances. They are the won that `produce` and the ledger add up, so that their sums over persons are those of the
record and the ledger. Only who has any is kept, once a calendar year is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.kernels import exp_, jit
from sim.workers import EMPLOYED, OLDEST_MONTH, OWN_ACCOUNT, UNEMPLOYED

if TYPE_CHECKING:
    from sim.model import LaborMarket

ITEMS = ("pay", "own_account", "benefits", "allowances")
Incomes = dict[str, tuple[np.ndarray, np.ndarray]]
"""Item -> rows of who had any in a year (int32), and how much (won, uint32)."""
MOST = 2**32 - 1  # won a year that a person's column holds; more than any pay of the tables comes to
BENEFIT_SHARE, DAY_HOURS = 0.6, 8.0  # of the former daily wage (Employment Insurance Act, art. 46)


def note_benefits(model: LaborMarket) -> None:
    """Add the month's unemployment benefit to the year, before `produce` takes the month off what is left of it."""
    m = model
    if _kept(m):
        m.over_chunks(_benefits, m.workers, m.tables, m.clock, _of_year(m, "benefits"))


def note_pay(model: LaborMarket) -> None:
    """Add the month's pay and own-account income to the year, as `produce` has added them up; a year that is over is
    put away."""
    m = model
    if not _kept(m):
        return
    m.over_chunks(_pay, m.workers, m.tables, m.clock, _of_year(m, "pay"), _of_year(m, "own_account"))
    if m.clock.calendar_month == 12 or m.month + 1 == m.scenario.run.months:
        put = {name: _sparse(_of_year(m, name)) for name in ITEMS}
        m.record.incomes[int(m.clock.year)] = put
        m.record.income_of_year.clear()


def note_allowances(model: LaborMarket, rows: np.ndarray, won: np.ndarray) -> None:
    """Add the allowances of one month (won) of attendants `rows` to the year."""
    if _kept(model):
        np.add.at(_of_year(model, "allowances"), rows, won.astype(np.uint32))


def _kept(model: LaborMarket) -> bool:
    return model.record.keep_status and not model.spin_up


def _of_year(model: LaborMarket, item: str) -> np.ndarray:
    """Won of everyone in the running year (people,)."""
    year = model.record.income_of_year
    if item not in year:
        year[item] = np.zeros(model.workers.state.size, dtype=np.uint32)
    return year[item]


def _sparse(won: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows = np.flatnonzero(won)
    return rows.astype(np.int32), won[rows]


@jit
def _benefits(lo: int, hi: int, chunk: int, desk: Any, w: Any, tb: Any, clock: Any, won: np.ndarray) -> None:
    """What `produce` pays those without work."""
    floor, ceiling = tb.benefit_floor[clock.year_index], tb.benefit_ceiling[clock.year_index]
    for i in range(lo, hi):
        if w.benefit[i] > 0 and w.state[i] == UNEMPLOYED:
            daily = min(max(BENEFIT_SHARE * DAY_HOURS * exp_(w.wage[i]), floor), ceiling)
            won[i] = min(int(won[i]) + int(daily) * 30, MOST)


@jit
def _pay(
    lo: int, hi: int, chunk: int, desk: Any, w: Any, tb: Any, clock: Any, pay: np.ndarray, own: np.ndarray
) -> None:
    """What those in work earn, with the hours of their contract and age."""
    for i in range(lo, hi):
        if w.state[i] == EMPLOYED:
            band = tb.band[min(max(clock.month - w.birth[i], 0), OLDEST_MONTH)]
            earned = int(tb.hours[w.contract[i], band] * exp_(w.wage[i]))
            if w.contract[i] < OWN_ACCOUNT:
                pay[i] = min(int(pay[i]) + earned, MOST)
            else:
                own[i] = min(int(own[i]) + earned, MOST)


__all__ = ["ITEMS", "Incomes", "note_allowances", "note_benefits", "note_pay"]
