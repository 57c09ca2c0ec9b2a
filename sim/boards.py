"""The boards of vacancies: how many slots each submarket has, and where an applicant of each origin looks.

A submarket is an occupation in a province. The search phase reads one slot at a time (`sim/phases/apply.py`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.economy import Economy
from sim.fitting import fit
from sim.kernels import alias_table, logs
from sim.scenario import Scenario

ROOM = 1.5  # slots for each opening expected, and four standard deviations more: submarkets grow unlike each other
LOOKS = 40  # looks before an application is given up, where every opening expected has ROOM slots
LOOKS_AT_WORK = 10  # the same for someone who has a job and no notice (assumption)
MOST_LOOKS = 128  # however empty the boards


class Boards(NamedTuple):
    """Slots and looks. The board looked at is drawn in two steps, province then occupation, because the weights of an
    origin are a product but for the slots; the tables of both then stay in a core's cache.

    first: first slot of each submarket (submarkets + 1,). province: alias table of the province looked at by origin
    (submarkets, provinces). trade: alias table of the occupation looked at by the origin occupation and the province
    (occupations, provinces, occupations). patience: 1 / ln(chance to look again) by origin (submarkets,). most: looks
    at most by origin, without a job and at work (submarkets, 2): more where slots are emptier, as at coarse scales."""

    first: np.ndarray
    province: np.ndarray
    trade: np.ndarray
    patience: np.ndarray
    most: np.ndarray


def submarkets(economy: Economy, scenario: Scenario, rates: Any, expected: np.ndarray) -> Boards:
    """Boards of vacancies, and for each origin the alias tables of the board looked at and how long an applicant of
    that origin goes on looking (see the search phase). expected: openings of a month by province and occupation."""
    regions, occupations = expected.shape
    openings = expected.ravel() + 0.01
    slots = np.ceil(ROOM * openings + 4.0 * np.sqrt(openings) + 1.5).astype(np.int64)
    board = np.concatenate([[0], np.cumsum(slots)]).astype(np.int64)
    stay = scenario.world.own_occupation
    share = openings.reshape(regions, occupations).sum(axis=0) / openings.sum()
    moves = stay * np.eye(occupations) + (1.0 - stay) * _balanced(economy.wide("mobility"), share)
    local = openings.reshape(regions, occupations).sum(axis=1) / openings.sum()
    places = _balanced(economy.wide("regional_mobility"), local) / local[None, :]
    wage = rates.wage_occupation
    pull = np.exp(scenario.world.wage_search * (wage[None, :] - wage[:, None]))
    row = (moves / share[None, :]) * pull
    offered, due = (n.reshape(regions, occupations) / openings.sum() for n in (slots, openings))
    trade = np.einsum("ij,sj->isj", row, offered)
    province = np.einsum("rs,is->ris", places, trade.sum(axis=2)).reshape(regions * occupations, regions)
    total = province.sum(axis=1)
    patience = 1.0 / logs(total / (scenario.world.no_application + total))
    emptier = total / (ROOM * np.einsum("rs,ij,sj->ri", places, row, due, optimize=True).ravel())
    most = np.minimum(emptier[:, None] * [LOOKS, LOOKS_AT_WORK], MOST_LOOKS)
    return Boards(board, _alias_tables(province), _alias_tables(trade), patience, most)


def _alias_tables(weights: np.ndarray) -> np.ndarray:
    """Alias tables over the last axis."""
    rows = weights.reshape(-1, weights.shape[-1])
    return np.stack([alias_table(row) for row in rows]).reshape(weights.shape)


def _balanced(rates: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Row-stochastic matrix with the pattern of `rates` that keeps `share`: as many come as go (Deming-Stephan).

    The pattern is another country's or a judgement; the margins are those of this economy's openings."""
    share = np.maximum(share, 1e-5)
    flows = fit(share[:, None] * np.maximum(rates, 1e-9), [((0,), share), ((1,), share)], 1e-6, 2000)
    return np.asarray(flows / flows.sum(axis=1, keepdims=True))
