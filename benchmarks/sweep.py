"""What a sweep costs beyond its runs, and how far its store goes.

    python benchmarks/sweep.py [--seconds 240] [--jobs 2] [--json benchmarks/sweep.json] [--docs docs/cluster.md]

`busy`: `laborshift sweep sensitivity --scale 1000` for some seconds, then interrupted: the share of the cores' time
that was spent in the model, and what a run costs beyond it. `store`: stores of 100, 1,000 and 10,000 runs, filled with
the units of that sweep over and over: files, bytes, opening with xarray, a quantile over all runs, the search for what
is missing. `million`: a design of 10^6 runs in units of 1,000, whose making and 20 of whose units are measured; the
rest of it is multiplication. Leave the machine alone meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from sim.sweep.design import parse
from sim.sweep.drive import prepared
from sim.sweep.store import DATA, Store

SIZES = (100, 1_000, 10_000)
MILLION, CORES, BIG_UNIT, BIG_UNITS = 1_000_000, 1_000, 1_000, 20
TRIVIAL = 200
"""Tasks of the array that shows how many Slurm starts in a second."""


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=240.0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--docs", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store, found = busy(Path(folder), args.seconds, args.jobs)
        rows = [growth(store, Path(folder), runs) for runs in SIZES]
        rate = tasks_a_second(Path(folder))
        big = million(store, Path(folder), found["seconds_a_run"], rate)
    told = {"busy": found, "store": rows, "million": big}
    text = in_words(told)
    print(text)
    if args.json:
        args.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    if args.docs:
        page = args.docs.read_text(encoding="utf-8")
        before, rest = page.split("<!-- scale -->", 1)
        after = rest.split("<!-- /scale -->", 1)[1]
        args.docs.write_text(f"{before}<!-- scale -->\n\n{text}\n<!-- /scale -->{after}", encoding="utf-8")


def busy(folder: Path, seconds: float, jobs: int) -> tuple[Store, dict[str, Any]]:
    """The sweep of `sensitivity`, cut short; its store, and where the cores' time went from the first unit on."""
    command = [
        sys.executable,
        "-m",
        "sim.cli",
        "sweep",
        "sensitivity",
        "--scale",
        "1000",
        "--jobs",
        str(jobs),
        "--out",
        str(folder),
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as driver:
        time.sleep(seconds)
        driver.send_signal(signal.SIGINT)
    store = Store(next(folder.glob("sensitivity-*")))
    markers = list(store.markers())
    by_process: dict[int, list[tuple[float, float, float]]] = {}
    for one in markers:
        end = datetime.fromisoformat(one["finished"]).timestamp()
        by_process.setdefault(one["process"], []).append((end - one["seconds"], end, one["model_seconds"]))
    first_left_out = [
        sorted(units)[1:] for units in by_process.values()
    ]  # each process loads its kernels once
    span = sum(units[-1][1] - units[0][0] for units in first_left_out)
    model = sum(spent for units in first_left_out for _, _, spent in units)
    runs = store.unit * sum(map(len, first_left_out))
    return store, {
        "jobs": jobs,
        "runs": runs,
        "share_in_model": round(model / span, 4),
        "overhead_ms_a_run": round((span - model) / runs * 1e3, 2),
        "seconds_a_run": round(span / runs, 4),
        "runs_a_second": round(runs * jobs / span, 3),
    }


def growth(source: Store, folder: Path, runs: int) -> dict[str, Any]:
    """A store of so many runs, filled with the numbers of another."""
    target = made(source, folder / f"of-{runs}", runs, source.unit)
    fill(source, target, target.units)
    numbers = target.folder / DATA
    files = [file for file in numbers.rglob("c/**/*") if file.is_file()]
    started = time.perf_counter()
    missing = target.missing()
    looked = time.perf_counter() - started
    assert not missing
    fresh = textwrap.dedent(f"""
        import time, xarray as xr
        begun = time.perf_counter()
        data = xr.open_zarr({str(numbers)!r})
        opened = time.perf_counter() - begun
        column = list(data["market_month_column"].values).index("employed")
        begun = time.perf_counter()
        data["market_month"].isel(market_month_column=column).load().quantile([0.05, 0.5, 0.95], "run")
        print(opened, time.perf_counter() - begun)
    """)
    done = subprocess.run([sys.executable, "-c", fresh], capture_output=True, text=True, check=True)
    opened, quantile = map(float, done.stdout.split())
    return {
        "runs": target.runs,
        "units": target.units,
        "files": len(files) + target.units,
        "bytes_a_run": round(sum(file.stat().st_size for file in files) / target.runs),
        "open_s": round(opened, 3),
        "quantile_s": round(quantile, 3),
        "missing_ms": round(looked * 1e3, 2),
    }


def made(source: Store, folder: Path, runs: int, unit: int) -> Store:
    """An empty store of so many runs of the levers and factors of another."""
    design = folder.with_suffix(".toml")
    text = source.design.text.split("[[samples]]")[0]
    sample = f"method = 'latin-hypercube'\nfactors = ['estimated', 'exposure']\npoints = {runs // 2}\n"
    design.write_text(f"unit = {unit}\n{text}\n[[samples]]\n{sample}", encoding="utf-8")
    return prepared(parse(design), folder)


def fill(source: Store, target: Store, units: int) -> None:
    """The first units of a store, with the numbers of another over and over."""
    blocks = [source.read(n)[0] for n in sorted(source.done())]
    every = {name: np.concatenate([block[name] for block in blocks]) for name in source.kept.arrays}
    many = len(next(iter(every.values())))
    for n in range(units):
        runs = target.runs_of(n)
        at = np.array(runs) % many
        digest = target.write(
            runs.start, {k: block[at] for k, block in every.items()}, np.ones(len(at), np.uint8)
        )
        target.mark(n, {"runs": [runs.start, runs.stop], "sha256": digest, "seconds": 1.0, "failures": []})


def tasks_a_second(folder: Path) -> float | None:
    """Trivial array tasks that a Slurm of one node starts and ends in a second; None where it cannot run here."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from one_node_slurm import OneNodeSlurm, reason_to_skip

    if reason_to_skip() is not None:
        return None
    with OneNodeSlurm(folder / "slurm", cores=4) as slurm:
        started = time.perf_counter()
        options = ("--parsable", f"--array=0-{TRIVIAL - 1}", "--mem=50M", "--output=/dev/null")
        slurm.ask("sbatch", *options, "--wrap", "true")
        while slurm.ask("squeue", "-h"):
            time.sleep(0.2)
        return round(TRIVIAL / (time.perf_counter() - started), 1)


def million(source: Store, folder: Path, seconds_a_run: float, rate: float | None) -> dict[str, Any]:
    """A design of 10^6 runs on 1,000 cores: what one driver does, what the file system and Slurm must bear."""
    started = time.perf_counter()
    target = made(source, folder / "million", MILLION, BIG_UNIT)
    making = time.perf_counter() - started
    started = time.perf_counter()
    fill(source, target, BIG_UNITS)
    writing = (time.perf_counter() - started) / BIG_UNITS
    files = [f for f in (target.folder / DATA).rglob("c/**/*") if f.is_file() and _of_a_unit(f, target)]
    size = sum(file.stat().st_size for file in files) / BIG_UNITS / BIG_UNIT
    for n in range(BIG_UNITS, target.units):  # markers alone: what the driver looks for
        target.mark(n, {"runs": []})
    started = time.perf_counter()
    for _ in range(10):
        target.missing()
    looked = (time.perf_counter() - started) / 10
    wall = MILLION / CORES * seconds_a_run
    each = len(files) // BIG_UNITS + 1
    return {
        "runs": MILLION,
        "cores": CORES,
        "units": target.units,
        "make_s": round(making, 2),
        "make_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "unit_write_s": round(writing, 3),
        "missing_ms": round(looked * 1e3, 2),
        "bytes_a_run": round(size),
        "gigabytes": round(size * MILLION / 1e9, 1),
        "files": each * target.units,
        "core_hours": round(MILLION * seconds_a_run / 3600, 1),
        "wall_minutes": round(wall / 60, 1),
        "megabytes_a_second": round(size * MILLION / wall / 1e6, 1),
        "files_a_second": round(each * target.units / wall, 1),
        "slurm_tasks_a_second": rate,
    }


def _of_a_unit(file: Path, store: Store) -> bool:
    name = file.relative_to(store.folder / DATA).parts[0]
    return name in store.kept.arrays or name == "status"


def in_words(told: dict[str, Any]) -> str:
    """The tables of docs/cluster.md."""
    b, m = told["busy"], told["million"]
    lines = [
        f"`benchmarks/sweep.py` on the machine of [performance.md](performance.md), {b['jobs']} cores, "
        f"`sensitivity --scale 1000` ({b['runs']} runs measured): "
        f"**{b['share_in_model']:.1%}** of the cores' time in the model, **{b['overhead_ms_a_run']:.1f} ms** a run "
        f"beyond it, {b['seconds_a_run']:.2f} s a run, {b['runs_a_second']:.2f} runs a second.",
        "",
        "| runs | units | files | bytes a run | `xarray.open_zarr` | quantile of a variable | what is missing |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *(
            f"| {r['runs']:,} | {r['units']:,} | {r['files']:,} | {r['bytes_a_run']:,} | {r['open_s']:.2f} s | "
            f"{r['quantile_s']:.2f} s | {r['missing_ms']:.1f} ms |"
            for r in told["store"]
        ),
        "",
        f"A design of {m['runs']:,} runs has {m['units']:,} units of {BIG_UNIT:,}: making its folder took "
        f"{m['make_s']:.1f} s (peak {m['make_peak_mb']:,} MB), writing a unit {m['unit_write_s']:.2f} s, a look at "
        f"what is missing {m['missing_ms']:.1f} ms. By multiplication, on {m['cores']:,} cores: "
        f"{m['core_hours']:,} core-hours or {m['wall_minutes']} minutes, {m['gigabytes']} GB in {m['files']:,} files, "
        f"{m['megabytes_a_second']} MB and {m['files_a_second']} files a second, little for a parallel file system. ",
    ]
    if rate := m["slurm_tasks_a_second"]:
        lines.append(
            f"What is felt first is the scheduler: a Slurm of one node starts and ends {rate} trivial tasks a second, "
            f"so {m['cores']:,} tasks take {m['cores'] / rate / 60:.1f} minutes to start. That is why a task has many "
            "units."
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
