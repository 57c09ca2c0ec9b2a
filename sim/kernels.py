"""The compiled ground under the phases: Philox, shared function tables, and the switch that compiles.

Every loop of the model is written once, in plain Python over NumPy columns, and compiled by Numba;
``NUMBA_DISABLE_JIT=1`` runs the same source uncompiled with the same bytes. exp, log and quantiles that decide
anything are read from tables built with + - * / only and interpolated linearly, because the C library's versions
differ between platforms.

Numba's cache looks only at the file a function is defined in and would keep running stale code after a change
elsewhere (numba issue 1833). The cache folder therefore carries a hash of every source file that holds a kernel.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

_HERE = Path(__file__).parent
F = TypeVar("F", bound=Callable[..., Any])


def source_digest() -> str:
    """Hash (hex) of all source files that hold kernels: `sim/*.py` and `sim/phases/*.py`."""
    digest = hashlib.sha256()
    for path in sorted([*_HERE.glob("*.py"), *(_HERE / "phases").glob("*.py")]):
        if b"from sim.kernels import" in (text := path.read_bytes()) or path.name == "kernels.py":
            digest.update(path.name.encode() + text)
    return digest.hexdigest()


def cache_folder() -> Path:
    """Where compiled kernels are kept: per user, per version of the kernels."""
    root = (
        os.environ.get("LABORSHIFT_CACHE") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    )
    return Path(root) / "laborshift" / source_digest()[:16]


import numba  # noqa: E402

if "NUMBA_CACHE_DIR" not in os.environ:
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        numba.config.CACHE_DIR = str(cache_folder())
    except OSError:  # a read-only home: compile in memory
        pass


def jit(function: F) -> F:
    """Compile a loop: no Python objects, the lock released, IEEE arithmetic (no fastmath), cached on disk.

    Kernels allocate nothing (`_nrt=False`): with reference counting, handing the columns to a rule costs 500 ns. A loop
    is vectorised when it is short, runs over columns cut out of the whole (`column[start:end]`, so that no index can be
    negative), writes one or two of them, and indexes tables by unsigned numbers.
    """
    compiled: F = numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False, no_cfunc_wrapper=True)(
        function
    )
    return compiled


def device(function: F) -> F:
    """Compile a rule that only kernels call: no entry from Python, so it compiles in a fraction of the time."""
    compiled: F = numba.njit(
        nogil=True,
        error_model="numpy",
        _nrt=False,
        forceinline=True,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
    )(function)
    return compiled


class Fields(np.void):  # type: ignore[misc]
    """A record whose fields are read and set as attributes, in less than half the time that `numpy.record` takes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except ValueError:
            raise AttributeError(f"no field {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


def record_of(fields: dict[str, Any]) -> Any:
    """Tables and numbers as one NumPy record: a kernel takes it as one pointer, which compiles ten times faster
    than a tuple of arrays. Fields are read `record.name[i, j]`, in Python and compiled alike, and can be written.

    Raises ValueError for a name that NumPy's records have themselves (`size`, `base`): uncompiled code would read that.
    """
    if taken := [name for name in fields if hasattr(np.void, name)]:
        raise ValueError(f"NumPy's records have an attribute {taken[0]} of their own")
    arrays = {name: np.asarray(value) for name, value in fields.items()}
    dtype = np.dtype([(name, a.dtype, a.shape) for name, a in arrays.items()], align=True)
    made = np.zeros(1, dtype=np.dtype((Fields, dtype)))[0]
    for name, a in arrays.items():
        made[name] = a
    return made


PAGE, LINE = 4096, 64  # bytes


def columns_of(fields: Sequence[tuple[str, Any]], rows: int) -> list[np.ndarray]:
    """Columns (rows,) of the given types, all zero, cut out of one piece of memory.

    One large piece lies in huge pages where the system has them, and each column starts some lines further into its
    page than the one before, so that the same row of many columns does not fight for one set of the cache.
    """
    starts, end = [], 0
    for n, (_, dtype) in enumerate(fields):
        start = -(-end // PAGE) * PAGE + n % (PAGE // (3 * LINE)) * 3 * LINE
        starts.append(start)
        end = start + rows * np.dtype(dtype).itemsize
    memory = np.zeros(end, dtype=np.uint8)
    return [
        memory[start : start + rows * np.dtype(dtype).itemsize].view(dtype)
        for start, (_, dtype) in zip(starts, fields, strict=True)
    ]


MASK32 = np.uint64(0xFFFFFFFF)
SHIFT32 = np.uint64(32)
M0 = np.uint64(0xD2511F53)
M1 = np.uint64(0xCD9E8D57)
W0 = np.uint64(0x9E3779B9)
W1 = np.uint64(0xBB67AE85)
UNIT = 2.0**-32
BLOCK = 1024  # workers whose words are drawn together
CHUNK = 1 << 18  # workers a kernel call takes; fixed, so that nothing depends on the number of threads
BATCH = (
    1 << 15
)  # the same of lists, where a row costs ten times as much: three chunks keep two threads badly busy

_DESK = {
    "word": np.uint32,
    "ids": np.uint32,
    "subs": np.uint32,
    "zeros": np.uint32,
    "used": np.float64,
    "noise": np.float64,
    "luck": np.float64,
    "which": np.float64,
    "worth": np.float64,
    "least": np.float64,
    "hours": np.float64,
    "bare": np.int64,
    "pay": np.int64,
    "cell": np.uint16,
    "trade": np.uint16,
    "bin": np.uint8,
    "paid": np.uint8,
    "flag": np.uint8,
    "reads": np.uint8,
    "group": np.uint32,
    "band": np.uint8,
    "months": np.int16,
    "place": np.uint16,
    "halves": np.uint64,
    "row": np.uint32,
    "patience": np.float64,
    "looks": np.int32,
    "waiting": np.uint32,
    "origin": np.uint32,
    "seen": np.int32,
    "hit": np.uint32,
    "gain": np.float64,
    "most": np.float64,
    "kind": np.uint32,
}


def new_desk(groups: int, lane: int = 0) -> Any:
    """A thread's scratch: room for a block of each of what the kernels work out; `word` has four rows, `heads` counts
    people of a chunk by `groups` groups. lane: number of the thread, for what every thread adds up for itself."""
    columns = {n: np.zeros((4, BLOCK) if n == "word" else BLOCK, dtype=t) for n, t in _DESK.items()}
    return record_of(columns | {"heads": np.zeros(groups, dtype=np.int32), "lane": np.int64(lane)})


@jit
def philox(c0, c1, c2, c3, k0, k1):
    """Philox4x32-10: counter (id, sub, month, purpose), key of two words; all uint64 below 2**32."""
    for _ in range(10):
        p0 = M0 * c0
        p1 = M1 * c2
        c0 = ((p1 >> SHIFT32) ^ c1 ^ k0) & MASK32
        c1 = p1 & MASK32
        c2 = ((p0 >> SHIFT32) ^ c3 ^ k1) & MASK32
        c3 = p0 & MASK32
        k0 = (k0 + W0) & MASK32
        k1 = (k1 + W1) & MASK32
    return c0, c1, c2, c3


@device
def _round(c0, c1, c2, c3, k0, k1):
    p0 = M0 * np.uint64(c0)
    p1 = M1 * np.uint64(c2)
    return (
        np.uint32(np.uint32(p1 >> SHIFT32) ^ c1 ^ k0),
        np.uint32(p1 & MASK32),
        np.uint32(np.uint32(p0 >> SHIFT32) ^ c3 ^ k1),
        np.uint32(p0 & MASK32),
    )


@device
def _next(k, w):
    return np.uint32((np.uint64(k) + w) & MASK32)


@device
def _ten_rounds(a, b, c, d, k, q):
    a, b, c, d = _round(a, b, c, d, k, q)
    k, q = _next(k, W0), _next(q, W1)
    a, b, c, d = _round(a, b, c, d, k, q)
    k, q = _next(k, W0), _next(q, W1)
    a, b, c, d = _round(a, b, c, d, k, q)
    k, q = _next(k, W0), _next(q, W1)
    a, b, c, d = _round(a, b, c, d, k, q)
    k, q = _next(k, W0), _next(q, W1)
    a, b, c, d = _round(a, b, c, d, k, q)
    k, q = _next(k, W0), _next(q, W1)
    a, b, c, d = _round(a, b, c, d, k, q)
    k, q = _next(k, W0), _next(q, W1)
    a, b, c, d = _round(a, b, c, d, k, q)
    k, q = _next(k, W0), _next(q, W1)
    a, b, c, d = _round(a, b, c, d, k, q)
    k, q = _next(k, W0), _next(q, W1)
    a, b, c, d = _round(a, b, c, d, k, q)
    k, q = _next(k, W0), _next(q, W1)
    a, b, c, d = _round(a, b, c, d, k, q)
    return a, b, c, d


@jit
def draw_block(lo, n, month, purpose, key, out):
    """The words of :func:`philox` for identities lo to lo + n - 1 into out (4, BLOCK): the same numbers, drawn
    several at once (the ten rounds are written out because LLVM vectorises straight lines of 32-bit words only)."""
    k, q = np.uint32(key[0]), np.uint32(key[1])
    for j in range(n):
        a, b, c, d = np.uint32(lo + j), np.uint32(0), np.uint32(month), np.uint32(purpose)
        a, b, c, d = _ten_rounds(a, b, c, d, k, q)
        out[0, j] = a
        out[1, j] = b
        out[2, j] = c
        out[3, j] = d


@jit
def draw_listed(ids, subs, n, month, purpose, key, out):
    """The words of :func:`philox` for `n` listed identities and subs (uint32) into out (4, BLOCK), several at once."""
    k, q = np.uint32(key[0]), np.uint32(key[1])
    for j in range(n):
        a, b, c, d = ids[j], subs[j], np.uint32(month), np.uint32(purpose)
        a, b, c, d = _ten_rounds(a, b, c, d, k, q)
        out[0, j] = a
        out[1, j] = b
        out[2, j] = c
        out[3, j] = d


# ------------------------------------------------------------------------------------------- function tables

_EXP_STEP = 1.0 / 128.0
_EXP_HALF = 16 * 128
_LOG_CELLS = 2048
_QUANTILE_CELLS = 4096
_LN2 = 0.6931471805599453
FRACTION, HALF = (
    np.int64((1 << 52) - 1),
    np.int64(1022 << 52),
)  # bits of a double: its fraction, and the number 1/2


def _exp_grid() -> np.ndarray:
    term, step = 1.0, 1.0
    for n in range(1, 20):  # exp(1/128) by its series: + * / only
        term = term * _EXP_STEP / n
        step += term
    grid = np.ones(2 * _EXP_HALF + 1)
    for i in range(1, _EXP_HALF + 1):
        grid[_EXP_HALF + i] = grid[_EXP_HALF + i - 1] * step
        grid[_EXP_HALF - i] = grid[_EXP_HALF - i + 1] / step
    return grid


def _log_grid() -> np.ndarray:
    mantissa = 0.5 + 0.5 * np.arange(_LOG_CELLS + 1) / _LOG_CELLS
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    square, power, total = ratio * ratio, ratio.copy(), ratio.copy()
    for n in range(3, 60, 2):  # ln m = 2 artanh((m - 1) / (m + 1))
        power = power * square
        total = total + power / n
    grid = 2.0 * total
    grid[0], grid[-1] = -_LN2, 0.0
    return grid


EXP_GRID = _exp_grid()
LOG_GRID = _log_grid()


@jit
def exp_(x):
    """exp(x) for |x| < 16 (clamped), relative error below 8e-6; exactly 1 at 0."""
    y = min(max(float(x), -15.99), 15.99) * 128.0 + 2048.0
    i = int(y)
    low, high = EXP_GRID[np.uint64(i)], EXP_GRID[np.uint64(i + 1)]
    return low + (y - i) * (high - low)


@device
def exps(x, n, at, rest, out):
    """:func:`exp_` of the first `n` of x into out; what is looked up in a loop of its own. at, rest: scratch."""
    for j in range(n):
        y = min(max(float(x[j]), -15.99), 15.99) * 128.0 + 2048.0
        at[j] = int(y)
        rest[j] = y - int(y)
    for j in range(n):
        low, high = EXP_GRID[np.uint64(at[j])], EXP_GRID[np.uint64(at[j]) + np.uint64(1)]
        out[j] = low + rest[j] * (high - low)


@jit
def log_(x):
    """ln(x) for normal x > 0, absolute error below 2e-7; exactly 0 at 1."""
    bits = np.float64(x).view(np.int64)
    mantissa = np.int64((bits & FRACTION) | HALF).view(np.float64)
    y = (mantissa - 0.5) * 4096.0
    i = min(int(y), 2047)
    low, high = LOG_GRID[np.uint64(i)], LOG_GRID[np.uint64(i + 1)]
    return ((bits >> 52) - 1022) * _LN2 + (low + (y - i) * (high - low))


def logs(values: Any) -> np.ndarray:
    """Logarithms of an array by the shared table (the same on every platform)."""
    x = np.array(values, dtype=np.float64)
    _logs(x.reshape(-1))
    return x


@jit
def _logs(x):
    for n in range(x.size):
        x[n] = log_(x[n])


def _normal_quantile(p: float) -> float:
    """Acklam's rational approximation (relative error 1.15e-9)."""
    a = (
        -3.969683028665376e01,
        2.209460984245205e02,
        -2.759285104469687e02,
        1.383577518672690e02,
        -3.066479806614716e01,
        2.506628277459239e00,
    )
    b = (
        -5.447609879822406e01,
        1.615858368580409e02,
        -1.556989798598866e02,
        6.680131188771972e01,
        -1.328068155288572e01,
    )
    c = (
        -7.784894002430293e-03,
        -3.223964580411365e-01,
        -2.400758277161838e00,
        -2.549732539343734e00,
        4.374664141464968e00,
        2.938163982698783e00,
    )
    d = (7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e00, 3.754408661907416e00)
    if p > 0.5:
        return -_normal_quantile(1.0 - p)
    if p < 0.02425:
        q = math.sqrt(-2.0 * float(getattr(log_, "py_func", log_)(p)))  # plain: compile nothing at import
        return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) / (
            (((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1.0
        )
    q = p - 0.5
    r = q * q
    return (
        (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5])
        * q
        / (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1.0)
    )


NORMAL_GRID = np.array(
    [_normal_quantile((i + 0.5) / (_QUANTILE_CELLS + 1)) for i in range(_QUANTILE_CELLS + 1)]
)


@jit
def normal_(u):
    """Standard normal quantile of u in (0, 1) from a grid of 4,097 points: bounded by 3.7."""
    y = u * 4096.0
    i = min(int(y), 4095)
    low, high = NORMAL_GRID[np.uint64(i)], NORMAL_GRID[np.uint64(i + 1)]
    return low + (y - i) * (high - low)


def normals(u: np.ndarray) -> np.ndarray:
    """Standard normal quantiles of an array."""
    x = np.array(u, dtype=np.float64)
    _normals(x)
    return x


@jit
def _normals(x):
    for n in range(x.size):
        x[n] = normal_(x[n])


@jit
def gumbel_(u):
    """Standard Gumbel quantile, -ln(-ln u), of u in (0, 1)."""
    return -log_(max(-log_(u), 1e-12))


@jit
def logistic_(x):
    """1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + exp_(-x))


@jit
def unit_(word):
    """A 32-bit word as float64 in the open interval (0, 1)."""
    return (float(word) + 0.5) * UNIT


@jit
def place_(word, places):
    """One of `places` places, each as likely, from one 32-bit word."""
    return np.int64((np.uint64(word) * np.uint64(places)) >> SHIFT32)


@jit
def alias_(word, table):
    """Category from one 32-bit word by Walker's alias method, `table` as made by :func:`alias_table`."""
    x = np.uint64(word) * np.uint64(table.size)
    i = x >> SHIFT32
    cell = table[i]
    other = cell & MASK32
    stays = np.uint64((x & MASK32) < (cell >> SHIFT32))  # multiplied by: a branch would be a coin toss
    return np.int64(other ^ ((other ^ i) * stays))


def alias_table(weights: np.ndarray) -> np.ndarray:
    """Walker's alias table of non-negative weights (n,): uint64 (n,), the upper half of each cell the share of it that
    stays (in 2**-32), the lower half the category that the rest goes to."""
    n = weights.size
    probability, other = np.ones(n), np.arange(n, dtype=np.int64)
    _pair_up(weights * (n / weights.sum()), probability, other, *np.empty((2, n), dtype=np.int64))
    stays = np.minimum(probability * 2.0**32, 2.0**32 - 1).astype(np.uint64)
    return (stays << SHIFT32) | other.astype(np.uint64)


@jit
def _pair_up(scaled, probability, other, small, large):
    """Fill each cell that is too small from one that is too large, last in, first out."""
    few, many = 0, 0
    for i in range(scaled.size):
        if scaled[i] < 1.0:
            small[few] = i
            few += 1
        else:
            large[many] = i
            many += 1
    while few > 0 and many > 0:
        few -= 1
        many -= 1
        s, g = small[few], large[many]
        probability[s], other[s] = scaled[s], g
        scaled[g] -= 1.0 - scaled[s]
        if scaled[g] < 1.0:
            small[few] = g
            few += 1
        else:
            large[many] = g
            many += 1
