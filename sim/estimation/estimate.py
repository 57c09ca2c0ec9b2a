"""From a problem to its posterior: the optimum, one or two waves of runs around it, and draws on the emulator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.estimation.diagnostics import report
from sim.estimation.emulate import Emulator, emulate, wave
from sim.estimation.fit import CHECKS, Fit, Options, fit
from sim.estimation.posterior import OUTSIDE, Posterior, checked, sample
from sim.estimation.problem import Problem, Runs


@dataclass(frozen=True, eq=False)
class Estimate:
    """Everything one estimation leaves. covariance: V (M, M) around the emulated moments."""

    fit: Fit
    emulator: Emulator
    covariance: np.ndarray
    posterior: Posterior


def estimate(
    problem: Problem,
    options: Options | None = None,
    runs: Runs | None = None,
    draws: int = 400,
    wave_runs: int = 0,
    waves: int = 2,
    ensembles: int = 2,
    checks: int = 40,
    begin: np.ndarray | None = None,
) -> Estimate:
    """The posterior of a problem.

    wave_runs: runs of a wave, 0 for the larger of 100 and 25 a parameter. A second and later wave, around the draws
    of the one before, is run when moments are emulated badly (`Emulator.poor`) or more than OUTSIDE of the draws lie
    beyond the last wave; at most `waves`. What is still wrong then is in the posterior's diagnostics. ensembles: of
    the sampler, 1 where time matters more than a comparison of ensembles.
    begin (P,): in z, from where the first search starts. checks: fresh runs at draws of the posterior, against
    the emulator.
    """
    options = Options() if options is None else options
    runs = Runs(problem) if runs is None else runs
    found = fit(problem, options, runs, begin)
    n = wave_runs or max(100, 25 * len(problem.names))
    centre, spread = found.best.z, found.laplace
    rng = np.random.default_rng([options.seed, 5])
    start = rng.multivariate_normal(centre, spread, size=200)
    made = []
    for number in range(waves):
        made.append(wave(runs, centre, spread, n, options, number))
        emulator = emulate(made, centre, spread)
        covariance = emulator.covariance(problem, found.sim_cov, options.floor)
        posterior = sample(
            problem, emulator, covariance, start, draws, options.seed, ensembles, options.prior
        )
        bad = emulator.poor(problem, found.sim_cov, options.replicates)
        poor = [name for name, one in zip(problem.moments, bad, strict=True) if one]
        if not poor and posterior.diagnostics["outside_wave"] <= OUTSIDE:
            break
        start = posterior.z
        centre, spread = start.mean(axis=0), np.cov(start.T).reshape(spread.shape)
    if checks:
        seeds = options.seeds_from(CHECKS, checks)
        posterior.diagnostics["checked_by_runs"] = checked(runs, emulator, posterior, seeds)
    posterior.diagnostics.update(
        report(problem, found),
        waves=len(made),
        poorly_emulated=poor,
        loo_sd=np.sqrt(np.diag(emulator.loo_cov)).tolist(),
        simulation_sd=np.sqrt(np.diag(found.sim_cov)).tolist(),
        runs=len(runs),
    )
    return Estimate(found, emulator, covariance, posterior)


__all__ = ["Estimate", "estimate"]
