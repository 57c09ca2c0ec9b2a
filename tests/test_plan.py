"""What `plan` predicts: signs and shapes, from a made-up calibration; how near it comes is for benchmarks/plan.py."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import sim
from sim import plan as plans
from sim.cli import app
from sim.errors import InputError
from sim.plan import Calibration, Line, line, predict
from sim.scenario import load

MACHINE = Calibration(
    kernels="none",
    machine="none",
    measured="2026-11-22T00:00:00+00:00",
    start_s=5.0,
    start_bytes=250e6,
    building=Line(1.0, 1.5e-6),
    quiet=Line(0.006, 1.1e-7),
    busy=Line(0.010, 1.4e-7),
    memory=Line(5e6, 185.0),
    writing_s=1.0,
    figures_s=3.0,
    writing_run_month_s=0.001,
    writing_bytes=60e6,
)


def test_twice_the_months_take_about_twice_the_time_of_months() -> None:
    short, long = (predict(MACHINE, 500_000, months, spin_up=0).cpu_parts for months in (60, 120))
    assert long["months"] == pytest.approx(2 * short["months"])
    assert long["building"] == short["building"]


def test_processor_time_is_linear_in_replicates_and_jobs_divide_wall_time_only() -> None:
    one, eight = (predict(MACHINE, 500_000, 60, replicates=n) for n in (1, 8))
    for part in ("building", "months"):
        assert eight.cpu_parts[part] == pytest.approx(8 * one.cpu_parts[part])
    four = predict(MACHINE, 500_000, 60, replicates=8, jobs=4, cores=4)
    assert four.cpu_parts["months"] == eight.cpu_parts["months"]
    work = eight.cpu_parts["months"] + eight.cpu_parts["building"]
    assert eight.wall_s - four.wall_s == pytest.approx(work * 3 / 4 - MACHINE.start_s)
    assert four.peak_bytes > 3 * eight.peak_bytes / 2


def test_more_processes_than_cores_save_nothing() -> None:
    two, eight = (predict(MACHINE, 500_000, 60, replicates=8, jobs=n, cores=2) for n in (2, 8))
    assert eight.wall_s == pytest.approx(two.wall_s)
    assert eight.peak_bytes > two.peak_bytes


def test_threads_help_large_runs_only_and_move_no_processor_time() -> None:
    small = [predict(MACHINE, 50_000, 60, threads=n, cores=2) for n in (1, 2)]
    large = [predict(MACHINE, 5_000_000, 60, threads=n, cores=2) for n in (1, 2)]
    assert small[0].wall_s == small[1].wall_s
    assert large[0].wall_s > large[1].wall_s
    assert large[0].cpu_s == large[1].cpu_s


def test_memory_and_time_grow_with_workers_and_money_takes_time() -> None:
    plans_ = [predict(MACHINE, n, 60) for n in (50_000, 500_000, 5_000_000)]
    assert plans_[0].peak_bytes < plans_[1].peak_bytes < plans_[2].peak_bytes
    assert plans_[0].cpu_s < plans_[1].cpu_s < plans_[2].cpu_s
    assert predict(MACHINE, 500_000, 60, activity=[0.0]).cpu_s < plans_[1].cpu_s


def test_a_comparison_takes_more_than_its_runs_and_disk_grows_with_what_is_kept() -> None:
    one, two = predict(MACHINE, 500_000, 60), predict(MACHINE, 500_000, 60, activity=[1.0, 1.0])
    assert two.cpu_parts["months"] == pytest.approx(2 * one.cpu_parts["months"])
    assert two.cpu_parts["pairing"] > 0 and two.peak_bytes > one.peak_bytes
    assert plans.disk(60, 8) < plans.disk(120, 8) and plans.disk(60, 8) < plans.disk(60, 16)
    assert plans.disk(60, 8, panel=1000) > plans.disk(60, 8)


def test_a_line_through_costs_has_no_negative_part() -> None:
    assert line([1e5, 1e6], [0.03, 0.21]) == pytest.approx((0.01, 2e-7))
    assert line([1e5, 1e6], [0.01, 0.2])[0] == 0.0
    assert line([1e5, 1e6], [0.01, 0.2])[1] > 0.0


def test_the_rows_planned_are_the_rows_built() -> None:
    scenario = load("roadmap").with_run(scale=1000, months=12)
    model = sim.LaborMarket(scenario, spin_up=False)
    planned = plans.workers_of(model.economy, 1000, 12 + 12)
    assert planned == pytest.approx(model.workers.state.size, rel=0.001)
    assert plans.activity_of(scenario, model.economy) == 1.0
    assert plans.activity_of(load("no-training"), model.economy) == 0.0


def test_disk_is_what_a_folder_holds(tmp_path: Path) -> None:
    """The constants of disk rest on no machine: a change of what is written must change them."""
    from sim.runner import run

    scenario = load("roadmap").with_run(scale=1000, months=6, replicates=2)
    _, folder = run(scenario, out=tmp_path, figures=False)
    kept = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert plans.disk(6, 2) - plans.FIGURES == pytest.approx(kept, rel=0.3)


# -- the command -----------------------------------------------------------------------------------------


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine that has been measured."""
    from sim.kernels import source_digest

    path = tmp_path / "calibration.json"
    replace(MACHINE, kernels=source_digest()[:16], machine=plans.machine()).save(path)
    monkeypatch.setattr(plans, "calibration_file", lambda: path)
    return path


def test_json_is_one_object(measured: Path) -> None:
    done = CliRunner().invoke(
        app, ["plan", "baseline", "roadmap", "--scale", "1000", "--months", "24", "--jobs", "2", "--json"]
    )
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert (found["scenarios"], found["months"], found["jobs"]) == (["baseline", "roadmap"], 24, 2)
    assert {"wall_s", "cpu_s", "cpu_hours", "peak_bytes", "disk_bytes", "cpu_parts", "calibration"} <= set(
        found
    )
    assert found["cpu_s"] == pytest.approx(sum(found["cpu_parts"].values()))


def test_the_table_says_time_memory_disk_and_what_it_rests_on(measured: Path) -> None:
    done = CliRunner().invoke(app, ["plan", "roadmap"])
    assert done.exit_code == 0
    for words in ("wall time", "core-hours", "peak memory", "disk", "2026-11-22"):
        assert words in done.stdout


def test_without_a_calibration_it_says_so_and_measures(
    measured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured.unlink()
    monkeypatch.setattr(plans, "calibrate", lambda: MACHINE)
    done = CliRunner().invoke(app, ["plan", "roadmap", "--json"])
    assert done.exit_code == 0
    assert "laborshift warmup" in done.stderr and json.loads(done.stdout)["cpu_s"] > 0


def test_a_calibration_of_other_kernels_or_a_torn_file_counts_as_none(measured: Path) -> None:
    assert Calibration.read(measured) is not None
    measured.write_text(json.dumps(asdict(MACHINE)))
    assert Calibration.read(measured) is None
    measured.write_text("{")
    assert Calibration.read(measured) is None


def test_bad_input_is_one_message() -> None:
    done = CliRunner().invoke(app, ["plan", "roadmpa"])
    assert done.exit_code == 2 and 'did you mean "roadmap"' in done.stderr
    with pytest.raises(InputError, match="two scenarios are called"):
        plans.plan([load("roadmap"), load("roadmap")], MACHINE)
