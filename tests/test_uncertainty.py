"""Parameters drawn from a posterior: which draw, what stays fixed, what the intervals then say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sim import runner
from sim.checkpoint import history, question
from sim.errors import InputError
from sim.evaluation.compare import compare_into
from sim.intervals import Design, components, student_t
from sim.parameters import PARAMETERS
from sim.scenario import Scenario, load
from sim.uncertainty import draw_of, drawn, drawn_names, ensemble, per_draw

SET = f"world.substitution={PARAMETERS['substitution'].default!r}"  # what it is anyway, but decided
NAMES = ("level_separate_eu", "substitution", "layoff_share")


def written(path: Path, n: int = 50, shift: float = 0.0) -> Path:
    """An ensemble of three parameters, with equal weights."""
    rng = np.random.default_rng(3)
    theta = np.column_stack([rng.uniform(0.5, 2.0, n), rng.uniform(0.1, 0.4, n), rng.uniform(0.05, 0.4, n)])
    theta[0, 0] += shift
    rows = [",".join([*NAMES, *(f"z:{name}" for name in NAMES), "log_weight"])]
    rows += [",".join(repr(float(x)) for x in [*row, 0.0, 0.0, 0.0, 0.0]) for row in theta]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("posterior") / "posterior.csv")


def asked(file: Path, name: str = "roadmap", *sets: str, replicates: int = 4, **run: int) -> Scenario:
    scenario = load(name, overrides=[f'run.uncertainty="{file}"', *sets])
    return scenario.with_run(**{"scale": 1000, "months": 3, "replicates": replicates, **run})


def test_two_replicates_share_a_draw_and_draws_spread_over_the_ensemble(file: Path) -> None:
    scenario = asked(file, replicates=20)
    numbers = [draw_of(scenario, r) for r in range(20)]
    assert numbers[::2] == numbers[1::2]
    gaps = np.diff(sorted(numbers[::2]))
    assert gaps.min() >= 2 and gaps.max() <= 9  # 10 of 50, five apart if they were perfectly even
    assert numbers == [draw_of(asked(file, "baseline", replicates=20), r) for r in range(20)]
    assert numbers != [draw_of(asked(file, replicates=20, seed=2), r) for r in range(20)]
    assert [per_draw(asked(file, replicates=r)) for r in (1, 2, 3, 4, 5, 6)] == [1, 1, 1, 2, 1, 2]
    plain = load("roadmap")
    assert (draw_of(plain, 0), per_draw(plain), drawn(plain, 3)) == (-1, 0, plain)


def test_draws_come_as_often_as_they_weigh(tmp_path: Path) -> None:
    file = written(tmp_path / "weighted.csv", n=4)
    head, *rows = file.read_text().splitlines()
    logs = np.log([0.1, 0.2, 0.3, 0.4])
    lines = [row.rsplit(",", 1)[0] + f",{x!r}" for row, x in zip(rows, map(float, logs), strict=True)]
    file.write_text("\n".join([head, *lines]) + "\n")
    scenario = asked(file, replicates=1001)
    counts = np.bincount([draw_of(scenario, r) for r in range(1001)], minlength=4)
    assert np.abs(counts / 1001 - [0.1, 0.2, 0.3, 0.4]).max() < 0.01


def test_a_drawn_scenario_has_the_draw_s_parameters_and_its_own_keys(file: Path) -> None:
    free, fixed = asked(file), asked(file, "roadmap", SET)
    row = ensemble(str(file)).theta[draw_of(free, 2)]
    assert [getattr(drawn(free, 2).world, name) for name in NAMES] == row.tolist()
    assert drawn(fixed, 2).world.substitution == PARAMETERS["substitution"].default
    assert drawn(fixed, 2).world.layoff_share == row[2]
    assert drawn_names(free) == list(NAMES) and drawn_names(fixed) == ["level_separate_eu", "layoff_share"]
    assert drawn(drawn(free, 2), 2) == drawn(free, 2)


def test_digests_know_the_posterior_and_the_fixed_keys_and_not_the_path(file: Path, tmp_path: Path) -> None:
    same, other = tmp_path / "same.csv", written(tmp_path / "other.csv", shift=0.01)
    same.write_bytes(file.read_bytes())
    scenario = asked(file)
    for ask in (question, history):
        assert ask(asked(same)) == ask(scenario)
        assert ask(asked(other)) != ask(scenario)
        assert ask(asked(file, "roadmap", SET)) != ask(scenario)
        assert ask(scenario.with_run(uncertainty="seed")) != ask(scenario)
    plain = load("roadmap")
    assert question(plain) == question(load("roadmap", overrides=[SET]))


def test_the_resolved_scenario_asks_the_same_question(file: Path, tmp_path: Path) -> None:
    for scenario in (asked(file), asked(file, "roadmap", "world.substitution=0.25")):
        path = tmp_path / "resolved.toml"
        path.write_text(scenario.resolved_toml(), encoding="utf-8")
        assert question(load(path)) == question(scenario)


def test_a_run_is_repeatable_records_its_draws_and_splits_variance(file: Path, tmp_path: Path) -> None:
    scenario = asked(file, replicates=4)
    results, folder = runner.run(scenario, out=tmp_path / "a", figures=False)
    again, same = runner.run(scenario, out=tmp_path / "b", figures=False, jobs=2)
    assert folder.name == same.name
    assert results.market.sums.equals(again.market.sums)
    assert results.draws == [draw_of(scenario, r) for r in range(4)] and results.design == Design(2)
    told = json.loads((folder / "provenance.json").read_text())
    assert told["draws"] == results.draws and told["posterior_sha256"] == ensemble(str(file)).digest
    table = results.summary()
    split = table[["share_parameter", "share_seed"]].dropna()
    assert len(split) > 100 and np.allclose(split.sum(axis=1), 1.0)
    assert table["share_structure"].isna().all()
    other, _ = runner.run(scenario.with_run(uncertainty="seed"), out=tmp_path / "a", figures=False)
    assert other.draws == [] and other.summary()["share_seed"].isna().all()
    assert (folder / "run.nc").exists() and len(list((tmp_path / "a").iterdir())) == 2


def test_a_comparison_pairs_draws_and_checkpoints_change_nothing(file: Path, tmp_path: Path) -> None:
    base = asked(file, "no-training", replicates=2)
    policy = asked(file, "roadmap", replicates=2)
    held = asked(file, "roadmap", "world.substitution=0.25", "name=held", replicates=2)
    effects, _ = compare_into([base, policy, held], out=tmp_path / "a", figures=False)
    alone, _ = runner.run(policy, out=tmp_path / "b", figures=False, checkpoint_every=1)
    sums = effects.results.market.sums
    assert sums.sel(scenario=["roadmap"]).equals(alone.market.sums)
    assert not sums.sel(scenario="held").equals(sums.sel(scenario="roadmap"))
    assert effects.results.draws == alone.draws
    with pytest.raises(InputError, match=r"run\.uncertainty"):
        compare_into([base, policy.with_run(uncertainty="seed")], out=tmp_path, figures=False)


def test_what_is_no_posterior_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as missing:
        asked(tmp_path / "nowhere.csv").digest("e")
    assert missing.value.key == "run.uncertainty" and missing.value.file
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="does not hold draws"):
        ensemble(str(wrong))
    wrong.write_text("substitutio,z:substitutio,log_weight\n0.2,0,0\n")
    with pytest.raises(InputError, match="no parameter") as misspelt:
        ensemble(str(wrong))
    assert misspelt.value.nearest == "substitution"
    wrong.write_text("substitution,z:substitution,log_weight\n9.0,0,0\n")
    with pytest.raises(InputError, match="beyond its range"):
        ensemble(str(wrong))


def test_components_of_a_nested_design_are_those_it_was_made_of() -> None:
    rng = np.random.default_rng(5)
    draws = np.repeat(rng.normal(0.0, 3.0, 4000), 2)
    values = 7.0 + draws + rng.normal(0.0, 1.0, draws.size)
    found = components(values, 2)
    assert found.parameter == pytest.approx(9.0, rel=0.06) and found.seed == pytest.approx(1.0, rel=0.06)
    ends = Design(2).mean(values)
    assert ends.share_parameter == pytest.approx(0.9, abs=0.01)
    assert ends.share_parameter + ends.share_seed == pytest.approx(1.0)
    assert (ends.high - ends.low) / 2 == pytest.approx(1.645 * 3.0, rel=0.05)  # it does not shrink with draws
    one = Design(1).mean(values)
    assert np.isnan(one.share_parameter) and one.high - one.low > ends.high - ends.low
    top, bottom = values * 10.0, np.full(values.size, 10.0)
    assert np.allclose(Design(2).ratio(top, bottom), ends, equal_nan=True)


def test_the_interval_covers_the_expectation_under_a_new_draw() -> None:
    """Nine in ten, with few draws too, whether parameters or chance matter more."""
    rng = np.random.default_rng(6)
    for parameter, seed in ((2.0, 0.5), (0.5, 2.0)):
        draws = np.repeat(rng.normal(0.0, parameter, (8, 4000)), 2, axis=0)
        ends = Design(2).mean(draws + rng.normal(0.0, seed, draws.shape))
        new = rng.normal(0.0, parameter, 4000)
        assert 0.86 < ((ends.low < new) & (new < ends.high)).mean() <= 0.97


def test_without_draws_the_interval_is_the_old_one_and_nothing_is_split() -> None:
    values = np.array([1.0, 2.0, 4.0, 3.0])
    ends = Design().mean(values)
    assert ends.high - ends.mean == pytest.approx(student_t(3) * values.std(ddof=1) / 2.0)
    assert np.isnan(ends.share_parameter) and np.isnan(ends.share_seed)


def test_structure_is_told_from_parameters_and_chance():
    """Ten variants, three draws of each, two seeds of a draw: the parts of the variance come back, and the interval
    holds all of them."""
    rng = np.random.default_rng(5)
    kinds, draws = 10, 3000
    structure = 3.0 * rng.permutation(np.linspace(-1.5, 1.5, kinds))
    parameter = rng.normal(0.0, 2.0, (draws, 1))
    values = np.tile(structure, draws // kinds)[:, None] + parameter + rng.normal(0.0, 1.0, (draws, 2))
    ends = Design(2, kinds).mean(values.ravel())
    parts = np.array([4.0, 1.0, structure.var(ddof=1)])
    found = np.array([ends.share_parameter, ends.share_seed, ends.share_structure])
    assert np.allclose(found, parts / parts.sum(), atol=0.02)
    assert (
        Design(2, kinds).mean(values.ravel()[: 2 * kinds]).share_structure != found[2]
    )  # one draw of each: none
    assert np.isnan(Design(2, kinds).mean(values.ravel()[: 2 * kinds]).share_parameter)


def test_draws_take_variants_in_turn_but_for_choices_of_the_scenario(tmp_path):
    """Each variant changes one choice; what a scenario sets itself is a decision and stays."""
    scenario = load("baseline", overrides=["run.uncertainty=posterior+structure"]).with_run(replicates=40)
    default = scenario.world
    seen = []
    for replicate in range(0, 40, 2):
        world = drawn(scenario, replicate).world
        assert drawn(scenario, replicate + 1).world == world
        seen.append(
            [n for n in ("exposure", "adoption", "growth") if getattr(world, n) != getattr(default, n)]
        )
    assert seen[:10] == seen[10:] and sorted(map(len, seen[:10])) == [0] + [1] * 9
    asked = load("baseline", overrides=["run.uncertainty=posterior+structure", 'world.exposure="aioe"'])
    exposures = {drawn(asked.with_run(replicates=40), r).world.exposure for r in range(40)}
    assert exposures == {"aioe"}
