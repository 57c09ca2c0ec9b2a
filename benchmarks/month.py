"""What a month costs: processor time of each phase at several sizes, against yardsticks of the same run.

    python benchmarks/month.py [--full] [--scales 4500 470 47 5] [--months 8] [--threads 1 2] [--json results.json]

Each size runs in a process of its own, in the scenario `roadmap` with every programme on. Processor time counts,
and its least value over the months: on a shared machine everything else is noise. The yardsticks are taken between the
months: drawing four Philox words for as many identities, and copying one float64 for each; and a month of the reference
model, one object an agent. Recording is what is left of the last phase when everyone only learns. `--full` adds all of
Korea, one agent a person: some ten minutes, and memory for it. JSON that is there keeps what other scripts put into it.
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
SCALES = [4500, 470, 47, 5]  # about 10^4, 10^5, 10^6 and 10^7 rows (4700 has too few people for its margins)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every size, print one table, write JSON when asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scales", type=int, nargs="+", default=SCALES, help="persons an agent stands for")
    parser.add_argument(
        "--full", action="store_true", help="also everyone in the country, one agent a person"
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="wall time with each number")
    parser.add_argument("--months", type=int, default=8, help="months measured, after two that are not")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--objects", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.one:
        print(json.dumps(measure(args.one, args.months, args.threads[0])))
        return 0
    if args.objects:
        print(json.dumps(measure_objects()))
        return 0
    report: dict[str, Any] = {"machine": machine(), "months": args.months, "sizes": []}
    for scale in [*args.scales, *([1] if args.full else [])]:
        print(f"scale {scale} ...", file=sys.stderr, flush=True)
        report["sizes"].append(_one_size(scale, args.months, args.threads))
    report |= {"objects": _child("--objects"), "starts": starts()}
    for one in report["sizes"]:
        one["faster_than_objects"] = report["objects"]["objects_ns"] / one["ns"]["month"]
    show(report)
    if args.json:
        before = json.loads(args.json.read_text()) if args.json.exists() else {}
        args.json.write_text(json.dumps(before | report, indent=1) + "\n")
    return 0


def _one_size(scale: int, months: int, threads: Sequence[int]) -> dict[str, Any]:
    """All figures with one thread, and the wall time of a month with each number of threads."""
    runs = {n: _child("--one", str(scale), "--months", str(months), "--threads", str(n)) for n in threads}
    found = runs[threads[0]]
    found["wall_ns"] = {str(n): one["wall_ns"] for n, one in runs.items()}
    found["cpu_ns"] = {str(n): one["ns"]["month"] for n, one in runs.items()}
    return found


def measure(scale: int, months: int, threads: int = 1) -> dict[str, Any]:
    """Figures of one size; nanoseconds are processor time for each row of workers (people of today and of later)."""
    import numpy as np

    from sim.model import LaborMarket
    from sim.phases import PHASES
    from sim.workers import BYTES_PER_WORKER

    LaborMarket(at_scale(1000, 1), spin_up=False)  # the first loads kernels
    before = time.process_time()
    model = LaborMarket(at_scale(scale, months + 2), spin_up=False, threads=threads)
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

    walls = []
    for _ in range(months):
        began = time.perf_counter()
        spent = timed("turn of the month", model._begin_month)
        for phase in PHASES:
            spent += timed(phase.__name__, lambda phase=phase: phase(model))  # type: ignore[misc]
        spent += timed("turn of the month", model._end_month)
        walls.append(time.perf_counter() - began)
        least["month"] = min(least.get("month", spent), spent)
        timed("philox", lambda: _fill(model, rows))
        timed("copy", lambda: np.copyto(numbers, copied))
    for _ in range(3):  # the last month again: everyone only learns
        timed("learning", lambda: _learn(model))
    ns = {name: took / rows * 1e9 for name, took in least.items()}
    ns["recording"] = max(0.0, ns["produce"] - ns.pop("learning"))
    return {
        "scale": scale,
        "workers": rows,
        "posts": int(model.posts.held.size),
        "employers": int(model.employers.open.size),
        "ns": ns,
        "in_philox_fills": ns["month"] / ns["philox"],
        "in_copies": ns["month"] / ns["copy"],
        "recording_share": ns["recording"] / ns["month"],
        "wall_ns": min(walls) / rows * 1e9,
        "bytes_per_worker": BYTES_PER_WORKER,
        "building_s": built,
        "building_ns": built / rows * 1e9,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _fill(model: Any, rows: int) -> None:
    import numpy as np

    from sim.kernels import BLOCK, draw_block

    word = model.desks[0].word
    for start in range(0, rows, BLOCK):
        draw_block(start, BLOCK, np.uint64(1), np.uint64(1), model.key, word)


def at_scale(scale: int, months: int) -> Any:
    """The scenario `roadmap`; also coarser than a run may be, which is for measuring only."""
    from sim.scenario import load

    scenario = load("roadmap").with_run(months=months)
    return scenario.model_copy(update={"run": scenario.run.model_copy(update={"scale": scale})})


def _learn(model: Any) -> None:
    """The last phase without its sums."""
    from numba import njit

    from sim.kernels import BLOCK
    from sim.phases.learn import learn

    global _learning
    if _learning is None:

        def only_learn(lo, hi, chunk, desk, w, e, posts, tb, pm, clock, reached):  # type: ignore[no-untyped-def]
            for start in range(lo, hi, BLOCK):
                learn(start, min(start + BLOCK, hi), w, e, posts, tb, pm, clock, reached, desk)

        _learning = njit(nogil=True, error_model="numpy", _nrt=False)(only_learn)
    m = model
    m.over_chunks(_learning, m.workers, m.employers, m.posts, m.tables, m.params, m.clock, m.reached)


_learning: Any = None


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
    found["imports_s"] = _wall([sys.executable, "-c", "import sim.model"], {})
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
    """What was measured on, and when."""
    from datetime import date
    from importlib.metadata import version

    return {
        "processor": _first("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("mesa", "numpy", "numba")},
        "date": date.today().isoformat(),
    }


def _first(path: str, key: str) -> str | None:
    """What a file of `key : value` lines says of a key."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return None
    return next((text.split(":")[1].strip() for text in lines if text.startswith(key)), None)


