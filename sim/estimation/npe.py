"""A second engine: neural posterior estimation by `sbi` (Greenberg et al. 2019), an optional extra.

Trained on one library of runs over the prior, in probit space (bounded priors leak), with the targets' noise added to
the moments. It shares no approximation with the emulator, so that two posteriors that agree are worth more than either.
"""

from __future__ import annotations

import numpy as np

from sim.estimation.posterior import Posterior
from sim.estimation.problem import Problem


def train(problem: Problem, z: np.ndarray, moments: np.ndarray, draws: int = 400, seed: int = 1) -> Posterior:
    """Draws at the problem's target from a spline flow trained on points z (n, P) with moments (n, M).

    z must have been drawn from the prior, one run each; failed runs are left out. ImportError without `sbi`.
    """
    try:
        import torch
        from sbi.inference import NPE
    except ImportError as missing:
        raise ImportError("the second engine needs sbi: pip install 'laborshift[sbi]'") from missing
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 6])
    good = np.isfinite(moments).all(axis=1)
    noisy = moments[good] + rng.standard_normal(moments[good].shape) * np.sqrt(problem.noise)
    centre, scale = noisy.mean(axis=0), noisy.std(axis=0)
    p = z.shape[1]
    prior = torch.distributions.MultivariateNormal(torch.zeros(p), torch.eye(p))
    engine = NPE(prior=prior, density_estimator="nsf", show_progress_bars=False)
    engine.append_simulations(
        torch.as_tensor(z[good], dtype=torch.float32),
        torch.as_tensor((noisy - centre) / scale, dtype=torch.float32),
    ).train()
    seen = torch.as_tensor((problem.target - centre) / scale, dtype=torch.float32)
    drawn = (
        engine.build_posterior().sample((draws,), x=seen, show_progress_bars=False).numpy().astype(np.float64)
    )
    posterior = Posterior(problem.names, problem.priors.theta(drawn), drawn, np.zeros(draws))
    posterior.diagnostics.update(engine="sbi NPE, neural spline flow", library=int(good.sum()))
    return posterior


def disagreement(one: Posterior, other: Posterior) -> np.ndarray:
    """Distance of the means in sds of the first (P,): below 0.5 the engines agree."""
    mean, theirs = one.weight @ one.z, other.weight @ other.z
    return np.asarray(np.abs(mean - theirs) / np.sqrt(one.weight @ (one.z - mean) ** 2))


__all__ = ["disagreement", "train"]
