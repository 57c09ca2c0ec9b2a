"""Sweeps on a cluster: arrays of Slurm tasks, or a Dask cluster, and the small TOML file that says which.

An executor tries each unit that is missing once, and knows of no state but the markers in the sweep's folder and,
with Slurm, the queue. A driver that was killed leaves its arrays in the queue; the next one finds them there by
their names and waits for them before it hands their units out again.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from sim.errors import InputError
from sim.layers import placed, read
from sim.records import Record, between, validated
from sim.sweep.drive import Executor, Tell, say
from sim.sweep.store import UNITS, put

TASKS, LOGS = "tasks", "logs"
PILOT = 8
"""Lists of one unit that are tried first, where nothing says yet how long a unit takes."""
LEAST_S = 60.0
"""Seconds of work below which a Slurm task is mostly its own start."""
DASK_S = 30.0
"""Seconds of work that make a Dask task."""
REACH_S = 30.0
"""Seconds within which a Dask scheduler is reached."""
ANSWER_S = 60.0
"""Seconds that a command of Slurm may take."""
SILENCE_S = 900.0
"""Seconds without an answer of Slurm after which the driver gives up."""
STUCK = re.compile(
    "Held|held|Invalid|Limit$|BadConstraints|NodeDown|PartitionDown|PartitionInactive|DependencyNever"
)
"""Reasons for which a task may wait until somebody does something."""


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
        return Slurm(found.slurm)
    if found.dask is None:
        file, allowed = str(path) if path else None, "--cluster FILE with a table [dask]"
        raise InputError("which Dask cluster?", file=file, key="--executor", allowed=allowed)
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


# ------------------------------------------------------------------------------------------------------- Slurm


OURS = ("SLURM_CONF", "SLURM_CLUSTERS", "SLURM_JWT")
"""What a driver that is itself a Slurm job passes on: not the cores, memory and numbers that it was given."""


class NoAnswerError(Exception):
    """A command of Slurm failed; what it said."""


def ask(*words: str) -> str:
    """What a command of Slurm prints. NoAnswerError with what it says where it fails."""
    env = {name: text for name, text in os.environ.items() if not name.startswith("SLURM_") or name in OURS}
    try:
        done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=ANSWER_S, check=False)
    except subprocess.TimeoutExpired:
        raise NoAnswerError(f"{words[0]} took more than {ANSWER_S:.0f} s") from None
    if done.returncode:
        said = [
            line.removeprefix(f"{words[0]}: error: ") for line in done.stderr.splitlines() if line.strip()
        ]
        raise NoAnswerError("; ".join(said) or f"it ended with {done.returncode}")
    return done.stdout


def require(program: str) -> None:
    """InputError where a program of Slurm is not on this machine."""
    if shutil.which(program) is None:
        problem = f"Slurm's {program} is not on this machine"
        allowed = "a login node of the cluster, or --executor local"
        raise InputError(problem, key="--executor", allowed=allowed)


class Task(NamedTuple):
    """A line of the queue."""

    job: str
    state: str
    reason: str
    name: str


class Arrays:
    """The arrays of one sweep: files of tasks in its folder, jobs of the same names in the queue."""

    def __init__(self, store: Path, asked: SlurmSettings) -> None:
        self.store, self.asked = store, asked
        self.family = f"laborshift-{hashlib.sha256(str(store).encode()).hexdigest()[:8]}-"
        self.sent: list[str] = []
        self.jobs: set[str] = set()
        self._units: dict[str, set[int]] = {}
        self._told: set[str] = set()
        self._heard = time.monotonic()
        self._not_before = self._refused = 0.0

    def submit(self, lists: list[list[int]], others: bool) -> bool:
        """Submit an array of these lists; whether Slurm took it. others: whether tasks of this sweep are in the queue.

        A Slurm that is busy, or has enough, is asked again later. InputError where it will not take the first array.
        """
        if time.monotonic() < self._not_before:
            return False
        numbers = [int(file.stem[6:]) for file in (self.store / TASKS).glob("slurm-*.json")]
        stem = f"slurm-{max(numbers, default=0) + 1:05d}"
        file = self.store / TASKS / f"{stem}.json"
        put(file, json.dumps(lists) + "\n")
        put(file.with_suffix(".sh"), script(self.asked, self.store, file, len(lists)))
        last = math.ceil(len(lists) / self.asked.cpus) - 1
        words = [f"--array=0-{last}", f"--job-name={self.family}{stem}"]
        words += options(self.asked, self.store / LOGS / f"{stem}-%a.txt")
        try:
            told = ask("sbatch", "--parsable", *words, str(file.with_suffix(".sh")))
        except NoAnswerError as why:
            busy = re.search("timed out|temporarily|took more than|contact slurm", str(why), re.IGNORECASE)
            tired = self._refused and time.monotonic() > self._refused + SILENCE_S
            if not others and (tired or not busy):
                problem = f"Slurm's sbatch refuses: {why}"
                allowed = "what this cluster takes, in --cluster FILE"
                raise InputError(problem, key="--executor", allowed=allowed) from None
            self._say_once(f"Slurm takes no more now ({why}); asked again every minute")
            self._refused = self._refused or time.monotonic()
            self._not_before = time.monotonic() + ANSWER_S
            return False
        self._refused = 0.0
        self.jobs.add(told.strip().split(";")[0])
        self.sent.append(stem)
        return True

    def queued(self) -> list[Task] | None:
        """Tasks of this sweep in the queue; None where Slurm does not answer. InputError when it has not for long."""
        try:
            told = ask("squeue", "--me", "--noheader", "--array", "--format=%i|%T|%r|%j")
        except NoAnswerError as why:
            if time.monotonic() > self._heard + SILENCE_S:
                problem = f"Slurm has not answered for {SILENCE_S / 60:.0f} minutes: {why}"
                allowed = "--resume when it does; tasks in the queue go on"
                raise InputError(problem, key="--executor", allowed=allowed) from None
            return None
        self._heard = time.monotonic()
        tasks = [Task(*line.split("|", 3)) for line in told.splitlines() if line.count("|") >= 3]
        mine = [one for one in tasks if one.name.startswith(self.family)]
        self.jobs |= {one.job.split("_")[0] for one in mine}
        for reason in {one.reason for one in mine if one.state == "PENDING" and STUCK.search(one.reason)}:
            self._say_once(f"Slurm holds tasks back: {reason}; squeue --me shows which")
        return mine

    def _say_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            say(text)

    def holds(self, tasks: Iterable[Task]) -> set[int]:
        """Units of the arrays that these tasks belong to."""
        found: set[int] = set()
        for name in {one.name for one in tasks}:
            if name not in self._units:
                file = self.store / TASKS / f"{name.removeprefix(self.family)}.json"
                try:
                    lists = json.loads(file.read_text(encoding="utf-8"))
                except (
                    OSError,
                    ValueError,
                ):  # somebody took it away: its units are done twice, which is harmless
                    lists = []
                self._units[name] = {unit for units in lists for unit in units}
            found |= self._units[name]
        return found

    def cancel(self) -> None:
        """Take the arrays out of the queue."""
        if not self.jobs:
            return
        try:
            ask("scancel", "--quiet", *sorted(self.jobs))
            say(f"cancelled the Slurm jobs {', '.join(sorted(self.jobs))}")
        except NoAnswerError as why:
            say(f"Slurm does not cancel ({why}); do it yourself: scancel {' '.join(sorted(self.jobs))}")

    def tidy(self, missing: int) -> None:
        """Take empty logs away; where units are missing, say the last words of one log."""
        said = []
        for stem in self.sent:
            for file in sorted((self.store / LOGS).glob(f"{stem}-*.txt")):
                lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
                words = [line.strip() for line in lines if line.strip()]
                if words:
                    said.append((file, words[-1]))
                else:
                    file.unlink(missing_ok=True)
        if missing and said:
            file, line = said[-1]
            say(f"{missing} units were not done in this round; {file} ends with: {line}")


class Slurm:
    """Arrays of tasks, each a list of units; never more than `max_tasks` tasks in the queue."""

    name = "slurm"

    def __init__(self, asked: SlurmSettings) -> None:
        require("sbatch")
        self.asked = asked

    def carry_out(self, store: Path, units: Sequence[int], tell: Tell) -> None:
        """As `Executor`. An interrupt cancels the arrays; any other end leaves them to the next driver."""
        store = store.resolve()
        arrays = Arrays(store, self.asked)
        largest = largest_array()
        pending, waiting = set(units), list(units)
        try:
            while True:
                known = done_units(store)
                for unit in sorted(pending & known):
                    tell(unit)
                pending -= known
                tasks = arrays.queued()
                if tasks is not None:
                    held = arrays.holds(tasks) | known
                    waiting = [unit for unit in waiting if unit not in held]
                    if not pending or not (tasks or waiting):
                        break
                    lists = self._next(store, waiting, len(tasks), largest, bool(arrays.sent))
                    if lists is None:
                        break
                    if lists and arrays.submit(lists, bool(tasks)):
                        sent = {unit for one in lists for unit in one}
                        waiting = [unit for unit in waiting if unit not in sent]
                time.sleep(self.asked.poll_seconds)
        except KeyboardInterrupt:
            arrays.cancel()
            raise
        arrays.tidy(len(pending - done_units(store)))

    def _next(
        self, store: Path, waiting: Sequence[int], queued: int, largest: int, begun: bool
    ) -> list[list[int]] | None:
        """Lists of the next array: none yet while the queue is full or the first units are at work; None: give up.

        queued: tasks in the queue; largest: array that Slurm takes; begun: whether this round sent an array already.
        """
        most, cpus = self.asked.max_tasks, self.asked.cpus
        room = min(most - queued, largest)
        if not waiting:
            return []
        seconds = seconds_a_unit(store)
        if seconds is None:
            if queued:
                return []
            return None if begun else [[unit] for unit in waiting[: min(PILOT, room * cpus)]]
        longest = min(self.asked.minutes * 60, seconds_of(self.asked.walltime) / 2)
        lists = parted(waiting, seconds, most * cpus, LEAST_S, longest, cpus)
        worthwhile = min(math.ceil(len(lists) / cpus), most // 4, largest)
        return lists[: room * cpus] if room >= max(1, worthwhile) else []


def largest_array() -> int:
    """Tasks that this cluster allows in an array. InputError where it allows none."""
    try:
        found = re.search(r"^MaxArraySize\s*=\s*(\d+)", ask("scontrol", "show", "config"), re.MULTILINE)
    except NoAnswerError:
        found = None
    size = int(found[1]) if found else 1001
    if size < 1:
        allowed = "dask with jobqueue, or local"
        raise InputError("this Slurm allows no arrays", key="--executor", allowed=allowed)
    return size


def options(asked: SlurmSettings, log: Path) -> list[str]:
    """Options of sbatch. log: with %a for the task's number."""
    folder = str(log.parent).replace("%", "%%")
    words = [
        f"--output={folder}/{log.name}",
        "--open-mode=append",
        "--requeue",
        "--nodes=1",
        "--ntasks=1",
        f"--cpus-per-task={asked.cpus}",
        f"--mem={asked.memory}",
        f"--time={asked.walltime}",
    ]
    if asked.partition:
        words.append(f"--partition={asked.partition}")
    if asked.account:
        words.append(f"--account={asked.account}")
    return [*words, *asked.extra]


