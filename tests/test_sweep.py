"""Sweeps: nothing is computed twice, nothing is lost, and what comes out is what single runs give."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sim.errors import InputError
from sim.parameters import PARAMETERS
from sim.replicate import simulate
from sim.results import Results
from sim.uncertainty import ensemble

pytest.importorskip("zarr")

from tests_of_sweeps import SMALL, bytes_of, design_of, in_this_process

from sim.sweep import work
from sim.sweep.answers import Sweep, open_sweep
from sim.sweep.design import read_design, shipped
from sim.sweep.drive import Local, drive, folder_of, prepared
from sim.sweep.points import count, points
from sim.sweep.show import chance_share
from sim.sweep.store import DATA, DONE, FAILED, Store

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """Twelve runs in three units, done in this process."""
    folder = tmp_path_factory.mktemp("sweep")
    design = design_of(folder)
    return Sweep(in_this_process(prepared(design, folder_of(design, folder / "outputs"))))


# ---------------------------------------------------------------------------------------------- what runs are


def test_a_run_of_a_sweep_is_the_run_itself(small: Sweep) -> None:
    for run in (1, 6):
        scenario, replicate = small.scenario(run)
        alone = Results.from_runs([simulate(scenario, replicate)])
        for name in ("employed", "unemployed", "output", "vacancies", "unemployment_rate"):
            mine = small.market[name].isel(run=run).values
            assert np.array_equal(mine, alone.market[name].values[0, 0]), name
        kept = {one.name: one for one in small.store.kept.variables if one.group == "programmes"}
        for name in kept:
            assert np.array_equal(
                small.programmes[name].isel(run=run), alone.programmes[name].values[0, 0]
            ), name
        theirs = alone.cells["persons_by_stage"]
        mine = small.cells["persons_by_stage"]
        assert mine.dims == ("run", *theirs.dims[2:]) and mine.attrs == theirs.attrs
        assert list(mine["stage"].values) == list(theirs["stage"].values)


def test_levers_are_paired_and_points_differ(small: Sweep) -> None:
    runs = small.runs
    assert list(runs["lever"][:4]) == ["baseline", "roadmap", "baseline", "roadmap"]
    assert list(runs["replicate"][:4]) == [0, 0, 1, 1] and list(runs["point"][3:6]) == [0, 1, 1]
    scenarios = [small.scenario(run) for run in range(12)]
    for even in range(0, 12, 2):
        (left, a), (right, b) = scenarios[even : even + 2]
        assert a == b and left.world == right.world and left.policy != right.policy
    assert scenarios[0][0].world != scenarios[4][0].world
    assert scenarios[0][0].world == scenarios[2][0].world and scenarios[0][1] != scenarios[2][1]
    assert (small.effect("net_employment")[..., 0] == 0).all()
    assert np.abs(small.effect("net_employment")[..., 1]).max() > 0


def test_factors_that_are_not_sampled_are_draws_of_the_posterior(small: Sweep) -> None:
    draws = ensemble()
    table = small.points
    assert list(table["job_creation"][:2]) == [0.1, 0.9]
    assert [*table["exposure"].isna()] == [True, False, True] and table["exposure"][1] == "aioe"
    assert small.scenario(0)[0].world.exposure == "ilo-2025" and small.scenario(4)[0].world.exposure == "aioe"
    free = [name for name in draws.names if name != "job_creation"]
    places = [draws.names.index(name) for name in free]
    for row in table[free].to_numpy():
        assert (row == draws.theta[:, places]).all(axis=1).any()


def test_outcomes_are_those_of_a_comparison(small: Sweep) -> None:
    employed = small.market["employed"].values.sum(axis=1).reshape(3, 2, 2)
    assert np.array_equal(small.told("net_employment"), employed - employed[..., :1])
    rate = small.market["unemployed"].values.sum(1) / (
        small.market["unemployed"] + small.market["employed"]
    ).values.sum(1)
    assert np.allclose(small.level("unemployment_rate").ravel(), rate, rtol=1e-12)
    assert (small.level("trained_in_plan")[..., 1] > small.level("trained_in_plan")[..., 0]).all()


def test_chance_and_what_is_varied_are_told_apart() -> None:
    seeds = np.random.default_rng(7)
    point, run = seeds.normal(0, 3.0, (4000, 1)), seeds.normal(0, 1.0, (4000, 4))
    assert chance_share(point + run) == pytest.approx(0.1, abs=0.01)
    assert chance_share(run) > 0.95 and chance_share(np.repeat(point, 4, axis=1)) == 0.0
    assert np.isnan(chance_share(point))


def test_the_store_opens_in_xarray(small: Sweep) -> None:
    with xr.open_zarr(small.store.folder / DATA, chunks=None) as data:
        assert data["market_month"].dims == ("run", "month", "market_month_column")
        column = list(data["market_month_column"].values).index("employed")
        found = data["market_month"].isel(market_month_column=column).quantile(0.5, "run")
        assert np.array_equal(found, np.median(small.market["employed"].values, axis=0))
        assert (data["status"] == DONE).all() and data.sizes["run"] == 12
        assert str(data["month"].values[0])[:10] == "2026-01-01"


# ------------------------------------------------------------------------------------------ what is never lost


def test_work_is_the_same_bytes_however_it_is_done(small: Sweep, tmp_path: Path) -> None:
    """In this process, or in two others; forwards or backwards."""
    store = prepared(design_of(tmp_path), tmp_path / "s")
    drive(store, Local(2))
    assert bytes_of(store.folder) == bytes_of(small.store.folder)
    again = prepared(design_of(tmp_path), tmp_path / "again")
    for unit in reversed(again.missing()):
        work.do_unit(again.folder, unit)
    assert bytes_of(again.folder) == bytes_of(small.store.folder)
    assert [one["sha256"] for one in again.markers()] == [one["sha256"] for one in small.store.markers()]


def test_numbers_do_not_depend_on_the_units(small: Sweep, tmp_path: Path) -> None:
    store = in_this_process(prepared(design_of(tmp_path, unit=6), tmp_path / "s"))
    assert store.unit == 6 and store.units == 2
    mine = Sweep(store)
    for one in store.kept.variables:
        assert np.array_equal(mine.variable(one), small.variable(one), equal_nan=True), one.name


def test_resume_does_exactly_what_is_missing(small: Sweep, tmp_path: Path) -> None:
    store = prepared(design_of(tmp_path), tmp_path / "s")
    in_this_process(store)
    before = bytes_of(store.folder)
    stamps = {unit: store.marker(unit).stat().st_mtime_ns for unit in range(3)}
    store.forget([1])
    assert store.missing() == [1] and open_sweep(store.folder).store.missing() == [1]
    drive(store, Local(1))
    assert bytes_of(store.folder) == before
    now = {unit: store.marker(unit).stat().st_mtime_ns for unit in range(3)}
    assert (now[0], now[2]) == (stamps[0], stamps[2]) and now[1] > stamps[1]


def test_damage_is_found_and_mended(small: Sweep, tmp_path: Path) -> None:
    store = in_this_process(prepared(design_of(tmp_path), tmp_path / "s"))
    assert store.damaged() == []
    before = bytes_of(store.folder)
    shard = store.folder / DATA / "market_month" / "c" / "2" / "0" / "0"
    shard.unlink()
    assert store.damaged() == [2]
    store.forget(store.damaged())
    assert bytes_of(in_this_process(store).folder) == before


def test_writes_that_are_not_one_unit_are_refused(small: Sweep, tmp_path: Path) -> None:
    store = prepared(design_of(tmp_path), tmp_path / "s")
    blocks, status = small.store.read(0)
    for first, part in ((2, slice(0, 4)), (0, slice(0, 3)), (4, slice(0, 2))):
        with pytest.raises(ValueError, match="not a unit"):
            store.write(first, {name: block[part] for name, block in blocks.items()}, status[part])
    with pytest.raises(ValueError, match="has the arrays"):
        store.write(0, {"market_month": blocks["market_month"]}, status)
    assert not store.done() and not np.asarray(store.array("status")[:]).any()


def test_a_second_driver_is_refused(small: Sweep) -> None:
    with small.store.alone(), pytest.raises(InputError, match="another driver is at work"):
        drive(Store(small.store.folder), Local(1))


def test_an_economy_of_ones_own_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "economy.toml").write_text('name = "own"\nbased_on = "korea"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    store = prepared(design_of(tmp_path, SMALL.replace("[run]", '[run]\neconomy = "own"')), tmp_path / "s")
    monkeypatch.chdir("/")
    assert store.design.scenarios[0].run.economy == str(own)
    assert store.design.digest == store.manifest["digest"]


def test_other_kernels_do_not_go_on_with_a_sweep(tmp_path: Path) -> None:
    store = prepared(design_of(tmp_path), tmp_path / "s")
    manifest = store.folder / "manifest.json"
    told = json.loads(manifest.read_text(encoding="utf-8")) | {"kernels_sha256": "another"}
    manifest.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(InputError, match="another version of the model"):
        work.do_unit(store.folder, 0)


# --------------------------------------------------------------------------------------------- what goes wrong


def failing(which: int, times: int) -> Callable[..., object]:
    """`simulate` that raises the first `times` at run `which` of the small design."""
    left = [times]

    def made(scenario: object, replicate: int, **settings: object) -> object:
        mine = scenario.world.job_creation == 0.9 and replicate == which and scenario.name == "roadmap"
        if mine and left[0]:
            left[0] -= 1
            raise ZeroDivisionError("on purpose")
        return simulate(scenario, replicate, **settings)

    return made


def test_a_run_that_fails_is_data_and_stops_nobody(
    small: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "simulate", failing(1, 99))
    found = Sweep(in_this_process(prepared(design_of(tmp_path), tmp_path / "s")))
    assert [*np.flatnonzero(found.status == FAILED)] == [7] and found.failed() == 1
    row = found.failures().loc[7]
    assert (row["point"], row["replicate"], row["lever"], row["seed"]) == (1, 1, "roadmap", 20251218)
    assert "ZeroDivisionError: on purpose" in row["traceback"]
    mine, theirs = found.market["employed"].values, small.market["employed"].values
    assert np.isnan(mine[7]).all() and np.array_equal(np.delete(mine, 7, 0), np.delete(theirs, 7, 0))
    assert (
        np.isnan(found.told("net_employment")[1, 1, 1]) and np.isfinite(found.told("net_employment")[0]).all()
    )


def test_a_run_that_fails_once_is_tried_again(
    small: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "simulate", failing(1, 1))
    store = in_this_process(prepared(design_of(tmp_path), tmp_path / "s"))
    assert bytes_of(store.folder) == bytes_of(small.store.folder)


def run_in(folder: Path, patch: str) -> dict[str, str]:
    """An environment whose Python processes run `patch` when they start."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(textwrap.dedent(patch), encoding="utf-8")
    return os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


