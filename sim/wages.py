"""Wage rules: what a vacancy pays a worker, and the least that he or she would take. Logs of won an hour.

Offers are the economy's one-way factors (occupation, industry, size, contract, age, sex, education), the employer's and
the worker's own part, luck, a share of what AI adds, and a premium for AI skill where the post asks for it.
"""

from __future__ import annotations

from sim.kernels import device, log_, logistic_
from sim.workers import EMPLOYED, NOTICE, OLDEST_MONTH, REGULAR

APPLIED = 0.5  # AI skill of the `applied` step of the ladder
LARGE = 4  # size class of large employers


@device
def staff_use(skill, experience, pm):
    """use(a) . nov(exp): logistic in AI skill; 1 for novices, falling to a floor for the experienced."""
    use = logistic_(pm.use_slope * (skill - pm.use_midpoint))
    novelty = max(pm.expert_floor, 1.0 - (1.0 - pm.expert_floor) * experience / pm.novice_months)
    return use * novelty


@device
def requirement_of(advert, tb):
    """AI skill that an advertised post asks for: A x exposure, if it asks."""
    return float(advert.intensity) * tb.exposure[advert.occupation] if advert.asks != 0 else 0.0


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
def paid_for(advert, worth, luck, which, age5, tb):
    """Log hourly wage of an advertised post but for what AI adds to it and the legal minimum, and the contract."""
    shares = tb.hired_contract[age5, tb.major[advert.occupation], advert.size_class]
    contract = int(which >= shares[0]) + int(which >= shares[1])
    return advert.pay + tb.wage_contract[contract] + worth + luck, contract


@device
def offer_of(i, advert, worth, luck, which, w, tb, pm, clock, premium):
    """Log hourly wage and contract that an advertised vacancy offers to worker i, of `worth` and with `luck`."""
    age5 = tb.age5[tb.band[min(clock.month - w.birth[i], OLDEST_MONTH)]]
    wage, contract = paid_for(advert, worth, luck, which, age5, tb)
    intensity, o = float(advert.intensity), advert.occupation
    if intensity > 0.0:
        novice = w.experience[i] if w.occupation[i] == o else 0
        augmented = intensity * tb.exposure[o] * tb.complementarity[o]
        gain = pm.productivity_gain * augmented * staff_use(float(w.skill[i]), float(novice), pm)
        wage += pm.rent_share * log_(1.0 + gain)
        if w.skill[i] >= APPLIED and requirement_of(advert, tb) > 0.0:
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
def liking(offered, size, contract, pm):
    """Value of an offer: the log wage, and what a large employer and a regular contract are worth."""
    liked = offered + (pm.large_preference if size == LARGE else 0.0)
    return liked + (pm.regular_preference if contract == REGULAR else 0.0)


@device
def least_acceptable(i, w, tb, pm, clock):
    """Value that an offer must exceed: the present job's for those at work, else the reservation wage."""
    if w.state[i] == EMPLOYED and (w.tags[i] & NOTICE) == 0:
        return liking(float(w.wage[i]), w.size[i], w.contract[i], pm)
    return reservation(i, w, tb, pm, clock)
