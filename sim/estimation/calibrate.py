"""`laborshift calibrate`: from the targets to an ensemble of parameters, the point that scenarios use, and its worth.

What is estimated follows from the records: every parameter of `sim.parameters` that is `fitted`, with the prior of its
record, from every target with the role `fit` and a weight that the model measures. A target's error is its sampling
error and a discrepancy of the model (`sim.estimation.targets`), both over the root of its weight. Everything is on the
target's own scale: log-odds, logs.

Files of a calibration, `outputs/calibration-<hash8>/`:

* `trial.npz`, `runs.npz`: every run that was made, by parameters and seed; `--resume` goes on from them;
* `posterior.csv`, `posterior.json`: the draws (`sim.uncertainty` reads them) and their diagnostics;
* `estimate.toml`: the point estimate; `diagnostics.json`: parameters, moments, tests, everything that was measured.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import InputError
from sim.estimation.diagnostics import history_match
from sim.estimation.estimate import Estimate, estimate
from sim.estimation.evaluate import at_point, batch, identity
from sim.estimation.fit import REPLICATES, Options, screened
from sim.estimation.moments import MONTHS
from sim.estimation.priors import Priors, described, of_parameter
from sim.estimation.problem import Problem, Runs
from sim.estimation.smoother import Ensemble, smooth
from sim.estimation.targets import Target, load, to_scale
from sim.jobs import Processes
from sim.parameters import CALIBRATED, PARAMETERS
from sim.scenario import Scenario
from sim.scenario import load as load_scenario

if TYPE_CHECKING:
    from sim.estimation.posterior import Posterior

OUTPUTS = Path("outputs")
FAR = 3.0
"""How far from its target a moment counts at most, in logs or log-odds (a factor of 20): no empty count is minus
infinity."""
FRESH = 900_000
"""Where the seeds of the last runs begin: no run of the estimation has one of these."""
CHUNK = 12
"""Runs for each process after which what was made is kept."""
HEAD = (
    "# Point estimates of the parameters that calibration fits: the defaults of [world]. A parameter that is not",
    "# listed has the centre of its prior (sim/parameters.py). Written by: laborshift calibrate",
)
Tell = Callable[[str, int], None]
Moments = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Effort:
    """How many runs a calibration makes, and of which scale (people per agent).

    wave: runs of a wave for each parameter; waves: at most. members, steps: of the ensemble smoother. checks: runs at
    draws, against the emulator. ensembles: of the sampler. fresh, fresh_scale: runs at each candidate for the point
    estimate, and their scale.
    """

    options: Options
    scale: int
    wave: int
    waves: int
    members: int
    steps: int
    checks: int
    draws: int
    ensembles: int
    fresh: int
    fresh_scale: int

    def most(self, parameters: int) -> int:
        """Runs at most, but for the last ones at another scale."""
        o = self.options
        search = o.seeds * (2 * parameters + 3)
        searches = (o.starts + 1) * (o.iterations + 1) * search
        waves = self.waves * self.wave * parameters
        fixed = o.screen + 3 * o.replicates + self.checks + self.members_for(parameters) * self.steps
        return searches + waves + fixed

    def members_for(self, parameters: int) -> int:
        """Members of the ensemble: more than there are parameters."""
        return max(self.members, parameters + 10)


FULL = Effort(
    options=Options(seeds=2, starts=1, screen=60, replicates=30, iterations=3, tolerance=0.2),
    scale=200,
    wave=16,
    waves=3,
    members=100,
    steps=3,
    checks=40,
    draws=400,
    ensembles=2,
    fresh=8,
    fresh_scale=100,
)
QUICK = Effort(
    options=Options(seeds=1, starts=1, screen=4, replicates=6, iterations=1),
    scale=1000,
    wave=4,
    waves=1,
    members=30,
    steps=2,
    checks=5,
    draws=100,
    ensembles=1,
    fresh=2,
    fresh_scale=1000,
)


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a calibration found. estimate: name -> value; record: what `diagnostics.json` holds."""

    folder: Path
    posterior: Posterior
    estimate: dict[str, float]
    record: dict[str, Any]


