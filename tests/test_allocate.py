"""Attribution, marginal returns and allocation: known answers on made-up economies, and one short run of the model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.errors import InputError
from sim.evaluation import allocate as allocating
from sim.evaluation import attribution as attributing
from sim.evaluation import marginal as at_the_margin
from sim.evaluation.allocate import DEFAULT, QUICK, Effort, Envelope, best_split, effort, fresh_replicates
from sim.evaluation.attribution import Attribution, coalition, orders, players_of, prefixes, shapley
from sim.evaluation.marginal import binding, looks_at, needed_for, select
from sim.evaluation.optimise import Region, Surface, maximise, top
from sim.evaluation.variants import TOTALS, Variants, measured, records_of, score, with_horizon, with_money
from sim.intervals import Design
from sim.replicate import simulate
from sim.scenario import Scenario, load
from sim.uncertainty import draw_of

SHORT = ["run.scale=1000", "run.months=3", "run.replicates=2"]
YEAR = 2028  # a year of the plan, by which the made-up economies count money


def scenarios(*overrides: str) -> tuple[Scenario, Scenario]:
    return load("baseline", overrides=[*SHORT, *overrides]), load("roadmap", overrides=[*SHORT, *overrides])


class MadeUp:
    """An economy in place of the model: what a programme's money and places do to each measure is written here.

    effect(won by programme, in billions) gives net employment; every replicate and money path has noise of its own.
    """

    def __init__(self, effect: Any, noise: float = 0.0) -> None:
        self.effect, self.noise, self.asked = effect, noise, 0

    def __call__(
        self, tasks: Sequence[tuple[Scenario, int]], what: str = "", again: bool = False
    ) -> list[Any]:
        self.asked += len(tasks)
        return [self._one(scenario, replicate) for scenario, replicate in tasks]

    def _one(self, scenario: Scenario, replicate: int) -> dict[str, Any]:
        money = scenario.money(records_of(scenario))
        won = {id: sum(by_year.values()) / 1e9 for id, by_year in money.items()}
        chance = np.random.default_rng([replicate, int(1e3 * sum(k * w for k, w in enumerate(won.values())))])
        jobs = float(self.effect(won)) + self.noise * float(chance.normal())
        spent = sum(won.values()) * 1e9
        out = dict.fromkeys(TOTALS, 0.0) | {"employed_months": 1e6 + jobs, "furthest_months": 1e5 - jobs}
        out |= {
            "employed_last": 1e5 + jobs / 60,
            "output": 1e12 + 1e6 * jobs,
            "spent": spent,
            "net_cost": spent,
        }
        years = list(scenario.years)
        return out | {"years": years, "programmes": {}}


# ------------------------------------------------------------------------------------------------ attribution


def game(weights: Sequence[float], bonus: float) -> Any:
    """A game of players 0, 1, ...: weights add up, and any pair of the first two is worth a bonus."""

    def value(inside: frozenset[str]) -> np.ndarray:
        return np.array([sum(weights[int(p)] for p in inside) + bonus * ({"0", "1"} <= inside)])

    return value


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=7), st.floats(-1e3, 1e3), st.integers(0, 50))
@settings(max_examples=60, deadline=None)
def test_shapley_shares_add_up_and_respect_symmetry_and_additivity(
    weights: list[float], bonus: float, replicate: int
) -> None:
    players = [str(n) for n in range(len(weights))]
    every = orders(players, 1, replicate, pairs=3)
    found = shapley(game(weights, bonus), every)
    whole = game(weights, bonus)(frozenset(players)) - game(weights, bonus)(frozenset())
    assert np.isclose(sum(found.values()), whole, atol=1e-9)
    if len(players) <= 4:  # all orders: the two of the pair share its bonus
        assert np.isclose(found["0"][0] - weights[0], bonus / 2) and np.isclose(
            found["1"][0] - weights[1], bonus / 2
        )
    both = shapley(lambda s: game(weights, bonus)(s) + 3 * game(weights[::-1], -bonus)(s), every)
    other = shapley(game(weights[::-1], -bonus), every)
    assert all(np.isclose(both[p], found[p] + 3 * other[p], atol=1e-6) for p in players)


def test_a_player_that_adds_nothing_gets_exactly_zero() -> None:
    for number in (3, 6):
        players = [str(n) for n in range(number)]
        found = shapley(lambda s: np.array([7.0 * len(s - {"2"})]), orders(players, 4, 0))
        assert found["2"][0] == 0.0


def test_sampled_orders_come_with_their_reverses_and_differ_by_replicate() -> None:
    players = list("abcdefg")
    one, two = orders(players, 9, 0, pairs=5), orders(players, 9, 1, pairs=5)
    assert len(one) == 10 and all(sorted(order) == players for order in one)
    assert all(one[k + 1] == one[k][::-1] for k in range(0, 10, 2))
    assert one != two and one == orders(players, 9, 0, pairs=5)
    assert len(orders(players[:3], 9, 0)) == 6
    assert prefixes(("b", "a")) == [frozenset(), frozenset("b"), frozenset("ab")]


def test_attribution_of_a_made_up_economy_has_its_known_answer() -> None:
    base, plan = scenarios("run.months=36")

    def effect(won: dict[str, float]) -> float:
        return (
            2 * won["kdt-ai-campus"]
            + 5 * won["sme-package"]
            + 0.1 * won["kdt-ai-campus"] * won["sme-package"]
        )

    found = attributing.attribute(base, plan, "stage", MadeUp(effect))
    campus, package = 3 * 133.800088, 3 * 35.80003
    pair = 0.1 * campus * package
    assert np.allclose(found.whole[:, 0], 2 * campus + 5 * package + pair)
    assert np.allclose(found.shapley["entry"][:, 0], 2 * campus + pair / 2)
    assert np.allclose(found.alone["active"][:, 0], 5 * package)
    assert np.allclose(found.left_out["active"][:, 0], 5 * package + pair)
    assert (found.shapley["transition"][:, 0] == 0).all() and (found.alone["transition"][:, 0] == 0).all()
    table = found.frame().set_index(["outcome", "measure", "player"])["mean"]
    assert np.isclose(table["employed_months", "interaction", "all"], pair)
    spent = sum(found.shapley[p][:, 3] for p in found.players)
    assert np.allclose(spent, 3 * 254e9)  # all new money, whoever gets it
    by_one = attributing.attribute(base, plan, "programme", MadeUp(effect), pairs=2)
    assert by_one.orders == 4 and len(by_one.players) == 11
    assert np.allclose(sum(by_one.shapley.values())[:, 0], by_one.whole[:, 0])
    assert np.allclose(by_one.shapley["card-ai"][:, 0], 0.0, atol=1e-9)


def test_what_cannot_be_attributed_is_refused() -> None:
    base, plan = scenarios()
    with pytest.raises(InputError, match=r"world\.substitution"):
        players_of(base, load("roadmap", overrides=[*SHORT, "world.substitution=0.4"]))
    with pytest.raises(InputError, match="no effect to attribute"):
        players_of(base, base.model_copy(update={"name": "again"}))
    with pytest.raises(InputError, match="stage, programme"):
        players_of(base, plan, "province")


def test_coalitions_of_all_and_of_nobody_are_the_two_scenarios_bit_for_bit(tmp_path: Path) -> None:
    base, plan = scenarios("run.months=8")
    players = players_of(base, plan, "stage")
    every = [id for ids in players.values() for id in ids]
    assert measured(simulate(coalition(base, plan, every))) == measured(simulate(plan))
    assert measured(simulate(coalition(base, plan, []))) == measured(simulate(base))


def test_a_programme_without_money_moves_nothing_in_the_model() -> None:
    _, plan = scenarios("run.months=8")
    money = plan.money(records_of(plan))
    words = plan.policy.programmes | load("transition-first").policy.programmes
    for id in words:
        money[id] = dict.fromkeys(money[id], 0)
    alike = with_money(plan, money, {})
    assert measured(simulate(with_money(plan, money, words))) == measured(simulate(alike))


# ------------------------------------------------------------------------------------------- marginal returns


@pytest.mark.parametrize("ahead", [1e-6, 0.5])
def test_the_best_is_lost_no_more_often_than_said(ahead: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of simulated normals on common draws the stated 95% holds (binomial band of 400), also where two are next to
    equal, which is where errors are made; where the best is ahead by half a standard deviation, it is found."""
    monkeypatch.setattr(at_the_margin, "chances", lambda data, seed: {})
    means = {"b": ahead, "a": 0.0} | ({"c": 0.0, "d": -0.5} if ahead > 0.1 else {})
    names = list(means)
    wrong = sure = 0
    for trial in range(400):
        rng = np.random.default_rng([trial, 7])
        drawn = {name: means[name] + rng.normal(size=64) for name in names}
        common = rng.normal(size=64)

        def sample(
            asked: Sequence[str], rows: range, drawn: Any = drawn, common: Any = common
        ) -> dict[str, Any]:
            return {name: (drawn[name] + common)[rows.start : rows.stop] for name in asked}

        found = select(sample, names, first=8, most=64)
        sure += found.sure
        wrong += found.sure and found.best != "b"
    assert wrong <= 400 * 0.05 + 1.645 * (400 * 0.05 * 0.95) ** 0.5
    assert sure > 100 if ahead > 0.1 else wrong > 0


