"""The backtest: an economy laid over another, Korea in 2022, growth without exposure, the decomposition."""

from __future__ import annotations

import importlib.util
import json
import math
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from sim import economy as economies
from sim.economy import load
from sim.errors import InputError
from sim.population import build
from sim.scenario import load as load_scenario
from sim.validation import backtest
from sim.validation.rows import GROUPS

ROOT = Path(__file__).parents[1]
KOREA = Path(economies.__file__).parent / "economies" / "korea"


def tool(name: str) -> ModuleType:
    """A script of calibration/, by name."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "calibration" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ------------------------------------------------------------------------------ an economy laid over another


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A copy of Korea, and an economy that changes one table and one header key of it."""
    base, own = tmp_path / "base", tmp_path / "own"
    shutil.copytree(KOREA, base)
    own.mkdir()
    (own / "economy.toml").write_text(
        'based_on = "../base"\nname = "own"\n[tax.income]\nvalue = 0.07\nunit = "share of the wage"\nyear = "2025"\n'
        'source = ""\nkind = "assumption"\nnote = "higher"\n',
        encoding="utf-8",
    )
    text = (base / "vacancy_major.csv").read_text(encoding="utf-8")
    (own / "vacancy_major.csv").write_text(text.replace("2025,", "2024,"), encoding="utf-8")
    (own / "sources.csv").write_text(
        "id,citation,url,licence,note\nown-survey,A survey,,,\n", encoding="utf-8"
    )
    return base, own


def test_own_tables_replace_those_of_the_base(pair: tuple[Path, Path]) -> None:
    base, own = load(pair[0]), load(pair[1])
    assert own.problems() == []
    assert set(own.tables["vacancy_major"].column("year")) == {"2024"}
    assert own.tables["population"].rows == base.tables["population"].rows
    assert own.scalar("tax.income") == 0.07
    assert own.scalar("tax.income") != base.scalar("tax.income")
    assert own.scalar("insured.regular") == base.scalar("insured.regular")
    assert own.name == "own" and own.base_year == base.base_year
    assert {"own-survey", "eaps-2025"} <= set(own.tables["sources"].column("id"))
    assert load(pair[1]) is own


def test_the_digest_covers_both(pair: tuple[Path, Path]) -> None:
    first = load(pair[1]).digest
    for folder, file in ((pair[0], "hours.csv"), (pair[1], "vacancy_major.csv")):
        path = folder / file
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        second = load(pair[1]).digest
        assert second != first
        first = second


def test_a_mistake_of_the_base_is_shown_there(pair: tuple[Path, Path]) -> None:
    path = pair[0] / "hours.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("hours a month", "minutes", 1), encoding="utf-8")
    (problem,) = load(pair[1]).problems()
    assert problem.file == str(Path("..") / "base" / "hours.csv")
    assert (pair[1] / problem.file).is_file() and problem.row > 1


@pytest.mark.parametrize(("base", "says"), [("koera", "no economy"), ("../own", "built on this one")])
def test_a_base_that_cannot_be(pair: tuple[Path, Path], base: str, says: str) -> None:
    (pair[1] / "economy.toml").write_text(f'based_on = "{base}"\n', encoding="utf-8")
    with pytest.raises(InputError, match=says) as caught:
        load(pair[1])
    assert caught.value.key == "based_on"
    assert base != "koera" or caught.value.nearest == "korea"


def test_a_start_before_the_economy_allows_it() -> None:
    assert load("korea-2022").first_start.isoformat() == "2022-07-01"
    load_scenario("validation/backtest-2022", overrides=["run.start=2022-08-01"])
    for spec, early in (("validation/backtest-2022", "2022-06-01"), ("baseline", "2022-07-01")):
        with pytest.raises(InputError, match="cannot be a start"):
            load_scenario(spec, overrides=[f"run.start={early}"])


# ------------------------------------------------------------------------------------------- Korea in 2022


def test_korea_in_2022_passes_the_checks() -> None:
    assert load("korea-2022").problems() == []


def test_the_people_of_2022_hit_the_published_figures() -> None:
    economy = load("korea-2022")
    people = economy.array("population", "sex", "age", "state").sum(axis=0)
    published = {target.id: target.value for target in economy.targets}
    for age, band in backtest.BANDS.items():
        name = f"{backtest.AGES[age]}_2022"
        assert people[band, 0].sum() == pytest.approx(published[f"employed_{name}"], abs=2000)
        assert people[band].sum() == pytest.approx(published[f"people_{name}"], abs=3000)
    assert people[:, 0].sum() == pytest.approx(28_089_000, abs=2000)
    later = economy.array("projection", "sex", "age", year=2025).sum(axis=0)
    assert later[:3].sum() == pytest.approx(published["people_15-29_2025"], abs=3000)


