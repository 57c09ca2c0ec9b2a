"""The engine and the oracle (one Mesa agent a person) live the same months, bit for bit; and the check can fail.

The economy of these tests is Korea with every count of persons divided by 23, so that scale 1000 gives some 2,000
people. Programmes keep their size: a lot of training for so few, which is what a test of training wants.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from sim import kernels, population
from sim.draws import MONTH, SPIN_UP_OFFSET, key_of, words
from sim.economy import ECONOMIES
from sim.fitting import fit
from sim.model import LaborMarket
from sim.reference import (
    ReferenceMarket,
    arithmetic,
    differences,
    enrolling,
    hiring,
    jobs,
    month_end,
    training,
)
from sim.reference.agreement import Facts, compare, engine_facts, oracle_facts
from sim.reference.market import ReferenceMarket as Market
from sim.scenario import Scenario, load

MONTHS = 24
SMALLER = 23
STRESS = (  # settings far from the defaults, so that rules which seldom act do
    "run.start=2026-04-01",
    "world.adoption='high'",
    "world.adoption_imitation=0.1",
    "world.adoption_ramp=6.0",
    "world.substitution=0.6",
    "world.exposure='aioe'",
    "world.exposure_level=1.5",
    "world.productivity_gain=0.8",
    "world.layoff_share=0.8",
    "world.job_creation=0.9",
    "world.hiring_quality=1.5",
    "world.applications=4",
    "world.own_occupation=0.25",
    "world.no_application=1.0",
    "world.reservation_share=1.1",
    "world.score_noise=0.0",
    "world.quality_causal=0.2",
    "world.allowance_elasticity=1.5",
    "world.business_stealing=4.0",
    "world.skill_decay=0.05",
    "policy.programmes.remote-ai.selection='lottery'",
    "policy.programmes.card-ai.selection='targeted'",
    "policy.programmes.remote-ai.eligibility.exposure_min=0.4",
    "policy.programmes.card-ai.eligibility.insured=true",
    "policy.programmes.kdt.intake_months=[2, 9]",
    "policy.programmes.job-seeker-support.stage_required=true",
    "policy.budget.2026=900e9",
)


@pytest.fixture(scope="module")
def economy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Korea with fewer people."""
    folder: Path = tmp_path_factory.mktemp("economies") / "small"
    shutil.copytree(ECONOMIES / "korea", folder)
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        if path.stem == "targets" or not {"value", "unit"} <= set(header):
            continue
        value, unit = header.index("value"), header.index("unit")
        for row in rows:
            if row[unit] == "persons":
                row[value] = repr(float(row[value]) / SMALLER)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])
    return folder


def scenario(economy: Path, name: str, *overrides: str) -> Scenario:
    """A shipped scenario with few people."""
    return load(name, overrides=overrides).with_run(economy=str(economy), scale=1000, months=MONTHS)


def newborn(question: Scenario) -> LaborMarket:
    """A market before its spin-up. So few people cannot meet every margin at once: 3% off is near enough here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            population,
            "fit",
            lambda seed, margins, tolerance=1e-7, most=500: fit(seed, margins, max(tolerance, 0.03), most),
        )
        return LaborMarket(question, spin_up=False)


def assert_same_life(question: Scenario) -> LaborMarket:
    """Live every month twice, the spin-up included, and compare everything at each month's end."""
    market = newborn(question)
    oracle = ReferenceMarket(market)
    while market.month < MONTHS:
        market.step()
        oracle.step()
        found = differences(market, oracle)
        assert not found, "\n".join(found)
    return market


# ------------------------------------------------------------------------------------------------ arithmetic


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_the_oracles_philox_gives_the_published_answers(
    counter: arithmetic.Words, key: tuple[int, int], answer: arithmetic.Words
) -> None:
    assert arithmetic.philox(counter, key) == answer


def test_the_engine_draws_the_same_words() -> None:
    key = key_of(7, 3)
    drawn = words(key, MONTH, -5, np.arange(50), 9)
    for identity, row in enumerate(drawn.tolist()):
        counter = (identity, 9, SPIN_UP_OFFSET - 5, int(MONTH))
        assert tuple(row) == arithmetic.philox(counter, (int(key[0]), int(key[1])))


@pytest.mark.parametrize("name", ["exp", "log", "normal", "gumbel", "logistic"])
def test_functions_agree_to_the_last_bit(name: str) -> None:
    low, high = {"exp": (-20, 20), "logistic": (-20, 20), "log": (1e-6, 50)}.get(name, (1e-9, 1 - 1e-9))
    for x in np.linspace(low, high, 997).tolist():
        assert getattr(arithmetic, name)(x) == getattr(kernels, f"{name}_")(x), x


