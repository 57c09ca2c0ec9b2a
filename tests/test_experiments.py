"""Trials inside the run: who is drawn, what losers may do, which seats stay empty, and estimators in closed form."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from sim import checkpoint, economy
from sim.draws import key_of
from sim.errors import InputError
from sim.evaluation.compare import compare
from sim.evaluation.comparison import Effects
from sim.evaluation.experiments import NO_TRIAL, contrast, externality, least_squares, within
from sim.evaluation.show import trials as tables
from sim.phases.enrol import seated
from sim.phases.withhold import in_turn
from sim.randomised import LOTTERY, SATURATION, WITHHELD, Randomised, levels_by_province, people_of
from sim.replicate import RunData, simulate
from sim.scenario import Scenario, load

COURSE = """
based_on = "no-training"
[policy.programmes.course]
label_en = "A course"
kind = "course"
stages = ["entry", "transition"]
unit_cost = 1_000_000
months = 1
completion = 1.0
apply = 0.2
awareness = 1.0
skill = 0.25
budget = { 2026 = 600_000_000_000 }
eligibility = { states = ["unemployed"] }
"""
WITHHELD_HERE, AT_LEVELS = (
    "evaluation.withhold.programmes=['course']",
    "evaluation.saturation.programmes=['course']",
)
EMPTY = "evaluation.withhold.seats='empty'"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = Path(tmp_path_factory.mktemp("trial")) / "course.toml"
    path.write_text(COURSE, encoding="utf-8")
    return path


def question(file: Path, *overrides: str, months: int = 7) -> Scenario:
    return load(file, overrides=overrides).with_run(scale=1000, months=months, replicates=1)


def lived(file: Path, *overrides: str, months: int = 7) -> RunData:
    return simulate(question(file, *overrides, months=months))


def spent(run: RunData) -> int:
    return int(run.books[1].sum())


# ------------------------------------------------------------------------------------------------- the lot


@pytest.mark.parametrize("seed", range(20))
def test_a_turn_for_a_seat_is_that_of_the_plain_queue(seed: int) -> None:
    """With everyone there, in turn are those who are seated; and nobody's turn depends on the own lot."""
    rng = np.random.default_rng(seed)
    region, seats = rng.integers(0, 4, 40), rng.integers(0, 8, 4)
    everyone = np.ones(40, dtype=bool)
    assert np.array_equal(np.flatnonzero(in_turn(region, seats, everyone)), seated(region, seats))
    there = rng.random(40) < 0.5
    turn = in_turn(region, seats, there)
    assert np.array_equal(np.flatnonzero(there)[seated(region[there], seats)], np.flatnonzero(turn & there))
    for i in range(40):
        other = there.copy()
        other[i] = not other[i]
        assert in_turn(region, seats, other)[i] == turn[i]


def test_refilled_seats_are_all_given_and_empty_ones_keep_their_money(file: Path) -> None:
    plain, refilled, empty = (lived(file, *over) for over in ((), (WITHHELD_HERE,), (WITHHELD_HERE, EMPTY)))
    assert plain.randomised.size == 0
    assert refilled.enrolments.size == plain.enrolments.size and spent(refilled) == spent(plain)
    lots = empty.randomised
    assert lots.size == plain.enrolments.size  # as many turns as seats
    assert empty.enrolments.size == lots.offered.sum()
    assert spent(empty) == lots.offered.sum() * 1_000_000 * 1000
    assert 0.4 < lots.offered.mean() < 0.6 and 0.4 < refilled.randomised.offered.mean() < 0.6


def test_everyone_drawn_is_noted_and_winners_are_the_enrolled(file: Path) -> None:
    run = lived(file, WITHHELD_HERE, "evaluation.withhold.first_month=2", "evaluation.withhold.last_month=4")
    lots, courses = run.randomised, run.enrolments
    assert set(lots.month.tolist()) == {1, 2, 3} and set(lots.design.tolist()) == {WITHHELD}
    won = lots.offered == 1
    taken = {(int(i), int(t)) for i, t in zip(courses.person, courses.start, strict=True)}
    drawn = {(int(i), int(t)) for i, t in zip(lots.person[won], lots.month[won], strict=True)}
    assert drawn == {one for one in taken if 1 <= one[1] <= 3}
    assert (lots.enrolled[won] == lots.month[won]).all() and (lots.trained[won] == lots.month[won]).all()
    three, six = lots.placed[:, 0, :, 0], lots.placed[:, 0, :, 1]
    assert (three >= 0).all() and (six == -1).all()  # lots of months 1 to 3 of 7, followed to the end


