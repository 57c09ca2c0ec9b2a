"""Wage rules: what a vacancy pays a worker, and the least that he or she would take. Logs of won an hour.

Offers are the economy's one-way factors (occupation, industry, size, contract, age, sex, education), the employer's and
the worker's own part, luck, a share of what AI adds, and a premium for AI skill where the post asks for it.
"""

from __future__ import annotations

import numpy as np

from sim.draws import APPLICATION
from sim.kernels import device, log_, logistic_, normal_, philox, unit_
from sim.workers import EMPLOYED, NOTICE, OLDEST_MONTH

APPLIED = 0.5  # AI skill of the `applied` step of the ladder
LARGE = 4  # size class of large employers


@device
def staff_use(skill, experience, pm):
    """use(a) . nov(exp): logistic in AI skill; 1 for novices, falling to a floor for the experienced."""
    use = logistic_(pm.use_slope * (skill - pm.use_midpoint))
    novelty = max(pm.expert_floor, 1.0 - (1.0 - pm.expert_floor) * experience / pm.novice_months)
    return use * novelty


@device
def luck_of(i, a, pm, key, clock):
    """What application a of worker i brings to any post: log wage effect of the match, and the word of the contract."""
    _, luck, which, _ = philox(np.uint64(i), np.uint64(a), clock.counter, APPLICATION, key[0], key[1])
    return pm.match_sd * normal_(unit_(luck)), unit_(which)


@device
def worth_of(i, w, tb, pm, clock):
    """What worker i is paid anywhere: age, sex, education, employability (log)."""
    band = tb.band[min(clock.month - w.birth[i], OLDEST_MONTH)]
    return (
        tb.wage_age[band]
        + tb.wage_sex[w.sex[i]]
        + tb.wage_education[w.education[i]]
        + pm.wage_employability * w.employability[i]
    )


@device
def offer_of(i, p, worth, luck, which, requirement, w, e, posts, tb, pm, clock, premium):
    """Log hourly wage and contract offered for posts p to worker i, of `worth` and with `luck`."""
    f, o = posts.employer[p], posts.occupation[p]
    size = posts.size[p]
    contract = 0
    while contract < 2 and which >= tb.hired_contract[tb.major[o], size, contract]:
        contract += 1
    wage = (
        tb.wage_occupation[o]
        + tb.wage_industry[e.industry[f]]
        + tb.wage_size[size]
        + tb.wage_contract[contract]
        + e.productivity[f]
        + worth
        + luck
    )
    if e.intensity[f] > 0.0:
        augmented = float(e.intensity[f]) * tb.exposure[o] * tb.complementarity[o]
        novice = w.experience[i] if w.occupation[i] == o else 0
        gain = pm.productivity_gain * augmented * staff_use(float(w.skill[i]), float(novice), pm)
        wage += pm.rent_share * log_(1.0 + gain)
    if requirement > 0.0 and w.skill[i] >= APPLIED:
        wage += premium
    return max(wage, tb.minimum_wage[clock.year_index]), contract


@device
def reservation(i, w, tb, pm, clock):
    """Log reservation wage of someone without a job: falls over the spell; the benefit holds it up while it lasts."""
    r = w.wage[i] + tb.log_reservation - pm.reservation_decline * w.spell[i]
    if w.benefit[i] > 0:
        r = max(r, tb.benefit_hourly[clock.year_index])
    return r


@device
def liking(offered, p, posts, pm):
    """Value of an offer for posts p: the log wage, and what a large employer is worth."""
    return offered + pm.large_preference if posts.size[p] == LARGE else offered


@device
def least_acceptable(i, w, posts, tb, pm, clock):
    """Value that an offer must exceed: the present job's for those at work, else the reservation wage."""
    if w.state[i] == EMPLOYED and (w.tags[i] & NOTICE) == 0:
        held = float(w.wage[i])
        return liking(held, w.job[i], posts, pm) if w.job[i] >= 0 else held
    return reservation(i, w, tb, pm, clock)
