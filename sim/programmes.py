"""Programmes as the kernels see them: one row of numbers a programme, made from records; and the memory of courses.

Nothing about a programme is written here: eligibility, awareness, application, selection, seats, cost, length,
completion and skill are read from its record (`sim.records.Programme`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.economy import Economy
from sim.kernels import log_, logistic_, record_of
from sim.records import MOST_SPELL, Programme
from sim.workers import OLDEST_MONTH, STAGES

COURSE_KINDS = ("course", "sme-package", "joint-centre", "lab", "support")
SUBSIDY = "hiring-subsidy"
ATTENDING, COMPLETED, DROPPED, LEFT = 0, 1, 2, 3
HORIZONS = (3, 6, 12, 24, 36)
FOLLOWED = (2, 2, len(HORIZONS))  # from start or completion; by the official definition or insured; months

MOST_PROGRAMMES = (
    64  # the kernels' table has room for these, so that a scenario's own programme compiles nothing
)
MOST_LOGIT = 4.0  # bound on what a person's own traits add to the logit of applying
EMPLOYABILITY_CLASSES = 8  # whole numbers from -4 to 4, for bounds on applying


def table_of(
    programmes: Sequence[Programme],
    economy: Economy,
    exposure: np.ndarray,
    elasticity: float,
    completion_zeta: float,
) -> Any:
    """What the kernels read: who may take part as one bit a programme, in the order of `programmes`, and rows of
    numbers. `open`, `openings` (the same as bits) and `aware` are set every month. exposure: by occupation."""
    n = len(programmes)
    allowance = np.zeros((n, economy.n("region")))
    response = np.ones((n, economy.n("region")))
    written = economy.programmes
    for i, p in enumerate(programmes):
        allowance[i] = allowances(p, economy)
        if p.allowance_capital > 0:
            response[i] = (allowance[i] / p.allowance_capital) ** elasticity
        response[i] *= _dearer(p, written.get(p.id)) ** elasticity
    month_drop = [
        min(0.999, max(1e-6, 1.0 - max(p.completion, 1e-6) ** (1.0 / p.months))) for p in programmes
    ]
    teaches = [p.kind in COURSE_KINDS and not p.closed for p in programmes]
    return record_of(
        _admissions(programmes, economy, exposure)
        | _padded(
            {
                "open": np.zeros(n, dtype=np.uint8),
                "intake": np.array(
                    [
                        [t and k in p.intake_months for k in range(1, 13)]
                        for t, p in zip(teaches, programmes, strict=True)
                    ],
                    dtype=np.uint8,
                ).reshape(n, 12),
                "awareness": np.where(teaches, [p.awareness for p in programmes], 0.0),
                "most": _most(programmes, economy, exposure.max()) * response.max(axis=1)[:, None, None],
                "age_min": np.array([p.eligibility.age_min * 12 for p in programmes]),
                "age_max": np.array([p.eligibility.age_max * 12 + 11 for p in programmes]),
                "package": np.array([p.kind == "sme-package" for p in programmes], dtype=np.uint8),
                "aware": np.zeros((n, len(STAGES))),
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


def _admissions(
    programmes: Sequence[Programme], economy: Economy, exposure: np.ndarray
) -> dict[str, np.ndarray]:
    """For each value of each thing a record asks about, the programmes that admit it: bit p of a 64-bit word."""
    codes = economy.codes
    rules = [p.eligibility for p in programmes]
    months = np.arange(OLDEST_MONTH + 1)

    def named(asked: Sequence[Sequence[str]], known: Sequence[str]) -> np.ndarray:
        return _bits([[not a or name in a for name in known] for a in asked])

    return {
        "openings": np.zeros((), dtype=np.uint64),
        "by_stage": named([p.stages if p.stage_required else () for p in programmes], STAGES),
        "by_state": named([r.states for r in rules], ("absent", *codes["state"])),
        "by_reason": named(
            [r.reasons or [c for c in codes["reason"] if c != "military"] for r in rules], codes["reason"]
        ),
        "by_contract": named([r.contracts for r in rules], codes["contract"]),
        "by_size": named([r.sizes for r in rules], (*codes["size"], "none")),
        "by_industry": named([r.industries for r in rules], codes["industry"]),
        "by_region": named([r.regions for r in rules], codes["region"]),
        "by_level": named([r.education for r in rules], codes["education"]),
        "by_cover": _bits([[r.insured in (None, cover) for cover in (False, True)] for r in rules]),
        "by_month_of_age": _bits(
            [(months >= r.age_min * 12) & (months <= r.age_max * 12 + 11) for r in rules]
        ),
        "by_occupation": _bits([exposure >= r.exposure_min for r in rules]),
        "by_spell": _bits([np.arange(MOST_SPELL + 1) >= r.spell_min for r in rules]),
    }


def _most(programmes: Sequence[Programme], economy: Economy, exposure: float) -> np.ndarray:
    """The highest probability that anyone of an age band and a class of employability who hears of a programme
    applies (programmes, ages, classes), other traits at their bounds. exposure: the highest of any occupation."""
    low, high = economy.ages
    ends = np.clip(
        np.arange(EMPLOYABILITY_CLASSES + 1) - EMPLOYABILITY_CLASSES / 2.0, -3.8, 3.8
    )  # see `normal_`
    most = np.zeros((len(programmes), low.size, EMPLOYABILITY_CLASSES))
    for i, p in enumerate(programmes):
        if p.kind == "sme-package":
            continue
        traits = np.maximum(p.apply_age * (low / 10.0 - 4.0), p.apply_age * ((high + 1) / 10.0 - 4.0))
        traits += max(p.apply_exposure * (exposure - 0.5), -0.5 * p.apply_exposure)
        traits += abs(p.apply_education) + max(0.0, p.apply_female)
        each = np.add.outer(traits, np.maximum(p.apply_zeta * ends[:-1], p.apply_zeta * ends[1:]))
        base = _logit(min(max(p.apply, 1e-7), 1 - 1e-7))
        logits = base + np.clip(each, -MOST_LOGIT, MOST_LOGIT)
        rule = p.eligibility
        within = (high >= rule.age_min) & (low <= rule.age_max)
        most[i] = np.array([logistic_(x) for x in logits.ravel()]).reshape(logits.shape) * within[:, None]
    return most


def _bits(admitted: Sequence[Any]) -> np.ndarray:
    """Words (values,) from rows of yes and no, one row a programme."""
    words = np.zeros(len(admitted[0]) if admitted else 1, dtype=np.uint64)
    for p, row in enumerate(admitted):
        words |= np.asarray(row, dtype=np.uint64) << np.uint64(p)
    return words


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


def _dearer(p: Programme, written: dict[str, Any] | None) -> float:
    """The part of the fee that the state pays, over the part it pays in the economy's own record."""
    usual = Programme.from_table(p.id, written).self_payment if written else p.self_payment
    return (1.0 - p.self_payment) / max(1e-6, 1.0 - usual)