def test_probability_of_being_best_is_that_of_normal_means() -> None:
    rng = np.random.default_rng(11)
    shift, noise = 0.3, rng.normal(size=(2, 50))
    d = noise[0] - noise[1] + shift
    found = at_the_margin.chances({"a": noise[0] + shift, "b": noise[1]}, 5)
    assert found["a"] == pytest.approx(NormalDist().cdf(d.mean() / (d.std(ddof=1) / 50**0.5)), abs=0.01)
    assert sum(found.values()) == pytest.approx(1.0)


def test_ties_are_never_told_apart_and_clear_winners_at_once() -> None:
    ties = select(
        lambda names, rows: {n: np.zeros(len(rows)) for n in names}, ["a", "b", "c"], first=4, most=16
    )
    assert not ties.sure and ties.needed is None and ties.looks == (4, 8, 16)
    assert ties.chance == pytest.approx(dict.fromkeys("abc", 1 / 3))
    rng = np.random.default_rng(3)
    far = {"a": 10.0, "b": 0.0, "c": 0.0}
    clear = select(
        lambda names, rows: {n: far[n] + 0.1 * rng.normal(size=len(rows)) for n in names}, list(far), first=4
    )
    assert clear.sure and clear.best == "a" and clear.looks == (4,) and clear.chance["a"] > 0.999


