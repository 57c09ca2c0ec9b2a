"""Does the estimator tell the truth about itself, and about policy? Simulation-based calibration on a reduced problem.

    python calibration/proof.py [--runs 400] [--sets 120] [--jobs 2]     # some 15 minutes on two cores
    python calibration/proof.py --second-engine                          # needs sbi: the same problem by both engines

Five parameters, eight moments of a short coarse run, and one policy outcome: the effect of a six-month course on those
who take it, 12 to 24 months after its start (`scenarios/validation/trial-six-months`). Parameters are drawn from the
prior, one run with the targets' noise is the data, and the posterior is asked where the truth lies
(`sim.estimation.sbc`). At the truth the outcome is a pair of runs; at draws of a posterior it is a quadratic in the
parameters, fitted to such pairs, and its residuals. Leaves `proof.json`, the table of docs/calibration.md and
docs/images/ranks.png.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from report import fill, put

from sim.estimation.calibrate import problem_of
from sim.estimation.emulate import Emulator, Wave, emulate
from sim.estimation.evaluate import at_point, batch
from sim.estimation.fit import Options, replicate_covariance
from sim.estimation.posterior import Posterior, sample
from sim.estimation.priors import Prior, Priors
from sim.estimation.problem import Problem, Runs
from sim.estimation.sbc import LEVELS, Study, study
from sim.estimation.targets import load
from sim.evaluation.compare import paired_runs
from sim.jobs import bar, side_by_side
from sim.parameters import PARAMETERS
from sim.scenario import load as load_scenario
from sim.validation.trials import direct, pooled

HERE = Path(__file__).resolve().parent
NAMES = (
    "level_separate_eu",
    "level_start_looking",
    "level_search_employed",
    "separation_tenure",
    "score_certificate",
)
MOMENTS = (
    *("flow_eu", "flow_ue", "flow_nu", "job_change_year", "turnover", "one_year_stayers"),
    *("unemployment_rate_15-29", "vacancy_rate"),
)
SCALE, MONTHS = 500, 18
WIDTH = 2.0  # sds of the prior here, in those of the posterior of the whole problem
COURSE, FIRST, LAST = "six-months", 12, 24
DRAWS, LIBRARY = 100, 700_000_000
OPTIONS = Options(seeds=1, replicates=30)


def main() -> None:
    """Run what is asked, keep the JSON, fill the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=400, help="runs from which the emulators are made")
    parser.add_argument("--sets", type=int, default=120, help="synthetic data sets")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side")
    parser.add_argument("--second-engine", action="store_true", help="compare with sbi on one data set")
    args = parser.parse_args()
    problem = reduced(args.jobs)
    z = problem.priors.draw(args.runs, np.random.default_rng(1))
    runs = Runs(problem)
    moments = runs.at(z, np.arange(LIBRARY, LIBRARY + args.runs))
    kept = json.loads((HERE / "proof.json").read_text()) if (HERE / "proof.json").exists() else {}
    if args.second_engine:
        kept["second_engine"] = second_engine(problem, z, moments)
    else:
        kept["study"], kept["outcome"] = proof(problem, runs, z, moments, args)
    put(HERE / "proof.json", json.dumps(kept, indent=1) + "\n")
    fill(HERE.parent / "docs" / "calibration.md", "proof", table(kept))


def reduced(jobs: int) -> Problem:
    """The problem: normal priors around the estimates, `WIDTH` times as wide as the posterior."""
    scenario = load_scenario("baseline").with_run(scale=SCALE, months=MONTHS, replicates=1)
    posterior, targets = Posterior.load(HERE / "posterior"), load()
    spread = dict(zip(posterior.names, posterior.theta.std(axis=0, ddof=1), strict=True))
    priors = [
        Prior("normal", PARAMETERS[n].low, PARAMETERS[n].high, PARAMETERS[n].default, WIDTH * spread[n])
        for n in NAMES
    ]
    found = problem_of(
        [targets[id] for id in MOMENTS],
        NAMES,
        lambda thetas, seeds: batch(scenario, NAMES, thetas, seeds.tolist(), MOMENTS, jobs=jobs),
    )
    return Problem(**{**vars(found), "priors": Priors.of(priors)})


def effect(theta: np.ndarray, seed: int) -> float:
    """Effect of the course on those it trains, percentage points, in the paired runs at a point (P,)."""
    point = dict(zip(NAMES, map(float, theta), strict=True))
    run = {"scale": SCALE, "months": LAST + 1, "replicates": 1, "seed": int(seed)}
    asked = [load_scenario(f"validation/trial-{name}").with_run(**run) for name in ("none", COURSE)]
    _, ((pair,),) = paired_runs([at_point(one, point) for one in asked])
    return 100.0 * float(pooled([direct(pair, FIRST, LAST)])[0] or 0.0)


def effects(thetas: np.ndarray, seeds: np.ndarray, jobs: int) -> np.ndarray:
    """Effects (n, 1) at points (n, P)."""
    calls = list(zip(thetas, seeds.tolist(), strict=True))
    with bar(len(calls), "pairs of runs", True) as tick:
        done = side_by_side(effect, calls, jobs, tick) if jobs > 1 else [effect(*call) for call in calls]
    return np.array(done)[:, None]


