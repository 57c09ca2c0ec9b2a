"""Every rate, share and mean that results can be asked for: a numerator and a denominator over stored sums.

Ratios are never stored: they are divided when asked, after any aggregation that the caller does to the sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

IN_WORK, UNEMPLOYED = "employed", "unemployed"


@dataclass(frozen=True)
class Ratio:
    """`factor` times the sum of the `numerator` variables over the sum of the `denominator` variables.

    where, over: selections of coordinates applied to the numerator and to the denominator; a selection of
    several values of a coordinate is added up over it.
    """

    label: str
    units: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    factor: float = 1.0
    where: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    over: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)

    def parts(self, sums: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
        """Numerator (times the factor) and denominator, to be added up further before dividing."""
        top = _added(sums, self.numerator, self.where) * self.factor
        return top, _added(sums, self.denominator, self.over)

    def of(self, sums: xr.Dataset) -> xr.DataArray:
        """The ratio in every cell, NaN where the denominator is zero."""
        top, bottom = self.parts(sums)
        value = top / bottom.where(bottom != 0)
        value.attrs = {"long_name": self.label, "units": self.units}
        return value


def _added(
    sums: xr.Dataset, names: Iterable[str], where: Mapping[str, str | tuple[str, ...]]
) -> xr.DataArray:
    first, *rest = (sums[name] for name in names)
    total = first
    for more in rest:
        total = total + more
    for dim, chosen in where.items():
        total = (
            total.sel({dim: chosen}) if isinstance(chosen, str) else total.sel({dim: list(chosen)}).sum(dim)
        )
    return total.drop_vars([name for name in where if name in total.coords])


FORCE = (IN_WORK, UNEMPLOYED)
ADULTS = (*FORCE, "inactive")

MARKET: dict[str, Ratio] = {
    "unemployment_rate": Ratio("unemployed over labour force", "share", (UNEMPLOYED,), FORCE),
    "employment_rate": Ratio("in work over people aged 15 or over", "share", (IN_WORK,), ADULTS),
    "participation_rate": Ratio("labour force over people aged 15 or over", "share", FORCE, ADULTS),
    "long_term_share": Ratio(
        "unemployed for six months or more",
        "share of the unemployed",
        ("long_term_unemployed",),
        (UNEMPLOYED,),
    ),
    "vacancy_rate": Ratio(
        "unfilled posts over posts filled and unfilled", "share", ("vacancies",), ("vacancies", "employees")
    ),
    "tightness": Ratio(
        "vacancies for each unemployed person", "posts a person", ("vacancies",), (UNEMPLOYED,)
    ),
    "hiring_rate": Ratio("hired in the month over employees", "share a month", ("hires",), ("employees",)),
    "separation_rate": Ratio(
        "jobs ended in the month over people in work", "share a month", ("separations",), (IN_WORK,)
    ),
    "insured_share": Ratio(
        "employees covered by employment insurance", "share", ("insured",), ("employees",)
    ),
    "mean_pay": Ratio("mean monthly pay of employees", "won of 2025 a month", ("wages",), ("employees",)),
    "output_per_worker": Ratio("output a worker", "won of 2025 a month", ("output",), (IN_WORK,)),
    "ai_gain": Ratio("output over what it would be without AI", "ratio", ("output",), ("base_output",)),
    "hours_saved_share": Ratio(
        "hours that AI saves over hours worked", "share", ("hours_saved",), ("hours",)
    ),
    "adoption_share": Ratio("employers that have adopted AI", "share", ("adopters",), ("open_employers",)),
    "user_share": Ratio("people in work who use AI regularly", "share", ("users",), (IN_WORK,)),
    "skilled_share": Ratio("people with applied AI skill or more", "share", ("skilled",), ADULTS),
    "mean_skill": Ratio("mean AI skill", "0 to 1", ("skill",), ADULTS),
}


def _cells() -> dict[str, Ratio]:
    made = {}
    for axis in (
        "stage",
        "age",
        "sex",
        "education",
        "region",
        "stage_age",
        "age_sex",
        "age_education",
        "stage_region",
    ):
        persons = (f"persons_by_{axis}",)
        said = axis.replace("_", " and ")
        made[f"unemployment_rate_by_{axis}"] = Ratio(
            f"unemployed over labour force, by {said}",
            "share",
            persons,
            persons,
            where={"state": UNEMPLOYED},
            over={"state": FORCE},
        )
        made[f"employment_rate_by_{axis}"] = Ratio(
            f"in work over people aged 15 or over, by {said}",
            "share",
            persons,
            persons,
            where={"state": IN_WORK},
            over={"state": ADULTS},
        )
    return made


CELLS = _cells()

EMPLOYERS: dict[str, Ratio] = {
    "output_per_worker": Ratio("output a worker", "won of 2025 a month", ("output",), (IN_WORK,)),
    "ai_gain": Ratio("output over what it would be without AI", "ratio", ("output",), ("base_output",)),
    "user_share": Ratio("people in work who use AI regularly", "share", ("users",), (IN_WORK,)),
    "hours_saved_per_worker": Ratio(
        "hours that AI saves", "hours a worker and month", ("hours_saved",), (IN_WORK,)
    ),
    "mean_pay": Ratio("mean monthly pay", "won of 2025 a month", ("wages",), (IN_WORK,)),
    "adoption_share": Ratio("employers that have adopted AI", "share", ("adopters",), ("open_employers",)),
}

PROGRAMMES: dict[str, Ratio] = {
    "reemployment_rate": Ratio(
        "in work at the horizon, of those followed so far", "share", ("placed",), ("known",)
    ),
    "execution_rate": Ratio(
        "spent on courses and fixed cost", "share of the budget", ("course", "fixed"), ("budget",)
    ),
    "cost_per_person": Ratio("course money a place", "won", ("course",), ("persons_paid",)),
}

FLOWS: dict[str, Ratio] = {
    f"{short}_rate": Ratio(
        f"{before} a month ago, {now} now",
        "share a month",
        ("persons",),
        ("persons",),
        where={"state_before": before, "state": now},
        over={"state_before": before, "state": ADULTS},
    )
    for short, before, now in (
        ("eu", "employed", "unemployed"),
        ("en", "employed", "inactive"),
        ("ue", "unemployed", "employed"),
        ("un", "unemployed", "inactive"),
        ("ne", "inactive", "employed"),
        ("nu", "inactive", "unemployed"),
    )
}

RATIOS: dict[str, dict[str, Ratio]] = {
    "market": MARKET,
    "cells": CELLS,
    "employers": EMPLOYERS,
    "programmes": PROGRAMMES,
    "flows": FLOWS,
    "calibration": {},
}


def gini(counts: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Gini coefficient of a histogram: counts (..., bins), values (bins,) ascending; NaN if empty."""
    weight = counts * values
    people, money = counts.sum(axis=-1), weight.sum(axis=-1)
    below = np.cumsum(weight, axis=-1) - 0.5 * weight  # Lorenz curve at the middle of each bin
    with np.errstate(invalid="ignore", divide="ignore"):
        area = (counts * below).sum(axis=-1) / (people * money)
    return np.asarray(1.0 - 2.0 * area)


def fixed_composition(base: np.ndarray, output: np.ndarray, employed: np.ndarray) -> np.ndarray:
    """Output a worker had size, industry and jobs stayed as in the first month (..., month), same unit as
    `base`.

    base, output, employed: (..., month, size, industry). Each cell's ratio of output to base output is
    weighted by the first month's base output; a cell that is empty has the ratio of all cells.
    """
    overall = output.sum(axis=(-2, -1), keepdims=True) / np.maximum(1, base.sum(axis=(-2, -1), keepdims=True))
    ratio = np.where(base > 0, output / np.maximum(1, base), overall)
    weight = base[..., :1, :, :].astype(np.float64)
    people = np.maximum(1, employed[..., :1, :, :].sum(axis=(-2, -1)))
    return np.asarray((ratio * weight).sum(axis=(-2, -1)) / people)
