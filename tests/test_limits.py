"""What must be true in the economics (model description, section 7), whatever the calibration."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from sim.model import LaborMarket
from sim.phases import age, match, search
from sim.phases.reach import limits_of
from sim.scenario import Scenario, load
from sim.workers import ABSENT, EMPLOYED, NO_CONTRACT, UNEMPLOYED

COARSE = {"scale": 1000, "replicates": 1}


def scenario(name: str, *overrides: str, months: int = 12) -> Scenario:
    return load(name, overrides=list(overrides)).with_run(**COARSE, months=months)


def still(model: LaborMarket) -> None:
    """Switch off everything but separation, search and matching: no ageing, shocks, births, skills or own-account."""
    tb = model.tables
    for name in (
        "shock_sd",
        "closure",
        "birth",
        "own_from_u",
        "own_from_n",
        "own_from_e",
        "public_job",
        "search_e",
        "stop_looking",
        "start_looking",
        "search_n",
        "call_up",
        "leave_school",
        "separate_n",
    ):
        getattr(tb, name)[...] = 0.0
    model._leave[...] = 0.0
    model._entrants = np.full(1000, model._entrants[0])
    model.tables.retire = 0.0


def one_submarket(model: LaborMarket, vacancies_most: int) -> None:
    """Everyone looks at one board, nobody gives up, nobody differs, every offer is taken."""
    slots = 2 ** int(np.ceil(np.log2(2 * vacancies_most)))
    boards = model.boards
    boards.first[:] = 0
    boards.first[1:] = slots
    boards.province[:], boards.trade[:] = 0, 0
    boards.patience[:] = -1e9  # nobody gives up
    model.slots = np.empty(slots, dtype=np.int32)
    model.employers.region[:] = 0
    model.posts.occupation[:] = 0
    for name in (
        "score_occupation",
        "score_distance",
        "score_skill",
        "score_certificate",
        "score_employability",
        "score_long_term",
        "score_age",
        "score_education",
        "large_preference",
        "regular_preference",
    ):
        setattr(model.params, name, 0.0)
    model.workers.wage[:] = 0.0


# ------------------------------------------------------------------------------------------------ analytic limits


def test_random_ranking_with_one_application_is_the_urn_ball_function() -> None:
    """E M = V [1 - (1 - 1/V)^U] and its variance (Butters 1977; Petrongolo and Pissarides 2001, JEL 39(2))."""
    model = LaborMarket(scenario("no-training", "world.applications=1"), spin_up=False)
    still(model)
    one_submarket(model, 400)
    w, posts = model.workers, model.posts
    seekers = np.flatnonzero(w.state == UNEMPLOYED)[:300]
    w.state[:] = ABSENT
    vacancies = 200
    posts.vacant[:] = 0
    posts.vacant[:vacancies] = 1
    model._begin_month()
    assert model.stretches == 1
    fills = []
    for month in range(150):
        model.month = month + 1
        model.clock = model.clock._replace(counter=np.uint64(70_000 + month), calendar_month=6)
        w.state[seekers], w.job[seekers], w.contract[seekers], w.spell[seekers] = (
            UNEMPLOYED,
            -1,
            NO_CONTRACT,
            1,
        )
        w.wage[seekers] = 0.0
        posts.held[:], posts.vacant[:] = 0, 0
        posts.vacant[:vacancies] = 1
        from sim.phases.post import _advertise

        _advertise(model, np.array([vacancies]))
        age(model)
        search(model)
        match(model)
        fills.append(model.flows["hires"])
    u, v = seekers.size, vacancies
    mean = v * (1 - (1 - 1 / v) ** u)
    variance = v * (1 - 1 / v) ** u + v * (v - 1) * (1 - 2 / v) ** u - v**2 * (1 - 1 / v) ** (2 * u)
    error = np.sqrt(variance / len(fills))
    assert abs(np.mean(fills) - mean) < 4 * error
    assert 0.6 * variance < np.var(fills, ddof=1) < 1.6 * variance


def test_unemployment_tends_to_s_over_s_plus_f() -> None:
    """Constant separation and finding, no inactivity, search from next month: u -> s / (s + f)."""
    model = LaborMarket(
        scenario(
            "no-training",
            "world.separation_employability=0",
            "world.applications=1",
            "world.layoff_share=0",
            "world.job_creation=0",
            "world.growth='none'",
            months=120,
        ),
        spin_up=False,
    )
    still(model)
    w, tb = model.workers, model.tables
    out = (w.state != UNEMPLOYED) & ((w.state != EMPLOYED) | (w.job < 0))
    w.state[out] = ABSENT
    w.spell[:] = 1
    w.wage[:] = 0.0
    separate = 0.02
    tb.separate_u[...] = separate
    tb.tenure_factor[...] = 1.0
    model.limits = limits_of(tb)
    model.boards.patience[:] = 1.0 / np.log(0.7)
    model.posts.base[:] *= 1.5  # posts never bind: the finding rate is the searcher's own
    found, unemployed, labour = [], [], []
    for month in range(60):
        before = int((w.state == UNEMPLOYED).sum())
        model.step()
        if month >= 20:
            found.append(model.flows["hires"] / before)
            unemployed.append(int((w.state == UNEMPLOYED).sum()))
            labour.append(int((w.state != ABSENT).sum()))
    f = float(np.mean(found))
    u = float(np.mean(unemployed)) / labour[0]
    rest = separate / (separate + f)
    rho = 1 - separate - f
    error = np.sqrt(rest * (1 - rest) / (labour[0] * len(found)) * (1 + rho) / (1 - rho))
    assert len(set(labour)) == 1
    assert abs(u - rest) < 4 * error + 0.002 * rest  # f is itself measured


def test_without_effects_of_ai_adoption_changes_nothing() -> None:
    """delta = g = 0: adopters and the frozen world employ the same people."""
    off = (
        "world.substitution=0",
        "world.productivity_gain=0",
        "world.ai_post_share=0",
        "world.learning_by_use=0",
        "world.premium_base=0",
        "world.skill_decay=0",
        "world.hiring_quality=0",
    )
    runs = [
        LaborMarket(scenario("no-training", *off, f"world.adoption_frozen={frozen}")).run()
        for frozen in ("true", "false")
    ]
    a, b = (model.workers for model in runs)
    assert (a.state == b.state).all() and (a.job == b.job).all() and (a.wage == b.wage).all()
    assert (runs[0].employers.intensity != runs[1].employers.intensity).any()


# ------------------------------------------------------------------------------------------- nothing changes nothing


def same(a: LaborMarket, b: LaborMarket) -> bool:
    columns = all(np.array_equal(x, y) for x, y in zip(a.workers, b.workers, strict=True))
    posts = all(np.array_equal(x, y) for x, y in zip(a.posts, b.posts, strict=True))
    return columns and posts and np.array_equal(a.record.sums, b.record.sums)


def test_zero_money_is_no_training_worker_by_worker() -> None:
    nothing = LaborMarket(scenario("no-training")).run()
    no_money = LaborMarket(
        load("roadmap", continuing=0.0, budget=dict.fromkeys(range(2026, 2032), 0)).with_run(
            **COARSE, months=12
        )
    ).run()
    assert same(nothing, no_money)


def test_zero_new_money_is_the_baseline() -> None:
    baseline = LaborMarket(scenario("baseline")).run()
    unfunded = LaborMarket(
        load("roadmap", budget=dict.fromkeys(range(2026, 2032), 0)).with_run(**COARSE, months=12)
    ).run()
    assert same(baseline, unfunded)


def test_threads_and_chunks_change_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    one = LaborMarket(scenario("roadmap", months=6), threads=1).run()
    monkeypatch.setattr("sim.model.CHUNK", 2048)  # many chunks, so that threads do share the work
    for phase in ("apply", "match", "post", "train"):
        monkeypatch.setattr(sys.modules[f"sim.phases.{phase}"], "BATCH", 256)
    two = LaborMarket(scenario("roadmap", months=6), threads=2).run()
    assert two.counts.size > 10
    assert same(one, two)


def test_policy_cannot_reach_the_past() -> None:
    """The stock at policy start is the same whatever the policy."""
    assert same(LaborMarket(scenario("no-training")), LaborMarket(scenario("double")))


# ------------------------------------------------------------------------------------------------ jobs and vacancies


@pytest.fixture(scope="module")
def fixed_jobs() -> tuple[list[LaborMarket], np.ndarray, np.ndarray]:
    """Comparison and policy with a fixed number of posts: psi = 0, no scale effect, no effect of AI, no shocks."""
    fixed = (
        "world.job_creation=0",
        "world.scale_effect=0",
        "world.adoption_frozen=true",
        "world.growth='none'",
        "world.substitution=0",
        "world.productivity_gain=0",
    )
    models, jobs, unfilled = [], [], []
    for name in ("no-training", "double"):
        model = LaborMarket(scenario(name, *fixed, months=18))
        model.tables.shock_sd[:] = 0.0
        model.employers.shock[:] = 0.0
        model.tables.shock_rho[:] = 1.0
        model._shock_sd[:] = 0.0
        posts = model.posts
        posts.base[:] = np.maximum(posts.base, posts.held)  # nobody is surplus, so nobody is laid off
        e, v = [], []
        for _ in range(18):
            model.step()
            e.append(int(posts.held.sum()))
            v.append(int((posts.wanted - posts.held).sum()))
        models.append(model)
        jobs.append(e)
        unfilled.append(v)
    return models, np.array(jobs), np.array(unfilled)


def test_with_fixed_jobs_a_job_more_is_an_unfilled_post_less(
    fixed_jobs: tuple[list[LaborMarket], np.ndarray, np.ndarray],
) -> None:
    """psi = 0: the change in jobs held is minus the change in unfilled posts, every month, to the last agent."""
    models, jobs, unfilled = fixed_jobs
    assert np.array_equal(jobs[1] - jobs[0], -(unfilled[1] - unfilled[0]))
    assert models[1].enrolments.size > 100
    assert (jobs[1] - jobs[0] <= unfilled[0]).all()  # the gain is bounded by the posts that stood open


def test_more_seats_train_no_fewer() -> None:
    counts = []
    for seats in (2_000, 20_000):
        model = LaborMarket(
            scenario("roadmap", f"policy.programmes.kdt-ai-campus.seats={seats}", months=6)
        ).run()
        campus = model.programme_ids.index("kdt-ai-campus")
        counts.append(int((model.enrolments.programme == campus).sum()))
    assert counts[0] <= counts[1]


def test_a_higher_unit_cost_trains_no_more() -> None:
    counts = []
    for cost in (5_000_000, 50_000_000):
        model = LaborMarket(scenario("baseline", f"policy.programmes.kdt.unit_cost={cost}", months=6)).run()
        counts.append(int((model.enrolments.programme == model.programme_ids.index("kdt")).sum()))
    assert counts[0] >= counts[1] > 0


# --------------------------------------------------------------------------------------------------- conservation


def test_persons_jobs_seats_and_won_are_conserved_every_month() -> None:
    model = LaborMarket(scenario("roadmap"))
    w, posts, ledger = model.workers, model.posts, model.ledger
    for _ in range(12):
        people = int((w.state != ABSENT).sum())
        model.step()
        assert int((w.state != ABSENT).sum()) == people + model.flows["entered"] - model.flows["left"]
        held = np.bincount(w.job[(w.state == EMPLOYED) & (w.job >= 0)], minlength=posts.held.size)
        assert (held == posts.held).all()
        assert (w.job[w.state != EMPLOYED] == -1).all()
        assert ((w.contract == NO_CONTRACT) == (w.state != EMPLOYED)).all()
        attending = np.flatnonzero(w.programme != 255)
        assert np.array_equal(np.sort(model.enrolments.person[model.attending]), attending)
        assert (ledger.books >= 0).all()
        assert (ledger.books[0] + ledger.brought >= ledger.books[1] + ledger.books[2]).all()
        cost = np.array([p.unit_cost for p in model.programmes])
        for p in range(cost.size):
            started = int((model.enrolments.programme == p).sum())
            assert int(ledger.books[1, p].sum()) == started * int(cost[p]) * model.scenario.run.scale