# ------------------------------------------------------------------------------------------------ equality


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("no-training", marks=pytest.mark.slow),
        pytest.param("baseline", marks=pytest.mark.slow),
        "roadmap",
    ],
)
def test_engine_and_oracle_agree_draw_for_draw(economy: Path, name: str) -> None:
    market = assert_same_life(scenario(economy, name))
    assert 1_900 < (market.workers.state != 0).sum() < 2_200
    if name == "no-training":
        assert market.enrolments.size == 0 and not market.ledger.books.any()
    else:
        assert market.enrolments.size > 50
        assert {1, 2} <= set(market.enrolments.status.tolist())  # some complete, some drop out


@pytest.mark.slow
def test_engine_and_oracle_agree_far_from_the_defaults(economy: Path) -> None:
    market = assert_same_life(scenario(economy, "roadmap", *STRESS))
    assert market.enrolments.size > 50
    assert (market.employers.intensity > 0).sum() > 100


# Trials: seats refilled and left empty, losers barred in three ways, provinces at levels, a lottery of a record's own
# with a trial in some of its months.
TRIALS = (
    "policy.programmes.remote-ai.selection='lottery'",
    "policy.programmes.remote-ai.awareness=1.0",
    "policy.programmes.remote-ai.apply=0.5",
    "policy.programmes.card-ai.awareness=1.0",
    "policy.programmes.card-ai.apply=0.5",
)
DESIGNS = {
    "refilled": (
        *TRIALS,
        "evaluation.withhold.programmes=['remote-ai', 'kdt']",
        "evaluation.withhold.again='all'",
        "evaluation.saturation.programmes=['card-ai']",
        "evaluation.saturation.levels=[0.0, 0.4, 0.8]",
        "evaluation.saturation.last_month=9",
    ),
    "left empty": (
        *TRIALS,
        "evaluation.withhold.programmes=['card-ai']",
        "evaluation.withhold.seats='empty'",
        "evaluation.withhold.share=0.3",
        "evaluation.withhold.again='none'",
        "evaluation.withhold.first_month=3",
    ),
    "within a lottery": (
        *TRIALS,
        "evaluation.withhold.programmes=['remote-ai']",
        "evaluation.withhold.first_month=5",
        "evaluation.withhold.last_month=14",
    ),
}


@pytest.mark.parametrize("design", DESIGNS)
def test_engine_and_oracle_draw_the_same_lots(economy: Path, design: str) -> None:
    market = assert_same_life(scenario(economy, "roadmap", *DESIGNS[design]))
    lots = market.randomised
    assert {0, 1} <= set(lots.offered.tolist())
    assert set(lots.design.tolist()) == ({1, 2} if design == "refilled" else {0, 1})


# Two subsidies, one short of money and one short of places, both for people of all states, so that months end, jobs end
# and money that early leavers do not use is carried into later years.
SUBSIDIES = (
    "policy.programmes.hiring-subsidy.eligibility={states=['unemployed', 'inactive'], age_max=39}",
    "policy.programmes.hiring-subsidy.months=7",
    "policy.programmes.hiring-subsidy.unit_cost=2_500_000",
    "policy.programmes.hiring-subsidy.share=0.4",
    "policy.programmes.senior-hires={label_en='Senior hires', kind='hiring-subsidy', stages=['transition'], "
    "unit_cost=9_000_000, months=4, seats=90_000, budget={2026=900e9}, intake_months=[1, 2, 3, 6, 7, 11], "
    "eligibility={age_min=35, spell_min=1, contracts=['regular', 'temporary'], industries=['C', 'G', 'F', 'Q']}}",
    "world.subsidy_elasticity=1.5",
    "world.job_creation=0.9",
)


def test_engine_and_oracle_agree_on_hiring_subsidies(economy: Path) -> None:
    market = assert_same_life(scenario(economy, "hiring-subsidy", *SUBSIDIES))
    hires = np.array(
        [
            np.bincount(market.enrolments.status[market.enrolments.programme == p], minlength=3)
            for p, record in enumerate(market.programmes)
            if record.kind == "hiring-subsidy"
        ]
    )
    assert market.programme_ids[-2:] == ["hiring-subsidy", "senior-hires"]
    assert (hires.sum(axis=1) > 10).all()
    assert (hires[:, 1:3] > 0).all()  # some are paid for to the end, some leave before
    assert market.hires_relief().any()


# The oracle asks everyone; the engine asks only those whose draw lies under a bound, which must hold for any setting.
BOUNDS = {
    "exposure above one": ("world.exposure_level=3.0", "policy.budget.2026=2000e9"),
    "a steep age profile": (
        "policy.programmes.remote-ai.apply_age=-4.0",
        "policy.programmes.remote-ai.apply=0.9",
        "policy.budget.2026=2000e9",
    ),
    "separation that depends on employability": ("world.separation_employability=1.0",),
}


