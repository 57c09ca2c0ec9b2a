"""Results, summary, panel, figures and folders, on tiny runs of the shipped scenarios."""

from __future__ import annotations

import json
import pickle
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sim import branching, figures, runner
from sim.errors import InputError
from sim.folder import finished, folder_of, whole
from sim.identities import broken
from sim.panel import COLUMNS as PANEL_COLUMNS
from sim.panel import panel_table
from sim.placements import placements
from sim.programmes import HORIZONS
from sim.ratios import fixed_composition, gini
from sim.record import FLOWS
from sim.replicate import RunData, simulate
from sim.results import GROUPS, Results
from sim.scenario import Scenario, load
from sim.summary import COLUMNS, FEWEST, TOO_FEW, pick, records
from sim.workers import STAGES

MONTHS, SCALE = 14, 1000


def tiny(name: str, **settings: Any) -> Scenario:
    return load(name).with_run(**{"scale": SCALE, "months": MONTHS, "replicates": 2, **settings})


@pytest.fixture(scope="module")
def runs() -> list[RunData]:
    """Two scenarios, two replicates each, with a panel."""
    return [simulate(tiny(name), r, panel=400) for name in ("baseline", "roadmap") for r in (0, 1)]


@pytest.fixture(scope="module")
def results(runs: list[RunData]) -> Results:
    return Results.from_runs(runs)


@pytest.fixture(scope="module")
def table(results: Results) -> pd.DataFrame:
    return results.summary()


# -- a replicate ---------------------------------------------------------------------------------------


def test_persons_enrolments_and_won_are_conserved(runs: list[RunData]) -> None:
    assert [broken(run) for run in runs] == [[]] * len(runs)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda run: run.record.sums.__setitem__((3, 0), run.record.sums[3, 0] + 1), "do not add up"),
        (lambda run: run.record.flows.__setitem__((5, FLOWS.index("left")), 1e6), "change of the population"),
        (lambda run: run.books.__setitem__((1, 0, 0), 10**18), "more than its budget"),
        (lambda run: run.record.programmes.__setitem__((2, 0, 1), 99), "not those remembered"),
    ],
)
def test_a_broken_identity_is_named(runs: list[RunData], spoil: Callable[[RunData], None], said: str) -> None:
    spoilt: RunData = pickle.loads(pickle.dumps(runs[0]))
    spoil(spoilt)
    assert any(said in line for line in broken(spoilt))


def test_a_replicate_survives_pickling(runs: list[RunData]) -> None:
    again: RunData = pickle.loads(pickle.dumps(runs[-1]))
    assert np.array_equal(again.record.sums, runs[-1].record.sums)
    assert np.array_equal(again.enrolments.placed, runs[-1].enrolments.placed)
    assert again.scenario == runs[-1].scenario


def test_placements_count_every_enrolment_once(runs: list[RunData]) -> None:
    run = runs[-1]
    found = placements(run.enrolments, len(run.programmes))
    e = run.enrolments
    assert found.known.sum() == (e.placed >= 0).sum()
    at = (STAGES.index("entry"), run.programmes.index("kdt"), 0, 0, 0, HORIZONS.index(3))
    mine = (e.stage == 0) & (e.programme == at[1]) & (e.state != 1)
    assert found.placed[at] == (e.placed[mine][:, 0, 0, 0] == 1).sum()
    assert (found.placed <= found.known).all()


# -- the tree ------------------------------------------------------------------------------------------


def test_every_variable_says_what_it_is(results: Results) -> None:
    assert set(results.tree.children) == set(GROUPS)
    for group in GROUPS:
        for name, variable in results.tree[group].data_vars.items():
            assert variable.dims[:2] == ("scenario", "replicate"), name
            assert variable.attrs["long_name"] and variable.attrs["units"], name
            assert group == "calibration" or "cell_methods" in variable.attrs, name


def test_counts_are_persons(results: Results, runs: list[RunData]) -> None:
    people = runs[2].record.layout.block(runs[2].record.sums, "people").sum(axis=(1, 2, 3, 4)) * SCALE
    market = results.market.sums.sel(scenario="roadmap", replicate=0)
    for s, state in enumerate(("employed", "unemployed", "inactive")):
        assert np.array_equal(market[state].values, people[:, s])
    assert market["month"].values[0] == np.datetime64("2026-01-01") and market["month"].size == MONTHS
    hires = runs[2].record.flows[:, FLOWS.index("hires")] * SCALE
    assert np.array_equal(market["hires"].values, hires)


