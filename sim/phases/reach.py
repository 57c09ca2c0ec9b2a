"""Before the phases: whom this month's four draws may reach.

Everyone has four words a month: leave the population, separate, search or move, apply for training. One pass over the
columns compares them with the highest probability that anyone of the same state, contract or reason, tenure, sex and
age can have, and leaves one byte a worker: the phases then look closely only at those whose bit is set. A bit says
"may", never "does": the rules themselves stand in the phases, and the oracle, which looks at everybody, is equal to
the draw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.draws import MONTH
from sim.kernels import BLOCK, device, draw_block, draw_listed, jit, record_of
from sim.programmes import EMPLOYABILITY_CLASSES
from sim.workers import (
    EMPLOYED,
    INACTIVE,
    MILITARY,
    NO_CONTRACT,
    NOTICE,
    OLDEST_MONTH,
    OUTSIDE,
    PUBLIC,
    REGULAR,
    RESTING,
    SCHOOL,
    STAGES,
    UNEMPLOYED,
    YOUTH_END,
)

if TYPE_CHECKING:
    from sim.model import LaborMarket

AGES, SEPARATES, SEARCHES, APPLIES, AT_ADOPTER = (np.uint8(1 << n) for n in range(5))
LEAVE_WORD, SEPARATE_WORD, SEARCH_WORD, APPLY_WORD = range(4)
HIGH_SCHOOL_AGE, COLLEGE_AGE = 19 * 12, 24 * 12  # months of age at which education is settled (assumption)
RETIREMENT_AGE = 60 * 12
MOST_EAGER = 3.0  # bound on how much a wage gap raises on-the-job search

# a cell: kind of person (employed by contract and tenure, unemployed, inactive by reason, nobody) x sex x age, where
# the months of age at which something is due to everybody count as ages of their own
TENURES, REASONS, STATES = 4, 5, 4
IS_UNEMPLOYED = NO_CONTRACT * TENURES
IS_INACTIVE = IS_UNEMPLOYED + 1
IS_NOBODY = IS_INACTIVE + REASONS
KINDS = IS_NOBODY + 1
SLOTS = 16  # ages of a cell: the bands, and the due months
DUE = (HIGH_SCHOOL_AGE, COLLEGE_AGE, RETIREMENT_AGE)


def reach(model: LaborMarket) -> None:
    """Set the month's bits."""
    m = model
    by_age = word_limit(m.tables.leave)[:, m.limits.band]
    m.limits.word[LEAVE_WORD, : IS_NOBODY * 2 * SLOTS] = np.tile(by_age.ravel(), IS_NOBODY)
    m.over_chunks(_reach, m.workers, m.limits, m.key, m.clock, m.reached)


def word_limit(probability: Any) -> np.ndarray:
    """Words below this may mean an event of this probability."""
    words = np.ceil(np.clip(probability, 0.0, 1.0) * 2.0**32)
    return np.asarray(np.minimum(words, 2.0**32 - 1).astype(np.uint32))


def limits_of(tables: Any) -> Any:
    """Limits of the words by cell (4, cells) that the tables allow, and the bits that need no draw (cells,). Those of
    leaving and of applying are set every month."""
    t = tables
    ages = t.stop_looking.size
    band = np.zeros(SLOTS, dtype=np.int64)  # of each slot
    band[:ages] = np.arange(ages)
    slot = t.band.astype(np.int32)  # of each month of age
    for n, months in enumerate(DUE):
        band[ages + n] = slot[months]
        slot[months] = ages + n
    separate, search = np.zeros((2, KINDS, 2, ages))  # by sex
    always = np.zeros((KINDS, SLOTS), dtype=np.uint8)
    at_work = t.search_e[:, None] * MOST_EAGER + t.own_from_e
    most = t.employability_most * t.occupation_factor.max()
    for contract in range(NO_CONTRACT):
        worst = (t.separate_u[contract] + t.separate_n[contract]).max(axis=-1)
        for tenure in range(TENURES):
            separate[contract * TENURES + tenure] = worst * t.tenure_factor[tenure] * most
            search[contract * TENURES + tenure] = at_work[contract]
    returns = t.start_looking + t.search_n
    search[IS_INACTIVE:IS_NOBODY] = np.swapaxes(returns, 0, 1) + t.own_from_n + t.public_job
    search[IS_INACTIVE + MILITARY] = 0.0
    always[:IS_NOBODY, ages : ages + 2] = AGES
    always[[IS_INACTIVE + SCHOOL, IS_INACTIVE + MILITARY]] |= AGES
    always[IS_UNEMPLOYED] |= SEARCHES
    always[REGULAR * TENURES : (REGULAR + 1) * TENURES, ages + 2] |= SEPARATES
    cells = KINDS * 2 * SLOTS
    word = np.zeros((4, cells), dtype=np.uint32)
    for which, chance in ((SEPARATE_WORD, separate), (SEARCH_WORD, search)):
        word[which] = word_limit(chance)[:, :, band].ravel()
    return record_of(
        {
            "word": word,
            "always": np.repeat(always[:, None], 2, axis=1).ravel().astype(np.uint32),
            "kind": _kinds(),
            "slot": slot,
            "band": band,
            "apply": np.zeros((len(STAGES), STATES, ages, EMPLOYABILITY_CLASSES)),
        }
    )


