"""The economy's tables: looking values up, and a validator that says file, row and column.

The rules are tried on a made-up country, "islet", written from the schema: it proves that a country is data,
and no revision of the Korean figures can break these tests. Korea is held to the same validator at the end.
"""

from __future__ import annotations

import csv
import itertools
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from sim import economy as module
from sim.economy import VOCABULARY, Economy, Problem, check, load
from sim.economy_schema import SCALARS, SCHEMA, TOTALS, Rule
from sim.errors import InputError

CODES = VOCABULARY | {
    "sex": ["male", "female"],
    "age": ["15-29", "30+"],
    "education": ["middle", "high", "college"],
    "region": ["north", "south"],
    "industry": ["A", "C"],
    "occupation": ["11", "12", "21"],
    "size": ["1-4", "5+"],
    "contract": ["regular", "temporary", "daily", "own-account", "unpaid-family"],
    "state": ["employed", "unemployed", "inactive"],
    "reason": ["school", "care", "military", "resting", "other"],
    "major": ["1", "2"],
    "year": ["2025", "2026", "2027"],
}
NUMBERS: dict[str, dict[str, list[float]]] = {
    "age": {"low": [15, 30], "high": [29, 120]},
    "size": {"low": [1, 5], "high": [4, 1000]},
    "region": {"capital": [1, 0], "decline": [0, 0.2], "x": [0, 0], "y": [0, 1]},
    "occupation": {"ksco_major": [1, 1, 2]},
}
TOTAL = {"population": 1200, "region_state": 1200, "size_employees": 240, "projection": 300 * 2 * 2 * 3}
PROGRAMMES = """\
[course]
label_en = "A course"
label_ko = "과정"
kind = "course"
stages = ["entry", "transition"]
binds = "seats"
plan = true
reference = "none"
selection = "ranked"
intake_months = [3, 9]
full_time = true
months = {value = 6, unit = "months", year = 2025, source = "survey", kind = "published"}
completion = {value = 0.8, unit = "share", kind = "assumption", note = "judged", low = 0.6, high = 0.9}
plan_share = {value = 1, unit = "share", year = 2025, source = "survey", kind = "derived", note = "all of it"}
base_budget = {value = {2025 = 100}, unit = "KRW", year = 2025, source = "survey", kind = "published"}

[course.eligibility]
age_min = 18
states = ["unemployed"]
insured = true
note = "job seekers"

[course.conversion]
targets = ["21"]
weight = {value = 0.5, unit = "share", kind = "assumption", note = "judged", low = 0.2, high = 0.8}

[course.regions]
value = {north = 0.4, south = 0.6}
unit = "share"
year = 2025
source = "survey"
kind = "published"
"""


