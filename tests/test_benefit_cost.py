"""Incomes of participants and others, what a trainee costs, and how a comparison is valued."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sim
from sim.errors import InputError
from sim.evaluation import compare as comparing
from sim.evaluation import fiscal
from sim.evaluation.comparison import Effects
from sim.scenario import Scenario, load
from sim.summary import to_json

RUN = ["run.scale=1000", "run.months=18", "run.replicates=2"]
LAST = fiscal.PRESENT_VALUE


@pytest.fixture(scope="module")
def effects() -> Effects:
    """The baseline, which trains too, against twice the plan's money."""
    return sim.compare(load("baseline", overrides=RUN), load("double", overrides=RUN))


def told(frame: pd.DataFrame, outcome: str, **equal: str) -> float:
    found = frame[frame.outcome == outcome]
    for column, value in equal.items():
        found = found[found[column] == value]
    assert len(found) == 1, (outcome, equal)
    return float(found["mean"].iloc[0])


# -- persons' incomes --------------------------------------------------------------------------------------


def test_incomes_of_persons_are_those_of_the_books_to_the_won(effects: Effects) -> None:
    incomes = effects.paired.incomes.sum("side")
    everyone = incomes.sel(group="all:all")
    lines = fiscal.lines(effects)
    for line, item in fiscal.PERSONS.items():
        assert np.array_equal(lines[line].values, everyone.sel(income=item).values), line
        assert lines[line].values.any(), line
    for dimension in ("stage", "age", "sex", "education", "region"):
        parts = incomes.isel(group=np.flatnonzero(incomes.dimension.values == dimension)).sum("group")
        assert np.array_equal(parts.values, everyone.values), dimension


def test_participants_and_others_are_all_workers(effects: Effects) -> None:
    table = effects.viewpoints()
    for line in (*fiscal.VIEWPOINTS["workers"], "gain"):
        parts = [told(table, f"{who}: {line}") for who in ("participants", "others")]
        assert sum(parts) == pytest.approx(told(table, f"workers: {line}"), abs=1.0), line
    sides = ("participants", "others", "budget", "employers")
    whole = sum(told(table, f"{who}: gain") for who in sides) + told(table, "society: deadweight of taxation")
    assert whole == pytest.approx(told(table, "society: gain"), abs=1.0)
    trained = effects.accounts.trained.sel(group="all:all")
    assert trained.any() and told(table, "participants: allowances") > 0.0


def test_an_allowance_that_changes_nothing_else_is_worth_what_it_costs() -> None:
    """Applications that do not answer to allowances (elasticity 0): only the allowances differ between the runs."""
    still = [*RUN, "world.allowance_elasticity=0.0"]
    base = load("baseline", overrides=still)
    more = [
        "policy.programmes.kdt.allowance_capital=1_000_000",
        "policy.programmes.kdt.allowance_noncapital=1_000_000",
    ]
    paid = load("baseline", overrides=[*still, *more]).model_copy(update={"name": "paid"})
    found = sim.compare(base, paid)
    lines = fiscal.lines(found)
    allowances = lines.allowances.values
    assert (allowances > 0).all()
    assert not lines.drop_vars("allowances").to_array().values.any()
    table = found.viewpoints(rate=0.0)
    assert told(table, fiscal.MVPF) == pytest.approx(1.0, abs=1e-12)
    assert told(table, f"{fiscal.CASH}: {fiscal.MVPF}") == pytest.approx(1.0, abs=1e-12)
    assert told(table, "workers: gain") == pytest.approx(allowances.sum(axis=-1).mean())
    assert told(table, "society: gain") == 0.0
    assert told(found.viewpoints(rate=0.0, deadweight=0.25), "society: gain") == pytest.approx(
        -0.25 * allowances.sum(axis=-1).mean()
    )


def test_cash_of_the_same_cost_divides_it_among_the_trained(effects: Effects) -> None:
    table = effects.viewpoints()
    cost = -told(table, "budget: gain")
    persons = float(effects.accounts.trained.sel(group="all:all").isel(horizon=-1).mean())
    assert told(table, f"{fiscal.CASH}: won a person trained") == pytest.approx(cost / persons)
    assert told(table, f"{fiscal.CASH}: jobs") == 0.0


# -- what a trainee costs ----------------------------------------------------------------------------------