def _kinds() -> np.ndarray:
    """First cell of a state, contract, reason and tenure: see `_cell`."""
    kind = np.full((REASONS, NO_CONTRACT + 1, STATES, TENURES), IS_NOBODY)
    for reason in range(REASONS):
        for contract in range(NO_CONTRACT):
            kind[reason, contract, EMPLOYED] = contract * TENURES + np.arange(TENURES)
        kind[reason, :, UNEMPLOYED] = IS_UNEMPLOYED
        kind[reason, :, INACTIVE] = IS_INACTIVE + reason
    return (kind.ravel() * 2 * SLOTS).astype(np.int32)


def set_apply_limits(model: LaborMarket, chance: np.ndarray) -> None:
    """Take the highest chance to apply (stages, states, ages, classes of employability) as the limits of the month."""
    lim = model.limits
    lim.apply[:] = chance
    chance = chance.max(axis=-1)
    youngest = model.economy.ages[0]
    limit = np.zeros((KINDS, chance.shape[2]))
    limit[:IS_UNEMPLOYED] = chance[:, EMPLOYED].max(axis=0)
    limit[IS_UNEMPLOYED] = chance[:, UNEMPLOYED].max(axis=0)
    limit[IS_INACTIVE:IS_NOBODY] = chance[:, INACTIVE].max(axis=0)
    outside = (np.arange(REASONS) != RESTING)[:, None] & (youngest * 12 >= YOUTH_END)  # see `life_stage`
    limit[IS_INACTIVE:IS_NOBODY][outside] = np.tile(chance[OUTSIDE, INACTIVE], (REASONS, 1))[outside]
    lim.word[APPLY_WORD] = np.repeat(word_limit(limit)[:, None, lim.band], 2, axis=1).ravel()


@jit
def _reach(lo, hi, chunk, desk, w, lim, key, clock, reached):
    word, cell = desk.word, desk.ids
    told = NOTICE | PUBLIC if clock.calendar_month == 12 else NOTICE
    for start in range(lo, hi, BLOCK):
        end = min(start + BLOCK, hi)
        draw_block(start, end - start, clock.counter, MONTH, key, word)
        _cells(
            w.state[start:end],
            w.contract[start:end],
            w.reason[start:end],
            w.spell[start:end],
            w.sex[start:end],
            w.birth[start:end],
            lim,
            clock.month,
            cell,
        )
        _compare(w.tags[start:end], told, lim, cell, word, reached[start:end])


@device
def _cells(state, contract, reason, spell, sex, birth, lim, month, cell):
    for j in range(state.size):
        tenure = np.uint64(spell[j] >= 3) + np.uint64(spell[j] >= 12) + np.uint64(spell[j] >= 36)
        kind = np.uint64(reason[j]) * np.uint64(NO_CONTRACT + 1) + np.uint64(contract[j])
        kind = (kind * np.uint64(STATES) + np.uint64(state[j])) * np.uint64(TENURES) + tenure
        months = np.uint64(min(max(month - birth[j], 0), OLDEST_MONTH))
        cell[j] = lim.kind[kind] + SLOTS * int(sex[j]) + lim.slot[months]


@device
def _compare(tags, told, lim, cell, word, reached):
    for j in range(tags.size):
        c = np.uint64(cell[j])
        bits = (
            lim.always[c]
            | (np.uint32(word[0, j] < lim.word[0, c]) * np.uint32(AGES))
            | (np.uint32(word[1, j] < lim.word[1, c]) * np.uint32(SEPARATES))
            | (np.uint32(word[2, j] < lim.word[2, c]) * np.uint32(SEARCHES))
            | (np.uint32(word[3, j] < lim.word[3, c]) * np.uint32(APPLIES))
        )
        reached[j] = bits | (np.uint32((tags[j] & told) != 0) * np.uint32(SEPARATES))


@device
def reached_block(start, hi, bit, reached, month, key, desk):
    """List those of a block whose bit is set in `desk.ids` and draw their words of the month into `desk.word`; how many
    there are."""
    bits = reached[start : min(start + BLOCK, hi)]
    n = np.uint64(0)
    for j in range(bits.size):
        desk.ids[n] = start + j
        n += np.uint64((bits[j] & bit) != 0)
    draw_listed(desk.ids, desk.zeros, np.int64(n), month, MONTH, key, desk.word)
    return np.int64(n)
