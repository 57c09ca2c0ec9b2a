"""The outcomes of a run in one long table, each with its interval across replicates.

Columns: scenario, outcome, dimension, category, horizon_months, mean, low, high, unit, and how the variance of one
replicate is split: share_parameter and share_seed, with parameters drawn from the posterior and two replicates a draw,
and share_structure, with variants of the model in turn (`sim.uncertainty`), else empty. Rates are those of the last
twelve months, or of a calendar year; ratios are sums over replicates divided, with the interval of a
linearised ratio (`sim.intervals.Design`). An estimate that rests on fewer than `FEWEST` agents is left empty and its
unit says so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from sim.ratios import CELLS, FLOWS, MARKET, Ratio, fixed_composition, gini

if TYPE_CHECKING:
    from sim.results import Results

SHARES = ("share_parameter", "share_seed", "share_structure")
COLUMNS = (
    *("scenario", "outcome", "dimension", "category", "horizon_months", "mean", "low", "high", "unit"),
    *SHARES,
)
FEWEST = 30  # agents below which an estimate is not printed
TOO_FEW = "too few"
LAST = 12  # months that "now" is averaged over
PLAN_GOAL = 1_000_000  # persons trained by the end of 2030 (Ministry of Employment and Labor, 2025-12-18)
PLAN_END = 2030
Row = tuple[str, str, str, str, float | None, float, float, float, str, float, float, float]

MARKET_RATES = (
    "unemployment_rate",
    "employment_rate",
    "participation_rate",
    "long_term_share",
    "vacancy_rate",
    "tightness",
    "mean_pay",
    "output_per_worker",
    "ai_gain",
    "hours_saved_share",
    "adoption_share",
    "user_share",
    "skilled_share",
)
STOCKS = ("employed", "unemployed", "inactive", "vacancies", "users", "resting_youth", "long_term_unemployed")
MONTHLY = ("hires", "job_to_job", "separations", "layoffs", "hours_saved")
BY = ("stage", "age", "sex", "education", "region")
COUNTS = ("applied", "enrolled", "completed", "dropped")
MONEY = ("budget", "course", "fixed", "allowance", "unspent")


def summary(results: Results) -> pd.DataFrame:
    """All outcomes of all scenarios."""
    made = [row for name in results.scenarios for row in Summary(results, name).rows()]
    table = pd.DataFrame(made, columns=list(COLUMNS))
    table["horizon_months"] = table["horizon_months"].astype("Int64")
    return table


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as plain values for JSON: nothing (null) where there is no number."""
    return [
        {
            str(k): None if v is pd.NA or (isinstance(v, float) and not math.isfinite(v)) else v
            for k, v in row.items()
        }
        for row in table.astype({"horizon_months": object}).to_dict("records")
    ]


def to_json(table: pd.DataFrame) -> str:
    """The table as a JSON list of records."""
    return json.dumps(records(table), ensure_ascii=False, indent=1)


