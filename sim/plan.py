"""What a run will take before it takes it: time, memory and disk, from a calibration measured on this machine.

A replicate costs a fixed part and a part for each worker, to build and every month; `calibrate` measures both at a few
small sizes in a fresh process and keeps them beside the compiled kernels. Disk depends on no machine: its constants are
here, and a test holds them against a real folder.
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.errors import InputError

if TYPE_CHECKING:
    from sim.economy import Economy
    from sim.scenario import Scenario

FILE = "calibration.json"
SCALES = (
    1000,
    100,
    50,
)  # sizes measured: a line through three, since employers are fewer a worker at fine scales
MONTHS = 6  # measured with every programme on, after the spin-up
WRITTEN_MONTHS, WRITTEN_RUNS = 24, 8  # of the results that are written to measure writing
IN_CHUNKS = 0.6  # share of a month that threads divide among them
PAIRING_S, PAIRING_SHARE = 0.1, 0.03  # of comparing two runs person by person: fixed, and of their simulation
PAIRING_BYTES = 60.0  # a worker, while two runs are compared: who was in work, at whom, who is counted where
ENROLMENT_BYTES = 0.1  # a worker-month with every programme on
COPIES = 4  # of the monthly sums, while results are made of them

# bytes on disk, scale 1000 and finer; figures need a year after the first completions for most of their panels
NC, NC_RUN_MONTH = 420_000, 4_700
SUMMARY, SUMMARY_YEAR = 390_000, 48_000  # a scenario: summary.csv and summary.json
SCENARIO_FILE = 5_000
FIGURES, FIGURES_LATE, LATE = 490_000, 830_000, 24
EFFECTS_YEAR, EFFECTS_FIGURES = (
    300_000,
    330_000,
)  # a scenario compared: tables, its group in run.nc; its pictures
PANEL_BYTES = 14.0  # a followed worker and month


class Line(NamedTuple):
    """A cost with a fixed part and a part for each worker."""

    fixed: float
    per_worker: float

    def at(self, workers: float) -> float:
        """The cost for so many workers."""
        return self.fixed + self.per_worker * workers


@dataclass(frozen=True)
class Calibration:
    """Processor seconds and bytes on this machine with this version of the kernels.

    start_s: imports and loading of compiled kernels, once a process; start_bytes: memory then. building: of a
    population; quiet, busy: a month without any and with every programme of `roadmap`; memory: highest above
    `start_bytes` while a replicate is built and run. writing_s and figures_s: results of one run, writing_run_month_s:
    every further run and month; writing_bytes: what writing adds to memory.
    """

    kernels: str
    machine: str
    measured: str
    start_s: float
    start_bytes: float
    building: Line
    quiet: Line
    busy: Line
    memory: Line
    writing_s: float
    figures_s: float
    writing_run_month_s: float
    writing_bytes: float

    @classmethod
    def read(cls, path: Path) -> Calibration | None:
        """The calibration kept in a file; None when there is none, or not one of these kernels and machine."""
        from sim import kernels

        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            lines = {name: Line(*fields[name]) for name in ("building", "quiet", "busy", "memory")}
            found = cls(**(fields | lines))
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return found if (found.kernels, found.machine) == (kernels.source_digest()[:16], machine()) else None

    def save(self, path: Path) -> None:
        """Keep it; a folder that cannot be written keeps none."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        except OSError:
            return


