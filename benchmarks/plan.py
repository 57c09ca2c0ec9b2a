"""How near `laborshift plan` comes: predicted and measured time, peak memory and disk of real commands, side by side.

    python benchmarks/plan.py [--json plan.json] [--cases 3]

The machine is measured anew first, as `laborshift warmup` does. Each case is a command in a process of its own. On a
shared machine wall time moves with the others; processor time does less.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

CASES = (
    "roadmap --scale 1000 --months 60 --replicates 4",
    "roadmap --scale 100 --months 60 --replicates 1",
    "no-training --scale 30 --months 24 --replicates 2",
    "baseline roadmap --scale 200 --months 36 --replicates 2 --jobs 2",
    "roadmap --scale 30 --months 60 --replicates 1",
)


def main() -> int:
    """Every case: the plan, then the run; a table of ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--cases", type=int, default=len(CASES), help="how many of the cases")
    parser.add_argument("--no-warmup", action="store_true", help="use the calibration that is there")
    args = parser.parse_args()
    if not args.no_warmup:
        _command("warmup", "--quiet")
    found = [measured(case) for case in CASES[: args.cases]]
    show(found)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


def measured(case: str) -> dict[str, Any]:
    """One case, planned and run."""
    asked = _command("plan", *case.split(), "--json").stdout
    planned = json.loads(asked)
    several = len(planned["scenarios"]) > 1
    with tempfile.TemporaryDirectory() as out:
        words = ["compare" if several else "run", *case.split(), "--out", out, "--quiet"]
        before, began = os.times(), time.perf_counter()
        child = subprocess.Popen([sys.executable, "-m", "sim.cli", *words])
        peak = [0]
        watcher = threading.Thread(target=_watch, args=(child, peak))
        watcher.start()
        if child.wait():
            raise SystemExit(f"laborshift {' '.join(words)} failed")
        wall = time.perf_counter() - began
        watcher.join()
        after = os.times()
        disk = sum(path.stat().st_size for path in Path(out).rglob("*") if path.is_file())
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    pairs = {
        "wall_s": (planned["wall_s"], wall),
        "cpu_s": (planned["cpu_s"], cpu),
        "peak_bytes": (planned["peak_bytes"], peak[0]),
        "disk_bytes": (planned["disk_bytes"], disk),
    }
    return {"case": case, "workers": planned["workers"], "parts": planned["cpu_parts"]} | {
        name: {"planned": a, "measured": b, "ratio": a / b} for name, (a, b) in pairs.items()
    }


def _watch(child: subprocess.Popen[bytes], peak: list[int]) -> None:
    """The highest memory of a process and its children together, seen every 20 ms (Linux)."""
    known: set[int] = set()
    while child.poll() is None:
        children = set(_children(child.pid))
        lasting = (
            children & known
        )  # one about to become another program (git) would count its parent's memory twice
        peak[0] = max(peak[0], sum(_resident(pid) for pid in (child.pid, *lasting)))
        known = children
        time.sleep(0.02)


def _children(pid: int) -> list[int]:
    try:
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sim.cli", *words], check=True, stdout=subprocess.PIPE, text=True
    )


def show(found: list[dict[str, Any]]) -> None:
    """Planned, measured and their ratio."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Planned / measured = ratio", title_justify="left")
    for column in ("case", "workers", "wall, s", "processor, s", "peak, MiB", "disk, MiB"):
        table.add_column(column, justify="left" if column == "case" else "right")
    for one in found:
        cells = [
            f"{one[name]['planned'] / unit:,.1f} / {one[name]['measured'] / unit:,.1f} = {one[name]['ratio']:.2f}"
            for name, unit in (("wall_s", 1), ("cpu_s", 1), ("peak_bytes", 2**20), ("disk_bytes", 2**20))
        ]
        table.add_row(one["case"], f"{one['workers']:,}", *cells)
    Console(width=170).print(table)


if __name__ == "__main__":
    sys.exit(main())
