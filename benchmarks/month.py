"""How long a month takes: processor time of each phase at several sizes, against yardsticks of the same run.

    python benchmarks/month.py [--scales 1000 100 46] [--months 8] [--json results.json]

Each size runs in a process of its own, in the scenario `roadmap` with every programme on, one thread. Processor time is
what counts, and its least value over the months: on a shared machine everything else is noise. The yardsticks are taken
between the months: drawing four Philox words for as many identities, and copying one float64 for each.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

REFERENCE_SCALE, REFERENCE_MONTHS = 1000, 2  # of the object-per-agent model: the coarsest, it is slow


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every size, print one table, write JSON when asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--scales", type=int, nargs="+", default=[1000, 100, 46], help="persons an agent stands for"
    )
    parser.add_argument("--months", type=int, default=8, help="months measured, after two that are not")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--objects", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.one:
        print(json.dumps(measure(args.one, args.months)))
        return 0
    if args.objects:
        print(json.dumps(measure_objects()))
        return 0
    sizes = [_child("--one", str(scale), "--months", str(args.months)) for scale in args.scales]
    objects = _child("--objects")
    report = {
        "machine": machine(),
        "months": args.months,
        "sizes": sizes,
        "objects": objects,
        "starts": starts(),
    }
    show(report)
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


def measure(scale: int, months: int) -> dict[str, Any]:
    """Figures of one size; nanoseconds are processor time for each row of workers (people of today and of later)."""
    import numpy as np

    from sim.model import LaborMarket
    from sim.phases import PHASES
    from sim.scenario import load
    from sim.workers import BYTES_PER_WORKER

    before = time.process_time()
    model = LaborMarket(load("roadmap").with_run(scale=scale, months=months + 2), spin_up=False)
    built = time.process_time() - before
    while model.month < 2:
        model.step()
    rows = int(model.workers.state.size)
    least: dict[str, float] = {}
    copied, numbers = np.ones(rows), np.empty(rows)

    def timed(name: str, work: Callable[[], object]) -> float:
        began = time.process_time()
        work()
        took = time.process_time() - began
        least[name] = min(least.get(name, took), took)
        return took

    for _ in range(months):
        spent = timed("turn of the month", model._begin_month)
        for phase in PHASES:
            spent += timed(phase.__name__, lambda phase=phase: phase(model))  # type: ignore[misc]
        spent += timed("turn of the month", model._end_month)
        least["month"] = min(least.get("month", spent), spent)
        timed("philox", lambda: _fill(model, rows))
        timed("copy", lambda: np.copyto(numbers, copied))
    ns = {name: took / rows * 1e9 for name, took in least.items()}
    return {
        "scale": scale,
        "workers": rows,
        "posts": int(model.posts.held.size),
        "employers": int(model.employers.open.size),
        "ns": ns,
        "in_philox_fills": ns["month"] / ns["philox"],
        "in_copies": ns["month"] / ns["copy"],
        "bytes_per_worker": BYTES_PER_WORKER,
        "building_s": built,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _fill(model: Any, rows: int) -> None:
    import numpy as np

    from sim.kernels import BLOCK, draw_block

    word = model.desks[0].word
    for start in range(0, rows, BLOCK):
        draw_block(start, BLOCK, np.uint64(1), np.uint64(1), model.key, word)


def measure_objects() -> dict[str, Any]:
    """The same month with one plain Mesa agent for each worker and employer (the oracle), and ours beside it."""
    from sim.model import LaborMarket
    from sim.reference import ReferenceMarket
    from sim.scenario import load

    def market() -> LaborMarket:
        return LaborMarket(load("roadmap").with_run(scale=REFERENCE_SCALE, months=2), spin_up=False)

    def per_month(model: Any, months: int) -> float:
        model.step()
        began = time.process_time()
        for _ in range(months):
            model.step()
        return (time.process_time() - began) / months

    ours = market()
    rows = int(ours.workers.state.size)
    theirs = per_month(ReferenceMarket(market()), REFERENCE_MONTHS)
    mine = per_month(ours, 10)
    return {
        "workers": rows,
        "objects_ns": theirs / rows * 1e9,
        "columns_ns": mine / rows * 1e9,
        "times": theirs / mine,
    }


def starts() -> dict[str, float]:
    """Seconds of wall time: `--help`, and one coarse month with kernels cached and with an empty cache."""
    import tempfile

    month = "from sim.scenario import load; from sim.model import LaborMarket; "
    month += "LaborMarket(load('roadmap').with_run(scale=1000, months=1), spin_up=False).step()"
    found = {"help_s": _wall([sys.executable, "-m", "sim.cli", "--help"], {})}
    with tempfile.TemporaryDirectory() as empty:
        found["cold_month_s"] = _wall([sys.executable, "-c", month], {"LABORSHIFT_CACHE": empty})
        found["warm_month_s"] = _wall([sys.executable, "-c", month], {"LABORSHIFT_CACHE": empty})
    return found


def _wall(command: list[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, env=os.environ | environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _child(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def machine() -> dict[str, Any]:
    """What was measured on."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.system(),
    }


def show(report: dict[str, Any]) -> None:
    """One table, sizes side by side."""
    from rich.console import Console
    from rich.table import Table

    sizes = report["sizes"]
    table = Table(title="Processor time of a month, ns a worker", title_justify="left")
    table.add_column("workers")
    for size in sizes:
        table.add_column(f"{size['workers']:,}", justify="right")
    for name in sizes[0]["ns"]:
        table.add_row(name, *(f"{size['ns'][name]:.1f}" for size in sizes))
    table.add_row("month, in Philox fills", *(f"{size['in_philox_fills']:.1f}" for size in sizes))
    table.add_row("month, in copies", *(f"{size['in_copies']:.0f}" for size in sizes))
    table.add_row("building, s", *(f"{size['building_s']:.1f}" for size in sizes))
    table.add_row("bytes a worker", *(f"{size['bytes_per_worker']}" for size in sizes))
    table.add_row("peak memory, MiB", *(f"{size['peak_mib']:,.0f}" for size in sizes))
    console = Console()
    console.print(table)
    objects, starts = report["objects"], report["starts"]
    console.print(
        f"one object an agent, {objects['workers']:,} workers: {objects['objects_ns']:,.0f} ns a worker-month, "
        f"{objects['times']:.0f} times the {objects['columns_ns']:.0f} ns of columns"
    )
    console.print(
        f"--help {starts['help_s']:.2f} s; first month of a process {starts['warm_month_s']:.1f} s, "
        f"with no kernels compiled yet {starts['cold_month_s']:.1f} s"
    )
    console.print(", ".join(str(value) for value in report["machine"].values()))


if __name__ == "__main__":
    sys.exit(main())
