"""Checkpoints: what is put down and taken up again ends in the same bytes as what was never put down."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from sim import branching, checkpoint, replicate, runner
from sim.checkpoint import Place, beside
from sim.cli import app
from sim.errors import InputError
from sim.evaluation import compare as comparing
from sim.jobs import side_by_side
from sim.model import LaborMarket, Start
from sim.replicate import RunData, simulate
from sim.results import GROUPS, Results
from sim.scenario import Scenario, load

MONTHS = 6

# what a market does not keep: made by the constructor and never changed, or written in a month before it is read
REMADE = """
    asked scenario replicate economy layout key shrink params threads _pool spin_up_months followed panel_rows
    programme_ids programmes allowance course_quality programme_table package_order limits _leave _shock_sd _growth
    ledger ledger.programmes ledger.years record record.layout record.keep_status enrolments randomised rules
    clock flows applied events counts chunk_starts desks choices staff sums first_out
    slots advertised openings openings_by_cell hires_by_cell skill_by_cell saved_by_cell
"""
OF_MESA = "running random rng _rng _seed step _user_step _agents _agents_by_type _all_agents time"


def tiny(name: str = "roadmap", **settings: Any) -> Scenario:
    return load(name).with_run(**{"scale": 1000, "months": MONTHS, "replicates": 1, **settings})


def equal(one: Any, other: Any) -> bool:
    """Whether values are the same to the bit, down through columns, records, lists and mappings."""
    if isinstance(one, np.void):
        return one.dtype == other.dtype and all(equal(one[key], other[key]) for key in one.dtype.names or ())
    if isinstance(one, np.ndarray | np.generic):
        one, other = np.asarray(one), np.asarray(other)
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(equal(x, y) for x, y in zip(one, other, strict=True))
    return bool(one == other)


def unequal(one: LaborMarket, other: LaborMarket, names: tuple[str, ...] = LaborMarket.STATE) -> list[str]:
    """Names of the state that differ between two markets."""

    def get(model: LaborMarket, name: str) -> Any:
        return reduce(getattr, name.split("."), model)

    return [name for name in names if not equal(get(one, name), get(other, name))]


def same_run(one: RunData, other: RunData) -> bool:
    """Whether two replicates left the same, but for the time they took."""
    left, right = (dict(vars(run)) for run in (one, other))
    for kept in (left, right):
        for name in ("seconds", "cpu_seconds", "scenario"):
            del kept[name]
        for name in ("record", "enrolments", "randomised"):
            kept[name] = dict(vars(kept[name]))
    return one.scenario == other.scenario and equal(left, right)


@pytest.fixture(scope="module")
def whole() -> LaborMarket:
    """A market run straight through."""
    return LaborMarket(tiny(), keep_status=True, panel=50).run()


@pytest.fixture(scope="module")
def halfway(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the same market after three months."""
    model = LaborMarket(tiny(), keep_status=True, panel=50)
    while model.month < 3:
        model.step()
    path = tmp_path_factory.mktemp("kept") / "market.npz"
    checkpoint.write(path, model, {"note": [1, 2.5]})
    return path


# -- one market ----------------------------------------------------------------------------------------


def test_everything_a_market_holds_is_kept_or_made_anew(whole: LaborMarket) -> None:
    held = set(vars(whole)) - set(OF_MESA.split())
    for owner in ("ledger", "record", "enrolments", "randomised"):
        held |= {f"{owner}.{name}" for name in vars(getattr(whole, owner))}
    known = {*LaborMarket.STATE, *REMADE.split()}
    assert held - known == set(), (
        "a new attribute: add it to LaborMarket.STATE, or to REMADE when no month reads it"
    )
    assert known - held == set(), "gone from the market"
    assert len(set(LaborMarket.STATE)) == len(LaborMarket.STATE)
    assert [name.strip("_") for name in LaborMarket.HISTORY[: len(Start._fields)]] == list(Start._fields)


def test_a_market_taken_up_ends_as_one_run_straight_through(whole: LaborMarket, halfway: Path) -> None:
    model, more = checkpoint.read(halfway, tiny(), keep_status=True, panel=50)
    assert (model.month, more) == (3, {"note": [1, 2.5]})
    assert unequal(model.run(), whole) == []
    assert whole.enrolments.size > 0 and len(whole.record.panel) == len(whole.record.employed) == MONTHS


