"""Scenarios: finding, building on one another, composing, overriding, resolving and digests."""

from __future__ import annotations

import datetime as dt
import pickle
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sim
from sim.economy import load as load_economy
from sim.errors import InputError
from sim.layers import shipped, toml_lines
from sim.parameters import CHOICES, PARAMETERS
from sim.scenario import Policy, RunSettings, Scenario, World, load

SHIPPED = (
    "baseline",
    "double",
    "entry-first",
    "fast-ai",
    "hiring-subsidy",
    "no-ai",
    "no-training",
    "roadmap",
    "slow-ai",
    "sme-first",
    "transition-first",
    "trial-saturation",
    "trial-withhold",
)
PLAN = 254_000_000_000

Write = Callable[..., Path]


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


# -- finding and building on one another -----------------------------------------------------------


def test_the_scenarios_of_the_plan_ship() -> None:
    assert set(shipped()) == set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_scenario_is_dated_sourced_titled_and_fits_the_economy(name: str) -> None:
    scenario = load(name)
    assert all((scenario.title, scenario.title_ko, scenario.reference, scenario.date))
    economy = load_economy("korea")
    records = scenario.programmes(economy.programmes, economy.codes)
    assert set(records) == {*economy.programmes, *scenario.policy.programmes}
    if scenario.policy.budget:
        assert sum(scenario.shares(records).values()) == pytest.approx(1, abs=1e-6)
        assert max(scenario.unallocated(records).values()) < 1_000_000


@pytest.mark.parametrize("name", ["entry-first", "sme-first", "transition-first", "double", "roadmap"])
def test_seats_firms_and_centres_are_in_step_with_the_money(name: str) -> None:
    """Money without seats, or centres that eat all the money, would make a shipped scenario spend nothing."""
    scenario = load(name)
    records = scenario.programmes(load_economy("korea").programmes)
    money = scenario.money(records)
    for id, record in records.items():
        if not record.plan or not record.unit_cost:
            continue
        funded = (money[id][2026] - record.fixed_cost) / record.unit_cost
        places = record.seats
        if places is None and record.firms_a_year is not None:
            places = round(record.firms_a_year * record.trainees_per_firm)
        assert funded >= 0, id
        if scenario.policy.programmes.get(id) is not None and places is not None:
            assert places == pytest.approx(funded, rel=0.01), id


def test_tilted_scenarios_give_half_of_the_money_to_a_stage_and_the_rest_as_the_plan() -> None:
    raw = load_economy("korea").programmes
    plan = load("roadmap").shares(load("roadmap").programmes(raw))
    for name in ("entry-first", "sme-first", "transition-first"):
        scenario = load(name)
        shares = scenario.shares(scenario.programmes(raw))
        favoured = {id for id, item in scenario.policy.programmes.items() if item.share is not None}
        assert sum(shares[id] - plan[id] / 2 for id in favoured) == pytest.approx(0.5, abs=2e-4)
        assert all(shares[id] == pytest.approx(plan[id] / 2, rel=1e-3) for id in set(plan) - favoured)


def test_a_scenario_is_sparse_on_its_base() -> None:
    roadmap = load("roadmap")
    assert roadmap.policy.budget == dict.fromkeys(range(2026, 2031), PLAN)
    assert (roadmap.run, roadmap.based_on) == (load("baseline").run, "baseline")
    assert load("no-training").policy.continuing == 0
    assert load("double").policy.budget[2026] == 2 * PLAN
    assert load("no-ai").world.adoption_frozen is True


def test_a_file_in_the_working_folder_comes_before_a_shipped_one_and_may_build_on_it(write: Write) -> None:
    write("roadmap", 'based_on = "roadmap"\n[run]\nseed = 7\n')
    mine = load("roadmap")
    assert (mine.run.seed, mine.policy.budget[2026]) == (7, PLAN)


def test_a_base_is_looked_for_beside_the_file_first(write: Write, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "base.toml").write_text("[run]\nseed = 1\n")
    (tmp_path / "inner" / "mine.toml").write_text('based_on = "base"\n')
    write("base", "[run]\nseed = 2\n")
    assert load("inner/mine").run.seed == 1
    assert load(tmp_path / "inner" / "mine.toml").run.seed == 1


def test_a_plus_in_a_file_name_is_no_composition(write: Write) -> None:
    write("a+b", "[run]\nseed = 8\n")
    assert load("a+b").run.seed == load("a+b.toml").run.seed == 8


