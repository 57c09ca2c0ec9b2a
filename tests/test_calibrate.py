"""`laborshift calibrate`: priors from the records, the problem, a whole calibration of a toy, resuming, accepting."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from sim import parameters
from sim.cli import app
from sim.errors import InputError
from sim.estimation import calibrate as module
from sim.estimation.calibrate import (
    FAR,
    FULL,
    QUICK,
    Calibration,
    Effort,
    accept,
    calibrate,
    estimate_toml,
    fitted,
    problem_of,
    scaled,
)
from sim.estimation.priors import Priors, of_parameter
from sim.estimation.targets import Target, load, shipped
from sim.parameters import CALIBRATED, PARAMETERS, estimates, with_estimates
from sim.uncertainty import ensemble

NAMES = ("level_separate_eu", "layoff_share", "job_creation")
TRUTH = np.array([1.4, 0.3, 0.8])
SEEN = ("flow_eu", "unemployment_rate_30-39", "unemployment_rate_40-49", "vacancy_rate", "turnover")
TOY = Effort(
    options=replace(QUICK.options, seeds=2, starts=2, screen=20, replicates=12, iterations=6),
    scale=1000,
    wave=30,
    waves=2,
    members=40,
    steps=3,
    checks=5,
    draws=100,
    ensembles=2,
    fresh=4,
    fresh_scale=1000,
)


# -- priors and defaults from the records ------------------------------------------------------------------


@pytest.mark.parametrize("name", [p.name for p in PARAMETERS.values() if p.estimated])
def test_a_prior_is_proper_weak_and_centred(name: str) -> None:
    record = PARAMETERS[name]
    prior = of_parameter(record)
    q = np.linspace(0.0005, 0.9995, 2000)
    values = prior.quantile(q)
    assert record.low <= values.min() and values.max() <= record.high and (np.diff(values) >= 0.0).all()
    assert np.allclose(prior.share(values), q, atol=1e-6)
    if record.prior == "beta":
        assert values.mean() == pytest.approx(record.centre, rel=0.01)
        assert min(prior.a, prior.b) > 0.999
    elif record.prior == "lognormal":
        assert np.log(values[1000] / record.centre) == pytest.approx(0.0, abs=0.1 * prior.b)
    else:
        assert name in ("job_creation", "applications") or record.centre in (record.low, record.high)
    z = Priors.of([prior]).z(np.array([[float(record.centre)]]))
    assert abs(z[0, 0]) < 1.0  # the search begins inside the prior


def test_what_is_fitted_follows_from_the_records() -> None:
    assert set(fitted()) == {p.name for p in PARAMETERS.values() if p.estimated and not p.integer}
    assert all(p.prior == "" for p in PARAMETERS.values() if not p.estimated)
    with pytest.raises(ValueError, match="not estimated"):
        of_parameter(PARAMETERS["exposure_level"])


def test_estimates_become_defaults_and_the_centre_stays(tmp_path: Path) -> None:
    file = tmp_path / "calibrated.toml"
    bare = {name: replace(one, estimate=None) for name, one in PARAMETERS.items()}
    assert estimates(file) == {}
    file.write_text(estimate_toml({"layoff_share": 0.123456789, "job_creation": 7.0, "gone": 1.0}))
    found = with_estimates(bare, estimates(file))
    assert (found["layoff_share"].default, found["layoff_share"].centre) == (
        0.123457,
        bare["layoff_share"].centre,
    )
    assert found["job_creation"] == bare["job_creation"]  # outside its range
    assert with_estimates(bare, {"applications": 3.0, "exposure_level": 2.0}) == bare  # not fitted


def test_the_estimates_that_ship_are_of_parameters_that_are_fitted() -> None:
    shipped_ones = estimates(CALIBRATED)
    assert set(shipped_ones) <= set(fitted())
    assert all(PARAMETERS[name].default == value for name, value in shipped_ones.items())


# -- the problem -------------------------------------------------------------------------------------------


def test_errors_are_those_of_the_targets_and_weights_count() -> None:
    targets = [one for one in load().values() if one.role == "fit"]
    problem = problem_of(targets, NAMES, lambda thetas, seeds: np.ones((len(thetas), len(targets))))
    assert problem.moments == tuple(one.id for one in targets)
    assert problem.block == tuple(one.survey for one in targets)
    by = {one.id: k for k, one in enumerate(targets)}
    k, one = by["flow_eu"], load()["flow_eu"]
    width = (one.high or 0.0) - (one.low or 0.0)
    slope = 1.0 / (one.value * (1.0 - one.value))
    assert problem.data_sd[k] == pytest.approx(width / 4.0 * slope / np.sqrt(one.weight))
    assert problem.disc_sd[k] == pytest.approx(problem.data_sd[k])  # one sampling error, more than 2%
    k, one = by["employment_rate_30-39"], load()["employment_rate_30-39"]
    assert problem.disc_sd[k] == pytest.approx(0.02 * (1.0 - one.value) / (one.value * (1.0 - one.value)))


def test_a_moment_of_nobody_is_far_away_and_not_infinitely_far() -> None:
    targets = [load()["flow_eu"], load()["wage_monthly"]]
    found = scaled(np.array([[0.0, np.nan], [targets[0].value, targets[1].value]]), targets)
    assert found[0, 0] == targets[0].scaled - FAR and np.isnan(found[0, 1])
    assert found[1].tolist() == [one.scaled for one in targets]


def test_the_full_calibration_fits_its_budget() -> None:
    """90 minutes on two cores at two processor seconds a run of scale 200, were every search to take all it
    may; and five at half a second a run of scale 1000, with a minute for the sampler."""
    assert FULL.most(len(fitted())) * 2.0 / 2.0 / 60.0 < 90.0
    assert QUICK.most(len(fitted())) * 0.5 / 2.0 / 60.0 < 4.0


# -- a whole calibration, of a toy instead of the model ----------------------------------------------------


def toy(
    scenario: Any,
    names: Sequence[str],
    thetas: np.ndarray,
    seeds: Sequence[int],
    moments: Sequence[str],
    **_: Any,
) -> np.ndarray:
    """Moments that move with the parameters; at the truth they are the targets, but for chance."""
    known = load()
    priors = Priors.of([of_parameter(PARAMETERS[name]) for name in names])
    z = priors.z(thetas) - priors.z(TRUTH[None, : len(names)])
    out = np.full((len(thetas), len(moments)), np.nan)
    for j, id in enumerate(moments):
        if id in SEEN:
            k = SEEN.index(id)
            for n, seed in enumerate(seeds):
                noise = 0.01 * np.random.default_rng([int(seed), k]).standard_normal()
                slopes = np.cos(np.arange(z.shape[1]) * (k + 1.0))
                out[n, j] = known[id].value * np.exp(0.4 * slopes @ z[n] + 0.02 * (z[n] ** 2).sum() + noise)
    return out


class Stops:
    """The toy, interrupted at a call."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, *arguments: Any, **options: Any) -> np.ndarray:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return toy(*arguments, **options)