def fitted() -> list[str]:
    """Names of the parameters that are fitted, in the order of their records."""
    return [name for name, record in PARAMETERS.items() if record.fitted]


def asked_of(scale: int) -> Scenario:
    """What is run: the baseline, long enough for every moment, with the centres of the priors."""
    scenario = load_scenario("baseline").with_run(scale=scale, months=MONTHS, replicates=1)
    return at_point(scenario, {name: PARAMETERS[name].centre for name in fitted()})


def problem_of(
    targets: Sequence[Target],
    names: Sequence[str],
    moments: Moments,
) -> Problem:
    """The problem of some targets and parameters. moments: parameters (n, P) and seeds (n,) to moments (n, M), in the
    targets' units."""
    weight = np.sqrt([one.weight for one in targets])
    steepness = np.array([_slope(one) for one in targets])
    return Problem(
        names=tuple(names),
        priors=Priors.of([of_parameter(PARAMETERS[name]) for name in names]),
        moments=tuple(one.id for one in targets),
        target=np.array([one.scaled for one in targets]),
        data_sd=np.array([one.scaled_sd for one in targets]) / weight,
        disc_sd=np.array([one.discrepancy for one in targets]) * steepness / weight,
        block=tuple(one.survey for one in targets),
        evaluate=lambda thetas, seeds: scaled(moments(thetas, seeds), targets),
    )


def scaled(values: np.ndarray, targets: Sequence[Target]) -> np.ndarray:
    """Moments (n, M) on the targets' scales, at most FAR from the target where that is one of logarithms."""
    columns = []
    for k, one in enumerate(targets):
        column = np.array([to_scale(float(x), one.transform) if x == x else np.nan for x in values[:, k]])
        if one.transform != "none":
            column = np.clip(column, one.scaled - FAR, one.scaled + FAR)
        columns.append(column)
    return np.column_stack(columns)


def _slope(target: Target) -> float:
    """How fast the target's scale moves with its value, at the value."""
    return target.scaled_sd / target.sd


