"""Sweeps as arrays of Slurm tasks.

A driver that was killed leaves its arrays in the queue; the next one finds them there by their names and waits for
them before it hands their units out again.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from sim.errors import InputError
from sim.sweep.cluster import (
    LOGS,
    TASKS,
    SlurmSettings,
    done_units,
    parted,
    seconds_a_unit,
    seconds_of,
)
from sim.sweep.drive import Tell, say
from sim.sweep.store import put

PILOT = 8
"""Lists of one unit that are tried first, where nothing says yet how long a unit takes."""
LEAST_S = 60.0
"""Seconds of work below which a Slurm task is mostly its own start."""
ANSWER_S = 60.0
"""Seconds that a command of Slurm may take."""
SILENCE_S = 900.0
"""Seconds without an answer of Slurm after which the driver gives up."""
STUCK = re.compile(
    "Held|held|Invalid|Limit$|BadConstraints|NodeDown|PartitionDown|PartitionInactive|DependencyNever"
)
"""Reasons for which a task may wait until somebody does something."""


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


__all__ = ["Slurm", "prologue", "require", "script"]
