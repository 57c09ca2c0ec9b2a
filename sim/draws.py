"""Random numbers as pure functions of (seed, purpose, month, identity, sub): Philox4x32-10.

A draw never depends on what was drawn before, on the position in a list, on threads or on chunks, so two
scenarios differ only where policy reaches (common random numbers). Source: Salmon, Moraes, Dror and Shaw
(2011), "Parallel random numbers: as easy as 1, 2, 3", SC'11; known-answer vectors of Random123.

`PURPOSES` is an append-only registry: a new behaviour takes a new number and never shifts old draws. Each
draw gives four 32-bit words whose meaning is written beside the purpose.
"""

from __future__ import annotations

import numpy as np

from sim.kernels import jit, philox

# name -> (number, meaning of the four words)
PURPOSES: dict[str, tuple[int, str]] = {
    "MONTH": (1, "leave the population; separate; search or move; apply for training"),
    "AGEING": (2, "leave school; military service; reason after service; retire at the statutory age"),
    "LEAVE_JOB": (3, "reason for inactivity; involuntary; -; -"),
    "PERSON": (4, "sex; region; employability; AI skill"),
    "OWN_ACCOUNT": (5, "contract; industry and occupation; insurance; -"),
    "APPLICATION": (6, "ranking noise; match effect; contract; when to give up"),
    "ATTEMPT": (7, "province looked at; occupation; slot; conversion (of the last look)"),
    "ADVERTISE": (8, "place of the vacancy; -; -; -"),
    "EMPLOYER": (9, "adopt; close; open; -"),
    "SHOCK": (10, "demand shock; -; -; -"),
    "LAYOFF": (11, "order among colleagues; rounding of the number; -; -"),
    "POSTS": (12, "rounding of posts (once per employer and occupation); -; -; -"),
    "TICKET": (13, "lottery or arrival ticket; course; -; -"),
    "COURSE": (14, "drop out; -; -; -"),
    "QUALITY": (15, "course quality; -; -; -"),
    "FUNNEL": (16, "employer's ticket in the SME package; willing; -; -"),
    "HIRED": (17, "insured; -; -; -"),
    "ESTABLISHMENT": (18, "size; adoption; demand shock; productivity"),
    "SPELL": (19, "spell; experience; insured months; wage"),
    "PANEL": (20, "order in the panel; -; -; -"),
    "MOBILITY": (21, "separate, or occupation applied to; opening, or vacancy; lottery ticket; -"),
    "ORDER": (31, "order in which programmes join a plan (attribution); -; -; -"),
    "TRIAL": (33, "offer withheld (of a month); level of a province (once a block of provinces); -; -"),
    "SUBSIDY": (34, "employer's ticket for hiring subsidies (of a month, by programme); -; -; -"),
}

MONTH, AGEING, LEAVE_JOB, PERSON, OWN_ACCOUNT = (
    np.uint64(PURPOSES[p][0]) for p in ("MONTH", "AGEING", "LEAVE_JOB", "PERSON", "OWN_ACCOUNT")
)
APPLICATION, ATTEMPT, ADVERTISE = (np.uint64(PURPOSES[p][0]) for p in ("APPLICATION", "ATTEMPT", "ADVERTISE"))
EMPLOYER, SHOCK, LAYOFF, POSTS = (np.uint64(PURPOSES[p][0]) for p in ("EMPLOYER", "SHOCK", "LAYOFF", "POSTS"))
TICKET, COURSE, QUALITY, FUNNEL = (
    np.uint64(PURPOSES[p][0]) for p in ("TICKET", "COURSE", "QUALITY", "FUNNEL")
)
HIRED, ESTABLISHMENT, SPELL, PANEL = (
    np.uint64(PURPOSES[p][0]) for p in ("HIRED", "ESTABLISHMENT", "SPELL", "PANEL")
)
MOBILITY = np.uint64(PURPOSES["MOBILITY"][0])
ORDER = np.uint64(PURPOSES["ORDER"][0])
TRIAL = np.uint64(PURPOSES["TRIAL"][0])
SUBSIDY = np.uint64(PURPOSES["SUBSIDY"][0])

SPIN_UP_OFFSET = 1 << 16  # months are shifted by this in the counter, so that spin-up months are positive


def key_of(seed: int, replicate: int) -> np.ndarray:
    """The Philox key of a replicate: two 32-bit words (uint64), the same for every scenario."""
    state = np.random.SeedSequence(seed, spawn_key=(replicate,)).generate_state(2, np.uint32)
    return state.astype(np.uint64)


@jit
def _words(ids, sub, month, purpose, key, out):
    for i in range(ids.size):
        a, b, c, d = philox(np.uint64(ids[i]), np.uint64(sub[i]), month, purpose, key[0], key[1])
        out[i, 0] = a
        out[i, 1] = b
        out[i, 2] = c
        out[i, 3] = d


def words(
    key: np.ndarray, purpose: np.uint64, month: int, ids: np.ndarray, sub: np.ndarray | int = 0
) -> np.ndarray:
    """Four 32-bit words for each identity: array (n, 4) of uint32."""
    ids = np.ascontiguousarray(ids, dtype=np.uint64)
    subs = np.full(ids.shape, sub, dtype=np.uint64)
    out = np.empty((ids.size, 4), dtype=np.uint32)
    _words(ids, subs, np.uint64(month + SPIN_UP_OFFSET), purpose, key, out)
    return out


def uniforms(
    key: np.ndarray, purpose: np.uint64, month: int, ids: np.ndarray, sub: np.ndarray | int = 0
) -> np.ndarray:
    """Like :func:`words`, as float64 in the open interval (0, 1): (word + 1/2) / 2**32."""
    return (words(key, purpose, month, ids, sub) + 0.5) * 2.0**-32
