"""The most probable parameters: Gauss-Newton on moments averaged over common random numbers.

    Q(z) = (m(z) - y)' V^-1 (m(z) - y) + z'z,   V = Sigma_data + Sigma_disc + (1/R + target_noise) Sigma_sim

in probit space (`sim.estimation.priors`). All R seeds serve every point, so Q is nearly smooth and central
differences of 0.12 prior sds see through the steps of size 1/N. One Jacobian is a single batch of 2 P R runs, one line
search another; McFadden (1989) and Duffie and Singleton (1993) for simulated moments, Levenberg (1944) and Marquardt
(1963) for the steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from scipy.special import ndtri

from sim.estimation.problem import Problem, Runs, shrunk_covariance

EDGE = 4.0
"""How far from the prior's median the search goes, in z: all but 6 in 100,000 of a prior."""
TRIED = (1.0, 0.5, 0.2)
SEEDS_EACH = 1_000_000
CRN, REPLICATES, SCREEN, CHECKS, WAVES, ENSEMBLE = 0, 1_000, 10_000, 50_000, 100_000, 500_000
"""Where each purpose's seeds begin, after `Options.seed * SEEDS_EACH`."""


@dataclass(frozen=True)
class Options:
    """How the optimum is looked for.

    seeds: R, averaged at every point. starts: searches, from the best far-apart points of a screen of `screen`
    points. replicates: runs from which Sigma_sim is taken. step: of the differences, in z; reach: longest step of
    the search. iterations, tolerance: when it ends (largest number; smallest fall of Q). floor: smallest sd a moment
    may have, on the target's scale (0.01 is one per cent of a level in logs): the cap on weights. prior: weight of
    z'z; 0 is simulated moments without a prior. seed: all runs of an estimation follow from it.
    """

    seeds: int = 2
    starts: int = 3
    screen: int = 40
    replicates: int = 20
    step: float = 0.12
    reach: float = 1.2
    iterations: int = 12
    tolerance: float = 0.02
    floor: float = 0.01
    prior: float = 1.0
    seed: int = 1

    def seeds_from(self, purpose: int, n: int) -> np.ndarray:
        """n seeds (n,) for a purpose (`CRN`, `REPLICATES`, ...)."""
        return self.seed * SEEDS_EACH + purpose + np.arange(n)


@dataclass(frozen=True, eq=False)
class Optimum:
    """Where one search ended: point z (P,), its moments (M,), d moments / d z (M, P), and Q there."""

    z: np.ndarray
    moments: np.ndarray
    jacobian: np.ndarray
    value: float
    converged: bool


@dataclass(frozen=True, eq=False)
class Fit:
    """The best optimum and what it was measured with.

    covariance: V (M, M); sim_cov: Sigma_sim of one run (M, M); hessian: J' V^-1 J + prior (P, P), half the curvature
    of Q; others: the ends of the other searches; runs: made so far.
    """

    best: Optimum
    theta: np.ndarray
    covariance: np.ndarray
    sim_cov: np.ndarray
    hessian: np.ndarray
    chi2: float
    others: Sequence[Optimum] = field(default=())
    runs: int = 0

    @property
    def laplace(self) -> np.ndarray:
        """Covariance of z (P, P) if the posterior were normal."""
        return np.asarray(np.linalg.inv(self.hessian))

    def rivals(self, apart: float = 2.0, behind: float = 6.0) -> list[Optimum]:
        """Other optima as good (Q less than `behind` above) and elsewhere (over `apart` posterior sds, any z)."""
        sd = np.sqrt(np.diag(self.laplace))
        near = [one for one in self.others if one.value < self.best.value + behind]
        return [one for one in near if (np.abs(one.z - self.best.z) > apart * sd).any()]


def target_covariance(problem: Problem, sim_cov: np.ndarray, seeds: int, floor: float) -> np.ndarray:
    """V (M, M) for moments averaged over `seeds` runs; no moment's sd is below `floor`."""
    total = np.diag(problem.noise) + (1.0 / seeds + problem.target_noise) * sim_cov
    return lifted(total, floor)


def lifted(covariance: np.ndarray, floor: float) -> np.ndarray:
    """The covariance with every variance raised to at least floor^2. ValueError when one is then not positive."""
    variance = np.diag(covariance)
    out = covariance + np.diag(np.maximum(0.0, floor**2 - variance))
    if (np.diag(out) <= 0.0).any():
        raise ValueError("a moment has neither sampling error nor discrepancy nor a floor")
    return np.asarray(out)


