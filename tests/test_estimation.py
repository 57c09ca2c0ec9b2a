"""The estimator (sim/estimation) against closed forms, another package, and a toy market whose truth is known."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the estimator needs the extra [calibrate]")
pytest.importorskip("emcee", reason="the estimator needs the extra [calibrate]")

from sim.estimation.diagnostics import (
    history_match,
    j_test,
    prior_conflict,
    report,
    sandwich,
    sensitivity,
    worst_case_se,
)
from sim.estimation.estimate import estimate
from sim.estimation.fit import Options, fit
from sim.estimation.posterior import Posterior
from sim.estimation.priors import Prior, Priors
from sim.estimation.problem import Problem, Runs, shrunk_covariance
from sim.estimation.sbc import LEVELS, Study, study, variance_shares
from sim.estimation.smoother import smooth

NORMAL = Prior("normal", -50.0, 50.0, 0.0, 1.0)  # theta = z
EXACT = Options(seeds=1, starts=1, screen=10, replicates=4, iterations=40, tolerance=1e-16, floor=0.0)


def linear(noise: float = 0.0) -> tuple[Problem, np.ndarray]:
    """A linear model with normal noise and normal priors, and its matrix (m, p)."""
    rng, m, p = np.random.default_rng(5), 7, 3
    matrix = rng.normal(size=(m, p))
    sd = rng.uniform(0.2, 0.5, size=m)

    def evaluate(thetas: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        shocks = np.array([np.random.default_rng(int(seed)).normal(size=m) for seed in seeds])
        return thetas @ matrix.T + noise * shocks

    truth = np.array([0.5, -0.8, 0.3])
    target = matrix @ truth + sd * rng.normal(size=m)
    names, moments = tuple("abc"), tuple(f"m{k}" for k in range(m))
    priors = Priors((NORMAL,) * p)
    return Problem(
        names, priors, moments, target, sd, np.zeros(m), ("one",) * 4 + ("two",) * 3, evaluate
    ), matrix


MONTHS, BURN_IN, WORKERS, LONG = 26, 8, 2_000, 3
TOY_SD = np.array([0.05, 0.04, 0.05, 0.08])


@lru_cache(maxsize=64)
def uniforms(seed: int) -> np.ndarray:
    """One number for every worker and month (MONTHS, WORKERS): common to all parameters."""
    return np.random.default_rng(seed).random((MONTHS, WORKERS), dtype=np.float32)


def live(theta: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """Two states with separations, finding, and finding that falls with duration: moments (4,), last employment."""
    separation, finding, fading = theta
    hazard = (finding / (1.0 + fading * np.arange(MONTHS + 1))).astype(np.float32)
    u, employed, duration = uniforms(seed), np.ones(WORKERS, dtype=bool), np.zeros(WORKERS, dtype=np.int64)
    jobs = lost = short = found_short = long = found_long = 0
    for t in range(MONTHS):
        change = u[t] < np.where(employed, np.float32(separation), hazard[duration])
        if t >= BURN_IN:
            lasting = duration >= LONG
            jobs, lost = jobs + employed.sum(), lost + (change & employed).sum()
            long, found_long = long + lasting.sum(), found_long + (change & lasting).sum()
            early = ~employed & ~lasting
            short, found_short = short + early.sum(), found_short + (change & early).sum()
        employed = employed ^ change
        duration = np.where(employed | change, 0, duration + 1)
    half = 0.5
    moments = [(short + long + half) / (jobs + half), (lost + half) / (jobs + 1)]
    moments += [(found_short + half) / (short + 1), (found_long + half) / (long + 1)]
    return np.log(moments), employed.mean()


def toy_moments(thetas: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    return np.array([live(theta, int(seed))[0] for theta, seed in zip(thetas, seeds, strict=True)])


def toy_policy(thetas: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Points of employment from finding that is a fifth faster: pairs of runs with the same numbers (n, 1)."""
    pairs = zip(thetas, seeds, strict=True)
    gain = [live(one * [1, 1.2, 1], int(seed))[1] - live(one, int(seed))[1] for one, seed in pairs]
    return 100.0 * np.array(gain)[:, None]


