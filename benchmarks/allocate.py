"""Three ways to the best split of an envelope, on the same number of runs.

    python benchmarks/allocate.py [--json allocate.json] [--trials 100] [--model]

* surface: `sim.evaluation.optimise`, which `laborshift allocate` uses (SciPy's bounded least squares and SLSQP);
* cobyqa: SciPy's derivative-free trust region (Ragonneau & Zhang 2023), which takes bounds and linear constraints;
* cma: CMA-ES (`pip install cma`, Hansen 2016), points brought into the region, its mean as the answer.

Synthetic: three or eleven stages with diminishing returns and a ceiling, values with noise that is new at every point,
as paired runs of many years have it. Told: regret, in parts of the range between the best and the worst split. With
--model: net employment of `roadmap` at scale 1000, the splits found re-evaluated on replicates that none has seen.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sim.evaluation.optimise import Region, maximise

Values = Callable[[np.ndarray], np.ndarray]


def surface(values: Values, region: Region, start: np.ndarray, evaluations: int, seed: int) -> np.ndarray:
    return maximise(values, region, start, evaluations, seed)[0]


def cobyqa(values: Values, region: Region, start: np.ndarray, evaluations: int, seed: int) -> np.ndarray:
    from scipy.optimize import Bounds, LinearConstraint, minimize

    def whole(x: np.ndarray) -> np.ndarray:
        return region.nearest(np.append(x, region.total - x.sum()))

    seen: list[tuple[float, np.ndarray]] = []

    def loss(x: np.ndarray) -> float:
        y = float(values(whole(x)[None])[0])
        seen.append((y, whole(x)))
        return -y / unit

    unit = float(abs(values(start[None])[0])) or 1.0
    minimize(
        loss,
        start[:-1],
        method="COBYQA",
        bounds=Bounds(region.lower[:-1], region.upper[:-1]),
        constraints=LinearConstraint(
            np.ones((1, start.size - 1)), region.total - region.upper[-1], region.total - region.lower[-1]
        ),
        options={"maxfev": evaluations - 1, "initial_tr_radius": 0.25 * float(region.width.max())},
    )
    return max(seen, key=lambda one: one[0])[1]


def cma(values: Values, region: Region, start: np.ndarray, evaluations: int, seed: int) -> np.ndarray:
    import cma as library

    def whole(z: np.ndarray) -> np.ndarray:
        return region.nearest(region.lower + np.asarray(z) * region.width)

    begin = (start - region.lower) / region.width
    size = 4 + int(3 * np.log(start.size))
    evolution = library.CMAEvolutionStrategy(begin, 0.3, {"seed": seed + 1, "verbose": -9, "popsize": size})
    for _ in range(evaluations // size):
        asked = evolution.ask()
        evolution.tell(asked, (-values(np.array([whole(z) for z in asked]))).tolist())
    return whole(evolution.result.xfavorite)


METHODS = {"surface": surface, "cobyqa": cobyqa, "cma": cma}


def problem(stages: int, rng: np.random.Generator) -> tuple[Region, np.ndarray, Values, float, float]:
    """A region, the published split, the true value, its best and its worst."""
    share = np.maximum(rng.dirichlet(np.ones(stages)), 0.01)
    share /= share.sum()
    region = Region(0.5 * share, np.minimum(1.0, 3.0 * share), 1.0)
    gain, ceiling = rng.uniform(0.2, 1.0, stages), share * rng.uniform(0.5, 2.5, stages)
    displaced = rng.uniform(0.0, 0.4, stages)

    def each(x: np.ndarray) -> np.ndarray:
        places = np.minimum(x, ceiling) / share
        return np.asarray((1 - np.exp(-places)) * gain - displaced * places * gain / 2)

    best, worst = extremes(each, region)
    return region, share, lambda x: each(x).sum(axis=1), best, worst


def extremes(each: Values, region: Region, steps: int = 200) -> tuple[float, float]:
    """The highest and the lowest value of a separable function over a region, by dynamic programming on a grid."""
    more = (region.total - region.lower.sum()) / steps
    grid = region.lower + more * np.arange(steps + 1)[:, None]
    values = each(grid)
    ends = []
    for sign in (1.0, -1.0):
        gained = np.where(grid <= region.upper + 1e-12, sign * values, -np.inf)
        reached = gained[:, 0]
        for column in gained.T[1:]:
            reached = np.array([(reached[: n + 1] + column[n::-1]).max() for n in range(steps + 1)])
        ends.append(sign * float(reached[steps]))
    return ends[0], ends[1]


def synthetic(trials: int, evaluations: int) -> list[dict[str, Any]]:
    """Mean regret of each way, by number of stages and noise."""
    rows = []
    for stages in (3, 11):
        for noise in (0.02, 0.2, 1.0):
            regret: dict[str, list[float]] = {name: [] for name in (*METHODS, "published")}
            for trial in range(trials):
                rng = np.random.default_rng([trial, stages])
                region, share, value, best, worst = problem(stages, rng)
                span = best - worst
                regret["published"].append((best - float(value(share[None])[0])) / span)
                for n, (name, method) in enumerate(METHODS.items()):
                    chance = np.random.default_rng([trial, stages, n])

                    def noisy(
                        x: np.ndarray, chance: Any = chance, value: Any = value, sd: float = noise * span
                    ) -> Any:
                        return value(x) + sd * chance.normal(size=len(x))

                    found = method(noisy, region, share, evaluations, trial)
                    assert region.holds(found)
                    regret[name].append((best - float(value(found[None])[0])) / span)
            row = {"stages": stages, "noise": noise, "evaluations": evaluations, "trials": trials}
            rows.append(
                row
                | {name: round(float(np.mean(x)), 4) for name, x in regret.items()}
                | {f"se_{name}": round(float(np.std(x) / len(x) ** 0.5), 4) for name, x in regret.items()}
            )
            print(rows[-1], flush=True)
    return rows


def on_the_model(evaluations: int, replicates: int, fresh: int, scale: int) -> dict[str, Any]:
    """Each way on `roadmap`, then its split and the published one on fresh replicates."""
    from sim.evaluation.allocate import Envelope
    from sim.evaluation.variants import Variants, score, with_horizon
    from sim.scenario import load

    asked = with_horizon(load("roadmap", overrides=[f"run.scale={scale}"]), 999)
    envelope = Envelope.of(asked)
    out: dict[str, Any] = {"scale": scale, "months": asked.run.months, "evaluations": evaluations}
    out |= {"replicates": replicates, "fresh_replicates": fresh, "groups": list(envelope.groups), "found": {}}
    with tempfile.TemporaryDirectory() as folder, Variants(Path(folder)) as evaluate:

        def runs(x: np.ndarray, which: range) -> np.ndarray:
            tasks = [(envelope.scenario(one), r) for one in x for r in which]
            scores = [score(one, "net-employment") for one in evaluate(tasks, again=True)]
            return np.array(scores).reshape(len(x), len(which))

        held_out = range(replicates, replicates + fresh)
        published = runs(envelope.published[None], held_out)[0]
        for name, method in METHODS.items():
            began = time.process_time()
            x = method(
                lambda x: runs(x, range(replicates)).mean(axis=1),
                envelope.region,
                envelope.published,
                evaluations,
                0,
            )
            gain = runs(x[None], held_out)[0] - published
            out["found"][name] = {
                "split": [round(float(s), 4) for s in x],
                "gain": round(float(gain.mean())),
                "se": round(float(gain.std(ddof=1) / fresh**0.5)),
                "cpu_s": round(time.process_time() - began, 1),
            }
            print(name, out["found"][name], flush=True)
    return out


def main() -> int:
    """Both comparisons; a JSON of the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--evaluations", type=int, default=40)
    parser.add_argument("--model", action="store_true", help="also on the model (some ten minutes)")
    args = parser.parse_args()
    found: dict[str, Any] = {"synthetic": synthetic(args.trials, args.evaluations)}
    if args.model:
        found["model"] = on_the_model(24, 2, 16, 1000)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