def spread_points(n: int, dims: int, rng: np.random.Generator) -> np.ndarray:
    """A Latin hypercube of standard normals (n, dims): McKay, Beckman and Conover (1979)."""
    order = rng.permuted(np.tile(np.arange(n), (dims, 1)), axis=1).T
    return np.asarray(ndtri((order + rng.random((n, dims))) / n))


class Objective:
    """Q and its Gauss-Newton pieces for one V and one set of seeds."""

    def __init__(self, problem: Problem, runs: Runs, covariance: np.ndarray, options: Options) -> None:
        self.runs, self.options, self.target = runs, options, problem.target
        self.seeds = options.seeds_from(CRN, options.seeds)
        self.root = cholesky(covariance, lower=True)

    def moments(self, z: np.ndarray) -> np.ndarray:
        """CRN means (n, M) at points (n, P)."""
        return self.runs.averaged(z, self.seeds.tolist())

    def whitened(self, values: np.ndarray) -> np.ndarray:
        """V^-1/2 of columns (M, k)."""
        return np.asarray(solve_triangular(self.root, values, lower=True))

    def values(self, z: np.ndarray, moments: np.ndarray) -> np.ndarray:
        """Q (n,) of points (n, P) with moments (n, M); infinite where a run failed."""
        good = np.isfinite(moments).all(axis=1)
        residual = self.whitened(np.where(good[:, None], moments - self.target, 0.0).T)
        total = (residual**2).sum(axis=0) + self.options.prior * (z**2).sum(axis=1)
        return np.where(good, total, np.inf)

    def jacobian(self, z: np.ndarray, moments: np.ndarray) -> np.ndarray:
        """d moments / d z (M, P) at z (P,) by central differences in one batch; one-sided beside a failed run."""
        h, p = self.options.step, z.size
        steps = h * np.eye(p)
        around = self.moments(np.concatenate([z + steps, z - steps]))
        high, low = around[:p], around[p:]
        slopes = np.where(np.isfinite(high) & np.isfinite(low), (high - low) / (2.0 * h), np.nan)
        for side, sign in ((high, 1.0), (low, -1.0)):
            slopes = np.where(np.isfinite(slopes), slopes, sign * (side - moments) / h)
        return np.nan_to_num(slopes, nan=0.0).T

    def search(self, z: np.ndarray) -> Optimum:
        """Levenberg-Marquardt from z (P,), every line search one batch. ValueError when the start fails."""
        options, damping = self.options, 0.0
        moments = self.moments(z[None])[0]
        value = float(self.values(z[None], moments[None])[0])
        if not np.isfinite(value):
            raise ValueError("the model fails at the start of the search")
        slopes, refused, moved = self.jacobian(z, moments), 0, False
        for _ in range(options.iterations):
            if moved:
                slopes = self.jacobian(z, moments)
            white = self.whitened(slopes)
            gradient = white.T @ self.whitened((moments - self.target)[:, None])[:, 0] + options.prior * z
            hessian = white.T @ white + options.prior * np.eye(z.size)
            ridge = damping * np.diag(hessian) + 1e-10 * (1.0 + np.trace(hessian) / z.size)
            step = -np.linalg.solve(hessian + np.diag(ridge), gradient)
            step *= min(1.0, options.reach / max(float(np.linalg.norm(step)), 1e-300))
            tried = np.clip(z + np.outer(TRIED, step), -EDGE, EDGE)
            found = self.moments(tried)
            values = self.values(tried, found)
            k = int(values.argmin())
            moved = bool(values[k] < value)
            if moved:
                fall = value - float(values[k])
                z, moments, value = tried[k], found[k], float(values[k])
                damping, refused = (0.0 if k == 0 else damping / 3.0), 0
                if fall < options.tolerance:
                    return Optimum(z, moments, self.jacobian(z, moments), value, True)
            else:
                damping, refused = max(10.0 * damping, 0.1), refused + 1
                if refused == 3 or -float(gradient @ step) < options.tolerance:
                    return Optimum(z, moments, slopes, value, True)
        if moved:
            slopes = self.jacobian(z, moments)
        return Optimum(z, moments, slopes, value, False)


