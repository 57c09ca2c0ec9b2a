"""A count of the people as they are built, to which the rates of the first month are fitted: two passes over them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.kernels import jit
from sim.phases.reach import TENURES
from sim.phases.separate import tenure_band
from sim.workers import EMPLOYED, INACTIVE, NO_CONTRACT, NO_EMPLOYER, OLDEST_MONTH, OWN_ACCOUNT


class Census(NamedTuple):
    """Heads alive.

    people: state (0 absent) x sex x age x contract (of the inactive: reason) x size (5 none) x tenure band.
    own: industry x occupation of the self-employed and unpaid family workers.
    """

    people: np.ndarray
    own: np.ndarray

    @property
    def at_work(self) -> np.ndarray:
        """sex x age x contract x size x tenure"""
        return np.asarray(self.people[EMPLOYED][:, :, :NO_CONTRACT])

    def stock(self, state: int) -> np.ndarray:
        """sex x age of those in a state; of the employed the employees only"""
        heads = self.people[state]
        return np.asarray((heads[:, :, :OWN_ACCOUNT] if state == EMPLOYED else heads).sum(axis=(2, 3, 4)))

    @property
    def inactive(self) -> np.ndarray:
        """sex x age x reason"""
        return np.asarray(self.people[INACTIVE][:, :, :NO_CONTRACT].sum(axis=(3, 4)))


def census(w: Any, living: int, month: int, band: np.ndarray, industries: int, occupations: int) -> Census:
    """Count the first `living` rows. band: age band of every month of age; month: today."""
    ages = int(band.max()) + 1
    people = np.zeros((4, 2, ages, NO_CONTRACT + 1, NO_EMPLOYER + 1, TENURES), dtype=np.int64)
    own = np.zeros((industries, occupations), dtype=np.int64)
    _count(living, month, w, band, people, own)
    return Census(people, own)


@jit
def _count(living, month, w, band, people, own):
    for i in range(living):
        state = w.state[i]
        months = min(max(month - w.birth[i], 0), OLDEST_MONTH)
        kind = w.reason[i] if state == INACTIVE else w.contract[i]
        people[state, w.sex[i], band[months], kind, w.size[i], tenure_band(w.spell[i])] += 1
        if state == EMPLOYED and w.contract[i] >= OWN_ACCOUNT:
            own[w.industry[i], w.occupation[i]] += 1


def turnover(
    w: Any,
    living: int,
    month: int,
    band: np.ndarray,
    leave: np.ndarray,
    moves: np.ndarray,
    major: np.ndarray,
    age5: np.ndarray,
    regions: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Jobs that end in a month when employees leave for no job at the hazards `leave` (contracts, ages, sizes, tenures)
    and for another at `moves` (contracts, tenures): by province and occupation (regions, occupations), and by five age
    groups, major group, size and contract."""
    openings = np.zeros((regions, major.size))
    ending = np.zeros((int(age5.max()) + 1, int(major.max()) + 1, NO_EMPLOYER, OWN_ACCOUNT))
    _expect(living, month, w, band, leave, moves, major, age5, openings, ending)
    return openings, ending


@jit
def _expect(living, month, w, band, leave, moves, major, age5, openings, ending):
    for i in range(living):
        contract = w.contract[i]
        if w.state[i] == EMPLOYED and contract < OWN_ACCOUNT:
            months = min(max(month - w.birth[i], 0), OLDEST_MONTH)
            tenure, size = tenure_band(w.spell[i]), w.size[i]
            ends = leave[contract, band[months], size, tenure] + moves[contract, tenure]
            openings[w.region[i], w.occupation[i]] += ends
            ending[age5[band[months]], major[w.occupation[i]], size, contract] += ends