def calibrate(
    targets: dict[str, Target],
    effort: Effort = FULL,
    *,
    out: Path | None = None,
    resume: bool = False,
    jobs: int = 1,
    names: Sequence[str] | None = None,
    tell: Tell = lambda stage, made: None,
) -> Calibration:
    """Estimate the parameters and write the folder of the calibration, or read it where it is finished.

    names: parameters to fit, all of them by default; the others keep the centre of their priors. tell: told the stage
    and the runs made. Raises InputError when no target can be fitted, or `out` holds runs of another calibration, or of
    this one without `resume`. An interrupt keeps the runs.
    """
    wanted = {id: one for id, one in targets.items() if one.role == "fit" and one.weight > 0.0}
    if not wanted:
        raise InputError(
            "no target has the role fit and a weight", key="role", allowed="at least one row to fit"
        )
    chosen = list(names or fitted())
    scenario = asked_of(effort.scale)
    begin = np.array([float(PARAMETERS[name].default) for name in chosen])
    question = _question(scenario, targets, effort, chosen, begin)
    folder = out or OUTPUTS / f"calibration-{question[:8]}"
    if (done := _finished(folder, question)) is not None:
        return done
    _refuse_leftovers(folder, resume)
    started = time.perf_counter()
    runs: Runs | None = None
    try:
        with Processes(jobs) if jobs > 1 else nullcontext() as processes:

            def runs_of(problem: Problem, file: str) -> Runs:
                try:
                    return Runs(problem, folder / file, identity(scenario), CHUNK * jobs, tell)
                except (ValueError, OSError, KeyError) as reason:
                    raise InputError(str(reason), file=str(folder), key="--out") from None

            def run(at: Scenario, ids: Sequence[str]) -> Moments:
                return lambda thetas, seeds: batch(
                    at, chosen, thetas, seeds.tolist(), ids, jobs=jobs, processes=processes
                )

            trial = problem_of(list(wanted.values()), chosen, run(scenario, list(wanted)))
            start = trial.priors.z(begin[None])[0]
            runs = runs_of(trial, "trial.npz")
            measured = _measured(runs, start, effort.options)
            if not measured:
                raise InputError("the model measures none of the targets to fit", key="id")
            problem = problem_of([wanted[id] for id in measured], chosen, run(scenario, measured))
            runs = runs_of(problem, "runs.npz")
            found = estimate(
                problem,
                effort.options,
                runs,
                draws=effort.draws,
                wave_runs=max(effort.wave * len(chosen), 3 * len(chosen) + 10),
                waves=effort.waves,
                ensembles=effort.ensembles,
                checks=effort.checks,
                begin=start,
            )
            members = effort.members_for(len(chosen))
            other = smooth(problem, found.fit.sim_cov, members, effort.steps, effort.options, runs)
            record = _record(problem, found, other, runs, start, effort)
            kinds = _candidates(problem, found)
            fresh = run(asked_of(effort.fresh_scale), list(targets))
            seeds = np.arange(FRESH, FRESH + effort.fresh)
            values = [fresh(np.tile(point, (effort.fresh, 1)), seeds) for point in kinds.values()]
    except KeyboardInterrupt:
        kept = len(runs) if runs is not None else 0
        said = f"{kept} runs are kept: the same command with --resume goes on from them"
        raise KeyboardInterrupt(f"interrupted; {said if kept else 'no run was kept yet'}") from None
    tables = [_moments(list(targets.values()), one) for one in values]
    met = [sum(row["met"] for row in table if row["id"] in measured) for table in tables]
    best = int(np.argmax(met))  # the first of equals
    estimated = dict(zip(chosen, map(float, list(kinds.values())[best]), strict=True))
    record = {
        "question": question,
        "estimate_is": list(kinds)[best],
        "met_by": dict(zip(kinds, met, strict=True)),
        "parameters": _parameters(problem, found, estimated),
        "moments": [row | {"fitted": row["id"] in measured} for row in tables[best]],
        "not_measured": [id for id in wanted if id not in measured],
        "not_fitted": [p.name for p in PARAMETERS.values() if p.estimated and p.name not in chosen],
        "scale": effort.scale,
        "months": MONTHS,
        **record,
    }
    _write(folder, found.posterior, estimated, record, time.perf_counter() - started)
    return Calibration(folder, found.posterior, estimated, record)


def _question(
    scenario: Scenario, targets: dict[str, Target], effort: Effort, names: Sequence[str], begin: np.ndarray
) -> str:
    """Digest (hex) of all that the result depends on."""
    priors = [asdict(of_parameter(PARAMETERS[name])) for name in names]
    rows = [list(one) for one in targets.values()]
    whole = [identity(scenario), rows, asdict(effort), list(names), priors, begin.tolist(), _estimator()]
    return hashlib.sha256(json.dumps(whole, default=str).encode()).hexdigest()


