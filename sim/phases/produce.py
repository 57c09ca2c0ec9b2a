"""Phase 9, produce: output, wages, benefits and taxes are added up, and the month is recorded.

Only sums of integers are kept (heads, won, fixed point): no number of threads changes a digit, and every ratio
is derived later from the sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.kernels import exp_, jit
from sim.phases.train import follow
from sim.record import ABSENT_SIZE, LAYOUT
from sim.wages import staff_use
from sim.workers import EMPLOYED, OLDEST_MONTH, OWN_ACCOUNT, RESTING, UNEMPLOYED

if TYPE_CHECKING:
    from sim.model import LaborMarket

SKILLED = 0.5  # AI skill of the `applied` step of the ladder
STATES, AGES = 3, 5
(PEOPLE, PLACES, TRADES, FIRMS, MOVES, PAY, TOTALS, END) = LAYOUT.offsets
(
    T_WAGES,
    T_BENEFITS,
    T_BENEFICIARIES,
    T_LONG,
    T_RESTING_YOUTH,
    T_SKILLED,
    T_USERS,
    T_BASE,
    T_OUTPUT,
    T_HOURS,
    T_SAVED,
    T_INSURED,
    T_SKILL,
    T_EMPLOYEES,
) = range(14)
N_TOTALS = 14


def produce(model: LaborMarket) -> None:
    """Record the month."""
    m = model
    m.sums[:] = 0
    m.over_chunks(_produce, m.workers, m.employers, m.posts, m.tables, m.params, m.clock, m.sums)
    follow(m)
    m.record.add(m, m.sums.sum(axis=0))


@jit
def _produce(lo, hi, chunk, w, e, posts, tb, pm, clock, sums):
    acc = sums[chunk]
    ABSENT_SIZE + 1
    industries = tb.growth_industry.size
    for i in range(lo, hi):
        state = w.state[i]
        if state == 0:
            w.previous[i] = 0
            continue
        months = clock.month - w.birth[i]
        band = tb.band[min(months, OLDEST_MONTH)]
        old = int(tb.age5[band])
        s = int(state) - 1
        stage, region, occupation = int(w.stage0[i]), int(w.region[i]), int(w.occupation[i])
        acc[PEOPLE + (((stage * AGES + old) * 2 + int(w.sex[i])) * 3 + int(w.education[i])) * STATES + s] += 1
        acc[PLACES + (region * 4 + stage) * STATES + s] += 1
        acc[MOVES + (old * 4 + int(w.previous[i])) * STATES + s] += 1
        w.previous[i] = state
        skill = float(w.skill[i])
        acc[TOTALS + T_SKILL] += int(skill * 1e6)
        if state == EMPLOYED:
            job, contract = w.job[i], w.contract[i]
            acc[TRADES + (occupation * AGES + old) * 2] += 1
            size = ABSENT_SIZE
            gain, saved = 0.0, 0.0
            user = 1 if skill >= pm.use_midpoint else 0  # more likely than not to use AI regularly
            if job >= 0:
                f = posts.employer[job]
                size = int(e.size[f])
                intensity = float(e.intensity[f])
                if intensity > 0.0:
                    z = intensity * tb.exposure[occupation]
                    theta = tb.complementarity[occupation]
                    use = staff_use(skill, float(w.experience[i]), pm)
                    gain = pm.productivity_gain * z * theta * use
                    saved = pm.substitution * z * (1.0 - theta)
            hours = tb.hours[contract, band]
            base = int(hours * exp_(tb.base_output[occupation, w.industry[i], size]))
            output = int(base * (1.0 + gain) / (1.0 - saved))
            wage = int(hours * exp_(w.wage[i]))
            cell = FIRMS + (size * industries + int(w.industry[i])) * 6
            acc[cell] += 1
            acc[cell + 1] += base
            acc[cell + 2] += output
            acc[cell + 3] += user
            less = int(hours * (1.0 - (1.0 - saved) / (1.0 + gain)) * 1e3)
            acc[cell + 4] += less
            acc[TOTALS + T_SAVED] += less
            acc[cell + 5] += wage
            acc[TOTALS + T_BASE] += base
            acc[TOTALS + T_OUTPUT] += output
            acc[TOTALS + T_HOURS] += int(hours * 1e3)
            acc[TOTALS + T_USERS] += user
            if contract < OWN_ACCOUNT:
                acc[TOTALS + T_EMPLOYEES] += 1
                acc[TOTALS + T_WAGES] += wage
                acc[TOTALS + T_INSURED] += 1 if (w.tags[i] & np.uint8(32)) != 0 else 0
                place = int((float(w.wage[i]) - 8.0) * 32.0)
                acc[PAY + min(max(place, 0), 127)] += 1
        else:
            acc[TRADES + (occupation * AGES + old) * 2 + 1] += 1 if state == UNEMPLOYED else 0
            if state == UNEMPLOYED:
                acc[TOTALS + T_LONG] += 1 if w.spell[i] >= 6 else 0
                if w.benefit[i] > 0:
                    daily = min(
                        max(0.6 * 8.0 * exp_(w.wage[i]), tb.benefit_floor[clock.year_index]),
                        tb.benefit_ceiling[clock.year_index],
                    )
                    acc[TOTALS + T_BENEFITS] += int(daily) * 30
                    acc[TOTALS + T_BENEFICIARIES] += 1
                    w.benefit[i] -= 1
            elif w.reason[i] == RESTING and months < 30 * 12:
                acc[TOTALS + T_RESTING_YOUTH] += 1
        if skill >= SKILLED:
            acc[TOTALS + T_SKILLED] += 1
