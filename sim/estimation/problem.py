"""What the estimator knows of a model: priors, targets with their errors, and a function from parameters to moments.

Every run is kept by parameters and seed (`Runs`). An estimation is a function of its problem, options and seed, so
one that was stopped and is started again with the same file takes the runs it has and goes on where it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim.estimation.priors import Priors

Evaluate = Callable[[np.ndarray, np.ndarray], np.ndarray]
Progress = Callable[[str, int], None]


@dataclass(frozen=True, eq=False)
class Problem:
    """P parameters to be found from M moments, which are on a scale where errors are about normal.

    target, data_sd, disc_sd (M,): the observed moments, their sampling error, and how far the model may be off
    even at its best. block: the survey of each moment; errors across surveys may be correlated in any way.
    evaluate: parameters (n, P) and seeds (n,) to moments (n, M), a row with NaN for a run that failed; the same
    parameters and seed give the same row. target_noise: how much of one run's own noise the target carries, 0 for
    a survey of a whole economy, 1 when the target is itself one run (as in `sim.estimation.sbc`).
    """

    names: tuple[str, ...]
    priors: Priors
    moments: tuple[str, ...]
    target: np.ndarray
    data_sd: np.ndarray
    disc_sd: np.ndarray
    block: tuple[str, ...]
    evaluate: Evaluate
    target_noise: float = 0.0

    def __post_init__(self) -> None:
        if len(self.priors) != len(self.names):
            raise ValueError(f"{len(self.names)} parameters have {len(self.priors)} priors")
        for name in ("target", "data_sd", "disc_sd", "block"):
            if len(getattr(self, name)) != len(self.moments):
                raise ValueError(
                    f"{len(self.moments)} moments have {len(getattr(self, name))} values of {name}"
                )
        if not np.isfinite(self.target).all() or (np.minimum(self.data_sd, self.disc_sd) < 0.0).any():
            raise ValueError("targets must be finite and their errors not negative")
        if not 0.0 <= self.target_noise <= 1.0:
            raise ValueError(f"target_noise is a share, not {self.target_noise}")

    @property
    def noise(self) -> np.ndarray:
        """Variance of each target (M,): sampling error and discrepancy."""
        return np.asarray(self.data_sd**2 + self.disc_sd**2)


class Runs:
    """Runs of a problem, each made once.

    file: where they are kept (.npz, replaced in one step after every chunk of runs). identity: what makes runs
    comparable besides parameters and seed, such as a hash of code and data; a file with another is a ValueError.
    progress: called with the stage and the number of runs made so far.
    """

    def __init__(
        self,
        problem: Problem,
        file: Path | None = None,
        identity: str = "",
        chunk: int = 256,
        progress: Progress | None = None,
    ) -> None:
        self.problem, self.file, self.chunk, self.progress = problem, file, chunk, progress
        self.identity = "\n".join([identity, *problem.names, "", *problem.moments])
        self.stage, self.made = "", 0
        self._known: dict[bytes, np.ndarray] = {}
        self._asked: list[tuple[np.ndarray, int]] = []
        if file is not None and file.exists():
            self._load(file)

    def __len__(self) -> int:
        return len(self._known)

    def __call__(self, thetas: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        """Moments (n, M) of parameters (n, P) and seeds (n,); new ones are run, in chunks."""
        thetas = np.ascontiguousarray(thetas, dtype=np.float64)
        keys = [_key(theta, int(seed)) for theta, seed in zip(thetas, seeds, strict=True)]
        new = list({key: k for k, key in enumerate(keys) if key not in self._known}.values())
        for first in range(0, len(new), self.chunk):
            rows = new[first : first + self.chunk]
            moments = np.asarray(
                self.problem.evaluate(thetas[rows], np.asarray(seeds)[rows]), dtype=np.float64
            )
            if moments.shape != (len(rows), len(self.problem.moments)):
                raise ValueError(f"evaluate gave an array {moments.shape} for {len(rows)} runs")
            for row, values in zip(rows, moments, strict=True):
                self._known[keys[row]] = values
                self._asked.append((thetas[row], int(seeds[row])))
            self.made += len(rows)
            self._save()
            if self.progress is not None:
                self.progress(self.stage, self.made)
        return np.array([self._known[key] for key in keys]).reshape(len(keys), len(self.problem.moments))

    def at(self, z: np.ndarray, seeds: Sequence[int] | np.ndarray) -> np.ndarray:
        """Moments (n, M) at points z (n, P) of probit space, one seed each."""
        return self(self.problem.priors.theta(z), np.asarray(seeds))

    def averaged(self, z: np.ndarray, seeds: Sequence[int]) -> np.ndarray:
        """Mean over the same seeds at every point z (n, P): (n, M); NaN where any of the runs failed."""
        n, r = len(z), len(seeds)
        moments = self.at(np.repeat(z, r, axis=0), np.tile(np.asarray(seeds), n))
        return np.asarray(moments.reshape(n, r, -1).mean(axis=1))

    def _load(self, file: Path) -> None:
        with np.load(file) as kept:
            if str(kept["identity"]) != self.identity:
                raise ValueError(f"{file} holds runs of another model, of other data or with other moments")
            self._asked = [
                (theta, int(seed)) for theta, seed in zip(kept["thetas"], kept["seeds"], strict=True)
            ]
            for (theta, seed), values in zip(self._asked, kept["moments"], strict=True):
                self._known[_key(theta, seed)] = values

    def _save(self) -> None:
        if self.file is None:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        part = self.file.with_name(self.file.name + ".part")
        with part.open("wb") as stream:
            np.savez(
                stream,
                identity=np.array(self.identity),
                thetas=np.array([theta for theta, _ in self._asked]),
                seeds=np.array([seed for _, seed in self._asked]),
                moments=np.array(list(self._known.values())),
            )
        os.replace(part, self.file)


def _key(theta: np.ndarray, seed: int) -> bytes:
    return theta.tobytes() + seed.to_bytes(8, "little", signed=True)


def shrunk_covariance(values: np.ndarray) -> np.ndarray:
    """Covariance (M, M) of rows (n, M), correlations shrunk to zero by their own sampling error.

    Schäfer and Strimmer (2005), Stat. Appl. Genet. Mol. Biol. 4(1):32, target D. Rows that are not finite are left
    out; the share of correlation kept is (1 - lambda), lambda = sum var(r_ij) / sum r_ij^2.
    """
    values = values[np.isfinite(values).all(axis=1)]
    n, m = values.shape
    if n < 3:
        raise ValueError(f"a covariance needs 3 runs that did not fail; there are {n}")
    sd = values.std(axis=0, ddof=1)
    x = (values - values.mean(axis=0)) / np.where(sd > 0.0, sd, 1.0)
    correlation = x.T @ x / (n - 1)
    variance = n / (n - 1) ** 3 * ((x**2).T @ (x**2) - (x.T @ x) ** 2 / n)
    off = ~np.eye(m, dtype=bool)
    total = (correlation[off] ** 2).sum()
    kept = 1.0 - min(1.0, variance[off].sum() / total) if total > 0.0 else 0.0
    return np.asarray(np.where(off, kept * correlation, 1.0) * np.outer(sd, sd))


__all__ = ["Evaluate", "Problem", "Progress", "Runs", "shrunk_covariance"]
