"""Trials where pay, AI skill or firms count: persons and employers followed in markets that share their draws.

Employment effects come from `sim.evaluation`, which keeps no pay. Here whole markets are stepped month by month, and of
the trained, of those who lost a job, and of firms with a package the few numbers are kept that `sim.validation.trials`
needs. Every result is a pair of sums (numerator, denominator) of one replicate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from sim.model import LaborMarket
from sim.programmes import COMPLETED
from sim.scenario import Scenario
from sim.workers import EMPLOYED, INVOLUNTARY, LOST12, OWN_ACCOUNT, UNPAID_FAMILY

Sums = tuple[float, float]
Found = dict[str, Sums]
YEAR = 12
AFTER = (18, 30)  # months since the start of a course of six: the second year after it
LONGEST = 42  # months lived: those who start in the last month of a year are followed as far
USE_MONTHS, FIRM_YEAR = 15, (24, 30)
AGES = (20, 65)  # of the displaced: 20 to 64
NO_PACKAGE = 2**15 - 1

__all__ = ["Displaced", "Found", "Sums", "Trials", "measure"]


class Trials(NamedTuple):
    """Scenarios alike but for their course: none; one that screens; one for people in work; a package for firms."""

    none: Scenario
    sector: Scenario
    working: Scenario
    firms: Scenario


def measure(trials: Trials, replicate: int) -> Found:
    """The comparisons of one replicate, by the id of their row."""
    people, starts, paid = _sector(trials.sector, replicate)
    users = _users_after(trials.working, replicate)
    market = LaborMarket(trials.firms, replicate, threads=1)
    heads = _live(market, FIRM_YEAR[1], lambda m: _heads(m) if m.month > FIRM_YEAR[0] else None)
    chosen = market.in_package_since != NO_PACKAGE

    base = LaborMarket(trials.none, replicate, threads=1)
    lost, gains, premium = Displaced(), dict[str, Sums](), list[float]()
    pay, use, alone = list[np.ndarray](), list[tuple[float, float]](), list[np.ndarray]()

    def month_done(m: LaborMarket) -> None:
        earned = pay_of(m)
        lost.look(m, earned)
        if m.month > AFTER[0]:
            pay.append(earned[people])
        if m.month in users:
            rows, _, at_work = users[m.month]
            both = at_work & (m.workers.state[rows] == EMPLOYED)
            use.append((float((users[m.month][1] - _use(m, rows))[both].sum()), float(both.sum())))
        if FIRM_YEAR[0] < m.month <= FIRM_YEAR[1]:
            alone.append(_heads(m))
        if m.month <= YEAR:
            premium.append(float(m.premium))
        if m.month == YEAR:
            gains.update(_gains(m))

    _live(base, LONGEST, month_done)
    with_it, without = _second_year(np.array(paid), starts), _second_year(np.array(pay), starts)
    before = float(np.sum(alone, axis=0)[chosen].sum())
    return {
        "sector_earnings": (with_it - without, without),
        "ai_use_after_training": (sum(u for u, _ in use), sum(n for _, n in use)),
        "ai_voucher_jobs": (float(np.sum(heads, axis=0)[chosen].sum()) - before, before),
        "ai_premium": (sum(premium), float(len(premium))),
        **gains,
        **lost.sums(),
    }


def _live(market: LaborMarket, months: int, look: Callable[[LaborMarket], Any]) -> list[Any]:
    """Step so many months; what `look` found at the end of each, where it found something."""
    found = []
    while market.month < months:
        market.step()
        if (seen := look(market)) is not None:
            found.append(seen)
    return found


def pay_of(market: LaborMarket) -> np.ndarray:
    """Monthly pay of everyone (n,), won of 2025; 0 out of work and of unpaid family."""
    w, tables = market.workers, market.tables
    paid = np.flatnonzero((w.state == EMPLOYED) & (w.contract < UNPAID_FAMILY))
    months = np.clip(market.month - 1 - w.birth[paid].astype(np.int32), 0, tables.band.size - 1)
    hours = tables.hours[w.contract[paid], tables.band[months]]
    out = np.zeros(w.state.size)
    out[paid] = hours * np.exp(w.wage[paid].astype(np.float64))
    return out


# ------------------------------------------------------------------------------------------- the trained


def _sector(scenario: Scenario, replicate: int) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Who was trained, from which month, and their pay in the months from the first of AFTER on (months, people)."""
    market = LaborMarket(scenario, replicate, threads=1)
    paid = _live(
        market, LONGEST, lambda m: pay_of(m)[m.enrolments.person] if m.month > AFTER[0] else None
    )  # the intake was over before
    return np.array(market.enrolments.person), np.array(market.enrolments.start, dtype=np.int64), paid


