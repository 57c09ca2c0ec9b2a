"""Intervals across replicates: Student's t, exact for whole degrees of freedom, without SciPy.

Where replicates differ in their draws of chance alone, an interval is that of their mean, and shrinks as they get more.
Where they differ in parameters too (`sim.uncertainty`), it is about what the model says when nobody knows its
parameters better than the posterior does, and does not shrink to nothing: `Design`.
"""

from __future__ import annotations

from functools import lru_cache
from math import atan, cos, pi, sin, sqrt, tan
from typing import NamedTuple

import numpy as np

LEVEL = 0.90  # what `low` and `high` cover, everywhere in the results


def _central(t: float, df: int) -> float:
    """P(|T| < t) of Student's t: the finite series of Abramowitz and Stegun (1964), 26.7.3 and 26.7.4."""
    angle = atan(t / sqrt(df))
    if df % 2:
        term, total = cos(angle), cos(angle) if df > 1 else 0.0
        for k in range(3, df - 1, 2):
            term *= cos(angle) ** 2 * (k - 1) / k
            total += term
        return 2.0 / pi * (angle + sin(angle) * total)
    term, total = 1.0, 1.0
    for k in range(2, df, 2):
        term *= cos(angle) ** 2 * (k - 1) / k
        total += term
    return sin(angle) * total


@lru_cache
def student_t(df: int, level: float = LEVEL) -> float:
    """The t with P(|T| < t) = level, for df >= 1 degrees of freedom, by bisection to the last digits."""
    if df < 1 or not 0.0 < level < 1.0:
        raise ValueError(f"no t for {df} degrees of freedom at level {level}")
    low, high = 0.0, 2.0 * tan(level * pi / 2.0)  # one degree of freedom has the widest tails
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _central(middle, df) < level else (low, middle)
    return 0.5 * (low + high)


