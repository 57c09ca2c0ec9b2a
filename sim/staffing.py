"""Employers at the start: colleagues stand together, are cut into employers, and their posts are counted.

Employees of one region, industry and size are placed with employers of that cell, with headcounts drawn around the mean
of the class; posts follow from the occupations of those who hold them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.draws import ESTABLISHMENT, PERSON, POSTS, SPIN_UP_OFFSET, uniforms
from sim.economy import Economy
from sim.employers import ADOPTER, STRETCH, new_employers, new_posts
from sim.jobs import in_threads
from sim.kernels import BLOCK, MASK32, SHIFT32, draw_block, exp_, jit, new_desk, normal_, philox, unit_
from sim.workers import DAILY

DORMANT_EVERY = 20  # one row of employers in this many waits to be born at any time
REAL_HEADCOUNT_SCALE = 100  # up to here employers keep their real headcount


def colleagues(
    w: Any, living: int, key: np.ndarray, industries: int, sizes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows so that colleagues stand together: employees by region, industry and size, mixed within; then others.

    Also the employees of each stratum (regions x industries x sizes)."""
    strata = (int(w.region[:living].max()) + 1) * industries * sizes
    heads = np.zeros(strata + 1, dtype=np.int64)
    region, industry, size, contract = (
        getattr(w, n)[:living] for n in ("region", "industry", "previous", "contract")
    )
    _count_strata(region, industry, size, contract, industries, sizes, heads)
    ends = np.cumsum(heads)
    ticketed = np.empty(living, dtype=np.uint64)  # a ticket in the upper half, the row in the lower
    place = ends - heads
    _to_strata(region, industry, size, contract, industries, sizes, key, place, new_desk(1), ticketed)
    for lo, hi in zip(ends - heads, ends, strict=True):
        ticketed[lo:hi].sort()
    return (ticketed & MASK32).astype(np.uint32), heads[:-1]


@jit
def _stratum(region, industry, size, contract, industries, sizes):
    return (int(region) * industries + int(industry)) * sizes + int(size) if contract <= DAILY else -1


@jit
def _count_strata(region, industry, size, contract, industries, sizes, heads):
    for i in range(region.size):
        heads[_stratum(region[i], industry[i], size[i], contract[i], industries, sizes)] += 1


@jit
def _to_strata(region, industry, size, contract, industries, sizes, key, place, desk, ticketed):
    for start in range(0, region.size, BLOCK):
        n = min(BLOCK, region.size - start)
        draw_block(start, n, SPIN_UP_OFFSET - 1, PERSON, key, desk.word)
        for j in range(n):
            i = start + j
            s = _stratum(region[i], industry[i], size[i], contract[i], industries, sizes)
            ticketed[place[s]] = (np.uint64(desk.word[0, j]) << SHIFT32) | np.uint64(i)
            place[s] += 1


def rearrange(column: np.ndarray, order: np.ndarray) -> None:
    """Put the first rows of a column (uint8) into a new order."""
    before = column[: order.size].copy()
    _take(before, order, column)


@jit
def _take(before, order, after):
    for n in range(order.size):
        after[n] = before[order[n]]


