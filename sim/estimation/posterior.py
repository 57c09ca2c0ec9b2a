"""Draws from the posterior on emulated moments, what the data say about each parameter, and a file of both.

The likelihood is that of Wood (2010), Nature 466:1102: normal moments, with an emulated mean. Sampling is emcee's
(Foreman-Mackey et al. 2013, PASP 125:306) with differential-evolution moves, several ensembles side by side so that
they can be compared.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import emcee
import numpy as np
from scipy.linalg import cholesky, solve_triangular

from sim.estimation.emulate import Emulator
from sim.estimation.problem import Problem, Runs

PINNED = 0.2
"""Contraction of a parameter below which its posterior is, for practical purposes, its prior."""
OUTSIDE = 0.02
"""Share of draws that may lie where the emulator extrapolates."""
WALL = 1.5
"""Radii of the wave beyond which the posterior is cut off: no emulator is to be believed there."""
BLOCK, LONGEST = 200, 6_000
"""Steps between looks at convergence, and at most."""


@dataclass(frozen=True, eq=False)
class Posterior:
    """Draws of the parameters. theta, z (D, P): in their units and in probit space; log_weight (D,): 0 when equal.

    diagnostics: plain numbers, lists and names, as they are written to JSON.
    """

    names: tuple[str, ...]
    theta: np.ndarray
    z: np.ndarray
    log_weight: np.ndarray
    diagnostics: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.theta)

    @property
    def weight(self) -> np.ndarray:
        """Weights (D,) that sum to one."""
        weight = np.exp(self.log_weight - self.log_weight.max())
        return np.asarray(weight / weight.sum())

    @property
    def unpinned(self) -> tuple[str, ...]:
        """Parameters whose variance the data lower by less than PINNED: what is drawn is their prior."""
        return tuple(name for name, c in zip(self.names, self.contraction, strict=True) if c < PINNED)

    @property
    def contraction(self) -> np.ndarray:
        """1 - posterior variance / prior variance (P,), in probit space, where the prior's variance is one."""
        mean = self.weight @ self.z
        return np.asarray(1.0 - self.weight @ (self.z - mean) ** 2)

    def save(self, stem: Path) -> None:
        """Write stem.csv (draws, every digit) and stem.json (diagnostics)."""
        with stem.with_suffix(".csv").open("w", newline="", encoding="utf-8") as stream:
            table = csv.writer(stream, lineterminator="\n")
            table.writerow([*self.names, *(f"z:{name}" for name in self.names), "log_weight"])
            for row in np.column_stack([self.theta, self.z, self.log_weight]):
                table.writerow([repr(float(value)) for value in row])
        text = json.dumps(self.diagnostics, indent=1, ensure_ascii=False, sort_keys=True)
        stem.with_suffix(".json").write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, stem: Path) -> Posterior:
        """What `save` wrote. ValueError when the columns are not those of a posterior."""
        with stem.with_suffix(".csv").open(newline="", encoding="utf-8") as stream:
            header, *rows = list(csv.reader(stream))
        p = (len(header) - 1) // 2
        names = tuple(header[:p])
        if header != [*names, *(f"z:{name}" for name in names), "log_weight"] or not rows:
            raise ValueError(f"{stem.with_suffix('.csv')} does not hold draws of a posterior")
        values = np.array(rows, dtype=np.float64)
        diagnostics = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))
        return cls(names, values[:, :p], values[:, p : 2 * p], values[:, -1], diagnostics)


def sample(
    problem: Problem,
    emulator: Emulator,
    covariance: np.ndarray,
    start: np.ndarray,
    draws: int = 400,
    seed: int = 1,
    ensembles: int = 2,
    prior: float = 1.0,
) -> Posterior:
    """Draws of exp(-Q/2), Q of `sim.estimation.fit` with emulated moments and V (M, M), picked from the chains.

    start (k, P): points from which walkers begin (drawn with a little noise). Each ensemble goes on until its
    effective size is three times its share of the draws, or for LONGEST steps.
    """
    root = cholesky(covariance, lower=True)
    white = solve_triangular(root, emulator.coefficients.T, lower=True).T
    target = solve_triangular(root, problem.target, lower=True)

    def log_density(z: np.ndarray) -> np.ndarray:
        x = emulator.scaled(z)
        residual = emulator.terms(x) @ white - target
        value = -0.5 * ((residual**2).sum(axis=1) + prior * (z**2).sum(axis=1))
        return np.asarray(np.where((x**2).sum(axis=1) <= (WALL * emulator.radius) ** 2, value, -np.inf))

    p = start.shape[1]
    walkers = max(8 * p, 96)
    rng = np.random.default_rng([seed, 4])
    inside = start[emulator.distance(start) <= 1.0]
    inside = inside if len(inside) else emulator.centre[None]
    chains = []
    for _ in range(ensembles):
        first = inside[rng.integers(len(inside), size=walkers)]
        first = first + 0.05 * rng.standard_normal(first.shape) @ emulator.root.T
        first = (
            emulator.centre
            + (first - emulator.centre) / np.maximum(1.0, emulator.distance(first) / WALL)[:, None]
        )
        chains.append(_chain(log_density, first, 3.0 * draws / ensembles, int(rng.integers(2**31))))
    kept = min(len(chain) for chain, _ in chains)
    stacked = np.stack([chain[-kept:] for chain, _ in chains])
    tau = np.max([one for _, one in chains], axis=0)
    flat = stacked.reshape(-1, p)
    z = flat[np.sort(rng.choice(len(flat), draws, replace=False))]
    predicted = emulator(z)
    posterior = Posterior(problem.names, problem.priors.theta(z), z, np.zeros(draws))
    posterior.diagnostics.update(
        parameters=list(problem.names),
        rhat=split_rhat(stacked).tolist(),
        autocorrelation_steps=tau.tolist(),
        effective_size=(flat.shape[0] / tau).tolist(),
        contraction=posterior.contraction.tolist(),
        unpinned=list(posterior.unpinned),
        outside_wave=float((emulator.distance(flat) > 1.0).mean()),
        predictive=predictive(problem, predicted, covariance, rng),
    )
    return posterior