def test_the_start_population_is_that_of_2022() -> None:
    from sim.draws import key_of
    from sim.kernels import record_of
    from sim.parameters import PARAMETERS
    from sim.rates import rates_of

    scenario = backtest.backtest(fast=True)
    economy = load("korea-2022")
    params = record_of({name: float(getattr(scenario.world, name)) for name in PARAMETERS})
    scale = scenario.run.scale
    made = build(economy, scale, key_of(1, 0), rates_of(economy, scenario), 1, 6, params)
    assert made.living * scale == pytest.approx(45_260_000, rel=1e-3)
    assert max(made.residuals.values()) < 0.01


def test_purged_growth_does_not_move_with_exposure() -> None:
    economy = load("korea-2022")
    world = backtest._World(economy, "ilo-2025")
    growth = economy.array("growth", "code", dimension="industry")
    weight = economy.array("industry", "industry")
    away = [x - np.average(x, weights=weight) for x in (growth, world.industry_exposure)]
    sd = [math.sqrt(np.average(x**2, weights=weight)) for x in away]
    assert abs(np.average(away[0] * away[1], weights=weight) / (sd[0] * sd[1])) < 1e-3


def test_purging_keeps_the_mean() -> None:
    rate, exposure, weight = np.array([0.1, 0.0, -0.02]), np.array([0.9, 0.5, 0.2]), np.array([1.0, 2.0, 3.0])
    slope, purged = tool("korea_2022").purge(rate, exposure, weight)
    assert slope > 0
    assert np.average(purged, weights=weight) == pytest.approx(np.average(rate, weights=weight))
    assert np.cov(purged, exposure, aweights=weight)[0, 1] == pytest.approx(0.0, abs=1e-12)


def test_the_tables_are_those_the_script_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tool("korea_2022")
    folder = tmp_path / "korea-2022"
    shutil.copytree(script.FOLDER, folder)
    monkeypatch.setattr(script, "FOLDER", folder)
    script.main()
    for path in sorted(folder.iterdir()):
        kept = (script.BASE.path.parent / "korea-2022" / path.name).read_text(encoding="utf-8")
        assert path.read_text(encoding="utf-8") == kept, f"{path.name}: run calibration/korea_2022.py again"


# ------------------------------------------------------------------------------------------- the backtest


@pytest.fixture(scope="module")
def runs() -> dict[str, list[backtest.Measured]]:
    """One small replicate of every variant."""
    return backtest.replicates(backtest.backtest(fast=True).with_run(replicates=1))


def test_the_parts_of_the_decline_add_up(runs: dict[str, list[backtest.Measured]]) -> None:
    *parts, total = backtest.decomposition(backtest.backtest(fast=True), runs)
    assert total.name == "total"
    assert math.fsum(part.mean for part in parts) == pytest.approx(total.mean, abs=1e-6)
    change = np.diff(runs["full"][0].people[:, backtest.YOUTH, 0])[0]
    assert total.mean == pytest.approx(change)
    cohort = parts[0].mean
    assert -450_000 < cohort < -250_000


def test_without_adoption_ai_has_no_part() -> None:
    scenario = backtest.backtest(True, "world.adoption_frozen=true").with_run(replicates=1)
    found = backtest.replicates(scenario, variants=("full", "AI frozen"))
    (one,), (other,) = found["full"], found["AI frozen"]
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a, b)
    parts = backtest.decomposition(scenario, found | {"no growth": found["full"]})
    assert {part.name: part.mean for part in parts}["AI"] == 0.0


def test_rows_carry_the_published_figures(runs: dict[str, list[backtest.Measured]]) -> None:
    figures = backtest.figures(backtest.backtest(fast=True), runs["full"])
    rows = [backtest.row_of(figure) for figure in figures]
    published = {row.id: row.published for row in rows}
    assert len(published) == len(rows)
    assert all(row.group == "backtest" and row.group in GROUPS for row in rows)
    assert published["youth_insured_change"] == -211_000
    assert published["youth_insured_high_change"] == -208_000
    assert published["fifties_insured_change"] == 209_000
    assert published["employed_15-29_change"] == 3_578_000 - 3_996_000
    assert published["youth_rate_change_2022_2025"] == pytest.approx(-0.016, abs=0.001)
    assert all(row.value is not None and math.isfinite(row.value) for row in rows)
    assert all(row.low is not None and row.high is not None and row.low < row.high for row in rows)
    assert all("demography alone" in row.note and "last year's growth" in row.note for row in rows)
    insured = runs["full"][0].insured.sum(axis=(1, 2))
    assert ((insured > 12e6) & (insured < 18e6)).all()


def test_a_run_that_ends_too_early_is_refused() -> None:
    with pytest.raises(ValueError, match="42 months"):
        backtest.replicates(backtest.backtest(fast=True).with_run(months=36))


def test_the_page_is_written_from_what_was_measured() -> None:
    page, script = (ROOT / "docs" / "backtest.md").read_text(encoding="utf-8"), tool("backtest")
    report = json.loads(script.RESULTS.read_text(encoding="utf-8"))
    for lines in (script.setting(report), script.figures(report), script.decomposition(report)):
        assert "\n".join(lines) in page
