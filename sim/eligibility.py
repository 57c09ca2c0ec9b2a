# mypy: allow-untyped-calls
"""How many people could take part in each programme: the first step of the staircase of trainees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.employers import RESTRUCTURING
from sim.kernels import jit
from sim.phases.enrol import eligible
from sim.programmes import COURSE_KINDS, SUBSIDY
from sim.workers import ABSENT, life_stage

if TYPE_CHECKING:
    from sim.model import LaborMarket


def count_eligible(model: LaborMarket) -> np.ndarray:
    """Agents whom the rules of each programme admit at the end of the month just done (programmes,).

    Programmes without money this year and those that teach nobody (channels, instructors) count nobody.
    """
    m = model
    year = int(m.clock.year) - m.ledger.years[0]
    asked = [
        p
        for p, record in enumerate(m.programmes)
        if record.kind in (*COURSE_KINDS, SUBSIDY) and not record.closed and m.ledger.budget(p, year) > 0
    ]
    counts = np.zeros((m.chunk_starts.size, len(m.programmes)), dtype=np.int64)
    if asked:
        bits = np.uint64(sum(1 << p for p in asked))
        m.over_chunks(_count, m.workers, m.posts, m.tables, m.programme_table, m.clock, bits, counts)
    return np.asarray(counts.sum(axis=0))


@jit
def _count(lo, hi, chunk, desk, w, posts, tb, pt, clock, asked, counts):
    for i in range(lo, hi):
        if w.state[i] == ABSENT:
            continue
        job = w.job[i]
        restructuring = job >= 0 and (posts.flags[job] & RESTRUCTURING) != 0
        stage = life_stage(w.state[i], w.reason[i], w.tags[i], restructuring, clock.month - w.birth[i])
        admitted = asked & eligible(i, stage, w, tb, pt, clock)
        for p in range(counts.shape[1]):
            counts[chunk, p] += int((admitted >> np.uint64(p)) & np.uint64(1))