def prologue(asked: SlurmSettings) -> list[str]:
    """Lines of bash before Python starts; a line that fails ends the task."""
    lines = [f"module load {shlex.quote(module)}" for module in asked.modules]
    if lines:  # where bash has not been told of modules
        lines.insert(0, "type module >/dev/null 2>&1 || . /etc/profile")
    if lines or asked.setup:
        lines = ["set -e", *lines, *asked.setup, "set +e"]
    return [*lines, "export OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1"]


def script(asked: SlurmSettings, store: Path, tasks: Path, lists: int) -> str:
    """What a task of an array runs: with several cores, so many lists side by side."""
    words = (asked.python, "-m", "sim.cli", "sweep-unit", str(store), "--tasks", str(tasks), "--task")
    work = " ".join(shlex.quote(word) for word in words)
    if asked.cpus == 1:
        body = [f'exec {work} "$SLURM_ARRAY_TASK_ID"']
    else:
        body = [
            "each=()",
            f"for ((n = SLURM_ARRAY_TASK_ID * {asked.cpus}; n < (SLURM_ARRAY_TASK_ID + 1) * {asked.cpus}; n++)); do",
            f"    if ((n < {lists})); then",
            f'        {work} "$n" &',
            '        each+=("$!")',
            "    fi",
            "done",
            "failed=0",
            'for one in "${each[@]}"; do wait "$one" || failed=1; done',
            "exit $failed",
        ]
    return "\n".join(["#!/bin/bash", *prologue(asked), *body]) + "\n"


