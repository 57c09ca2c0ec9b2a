"""The pictures of a report: what they show is what the tables say, in both languages, without a missing letter."""

from __future__ import annotations

import json
import re
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from sim import figures
from sim.drawing import SMALL, WIDE, wrapped
from sim.evaluation.compare import compare_into
from sim.figures import STAGES
from sim.report import map as provinces
from sim.report import posterior_picture
from sim.report.map import Tile, layout, numbers_of, tiles
from sim.report.pictures import OF_RESULTS, Picture, pictures
from sim.report.subject import Subject, open_subject
from sim.report.table import Number, written
from sim.report.tables_jobs import table_13
from sim.report.words import LANGUAGES, Words
from sim.runner import run
from sim.scenario import load
from sim.sweep.pictures import tornado

SETTINGS = {"scale": 1000, "months": 26, "replicates": 2}
SWEEP = """
unit = {unit}
[run]
scale = 1000
months = 3
[levers]
scenarios = ["baseline", "roadmap"]
base = "baseline"
[[samples]]
method = "morris"
factors = ["job_creation", "substitution"]
trajectories = 2
[[samples]]
method = "latin-hypercube"
factors = ["job_creation", "substitution"]
points = 6
[answers]
outcomes = ["net_employment"]
best = "net_employment"
heat = ["job_creation", "substitution"]
"""
NUMBER = re.compile(r"[−+]?\d+(?:[,.]\d+)*%?")
ZERO = "0과 구별되지"  # English says zero


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    asked = [load(name).with_run(**SETTINGS) for name in ("baseline", "roadmap")]
    return open_subject(compare_into(asked, out=tmp_path_factory.mktemp("pictures"), figures=False)[1])


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    out = tmp_path_factory.mktemp("run")
    return open_subject(run(load("roadmap").with_run(**SETTINGS), out=out, figures=False)[1])