@dataclass(frozen=True)
class Plan:
    """What a run or a comparison will take. Seconds of wall time are on cores that nobody else uses."""

    scenarios: tuple[str, ...]
    workers: int
    months: int
    replicates: int
    jobs: int
    threads: int
    wall_s: float
    cpu_s: float
    peak_bytes: float
    disk_bytes: float
    cpu_parts: dict[str, float]
    calibration: Calibration

    def record(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return {**asdict(self), "scenarios": list(self.scenarios), "cpu_hours": self.cpu_s / 3600}


# ------------------------------------------------------------------------------------------------ prediction


def predict(
    calibration: Calibration,
    workers: int,
    months: int,
    *,
    replicates: int = 1,
    jobs: int = 1,
    threads: int = 1,
    panel: int = 0,
    activity: Sequence[float] = (1.0,),
    names: Sequence[str] = (),
    spin_up: int = 12,
    sums_bytes: int = 18_000,
    cores: int | None = None,
) -> Plan:
    """Time, memory and disk of one scenario, or of several compared in pairs with the first.

    workers: rows of a replicate, those to come included. activity: a number a scenario, the programmes with money over
    those of `roadmap`. sums_bytes: of one month in the record. cores: of the machine, all by default.
    """
    c, many = calibration, len(activity)
    quiet = c.quiet.at(workers)
    extra = max(0.0, c.busy.at(workers) - quiet)  # of every programme together
    simulating = sum(spin_up * quiet + months * (quiet + part * extra) for part in activity)
    building = many * c.building.at(workers)
    pairing = (many - 1) * (PAIRING_S + PAIRING_SHARE * 2 * (simulating + building) / many)
    tasks = replicates  # a replicate of every scenario stays in one process
    beside = min(jobs, tasks)
    processes = 1 if beside == 1 else beside + 1
    run_months = many * replicates * months
    writing = c.writing_s + c.writing_run_month_s * max(0, run_months - WRITTEN_MONTHS)
    parts = {
        "start": processes * c.start_s,
        "building": tasks * building,
        "months": tasks * simulating,
        "pairing": tasks * pairing,
        "writing": writing,
        "figures": c.figures_s,
    }
    free = max(1, min(beside, cores or os.cpu_count() or 1))
    task = building + simulating * _with_threads(workers, threads, free, cores) + pairing
    wall = min(processes, 2) * c.start_s + math.ceil(tasks / beside) * task * beside / free
    wall += writing + c.figures_s
    kept = sums_bytes * (run_months + many * replicates * spin_up)
    each = c.memory.at(workers) + ENROLMENT_BYTES * workers * months * max(activity)
    each += _pairing_bytes(workers, months) if many > 1 else 0.0
    running = each if beside == 1 else beside * (c.start_bytes + each)
    peak = c.start_bytes + max(running + kept, c.writing_bytes + COPIES * kept)
    return Plan(
        scenarios=tuple(names),
        workers=workers,
        months=months,
        replicates=replicates,
        jobs=jobs,
        threads=threads,
        wall_s=wall,
        cpu_s=sum(parts.values()),
        peak_bytes=peak,
        disk_bytes=disk(months, replicates, many, panel),
        cpu_parts=parts,
        calibration=c,
    )


def disk(months: int, replicates: int, scenarios: int = 1, panel: int = 0) -> float:
    """Bytes of a results folder."""
    runs, years = scenarios * replicates, months / 12
    size: float = NC + NC_RUN_MONTH * runs * months + (FIGURES if months < LATE else FIGURES_LATE)
    size += scenarios * (SUMMARY + SUMMARY_YEAR * years + SCENARIO_FILE)
    size += (scenarios - 1) * (EFFECTS_YEAR * years + EFFECTS_FIGURES)
    return size + PANEL_BYTES * panel * runs * months


def _pairing_bytes(workers: int, months: int) -> float:
    """Two runs keep two bits a person and month, at the ends of years an employer, and of every year who had what
    income (some six in ten people, 8 bytes); the running year's four incomes of everyone are one run's."""
    years = math.ceil(months / 12)
    return workers * (PAIRING_BYTES + 16 + 2 * (months * 2 / 8 + 4 * years + 5 * years))


def _with_threads(workers: int, threads: int, beside: int, cores: int | None) -> float:
    """Wall time of a month over its processor time."""
    from sim.kernels import CHUNK

    free = max(1, (cores or os.cpu_count() or 1) // beside)
    lanes = max(1, min(threads, free, math.ceil(workers / CHUNK)))
    return 1.0 - IN_CHUNKS + IN_CHUNKS / lanes


def plan(scenarios: Sequence[Scenario], calibration: Calibration, *, jobs: int = 1, panel: int = 0) -> Plan:
    """What one scenario (as `run` does) or several (as `compare` does) will take.

    Raises InputError when they cannot be compared, or their economy does not exist.
    """
    from sim import economy as economies
    from sim.network_tables import require_country
    from sim.record import Layout

    if len(scenarios) > 1:
        from sim.evaluation.compare import require_pairable

        require_pairable(scenarios)
    require_country(scenarios[0], "a plan")
    run = scenarios[0].run
    economy = economies.load(run.economy)
    spin_up = (run.start.year - economy.base_year) * 12 + run.start.month - 1
    return predict(
        calibration,
        workers_of(economy, run.scale, spin_up + run.months),
        run.months,
        replicates=run.replicates,
        jobs=jobs,
        threads=run.threads,
        panel=panel,
        activity=[activity_of(one, economy) for one in scenarios],
        names=[one.name for one in scenarios],
        spin_up=spin_up,
        sums_bytes=8 * Layout.of(economy).offsets[-1],
    )


def workers_of(economy: Economy, scale: int, months: int) -> int:
    """Rows of workers: everyone of the base year, and those who enter in `months`."""
    from sim.rates import demography

    living = float(economy.array("population", "sex", "age", "state").sum())
    entrants = demography(economy)[0].sum(axis=(1, 2))
    coming = sum(float(entrants[min(n // 12, entrants.size - 1)]) / 12 for n in range(months))
    return round((living + coming) / scale)


def activity_of(scenario: Scenario, economy: Economy) -> float:
    """Programmes with money over all programmes of the economy, which `roadmap` all funds."""
    records = scenario.programmes(economy.programmes)
    funded = sum(any(years.values()) for years in scenario.money(records).values())
    return funded / max(1, len(economy.programmes))


# ----------------------------------------------------------------------------------------------- calibration


def calibration_file() -> Path:
    """Where the calibration of this machine and version is kept."""
    from sim import kernels

    return kernels.cache_folder() / FILE


def machine() -> str:
    """What a calibration holds for."""
    return f"{platform.node()} {platform.machine()} {os.cpu_count()} cores"


def calibrate() -> Calibration:
    """Measure this machine in a fresh process (about half a minute) and keep what was found."""
    from sim.jobs import side_by_side
    from sim.runner import say_if_compiling

    say_if_compiling()  # else loading the kernels would be measured with compiling them
    (found,) = side_by_side(measure, [()], 1, lambda _: None)
    found.save(calibration_file())
    return found


def measure() -> Calibration:
    """The calibration, measured in this process, which should have done nothing before."""
    from sim import kernels
    from sim.replicate import simulate
    from sim.scenario import load

    roadmap = load("roadmap").with_run(replicates=1)
    run = simulate(roadmap.with_run(scale=SCALES[0], months=WRITTEN_MONTHS))
    started, start_bytes = time.process_time(), resident()
    sizes = [_size(roadmap.with_run(scale=scale, months=MONTHS), start_bytes) for scale in SCALES]
    small = sizes[0]
    steady = small["building"] + 12 * small["quiet"] + WRITTEN_MONTHS * small["busy"]
    workers = [one["workers"] for one in sizes]

    def fitted(name: str) -> Line:
        return line(workers, [one[name] for one in sizes])

    return Calibration(
        kernels=kernels.source_digest()[:16],
        machine=machine(),
        measured=datetime.now(UTC).isoformat(timespec="seconds"),
        start_s=max(0.1, started - steady),
        start_bytes=start_bytes,
        building=fitted("building"),
        quiet=fitted("quiet"),
        busy=fitted("busy"),
        memory=fitted("memory"),
        **_writing(run),
    )


def line(workers: Sequence[float], costs: Sequence[float]) -> Line:
    """The line nearest to costs in relative terms, its fixed part not below zero."""
    import numpy as np

    n, cost = np.asarray(workers, dtype=np.float64), np.maximum(np.asarray(costs, dtype=np.float64), 1e-9)
    fixed, slope = np.linalg.lstsq(np.stack([1.0 / cost, n / cost], axis=1), np.ones(n.size), rcond=None)[0]
    if fixed < 0.0:
        fixed, slope = 0.0, float((n / cost).sum() / ((n / cost) ** 2).sum())
    return Line(float(fixed), float(slope))


def _size(scenario: Scenario, start_bytes: float) -> dict[str, float]:
    """Processor seconds of building and of a month, and the highest memory, at one size.

    Of the months the lower quartile: what others do on a shared machine only ever adds.
    """
    from statistics import quantiles

    from sim.model import LaborMarket

    began = time.process_time()
    model = LaborMarket(scenario, spin_up=False)
    building = time.process_time() - began
    spent: dict[int, float] = {}
    while model.month < scenario.run.months:
        month, began = model.month, time.process_time()
        model.step()
        spent[month] = time.process_time() - began
    found = {
        "workers": float(model.workers.state.size),
        "building": building,
        "quiet": quantiles([took for month, took in spent.items() if month < 0], n=4)[0],
        "busy": quantiles([took for month, took in spent.items() if month > 0], n=4)[0],
        "memory": max(peak() - start_bytes, 1.0),
    }
    model.__dict__.clear()  # as `simulate` does
    return found


def _writing(run: Any) -> dict[str, float]:
    """Seconds of results, files and figures, and of each further run and month."""
    import tempfile
    from dataclasses import replace

    from sim.folder import write
    from sim.results import Results

    before = resident()
    took: dict[tuple[int, bool], float] = {}
    for copies, figures in ((1, False), (WRITTEN_RUNS, False), (1, True)):
        with tempfile.TemporaryDirectory() as folder:
            began = time.process_time()
            runs = [replace(run, replicate=number) for number in range(copies)]
            write(Path(folder), Results.from_runs(runs), runs, figures=figures)
            took[copies, figures] = time.process_time() - began
            if (
                copies == 1 and not figures
            ):  # the first time loads the libraries: the second says what a run adds
                began = time.process_time()
                write(Path(folder), Results.from_runs(runs), runs, figures=False)
                again = time.process_time() - began
    further = (took[WRITTEN_RUNS, False] - again) / ((WRITTEN_RUNS - 1) * WRITTEN_MONTHS)
    return {
        "writing_s": took[1, False],
        "figures_s": max(0.0, took[1, True] - again),
        "writing_run_month_s": max(0.0, further),
        "writing_bytes": max(0.0, resident() - before),
    }


def resident() -> float:
    """Memory of this process now, bytes; where the system does not say, its highest."""
    return _status("VmRSS")


def peak() -> float:
    """Highest memory of this process, bytes. `ru_maxrss` would also count the parent's before the program began."""
    return _status("VmHWM")


def _status(name: str) -> float:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024.0 * next(int(text.split()[1]) for text in lines if text.startswith(f"{name}:"))
    except (OSError, StopIteration):
        from sim.folder import peak_memory

        return float(peak_memory())


# --------------------------------------------------------------------------------------------------- command


def plan_command(scenarios: Sequence[Scenario], *, panel: int = 0, jobs: int = 1, json: bool = False) -> None:
    """`laborshift plan`: print one table for people, or one JSON object with `json`."""
    from json import dumps

    from sim.network_tables import require_country

    require_country(scenarios[0], "a plan")
    if len(scenarios) > 1:  # before measuring: a mistake is said at once
        from sim.evaluation.compare import require_pairable

        require_pairable(scenarios)
    calibration = Calibration.read(calibration_file())
    if calibration is None:
        text = "this machine has not been measured yet (laborshift warmup does); measuring now, about half a minute"
        print(text, file=sys.stderr, flush=True)
        calibration = calibrate()
    found = plan(scenarios, calibration, jobs=jobs, panel=panel)
    print(dumps(found.record(), ensure_ascii=False)) if json else _show(found)


def _show(found: Plan) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    c = found.calibration
    title = (
        f"{' against '.join(reversed(found.scenarios))}: {found.workers:,} workers, {found.months} months, "
    )
    title += f"{found.replicates} replicate{'s' if found.replicates > 1 else ''}, {found.jobs} at a time"
    table = Table(title=Text(title), title_justify="left", caption_justify="left")
    table.add_column("will take")
    table.add_column("", justify="right")
    table.add_column("of which")
    parts = ", ".join(f"{name} {duration(took)}" for name, took in found.cpu_parts.items() if took >= 0.05)
    note = f", {found.threads} threads" if found.threads > 1 else ""
    table.add_row(
        "wall time",
        duration(found.wall_s),
        f"{found.jobs} process{'es' if found.jobs > 1 else ''}{note}, on cores nobody else uses",
    )
    table.add_row("processor time", duration(found.cpu_s), parts)
    table.add_row("", f"{found.cpu_s / 3600:,.3f} core-hours", "")
    table.add_row("peak memory", size(found.peak_bytes), f"{size(c.start_bytes)} before the first worker")
    table.add_row("disk", size(found.disk_bytes), "the results folder")
    table.caption = Text(
        f"rests on what was measured here on {c.measured[:10]}: a month costs {c.quiet.fixed * 1e3:.1f} to "
        f"{c.busy.fixed * 1e3:.1f} ms and {c.quiet.per_worker * 1e9:.0f} to {c.busy.per_worker * 1e9:.0f} ns a worker "
        "(no programme, every programme); expect 30% either way; laborshift warmup measures again"
    )
    console = Console() if sys.stdout.isatty() else Console(width=140)
    console.print(table)


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, as people say them."""
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(amount: float) -> str:
    """Bytes in a unit that leaves few digits."""
    if amount < 2**20:
        return f"{amount / 2**10:.0f} KiB"
    return f"{amount / 2**20:,.1f} MiB" if amount < 2**30 else f"{amount / 2**30:,.2f} GiB"


__all__ = ["Calibration", "InputError", "Line", "Plan", "calibrate", "plan", "plan_command", "predict"]
