"""The report: twenty tables and a first page in both languages, with the same numbers, on a page without a fetch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sim.evaluation.compare import compare_into
from sim.parameters import PARAMETERS
from sim.report.first_page import first_page, text_of
from sim.report.registry import HOMES, tables
from sim.report.subject import Subject, open_subject
from sim.report.table import Number, ReportTable, written
from sim.report.tables_evidence import grade
from sim.report.words import LANGUAGES, Words, catalogue, places_of
from sim.runner import run
from sim.scenario import load
from sim.summary import pick

SETTINGS = {"scale": 1000, "months": 26, "replicates": 2}


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    asked = [load(name).with_run(**SETTINGS) for name in ("baseline", "roadmap")]
    return open_subject(compare_into(asked, out=tmp_path_factory.mktemp("reports"), figures=False)[1])


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    out = tmp_path_factory.mktemp("run")
    return open_subject(run(load("roadmap").with_run(**SETTINGS), out=out, figures=False)[1])


@pytest.fixture(scope="module")
def made(comparison: Subject) -> dict[str, list[ReportTable]]:
    return {lang: tables(comparison, Words(lang)) for lang in LANGUAGES}


def numbers(table: ReportTable) -> list[np.ndarray]:
    frame = table.frame()
    return [frame[name].to_numpy(float) for name in frame if pd.api.types.is_numeric_dtype(frame[name])]


def test_catalogues_have_the_same_keys_and_places() -> None:
    ko, en = catalogue("ko"), catalogue("en")
    assert ko.keys() == en.keys()
    assert [key for key in ko if places_of(ko[key]) != places_of(en[key])] == []
    assert [key for key, text in ko.items() if not text.strip() and en[key].strip()] == []


def test_all_twenty_tables_have_the_same_numbers_in_both_languages(
    made: dict[str, list[ReportTable]],
) -> None:
    for ko, en in zip(made["ko"], made["en"], strict=True):
        assert (ko.number, ko.key, bool(ko.missing)) == (en.number, en.key, bool(en.missing))
        left, right = numbers(ko), numbers(en)
        assert len(left) == len(right) and len(ko.rows) == len(en.rows), ko.number
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(left, right, strict=True)), ko.number
    assert [one.number for one in made["ko"]] == sorted(HOMES) == list(range(1, 21))


def test_a_table_is_filled_or_says_why(made: dict[str, list[ReportTable]], alone: Subject) -> None:
    for table in (*made["en"], *tables(alone, Words("en"))):
        assert table.rows or len(table.missing) > 30, table.number
        if table.rows:
            assert table.definition and table.title, table.number
    assert [one.number for one in made["en"] if one.missing] == [15]
    missing = [one.number for one in tables(alone, Words("en")) if one.missing]
    assert set(missing) == {3, 6, 7, 8, 9, 11, 13, 14, 15, 16}


def test_failures_stand_first_in_the_validation(made: dict[str, list[ReportTable]]) -> None:
    verdicts = [row[0] for row in made["en"][17].rows]
    order = {"FAILS": 0, "not tested": 1, "passes": 2}
    assert verdicts == sorted(verdicts, key=order.__getitem__) and verdicts[0] == "FAILS"


def test_tables_say_what_the_results_say(comparison: Subject, made: dict[str, list[ReportTable]]) -> None:
    effects = comparison.effects
    assert effects is not None
    books = effects.results.programmes.sums
    spent = float((books.course + books.fixed).sel(scenario="roadmap").sum(("year", "programme")).mean())
    total = next(row for row in made["en"][1].rows if row[0] == "all programmes" and "plan" in str(row[1]))
    assert isinstance(total[3], Number) and total[3].mean == pytest.approx(spent)
    direct = effects.treated(months=(12,))
    mine = direct[(direct.scenario == "roadmap") & (direct.outcome == "direct effect on the treated")].iloc[0]
    assert made["en"][5].rows[0][4] == Number.of(mine)
    enrolled = float(books.enrolled.sel(scenario="roadmap").sum(("month", "programme")).mean())
    started = sum(
        row[3].mean for row in made["en"][3].rows if "plan" in str(row[1]) and isinstance(row[3], Number)
    )
    assert started == pytest.approx(enrolled)


def test_the_first_page_follows_from_the_numbers(comparison: Subject, alone: Subject) -> None:
    effects = comparison.effects
    assert effects is not None
    for lang, zero in (("en", "not distinguishable from zero"), ("ko", "0과 구별되지 않음")):
        told = first_page(comparison, Words(lang))
        assert len(told.answer) == 3 and told.question and told.certainty and told.changes and told.unknown
        net = effects.net("employed")
        row = net[(net.scenario == "roadmap") & (net.horizon_months == effects.horizons[-1])].iloc[0]
        assert (zero in told.answer[2]) == (row["low"] <= 0 <= row["high"])
        assert text_of(Number.of(row), "change of persons", Words(lang)) in told.answer[2]
        trained = pick(effects.results.summary(), scenario="roadmap", outcome="plan_trained")
        assert f"{trained['mean']:,.0f}" in told.answer[0]
        assert len(first_page(alone, Words(lang)).answer) == 3


def test_grades_follow_the_stated_rules() -> None:
    grades = {name: grade(one) for name, one in PARAMETERS.items()}
    assert set(grades.values()) <= {"A", "B", "C", "D"}
    assert all(
        grades[name] in ("C", "D") for name, one in PARAMETERS.items() if one.source.startswith("assumption")
    )
    assert grades["expert_floor"] == "B" and grades["premium_base"] == "B"


def test_numbers_have_as_many_digits_as_are_known() -> None:
    say = Words("en")
    for number, unit, text in (
        (Number(0.0, -13_443.0, 13_443.0), "change of persons", "0 [−13,400, +13,400]"),
        (Number(1_186_500.0, 1_174_869.0, 1_198_131.0), "persons", "1,186,500 [1,174,900, 1,198,100]"),
        (Number(250.0, -100.0, 600.0), "persons", "250 [0, 600]"),
        (Number(0.1234, 0.1, 0.1468), "share", "12.3 [10.0, 14.7]"),
        (Number(-0.04, -0.04, -0.04), "points", "0.0"),
        (Number(7.0), "count", "7"),
        (Number(np.nan, np.nan, np.nan), "share", say("table.too few")),
    ):
        assert written(number, unit, say) == text
