"""`laborshift sweep`: what is asked, what is done, what it says."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim.errors import InputError
from sim.sweep.answers import Sweep
from sim.sweep.design import read_design
from sim.sweep.drive import Executor, Local, drive, folder_of, prepared, say
from sim.sweep.store import MANIFEST, UNITS, Store, put

EXECUTORS = ("local", "slurm", "dask")


def sweep_command(
    item: str,
    *,
    sets: Sequence[str] = (),
    executor: str = "local",
    cluster: Path | None = None,
    jobs: int | None = None,
    resume: bool = False,
    status: bool = False,
    verify: bool = False,
    prepare: int = 0,
    out: Path | None = None,
    as_json: bool = False,
    quiet: bool = False,
) -> None:
    """Do a sweep, or say how it stands. item: a design, or the folder of a sweep."""
    engine = _executor(executor, cluster, jobs)
    folder = Path(item).expanduser()
    known = (folder / MANIFEST).is_file() and (folder / UNITS).is_dir()
    if known and sets:
        raise InputError(
            "a sweep that is begun keeps its settings", key="--set", allowed="a design to begin another"
        )
    if not known:
        design = read_design(item, sets)
        folder = folder_of(design, out)
        known = (folder / MANIFEST).is_file()
    if (status or verify) and not known:
        raise InputError("is not begun", file=str(folder), allowed=f"laborshift sweep {item}")
    if status:
        _tell_status(Store(folder), as_json)
        return
    if verify:
        _verify(Store(folder), as_json)
        return
    if known and not resume and not prepare and Store(folder).missing():
        store = Store(folder)
        problem = f"is begun: {len(store.done())} of {store.units} units are done"
        raise InputError(
            problem, file=str(folder), allowed="--resume to go on, --status to look, or another --out"
        )
    if not known:
        from sim.runner import say_if_compiling

        say_if_compiling(quiet=quiet or as_json)
    store = Store(folder) if known else prepared(design, folder)
    if prepare:
        _prepare(store, prepare)
        return
    if store.missing():
        if not quiet and not as_json:
            units = f"{len(store.missing()):,} of {store.units:,} units of {store.unit} runs"
            say(f"{store.runs:,} runs, {units} to do by {engine.name}; {folder}")
        started = time.perf_counter()
        drive(store, engine, progress=not (quiet or as_json))
        if not quiet and not as_json:
            say(f"done in {time.perf_counter() - started:,.1f} s")
    _answer(Sweep(store), as_json, quiet)


def _executor(name: str, cluster: Path | None, jobs: int | None) -> Executor:
    if name not in EXECUTORS:
        from sim.errors import nearest

        near = nearest(name, EXECUTORS)
        raise InputError(
            f"unknown executor {name!r}", key="--executor", allowed=", ".join(EXECUTORS), nearest=near
        )
    if name == "local":
        if cluster is not None:
            raise InputError(
                "is for slurm and dask", key="--cluster", allowed="--executor slurm or dask with it"
            )
        return Local(jobs)
    from sim.sweep.cluster import executor

    made: Executor = executor(name, cluster)
    return made


def _tell_status(store: Store, as_json: bool) -> None:
    """Runs done, failed and to do, the rate and the time left, and the share of time in the model."""
    found = status_of(store)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    runs = f"{found['runs_done']:,} of {found['runs']:,} runs done, {found['runs_failed']:,} failed"
    print(f"{store.manifest['name']}: {runs}")
    print(f"  {found['units_done']:,} of {found['units']:,} units of {store.unit} runs; {store.folder}")
    if found["units_done"]:
        print(
            f"  {found['seconds_a_run']:.3g} s of a core a run, {found['share_in_model']:.1%} of it in the model"
        )
        left = found["core_hours_left"]
        print(
            f"  {left:,.2f} core-hours are left" if found["units_done"] < found["units"] else "  all is done"
        )
    for one in found["failures"][:3]:
        last = one["traceback"].strip().splitlines()[-1]
        print(
            f"  run {one['run']} ({one['lever']}, point {one['point']}, replicate {one['replicate']}): {last}"
        )


def status_of(store: Store) -> dict[str, Any]:
    """How a sweep stands, as plain values."""
    told = list(store.markers())
    failures = [one for marker in told for one in marker["failures"]]
    runs = sum(marker["runs"][1] - marker["runs"][0] for marker in told)
    seconds = sum(marker["seconds"] for marker in told)
    model = sum(marker["model_seconds"] for marker in told)
    each = seconds / runs if runs else 0.0
    return {
        "folder": str(store.folder),
        "runs": store.runs,
        "runs_done": runs - len(failures),
        "runs_failed": len(failures),
        "units": store.units,
        "units_done": len(told),
        "seconds_a_run": round(each, 6),
        "share_in_model": round(model / seconds, 6) if seconds else 0.0,
        "core_hours_left": round(each * (store.runs - runs) / 3600, 6),
        "failures": failures,
    }


def _verify(store: Store, as_json: bool) -> None:
    """Every unit against the checksum in its marker; damaged ones lose the marker: --resume does them again."""
    damaged = store.damaged()
    store.forget(damaged)
    if as_json:
        print(
            json.dumps(
                {"folder": str(store.folder), "units": len(store.done()) + len(damaged), "damaged": damaged}
            )
        )
    elif damaged:
        print(f"{len(damaged)} units are damaged and count as not done now: --resume does them again")
    else:
        print(f"{len(store.done()):,} units are as they were written")


def _prepare(store: Store, tasks: int) -> None:
    """Part what is missing into so many tasks, for a scheduler of one's own, and say how to run one."""
    missing = store.missing()
    if not missing:
        print("all is done: nothing to prepare")
        return
    number = min(tasks, len(missing))
    file = store.folder / "tasks" / f"prepared-{number}.json"
    put(file, json.dumps([missing[n::number] for n in range(number)]) + "\n")
    print(f"{number} tasks; number N of 0 to {number - 1}, on any machine that sees the folder:")
    print(f"  laborshift sweep-unit {store.folder} --tasks {file} --task N")


def unit_command(folder: Path, tasks: Path, task: int) -> None:
    """`laborshift sweep-unit`: the units of one task, for schedulers. What is done is not done again."""
    from sim.runner import say_if_compiling
    from sim.sweep.work import do_unit

    try:
        units = json.loads(tasks.read_text(encoding="utf-8"))
        mine = [int(unit) for unit in units[task]] if 0 <= task < len(units) else None
    except (OSError, ValueError, TypeError):
        raise InputError("is not a file of tasks", file=str(tasks), key="--tasks") from None
    if mine is None:
        raise InputError(
            f"there is no task {task}", file=str(tasks), key="--task", allowed=f"0 to {len(units) - 1}"
        )
    Store(folder)
    say_if_compiling()
    for unit in mine:
        do_unit(folder, unit)


def _answer(sweep: Sweep, as_json: bool, quiet: bool) -> None:
    from sim.sweep.show import answer

    told, tables = answer(sweep, sweep.store.folder / "answers")
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
    elif not quiet:
        from rich.console import Console

        console = Console() if sys.stdout.isatty() else Console(width=160)
        for table in tables:
            console.print(table)
        print(f"results: {sweep.store.folder}")


__all__ = ["status_of", "sweep_command", "unit_command"]