def test_cells_add_up_to_the_market(results: Results) -> None:
    cells, market = results.cells.sums, results.market.sums
    for by in ("stage", "age", "sex", "education", "region"):
        for state in ("employed", "unemployed", "inactive"):
            assert (cells[f"persons_by_{by}"].sel(state=state).sum(by) == market[state]).all()
    assert (results.employers.sums["employed"].sum(("size", "industry")) == market["employed"]).all()
    assert (results.employers.sums["output"].sum(("size", "industry")) == market["output"]).all()


def test_ratios_are_divided_from_sums(results: Results) -> None:
    market = results.market
    expected = market["unemployed"] / (market["employed"] + market["unemployed"])
    assert np.array_equal(market["unemployment_rate"].values, expected.values)
    assert market["unemployment_rate"].attrs["units"] == "share"
    by_stage = results.cells["unemployment_rate_by_stage"]
    assert by_stage.dims == ("scenario", "replicate", "month", "stage")
    for group in GROUPS:
        for name in getattr(results, group):
            assert getattr(results, group)[name].attrs["long_name"], name
    with pytest.raises(KeyError, match="the nearest is 'unemployment_rate'"):
        market["unemployment_rat"]
    assert "vacancy_rate" in market and "nothing" not in market


def test_books_close_and_agree_with_the_ledger(results: Results, runs: list[RunData]) -> None:
    sums = results.programmes.sums
    assert (sums["budget"] == sums["course"] + sums["fixed"] + sums["unspent"]).all()
    mine = sums.sel(scenario="roadmap", replicate=1)
    assert np.array_equal(mine["budget"].values.T, runs[3].books[0])
    assert (mine["staircase"].diff("step") <= 0).all()


def test_scenarios_with_their_own_programmes_share_one_axis(runs: list[RunData], tmp_path: Path) -> None:
    record = (
        '[policy.programmes.own]\nlabel_en = "Own"\nkind = "course"\nstages = ["entry"]\nawareness = 0.1\n'
    )
    record += "apply = 0.001\nunit_cost = 1_000_000\nmonths = 1\ncompletion = 0.9\nskill = 0.3\n"
    record += "budget = {2026 = 10_000_000_000}\n"
    (tmp_path / "own.toml").write_text(f'based_on = "baseline"\n{record}', encoding="utf-8")
    own = simulate(load(tmp_path / "own.toml").with_run(scale=SCALE, months=MONTHS, replicates=2), 0)
    built = Results.from_runs([runs[0], own])
    enrolled = built.programmes["enrolled"].sel(programme="own")
    assert not enrolled.sel(scenario="baseline").any()
    assert built.programmes["budget"].sel(scenario="own", programme="own", year=2026).item() == 10_000_000_000


def test_runs_that_do_not_belong_together_are_refused(runs: list[RunData]) -> None:
    with pytest.raises(ValueError, match="every scenario with every replicate"):
        Results.from_runs(runs[:3])
    with pytest.raises(ValueError, match="every scenario with every replicate"):
        Results.from_runs([])
    with pytest.raises(ValueError, match="share months"):
        Results.from_runs([runs[0], simulate(tiny("roadmap", months=1), 0)])


def test_saved_results_open_as_they_were(results: Results, tmp_path: Path) -> None:
    file = results.save(tmp_path / "run.nc")
    for there in (file, tmp_path):
        again = Results.open(there)
        assert again.attrs == results.attrs
        for group in GROUPS:
            xr.testing.assert_identical(again.tree[group].to_dataset(), results.tree[group].to_dataset())
    assert [path.name for path in tmp_path.iterdir()] == ["run.nc"]
    resolved = json.loads(again.attrs["scenario_toml"])["roadmap"]
    assert tomllib.loads(resolved)["run"]["months"] == MONTHS


def test_what_is_no_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there are no results"):
        Results.open(tmp_path)
    (tmp_path / "run.nc").write_text("nothing")
    with pytest.raises(InputError, match="cannot be read as results"):
        Results.open(tmp_path)


# -- derived measures ----------------------------------------------------------------------------------


def test_gini_of_known_distributions() -> None:
    values = np.array([1.0, 3.0])
    assert gini(np.array([5, 0]), values) == pytest.approx(0.0)
    assert gini(np.array([1, 1]), values) == pytest.approx(
        0.25
    )  # half the mean difference of 1, over the mean of 2
    assert np.isnan(gini(np.array([0, 0]), values))


def test_fixed_composition_ignores_moves_between_cells() -> None:
    base = np.array([[[100, 300]], [[300, 300]]])  # (month, size, industry)
    output = np.array([[[100, 300]], [[330, 300]]])
    employed = np.array([[[1, 1]], [[3, 1]]])
    assert fixed_composition(base, output, employed) == pytest.approx([200.0, (110 + 300) / 2])


# -- the summary ---------------------------------------------------------------------------------------


