"""Numbers of the oracle: Philox on whole numbers, the interpolated functions, and storage as narrow as the columns.

Source of the generator: Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3", SC'11.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sim.kernels import EXP_GRID, LOG_GRID, NORMAL_GRID

Words = tuple[int, int, int, int]

EXP: list[float] = EXP_GRID.tolist()
LOG: list[float] = LOG_GRID.tolist()
NORMAL: list[float] = NORMAL_GRID.tolist()
LN2 = 0.6931471805599453
LOW = 0xFFFFFFFF


def philox(counter: Words, key: tuple[int, int]) -> Words:
    """Philox4x32-10: four 32-bit words from a counter of four and a key of two."""
    a, b, c, d = counter
    k, q = key
    for _ in range(10):
        left, right = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (right >> 32) ^ b ^ k, right & LOW, (left >> 32) ^ d ^ q, left & LOW
        k, q = (k + 0x9E3779B9) & LOW, (q + 0xBB67AE85) & LOW
    return a, b, c, d


def unit(word: int) -> float:
    """A word as a number in the open interval (0, 1)."""
    return (word + 0.5) / 4294967296.0


def place(word: int, places: int) -> int:
    """One of `places` places, each as likely."""
    return word * places >> 32


def single(x: float) -> float:
    """What is left of a number that is stored in 32 bits."""
    return float(np.float32(x))


def exp(x: float) -> float:
    """exp(x) between grid points 1/128 apart; x is cut off at -15.99 and 15.99."""
    y = min(max(x, -15.99), 15.99) * 128.0 + 2048.0
    i = int(y)
    return EXP[i] + (y - i) * (EXP[i + 1] - EXP[i])


def log(x: float) -> float:
    """ln(x): the exponent of two, and the mantissa between grid points 1/4096 apart."""
    mantissa, exponent = math.frexp(x)
    y = (mantissa - 0.5) * 4096.0
    i = min(int(y), 2047)
    return exponent * LN2 + (LOG[i] + (y - i) * (LOG[i + 1] - LOG[i]))


def normal(u: float) -> float:
    """Standard normal quantile between grid points 1/4096 apart."""
    y = u * 4096.0
    i = min(int(y), 4095)
    return NORMAL[i] + (y - i) * (NORMAL[i + 1] - NORMAL[i])


def gumbel(u: float) -> float:
    """Standard Gumbel quantile."""
    return -log(max(-log(u), 1e-12))


def logistic(x: float) -> float:
    """1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + exp(-x))


def logit(p: float) -> float:
    """ln(p / (1 - p))."""
    return log(p) - log(1.0 - p)


def category(u: float, cumulated: Sequence[float], first: int = 0) -> int:
    """The first category from `first` on whose cumulated share is above u; else the last."""
    for k in range(first, len(cumulated) - 1):
        if u < cumulated[k]:
            return k
    return len(cumulated) - 1


def from_alias(word: int, table: Sequence[int]) -> int:
    """Category by Walker's alias method, from one word: a cell holds the share that stays and where the rest goes."""
    i, rest = divmod(word * len(table), 1 << 32)
    stays, other = divmod(table[i], 1 << 32)
    return i if rest < stays else other


def total(numbers: Sequence[float]) -> float:
    """Sum in NumPy's order of adding (pairwise), which the engine's arrays are added in."""
    return float(np.sum(np.asarray(numbers, dtype=np.float64)))


def power(base: Sequence[float], exponent: float) -> list[float]:
    """NumPy's power: its last bit is not always that of Python's."""
    raised: list[float] = (np.asarray(base, dtype=np.float64) ** exponent).tolist()
    return raised


def largest_remainders(values: Sequence[float], whole_total: int) -> list[int]:
    """Whole numbers near `values` with a given sum: rounded down, the rest to the largest remainders."""
    whole = [math.floor(x + 1e-9) for x in values]
    short = whole_total - sum(whole)
    if short > 0:
        order = sorted(range(len(values)), key=lambda n: -(values[n] - whole[n]))
        for n in range(short):
            whole[order[n % len(order)]] += 1
    elif short < 0:
        order = sorted(range(len(values)), key=lambda n: -whole[n])
        for n in range(-short):
            whole[order[n % len(order)]] -= 1
    return whole
