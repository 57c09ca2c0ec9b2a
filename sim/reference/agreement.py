"""Where an engine and its oracle disagree: by person, post, employer, course, won and monthly total."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.programmes import HORIZONS, Enrolments
from sim.record import LAYOUT, TOTALS
from sim.workers import WorkerColumns

if TYPE_CHECKING:
    from sim.model import LaborMarket
    from sim.reference.market import ReferenceMarket

POSTS = ("held", "wanted", "vacant", "base_labour")
EMPLOYERS = ("open", "intensity", "shock", "unit_cost", "lever", "staff_skill", "staff_use", "funnel", "hired_trainee")
FLOWS = ("entered", "left", "separations", "layoffs", "notices", "own_account", "hires", "job_to_job",
         "offers_refused", "vacancies", "unadvertised")


def differences(market: LaborMarket, oracle: ReferenceMarket, most: int = 10) -> list[str]:
    """One line for each difference, at most `most`: what, which, the engine's value, the oracle's. [] when equal.

    Both must have lived the same months, counted from before the spin-up.
    """
    found = []
    for line in _all(market, oracle):
        found.append(line)
        if len(found) == most:
            break
    return found


def _all(market: LaborMarket, oracle: ReferenceMarket) -> Iterator[str]:
    if market.month != oracle.month:
        yield f"the engine has reached month {market.month}, the oracle month {oracle.month}"
        return
    when = f"after month {market.month - 1}"
    for name in WorkerColumns._fields:
        yield from _column(when, "worker", name, getattr(market.workers, name), oracle.people)
    for name in POSTS:
        yield from _column(when, "post", name, getattr(market.posts, name), oracle.posts)
    for name in EMPLOYERS:
        yield from _column(when, "employer", name, getattr(market.employers, name), oracle.employers)
    yield from _courses(when, market, oracle)
    mine, theirs = market.ledger.books, oracle.programmes.ledger.books
    for account, p, year in np.argwhere(mine != theirs):
        yield (f"{when}: ledger account {account} of {market.programme_ids[p]} in {market.ledger.years[year]}: "
               f"engine {mine[account, p, year]:,}, oracle {theirs[account, p, year]:,}")
    for name in FLOWS:
        if market.flows[name] != oracle.flows[name]:
            yield f"{when}: flow {name}: engine {market.flows[name]}, oracle {oracle.flows[name]}"
    sums = market.record.spin_up_sums[-1] if market.month <= 0 else market.record.sums[market.month - 1]
    for name, total in zip(TOTALS, LAYOUT.block(sums, "totals"), strict=True):
        if total != oracle.totals[name]:
            yield f"{when}: total {name}: engine {total}, oracle {oracle.totals[name]}"
    if market.premium != oracle.premium:
        yield f"{when}: premium of AI skill: engine {market.premium!r}, oracle {oracle.premium!r}"


def _column(when: str, what: str, name: str, column: np.ndarray, objects: Sequence[Any]) -> Iterator[str]:
    """Rows of one column that differ."""
    ours = np.array([getattr(thing, name) for thing in objects], dtype=np.float64)
    for row in np.flatnonzero(column.astype(np.float64) != ours):
        yield f"{when}: {what} {row}, {name}: engine {column[row]}, oracle {getattr(objects[row], name)}"


def _courses(when: str, market: LaborMarket, oracle: ReferenceMarket) -> Iterator[str]:
    """Enrolments and placements that differ."""
    records, courses = market.enrolments, oracle.programmes.enrolments
    if records.size != len(courses):
        yield f"{when}: enrolments: engine {records.size}, oracle {len(courses)}"
        return
    for name, _ in Enrolments.FIELDS:
        yield from _column(when, "enrolment", name, getattr(records, name), courses)
    for row, course in enumerate(courses):
        for i, since in enumerate(("start", "completion")):
            for j, definition in enumerate(("official", "insured")):
                for k, months in enumerate(HORIZONS):
                    ours = int(course.placed.get((since, definition, months), -1))
                    if records.placed[row, i, j, k] != ours:
                        yield (f"{when}: enrolment {row}, at work ({definition}) {months} months from {since}: "
                               f"engine {records.placed[row, i, j, k]}, oracle {ours}")
