"""From margins to whole people: proportional fitting of a joint table, and rounding it without losing a margin.

Iterative proportional fitting: Deming and Stephan (1940), Annals of Mathematical Statistics 11(4). The kept
packages for it (ipfn, synthpop) work on one person or one data frame at a time; a country needs the array form.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.kernels import device, jit

Margin = tuple[tuple[int, ...], np.ndarray] | tuple[tuple[int, ...], np.ndarray, dict[int, np.ndarray]]


def fit(seed: np.ndarray, margins: Sequence[Margin], tolerance: float = 1e-7, most: int = 500) -> np.ndarray:
    """The table closest to `seed` (relative entropy) with the given margins.

    margins: (axes kept, ascending; totals over those axes[; axis -> group of each of its codes, when the totals are
    over groups of codes]). Cells with seed 0 stay 0.
    Raises ValueError when the margins contradict each other or the zeros of the seed.
    """
    table = np.array(seed, dtype=np.float64)
    off = np.inf
    for _ in range(most):
        off = 0.0
        for margin in margins:
            axes, totals = margin[0], margin[1]
            groups = margin[2] if len(margin) == 3 else {}
            now = _margin(table, axes, groups)
            ratio = np.divide(totals, now, out=np.zeros_like(now), where=now > 0)
            off = max(off, float(np.abs(now - totals).max() / max(1.0, float(np.max(totals)))))
            table *= _spread(ratio, axes, table.ndim, groups)
        if off < tolerance:
            return table
    if off > 1e-3:
        raise ValueError(
            f"margins cannot be met together: off by {off:.2%} of the largest after {most} rounds"
        )
    return table


def _margin(table: np.ndarray, axes: tuple[int, ...], groups: dict[int, np.ndarray]) -> np.ndarray:
    summed = table.sum(axis=tuple(a for a in range(table.ndim) if a not in axes))
    for at, axis in enumerate(axes):
        if axis in groups:
            starts = np.flatnonzero(
                np.diff(groups[axis], prepend=-1)
            )  # groups are runs of neighbouring codes
            summed = np.add.reduceat(summed, starts, axis=at)
    return np.asarray(summed)


def _spread(ratio: np.ndarray, axes: tuple[int, ...], ndim: int, groups: dict[int, np.ndarray]) -> np.ndarray:
    for at, axis in enumerate(axes):
        if axis in groups:
            ratio = np.take(ratio, groups[axis], axis=at)
    return ratio.reshape([ratio.shape[axes.index(a)] if a in axes else 1 for a in range(ndim)])


def round_total(values: np.ndarray, total: int | None = None) -> np.ndarray:
    """Whole numbers with the (rounded) total of `values`: largest remainders, ties to the first cell."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    whole = np.floor(flat + 1e-9).astype(np.int64)
    want = round(float(flat.sum())) if total is None else total
    short = want - int(whole.sum())
    if short > 0:
        rest = np.argsort(-(flat - whole), kind="stable")
        np.add.at(whole, rest[np.arange(short) % rest.size], 1)
    elif short < 0:
        rest = np.argsort(-whole, kind="stable")
        for n in range(-short):
            whole[rest[n % rest.size]] -= 1
    return whole.reshape(np.shape(values))


def round_to_margins(table: np.ndarray, margins: Sequence[Margin]) -> np.ndarray:
    """Whole numbers near `table` that meet whole margins as nearly as one greedy pass can.

    Cells are rounded down; the missing units go to cells in order of their remainder, first where every margin
    still lacks one, then where the first margin does. The first margin is met exactly.
    """
    flat = table.ravel()
    whole = np.floor(flat + 1e-9).astype(np.int64)
    where = np.stack([_margin_index(table.shape, margin[0]) for margin in margins])
    size = max(int(margin[1].size) for margin in margins)
    lack = np.zeros((len(margins), size), dtype=np.int64)
    for m, totals in enumerate(margin[1] for margin in margins):
        lack[m, : totals.size] = np.asarray(totals, dtype=np.int64).ravel()
        np.subtract.at(lack[m], where[m], whole)
    order = np.argsort(-(flat - whole), kind="stable")
    possible = flat > 0
    _hand_out(whole, lack, where, order, possible)
    return whole.reshape(table.shape)


def _margin_index(shape: tuple[int, ...], axes: tuple[int, ...]) -> np.ndarray:
    grid = np.indices(shape)
    index = np.zeros(shape, dtype=np.int64)
    for a in axes:
        index = index * shape[a] + grid[a]
    return index.ravel()


@jit
def _hand_out(whole, lack, where, order, possible):
    margins = lack.shape[0]
    for needed in range(margins, 0, -1):  # all margins lack one; then all but the last; ... ; the first one
        again = True
        while again:
            again = False
            for n in range(order.size):
                cell = order[n]
                if not possible[cell]:
                    continue
                fits = True
                for m in range(needed):
                    if lack[m, where[m, cell]] <= 0:
                        fits = False
                        break
                if fits:
                    whole[cell] += 1
                    for m in range(margins):
                        lack[m, where[m, cell]] -= 1
                    again = True
    for n in range(order.size):  # rounding down can leave a cell of the first margin too full: take back
        cell = order[order.size - 1 - n]
        while lack[0, where[0, cell]] < 0 and whole[cell] > 0:
            whole[cell] -= 1
            for m in range(margins):
                lack[m, where[m, cell]] += 1


def spread_within(groups: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """A category (uint8) for each row: group g gets `counts[g, c]` rows of category c, evenly mixed and without a draw.

    groups: group of each row (n,) int32, any order; counts: (groups, categories), row sums = group sizes.
    """
    out = np.empty(groups.size, dtype=np.uint8)
    sizes = counts.sum(axis=1)
    ends = np.cumsum(counts, axis=1)
    step, next_place = np.zeros((2, sizes.size), dtype=np.int64)
    _mix(groups, sizes, ends, step, next_place, out)
    return out


@jit
def _mix(groups, sizes, ends, step, next_place, out):
    for g in range(sizes.size):
        n = sizes[g]
        if n > 0:
            step[g] = int(n * 0.6180339887498949) | 1  # walk the group in golden steps: neighbours differ
            while _common(step[g], n) != 1:
                step[g] += 1
            step[g] %= n
            next_place[g] = g % n
    for i in range(groups.size):
        g = groups[i]
        place = next_place[g]
        after = place + step[g]
        next_place[g] = after if after < sizes[g] else after - sizes[g]
        lo, hi = 0, ends.shape[1] - 1
        while lo < hi:
            mid = (lo + hi) // 2
            if place < ends[g, mid]:
                hi = mid
            else:
                lo = mid + 1
        out[i] = lo


@device
def _common(a, b):
    while b != 0:
        a, b = b, a % b
    return a
