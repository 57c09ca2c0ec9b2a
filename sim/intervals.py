"""Intervals across replicates: Student's t, exact for whole degrees of freedom, without SciPy."""

from __future__ import annotations

from functools import lru_cache
from math import atan, cos, pi, sin, sqrt, tan

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


__all__ = ["LEVEL", "mean_interval", "ratio_interval", "student_t"]
