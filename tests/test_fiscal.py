"""The public balance, viewpoints and the marginal value of public funds: sums that hold to the won."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

import sim
from sim.evaluation import fiscal
from sim.evaluation.comparison import Effects
from sim.scenario import load

RUN = {"scale": 1000, "months": 18, "replicates": 2}


@pytest.fixture(scope="module")
def effects() -> Effects:
    return sim.compare("baseline", "double", **RUN)


def values(frame, outcome: str, category: str = fiscal.PRESENT_VALUE) -> float:
    row = frame[(frame.outcome == outcome) & (frame.category == category)]
    assert len(row) == 1, outcome
    return float(row["mean"].iloc[0])


def test_what_one_pays_another_receives(effects: Effects) -> None:
    """Transfers cancel: workers, budget and employers together gain output less what training uses."""
    now = fiscal.present(fiscal.lines(effects), 0.045)
    table = effects.viewpoints()
    parts = sum(values(table, f"{who}: gain") for who in fiscal.VIEWPOINTS)
    used = now["courses"] + now["fixed cost"] + now["self-payments"]
    whole = float((now["output"] - used).mean())
    assert parts == pytest.approx(whole, abs=1e3) and values(table, "society: gain") == pytest.approx(
        whole, abs=1e3
    )
    cost = values(effects.fiscal(), "public balance: net fiscal cost")
    assert values(table, "budget: gain") == pytest.approx(-cost, abs=1e3)


def test_the_balance_adds_up_over_years_and_lines(effects: Effects) -> None:
    """Without discounting, years add up to the whole; outlays less receipts are the net cost; as `cost` says."""
    table = effects.fiscal(rate=0.0)
    years = [str(y) for y in fiscal.lines(effects).year.values]
    for line in (*fiscal.OUTLAYS, *fiscal.RECEIPTS, "net fiscal cost"):
        by_year = sum(values(table, f"public balance: {line}", year) for year in years)
        assert by_year == pytest.approx(values(table, f"public balance: {line}"), abs=1.0), line
    whole = sum(values(table, f"public balance: {line}") for line in fiscal.OUTLAYS)
    whole -= sum(values(table, f"public balance: {line}") for line in fiscal.RECEIPTS)
    assert whole == pytest.approx(values(table, "public balance: net fiscal cost"), abs=1.0)
    costs = effects.cost().set_index("outcome")["mean"]
    assert costs["additional net cost"] == pytest.approx(whole, abs=1.0)
    assert values(table, "public balance: courses") > 0.0


def test_later_years_count_less(effects: Effects) -> None:
    courses = [values(effects.fiscal(rate=r), "public balance: courses") for r in (0.0, 0.045, 0.2)]
    assert courses[0] > courses[1] > courses[2] > 0.0
    with pytest.raises(ValueError, match="discount rate"):
        effects.fiscal(rate=-0.01)


def test_raising_taxes_costs_what_it_is_said_to(effects: Effects) -> None:
    free, dear = (effects.viewpoints(deadweight=x) for x in (0.0, 0.3))
    lost = values(dear, "society: gain") - values(free, "society: gain")
    assert lost == pytest.approx(0.3 * values(free, "budget: gain"), rel=1e-9)
    assert values(free, "workers: gain") == values(dear, "workers: gain")


def test_a_copy_changes_nothing_and_costs_nothing() -> None:
    base = load("baseline")
    copy = base.model_copy(update={"name": "copy"})
    found = sim.compare(base, copy, scale=1000, months=12, replicates=2)
    gains = found.viewpoints()
    known = gains[~gains.outcome.str.contains("over|marginal|person trained")]
    assert (known["mean"] == 0.0).all() and (found.path()["mean"] == 0.0).all()
    (row,) = gains[gains.outcome == "marginal value of public funds"].to_dict("records")
    assert math.isnan(row["mean"]) and row["unit"].startswith("no additional cost")


class _Made:
    """As much of a comparison as the marginal value asks for."""

    def __init__(self) -> None:
        from sim.intervals import Design

        self.results = type("R", (), {"design": Design()})()
        self.horizons = [12]


@pytest.mark.parametrize(
    ("gain", "cost", "expected"),
    [
        ([60.0, 62.0, 58.0], [100.0, 101.0, 99.0], 0.6),
        ([60.0, 62.0, 58.0], [-5.0, -6.0, -4.0], math.inf),  # pays for itself
        ([60.0, 62.0, 58.0], [5.0, -6.0, 1.0], None),  # the cost cannot be told from zero
        (
            [-60.0, -62.0, -58.0],
            [-5.0, -6.0, -4.0],
            None,
        ),  # workers lose and the budget gains: no such number
        ([-60.0, -62.0, -58.0], [100.0, 101.0, 99.0], -0.6),
    ],
)
def test_the_marginal_value_of_public_funds_by_hand(gain, cost, expected) -> None:
    row = fiscal._mvpf(_Made(), "x", np.array(gain), np.array(cost))  # type: ignore[arg-type]
    mean, unit = float(row[5]), str(row[8])
    if expected is None:
        assert math.isnan(mean) and unit.endswith("(won a won)")
    else:
        assert mean == pytest.approx(expected)
        assert unit == ("infinite, pays for itself (won a won)" if math.isinf(expected) else "won a won")


def test_present_values_by_hand() -> None:
    won = xr.Dataset({"x": ("year", [100.0, 110.0, 121.0])}, coords={"year": [2026, 2027, 2028]})
    assert float(fiscal.present(won, 0.1)["x"]) == pytest.approx(300.0)


def test_published_values_name_their_source() -> None:
    rows = fiscal.published()
    assert len(rows) == 6 and all(row.source and -1.0 < row.mvpf < 2.0 for row in rows)
