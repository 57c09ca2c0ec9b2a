"""Where trainees stand after 3, 6, 12, 24 and 36 months: sums of heads from the memory of enrolments.

Counted in two ways: everyone enrolled, from the start of the course; and completers, from completion. By the
official definition (in work) and the insured one (in a job covered by employment insurance).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.programmes import COMPLETED, HORIZONS, Enrolments
from sim.workers import EMPLOYED, STAGES

if TYPE_CHECKING:
    from sim.replicate import RunData

COUNTED = ("enrolled", "completers")
DEFINITIONS = ("official", "insured")
ORIGINS = ("not employed", "employed")
ONE_YEAR = HORIZONS.index(12)


class Placements(NamedTuple):
    """Agents. First axes: stage at enrolment, programme, in work at enrolment (`ORIGINS`).

    known, placed: (..., counted, definition, horizon): followed that far, and in work there.
    """

    known: np.ndarray
    placed: np.ndarray


def placements(enrolments: Enrolments, programmes: int) -> Placements:
    """Heads known and in work, from every enrolment of a run."""
    shape = (len(STAGES), programmes, len(ORIGINS), len(COUNTED), len(DEFINITIONS), len(HORIZONS))
    noted = enrolments.placed.reshape(-1, int(np.prod(shape[3:])))
    cell = np.ravel_multi_index(_cells(enrolments), shape[:3])[:, None] * noted.shape[1] + np.arange(
        noted.shape[1]
    )
    size = int(np.prod(shape))
    known, placed = (np.bincount(cell[which], minlength=size) for which in (noted >= 0, noted == 1))
    return Placements(known.reshape(shape), placed.reshape(shape))


def staircase(
    enrolments: Enrolments, programmes: int, months_of_course: tuple[int, ...], months: int
) -> np.ndarray:
    """Agents (stage, programme, origin, step) of the intakes that the run follows to the end.

    Steps: enrolled, completed, in work 6 months after completion, and still in work 12 months after it. Taken
    are the intakes whose completers are known 12 months later, so that each step is a part of the one before.
    """
    shape = (len(STAGES), programmes, len(ORIGINS))
    cohort = enrolments.start < followed_until(months_of_course, months)[enrolments.programme]
    done = enrolments.status == COMPLETED
    official = enrolments.placed[:, 1, 0, :]
    half_year = official[:, HORIZONS.index(6)] == 1
    steps = (
        cohort,
        cohort & done,
        cohort & done & half_year,
        cohort & done & half_year & (official[:, ONE_YEAR] == 1),
    )
    cell, size = np.ravel_multi_index(_cells(enrolments), shape), int(np.prod(shape))
    return np.stack([np.bincount(cell[step], minlength=size).reshape(shape) for step in steps], axis=-1)


def followed_until(months_of_course: tuple[int, ...], months: int) -> np.ndarray:
    """First month (programmes,) whose intake is no longer known 12 months after completion."""
    return np.maximum(0, months - 1 - HORIZONS[ONE_YEAR] - np.array(months_of_course, dtype=np.int64))


def applied_followed(run: RunData) -> np.ndarray:
    """Applications (programmes,) in the months whose intakes `staircase` counts, in agents."""
    applied = run.record.programmes[:, :, 0]
    months = applied.shape[0]
    counted = np.arange(months)[:, None] < followed_until(run.months_of_course, months)
    return np.asarray((applied * counted).sum(axis=0))


def _cells(enrolments: Enrolments) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        enrolments.stage.astype(np.int64),
        enrolments.programme.astype(np.int64),
        (enrolments.state == EMPLOYED).astype(np.int64),
    )
