"""A wave of runs around the optimum, and a quadratic through each moment.

Runs at N(centre, 1.5^2 spread), one seed each, are fitted by ridge regression with the penalty of every moment
chosen by generalised cross-validation (Golub, Heath and Wahba 1979, Technometrics 21:215). Leave-one-out residuals
say how far the quadratic is off: they are the noise of one run and the misfit together. Emulators of the whole prior
miss by several sds of that noise, local ones do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy.linalg import solve_triangular
from scipy.stats import chi2

from sim.estimation.fit import EDGE, WAVES, Options, lifted, spread_points
from sim.estimation.problem import Problem, Runs, shrunk_covariance

WIDER = 1.5
"""Sds of the wave, in sds of the posterior it is to cover."""
PENALTIES = np.logspace(-9.0, 1.0, 31)


@dataclass(frozen=True, eq=False)
class Wave:
    """Points (n, P) in probit space and moments of one run at each (n, M), none of them failed."""

    z: np.ndarray
    moments: np.ndarray


@dataclass(frozen=True, eq=False)
class Emulator:
    """m(z) for points near `centre` (P,). root (P, P): Cholesky factor of the wave's covariance.

    full: with cross products, not only squares. coefficients (terms, M); loo_cov (M, M): covariance of leave-one-out
    residuals; leverage (M,): effective terms over runs; radius: distance in wave sds within which nearly all runs lie.
    """

    centre: np.ndarray
    root: np.ndarray
    full: bool
    coefficients: np.ndarray
    loo_cov: np.ndarray
    leverage: np.ndarray
    radius: float

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Moments (n, M) at points (n, P)."""
        return np.asarray(self.terms(self.scaled(z)) @ self.coefficients)

    def terms(self, x: np.ndarray) -> np.ndarray:
        """What the coefficients belong to (n, terms), at points x (n, P) in sds of the wave."""
        return _terms(x, self.full)

    @cached_property
    def _inverse(self) -> np.ndarray:
        return np.asarray(np.linalg.inv(self.root).T)

    def scaled(self, z: np.ndarray) -> np.ndarray:
        """Points (n, P) in sds of the wave."""
        return np.asarray((z - self.centre) @ self._inverse)

    def distance(self, z: np.ndarray) -> np.ndarray:
        """Distance from the centre (n,), the radius being 1: above 1 the quadratic extrapolates."""
        return np.asarray(np.linalg.norm(self.scaled(z), axis=1) / self.radius)

    def covariance(self, problem: Problem, sim_cov: np.ndarray, floor: float) -> np.ndarray:
        """V (M, M) around the emulated moments: targets' errors and what the emulator adds.

        A target that is one run shares its noise, so that the residuals' covariance enters whole. One that is not
        takes only the emulator's own error: residual variance beyond a run's noise, at least its leverage.
        """
        loo = np.diag(self.loo_cov)
        own = np.maximum(loo - np.diag(sim_cov), self.leverage * loo)
        noisy = problem.target_noise
        return lifted(np.diag(problem.noise) + noisy * self.loo_cov + (1.0 - noisy) * np.diag(own), floor)

    def poor(self, problem: Problem, sim_cov: np.ndarray, replicates: int) -> np.ndarray:
        """Moments (M,) whose leave-one-out sd is over 1.5 times a run's noise or, if larger, a third of all error.

        sim_cov comes from `replicates` runs, so that its upper 95% bound is what is exceeded.
        """
        own = np.diag(sim_cov) * (replicates - 1) / chi2.ppf(0.05, replicates - 1)
        allowed = np.maximum(own, (np.diag(sim_cov) + problem.noise) / 9.0)
        return np.asarray(np.diag(self.loo_cov) > 1.5**2 * np.maximum(allowed, 1e-24))


