"""One replicate of a scenario, run and brought home: what a process hands back to the one that asked.

`RunData` holds plain arrays and small records, no model: it can be pickled and sent between processes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sim.programmes import Enrolments
from sim.randomised import Randomised
from sim.record import Record
from sim.scenario import Scenario

if TYPE_CHECKING:
    from sim.checkpoint import Place
    from sim.model import LaborMarket

PEOPLE = ("birth", "sex", "education", "region", "stage0")  # columns of everyone kept with `keep_status`


@dataclass(frozen=True, eq=False)
class RunData:
    """What one replicate leaves: sums of agents (not yet times the scale), enrolments, books, checks.

    `record`: sums and flows by month, and with `keep_status` who was employed (`sim.record.Record`).
    `books`: whole won and persons (`sim.ledger.ACCOUNTS`, programmes, years).
    `eligible`: agents admitted by each programme's rules at the end of the first month of each run year
    (years, programmes). `people`: columns of everyone at the end, with `keep_status` only; rows are
    identities, the same in every scenario. `panel_rows`: the followed workers, with a panel only; `employer_size`:
    size class of every employer, with either. `randomised`: those whose seat was decided by lot.
    """

    scenario: Scenario
    replicate: int
    programmes: tuple[str, ...]
    months_of_course: tuple[int, ...]
    years: tuple[int, ...]
    record: Record
    enrolments: Enrolments
    books: np.ndarray
    eligible: np.ndarray
    residuals: dict[str, float]
    headcount: dict[str, float]
    spin_up_months: int
    agents: int
    employers: int
    seconds: float
    cpu_seconds: float
    people: dict[str, np.ndarray] = field(default_factory=dict)
    panel_rows: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    employer_size: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.uint8))
    exposure: np.ndarray = field(default_factory=lambda: np.empty(0))
    complementarity: np.ndarray = field(default_factory=lambda: np.empty(0))
    randomised: Randomised = field(default_factory=Randomised)

    @property
    def worker_months(self) -> int:
        """Agents alive, summed over the months of the scenario."""
        return int(self.record.layout.block(self.record.sums, "moves")[..., :, :].sum())


def simulate(
    scenario: Scenario,
    replicate: int = 0,
    keep_status: bool = False,
    panel: int = 0,
    threads: int | None = None,
    on_month: Callable[[int], None] | None = None,
    place: Place | None = None,
    shared: bool = False,
) -> RunData:
    """Run one replicate of a scenario from the start to its last month.

    replicate: number of the random key; the same number in two scenarios means common random numbers.
    keep_status: also keep who is employed every month, for effects against another scenario.
    panel: workers to follow. threads: of this run, instead of the scenario's; moves no digit.
    on_month: told the number of months done. place: where checkpoints are kept and found, and with `shared` the
    history that other scenarios have too (`sim.checkpoint`); moves no digit. Raises InputError when the economy
    does not exist.
    """
    from sim.checkpoint import NOWHERE
    from sim.eligibility import count_eligible

    tell, months = on_month or (lambda _: None), scenario.run.months
    started, cpu = time.perf_counter(), time.process_time()
    place = place or NOWHERE
    if (run := place.done(scenario, replicate, keep_status, panel)) is not None:
        for month in range(months):
            tell(month + 1)
        return run
    model, kept = place.begin(
        scenario, replicate, shared, keep_status=keep_status, panel=panel, threads=threads
    )
    eligible = kept.get("eligible", np.zeros((math.ceil(months / 12), len(model.programmes)), dtype=np.int64))
    started, cpu = started - kept.get("seconds", 0.0), cpu - kept.get("cpu_seconds", 0.0)

    def spent() -> dict[str, float]:
        return {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}

    def month_done(done: int) -> None:
        if done % 12 == 1 or months == 1:
            eligible[(done - 1) // 12] = count_eligible(model)
        place.month_done(model, lambda: {"eligible": eligible, **spent()})
        tell(done)

    for month in range(model.month):
        tell(month + 1)
    model.run(month_done)
    run = _brought_home(model, eligible, keep_status, **spent())
    model.__dict__.clear()  # Mesa's model holds itself: its columns would wait for the garbage collector
    place.run_done(run, panel)
    return run


def live_history(scenario: Scenario, replicate: int, place: Place) -> None:
    """Live the years before month 0, and keep them in `place` for all scenarios that share them."""
    model, _ = place.begin(scenario, replicate, shared=True)
    model.__dict__.clear()  # as above


def _brought_home(
    model: LaborMarket, eligible: np.ndarray, keep_status: bool, seconds: float, cpu_seconds: float
) -> RunData:
    w = model.workers
    follows = bool(model.panel_rows.size)
    model.randomised.settle(model.enrolments)
    return RunData(
        scenario=model.asked,
        replicate=model.replicate,
        programmes=tuple(model.programme_ids),
        months_of_course=tuple(int(p.months) for p in model.programmes),
        years=tuple(model.ledger.years),
        record=model.record,
        enrolments=model.enrolments,
        books=model.ledger.books,
        eligible=eligible,
        residuals=dict(model.residuals),
        headcount=dict(model.headcount),
        spin_up_months=model.spin_up_months,
        agents=len(model.agents),
        employers=int(model.employers.open.sum()),
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        people={name: np.array(getattr(w, name)) for name in PEOPLE} if keep_status else {},
        panel_rows=model.panel_rows if follows else np.empty(0, dtype=np.int64),
        employer_size=np.array(model.employers.size)
        if follows or keep_status
        else np.empty(0, dtype=np.uint8),
        exposure=np.array(model.tables.exposure),
        complementarity=np.array(model.tables.complementarity),
        randomised=model.randomised,
    )
