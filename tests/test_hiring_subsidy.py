"""A hiring subsidy: who is paid for, how long and with what money; what it does to hires, and what would have been."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from sim import checkpoint
from sim.errors import InputError
from sim.evaluation import fiscal
from sim.evaluation.comparison import Effects
from sim.evaluation.marginal import binding
from sim.model import LaborMarket
from sim.programmes import ATTENDING, COMPLETED, DROPPED
from sim.scenario import Scenario, load

ID = "policy.programmes.hiring-subsidy"
WIDE = (  # open to all who are unemployed, and paid with more money than they can take
    f"{ID}.eligibility={{states=['unemployed'], age_min=15, age_max=120, spell_min=0, contracts=[], sizes=[]}}",
    *(f"policy.budget.{year}=90e12" for year in (2026, 2027)),
)


def asked(*overrides: str, months: int = 12, scale: int = 1000) -> Scenario:
    return load("hiring-subsidy", overrides=overrides).with_run(scale=scale, months=months, replicates=1)


def lived(*overrides: str, months: int = 12, scale: int = 1000) -> tuple[LaborMarket, np.ndarray]:
    """A market at the end of its run, and the lines of its subsidised hires."""
    market = LaborMarket(asked(*overrides, months=months, scale=scale)).run()
    place = market.programme_ids.index("hiring-subsidy")
    return market, np.flatnonzero(market.enrolments.programme == place)


def same(one: LaborMarket, other: LaborMarket) -> bool:
    """Whether two markets hold the same people, employers, posts and sums, to the bit."""
    pairs = [(getattr(one, name), getattr(other, name)) for name in ("workers", "employers", "posts")]
    columns = all(x.tobytes() == y.tobytes() for a, b in pairs for x, y in zip(a, b, strict=True))
    return columns and np.array_equal(one.record.sums, other.record.sums)


@pytest.fixture(scope="module")
def paid() -> tuple[LaborMarket, np.ndarray]:
    """Two years of the shipped scenario, with a subsidy of five months."""
    return lived(f"{ID}.months=5", f"{ID}.unit_cost=1_500_000", f"{ID}.eligibility.spell_min=1", months=24)


# ------------------------------------------------------------------------------------------------ nothing


@pytest.fixture(scope="module")
def baseline() -> LaborMarket:
    return LaborMarket(load("baseline").with_run(scale=1000, months=12, replicates=1)).run()


@pytest.mark.parametrize("nothing", [f"{ID}.share=0.0", f"{ID}.closed=true"])
def test_a_subsidy_without_money_changes_nothing(nothing: str) -> None:
    """Not a bit: the plan's money goes where the plan has it, and a programme of the scenario's own comes after the
    economy's, so that it moves nobody's draws."""
    none, lines = lived(nothing, months=6)
    plan = LaborMarket(load("roadmap").with_run(scale=1000, months=6, replicates=1)).run()
    assert lines.size == 0 and none.programme_ids[:-1] == plan.programme_ids
    assert not none.ledger.books[0, -1].any() and same(none, plan)


def test_money_for_less_than_one_hire_changes_nothing(baseline: LaborMarket) -> None:
    little, lines = lived("policy.budget.2026=1e9")
    assert lines.size == 0 and little.ledger.books[0, -1, 0] == 10**9
    assert same(little, baseline)


def test_a_subsidy_that_nobody_answers_to_moves_money_alone(baseline: LaborMarket) -> None:
    """Without weight in ranking or in demand every hire is one that would have been: deadweight is all there is."""
    silent, lines = lived("world.score_subsidy=0", "world.subsidy_elasticity=0")
    assert lines.size > 10 and silent.ledger.books[1, -1].any()
    for name in ("state", "job", "wage", "spell"):
        assert np.array_equal(getattr(silent.workers, name), getattr(baseline.workers, name)), name
    assert np.array_equal(silent.record.sums, baseline.record.sums)


# ------------------------------------------------------------------------------------------- money and seats


def test_money_spent_is_months_paid_times_the_amount(paid: tuple[LaborMarket, np.ndarray]) -> None:
    market, lines = paid
    records, scale = market.enrolments, market.scenario.run.scale
    status, begun, end = (column[lines] for column in (records.status, records.start, records.end))
    assert {ATTENDING, COMPLETED, DROPPED} == set(status.tolist())
    months = np.where(status == ATTENDING, market.month - begun, end - begun)
    assert months.min() >= 0 and months.max() == 5
    assert (months[status == COMPLETED] == 5).all() and (months[status == DROPPED] < 5).all()
    assert market.ledger.books[1, -1].sum() == months.sum() * 300_000 * scale
    assert market.ledger.books[4, -1].sum() == lines.size * scale
    left = (5 - months[status == ATTENDING]).sum() * 300_000 * scale
    assert market.held_back[-1] == left and market.subsidised.shape == ((status == ATTENDING).sum(), 2)


def test_hires_never_outrun_the_money(paid: tuple[LaborMarket, np.ndarray]) -> None:
    market, lines = paid
    books, budget = market.ledger.books[:, -1], market.ledger.books[0, -1]
    assert (market.ledger.unspent[-1] >= 0).all()
    promised = market.held_back[-1]
    assert books[1].sum() + promised <= budget.sum()
    at = np.bincount(market.enrolments.start[lines], minlength=24)
    released = np.concatenate(
        [budget[0] * np.arange(1, 13) // 12, budget[0] + budget[1] * np.arange(1, 13) // 12]
    )
    ever = np.cumsum(at) * 1_500_000 * market.scenario.run.scale  # had nobody left early
    assert (ever[:12] <= released[:12] + 1_500_000 * 1000 * at.cumsum()[:12]).all()
    applied, hired = market.record.programmes[:, -1, 0], market.record.programmes[:, -1, 1]
    assert np.array_equal(hired, at) and (hired <= applied).all()


@pytest.mark.parametrize("seats", [24_000, 60_000])
def test_subsidised_hires_are_no_more_than_the_places(seats: int) -> None:
    market, lines = lived(*WIDE, f"{ID}.seats={seats}")
    months = np.bincount(market.enrolments.start[lines], minlength=12)
    assert lines.size <= seats // 1000
    assert (months.cumsum() <= seats / 1000 * np.arange(1, 13) / 12 + 1e-9).all()


def test_only_the_eligible_are_paid_for() -> None:
    market, lines = lived(*WIDE[1:], months=10)
    records, w = market.enrolments, market.workers
    person, employer = records.person[lines], records.employer[lines]
    assert (employer == -1).all() and (records.state[lines] == 2).all()
    age = (records.start[lines] - w.birth[person]) // 12
    assert age.min() >= 15 and age.max() <= 34
    there = dict(market.subsidised.tolist())
    now = np.array([line in there for line in lines])
    assert now.sum() > 20
    sizes = market.employers.size[[there[line] for line in lines[now]]]
    assert set(sizes.tolist()) <= {1, 2, 3}
    assert (w.contract[person[now]] == 0).all()


def test_a_run_taken_up_again_ends_in_the_same_bytes(
    paid: tuple[LaborMarket, np.ndarray], tmp_path: Path
) -> None:
    whole, _ = paid
    model = LaborMarket(whole.scenario)
    while model.month < 9:
        model.step()
    checkpoint.write(tmp_path / "market.npz", model)
    again, _ = checkpoint.read(tmp_path / "market.npz", whole.scenario)
    assert len(again.subsidised) > 0 and again.held_back[-1] > 0
    again.run()
    assert same(again, whole) and np.array_equal(again.ledger.books, whole.ledger.books)


# ----------------------------------------------------------------------------------------------- what it does


def hires_of_the_eligible(amount: float, *more: str) -> int:
    """How many are hired with a subsidy of so much in eight months, where there is money for all."""
    market, _ = lived(
        "policy.budget.2026=90e12", f"{ID}.unit_cost={amount:.0f}", "world.score_subsidy=20", *more, months=8
    )
    return int((market.enrolments.programme == len(market.programme_ids) - 1).sum())


def test_a_higher_amount_brings_more_of_the_eligible_into_work() -> None:
    """With money for all who are eligible, so that the amount works through ranking alone."""
    found = [hires_of_the_eligible(won) for won in (12.0, 7.2e6, 36e6)]
    assert found[0] < found[1] < found[2]


def test_more_posts_where_jobs_cost_less() -> None:
    """Job creation rises by the elasticity times the part of the cost borne, and not at all when jobs are fixed."""
    none, some, much = (lived(*WIDE, f"world.subsidy_elasticity={e}")[0] for e in (0.0, 0.43, 1.5))
    levels = [float(m.job_creation.mean()) for m in (none, some, much)]
    assert levels[0] < levels[1] < levels[2]
    relief = float(some.hires_relief().mean())
    assert 0.0 < relief < 1.0
    fixed = lived(*WIDE, "world.job_creation=0")[0]
    assert np.abs(fixed.job_creation).max() < 1.0 and not fixed.spin_up


@pytest.fixture(scope="module")
def effects() -> Effects:
    return sim.compare("baseline", asked(*WIDE[:1]), scale=1000, months=18, replicates=2)


def test_deadweight_is_part_of_the_account(effects: Effects) -> None:
    """All subsidised hires are in work in their first month; many would be soon: gross less deadweight is direct."""
    found = effects.treated("programme", (0, 3, 6))
    mine = found[found.category == "hiring-subsidy"].pivot(
        index="horizon_months", columns="outcome", values="mean"
    )
    gross, anyway = mine["employment of the treated"], mine["employment of the treated without the policy"]
    assert gross[0] > 99.0
    assert 0.0 < anyway[0] < gross[0]
    assert mine["direct effect on the treated"][3] == pytest.approx(gross[3] - anyway[3])
    accounts = effects.accounts.sel(group="programme:hiring-subsidy")
    assert (accounts.gross - accounts.deadweight == accounts.direct).all()


def test_what_the_budget_pays_employers_receive(effects: Effects) -> None:
    """A transfer: it uses nothing, and the sides still add up to output less what is used."""
    now = fiscal.present(fiscal.lines(effects), 0.0)
    table = effects.viewpoints(rate=0.0).set_index("outcome")["mean"]
    paid = float(now["hiring subsidies"].mean())
    assert paid > 0.0
    assert table["employers: hiring subsidies"] == -table["budget: hiring subsidies"] == pytest.approx(paid)
    books = effects.results.programmes.sums.course.sel(programme="hiring-subsidy", scenario="hiring-subsidy")
    assert paid == pytest.approx(float(books.sum("year").mean()))
    used = float((now["courses"] + now["fixed cost"] + now["self-payments"]).mean())
    assert table["society: gain"] == pytest.approx(float(now["output"].mean()) - used, abs=1e3)


def test_the_same_new_money_as_the_plan() -> None:
    plan, other = load("roadmap"), load("hiring-subsidy")
    economy: dict[str, Any] = sim.economy.load("korea").programmes
    assert plan.policy.budget == other.policy.budget
    money = [sum(sum(by.values()) for by in s.money(s.programmes(economy)).values()) for s in (plan, other)]
    assert money[0] == money[1]
    assert other.unallocated(other.programmes(economy)) == dict.fromkeys(other.years, 0)


def test_what_binds_is_told_by_what_was_promised() -> None:
    """Hires that end early leave money unspent without any want of it."""
    question = asked()
    record = question.programmes(sim.economy.load("korea").programmes)["hiring-subsidy"]
    by = {
        "applied": [90_000],
        "enrolled": [34_500],
        "budget": [254 * 10**9],
        "course": [90 * 10**9],
        "fixed": [0],
    }
    measures = [{"years": [2026], "programmes": {"hiring-subsidy": by}}]
    assert binding(record, measures, "hiring-subsidy", question, [2026]) == "money"


# --------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ((f"{ID}.unit_cost=0",), "a hiring subsidy must state unit_cost"),
        ((f"{ID}.eligibility.spell_min=-1",), "-1 is out of range"),
        (
            ("policy.programmes.mine={label_en='x', kind='hiring-subsidy', stages=['entry']}",),
            "unit_cost, months",
        ),
        (("evaluation.withhold.programmes=['hiring-subsidy']",), "nobody applies to it alone"),
        ((f"{ID}.kind='hiring-subsidies'",), "is not a choice"),
    ],
)
def test_a_wrong_record_gets_one_clear_message(overrides: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        asked(*overrides).programmes(sim.economy.load("korea").programmes)


def test_time_without_work_counts_for_courses_too(tmp_path: Path) -> None:
    market = LaborMarket(
        load("baseline", overrides=["policy.programmes.kdt.eligibility.spell_min=4"]).with_run(
            scale=1000, months=3, replicates=1
        )
    ).run()
    usual = LaborMarket(load("baseline").with_run(scale=1000, months=3, replicates=1)).run()
    kdt = market.programme_ids.index("kdt")
    fewer, more = ((m.record.programmes[:, kdt, 0]).sum() for m in (market, usual))
    assert 0 < fewer < more
