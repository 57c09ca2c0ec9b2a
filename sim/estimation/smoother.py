"""Ensemble smoother with multiple data assimilation: an ensemble that is moved to the data in a few steps.

Emerick and Reynolds (2013), Computers & Geosciences 55:3-15. It needs no derivatives and its steps are as wide as
the ensemble: the fallback when the objective is rough, and the check that the optimum is not one of several. Its
intervals are somewhat narrow, so it is not the posterior that is published.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.estimation.fit import ENSEMBLE, Fit, Options, lifted, spread_points
from sim.estimation.problem import Problem, Runs


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Members in probit space and in their own units (n, P); failed: share of the runs that failed."""

    z: np.ndarray
    theta: np.ndarray
    failed: float

    def away(self, fit: Fit) -> np.ndarray:
        """Distance of the ensemble's mean from the optimum, in the ensemble's own sds (P,)."""
        return np.asarray(np.abs(self.z.mean(axis=0) - fit.best.z) / self.z.std(axis=0, ddof=1))


def smooth(
    problem: Problem,
    sim_cov: np.ndarray,
    members: int = 200,
    steps: int = 4,
    options: Options | None = None,
    runs: Runs | None = None,
) -> Ensemble:
    """`members` draws moved to the data in `steps` equal steps; sim_cov (M, M): noise of one run.

    Every member has a seed of its own in every step. Failed members take the place of a survivor. ValueError when
    fewer than P + 2 survive a step.
    """
    options = Options() if options is None else options
    runs = Runs(problem) if runs is None else runs
    runs.stage = "ensemble"
    rng = np.random.default_rng([options.seed, 2])
    z = spread_points(members, len(problem.names), rng)
    noise = lifted(np.diag(problem.noise) + problem.target_noise * sim_cov, max(options.floor, 1e-9))
    root = np.linalg.cholesky(noise)
    lost = 0
    for step in range(steps):
        moments = runs.at(z, options.seeds_from(ENSEMBLE + step * members, members))
        good = np.isfinite(moments).all(axis=1)
        lost += int((~good).sum())
        if good.sum() < len(problem.names) + 2:
            raise ValueError(f"only {good.sum()} of {members} members of the ensemble ran")
        taken = rng.choice(np.flatnonzero(good), members)
        rows = np.where(good, np.arange(members), taken)
        z, moments = z[rows], moments[rows]
        dz, dm = z - z.mean(axis=0), moments - moments.mean(axis=0)
        cross, own = dz.T @ dm / (members - 1), dm.T @ dm / (members - 1)
        observed = problem.target + np.sqrt(steps) * rng.standard_normal(moments.shape) @ root.T
        z = z + np.linalg.solve(own + steps * noise, (observed - moments).T).T @ cross.T
    return Ensemble(z, problem.priors.theta(z), lost / (members * steps))


__all__ = ["Ensemble", "smooth"]
