"""Parameters, programme records, what a scenario changes in them, and how its money is split."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import InputError
from sim.parameters import CHOICES, PARAMETERS
from sim.records import Programme, strip
from sim.scenario import World, load, split

FAKE: dict[str, dict[str, Any]] = {
    "campus": {
        "label_en": "Campus",
        "kind": "course",
        "stages": ["entry"],
        "plan": True,
        "unit_cost": {"value": 10_000_000, "unit": "KRW", "source": "a", "kind": "published"},
        "plan_share": {"value": 0.6, "unit": "share", "kind": "assumption", "low": 0, "high": 1, "note": "x"},
        "base_budget": {"value": {"2025": 0}, "unit": "KRW", "kind": "published", "source": "a"},
        "eligibility": {"age_max": 34, "states": ["unemployed"], "source": "a", "note": "young"},
    },
    "package": {
        "label_en": "Package",
        "kind": "sme-package",
        "stages": ["active"],
        "plan": True,
        "plan_share": 0.4,
    },
    "bootcamp": {
        "label_en": "Bootcamp",
        "kind": "course",
        "stages": ["entry"],
        "allowance_capital": {"value": 300_000, "unit": "KRW"},
        "base_budget": {"2025": {"value": 470_000_000_000, "unit": "KRW"}},
    },
}


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


# -- parameters ------------------------------------------------------------------------------------


@pytest.mark.parametrize("parameter", PARAMETERS.values(), ids=lambda parameter: parameter.name)
def test_a_parameter_has_a_default_in_range_and_is_labelled_and_sourced(parameter: Any) -> None:
    assert parameter.low <= parameter.default <= parameter.high
    assert parameter.low < parameter.high
    assert all((parameter.unit, parameter.label, parameter.label_ko, parameter.source, parameter.group))
    assert type(getattr(World(), parameter.name)) is type(parameter.default)


def test_the_world_holds_the_parameters_and_the_choices_and_nothing_else() -> None:
    assert list(World().model_dump()) == [*CHOICES, *PARAMETERS]
    assert all(choice.default in choice.options for choice in CHOICES.values())


@pytest.mark.parametrize("name", ["substitution", "no_application", "applications"])
def test_both_ends_of_a_range_are_allowed(name: str) -> None:
    for value in (PARAMETERS[name].low, PARAMETERS[name].high):
        assert getattr(World.model_validate({name: value}), name) == value


# -- programme records -----------------------------------------------------------------------------


def test_records_lose_their_metadata() -> None:
    campus = Programme.from_table("campus", FAKE["campus"])
    assert (campus.id, campus.unit_cost, campus.plan_share) == ("campus", 10_000_000, 0.6)
    assert campus.eligibility.states == ("unemployed",)
    assert campus.intake_months == tuple(range(1, 13))
    assert strip({"value": {"2025": {"value": 3, "unit": "KRW"}}, "unit": "KRW"}) == {"2025": 3}


def test_continuing_money_holds_until_the_next_year_given() -> None:
    table = FAKE["bootcamp"] | {"base_budget": {"2025": 100, "2028": 50}}
    bootcamp = Programme.from_table("bootcamp", table)
    assert [bootcamp.base_money(year) for year in (2024, 2025, 2027, 2028, 2033)] == [0, 100, 100, 50, 50]


def test_a_record_says_all_that_is_wrong_with_it() -> None:
    with pytest.raises(InputError) as caught:
        Programme.from_table(
            "x", {"kind": "course", "stages": ["entry"], "apply": 2, "regions": {"a": 0.6, "b": 0.5}}
        )
    assert {one.key for one in caught.value.every()} == {"x.label_en", "x.apply", "x.regions"}


def test_a_mistake_in_the_economys_records_names_their_file() -> None:
    with pytest.raises(InputError, match=r"programmes\.toml of korea: campus\.apply: 2 is out of range"):
        load("baseline").programmes({"campus": FAKE["campus"] | {"apply": 2}})


def test_an_override_changes_only_what_it_names() -> None:
    scenario = load(
        "roadmap",
        programmes={
            "bootcamp": {"allowance": {"noncapital": 400_000}, "eligibility": {"age_max": 29}},
            "campus": {"seats": 5, "eligibility": {"age_min": 20}},
        },
    )
    records = scenario.programmes(FAKE)
    assert (records["bootcamp"].allowance_capital, records["bootcamp"].allowance_noncapital) == (
        300_000,
        400_000,
    )
    assert records["bootcamp"].eligibility.age_max == 29
    assert (records["campus"].seats, records["campus"].id) == (5, "campus")
    assert (records["campus"].eligibility.age_min, records["campus"].eligibility.age_max) == (20, 34)
    assert records["package"] == Programme.from_table("package", FAKE["package"])


def test_a_misspelt_programme_is_reported_where_it_is_written(write: Write) -> None:
    scenario = load(write("mine", "[policy.programmes.campsu]\nshare = 0.1\n"))
    with pytest.raises(InputError) as caught:
        scenario.programmes(FAKE)
    error = caught.value
    assert (error.file, error.line, error.nearest) == ("mine.toml", 1, "campus")


def test_a_scenario_may_add_a_programme_but_must_state_it_in_full(write: Write) -> None:
    text = '[policy.programmes.night]\nlabel_en = "Night school"\nkind = "course"\nstages = ["active"]\n'
    with pytest.raises(InputError, match="awareness, apply, unit_cost, months, completion, skill"):
        load(write("mine", text)).programmes(FAKE)
    text += "awareness = 0.1\napply = {value = 0.01, unit = 'a month', kind = 'assumption', note = 'x'}\n"
    text += "unit_cost = 500_000\nmonths = 2\ncompletion = 0.8\nskill = 0.5\nbudget = {2026 = 1e9}\n"
    scenario = load(write("mine", text))
    records = scenario.programmes(FAKE)
    assert (list(records)[-1], records["night"].apply) == ("night", 0.01)
    assert scenario.money(records)["night"] == {2026: 10**9, 2027: 0, 2028: 0, 2029: 0, 2030: 0}


def test_codes_are_those_of_the_economy(write: Write) -> None:
    scenario = load(
        write("mine", "[policy.programmes.campus.eligibility]\nage_min = 20\nregions = ['seul']\n")
    )
    with pytest.raises(InputError) as caught:
        scenario.programmes(FAKE, {"region": ["seoul", "busan"]})
    error = caught.value
    assert (error.line, error.key, error.nearest) == (
        3,
        "policy.programmes.campus.eligibility.regions",
        "seoul",
    )


def test_a_change_that_makes_a_record_contradict_itself_is_placed(write: Write) -> None:
    scenario = load(write("mine", "[policy.programmes.campus.eligibility]\nage_min = 50\n"))
    with pytest.raises(
        InputError, match=r"mine\.toml:1: policy\.programmes\.campus\.eligibility: age_min 50"
    ):
        scenario.programmes(FAKE)


# -- money -----------------------------------------------------------------------------------------


def money_of(**policy: Any) -> tuple[dict[str, int], int]:
    """Won of 2026 by programme, and what is not allocated."""
    scenario = load("baseline", **policy)
    records = scenario.programmes(FAKE)
    money = {id: by_year[2026] for id, by_year in scenario.money(records).items()}
    return money, scenario.unallocated(records)[2026]


def test_new_money_follows_the_plan_and_continuing_money_goes_on() -> None:
    assert money_of(budget={2026: 100}) == ({"campus": 60, "package": 40, "bootcamp": 470_000_000_000}, 0)
    assert money_of(continuing=0) == ({"campus": 0, "package": 0, "bootcamp": 0}, 0)
    assert money_of(continuing=1.1)[0]["bootcamp"] == 517_000_000_000


def test_a_smaller_share_leaves_money_unallocated() -> None:
    money, spare = money_of(budget={2026: 100}, programmes={"campus": {"share": 0.1}})
    assert (money["campus"], money["package"], spare) == (10, 40, 50)


def test_a_larger_share_scales_the_others_down() -> None:
    money, spare = money_of(budget={2026: 100}, programmes={"bootcamp": {"share": 0.5, "base_budget": 7}})
    assert (money, spare) == ({"campus": 30, "package": 20, "bootcamp": 57}, 0)


def test_a_closed_programme_gets_nothing_and_leaves_its_share() -> None:
    closed = {"campus": {"closed": True}, "bootcamp": {"closed": True}}
    assert money_of(budget={2026: 100}, programmes=closed) == (
        {"campus": 0, "package": 40, "bootcamp": 0},
        60,
    )


def test_a_budget_of_its_own_stands_in_place_of_a_share() -> None:
    money, spare = money_of(budget={2026: 100}, programmes={"campus": {"budget": {2026: 5}}})
    assert (money["campus"], money["package"], spare) == (5, 40, 60)


def test_money_is_told_for_every_year_that_the_run_touches() -> None:
    scenario = load("roadmap", overrides=["run.start=2029-11-01", "run.months=15"])
    assert (scenario.run.end, list(scenario.years)) == (dt.date(2031, 1, 1), [2029, 2030, 2031])
    money = scenario.money(scenario.programmes(FAKE))
    assert [money["package"][year] for year in scenario.years] == [101_600_000_000, 101_600_000_000, 0]


@given(
    won=st.integers(0, 10**15),
    weights=st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(any),
    allocated=st.floats(0, 1),
)
def test_a_split_keeps_every_won(won: int, weights: list[int], allocated: float) -> None:
    shares = {str(at): weight / sum(weights) for at, weight in enumerate(weights)}
    assert sum(split(won, shares).values()) == won
    part = split(won, {id: share * allocated for id, share in shares.items()})
    assert 0 <= sum(part.values()) <= won
    assert all(abs(part[id] - won * share * allocated) <= 1 + won * 1e-12 for id, share in shares.items())