def toy() -> Problem:
    """The toy market at (0.02, 0.3, 0.15), without noise of a survey in its target."""
    priors = Priors(
        (Prior("loguniform", 0.008, 0.05), Prior("uniform", 0.15, 0.5), Prior("beta", 0.0, 0.5, 2.0, 2.0))
    )
    names = ("separation", "finding", "fading")
    moments = ("unemployed to employed", "EU", "UE short", "UE long")
    target = toy_moments(np.array([[0.02, 0.3, 0.15]]), np.array([77]))[0]
    block = ("survey",) * 2 + ("panel",) * 2
    return Problem(names, priors, moments, target, TOY_SD, np.zeros(4), block, toy_moments, target_noise=1.0)


def toy_estimator(problem: Problem, number: int) -> Posterior:
    options = Options(seeds=2, starts=1, screen=20, replicates=12, iterations=6, seed=number + 1)
    return estimate(problem, options, draws=49, wave_runs=80, waves=1, ensembles=1, checks=0).posterior


def within_binomial_error(result: Study, sets: int) -> None:
    """Coverage of every parameter and outcome, at every level, within the 99.9% band of a right posterior."""
    from scipy.stats import binom

    assert len(result.ranks) == sets, result.failed
    for level in LEVELS:
        covered = result.coverage(level).share * sets
        low, high = binom.interval(0.999, sets, level)
        assert ((low <= covered) & (covered <= high)).all(), (
            level,
            dict(zip(result.names, covered, strict=True)),
        )


# ----------------------------------------------------------------------------------------------- priors and runs


@pytest.mark.parametrize(
    "prior",
    [
        Prior("uniform", -1.0, 3.0),
        Prior("loguniform", 0.01, 2.0),
        Prior("beta", 1.0, 4.0, 2.0, 5.0),
        Prior("normal", 0.0, 1.0, 0.3, 0.4),
        Prior("normal", 5.0, 9.0, 0.0, 1.0),  # all of it in the upper tail
        Prior("normal", -9.0, -5.0, 0.0, 1.0),
    ],
)
def test_priors_are_inverted_and_keep_their_bounds(prior):
    priors = Priors((prior,))
    z = np.linspace(-4.0, 4.0, 33)[:, None]
    theta = priors.theta(z)
    assert (np.diff(theta[:, 0]) > 0).all() and theta.min() >= prior.low and theta.max() <= prior.high
    assert np.allclose(priors.z(theta), z, atol=1e-6)
    assert np.isfinite(priors.z(np.array([[prior.low], [prior.high]]))).all()


def test_priors_have_their_moments():
    from scipy.stats import truncnorm

    z = np.random.default_rng(1).standard_normal((200_000, 2))
    theta = Priors((Prior("normal", 0.0, 1.0, 0.3, 0.4), Prior("beta", 2.0, 4.0, 2.0, 5.0))).theta(z)
    assert abs(theta[:, 0].mean() - truncnorm(-0.75, 1.75, 0.3, 0.4).mean()) < 0.003
    assert abs(theta[:, 1].mean() - (2.0 + 2.0 * 2.0 / 7.0)) < 0.003


@pytest.mark.parametrize(
    "wrong",
    [("flat", 0, 1), ("uniform", 1, 0), ("loguniform", 0, 1), ("normal", 0, 1, 0, 0), ("beta", 0, 1, 0, 1)],
)
def test_priors_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="prior"):
        Prior(*wrong)


def test_an_estimation_goes_on_where_it_was_stopped(tmp_path):
    problem, _ = linear(noise=0.1)
    options = Options(starts=2, screen=10, replicates=5)
    whole = fit(problem, options)
    calls = 0

    def stops(thetas, seeds):
        nonlocal calls
        calls += 1
        if calls > 4:
            raise KeyboardInterrupt
        return problem.evaluate(thetas, seeds)

    file = tmp_path / "runs.npz"
    with pytest.raises(KeyboardInterrupt):
        fit(problem, options, Runs(replace(problem, evaluate=stops), file, chunk=10))
    runs = Runs(problem, file, chunk=10)
    kept = len(runs)
    assert kept > 0
    again = fit(problem, options, runs)
    assert runs.made == whole.runs - kept
    assert np.array_equal(again.theta, whole.theta) and np.array_equal(again.hessian, whole.hessian)
    with pytest.raises(ValueError, match="another model"):
        Runs(problem, file, identity="other code")


