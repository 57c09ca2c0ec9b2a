"""What is kept of a run in a sweep, as rows of numbers, and the outcomes that answers are told in.

Each group of `run.nc` (`market`, `programmes`, ...) becomes one array for each axis of time, with a column for every
cell of its variables: `market_month` (run, month, column). Names, units and codes of the columns stand in `Variable`
records, from which `sim.sweep.answers` makes the same named variables again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from sim.datatree import GROUPS, TreeBuilder
from sim.errors import InputError, nearest
from sim.records import Programme
from sim.replicate import RunData
from sim.variables import REVENUE

if TYPE_CHECKING:
    from sim.economy import Economy
    from sim.sweep.answers import Sweep

TIMES = ("month", "year", "run_year")
DEFAULT = (
    "market",
    "cells.persons_by_stage",
    *(
        f"programmes.{name}"
        for name in ("applied", "enrolled", "completed", "budget", "course", "fixed", "allowance")
    ),
    *("programmes.known", "programmes.placed"),
)
"""What is kept when a design does not say; `market` without the distribution of pay, 128 numbers a month."""
LARGE = ("market.employees_by_wage",)


class Variable(NamedTuple):
    """A variable of `run.nc` in an array of the store: its columns `start` to `stop`, of shape `shape` over `dims`."""

    name: str
    group: str
    array: str
    time: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    start: int
    stop: int
    attrs: dict[str, str]


@dataclass(frozen=True)
class Kept:
    """All that is kept of each run. length: steps of each array's axis of time, 1 without; codes: of every dim."""

    variables: tuple[Variable, ...]
    length: dict[str, int]
    codes: dict[str, list[Any]]
    programmes: tuple[str, ...]

    @property
    def columns(self) -> dict[str, int]:
        """Columns of each array."""
        last: dict[str, int] = {}
        for one in self.variables:
            last[one.array] = max(last.get(one.array, 0), one.stop)
        return last

    @property
    def arrays(self) -> dict[str, tuple[int, int]]:
        """Time steps and columns of each array."""
        return {name: (self.length[name], columns) for name, columns in self.columns.items()}

    def over(self, start: dt.date, months: int) -> Kept:
        """The same over so many months: what a probe of one month shows, as long as the runs are."""
        first = np.datetime64(start.isoformat(), "M")
        years = range(start.year, start.year + (start.month - 1 + months - 1) // 12 + 1)
        codes: dict[str, list[Any]] = {
            "month": [str(first + n) + "-01" for n in range(months)],
            "year": list(years),
            "run_year": list(range(-(-months // 12))),
        }
        times = {one.array: one.time for one in self.variables}
        length = {array: len(codes[time]) if time else 1 for array, time in times.items()}
        return replace(
            self, length=length, codes=self.codes | {d: c for d, c in codes.items() if d in self.codes}
        )

    def labels(self, array: str) -> list[str]:
        """A name for each column: variable, then the codes of its cell."""
        names = []
        for one in self.variables:
            if one.array == array:
                for at in np.ndindex(*one.shape):
                    cell = [str(self.codes[dim][n]) for dim, n in zip(one.dims, at, strict=True)]
                    names.append("/".join([one.name, *cell]))
        return names

    def record(self) -> dict[str, Any]:
        """Plain values for the store's manifest."""
        return {
            "variables": [one._asdict() for one in self.variables],
            "length": self.length,
            "codes": self.codes,
            "programmes": list(self.programmes),
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Kept:
        """From `record`."""
        variables = tuple(
            Variable(**{**one, "dims": tuple(one["dims"]), "shape": tuple(one["shape"])})
            for one in record["variables"]
        )
        return cls(variables, dict(record["length"]), dict(record["codes"]), tuple(record["programmes"]))


def kept_names(asked: Sequence[str]) -> tuple[str, ...]:
    """What to keep: groups and `group.variable`; `DEFAULT` where nothing is asked. InputError for an unknown group."""
    for name in asked:
        if name.split(".")[0] not in GROUPS:
            group = name.split(".")[0]
            allowed = f"{', '.join(GROUPS)}, or a variable such as cells.persons_by_age"
            raise InputError(
                f"there is no group {group!r} in run.nc",
                key="keep",
                allowed=allowed,
                nearest=nearest(group, GROUPS),
            )
    return tuple(asked) or DEFAULT


class RunSums(TreeBuilder):
    """The sums of one run, without labels: what `TreeBuilder` makes, quickly."""

    def __init__(
        self,
        run: RunData,
        programmes: Sequence[str],
        records: Mapping[str, Programme] | None = None,
        economy: Economy | None = None,
    ) -> None:
        super().__init__([run], programmes, economy)
        self.known = records

    def _records_of(self, run: RunData) -> dict[str, Programme]:
        return super()._records_of(run) if self.known is None else dict(self.known)


def kept_of(run: RunData, asked: Sequence[str], programmes: Sequence[str]) -> Kept:
    """What to keep of runs like this one. asked: as `kept_names`. InputError for an unknown variable."""
    names = kept_names(asked)
    builder = RunSums(run, programmes)
    variables: list[Variable] = []
    length: dict[str, int] = {}
    for group in dict.fromkeys(name.split(".")[0] for name in names):
        there = builder.variables(group)
        whole = group in names
        wanted = {name.split(".", 1)[1] for name in names if name.startswith(f"{group}.")}
        for name in wanted - there.keys():
            raise InputError(
                f"{group} has no variable {name!r}",
                key="keep",
                nearest=nearest(name, there),
                allowed=", ".join(there),
            )
        for name, values in there.items():
            if name in wanted or (whole and f"{group}.{name}" not in LARGE):
                variables.append(_variable(group, name, values, variables))
                length[variables[-1].array] = values.shape[2] if variables[-1].time else 1
    dims = {dim for one in variables for dim in (*one.dims, *([one.time] if one.time else []))}
    codes = {dim: _plain(builder.coords[dim].values) for dim in sorted(dims & builder.coords.keys())}
    return Kept(tuple(variables), length, codes, tuple(builder.programme_ids))


def _plain(values: np.ndarray) -> list[Any]:
    return (
        [str(x)[:10] for x in values]
        if values.dtype.kind == "M"
        else [x.item() if hasattr(x, "item") else x for x in values]
    )


def _variable(group: str, name: str, values: xr.Variable, before: Sequence[Variable]) -> Variable:
    dims = tuple(str(dim) for dim in values.dims[2:])
    time = dims[0] if dims and dims[0] in TIMES else ""
    array = f"{group}_{time}" if time else group
    dims, shape = (dims[1:], values.shape[3:]) if time else (dims, values.shape[2:])
    start = max((one.stop for one in before if one.array == array), default=0)
    return Variable(
        name,
        group,
        array,
        time,
        dims,
        shape,
        start,
        start + int(np.prod(shape)),
        {str(k): str(v) for k, v in values.attrs.items()},
    )


def rows(
    run: RunData, kept: Kept, records: Mapping[str, Programme], economy: Economy
) -> dict[str, np.ndarray]:
    """One run as float64 (time, columns) by array. records: programme records of the run's scenario."""
    builder = RunSums(run, kept.programmes, records, economy)
    groups = {group: builder.variables(group) for group in dict.fromkeys(one.group for one in kept.variables)}
    out = {name: np.empty(shape) for name, shape in kept.arrays.items()}
    for one in kept.variables:
        out[one.array][:, one.start : one.stop] = groups[one.group][one.name].values.reshape(
            kept.length[one.array], -1
        )
    return out


# --------------------------------------------------------------------------------------------------- outcomes


@dataclass(frozen=True)
class Outcome:
    """One number of a run, or of a run against its base at the same point and seed (`effect`).

    of: takes the sweep, gives (runs,) floats. better: +1 where more is better, -1 where less is.
    """

    label: str
    label_ko: str
    units: str
    effect: bool
    of: Callable[[Sweep], np.ndarray]
    better: int = 1
    needs: tuple[str, ...] = ()


def _last(ratio: str) -> Callable[[Sweep], np.ndarray]:
    """A ratio of the market over the last twelve months."""

    def of(sweep: Sweep) -> np.ndarray:
        from sim.ratios import MARKET as RATES

        top, bottom = (part[:, -12:].sum(axis=1) for part in sweep.parts("market", RATES[ratio]))
        return np.asarray(np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0))

    return of


def _sum(*names: str, signs: Sequence[int] = ()) -> Callable[[Sweep], np.ndarray]:
    """Sums over all months or years and cells, added with their signs."""

    def of(sweep: Sweep) -> np.ndarray:
        parts = [
            sweep.total(name) * sign for name, sign in zip(names, signs or [1] * len(names), strict=True)
        ]
        return np.asarray(sum(parts))

    return of


def _in_work_last(sweep: Sweep) -> np.ndarray:
    return np.asarray(sweep.values("market", "employed")[:, -12:].mean(axis=1))


def _plan_trained(sweep: Sweep) -> np.ndarray:
    values = sweep.values("programmes", "enrolled")
    return np.asarray(values[..., sweep.in_plan].sum(axis=(1, 2)))


def _per_worker(sweep: Sweep) -> np.ndarray:
    return np.asarray(sweep.total("market.output") / sweep.total("market.employed"))


SPENT = ("programmes.course", "programmes.fixed", "programmes.allowance")
NET_COST = (*SPENT, "market.benefits", *(f"market.{name}" for name in REVENUE))
OUTCOMES: dict[str, Outcome] = {
    "net_employment": Outcome(
        "net effect on work", "순고용 효과", "person-months", True, _sum("market.employed")
    ),
    "net_employment_last": Outcome(
        "net effect on people in work, last 12 months",
        "순고용 효과 (마지막 12개월)",
        "persons",
        True,
        _in_work_last,
    ),
    "net_output": Outcome("net effect on output", "순산출 효과", "won of 2025", True, _sum("market.output")),
    "productivity": Outcome(
        "effect on output a worker", "노동생산성 효과", "won of 2025 a month", True, _per_worker
    ),
    "net_unemployment": Outcome(
        "net effect on unemployment", "실업 순효과", "person-months", True, _sum("market.unemployed"), -1
    ),
    "net_cost": Outcome(
        "net cost to the public",
        "재정 순비용",
        "won",
        True,
        _sum(*NET_COST, signs=(1, 1, 1, 1, *(-1 for _ in REVENUE))),
        -1,
    ),
    "additional_trained": Outcome(
        "additional people trained", "추가 훈련 인원", "persons", True, _sum("programmes.enrolled")
    ),
    "additional_spent": Outcome("additional money spent", "추가 지출", "won", True, _sum(*SPENT), -1),
    "employment_rate": Outcome("employment rate", "고용률", "share", False, _last("employment_rate")),
    "unemployment_rate": Outcome(
        "unemployment rate", "실업률", "share", False, _last("unemployment_rate"), -1
    ),
    "vacancy_rate": Outcome("vacancy rate", "빈일자리율", "share", False, _last("vacancy_rate")),
    "output_per_worker": Outcome(
        "output a worker", "1인당 산출", "won of 2025 a month", False, _last("output_per_worker")
    ),
    "ai_gain": Outcome("output over output without AI", "AI 산출 배율", "ratio", False, _last("ai_gain")),
    "user_share": Outcome(
        "workers who use AI regularly", "AI 상시 이용 비율", "share", False, _last("user_share")
    ),
    "adoption_share": Outcome(
        "employers with AI", "AI 도입 사업체 비율", "share", False, _last("adoption_share")
    ),
    "trained_in_plan": Outcome(
        "people who start in the plan's programmes", "계획 사업 훈련 인원", "persons", False, _plan_trained
    ),
}
TOLD = ("net_employment", "productivity", "net_cost", "unemployment_rate", "ai_gain")
"""Outcomes that are told when a design does not say."""

__all__ = ["DEFAULT", "OUTCOMES", "TOLD", "Kept", "Outcome", "Variable", "kept_names", "kept_of", "rows"]
