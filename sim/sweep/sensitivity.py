"""Which factors move an outcome: samples of the unit cube and what is made of them (SALib; Herman & Usher 2017).

Samples are (points, k) in [0, 1), the same for the same seed. Analyses take one outcome a point, NaN where the run
failed, and give a table with a row a factor, the largest effect first, `low` and `high` being the ends of 90% intervals
over points. `attrs` of the table count what was used and what was dropped, in the units that fall as a whole:
trajectories, blocks, points. Chance in the outcome (seeds) counts as an effect of every factor: average it out first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from SALib.analyze import morris as salib_morris
from SALib.analyze import rbd_fast as salib_rbd_fast
from SALib.analyze import sobol as salib_sobol
from SALib.sample import sobol as salib_saltelli
from SALib.sample.morris import sample as salib_trajectories
from scipy.stats import qmc

from sim.errors import InputError
from sim.intervals import LEVEL

RESAMPLES = 200  # of a bootstrap: the half-width of an interval is known to 5%
FEWEST_TRAJECTORIES, FEWEST_BLOCKS, FEWEST_POINTS = 2, 4, 65
HARMONICS = 10  # of RBD-FAST: a first-order index is the variance of an outcome at these frequencies
BELOW_ONE = float(np.nextafter(1.0, 0.0))

# ---------------------------------------------------------------------------------------------------- samples


def morris_sample(k: int, trajectories: int, levels: int, seed: int) -> np.ndarray:
    """(trajectories × (k + 1), k): walks that move one factor at a time by levels / 2 of the levels - 1 steps of its
    range. InputError where `levels` is odd: ends would be visited more often than the middle."""
    if levels % 2:
        raise InputError(
            f"{levels} levels of a Morris sample", key="samples.levels", allowed="an even number"
        )
    return _below_one(salib_trajectories(_problem(k), trajectories, num_levels=levels, seed=seed + 1))


def saltelli_sample(k: int, base: int, seed: int) -> np.ndarray:
    """(base × (k + 2), k): blocks of a point A, k points that are A but for one factor taken from B, and B, where A and
    B are a scrambled Sobol sequence. Best where `base` is a power of two."""
    made = salib_saltelli.sample(_problem(k), _power_of_two(base), calc_second_order=False, seed=seed + 1)
    return _below_one(made[: base * (k + 2)])


def latin_hypercube(k: int, n: int, seed: int) -> np.ndarray:
    """(n, k): one point in each n-th of the range of every factor."""
    return _below_one(qmc.LatinHypercube(d=k, seed=seed).random(n))


def sobol_sequence(k: int, n: int, seed: int) -> np.ndarray:
    """(n, k): the first points of a scrambled Sobol sequence, best where n is a power of two."""
    return _below_one(qmc.Sobol(d=k, seed=seed).random(_power_of_two(n))[:n])


def _problem(k: int) -> dict[str, Any]:
    """What SALib wants to know of k factors in the unit cube.

    SALib is given seeds from 1 on, since some of its functions take 0 for none.
    """
    return {"num_vars": k, "names": [f"x{n}" for n in range(k)], "bounds": [[0.0, 1.0]] * k}


def _below_one(sample: np.ndarray) -> np.ndarray:
    return np.asarray(np.minimum(sample, BELOW_ONE))


def _power_of_two(n: int) -> int:
    """The next power of two from n on: a Sobol sequence of another length is cut from that."""
    return 1 << (n - 1).bit_length()


# --------------------------------------------------------------------------------------------------- analyses


def morris(X: np.ndarray, y: np.ndarray, names: Sequence[str], levels: int, seed: int) -> pd.DataFrame:
    """Elementary effects: what the outcome changes by when a factor goes through its range, from `morris_sample`.

    X: (U, k) as sampled, y: (U,) outcomes. Columns: factor, mu (mean effect), mu_star (mean absolute effect),
    mu_star_low, mu_star_high, sigma (standard deviation of effects: interactions and curvature), in units of y.
    Trajectories with a NaN are dropped whole. InputError where fewer than two remain.
    """
    y = np.asarray(y, dtype=np.float64)
    walks, whole, attrs = _whole(y, len(names) + 1, "trajectories", FEWEST_TRAJECTORIES)
    X = np.asarray(X, dtype=np.float64).reshape(*walks.shape, len(names))[whole]
    found = salib_morris.analyze(
        _problem(len(names)),
        X.reshape(-1, len(names)),
        walks[whole].ravel(),
        num_resamples=RESAMPLES,
        conf_level=LEVEL,
        num_levels=levels,
        seed=seed + 1,
    )
    mu_star, half = np.asarray(found["mu_star"]), np.asarray(found["mu_star_conf"])
    columns = {
        "mu": np.asarray(found["mu"]),
        "mu_star": mu_star,
        "mu_star_low": np.maximum(mu_star - half, 0.0),
        "mu_star_high": mu_star + half,
        "sigma": np.asarray(found["sigma"]),
    }
    return _table(names, columns, "mu_star", attrs)


def sobol(y: np.ndarray, names: Sequence[str], seed: int) -> pd.DataFrame:
    """Shares of an outcome's variance, from `saltelli_sample` (Saltelli et al. 2010).

    y: (base × (k + 2),). Columns: factor, first, first_low, first_high (what a factor explains alone), total,
    total_low, total_high (what it explains alone and together with others). Estimates may lie a little below zero.
    Blocks with a NaN are dropped; InputError where fewer than four remain. NaN where the outcome does not vary.
    """
    blocks, whole, attrs = _whole(np.asarray(y, dtype=np.float64), len(names) + 2, "blocks", FEWEST_BLOCKS)
    blocks = blocks[whole]
    nothing = np.full(len(names), np.nan)
    found: dict[str, Any] = dict.fromkeys(("S1", "S1_conf", "ST", "ST_conf"), nothing)
    if _varies(blocks[:, [0, -1]]):  # A and B: what the variance is taken from
        found = salib_sobol.analyze(
            _problem(len(names)),
            blocks.ravel(),
            calc_second_order=False,
            num_resamples=RESAMPLES,
            conf_level=LEVEL,
            seed=seed + 1,
        )
    columns = _ends("first", found["S1"], found["S1_conf"]) | _ends("total", found["ST"], found["ST_conf"])
    return _table(names, columns, "total", attrs)


def given_data(X: np.ndarray, y: np.ndarray, names: Sequence[str], seed: int) -> pd.DataFrame:
    """Shares of an outcome's variance that factors explain alone, from any sample: Latin hypercube, Sobol sequence,
    draws of the posterior (RBD-FAST: Tarantola, Gatelli & Mara 2006; Plischke 2010; Tissot & Prieur 2012).

    X: (U, k), of which only the order within a column counts, so that it may be in any unit; y: (U,). Columns: factor,
    first, first_low, first_high. Where factors are correlated, a share holds what goes with the factor. Points with a
    NaN are dropped. InputError where fewer than 65 remain: the bootstrap draws half of them, and of 32 points 16
    frequencies can be told, 10 of which are the signal. With few hundred points small shares are not told from zero.
    NaN where the outcome does not vary.

    RBD-FAST sends of two neighbours in a factor's order one to the rise and one to the fall of a wave. In a Sobol
    sequence neighbours lie on two sides of other factors, which would pass for a wave (errors up to 0.3 were seen):
    here neighbours change places by lot.
    """
    X, y = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
    whole = ~(np.isnan(X).any(axis=1) | np.isnan(y))
    attrs = _used("points", whole, FEWEST_POINTS)
    rng = np.random.default_rng(seed)
    order = rng.permutation(np.flatnonzero(whole))  # ties stand in no order
    ranks = X[order].argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    ranks ^= np.take_along_axis(rng.integers(2, size=(len(ranks) // 2 + 1, len(names))), ranks // 2, axis=0)
    nothing = np.full(len(names), np.nan)
    found: dict[str, Any] = dict.fromkeys(("S1", "S1_conf"), nothing)
    if _varies(y[order]):
        found = salib_rbd_fast.analyze(
            _problem(len(names)),
            ranks,
            y[order],
            M=HARMONICS,
            num_resamples=RESAMPLES // 4,
            conf_level=LEVEL,
            seed=seed + 1,
        )
    half = np.asarray(found["S1_conf"]) / math.sqrt(2.0)  # SALib's is that of half of the points
    return _table(names, _ends("first", found["S1"], half), "first", attrs)


def _whole(y: np.ndarray, size: int, kind: str, fewest: int) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """Outcomes (groups, size), which groups have no NaN, and the count of them. ValueError: not whole groups."""
    if len(y) % size:
        raise ValueError(f"{len(y)} outcomes are not {kind} of {size}")
    groups = y.reshape(-1, size)
    whole = ~np.isnan(groups).any(axis=1)
    return groups, whole, _used(kind, whole, fewest)


def _used(kind: str, whole: np.ndarray, fewest: int) -> dict[str, int]:
    """How many are whole and how many are not. InputError where fewer than `fewest` are whole."""
    used = int(whole.sum())
    if used < fewest:
        raise InputError(f"{used} {kind} without a failed run are too few", allowed=f"{fewest} or more")
    return {"used": used, "dropped": len(whole) - used}


def _varies(y: np.ndarray) -> bool:
    """Whether there is more than rounding between outcomes."""
    return bool(np.ptp(y) > 1e-12 * np.abs(y).max())


def _ends(name: str, estimate: Any, half: Any) -> dict[str, np.ndarray]:
    middle, half = np.asarray(estimate, dtype=np.float64), np.asarray(half, dtype=np.float64)
    return {name: middle, f"{name}_low": middle - half, f"{name}_high": middle + half}


def _table(
    names: Sequence[str], columns: dict[str, np.ndarray], by: str, attrs: dict[str, int]
) -> pd.DataFrame:
    """A row a factor, the largest `by` first."""
    table = pd.DataFrame({"factor": list(names), **columns})
    table = table.sort_values(by, ascending=False, kind="stable", ignore_index=True)
    table.attrs.update(attrs)
    return table


__all__ = [
    "given_data",
    "latin_hypercube",
    "morris",
    "morris_sample",
    "saltelli_sample",
    "sobol",
    "sobol_sequence",
]
