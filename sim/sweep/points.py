"""The points of a design as numbers: where every factor stands at each point, in the unit cube and in its own unit.

A factor that a point does not sample is NaN in the cube; its value is that of a draw of the posterior where the sample
says so, else NaN too: it stays as the scenario has it. Choices are kept as the number of their option.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.errors import InputError
from sim.layers import toml_inline
from sim.parameters import PARAMETERS
from sim.scenario import Scenario
from sim.uncertainty import ensemble, places

if TYPE_CHECKING:
    from sim.sweep.design import Design, Factor, Sample

LEVELS = {"grid": 3, "morris": 8}
"""Levels of a sample that does not state them: eight, so that steps of Morris reach most options of a choice."""


class Points(NamedTuple):
    """cube, value: (points, factors) floats; sample: (points,), number of the sample that a point belongs to."""

    cube: np.ndarray
    value: np.ndarray
    sample: np.ndarray


def count(design: Design, sample: Sample) -> int:
    """Points of a sample, without making them."""
    k = len(design.sampled(sample))
    match sample.method:
        case "morris":
            return (sample.trajectories or 0) * (k + 1)
        case "saltelli":
            return (sample.base or 0) * (k + 2)
        case "list":
            return len(sample.rows)
        case "grid":
            return int(np.prod([len(axis) for axis in _axes(design, sample)], dtype=np.int64))
        case _:
            return sample.points or 0


def points(design: Design) -> Points:
    """All points, sample after sample. The same design gives the same points."""
    names = [one.name for one in design.factors]
    made = []
    for n, sample in enumerate(design.file.samples):
        cube, value = _sample(design, sample)
        wide = np.full((2, len(cube), len(names)), np.nan)
        at = [names.index(name) for name in design.sampled(sample)]
        wide[0][:, at], wide[1][:, at] = cube, value
        if sample.rest == "posterior" and sample.method != "posterior":
            _fill(wide[1], names, _drawn(design, sample, len(cube)))
        made.append((wide[0], wide[1], np.full(len(cube), n, dtype=np.int32)))
    return Points(*(np.concatenate(parts) for parts in zip(*made, strict=True)))


def _sample(design: Design, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Cube and values (points, sampled factors) of one sample."""
    factors = [design._factor(name) for name in design.sampled(sample)]
    k, seed = len(factors), sample.seed
    if sample.method == "posterior":
        draws = _drawn(design, sample, sample.points or 0)
        return np.full((len(draws), k), np.nan), draws
    if sample.method in ("list", "grid"):
        if sample.method == "list":
            rows = [[row.get(one.name) for one in factors] for row in sample.rows]
        else:
            rows = [list(row) for row in itertools.product(*_axes(design, sample))]
        value = np.array([[_code(one, x) for one, x in zip(factors, row, strict=True)] for row in rows])
        return _shares(factors, value), value
    from sim.sweep import sensitivity

    if sample.method == "morris":
        cube = sensitivity.morris_sample(k, sample.trajectories or 2, sample.levels or LEVELS["morris"], seed)
    elif sample.method == "saltelli":
        cube = sensitivity.saltelli_sample(k, sample.base or 2, seed)
    elif sample.method == "latin-hypercube":
        cube = sensitivity.latin_hypercube(k, sample.points or 1, seed)
    else:
        cube = sensitivity.sobol_sequence(k, sample.points or 1, seed)
    return cube, np.column_stack([_scaled(one, cube[:, n]) for n, one in enumerate(factors)])


def _axes(design: Design, sample: Sample) -> list[list[Any]]:
    """The values of each factor of a grid."""
    axes: list[list[Any]] = []
    for name in design.sampled(sample):
        factor = design._factor(name)
        if name in sample.values:
            axes.append(list(sample.values[name]))
        elif factor.options:
            axes.append(list(factor.options))
        else:
            steps = np.linspace(0.0, 1.0, sample.levels or LEVELS["grid"])
            axes.append([float(x) for x in dict.fromkeys(_scaled(factor, steps))])
    if not axes:
        raise InputError("a grid has factors, or values by factor", key="samples")
    return axes


