"""That cost grows linearly: a picture and the tables of docs/performance.md, all from benchmarks/results.json.

    python benchmarks/linear.py [--measure]

`--measure` first measures time against months, programmes and replicates at about 10^5 workers (two minutes) and
puts it into results.json; time against workers is what benchmarks/month.py has put there. The page and the JSON
cannot disagree: what stands between the marks of the page is written by this script.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

from month import at_scale, machine, rows_of, sentences

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.json"
PLAN = HERE / "plan.json"
DOCS = HERE.parent / "docs"
SCALE, ROUNDS = 470, 3
MONTHS, PROGRAMMES, REPLICATES = (15, 30, 60, 120), (0, 6, 12, 18), (1, 2, 4, 8)


def main() -> int:
    """Measure when asked, draw, fill the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--measure", action="store_true", help="against months, programmes and replicates")
    args = parser.parse_args()
    report = json.loads(RESULTS.read_text())
    if args.measure:
        report["linear"] = {"machine": machine(), "scale": SCALE} | measure()
        RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    draw(report)
    fill(report)
    return 0


def measure() -> dict[str, list[list[float]]]:
    """Processor seconds against months, programmes with money, and replicates; the least of some rounds."""
    ids = _programmes()
    _run(1000, 3)  # loads the kernels
    rounds = [_round(ids) for _ in range(ROUNDS)]  # rounds, so that a busy minute spoils no point
    least = {name: [min(one) for one in zip(*(r[name] for r in rounds), strict=True)] for name in rounds[0]}
    replicates = [sum(least["replicates"][:n]) for n in REPLICATES]
    return {
        name: [[n, took] for n, took in zip(at, costs, strict=True)]
        for name, at, costs in (
            ("months", MONTHS, least["months"]),
            ("programmes", PROGRAMMES, least["programmes"]),
            ("replicates", REPLICATES, replicates),
        )
    }


def _round(ids: list[str]) -> dict[str, list[float]]:
    return {
        "months": [_run(SCALE, n) for n in MONTHS],
        "programmes": [_run(SCALE, 30, ids[n:]) for n in PROGRAMMES],
        "replicates": [_run(SCALE, 15, replicate=r) for r in range(max(REPLICATES))],
    }


def _programmes() -> list[str]:
    from sim import economy

    return sorted(economy.load("korea").programmes)


def _run(scale: int, months: int, closed: list[str] | None = None, replicate: int = 0) -> float:
    """Seconds of a replicate, building included; without the programmes that are closed."""
    from sim.replicate import simulate
    from sim.scenario import load

    scenario = at_scale(scale, months)
    if closed:
        sets = [f"policy.programmes.{id}.closed=true" for id in closed]
        scenario = load("roadmap", overrides=[f"run.scale={scale}", f"run.months={months}", *sets])
    began = time.process_time()
    simulate(scenario, replicate)
    return time.process_time() - began


# --------------------------------------------------------------------------------------------------- picture