def wave(
    runs: Runs, centre: np.ndarray, spread: np.ndarray, n: int, options: Options, number: int = 0
) -> Wave:
    """n runs around `centre` (P,), with WIDER sds of `spread` (P, P), inside the search's bounds.

    ValueError when fewer than 2 P + 2 do not fail.
    """
    runs.stage = f"wave {number + 1}"
    rng = np.random.default_rng([options.seed, 3, number])
    root = WIDER * np.linalg.cholesky(spread)
    z = centre + spread_points(n, centre.size, rng) @ root.T
    z = np.clip(z, -EDGE, EDGE)
    moments = runs.at(z, options.seeds_from(WAVES * (1 + number), n))
    good = np.isfinite(moments).all(axis=1)
    if good.sum() < 2 * centre.size + 2:
        raise ValueError(f"only {good.sum()} of {n} runs around the optimum did not fail")
    return Wave(z[good], moments[good])


def emulate(waves: Sequence[Wave], centre: np.ndarray, spread: np.ndarray) -> Emulator:
    """Quadratics through all runs of the waves that lie within 1.5 times the radius of the last.

    Cross products take part when there are two runs for each term, else only squares.
    """
    root = WIDER * np.linalg.cholesky(spread)
    scaled = [solve_triangular(root, (one.z - centre).T, lower=True).T for one in waves]
    radius = float(np.quantile(np.linalg.norm(scaled[-1], axis=1), 0.99))
    x = np.concatenate(scaled)
    near = np.linalg.norm(x, axis=1) <= 1.5 * radius
    x, y = x[near], np.concatenate([one.moments for one in waves])[near]
    p = centre.size
    full = len(x) >= 2 * (1 + p + p * (p + 1) // 2)
    coefficients, residuals, leverage = _ridge(_terms(x, full)[:, 1:], y)
    return Emulator(centre, root, full, coefficients, shrunk_covariance(residuals), leverage, radius)


def _terms(x: np.ndarray, full: bool) -> np.ndarray:
    """1, x, squares and, if full, products (n, terms): Hermite, hence nearly orthogonal over the wave."""
    parts = [np.ones((len(x), 1)), x, (x**2 - 1.0) / np.sqrt(2.0)]
    if full:
        i, j = _pairs(x.shape[1])
        parts.append(x[:, i] * x[:, j])
    return np.concatenate(parts, axis=1)


@lru_cache
def _pairs(p: int) -> tuple[np.ndarray, np.ndarray]:
    i, j = np.triu_indices(p, 1)
    return i, j


def _ridge(a: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ridge of y (n, M) on a (n, T): coefficients with the constant (T + 1, M), LOO residuals (n, M), leverage (M,).

    The constant is not penalised; each moment has the penalty of PENALTIES with the least GCV.
    """
    n, mean_a, mean_y = len(a), a.mean(axis=0), y.mean(axis=0)
    u, s, vt = np.linalg.svd(a - mean_a, full_matrices=False)
    centred = y - mean_y
    seen = u.T @ centred
    outside = (centred**2).sum(axis=0) - (seen**2).sum(axis=0)
    kept = s**2 / (s**2 + PENALTIES[:, None] * s[0] ** 2)
    freedom = n - 1.0 - kept.sum(axis=1)
    rss = outside + ((1.0 - kept) ** 2) @ (seen**2)
    gcv = np.where(freedom[:, None] > 0.5, rss / np.maximum(freedom[:, None], 0.5) ** 2, np.inf)
    weights = kept[gcv.argmin(axis=0)]
    slopes = vt.T @ (weights.T / np.maximum(s, 1e-300)[:, None] * seen)
    fitted = u @ (weights.T * seen)
    hat = 1.0 / n + u**2 @ weights.T
    residuals = (centred - fitted) / np.maximum(1.0 - hat, 1e-6)
    constant = mean_y - mean_a @ slopes
    return np.vstack([constant, slopes]), residuals, (1.0 + weights.sum(axis=1)) / n


__all__ = ["Emulator", "Wave", "emulate", "wave"]
