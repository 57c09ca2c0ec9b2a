"""A country is data: another number of provinces needs no code."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sim import economy as economies
from sim.identities import broken
from sim.replicate import simulate
from sim.scenario import load

GONE, INTO = "sejong", "daejeon"  # two neighbours that become one province
Rows = list[dict[str, str]]


def rewrite(path: Path, change: Callable[[Rows], Rows]) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = change(list(csv.DictReader(file)))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def merged(key: str) -> Callable[[Rows], Rows]:
    """The rows of one province added to those of the other, told apart by `key`."""

    def change(rows: Rows) -> Rows:
        gone = {row[key]: float(row["value"]) for row in rows if row["region"] == GONE}
        kept = [row for row in rows if row["region"] != GONE]
        for row in kept:
            if row["region"] == INTO:
                row["value"] = f"{float(row['value']) + gone[row[key]]:.0f}"
        return kept

    return change


def without_column(rows: Rows) -> Rows:
    kept = [row for row in rows if row["region"] != GONE]
    for row in kept:
        others = [name for name in row if name != "region"]
        row[INTO] = f"{1.0 - sum(float(row[n]) for n in others if n not in (INTO, GONE)):.6f}"
        del row[GONE]
    return kept


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("economies") / "sixteen"
    shutil.copytree(Path(economies.__file__).parent / "economies" / "korea", folder)
    rewrite(folder / "regions.csv", lambda rows: [row for row in rows if row["code"] != GONE])
    rewrite(folder / "region_state.csv", merged("state"))
    rewrite(folder / "region_sector.csv", merged("sector"))
    rewrite(folder / "regional_mobility.csv", without_column)
    rewrite(folder / "growth.csv", lambda rows: [row for row in rows if row["code"] != GONE])
    records = folder / "programmes.toml"
    text = records.read_text(encoding="utf-8")
    for share in map(float, re.findall(rf", {GONE} = ([\d.]+)", text)):
        text = re.sub(rf", {GONE} = [\d.]+", "", text, count=1)
        text = re.sub(
            rf"{INTO} = ([\d.]+)", lambda m, s=share: f"{INTO} = {float(m[1]) + s:.4f}", text, count=1
        )
    records.write_text(text, encoding="utf-8")
    return folder


def test_sixteen_provinces_pass_the_checks(country: Path) -> None:
    assert economies.load(str(country)).problems() == []


def test_sixteen_provinces_run_and_add_up(country: Path) -> None:
    scenario = load("roadmap", overrides=[f"run.economy='{country}'"]).with_run(
        scale=1000, months=6, replicates=1
    )
    run = simulate(scenario)
    assert broken(run) == []
    layout = run.record.layout
    places = layout.block(run.record.sums, "places")
    assert places.shape[1] == 16
    assert (places.sum(axis=(2, 3)) > 0).all()
    assert run.enrolments.size > 0