def draw(report: dict[str, Any]) -> None:
    """docs/images/linear.png: four panels, what was measured over a line of slope one or a straight line."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(2, 2, figsize=(9, 6.6), layout="constrained")
    _workers(axes[0, 0], report["sizes"])
    units = {"months": "simulated months", "programmes": "programmes with money", "replicates": "replicates"}
    for ax, (name, label) in zip(axes.flat[1:], units.items(), strict=True):
        _straight(ax, report.get("linear", {}).get(name, []), label)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_axisbelow(True)
        ax.grid(color="0.92")
    scale = report.get("linear", {}).get("scale", SCALE)
    fig.suptitle(
        f"Processor time grows linearly ({report['machine']['processor']}; panels 2 to 4 at scale {scale})",
        fontsize=11,
    )
    (DOCS / "images").mkdir(exist_ok=True)
    fig.savefig(DOCS / "images" / "linear.png", dpi=130)


def _workers(ax: Any, sizes: list[dict[str, Any]]) -> None:
    """Log-log: a month, and the building of the population; dotted where doubling doubles."""
    sizes = sorted(sizes, key=lambda size: size["workers"])
    x = [size["workers"] for size in sizes]
    month = [size["ns"]["month"] * size["workers"] / 1e9 for size in sizes]
    built = [size["building_s"] for size in sizes]
    for y, name, colour in ((built, "building the population", "#b3541e"), (month, "one month", "#1f5a92")):
        ax.plot(x, [y[-1] * n / x[-1] for n in x], ":", color=colour, linewidth=1)
        ax.plot(x, y, "o-", color=colour, markersize=4, label=name)
    ax.set(xscale="log", yscale="log", xlabel="workers", ylabel="processor seconds")
    ax.legend(frameon=False, fontsize=9)
    ax.set_title("dotted: in proportion to workers", fontsize=9, loc="left", color="0.35")


def _straight(ax: Any, points: list[list[float]], label: str) -> None:
    """Points and the straight line nearest to them, from zero."""
    import numpy as np

    if not points:
        ax.text(0.5, 0.5, "not measured", ha="center", transform=ax.transAxes)
        return
    x, y = np.array(points).T
    slope, fixed = np.polyfit(x, y, 1)
    ax.plot([0, x.max()], [fixed, fixed + slope * x.max()], "-", color="0.7", linewidth=1)
    ax.plot(x, y, "o", color="#1f5a92", markersize=5, clip_on=False, zorder=3)
    ax.set(xlabel=label, ylabel="processor seconds", xlim=(0, x.max() * 1.05), ylim=(0, max(y) * 1.15))
    ax.set_xticks(sorted({0, *x}), [f"{n:.0f}" for n in sorted({0, *x})])
    ax.set_title(f"{fixed:.2f} s + {slope:.3f} s each", fontsize=9, loc="left", color="0.35")


# ------------------------------------------------------------------------------------------------------ page


def fill(report: dict[str, Any]) -> None:
    """Write what was measured between the marks of docs/performance.md."""
    page = DOCS / "performance.md"
    text = page.read_text(encoding="utf-8")
    blocks = {
        "machine": _machine(report),
        "month": _month(report),
        "targets": _targets(report),
        "plan": _plan(),
    }
    for name, block in blocks.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = pattern.sub(lambda found, block=block: f"{found[1]}{block}\n{found[2]}", text)
    page.write_text(text, encoding="utf-8")


def _machine(report: dict[str, Any]) -> str:
    return "\n".join(f"* {text}" for text in sentences(report))


def _month(report: dict[str, Any]) -> str:
    heads = ("workers", *(f"{size['workers']:,}" for size in report["sizes"]))
    return _table([heads, *rows_of(report)])


def _table(rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "| --- " + "| ---: " * (len(rows[0]) - 1) + "|", *lines[1:]])


def _targets(report: dict[str, Any]) -> str:
    """What the issue asks, beside what was measured; nothing is said of what was not."""
    sizes = sorted(report["sizes"], key=lambda size: size["workers"])
    million = min(sizes, key=lambda size: abs(size["workers"] - 1e6))
    rows: list[tuple[str, ...]] = [("what", "target", "measured", "met")]

    def row(what: str, target: float, value: float, unit: str, most: bool = True) -> None:
        met = value <= target if most else value >= target
        bound = "at most" if most else "at least"
        rows.append((what, f"{bound} {target:g} {unit}", f"{value:,.1f} {unit}", "yes" if met else "no"))

    row(f"a worker-month at {million['workers']:,} workers, one thread", 25, million["ns"]["month"], "ns")
    row("bytes a worker, state", 48, million["bytes_per_worker"], "B")
    row("recording, share of the month", 15, 100 * million["recording_share"], "%")
    row("against one object an agent", 100, report["objects"]["times"], "times", most=False)
    row("first month, no kernels compiled yet", 15, report["starts"]["cold_month_s"], "s")
    if (whole := sizes[-1])["workers"] > 4e7:
        wall = whole["building_s"] + 72 * whole["wall_ns"]["1"] * whole["workers"] / 1e9
        row("all of Korea, 12 + 60 months, built, one thread (from one month)", 120, wall, "s")
        row("all of Korea, peak memory", 4, whole["peak_mib"] / 1024, "GiB")
    return _table(rows)


def _plan() -> str:
    """Predicted over measured, when benchmarks/plan.py has left its figures."""
    if not PLAN.exists():
        return "Not measured yet."
    rows: list[tuple[str, ...]] = [("command", "wall", "processor", "peak memory", "disk")]
    for one in json.loads(PLAN.read_text()):
        ratios = (one[name]["ratio"] for name in ("wall_s", "cpu_s", "peak_bytes", "disk_bytes"))
        rows.append((f"`{one['case']}`", *(f"{ratio:.2f}" for ratio in ratios)))
    return _table(rows)


if __name__ == "__main__":
    sys.exit(main())
