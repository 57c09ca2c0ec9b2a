"""`laborshift validate`: verdicts, order, the twenty targets, JSON, limits, and a trial of nothing."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from sim.cli import app
from sim.errors import InputError
from sim.estimation import targets
from sim.evaluation.compare import paired_runs
from sim.scenario import load
from sim.validation import held_out, limits, trials
from sim.validation import validate as table18
from sim.validation.people import Displaced
from sim.validation.rows import FAILS, GROUPS, PASSES, UNTESTED, Row, failures_first, status_of


def laborshift(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def row(id: str, group: str = "fit", status: str = PASSES, value: float | None = 1.0) -> Row:
    return Row(id, group, id, id, "share", value, None, None, None, None, status, "nobody")


# ---------------------------------------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("value", "error", "low", "high", "status"),
    [
        (0.5, 0.0, 0.4, 0.6, PASSES),
        (0.6, None, 0.4, 0.6, PASSES),
        (0.7, 0.0, 0.4, 0.6, FAILS),
        (0.7, 0.06, 0.4, 0.6, PASSES),  # within two errors
        (0.3, 0.04, 0.4, 0.6, FAILS),
        (-9.0, 0.0, None, 0.0, PASSES),
        (9.0, 0.0, None, 0.0, FAILS),
        (9.0, 0.0, 0.0, None, PASSES),
        (None, None, 0.0, 1.0, UNTESTED),
        (math.nan, 0.0, 0.0, 1.0, UNTESTED),
    ],
)
def test_a_number_passes_within_two_errors_of_its_range(
    value: float | None, error: float | None, low: float | None, high: float | None, status: str
) -> None:
    assert status_of(value, error, low, high) == status


def test_failures_come_first_then_what_is_not_tested() -> None:
    rows = [
        row("a", "limit"),
        row("b", "limit", UNTESTED),
        row("c", "training", FAILS),
        row("d", "fit"),
        row("e", "fit", FAILS),
        row("f", "test", UNTESTED),
    ]
    assert "".join(one.id for one in failures_first(rows)) == "ecfbda"


def test_a_fact_has_one_row_the_tested_one_and_none_is_left_out() -> None:
    rows = table18.collect([row("tenure_mean", "test", UNTESTED, None), row("tenure_mean", "test", FAILS)])
    ids = [one.id for one in rows]
    assert len(ids) == len(set(ids))
    found = {one.id: one for one in rows}
    assert found["tenure_mean"].status == FAILS
    backtest = found["youth_insured_change"]
    assert (backtest.group, backtest.status, backtest.value) == ("backtest", UNTESTED, None)
    held = {one.id for one in targets.load().values() if one.role == "test"}
    assert held <= set(ids) | {fact.id for fact in trials.facts()}


def test_the_error_of_a_ratio_is_that_of_its_residuals() -> None:
    value, error = trials.pooled([(1.0, 10.0), (3.0, 10.0)])
    assert value == pytest.approx(0.2)
    assert error == pytest.approx(0.1)
    assert trials.pooled([(1.0, 2.0)]) == (0.5, None)
    assert math.isnan(trials.pooled([(0.0, 0.0), (0.0, 0.0)])[0] or 0.0)
    assert trials.share([(1.0, 1.0), (1.0, -1.0)]) == (None, None)  # a share of no effect is no number
    assert trials.share([(1.0, 2.0), (1.0, 2.0)])[0] == 0.5
    assert trials.less((1.0, 0.3), (0.5, 0.4)) == (0.5, 0.5)
    assert trials.less((1.0, 0.3), (None, None)) == (None, None)


# ------------------------------------------------------------------------------------- the twenty targets


def test_every_published_target_is_in_the_file_once() -> None:
    facts = trials.facts()
    assert {fact.target for fact in facts} == set(range(1, 21))
    assert len({fact.id for fact in facts}) == len(facts)
    for fact in facts:
        assert fact.label and fact.label_ko and fact.unit and fact.source, fact.id
        assert fact.low is None or fact.high is None or fact.low < fact.high, fact.id
    with trials.FILE.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == trials.COLUMNS
    shared = targets.load()
    assert all(bool(line["label"]) != (line["id"] in shared) for line in lines)


def test_the_korean_null_lies_inside_the_prior() -> None:
    fact = next(fact for fact in trials.facts() if fact.id == "effect_12_months_korea")
    assert (fact.low, fact.high) == (-0.1, 0.12)
    assert status_of(0.0, 0.0, fact.low, fact.high) == PASSES


def test_a_sign_must_be_shown_and_a_range_may_be_missed_by_chance() -> None:
    facts = {fact.id: fact for fact in trials.facts()}
    second, four = facts["six_months_second_year"], facts["four_weeks_first_year"]
    assert (second.rule, four.rule) == ("sign", "range")
    assert trials._row(second, 0.03, 0.01).status == PASSES
    assert trials._row(second, 0.01, 0.01).status == FAILS  # may be nothing
    assert trials._row(four, -0.01, 0.01).status == PASSES  # no loss, as far as chance can tell
    assert trials._row(four, -0.03, 0.01).status == FAILS
    assert trials._row(second, None, None).status == UNTESTED


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """The group of training at a scale where nothing can be learnt but that it works."""
    monkey = pytest.MonkeyPatch()
    monkey.setattr(trials, "FAST", (1000, 1))
    folder = tmp_path_factory.mktemp("validation")
    done = laborshift("validate", "--fast", "--only", "training", "--json", "--out", str(folder))
    monkey.undo()
    assert done.exit_code == 0, done.output
    return folder, json.loads(done.stdout)


def test_every_published_target_has_its_rows_and_failures_raise_nothing(
    tiny: tuple[Path, dict[str, object]],
) -> None:
    _, found = tiny
    rows = [Row(**one) for one in found["rows"]]  # type: ignore[attr-defined]
    ids = [one.id for one in rows]
    assert len(ids) == len(set(ids))
    answered = {fact.id for fact in trials.facts() if not trials._moment(fact.id)}
    assert set(ids) == answered
    measured = {one.id for one in rows if one.value is not None}
    assert {"effect_1_2_years", "six_months_first_year", "displaced_wage", "ai_premium"} <= measured
    untested = {one.id: one.note for one in rows if one.status == UNTESTED}
    assert {"mvpf", "ai_use_employer_push"} <= set(untested)
    assert all(untested.values())  # with the reason
    of_a_plain_run = {fact.id for fact in trials.facts()} - answered
    assert of_a_plain_run <= {one.id for one in targets.load().values() if one.role in ("fit", "test")}


def test_the_json_holds_what_the_folder_holds(tiny: tuple[Path, dict[str, object]]) -> None:
    _, found = tiny
    assert set(found) == {
        *("folder", "model", "fast", "scale", "only", "counts", "published_targets", "rows"),
    }
    folder = Path(str(found["folder"]))
    assert folder.name.startswith("validation-") and len(folder.name) == len("validation-") + 8
    assert {path.name for path in folder.iterdir()} == {"validation.csv", "validation.json", "validation.md"}
    kept = json.loads((folder / "validation.json").read_text(encoding="utf-8"))
    assert kept == {name: value for name, value in found.items() if name != "folder"}
    with (folder / "validation.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["id"] for line in lines] == [one["id"] for one in kept["rows"]]
    order = [one["status"] for one in kept["rows"]]
    assert order == sorted(order, key=[FAILS, UNTESTED, PASSES].index)
    assert sum(kept["counts"]["training"].values()) == len(lines)
    assert "Not tested, and why:" in (folder / "validation.md").read_text(encoding="utf-8")


def test_a_trial_of_nothing_has_no_effect() -> None:
    """No money, no training: every difference is exactly zero, not only small."""
    run = {"scale": 1000, "months": 6, "replicates": 1}
    asked = [load("validation/trial-none").with_run(**run)]
    closed = load("validation/trial-six-months", overrides=["policy.programmes.trial.closed=true"])
    asked.append(closed.with_run(**run))
    _, ((pair,),) = paired_runs(asked)
    assert trials.direct(pair, 0, 6) == (0.0, 0.0)
    assert trials.displaced(pair, 0, 6) == (0.0, 0.0)
    assert not pair.heads.any()


def test_six_months_of_course_keep_people_from_work() -> None:
    run = {"scale": 1000, "months": 12, "replicates": 1}
    asked = [load(f"validation/trial-{name}").with_run(**run) for name in ("none", "six-months")]
    _, ((pair,),) = paired_runs(asked)
    effect, known = trials.direct(pair, 1, 6)
    assert known > 500 and effect / known < -0.1


def test_someone_who_lost_a_job_is_followed_for_two_years() -> None:
    lost = Displaced()
    lost.rows, lost.since = np.array([0, 1]), np.array([1, 1])
    lost.lost, lost.back = np.array([100.0, 100.0]), np.array([3, 13])
    lost.pay_then, lost.second_year = np.array([90.0, 0.0]), np.array([1080.0, 500.0])
    assert lost.sums() == {
        "displaced_back_12_months": (1.0, 2.0),
        "displaced_wage": (-10.0, 100.0),
        "displaced_annual_pay": (-120.0, 1200.0),
    }


# ------------------------------------------------------------------------------------- the other groups


def test_the_limit_holds() -> None:
    rows = limits.rows(fast=True)
    assert {one.status for one in rows} == {PASSES}
    assert {one.group for one in rows} == {"limit"}
    assert len(rows) == 13


def test_only_a_group_is_run_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_out, "FAST", (1000, 2))
    done = laborshift("validate", "--fast", "--only", "test", "--out", str(tmp_path))
    assert done.exit_code == 0 and "rows by group" in done.stdout and "limit" not in done.stdout
    (folder,) = tmp_path.iterdir()
    kept = json.loads((folder / "validation.json").read_text(encoding="utf-8"))
    assert {one["group"] for one in kept["rows"]} == {"test"}
    assert set(kept["counts"]) == {"test"}
    names = {one["id"] for one in kept["rows"]}
    assert {"tenure_mean", "unemployed_6_months"} <= names and "flow_eu" not in names


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--only", "traning"), 'did you mean "training"'),
        (("--only", "nothing"), ", ".join(GROUPS)),
        (("--scale", "0"), "from 1 to 1000"),
        (("--jobs", "0"), "jobs"),
    ],
)
def test_what_is_asked_wrongly_is_refused(words: tuple[str, ...], message: str) -> None:
    done = laborshift("validate", *words)
    assert done.exit_code == 2 and "Traceback" not in done.output
    assert message in done.stderr, done.stderr


def test_from_python_the_same_mistakes_are_raised() -> None:
    with pytest.raises(InputError, match="--only"):
        table18.validate(only="tests")
