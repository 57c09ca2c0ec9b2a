"""The commands: what they hand to the model, print and write."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import sim
from sim.cli import app
from sim.layers import shipped
from sim.parameters import CHOICES, PARAMETERS
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

    run.__dict__.update(run_command=remember, run=remember, warmup=remember, self_test=list)
    compare.__dict__["compare_command"] = remember
    monkeypatch.setitem(sys.modules, "sim.runner", run)
    monkeypatch.setitem(sys.modules, "sim.evaluation", ModuleType("sim.evaluation"))
    monkeypatch.setitem(sys.modules, "sim.evaluation.compare", compare)
    return asked


# -- run and compare -----------------------------------------------------------------------------------


def test_run_hands_the_checked_scenario_and_the_options_over(runner: dict[str, Any]) -> None:
    words = "run roadmap+fast-ai --scale 1000 --months 12 --replicates 2 --seed 5 --threads 2"
    words += " --set world.substitution=0.1 --set run.months=99 --out results --panel 10 --jobs 3 --json"
    words += " --checkpoint-every 12"
    assert laborshift(*words.split()).exit_code == 0
    (scenario,) = runner["scenarios"]
    run = scenario.run
    assert (run.scale, run.months, run.replicates, run.seed, run.threads) == (1000, 12, 2, 5, 2)
    assert (scenario.world.substitution, scenario.world.adoption) == (0.1, "high")
    assert runner["options"] == {
        "out": Path("results"),
        "panel": 10,
        "jobs": 3,
        "json": True,
        "quiet": False,
        "force": False,
        "checkpoint_every": 12,
    }


def test_compare_hands_over_the_base_and_the_others(runner: dict[str, Any]) -> None:
    assert laborshift("compare", "no-training", "roadmap", "double", "--months", "6", "-q").exit_code == 0
    base, others = runner["scenarios"]
    assert [base.name, *(one.name for one in others)] == ["no-training", "roadmap", "double"]
    assert {one.run.months for one in (base, *others)} == {6}
    assert (runner["options"]["quiet"], runner["options"]["checkpoint_every"]) == (True, 0)


# -- describe, new, version, warmup, self-test -----------------------------------------------------------


def test_describe_without_a_topic_lists_the_scenarios() -> None:
    text = laborshift("describe").stdout
    assert all(name in text for name in shipped())


def test_describe_parameters_shows_defaults_units_ranges_and_sources() -> None:
    told = json.loads(laborshift("describe", "parameters", "--json").stdout)
    rows = {row["name"]: row for row in told["Parameters of [world]"]}
    assert list(rows) == list(PARAMETERS)
    assert rows["skill_decay"]["source"].startswith("Hyman 2018")
    assert {row["name"] for row in told["Choices of [world]"]} == set(CHOICES)
    table = laborshift("describe", "parameters", "substitution").stdout
    assert "Parameters of [world]" in table
    assert "0.25" in table


def test_describe_programmes_and_one_of_them_with_its_sources() -> None:
    told = json.loads(laborshift("describe", "programmes", "--json").stdout)
    rows = {row["id"]: row for row in told["Programmes of Korea"]}
    assert rows["kdt-ai-campus"]["won a person"] == 13_380_000
    one = json.loads(laborshift("describe", "programmes", "kdt", "--json").stdout)["Programme kdt"]
    cost = next(row for row in one if row["field"] == "unit_cost")
    assert (cost["value"], bool(cost["source"])) == (12_570_000, True)


def test_describe_economy_lists_codes_and_tables() -> None:
    told = json.loads(laborshift("describe", "economy", "--json").stdout)
    assert {row["what"]: row["value"] for row in told["Economy"]}["title"] == "Korea"
    assert any(row["dimension"] == "region" and row["number"] == 17 for row in told["Codes, in model order"])


def test_describe_a_scenario_shows_money_and_what_differs() -> None:
    told = json.loads(laborshift("describe", "roadmap+fast-ai", "--json").stdout)
    money = {row["programme"]: row for row in told["Money, billion won"]}
    assert money["kdt-ai-campus"]["2026"] == pytest.approx(133.8, abs=0.01)
    differs = {row["key"]: row["value"] for row in told["Differs from the defaults"]}
    assert differs == {"world.adoption": "high", "world.adoption_imitation": 0.042}
    text = laborshift("describe", "roadmap", "--set", "policy.programmes.kdt-ai-campus.share=0.1").stdout
    assert "new money not allocated" in text


def test_new_writes_a_file_that_checks_and_keeps_what_is_there(write: Write, tmp_path: Path) -> None:
    assert laborshift("new", "my plan", "--from", "roadmap").stdout == "wrote my plan.toml\n"
    text = (tmp_path / "my plan.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["based_on"] == "roadmap"
    assert load("my plan").settings() == load("roadmap").settings()
    assert laborshift("check", "my plan").exit_code == 0
    again = laborshift("new", "my plan")
    assert (again.exit_code, "not overwritten" in again.stderr) == (2, True)
    assert (tmp_path / "my plan.toml").read_text(encoding="utf-8") == text


def test_every_line_that_a_new_file_offers_can_be_uncommented(write: Write, tmp_path: Path) -> None:
    assert laborshift("new", "mine").exit_code == 0
    path = tmp_path / "mine.toml"
    offered = [
        line.removeprefix("# ") if " = " in line or line.startswith("# [") else line
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    path.write_text("\n".join(offered), encoding="utf-8")
    assert laborshift("check", "mine").stderr == ""
    assert load("mine").policy.programmes["kdt"].share == 0.45


def test_new_builds_on_a_file_by_its_path(write: Write, tmp_path: Path) -> None:
    write("own", "[run]\nseed = 9\n")
    (tmp_path / "inner").mkdir()
    assert laborshift("new", "inner/mine.toml", "--from", "own.toml").exit_code == 0
    assert load("inner/mine").run.seed == 9


def test_version() -> None:
    told = json.loads(laborshift("version", "--json").stdout)
    assert told["laborshift"] == sim.__version__
    assert "numpy" in told
    assert laborshift("version").stdout.startswith(f"laborshift {sim.__version__}\n")


def test_warmup_and_self_test(runner: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.economy.Economy.problems", lambda _: [])
    assert laborshift("warmup").stdout == "compiled\n"
    done = laborshift("self-test")
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"{len(shipped())} scenarios and " in done.stdout
    assert (runner["scenarios"][0].run.scale, runner["options"]["progress"]) == (1000, False)
    monkeypatch.setattr(sys.modules["sim.runner"], "self_test", lambda: ["a won is lost"])
    broken = laborshift("self-test")
    assert (broken.exit_code, broken.stderr) == (1, "a won is lost\n")


def test_help_loads_nothing_heavy() -> None:
    heavy = ("numpy", "pandas", "numba", "mesa", "pydantic", "rich", "matplotlib")
    code = (
        "import sys, sim.cli\n"
        "try: sim.cli.app(['--help'])\n"
        f"except SystemExit: print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "self-test" in done.stdout