@pytest.mark.slow
def test_a_run_that_kills_its_process_is_found_out(small: Sweep, tmp_path: Path) -> None:
    """Its unit is done alone, the run becomes a failure after three deaths, and all others are done."""
    design_of(tmp_path)
    patch = """
        import os, sys
        if any("multiprocessing" in word for word in sys.argv + sys.orig_argv):
            import sim.replicate
            whole = sim.replicate.simulate
            def deadly(scenario, replicate=0, *rest, **settings):
                if scenario.world.job_creation == 0.9 and replicate == 1 and scenario.name == "roadmap":
                    os.kill(os.getpid(), 9)
                return whole(scenario, replicate, *rest, **settings)
            sim.replicate.simulate = deadly
    """
    done = subprocess.run(
        [sys.executable, "-m", "sim.cli", "sweep", "small.toml", "--jobs", "2", "--quiet"],
        cwd=tmp_path,
        env=run_in(tmp_path / "site", patch),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = open_sweep(next((tmp_path / "outputs").glob("small-*")))
    assert [*np.flatnonzero(found.status == FAILED)] == [7]
    assert "its process died" in found.failures().loc[7, "traceback"]
    mine, theirs = found.market["employed"].values, small.market["employed"].values
    assert np.array_equal(np.delete(mine, 7, 0), np.delete(theirs, 7, 0))


MANY = SMALL.replace('[{{job_creation = 0.1}}, {{job_creation = 0.9, exposure = "aioe"}}, {{}}]', "ROWS")


@pytest.mark.slow
def test_twenty_kills_lose_nothing(tmp_path: Path) -> None:
    """Workers and drivers are killed at random moments, twenty times during one sweep, and it is resumed each time."""
    rows = ", ".join(f"{{job_creation = {n / 40}}}" for n in range(40))
    text = MANY.replace("ROWS", f"[{rows}]").replace("{{", "{").replace("}}", "}").replace("{unit}", "4")
    (tmp_path / "many.toml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "sim.cli", "sweep", "many.toml", "--jobs", "2", "--quiet", "--out"]
    settings = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": str(ROOT)}}
    whole = subprocess.run(
        [*command, "whole"], capture_output=True, text=True, timeout=600, check=False, **settings
    )
    assert whole.returncode == 0, whole.stderr
    chance = random.Random(20251218)
    kills = {"driver": 0, "worker": 0}
    deadline = time.monotonic() + 1200
    while sum(kills.values()) < 20:
        with subprocess.Popen([*command, "cut", "--resume"], stderr=subprocess.DEVNULL, **settings) as driver:
            while driver.poll() is None and sum(kills.values()) < 20:
                assert time.monotonic() < deadline
                kind = chance.choice(("driver", "worker"))
                early = kind == "driver" and chance.random() < 0.3
                while not early and driver.poll() is None and not children(driver.pid):
                    time.sleep(0.05)  # until it has workers
                time.sleep(chance.uniform(0.0, 6.0))
                victims = [driver.pid] if kind == "driver" else children(driver.pid)
                if victims and driver.poll() is None:
                    os.kill(chance.choice(victims), signal.SIGKILL)
                    kills[kind] += 1
            if sum(kills.values()) >= 20 and driver.poll() is None:
                driver.kill()
        folder = next((tmp_path / "cut").glob("many-*"), None)
        if folder and not Store(folder).missing() and sum(kills.values()) < 20:
            pytest.fail(f"the sweep was done after {kills}: it is too short for this test")
    done = subprocess.run(
        [*command, "cut", "--resume"], capture_output=True, text=True, timeout=900, check=False, **settings
    )
    assert done.returncode == 0, done.stderr
    assert min(kills.values()) > 2
    left, right = (next((tmp_path / name).glob("many-*")) for name in ("cut", "whole"))
    assert bytes_of(left) == bytes_of(right)
    assert not open_sweep(left).failed()


def children(parent: int) -> list[int]:
    """Processes of a pool: spawned children, without Python's own tracker of resources."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(stat[1]) == parent and stat[0] != "Z" and b"spawn_main" in line:
                found.append(int(entry.name))
    return found


# -------------------------------------------------------------------------------------------------- designs


@pytest.mark.parametrize("name", sorted(shipped()))
def test_designs_that_ship_hold_their_bounds(name: str) -> None:
    design = read_design(name)
    found = points(design)
    assert len(found.value) * len(design.levers) * design.replicates == design.runs
    assert (np.bincount(found.sample) == [count(design, one) for one in design.file.samples]).all()
    for factor, x in zip(design.factors, found.value.T, strict=True):
        x = x[~np.isnan(x)]
        assert x.size
        if factor.options:
            assert set(x) <= set(range(len(factor.options)))
        else:
            assert x.min() >= factor.low and x.max() <= factor.high
    again = points(read_design(name))
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(found, again, strict=True))


def test_sensitivity_varies_every_estimated_parameter_and_the_exposure_measure() -> None:
    design = read_design("sensitivity")
    names = {one.name for one in design.factors}
    assert names == {p.name for p in PARAMETERS.values() if p.estimated} | {"exposure"}
    assert [one.method for one in design.file.samples] == ["morris", "saltelli"]
    column = [one.name for one in design.factors].index("exposure")
    assert len(np.unique(points(design).value[:, column])) == 7


def test_grids_cross_and_levers_carry_labels(tmp_path: Path) -> None:
    text = """
    [run]
    scale = 1000
    months = 4
    [levers]
    scenarios = ["baseline", "roadmap"]
    [[levers.grid]]
    key = "policy.continuing"
    values = [0.5, 1.0]
    labels = ["half", "as now"]
    [[samples]]
    method = "grid"
    factors = ["adoption", "job_creation"]
    levels = 2
    """
    design = design_of(tmp_path, textwrap.dedent(text))
    assert [one.label for one in design.levers] == [
        "baseline, half",
        "baseline, as now",
        "roadmap, half",
        "roadmap, as now",
    ]
    assert [one.base for one in design.levers] == [None, None, 0, 1]
    assert [one.policy.continuing for one in design.scenarios] == [0.5, 1.0, 0.5, 1.0]
    assert design.runs == 4 * 6
    assert {tuple(row) for row in points(design).value} == {(a, j) for a in (0, 1, 2) for j in (0.0, 1.0)}


MISTAKES = {
    "factor": ('factors = ["job_creatoin"]', "job_creation", 7),
    "method": ('method = "latin"', "latin-hypercube", 6),
    "key": ("point = 4", "points", 8),
    "outcome": ('answers = {best = "net_employmnt"}', "net_employment", 1),
    "scenario": ('levers = {scenarios = ["roadmp"]}', "roadmap", 1),
    "keep": ('keep = ["markt"]', "market", 1),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_mistakes_name_their_place_and_the_nearest_name(tmp_path: Path, what: str) -> None:
    wrong, near, line = MISTAKES[what]
    lines = [
        "title = ''",
        "[run]",
        "scale = 1000",
        "months = 4",
        "[[samples]]",
        'method = "latin-hypercube"',
        'factors = ["job_creation"]',
        "points = 4",
    ]
    lines[line - 1] = wrong
    with pytest.raises(InputError) as raised:
        design_of(tmp_path, "\n".join(lines).replace("{", "{{").replace("}", "}}"))
    error = raised.value
    assert error.nearest == near and str(error.file).endswith("small.toml") and error.line is not None, str(
        error
    )
    assert abs(error.line - line) <= 1, str(error)


def test_a_parameter_cannot_be_decided_and_varied(tmp_path: Path) -> None:
    text = (
        SMALL.replace('"roadmap"', '"fast-ai"')
        .replace("job_creation", "adoption_imitation")
        .replace("0.9", "0.05")
    )
    with pytest.raises(InputError, match="adoption_imitation itself"):
        design_of(tmp_path, text)


# ------------------------------------------------------------------------------------------------- the command


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sim.cli", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_the_command_from_design_to_answers(small: Sweep, tmp_path: Path) -> None:
    design_of(tmp_path)
    assert "is not begun" in (early := command(tmp_path, "sweep", "small.toml", "--status")).stderr
    assert early.returncode == 2
    ready = command(tmp_path, "sweep", "small.toml", "--prepare", "2")
    assert ready.returncode == 0 and "2 tasks" in ready.stdout, ready.stderr
    folder = next((tmp_path / "outputs").glob("small-*"))
    tasks = next((folder / "tasks").glob("*.json"))
    first = command(tmp_path, "sweep-unit", str(folder), "--tasks", str(tasks), "--task", "0")
    assert first.returncode == 0, first.stderr
    assert command(tmp_path, "sweep-unit", str(folder), "--tasks", str(tasks), "--task", "7").returncode == 2
    status = json.loads(command(tmp_path, "sweep", "small.toml", "--status", "--json").stdout)
    assert (status["units_done"], status["runs_done"], status["runs_failed"]) == (2, 8, 0)
    begun = command(tmp_path, "sweep", "small.toml")
    assert begun.returncode == 2 and "--resume" in begun.stderr and "2 of 3 units" in begun.stderr
    done = command(tmp_path, "sweep", str(folder), "--resume", "--json", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (
        told["runs"] == 12
        and told["failed"] == 0
        and {row["lever"] for row in told["outcomes"]} == {"baseline", "roadmap"}
    )
    assert bytes_of(folder) == bytes_of(small.store.folder)
    assert (folder / "answers" / "runs.csv").read_text(encoding="utf-8").count("\n") == 13
    whole = command(tmp_path, "sweep", "small.toml", "--verify")
    assert whole.returncode == 0 and "as they were written" in whole.stdout


def test_plan_check_and_describe_know_designs(tmp_path: Path) -> None:
    design_of(tmp_path)
    checked = command(tmp_path, "check", "small.toml", *shipped())
    assert checked.returncode == 0 and checked.stdout.count(": ok") == 1 + len(shipped())
    told = json.loads(command(tmp_path, "describe", "small.toml", "--json").stdout)
    assert {row["lever"] for row in told["Levers"]} == {"baseline", "roadmap"}