def rows_of(report: dict[str, Any]) -> list[tuple[str, ...]]:
    """The table: a label, then a cell for each size."""
    sizes = report["sizes"]

    def row(label: str, form: str, made: Callable[[dict[str, Any]], float]) -> tuple[str, ...]:
        return (label, *(form.format(made(size)) for size in sizes))

    rows = [row(name, "{:.1f}", lambda size, name=name: size["ns"][name]) for name in sizes[0]["ns"]]  # type: ignore[misc]
    rows += [
        row("month, in Philox fills", "{:.1f}", lambda size: size["in_philox_fills"]),
        row("month, in copies", "{:.0f}", lambda size: size["in_copies"]),
        row("times faster than objects", "{:.0f}", lambda size: size["faster_than_objects"]),
        row("recording, % of the month", "{:.0f}", lambda size: 100 * size["recording_share"]),
    ]
    rows += [
        row(f"wall time, {n} thread{'s' if n != '1' else ''}", "{:.1f}", lambda size, n=n: size["wall_ns"][n])  # type: ignore[misc]
        for n in sizes[0]["wall_ns"]
    ]
    rows += [
        row("building, s", "{:.1f}", lambda size: size["building_s"]),
        row("building, ns a worker", "{:,.0f}", lambda size: size["building_ns"]),
        row("bytes a worker", "{:.0f}", lambda size: size["bytes_per_worker"]),
        row("peak memory, MiB", "{:,.0f}", lambda size: size["peak_mib"]),
    ]
    return rows


def show(report: dict[str, Any]) -> None:
    """One table, sizes side by side."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Processor time of a month, ns a worker", title_justify="left")
    table.add_column("workers")
    for size in report["sizes"]:
        table.add_column(f"{size['workers']:,}", justify="right")
    for row in rows_of(report):
        table.add_row(*row)
    console = Console()
    console.print(table)
    for text in sentences(report):
        console.print(text, highlight=False)


def sentences(report: dict[str, Any]) -> list[str]:
    """What has no column: objects, start-up, the machine."""
    objects, starts = report["objects"], report["starts"]
    return [
        f"One object an agent, {objects['workers']:,} workers: {objects['objects_ns']:,.0f} ns a worker-month, "
        f"{objects['times']:.0f} times the {objects['columns_ns']:.0f} ns of columns.",
        f"`laborshift --help` {starts['help_s']:.2f} s, imports {starts['imports_s']:.1f} s; first month of a process "
        f"{starts['warm_month_s']:.1f} s, with no kernels compiled yet {starts['cold_month_s']:.1f} s.",
        ", ".join(f"{name} {value}" for name, value in report["machine"].items()) + ".",
    ]


if __name__ == "__main__":
    sys.exit(main())
