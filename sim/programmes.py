"""Programmes as the kernels see them: one row of numbers a programme, made from records; and the memory of courses.

Nothing about a programme is written here: eligibility, awareness, application, selection, seats, cost, length,
completion and skill are read from its record (`sim.records.Programme`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.economy import Economy
from sim.kernels import log_, record_of
from sim.records import Programme
from sim.workers import STAGES

COURSE_KINDS = ("course", "sme-package", "joint-centre", "lab", "support")
ATTENDING, COMPLETED, DROPPED, LEFT = 0, 1, 2, 3
HORIZONS = (3, 6, 12, 24, 36)

MOST_PROGRAMMES = (
    64  # the kernels' table has room for these, so that a scenario's own programme compiles nothing
)


def table_of(
    programmes: Sequence[Programme], economy: Economy, elasticity: float, completion_zeta: float
) -> Any:
    """Rows of numbers for the kernels, in the order of `programmes`; `open` and `aware` are set every month."""
    n = len(programmes)
    stage_levels = len(STAGES)

    def bits(codes: Sequence[str], dim: str, everything: int = -1) -> int:
        known = economy.codes[dim]
        return sum(1 << known.index(c) for c in codes) if codes else everything & ((1 << len(known)) - 1)

    rows = [p.eligibility for p in programmes]
    allowance = np.zeros((n, economy.n("region")))
    response = np.ones((n, economy.n("region")))
    for i, p in enumerate(programmes):
        allowance[i] = allowances(p, economy)
        if p.allowance_capital > 0:
            response[i] = (allowance[i] / p.allowance_capital) ** elasticity
    month_drop = [
        min(0.999, max(1e-6, 1.0 - max(p.completion, 1e-6) ** (1.0 / p.months))) for p in programmes
    ]
    return record_of(
        _padded(
            {
                "open": np.zeros(n, dtype=np.uint8),
                "states": np.array(
                    [sum(1 << (economy.codes["state"].index(s) + 1) for s in e.states) or 14 for e in rows]
                ),
                "reasons": np.array([bits(e.reasons, "reason", ~4) for e in rows]),
                "contracts": np.array([bits(e.contracts, "contract") for e in rows]),
                "sizes": np.array([bits(e.sizes, "size") | (0 if e.sizes else 32) for e in rows]),
                "industries": np.array([bits(e.industries, "industry") for e in rows]),
                "regions": np.array([bits(e.regions, "region") for e in rows]),
                "educations": np.array([bits(e.education, "education") for e in rows]),
                "stages": np.array(
                    [
                        sum(1 << STAGES.index(s) for s in p.stages) if p.stage_required else 15
                        for p in programmes
                    ]
                ),
                "age_min": np.array([e.age_min * 12 for e in rows]),
                "age_max": np.array([e.age_max * 12 + 11 for e in rows]),
                "insured": np.array([-1 if e.insured is None else int(e.insured) for e in rows]),
                "exposure_min": np.array([e.exposure_min for e in rows]),
                "package": np.array([p.kind == "sme-package" for p in programmes], dtype=np.uint8),
                "aware": np.zeros((n, stage_levels)),
                "logit": np.array([_logit(min(max(p.apply, 1e-7), 1 - 1e-7)) for p in programmes]),
                "by_education": np.array([p.apply_education for p in programmes]),
                "by_age": np.array([p.apply_age for p in programmes]),
                "by_exposure": np.array([p.apply_exposure for p in programmes]),
                "by_zeta": np.array([p.apply_zeta for p in programmes]),
                "by_female": np.array([p.apply_female for p in programmes]),
                "allowance": response,
                "drop_logit": np.array([_logit(h) for h in month_drop]),
                "drop_zeta": np.array([p.completion_zeta or completion_zeta for p in programmes]),
            }
        )
    )


def _padded(fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        name: np.concatenate([a, np.zeros((MOST_PROGRAMMES - a.shape[0], *a.shape[1:]), a.dtype)])
        for name, a in fields.items()
    }


def allowances(p: Programme, economy: Economy) -> np.ndarray:
    """Allowance a month by province, whole won: capital area, elsewhere, and more for the part in decline."""
    capital = economy.attribute("region", "capital") > 0
    decline = economy.attribute("region", "decline")
    more = max(0, p.allowance_decline - p.allowance_noncapital)
    return np.floor(np.where(capital, p.allowance_capital, p.allowance_noncapital + decline * more))


def _logit(p: float) -> float:
    return float(log_(p) - log_(1.0 - p))


class Enrolments:
    """Everyone ever enrolled: one row an enrolment, a table that grows (sparse: most people never train)."""

    FIELDS: tuple[tuple[str, Any], ...] = (
        ("person", np.int64),
        ("programme", np.int16),
        ("start", np.int16),
        ("end", np.int16),
        ("status", np.int8),
        ("stage", np.int8),
        ("region", np.int8),
        ("age", np.int8),
        ("sex", np.int8),
        ("education", np.int8),
        ("state", np.int8),
        ("occupation", np.int16),
        ("employer", np.int32),
        ("wage", np.float32),
        ("quality", np.float32),
        ("lottery", np.int8),
    )

    def __init__(self) -> None:
        self.size = 0
        self._columns = {name: np.zeros(64, dtype=dtype) for name, dtype in self.FIELDS}
        # employed at 3, 6, 12, 24, 36 months: from start and from completion; official and insured; -1 not yet
        self._placed = np.full((64, 2, 2, len(HORIZONS)), -1, dtype=np.int8)

    def __getattr__(self, name: str) -> np.ndarray:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._columns:
            return self._columns[name][: self.size]
        raise AttributeError(name)

    @property
    def placed(self) -> np.ndarray:
        """(enrolments, from start or completion, official or insured, horizons): 1 employed, 0 not, -1 unknown."""
        return self._placed[: self.size]

    def append(self, **values: np.ndarray) -> np.ndarray:
        """Add rows; returns their numbers."""
        n = values["person"].size
        while self.size + n > self._placed.shape[0]:
            for name, column in self._columns.items():
                self._columns[name] = np.concatenate([column, np.zeros_like(column)])
            self._placed = np.concatenate([self._placed, np.full_like(self._placed, -1)])
        rows = np.arange(self.size, self.size + n)
        self.size += n
        for name, column in self._columns.items():
            column[rows] = values.get(name, 0)
        return rows
