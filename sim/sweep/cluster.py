"""Where the cores of a cluster are: the small TOML file that says so, and units of a sweep as lists of work.

An executor (`sim.sweep.slurm`, `sim.sweep.on_dask`) tries each unit that is missing once, and knows of no state but the
markers in the sweep's folder and, with Slurm, the queue.
"""

from __future__ import annotations

import json
import math
import os
import re
import statistics
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from sim.errors import InputError
from sim.layers import placed, read
from sim.records import Record, between, validated
from sim.sweep.drive import Executor
from sim.sweep.store import UNITS

TASKS, LOGS = "tasks", "logs"


# ------------------------------------------------------------------------------------------------ the TOML file


def _walltime(text: str) -> str:
    if not re.fullmatch(r"(\d+-)?\d{1,3}:[0-5]\d:[0-5]\d", text) or not seconds_of(text):
        allowed = 'hours:minutes:seconds such as "02:00:00", or days before them, "1-12:00:00"'
        raise PydanticCustomError(
            "walltime", "{given} is no walltime", {"given": repr(text), "allowed": allowed}
        )
    return text


def _memory(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d*[KMGT]", text):
        allowed = 'a whole number and K, M, G or T, such as "4G"'
        raise PydanticCustomError(
            "memory", "{given} is no amount of memory", {"given": repr(text), "allowed": allowed}
        )
    return text


def _options(lines: tuple[str, ...]) -> tuple[str, ...]:
    for line in lines:
        if not line.startswith("-") or "\n" in line:
            context = {"given": repr(line), "allowed": 'options of sbatch, such as "--qos=long"'}
            raise PydanticCustomError("option", "{given} is no option", context)
    return lines


Lines = Annotated[tuple[str, ...], Field(strict=False)]


class SlurmSettings(Record):
    """`[slurm]`: what every task asks for, and how the units are parted into tasks."""

    partition: str | None = None
    account: str | None = None
    walltime: Annotated[str, AfterValidator(_walltime)] = "02:00:00"
    memory: Annotated[str, AfterValidator(_memory)] = "4G"
    """Of a task, for all its processes."""
    cpus: Annotated[int, between(1, 1024, "cores")] = 1
    """Of a task, which runs a process on each."""
    modules: Lines = ()
    setup: Lines = ()
    """Lines of bash that every task runs first."""
    python: str = sys.executable
    max_tasks: Annotated[int, between(1, 100_000, "tasks")] = 200
    """The most that are in the queue at once."""
    minutes: Annotated[float, between(1, 10_000, "minutes")] = 20
    """The most work that a task is given; less where there are tasks enough to share it."""
    extra: Annotated[Lines, AfterValidator(_options)] = ()
    poll_seconds: Annotated[float, between(0.1, 600, "seconds")] = 5


class DaskSettings(Record):
    """`[dask]`: a cluster that is there (one of `address`, `scheduler_file`), or one that is made (`jobqueue`)."""

    address: str | None = None
    scheduler_file: str | None = None
    jobqueue: Literal["slurm"] | None = None
    workers: Annotated[int, between(1, 10_000, "workers")] = 8
    """Processes, where a cluster is made."""
    interface: str | None = None
    """Network card by which workers reach the driver, where a cluster is made."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = ("address", "scheduler_file", "jobqueue")
        given = sum(getattr(self, way) is not None for way in ways)
        if given != 1:
            problem = "names more than one cluster" if given else "names no cluster"
            raise InputError(problem, key="dask", allowed=f"one of {', '.join(ways)}")
        return self


class Cluster(Record):
    """A cluster file."""

    slurm: SlurmSettings = SlurmSettings()
    dask: DaskSettings | None = None


def cluster(path: Path) -> Cluster:
    """A cluster file, checked. InputError (file, line, key, what is allowed, the nearest name)."""

    def check(table: Mapping[str, Any]) -> dict[str, Any]:
        validated(Cluster, table)
        return dict(table)

    path = path.expanduser()
    layer = read(path, check)
    found = validated(Cluster, layer.table)
    if found.dask and found.dask.scheduler_file:
        beside = path.parent / Path(found.dask.scheduler_file).expanduser()
        if not beside.is_file():
            error = InputError(f"there is no file {str(beside)!r}", key="dask.scheduler_file")
            error.allowed = "the file that dask scheduler --scheduler-file has written"
            raise placed(error, (layer,))
        dask = found.dask.model_copy(update={"scheduler_file": str(beside.resolve())})
        found = found.model_copy(update={"dask": dask})
    return found


def executor(name: str, path: Path | None) -> Executor:
    """The executor "slurm" or "dask" with the settings of a cluster file; Slurm can do without one.

    Raises InputError for what is wrong in the file or missing on this machine.
    """
    found = cluster(path) if path else Cluster()
    if name == "slurm":
        from sim.sweep.slurm import Slurm

        return Slurm(found.slurm)
    if found.dask is None:
        file, allowed = str(path) if path else None, "--cluster FILE with a table [dask]"
        raise InputError("which Dask cluster?", file=file, key="--executor", allowed=allowed)
    from sim.sweep.on_dask import OnDask

    return OnDask(found.dask, found.slurm)


def seconds_of(walltime: str) -> int:
    """Seconds of D-HH:MM:SS."""
    days, _, clock = walltime.rpartition("-")
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds


# ------------------------------------------------------------------------------------------- units into tasks


def done_units(store: Path) -> set[int]:
    """Units whose markers are there."""
    with os.scandir(store / UNITS) as entries:
        return {int(entry.name[:-5]) for entry in entries if re.fullmatch(r"\d+\.json", entry.name)}


def seconds_a_unit(store: Path) -> float | None:
    """The median of what (up to fifty) markers say; None without any."""
    units = sorted(done_units(store))
    some = units[:: max(1, len(units) // 50)]
    told = [json.loads((store / UNITS / f"{unit:07d}.json").read_text(encoding="utf-8")) for unit in some]
    return max(1e-3, statistics.median(one["seconds"] for one in told)) if told else None


def parted(
    units: Sequence[int], seconds: float, slots: int, least: float, most: float, together: int = 1
) -> list[list[int]]:
    """Units, of so many seconds each, as lists of work.

    One list for each of `slots` where that gives it `least` to `most` seconds of work; else longer or more lists. A
    task takes `together` of them side by side: their number is rounded up to fill it.
    """
    fewest, largest = max(1, round(least / seconds)), max(1, int(most / seconds))
    each = min(max(math.ceil(len(units) / slots), fewest), largest)
    lists = min(len(units), together * math.ceil(math.ceil(len(units) / each) / together))
    cuts = [n * len(units) // lists for n in range(lists + 1)]
    return [list(units[a:b]) for a, b in pairwise(cuts)]


__all__ = [
    "LOGS",
    "TASKS",
    "Cluster",
    "DaskSettings",
    "SlurmSettings",
    "cluster",
    "done_units",
    "executor",
    "parted",
    "seconds_a_unit",
    "seconds_of",
]