def _logit(p: float) -> float:
    return float(log_(p) - log_(1.0 - p))


class Enrolments:
    """Everyone ever enrolled: one row an enrolment, a table that grows (sparse: most people never train)."""

    FIELDS: tuple[tuple[str, Any], ...] = (
        ("person", np.int32),
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
        ("known", np.uint32),  # a bit for each of FOLLOWED: whether the month has come
        ("at_work", np.uint32),  # and whether the person was employed then
    )

    def __init__(self) -> None:
        self.size = 0
        self._columns = {name: np.zeros(64, dtype=dtype) for name, dtype in self.FIELDS}

    def __getattr__(self, name: str) -> np.ndarray:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._columns:
            return self._columns[name][: self.size]
        raise AttributeError(name)

    @property
    def placed(self) -> np.ndarray:
        """(enrolments, from start or completion, official or insured, horizons): 1 employed, 0 not, -1 unknown."""
        bits = np.arange(np.prod(FOLLOWED), dtype=np.uint32)
        known, at_work = (
            (self._columns[name][: self.size, None] >> bits) & 1 for name in ("known", "at_work")
        )
        return (at_work + known).astype(np.int8).reshape(-1, *FOLLOWED) - np.int8(1)

    def note(self, rows: np.ndarray, since: int, definition: int, horizon: int, employed: np.ndarray) -> None:
        """Keep who of some enrolments is employed now, as `placed` tells it."""
        bit = self.bit(since, definition, horizon)
        self.known[rows] |= np.uint32(1 << bit)
        self.at_work[rows] |= employed.astype(np.uint32) << np.uint32(bit)

    @staticmethod
    def bit(since: int, definition: int, horizon: int) -> int:
        """Which bit of `known` and `at_work` is one of FOLLOWED."""
        return int(np.ravel_multi_index((since, definition, horizon), FOLLOWED))

    def append(self, **values: np.ndarray) -> np.ndarray:
        """Add rows; returns their numbers."""
        n = values["person"].size
        if self.size + n > self._columns["person"].size:
            room = max(self.size + n, self._columns["person"].size * 5 // 4)
            for name, column in self._columns.items():
                self._columns[name] = np.zeros(
                    room, dtype=column.dtype
                )  # costs no memory before it is written
                self._columns[name][: column.size] = column
        rows = np.arange(self.size, self.size + n)
        self.size += n
        for name, column in self._columns.items():
            column[self.size - n : self.size] = values.get(name, 0)
        return rows
