"""Run scenarios and keep what comes out: replicates side by side, a results folder, a table for people."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import InputError
from sim.replicate import RunData, simulate
from sim.scenario import Scenario, load

if TYPE_CHECKING:
    from rich.progress import Progress

    from sim.results import Results

__all__ = [
    "RunData",
    "run",
    "run_command",
    "run_results",
    "say_if_compiling",
    "self_test",
    "simulate",
    "simulate_all",
    "warmup",
]

Done = Callable[[int], None]


def simulate_all(
    scenarios: Sequence[Scenario],
    *,
    replicates: int | None = None,
    jobs: int = 1,
    panel: int = 0,
    keep_status: bool = False,
    progress: bool = False,
) -> list[RunData]:
    """Every scenario with every replicate, scenario by scenario, replicates ascending.

    replicates: instead of each scenario's own number. jobs: processes side by side; the numbers do not depend
    on it. progress: a bar on standard error, on a terminal only. An interrupt ends the processes and is
    passed on.
    """
    tasks = [(s, r) for s in scenarios for r in range(replicates or s.run.replicates)]
    with _bar(progress) as bar:
        if jobs > 1 and len(tasks) > 1:
            return _side_by_side(tasks, jobs, panel, keep_status, _ticker(bar, len(tasks), "runs"))
        months = sum(s.run.months for s, _ in tasks)
        tick = _ticker(bar, months, "months")
        return [
            simulate(s, r, keep_status=keep_status, panel=panel, on_month=lambda _: tick(1)) for s, r in tasks
        ]


def _side_by_side(
    tasks: list[tuple[Scenario, int]], jobs: int, panel: int, keep_status: bool, tick: Done
) -> list[RunData]:
    """Tasks in fresh processes. Kernels are compiled before, once, so that the processes load them."""
    if not _compiled().exists():
        warmup()
    before = set(multiprocessing.active_children())
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=spawn, initializer=_ignore_interrupt)
    try:
        waiting: list[Future[RunData]] = [pool.submit(simulate, s, r, keep_status, panel) for s, r in tasks]
        left: set[Future[RunData]] = set(waiting)
        while left:
            done, left = wait(left, return_when=FIRST_COMPLETED)
            for one in done:
                one.result()
                tick(1)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    pool.shutdown()
    return [one.result() for one in waiting]


def _ignore_interrupt() -> None:
    """In a process of the pool: the one that asked decides what an interrupt ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def run(
    scenario: Scenario | str | Path,
    *,
    out: Path | None = None,
    panel: int = 0,
    jobs: int = 1,
    force: bool = False,
    progress: bool = False,
    figures: bool = True,
    **settings: Any,
) -> tuple[Results, Path]:
    """Run all replicates of a scenario and write its results folder; both are returned.

    scenario: made by `sim.load`, or what it takes. out: the folder of folders, `outputs` by default.
    settings: of the run, as `scale=1000, replicates=2`. A finished folder of the same question is read and
    not run again, unless `force`. Raises InputError where the input is wrong; an interrupt leaves no half
    folder.
    """
    from sim.folder import finished, folder_of, whole, write
    from sim.results import Results

    started = time.perf_counter()
    asked = scenario if isinstance(scenario, Scenario) else load(scenario)
    asked = asked.with_run(**settings) if settings else asked
    folder = folder_of(asked, out)
    if not force and finished(folder, panel):
        return Results.open(folder), folder
    runs = simulate_all([asked], jobs=jobs, panel=panel, progress=progress)
    results = Results.from_runs(runs)
    try:
        with whole(folder) as part:
            write(part, results, runs, panel=panel, seconds=time.perf_counter() - started, figures=figures)
    except OSError as reason:
        raise InputError(
            f"results cannot be written ({reason.strerror})", file=str(folder), key="--out"
        ) from reason
    return results, folder


def run_results(
    scenario: Scenario | str | Path,
    *,
    out: Path | str | None = None,
    panel: int = 0,
    jobs: int = 1,
    force: bool = False,
    progress: bool = True,
    **settings: Any,
) -> Results:
    """`sim.run`: run all replicates of a scenario and return the Results.

    Nothing is written unless `out` names a folder of folders; then as `run` does. settings: of the run, as
    `scale=100, replicates=8, months=60, seed=1`. Raises InputError where the input is wrong.
    """
    if out is not None:
        return run(
            scenario, out=Path(out), panel=panel, jobs=jobs, force=force, progress=progress, **settings
        )[0]
    from sim.results import Results

    asked = scenario if isinstance(scenario, Scenario) else load(scenario)
    asked = asked.with_run(**settings) if settings else asked
    return Results.from_runs(simulate_all([asked], jobs=jobs, panel=panel, progress=progress))


def run_command(
    scenario: Scenario,
    *,
    out: Path | None = None,
    panel: int = 0,
    jobs: int = 1,
    json: bool = False,
    quiet: bool = False,
    force: bool = False,
) -> None:
    """`laborshift run`: run, then print a table for people, or one JSON object with `json`."""
    from sim.tables import as_json, print_run

    say_if_compiling(quiet=quiet or json)
    results, folder = run(
        scenario, out=out, panel=panel, jobs=jobs, force=force, progress=not (quiet or json)
    )
    if json:
        print(as_json(results, folder))
    elif not quiet:
        print_run(results, folder)


def warmup() -> None:
    """Compile every kernel, and remember that this machine has them."""
    simulate(load("roadmap", overrides=["run.scale=1000", "run.months=5", "run.replicates=1"]), panel=1)
    marker = _compiled()
    try:
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    except OSError:  # a read-only home: compiled in memory, for this process
        return


def say_if_compiling(quiet: bool = False) -> None:
    """A line on standard error when the next run will compile the kernels first; then compile them."""
    if _compiled().exists() or os.environ.get("NUMBA_DISABLE_JIT") == "1":
        return
    if not quiet:
        print("compiling kernels, once per machine and version (about a minute)", file=sys.stderr, flush=True)
    warmup()


def self_test() -> list[str]:
    """A tiny run of the roadmap: what does not add up, in plain words; empty when all is well."""
    from sim.identities import broken

    return broken(simulate(load("roadmap", overrides=["run.scale=1000", "run.months=5", "run.replicates=1"])))


def _compiled() -> Path:
    """A mark beside the compiled kernels of this version."""
    from sim.kernels import cache_folder

    return cache_folder() / "compiled"


def _bar(progress: bool) -> Any:
    """A progress bar with the time left, on a terminal only."""
    if not progress or not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _ticker(bar: Progress | None, total: int, what: str) -> Done:
    if bar is None:
        return lambda _: None
    task = bar.add_task(what, total=total)
    return lambda n: bar.advance(task, n)