def write_csv(file: Path, rows: list[list[str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as text:
        csv.writer(text, lineterminator="\n").writerows(rows)


def cells(rule: Rule) -> list[tuple[str, ...]]:
    """The codes of a complete table of islet."""
    keys = rule.keys.split()
    if "dimension" not in keys:
        return list(itertools.product(*(rule.items if key == "item" else CODES[key] for key in keys)))
    found: list[tuple[str, ...]] = [
        (dim, code) for dim in rule.items for code in (rule.codes or {}).get(dim) or CODES[dim]
    ]
    return [(*cell, "eu") for cell in found] if "flow" in keys else found


def long_rows(name: str, rule: Rule) -> list[list[str]]:
    """A table in which people add up, shares sum to 1 and everything else is a half."""
    keys, found = rule.keys.split(), cells(rule)
    value = 0.5
    if rule.unit == "persons":
        value = TOTAL.get(name, 400) / len(found)
    elif rule.sums:
        value = 1 / len(CODES[rule.sums])
    elif rule.within:
        value = -0.01
    given = {
        "unit": rule.unit or "number",
        "year": "2025",
        "source": "survey",
        "kind": "derived",
        "note": "made up",
    }
    given = {column: text for column, text in given.items() if column not in keys}
    return [[*keys, "value", *given]] + [[*cell, repr(value), *given.values()] for cell in found]


SQUARES = {
    "mobility": ("occupation", [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.25, 0.75, 0]]),
    "skill_distance": ("occupation", [[0, 0.1, 0.2], [0.1, 0, 0.3], [0.2, 0.3, 0]]),
    "regional_mobility": ("region", [[0.9, 0.1], [0.2, 0.8]]),
}
HEADER = 'name = "islet"\ntitle_en = "Islet"\ntitle_ko = "작은 섬"\ncurrency = "KRW"\nbase_year = 2025\n'
RECORD = 'unit = "share"\nyear = 2025\nsource = "survey"\nkind = "derived"\nnote = "made up"\n'
BY_YEAR = {"benefit.floor_daily": "{2026 = 0.5, 2025 = 0.4}"}


def write_codebook(folder: Path, dim: str, file: str) -> None:
    codes = CODES[dim]
    table = {"code": codes, "label_en": codes, "label_ko": [f"{code} 한" for code in codes]}
    table |= {
        column: [f"{number:g}" for number in numbers] for column, numbers in NUMBERS.get(dim, {}).items()
    }
    write_csv(folder / f"{file}.csv", [list(table), *map(list, zip(*table.values(), strict=True))])


def write_islet(folder: Path) -> None:
    for dim, file in module.CODEBOOKS.items():
        write_codebook(folder, dim, file)
    for name, rule in SCHEMA.items():
        write_csv(folder / f"{name}.csv", long_rows(name, rule))
    for name, (dim, matrix) in SQUARES.items():
        body = [[code, *map(str, row)] for code, row in zip(CODES[dim], matrix, strict=True)]
        write_csv(folder / f"{name}.csv", [[dim, *CODES[dim]], *body])
    scalars = [f"[{name}]\nvalue = {BY_YEAR.get(name, '0.5')}\n{RECORD}" for name in SCALARS]
    (folder / "economy.toml").write_text("\n".join([HEADER, *scalars]), encoding="utf-8")
    (folder / "wide_tables.toml").write_text("\n".join(f"[{name}]\n{RECORD}" for name in SQUARES))
    (folder / "programmes.toml").write_text(PROGRAMMES, encoding="utf-8")
    columns = ["id", "label", "value", "unit", "year", "source", "kind", "note"]
    stock = ["unemployed", "Unemployed persons", "400", "persons", "2025", "survey", "published", ""]
    change = ["pay", "Pay after displacement", "-0.04", "share", "2013-2014", "", "assumption", "judged"]
    write_csv(folder / "targets.csv", [columns, stock, change])
    source = ["survey", "A survey, 2025", "", "", ""]
    write_csv(folder / "sources.csv", [["id", "citation", "url", "licence", "note"], source])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Islet without a mistake; not to be written to."""
    folder = tmp_path_factory.mktemp("economies") / "islet"
    folder.mkdir()
    write_islet(folder)
    return folder


@pytest.fixture
def islet(whole: Path, tmp_path: Path) -> Path:
    """A copy of islet to break."""
    return Path(shutil.copytree(whole, tmp_path / "islet"))


def set_cell(file: Path, row: int, column: str, text: str) -> None:
    """Write one cell; `row` is the line of the file."""
    with file.open(encoding="utf-8", newline="") as old:
        rows = list(csv.reader(old))
    rows[row - 1][rows[0].index(column)] = text
    write_csv(file, rows)


def replace(file: Path, old: str, new: str) -> int:
    """Replace a text that occurs once or first; return the line it stands on."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def places(folder: Path) -> list[tuple[str, int, str, str]]:
    return [problem[:4] for problem in check(folder)]


# -- looking up ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def country(whole: Path) -> Economy:
    return load(whole)


def test_a_folder_given_by_path_loads(country: Economy, whole: Path) -> None:
    assert (country.name, country.title_en, country.title_ko) == ("islet", "Islet", "작은 섬")
    assert (country.base_year, country.currency, country.path) == (2025, "KRW", whole)
    assert country.codes["region"] == ["north", "south"]
    assert country.codes["major"] == ["1", "2"]
    assert country.codes["year"] == ["2025", "2026", "2027"]
    assert country.labels("sex", "ko") == ["male 한", "female 한"]
    assert country.labels("series") == ["low", "central", "high"]
    np.testing.assert_array_equal(country.ages, ([15, 30], [29, 120]))
    np.testing.assert_array_equal(country.size_bounds, ([1, 5], [4, 1000]))
    np.testing.assert_array_equal(country.attribute("region", "decline"), [0, 0.2])


def test_array_follows_the_codebook_and_not_the_file(islet: Path) -> None:
    file = islet / "population.csv"
    with file.open(encoding="utf-8", newline="") as text:
        header, *rows = csv.reader(text)
    for number, row in enumerate(rows):
        row[3] = str(number)
    write_csv(file, [header, *reversed(rows)])
    expected = np.arange(12.0).reshape(2, 2, 3)
    economy = load(islet)
    np.testing.assert_array_equal(economy.array("population", "sex", "age", "state"), expected)
    np.testing.assert_array_equal(economy.array("population", "state", "sex", age="30+"), expected[:, 1].T)
    assert economy.array("population", sex="female", age="30+", state="inactive") == 11
    assert economy.array("population", "sex", "age", "state").dtype == np.float64


def test_years_ascend_and_may_be_held_as_numbers(islet: Path) -> None:
    file = islet / "adoption.csv"
    with file.open(encoding="utf-8", newline="") as text:
        header, *rows = csv.reader(text)
    for row in rows:
        row[3] = str((int(row[2]) - 2024) / 10)
    write_csv(file, [header, *reversed(rows)])
    economy = load(islet)
    np.testing.assert_array_equal(
        economy.array("adoption", "year", series="low", size="1-4"), [0.1, 0.2, 0.3]
    )
    np.testing.assert_array_equal(economy.array("adoption", "size", series="low", year=2026), [0.2, 0.2])


def test_a_factor_has_the_codes_of_the_dimension_held(country: Economy) -> None:
    assert country.array("wage_factor", "code", dimension="contract").shape == (3,)
    assert country.array("wage_factor", "code", dimension="occupation").shape == (3,)
    assert country.array("flow_factor", "code", dimension="tenure", flow="eu").shape == (4,)
    assert country.array("establishments", "size", item="demand_sd").shape == (2,)


def test_single_values(country: Economy) -> None:
    assert country.value("flows", "eu") == 0.5
    assert country.scalar("benefit.replacement") == 0.5
    assert country.record("benefit.replacement")["source"] == "survey"
    assert list(country.by_year("benefit.floor_daily").items()) == [(2025, 0.4), (2026, 0.5)]
    assert [target.id for target in country.targets] == ["unemployed", "pay"]
    assert country.targets[1].value == -0.04


def test_wide_tables_are_put_in_codebook_order(islet: Path) -> None:
    rows = [["occupation", "21", "11", "12"], ["12", "0.5", "0.5", "0"], ["21", "0", "0.25", "0.75"]]
    write_csv(islet / "mobility.csv", [*rows, ["11", "0.4", "0", "0.6"]])
    expected = [[0, 0.6, 0.4], [0.5, 0, 0.5], [0.25, 0.75, 0]]
    np.testing.assert_array_equal(load(islet).wide("mobility"), expected)


def test_programmes_are_a_copy_for_every_caller(country: Economy) -> None:
    country.programmes["course"].clear()
    assert country.programmes["course"]["months"]["value"] == 6


def lookups(economy: Economy) -> Iterator[tuple[str, Callable[[], object]]]:
    yield "no table 'popluation'; the nearest is 'population'", lambda: economy.array("popluation", "sex")
    yield "has the keys sex, age, state, not sex, age", lambda: economy.array("population", "sex", "age")
    yield (
        "1 of 1 cells are missing, the first sex=male, age=30+, state=resting",
        lambda: economy.array("population", sex="male", age="30+", state="resting"),
    )
    yield "use array", lambda: economy.value("population", "male")
    yield "no item 'job-to-job'; the nearest is 'job_to_job'", lambda: economy.value("flows", "job-to-job")
    yield "the nearest is 'benefit.floor_daily'", lambda: economy.scalar("benefit.floor_dayly")
    yield "not a single number", lambda: economy.scalar("benefit.floor_daily")
    yield "not a table of numbers by year", lambda: economy.by_year("benefit.replacement")
    yield "not a square matrix", lambda: economy.wide("population")
    yield "no column 'label_fr'", lambda: economy.labels("sex", "fr")
    yield "no dimension 'sects'", lambda: economy.labels("sects")
    yield "no codebook 'flow'", lambda: economy.attribute("flow", "low")


def test_a_value_that_is_not_there_is_a_key_error_that_says_so(country: Economy) -> None:
    for message, lookup in lookups(country):
        with pytest.raises(KeyError) as error:
            lookup()
        assert message in str(error.value)


def test_a_cell_that_is_not_a_number_is_never_returned(islet: Path) -> None:
    set_cell(islet / "industry.csv", 3, "value", "many")
    with pytest.raises(InputError, match=r"industry\.csv:3: value: 'many' is not a number"):
        load(islet).array("industry", "industry")


def test_a_cell_given_twice_is_never_returned(islet: Path) -> None:
    set_cell(islet / "industry.csv", 3, "industry", "A")
    with pytest.raises(InputError, match=r"industry\.csv:3: the cell A is given twice"):
        load(islet).array("industry", "industry")


def test_a_name_that_is_not_an_economy(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        load("koera")
    assert error.value.nearest == "korea"
    with pytest.raises(InputError, match="not an economy"):
        load(tmp_path)
    (tmp_path / "economy.toml").write_text("name = \n")
    with pytest.raises(InputError, match=r"cannot be read.*line 1"):
        load(tmp_path)


def test_loading_is_cached_until_a_file_changes(islet: Path) -> None:
    first = load(islet)
    assert load(str(islet)) is first
    set_cell(islet / "industry.csv", 2, "note", "another note")
    assert load(islet) is not first
    assert load(islet).digest != first.digest


def test_the_digest_is_of_the_files_and_not_of_the_place(whole: Path, islet: Path) -> None:
    assert load(islet).digest == load(whole).digest
    assert len(load(whole).digest) == 64
    (islet / "sexes.csv").rename(islet / "sexes.txt")
    assert load(islet).digest != load(whole).digest


# -- the validator -------------------------------------------------------------------------------------------


def test_a_whole_economy_has_no_problems(country: Economy, whole: Path) -> None:
    assert check(whole) == []
    assert country.problems() == []


def test_a_problem_reads_like_a_compiler_message() -> None:
    problem = Problem("size.csv", 3, "value", "range", "-1 is out of range: 0 or more")
    assert str(problem) == "size.csv:3: value: -1 is out of range: 0 or more"
    assert str(Problem("size.csv", 0, "", "file", "the file is missing")) == "size.csv:0: the file is missing"


@pytest.mark.parametrize(
    ("file", "row", "column", "text", "rule"),
    [
        ("population.csv", 2, "sex", "mael", "code"),
        ("wage_factor.csv", 2, "dimension", "occupatoin", "code"),
        ("wage_factor.csv", 2, "code", "99", "code"),
        ("occupation_age.csv", 2, "age5", "15-92", "code"),
        ("flows_age.csv", 4, "flow", "eu-", "code"),
        ("population.csv", 3, "state", "employed", "duplicate"),
        ("sexes.csv", 3, "code", "male", "duplicate"),
        ("sources.csv", 2, "citation", "", "source"),
        ("targets.csv", 3, "id", "unemployed", "duplicate"),
        ("targets.csv", 2, "value", "about 400", "number"),
        ("population.csv", 3, "value", "many", "number"),
        ("population.csv", 3, "value", "", "number"),
        ("population.csv", 3, "value", "nan", "number"),
        ("ages.csv", 2, "low", "young", "number"),
        ("regions.csv", 3, "decline", "20", "range"),
        ("population.csv", 4, "value", "-1", "range"),
        ("adoption.csv", 5, "value", "1.2", "range"),
        ("hours.csv", 2, "value", "800", "range"),
        ("complementarity.csv", 2, "value", "-0.1", "range"),
        ("growth.csv", 2, "value", "0.9", "range"),
        ("skill_distance.csv", 2, "12", "1.5", "range"),
        ("mobility.csv", 2, "12", "half", "number"),
        ("mobility.csv", 3, "occupation", "13", "code"),
        ("population.csv", 2, "unit", "heads", "unit"),
        ("flows.csv", 2, "unit", "", "unit"),
        ("population.csv", 2, "year", "soon", "year"),
        ("population.csv", 2, "year", "", "year"),
        ("population.csv", 2, "year", "2025-13", "year"),
        ("projection.csv", 3, "year", "2026H1", "year"),
        ("population.csv", 2, "kind", "guess", "kind"),
        ("population.csv", 2, "source", "", "source"),
        ("population.csv", 2, "source", "survey;sruvey", "source"),
        ("population.csv", 2, "note", "", "note"),
        ("targets.csv", 2, "kind", "", "kind"),
    ],
)
def test_a_broken_cell_is_named(islet: Path, file: str, row: int, column: str, text: str, rule: str) -> None:
    set_cell(islet / file, row, column, text)
    assert (file, row, column, rule) in places(islet)


def test_exposures_are_held_to_the_range_of_their_measure(islet: Path) -> None:
    set_cell(islet / "exposure.csv", 2, "unit", "score, 0 to 1")
    set_cell(islet / "exposure.csv", 2, "value", "-1.5")
    set_cell(islet / "exposure.csv", 3, "unit", "standardised score")
    set_cell(islet / "exposure.csv", 3, "value", "-1.5")
    assert places(islet) == [("exposure.csv", 2, "value", "range")]


def test_years_and_periods_that_are_fine(islet: Path) -> None:
    for row, year in enumerate(("2025H1", "2025Q3", "2025-07", "2000-2018", "2024-12-2025-11"), 2):
        set_cell(islet / "population.csv", row, "year", year)
    assert check(islet) == []


def test_the_nearest_code_is_named(islet: Path) -> None:
    set_cell(islet / "population.csv", 2, "sex", "mael")
    assert "population.csv:2: sex: unknown sex 'mael'; the nearest is 'male'" in map(str, check(islet))


def test_the_row_is_the_line_of_the_file(islet: Path) -> None:
    set_cell(islet / "industry.csv", 2, "note", "a note\nover three\nlines")
    set_cell(islet / "industry.csv", 3, "value", "many")
    assert ("industry.csv", 5, "value", "number") in places(islet)


@pytest.mark.parametrize("name", [*SCHEMA, *module.CODEBOOKS.values(), "sources", "targets", "mobility"])
def test_a_missing_table_is_named(islet: Path, name: str) -> None:
    (islet / f"{name}.csv").unlink()
    assert (f"{name}.csv", 0, "", "file") in places(islet)


@pytest.mark.parametrize("name", ["economy.toml", "programmes.toml", "wide_tables.toml"])
def test_a_missing_document_is_named(islet: Path, name: str) -> None:
    (islet / name).unlink()
    assert (name, 0, "", "file") in places(islet)


def test_an_unknown_file_is_named(islet: Path) -> None:
    (islet / "occupatoin.csv").write_text("code\n")
    assert str(check(islet)[0]) == (
        "occupatoin.csv:0: this file is not known; the nearest is 'occupation.csv'"
    )


def test_a_file_that_cannot_be_read_is_named(islet: Path) -> None:
    (islet / "size.csv").write_bytes("size,크기\n".encode("euc-kr"))
    assert ("size.csv", 0, "", "file") in places(islet)
    line = replace(islet / "programmes.toml", "plan = true", "plan = yes")
    assert ("programmes.toml", line, "", "file") in places(islet)


def test_a_missing_and_an_unknown_column_are_named(islet: Path) -> None:
    replace(islet / "size.csv", "unit", "units")
    assert places(islet)[:2] == [("size.csv", 1, "unit", "column"), ("size.csv", 1, "units", "column")]


def test_a_short_row_is_named(islet: Path) -> None:
    line = replace(islet / "size.csv", ",made up", "")
    assert ("size.csv", line, "size", "column") in places(islet)


def test_a_missing_cell_is_named(islet: Path) -> None:
    text = (islet / "population.csv").read_text().splitlines(keepends=True)
    (islet / "population.csv").write_text("".join(text[:4] + text[5:]))
    assert "population.csv:1: state: no row for sex=male, age=30+, state=employed" in map(str, check(islet))


def test_many_missing_cells_are_counted(islet: Path) -> None:
    text = (islet / "population.csv").read_text().splitlines(keepends=True)
    (islet / "population.csv").write_text(text[0])
    found = [problem for problem in check(islet) if problem.rule == "missing"]
    assert len(found) == 6
    assert found[-1].message == "and 7 more rows are missing"


@pytest.mark.parametrize(
    ("file", "gone", "what"),
    [
        ("projection.csv", "male,15-29,2026", "sex=male, age=15-29, year=2026"),
        ("flows.csv", "eu", "item=eu"),
        ("establishments.csv", "5+,demand_sd", "size=5+, item=demand_sd"),
        ("wage_factor.csv", "contract,daily", "dimension=contract, code=daily"),
        ("flow_factor.csv", "tenure,36,eu", "dimension=tenure, code=36, flow=eu"),
    ],
)
def test_a_table_by_item_year_or_dimension_is_complete_too(
    islet: Path, file: str, gone: str, what: str
) -> None:
    lines = (islet / file).read_text().splitlines(keepends=True)
    (islet / file).write_text("".join(line for line in lines if not line.startswith(f"{gone},")))
    assert f"no row for {what}" in [problem.message for problem in check(islet)]


def test_a_missing_dimension_of_factors_is_named(islet: Path) -> None:
    lines = (islet / "flow_factor.csv").read_text().splitlines(keepends=True)
    (islet / "flow_factor.csv").write_text("".join(line for line in lines if not line.startswith("tenure")))
    assert ("flow_factor.csv", 1, "flow", "missing") in places(islet)


@pytest.mark.parametrize("name", [name for name, rule in SCHEMA.items() if rule.sums])
def test_shares_that_do_not_sum_to_one_are_named(islet: Path, name: str) -> None:
    set_cell(islet / f"{name}.csv", 2, "value", "0.123")
    assert (f"{name}.csv", 2, "value", "sum") in places(islet)


@pytest.mark.parametrize("name", sorted({name for group in TOTALS for name, _ in group[1:]}))
def test_a_total_that_disagrees_is_named(islet: Path, name: str) -> None:
    set_cell(islet / f"{name}.csv", 2, "value", "1")
    assert (f"{name}.csv", 1, "value", "total") in places(islet)


def test_totals_may_differ_by_a_thousandth(islet: Path) -> None:
    set_cell(islet / "industry.csv", 2, "value", "200.39")
    assert check(islet) == []
    set_cell(islet / "industry.csv", 2, "value", "200.41")
    assert places(islet) == [("industry.csv", 1, "value", "total")]


def test_a_projection_that_starts_elsewhere_is_named(islet: Path) -> None:
    set_cell(islet / "projection.csv", 2, "value", "330")
    assert places(islet) == [("projection.csv", 2, "value", "total")]


@pytest.mark.parametrize(
    ("file", "row", "column", "text", "place"),
    [
        ("mobility.csv", 2, "12", "0.6", (2, "occupation", "row-sum")),
        ("mobility.csv", 3, "12", "0.1", (3, "12", "diagonal")),
        ("skill_distance.csv", 2, "21", "0.9", (2, "21", "symmetry")),
        ("skill_distance.csv", 4, "21", "0.1", (4, "21", "diagonal")),
        ("regional_mobility.csv", 3, "north", "0.3", (3, "region", "row-sum")),
        ("regional_mobility.csv", 3, "region", "north", (3, "region", "duplicate")),
        ("regional_mobility.csv", 3, "region", "north", (1, "region", "missing")),
        ("regional_mobility.csv", 1, "south", "souht", (1, "souht", "column")),
        ("regional_mobility.csv", 1, "region", "place", (1, "place", "column")),
    ],
)
def test_a_broken_square_table_is_named(
    islet: Path, file: str, row: int, column: str, text: str, place: tuple[int, str, str]
) -> None:
    set_cell(islet / file, row, column, text)
    assert (file, *place) in places(islet)


def test_a_codebook_may_say_where_its_numbers_come_from(islet: Path) -> None:
    text = (islet / "regions.csv").read_text(encoding="utf-8").splitlines()
    rows = [f"{text[0]},kind,note", f"{text[1]},assumption,judged", f"{text[2]},assumption,"]
    (islet / "regions.csv").write_text("\n".join(rows), encoding="utf-8")
    assert places(islet) == [("regions.csv", 3, "note", "note")]


def test_a_square_table_without_a_record_is_named(islet: Path) -> None:
    replace(islet / "wide_tables.toml", "[mobility]", "[mobilty]")
    assert ("wide_tables.toml", 0, "mobility", "source") in places(islet)


@pytest.mark.parametrize(
    ("old", "new", "column", "rule"),
    [
        ("base_year = 2025", 'base_year = "2025"', "base_year", "scalar"),
        ("value = 0.5", 'value = "half"', "benefit.replacement", "number"),
        ("value = 0.5", "value = 1.5", "benefit.replacement", "range"),
        ("{2026 = 0.5,", "{2026 = 5,", "benefit.floor_daily", "range"),
        ("value = 0.5", "valeu = 0.5", "benefit.replacement", "record"),
        ('unit = "share"', 'unit = ""', "benefit.replacement", "unit"),
        ('source = "survey"', 'source = "sruvey"', "benefit.replacement", "source"),
        ('source = "survey"', 'source = ""', "benefit.replacement", "source"),
        ('kind = "derived"', 'kind = "guess"', "benefit.replacement", "kind"),
        ("\nyear = 2025", '\nyear = "soon"', "benefit.replacement", "year"),
        ('note = "made up"', 'nota = "made up"', "benefit.replacement", "record"),
    ],
)
def test_a_broken_single_value_is_named(islet: Path, old: str, new: str, column: str, rule: str) -> None:
    file = islet / "economy.toml"
    header = file.read_text(encoding="utf-8").splitlines()
    replace(file, old, new)
    row = header.index(old) + 1 if column == "base_year" else header.index(f"[{column}]") + 1
    assert ("economy.toml", row, column, rule) in places(islet)


def test_a_missing_single_value_is_named(islet: Path) -> None:
    replace(islet / "economy.toml", "[benefit.replacement]", "[benefit.replacment]")
    messages = [str(problem) for problem in check(islet)]
    assert messages == [
        "economy.toml:0: benefit.replacement: the value is missing; the nearest is 'benefit.replacment'"
    ]


def test_a_value_without_a_group_is_named(islet: Path) -> None:
    line = replace(islet / "economy.toml", "base_year", "levy = 0.1\nbase_year")
    assert ("economy.toml", line, "levy", "scalar") in places(islet)


@pytest.mark.parametrize(
    ("old", "new", "column", "rule"),
    [
        ('kind = "course"', 'kind = "coruse"', "course.kind", "code"),
        ('"transition"]', '"exit"]', "course.stages", "code"),
        ('binds = "seats"', 'binds = "chairs"', "course.binds", "code"),
        ('selection = "ranked"', 'selection = "rank"', "course.selection", "code"),
        ("[3, 9]", "[3, 13]", "course.intake_months", "code"),
        ("plan = true", 'plan = "yes"', "course.plan", "record"),
        ("full_time = true", "full_time = 1", "course.full_time", "record"),
        ("months = {value = 6,", "monhts = {value = 6,", "course.monhts", "record"),
        ("months = {value = 6,", "months = {value = 0.5,", "course.months", "range"),
        ("completion = {value = 0.8,", "completion = {value = 8,", "course.completion", "range"),
        ("completion = {value = 0.8,", "completion = {value = 0.95,", "course.completion", "range"),
        ("low = 0.6, high = 0.9", "low = 0.6", "course.completion", "record"),
        ("months = {value = 6, ", "months = {", "course.months", "record"),
        (
            "base_budget = {value = {2025 = 100}",
            "base_budget = {value = {2025 = -1}",
            "course.base_budget",
            "range",
        ),
        ('months", year = 2025, source = "survey"', 'months", year = 2025', "course.months", "source"),
        ('months", year = 2025, source = "survey"', 'months", source = "poll"', "course.months", "source"),
        ("age_min = 18", "age_min = 8", "course.eligibility.age_min", "range"),
        ('states = ["unemployed"]', 'states = ["unemplyed"]', "course.eligibility.states", "code"),
        ("insured = true", "insured = 1", "course.eligibility.insured", "record"),
        ("age_min = 18", "age_mni = 18", "course.eligibility.age_mni", "record"),
        ('targets = ["21"]', 'targets = ["22"]', "course.conversion.targets", "code"),
        ("weight = {value = 0.5", "weight = {value = 5", "course.conversion.weight", "range"),
        ("north = 0.4", "norht = 0.4", "course.regions", "code"),
        ("north = 0.4", "north = 0.5", "course.regions", "sum"),
    ],
)
def test_a_broken_programme_is_named(islet: Path, old: str, new: str, column: str, rule: str) -> None:
    line = replace(islet / "programmes.toml", old, new)
    assert ("programmes.toml", line, column, rule) in places(islet)


def test_a_programme_without_a_label_is_named(islet: Path) -> None:
    replace(islet / "programmes.toml", 'label_en = "A course"\n', "")
    assert places(islet) == [("programmes.toml", 1, "course.label_en", "record")]


def test_a_plan_that_is_not_fully_shared_out_is_named(islet: Path) -> None:
    replace(islet / "programmes.toml", "plan_share = {value = 1,", "plan_share = {value = 0.9,")
    assert places(islet) == [("programmes.toml", 1, "plan_share", "sum")]


# -- Korea ---------------------------------------------------------------------------------------------------


def test_korea_has_no_problems() -> None:
    assert [str(problem) for problem in check("korea")] == []


def test_korea_is_the_country_of_the_published_totals() -> None:
    korea = load("korea")
    people = korea.array("population", "sex", "age", "state")
    assert people.sum() == pytest.approx(45.76e6, rel=0.002)
    assert people[..., 0].sum() == pytest.approx(28.77e6, rel=0.001)
    assert people[..., 1].sum() == pytest.approx(0.83e6, rel=0.01)
    assert [len(korea.codes[dim]) for dim in ("region", "industry", "occupation", "age")] == [17, 21, 40, 12]
    assert korea.wide("mobility").shape == korea.wide("skill_distance").shape == (40, 40)
    assert korea.wide("regional_mobility").shape == (17, 17)
    assert korea.array("exposure", "measure", "occupation").shape == (7, 40)
    assert korea.by_year("minimum_wage.hourly")[2025] == 10_030
    assert "kdt" in korea.programmes


def test_korea_loads_fast() -> None:
    seconds = []
    for _ in range(3):
        module._read_files.cache_clear()
        start = time.perf_counter()
        load("korea")
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.15
