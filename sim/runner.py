"""Run scenarios and keep what comes out: replicates side by side, a results folder, a table for people."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.branching import all_of_replicate, apart, sharing, spread
from sim.checkpoint import Place, for_now, keeping
from sim.economy import load as load_economy
from sim.errors import InputError
from sim.jobs import bar, side_by_side
from sim.network_tables import require_country
from sim.replicate import RunData, simulate
from sim.scenario import Scenario, load

if TYPE_CHECKING:
    from sim.network_results import NetworkRun
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


def simulate_all(
    scenarios: Sequence[Scenario],
    *,
    replicates: int | None = None,
    jobs: int = 1,
    panel: int = 0,
    keep_status: bool = False,
    progress: bool = False,
    place: Place | None = None,
) -> list[RunData]:
    """Every scenario with every replicate, scenario by scenario, replicates ascending.

    replicates: instead of each scenario's own number. jobs: processes side by side; the numbers do not depend
    on it. progress: a bar on standard error, on a terminal only. place: where checkpoints are kept. An interrupt
    ends the processes and is passed on. The years before month 0 that scenarios share are lived once a replicate.
    """
    for one in scenarios:
        require_country(one)
    rounds = [replicates or one.run.replicates for one in scenarios]
    tasks = [(one, r) for one, last in zip(scenarios, rounds, strict=True) for r in range(last)]
    if jobs > 1 and len(tasks) > 1 and not _compiled().exists():
        warmup()  # once, so that the processes load the kernels
    with for_now(place, needed=any(sharing(scenarios))) as here:
        if apart(scenarios, jobs, max(rounds)):
            return spread(tasks, jobs, here, keep_status=keep_status, panel=panel, progress=progress)
        together = [
            [s for s, last in zip(scenarios, rounds, strict=True) if r < last] for r in range(max(rounds))
        ]
        calls = [(every, r, here, keep_status, panel) for r, every in enumerate(together)]
        if jobs > 1 and len(calls) > 1:
            with bar(len(calls), "replicates", progress) as tick:
                done = side_by_side(all_of_replicate, calls, jobs, tick)
        else:
            with bar(sum(one.run.months for one, _ in tasks), "months", progress) as tick:
                done = [all_of_replicate(*call, lambda _: tick(1)) for call in calls]
    left = [iter(runs) for runs in done]
    return [next(left[r]) for _, r in tasks]


def run(
    scenario: Scenario | str | Path,
    *,
    out: Path | None = None,
    panel: int = 0,
    jobs: int = 1,
    force: bool = False,
    progress: bool = False,
    figures: bool = True,
    checkpoint_every: int = 0,
    **settings: Any,
) -> tuple[Results, Path]:
    """Run all replicates of a scenario and write its results folder; both are returned.

    scenario: made by `sim.load`, or what it takes. out: the folder of folders, `outputs` by default.
    settings: of the run, as `scale=1000, replicates=2`. A finished folder of the same question is read and
    not run again, unless `force`. checkpoint_every: months after which every replicate is kept beside the folder,
    so that the same call goes on from there after an interrupt; 0 keeps nothing. Raises InputError where the
    input is wrong; an interrupt leaves no half folder.
    """
    from sim.folder import finished, folder_of, whole, write
    from sim.results import Results

    started = time.perf_counter()
    asked = scenario if isinstance(scenario, Scenario) else load(scenario)
    asked = asked.with_run(**settings) if settings else asked
    folder = folder_of(asked, out)
    if not force and finished(folder, panel):
        return Results.open(folder), folder
    if panel or checkpoint_every:
        require_country(asked, "--panel" if panel else "--checkpoint-every")
    with keeping(folder, checkpoint_every) as place:
        results, runs = _made(asked, jobs, panel, progress, place)
        try:
            with whole(folder) as part:
                spent = time.perf_counter() - started
                write(part, results, runs, panel=panel, seconds=spent, figures=figures)
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
    asked = scenario if isinstance(scenario, Scenario) else load(scenario)
    asked = asked.with_run(**settings) if settings else asked
    if panel:
        require_country(asked, "panel")
    return _made(asked, jobs, panel, progress)[0]


def _made(
    asked: Scenario, jobs: int, panel: int, progress: bool, place: Place | None = None
) -> tuple[Results, list[RunData] | list[NetworkRun]]:
    """Results, and the replicates they are made of: of the market of a country, or of a network of occupations."""
    if load_economy(asked.run.economy).kind != "country":
        from sim.network_results import NetworkResults, simulate_networks

        steps = simulate_networks(asked, jobs, progress)
        return NetworkResults.from_runs(steps), steps
    from sim.results import Results

    runs = simulate_all([asked], jobs=jobs, panel=panel, progress=progress, place=place)
    return Results.from_runs(runs), runs


def run_command(
    scenario: Scenario,
    *,
    out: Path | None = None,
    panel: int = 0,
    jobs: int = 1,
    json: bool = False,
    quiet: bool = False,
    force: bool = False,
    checkpoint_every: int = 0,
) -> None:
    """`laborshift run`: run, then print a table for people, or one JSON object with `json`."""
    from sim.folder import finished, folder_of
    from sim.tables import as_json, print_run

    on_network = load_economy(scenario.run.economy).kind != "country"
    if not on_network:  # whose few kernels compile in seconds
        require_country(scenario)
        say_if_compiling(quiet=quiet or json)
    if not (quiet or json or force) and finished(folder_of(scenario, out), panel):
        print("answered from its folder; --force runs it again", file=sys.stderr)
    results, folder = run(
        scenario,
        out=out,
        panel=panel,
        jobs=jobs,
        force=force,
        progress=not (quiet or json),
        checkpoint_every=checkpoint_every,
    )
    if json:
        print(as_json(results, folder))
    elif on_network and not quiet:
        from sim.network_results import NetworkResults, print_network

        print_network(NetworkResults(results.tree), folder)
    elif not quiet:
        print_run(results, folder)


def warmup() -> None:
    """Compile every kernel, and remember that this machine has them. Numba makes millions of small objects, which the
    collector of cycles would go through again and again."""
    collects = gc.isenabled()
    gc.disable()
    try:
        simulate(load("roadmap", overrides=["run.scale=1000", "run.months=5", "run.replicates=1"]), panel=1)
    finally:
        if collects:
            gc.enable()
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
        print(
            "compiling kernels, once per machine and version (about 30 seconds)", file=sys.stderr, flush=True
        )
    warmup()


def self_test() -> list[str]:
    """A tiny run of the roadmap: what does not add up, in plain words; empty when all is well."""
    from sim.identities import broken

    return broken(simulate(load("roadmap", overrides=["run.scale=1000", "run.months=5", "run.replicates=1"])))


def _compiled() -> Path:
    """A mark beside the compiled kernels of this version."""
    from sim.kernels import cache_folder

    return cache_folder() / "compiled"