def test_replicates_needed_by_the_normal_approximation() -> None:
    d = np.array([0.0, 2.0] * 50)  # mean 1, sd 1.005
    assert needed_for(d, 0.05) == np.ceil((1.6449 * d.std(ddof=1)) ** 2)
    assert needed_for(10 * d, 0.05) == needed_for(d, 0.05) and needed_for(d, 0.01) > needed_for(d, 0.05)
    assert needed_for(np.zeros(5), 0.05) == np.inf
    assert looks_at(8, 32) == [8, 16, 32] and looks_at(8, 20) == [8, 16, 20] and looks_at(5, 5) == [5]


def test_marginal_returns_of_a_made_up_economy() -> None:
    plan = with_horizon(load("roadmap", overrides=["run.scale=100", "run.months=60"]), 4)
    assert plan.run.months == 96 and plan.run.replicates == 5
    slope = {"kdt": 3.0, "card-ai": 7.0, "conversion": -1.0}

    def effect(won: dict[str, float]) -> float:
        return 1000 * sum(s * won[id] for id, s in slope.items())

    found = at_the_margin.marginal(plan, MadeUp(effect, noise=1.0), first=4, most=4)
    mean = {id: float(x.mean()) for id, x in found.effects["objective"].items()}
    assert found.ranking.sure and found.ranking.best == "card-ai"
    for id, s in slope.items():
        assert mean[id] == pytest.approx(1000 * s * 10, rel=0.02)  # of ten billion won
    cost = found.effects["net_cost"]["remote-ai"]
    assert np.allclose(cost, 10e9)
    row = found.frame().set_index(["programme", "measure"]).loc[("kdt", "net-employment")]
    assert row.low <= mean["kdt"] <= row.high and row.step_won >= 30 * 12_570_000 * 100