def test_losers_come_back_only_where_the_rule_lets_them(file: Path) -> None:
    again = {
        rule: lived(file, WITHHELD_HERE, f"evaluation.withhold.again='{rule}'").randomised
        for rule in ("all", "others", "none")
    }
    lost = {rule: lots.offered == 0 for rule, lots in again.items()}
    assert (again["all"].enrolled[lost["all"]] >= 0).any()
    for rule in ("others", "none"):
        lots = again[rule]
        assert (lots.enrolled[lost[rule]] < 0).all()
        _, times = np.unique(lots.person[lost[rule]], return_counts=True)
        assert (times == 1).all()


def test_losers_train_elsewhere_unless_all_is_closed_to_them(file: Path) -> None:
    """A second course for the same people."""
    both = file.with_name("both.toml")
    second = COURSE.split("\n", 2)[2].replace("programmes.course", "programmes.second")
    both.write_text(COURSE + second, encoding="utf-8")
    elsewhere = {}
    for rule in ("others", "none"):
        lots = simulate(question(both, WITHHELD_HERE, f"evaluation.withhold.again='{rule}'")).randomised
        elsewhere[rule] = (lots.trained[lots.offered == 0] >= 0).sum()
    assert elsewhere["others"] > 5 and elsewhere["none"] == 0


def test_a_lottery_of_the_record_is_noted_when_more_apply_than_there_are_seats(file: Path) -> None:
    key = "policy.programmes.course"
    run = lived(file, f"{key}.selection='lottery'")
    lots = run.randomised
    assert set(lots.design.tolist()) == {LOTTERY}
    assert lots.offered.sum() == run.enrolments.size < lots.size == run.record.programmes[:, :, 0].sum()
    enough = lived(file, f"{key}.selection='lottery'", f"{key}.apply=0.01", f"{key}.budget.2026=9e12")
    assert enough.enrolments.size > 10 and enough.randomised.size == 0


def test_offers_of_a_province_are_those_of_its_level(file: Path) -> None:
    run = lived(file, AT_LEVELS, "policy.programmes.course.budget.2026=2e12")
    lots, korea = run.randomised, economy.load("korea")
    scenario = run.scenario
    levels = levels_by_province(
        key_of(scenario.run.seed, 0), people_of(korea), scenario.evaluation.saturation.levels
    )
    assert set(lots.design.tolist()) == {SATURATION}
    assert np.array_equal(lots.level, levels[lots.region].astype(np.float32))
    assert (lots.offered[lots.level == 0] == 0).all() and (lots.offered[lots.level == 1] == 1).all()
    for level in (0.25, 0.5, 0.75):
        mine = lots.offered[lots.level == level]
        assert abs(mine.mean() - level) < 4 * np.sqrt(0.25 / mine.size)


def test_levels_are_balanced_over_provinces_of_like_size() -> None:
    people = people_of(economy.load("korea"))
    order, levels = np.argsort(-people), (0.0, 0.25, 0.5, 0.75, 1.0)
    drawn = np.array([levels_by_province(key_of(1, r), people, levels)[order] for r in range(200)])
    for block in (drawn[:, :5], drawn[:, 5:10], drawn[:, 10:15]):
        assert (np.sort(block, axis=1) == levels).all()
    assert (np.diff(np.sort(drawn[:, 15:], axis=1)) > 0).all()  # the two left over have different ones
    assert (np.abs(drawn.mean(axis=0) - 0.5) < 4 * np.sqrt(0.125 / 200)).all()


# ------------------------------------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("override", "key", "said"),
    [
        ("evaluation.withhold.programmes=['cours']", "withhold.programmes", "unknown programme 'cours'"),
        (
            "evaluation.withhold.programmes=['sme-package']",
            "withhold.programmes",
            "nobody applies to it alone",
        ),
        ("evaluation.withhold.share=1.5", "withhold.share", "out of range"),
        ("evaluation.withhold.again='maybe'", "withhold.again", "is not a choice"),
        ("evaluation.withhold.last_month=0", "withhold.last_month", "out of range"),
        ("evaluation.saturation.levels=[0.5, 2.0]", "saturation.levels", "out of range"),
        ("evaluation.withold.share=0.5", "evaluation.withold", "unknown key"),
    ],
)
def test_mistakes_are_told_by_key(file: Path, override: str, key: str, said: str) -> None:
    korea = economy.load("korea")
    with pytest.raises(InputError, match=said) as wrong:
        load(file, overrides=[override]).programmes(korea.programmes)
    assert key in str(wrong.value.key)


