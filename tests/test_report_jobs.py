"""Tables 9 to 14 and 16 of a report: accounts add up, numbers are those of the results, languages have the same."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.evaluation import cost, fiscal
from sim.evaluation.compare import compare_into
from sim.report.effect_rows import scenario_label
from sim.report.registry import HOMES, table
from sim.report.scenarios import CRITERIA, criteria
from sim.report.subject import Subject, open_subject
from sim.report.table import Number, ReportTable
from sim.report.tables_jobs import ACCOUNT
from sim.report.words import LANGUAGES, Words, catalogue
from sim.scenario import load

MINE = sorted(n for n, home in HOMES.items() if home in ("tables_jobs", "tables_money"))
NAMES = ("baseline", "roadmap", "double")
SWEEP = """
unit = {unit}
[run]
scale = 1000
months = 6
[levers]
scenarios = ["baseline", "roadmap"]
base = "baseline"
[[samples]]
method = "latin-hypercube"
factors = ["job_creation", "substitution"]
points = 4
"""


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    settings = {"scale": 1000, "months": 26, "replicates": 2}
    asked = [load(name).with_run(**settings) for name in NAMES]
    _, folder = compare_into(asked, out=tmp_path_factory.mktemp("reports"), figures=False)
    return open_subject(folder)


@pytest.fixture(scope="module")
def made(subject: Subject) -> dict[tuple[int, str], ReportTable]:
    return {(n, lang): table(n, subject, Words(lang)) for n in MINE for lang in LANGUAGES}


def number(value: object) -> Number:
    assert isinstance(value, Number)
    return value


@pytest.mark.parametrize("n", MINE)
def test_both_languages_have_the_same_numbers(made: dict[tuple[int, str], ReportTable], n: int) -> None:
    korean, english = (made[n, lang] for lang in LANGUAGES)
    assert not korean.missing and korean.number == english.number == n
    assert [c.unit for c in korean.columns] == [c.unit for c in english.columns]
    one, other = korean.frame(), english.frame()
    assert one.shape == other.shape
    for k in range(one.shape[1]):
        left, right = one.iloc[:, k], other.iloc[:, k]
        if pd.api.types.is_numeric_dtype(left):
            np.testing.assert_array_equal(left, right)
        else:
            assert [isinstance(x, str) for x in left] == [isinstance(x, str) for x in right]


@pytest.mark.parametrize("n", MINE)
def test_a_korean_table_is_in_korean(made: dict[tuple[int, str], ReportTable], n: int) -> None:
    """Every title and sentence has a letter of Hangul in Korean, and none in English."""
    korean = made[n, "ko"]
    for text in (
        korean.title,
        *(c.title for c in korean.columns),
        korean.definition,
        korean.n,
        *korean.notes,
    ):
        assert re.search("[가-힣]", text), text
    english = made[n, "en"]
    for text in (english.title, *(c.title for c in english.columns), english.definition, *english.notes):
        assert not re.search("[가-힣]", text), text


def test_accounts_add_up(subject: Subject, made: dict[tuple[int, str], ReportTable]) -> None:
    """Gross less deadweight less what others lose is net, in every row; groups add up to the country; net is that of
    the effects."""
    effects = subject.effects
    assert effects is not None
    found = made[9, "en"]
    first = len(found.columns) - len(ACCOUNT)
    rows = [dict(zip(ACCOUNT, (number(x).mean for x in row[first:]), strict=True)) for row in found.rows]
    told = [row for row in rows if not any(math.isnan(x) for x in row.values())]
    assert len(told) > len(rows) / 2
    for row in told:
        assert row["gross"] - row["deadweight"] == row["direct"]
        assert row["direct"] - row["substitution"] - row["displacement"] == pytest.approx(row["net"])
    last = effects.horizons[-1]
    head = effects.net()
    for k, scenario in enumerate(effects.scenarios):
        net = head[(head.scenario == scenario) & (head.horizon_months == last)]["mean"].item()
        whole = [row for text, row in zip(found.rows, rows, strict=True) if text[1] == f"after {last} months"]
        assert whole[k]["net"] == net
        for dimension in ("Life stage", "Province", "Provinces by unemployment"):
            part = [row for text, row in zip(found.rows, rows, strict=True) if text[0] == dimension]
            mine = part[k :: len(effects.scenarios)]
            assert sum(row["trained"] for row in mine) == pytest.approx(whole[k]["trained"])
            nets = [row["net"] for row in mine]
            assert math.isnan(sum(nets)) or sum(nets) == pytest.approx(net)


def test_provinces_add_up(subject: Subject, made: dict[tuple[int, str], ReportTable]) -> None:
    """The capital area and the rest are the country, province by province; the country's job costs what it costs."""
    effects = subject.effects
    assert effects is not None
    found = made[13, "en"]
    many = len(effects.scenarios)
    trained = [number(row[4]).mean for row in found.rows]
    for k, scenario in enumerate(effects.scenarios):
        mine = trained[k::many]
        provinces, (capital, rest, country) = mine[:-3], mine[-3:]
        assert len(provinces) == 17
        assert capital + rest == pytest.approx(country) == pytest.approx(sum(provinces))
        row = found.rows[len(found.rows) - many + k]
        costs = effects.cost()
        told = costs[(costs.scenario == scenario) & (costs.outcome == "won per net additional job")].iloc[0]
        if math.isnan(told["mean"]):
            assert str(told["unit"]).startswith(str(row[-1]))
        else:
            assert number(row[-1]).mean == pytest.approx(told["mean"])