class Summary:
    """The outcomes of one scenario, group by group."""

    def __init__(self, results: Results, scenario: str) -> None:
        self.results, self.scenario = results, scenario
        at = {"scenario": scenario}
        self.market = results.market.sums.sel(at)
        self.cells = results.cells.sums.sel(at)
        self.flows = results.flows.sums.sel(at)
        self.employers = results.employers.sums.sel(at)
        self.programmes = results.programmes.sums.sel(at)
        self.last = slice(-LAST, None)
        self.design = results.design

    def rows(self) -> Iterator[Row]:
        """Every row of this scenario."""
        yield from self.labour_market()
        yield from self.by_group()
        yield from self.productivity()
        yield from self.moves()
        yield from self.reemployment()
        yield from self.training()
        yield from self.plan()
        yield from self.money()

    # ------------------------------------------------------------------------------------ the labour market

    def labour_market(self) -> Iterator[Row]:
        """Rates and stocks, in the last twelve months and by calendar year."""
        for label, dimension, months in self._periods():
            part = self.market.isel(month=months)
            for name in MARKET_RATES:
                yield self._ratio(name, dimension, label, MARKET[name], part)
            for name in (*STOCKS, *MONTHLY):
                unit = str(self.market[name].attrs["units"])
                unit += " a month" if name in MONTHLY else ""
                yield self._mean(name, dimension, label, part[name].mean("month").values, unit)
            counts = part["employees_by_wage"].sum("month").values
            wage = self.market["wage"].values
            yield self._mean("wage_gini", dimension, label, gini(counts, wage), "0 to 1")
            yield self._row(
                "mean_wage",
                dimension,
                label,
                None,
                "won of 2025 an hour",
                self.design.ratio((counts * wage).sum(axis=-1), counts.sum(axis=-1)),
            )

    def by_group(self) -> Iterator[Row]:
        """Rates by stage at policy start, age, sex, education and province, in the last twelve months."""
        part = self.cells.isel(month=self.last)
        for dim in BY:
            for outcome in ("employment_rate", "unemployment_rate"):
                ratio = CELLS[f"{outcome}_by_{dim}"]
                top, bottom = (
                    part_of.transpose("replicate", dim, "month").values for part_of in ratio.parts(part)
                )
                ends = np.array(self.design.ratio(top.sum(axis=2), bottom.sum(axis=2)))
                agents = self.results.agents(bottom.mean(axis=2).sum(axis=0))
                for n, code in enumerate(part[dim].values):
                    yield self._row(
                        outcome, dim, str(code), None, "share", ends[:, n], agents=float(agents[n])
                    )

    def productivity(self) -> Iterator[Row]:
        """Output a worker at fixed composition, and by size class."""
        values = [self.employers[n].values for n in ("base_output", "output", "employed")]
        fixed = fixed_composition(*values)
        for label, dimension, months in self._periods():
            yield self._mean(
                "output_per_worker_fixed",
                dimension,
                label,
                fixed[:, months].mean(axis=1),
                "won of 2025 a month",
            )
        part = self.employers.isel(month=self.last).sum(("month", "industry"))
        for code in part["size"].values:
            here = part.sel(size=code)
            pairs = {
                "output_per_worker": ("output", "employed", "won of 2025 a month"),
                "ai_gain": ("output", "base_output", "ratio"),
                "user_share": ("users", "employed", "share"),
            }
            for outcome, (top, bottom, unit) in pairs.items():
                yield self._row(
                    outcome,
                    "size",
                    str(code),
                    None,
                    unit,
                    self.design.ratio(here[top].values, here[bottom].values),
                )

    def moves(self) -> Iterator[Row]:
        """The six flows between labour states: persons a month, and the rate of transition."""
        part = self.flows.isel(month=self.last)
        for name, ratio in FLOWS.items():
            code = name.removesuffix("_rate")
            persons = part["persons"].sel(ratio.where).sum("age").mean("month").values
            yield self._mean("flow", "flow", code, persons, "persons a month")
            yield self._ratio("transition_rate", "flow", code, ratio, part.sum("age"))

    # -------------------------------------------------------------------------------------------- programmes

    def reemployment(self) -> Iterator[Row]:
        """In work 3 to 36 months after the start (enrolled) and after completion (completers)."""
        axes = ("stage", "programme", "origin")
        for dimension in ("all", *axes):
            yield from self._placed(dimension, "", self.programmes)
            if dimension in ("stage", "programme"):
                yield from self._placed(
                    dimension, "_from_nonemployment", self.programmes.sel(origin=["not employed"])
                )

    def _placed(self, dimension: str, suffix: str, sums: xr.Dataset) -> Iterator[Row]:
        dropped = {"stage", "programme", "origin"} - {dimension}
        order = (
            "replicate",
            *(() if dimension == "all" else (dimension,)),
            "counted",
            "definition",
            "horizon",
        )
        known, placed = (sums[name].sum(dropped).transpose(*order) for name in ("known", "placed"))
        codes = ["all"] if dimension == "all" else [str(code) for code in known[dimension].values]
        shape = (known.sizes["replicate"], len(codes), *known.shape[-3:])
        bottom, top = known.values.reshape(shape), placed.values.reshape(shape)
        agents = self.results.agents(bottom.sum(axis=0))
        ends = np.array(self.design.ratio(top, bottom))  # mean, low, high
        names: tuple[Any, ...] = (codes, *(known[dim].values for dim in ("counted", "definition", "horizon")))
        for at in np.ndindex(*shape[1:]):
            code, counted, definition, horizon = (values[n] for values, n in zip(names, at, strict=True))
            yield self._row(
                f"reemployment_{definition}_{counted}{suffix}",
                dimension,
                code,
                int(horizon),
                "share",
                ends[(slice(None), *at)],
                agents=float(agents[at]),
            )

    def training(self) -> Iterator[Row]:
        """Applications, people who start, complete and drop out; over the run, by year and by programme."""
        years, codes = self.programmes["month"].dt.year.values, self.programmes["programme"].values
        for name in COUNTS:
            counts = self.programmes[name].transpose("replicate", "month", "programme").values
            yield self._mean(name, "all", "all", counts.sum(axis=(1, 2)), "persons")
            for n, code in enumerate(codes):
                yield self._mean(name, "programme", str(code), counts[:, :, n].sum(axis=1), "persons")
            for year in np.unique(years):
                yield self._mean(
                    name, "year", str(year), counts[:, years == year].sum(axis=(1, 2)), "persons"
                )

    def plan(self) -> Iterator[Row]:
        """Persons trained in the plan's programmes, to the end of 2030 or of the run, against the goal."""
        until = self.programmes["month"].dt.year.values <= PLAN_END
        end = str(self.programmes["month"].values[until][-1])[:7] if until.any() else ""
        plan = self.programmes.isel(month=until, programme=self.programmes["in_plan"].values == 1)
        for name, outcome in (("enrolled", "plan_trained"), ("completed", "plan_completed")):
            heads = plan[name].sum(("month", "programme")).values
            yield self._mean(outcome, "until", end, heads, "persons")
            yield self._mean(
                f"{outcome}_of_goal", "until", end, heads / PLAN_GOAL, f"share of {PLAN_GOAL:,} persons"
            )

    def money(self) -> Iterator[Row]:
        """Won by account: in all, by year, by programme, and by programme and year."""
        years, codes = self.programmes["year"].values, self.programmes["programme"].values
        for name in MONEY:
            won = self.programmes[name].transpose("replicate", "year", "programme").values
            yield self._mean(name, "all", "all", won.sum(axis=(1, 2)), "won")
            for y, year in enumerate(years):
                yield self._mean(name, "year", str(year), won[:, y].sum(axis=1), "won")
            for n, code in enumerate(codes):
                yield self._mean(name, "programme", str(code), won[:, :, n].sum(axis=1), "won")
                for y, year in enumerate(years):
                    yield self._mean(name, "programme/year", f"{code}/{year}", won[:, y, n], "won")

    # ------------------------------------------------------------------------------------------- small steps

    def _periods(self) -> Iterator[tuple[str, str, Any]]:
        months = self.market.sizes["month"]
        yield f"last {min(LAST, months)} months", "all", self.last
        years = self.market["month"].dt.year.values
        for year in np.unique(years):
            yield str(year), "year", np.flatnonzero(years == year)

    def _ratio(self, outcome: str, dimension: str, category: str, ratio: Ratio, sums: xr.Dataset) -> Row:
        top, bottom = ratio.parts(sums)
        ends = self.design.ratio(top.sum("month").values, bottom.sum("month").values)
        return self._row(outcome, dimension, category, None, ratio.units, ends)

    def _mean(self, outcome: str, dimension: str, category: str, values: np.ndarray, unit: str) -> Row:
        return self._row(
            outcome, dimension, category, None, unit, self.design.mean(np.asarray(values, dtype=float))
        )

    def _row(
        self,
        outcome: str,
        dimension: str,
        category: str,
        horizon: int | None,
        unit: str,
        ends: Iterable[Any],
        agents: float = math.inf,
    ) -> Row:
        mean, low, high, parameter, seed, structure = (float(end) for end in ends)
        if agents < FEWEST:
            mean = low = high = parameter = seed = structure = math.nan
            unit = f"{TOO_FEW} ({unit})"
        if unit == "share":
            low, high = max(low, 0.0) if low == low else low, min(high, 1.0) if high == high else high
        return (
            self.scenario,
            outcome,
            dimension,
            category,
            horizon,
            mean,
            low,
            high,
            unit,
            parameter,
            seed,
            structure,
        )


def pick(table: pd.DataFrame, **equal: Any) -> Mapping[str, Any]:
    """The one row where every column has the value asked. KeyError unless there is exactly one."""
    found = table
    for column, value in equal.items():
        found = found[found[column] == value]
    if len(found) != 1:
        raise KeyError(f"{len(found)} rows of the summary have {equal}")
    return {str(column): value for column, value in found.iloc[0].items()}