@pytest.fixture
def toyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "batch", toy)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "batch", toy)
        return calibrate(load(), TOY, out=tmp_path_factory.mktemp("calibration") / "toy", names=NAMES)


def test_the_truth_is_found_and_what_is_not_measured_is_named(found: Calibration) -> None:
    record = found.record
    assert {row["id"] for row in record["moments"]} == set(SEEN)
    assert len(record["not_measured"]) == sum(one.role == "fit" for one in load().values()) - len(SEEN)
    assert set(record["not_fitted"]) == {p.name for p in PARAMETERS.values() if p.estimated} - set(NAMES)
    assert all(row["met"] for row in record["moments"])
    inside = [row["low"] <= x <= row["high"] for row, x in zip(record["parameters"], TRUTH, strict=True)]
    assert sum(inside) >= 2
    assert list(found.estimate) == list(NAMES)


def test_the_files_hold_draws_estimate_and_diagnostics(found: Calibration) -> None:
    draws = ensemble(str(found.folder / "posterior.csv"))
    assert draws.names == NAMES and draws.theta.shape == (TOY.draws, 3)
    assert estimates(found.folder / "estimate.toml") == pytest.approx(found.estimate, rel=1e-5)
    told = json.loads((found.folder / "diagnostics.json").read_text())
    assert {"j", "worst_case_se", "sensitivity_times_sd", "rhat", "unpinned"} <= set(told["diagnostics"])
    assert {"history_matching", "smoother", "estimate_is", "runs", "seconds"} <= set(told)
    assert not list(found.folder.glob(".part-*"))


