"""Parameters drawn from the posterior: `run.uncertainty` in place of one point for everything.

With `run.uncertainty = "seed"` all replicates have the same parameters, and an interval across them is the noise of
chance alone. With "posterior" (the ensemble that ships, `calibration/posterior.csv`) or the path of another such file,
every replicate has parameters drawn from it. Two replicates in a row share a draw where their number is even and at
least four, so that what parameters do and what chance does can be told apart (`sim.intervals`). With "+structure"
after either, draw after draw also has another of the VARIANTS of the model's structure in turn: the measure of
exposure, the adoption series, growth. 20 draws have each of them twice, which tells structure from parameters.

Which draw a replicate has is a function of the seed and the replicate alone: a Kronecker sequence over the cumulated
weights, so that any number of replicates is spread evenly over the ensemble. Scenarios with the same seed, as in a
comparison, have the same draws. A key of `[world]` that a scenario sets itself, in a file or with `--set`, is a
decision and stays as it is, also where it equals the default.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sim.errors import InputError, nearest
from sim.parameters import CHOICES, PARAMETERS

if TYPE_CHECKING:
    from sim.scenario import Scenario

SEED, POSTERIOR, STRUCTURE = "seed", "posterior", "+structure"
VARIANTS: tuple[dict[str, str | bool], ...] = (
    {},
    *(
        {name: option}
        for name in ("exposure", "adoption", "growth")
        for option in CHOICES[name].options
        if option != CHOICES[name].default
    ),
)
"""What a draw changes of the model's structure: nothing, or one choice."""
PER_DRAW = 2
"""Replicates of a draw."""
GOLDEN = (5.0**0.5 - 1.0) / 2.0


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Draws of some parameters: theta (D, P), their weights (D,), which add up to one, and the file's sha256."""

    names: tuple[str, ...]
    theta: np.ndarray
    weight: np.ndarray
    digest: str


def shipped() -> Path:
    """The ensemble that ships: beside the package in a checkout, inside it once installed. It need not exist."""
    package = Path(__file__).resolve().parent
    inside = package / "calibration"
    return (inside if inside.is_dir() else package.parent / "calibration") / "posterior.csv"


def ensemble(source: str = POSTERIOR) -> Ensemble:
    """The draws of `run.uncertainty`: "posterior", or the path of a file as `laborshift calibrate` writes it.

    Raises InputError when there is no such file, or it does not hold draws of this model's parameters.
    """
    source = source.removesuffix(STRUCTURE)
    file = shipped() if source == POSTERIOR else Path(source).expanduser()
    try:
        stamp = file.stat().st_mtime_ns
    except OSError:
        problem = (
            "no posterior ships with this version" if source == POSTERIOR else f"there is no file {source!r}"
        )
        allowed = '"seed", "posterior" after laborshift calibrate --accept, or the path of a posterior.csv'
        allowed += f'; the last two also with "{STRUCTURE}"'
        raise InputError(problem, key="run.uncertainty", allowed=allowed) from None
    return _read(file, stamp)


@lru_cache(maxsize=4)
def _read(file: Path, _stamp: int) -> Ensemble:
    def wrong(problem: str, near: str | None = None) -> InputError:
        return InputError(problem, file=str(file), key="run.uncertainty", nearest=near)

    try:
        data = file.read_bytes()
        header, *rows = list(csv.reader(data.decode("utf-8").splitlines()))
        values = np.array(rows, dtype=np.float64)
    except (OSError, ValueError) as reason:
        raise wrong(f"cannot be read as draws of a posterior ({reason})") from None
    p = (len(header) - 1) // 2
    names = tuple(header[:p])
    columns = [*names, *(f"z:{name}" for name in names), "log_weight"]
    if header != columns or not rows or not np.isfinite(values).all():
        raise wrong("does not hold draws of a posterior")
    for name, column in zip(names, values.T, strict=False):
        if (record := PARAMETERS.get(name)) is None:
            raise wrong(f"has draws of {name!r}, which is no parameter", nearest(name, list(PARAMETERS)))
        if column.min() < record.low or column.max() > record.high:
            raise wrong(f"has draws of {name} beyond its range, {record.low:g} to {record.high:g}")
    weight = np.exp(values[:, -1] - values[:, -1].max())
    return Ensemble(names, values[:, :p], weight / weight.sum(), hashlib.sha256(data).hexdigest())


