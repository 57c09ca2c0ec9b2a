"""Where a policy fails: boxes of factors that hold most failures and little else.

Scenario discovery (Bryant & Lempert 2010) by a classification tree (CART; Lempert, Bryant & Bankes 2008): its leaves
with more failures than overall are the boxes. The tree is cut back to the smallest that foretells points it has not
seen as well as the best (cost-complexity pruning with the rule of one standard error: Breiman et al. 1984, section
3.4), so that noise hardly ever has a box.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold
from sklearn.tree import DecisionTreeClassifier

from sim.sweep.choice import jeffreys

FOLDS = 5
SEED = 0  # of folds, and of the order in which equally good splits are looked at
Limit = tuple[float, float] | tuple[str, ...]
"""Of a number: above the first, up to the second, infinite where open. Of a choice: the options allowed."""


@dataclass(frozen=True)
class Box:
    """A part of the factors' space where failures crowd.

    limits: by factor, those that are limited only. coverage: share of all failures inside; density: share of the points
    inside that fail, with its 90% interval; mass: share of all points inside; points: how many these are. The interval
    does not know that the box was drawn around failures.
    """

    limits: dict[str, Limit]
    coverage: float
    density: float
    density_low: float
    density_high: float
    mass: float
    points: int

    def told(self, labels: Mapping[str, str] | None = None) -> str:
        """The limits in words, with the labels of factors where given."""
        labels = labels or {}
        return " and ".join(_told(labels.get(name, name), limit) for name, limit in self.limits.items())


class Discovery(NamedTuple):
    """Boxes, and the balanced accuracy of the tree at points it has not seen: 0.5 says nothing, 1 never errs."""

    boxes: list[Box]
    quality: float


class Column(NamedTuple):
    """A feature of the tree: a number, or whether a choice is `option`."""

    factor: str
    option: str | None


def boxes(table: pd.DataFrame, failed: np.ndarray, *, fewest: float = 0.05, depth: int = 4) -> list[Box]:
    """The boxes of `discover`."""
    return discover(table, failed, fewest=fewest, depth=depth).boxes


def quality(table: pd.DataFrame, failed: np.ndarray, *, fewest: float = 0.05, depth: int = 4) -> float:
    """The quality of `discover`."""
    return discover(table, failed, fewest=fewest, depth=depth).quality


def discover(table: pd.DataFrame, failed: np.ndarray, *, fewest: float = 0.05, depth: int = 4) -> Discovery:
    """Boxes by falling coverage × density, and how well the tree does at points it has not seen.

    table: (points, factors), numbers or choices (strings, booleans). failed: (points,) booleans. fewest: share of
    points that a box must hold; depth: limits that a box may have. With fewer than five failures or five successes
    there is no box, and the quality is NaN. ValueError where a factor has no value.
    """
    failed = np.asarray(failed, dtype=bool)
    if table.isna().to_numpy().any():
        raise ValueError("a factor has no value at some point")
    if min(failed.sum(), (~failed).sum()) < FOLDS:
        return Discovery([], math.nan)
    x, columns = _features(table)
    cost, seen = _pruning(x, failed, fewest, depth)
    tree = _tree(fewest, depth, cost).fit(x, failed)
    leaf = tree.apply(x)
    found = []
    for node, limits in _leaves(tree, columns, table):
        inside = leaf == node
        points, hits = int(inside.sum()), int(failed[inside].sum())
        if hits / points > failed.mean():
            low, high = (float(end) for end in jeffreys(hits, points))
            density = hits / points
            found.append(Box(limits, hits / int(failed.sum()), density, low, high, points / len(x), points))
    return Discovery(sorted(found, key=lambda box: -box.coverage * box.density), seen)


def _features(table: pd.DataFrame) -> tuple[np.ndarray, list[Column]]:
    """Features (points, columns): numbers as they are, choices as a column of zeros and ones for each option."""
    columns: list[Column] = []
    made = []
    for name in table.columns:
        if pd.api.types.is_numeric_dtype(table[name]) and not pd.api.types.is_bool_dtype(table[name]):
            columns.append(Column(str(name), None))
            made.append(table[name].to_numpy(dtype=np.float64))
        else:
            values = table[name].astype(str).to_numpy(dtype=object)
            for option in sorted(set(values)):
                columns.append(Column(str(name), option))
                made.append((values == option).astype(np.float64))
    return np.column_stack(made), columns


def _tree(fewest: float, depth: int, cost: float = 0.0) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=depth, min_samples_leaf=fewest, ccp_alpha=cost, random_state=SEED)


def _pruning(x: np.ndarray, failed: np.ndarray, fewest: float, depth: int) -> tuple[float, float]:
    """What a leaf must cost (`ccp_alpha`), and the balanced accuracy of the tree so cut, by cross-validation.

    Trees are scored by the squared error of the share of failures that they foretell; the dearest leaves are taken
    whose error exceeds the least by no more than the standard error of the difference. A point is foretold to fail
    where its leaf has more failures than the tree's points overall.
    """
    path = _tree(fewest, depth).cost_complexity_pruning_path(x, failed).ccp_alphas.clip(min=0.0)
    costs = np.append(np.sqrt(path[:-1] * path[1:]), path[-1])  # between the costs at which the tree changes
    share, overall = np.empty((len(costs), len(x))), np.empty(len(x))
    for learn, test in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(x, failed):
        overall[test] = failed[learn].mean()
        for n, cost in enumerate(costs):
            tree = _tree(fewest, depth, cost).fit(x[learn], failed[learn])
            share[n, test] = tree.predict_proba(x[test])[:, 1]
    error = (share - failed) ** 2
    beyond = error - error[error.mean(axis=1).argmin()]
    near = beyond.mean(axis=1) <= beyond.std(axis=1, ddof=1) / math.sqrt(len(x))
    kept = int(np.flatnonzero(near)[-1])
    return float(costs[kept]), float(balanced_accuracy_score(failed, share[kept] > overall))


def _leaves(
    tree: DecisionTreeClassifier, columns: list[Column], table: pd.DataFrame
) -> Iterator[tuple[int, dict[str, Limit]]]:
    """Every leaf with the limits on the way to it."""
    nodes: Any = tree.tree_
    options: dict[str, tuple[str, ...]] = {}
    for one in columns:
        if one.option is not None:
            options[one.factor] = (*options.get(one.factor, ()), one.option)

    def walk(node: int, limits: dict[str, Limit]) -> Iterator[tuple[int, dict[str, Limit]]]:
        if nodes.children_left[node] < 0:
            yield node, {str(name): limits[str(name)] for name in table.columns if str(name) in limits}
            return
        factor, option = columns[nodes.feature[node]]
        at = float(nodes.threshold[node])
        left: Limit
        right: Limit
        if option is None:
            low, high = cast(tuple[float, float], limits.get(factor, (-math.inf, math.inf)))
            left, right = (low, at), (at, high)
        else:
            allowed = cast(tuple[str, ...], limits.get(factor, options[factor]))
            left = tuple(one for one in allowed if one != option)
            right = (option,)
        yield from walk(int(nodes.children_left[node]), limits | {factor: left})
        yield from walk(int(nodes.children_right[node]), limits | {factor: right})

    yield from walk(0, {})


def _told(name: str, limit: Limit) -> str:
    if isinstance(limit[0], str):
        return f"{name} is {' or '.join(map(str, limit))}"
    low, high = (float(end) for end in limit)
    if math.isinf(low):
        return f"{name} below {_number(high)}"
    return (
        f"{name} above {_number(low)}"
        if math.isinf(high)
        else f"{name} from {_number(low)} to {_number(high)}"
    )


def _number(x: float) -> str:
    """Three digits, with separators."""
    return f"{float(f'{x:.3g}'):,.10g}"


__all__ = ["Box", "Discovery", "boxes", "discover", "quality"]