def mean_interval(
    values: np.ndarray, axis: int = 0, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over the replicates and the ends of its t-interval, each without `axis`.

    One replicate has a mean and no interval: both ends are NaN.
    """
    values = np.asarray(values, dtype=np.float64)
    n = values.shape[axis]
    mean = values.mean(axis=axis)
    if n < 2:
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    half = student_t(n - 1, level) * values.std(axis=axis, ddof=1) / sqrt(n)
    return mean, mean - half, mean + half


def ratio_interval(
    numerator: np.ndarray, denominator: np.ndarray, axis: int = 0, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ratio of the sums over replicates, and its interval from the residuals (Cochran 1977, section 2.11).

    Replicates without anyone in the denominator take part with weight zero; NaN when all of them are so.
    """
    numerator, denominator = (
        np.asarray(numerator, dtype=np.float64),
        np.asarray(denominator, dtype=np.float64),
    )
    total = denominator.sum(axis=axis)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = numerator.sum(axis=axis) / total
        residual = numerator - np.expand_dims(ratio, axis) * denominator
        _, low, high = mean_interval(residual, axis, level)
        half = 0.5 * (high - low) / np.abs(total / denominator.shape[axis])
    return ratio, ratio - half, ratio + half


class Components(NamedTuple):
    """Variances of a replicate: that of its expectation over draws of parameters, that about it by chance, and that
    between variants of the model's structure (zero where there are none).

    between: of the means of draws, which holds all three; seed is zero where a draw has one replicate, and parameter
    then holds chance too.
    """

    parameter: np.ndarray
    seed: np.ndarray
    between: np.ndarray
    structure: np.ndarray


def components(values: np.ndarray, per_draw: int, axis: int = 0, variants: int = 1) -> Components:
    """Variance components of replicates, `per_draw` in a row of each draw, without `axis`; draw n has variant n modulo
    `variants`, each as often. Analysis of variance of a nested design, a negative estimate taken as zero (Searle,
    Casella & McCulloch 1992, section 3.6)."""
    values = np.moveaxis(np.asarray(values, dtype=np.float64), axis, 0)
    nested = values.reshape(len(values) // per_draw, per_draw, *values.shape[1:])
    draws = nested.mean(axis=1)
    between = draws.var(axis=0, ddof=1)
    seed = nested.var(axis=1, ddof=1).mean(axis=0) if per_draw > 1 else np.zeros_like(between)
    crossed = draws.reshape(len(draws) // variants, variants, *draws.shape[1:])  # draws of each variant
    within = crossed.var(axis=0, ddof=1).mean(axis=0)
    structure = np.zeros_like(between)
    if variants > 1:
        structure = np.maximum(crossed.mean(axis=0).var(axis=0, ddof=1) - within / len(crossed), 0.0)
    return Components(np.maximum(within - seed / per_draw, 0.0), seed, between, structure)


class Ends(NamedTuple):
    """An estimate with its interval, and how the variance of a replicate is split, NaN where it cannot be."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    share_parameter: np.ndarray
    share_seed: np.ndarray
    share_structure: np.ndarray


class Design(NamedTuple):
    """How replicates came about. per_draw: replicates in a row with the same draw of parameters; 0: all have the same.
    variants: of the model's structure, which draws have in turn.

    With draws, the interval is that of the outcome's expectation under a new draw: with d draws, mean -+ t(d - 1)
    times the root of (variance between parameters + variance of the mean of the d draws). Chance has a part in it only
    as far as the replicates leave the mean uncertain; where a draw has one replicate it cannot be told apart and counts
    whole. The shares are of the variance of one replicate; where variants do not come equally often, at least twice,
    structure and parameters cannot be told apart and neither has a share.
    """

    per_draw: int = 0
    variants: int = 0

    def mean(self, values: np.ndarray, axis: int = 0) -> Ends:
        """Mean over the replicates of `values`, each without `axis`."""
        if not self.per_draw:
            ends = mean_interval(values, axis)
            return Ends(*ends, *(np.full_like(ends[0], np.nan),) * 3)
        mean = np.asarray(values, dtype=np.float64).mean(axis=axis)
        half, *shares = self._spread(values, axis)
        return Ends(mean, mean - half, mean + half, *shares)

    def ratio(self, numerator: np.ndarray, denominator: np.ndarray, axis: int = 0) -> Ends:
        """Ratio of the sums over replicates, from residuals as `ratio_interval`."""
        if not self.per_draw:
            ends = ratio_interval(numerator, denominator, axis)
            return Ends(*ends, *(np.full_like(ends[0], np.nan),) * 3)
        top, bottom = (np.asarray(x, dtype=np.float64) for x in (numerator, denominator))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = top.sum(axis=axis) / bottom.sum(axis=axis)
            half, *shares = self._spread(top - np.expand_dims(ratio, axis) * bottom, axis)
            half = half / np.abs(bottom.mean(axis=axis))
        return Ends(ratio, ratio - half, ratio + half, *shares)

    def _spread(self, values: np.ndarray, axis: int) -> tuple[np.ndarray, ...]:
        """Half the interval, shares of parameters, seeds and structure."""
        n = np.shape(values)[axis]
        each = self.per_draw if n % self.per_draw == 0 else 1
        nothing = np.full_like(np.asarray(values, dtype=np.float64).mean(axis=axis), np.nan)
        if (draws := n // each) < 2:
            return nothing, nothing, nothing, nothing
        kinds = max(self.variants, 1)
        told_apart = draws % kinds == 0 and draws >= 2 * kinds
        found = components(values, each, axis, kinds if told_apart else 1)
        known = found.parameter + found.structure
        half = student_t(draws - 1) * np.sqrt(known + found.between / draws)
        if each == 1:
            return half, nothing, nothing, nothing
        with np.errstate(divide="ignore", invalid="ignore"):
            total = known + found.seed
            parameter, seed, structure = found.parameter / total, found.seed / total, found.structure / total
        if not told_apart:
            return half, nothing, seed, nothing
        return half, parameter, seed, structure if kinds > 1 else nothing


__all__ = [
    "LEVEL",
    "Components",
    "Design",
    "Ends",
    "components",
    "mean_interval",
    "ratio_interval",
    "student_t",
]