def _estimator() -> str:
    """Digest (hex) of the estimator's own sources."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _measured(runs: Runs, z: np.ndarray, options: Options) -> list[str]:
    """Moments with a number in every one of some runs at z (P,)."""
    seeds = options.seeds_from(REPLICATES, max(4, options.replicates // 4))
    found = runs.at(np.tile(z, (len(seeds), 1)), seeds)
    return [id for id, column in zip(runs.problem.moments, found.T, strict=True) if np.isfinite(column).all()]


def _candidates(problem: Problem, found: Estimate) -> dict[str, np.ndarray]:
    """What may be the point estimate (P,): the most probable point, and the mean of the draws in probit space.

    No single draw: it would give the parameters that nothing pins, on which policy depends, values by chance.
    """
    mean = found.posterior.weight @ found.posterior.z
    return {"most probable point": found.fit.theta, "mean of the draws": problem.priors.theta(mean[None])[0]}


def _record(
    problem: Problem, found: Estimate, other: Ensemble, runs: Runs, start: np.ndarray, effort: Effort
) -> dict[str, Any]:
    """Diagnostics, the ensemble smoother beside the posterior, and history matching on the screen."""
    posterior = found.posterior
    screen = screened(problem, effort.options, runs, start)
    ruled = history_match(screen, problem, np.diag(found.fit.sim_cov))
    sd = np.sqrt(posterior.weight @ (posterior.z - posterior.weight @ posterior.z) ** 2)
    apart = (other.z.mean(axis=0) - posterior.weight @ posterior.z) / sd
    diagnostics = posterior.diagnostics
    smoothed = {
        "members": len(other.z),
        "mean": other.theta.mean(axis=0).tolist(),
        "sd": other.theta.std(axis=0, ddof=1).tolist(),
        "from_the_posterior_in_sds": apart.tolist(),
        "failed": other.failed,
    }
    history = {"share_not_ruled_out": ruled.share, "points": len(screen), "blockers": list(ruled.blockers)}
    return {
        "diagnostics": diagnostics,
        "smoother": smoothed,
        "history_matching": history,
        "sensitivity_of": {"parameters": list(problem.names), "moments": list(problem.moments)},
        "runs": len(runs),
    }


def _parameters(problem: Problem, found: Estimate, estimated: dict[str, float]) -> list[dict[str, Any]]:
    """One row a parameter: prior, estimate, interval, what the data say of it."""
    posterior, told = found.posterior, found.posterior.diagnostics
    order = np.argsort(posterior.theta, axis=0)
    rows = []
    for k, name in enumerate(posterior.names):
        values, weight = posterior.theta[order[:, k], k], posterior.weight[order[:, k]]
        share = np.cumsum(weight) - 0.5 * weight
        low, high = (float(np.interp(q, share, values)) for q in (0.05, 0.95))
        rows.append(
            {
                "name": name,
                "prior": described(problem.priors.marginals[k]),
                "centre": float(PARAMETERS[name].centre),
                "estimate": estimated[name],
                "low": low,
                "high": high,
                "contraction": float(posterior.contraction[k]),
                "pinned": name not in posterior.unpinned,
                "sandwich_se": told["sandwich_se"][k],
                "worst_case_se": told["worst_case_se"][k],
                "rhat": told["rhat"][k],
            }
        )
    return rows


def _moments(targets: Sequence[Target], values: np.ndarray) -> list[dict[str, Any]]:
    """One row a target that the model measures, whatever its role: the mean of fresh runs (seeds, targets), its own
    standard error, and whether it lies in the target's range."""
    rows = []
    for k, one in enumerate(targets):
        found = values[np.isfinite(values[:, k]), k]
        if not found.size:
            continue
        mean = float(found.mean())
        error = float(found.std(ddof=1) / np.sqrt(found.size)) if found.size > 1 else 0.0
        low, high = one.interval
        rows.append(
            {
                "id": one.id,
                "role": one.role,
                "unit": one.unit,
                "target": one.value,
                "model": mean,
                "error": error,
                "low": low,
                "high": high,
                "met": bool(one.met(mean, error)),
            }
        )
    return rows


# ------------------------------------------------------------------------------------------------- the folder


def _finished(folder: Path, question: str) -> Calibration | None:
    """The calibration that a folder holds, when it is finished and of this question."""
    from sim.estimation.posterior import Posterior

    try:
        record = json.loads((folder / "diagnostics.json").read_text(encoding="utf-8"))
        if record["question"] != question:
            return None
        posterior = Posterior.load(folder / "posterior")
    except (OSError, ValueError, KeyError):
        return None
    return Calibration(
        folder, posterior, {row["name"]: row["estimate"] for row in record["parameters"]}, record
    )


def _refuse_leftovers(folder: Path, resume: bool) -> None:
    """InputError when a folder holds runs and they are not to be gone on from."""
    if not resume and any((folder / name).exists() for name in ("trial.npz", "runs.npz")):
        allowed = "--resume to go on from them, or a folder of its own in --out"
        raise InputError(
            "holds the runs of a calibration that is not this one finished", file=str(folder), allowed=allowed
        )


