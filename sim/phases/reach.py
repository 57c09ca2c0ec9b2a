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
from sim.kernels import BLOCK, MASK32, SHIFT32, device, draw_block, draw_listed, record_of
from sim.programmes import EMPLOYABILITY_CLASSES
from sim.workers import (
    ABSENT,
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
HALF16, LOW16 = np.uint32(16), np.uint32(0xFFFF)
MOST_EAGER = 3.0  # bound on how much a wage gap raises on-the-job search

# a cell: kind of person (employed by contract and tenure, unemployed, inactive by reason, nobody) x sex x age band
TENURES, REASONS, STATES = 4, 5, 4
IS_UNEMPLOYED = NO_CONTRACT * TENURES
IS_INACTIVE = IS_UNEMPLOYED + 1
IS_NOBODY = IS_INACTIVE + REASONS
KINDS = IS_NOBODY + 1
BANDS = 16  # room for the age bands of a cell
ALWAYS = 2**32 - 1  # the limit of whoever is looked at without a draw
YOUNGEST, OLDEST = np.int16(0), np.int16(OLDEST_MONTH)
EDUCATED = np.int16(HIGH_SCHOOL_AGE), np.int16(COLLEGE_AGE)
RETIRES = np.int16(RETIREMENT_AGE)


def set_limits(model: LaborMarket) -> None:
    """The month's limits of the words: those of leaving, and the upper halves of all."""
    lim = model.limits
    by_age = word_limit(model.tables.leave)[:, lim.band]
    lim.word[LEAVE_WORD, : IS_NOBODY * 2 * BANDS] = np.tile(by_age.ravel(), IS_NOBODY)
    lim.word[LEAVE_WORD, lim.schooled != 0] = ALWAYS
    upper = lim.word.astype(np.uint64) >> np.uint64(16)
    lim.halves[:] = (upper << (np.arange(4, dtype=np.uint64)[:, None] * np.uint64(16))).sum(axis=0)


def word_limit(probability: Any) -> np.ndarray:
    """Words below this may mean an event of this probability."""
    words = np.ceil(np.clip(probability, 0.0, 1.0) * 2.0**32)
    return np.asarray(np.minimum(words, 2.0**32 - 1).astype(np.uint32))


def limits_of(tables: Any) -> Any:
    """Limits of the words by cell (4, cells) that the tables allow, `ALWAYS` where no draw is needed; `halves`: the
    upper halves of all four in one number. The limits of leaving and of applying are set every month."""
    t = tables
    ages = t.stop_looking.size
    band = np.zeros(BANDS, dtype=np.int64)  # room that no age band takes is never read
    band[:ages] = np.arange(ages)
    separate, search = np.zeros((2, KINDS, 2, ages))  # by sex
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
    search[IS_UNEMPLOYED] = 1.0
    schooled = np.zeros((KINDS, 2, BANDS), dtype=np.uint8)
    schooled[[IS_INACTIVE + SCHOOL, IS_INACTIVE + MILITARY]] = 1
    cells = KINDS * 2 * BANDS
    word = np.zeros((4, cells), dtype=np.uint32)
    for which, chance in ((SEPARATE_WORD, separate), (SEARCH_WORD, search)):
        word[which] = word_limit(chance)[:, :, band].ravel()
    return record_of(
        {
            "word": word,
            "halves": np.zeros(cells, dtype=np.uint64),
            "schooled": schooled.ravel(),
            "band": band,
            "band_of": t.band.astype(np.uint8),  # of each month of age
            "apply": np.zeros((len(STAGES), STATES, ages, EMPLOYABILITY_CLASSES)),
        }
    )


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


@device
def reach(start, end, w, lim, key, clock, reached, desk):
    """Set the month's bits of workers start to end; their words are left on `desk.word`."""
    told = NOTICE | PUBLIC if clock.calendar_month == 12 else NOTICE
    draw_block(start, end - start, clock.counter, MONTH, key, desk.word)
    state, contract, months = w.state[start:end], w.contract[start:end], desk.months
    months_of_age(w.birth[start:end], np.int16(clock.month), months)
    look_up(months, end - start, lim.band_of, desk.band)
    _cells(state, contract, w.reason[start:end], w.spell[start:end], w.sex[start:end], desk.band, desk.place)
    look_up(desk.place, end - start, lim.halves, desk.halves)
    _compare(state, contract, w.tags[start:end], told, months, desk.halves, desk.word, reached[start:end])


@device
def months_of_age(birth, month, months):
    """Months of age, as far as tables go."""
    for j in range(birth.size):
        months[j] = min(max(np.int16(month - birth[j]), YOUNGEST), OLDEST)


@device
def look_up(index, n, table, out):
    """A loop of its own: LLVM builds a vector of looked-up numbers lane by lane, at thrice the price of plain loads."""
    for j in range(n):
        out[j] = table[np.uint64(index[j])]


@device
def _cells(state, contract, reason, spell, sex, band, cell):
    """Narrow types throughout, so that a vector holds 16 or 32 workers instead of four."""
    for j in range(state.size):
        tenure = np.uint8(spell[j] >= 3) + np.uint8(spell[j] >= 12) + np.uint8(spell[j] >= 36)
        at_work = np.uint8(contract[j] * np.uint8(TENURES) + tenure)
        idle = np.uint8(IS_INACTIVE + reason[j]) if state[j] == INACTIVE else np.uint8(IS_NOBODY)
        idle = np.uint8(IS_UNEMPLOYED) if state[j] == UNEMPLOYED else idle
        kind = at_work if state[j] == EMPLOYED else idle
        cell[j] = np.uint16(np.uint16(np.uint16(kind) * np.uint16(2) + sex[j]) * np.uint16(BANDS) + band[j])


@device
def _compare(state, contract, tags, told, months, halves, word, reached):
    """A word whose upper half is not above that of its limit may be below it."""
    for j in range(state.size):
        low, high = np.uint32(halves[j] & MASK32), np.uint32(halves[j] >> SHIFT32)
        bits = (
            (np.uint32(word[0, j] >> HALF16 <= low & LOW16) * np.uint32(AGES))
            | (np.uint32(word[1, j] >> HALF16 <= low >> HALF16) * np.uint32(SEPARATES))
            | (np.uint32(word[2, j] >> HALF16 <= high & LOW16) * np.uint32(SEARCHES))
            | (np.uint32(word[3, j] >> HALF16 <= high >> HALF16) * np.uint32(APPLIES))
        )
        reached[j] = bits
    for j in range(state.size):
        due = np.uint8((months[j] == EDUCATED[0]) | (months[j] == EDUCATED[1])) * AGES
        due |= np.uint8((months[j] == RETIRES) & (contract[j] == REGULAR)) * SEPARATES
        due |= np.uint8((tags[j] & told) != 0) * SEPARATES
        reached[j] = (reached[j] | due) if state[j] != ABSENT else np.uint8(0)


@device
def list_set(start, end, bit, reached, rows):
    """List those of a block whose bit is set in `rows`; how many there are."""
    bits = reached[start:end]
    n = np.uint64(0)
    for j in range(bits.size):
        rows[n] = start + j
        n += np.uint64((bits[j] & bit) != 0)
    return np.int64(n)


@device
def reached_block(start, hi, bit, reached, month, key, desk):
    """List those of a block whose bit is set in `desk.ids` and draw their words of the month into `desk.word`; how many
    there are."""
    n = list_set(start, min(start + BLOCK, hi), bit, reached, desk.ids)
    draw_listed(desk.ids, desk.zeros, n, month, MONTH, key, desk.word)
    return n
