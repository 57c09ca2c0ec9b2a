"""What an estimate rests on: standard errors, which moment moves which parameter, and whether the model fits at all.

J (M, P) is the derivative of the moments, W (M, M) the weights, V (M, M) the moments' covariance; with a penalty the
prior's precision (P, P) is added to J'WJ, as in the objective of `sim.estimation.fit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import chi2

from sim.estimation.fit import Fit, weighted_solve
from sim.estimation.problem import Problem

CUTOFF = 3.0
"""Implausibility beyond which a moment speaks against a parameter point (Pukelsheim 1994: 3 sds, any unimodal law)."""


def sensitivity(jacobian: np.ndarray, weight: np.ndarray, penalty: np.ndarray | None = None) -> np.ndarray:
    """Lambda (P, M) = -(J'WJ)^-1 J'W of Andrews, Gentzkow and Shapiro (2017), QJE 132:1553.

    The estimate is off by Lambda times what E[m(theta) - y] is off; a target raised by d moves it by -Lambda d.
    """
    bread = jacobian.T @ weight @ jacobian
    if penalty is not None:
        bread = bread + penalty
    return np.asarray(-np.linalg.solve(bread, jacobian.T @ weight))


def sandwich(
    jacobian: np.ndarray, weight: np.ndarray, covariance: np.ndarray, penalty: np.ndarray | None = None
) -> np.ndarray:
    """Covariance of the estimate (P, P), Lambda V Lambda': (J'WJ)^-1 J'WVWJ (J'WJ)^-1 without a penalty."""
    moved = sensitivity(jacobian, weight, penalty)
    return np.asarray(moved @ covariance @ moved.T)


def worst_case_se(
    loadings: np.ndarray, sd: np.ndarray, block: Sequence[str], known: np.ndarray | None = None
) -> np.ndarray:
    """Largest possible standard errors (K,) of `loadings` (K, M) times moments with errors `sd` (M,).

    Moments of different blocks may be correlated in any way; those of one block have the correlation of `known`
    (M, M covariance, default none): sum over blocks of sqrt(l_b' V_b l_b). With a block for every moment that is
    sum_j |l_j| sd_j (Cocci and Plagborg-Møller 2024, Review of Economic Studies, arXiv 2109.08109, section 2).
    """
    covariance = np.diag(sd**2) if known is None else known
    total = np.zeros(len(loadings))
    for one in dict.fromkeys(block):
        rows = np.flatnonzero([name == one for name in block])
        part = loadings[:, rows]
        variance = np.einsum("ki,ij,kj->k", part, covariance[np.ix_(rows, rows)], part)
        total += np.sqrt(np.maximum(variance, 0.0))
    return total


@dataclass(frozen=True)
class Test:
    """A statistic, its degrees of freedom and the chance of a larger one if the model is right."""

    __test__ = False  # not one of pytest's

    statistic: float
    df: float
    p: float


def effective_parameters(fit: Fit) -> float:
    """Directions the data decide: sum of s^2 / (1 + s^2) over the singular values of the whitened Jacobian."""
    s2 = singular_values(fit.best.jacobian, fit.covariance) ** 2
    return float((s2 / (1.0 + s2)).sum())


def j_test(fit: Fit) -> Test:
    """The distance of the moments at the optimum against chi-square with M less the effective parameters.

    Its expectation is right also where the prior decides a direction: E r'V^-1r = M - sum s^2/(1 + s^2).
    """
    df = fit.covariance.shape[0] - effective_parameters(fit)
    return Test(fit.chi2, df, float(chi2.sf(fit.chi2, df)))


def prior_conflict(fit: Fit) -> Test:
    """Q at the optimum against chi-square with M: whether data and prior together are a surprise (Box 1980)."""
    m = fit.covariance.shape[0]
    return Test(fit.best.value, float(m), float(chi2.sf(fit.best.value, m)))


def singular_values(jacobian: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Of V^-1/2 J (min(M, P),), in prior sds per posterior sd: below one, the prior decides the direction."""
    root = np.linalg.cholesky(covariance)
    return np.asarray(np.linalg.svd(np.linalg.solve(root, jacobian), compute_uv=False))


@dataclass(frozen=True)
class History:
    """Outcome of history matching. kept (n,): points not ruled out; blockers: what rules out the best of the rest.

    blockers: moments that are implausible at the ten least implausible points, the most frequent first.
    """

    kept: np.ndarray
    blockers: tuple[str, ...]

    @property
    def share(self) -> float:
        """NROY: share of the points not ruled out yet."""
        return float(self.kept.mean())

    def __str__(self) -> str:
        if self.kept.any():
            return f"{self.share:.1%} of the points are not ruled out"
        return f"no parameter fits; at the best points the model misses {', '.join(self.blockers)}"


def implausibility(moments: np.ndarray, problem: Problem, variance: np.ndarray) -> np.ndarray:
    """|m - y| / sd (n, M) of moments (n, M); variance (M,): what the model adds to the targets' own errors.

    A failed run is infinitely implausible.
    """
    distance = np.abs(moments - problem.target) / np.sqrt(problem.noise + variance)
    return np.asarray(np.where(np.isfinite(moments), distance, np.inf))


def history_match(moments: np.ndarray, problem: Problem, variance: np.ndarray) -> History:
    """Rule out the points whose second largest implausibility exceeds CUTOFF (Vernon et al. 2010, Bayesian Analysis 5).

    moments (n, M) of a library of points; variance (M,): of one run, plus the emulator's if it is one's output.
    With a single moment, the largest counts.
    """
    distance = implausibility(moments, problem, variance)
    second = np.sort(distance, axis=1)[:, max(distance.shape[1] - 2, 0)]
    best = np.argsort(second, kind="stable")[:10]
    often = (distance[best] > CUTOFF).sum(axis=0)
    order = [int(k) for k in np.argsort(-often, kind="stable") if often[k] > 0]
    return History(second <= CUTOFF, tuple(problem.moments[k] for k in order))


def report(problem: Problem, fit: Fit) -> dict[str, Any]:
    """All of the above at the optimum, as plain numbers; errors and sensitivities are in the parameters' units."""
    slope = problem.priors.slope(fit.best.z)
    weight = weighted_solve(fit.covariance, np.eye(len(problem.moments)))
    prior = fit.hessian - fit.best.jacobian.T @ weight @ fit.best.jacobian
    moved = slope[:, None] * sensitivity(fit.best.jacobian, weight, prior)
    rest = fit.covariance - np.diag(problem.data_sd**2)
    worst = worst_case_se(moved, problem.data_sd, problem.block)
    tests = {name: vars(test) for name, test in (("j", j_test(fit)), ("prior_conflict", prior_conflict(fit)))}
    return {
        "estimate": fit.theta.tolist(),
        "laplace_sd": (slope * np.sqrt(np.diag(fit.laplace))).tolist(),
        "sandwich_se": np.sqrt(np.diag(moved @ fit.covariance @ moved.T)).tolist(),
        "worst_case_se": np.sqrt(worst**2 + np.einsum("ij,jk,ik->i", moved, rest, moved)).tolist(),
        "sensitivity_times_sd": (-moved * np.sqrt(np.diag(fit.covariance))).tolist(),
        "singular_values": singular_values(fit.best.jacobian, fit.covariance).tolist(),
        "residuals_in_sd": ((fit.best.moments - problem.target) / np.sqrt(np.diag(fit.covariance))).tolist(),
        "rivals": [problem.priors.theta(one.z[None])[0].tolist() for one in fit.rivals()],
        "converged": fit.best.converged,
        **tests,
    }


__all__ = [
    "CUTOFF",
    "History",
    "Test",
    "effective_parameters",
    "history_match",
    "implausibility",
    "j_test",
    "prior_conflict",
    "report",
    "sandwich",
    "sensitivity",
    "singular_values",
    "worst_case_se",
]
