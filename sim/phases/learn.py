"""Phase 8, learn: AI skill grows by use and decays without it; spells, experience, insurance and tenure pay move on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.kernels import jit, logistic_
from sim.workers import EMPLOYED, HELD12, INSURED, OWN_ACCOUNT, UNEMPLOYED

if TYPE_CHECKING:
    from sim.model import LaborMarket

TENURE_PAY_MONTHS = 60
WINDOW = np.uint32((1 << 18) - 1)  # the last 18 months
INSURED_MONTH = np.uint32(1 << 18)
MOST_INSURED = np.uint32(16383)


def learn(model: LaborMarket) -> None:
    """Update everyone's skill, spell, experience, insurance record and tenure pay."""
    model.over_chunks(
        _learn, model.workers, model.employers, model.posts, model.tables, model.params, model.clock
    )


@jit
def _learn(lo, hi, chunk, w, e, posts, tb, pm, clock):
    lowest = tb.minimum_wage[clock.year_index]
    for i in range(lo, hi):
        state = w.state[i]
        if state == 0:
            continue
        spell = w.spell[i]
        if spell < 65535:
            w.spell[i] = spell + 1
        skill = float(w.skill[i])
        used = 0.0
        insured = np.uint32(0)
        if state == EMPLOYED:
            if w.experience[i] < 65535:
                w.experience[i] += 1
            if spell + 1 >= 12:
                w.tags[i] |= HELD12
            job = w.job[i]
            if job >= 0:
                intensity = float(e.intensity[posts.employer[job]])
                if intensity > 0.0:
                    used = (
                        intensity
                        * tb.exposure[w.occupation[i]]
                        * logistic_(pm.use_slope * (skill - pm.use_midpoint))
                    )
            if w.contract[i] < OWN_ACCOUNT:
                if spell < TENURE_PAY_MONTHS:
                    w.wage[i] += pm.tenure_wage
                if w.wage[i] < lowest:
                    w.wage[i] = lowest
                if (w.tags[i] & INSURED) != 0:
                    insured = np.uint32(1)
        if skill > 0.0 or used > 0.0:
            w.skill[i] = min(
                1.0, skill + pm.learning_by_use * used * (1.0 - skill) - pm.skill_decay * (1.0 - used) * skill
            )
        record = w.insured[i]
        months = record >> np.uint32(18)
        if insured != 0 and months < MOST_INSURED:
            months += np.uint32(1)
        w.insured[i] = (months << np.uint32(18)) | (((record << np.uint32(1)) | insured) & WINDOW)


__all__ = ["UNEMPLOYED", "learn"]