def test_what_binds_is_read_from_what_runs_record() -> None:
    plan = load("roadmap", overrides=SHORT)
    records = records_of(plan)

    def said(
        id: str, applied: int, enrolled: int, budget: int, course: int, money: bool | None = None
    ) -> str:
        one = {
            "applied": [applied],
            "enrolled": [enrolled],
            "budget": [budget],
            "course": [course],
            "fixed": [0],
        }
        return binding(
            records[id],
            [{"years": [YEAR], "programmes": {id: one}}],
            id,
            plan.with_run(months=36),
            [YEAR],
            money,
        )

    small = {"card-ai": 650_000, "polytechnic-midcareer": 2_700_000}["card-ai"]
    assert said("card-ai", 50_000, 50_000, 10**12, 50_000 * small) == "applicants"
    assert said("card-ai", 90_000, 50_000, 50_000 * small, 50_000 * small) == "money"
    assert said("card-ai", 90_000, 50_000, 10**12, 50_000 * small) == "instructors"
    assert said("card-ai", 90_000, 50_000, 10**12, 50_000 * small, money=True) == "money"
    assert said("joint-centres", 90_000, 7_680, 10**12, 7_680 * 510_000) == "seats"
    assert said("sme-package", 1_000, 1_000, 10**12, 308_000 * 1_000) == "employers"
    assert said("channel-midcareer-centres", 0, 0, 10**11, 0) == "throughput"


def test_where_applicants_bind_the_next_won_buys_exactly_nothing(tmp_path: Path) -> None:
    few = ["policy.programmes.card-ai.apply=1e-7", "policy.programmes.card-ai.seats=5_000_000"]
    plan = load("roadmap", overrides=["run.scale=1000", "run.months=10", "run.replicates=1", *few])
    records = records_of(plan)
    same = with_money(plan, plan.money(records))
    with Variants(tmp_path / "kept") as evaluate:
        more = at_the_margin.shifted(plan, "card-ai", 200_000_000_000, [2026])
        one, two = evaluate([(same, 0), (more, 0)])
    assert {k: one[k] for k in TOTALS} == {k: two[k] for k in TOTALS}
    assert (
        one["programmes"]["card-ai"]["budget"][0] + 200_000_000_000
        == two["programmes"]["card-ai"]["budget"][0]
    )
    assert binding(records["card-ai"], [one], "card-ai", plan, [2026], money=False) == "applicants"


# ------------------------------------------------------------------------------------------------- optimiser


bounds = st.lists(
    st.tuples(st.floats(0, 0.3), st.floats(0.01, 0.7), st.floats(-2, 2)), min_size=2, max_size=8
)


@given(bounds, st.floats(0.05, 0.95))
@settings(max_examples=80, deadline=None)
def test_the_nearest_point_lies_in_the_region_and_none_is_nearer(asked: list[Any], where: float) -> None:
    low, room, x = (np.array(column) for column in zip(*asked, strict=True))
    region = Region(low, low + room, float(low.sum() + where * room.sum()))
    found = region.nearest(x)
    assert region.holds(found) and np.allclose(region.nearest(found), found, atol=1e-9)
    middle = low + where * room
    for share in (0.1, 0.5, 1.0):  # any other point of the region, seen from x, is farther away
        other = found + share * (middle - found)
        assert ((other - x) ** 2).sum() >= ((found - x) ** 2).sum() - 1e-9


