"""The occupational-mobility limit: with everything else off, the model must be the published one of del Rio-Chanona et
al. (2021), on the network that ships. Closed form, mean field, agents, and the way round of the Beveridge curve."""

from __future__ import annotations

import math

import numpy as np

from sim.meanfield import rest_point, solve
from sim.network_results import RATES, NetworkResults, simulate_networks
from sim.network_tables import Rates, network_of
from sim.scenario import Scenario, load
from sim.validation.rows import Row, status_of

SCENARIO = "validation/occupational-mobility"
SOURCE = "del Rio-Chanona et al. 2021, J. R. Soc. Interface 18, 20200898"
PAPER = Rates(0.016, 0.012, 0.16, 0.16, 0.5503)
PUBLISHED = {
    # closed-form rest point at the rates of the paper (docs/occupational-mobility.md)
    "unemployment_rate": ("Unemployment rate at rest", "정상상태 실업률", 0.041065726),
    "vacancy_rate": ("Vacancy rate at rest", "정상상태 빈일자리율", 0.017219021),
    "job_finding_rate": ("Job finding a step at rest", "정상상태 구직 성공률", 0.3736195),
    "long_term_unemployment_rate": ("Long-term unemployed at rest", "정상상태 장기실업률", 0.010092392),
}
BURN_IN, WINDOWS, SPREAD = (
    100,
    8,
    5.0,
)  # steps; windows longer than the run's memory; t of 7 degrees, 1 in 600
DIGITS = 2e-6  # of the closed form as printed, and of the mean field against it
WHOLE = 2e-5  # agents are whole: a vacancy or none

__all__ = ["rows"]


def rows(fast: bool = False, jobs: int = 1, progress: bool = False, scale: int | None = None) -> list[Row]:
    """Rows of group `limit`. scale: persons per agent, instead of 10 (100 when fast)."""
    scale, jobs = scale or (100 if fast else 10), 1 if fast else jobs  # a process takes longer to be ready
    still = load(SCENARIO).with_run(scale=scale, steps=400, replicates=2 if fast else 4)
    found = [*_closed_form(), *_mean_field(still), *_agents(still, jobs, progress)]
    return [*found, _loop(scale, jobs, progress)]


def _row(id: str, label: str, label_ko: str, value: float, target: float, reach: float, note: str) -> Row:
    low, high = target - reach, target + reach
    return Row(
        id=id,
        group="limit",
        label=label,
        label_ko=label_ko,
        unit="share",
        value=value,
        error=None,
        published=target,
        low=low,
        high=high,
        status=status_of(value, 0.0, low, high),
        source=SOURCE,
        note=note,
    )


def _closed_form() -> list[Row]:
    """The rest point solved for the rates of the paper against the digits published."""
    rest = rest_point(PAPER)
    return [
        _row(
            f"closed_form_{name}",
            f"{label}, closed form",
            f"{ko}, 닫힌 해",
            getattr(rest, name),
            published,
            DIGITS,
            "solved by bisection",
        )
        for name, (label, ko, published) in PUBLISHED.items()
    ]


def _mean_field(scenario: Scenario) -> list[Row]:
    """The mean field of the network that ships, after 1,500 steps, against the closed form."""
    from sim.economy import load as load_economy

    network = network_of(load_economy(scenario.run.economy))
    end = {name: x[-1].sum() for name, x in solve(network, scenario.network, 1500).items()}
    rest = rest_point(network.rates, network.long_term)
    return [
        _row(
            f"mean_field_{name}",
            f"{label}, mean field",
            f"{ko}, 평균장",
            sum(end[x] for x in RATES[name].numerator) / sum(end[x] for x in RATES[name].denominator),
            getattr(rest, name),
            DIGITS,
            "expected flows on the synthetic network that ships; balanced, so the closed form is exact",
        )
        for name, (label, ko, _) in PUBLISHED.items()
    ]


def _agents(scenario: Scenario, jobs: int, progress: bool) -> list[Row]:
    """Agents against the closed form: within their own sampling error, taken from windows of the run."""
    results = NetworkResults.from_runs(simulate_networks(scenario, jobs, progress))
    out = []
    for name, (label, ko, _) in PUBLISHED.items():
        top, bottom = (x.values[0, :, BURN_IN:] for x in RATES[name].parts(results.market.sums))
        parts = [
            (t.sum(axis=1) / b.sum(axis=1))
            for t, b in zip(
                np.array_split(top, WINDOWS, axis=1), np.array_split(bottom, WINDOWS, axis=1), strict=True
            )
        ]
        means = np.array(parts).ravel()  # windows and replicates
        value, error = float(means.mean()), float(means.std(ddof=1) / math.sqrt(means.size))
        target, reach = getattr(results.rest, name), SPREAD * error + WHOLE
        note = f"agents of {scenario.run.scale} persons, {results.replicates} replicates; range: {SPREAD:g} errors"
        row = _row(f"agents_{name}", f"{label}, agents", f"{ko}, 행위자", value, target, reach, note)
        out.append(row._replace(error=error))
    return out


def _loop(scale: int, jobs: int, progress: bool) -> Row:
    """Under a business cycle the Beveridge curve is gone round counter-clockwise."""
    cycle = load(SCENARIO, overrides=["network.shock='cycle'"])
    cycle = cycle.with_run(scale=max(scale, 100), steps=400, replicates=2)
    areas = NetworkResults.from_runs(simulate_networks(cycle, jobs, progress)).loop_area()
    value, error = float(areas.mean()), float(areas.std(ddof=1) / math.sqrt(areas.size))
    return Row(
        id="beveridge_loop",
        group="limit",
        label="Beveridge curve under a cycle: area gone round",
        label_ko="경기순환의 베버리지 곡선 면적",
        unit="share squared, counter-clockwise above 0",
        value=value,
        error=error,
        published=None,
        low=0.0,
        high=None,
        status=status_of(value, error, 0.0),
        source=SOURCE,
        note="the paper's loop is counter-clockwise; its area is not published",
    )