@pytest.mark.slow
@pytest.mark.parametrize("setting", BOUNDS)
def test_bounds_that_save_time_leave_nobody_out(economy: Path, setting: str) -> None:
    assert_same_life(scenario(economy, "roadmap", *BOUNDS[setting]))


def test_the_oracle_wants_a_newborn_market(economy: Path) -> None:
    market = newborn(scenario(economy, "no-training"))
    market.step()
    with pytest.raises(ValueError, match="has not lived a month"):
        ReferenceMarket(market)


# ----------------------------------------------------------------------------------- the check itself can fail


@pytest.fixture(scope="module")
def lived(economy: Path) -> tuple[LaborMarket, list[Facts]]:
    """A market that stays as it was born, and what its twin has lived through, month by month."""
    question = scenario(economy, "roadmap")
    market, facts = newborn(question), []
    while market.month < MONTHS:
        market.step()
        facts.append(engine_facts(market))
    return newborn(question), facts


def _tenure_off_by_a_month(rule: Callable[..., Any]) -> Callable[..., Any]:
    return lambda months: rule(months + 1)


def _no_decay(rule: Callable[..., Any]) -> Callable[..., Any]:
    def grown(model: Any, person: Any, used: float) -> float:
        learnt = model.parameters.learning_by_use * used * (1.0 - person.skill)
        return arithmetic.single(min(1.0, person.skill + learnt))

    return grown


def _last_ticket_first(rule: Callable[..., Any]) -> Callable[..., Any]:
    def reversed_order(*given: Any) -> tuple[float, int, int]:
        first, ticket, row = rule(*given)
        return first, -ticket, row

    return reversed_order


def _last_month(rule: Callable[..., Any]) -> Callable[..., Any]:
    def words_of_another_month(
        model: Any, purpose: str, identity: int, sub: int = 0, month: int | None = None
    ) -> Any:
        return rule(
            model, purpose, identity, sub, (model.month if month is None else month) - (purpose == "HIRED")
        )

    return words_of_another_month


def _negative(rule: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *given: -rule(*given)


def _nothing(rule: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *given: None


def _without_taste(rule: Callable[..., Any]) -> Callable[..., Any]:
    return lambda model, wage, contract, post: wage


def _one_more(rule: Callable[..., Any]) -> Callable[..., Any]:
    return lambda chosen, most: rule(chosen, most + 1)


def _twice(rule: Callable[..., Any]) -> Callable[..., Any]:
    def done_twice(*given: Any) -> None:
        rule(*given)
        rule(*given)

    return done_twice


MUTATIONS: dict[str, tuple[ModuleType | type, str, Callable[..., Any], str]] = {
    # what is wrong -> (where, rule, how it is bent, a table in which it must show)
    "the tenure of the separation hazard is off by a month": (
        jobs,
        "tenure_band",
        _tenure_off_by_a_month,
        "worker",
    ),
    "skill does not decay": (month_end, "next_skill", _no_decay, "worker"),
    "the last ticket gets the seat": (enrolling, "turn", _last_ticket_first, "enrolment"),
    "those who should stay are laid off": (jobs, "race", _negative, "worker"),
    "insurance is drawn with last month's number": (Market, "words", _last_month, "worker"),
    "labour demand does not look at the staff": (jobs, "take_staff_means", _nothing, "employer"),
    "nothing but pay is liked": (hiring, "liking", _without_taste, "worker"),
    "benefits are not used up": (month_end, "pay_benefit", _nothing, "worker"),
    "one trainee too many from each employer": (enrolling, "within_employers", _one_more, "enrolment"),
    "allowances are paid twice": (training, "pay_allowance", _twice, "account"),
    "nobody is followed": (month_end, "follow", _nothing, "enrolment and horizon"),
}


@pytest.mark.parametrize("wrong", MUTATIONS)
def test_a_wrong_rule_is_noticed(
    wrong: str, lived: tuple[LaborMarket, list[Facts]], monkeypatch: pytest.MonkeyPatch
) -> None:
    market, facts = lived
    where, name, bend, table = MUTATIONS[wrong]
    monkeypatch.setattr(where, name, bend(getattr(where, name)))
    oracle = ReferenceMarket(market)
    found: list[str] = []
    for month, theirs in enumerate(facts, start=market.month):
        oracle.step()
        found = compare(theirs, oracle_facts(oracle), month, most=10**6)
        if found:
            break
    assert found, f"not noticed in {len(facts)} months: {wrong}"
    assert any(f": {table} " in line for line in found), "\n".join(found[:10])
    assert "engine" in found[0] and "oracle" in found[0] and found[0].startswith(f"after month {month}")