def _scaled(factor: Factor, u: np.ndarray) -> np.ndarray:
    """Values (n,) of a factor at shares u (n,) of its range; of a choice the number of the option."""
    if factor.options:
        return np.asarray(np.minimum(np.floor(u * len(factor.options)), len(factor.options) - 1))
    if factor.integer:
        return np.asarray(np.minimum(np.floor(factor.low + u * (factor.high - factor.low + 1)), factor.high))
    if factor.log:
        return np.asarray(
            np.exp(np.log(factor.low) + u * np.log(factor.high / factor.low)).clip(factor.low, factor.high)
        )
    return np.asarray(factor.low + u * (factor.high - factor.low))


def _shares(factors: list[Factor], value: np.ndarray) -> np.ndarray:
    """Where values (points, factors) stand in their ranges, 0 to 1."""
    out = np.full(value.shape, np.nan)
    for n, one in enumerate(factors):
        x = value[:, n]
        if one.options:
            out[:, n] = (x + 0.5) / len(one.options)
        elif one.log:
            out[:, n] = np.log(x / one.low) / np.log(one.high / one.low)
        else:
            out[:, n] = (x - one.low) / (one.high - one.low)
    return out


def _code(factor: Factor, given: Any) -> float:
    """A value as a number; InputError where it is out of the factor's range or not among its options."""
    if given is None:
        return np.nan
    if factor.options:
        if given not in factor.options:
            allowed = ", ".join(map(str, factor.options))
            raise InputError(f"{given!r} is not a choice of {factor.name}", key="samples", allowed=allowed)
        return float(factor.options.index(given))
    if (
        isinstance(given, bool)
        or not isinstance(given, int | float)
        or not factor.low <= given <= factor.high
    ):
        allowed = f"a number from {factor.low:g} to {factor.high:g}"
        raise InputError(f"{given!r} is no value of {factor.name}", key="samples", allowed=allowed)
    return float(given)


def _drawn(design: Design, sample: Sample, n: int) -> np.ndarray:
    """Parameters (n, P) of draws of the posterior, spread evenly over it; the sample's seed says where they begin."""
    draws = ensemble()
    return np.asarray(draws.theta[places(draws, f"sweep {sample.seed}", n)])


def _fill(value: np.ndarray, names: list[str], draws: np.ndarray) -> None:
    """Put draws where the sample left a parameter open."""
    for n, name in enumerate(ensemble().names):
        column = value[:, names.index(name)]
        column[:] = np.where(np.isnan(column), draws[:, n], column)


def at_point(design: Design, lever: int, value: np.ndarray) -> Scenario:
    """The scenario of a lever at a point: value (factors,) as in `Points.value`.

    Keys of `[world]` are put in directly; other keys go through the whole check of a scenario.
    """
    world: dict[str, Any] = {}
    rest = []
    for factor, x in zip(design.factors, value, strict=True):
        if np.isnan(x):
            continue
        given: Any = factor.options[int(x)] if factor.options else (int(x) if factor.integer else float(x))
        if factor.key.startswith("world."):
            world[factor.key[6:]] = given
        else:
            rest.append(f"{factor.key} = {toml_inline(given)}")
    base = design.scenario(design.levers[lever], rest) if rest else design.scenarios[lever]
    found = base.model_copy(update={"world": base.world.model_copy(update=world)})
    found._layers = base._layers
    return found


def trial(design: Design) -> Iterator[list[str]]:
    """The extremes of every factor as overrides, so that a bad key or bound is told before anything runs."""
    for factor in design.factors:
        if factor.name in PARAMETERS:
            continue
        ends = factor.options or tuple(int(x) if factor.integer else x for x in (factor.low, factor.high))
        for x in ends:
            yield [f"{factor.key} = {toml_inline(x)}"]


__all__ = ["Points", "at_point", "count", "points", "trial"]
