"""One thread against two, month about, on quiet cores and beside a busy neighbour.

    python benchmarks/threads.py [--scale 10] [--months 9] [--json benchmarks/threads.json]

Wall time of a month in ns a worker (median), one market a number of threads, months in turn so that both see the same
machine. The neighbour is one process that spins: one of the cores is then never free.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from month import at_scale

from sim.model import LaborMarket


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=int, default=10, help="people an agent")
    parser.add_argument("--months", type=int, default=9, help="months of each market and setting")
    parser.add_argument("--json", type=Path, help="write the figures here")
    args = parser.parse_args()
    markets = {
        n: LaborMarket(at_scale(args.scale, 2 * args.months + 2), spin_up=False, threads=n) for n in (1, 2)
    }
    for market in markets.values():
        market.step()
    report = {"workers": int(markets[1].workers.state.size), "quiet": in_turn(markets, args.months)}
    neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        report["busy"] = in_turn(markets, args.months)
    finally:
        neighbour.kill()
        neighbour.wait()
    print(json.dumps(report, indent=1))
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def in_turn(markets: dict[int, LaborMarket], months: int) -> dict[str, float]:
    """Median ns a worker-month of each market, and two threads over one (median of the pairs)."""
    took: dict[int, list[float]] = {n: [] for n in markets}
    for _ in range(months):
        for n, market in markets.items():
            began = time.perf_counter()
            market.step()
            took[n].append((time.perf_counter() - began) / market.workers.state.size * 1e9)
    ratio = median(two / one for one, two in zip(took[1], took[2], strict=True))
    return {"one thread": median(took[1]), "two threads": median(took[2]), "two over one": ratio}


if __name__ == "__main__":
    main()
