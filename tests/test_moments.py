"""The targets of calibration: their file, and the moments of a run that answer them."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from sim.economy import load as load_economy
from sim.errors import InputError
from sim.estimation import targets as targets_of
from sim.estimation.moments import MONTHS, Measured, measure, moments
from sim.estimation.targets import COLUMNS, Target, from_scale, load, to_scale
from sim.model import LaborMarket
from sim.record import FIRM_ITEMS, FLOWS
from sim.scenario import load as load_scenario

NEEDS_TWO_RUNS = {
    *("effect_under_1_year", "effect_1_2_years", "effect_over_2_years", "displacement_share"),
    *("displaced_back_12_months", "displaced_wage"),
    *("youth_rate_change_2022_2025", "youth_insured_change", "fifties_insured_change"),
}
BUILT = {  # from tables that hold the same figures: near them before anything is calibrated
    **{f"employment_rate_{age}": 0.06 for age in ("15-29", "30-39", "40-49", "50-59", "60+")},
    **{f"wage_major_{major}": 0.15 for major in "1234789"},
    **{f"flow_{flow}": 0.15 for flow in ("eu", "en", "ue", "un", "ne", "nu")},
    "wage_women_men": 0.08,
    "wage_large_small": 0.15,
    "one_year_stayers_large": 0.1,
}
SMALL = {"kdt_completion", "kdt_insured_6_months", "kdt_insured_3_months", "kdt_employed_6_months"} | {
    *("kdt_course_sd", "polytechnic_applicants", "polytechnic_employed_6_months"),
}  # a dozen of agents at this scale


@pytest.fixture(scope="module")
def targets() -> dict[str, Target]:
    return load()


@pytest.fixture(scope="module")
def market() -> LaborMarket:
    """A run of the baseline, one agent for 1,000 persons."""
    return LaborMarket(load_scenario("baseline").with_run(scale=1000, months=MONTHS)).run()


@pytest.fixture(scope="module")
def measured(market: LaborMarket) -> dict[str, Measured]:
    return measure(market)


# ---------------------------------------------------------------------------------------------- the targets


def test_targets_are_as_many_as_announced_and_a_quarter_is_held_out(targets: dict[str, Target]) -> None:
    """Roles were fixed before fitting: a change of these counts is a decision to be recorded in the changelog."""
    roles = [t.role for t in targets.values()]
    assert {role: roles.count(role) for role in set(roles)} == {"fit": 48, "test": 31, "prior": 1}
    assert 40 <= len(roles) <= 80 and roles.count("test") >= 0.25 * len(roles)


def test_targets_agree_with_those_of_the_economy(targets: dict[str, Target]) -> None:
    """The same id is the same number; levels there and rates here are the same facts."""
    economy = load_economy("korea")
    written = {t.id: t.value for t in economy.targets}
    shared = targets.keys() & written.keys()
    assert len(shared) >= 40
    assert {name: targets[name].value for name in shared} == {name: written[name] for name in shared}
    value = {name: t.value for name, t in targets.items()}
    employees = sum(economy.value("contract", c) for c in ("regular", "temporary", "daily"))
    for name, part, whole in (
        ("insured_share", written["insured"], employees),
        ("benefit_rate", written["benefit_recipients"], written["insured"]),
        ("hire_rate", written["hires"], written["separations"] / written["turnover"]),
        ("resting_rate_15-29", written["resting_15-29"], 7_953_000),
        ("resting_rate_30-39", written["resting_30-39"], 6_870_000),
        ("share_temporary", economy.value("contract", "temporary"), employees),
        ("share_daily", economy.value("contract", "daily"), employees),
        ("share_own_account", economy.value("contract", "own-account"), written["employed"]),
        ("occupational_exit", economy.value("occupation_exit", "annual_exit"), 1.0),
    ):
        assert value[name] == pytest.approx(part / whole, rel=1e-3), name
    path = economy.array("adoption", "size", series="central", year=2027)
    for size in ("5-29", "300+"):
        assert value[f"ai_adoption_{size}"] == path[economy.codes["size"].index(size)]


def test_every_target_has_sources_that_the_economy_lists(targets: dict[str, Target]) -> None:
    """Ids of `sources.csv`, or a citation in words."""
    text = (Path(targets_of.__file__).parents[1] / "economies" / "korea" / "sources.csv").read_text("utf-8")
    known = {row["id"] for row in csv.DictReader(text.splitlines())}
    for target in targets.values():
        ids = [part for part in target.source.split(";") if " " not in target.source]
        assert set(ids) <= known, target.id
        assert target.note, target.id  # how the error or the range was come by


def test_values_lie_in_their_intervals(targets: dict[str, Target]) -> None:
    for target in targets.values():
        low, high = target.interval
        assert low <= target.value <= high and low < high and target.met(target.value), target.id
        assert not target.met(math.nan)
        assert target.sd > 0.0 and math.isfinite(target.scaled) and target.scaled_sd > 0.0
        assert from_scale(target.scaled, target.transform) == pytest.approx(target.value, rel=1e-9)
    assert targets["kdt_completion"].met(0.80, error=0.011) and not targets["kdt_completion"].met(0.80)


def test_scales() -> None:
    assert to_scale(0.5, "logit") == 0.0 and to_scale(1.0, "log") == 0.0 and to_scale(-3.0, "none") == -3.0
    assert math.isfinite(to_scale(0.0, "logit")) and math.isfinite(to_scale(1.0, "logit"))
    assert from_scale(-1e9, "logit") == 0.0 and math.isfinite(to_scale(0.0, "log"))
    for scale in (to_scale, from_scale):
        with pytest.raises(ValueError, match="no transform 'probit'"):
            scale(0.5, "probit")


GOOD = dict(
    zip(
        COLUMNS,
        ("a", "A", "가", "0.5", "share", "2025", "0.1", "", "", "logit", "1", "s", "fit", "eaps-2025", ""),
        strict=True,
    )
)


def written(folder: Path, *rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> Path:
    path = folder / "targets.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns, extrasaction="ignore", restval="")
        table.writeheader()
        table.writerows(rows)
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"role": "fitt"}, ":2: role: 'fitt' is unknown; allowed: fit, test, prior; did you mean \"fit\"?"),
        (
            {"transform": "Logit "},
            ":2: transform: 'Logit' is unknown; allowed: logit, log, none; did you mean",
        ),
        ({"value": "half"}, ":2: value: 'half' is not a number"),
        ({"value": "1"}, ":2: value: 1 has no log-odds; allowed: above 0 and below 1"),
        ({"value": "-1", "transform": "log"}, ":2: value: -1 has no logarithm; allowed: above 0"),
        ({"weight": ""}, ":2: weight: '' is not a number"),
        ({"weight": "-1"}, ":2: weight: -1 is below 0"),
        ({"se": "0"}, ":2: se: 0 is not above 0"),
        ({"se": "few"}, ":2: se: 'few' is not a number"),
        ({"se": ""}, ":2: se: neither a sampling error nor a range"),
        ({"low": "0.4"}, ":2: high: a range has two ends"),
        ({"low": "0.6", "high": "0.7"}, ":2: low: 0.6 to 0.7 does not hold the value 0.5; allowed: low <="),
        ({"survey": ""}, ":2: survey: is empty"),
        ({"id": "A b"}, ":2: id: 'A b' is no id"),
    ],
)
def test_mistakes_name_line_column_and_rule(tmp_path: Path, change: dict[str, str], message: str) -> None:
    path = written(tmp_path, GOOD | change)
    with pytest.raises(InputError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}{message}")


def test_mistakes_of_the_file_as_a_whole(tmp_path: Path) -> None:
    """Columns, rows given twice, a missing file; all mistakes are told at once."""
    misspelt = tuple("labl" if name == "label" else name for name in COLUMNS)
    with pytest.raises(InputError) as caught:
        load(written(tmp_path, GOOD, columns=misspelt))
    assert [str(e).split(": ", 1)[1] for e in caught.value.every()] == [
        'labl: no such column; did you mean "label"?',
        "label: the column is missing",
    ]
    with pytest.raises(InputError, match="'a' is given twice") as caught:
        load(written(tmp_path, GOOD, GOOD, GOOD | {"id": "b", "role": ""}))
    assert [e.line for e in caught.value.every()] == [3, 4]
    with pytest.raises(InputError, match="holds no target"):
        load(written(tmp_path))
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path / "none.csv")
    path = written(tmp_path, GOOD)
    path.write_text(path.read_text("utf-8") + "b,too,short\n", "utf-8")
    with pytest.raises(InputError, match="3 fields, not 15"):
        load(path)


# ---------------------------------------------------------------------------------------------- the moments


def test_every_fit_target_has_a_moment(
    targets: dict[str, Target], measured: dict[str, Measured], market: LaborMarket
) -> None:
    """Tests have one too, but for those that need two runs or another year."""
    answered = {name for name, t in targets.items() if t.role != "prior"} - NEEDS_TWO_RUNS
    assert answered <= measured.keys()
    assert not NEEDS_TWO_RUNS & measured.keys()
    assert all(targets[name].role == "test" for name in NEEDS_TWO_RUNS)
    for name, found in measured.items():
        assert math.isfinite(found.value) == (found.n > 0) or name == "kdt_course_sd", name
    again = moments(market)
    assert again.keys() == measured.keys()
    assert np.array_equal([*again.values()], [m.value for m in measured.values()], equal_nan=True)


def test_moments_are_of_the_right_size(targets: dict[str, Target], measured: dict[str, Measured]) -> None:
    """Near the target where the population is built from the same table, within a factor of five elsewhere."""
    for name, found in measured.items():
        target = targets.get(name)
        if target is None or name in SMALL or target.role == "prior":
            continue
        if name in BUILT:
            assert found.value == pytest.approx(target.value, rel=BUILT[name]), name
        elif name != "unemployed_6_months":  # spells as the flows have them are over before
            assert target.value / 5 < found.value < target.value * 5, name


def test_identities(market: LaborMarket, measured: dict[str, Measured]) -> None:
    """Stocks change by flows; parts make wholes."""
    value = {name: m.value for name, m in measured.items()}
    record = market.record
    last = record.sums[-12:]
    firms = record.layout.block(record.sums, "firms")[:, :5, :, FIRM_ITEMS.index("employed")].sum(axis=(1, 2))
    assert firms[-1] == market.posts.held.sum() == (market.workers.job >= 0).sum()
    hires = record.flows[-12:, FLOWS.index("hires")].sum()
    gone = hires - (firms[-1] - firms[-13])
    assert value["turnover"] == pytest.approx(gone / firms[-12:].sum(), rel=1e-12)
    assert value["hire_rate"] - value["turnover"] == pytest.approx(
        (firms[-1] - firms[-13]) / firms[-12:].sum(), abs=1e-12
    )
    people = record.layout.block(last, "people").sum(axis=(0, 1, 3, 4))  # age, state
    ages = ("15-29", "30-39", "40-49", "50-59", "60+")
    rates = np.array([value[f"employment_rate_{age}"] for age in ages])
    sexes = record.layout.block(last, "people").sum(axis=(0, 1, 2, 4))
    by_sex = np.array([value["employment_rate_male"], value["employment_rate_female"]])
    assert rates @ people.sum(axis=1) == pytest.approx(by_sex @ sexes.sum(axis=1), rel=1e-12)
    moves = record.layout.block(last, "moves").sum(axis=(0, 1))
    left = moves[1:].sum(axis=1)
    out = left[1] * (value["flow_ue"] + value["flow_un"])
    into = left[0] * value["flow_eu"] + left[2] * value["flow_nu"]
    months = record.layout.block(record.sums[-13:], "people").sum(axis=(1, 2, 3, 4))[:, 1]
    assert into - out == pytest.approx(
        months[-1] - months[0], abs=0.02 * out
    )  # but for those who die or enter


def test_nobody_gives_no_number(market: LaborMarket) -> None:
    """Where a denominator is empty the moment is NaN, with n = 0; a run too short is refused."""
    short = LaborMarket(load_scenario("no-training").with_run(scale=1000, months=12), threads=1).run()
    found = measure(short)
    assert math.isnan(found["kdt_completion"].value) and found["kdt_completion"].n == 0
    assert math.isnan(found["kdt_course_sd"].value) and found["kdt_course_sd"].n == 0
    assert found["turnover"].n > 0
    young = LaborMarket(load_scenario("no-training").with_run(scale=1000, months=11), threads=1).run()
    with pytest.raises(ValueError, match="11 months have been run, not 12"):
        moments(young)


def test_months_suffice_for_six_months_after_a_course_of_six(
    market: LaborMarket, measured: dict[str, Measured]
) -> None:
    """Some completers are followed to six months."""
    assert measured["kdt_completion"].n > 0 and measured["kdt_employed_6_months"].n > 0
    assert market.month == MONTHS
