"""Marginal priors on bounded intervals, and the way to probit space, where every prior is N(0, I).

theta = F^-1(Phi(z)): bounds disappear, and the prior's share of the objective is z'z whatever its shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np
from scipy.special import betainc, betaincinv, ndtr, ndtri

from sim.parameters import Parameter

KINDS = ("uniform", "normal", "loguniform", "lognormal", "beta")
CONCENTRATION = 4.0
"""Weight of a beta prior, as a number of observations: Beta(2, 2) for a centre in the middle of the range."""
REACH = 2.0
"""Sds of the logarithm from the centre of a lognormal prior to the nearer bound."""
EDGE = 1e-14
"""How close to a bound z is still finite: |z| stays below 7.7."""


@dataclass(frozen=True)
class Prior:
    """One parameter's prior on [low, high], in the parameter's own units.

    kind: uniform; normal with mean a and sd b before truncation; loguniform (low > 0); lognormal (low > 0), whose
    logarithm is such a normal; beta with shapes a and b, stretched to the bounds. ValueError when the numbers do not
    make a distribution.
    """

    kind: str
    low: float
    high: float
    a: float = 0.0
    b: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown prior {self.kind!r}: one of {', '.join(KINDS)}")
        if not self.low < self.high or (self.kind in ("loguniform", "lognormal") and self.low <= 0.0):
            raise ValueError(f"a {self.kind} prior cannot have the bounds [{self.low}, {self.high}]")
        if self.b <= 0.0 or (self.kind == "beta" and self.a <= 0.0):
            raise ValueError(f"a {self.kind} prior cannot have a = {self.a}, b = {self.b}")

    def quantile(self, u: np.ndarray) -> np.ndarray:
        """The values (n,) below which lie the shares u (n,) of the prior."""
        if self.kind == "uniform":
            value = self.low + (self.high - self.low) * u
        elif self.kind == "loguniform":
            value = np.exp(log(self.low) + log(self.high / self.low) * u)
        elif self.kind == "beta":
            value = self.low + (self.high - self.low) * betaincinv(self.a, self.b, u)
        elif self.kind == "lognormal":
            value = np.exp(self._logs().quantile(u))
        else:
            below, above = self._tails()
            value = self.a + self._side() * self.b * ndtri(below + u * (above - below))
        return np.clip(value, self.low, self.high)

    def share(self, value: np.ndarray) -> np.ndarray:
        """The share of the prior (n,) below the values (n,): the inverse of `quantile`."""
        value = np.clip(value, self.low, self.high)
        if self.kind == "uniform":
            return np.asarray((value - self.low) / (self.high - self.low))
        if self.kind == "loguniform":
            return np.asarray(np.log(value / self.low) / log(self.high / self.low))
        if self.kind == "beta":
            return np.asarray(betainc(self.a, self.b, (value - self.low) / (self.high - self.low)))
        if self.kind == "lognormal":
            return self._logs().share(np.log(value))
        below, above = self._tails()
        return np.asarray((ndtr(self._side() * (value - self.a) / self.b) - below) / (above - below))

    def _logs(self) -> Prior:
        return Prior("normal", log(self.low), log(self.high), self.a, self.b)

    def _side(self) -> float:
        """-1 when most of the interval lies above the mean: the normal's lower tail has more digits."""
        return -1.0 if 0.5 * (self.low + self.high) > self.a else 1.0

    def _tails(self) -> tuple[float, float]:
        low, high = (self._side() * (bound - self.a) / self.b for bound in (self.low, self.high))
        return float(ndtr(low)), float(ndtr(high))


def of_parameter(record: Parameter) -> Prior:
    """The prior of an estimated parameter, from its record: the kind it names, its range, centred on its centre.

    beta: the centre is the mean; the shapes add up to CONCENTRATION, or to as much as keeps both at 1 or more, so that
    the density is finite at the bounds. lognormal: the centre is the median but for what the bounds cut off, and the
    nearer bound is REACH sds away. Both are weak on purpose. ValueError for a parameter that is not estimated.
    """
    low, high, centre = float(record.low), float(record.high), float(record.centre)
    if not record.prior:
        raise ValueError(f"{record.name} is not estimated: it has no prior")
    if record.prior == "uniform":
        return Prior("uniform", low, high)
    if record.prior == "lognormal":
        return Prior("lognormal", low, high, log(centre), min(log(high / centre), log(centre / low)) / REACH)
    mean = (centre - low) / (high - low)
    weight = max(CONCENTRATION, 1.0 / min(mean, 1.0 - mean))
    return Prior("beta", low, high, weight * mean, weight * (1.0 - mean))


def described(prior: Prior) -> str:
    """A prior in a few words, for tables."""
    if prior.kind == "beta":
        return f"beta({prior.a:.3g}, {prior.b:.3g})"
    if prior.kind == "lognormal":
        return f"lognormal, median {exp(prior.a):.3g}, sd of logs {prior.b:.3g}"
    return prior.kind


@dataclass(frozen=True)
class Priors:
    """Independent priors of P parameters."""

    marginals: tuple[Prior, ...]

    @classmethod
    def of(cls, marginals: Sequence[Prior]) -> Priors:
        return cls(tuple(marginals))

    def __len__(self) -> int:
        return len(self.marginals)

    def theta(self, z: np.ndarray) -> np.ndarray:
        """Parameters (n, P) of points in probit space (n, P)."""
        u = np.clip(ndtr(np.atleast_2d(z)), EDGE, 1.0 - EDGE)
        return np.column_stack([one.quantile(u[:, k]) for k, one in enumerate(self.marginals)])

    def z(self, theta: np.ndarray) -> np.ndarray:
        """Points in probit space (n, P) of parameters (n, P); finite also on the bounds."""
        theta = np.atleast_2d(np.asarray(theta, dtype=np.float64))
        u = np.column_stack([one.share(theta[:, k]) for k, one in enumerate(self.marginals)])
        return np.asarray(ndtri(np.clip(u, EDGE, 1.0 - EDGE)))

    def slope(self, z: np.ndarray) -> np.ndarray:
        """d theta / d z (P,) at the point z (P,), by central differences of 1e-5."""
        h = 1e-5
        high, low = self.theta(np.stack([z + h, z - h]))
        return np.asarray((high - low) / (2.0 * h))

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n independent draws (n, P) in probit space."""
        return rng.standard_normal((n, len(self)))


__all__ = ["KINDS", "Prior", "Priors", "described", "of_parameter"]
