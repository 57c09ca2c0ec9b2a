"""Does the estimator tell the truth about itself? Simulation-based calibration, and where an outcome's spread is from.

Parameters are drawn from the prior, one run of the model with the targets' noise is the data, and the posterior is
asked where the truth lies: its rank among the draws is uniform if the posterior is right (Talts et al. 2018, arXiv
1804.06788). The same is asked of policy outcomes, which need not follow from the parameters' ranks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import binom, chi2, kstest

from sim.estimation.posterior import Posterior
from sim.estimation.problem import Problem

LEVELS = (0.5, 0.8, 0.9)
Outcome = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Parameters (n, P) and seeds (n,) to policy outcomes (n, K)."""
Estimator = Callable[[Problem, int], Posterior]
"""A problem and a number, different for every data set, to a posterior."""
TRUTHS, OUTCOMES = 900_000_000, 950_000_000
"""Where the seeds of synthetic data and of outcomes begin, clear of those of `sim.estimation.fit.Options`."""


@dataclass(frozen=True, eq=False)
class Coverage:
    """Of central intervals: nominal level, share (K,) of truths inside, and a 95% binomial band if they were right."""

    level: float
    share: np.ndarray
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Study:
    """Ranks of the truth (sets, K) from 0 to `draws`, for K parameters and outcomes; contraction (sets, P).

    failed: data sets without a posterior, with the reason. error (sets, K): posterior mean less truth, in z for
    parameters and in their own units for outcomes.
    """

    names: tuple[str, ...]
    ranks: np.ndarray
    draws: int
    error: np.ndarray
    contraction: np.ndarray
    failed: tuple[str, ...]

    def coverage(self, level: float) -> Coverage:
        """Share of the data sets whose central interval of this level holds the truth."""
        n = len(self.ranks)
        u = (self.ranks + 0.5) / (self.draws + 1)
        inside = np.abs(u - 0.5) <= level / 2.0
        low, high = binom.interval(0.95, n, level)
        return Coverage(level, inside.mean(axis=0), float(low) / n, float(high) / n)

    def histogram(self, bins: int = 10) -> np.ndarray:
        """Counts (K, bins) of the truths' ranks."""
        place = np.minimum((self.ranks * bins) // (self.draws + 1), bins - 1)
        return np.stack([np.bincount(column, minlength=bins) for column in place.T])

    def uniformity(self, bins: int = 10) -> dict[str, dict[str, float]]:
        """p-values that the ranks are uniform, by name: chi-square of the histogram, and Kolmogorov's of the ECDF."""
        counts = self.histogram(bins)
        expected = len(self.ranks) / bins
        u = (self.ranks + 0.5) / (self.draws + 1)
        return {
            name: {
                "chi2": float(chi2.sf(((counts[k] - expected) ** 2 / expected).sum(), bins - 1)),
                "ecdf": float(kstest(u[:, k], "uniform").pvalue),
            }
            for k, name in enumerate(self.names)
        }

    def summary(self) -> dict[str, Any]:
        """Coverage, uniformity and errors as plain numbers, for a file."""
        covered = [self.coverage(level) for level in LEVELS]
        return {
            "names": list(self.names),
            "sets": len(self.ranks),
            "draws": self.draws,
            "failed": list(self.failed),
            "coverage": [{**vars(one), "share": one.share.tolist()} for one in covered],
            "uniformity": self.uniformity(),
            "rmse": np.sqrt((self.error**2).mean(axis=0)).tolist(),
            "contraction": self.contraction.mean(axis=0).tolist(),
        }


def synthetic(problem: Problem, z: np.ndarray, seed: int, rng: np.random.Generator) -> Problem:
    """The problem with data made at z (P,): one run, and noise with the sds of sampling and discrepancy.

    ValueError when that run fails.
    """
    run = problem.evaluate(problem.priors.theta(z[None]), np.array([seed]))[0]
    if not np.isfinite(run).all():
        raise ValueError("the run that makes the data fails")
    target = run + rng.standard_normal(run.size) * np.sqrt(problem.noise)
    return replace(problem, target=target, target_noise=1.0)


def study(
    problem: Problem,
    estimator: Estimator,
    sets: int,
    outcome: Outcome | None = None,
    outcome_names: Sequence[str] = (),
    seed: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Study:
    """Estimate `sets` data sets whose truth is known; the problem's own target plays no part.

    An outcome is computed at the truth and at every draw, each with a seed of its own. A data set whose estimation
    raises ValueError is left out and counted in `failed`: if there are many, the ranks say little. ValueError when
    all fail.
    """
    ranks, errors, contraction, failed = [], [], [], []
    draws = 0
    for number in range(sets):
        rng = np.random.default_rng([seed, 7, number])
        z = problem.priors.draw(1, rng)[0]
        try:
            posterior = estimator(synthetic(problem, z, TRUTHS + number, rng), number)
        except ValueError as reason:
            failed.append(f"data set {number}: {reason}")
            continue
        draws = len(posterior)
        truth, drawn = z, posterior.z
        if outcome is not None:
            seeds = OUTCOMES + number * (draws + 1) + np.arange(draws + 1)
            at = problem.priors.theta(z[None])
            values = np.asarray(outcome(np.concatenate([at, posterior.theta]), seeds)).reshape(draws + 1, -1)
            truth, drawn = np.append(z, values[0]), np.hstack([drawn, values[1:]])
        ties = rng.random(drawn.shape) < 0.5
        ranks.append(((drawn < truth) | ((drawn == truth) & ties)).sum(axis=0))
        errors.append(drawn.mean(axis=0) - truth)
        contraction.append(posterior.contraction)
        if progress is not None:
            progress(number + 1)
    if not ranks:
        raise ValueError(f"no data set could be estimated: {failed[0] if failed else 'none was asked for'}")
    names = (*problem.names, *outcome_names)
    return Study(names, np.array(ranks), draws, np.array(errors), np.array(contraction), tuple(failed))


@dataclass(frozen=True)
class Shares:
    """Variance of one outcome, in its squared units, by where it comes from."""

    parameter: float
    seed: float
    structure: float = 0.0

    @property
    def total(self) -> float:
        return self.parameter + self.seed + self.structure

    def shares(self) -> dict[str, float]:
        """Each part over the total, NaN when nothing varies."""
        return {
            name: part / self.total if self.total > 0.0 else float("nan") for name, part in vars(self).items()
        }


def variance_shares(values: np.ndarray, variants: Sequence[np.ndarray] = ()) -> Shares:
    """Split the variance of an outcome (d draws, r seeds of their own each), r at least 2.

    Var_seed is the mean variance within a draw, Var_parameter that of the draws' means less Var_seed / r, at least 0
    (one-way random effects: Searle, Casella and McCulloch 1992, chapter 3). variants: the same outcome (d', r') of
    other structures of the model; Var_structure is the variance of the structures' means, `values` among them.
    ValueError for a single seed or draw.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or min(values.shape) < 2:
        raise ValueError(f"the split needs 2 draws and 2 seeds of each; there are {values.shape}")
    within = float(values.var(axis=1, ddof=1).mean())
    between = max(0.0, float(values.mean(axis=1).var(ddof=1)) - within / values.shape[1])
    means = [float(np.mean(one)) for one in (values, *variants)]
    return Shares(between, within, float(np.var(means, ddof=1)) if len(means) > 1 else 0.0)


__all__ = ["LEVELS", "Coverage", "Shares", "Study", "study", "synthetic", "variance_shares"]