def replicates_a_draw(replicates: int) -> int:
    """Replicates that share a draw: two where their number is even and at least four, else one."""
    return PER_DRAW if replicates >= 2 * PER_DRAW and replicates % PER_DRAW == 0 else 1


def per_draw(scenario: Scenario) -> int:
    """Replicates that share a draw; 0 when all have the same parameters."""
    run = scenario.run
    return 0 if run.uncertainty == SEED else replicates_a_draw(run.replicates)


def draw_of(scenario: Scenario, replicate: int) -> int:
    """Number of the draw, counted from 0, that a replicate has; -1 when all have the same parameters."""
    each = per_draw(scenario)
    if not each:
        return -1
    draws = ensemble(scenario.run.uncertainty)
    return int(places(draws, f"posterior draws of seed {scenario.run.seed}", replicate // each + 1)[-1])


def places(draws: Ensemble, text: str, n: int) -> np.ndarray:
    """Numbers (n,) of draws, spread evenly over an ensemble by their weights; `text` decides where they begin."""
    first = int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2.0**48
    place = (first + np.arange(n) * GOLDEN) % 1.0
    found = np.searchsorted(np.cumsum(draws.weight), place, side="right")
    return np.asarray(np.minimum(found, draws.weight.size - 1))


def variants(scenario: Scenario) -> list[dict[str, str | bool]]:
    """Variants of the model's structure that draws take in turn; those of a choice that the scenario makes itself drop
    out. None without "+structure"."""
    if not scenario.run.uncertainty.endswith(STRUCTURE):
        return []
    return [one for one in VARIANTS if not scenario.world.model_fields_set & set(one)]


def fixed(scenario: Scenario) -> list[str]:
    """Parameters of the ensemble that the scenario sets itself, sorted: they are not drawn."""
    return sorted(scenario.world.model_fields_set & set(ensemble(scenario.run.uncertainty).names))


def drawn_names(scenario: Scenario) -> list[str]:
    """Parameters that are drawn, in the ensemble's order; none where all replicates have the same."""
    if not per_draw(scenario):
        return []
    kept = set(fixed(scenario))
    return [name for name in ensemble(scenario.run.uncertainty).names if name not in kept]


def drawn(scenario: Scenario, replicate: int) -> Scenario:
    """The scenario with the parameters of a replicate, as one that needs no more draws; itself where none are drawn."""
    number = draw_of(scenario, replicate)
    if number < 0:
        return scenario
    draws, free = ensemble(scenario.run.uncertainty), set(drawn_names(scenario))
    values = zip(draws.names, map(float, draws.theta[number]), strict=True)
    update: dict[str, object] = {name: x for name, x in values if name in free}
    if structures := variants(scenario):
        update |= structures[(replicate // per_draw(scenario)) % len(structures)]
    world = scenario.world.model_copy(update=update)
    run = scenario.run.model_copy(update={"uncertainty": SEED})
    found = scenario.model_copy(update={"world": world, "run": run})
    found._layers = scenario._layers
    return found


def question(scenario: Scenario) -> dict[str, object]:
    """What the draws of a scenario depend on, for digests; nothing where none are drawn."""
    each = per_draw(scenario)
    if not each:
        return {}
    digest = ensemble(scenario.run.uncertainty).digest
    asked: dict[str, object] = {"posterior": digest, "fixed": fixed(scenario), "replicates_a_draw": each}
    return asked | ({"variants": found} if (found := variants(scenario)) else {})


__all__ = [
    "Ensemble",
    "draw_of",
    "drawn",
    "drawn_names",
    "ensemble",
    "fixed",
    "per_draw",
    "question",
    "replicates_a_draw",
    "shipped",
    "variants",
]
