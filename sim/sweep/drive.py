"""Who does the units: a pool of processes here, or an executor of a cluster (`sim.sweep.cluster`); and their rounds.

Nothing but the markers in the folder says what is done. A driver looks what is missing, hands it out, and looks again;
so a killed worker, driver or node costs the units that it was at, and nothing else.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from sim.economy import load as load_economy
from sim.errors import InputError
from sim.folder import OUTPUTS
from sim.jobs import Tick, bar, cores, ignore_interrupt
from sim.sweep.design import Design
from sim.sweep.outcomes import kept_of
from sim.sweep.store import AT, Store, create
from sim.sweep.work import DEADLY, do_unit

PATIENCE = DEADLY + 1
"""Rounds without any progress after which the driver gives up."""
AHEAD = 2
"""Units a process that are handed to the pool at a time."""
Tell = Callable[[int], None]


class Executor(Protocol):
    """An engine that does units."""

    name: str

    def carry_out(self, store: Path, units: Sequence[int], tell: Tell) -> None:
        """Try each of `units`; returns when every one was tried or given up in this round. tell: told of each done."""


class Local:
    """Processes on this machine. A process that dies takes the others of its pool with it: the units they were at are
    then done one at a time, so that it shows which run kills its process."""

    name = "local"

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs or cores()

    def carry_out(self, store: Path, units: Sequence[int], tell: Tell) -> None:
        """As `Executor`."""
        left = self._round(store, list(units), tell, min(self.jobs, len(units)), alone=self.jobs == 1)
        for unit in [unit for unit in left if (store / AT / f"{unit:07d}").exists()]:
            self._round(store, [unit], tell, 1, alone=True)

    def _round(self, store: Path, units: list[int], tell: Tell, jobs: int, alone: bool) -> list[int]:
        """Units that are not done when the pool has done all, or has broken."""
        context = multiprocessing.get_context("spawn")
        before = set(multiprocessing.active_children())
        pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(os.getpid(),))
        asked: dict[Future[None], int] = {}
        coming, left = iter(units), set(units)
        try:
            while True:
                for unit in coming:
                    asked[pool.submit(do_unit, store, unit, alone)] = unit
                    if len(asked) >= AHEAD * jobs:
                        break
                if not asked:
                    break
                for future in wait(asked, return_when=FIRST_COMPLETED).done:
                    unit = asked.pop(future)
                    future.result()
                    left.discard(unit)
                    tell(unit)
            pool.shutdown()
        except BrokenProcessPool:
            pool.shutdown(wait=False, cancel_futures=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - before:
                child.terminate()
            raise
        return sorted(left)


def _begin(driver: int) -> None:
    """In a process of the pool: one thread a run, and no life after the driver's."""
    ignore_interrupt()
    os.environ.update(OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

    def watch() -> None:
        while os.getppid() == driver:
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def folder_of(design: Design, out: Path | None = None) -> Path:
    """Where the sweep of a design belongs: the same question has the same folder."""
    return (out or OUTPUTS) / f"{design.name}-{design.digest[:8]}"


def prepared(design: Design, folder: Path) -> Store:
    """The folder of a design, made if need be. One month of one run shows what there is to keep."""
    from sim.replicate import simulate

    if (folder / "manifest.json").exists():
        store = Store(folder)
        if store.manifest["digest"] != design.digest:
            raise InputError("holds another sweep", file=str(folder), key="--out")
        return store
    scenarios = design.scenarios
    small = scenarios[0].with_run(months=1, scale=max(1000, scenarios[0].run.scale))
    probe = simulate(small)
    economy = load_economy(small.run.economy)
    programmes = {id for one in scenarios for id in one.programmes(economy.programmes)}
    kept = kept_of(probe, design.file.keep, sorted(programmes))
    months = scenarios[0].run.months
    try:
        return create(folder, design, kept.over(scenarios[0].run.start, months))
    except OSError as reason:
        problem = f"results cannot be written ({reason.strerror})"
        raise InputError(problem, file=str(folder), key="--out") from reason


def drive(store: Store, executor: Executor, progress: bool = False) -> None:
    """Do what is missing of a sweep, round after round. InputError where another driver is at it.

    Raises RuntimeError when rounds pass without a step forward; an interrupt ends the work and says what is kept.
    """
    with store.alone():
        for old in (store.folder / AT).iterdir():  # of processes that died with an earlier driver
            old.unlink(missing_ok=True)
        missing = store.missing()
        runs = sum(len(store.runs_of(unit)) for unit in missing)
        idle, before = 0, _stage(store)
        try:
            with bar(runs, "runs", progress, rate=True) as tick:
                tell = _once(store, tick)
                while missing:
                    executor.carry_out(store.folder, missing, tell)
                    missing, now = store.missing(), _stage(store)
                    for unit in sorted(store.done()):
                        tell(unit)
                    idle, before = (0 if now != before else idle + 1), now
                    if missing and idle >= PATIENCE:
                        problem = (
                            f"{len(missing)} units are missing after {PATIENCE} rounds without a step forward"
                        )
                        raise RuntimeError(f"{problem}; see {store.folder / 'logs'}, or laborshift self-test")
        except KeyboardInterrupt:
            done = store.units - len(store.missing())
            kept = f"{done} of {store.units} units are kept; the same command with --resume goes on"
            raise KeyboardInterrupt(f"interrupted; {kept}") from None


def _once(store: Store, tick: Tick) -> Tell:
    """Tells the bar of a unit the first time that it hears of it."""
    known = store.done()

    def tell(unit: int) -> None:
        if unit not in known:
            known.add(unit)
            tick(len(store.runs_of(unit)))

    return tell


def _stage(store: Store) -> tuple[int, list[str]]:
    """What changes when a round was of any use: markers, and deaths noted."""
    notes = []
    for file in sorted((store.folder / AT).iterdir()):
        with suppress(OSError):
            notes.append(file.read_text(encoding="utf-8"))
    return len(store.done()), notes


def say(text: str) -> None:
    """A line for people, on standard error."""
    print(text, file=sys.stderr, flush=True)


__all__ = ["Executor", "Local", "drive", "folder_of", "prepared", "say"]
