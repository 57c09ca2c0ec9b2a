"""What common random numbers are worth: the variance of a paired difference against that of independent runs.

    python benchmarks/pairs.py [--pairs 30] [--months 60] [--scale 100] [--jobs 2] [--json benchmarks/pairs.json]

Net employment person-months of a policy against its base, added up over the first 12, 24, ... months: in pairs with the
same draws, and as if every run had draws of its own (the sum of both variances, from the same runs). The second table
is the sign of `double` against `roadmap` over the year that begins six months into the run, when the first long courses
are over: how many pairs agree, and whether the 90% interval of the mean excludes zero.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import sim
from sim.intervals import mean_interval

FIRST, YEAR = 6, 12


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--months", type=int, default=60)
    parser.add_argument("--scale", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    names = ("baseline", "roadmap", "double")
    effects = sim.compare(
        *names, scale=args.scale, months=args.months, replicates=args.pairs, jobs=args.jobs, progress=True
    )
    employed = effects.results.market["employed"].transpose("scenario", "replicate", "month").values
    base, plan, double = employed.astype(np.float64)
    found = {
        "pairs": args.pairs,
        "scale": args.scale,
        "variance": variances(base, plan),
        "sign": sign(plan, double),
    }
    for row in found["variance"]:
        print(
            f"first {row['months']:3} months: net {row['mean']:12,.0f} person-months, sd in pairs {row['sd']:10,.0f}, "
            f"variance {row['fold']:6.1f} times smaller than of independent runs"
        )
    told = found["sign"]
    print(
        f"double against roadmap, months {FIRST} to {FIRST + YEAR}: {told['above']} of {args.pairs} pairs above zero, "
        f"mean {told['mean']:,.0f} [{told['low']:,.0f}, {told['high']:,.0f}]: {told['verdict']}"
    )
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def variances(base: np.ndarray, policy: np.ndarray) -> list[dict[str, float]]:
    """For every whole year: mean and sd of the net person-months in pairs, and how often smaller their variance is."""
    out = []
    for months in range(YEAR, base.shape[1] + 1, YEAR):
        ours, theirs = (one[:, :months].sum(axis=1) for one in (policy, base))
        paired = (ours - theirs).var(ddof=1)
        alone = ours.var(ddof=1) + theirs.var(ddof=1)
        out.append(
            {
                "months": months,
                "mean": float((ours - theirs).mean()),
                "sd": float(np.sqrt(paired)),
                "fold": float(alone / paired),
            }
        )
    return out


def sign(base: np.ndarray, policy: np.ndarray) -> dict[str, object]:
    """Pairs with more employment under the policy, and the interval of the mean, over the year from FIRST."""
    window = slice(FIRST, FIRST + YEAR)
    net = (policy - base)[:, window].sum(axis=1)
    mean, low, high = (float(x) for x in mean_interval(net))
    sure = low > 0.0 or high < 0.0
    return {
        "above": int((net > 0).sum()),
        "mean": mean,
        "low": low,
        "high": high,
        "verdict": "a sign" if sure else "not distinguishable from zero",
    }


if __name__ == "__main__":
    main()