def test_regions_without_points_are_refused() -> None:
    for low, high, total in (([0.6, 0.6], [1, 1], 1.0), ([0, 0], [0.3, 0.3], 1.0), ([0.5, 0], [0.4, 1], 1.0)):
        with pytest.raises(ValueError, match="bound"):
            Region(np.array(low, dtype=float), np.array(high, dtype=float), total)


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_the_known_optimum_is_found(noise: float) -> None:
    region = Region(np.array([0.1, 0.05, 0.05]), np.array([0.9, 0.6, 0.5]), 1.0)
    best, curve = np.array([0.35, 0.4, 0.25]), np.array([1.0, 2.0, 1.5])
    chance = np.random.default_rng(5)

    def values(x: np.ndarray) -> np.ndarray:
        return -((x - best) ** 2 * curve).sum(axis=1) + noise * chance.normal(size=len(x))

    found, x, y = maximise(values, region, np.array([0.8, 0.1, 0.1]), 40, seed=3)
    assert (
        all(region.holds(one) for one in x)
        and region.holds(found)
        and x.shape == (40, 3)
        and y.shape == (40,)
    )
    assert np.abs(found - best).max() < (0.02 if noise == 0 else 0.15)


def test_an_optimum_on_the_border_respects_the_border() -> None:
    region = Region(np.array([0.2, 0.1, 0.1]), np.array([0.7, 0.5, 0.5]), 1.0)
    found, x, _ = maximise(lambda x: x @ np.array([1.0, 3.0, 2.0]), region, np.array([0.6, 0.2, 0.2]), 24)
    assert np.allclose(found, [0.2, 0.5, 0.3], atol=1e-3)
    assert all(region.holds(one) for one in x)


def test_noise_alone_does_not_move_money() -> None:
    """Where nothing matters, the answer stays at the published split more often than not."""
    region, start = Region(np.full(4, 0.05), np.full(4, 0.8), 1.0), np.array([0.4, 0.3, 0.2, 0.1])
    stays = 0
    for trial in range(12):
        chance = np.random.default_rng(trial)
        found, *_ = maximise(lambda x, c=chance: c.normal(size=len(x)), region, start, 30, trial)
        stays += bool(np.abs(found - start).max() < 0.02)
    assert stays >= 7


def test_a_floor_on_another_outcome_holds() -> None:
    region, start = Region(np.zeros(2), np.ones(2), 1.0), np.array([0.5, 0.5])
    x = np.array([[a, 1 - a] for a in np.linspace(0, 1, 21)])
    wanted, fair = x[:, 0], x[:, 1] - 0.2 * x[:, 1] ** 2
    y = np.column_stack([wanted, fair])
    for least in (-0.2, 0.0, 0.1):
        found = best_split(x, y, ["net-employment", "equity"], region, start, None, least)
        surface = Surface.fit(x, fair, region)
        assert surface(found) >= surface(start) + least - 1e-4
        assert found[0] == pytest.approx(0.5 if least == 0 else found[0], abs=1e-3)
    free = best_split(x, y, ["net-employment", "equity"], region, start, None, None)
    assert free[0] == pytest.approx(1.0, abs=1e-3)
    both = best_split(x, y, ["net-employment", "equity"], region, start, 0.0, None)
    assert both[1] == pytest.approx(1.0, abs=1e-2)
    assert top(Surface.fit(x, wanted, region), region, start, (Surface.fit(x, fair, region), 9.0))[1] > 0.99


# ------------------------------------------------------------------------------------------------ allocation


def envelope(**settings: Any) -> Envelope:
    asked = with_horizon(load("roadmap", overrides=["run.scale=1000"]), 99)
    return Envelope.of(asked, **settings)


def test_the_published_split_is_the_scenario_itself() -> None:
    for by in ("stage", "programme"):
        plan = envelope(by=by)
        asked, again = plan.asked, plan.scenario(plan.published)
        assert again.money(records_of(again)) == asked.money(records_of(asked))
        assert records_of(again) == records_of(asked)
    whole = plan.nothing().money(records_of(asked))
    assert whole == load("baseline").with_run(months=96).money(records_of(asked))