def test_descriptions_are_not_inherited(write: Write) -> None:
    write("my plan", 'based_on = "roadmap"\n')
    mine = load("my plan")
    assert (mine.name, mine.title, mine.title_ko, mine.date) == ("my-plan", "my-plan", "", None)


def test_a_missing_scenario_names_the_nearest() -> None:
    error = wrong("roadmpa")
    assert error.nearest == "roadmap"
    assert "baseline" in str(error)


def test_a_missing_base_is_reported_where_it_is_named(write: Write) -> None:
    error = wrong(write("mine", 'title = "x"\nbased_on = "basline"\n'))
    assert (error.file, error.line, error.key, error.nearest) == ("mine.toml", 2, "based_on", "baseline")


def test_scenarios_that_build_on_one_another_in_a_circle_are_refused(write: Write) -> None:
    write("a", 'based_on = "b"\n')
    write("b", 'based_on = "c"\n')
    write("c", 'based_on = "a"\n')
    error = wrong("a")
    assert "a -> b -> c -> a" in error.problem
    assert (error.file, error.line) == ("c.toml", 1)


def test_text_that_is_not_utf8_and_a_byte_order_mark(write: Write, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_bytes('title = "훈련"'.encode("cp949"))
    assert "UTF-8" in wrong("bad").problem
    (tmp_path / "marked.toml").write_bytes(b"\xef\xbb\xbftitle = 'x'")
    assert load("marked").title == "x"


# -- composition -----------------------------------------------------------------------------------


def test_the_right_scenario_adds_its_own_keys_only() -> None:
    both = load("roadmap+fast-ai")
    assert (both.world.adoption, both.policy.budget) == ("high", load("roadmap").policy.budget)
    assert (both.name, both.title_ko.count(" + ")) == ("roadmap+fast-ai", 1)
    alone = load("baseline+fast-ai")
    assert (alone.world.adoption, alone.policy.budget) == ("high", {})


def test_three_scenarios_and_a_tilt_compose() -> None:
    many = load("entry-first+slow-ai+no-training")
    assert (many.world.adoption, many.policy.continuing) == ("low", 0)
    assert many.policy.programmes["kdt-ai-campus"].share == pytest.approx(0.7416)


def test_a_base_joined_to_what_builds_on_it_changes_nothing() -> None:
    assert load("double+roadmap").settings() == load("double").settings()
    assert load("roadmap+double").settings() == load("double").settings()


def test_a_scenario_with_a_base_of_its_own_brings_it(write: Write) -> None:
    write("root", "[run]\nseed = 5\n")
    write("leaf", 'based_on = "root"\n[world]\nsubstitution = 0.1\n')
    write("patch", "[world]\nmatch_sd = 0.2\n")
    both = load("patch+leaf")
    assert (both.run.seed, both.world.substitution, both.world.match_sd) == (5, 0.1, 0.2)


def test_two_answers_to_one_question_are_a_conflict_that_names_both() -> None:
    error = wrong("fast-ai+slow-ai")
    assert "composition conflict" in error.problem
    assert "fast-ai.toml" in error.problem
    assert "slow-ai.toml" in str(error)
    assert (error.key, error.line is not None) == ("world.adoption", True)
    assert wrong("no-ai+fast-ai").key == "world.adoption_frozen"


def test_equal_answers_are_no_conflict(write: Write) -> None:
    write("a", "[run]\nmonths = 24\n")
    write("b", "[run]\nmonths = 24\nseed = 3\n")
    assert load("a+b").run.months == 24


# -- overrides and the Python caller ---------------------------------------------------------------


def test_overrides_are_toml_and_win() -> None:
    scenario = load(
        "roadmap",
        overrides=[
            "run.months=96",
            "policy.budget.2026 = 300e9",
            "world.exposure=aioe",
            'world.adoption = "low"',
            "run.start=2027-01-01",
            "policy.programmes.kdt.eligibility.states=['unemployed']",
            "run.months=12",
        ],
    )
    assert (scenario.run.months, scenario.run.start) == (12, dt.date(2027, 1, 1))
    assert (scenario.policy.budget[2026], scenario.policy.budget[2027]) == (300_000_000_000, PLAN)
    assert (scenario.world.exposure, scenario.world.adoption) == ("aioe", "low")
    assert scenario.policy.programmes["kdt"].eligibility.states == ("unemployed",)


@pytest.mark.parametrize("text", ["months", "=3", "run.months=", "run months=3", "a=1\nb=2"])
def test_an_override_that_cannot_be_read(text: str) -> None:
    assert wrong("baseline", overrides=[text]).file == f"--set {text}"


def test_an_override_is_named_in_its_error() -> None:
    error = wrong("baseline", overrides=["run.scale=5000"])
    assert (error.file, error.line, error.key) == ("--set run.scale=5000", None, "run.scale")
    assert wrong("baseline", overrides=["world.substitution=much"]).key == "world.substitution"


def test_policy_can_be_given_from_python() -> None:
    scenario = load("roadmap", budget={2026: 300e9}, programmes={"kdt": {"share": 0.45}}, continuing=0.5)
    assert scenario.policy.budget[2026] == 300_000_000_000
    assert (scenario.policy.programmes["kdt"].share, scenario.policy.continuing) == (0.45, 0.5)
    assert wrong("roadmap", budjet={2026: 1}).nearest == "budget"


def test_a_title_can_be_set() -> None:
    assert load("roadmap", overrides=['title="other"']).title == "other"


# -- resolved text, digest, copies -----------------------------------------------------------------


@pytest.mark.parametrize("spec", [*SHIPPED, "entry-first+fast-ai"])
def test_the_resolved_text_states_everything_and_asks_the_same_question(spec: str, write: Write) -> None:
    scenario = load(spec, overrides=["world.no_application=1e-6"])
    text = scenario.resolved_toml()
    assert set(tomllib.loads(text)["world"]) == {*PARAMETERS, *CHOICES}
    again = load(write("resolved", text))
    assert (again.name, again.title, again.date) == (scenario.name, scenario.title, scenario.date)
    assert again.settings() == scenario.settings()
    assert again.digest("e") == scenario.digest("e")
    assert again.resolved_toml().splitlines()[1:] == text.splitlines()[1:]


@given(st.dictionaries(st.text(min_size=1), st.text() | st.integers(-(2**63), 2**63 - 1) | st.booleans()))
def test_any_text_survives_toml(table: dict[str, Any]) -> None:
    assert tomllib.loads("\n".join(toml_lines({"t": table}, {}))) == {"t": table}


def test_the_digest_is_of_the_question_alone() -> None:
    roadmap = load("roadmap")
    same = load(
        "roadmap", overrides=['title="x"', "run.threads=8", "run.economy=elsewhere", "policy.continuing=1"]
    )
    assert same.digest("e") == roadmap.digest("e")
    assert len(roadmap.digest("e")) == 64
    assert roadmap.digest("f") != roadmap.digest("e")


@pytest.mark.parametrize("change", ["run.seed=1", "policy.budget.2031=1", "policy.programmes.kdt.seats=1"])
def test_the_digest_sees_every_change_of_the_question(change: str) -> None:
    assert load("roadmap", overrides=[change]).digest("e") != load("roadmap").digest("e")


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_digest_sees_every_parameter(name: str) -> None:
    other = (
        PARAMETERS[name].high if PARAMETERS[name].default != PARAMETERS[name].high else PARAMETERS[name].low
    )
    assert Scenario(world=World.model_validate({name: other})).digest("e") != Scenario().digest("e")


def test_the_digest_sees_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Scenario().digest("e")
    monkeypatch.setattr(sim, "__version__", "9.9.9")
    assert Scenario().digest("e") != before


def test_a_scenario_survives_pickling_and_cannot_be_changed() -> None:
    scenario = load("entry-first+fast-ai")
    assert pickle.loads(pickle.dumps(scenario)) == scenario
    with pytest.raises(ValueError, match="frozen"):
        scenario.run = RunSettings()


def test_a_scenario_can_be_made_without_a_file() -> None:
    scenario = Scenario(policy=Policy(budget={2026: 5}), run=RunSettings(months=12))
    assert scenario.policy.budget == {2026: 5}
    with pytest.raises(InputError, match="add up"):
        Policy.model_validate({"programmes": {"a": {"share": 0.7}, "b": {"share": 0.7}}})


def test_run_settings_can_be_replaced_and_are_checked() -> None:
    scenario = load("roadmap")
    first_look = scenario.with_run(scale=1000, months=12)
    assert (first_look.run.scale, first_look.run.months, scenario.run.scale) == (1000, 12, 100)
    assert first_look.policy == scenario.policy
    with pytest.raises(InputError, match=r"run\.scale"):
        scenario.with_run(scale=0)
    with pytest.raises(InputError, match=r"run\.months"):
        scenario.with_run(months=240)


def test_the_modules_import_lightly() -> None:
    heavy = ("numpy", "pandas", "numba", "mesa")
    code = f"import sys, sim.scenario; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
