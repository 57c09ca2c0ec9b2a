"""Where an engine and its oracle disagree: by person, post, employer, course, won and monthly total.

Both sides are written down as facts: one array for every column of every table, in float64 (which holds every stored
number exactly). A month of an engine can be kept that way and compared with several oracles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.programmes import HORIZONS, Enrolments
from sim.record import TOTALS
from sim.workers import WorkerColumns

if TYPE_CHECKING:
    from sim.model import LaborMarket
    from sim.reference.market import ReferenceMarket

Facts = dict[tuple[str, str], np.ndarray]  # (table, column) -> its values by row

POSTS = ("held", "wanted", "vacant", "base_labour")
EMPLOYERS = (
    "open",
    "intensity",
    "shock",
    "unit_cost",
    "lever",
    "staff_skill",
    "staff_use",
    "funnel",
    "hired_trainee",
)
COURSES = tuple(
    name for name, _ in Enrolments.FIELDS if name not in ("known", "at_work")
)  # those are `placed`
LOTS = ("person", "programme", "month", "region", "state", "design", "offered", "level")
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
)


def differences(market: LaborMarket, oracle: ReferenceMarket, most: int = 10) -> list[str]:
    """One line for each difference: when, which row and column, the engine's value and the oracle's; [] when equal.

    At most `most` lines. Both must have lived the same months, counted from before the spin-up.
    """
    if market.month != oracle.month:
        return [f"the engine has reached month {market.month}, the oracle month {oracle.month}"]
    return compare(engine_facts(market), oracle_facts(oracle), market.month - 1, most)


def compare(engine: Facts, oracle: Facts, month: int, most: int = 10) -> list[str]:
    """The first `most` differences of two sets of facts about a month; missing rows count as one."""
    found = []
    for line in _lines(engine, oracle):
        found.append(f"after month {month}: {line}")
        if len(found) == most:
            break
    return found


def _lines(engine: Facts, oracle: Facts) -> Iterator[str]:
    for (table, column), theirs in engine.items():
        ours = oracle[table, column]
        if theirs.shape != ours.shape:
            yield f"{table}, {column}: the engine has {theirs.size} rows, the oracle {ours.size}"
            continue
        for row in np.flatnonzero(theirs != ours):
            yield f"{table} {row}, {column}: engine {theirs[row]!r}, oracle {ours[row]!r}"


def engine_facts(market: LaborMarket) -> Facts:
    """What an engine holds after its last month, copied."""
    records = market.enrolments
    sums = market.record.spin_up_sums[-1] if market.month <= 0 else market.record.sums[market.month - 1]
    facts: Facts = {}
    facts |= _table("worker", WorkerColumns._fields, lambda name: getattr(market.workers, name))
    facts |= _table("post", POSTS, lambda name: getattr(market.posts, name))
    facts |= _table("employer", EMPLOYERS, lambda name: getattr(market.employers, name))
    facts |= _table("enrolment", COURSES, lambda name: getattr(records, name))
    facts["enrolment and horizon", "at work"] = records.placed.astype(np.float64).ravel()
    lots = market.randomised
    facts |= _table("lot", LOTS, lambda name: getattr(lots, name))
    facts["lot and horizon", "at work"] = lots.placed[:, 0].astype(np.float64).ravel()
    facts["account", "won"] = market.ledger.books.astype(np.float64).ravel()  # whole won, below 2**53
    facts |= _table("flow", FLOWS, lambda name: [market.flows[name]])
    totals = dict(zip(TOTALS, market.record.layout.block(sums, "totals").tolist(), strict=True))
    facts |= _table("total", TOTALS, lambda name: [totals[name]])
    facts["market", "premium"] = np.array([market.premium])
    facts["market", "log job creation"] = market.job_creation.ravel().copy()
    return facts


def oracle_facts(oracle: ReferenceMarket) -> Facts:
    """The same of an oracle."""
    courses = oracle.programmes.enrolments
    facts: Facts = {}
    facts |= _objects("worker", WorkerColumns._fields, oracle.people)
    facts |= _objects("post", POSTS, oracle.posts)
    facts |= _objects("employer", EMPLOYERS, oracle.employers)
    facts |= _objects("enrolment", COURSES, courses)
    facts["enrolment and horizon", "at work"] = np.array(
        [
            course.placed.get((since, definition, months), -1)
            for course in courses
            for since in ("start", "completion")
            for definition in ("official", "insured")
            for months in HORIZONS
        ],
        dtype=np.float64,
    )
    facts |= _objects("lot", LOTS, oracle.programmes.lots)
    facts["lot and horizon", "at work"] = np.array(
        [
            lot.placed.get((definition, months), -1)
            for lot in oracle.programmes.lots
            for definition in ("official", "insured")
            for months in HORIZONS
        ],
        dtype=np.float64,
    )
    facts["account", "won"] = oracle.programmes.ledger.books.astype(np.float64).ravel()
    facts |= _table("flow", FLOWS, lambda name: [oracle.flows[name]])
    facts |= _table("total", TOTALS, lambda name: [oracle.totals[name]])
    facts["market", "premium"] = np.array([oracle.premium])
    facts["market", "log job creation"] = np.array(oracle.log_job_creation).ravel()
    return facts


def _table(table: str, names: Iterable[str], column: Any) -> Facts:
    return {(table, name): np.array(column(name), dtype=np.float64) for name in names}


def _objects(table: str, names: Iterable[str], things: Sequence[Any]) -> Facts:
    return _table(table, names, lambda name: [getattr(thing, name) for thing in things])
