"""Phase 5, the lot of a trial: between the order of a queue and its seats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.draws import TRIAL, uniforms
from sim.randomised import Rule

if TYPE_CHECKING:
    from sim.model import LaborMarket


def by_lot(
    model: LaborMarket, rule: Rule, rows: np.ndarray, seats: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Who of a queue gets a seat, and who had the turn but lost the lot (indices).

    Everyone's lot is their own draw of the month. It decides for those whose turn has come, given the others' lots:
    with seats that stay empty the turn counts everyone; with seats refilled only those whom the lot does not strike,
    so that the next in line move up. Whether one's turn comes never depends on one's own lot.
    """
    region = model.workers.region[rows]
    struck = uniforms(model.key, TRIAL, model.month, rows)[:, 0] < rule.refused[region]
    turn = in_turn(region, seats, ~struck if rule.refilled else np.ones(rows.size, dtype=bool))
    return np.flatnonzero(turn & ~struck), np.flatnonzero(turn & struck)


def in_turn(region: np.ndarray, seats: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Whether each of a queue would get a seat among those who are `there` and stand before.

    Seats of one's own province first, then what is left anywhere, as `sim.phases.enrol.seated`. region: of each in the
    queue; seats: by province.
    """
    home = np.empty(region.size, dtype=np.int64)
    for r in np.unique(region):
        mine = region == r
        home[mine] = np.cumsum(there[mine]) - there[mine]
    at_home = home < seats[region]
    left = int(seats.sum()) - int((at_home & there).sum())
    waiting = there & ~at_home
    return np.asarray(at_home | (np.cumsum(waiting) - waiting < left))