def test_a_run_that_fails_is_passed_by_and_a_model_that_always_fails_is_named():
    problem, _ = linear()

    def fails_above(thetas, seeds):
        return np.where((thetas[:, :1] > 1.0), np.nan, problem.evaluate(thetas, seeds))

    found = fit(replace(problem, evaluate=fails_above), replace(EXACT, seeds=1))
    assert np.allclose(found.theta, fit(problem, EXACT).theta, atol=1e-6)
    with pytest.raises(ValueError, match="every run of the screen failed"):
        fit(replace(problem, evaluate=lambda thetas, seeds: np.full((len(thetas), 7), np.nan)), EXACT)


def test_few_replicates_give_a_covariance_that_can_be_inverted():
    values = np.random.default_rng(1).normal(size=(12, 30))
    covariance = shrunk_covariance(values)
    assert np.allclose(np.diag(covariance), values.var(axis=0, ddof=1))
    assert np.linalg.eigvalsh(covariance).min() > 0.05
    twice = np.random.default_rng(2).normal(size=(4000, 1)) @ [[1.0, 2.0]] + [[0.0, 1.0]]
    assert np.allclose(shrunk_covariance(twice), [[1, 2], [2, 4]], rtol=0.1)


# -------------------------------------------------------------------------------------------- metamorphic, section 5.3


def curved(problem: Problem) -> Problem:
    """The linear problem with moments that bend."""
    return replace(problem, evaluate=lambda t, s: (m := problem.evaluate(t, s)) + 0.1 * m**2)


def test_noiseless_moments_return_the_parameters_that_made_them():
    problem = curved(linear()[0])
    theta = np.array([[0.4, -0.6, 0.9]])
    exact = replace(problem, target=problem.evaluate(theta, np.array([1]))[0])
    found = fit(exact, replace(EXACT, prior=0.0))
    assert found.best.converged
    assert np.allclose(found.theta, theta[0], atol=1e-6)


def test_a_moment_counted_twice_at_half_weight_changes_nothing():
    problem = curved(linear()[0])
    rows = [*range(7), 2]
    sd = problem.data_sd[rows]
    sd[[2, 7]] *= np.sqrt(2.0)
    double = replace(
        problem,
        moments=(*problem.moments, "again"),
        target=problem.target[rows],
        data_sd=sd,
        disc_sd=np.zeros(8),
        block=(*problem.block, "one"),
        evaluate=lambda t, s: problem.evaluate(t, s)[:, rows],
    )
    one, two = fit(problem, EXACT), fit(double, EXACT)
    assert np.allclose(one.theta, two.theta, atol=1e-6) and np.allclose(one.hessian, two.hessian, atol=1e-6)
    assert np.isclose(one.chi2, two.chi2, atol=1e-6)


def test_the_order_of_moments_changes_nothing():
    problem = curved(linear()[0])
    order = np.array([3, 0, 6, 1, 5, 2, 4])
    other = replace(
        problem,
        moments=tuple(problem.moments[k] for k in order),
        target=problem.target[order],
        data_sd=problem.data_sd[order],
        block=tuple(problem.block[k] for k in order),
        evaluate=lambda t, s: problem.evaluate(t, s)[:, order],
    )
    one, two = fit(problem, EXACT), fit(other, EXACT)
    assert np.allclose(one.theta, two.theta, atol=1e-6) and np.isclose(one.chi2, two.chi2, atol=1e-6)


# ----------------------------------------------------------------------------------------------------- closed forms