def _chain(log_density: Any, first: np.ndarray, wanted: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps of one ensemble after its first fifth (steps, walkers, P), and its autocorrelation time (P,)."""
    moves = [(emcee.moves.DEMove(), 0.8), (emcee.moves.StretchMove(), 0.2)]
    sampler = emcee.EnsembleSampler(*first.shape, log_density, vectorize=True, moves=moves)
    sampler.random_state = np.random.RandomState(seed).get_state()
    state: Any = first
    while True:
        state = sampler.run_mcmc(state, BLOCK, skip_initial_state_check=True)
        chain = sampler.get_chain()[sampler.iteration // 5 :]
        with np.errstate(invalid="ignore"):  # of a walker that has not moved yet
            tau = emcee.autocorr.integrated_time(chain, quiet=True, tol=0)
        tau = np.maximum(np.nan_to_num(tau, nan=float(len(chain))), 1.0)
        enough = chain.shape[0] * chain.shape[1] / tau.max() >= wanted and chain.shape[0] >= 20.0 * tau.max()
        if enough or sampler.iteration >= LONGEST:
            return chain, tau


def split_rhat(chains: np.ndarray) -> np.ndarray:
    """Split R-hat (P,) of ensembles (C, steps, walkers, P), each cut in two in time: Gelman et al. (2013), 11.4.

    The walkers of an ensemble are not independent, so a sequence is an ensemble's mean over its walkers, its
    variance that of the walkers and steps together.
    """
    half = chains.shape[1] // 2
    parts = np.concatenate([chains[:, :half], chains[:, half : 2 * half]])
    within = parts.reshape(len(parts), -1, parts.shape[-1]).var(axis=1, ddof=1).mean(axis=0)
    between = parts.mean(axis=(1, 2)).var(axis=0, ddof=1)
    return np.asarray(np.sqrt(1.0 + between / within))


def checked(runs: Runs, emulator: Emulator, posterior: Posterior, seeds: np.ndarray) -> dict[str, float]:
    """Fresh runs at as many draws as there are seeds, against the emulator: root mean square by moment.

    In sds of the leave-one-out residuals, so about 1; failed runs are left out.
    """
    runs.stage = "check"
    rows = np.linspace(0, len(posterior) - 1, len(seeds)).round().astype(int)
    moments = runs(posterior.theta[rows], seeds)
    sd = np.sqrt(np.maximum(np.diag(emulator.loo_cov), 1e-18))
    off = np.sqrt(np.nanmean(((moments - emulator(posterior.z[rows])) / sd) ** 2, axis=0))
    return dict(zip(runs.problem.moments, off.tolist(), strict=True))


def predictive(
    problem: Problem, predicted: np.ndarray, covariance: np.ndarray, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """For every moment: target, mean and sd of the model's value over draws (D, M), and the predictive p-value.

    p is the chance that a new observation lies below the target: 0.05 to 0.95 when the model can say so.
    """
    noise = rng.standard_normal(predicted.shape) * np.sqrt(np.diag(covariance))
    below = (predicted + noise < problem.target).mean(axis=0)
    return [
        {"moment": name, "target": float(y), "mean": float(m), "sd": float(s), "p": float(p)}
        for name, y, m, s, p in zip(
            problem.moments,
            problem.target,
            predicted.mean(axis=0),
            predicted.std(axis=0, ddof=1),
            below,
            strict=True,
        )
    ]


__all__ = ["OUTSIDE", "PINNED", "WALL", "Posterior", "checked", "predictive", "sample", "split_rhat"]
