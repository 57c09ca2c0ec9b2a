"""Phase 2, adopt: employers adopt AI and deepen its use; employers are born, close and receive demand shocks.

First adoption follows Bass (1969): hazard (p + q x adopters' share among peers) x (1 + lever); intensity then
follows a logistic ramp that is faster with the staff's AI skill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.draws import EMPLOYER, SHOCK
from sim.employers import CLOSING, NOT_REACHED, RESTRUCTURING
from sim.kernels import jit, normal_, philox, unit_

if TYPE_CHECKING:
    from sim.model import LaborMarket

FIRST_INTENSITY = 0.05
RAMP = 6.0  # a logistic goes from 5% to 95% in about six units of its rate


def adopt(model: LaborMarket) -> None:
    """Adoption, deepening, births, closures and demand shocks of this month."""
    share = peers_share(model)
    hazard = model.tables.adoption_hazard[model.clock.year_index]
    frozen = model.spin_up or model.scenario.world.adoption_frozen
    _employers(
        model.employers,
        model.posts,
        model.tables,
        model.params,
        model.key,
        model.clock,
        share,
        hazard,
        bool(frozen),
    )


def peers_share(model: LaborMarket) -> np.ndarray:
    """Adopters' share among open employers, by size and industry (sizes, industries)."""
    e = model.employers
    shape = (model.economy.n("size"), model.economy.n("industry"))
    group = e.size.astype(np.int64) * shape[1] + e.industry
    opened = np.bincount(group, weights=e.open, minlength=shape[0] * shape[1])
    adopted = np.bincount(group, weights=e.open * (e.intensity > 0), minlength=shape[0] * shape[1])
    return np.asarray((adopted / np.maximum(opened, 1)).reshape(shape))


@jit
def _employers(e, posts, tb, pm, key, clock, share, hazard, frozen):
    for f in range(e.open.size):
        size, industry = e.size[f], e.industry[f]
        adopting, closing, opening, _ = philox(
            np.uint64(f), np.uint64(0), clock.counter, EMPLOYER, key[0], key[1]
        )
        shock, _, _, _ = philox(np.uint64(f), np.uint64(0), clock.counter, SHOCK, key[0], key[1])
        e.shock[f] = tb.shock_rho[size] * e.shock[f] + tb.shock_sd[size] * normal_(unit_(shock))
        if e.open[f] == 0:
            if unit_(opening) < tb.birth[size]:
                e.open[f] = 1
                e.intensity[f] = FIRST_INTENSITY if unit_(adopting) < share[size, industry] else 0.0
                for p in range(e.posts_from[f], e.posts_to[f]):
                    posts.flags[p] = 0
        elif unit_(closing) < tb.closure[size]:
            e.open[f] = 0
            e.intensity[f] = 0.0
            e.lever[f] = 0.0
            e.funnel[f] = NOT_REACHED
            e.hired_trainee[f] = 0
            for p in range(e.posts_from[f], e.posts_to[f]):
                posts.flags[p] = CLOSING
        elif not frozen:
            if e.intensity[f] == 0.0:
                h = (hazard[size, industry] + pm.adoption_imitation * share[size, industry]) * (
                    1.0 + e.lever[f]
                )
                if unit_(adopting) < h:
                    e.intensity[f] = FIRST_INTENSITY
            else:
                a = float(e.intensity[f])
                rate = RAMP / pm.adoption_ramp * (1.0 + pm.adoption_staff_skill * e.staff_skill[f])
                e.intensity[f] = min(1.0, a + a * (1.0 - a) * rate)


__all__ = ["RESTRUCTURING", "adopt", "peers_share"]