@given(st.lists(st.floats(0, 1), min_size=12, max_size=12), st.sampled_from(["stage", "programme"]))
@settings(max_examples=8, deadline=None)
def test_every_split_respects_money_places_and_floors(asked: list[float], by: str) -> None:
    plan = envelope(by=by)
    split = plan.region.nearest(plan.region.lower + plan.region.width * np.array(asked)[: len(plan.groups)])
    found = plan.scenario(split)
    records, before = records_of(found), plan.records
    money = found.money(records)
    for year in range(2026, 2031):
        new = {id: money[id][year] - records[id].base_money(year) for id in plan.published_won}
        assert min(new.values()) >= 0 and sum(new.values()) == pytest.approx(
            254e9 * plan.region.total, abs=1e4
        )
        for id, won in new.items():
            assert won <= plan.caps[id] + 1e4
            if before[id].seats:
                assert records[id].seats <= 3.0 * before[id].seats + 1
        for group, ids in plan.groups.items():
            least = 0.5 * sum(plan.published_won[id] for id in ids)
            assert sum(new[id] for id in ids) >= least - 1e5, group
    assert all(money[id][2031] == records[id].base_money(2031) for id in money)  # intake money stops


def test_centres_are_paid_and_places_offered_in_proportion_to_their_money() -> None:
    plan = envelope(by="programme")
    at = list(plan.groups).index("joint-centres")
    split = plan.published.copy()
    split[at] *= 0.6
    half = plan.changes(plan.region.nearest(split))["joint-centres"]
    ratio = half["share"] / plan.published[at]
    assert half["fixed_cost"] / 10e9 == pytest.approx(ratio, rel=1e-3)
    assert half["seats"] / 7680 == pytest.approx(ratio, rel=1e-3)


def test_a_budget_scales_the_envelope() -> None:
    double = envelope(budget=2 * 5 * 254_000_000_000)
    assert double.won == pytest.approx(2 * 254e9)
    found = double.scenario(double.published)
    assert found.policy.budget[2027] == 508_000_000_000
    assert sum(double.by_programme(double.published).values()) == pytest.approx(508e9 * double.region.total)


def test_a_made_up_economy_gets_its_best_split() -> None:
    """Jobs come from the SME package alone: money goes there, as much as its group may take; and fresh draws say so."""
    plan = envelope()
    economy = MadeUp(lambda won: 1000 * won["sme-package"], noise=20_000.0)
    found = allocating.allocate(plan, "net-employment", economy, Effort(1000, 20, 3, 10, 2))
    assert found.found.split[1] == pytest.approx(plan.region.upper[1], abs=0.03)
    assert found.sentence().startswith("The split found beats the published split by")
    mean, low, high, worst = found.found.gain("net-employment")
    assert worst <= mean and low < mean < high
    assert set(found.psi) == {"low", "high"}
    flat = allocating.allocate(
        plan, "net-employment", MadeUp(lambda won: 0.0, noise=20_000.0), Effort(1000, 20, 3, 10, 2)
    )
    assert "cannot be told" in flat.sentence()


def test_an_equity_floor_keeps_what_those_furthest_from_work_have() -> None:
    """In the made-up economy they lose what the others gain, so that with the floor nothing can be moved."""
    plan = envelope()
    economy = MadeUp(lambda won: 1000 * won["sme-package"])
    held = allocating.allocate(plan, "net-employment", economy, Effort(1000, 20, 2, 4, 1), equity_floor=0.0)
    assert held.found.split[1] == pytest.approx(plan.published[1], abs=0.01)