# -------------------------------------------------------------------------------------------------------- Dask

_ALONE = threading.Lock()


def do_batch(store: str, units: Sequence[int]) -> None:
    """Units in a Dask worker, one at a time however many threads it has: a death of the process is its unit's doing."""
    os.environ.update(OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1")
    from sim.sweep.work import do_unit

    for unit in units:
        with _ALONE:
            do_unit(Path(store), unit)


class OnDask:
    """A Dask cluster: one that is there, or one whose workers are Slurm jobs for as long as a round lasts."""

    name = "dask"

    def __init__(self, asked: DaskSettings, slurm: SlurmSettings) -> None:
        self.asked, self.slurm = asked, slurm
        for library in ("distributed", *(["dask_jobqueue"] if asked.jobqueue else [])):
            if find_spec(library) is None:
                problem, allowed = f"{library} is not installed", "pip install 'laborshift[cluster]' first"
                raise InputError(problem, key="--executor", allowed=allowed)
        if asked.jobqueue:
            require("sbatch")

    def carry_out(self, store: Path, units: Sequence[int], tell: Tell) -> None:
        """As `Executor`. InputError where the cluster cannot be reached, or has no LaborShift like this one."""
        store = store.resolve()
        with self._client(store) as client:
            _hand_out(client, store, list(units), tell)

    @contextmanager
    def _client(self, store: Path) -> Iterator[Any]:
        from distributed import Client

        with ExitStack() as stack:
            where: dict[str, Any] = {"scheduler_file": self.asked.scheduler_file}
            if self.asked.jobqueue:
                where = {"address": stack.enter_context(self._cluster(store))}
            elif self.asked.address:
                where = {"address": self.asked.address}
            try:
                client = Client(**where, timeout=REACH_S, set_as_default=False)
            except (OSError, ValueError) as why:
                place = self.asked.address or self.asked.scheduler_file
                problem, allowed = (
                    f"no Dask scheduler answers at {place}",
                    "a cluster that runs, reached from here",
                )
                raise InputError(f"{problem} ({why})", key="dask", allowed=allowed) from None
            yield stack.enter_context(client)

    @contextmanager
    def _cluster(self, store: Path) -> Iterator[Any]:
        """Workers in Slurm jobs; lost ones are replaced."""
        from dask_jobqueue.slurm import SLURMCluster

        slurm = self.slurm
        made = SLURMCluster(
            queue=slurm.partition,
            account=slurm.account,
            walltime=slurm.walltime,
            cores=slurm.cpus,
            processes=slurm.cpus,
            memory=f"{slurm.memory}iB",
            job_mem=slurm.memory,
            job_name="laborshift-dask",
            job_script_prologue=prologue(slurm),
            job_extra_directives=list(slurm.extra),
            python=slurm.python,
            interface=self.asked.interface,
            log_directory=str(store / LOGS),
            scheduler_options={"dashboard": False, "dashboard_address": ":0"},
        )
        with made:
            jobs = math.ceil(self.asked.workers / slurm.cpus)
            made.adapt(minimum_jobs=jobs, maximum_jobs=jobs)
            yield made


def _hand_out(client: Any, store: Path, units: list[int], tell: Tell) -> None:
    """Batches of units to the workers, two ahead of each, until all have come back one way or the other."""
    from distributed import as_completed

    flow = as_completed(loop=client.loop, raise_errors=False)
    asked: dict[Any, list[int]] = {}
    begun, looked, workers, warned = time.monotonic(), 0.0, 0, False
    while units or asked:
        if time.monotonic() > looked + 1.0:
            try:
                looked, workers = time.monotonic(), len(client.nthreads())
            except OSError:  # the next round says so where it does not come back
                say("the Dask scheduler is gone")
                return
        if not workers and not warned and time.monotonic() > begun + 60.0:
            warned = True
            say("no Dask worker has come yet; waiting")
        room = 2 * workers - len(asked)
        if units and room > 0:
            seconds = seconds_a_unit(store)
            lists = [[unit] for unit in units]
            if seconds is not None:
                lists = parted(units, seconds, 4 * workers, 0.0, DASK_S)
            for batch in lists[:room]:
                future = client.submit(do_batch, str(store), batch, pure=False, retries=0)
                asked[future] = batch
                flow.add(future)
                units = units[len(batch) :]
        ready = flow.next_batch(block=False)
        for future in ready:
            batch = asked.pop(future)
            _look(future, batch)
            for unit in sorted(done_units(store).intersection(batch)):
                tell(unit)
        if not ready:
            time.sleep(0.1)


def _look(future: Any, batch: Sequence[int]) -> None:
    """Say why a batch came back undone. InputError for what all batches would come back with."""
    if future.status == "finished":
        return
    why = future.exception() if future.status == "error" else None
    if isinstance(why, InputError):
        raise why
    if isinstance(why, ModuleNotFoundError):
        problem = f"the Dask workers have no {why.name}"
        allowed = "workers with this version of laborshift[sweep] installed"
        raise InputError(problem, key="dask", allowed=allowed)
    text = str(why).splitlines()[0] if str(why or "") else future.status
    say(f"units {batch[0]} to {batch[-1]} were not done: {type(why).__name__ if why else 'lost'}: {text}")


__all__ = ["Cluster", "OnDask", "Slurm", "cluster", "do_batch", "executor", "parted"]