@pytest.fixture(scope="module")
def answers(comparison: Subject, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Subject]:
    """Folders of `marginal`, `allocate --pareto` and `attribute`, with made-up numbers."""
    ends = {"mean": 1200.0, "low": -300.0, "high": 2700.0}
    here = {"scenario": "roadmap", "objective": "net-employment", "months": 26, "scale": 1000}
    row = ends | {"measure": "net-employment", "unit": "person-months for the next 10 won", "binds": "seats"}
    money = row | {"mean": None, "low": None, "high": None, "binds": "money"}
    lines = [row | {"programme": "kdt-ai-campus"}, money | {"programme": "card-ai"}]
    split = [
        {"group": stage, "published": 0.2, "found": 0.5, "least": 0.1, "most": 0.9}
        for stage in ("entry", "active")
    ]
    front = [
        {f"{one}_{end}": x for one in ("net-employment", "equity") for end, x in ends.items()}
        | {"weight": weight, "on_front": weight > 0.5}
        for weight in (0.0, 1.0)
    ]
    parts = [
        ends | {"outcome": "employed_months", "measure": measure, "player": player}
        for measure, player in (("whole", "all"), *(("shapley", stage) for stage in STAGES))
    ]
    told = {
        "marginal": here | {"amount": 10**10, "best": "kdt-ai-campus", "marginal": lines},
        "allocation": here | {"splits": split, "front": front, "other": "equity"},
        "attribution": {"base": "baseline", "policy": "roadmap", "months": 26}
        | {"players": dict.fromkeys(STAGES, ()), "attribution": parts},
    }
    made = {}
    for kind, answer in told.items():
        folder = tmp_path_factory.mktemp(kind)
        (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
        for file in comparison.folder.glob("scenario-*.toml"):
            (folder / file.name).write_bytes(file.read_bytes())
        made[kind] = open_subject(folder)
    return made


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    pytest.importorskip("zarr")
    from tests_of_sweeps import design_of, in_this_process

    from sim.sweep.drive import prepared

    folder = tmp_path_factory.mktemp("sweep")
    return open_subject(in_this_process(prepared(design_of(folder, SWEEP), folder / "out")).folder)


def plain(text: str) -> str:
    """A text whose amounts of money are in one unit; what says that an effect is none is no number."""
    return re.sub(r"([\d,]+)억 원", lambda m: f"{int(m[1]) / 10:g}", text.replace(ZERO, ""))


def drawn(subject: Subject, lang: str, tmp_path: Path) -> list[Picture]:
    """The pictures of a subject, each drawn; a warning, as of a letter that the font lacks, is an error."""
    made = list(pictures(subject, Words(lang)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for one in made:
            file, figure = tmp_path / f"{one.key}.svg", one.draw()
            figure.savefig(file)
            assert file.stat().st_size > 2000, one.key
            in_words(one, written_on(figure), lang)
    return made


def written_on(figure: Figure) -> list[str]:
    """What is written on a picture, in letters that can be read on a page."""
    said = [one for one in figure.findobj(Text) if isinstance(one, Text) and one.get_text().strip()]
    assert figure.get_figwidth() <= WIDE
    assert min(one.get_fontsize() for one in said) >= min(SMALL, 8.5)
    return [one.get_text() for one in said]


def in_words(picture: Picture, on_it: list[str], lang: str) -> None:
    """Titles, not ids, in the language of the report."""
    said = " ".join((*on_it, picture.title, picture.alt))
    ids = "roadmap|baseline|kdt-ai-campus|net-employment|job_creation|_nolegend_|nan"
    assert not re.findall(rf"\b({ids})\b", said), (picture.key, said)
    english = r"재직기|\b(entry|active|transition|seats|money|share|persons|won)\b"
    assert lang == "en" or not re.findall(english, said), (picture.key, said)


def same_in_both(subject: Subject, tmp_path: Path) -> list[str]:
    """Keys of the pictures, after all are drawn and told with the same numbers in both languages."""
    ko, en = (drawn(subject, lang, tmp_path) for lang in ("ko", "en"))
    for one, other in zip(ko, en, strict=True):
        numbers = [sorted(NUMBER.findall(plain(picture.alt))) for picture in (one, other)]
        assert one.key == other.key and numbers[0] == numbers[1], (one.alt, other.alt)
        assert numbers[0], one.key
    return [one.key for one in ko]


# ------------------------------------------------------------------------------------------------ every kind


def test_every_picture_of_a_comparison_is_drawn_and_told(comparison: Subject, tmp_path: Path) -> None:
    assert same_in_both(comparison, tmp_path) == ["waterfall", *OF_RESULTS, "map", "posterior"]


def test_every_picture_of_a_run_is_drawn_and_told(alone: Subject, tmp_path: Path) -> None:
    assert same_in_both(alone, tmp_path) == [*OF_RESULTS, "map", "posterior"]


def test_every_picture_of_an_answer_is_drawn_and_told(answers: dict[str, Subject], tmp_path: Path) -> None:
    assert same_in_both(answers["marginal"], tmp_path) == ["marginal", "posterior"]
    assert same_in_both(answers["allocation"], tmp_path) == ["allocation", "front", "posterior"]
    assert same_in_both(answers["attribution"], tmp_path) == ["attribution", "posterior"]


def test_every_picture_of_a_sweep_is_drawn_and_names_its_lever(swept: Subject, tmp_path: Path) -> None:
    kinds = [key.split("-")[0] for key in same_in_both(swept, tmp_path)]
    assert {*kinds} == {"tornado", "heat", "choice", "posterior"} and kinds[-1] == "posterior"
    for picture in pictures(swept, Words("en")):
        if picture.key.split("-")[0] in ("tornado", "heat"):
            for text in (picture.title, picture.draw().get_suptitle().replace("\n", " ")):
                assert text.endswith("AI training plan 2026-2030")


def test_what_binds_stands_beside_every_programme(answers: dict[str, Subject]) -> None:
    for lang in LANGUAGES:
        say = Words(lang)
        said = written_on(next(iter(pictures(answers["marginal"], say))).draw())
        assert {say("review.binds.seats"), say("review.binds.money")} <= set(said)


# ------------------------------------------------------------------------------------------------------- map


def test_the_map_has_every_province_once_with_the_numbers_of_table_13(comparison: Subject) -> None:
    say = Words("en")
    found = tiles(comparison, say)
    assert [tile.code for tile in found] == list(comparison.economy.codes["region"])
    assert len({tile.place for tile in found}) == len(found) == 17
    table = table_13(comparison, say)
    net = [column.title for column in table.columns].index(say("jobs.account.net"))
    for tile, row in zip(found, table.rows, strict=False):
        value = row[net]
        assert isinstance(value, Number)
        assert np.allclose(value, tile.value, equal_nan=True), tile.code
        assert numbers_of(tile, say).split("\n")[0] == written(Number(value.mean), "change of persons", say)
        if value.mean == value.mean:
            assert (tile.colour == 0) == (not value.clear or value.mean == 0)


def test_the_map_of_a_run_shows_rates(alone: Subject) -> None:
    found = tiles(alone, Words("en"))
    assert len(found) == 17 and all(0.0 < tile.value.mean < 0.2 and tile.unit == "share" for tile in found)
    assert max(found, key=lambda tile: tile.value.mean) == max(found, key=lambda tile: tile.colour)


def test_a_loss_is_hatched_and_has_its_sign(comparison: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = Tile("seoul", (0, 0), Number(-500.0, -900.0, -100.0), "change of persons", -0.4, -1.0)
    monkeypatch.setattr(provinces, "tiles", lambda *_: [lost])
    assert numbers_of(lost, Words("ko")) == "−500\n−0.40%"
    patches = provinces.picture(comparison, Words("ko")).axes[0].patches
    assert [bool(patch.get_hatch()) for patch in patches] == [False, True]


def test_an_economy_without_tiles_has_no_map() -> None:
    from sim.economy import load as economy

    assert len(layout(economy("korea"))) == 17

    class Bare:
        """Its regions have no places."""

        def attribute(self, *_: str) -> None:
            raise KeyError("x")

    assert layout(Bare()) == {}  # type: ignore[arg-type]


# --------------------------------------------------------------------------------------------------- others


def test_posteriors_are_placed_in_their_priors() -> None:
    rows = posterior_picture.known(Words("en"))
    assert len(rows) >= 30 and all(row.low <= row.high for row in rows)
    assert [row.contraction for row in rows] == sorted((row.contraction for row in rows), reverse=True)
    width = [row.high - row.low for row in rows if row.contraction > 0.9]
    assert width and max(width) < 0.5  # of the prior's 90% range, where the data tell most
    assert {row.label for row in rows}.isdisjoint(row.label for row in posterior_picture.known(Words("ko")))


def test_rates_start_at_zero_and_stairs_go_down(comparison: Subject) -> None:
    results = comparison.results
    assert results is not None
    assert all(ax.get_ylim()[0] == 0.0 for ax in figures.unemployment_fan(results).axes)
    for heads in figures.stairs(results, "roadmap").values():
        assert all(before >= after for before, after in pairwise(heads))


def test_wrapping_keeps_words_and_counts_korean_letters_twice() -> None:
    assert wrapped("one two three", 7) == "one two\nthree"
    assert wrapped("노동시장 인재", 8) == "노동시장\n인재" and wrapped("노동시장 인재", 13) == "노동시장 인재"


def test_tornado_shows_no_negative_share() -> None:
    table = pd.DataFrame({"factor": ["a"], "first": [0.1], "first_low": [-0.1], "first_high": [0.3]})
    assert tornado(table, "jobs", "share").axes[0].get_xlim()[0] == 0.0