def test_a_trainee_costs_the_outlays_over_those_who_enrol(effects: Effects) -> None:
    table = effects.cost_effectiveness()
    books = effects.results.programmes.sums
    outlays = (books.course + books.fixed + books.allowance).sum("year")
    enrolled = books.enrolled.sum("month")
    for scenario in effects.results.scenarios:
        whole = outlays.sel(scenario=scenario).sum() / enrolled.sel(scenario=scenario).sum()
        assert told(table, "won per trainee", scenario=scenario, category="all") == pytest.approx(
            float(whole)
        )
    # a course of one price, no fixed cost and no allowance
    price = told(table, "won per trainee", scenario="double", category="remote-ai")
    assert price == pytest.approx(250_000.0)
    ladder = [
        told(table, f"won per {what}", scenario="double", category="all") for what in ("trainee", "completer")
    ]
    assert ladder[0] < ladder[1] < told(table, "won per placement", scenario="double", category="all")


def test_fewer_complete_than_begin_and_fewer_are_placed(effects: Effects) -> None:
    costs = effects.cost().set_index("outcome")["mean"]
    steps = ("course begun", "course completed", "placement, 6 months after completion")
    begun, completed, placed = (costs[f"won per additional {step}"] for step in steps)
    assert 0.0 < begun < completed < placed


def test_where_nothing_changes_nothing_is_spent() -> None:
    base = load("no-training", overrides=[*RUN, "run.months=2"])
    found = sim.compare(base, base.model_copy(update={"name": "same"}))
    per = found.cost()
    per = per[per.outcome.str.startswith("won per")]
    assert per["mean"].isna().all()
    assert {unit.removesuffix(" (won)") for unit in per.unit} <= {"no additional spending"}


# -- employers ---------------------------------------------------------------------------------------------


def test_employers_by_size_and_industry_are_all_employers(effects: Effects) -> None:
    market, cells = effects.results.market.sums, effects.results.employers.sums
    for name in ("adopters", "open_employers"):
        assert np.array_equal(cells[name].sum(("size", "industry")).values, market[name].values)
    found = {by: effects.productivity(by) for by in ("size", "industry")}
    for by, table in found.items():
        assert set(table.dimension) == {by}
        assert {"output", "output_per_worker_fixed", "hours_saved_per_worker"} <= set(table.outcome)
    with pytest.raises(InputError, match="size, industry"):
        effects.productivity("sex")


# -- how a comparison is valued ----------------------------------------------------------------------------


def valued(name: str, **settings: object) -> Scenario:
    return load(name, overrides=[*RUN, *(f"evaluation.{key}={value}" for key, value in settings.items())])


def test_valuation_moves_no_run(tmp_path: Path) -> None:
    plain, dear = valued("roadmap"), valued("roadmap", discount_rate=0.02, deadweight_of_taxation=0.3)
    assert plain.digest("") == dear.digest("")
    base = valued("baseline")
    assert comparing.folder_of([base, plain], tmp_path) != comparing.folder_of([base, dear], tmp_path)
    (tmp_path / "again.toml").write_text(dear.resolved_toml(), encoding="utf-8")
    assert load(tmp_path / "again.toml").evaluation == dear.evaluation


def test_rate_horizon_and_deadweight_are_those_of_the_scenario(effects: Effects) -> None:
    other = sim.compare(
        valued("baseline"), valued("double", discount_rate=0.0, horizon_months=12, deadweight_of_taxation=0.5)
    )
    by_hand = fiscal.lines(effects).isel(year=0, scenario=0)
    table = other.viewpoints()
    for line in fiscal.VIEWPOINTS["workers"]:
        sign = fiscal.VIEWPOINTS["workers"][line]
        assert told(table, f"workers: {line}") == pytest.approx(sign * float(by_hand[line].mean()))
    lost = told(table, "society: deadweight of taxation")
    assert lost == pytest.approx(0.5 * told(table, "budget: gain"))
    assert fiscal.lines(other).sizes["year"] == 1


@pytest.mark.parametrize(
    ("mine", "theirs", "key"),
    [
        ({"horizon_months": 13}, {}, "evaluation.horizon_months"),
        ({"discount_rate": 0.02}, {"discount_rate": 0.03}, "evaluation.discount_rate"),
    ],
)
def test_valuations_that_cannot_be_are_refused(mine: dict, theirs: dict, key: str) -> None:
    with pytest.raises(InputError, match=key):
        comparing.require_pairable([valued("baseline", **theirs), valued("roadmap", **mine)])
    with pytest.raises(InputError, match="discount_rat"):
        valued("baseline", discount_rat=0.02)
    with pytest.raises(InputError, match="deadweight_of_taxation"):
        valued("baseline", deadweight_of_taxation=-0.1)


def test_infinite_values_are_valid_json() -> None:
    table = pd.DataFrame(
        {"horizon_months": pd.array([12], dtype="Int64"), "mean": [np.inf], "unit": [fiscal.PAYS]}
    )
    assert json.loads(to_json(table))[0]["mean"] is None
