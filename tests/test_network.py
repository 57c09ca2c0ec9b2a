"""The occupational-mobility limit: rest point, mean field, sampling error, loop, shocks, files, bytes."""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner, Result

import sim
from sim.cli import app
from sim.economy import ECONOMIES, check
from sim.economy import load as load_economy
from sim.errors import InputError
from sim.meanfield import rest_point, solve
from sim.network import MobilityMarket
from sim.network_results import NetworkResults, simulate_networks
from sim.network_tables import Rates, network_of, target_demand
from sim.scenario import NetworkSettings, Scenario, load

SHIPPED = ECONOMIES / "mobility-example"
LIMIT = "validation/occupational-mobility"
US = Rates(0.016, 0.012, 0.16, 0.16, 0.5503)

Make = Callable[..., Path]


def write(path: Path, rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def read(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text(encoding="utf-8").splitlines()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped network, to be spoilt."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "net"))


@pytest.fixture
def complete(tmp_path: Path) -> Make:
    """Makes a complete symmetric network: every move as likely as any other."""

    def make(nodes: int = 4, people: int = 100_000, exposure: Sequence[float] | None = None) -> Path:
        path = Path(shutil.copytree(SHIPPED, tmp_path / f"complete-{nodes}-{people}-{exposure is None}"))
        x = exposure or [0.5] * nodes
        rows = [[f"n{i}", f"node {i}", people, x[i]] for i in range(nodes)]
        write(path / "nodes.csv", [["id", "label", "employment", "exposure"], *rows])
        moves = [[f"n{i}", f"n{j}", 1] for i in range(nodes) for j in range(nodes) if i != j]
        write(path / "moves.csv", [["source", "target", "weight"], *moves])
        return path

    return make


def asked(economy: str | Path = "mobility-example", **sets: object) -> Scenario:
    """The limit on an economy, with keys of `[run]` and, led by `network_`, of `[network]`."""
    keys = [
        f"{'network' if name.startswith('network_') else 'run'}.{name.removeprefix('network_')}={value}"
        for name, value in sets.items()
    ]
    return load(LIMIT, overrides=[f"run.economy={economy}", *keys])


def rates(market: MobilityMarket, steps: slice) -> np.ndarray:
    """Unemployed, long-term unemployed over labour force; vacancy rate; job finding (4, steps)."""
    u, e, long, v, left = (
        (market.stocks | market.flows)[name][steps].sum(axis=1)
        for name in ("unemployed", "employed", "long_term_unemployed", "vacancies", "left_unemployment")
    )
    return np.array([u / (u + e), long / (u + e), v / (v + e), left / u])


# ------------------------------------------------------------------------------------------------ the limit


def test_the_closed_form_is_the_published_rest_point() -> None:
    rest = rest_point(US)
    assert rest.unemployment_rate == pytest.approx(0.041065726, abs=1e-8)
    assert rest.vacancy_rate == pytest.approx(0.017219021, abs=2e-8)
    assert rest.job_finding_rate == pytest.approx(0.3736195, abs=3e-7)
    assert rest.long_term_unemployment_rate == pytest.approx(0.010092392, abs=2e-8)
    turned = rest_point(US._replace(delta_u=0.012, delta_v=0.016))  # more openings than separations
    assert 0.0 < turned.unemployment_rate < rest.unemployment_rate


@pytest.mark.parametrize("which", ["shipped", "complete", "more openings"])
def test_the_mean_field_comes_to_the_closed_form(which: str, complete: Make) -> None:
    path = SHIPPED if which == "shipped" else complete()
    if which == "more openings":
        text = (path / "economy.toml").read_text(encoding="utf-8").replace("value = 0.012", "value = 0.02")
        (path / "economy.toml").write_text(text, encoding="utf-8")
    network = network_of(load_economy(path))
    end = {name: x[-1].sum() for name, x in solve(network, NetworkSettings(), 1500).items()}
    rest, force = rest_point(network.rates), end["employed"] + end["unemployed"]
    found = (
        end["employed"] / force,
        end["unemployed"] / force,
        end["long_term_unemployed"] / force,
        end["vacancies"] / (end["vacancies"] + end["employed"]),
        end["left_unemployment"] / end["unemployed"],
    )
    np.testing.assert_allclose(found, rest, atol=1e-6)
    assert force == pytest.approx(network.employment.sum(), rel=1e-12)


def within_sampling_error(economy: str | Path, **settings: object) -> None:
    """Means over windows of the run, further apart than it remembers, are as near as their spread says."""
    market = MobilityMarket(asked(economy, **settings)).run()
    windows = np.array_split(np.arange(100, market.last), 8)
    means = np.array([rates(market, slice(w[0], w[-1] + 1)).mean(axis=1) for w in windows])
    error = means.std(axis=0, ddof=1) / np.sqrt(len(windows))
    rest = rest_point(market.network.rates)
    wanted = (
        rest.unemployment_rate,
        rest.long_term_unemployment_rate,
        rest.vacancy_rate,
        rest.job_finding_rate,
    )
    assert (np.abs(means.mean(axis=0) - wanted) < 5.0 * error + 2e-5).all()  # t with 7 degrees: 1 in 600
    np.testing.assert_allclose(means.mean(axis=0), wanted, rtol=0.006)


def test_agents_come_to_rest_where_the_closed_form_says_on_a_complete_network(complete: Make) -> None:
    within_sampling_error(complete(4, 150_000), scale=1, steps=420)


@pytest.mark.slow
def test_agents_come_to_rest_where_the_closed_form_says_on_the_shipped_network() -> None:
    within_sampling_error("mobility-example", scale=1, steps=340)


def test_the_error_falls_with_the_square_root_of_the_number_of_agents(complete: Make) -> None:
    path, scales, steps = complete(4, 200_000), (400, 100, 25, 6), 260
    network = network_of(load_economy(path))
    mean = solve(network, NetworkSettings(), steps)
    limit = mean["unemployed"][60:].sum(axis=1) / network.employment.sum()
    errors, agents = [], []
    for scale in scales:
        off = []
        for replicate in range(max(1, min(8, scale // 8))):
            market = MobilityMarket(asked(path, scale=scale, steps=steps), replicate).run()
            off.append(rates(market, slice(60, None))[0] - limit)
        errors.append(np.sqrt(np.mean(np.square(off))))
        agents.append(market.workers.event.size)
    assert agents[-1] / agents[0] > 60
    slope = np.polyfit(np.log(agents), np.log(errors), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.12)


def test_workers_and_posts_are_conserved() -> None:
    market = MobilityMarket(asked(scale=100, steps=60, network_shock="cycle")).run()
    s, f = market.stocks, market.flows
    people = s["employed"].sum(axis=1) + s["unemployed"].sum(axis=1)
    assert (people == market.workers.event.size).all()
    e, u, v = (s[name] for name in ("employed", "unemployed", "vacancies"))
    assert (np.diff(e, axis=0) == (f["hires"] - f["separations"])[:-1]).all()
    assert (np.diff(v, axis=0) == (f["openings"] - f["hires"])[:-1]).all()
    assert (np.diff(u, axis=0) == (f["separations"] - f["left_unemployment"])[:-1]).all()
    assert (f["hires"].sum(axis=1) == f["left_unemployment"].sum(axis=1)).all()
    assert (f["hires"] <= v).all() and (s["long_term_unemployed"] <= u).all()
    assert (v.sum(axis=1)[1:] > 0).all()
    posts = market.vacancies
    identities = set(zip(posts.opened.tolist(), posts.worker.tolist(), strict=True))
    assert len(identities) == posts.occupation.size


# ----------------------------------------------------------------------------------------------- the shocks


def test_the_cycle_turns_the_beveridge_curve_counter_clockwise() -> None:
    scenario = asked(scale=100, steps=400, replicates=2, network_shock="cycle")
    results = NetworkResults.from_runs(simulate_networks(scenario))
    assert (results.loop_area() > 1e-4).all()
    u, v = (results.mean_field[name].values[0, -103:] for name in ("unemployment_rate", "vacancy_rate"))
    area = 0.5 * (u * np.roll(v, -1) - np.roll(u, -1) * v).sum()
    np.testing.assert_allclose(results.loop_area(), area, rtol=0.1)
    table = results.summary()
    assert table[table["outcome"] == "beveridge_area"]["mean"].iloc[0] == results.loop_area().mean()


def test_a_reallocation_raises_the_unemployment_of_exposed_occupations() -> None:
    moved = asked(scale=20, steps=180, network_shock="reallocation", network_years=10)
    markets = [MobilityMarket(one).run() for one in (moved, asked(scale=20, steps=180))]
    exposure = markets[0].network.exposure
    assert exposure is not None
    during = slice(130, 178)  # from the middle of the ten years to their end
    heads = [[m.stocks[name][during].sum(axis=0) for name in ("unemployed", "employed")] for m in markets]
    rate, still = (u / (u + e) for u, e in heads)
    more = rate - still
    assert more[exposure > 0.6].mean() > 0.015 > 0.0 > more[exposure < 0.3].mean()
    assert np.corrcoef(exposure, more)[0, 1] > 0.6
    assert heads[0][0].sum() > 1.05 * heads[1][0].sum()


def test_target_demand_follows_its_equations(folder: Path) -> None:
    network = network_of(load_economy(folder))
    start, x = network.employment, network.exposure
    assert x is not None
    moved = NetworkSettings(shock="reallocation")
    np.testing.assert_array_equal(target_demand(network, moved, start, 100), start)
    least = start * (1.0 - x)
    end = least * start.sum() / least.sum()
    years_end = target_demand(network, moved, start, 100 + round(30 * 365.25 / 7 / 6.75))
    np.testing.assert_allclose((years_end - start) / (end - start), 0.9999, atol=2e-6)
    assert years_end.sum() == pytest.approx(start.sum())
    cycle = NetworkSettings(shock="cycle")
    np.testing.assert_array_equal(target_demand(network, cycle, start, 79), start)
    wanted = 1.0 - 0.065 * np.sin(2.0 * np.pi * (95 + 80) / 103)
    np.testing.assert_allclose(target_demand(network, cycle, start, 95) / start, wanted, atol=1e-9)
    rows = [["step", "occupation", "demand"], [10, "office-1", 40000], [20, "office-1", 20000]]
    write(folder / "target_demand.csv", rows)
    network = network_of(load_economy(folder))
    table = NetworkSettings(shock="table")
    wanted = [target_demand(network, table, start / 10.0, step) for step in (0, 15, 99)]
    np.testing.assert_allclose([w[0] for w in wanted], [4000, 3000, 2000])
    np.testing.assert_allclose(wanted[2][1:], start[1:] / 10.0)
    market = MobilityMarket(asked(folder, scale=20, steps=80, network_shock="table")).run()
    shrunk = market.stocks["employed"][-1] / market.demand_start
    assert shrunk[0] < 0.7 < 0.85 < shrunk[1:].min()


def test_the_months_of_a_run_become_steps() -> None:
    network = network_of(load_economy("mobility-example"))
    assert network.steps(load("baseline")) == round(5 * 365.25 / 7 / 6.75) == 39
    assert network.steps(asked(steps=7)) == 7


# ------------------------------------------------------------------------------------------------ the bytes

TINY = """
import hashlib, sys
import numpy as np
from sim.network import MobilityMarket
from sim.scenario import load

sets = ["run.scale=1000", "run.steps=40", "network.shock=cycle", "network.start=5"]
market = MobilityMarket(load("validation/occupational-mobility", overrides=sets), 1).run()
digest = hashlib.sha256()
for column in (*market.workers, *market.vacancies, *market.stocks.values(), *market.flows.values()):
    digest.update(np.ascontiguousarray(column).tobytes())
print(market.workers.event.size, digest.hexdigest())
"""


def hashed(market: MobilityMarket) -> str:
    digest = hashlib.sha256()
    for column in (*market.workers, *market.vacancies, *market.stocks.values(), *market.flows.values()):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def test_the_seed_decides_every_byte_and_threads_none(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = asked(scale=100, steps=50)
    once = hashed(MobilityMarket(scenario).run())
    monkeypatch.setattr(
        "sim.network.CHUNK", 1 << 10
    )  # the smallest that holds a block, so that threads have work
    assert hashed(MobilityMarket(scenario, threads=3).run()) == once
    assert hashed(MobilityMarket(scenario, 1).run()) != once
    assert hashed(MobilityMarket(asked(scale=100, steps=50, seed=1)).run()) != once


@pytest.mark.slow
def test_compiled_and_plain_python_give_the_same_bytes() -> None:
    found = [
        subprocess.run(
            [sys.executable, "-c", TINY], env=os.environ | extra, capture_output=True, text=True, check=True
        ).stdout
        for extra in ({}, {"NUMBA_DISABLE_JIT": "1"})
    ]
    assert found[0] == found[1] and found[0].startswith("1198 ")


# ---------------------------------------------------------------------------------- files, command, messages


def laborshift(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_the_shipped_network_is_the_one_its_script_makes(tmp_path: Path) -> None:
    script = Path(sim.__file__).parents[1] / "calibration" / "mobility_example.py"
    space: dict[str, Any] = {"__name__": "made", "__file__": str(script)}
    exec(compile(script.read_text(encoding="utf-8"), str(script), "exec"), space)
    space["FOLDER"] = tmp_path
    space["main"]()
    for name in ("nodes.csv", "moves.csv"):
        made, kept = (read(path / name) for path in (tmp_path, SHIPPED))
        assert made[0] == kept[0] and [row[:2] for row in made] == [row[:2] for row in kept]
        numbers = [np.array([row[2:] for row in rows[1:]], float) for rows in (made, kept)]
        np.testing.assert_allclose(*numbers, rtol=1e-6)


def test_a_run_leaves_what_other_runs_leave(tmp_path: Path) -> None:
    words = (
        "run",
        LIMIT,
        "--scale",
        "1000",
        "--replicates",
        "2",
        "--set",
        "run.steps=60",
        "--out",
        str(tmp_path),
    )
    done = laborshift(*words)
    assert done.exit_code == 0, done.output
    assert "rest point" in done.stdout and "mean field" in done.stdout
    (left,) = tmp_path.iterdir()
    names = {path.name for path in left.iterdir()}
    assert names == {"run.nc", "summary.csv", "summary.json", "scenario.toml", "provenance.json", "figures"}
    assert {path.name for path in (left / "figures").iterdir()} == {"beveridge.png", "beveridge.svg"}
    results = NetworkResults.open(left)
    assert isinstance(results, NetworkResults) and results.replicates == 2
    assert results.occupations["vacancies"].dims == ("scenario", "replicate", "step", "occupation")
    with xr.open_datatree(left / "run.nc", engine="netcdf4") as tree:
        for group in ("market", "occupations", "mean_field"):
            for name, variable in tree[group].data_vars.items():
                assert variable.attrs["units"] == "persons" and variable.attrs["long_name"], name
    assert float(results.mean_field["unemployed_by_occupation"].sum("occupation")[0, -1]) == pytest.approx(
        float(results.mean_field["unemployed"][0, -1])
    )
    again = sim.load(left / "scenario.toml")
    assert (
        again.settings()
        == load(LIMIT, overrides=["run.scale=1000", "run.replicates=2", "run.steps=60"]).settings()
    )
    before = (left / "run.nc").read_bytes()
    assert laborshift(*words, "--quiet").exit_code == 0  # finished: read, not run again
    assert laborshift(*words, "--quiet", "--force", "--jobs", "1").exit_code == 0
    assert (left / "run.nc").read_bytes() == before


def test_check_and_describe_know_a_network(folder: Path) -> None:
    assert check("mobility-example") == []
    assert laborshift("check", str(folder), LIMIT).exit_code == 0
    shown = laborshift("describe", "economy", "mobility-example")
    assert shown.exit_code == 0 and "rates.gamma_u" in shown.stdout and "del-rio-chanona-2021" in shown.stdout
    assert "run.timing" in laborshift("describe", LIMIT).stdout


def spoil_cell(file: str, line: int, column: str, text: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        rows = read(folder / file)
        rows[line - 1][rows[0].index(column)] = text
        write(folder / file, rows)

    return spoil


def spoil_text(file: str, old: str, new: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return spoil


def table(*rows: Sequence[object]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        write(folder / "target_demand.csv", [["step", "occupation", "demand"], *rows])

    return spoil


SPOILT: dict[str, tuple[Callable[[Path], None], str]] = {
    "a misspelt node": (
        spoil_cell("moves.csv", 3, "target", "ofice-2"),
        "moves.csv:3: target: no node 'ofice-2' in nodes.csv; the nearest is 'office-2'",
    ),
    "a move to itself": (
        spoil_cell("moves.csv", 2, "target", "office-1"),
        "moves.csv:2: target: office-1 moves",
    ),
    "a move twice": (spoil_cell("moves.csv", 3, "target", "office-2"), "is given on line 2 too"),
    "a negative weight": (
        spoil_cell("moves.csv", 4, "weight", "-1"),
        "moves.csv:4: weight: -1 is out of range",
    ),
    "a weight in words": (spoil_cell("moves.csv", 4, "weight", "many"), "weight: 'many' is not a number"),
    "nobody employed": (
        spoil_cell("nodes.csv", 2, "employment", "0"),
        "nodes.csv:2: employment: 0 is out of range",
    ),
    "a node twice": (
        spoil_cell("nodes.csv", 3, "id", "office-1"),
        "nodes.csv:3: id: 'office-1' is given on line 2",
    ),
    "too exposed": (
        spoil_cell("nodes.csv", 3, "exposure", "1.5"),
        "nodes.csv:3: exposure: 1.5 is out of range: 0 to 1",
    ),
    "a misspelt column": (
        spoil_cell("nodes.csv", 1, "employment", "employmnt"),
        "the nearest is 'employment'",
    ),
    "a misspelt rate": (
        spoil_text("economy.toml", "rates.delta_u", "rates.delta_w"),
        "rates.delta_u: the value is missing; the nearest is 'rates.delta_w'",
    ),
    "a rate above 1": (
        spoil_text("economy.toml", "value = 0.016", "value = 1.6"),
        "1.6 is out of range: 0 to 1",
    ),
    "two rates": (spoil_text("economy.toml", "value = 0.016", "value = [0.1, 0.2]"), "is not one number"),
    "no source": (
        spoil_text("economy.toml", 'source = "del-rio-chanona-2021"', 'source = "del-rio"'),
        "no source 'del-rio' in sources.csv; the nearest is 'del-rio-chanona-2021'",
    ),
    "a misspelt kind": (spoil_text("economy.toml", '"network"', '"netwrok"'), "the nearest is 'network'"),
    "no title": (spoil_text("economy.toml", "title_ko", "# title_ko"), "title_ko: the header needs title_ko"),
    "no nodes": (lambda folder: (folder / "nodes.csv").unlink(), "nodes.csv: the file is missing"),
    "a file too many": (lambda folder: write(folder / "node.csv", [["id"]]), "the nearest is 'nodes.csv'"),
    "an unknown occupation": (
        table((1, "office-9", 5)),
        "target_demand.csv:2: occupation: no node 'office-9'",
    ),
    "half a step": (table((1.5, "office-1", 5)), "target_demand.csv:2: step: '1.5' is not a step"),
    "a cell twice": (table((1, "office-1", 5), (1, "office-1", 6)), "is given on line 2 too"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_mistake_in_the_files_is_said_once_and_clearly(what: str, folder: Path) -> None:
    spoil, message = SPOILT[what]
    spoil(folder)
    done = laborshift("check", str(folder))
    assert done.exit_code == 2 and message in done.stderr, done.stderr
    assert "Traceback" not in done.output
    ran = laborshift("run", LIMIT, "--set", f"run.economy={folder}", "--out", str(folder / "out"), "--quiet")
    assert ran.exit_code == 2 and "Traceback" not in ran.output
    assert message.split(";")[0].split(": ")[-1] in ran.stderr or "more; laborshift check" in ran.stderr


def test_what_does_not_fit_together_is_refused(folder: Path) -> None:
    wrong = {
        ("run", "baseline", "--set", "run.economy=mobility-example"): "run.timing",
        ("run", "baseline", "--set", "run.timing=simultaneous"): "only a network economy is simultaneous",
        ("run", LIMIT, "--set", "network.shock=table"): "needs target_demand.csv",
        ("check", LIMIT, "--set", "network.shock=tabel"): 'did you mean "table"?',
        ("check", LIMIT, "--set", "network.amplitude=2"): "a share from 0 to 1",
        ("run", LIMIT, "--panel", "3"): "--panel is for countries",
        ("compare", LIMIT, "baseline"): "a comparison is for countries",
        ("plan", LIMIT): "a plan is for countries",
    }
    for words, message in wrong.items():
        done = laborshift(*words)
        assert done.exit_code == 2 and message in done.stderr, (words, done.output)
    with pytest.raises(InputError, match="is for countries"):
        sim.LaborMarket(asked())
    write(folder / "nodes.csv", [row[:3] for row in read(folder / "nodes.csv")])
    with pytest.raises(InputError, match="needs exposure in nodes"):
        MobilityMarket(asked(folder, network_shock="reallocation"))


def test_scenarios_of_countries_ask_what_they_asked_before() -> None:
    plain = load("baseline")
    assert "network" not in plain.settings()
    assert plain.digest("e") == plain.with_run(threads=3).digest("e")
    assert plain.digest("e") != plain.with_run(steps=3).digest("e")