def closed_form(problem: Problem, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mean (P,) and covariance (P, P) of the linear problem without simulation noise."""
    weighted = matrix.T / problem.noise
    covariance = np.linalg.inv(weighted @ matrix + np.eye(matrix.shape[1]))
    return covariance @ weighted @ problem.target, covariance


def test_a_linear_model_has_its_posterior():
    problem, matrix = linear()
    mean, covariance = closed_form(problem, matrix)
    result = estimate(problem, EXACT, draws=2000)
    sd = np.sqrt(np.diag(covariance))
    assert np.allclose(result.fit.theta, mean, atol=1e-6) and np.allclose(
        result.fit.laplace, covariance, atol=1e-6
    )
    posterior = result.posterior
    error = sd / np.sqrt(min(posterior.diagnostics["effective_size"]))
    assert (np.abs(posterior.theta.mean(axis=0) - mean) < 4.5 * np.maximum(error, sd / np.sqrt(2000))).all()
    assert np.allclose(np.cov(posterior.theta.T) / np.outer(sd, sd), covariance / np.outer(sd, sd), atol=0.12)
    assert max(posterior.diagnostics["rhat"]) < 1.02
    assert posterior.diagnostics["outside_wave"] < 0.02 and not posterior.diagnostics["poorly_emulated"]
    assert posterior.unpinned == ()


def test_a_noisy_linear_model_has_its_posterior_too():
    problem, matrix = linear(noise=0.2)
    result = estimate(problem, Options(starts=1, replicates=60, floor=0.0), draws=2000, wave_runs=400)
    mean, covariance = closed_form(
        problem, matrix
    )  # the target is no run: noise is only in the emulator, and small
    sd = np.sqrt(np.diag(covariance))
    assert (np.abs(result.posterior.theta.mean(axis=0) - mean) < 0.5 * sd).all()
    ratio = result.posterior.theta.std(axis=0) / sd
    assert ((ratio > 0.9) & (ratio < 1.25)).all(), ratio


def test_what_the_data_do_not_pin_down_keeps_its_prior_and_is_named(tmp_path):
    problem, _ = linear()
    more = replace(
        problem,
        names=("a", "b", "c", "idle"),
        priors=Priors((*problem.priors.marginals, Prior("uniform", 10.0, 20.0))),
        evaluate=lambda t, s: problem.evaluate(t[:, :3], s),
    )
    posterior = estimate(more, replace(EXACT, floor=0.01), draws=1000).posterior
    assert posterior.unpinned == ("idle",)
    assert (
        abs(posterior.theta[:, 3].mean() - 15.0) < 0.6
        and abs(posterior.theta[:, 3].std() - 10 / 12**0.5) < 0.4
    )
    posterior.save(tmp_path / "posterior")
    again = Posterior.load(tmp_path / "posterior")
    assert again.names == posterior.names and again.diagnostics == posterior.diagnostics
    for kept in ("theta", "z", "log_weight"):
        assert np.array_equal(getattr(again, kept), getattr(posterior, kept))


def test_sensitivity_is_that_of_andrews_gentzkow_and_shapiro():
    problem, matrix = linear()
    found = fit(problem, EXACT)
    weight = np.diag(1.0 / problem.noise)
    moved = sensitivity(found.best.jacobian, weight, np.eye(3))
    by_hand = -np.linalg.inv(matrix.T @ weight @ matrix + np.eye(3)) @ matrix.T @ weight
    assert np.allclose(moved, by_hand, atol=1e-8)
    shifted = fit(replace(problem, target=problem.target + 0.1 * np.eye(7)[4]), EXACT)
    assert np.allclose(shifted.theta - found.theta, -0.1 * moved[:, 4], atol=1e-6)
    told = report(problem, found)
    assert np.allclose(told["sensitivity_times_sd"], -by_hand * problem.data_sd, atol=1e-6)
    assert (np.array(told["worst_case_se"]) >= told["sandwich_se"]).all()


@pytest.mark.slow  # importing estimagic alone takes over ten seconds
def test_standard_errors_are_those_of_estimagic():
    em = pytest.importorskip("estimagic", reason="optimagic is not installed: pip install optimagic")
    problem, _ = linear()
    bent = curved(problem)
    found = fit(bent, replace(EXACT, prior=0.0, step=1e-4))
    correlated = np.diag(problem.noise) + 0.02
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = em.estimate_msm(
            lambda theta: bent.evaluate(np.asarray(theta)[None], np.array([0]))[0],
            problem.target,
            correlated,
            found.theta,
            optimize_options="scipy_lbfgsb",
            weights="diagonal",
        )
        cov, bias = theirs.cov(method="robust"), theirs.sensitivity(kind="bias")
    weight = np.diag(1.0 / np.diag(correlated))
    again = fit(replace(bent, data_sd=np.sqrt(np.diag(correlated))), replace(EXACT, prior=0.0, step=1e-4))
    assert np.allclose(again.theta, theirs.params, atol=1e-4)
    assert np.allclose(sandwich(again.best.jacobian, weight, correlated), cov, rtol=1e-3, atol=1e-5)
    assert np.allclose(sensitivity(again.best.jacobian, weight), bias, rtol=1e-3, atol=1e-4)


def test_worst_case_errors():
    loadings, sd = np.array([[1.0, -2.0, 0.5]]), np.array([0.1, 0.2, 0.4])
    alone = worst_case_se(loadings, sd, ("a", "b", "c"))
    assert np.isclose(alone[0], 0.1 + 0.4 + 0.2)
    assert np.isclose(worst_case_se(loadings, sd, ("a",) * 3)[0], np.sqrt(0.01 + 0.16 + 0.04))
    rng = np.random.default_rng(3)
    for _ in range(200):  # no correlation between the blocks does worse
        root = rng.normal(size=(3, 3))
        correlation = root @ root.T / np.sqrt(np.outer(np.diag(root @ root.T), np.diag(root @ root.T)))
        se = np.sqrt(loadings @ (correlation * np.outer(sd, sd)) @ loadings.T)[0, 0]
        assert se <= alone[0] + 1e-12


# --------------------------------------------------------------------------------------------------- a wrong model


def test_a_wrong_model_is_rejected_and_the_moments_are_named():
    problem, matrix = linear()
    wrong = replace(
        problem, target=problem.target + 4.0 * np.where(np.arange(7) < 2, [1, -1, 0, 0, 0, 0, 0], 0.0)
    )
    right, found = fit(problem, EXACT), fit(wrong, EXACT)
    assert j_test(found).p < 1e-6 and prior_conflict(found).p < 1e-6
    assert j_test(right).p > 0.05 and np.isclose(j_test(right).df, 7 - 3, atol=0.6)
    library = np.random.default_rng(1).standard_normal((4000, 3)) @ matrix.T
    nobody = history_match(library, wrong, np.full(7, 0.01))
    assert nobody.share == 0.0 and str(nobody).startswith("no parameter fits") and nobody.blockers
    assert {"m0", "m1"} & set(nobody.blockers)
    somebody = history_match(library, problem, np.full(7, 0.01))
    assert 0.0 < somebody.share < 0.5 and "not ruled out" in str(somebody)


def test_the_j_test_has_its_size_when_the_prior_decides_some_directions():
    problem, matrix = linear()
    rng, chi2 = np.random.default_rng(8), []
    vague = replace(problem, data_sd=4.0 * problem.data_sd)
    for _ in range(60):
        target = matrix @ rng.standard_normal(3) + vague.data_sd * rng.standard_normal(7)
        found = fit(replace(vague, target=target), replace(EXACT, iterations=4, screen=1, tolerance=1e-6))
        chi2.append(j_test(found).p)
    assert 0.3 < np.mean(chi2) < 0.7 and np.mean(np.array(chi2) < 0.1) < 0.25


def test_two_optima_are_both_found():
    two = Problem(
        names=("a",),
        priors=Priors((NORMAL,)),
        moments=("square", "level"),
        target=np.array([1.0, 0.02]),
        data_sd=np.array([0.1, 1.0]),
        disc_sd=np.zeros(2),
        block=("one", "one"),
        evaluate=lambda t, s: np.column_stack([t[:, 0] ** 2, t[:, 0]]),
    )
    found = fit(two, replace(EXACT, starts=3))
    assert np.isclose(abs(found.theta[0]), 1.0, atol=0.05)
    assert len(found.rivals()) >= 1 and np.isclose(found.rivals()[0].z[0], -found.best.z[0], atol=0.05)


# --------------------------------------------------------------------------------------------- the toy labour market


def test_the_toy_market_gives_back_its_parameters_and_the_ensemble_agrees():
    problem, options = toy(), Options(starts=2, screen=20, replicates=20)
    result = estimate(problem, options, wave_runs=120)
    z = problem.priors.z(np.array([[0.02, 0.3, 0.15]]))[0]
    posterior = result.posterior
    sd = posterior.z.std(axis=0)
    assert (np.abs(posterior.z.mean(axis=0) - z) < 3.0 * sd).all()
    assert (posterior.contraction[:2] > 0.7).all() and not result.fit.rivals()
    assert max(posterior.diagnostics["rhat"]) < 1.05 and min(posterior.diagnostics["effective_size"]) > 400
    assert all(0.01 < row["p"] < 0.99 for row in posterior.diagnostics["predictive"])
    assert all(0.6 < off < 1.5 for off in posterior.diagnostics["checked_by_runs"].values())
    ensemble = smooth(problem, result.fit.sim_cov, members=100, steps=4, options=options)
    assert (np.abs(ensemble.z.mean(axis=0) - result.fit.best.z) < 2.0 * sd).all()
    assert (ensemble.away(result.fit) < 2.0).all()


def test_calibration_by_simulation():
    problem = replace(toy(), target_noise=1.0)
    result = study(problem, toy_estimator, 20, toy_policy, ("policy",), seed=2)
    within_binomial_error(result, 20)
    assert result.histogram(5).sum() == 4 * 20
    assert result.summary()["names"] == ["separation", "finding", "fading", "policy"]


@pytest.mark.slow
def test_calibration_by_simulation_of_many_data_sets():
    result = study(toy(), toy_estimator, 100, toy_policy, ("policy",), seed=3)
    within_binomial_error(result, 100)
    assert min(min(one.values()) for one in result.uniformity(5).values()) > 0.001


def test_calibration_by_simulation_sees_an_estimator_that_is_too_sure():
    problem, matrix = linear()

    def exact(one: Problem, number: int, narrow: float = 1.0) -> Posterior:
        mean, covariance = closed_form(one, matrix)
        rng = np.random.default_rng([number, 1])
        z = rng.multivariate_normal(mean, narrow * covariance, size=99)
        return Posterior(one.names, z, z, np.zeros(99))

    right = study(problem, exact, 200)
    within_binomial_error(right, 200)
    assert min(min(one.values()) for one in right.uniformity().values()) > 0.001
    wrong = study(problem, lambda one, k: exact(one, k, 0.25), 200)
    assert (wrong.coverage(0.9).share < wrong.coverage(0.9).low).all()
    assert max(one["chi2"] for one in wrong.uniformity().values()) < 0.001


def test_shares_of_variance():
    rng = np.random.default_rng(1)
    values = 2.0 * rng.standard_normal((3000, 1)) + rng.standard_normal((3000, 3))
    parts = variance_shares(values, [values + 3.0])
    assert np.isclose(parts.parameter, 4.0, rtol=0.1) and np.isclose(parts.seed, 1.0, rtol=0.1)
    assert np.isclose(parts.structure, 4.5) and np.isclose(sum(parts.shares().values()), 1.0)
    assert variance_shares(rng.standard_normal((3000, 2))).parameter < 0.1
    with pytest.raises(ValueError, match="2 seeds"):
        variance_shares(values[:, :1])


def test_the_second_engine_agrees():
    pytest.importorskip("sbi", reason="sbi is not installed: pip install 'laborshift[sbi]'")
    from sim.estimation.npe import disagreement, train

    problem, _ = linear()
    z = np.random.default_rng(1).standard_normal((2000, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = train(problem, z, problem.evaluate(z, np.arange(2000)))
    assert (disagreement(estimate(problem, EXACT).posterior, theirs) < 0.5).all()


def test_the_second_engine_says_what_it_needs():
    try:
        import sbi  # noqa: F401
    except ImportError:
        from sim.estimation.npe import train

        problem, _ = linear()
        with pytest.raises(ImportError, match="pip install"):
            train(problem, np.zeros((2, 3)), np.zeros((2, 7)))
    else:
        pytest.skip("sbi is installed")