def test_a_front_of_two_objectives_goes_from_one_to_the_other() -> None:
    plan = envelope()
    economy = MadeUp(lambda won: 1000 * won["sme-package"])
    found = allocating.allocate(plan, "net-employment", economy, Effort(1000, 20, 2, 4, 1), pareto="equity")
    shares = [one.split[1] for _, one in found.front]
    assert [w for w, _ in found.front] == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert shares[0] == pytest.approx(plan.region.upper[1], abs=0.02)
    assert shares[-1] == pytest.approx(plan.region.lower[1], abs=0.02)
    told, tables = allocating.reported(found, Effort(1000, 20, 2, 4, 1))
    assert told["front"][0]["on_front"] and told["front"][-1]["on_front"] and len(tables["front"]) == 5
    json.dumps(told)


def test_judgement_is_on_draws_and_seeds_that_the_search_has_not_seen() -> None:
    asked = envelope().asked.with_run(uncertainty="posterior", replicates=allocating.EVERY_REPLICATE)
    fresh = fresh_replicates(asked, 30, 25)
    assert min(fresh) >= 30 and len(set(fresh)) == 25
    searched = {draw_of(asked, r) for r in range(30)}
    assert len(searched) == 30 and not searched & {draw_of(asked, r) for r in fresh}


def test_what_cannot_be_allocated_is_refused() -> None:
    baseline, plan = load("baseline"), load("roadmap")
    ask = allocating.prepared
    with pytest.raises(InputError, match="no new money"):
        ask(baseline, "fiscal", None, None, "stage", 3.0, 0.5, QUICK)
    with pytest.raises(InputError, match='did you mean "fiscal"'):
        ask(plan, "fiscl", None, None, "stage", 3.0, 0.5, QUICK)
    with pytest.raises(InputError, match="two objectives"):
        ask(plan, "fiscal", "fiscal", None, "stage", 3.0, 0.5, QUICK)
    for wrong in ((3.0, 1.5, None), (0.5, 0.5, None), (3.0, 0.5, -1)):
        with pytest.raises(InputError, match="allowed"):
            ask(plan, "fiscal", None, wrong[2], "stage", wrong[0], wrong[1], QUICK)
    with pytest.raises(InputError, match="--replicates"):
        at_the_margin.prepared(plan, "fiscal", 10**10, None, 1, 4)
    with pytest.raises(InputError, match="--amount"):
        at_the_margin.prepared(plan, "fiscal", 0, None, 2, 4)
    with pytest.raises(InputError, match=r"run\.months"):
        late = load("roadmap", overrides=["policy.budget.2034=1e9", "run.months=120"])
        ask(late, "fiscal", None, None, "stage", 3.0, 0.5, QUICK)


def test_effort_is_default_or_quick_with_what_is_asked() -> None:
    assert effort() == DEFAULT and effort(True) == QUICK
    assert effort(True, held_out=9, scale=None) == Effort(
        QUICK.scale, QUICK.evaluations, QUICK.replicates, 9, QUICK.psi
    )


# --------------------------------------------------------------------------------------- on the model, resumed


def test_totals_are_those_of_a_comparison() -> None:
    from sim.evaluation.compare import compare
    from sim.evaluation.cost import public_accounts

    base, plan = scenarios("run.months=4", "run.replicates=1")
    effects = compare(base, plan)
    one, two = measured(simulate(plan)), measured(simulate(base))
    net = effects.in_months.net.sel(group="all:all").values[0, 0, -1]
    assert one["employed_months"] - two["employed_months"] == net
    assert one["net_cost"] - two["net_cost"] == float(public_accounts(effects)["net cost"].values[0, 0])
    assert score(one, "fiscal") == -one["net_cost"] and score(one, "productivity") == pytest.approx(
        one["output"] / one["employed_months"]
    )