def library(problem: Problem, options: Options, begin: np.ndarray | None = None) -> np.ndarray:
    """The points (n, P) of the screen: the prior's median, `begin` (P,) if it is given, and a Latin hypercube."""
    p = len(problem.names)
    first = [np.zeros((1, p)), *([] if begin is None else [begin[None]])]
    points = spread_points(max(options.screen, 1), p, np.random.default_rng([options.seed, 1]))
    return np.asarray(np.clip(np.concatenate([*first, points]), -EDGE, EDGE))


def screened(problem: Problem, options: Options, runs: Runs, begin: np.ndarray | None = None) -> np.ndarray:
    """Moments (n, M) at the points of the `library`, one run each."""
    points = library(problem, options, begin)
    return runs.at(points, options.seeds_from(SCREEN, len(points)))


def fit(
    problem: Problem,
    options: Options | None = None,
    runs: Runs | None = None,
    begin: np.ndarray | None = None,
) -> Fit:
    """The most probable parameters of a problem; `runs` keeps every run and makes it resumable.

    begin (P,), in z: from where the first search starts, whatever the screen says of it. runs may be those of another
    problem with the same priors and evaluate, as for other targets or discrepancies.
    ValueError when every run of the screen fails.
    """
    options = Options() if options is None else options
    runs = Runs(problem) if runs is None else runs
    p = len(problem.names)
    runs.stage = "screen"
    points = library(problem, options, begin)
    moments = screened(problem, options, runs, begin)
    runs.stage = "search"
    rough = lifted(np.diag(problem.noise), max(options.floor, 1e-6))
    first = _order(Objective(problem, runs, rough, options).values(points, moments))
    sim_cov = replicate_covariance(runs, points[first[0]], options)
    covariance = target_covariance(problem, sim_cov, options.seeds, options.floor)
    objective = Objective(problem, runs, covariance, options)
    order = _order(objective.values(points, moments))
    if begin is not None:
        order = np.concatenate([[1], order[order != 1]])
    starts = _far_apart(points, order, options.starts)
    runs_there = np.isfinite(objective.moments(np.array(starts))).all(axis=1)
    if not runs_there.any():
        raise ValueError("the model fails, with some seeds, at all points from which to search")
    starts = [start for start, good in zip(starts, runs_there, strict=True) if good]
    ends = sorted((objective.search(start) for start in starts), key=lambda end: end.value)
    sim_cov = replicate_covariance(runs, ends[0].z, options)
    covariance = target_covariance(problem, sim_cov, options.seeds, options.floor)
    objective = Objective(problem, runs, covariance, options)
    best = objective.search(ends[0].z)
    others = [
        replace(end, value=float(objective.values(end.z[None], end.moments[None])[0])) for end in ends[1:]
    ]
    white = objective.whitened(best.jacobian)
    residual = objective.whitened((best.moments - problem.target)[:, None])
    return Fit(
        best=best,
        theta=problem.priors.theta(best.z[None])[0],
        covariance=covariance,
        sim_cov=sim_cov,
        hessian=white.T @ white + max(options.prior, 1e-9) * np.eye(p),
        chi2=float((residual**2).sum()),
        others=others,
        runs=len(runs),
    )


def replicate_covariance(runs: Runs, z: np.ndarray, options: Options) -> np.ndarray:
    """Sigma_sim (M, M): covariance of the moments of single runs at z (P,)."""
    seeds = options.seeds_from(REPLICATES, options.replicates)
    return shrunk_covariance(runs.at(np.tile(z, (options.replicates, 1)), seeds))


def weighted_solve(covariance: np.ndarray, values: np.ndarray) -> np.ndarray:
    """V^-1 values (M, k), through the Cholesky factor of V (M, M)."""
    return np.asarray(cho_solve(cho_factor(covariance), values))


def _order(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).any():
        raise ValueError(
            "every run of the screen failed: the priors hold no parameters the model can live with"
        )
    return np.argsort(values, kind="stable")


def _far_apart(points: np.ndarray, order: np.ndarray, n: int, distance: float = 1.0) -> list[np.ndarray]:
    """The n best points (P,) with at least `distance` in z between any two of them; fewer when there are none."""
    chosen: list[np.ndarray] = []
    for k in order:
        if len(chosen) < n and all(np.linalg.norm(points[k] - one) >= distance for one in chosen):
            chosen.append(points[k])
    return chosen


__all__ = [
    "Fit",
    "Objective",
    "Optimum",
    "Options",
    "fit",
    "library",
    "lifted",
    "screened",
    "spread_points",
    "target_covariance",
]
