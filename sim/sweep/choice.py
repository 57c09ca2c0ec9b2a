"""Which policy is best when nobody knows the parameters: chances, regret and minimax regret.

At each sampled point policies are compared with one another, so that what moves all of them alike takes no part.
Regret is what the best policy at that point would have given more (Savage 1951).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import beta

from sim.errors import InputError
from sim.intervals import LEVEL


def choice(values: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """A row a policy, in the order given. values: (points, policies) of an outcome of which more is better.

    Columns: policy; mean; low, high (5% and 95% of points); best (share of points where it is the best, tied policies
    sharing a point), best_low, best_high (90% interval over points); regret (mean), regret_90 (nine points of ten have
    no more), regret_most; minimax (whether its largest regret is the smallest). All but shares are in the outcome's
    unit. Points with a NaN are dropped: `attrs` counts points used and dropped. InputError where none remains.
    """
    values = np.asarray(values, dtype=np.float64)
    whole = ~np.isnan(values).any(axis=1)
    used = values[whole]
    if not len(used):
        raise InputError("no point has an outcome for every policy")
    best = used.max(axis=1, keepdims=True)
    at_best = used == best
    shared = at_best / at_best.sum(axis=1, keepdims=True)
    regret = best - used
    most = regret.max(axis=0)
    low, high = np.quantile(used, ((1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0), axis=0)
    best_low, best_high = jeffreys(shared.sum(axis=0), len(used))
    table = pd.DataFrame(
        {
            "policy": list(names),
            "mean": used.mean(axis=0),
            "low": low,
            "high": high,
            "best": shared.mean(axis=0),
            "best_low": best_low,
            "best_high": best_high,
            "regret": regret.mean(axis=0),
            "regret_90": np.quantile(regret, 0.9, axis=0),
            "regret_most": most,
            "minimax": most == most.min(),
        }
    )
    table.attrs = {"used": len(used), "dropped": len(values) - len(used)}
    return table


def jeffreys(hits: np.ndarray | float, n: int, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the interval of a share, `hits` of n: quantiles of Beta(hits + 1/2, n - hits + 1/2), 0 with no hit and 1
    with nothing but hits (Brown, Cai & DasGupta 2001)."""
    hits = np.asarray(hits, dtype=np.float64)
    tail = (1.0 - level) / 2.0
    low, high = (beta.ppf(q, hits + 0.5, n - hits + 0.5) for q in (tail, 1.0 - tail))
    return np.where(hits > 0, low, 0.0), np.where(hits < n, high, 1.0)


__all__ = ["choice", "jeffreys"]
