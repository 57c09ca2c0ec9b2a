"""Headlines by the effect of a course, which published moments do not pin: the table of docs/validation.md.

    python calibration/headlines.py [--jobs 2]      # some five minutes

What employers make of a certificate (`score_certificate`) is drawn from its prior, and with it the effect of a course.
Each line is a world: the effect of a six-month course on those who take it, 12 to 24 months after its planned end
(`scenarios/validation/trial-six-months`), and what `roadmap` then does against `baseline` over five years.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from report import fill

import sim
from sim.evaluation.compare import paired_runs
from sim.intervals import mean_interval
from sim.parameters import PARAMETERS
from sim.scenario import load
from sim.validation.trials import COURSES, direct, pooled

NAME = "score_certificate"
VALUES = (0.0, PARAMETERS[NAME].default, 2.0, 4.0)
COURSE = "six-months"
TRIAL = {"scale": 200, "months": 31, "replicates": 4}
PLAN = {"scale": 200, "months": 60, "replicates": 6}
COLUMNS = (
    "`score_certificate`",
    "effect of a six-month course, points",
    "roadmap: direct, person-months a trained person",
    "roadmap: net, thousand person-months",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n|{' ---: |' * len(COLUMNS)}"


def main() -> None:
    """Run every world and fill the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side")
    args = parser.parse_args()
    rows = [row(value, args.jobs) for value in VALUES]
    fill(
        Path(__file__).resolve().parent.parent / "docs" / "validation.md",
        "headlines",
        "\n".join([HEAD, *rows]),
    )


def row(value: float, jobs: int) -> str:
    """One world."""
    sets = [f"world.{NAME}={value}"]
    trial = [load(f"validation/trial-{name}", overrides=sets).with_run(**TRIAL) for name in ("none", COURSE)]
    _, (pairs,) = paired_runs(trial, jobs=jobs)
    end = COURSES[COURSE]
    effect, error = pooled([direct(pair, end + 12, end + 24) for pair in pairs])
    plan = [load(name, overrides=sets).with_run(**PLAN) for name in ("baseline", "roadmap")]
    effects = sim.compare(*plan, jobs=jobs)
    months = effects.in_months.sel(group="all:all").isel(scenario=0, horizon=-1)
    trained = effects.accounts.trained.sel(group="all:all").isel(scenario=0, horizon=-1).values
    told = [
        f"{mean:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
        for values, digits in ((months.direct.values / trained, 2), (months.net.values / 1e3, 0))
        for mean, low, high in [tuple(float(x) for x in mean_interval(np.asarray(values, dtype=np.float64)))]
    ]
    return f"| {value:.2f} | {100 * (effect or 0.0):+.1f} ± {100 * (error or 0.0):.1f} | {' | '.join(told)} |"


if __name__ == "__main__":
    main()