def test_two_designs_cannot_have_one_programme(file: Path) -> None:
    both = load(file, overrides=[WITHHELD_HERE, AT_LEVELS])
    with pytest.raises(InputError, match="already in evaluation"):
        both.programmes(economy.load("korea").programmes)
    with pytest.raises(InputError, match="is after last_month"):
        load(file, overrides=["evaluation.withhold.first_month=5", "evaluation.withhold.last_month=4"])


def test_a_trial_is_part_of_the_question_and_of_its_file(file: Path, tmp_path: Path) -> None:
    asked, trial = question(file), question(file, WITHHELD_HERE, "evaluation.withhold.share=0.25")
    assert asked.digest("") != trial.digest("") and "evaluation" not in asked.settings()
    again = tmp_path / "again.toml"
    again.write_text(trial.resolved_toml(), encoding="utf-8")
    assert load(again).digest("") == trial.digest("")
    shipped = load("roadmap+trial-withhold")
    assert (
        shipped.evaluation.withhold.programmes == ("kdt",)
        and shipped.policy.budget == load("roadmap").policy.budget
    )
    assert load("trial-saturation").evaluation.saturation.levels == (0.0, 0.25, 0.5, 0.75, 1.0)


# ------------------------------------------------------------------------------------------ kept and read back


def test_lots_survive_a_checkpoint(file: Path, tmp_path: Path) -> None:
    from sim.model import LaborMarket

    asked = question(file, WITHHELD_HERE, EMPTY)
    model = LaborMarket(asked)
    while model.month < 4:
        model.step()
    checkpoint.write(tmp_path / "half.npz", model)
    taken, _ = checkpoint.read(tmp_path / "half.npz", asked)
    one, other = (m.run().randomised for m in (taken, model))
    assert one.size == other.size > 0
    assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name, _ in Randomised.FIELDS)


@pytest.fixture(scope="module")
def effects(file: Path) -> Effects:
    trial = question(file, AT_LEVELS, "policy.programmes.course.budget.2026=2e12").model_copy(
        update={"name": "levels"}
    )
    return compare(
        question(file, "policy.programmes.course.budget.2026=0").model_copy(update={"name": "none"}), trial
    )


def test_what_a_trial_reports_is_read_back_and_printed(effects: Effects, tmp_path: Path) -> None:
    from rich.console import Console

    found = effects.trials()
    effects.results.save(tmp_path / "run.nc")
    assert Effects.open(tmp_path / "run.nc").trials().equals(found)
    assert len(effects.tidy()) > len(found)
    console = Console(width=200, file=io.StringIO(), record=True)
    for table in tables(effects):
        console.print(table)
    text = console.export_text()
    assert "not offered, against provinces without seats" in text and "paired: effect on the offered" in text


def test_reported_shares_are_plain_counts(effects: Effects) -> None:
    table = effects.results.tree["trials"].to_dataset()
    known = table.employed.values[:, 0, 0] >= 0
    won = (table.offered.values == 1) & known
    found = effects.trials().set_index(["dimension", "outcome", "horizon_months"])["mean"]
    share = 100 * table.employed.values[won, 0, 0].mean()
    assert found["trial/saturation", "trial: in work, offered", 3] == pytest.approx(share)
    change = 100 * (table.employed.values[won, 0, 0] - table.anyway.values[won, 0]).mean()
    assert found["trial/saturation", "paired: effect on the offered", 3] == pytest.approx(change)


def test_without_a_lot_there_is_no_trial(file: Path) -> None:
    plain = question(file, months=3).model_copy(update={"name": "plain"})
    none = question(file, "policy.programmes.course.budget.2026=0", months=3).model_copy(
        update={"name": "none"}
    )
    found = compare(none, plain).trials()
    assert found.category.tolist() == ["course"] and found.unit.tolist() == [NO_TRIAL]
    assert found["mean"].isna().all()


# ---------------------------------------------------------------------------------------------- estimators


def test_one_stratum_is_a_difference_of_means() -> None:
    """Its robust error is that of White, corrected for two means (MacKinnon and White 1985, HC1)."""
    rng = np.random.default_rng(1)
    y, z = rng.normal(size=60), np.arange(60) % 3 == 0
    fit = contrast(y, z, np.zeros(60, dtype=int), np.arange(60))
    assert fit.value == pytest.approx(y[z].mean() - y[~z].mean())
    plain = sum(((y[k] - y[k].mean()) ** 2).sum() / k.sum() ** 2 for k in (z, ~z))
    assert fit.error == pytest.approx(np.sqrt(plain * 60 / 58))
    assert fit.degrees == 59