def test_gaps_are_before_and_after(subject: Subject, made: dict[tuple[int, str], ReportTable]) -> None:
    found = made[14, "en"]
    gaps = [row for row in found.rows if row[0] == "Gap"]
    assert len(gaps) == 6 * len(NAMES[1:])
    for row in gaps:
        before, after, change = row[9:12]
        assert isinstance(before, float) and isinstance(after, float)
        assert after - before == pytest.approx(number(change).mean, abs=1e-6)


def test_costs_and_balance_are_those_of_the_effects(
    subject: Subject, made: dict[tuple[int, str], ReportTable]
) -> None:
    effects = subject.effects
    assert effects is not None
    own = effects.cost_effectiveness()
    own = own[(own.outcome == "won per trainee") & (own.dimension == "all")].set_index("scenario")["mean"]
    row = next(row for row in made[10, "en"].rows if row[0] == "trainee")
    assert [number(x).mean for x in row[2:]] == [own[name] for name in NAMES]
    balance = effects.fiscal()
    net = balance[balance.outcome == "public balance: net fiscal cost"]
    shown = [row for row in made[11, "en"].rows if row[1] == "Net fiscal cost"]
    for scenario, line in zip(effects.scenarios, shown, strict=True):
        mine = net[net.scenario == scenario]["mean"].tolist()
        assert [*line[3:-2], number(line[-2]).mean] == mine
    first = made[11, "en"].rows[: len(made[11, "en"].rows) // 2]
    sides = {row[1]: number(row[-2]).mean for row in first if row[0] == "Gain of each side"}
    whole = sides["Workers (participants and others)"] + sides["Public budget"] + sides["Employers"]
    assert whole == pytest.approx(sides["Society"], abs=1e3)


def test_employers_of_a_run_without_a_base(
    subject: Subject, made: dict[tuple[int, str], ReportTable]
) -> None:
    """A run has levels alone; they are those that a comparison tells of its base."""
    alone = Subject(subject.folder, "run")
    for lang in LANGUAGES:
        levels = table(12, alone, Words(lang))
        assert len(levels.columns) == 6 and len(levels.rows) == 6 + 21
        for n in MINE:
            if n not in (10, 12):
                assert table(n, alone, Words(lang)).missing
    beside = made[12, "en"].rows[:: len(NAMES) - 1]
    for row, same in zip(table(12, alone, Words("en")).rows, beside, strict=True):
        for level, before in zip(row[2:], same[3::2], strict=True):
            mean = level.mean if isinstance(level, Number) else level
            before = before.mean if isinstance(before, Number) else before
            assert mean == before or (mean != mean and before != before)


def test_cost_of_a_trainee_needs_no_base(subject: Subject, made: dict[tuple[int, str], ReportTable]) -> None:
    alone = table(10, Subject(subject.folder, "run"), Words("en"))
    beside = {row[:2]: row[2:] for row in made[10, "en"].rows}
    assert len(alone.rows) > 3
    for row in alone.rows:
        assert [str(x) for x in row[2:]] == [str(x) for x in beside[row[:2]]]


def test_scenarios_have_ranks_and_chances(subject: Subject, made: dict[tuple[int, str], ReportTable]) -> None:
    effects = subject.effects
    assert effects is not None
    found = made[16, "en"]
    assert [row[7] for row in found.rows] == ["1", "2", "3"]
    for k in range(len(CRITERIA)):
        shares = [number(row[8 + k]) for row in found.rows]
        assert sum(x.mean for x in shares) == pytest.approx(1.0)
        assert all(x.low <= x.mean <= x.high for x in shares)
    values = criteria(effects)
    months = effects.decomposition(unit="person-months")
    months = months[(months.outcome == "net") & (months.horizon_months == effects.horizons[-1])]
    means = values["jobs"].mean("replicate")
    for name, mean in months.set_index("scenario")["mean"].items():
        assert float(means.sel(scenario=name)) == mean
    productive = effects.productivity()
    productive = productive[productive.horizon_months == effects.horizons[-1]]
    told = productive[productive.outcome == "output_per_worker_fixed"].set_index("scenario")["mean"]
    assert np.sign(
        values["productivity"].mean("replicate").sel(scenario=effects.scenarios).values
    ).tolist() == [np.sign(told[name]) for name in effects.scenarios]


def test_a_sweep_tells_of_scenarios_alone(tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    from tests_of_sweeps import design_of, in_this_process

    from sim.sweep.drive import prepared

    store = in_this_process(prepared(design_of(tmp_path, SWEEP), tmp_path / "sweep"))
    swept = open_subject(store.folder)
    assert swept.kind == "sweep"
    one, other = (table(16, swept, Words(lang)) for lang in LANGUAGES)
    assert len(one.rows) == 2
    pd.testing.assert_frame_equal(
        one.frame().select_dtypes("number").T.reset_index(drop=True),
        other.frame().select_dtypes("number").T.reset_index(drop=True),
    )
    chances = [number(row[4]).mean for row in one.rows]
    assert sum(chances) == pytest.approx(1.0)
    assert all(table(n, swept, Words("ko")).missing for n in MINE if n != 16)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_reason_has_words(lang: str) -> None:
    """Where there is no number, the modules that say so say it in these words."""
    known = catalogue(lang)
    two = np.array([1.0, 2.0])
    money = np.array([5.0, 5.0])
    reasons = {
        cost.cost_per(money, jobs)[1] for jobs in (two - 1.5, -two, two[:1], np.array([math.nan, math.nan]))
    }
    reasons |= {cost.cost_per(-money, two)[1], fiscal.PAYS, "costs nothing", "saves money, workers lose"}
    reasons |= {"saves money, workers' gain " + cost.UNCLEAR, "no additional cost", "nobody more is trained"}
    assert "" not in reasons
    assert not [reason for reason in reasons if f"jobs.why.{reason}" not in known]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_scenarios_are_told_apart(subject: Subject, lang: str) -> None:
    """A title is cut at its colon unless another begins alike: a plan laid over another keeps its whole title."""
    say = Words(lang)
    shown = [scenario_label(subject, say, name) for name in NAMES]
    assert len(set(shown)) == len(NAMES) and not any(":" in text for text in shown)
    both = Subject(subject.folder, subject.kind)
    both.__dict__["scenarios"] = {
        name: load(name).with_run(scale=1000) for name in ("baseline", "baseline+trial-withhold")
    }
    shown = [scenario_label(both, say, name) for name in both.scenarios]
    assert len(set(shown)) == 2