def employers_of(
    economy: Economy, scale: int, w: Any, heads: np.ndarray, key: np.ndarray, rates: Any, threads: int
) -> tuple[Any, Any, dict[str, float]]:
    """Employers of each region, industry and size, with heads drawn around the class mean; posts by occupation.

    heads: employees by stratum, who are the first rows in this order."""
    industries, sizes = economy.n("industry"), economy.n("size")
    codes = np.flatnonzero(heads)
    heads = heads[codes]
    starts = np.cumsum(heads) - heads
    classes = codes % sizes
    mean = economy.array("establishments", "size", item="mean_employees")
    shrink = np.maximum(1.0, mean / np.maximum(1.0, scale / REAL_HEADCOUNT_SCALE)) / mean
    number = np.maximum(1, np.rint(heads / (mean * shrink)[classes])).astype(np.int64)
    cell = np.repeat(np.arange(starts.size), number)
    draw = uniforms(key, ESTABLISHMENT, 0, np.arange(cell.size))
    weight = np.empty(cell.size)
    _weights(draw[:, 0], weight)
    first = np.concatenate([[0], np.cumsum(number)])
    running = np.cumsum(weight)
    before = np.concatenate([[0.0], running])[first[cell]]
    whole = np.add.reduceat(weight, first[:-1])[cell]
    ends = starts[cell] + np.rint((running - before) / whole * heads[cell]).astype(np.int64)
    begins = np.where(np.arange(cell.size) == first[cell], starts[cell], np.concatenate([[0], ends[:-1]]))
    kept = np.flatnonzero(ends > begins)
    begins, ends, cell, draw = begins[kept], ends[kept], cell[kept], draw[kept]
    twins = np.arange(kept.size)[np.arange(kept.size) % DORMANT_EVERY == DORMANT_EVERY // 2]
    e = new_employers(kept.size + twins.size)
    source = np.concatenate([np.arange(kept.size), twins])
    code = codes[cell][source]
    e.region[:], e.industry[:], e.size[:] = (
        code // (industries * sizes),
        code // sizes % industries,
        code % sizes,
    )
    e.open[: kept.size] = 1
    kinds = np.empty(kept.size, dtype=np.int64)
    _count_posts(begins, ends, w.occupation, kinds)
    e.posts_to[:] = np.cumsum(kinds[source])
    e.posts_from[:] = e.posts_to - kinds[source]
    posts = new_posts(int(e.posts_to[-1]))
    posts.employer[:] = np.repeat(np.arange(e.open.size), kinds[source])

    def staff(lo: int) -> None:
        part = slice(lo, lo + STRETCH)
        some = begins[part], ends[part], w.occupation, e.posts_from[part]
        _fill_posts(*some, posts.occupation, posts.held, w.job)

    in_threads(threads, staff, range(0, kept.size, STRETCH))
    posts.base[:] = posts.held
    _copy_posts(twins, e.posts_from, e.posts_to, kept.size, posts.occupation, posts.base)
    w.size[: starts[-1] + heads[-1]] = np.repeat(code[: kept.size] % sizes, ends - begins)
    own = draw[source]
    ids = np.arange(e.open.size)
    fresh = uniforms(key, ESTABLISHMENT, 1, ids)
    _start_employers(e, own, fresh, rates.productivity_sd, rates.adopters, rates.intensity_start)
    _start_posts(e, posts, rates.vacancy_rate, rates.wage_occupation, key)
    staffs, size = ends - begins, e.size[: kept.size]
    reported = {
        code: float(staffs[size == s].mean() / mean[s]) if (size == s).any() else 0.0
        for s, code in enumerate(economy.codes["size"])
    }
    return e, posts, reported


@jit
def _weights(u, out):
    for i in range(u.size):
        out[i] = exp_(0.5 * normal_(u[i]))


@jit
def _start_employers(e, own, fresh, productivity_sd, adopters, intensity):
    for f in range(e.open.size):
        s = e.size[f]
        e.productivity[f] = productivity_sd * normal_(fresh[f, 3])
        if e.open[f] == 1 and own[f, 1] < adopters[s, e.industry[f]]:
            vintage = min(int(own[f, 2] * intensity.size), intensity.size - 1)
            e.intensity[f] = intensity[vintage]


@jit
def _count_posts(begins, ends, occupation, kinds):
    """How many occupations each employer has (of at most 64)."""
    for f in range(begins.size):
        held = np.uint64(0)
        for i in range(begins[f], ends[f]):
            held |= np.uint64(1) << np.uint64(occupation[i])
        kinds[f] = 0
        while held != 0:
            held &= held - np.uint64(1)
            kinds[f] += 1


@jit
def _fill_posts(begins, ends, occupation, posts_from, post_occupation, held, job):
    """The posts of each employer in the order of occupations, and the posts that everybody holds."""
    for f in range(begins.size):
        kinds = np.uint64(0)
        for i in range(begins[f], ends[f]):
            kinds |= np.uint64(1) << np.uint64(occupation[i])
        p = posts_from[f]
        for o in range(64):
            if (kinds >> np.uint64(o)) & np.uint64(1):
                post_occupation[p] = o
                p += 1
        for i in range(begins[f], ends[f]):
            p = posts_from[f]
            while post_occupation[p] != occupation[i]:
                p += 1
            job[i] = p
            held[p] += 1


@jit
def _copy_posts(twins, posts_from, posts_to, first, occupation, heads):
    """An employer still to be born has the posts of the one it is a twin of."""
    for n in range(twins.size):
        source, p = posts_from[twins[n]], posts_from[first + n]
        for k in range(posts_to[first + n] - p):
            occupation[p + k], heads[p + k] = occupation[source + k], heads[source + k]


@jit
def _start_posts(e, posts, vacancy_rate, wage, key):
    """Posts wanted from the heads that `base` holds, their rounding, and their shares in the employer's wage bill."""
    for f in range(e.open.size):
        bill = 0.0
        for p in range(e.posts_from[f], e.posts_to[f]):
            bill += posts.base[p] * exp_(wage[posts.occupation[p]])
        for p in range(e.posts_from[f], e.posts_to[f]):
            o, heads = posts.occupation[p], float(posts.base[p])
            word, _, _, _ = philox(
                np.uint64(f), np.uint64(o), np.uint64(SPIN_UP_OFFSET), POSTS, key[0], key[1]
            )
            posts.base[p] = heads * (1.0 + vacancy_rate)
            posts.rounding[p] = unit_(word)
            posts.base_labour[p] = 1.0
            posts.flags[p] = ADOPTER if e.intensity[f] > 0.0 else 0
            posts.wage_share[p] = heads * exp_(wage[o]) / bill


__all__ = ["colleagues", "employers_of", "rearrange"]