def test_strata_weigh_as_their_variance_of_treatment_and_wald_is_a_ratio() -> None:
    rng = np.random.default_rng(2)
    strata, y = rng.integers(0, 5, 300), rng.normal(size=300)
    z = rng.random(300) < 0.2 + 0.1 * strata
    took = (z | (rng.random(300) < 0.3)).astype(float)
    strata[-1], z[-1] = 5, True  # alone: says nothing
    parts, firsts, weights = [], [], []
    for s in range(5):
        mine = strata == s
        share = z[mine].mean()
        weights.append(mine.sum() * share * (1 - share))
        parts.append(y[mine & z].mean() - y[mine & ~z].mean())
        firsts.append(took[mine & z].mean() - took[mine & ~z].mean())
    itt = contrast(y, z, strata, np.arange(300))
    assert itt.value == pytest.approx(np.average(parts, weights=weights))
    wald = contrast(y, z, strata, np.arange(300), took)
    assert wald.value == pytest.approx(itt.value / np.average(firsts, weights=weights))


def test_persons_drawn_twice_are_one_cluster() -> None:
    """Everyone twice, in the same arm with the same outcome: the error is that of everyone once."""
    rng = np.random.default_rng(3)
    y, z = rng.normal(size=80), rng.random(80) < 0.5
    once = contrast(y, z, np.zeros(80, dtype=int), np.arange(80))
    twice = contrast(*(np.repeat(a, 2) for a in (y, z, np.zeros(80, dtype=int), np.arange(80))))
    assert twice.value == pytest.approx(once.value)
    assert twice.error == pytest.approx(once.error * np.sqrt(159 / 158 * 78 / 79), rel=1e-9)


def test_intervals_cover_as_often_as_they_say() -> None:
    """A thousand trials of 8 strata with an effect of 0.1: within three errors of 90%."""
    rng = np.random.default_rng(4)
    hit = 0
    for _ in range(1000):
        strata = rng.integers(0, 8, 200)
        z = rng.random(200) < 0.5
        y = (rng.random(200) < 0.3 + 0.05 * strata + 0.1 * z).astype(float)
        _, low, high = contrast(y, z, strata, np.arange(200)).ends()
        hit += low <= 0.1 <= high
    assert abs(hit / 1000 - 0.9) < 3 * np.sqrt(0.09 / 1000)


def test_the_externality_is_what_losers_lose_where_many_win() -> None:
    """Losers in provinces with seats lose 0.2, winners gain 0.3. Without noise it comes back whole."""
    province = np.repeat(np.arange(40), 30)
    level = np.array([0.0, 0.25, 0.5, 0.75])[province % 4]
    offered = np.random.default_rng(5).random(1200) < level
    seats, cohort = level > 0, np.arange(1200) % 3
    y = 0.5 + 0.1 * cohort + 0.3 * offered - 0.2 * (seats & ~offered)
    fit = externality(y, offered, seats, cohort, province)
    assert (
        fit.value == pytest.approx(-0.2) and fit.error == pytest.approx(0.0, abs=1e-9) and fit.degrees == 39
    )
    noisy = externality(
        y + np.random.default_rng(6).normal(size=40)[province], offered, seats, cohort, province
    )
    alone = externality(
        y + np.random.default_rng(6).normal(size=40)[province], offered, seats, cohort, np.arange(1200)
    )
    assert noisy.error > 2 * alone.error  # provinces, not persons, were drawn
    assert np.isnan(externality(y, offered, np.ones(1200, dtype=bool), cohort, province).value)


def test_least_squares_solves_the_normal_equations() -> None:
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(50, 2)), rng.normal(size=50)
    beta, spread, groups = least_squares(y, x, np.arange(50))
    assert np.allclose(beta, np.linalg.lstsq(x, y, rcond=None)[0]) and groups == 50
    residual = y - x @ beta
    bread = np.linalg.inv(x.T @ x)
    meat = (x * residual[:, None] ** 2).T @ x
    assert np.allclose(spread, bread @ meat @ bread * 50 / 48)
    demeaned = within(np.stack([y, y], axis=1), np.arange(50) % 4)
    assert np.allclose(np.bincount(np.arange(50) % 4, weights=demeaned[:, 1]), 0.0)


def test_nothing_to_compare_gives_no_number() -> None:
    y, everyone = np.ones(10), np.ones(10, dtype=bool)
    fit = contrast(y, everyone, np.zeros(10, dtype=int), np.arange(10))
    assert np.isnan(fit.value) and np.isnan(fit.ends()).all()
