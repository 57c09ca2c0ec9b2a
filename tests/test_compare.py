"""Comparisons as a user meets them: refusals, costs, the folder, the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.errors import InputError
from sim.evaluation import compare as comparing
from sim.evaluation.comparison import Effects
from sim.evaluation.cost import UNCLEAR, cost_per
from sim.evaluation.front import _told as sentence
from sim.evaluation.show import whole_accounts
from sim.scenario import Scenario, load

RUN = ["run.scale=1000", "run.months=2", "run.replicates=2"]


def scenarios() -> list[Scenario]:
    return [load("no-training", overrides=RUN), load("roadmap", overrides=RUN)]


def test_cost_of_a_job_only_where_there_are_jobs() -> None:
    won = np.array([100.0, 100.0, 100.0])
    (mean, low, high), why = cost_per(won, np.array([9.0, 10.0, 11.0]))
    assert (mean, why) == (10.0, "") and low < mean < high
    for jobs, reason in (([-9.0, 10.0, 11.0], UNCLEAR), ([-9.0, -10.0, -11.0], "fewer, not more")):
        found, why = cost_per(won, np.array(jobs))
        assert np.isnan(found).all() and why == reason
    assert cost_per(-won, np.array([9.0, 10.0, 11.0]))[1] == "no additional spending"


@given(st.lists(st.floats(-1e7, 1e7), min_size=4, max_size=4))
@settings(max_examples=50)
def test_printed_accounts_add_up(values: list[float]) -> None:
    gross, deadweight, substitution, displacement = values
    direct = gross - deadweight
    means = {
        "gross": gross,
        "deadweight": deadweight,
        "direct": direct,
        "substitution": substitution,
        "displacement": displacement,
        "net": direct - substitution - displacement,
    }
    whole = whole_accounts(means)
    assert whole["direct"] == whole["gross"] - whole["deadweight"]
    assert whole["net"] == whole["direct"] - whole["substitution"] - whole["displacement"]
    assert all(abs(whole[name] - means[name]) <= 2 + 1e-6 for name in means)


def test_scenarios_that_cannot_be_paired_are_refused() -> None:
    base, roadmap = scenarios()
    for settings_ in ({"scale": 500}, {"months": 3}, {"seed": 1}, {"replicates": 3}):
        with pytest.raises(InputError, match=f"run.{next(iter(settings_))}"):
            comparing.require_pairable([base, roadmap.with_run(**settings_)])
    with pytest.raises(InputError, match="are called"):
        comparing.require_pairable([base, base])
    with pytest.raises(InputError, match="a base and at least one other"):
        comparing.require_pairable([base])


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(0, 1e6))
@settings(max_examples=50)
def test_a_sentence_says_a_number_only_where_there_is_one(mean: float, below: float, above: float) -> None:
    row = {"mean": mean, "low": mean - below, "high": mean + above, "unit": "persons"}
    told = sentence(row, "+,.0f", "")
    clear = row["low"] > 0 or row["high"] < 0
    assert (UNCLEAR in told) == (not clear and told != "nothing changes")
    assert sentence(row | {"low": np.nan, "high": np.nan}, "+,.0f", "").endswith(
        "(one replicate has no interval)"
    )
    assert sentence(row | {"mean": np.nan, "unit": "too few (persons)"}, "", "") == "too few"


# -- the folder and the command ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison of two months in two processes, written without pictures."""
    return comparing.compare_into(scenarios(), out=tmp_path_factory.mktemp("out"), jobs=2, figures=False)[1]


def test_the_folder_holds_everything(folder: Path) -> None:
    assert folder.name.startswith("compare-no-training-roadmap-")
    kept = {file.name for file in folder.iterdir()}
    assert kept >= {"run.nc", "summary.csv", "summary.json", "effects.csv", "effects.json", "provenance.json"}
    assert kept >= {"scenario-no-training.toml", "scenario-roadmap.toml"}
    told = (folder / comparing.TABLES).read_text(encoding="utf-8")
    assert all(
        title in told for title in ("net jobs", "What else changes", "public balance", "spent / planned")
    )
    assert list(folder.parent.iterdir()) == [folder]  # nothing half-made beside it
    table = pd.read_csv(folder / "effects.csv")
    rows = json.loads((folder / "effects.json").read_text(encoding="utf-8"))
    assert len(table) == len(rows) and list(table.columns) == list(rows[0])


def test_processes_change_no_digit_and_what_is_kept_reads_back(folder: Path) -> None:
    short = scenarios()
    again = comparing.compare(*short).tidy()
    pd.testing.assert_frame_equal(Effects.open(folder).tidy(), again, check_exact=True)


def test_a_finished_comparison_is_read_not_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("ran again")

    monkeypatch.setattr(comparing, "paired_runs", refuse)
    short = scenarios()
    assert comparing.compare_into(short, out=folder.parent)[1] == folder
    with pytest.raises(AssertionError):
        comparing.compare_into(short, out=folder.parent, force=True)


def test_an_interrupt_leaves_no_half_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(comparing, "write_effects", interrupted)
    short = [one.with_run(months=1, replicates=1) for one in scenarios()]
    with pytest.raises(KeyboardInterrupt):
        comparing.compare_into(short, out=tmp_path, figures=False)
    assert list(tmp_path.iterdir()) == []


def test_one_json_object_and_nothing_else(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = scenarios()
    comparing.compare_command(short[0], short[1:], out=folder.parent, json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["base"], told["scenarios"], told["folder"]) == ("no-training", ["roadmap"], str(folder))
    assert {row["outcome"] for row in told["effects"]} >= {"direct", "substitution", "displacement", "net"}
    comparing.compare_command(short[0], short[1:], out=folder.parent)
    answer = capsys.readouterr().out
    assert "net jobs" in answer and "public balance" not in answer and answer.count("\n") < 50
    comparing.compare_command(short[0], short[1:], out=folder.parent, full=True)
    assert "public balance" in capsys.readouterr().out
    comparing.compare_command(short[0], short[1:], out=folder.parent, quiet=True)
    assert capsys.readouterr().out == ""