def test_a_market_can_be_put_down_before_month_0(whole: LaborMarket, tmp_path: Path) -> None:
    model = LaborMarket(tiny(), keep_status=True, panel=50, spin_up=False)
    for _ in range(5):
        model.step()
    checkpoint.write(tmp_path / "early.npz", model)
    again, _ = checkpoint.read(tmp_path / "early.npz", tiny(), keep_status=True, panel=50)
    assert again.month == model.month < 0
    assert unequal(again.run(), whole) == []


def test_other_threads_go_on_to_the_same_bytes(whole: LaborMarket, halfway: Path) -> None:
    model, _ = checkpoint.read(halfway, tiny(), keep_status=True, panel=50, threads=2)
    assert unequal(model.run(), whole) == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"scenario": tiny("baseline")}, "of another scenario"),
        ({"scenario": tiny(seed=1)}, "of another scenario"),
        ({"replicate": 1}, "of another replicate"),
        ({"panel": 51}, "another panel"),
        ({"keep_status": False}, "keeps other things of persons"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(halfway: Path, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        checkpoint.read(halfway, **{"scenario": tiny(), "keep_status": True, "panel": 50, **asked})


def test_a_checkpoint_of_other_kernels_is_refused(halfway: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.kernels.source_digest", lambda: "0" * 64)
    with pytest.raises(InputError, match="of other kernels"):
        checkpoint.read(halfway, tiny(), keep_status=True, panel=50)


def test_half_a_checkpoint_is_refused(halfway: Path, tmp_path: Path) -> None:
    kept, broken = halfway.read_bytes(), tmp_path / "broken.npz"
    flipped = bytearray(kept)
    flipped[len(kept) // 2] ^= 1
    for content in (b"", kept[: len(kept) // 2], bytes(flipped)):
        broken.write_bytes(content)
        with pytest.raises(InputError, match="is not a whole checkpoint"):
            checkpoint.read(broken, tiny(), keep_status=True, panel=50)


def test_nothing_is_pickled(halfway: Path) -> None:
    with zipfile.ZipFile(halfway) as file:
        assert {Path(name).suffix for name in file.namelist()} == {".npy", ".json"}
        assert json.loads(file.read("manifest.json"))["replicate"] == 0


def test_a_write_that_fails_leaves_the_older_checkpoint(
    halfway: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = halfway.read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numpy.lib.format.write_array", full)
    with pytest.raises(InputError, match="No space left"):
        checkpoint.write(halfway, LaborMarket(tiny(), spin_up=False))
    assert halfway.read_bytes() == before and list(halfway.parent.iterdir()) == [halfway]


def test_a_finished_replicate_comes_back_as_it_was(tmp_path: Path) -> None:
    run = simulate(tiny(), 0, keep_status=True, panel=10**6)
    checkpoint.write_done(tmp_path / "done.npz", run, 10**6)
    again = checkpoint.read_done(tmp_path / "done.npz", tiny(), keep_status=True, panel=10**6)
    assert same_run(again, run) and again.seconds == run.seconds


# -- a command that is stopped ---------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from sim import checkpoint
from sim.cli import app
real, left = checkpoint._write, [{after}]
def write(path, who, values):
    if left[0] == 0:
        with path.with_name(path.name + ".1.part").open("wb") as half:
            half.write(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    real(path, who, values)
checkpoint._write = write
app(sys.argv[1:])
"""
COMMAND = "--scale 1000 --months 6 --checkpoint-every 2 --quiet"


def contents(out: Path) -> list[Any]:
    """What the only results folder holds, without times."""
    (folder,) = out.iterdir()  # and nothing beside it
    tree = Results.open(folder).tree
    data = [tree[group].to_dataset() for group in GROUPS if group in tree.children]
    if "effects" in tree.children:
        data.append(tree["effects"].to_dataset())
    files = ("summary.csv", "panel.parquet", "effects.csv")
    return [data, {name: (folder / name).read_bytes() for name in files if (folder / name).exists()}]


def same_contents(one: list[Any], other: list[Any]) -> None:
    for here, there in zip(one[0], other[0], strict=True):
        xr.testing.assert_identical(here, there)
    assert one[1] == other[1] and "summary.csv" in one[1]


def laborshift(words: str) -> Any:
    """The command in this process, without pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sim.figures.draw_all", lambda *_: [])
        patch.setattr("sim.drawing.save", lambda *_: [])
        return CliRunner().invoke(app, words.split())


@pytest.mark.parametrize(
    ("words", "after"),
    [
        (f"run roadmap {COMMAND} --replicates 2 --panel 40", 4),  # two and a whole run, one
        (f"compare no-training roadmap {COMMAND} --replicates 1", 5),  # a history, two and a whole run, one
    ],
)
def test_a_killed_command_goes_on_to_the_same_results(words: str, after: int, tmp_path: Path) -> None:
    killed, straight = tmp_path / "killed", tmp_path / "straight"
    script = [sys.executable, "-c", KILLED.format(after=after), *words.split(), "--out", str(killed)]
    done = subprocess.run(script, cwd=Path(__file__).parent.parent, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    (kept,) = killed.iterdir()
    kinds = sorted(path.name.split(".")[1] for path in kept.glob("*.npz"))
    assert kept.name.endswith(".checkpoints") and "done" in kinds and "run" in kinds
    assert any(kept.glob("*.part"))

    months: list[int] = []
    step = LaborMarket.step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LaborMarket, "step", lambda model: (months.append(model.month), step(model))[1])
        assert laborshift(f"{words} --out {killed}").exit_code == 0
    assert months == [2, 3, 4, 5]  # killed while writing that of month 4; what was done is not done again
    assert laborshift(f"{words.replace('--checkpoint-every 2 ', '')} --out {straight}").exit_code == 0
    same_contents(contents(killed), contents(straight))


def test_an_interrupt_says_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = replicate._brought_home

    def interrupted(model: LaborMarket, *_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(replicate, "_brought_home", interrupted)
    words = f"run roadmap --scale 1000 --months 3 --replicates 1 --quiet --out {tmp_path}"
    done = laborshift(words)
    assert (done.exit_code, done.stderr.strip()) == (
        130,
        "interrupted; nothing is kept without --checkpoint-every",
    )
    assert list(tmp_path.iterdir()) == []
    done = laborshift(f"{words} --checkpoint-every 5")
    assert done.stderr.strip() == "interrupted; nothing is kept before the first checkpoint"
    done = laborshift(f"{words} --checkpoint-every 2")
    assert done.stderr.strip() == "interrupted; the same command goes on from its checkpoints"
    monkeypatch.setattr(replicate, "_brought_home", real)
    assert laborshift(words).exit_code == 0  # also without the option, nothing stays behind
    assert [path.name.startswith("roadmap-") for path in tmp_path.iterdir()] == [True]


def test_what_does_not_fit_is_computed_anew(tmp_path: Path) -> None:
    scenario, place = tiny(months=3), Place(tmp_path, every=1, finished=True)
    straight = simulate(scenario)
    for kind in ("run", "done", "history"):
        place.file(scenario, 0, kind).write_bytes(b"half")
    assert same_run(simulate(scenario, place=place, shared=True), straight)
    assert [path.name for path in tmp_path.glob("*.run.npz")] == []
    assert place.done(scenario, 0, keep_status=False, panel=0) is not None
    assert place.done(scenario, 0, keep_status=True, panel=0) is None


# -- scenarios that share their history ------------------------------------------------------------------


def test_who_shares_a_history() -> None:
    roadmap = tiny()
    assert branching.sharing([roadmap]) == [False]
    same = [tiny("no-training"), tiny("baseline"), roadmap, tiny("entry-first"), tiny("double")]
    assert branching.sharing(same) == [True] * 5
    others = [
        load("roadmap", overrides=["world.substitution=0.26"]).with_run(**roadmap.run.model_dump()),
        tiny("fast-ai"),
        tiny("no-ai"),
        *(
            tiny(**one)
            for one in ({"seed": 1}, {"months": 7}, {"scale": 999}, {"start": dt.date(2026, 2, 1)})
        ),
    ]
    assert branching.sharing([roadmap, *others]) == [False] * (1 + len(others))
    assert branching.sharing([*others, roadmap, tiny(threads=2)])[-2:] == [True, True]


def test_a_branch_ends_as_if_it_had_lived_its_history_itself(tmp_path: Path) -> None:
    file = tmp_path / "history.npz"
    checkpoint.write_history(file, LaborMarket(tiny("no-training")))
    for name in ("roadmap", "baseline"):
        alone = LaborMarket(tiny(name), keep_status=True, panel=20)
        branch = checkpoint.read_history(file, tiny(name), keep_status=True, panel=20)
        absent = ("filling_start", "quality_start", "posts_over_openings")
        at_0 = tuple(one for one in LaborMarket.STATE if one not in absent)
        assert unequal(branch, alone, at_0) == []
        assert unequal(branch.run(), alone.run()) == []
    with pytest.raises(InputError, match="of another scenario"):
        checkpoint.read_history(file, tiny("fast-ai"))
    with pytest.raises(ValueError, match="not month 6"):
        checkpoint.write_history(file, alone)


def test_scenarios_have_processes_of_their_own_when_there_is_enough_to_do() -> None:
    few = [tiny(name, scale=10, months=36) for name in ("no-training", "roadmap")]
    assert branching.apart(few, 2, 1)
    assert not branching.apart(few, 2, 2) and not branching.apart(few[:1], 2, 1)
    assert not branching.apart([tiny(), tiny("baseline")], 2, 1)


@pytest.fixture
def histories(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The scenarios whose history was lived in this process."""
    lived: list[str] = []
    real = LaborMarket._people

    def people(model: LaborMarket, *arguments: Any) -> Start:
        lived.append(model.scenario.name)
        return real(model, *arguments)

    monkeypatch.setattr(LaborMarket, "_people", people)
    return lived


def test_scenarios_side_by_side_live_their_history_once(
    histories: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("no-training", "fast-ai", "roadmap", "baseline")
    scenarios = [tiny(name, months=2, replicates=2) for name in names]
    runs = runner.simulate_all(scenarios)
    assert histories == ["no-training", "fast-ai"] * 2
    assert [(run.scenario.name, run.replicate) for run in runs] == [
        (name, r) for name in names for r in (0, 1)
    ]
    assert all(same_run(runs[2 * n + 1], simulate(one, 1)) for n, one in enumerate(scenarios))
    histories.clear()
    monkeypatch.setattr(checkpoint, "write_history", _no_room)
    again = runner.simulate_all([scenarios[0], scenarios[2]], replicates=1)
    assert histories == ["no-training", "roadmap"]  # no room to keep one: each lives its own
    assert same_run(again[1], runs[4])


def _no_room(*_: Any) -> None:
    raise InputError("no room")


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_a_comparison_is_the_same_however_it_is_spread(jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    scenarios = [tiny(name, months=2, replicates=2) for name in ("no-training", "roadmap")]
    monkeypatch.setattr(branching, "WORTH_A_PROCESS", 0)
    if jobs > 1:  # processes would take their time to start
        monkeypatch.setattr(branching, "side_by_side", _in_turn)
        monkeypatch.setattr(comparing, "side_by_side", _in_turn)
    spread_out = comparing.paired_runs(scenarios, jobs=jobs)
    monkeypatch.setattr(branching, "sharing", lambda several: [False] * len(several))
    alone = comparing.paired_runs(scenarios)
    for one, other in zip(spread_out[0], alone[0], strict=True):
        assert same_run(one, other)
    for pair, other_pair in zip(spread_out[1][0], alone[1][0], strict=True):
        assert equal(list(vars(pair).values()), list(vars(other_pair).values()))


def _in_turn(function: Any, calls: Any, _jobs: int, tick: Any, after: Any = ()) -> list[Any]:
    for n, first in enumerate(after):
        assert first is None or first < n
    return [function(*call) for call in calls]


def test_calls_wait_for_those_they_come_after(tmp_path: Path) -> None:
    files = [tmp_path / name for name in "abc"]
    files[0].write_text("here")
    ticks: list[int] = []
    calls = list(itertools.pairwise(files))
    assert side_by_side(shutil.copyfile, calls, 2, ticks.append, [None, 0]) == files[1:]
    assert ticks == [1, 1] and files[2].read_text() == "here"


def test_the_folder_of_checkpoints_is_hidden_beside_the_results() -> None:
    assert beside(Path("outputs/roadmap-12345678")) == Path("outputs/.roadmap-12345678.checkpoints")
