"""The baseline without AI and without training holds the stocks and flows of 2025 (economy table `targets`)."""

from __future__ import annotations

import numpy as np
import pytest

from sim.economy import load as load_economy
from sim.estimation.moments import moments
from sim.estimation.targets import load as load_targets
from sim.model import LaborMarket
from sim.record import FLOWS
from sim.scenario import load

BANDS = ("15-29", "30-39", "40-49", "50-59", "60+")
SEED = 90_210  # not the seed the starting values were solved with
WITHIN = 0.10
MAJORS = (1, 2, 3, 4, 5, 7, 8, 9)  # groups with published pay


@pytest.fixture(scope="module")
def measured() -> dict[str, float]:
    """Means over the last twelve of 24 months, two replicates, one agent for 100 persons."""
    scenario = load("no-training", overrides=["world.adoption_frozen=true"]).with_run(
        scale=100, months=24, replicates=2, seed=SEED
    )
    rows = [_moments(LaborMarket(scenario, replicate).run()) for replicate in range(2)]
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _moments(model: LaborMarket) -> dict[str, float]:
    scale, record = model.scenario.run.scale, model.record
    people = (
        record.layout.block(record.sums, "people").sum(axis=(1, 3, 4))[-12:].mean(axis=0) * scale
    )  # age, state
    moves = (
        record.layout.block(record.sums, "moves").sum(axis=1)[-12:, 1:].astype(float).sum(axis=0)
    )  # before, after
    share = moves / moves.sum(axis=1, keepdims=True)
    flows = {name: record.flows[-12:, n].mean() * scale for n, name in enumerate(FLOWS)}
    out = {
        "unemployed": people[:, 1].sum(),
        "vacancies": flows["vacancies"],
        "hires": flows["hires"],
        "job_to_job": flows["job_to_job"] / people[:, 0].sum(),
    }
    out |= {f"employment_rate_{band}": people[b, 0] / people[b].sum() for b, band in enumerate(BANDS)}
    names = "eun"
    out |= {f"flow_{names[a]}{names[b]}": share[a, b] for a in range(3) for b in range(3) if a != b}
    found = moments(model)
    return out | {name: found[name] for name in (f"wage_major_{m}" for m in MAJORS)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment",
    [
        "unemployed",
        "vacancies",
        *(f"employment_rate_{band}" for band in BANDS),
    ],
)
def test_baseline_holds(measured: dict[str, float], moment: str) -> None:
    target = {t.id: t.value for t in load_economy("korea").targets}[moment]
    assert measured[moment] == pytest.approx(target, rel=WITHIN)


@pytest.mark.slow
@pytest.mark.parametrize("flow", ["eu", "en", "ue", "un", "ne", "nu"])
def test_flows_are_as_published(measured: dict[str, float], flow: str) -> None:
    """Within the range of what is published, which is wider than a tenth: estimates of the flows differ by more."""
    low, high = load_targets()[f"flow_{flow}"].interval
    assert low <= measured[f"flow_{flow}"] <= high


@pytest.mark.slow
def test_hires_are_a_flow_and_vacancies_a_stock(measured: dict[str, float]) -> None:
    """Some 1.4 million hires a month stand against 0.14 million vacancies at its end."""
    assert 5 * measured["vacancies"] < measured["hires"] < 20 * measured["vacancies"]


@pytest.mark.slow
@pytest.mark.parametrize("major", MAJORS)
def test_pay_of_major_groups_holds(measured: dict[str, float], major: int) -> None:
    """After the spin-up and two years, in which people move to better pay and the minimum wage lifts the lowest."""
    low, high = load_targets()[f"wage_major_{major}"].interval
    assert low < measured[f"wage_major_{major}"] < high


@pytest.mark.slow
def test_finer_agents_find_the_same_market() -> None:
    """At one agent for 20 persons the boards of vacancies do not overflow, and the market is that of coarser scales:
    within what chance leaves at the coarser one. (Boards without slack lost more vacancies the finer the scale.)"""
    found = {}
    for scale in (20, 200):
        model = LaborMarket(load("no-training").with_run(scale=scale, months=6)).run()
        flows = {name: float(model.record.flows[:, n].mean()) * scale for n, name in enumerate(FLOWS)}
        people = model.record.layout.block(model.record.sums, "people")[-1].sum(axis=(0, 1, 2, 3)) * scale
        found[scale] = {**flows, "employed": people[0], "unemployed": people[1]}
        assert flows["unadvertised"] < 0.005 * flows["openings"]
    for name, within in (
        ("employed", 0.005),
        ("unemployed", 0.06),
        ("hires", 0.03),
        ("job_to_job", 0.03),
        ("vacancies", 0.2),
    ):
        assert found[20][name] == pytest.approx(found[200][name], rel=within), name
