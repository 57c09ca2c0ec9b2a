"""What a user reads: messages for every mistake, exit codes, and what the commands print and write."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sim.cli import app
from sim.errors import InputError, line_of, nearest
from sim.scenario import load

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes `name.toml` into an empty working folder and returns its path."""
    monkeypatch.chdir(tmp_path)

    def write_file(name: str, text: str) -> Path:
        path = tmp_path / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def wrong(spec: str | Path, **options: Any) -> InputError:
    """The error that loading raises."""
    with pytest.raises(InputError) as caught:
        load(spec, **options)
    return caught.value


def laborshift(*words: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stands in for the simulation: keeps what the command line asks of it."""
    asked: dict[str, Any] = {}
    run, compare = ModuleType("sim.runner"), ModuleType("sim.evaluation.compare")

    def remember(*scenarios: Any, **options: Any) -> None:
        asked.update(scenarios=scenarios, options=options)

    run.__dict__.update(run_command=remember, run=remember, warmup=remember)
    compare.__dict__["compare_command"] = remember
    monkeypatch.setitem(sys.modules, "sim.runner", run)
    monkeypatch.setitem(sys.modules, "sim.evaluation", ModuleType("sim.evaluation"))
    monkeypatch.setitem(sys.modules, "sim.evaluation.compare", compare)
    return asked


# -- messages: file, line, key, what is allowed, nearest name --------------------------------------

MISTAKES = {
    "unknown key": ("[run]\nmonth = 3", "run.month", 2, 'did you mean "months"'),
    "unknown table": ("[wrld]\nexposure = 'aioe'", "wrld", 1, 'did you mean "world"'),
    "right key, wrong table": ("scale = 3", "scale", 1, 'did you mean "run.scale"'),
    "wrong type": ("[run]\n\nmonths = '60'", "run.months", 3, "must be a whole number, not '60'"),
    "not whole": ("[run]\nmonths = 1.5", "run.months", 2, "must be a whole number"),
    "truth is no number": ("[run]\nscale = true", "run.scale", 2, "must be a whole number, not true"),
    "number for truth": ("[world]\nadoption_frozen = 1", "world.adoption_frozen", 2, "must be true or false"),
    "number for a table": ("run = 3", "run", 1, "must be a table"),
    "number for text": ("title = 3", "title", 1, "must be text in quotes"),
    "negative money": ("[policy.budget]\n2026 = -1", "policy.budget.2026", 2, "money cannot be negative"),
    "unit slip": (
        "[policy.budget]\n2026 = 254e15",
        "policy.budget.2026",
        2,
        "more money than the state spends",
    ),
    "money not finite": ("[policy.budget]\n2026 = nan", "policy.budget.2026", 2, "must be"),
    "year out of range": ("[policy.budget]\n2126 = 1", "policy.budget", 1, "2020 to 2035"),
    "year not a year": ("[policy]\nbudget = {soon = 1}", "policy.budget", 2, "soon is not a year"),
    "share over one": (
        "[policy.programmes.kdt]\nshare = 1.4",
        "policy.programmes.kdt.share",
        2,
        "from 0 to 1",
    ),
    "shares over one": (
        "[policy.programmes]\na = {share = 0.7}\nb = {share = 0.6}",
        "policy.programmes",
        1,
        "add up to 1.3 (a 0.7, b 0.6)",
    ),
    "share and budget": (
        "[policy.programmes.a]\nshare = 0.1\nbudget = {2026 = 1}",
        "policy.programmes.a.budget",
        3,
        "not both",
    ),
    "negative continuing": ("[policy]\ncontinuing = -0.1", "policy.continuing", 2, "0 or more"),
    "start in mid-month": ("[run]\nstart = 2026-01-15", "run.start", 2, "the first of a month"),
    "start too early": ("[run]\nstart = 2025-12-01", "run.start", 2, "2026-01-01"),
    "start too late": ("[run]\nstart = 2034-01-01", "run.start", 2, "2033-12-01"),
    "start is a time": ("[run]\nstart = 2026-01-01T00:00:00", "run.start", 2, "must be a date"),
    "ends too late": ("[run]\nstart = 2030-07-01\nmonths = 67", "run.months", 3, "up to 66 months"),
    "scale": ("[run]\nscale = 0", "run.scale", 2, "from 1 to 1,000"),
    "seed": ("[run]\nseed = -1", "run.seed", 2, "from 0"),
    "parameter": ("[world]\n# why\nsubstitution = 0.9", "world.substitution", 3, "from 0 to 0.8"),
    "whole parameter": ("[world]\napplications = 2.5", "world.applications", 2, "must be a whole number"),
    "choice": ("[world]\nexposure = 'ilo2025'", "world.exposure", 2, 'did you mean "ilo-2025"'),
    "programme field": ("[policy.programmes.kdt]\nseat = 3", "policy.programmes.kdt.seat", 2, '"seats"'),
    "field of a programme called like a field": (
        "[policy.programmes.conversion]\nshar = 0.1",
        "policy.programmes.conversion.shar",
        2,
        '"share"',
    ),
    "kind": ("[policy.programmes.x]\nkind = 'corse'", "policy.programmes.x.kind", 2, '"course"'),
    "list item": ("[policy.programmes.x]\nstages = [\n 'entri']", "policy.programmes.x.stages", 2, '"entry"'),
    "ages": (
        "[policy.programmes.x]\neligibility = {age_min = 50, age_max = 40}",
        "policy.programmes.x.eligibility",
        2,
        "above age_max",
    ),
    "allowance in a sub-table": (
        "[policy.programmes.x]\n[policy.programmes.x.allowance]\ncapital = -5",
        "policy.programmes.x.allowance_capital",
        3,
        "money cannot be negative",
    ),
    "months of a course": ("[policy.programmes.x]\nmonths = 61", "policy.programmes.x.months", 2, "1 to 60"),
    "name": ("name = 'a/b'", "name", 1, "cannot name a folder"),
}


@pytest.mark.parametrize(("text", "key", "line", "part"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_reported_with_file_line_and_key(
    write: Write, text: str, key: str, line: int, part: str
) -> None:
    error = wrong(write("mine", text))
    assert (error.file, error.key, error.line) == ("mine.toml", key, line)
    assert part in str(error)
    assert str(error).startswith(f"mine.toml:{line}: {key}: ")
    assert "\n" not in str(error)


def test_a_mistake_in_toml_gives_its_line(write: Write) -> None:
    error = wrong(write("mine", "[run]\nmonths = 3\nscale 5\n"))
    assert (error.file, error.line) == ("mine.toml", 3)
    assert "not valid TOML" in error.problem
    assert wrong(write("open", 'title = "')).line == 1


def test_a_mistake_in_a_base_is_reported_in_the_base(write: Write) -> None:
    write("base", "[run]\n\nscale = -1\n")
    error = wrong(write("mine", 'based_on = "base"\n'))
    assert (error.file, error.line) == ("base.toml", 3)


def test_every_mistake_is_found_at_once(write: Write) -> None:
    error = wrong(write("mine", "[run]\nmonth = 3\nscale = 0\n[world]\nexposur = 'aioe'\n"))
    assert sorted((one.line, one.key) for one in error.every()) == [
        (2, "run.month"),
        (3, "run.scale"),
        (5, "world.exposur"),
    ]


def test_rules_about_the_whole_are_not_held_against_a_part(write: Write) -> None:
    write("late", "[run]\nstart = 2033-01-01\n")
    assert wrong("late").key == "run.months"
    assert load("late", overrides=["run.months=36"]).run.end == dt.date(2035, 12, 1)


def test_the_line_of_a_key() -> None:
    text = '# top\n[a.b]\nc = [\n  1,\n]\n\n"d" = {e = 1}\n[a]\nf = """\nx\n"""\n'
    assert [line_of(text, key) for key in ("a.b.c", "a.b.d.e", "a.f", "a.b.none", "zzz")] == [
        3,
        7,
        9,
        2,
        None,
    ]


def test_nearest() -> None:
    assert nearest("Explosure", ["exposure", "adoption"]) == "exposure"
    assert nearest("subst", ["substitution", "adoption"]) == "substitution"
    assert nearest("zzz", ["exposure"]) is None


# -- exit codes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("run", "roadmpa"), 'did you mean "roadmap"?'),
        (("run", "roadmap", "--scale", "5000"), "run.scale: 5000 is out of range; allowed: people per agent"),
        (("run", "roadmap", "--scale", "many"), "--scale"),
        (("run", "roadmap", "--set", "world.exposur=aioe"), 'did you mean "exposure"?'),
        (("run", "roadmap", "--jobs", "0"), "--jobs"),
        (("run",), "Missing argument"),
        (("run", "roadmap", "--scal", "3"), "--scale"),
        (("compare", "roadmap"), "Missing argument"),
        (("compare", "roadmap", "doubel"), 'did you mean "double"?'),
        (("run", "fast-ai+slow-ai"), "composition conflict"),
        (("describe", "parameters", "exposur_level"), 'did you mean "exposure_level"?'),
        (("describe", "programmes", "kdr"), 'did you mean "kdt"?'),
        (("describe", "programmes", "--economy", "koera"), 'did you mean "korea"?'),
        (("new", "mine", "--from", "basline"), 'did you mean "baseline"?'),
        (("new", "mine", "--from", "baseline+fast-ai"), "builds on one scenario"),
        (("new", "nowhere/mine"), "there is no folder"),
        (("check", "roadmap", "--set", "run.economy=koera"), 'did you mean "korea"?'),
        (("check", "roadmap", "--set", "policy.programmes.kdr.share=0.1"), 'did you mean "kdt"?'),
        (("frobnicate",), "No such command"),
    ],
)
def test_a_mistake_of_the_user_exits_with_2_and_one_message(words: tuple[str, ...], part: str) -> None:
    done = laborshift(*words)
    assert done.exit_code == 2
    assert part in done.stderr
    assert "Traceback" not in done.output


def test_more_than_one_mistake_is_counted_and_check_shows_them(write: Write) -> None:
    write("mine", "[run]\nmonth = 3\nscale = 0\n")
    done = laborshift("run", "mine")
    assert (done.exit_code, done.stderr.count("error: ")) == (2, 1)
    assert "1 more" in done.stderr
    done = laborshift("check", "mine", "roadmap")
    assert (done.exit_code, done.stderr.count("error: mine.toml:")) == (2, 2)
    assert done.stdout.splitlines() == ["mine: 2 to correct", "roadmap: ok"]


def test_check_with_json_prints_one_object(write: Write) -> None:
    write("mine", "[run]\nmonth = 3\n")
    done = laborshift("check", "mine", "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, done.stderr, told["ok"]) == (2, "", False)
    assert told["problems"] == [
        {
            "file": "mine.toml",
            "line": 2,
            "key": "run.month",
            "problem": "unknown key",
            "allowed": None,
            "nearest": "months",
        }
    ]
    assert json.loads(laborshift("check", "roadmap", "--json").stdout)["ok"] is True


def test_check_reads_an_economy_folder(tmp_path: Path) -> None:
    (tmp_path / "economy.toml").write_text('title_en = "Nowhere"\n')
    done = laborshift("check", str(tmp_path))
    assert done.exit_code == 2
    assert str(tmp_path) in done.stderr


def test_a_fault_of_ours_exits_with_1(runner: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(sys.modules["sim.runner"], "run_command", fail)
    done = laborshift("run", "roadmap")
    assert (done.exit_code, type(done.exception)) == (1, RuntimeError)


def test_an_interruption_exits_with_130(runner: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["sim.runner"], "run_command", interrupt)
    done = laborshift("run", "roadmap")
    assert (done.exit_code, done.stderr.strip()) == (130, "interrupted")


def test_a_signal_interrupts_the_process_with_130() -> None:
    code = (
        "import signal, sys, time, types, sim.cli; m = types.ModuleType('sim.runner');"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"  # a background job ignores it
        "m.run_command = lambda *a, **k: (print('ready', flush=True), time.sleep(60));"
        "sys.modules['sim.runner'] = m; sys.argv = ['laborshift', 'run', 'roadmap']; sim.cli.main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in errors) == (130, False)
