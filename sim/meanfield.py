"""The mean-field limit of `sim.network`: the same equations with expected flows, and the closed-form rest point.

Source: del Rio-Chanona et al. (2021), J. R. Soc. Interface 18, 20200898, in the limit of many workers. With e, u, v of
each occupation, d = e + v and target d†: separations `e (delta_u + (1 - delta_u) gamma_u max(0, d - d†) / e)`, openings
likewise with `max(0, d† - d)`, applications `s_j = sum_i u_i q_ij`, hires `v_j (1 - exp(-s_j / v_j))`, shared among the
applicants; all from the state at the start of the step.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.network import FLOWS, STOCKS
from sim.network_tables import Network, Rates, target_demand
from sim.scenario import NetworkSettings


class RestPoint(NamedTuple):
    """Shares of the labour force at work, out of work, out of work for long; vacancy rate v / (v + e); chance a step
    to find a job."""

    employed: float
    unemployment_rate: float
    long_term_unemployment_rate: float
    vacancy_rate: float
    job_finding_rate: float


def rest_point(rates: Rates, long_term: int = 3) -> RestPoint:
    """Where the equations stand still when every vacancy has the same number of applicants u / v and target demand is
    the labour force (one occupation, a complete symmetric network): flows into and out of work and of posts equal.

    At rest separations are openings, x e with x = max(delta_u, delta_v), and demand stays |delta_u - delta_v| e over
    the speed of its adjustment away from its target; u solves `v (1 - exp(-u / v)) = x e`, here by bisection.
    """
    lack = max(0.0, rates.delta_u - rates.delta_v) / ((1.0 - rates.delta_v) * rates.gamma_v)
    surplus = max(0.0, rates.delta_v - rates.delta_u) / ((1.0 - rates.delta_u) * rates.gamma_u)
    leave, gap = max(rates.delta_u, rates.delta_v), lack - surplus

    def vacancies(u: float) -> float:
        return u - gap * (1.0 - u)  # d† - d = (1 - e - v) = gap e

    low, high = max(0.0, gap / (1.0 + gap)), 1.0
    for _ in range(200):
        u = 0.5 * (low + high)
        v = vacancies(u)
        hires = v * -math.expm1(-u / v) if v > 0.0 else 0.0
        low, high = (u, high) if hires < leave * (1.0 - u) else (low, u)
    e, v = 1.0 - u, vacancies(u)
    finding = leave * e / u
    return RestPoint(e, u, leave * e * (1.0 - finding) ** long_term / finding, v / (v + e), finding)


def solve(network: Network, settings: NetworkSettings, steps: int) -> dict[str, np.ndarray]:
    """Stocks at the start of each step and flows in it, persons (steps, n), by the names of `sim.network`.

    Everyone starts in work and no vacancy is open, as in `sim.network.MobilityMarket`.
    """
    start, n, rates = network.employment, len(network.ids), network.rates
    e, v, spells = start.copy(), np.zeros(n), np.zeros((network.long_term + 1, n))
    kept = {name: np.empty((steps, n)) for name in (*STOCKS, *FLOWS)}
    sources, targets = network.sources, network.targets
    for t in range(steps):
        target = target_demand(network, settings, start, t)
        u, demand = spells.sum(axis=0), e + v
        surplus = np.minimum(rates.gamma_u * np.maximum(0.0, demand - target), e)
        lack = np.minimum(rates.gamma_v * np.maximum(0.0, target - demand), e)
        separations = rates.delta_u * e + (1.0 - rates.delta_u) * surplus
        openings = rates.delta_v * e + (1.0 - rates.delta_v) * lack
        pull = network.mobility * v[targets]
        towards = np.bincount(sources, pull, minlength=n)[sources]
        sent = u[sources] * np.divide(pull, towards, out=np.zeros_like(pull), where=towards > 0.0)
        queue = np.bincount(targets, sent, minlength=n)
        filled = v * -np.expm1(-np.divide(queue, v, out=np.zeros(n), where=v > 0.0))
        chance = np.divide(filled, queue, out=np.zeros(n), where=queue > 0.0)
        left = np.bincount(sources, sent * chance[targets], minlength=n)
        now = (e, u, spells[-1], v, target, separations, openings, filled, left)
        for name, values in zip((*STOCKS, *FLOWS), now, strict=True):
            kept[name][t] = values
        staying = 1.0 - np.divide(left, u, out=np.zeros(n), where=u > 0.0)
        spells = np.vstack([separations, spells[:-2] * staying, spells[-2:].sum(axis=0) * staying])
        e, v = e - separations + filled, v + openings - filled
    return kept


__all__ = ["RestPoint", "rest_point", "solve"]