def test_an_interrupted_attribution_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sim.evaluation import variants

    base, plan = scenarios()
    _, whole = attributing.attribute_into(base, plan, out=tmp_path / "whole")
    run, made = variants._kept, []

    def interrupted(*call: Any) -> None:
        if len(made) == 5:
            raise KeyboardInterrupt
        made.append(call[1])
        run(*call)

    monkeypatch.setattr(variants, "_kept", interrupted)
    with pytest.raises(KeyboardInterrupt, match="5 runs are kept"):
        attributing.attribute_into(base, plan, out=tmp_path / "halves")
    assert not any(one.name.startswith("attribution") for one in (tmp_path / "halves").iterdir())

    def counted(*call: Any) -> None:
        made.append(call[1])
        run(*call)

    monkeypatch.setattr(variants, "_kept", counted)
    _, halves = attributing.attribute_into(base, plan, out=tmp_path / "halves")
    assert len(made) == 16  # 8 coalitions, 2 replicates, each run once
    for name in ("answer.json", "attribution.csv", "runs.csv", "scenario-roadmap.toml"):
        assert (whole / name).read_bytes() == (halves / name).read_bytes()
    assert list((tmp_path / "halves").iterdir()) == [halves]
    monkeypatch.setattr(variants, "_kept", interrupted)  # a finished folder is read
    attributing.attribute_command(base, plan, out=tmp_path / "halves", json=True)
    told = json.loads(capsys.readouterr().out)
    whole_effect = {r["outcome"]: r["mean"] for r in told["attribution"] if r["measure"] == "whole"}
    for outcome, mean in whole_effect.items():
        parts = [
            r["mean"] for r in told["attribution"] if (r["outcome"], r["measure"]) == (outcome, "shapley")
        ]
        assert sum(parts) == pytest.approx(mean)


@pytest.mark.slow
def test_the_commands_from_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    budget = ["policy.budget.2027=0", "policy.budget.2028=0", "policy.budget.2029=0", "policy.budget.2030=0"]
    few_open = {"card-ai", "sme-package", "polytechnic-ax"}
    closed = [
        f"policy.programmes.{id}.closed=true" for id in records_of(load("roadmap")) if id not in few_open
    ]
    plan = load("roadmap", overrides=["run.scale=1000", "run.months=12", *budget, *closed])
    few = Effort(1000, 3, 1, 2, 1)
    told: dict[str, Any] = {}
    allocating.allocate_command(plan, effort=few, pareto="fiscal", out=tmp_path, json=True)
    told["allocation"] = json.loads(capsys.readouterr().out)
    folder = Path(told["allocation"]["folder"])
    kept = {one.name for one in folder.iterdir()}
    assert kept >= {
        "answer.json",
        "allocation.csv",
        "front.csv",
        "search.csv",
        "runs.csv",
        "split.toml",
        "figures",
    }
    assert {one.name for one in (folder / "figures").iterdir()} >= {"allocation.png", "front.png"}
    assert told["allocation"]["months"] == 48 and len(told["allocation"]["splits"]) == 3
    total = sum(row["published"] for row in told["allocation"]["splits"])
    assert sum(row["found"] for row in told["allocation"]["splits"]) == pytest.approx(total) and total < 1
    again = load(folder / "split.toml")  # what places cannot take stays unspent
    assert sum(again.shares(records_of(again)).values()) == pytest.approx(total)
    allocating.allocate_command(plan, effort=few, pareto="fiscal", out=tmp_path)
    assert "published split" in capsys.readouterr().out
    at_the_margin.marginal_command(plan, first=2, most=2, out=tmp_path)
    assert "binds" in capsys.readouterr().out
    assert len(list(tmp_path.iterdir())) == 2  # nothing half-made beside them


def test_intervals_are_those_of_the_design() -> None:
    names = {"a": ("x",), "b": ("y",)}
    values = [
        {frozenset(s): np.full(4, float(len(s) * (r + 1))) for s in ((), ("a",), ("b",), ("a", "b"))}
        for r in range(4)
    ]
    found = Attribution(names, values, [[("a", "b"), ("b", "a")]] * 4, Design())
    table = found.frame().set_index(["outcome", "measure", "player"])
    row = table.loc[("employed_months", "whole", "all")]
    mean, low, high, *_ = Design().mean(found.whole[:, 0])
    assert (row["mean"], row["low"], row["high"]) == (mean, low, high)
    assert table.loc[("employed_months", "shapley", "a")].percent_of_whole == pytest.approx(50.0)