def _second_year(pay: np.ndarray, starts: np.ndarray) -> float:
    """Pay (months from AFTER on, people) added up over the months AFTER of each person's own start."""
    months = np.arange(AFTER[0], AFTER[0] + pay.shape[0])[:, None] - starts
    return float(pay[(months >= AFTER[0]) & (months < AFTER[1])].sum())


def _use(market: LaborMarket, rows: np.ndarray) -> np.ndarray:
    """Chance that each of `rows` uses AI regularly: logistic in AI skill."""
    p = market.params
    skill = market.workers.skill[rows].astype(np.float64)
    return np.asarray(1.0 / (1.0 + np.exp(-p.use_slope * (skill - p.use_midpoint))))


def _users_after(scenario: Scenario, replicate: int) -> dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """By months lived: those who completed a month before, their use of AI, and whether they are in work."""
    found = {}

    def look(m: LaborMarket) -> None:
        records = m.enrolments
        rows = records.person[(records.status == COMPLETED) & (records.end == m.month - 2)]
        if rows.size:
            found[m.month] = rows.astype(np.int64), _use(m, rows), m.workers.state[rows] == EMPLOYED

    _live(LaborMarket(scenario, replicate, threads=1), USE_MONTHS, look)
    return found


def _heads(market: LaborMarket) -> np.ndarray:
    """People at each employer."""
    posts = market.posts
    return np.bincount(posts.employer, weights=posts.held, minlength=market.employers.open.size)


def _gains(market: LaborMarket) -> Found:
    """Gain on output of a fully exposed, fully complementary job at full use: new, as employees are, experienced."""
    w, p = market.workers, market.params
    rows = (w.state == EMPLOYED) & (w.contract < OWN_ACCOUNT)
    fall = (1.0 - p.expert_floor) * w.experience[rows] / p.novice_months
    mean = p.productivity_gain * np.maximum(p.expert_floor, 1.0 - fall)
    novice, expert = p.productivity_gain, p.productivity_gain * p.expert_floor  # as in `sim.wages.staff_use`
    return {
        "ai_gain_novice": (float(novice), 1.0),
        "ai_gain_expert": (float(expert), 1.0),
        "ai_gain_mean": (float(mean.sum()), float(mean.size)),
    }


# ----------------------------------------------------------------------------------------- the displaced


class Displaced:
    """Those of 20 to 64 who lose a job held a year or more in the first twelve months, for two years after."""

    def __init__(self) -> None:
        self.rows, self.since, self.lost = [np.empty(0, dtype=np.int64) for _ in range(3)]
        self.back = np.empty(0, dtype=np.int64)  # months until in work again, 0 while not
        self.pay_then = np.empty(0)  # at twelve months
        self.second_year = np.empty(0)
        self._earned: np.ndarray | None = None
        self._worked: np.ndarray | None = None

    def look(self, market: LaborMarket, earned: np.ndarray) -> None:
        """At a month end: note who came back and at what pay; take up those who lost a job in the month."""
        w = market.workers
        months = market.month - self.since
        at_work = w.state[self.rows] == EMPLOYED
        self.back[(self.back == 0) & at_work] = months[(self.back == 0) & at_work]
        self.pay_then[months == YEAR] = earned[self.rows][months == YEAR]
        during = (months > YEAR) & (months <= 2 * YEAR)
        self.second_year[during] += earned[self.rows][during]
        if self._worked is not None and self._earned is not None and market.month <= YEAR:
            age = (market.month - 1 - w.birth.astype(np.int32)) // 12
            tagged = (w.tags & (INVOLUNTARY | LOST12)) == (INVOLUNTARY | LOST12)
            gone = self._worked & (w.state > EMPLOYED) & tagged & (age >= AGES[0]) & (age < AGES[1])
            new = np.flatnonzero(gone & (self._earned > 0.0))
            self.rows = np.concatenate([self.rows, new])
            self.since = np.concatenate([self.since, np.full(new.size, market.month)])
            self.lost = np.concatenate([self.lost, self._earned[new]])
            self.back = np.concatenate([self.back, np.zeros(new.size, dtype=np.int64)])
            self.pay_then = np.concatenate([self.pay_then, np.zeros(new.size)])
            self.second_year = np.concatenate([self.second_year, np.zeros(new.size)])
        self._worked, self._earned = w.state == EMPLOYED, earned

    def sums(self) -> Found:
        """Back within a year; change of monthly pay of those at work then; of yearly pay of those who came back."""
        back = (self.back > 0) & (self.back <= YEAR)
        paid = self.pay_then > 0.0
        lost, year = float(self.lost[paid].sum()), float(YEAR * self.lost[back].sum())
        return {
            "displaced_back_12_months": (float(back.sum()), float(back.size)),
            "displaced_wage": (float(self.pay_then[paid].sum()) - lost, lost),
            "displaced_annual_pay": (float(self.second_year[back].sum()) - year, year),
        }
