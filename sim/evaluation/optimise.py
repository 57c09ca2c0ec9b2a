"""The best point of a region from few and noisy runs: a fitted surface with diminishing returns.

Splits of an envelope are shares x (K,) with lower <= x <= upper and a fixed sum. What a split is worth is known with
noise that is larger than most differences between splits: after a few years paired runs have drifted apart, so that
common random numbers no longer smooth the objective. All runs together then say more than the best of them
(`benchmarks/allocate.py` holds this against two optimisers that walk). They are fitted by a surface, in each share

    f(x) = c + sum_k (b_k x_k + a_k x_k^2)        a_k <= 0

(least squares with bounds). SciPy's SLSQP then finds the point that is highest above the published split by the fit,
less 1.6 standard errors of that difference, so that noise alone does not move money. Part of the runs are spread over
the region, the rest are made around the maximum found by then (Box and Wilson 1951, J. R. Stat. Soc. B 13; Kleijnen
2015, Design and Analysis of Simulation Experiments).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sim.draws import ORDER, key_of, uniforms

SPREAD = 0.6
"""Part of the points that are spread over the whole region; the others lie around the maximum found by then."""
CLOSER = 0.5
"""Size of the region around that maximum, in parts of the whole."""
CAUTION = 1.645
"""Standard errors taken off what a split seems to gain: where runs say little, the answer stays near the start."""
RIDGE = 1e-3
"""Weight of slopes and curvatures of nothing, in observations, so that what runs do not tell stays flat."""


@dataclass(frozen=True, eq=False)
class Region:
    """Shares x (K,) between lower and upper that add up to `total`. ValueError when there are none."""

    lower: np.ndarray
    upper: np.ndarray
    total: float

    def __post_init__(self) -> None:
        if (self.lower > self.upper + 1e-12).any():
            raise ValueError("a lower bound is above its upper bound")
        if not self.lower.sum() - 1e-9 <= self.total <= self.upper.sum() + 1e-9:
            raise ValueError("no shares between these bounds add up to the total")

    def nearest(self, x: np.ndarray) -> np.ndarray:
        """The point of the region that is nearest to x (K,): x less one number for all, cut at the bounds."""
        low, high = float((x - self.upper).min()), float((x - self.lower).max())
        for _ in range(60):
            middle = 0.5 * (low + high)
            if np.clip(x - middle, self.lower, self.upper).sum() > self.total:
                low = middle
            else:
                high = middle
        return np.asarray(np.clip(x - 0.5 * (low + high), self.lower, self.upper))

    def holds(self, x: np.ndarray, slack: float = 1e-7) -> bool:
        """Whether x lies in the region."""
        inside = (x >= self.lower - slack).all() and (x <= self.upper + slack).all()
        return bool(inside and abs(x.sum() - self.total) <= slack * x.size)

    @property
    def width(self) -> np.ndarray:
        """Room of each share (K,), 1 where there is none."""
        width = self.upper - self.lower
        return np.asarray(np.where(width > 0, width, 1.0))


@dataclass(frozen=True, eq=False)
class Surface:
    """A fitted surface: value and slopes at any point, of centred and scaled shares, and how well it is known.

    slope, curve (K,); covariance (2K, 2K) of both.
    """

    centre: np.ndarray
    width: np.ndarray
    constant: float
    slope: np.ndarray
    curve: np.ndarray
    covariance: np.ndarray

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray, region: Region) -> Surface:
        """From points x (n, K) and values y (n,): least squares with no curvature above zero. The covariance is that
        of the fit without this bound, with the variance of the residuals over what the fit leaves free."""
        from scipy.optimize import lsq_linear

        centre, width = x.mean(axis=0), region.width
        z = (x - centre) / width
        spread = float(y.std()) or 1.0
        n, k = z.shape
        design = np.column_stack([np.ones(n), z, z**2])
        ridge = np.sqrt(RIDGE) * np.eye(2 * k, 2 * k + 1, 1)
        columns, values = (
            np.vstack([design, ridge]),
            np.concatenate([(y - y.mean()) / spread, np.zeros(2 * k)]),
        )
        high = np.concatenate([np.full(k + 1, np.inf), np.full(k, 1e-9)])
        found = lsq_linear(columns, values, bounds=(np.full(2 * k + 1, -np.inf), high), method="bvls").x
        inverse = np.linalg.inv(columns.T @ columns)
        free = max(1.0, n - float(np.trace(design @ inverse @ design.T)))
        variance = float(((values[:n] - design @ found) ** 2).sum()) / free
        return cls(
            centre,
            width,
            spread * float(found[0]) + float(y.mean()),
            spread * found[1 : k + 1],
            spread * np.minimum(found[k + 1 :], 0.0),
            spread**2 * variance * inverse[1:, 1:],
        )

    def __call__(self, x: np.ndarray) -> float:
        z = (x - self.centre) / self.width
        return float(self.constant + z @ self.slope + z**2 @ self.curve)

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """Change of the value with each share (K,)."""
        return np.asarray((self.slope + 2 * self.curve * (x - self.centre) / self.width) / self.width)

    def rise(self, x: np.ndarray, start: np.ndarray, caution: float) -> tuple[float, np.ndarray]:
        """How much higher x is than `start`, less `caution` standard errors of that, and its slopes (K,)."""
        z, before = (x - self.centre) / self.width, (start - self.centre) / self.width
        d = np.concatenate([z - before, z**2 - before**2])
        known = self.covariance @ d
        error = float(np.sqrt(max(d @ known, 0.0)))
        slope = (known[: x.size] + 2 * z * known[x.size :]) / self.width / max(error, 1e-300)
        return self(x) - self(start) - caution * error, self.gradient(x) - caution * slope


def top(
    surface: Surface,
    region: Region,
    start: np.ndarray,
    floor: tuple[Surface, float] | None = None,
    caution: float = CAUTION,
) -> np.ndarray:
    """The point of the region that is highest above `start` with `caution` (`Surface.rise`); `start` if none is.

    floor: a surface and the least value that it must have; where no point has it, the one that comes nearest.
    """
    begin = region.nearest(start)
    points = [_ascend(surface, region, begin, begin, None, 0.0)]
    if floor is not None:
        fairest = _ascend(floor[0], region, begin, begin, None, 0.0)
        if floor[0](fairest) <= floor[1]:
            return fairest
        points.append(fairest)
    points += list(spread_over(region, begin, 2 * start.size + 1, 0)[1:])
    ends = [begin, *(_ascend(surface, region, x, begin, floor, caution) for x in points)]
    if floor is not None:
        slack = 1e-6 * (abs(floor[0](fairest) - floor[1]))
        ends = [x for x in ends if floor[0](x) >= floor[1] - slack] or [fairest]
    return max(ends, key=lambda x: surface.rise(x, begin, caution)[0])


def _ascend(
    surface: Surface,
    region: Region,
    x: np.ndarray,
    start: np.ndarray,
    floor: tuple[Surface, float] | None,
    caution: float,
) -> np.ndarray:
    """Up the surface from x within the region (SLSQP)."""
    from scipy.optimize import minimize

    unit = float(np.abs(surface.gradient(start) * region.width).max()) or 1.0
    rules = [{"type": "eq", "fun": lambda x: x.sum() - region.total, "jac": lambda x: np.ones_like(x)}]
    if floor is not None:
        other, least = floor
        size = float(np.abs(other.gradient(start) * region.width).max()) or 1.0
        rules.append(
            {
                "type": "ineq",
                "fun": lambda x: (other(x) - least) / size,
                "jac": lambda x: other.gradient(x) / size,
            }
        )

    def down(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, slopes = surface.rise(x, start, caution)
        return -value / unit, -slopes / unit

    found = minimize(
        down,
        x,
        jac=True,
        bounds=list(zip(region.lower, region.upper, strict=True)),
        constraints=rules,
        method="SLSQP",
        options={"maxiter": 200, "ftol": 1e-9},
    )
    return region.nearest(np.asarray(found.x))


def spread_over(region: Region, start: np.ndarray, number: int, seed: int) -> np.ndarray:
    """Points (number, K) of a region: its start, each share as high and as low as can be, then others at random."""
    points = [region.nearest(start)]
    for end in (region.upper, region.lower):
        for k in range(start.size):
            pinned = Region(
                np.where(np.arange(start.size) == k, 0.0, region.lower),
                np.where(np.arange(start.size) == k, 1.0, region.upper),
                region.total,
            )
            moved = start.copy()
            moved[k] = end[k] + (10.0 if end is region.upper else -10.0)
            points.append(region.nearest(pinned.nearest(moved)))
    u = uniforms(key_of(seed, 0), ORDER, 2 * 10**6, np.arange(max(0, number) * start.size))[:, 0]
    others = region.lower + region.width * u.reshape(-1, start.size)
    points += [region.nearest(x) for x in others]
    return np.array(points[:number])


def maximise(
    values: Callable[[np.ndarray], np.ndarray],
    region: Region,
    start: np.ndarray,
    evaluations: int,
    seed: int = 0,
    best: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The maximum of the surface fitted to `evaluations` noisy values, the points (n, K) and their values.

    values: of points (n, K): (n,), or (n, outcomes) where `best` says which point is wanted: best(x, values) -> (K,).
    """
    pick = best or (lambda x, y: top(Surface.fit(x, y, region), region, start))
    first = max(min(evaluations, start.size + 2), round(SPREAD * evaluations))
    x = spread_over(region, start, first, seed)
    y = np.asarray(values(x), dtype=np.float64)
    if evaluations > first:
        middle, room = pick(x, y), CLOSER * 0.5 * region.width
        lower, upper = np.maximum(region.lower, middle - room), np.minimum(region.upper, middle + room)
        closer = Region(lower, upper, region.total)
        more = spread_over(closer, middle, evaluations - first, seed + 1)
        x = np.vstack([x, more])
        y = np.concatenate([y, np.asarray(values(more), dtype=np.float64)])
    return pick(x, y), x, y


__all__ = ["Region", "Surface", "maximise", "spread_over", "top"]