@pytest.mark.usefixtures("toyed")
def test_a_finished_calibration_is_read_and_another_is_refused(
    found: Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = calibrate(load(), TOY, out=found.folder, names=NAMES)
    assert again.record == found.record | {"seconds": again.record["seconds"]}
    assert again.posterior.theta.tobytes() == found.posterior.theta.tobytes()
    with pytest.raises(InputError, match="holds the runs"):
        calibrate(load(), replace(TOY, draws=120), out=found.folder, names=NAMES)
    with pytest.raises(InputError, match="another model"):
        calibrate(load(), TOY, out=found.folder, names=NAMES[:2], resume=True)


def test_an_interrupted_calibration_goes_on_to_the_same_bytes(
    found: Calibration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "batch", Stops(9))
    with pytest.raises(KeyboardInterrupt, match="runs are kept: the same command with --resume"):
        calibrate(load(), TOY, out=tmp_path, names=NAMES)
    monkeypatch.setattr(module, "batch", toy)
    with pytest.raises(InputError, match="holds the runs") as refused:
        calibrate(load(), TOY, out=tmp_path, names=NAMES)
    assert "--resume" in str(refused.value)
    calibrate(load(), TOY, out=tmp_path, names=NAMES, resume=True)
    for name in ("posterior.csv", "posterior.json", "estimate.toml"):
        assert (tmp_path / name).read_bytes() == (found.folder / name).read_bytes()


def test_accepting_copies_draws_and_estimate(found: Calibration, tmp_path: Path) -> None:
    (tmp_path / "calibration").mkdir()
    point = tmp_path / "calibrated.toml"
    files = accept(found, tmp_path, point)
    assert [file.name for file in files] == [
        "posterior.csv",
        "posterior.json",
        "diagnostics.json",
        "calibrated.toml",
    ]
    assert (tmp_path / "calibration" / "posterior.csv").read_bytes() == (
        found.folder / "posterior.csv"
    ).read_bytes()
    assert estimates(point) == estimates(found.folder / "estimate.toml")


# -- the command -------------------------------------------------------------------------------------------


def laborshift(*words: str) -> Any:
    return CliRunner().invoke(app, ["calibrate", *words])


def test_the_command_prints_tables_or_one_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toyed: None
) -> None:
    monkeypatch.setattr(module, "QUICK", TOY)
    monkeypatch.setattr(module, "fitted", lambda: list(NAMES))
    out = str(tmp_path / "a")
    told = json.loads(laborshift("--quick", "--jobs", "1", "--out", out, "--json").stdout)
    assert told["folder"] == out and told["accepted"] == []
    text = laborshift("--quick", "--jobs", "1", "--out", out).stdout  # finished: it is read
    assert all(name in text for name in (*NAMES, "flow_eu", "J test", "history matching", out))


def test_mistakes_end_with_exit_code_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert laborshift(str(tmp_path / "nowhere.csv")).exit_code == 2
    with shipped().open(newline="", encoding="utf-8") as file:
        header, first, *_ = csv.reader(file)
    wrong = tmp_path / "targets.csv"

    def with_row(**cells: str) -> str:
        row = [cells.get(name, cell) for name, cell in zip(header, first, strict=True)]
        with wrong.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, row])
        return str(wrong)

    assert laborshift(with_row(role="fitt")).exit_code == 2
    nothing = laborshift(with_row(role="test"))
    assert nothing.exit_code == 2 and "no target has the role fit" in nothing.output
    assert laborshift("--quick", "--accept").exit_code == 2
    monkeypatch.setattr(module, "repository", lambda: None)
    installed = laborshift("--accept")
    assert installed.exit_code == 2 and "checkout" in installed.output


def test_the_model_itself_is_run_at_the_points(tmp_path: Path) -> None:
    """One batch of the real model through the problem: the targets' scales, the same seeds the same numbers."""
    one: list[Target] = [load()["flow_eu"], load()["wage_women_men"]]
    scenario = module.asked_of(1000)
    names = NAMES[:1]
    problem = problem_of(
        one,
        names,
        lambda thetas, seeds: module.batch(scenario, names, thetas, seeds.tolist(), [t.id for t in one]),
    )
    found = problem.evaluate(np.array([[1.0], [2.0]]), np.array([1, 1]))
    assert found.shape == (2, 2) and found[1, 0] > found[0, 0] + 0.2
    assert parameters.PARAMETERS["level_separate_eu"].fitted