def test_summary_has_the_columns_and_outcomes_of_the_interface(table: pd.DataFrame) -> None:
    assert tuple(table.columns) == COLUMNS
    assert not table.duplicated(list(COLUMNS[:5])).any()
    needed = {
        "unemployment_rate",
        "employment_rate",
        "vacancies",
        "flow",
        "output_per_worker",
        "wage_gini",
        "mean_wage",
        "output_per_worker_fixed",
        "hours_saved",
        "adoption_share",
        "users",
        "applied",
        "enrolled",
        "completed",
        "plan_trained",
        "budget",
        "course",
        "fixed",
        "allowance",
        "unspent",
    }
    needed |= {f"reemployment_{d}_{c}" for d in ("official", "insured") for c in ("enrolled", "completers")}
    assert needed <= set(table["outcome"])
    assert set(table.loc[table["outcome"].str.startswith("reemployment"), "horizon_months"]) == set(HORIZONS)


def test_summary_numbers_come_from_the_sums(table: pd.DataFrame, results: Results) -> None:
    at = {"scenario": "roadmap", "outcome": "unemployment_rate", "dimension": "all"}
    row = pick(table, **at)
    sums = results.market.sums.sel(scenario="roadmap").isel(month=slice(-12, None)).sum()
    assert row["mean"] == pytest.approx(float(sums["unemployed"] / (sums["employed"] + sums["unemployed"])))
    assert row["low"] < row["mean"] < row["high"]
    budget = pick(
        table, scenario="roadmap", outcome="budget", dimension="programme/year", category="kdt/2026"
    )
    assert budget["mean"] == float(
        results.programmes["budget"].sel(scenario="roadmap", programme="kdt", year=2026)[0]
    )
    with pytest.raises(KeyError, match="0 rows"):
        pick(table, outcome="nothing")


def test_too_few_agents_print_no_number(table: pd.DataFrame, results: Results) -> None:
    sums = (
        results.programmes.sums["known"]
        .sel(counted="enrolled", definition="official")
        .sum(("stage", "origin"))
    )
    rows = table[(table["outcome"] == "reemployment_official_enrolled") & (table["dimension"] == "programme")]
    assert (
        len(rows)
        and rows["unit"].str.contains(TOO_FEW).any()
        and not rows["unit"].str.contains(TOO_FEW).all()
    )
    for _, row in rows.iterrows():
        at = {"scenario": row["scenario"], "programme": row["category"], "horizon": row["horizon_months"]}
        agents = float(sums.sel(at).sum()) / SCALE
        assert (TOO_FEW in row["unit"]) == (agents < FEWEST) == bool(np.isnan(row["mean"]))


def test_summary_of_one_replicate_has_no_interval(runs: list[RunData]) -> None:
    rows = records(Results.from_runs(runs[:1]).summary())
    assert all(row["low"] is None and row["high"] is None for row in rows)
    assert any(row["mean"] is not None for row in rows)
    json.dumps(rows, allow_nan=False)


# -- the panel -----------------------------------------------------------------------------------------


def test_panel_follows_the_same_workers_everywhere(runs: list[RunData]) -> None:
    panel = panel_table(runs)
    assert tuple(panel.columns) == ("scenario", *PANEL_COLUMNS)
    first = panel[(panel["scenario"] == "baseline") & (panel["replicate"] == 0)]
    second = panel[(panel["scenario"] == "roadmap") & (panel["replicate"] == 0)]
    assert set(first["worker"]) == set(second["worker"]) and 0 < first["worker"].nunique() <= 400
    one = panel_table(runs[:1])
    assert tuple(one.columns) == PANEL_COLUMNS
    jobless = one["state"] != "employed"
    for name in ("contract", "employer", "size_class", "tenure_months", "wage_krw"):
        assert one.loc[jobless, name].isna().all(), name
    assert one.loc[~jobless, ["contract", "tenure_months", "wage_krw"]].notna().all().all()
    assert one["age"].between(15, 120).all() and set(one["stage"].cat.categories) == set(STAGES)


def test_panel_training_status_agrees_with_the_course(runs: list[RunData]) -> None:
    followed = panel_table([simulate(tiny("roadmap", months=6), 0, panel=10**6)])
    assert ((followed["training_status"] == "attending") == followed["programme"].notna()).all()
    assert {"attending", "completed", "none"} <= set(followed["training_status"])


# -- figures -------------------------------------------------------------------------------------------