def _write(
    folder: Path, posterior: Posterior, estimated: dict[str, float], record: dict[str, Any], seconds: float
) -> None:
    """Every file of the result, each whole or not at all; `diagnostics.json`, by which it is finished, last."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as part:
        posterior.save(Path(part, "posterior"))
        Path(part, "estimate.toml").write_text(estimate_toml(estimated), encoding="utf-8")
        text = json.dumps(record | {"seconds": round(seconds, 1)}, indent=1, ensure_ascii=False)
        Path(part, "diagnostics.json").write_text(text + "\n", encoding="utf-8")
        for name in ("posterior.csv", "posterior.json", "estimate.toml", "diagnostics.json"):
            os.replace(Path(part, name), folder / name)


def estimate_toml(estimated: dict[str, float]) -> str:
    """Estimates as `sim.parameters` reads them, in six digits."""
    lines = [f"{name} = {float(f'{value:.6g}')!r}" for name, value in estimated.items()]
    return "\n".join([*HEAD, *lines]) + "\n"


def repository() -> Path | None:
    """The checkout that this package is part of; None once it is installed by itself."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() and (root / "calibration").is_dir() else None


def accept(found: Calibration, root: Path, point: Path = CALIBRATED) -> list[Path]:
    """Make a calibration the one that ships: draws and diagnostics to `root`/calibration, the estimate to `point`; the
    files written."""
    shipped = ("posterior.csv", "posterior.json", "diagnostics.json")
    files = {root / "calibration" / name: found.folder / name for name in shipped}
    files |= {point: found.folder / "estimate.toml"}
    for target, source in files.items():
        part = target.with_name(target.name + ".part")
        shutil.copyfile(source, part)
        os.replace(part, target)
    return list(files)


# ------------------------------------------------------------------------------------------------ the command


def calibrate_command(
    path: Path | None = None,
    *,
    quick: bool = False,
    resume: bool = False,
    scale: int | None = None,
    jobs: int = 1,
    out: Path | None = None,
    accepted: bool = False,
    as_json: bool = False,
    quiet: bool = False,
) -> None:
    """`laborshift calibrate`: estimate, keep the folder, print tables for people or one JSON object."""
    from sim.runner import say_if_compiling

    root = repository()
    if accepted and quick:
        raise InputError("a quick calibration is for checking only and never ships", key="--accept")
    if accepted and root is None:
        problem = "this package is not part of a checkout, so there is nothing to accept the result into"
        raise InputError(
            problem, key="--accept", allowed="run.uncertainty with the path of the posterior.csv"
        )
    targets = load(path)
    effort = QUICK if quick else FULL
    effort = effort if scale is None else replace(effort, scale=scale)
    say_if_compiling(quiet=quiet or as_json)
    with shown(effort.most(len(fitted())), not (quiet or as_json)) as tell:
        found = calibrate(targets, effort, out=out, resume=resume, jobs=jobs, tell=tell)
    files = accept(found, root) if accepted and root is not None else []
    if as_json:
        record = {"folder": str(found.folder), "accepted": [str(file) for file in files], **found.record}
        print(json.dumps(record, ensure_ascii=False))
    elif not quiet:
        from sim.estimation.show import show

        show(found, files)


@contextmanager
def shown(most: int, visible: bool) -> Iterator[Tell]:
    """Stage, runs made and the time left at most, on standard error and on a terminal only; yields what to tell it."""
    import sys

    if not visible or not sys.stderr.isatty():
        yield lambda stage, made: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("runs at most;"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("trial", total=most)
        yield lambda stage, made: progress.update(task, description=stage or "trial", completed=made)


__all__ = [
    "FULL",
    "QUICK",
    "Calibration",
    "Effort",
    "accept",
    "calibrate",
    "calibrate_command",
    "estimate_toml",
    "fitted",
    "problem_of",
    "repository",
    "scaled",
]
