"""What runs on a network economy leave: one replicate, the labelled tree, the outcomes, the table and the picture.

Persons (agents times the scale) by step and occupation, beside the mean field of the same equations. Rates are divided
when asked, as in `sim.results`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import xarray as xr

from sim.economy import load as load_economy
from sim.intervals import mean_interval
from sim.jobs import bar, side_by_side
from sim.meanfield import RestPoint, rest_point, solve
from sim.network import FLOWS, STOCKS, MobilityMarket
from sim.network_tables import WEEKS_A_YEAR, Network, network_of
from sim.ratios import FORCE, Ratio
from sim.results import Group, Results
from sim.scenario import Scenario
from sim.summary import COLUMNS, Row, pick
from sim.variables import POINT, SUM
from sim.versions import versions

if TYPE_CHECKING:
    import pandas as pd

LABELS = {
    "employed": ("in work at the start of the step", POINT),
    "unemployed": ("unemployed at the start of the step, by the occupation last held", POINT),
    "long_term_unemployed": ("unemployed with the steps completed that make a spell long", POINT),
    "vacancies": ("open posts at the start of the step", POINT),
    "target_demand": ("posts, filled and open, that demand moves towards", POINT),
    "separations": ("separations in the step", SUM),
    "openings": ("vacancies opened in the step", SUM),
    "hires": ("vacancies filled in the step", SUM),
    "left_unemployment": ("unemployed who found work in the step, by the occupation last held", SUM),
}
RATES: dict[str, Ratio] = {
    "unemployment_rate": Ratio("unemployed over labour force", "share", ("unemployed",), FORCE),
    "long_term_unemployment_rate": Ratio(
        "unemployed for long over labour force", "share", ("long_term_unemployed",), FORCE
    ),
    "vacancy_rate": Ratio(
        "open posts over posts filled and open", "share", ("vacancies",), ("vacancies", "employed")
    ),
    "job_finding_rate": Ratio(
        "unemployed who find work in a step", "share a step", ("left_unemployment",), ("unemployed",)
    ),
}


@dataclass(frozen=True, eq=False)
class NetworkRun:
    """What one replicate leaves: stocks and flows in agents by step and occupation (steps, n)."""

    scenario: Scenario
    replicate: int
    sums: dict[str, np.ndarray]
    agents: int
    seconds: float
    cpu_seconds: float
    residuals: dict[str, float] = field(default_factory=dict)
    headcount: dict[str, float] = field(default_factory=dict)

    @property
    def worker_months(self) -> int:
        """Agents times steps."""
        return self.agents * len(self.sums["employed"])


def simulate_network(
    scenario: Scenario, replicate: int = 0, on_step: Callable[[int], None] | None = None
) -> NetworkRun:
    """Run one replicate. Raises InputError when the economy is no network, or its tables hold a mistake."""
    started, cpu = time.perf_counter(), time.process_time()
    model = MobilityMarket(scenario, replicate).run(on_step)
    spent = time.perf_counter() - started, time.process_time() - cpu
    return NetworkRun(scenario, replicate, model.stocks | model.flows, model.workers.event.size, *spent)


def simulate_networks(scenario: Scenario, jobs: int = 1, progress: bool = False) -> list[NetworkRun]:
    """Every replicate, in up to `jobs` processes; the numbers do not depend on it."""
    calls = [(scenario, r) for r in range(scenario.run.replicates)]
    if jobs > 1 and len(calls) > 1:
        with bar(len(calls), "replicates", progress) as tick:
            return side_by_side(simulate_network, calls, jobs, tick)
    steps = network_of(load_economy(scenario.run.economy)).steps(scenario)
    with bar(len(calls) * steps, "steps", progress) as tick:
        return [simulate_network(*call, lambda _: tick(1)) for call in calls]


def build_tree(runs: Sequence[NetworkRun]) -> xr.DataTree:
    """The tree of a scenario's replicates: `/market` totals, `/occupations`, `/mean_field`; dims scenario, replicate,
    step, occupation."""
    scenario, scale = runs[0].scenario, runs[0].scenario.run.scale
    economy = load_economy(scenario.run.economy)
    network, names = network_of(economy), (*STOCKS, *FLOWS)
    sums = {
        name: np.array([[run.sums[name] for run in runs]]) * scale
        for name in names
        if name != "target_demand"
    }
    steps = runs[0].sums["employed"].shape[0]
    mean = {name: x[None] for name, x in solve(network, scenario.network, steps).items()}
    coords = {
        "scenario": [scenario.name],
        "replicate": [run.replicate for run in runs],
        "step": xr.Variable(
            "step", np.arange(steps), {"long_name": "step", "units": f"{network.weeks:g} weeks"}
        ),
    }
    places = {"occupation": network.ids, "occupation_label": ("occupation", network.labels)}
    lead, by = ("scenario", "replicate", "step"), "occupation"
    total = {name: _var(lead, x.sum(axis=-1), name) for name, x in sums.items()}
    each = {name: _var((*lead, by), x, name) for name, x in sums.items()}
    field_ = {name: _var(("scenario", "step"), x.sum(axis=-1), name) for name, x in mean.items()}
    field_ |= {f"{name}_by_occupation": _var(("scenario", "step", by), x, name) for name, x in mean.items()}
    whole = {name: c for name, c in coords.items() if name != "replicate"}
    tree = xr.DataTree.from_dict(
        {
            "market": xr.Dataset(total, coords),
            "occupations": xr.Dataset(each, coords | places),
            "mean_field": xr.Dataset(field_, whole | places),
        }
    )
    tree.attrs = _root(scenario, network, economy.name, economy.digest)
    return tree


def _var(dims: tuple[str, ...], values: np.ndarray, name: str) -> xr.Variable:
    label, method = LABELS[name]
    attrs = {"long_name": label, "units": "persons", "cell_methods": method.replace("month", "step")}
    return xr.Variable(dims, values, attrs)


def _root(scenario: Scenario, network: Network, name: str, digest: str) -> dict[str, Any]:
    from sim import __version__
    from sim.kernels import source_digest

    rest = rest_point(network.rates, network.long_term)
    return {
        "title": scenario.title or scenario.name,
        "conventions": "counts are persons (agents times scale)",
        "model": f"LaborShift {__version__}",
        "seed": scenario.run.seed,
        "scale": scenario.run.scale,
        "economy": name,
        "economy_sha256": digest,
        "kernels_sha256": source_digest(),
        "scenario_sha256": json.dumps({scenario.name: scenario.digest(digest)}),
        "scenario_toml": json.dumps({scenario.name: scenario.resolved_toml()}, ensure_ascii=False),
        "versions": json.dumps(versions()),
        "shock": scenario.network.shock,
        "period": scenario.network.period,
        "weeks": network.weeks,
        **{f"rest_{key}": value for key, value in rest._asdict().items()},
    }


class NetworkResults(Results):
    """A scenario on a network by replicates by steps; `market`, `occupations` and `mean_field` with rates on top."""

    groups: ClassVar[tuple[str, ...]] = ("market", "occupations", "mean_field")

    @classmethod
    def from_runs(cls, runs: Sequence[Any]) -> NetworkResults:
        """From one NetworkRun for every replicate of one scenario."""
        return cls(build_tree(runs))

    @cached_property
    def market(self) -> Group:
        """Totals by step; `unemployment_rate`, `vacancy_rate`, `job_finding_rate`, ..."""
        return self._group("market")

    @cached_property
    def occupations(self) -> Group:
        """The same by occupation."""
        return self._group("occupations")

    @cached_property
    def mean_field(self) -> Group:
        """The mean field of the same equations: totals, and `..._by_occupation`."""
        return self._group("mean_field")

    def _group(self, name: str, **derived: Callable[[], xr.DataArray]) -> Group:
        return Group(name, self.tree[name].to_dataset(), derived, RATES)

    @property
    def steps(self) -> int:
        """Number of steps."""
        return int(self.market.sums.sizes["step"])

    @property
    def rest(self) -> RestPoint:
        """The closed-form rest point (`sim.meanfield.rest_point`)."""
        return RestPoint(*(float(self.tree.attrs[f"rest_{name}"]) for name in RestPoint._fields))

    def windows(self) -> dict[str, slice]:
        """What the outcomes are averaged over: the steps of the last year, and the second half of the run."""
        year = round(WEEKS_A_YEAR / float(self.tree.attrs["weeks"])) or 1
        return {
            "last year": slice(max(0, self.steps - year), None),
            "second half": slice(self.steps // 2, None),
        }

    def loop_area(self) -> np.ndarray:
        """Area that (u, v) encloses over the last period of a cycle, by replicate, shares squared: positive when it is
        gone round counter-clockwise. ValueError when the run is shorter than a period."""
        period = round(float(self.tree.attrs["period"]))
        if self.steps < period:
            raise ValueError(f"{self.steps} steps are less than a period of {period}")
        u, v = (self.market[n].values[0, :, -period:] for n in ("unemployment_rate", "vacancy_rate"))
        return np.asarray(0.5 * (u * np.roll(v, -1, axis=1) - np.roll(u, -1, axis=1) * v).sum(axis=1))

    def summary(self) -> pd.DataFrame:
        """Outcomes with intervals: all, the mean field, the difference from it, the rest point, by occupation."""
        import pandas as pd

        return pd.DataFrame(list(self._rows()), columns=list(COLUMNS))

    def draw(self, folder: Path) -> list[Path]:
        """The Beveridge curve and unemployment by step, as PNG and SVG."""
        from sim.drawing import save
        from sim.network_figures import beveridge

        return save(beveridge(self), folder, "beveridge")

    def _rows(self) -> Iterator[Row]:
        name = self.scenarios[0]

        def row(outcome: str, dimension: str, category: str, ends: Sequence[Any], unit: str) -> Row:
            mean, low, high = (float(end) for end in ends)
            return (name, outcome, dimension, category, None, mean, low, high, unit, np.nan, np.nan, np.nan)

        def alone(value: float) -> tuple[float, float, float]:
            return value, np.nan, np.nan

        for outcome, ratio in RATES.items():
            for window, steps in self.windows().items():
                top, bottom = (x.isel(step=steps).sum("step") for x in ratio.parts(self.market.sums))
                mine = (top / bottom).values[0]
                top, bottom = (x.isel(step=steps).sum("step") for x in ratio.parts(self.mean_field.sums))
                limit = float((top / bottom).values[0])
                yield row(outcome, "all", window, mean_interval(mine), ratio.units)
                yield row(outcome, "mean_field", window, alone(limit), ratio.units)
                yield row(outcome, "mean_field_difference", window, mean_interval(mine - limit), ratio.units)
            yield row(outcome, "rest_point", "", alone(getattr(self.rest, outcome)), ratio.units)
        if self.tree.attrs["shock"] == "cycle" and self.steps >= float(self.tree.attrs["period"]):
            unit = "share squared, positive: counter-clockwise"
            yield row("beveridge_area", "all", "last period", mean_interval(self.loop_area()), unit)
        part = self.occupations.sums.isel(step=self.windows()["last year"], scenario=0)
        codes = [str(code) for code in part["occupation"].values]
        for outcome, ratio in RATES.items():
            upper, lower = (x.sum("step").transpose("occupation", ...).values for x in ratio.parts(part))
            for code, a, b in zip(codes, upper, lower, strict=True):
                ends = mean_interval(a / b) if (b > 0).all() else alone(np.nan)
                yield row(outcome, "occupation", code, ends, ratio.units)
        vacancies = part["vacancies"].mean("step").transpose("occupation", ...).values
        for code, x in zip(codes, vacancies, strict=True):
            yield row("vacancies", "occupation", code, mean_interval(x), "persons")


def print_network(results: NetworkResults, folder: Path) -> None:
    """The outcomes beside the mean field and the closed-form rest point; then where the files are."""
    import sys

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    found, attrs = results.summary(), results.attrs
    many = f"{results.replicates} replicate{'s' if results.replicates > 1 else ''}"
    title = f"{results.scenarios[0]}: {attrs['economy']}, shock {attrs['shock']}, {results.steps} steps of "
    out = Table(
        title=Text(f"{title}{float(attrs['weeks']):g} weeks, scale {results.scale}, {many}"),
        title_justify="left",
    )
    for column in (
        "outcome",
        "averaged over",
        "agents",
        "90% interval",
        "mean field",
        "difference",
        "rest point",
    ):
        out.add_column(column, justify="left" if column in ("outcome", "averaged over") else "right")
    for outcome, ratio in RATES.items():
        for window in results.windows():
            rows = [
                pick(found, outcome=outcome, dimension=d, category=window)
                for d in ("all", "mean_field", "mean_field_difference")
            ]
            ends = [rows[0][end] for end in ("low", "high")]
            interval = "" if np.isnan(ends[0]) else f"{ends[0]:.3%} to {ends[1]:.3%}"
            means = [f"{r['mean']:.3%}" for r in rows]
            rest = f"{getattr(results.rest, outcome):.3%}"
            out.add_row(ratio.label, window, means[0], interval, means[1], means[2], rest)
    area = found[found["outcome"] == "beveridge_area"]
    out.caption = "the rest point is that of a network whose vacancies all have the same number of applicants"
    if len(area):
        turns = "counter-clockwise" if area["mean"].iloc[0] > 0 else "clockwise"
        out.caption += f"; the Beveridge curve turns {turns} (area {area['mean'].iloc[0]:.3g})"
    console = Console() if sys.stdout.isatty() else Console(width=150)
    console.print(out)
    console.print(Text(f"results: {folder}"), soft_wrap=True)


__all__ = [
    "NetworkResults",
    "NetworkRun",
    "build_tree",
    "print_network",
    "simulate_network",
    "simulate_networks",
]