def test_every_figure_is_drawn(results: Results, tmp_path: Path) -> None:
    files = figures.draw_all(results, tmp_path / "figures")
    names = {"reemployment", "unemployment", "staircase", "productivity", "beveridge"}
    assert {file.name for file in files} == {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    assert all(file.stat().st_size > 2000 for file in files)


@pytest.mark.parametrize("net", [10.0, -40.0])
def test_waterfall_bars_add_up(net: float) -> None:
    mean = {"gross": 120.0, "deadweight": 90.0, "direct": 30.0, "substitution": 8.0, "net": net}
    mean["displacement"] = mean["direct"] - mean["substitution"] - net
    ends = {name: (x, x - 5.0, x + 5.0) for name, x in mean.items()}
    drawn = [cast(Any, ax.patches) for ax in figures.waterfall(ends).axes]
    first, then = ([(bar.get_y(), bar.get_y() + bar.get_height()) for bar in bars] for bars in drawn)
    assert [end for _, end in first] == [pytest.approx(x) for x in (120.0, 30.0, 30.0)]
    assert then[0] == first[2]  # the second panel goes on where the first ends
    assert then[1] == (pytest.approx(30.0), pytest.approx(22.0))
    assert then[2][1] == pytest.approx(net) and then[3] == (0.0, pytest.approx(net))
    alone = figures.waterfall({name: (x, float("nan"), float("nan")) for name, x in mean.items()}, lang="ko")
    assert len(alone.axes) == 2


# -- folders -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished results folder of two months."""
    scenario = tiny("roadmap", months=2, replicates=1)
    return runner.run(scenario, out=tmp_path_factory.mktemp("outputs"), panel=20, figures=False)[1]


def test_a_run_leaves_what_the_interface_lists(folder: Path) -> None:
    files = {"run.nc", "summary.csv", "summary.json", "panel.parquet", "scenario.toml", "provenance.json"}
    assert {path.name for path in folder.iterdir()} == files
    scenario = tiny("roadmap", months=2, replicates=1)
    assert folder == folder_of(scenario, folder.parent) and folder.name.startswith("roadmap-")
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    csv, listed = pd.read_csv(folder / "summary.csv"), json.loads((folder / "summary.json").read_text())
    assert tuple(csv.columns) == COLUMNS and len(csv) == len(listed)
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["seed"] == scenario.run.seed and provenance["worker_months_a_second"] > 0
    assert load(folder / "scenario.toml").digest("x") == scenario.digest("x")


def test_a_finished_folder_is_reused_until_forced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = tiny("roadmap", months=2, replicates=1)
    calls: list[int] = []
    real = branching.simulate

    def counted(*args: Any, **options: Any) -> RunData:
        calls.append(1)
        return real(*args, **options)

    monkeypatch.setattr(branching, "simulate", counted)
    runner.run(scenario, out=folder.parent, panel=20, figures=False)
    runner.run(scenario, out=folder.parent, figures=False)
    assert not calls
    runner.run(scenario, out=folder.parent, panel=20, force=True, figures=False)
    assert len(calls) == 1
    assert finished(folder, 20) and not finished(folder, 21) and not finished(folder.parent)


def test_an_interrupt_leaves_nothing_and_keeps_the_old(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = tiny("roadmap", months=2, replicates=1)
    before = (folder / "run.nc").read_bytes()

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sim.results.Results.summary", interrupted)
    with pytest.raises(KeyboardInterrupt):
        runner.run(scenario, out=folder.parent, panel=20, force=True, figures=False)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert (folder / "run.nc").read_bytes() == before


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "one"
    with whole(target) as part:
        (part / "a").write_text("new")
        assert not target.exists()
    assert (target / "a").read_text() == "new"
    with pytest.raises(RuntimeError), whole(target) as part:
        (part / "a").write_text("broken")
        raise RuntimeError
    assert (target / "a").read_text() == "new" and len(list(target.parent.iterdir())) == 1


def test_a_place_that_cannot_be_written_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        runner.run(tiny("roadmap", months=1, replicates=1), out=tmp_path / "file", figures=False)


# -- processes and the command -------------------------------------------------------------------------


def test_processes_give_the_same_numbers(runs: list[RunData]) -> None:
    scenario = tiny("baseline")
    side_by_side = runner.simulate_all([scenario], jobs=2)
    for here, there in zip(runs[:2], side_by_side, strict=True):
        assert np.array_equal(here.record.sums, there.record.sums)
        assert np.array_equal(here.books, there.books)


def test_the_command_prints_one_table_or_one_object(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = tiny("roadmap", months=2, replicates=1)
    runner.run_command(scenario, out=folder.parent)
    shown = capsys.readouterr().out
    assert "Unemployment rate" in shown and TOO_FEW in shown and str(folder) in shown
    runner.run_command(scenario, out=folder.parent, json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["folder"] == str(folder) and said["summary"][0]["scenario"] == "roadmap"
    runner.run_command(scenario, out=folder.parent, quiet=True)
    assert capsys.readouterr().out == ""