def proof(
    problem: Problem, runs: Runs, z: np.ndarray, moments: np.ndarray, args: argparse.Namespace
) -> tuple[dict[str, Any], dict[str, float]]:
    """The study's summary, and how the outcome depends on the parameters."""
    p = len(NAMES)
    emulator = emulate([Wave(z, moments)], np.zeros(p), np.eye(p))
    noise = replicate_covariance(runs, np.zeros(p), OPTIONS)
    thetas = problem.priors.theta(z)
    outcomes = effects(thetas, np.arange(LIBRARY, LIBRARY + len(z)), args.jobs)
    policy = emulate([Wave(z, outcomes)], np.zeros(p), np.eye(p))
    residual = float(np.sqrt(policy.loo_cov[0, 0]))

    def outcome(theta: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        truth = effect(theta[0], int(seeds[0]))
        drawn = policy(problem.priors.z(theta[1:]))[:, 0]
        chance = np.random.default_rng(int(seeds[0])).standard_normal(drawn.size)
        return np.append(truth, drawn + residual * chance)[:, None]

    found = study(
        problem,
        partial(estimated, emulator=emulator, noise=noise),
        args.sets,
        outcome,
        (f"effect of a course ({COURSE})",),
        progress=lambda n: print(f"\rdata set {n}", end="", flush=True),
    )
    print()
    draw(found)
    spread = {
        "sd": float(outcomes.std(ddof=1)),
        "sd given parameters": residual,
        "mean": float(outcomes.mean()),
    }
    return found.summary() | {"histogram": found.histogram().tolist(), "runs": len(z)}, spread


def estimated(problem: Problem, number: int, emulator: Emulator, noise: np.ndarray) -> Posterior:
    """The posterior of one data set, on the emulator of all."""
    covariance = emulator.covariance(problem, noise, OPTIONS.floor)
    start = problem.priors.draw(200, np.random.default_rng([2, number]))
    return sample(problem, emulator, covariance, start, DRAWS, number + 1, ensembles=1)


def second_engine(problem: Problem, z: np.ndarray, moments: np.ndarray) -> dict[str, Any]:
    """Posteriors of the published targets by the emulator and by `sbi`, from the same runs."""
    from sim.estimation.npe import disagreement, train

    emulator = emulate([Wave(z, moments)], np.zeros(len(NAMES)), np.eye(len(NAMES)))
    noise = replicate_covariance(Runs(problem), np.zeros(len(NAMES)), OPTIONS)
    ours = estimated(problem, 0, emulator, noise)
    theirs = train(problem, z, moments, draws=2000)
    return {
        "names": list(NAMES),
        "ours": [ours.theta.mean(axis=0).tolist(), ours.theta.std(axis=0, ddof=1).tolist()],
        "sbi": [theirs.theta.mean(axis=0).tolist(), theirs.theta.std(axis=0, ddof=1).tolist()],
        "apart": disagreement(ours, theirs).tolist(),
        "runs": len(z),
    }


def table(kept: dict[str, Any]) -> str:
    """Markdown: coverage, uniformity, and the second engine beside ours."""
    lines = []
    if told := kept.get("study"):
        low_high = [f"{100 * one['low']:.0f} to {100 * one['high']:.0f}" for one in told["coverage"]]
        heads = [f"{100 * level:.0f}% ({band})" for level, band in zip(LEVELS, low_high, strict=True)]
        lines += [
            f"{told['sets']} data sets, {told['runs']} runs for the emulators; shares of truths inside central "
            "intervals, in percent, and where they lie 95 times in 100 if the intervals are right:",
            "",
            f"| | {' | '.join(heads)} | ranks uniform, p | contraction |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
        ]
        for k, name in enumerate(told["names"]):
            shares = " | ".join(f"{100 * one['share'][k]:.0f}" for one in told["coverage"])
            contraction = f"{told['contraction'][k]:.2f}" if k < len(NAMES) else "-"
            lines.append(f"| {name} | {shares} | {told['uniformity'][name]['chi2']:.2f} | {contraction} |")
        spread = kept["outcome"]
        lines += [
            "",
            f"The effect of the course is {spread['mean']:.1f} points over the prior, sd {spread['sd']:.1f}; "
            f"{spread['sd given parameters']:.1f} of a pair of runs at given parameters.",
        ]
    if told := kept.get("second_engine"):
        lines += [
            "",
            "Posteriors of the published targets by both engines (mean, sd), and how far the means are apart in sds:",
            "",
            "| | ours | sbi | apart |",
            "| --- | ---: | ---: | ---: |",
        ]
        for k, name in enumerate(told["names"]):
            ours, theirs = (f"{told[e][0][k]:.3f} ({told[e][1][k]:.3f})" for e in ("ours", "sbi"))
            lines.append(f"| {name} | {ours} | {theirs} | {told['apart'][k]:.2f} |")
    return "\n".join(lines)


def draw(found: Study) -> None:
    """Rank histograms, with the band of 95% for one bin."""
    import matplotlib.pyplot as plt
    from scipy.stats import binom

    counts = found.histogram()
    low, high = binom.interval(0.95, len(found.ranks), 1.0 / counts.shape[1])
    figure, axes = plt.subplots(2, 3, figsize=(9, 4.6), sharey=True, layout="constrained")
    for axis, name, bars in zip(axes.flat, found.names, counts, strict=True):
        axis.axhspan(low, high, color="0.9")
        axis.bar(np.arange(bars.size) + 0.5, bars, width=0.9, color="#3b6ea5")
        axis.set_title(name, fontsize=9)
        axis.set_xticks([0, bars.size], ["lowest", "highest"])
    figure.supxlabel("rank of the truth among the draws", fontsize=9)
    figure.savefig(HERE.parent / "docs" / "images" / "ranks.png", dpi=150)


if __name__ == "__main__":
    main()
