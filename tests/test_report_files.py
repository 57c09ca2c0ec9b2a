"""The files of a report: one executed notebook becomes a page without a fetch, a printed page, documents; exports."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest

from sim.cli import main
from sim.drawing import FONTS
from sim.errors import InputError
from sim.evaluation.compare import compare_into
from sim.report.command import FORMATS, NEEDS, report_command
from sim.report.page import Report
from sim.report.words import LANGUAGES, catalogue
from sim.scenario import load

MISSING = sorted(
    {name for names in NEEDS.values() for name in names if importlib.util.find_spec(name) is None}
)
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"reports need {', '.join(MISSING)}: not installed"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    asked = [
        load(name).with_run(scale=1000, months=26, replicates=2, seed=7) for name in ("baseline", "roadmap")
    ]
    return compare_into(asked, out=tmp_path_factory.mktemp("files"), figures=False)[1]


@pytest.fixture(scope="module")
def made(folder: Path) -> dict[str, dict[str, Path]]:
    """Every format in each language."""
    made = {
        lang: dict(
            zip(
                FORMATS,
                report_command(str(folder), lang=lang, formats=list(FORMATS), quiet=True),
                strict=True,
            )
        )
        for lang in LANGUAGES
    }
    return made


class Page(HTMLParser):
    """What a page fetches, its headings, its pictures and the cells of its tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.pictures: list[str | None] = []
        self.cells: list[str] = []
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.fetched += [
            v for k, v in attrs if k in ("src", "href", "xlink:href") and v and not v.startswith("#")
        ]
        self.fetched += [tag] if tag in ("script", "link", "iframe") else []
        self.headings += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        self.ids += [said["id"]] if said.get("id") else []
        self.pictures += [said.get("aria-label")] if tag == "svg" else []
        self._in_cell = tag == "td"

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.cells.append(data)
            self._in_cell = False


def page(made: dict[str, dict[str, Path]], lang: str) -> str:
    return made[lang]["html"].read_text(encoding="utf-8")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_fetches_nothing_and_can_be_read_aloud(made: dict[str, dict[str, Path]], lang: str) -> None:
    text = page(made, lang)
    found = Page(text)
    assert found.fetched == [] and "@import" not in text and "url(http" not in text
    assert found.headings[0] == 1 and found.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(found.headings, found.headings[1:], strict=False))
    assert len(set(found.ids)) == len(found.ids)
    assert len(found.pictures) >= 6 and all(found.pictures)
    assert f'<html lang="{lang}">' in text and text.count('<h3 id="table-') == 20


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_key_stands_untranslated_and_no_cell_failed(made: dict[str, dict[str, Path]], lang: str) -> None:
    text = page(made, lang)
    words = re.sub(r"<style>.*?</style>|<svg.*?</svg>|<[^>]+>", " ", text, flags=re.DOTALL)
    assert not re.search(r"\{\w*\}", words)
    areas = {key.split(".")[0] for key in catalogue(lang)} - {"unit", "label", "table", "page"}
    assert not re.search(rf"\b({'|'.join(map(re.escape, areas))})\.[a-z_0-9]+\b", words)
    assert "Traceback" not in words and "object at 0x" not in words


def test_both_languages_print_the_same_numbers(made: dict[str, dict[str, Path]]) -> None:
    told = {
        lang: [re.findall(r"[−+]?\d[\d,.]*", cell) for cell in Page(page(made, lang)).cells]
        for lang in LANGUAGES
    }
    numeric = {lang: [row for row in rows if row] for lang, rows in told.items()}
    cells = {lang: len(rows) for lang, rows in told.items()}
    assert cells["ko"] == cells["en"] > 1000
    workbooks = {lang: pd.read_excel(made[lang]["xlsx"], sheet_name=None, header=None) for lang in LANGUAGES}
    for ko, en in zip(workbooks["ko"].values(), workbooks["en"].values(), strict=True):
        left, right = (frame.map(lambda x: x if isinstance(x, int | float) else np.nan) for frame in (ko, en))
        assert left.shape == right.shape
        assert np.array_equal(left.to_numpy(float), right.to_numpy(float), equal_nan=True)
    assert (
        abs(len(numeric["ko"]) - len(numeric["en"])) < 0.02 * cells["en"]
    )  # texts of sources may hold a year


def test_the_notebook_names_no_place_and_runs_again_where_it_lies(
    made: dict[str, dict[str, Path]], folder: Path
) -> None:
    text = made["ko"]["ipynb"].read_text(encoding="utf-8")
    assert str(folder.parent) not in text and "/tmp" not in text and "papermill" not in text
    notebook: Any = nbformat.reads(text, as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if "display(" not in cell.source)
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nprint(report.answer().text)"],
        cwd=made["ko"]["ipynb"].parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in page(made, "ko")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_printed_page_is_a4_with_its_own_letters(made: dict[str, dict[str, Path]], lang: str) -> None:
    body = made[lang]["pdf"].read_bytes()
    assert body.startswith(b"%PDF-1.") and b"LaborShiftGothic-Regular" in body and b"/FontFile2" in body
    assert b"/Subtype/Image" not in body, "a picture is no vector"
    sizes = set(re.findall(rb"/MediaBox ?\[0 0 (\d+)[.\d]* (\d+)[.\d]*\]", body))
    assert sizes == {(b"595", b"841"), (b"841", b"595")}


def test_every_letter_has_a_shape() -> None:
    from fontTools.ttLib import TTFont

    known = TTFont(FONTS / "LaborShiftGothic-Regular.ttf").getBestCmap()
    economy = Path(__file__).parents[1] / "sim" / "economies" / "korea"
    texts = [*catalogue("ko").values(), *catalogue("en").values()]
    texts += [file.read_text(encoding="utf-8") for file in (*economy.glob("*.csv"), *economy.glob("*.toml"))]
    assert sorted({one for one in "".join(texts) if one >= " " and ord(one) not in known}) == []


def test_documents_hold_the_tables_and_the_pictures(made: dict[str, dict[str, Path]]) -> None:
    with zipfile.ZipFile(made["ko"]["docx"]) as document:
        body = document.read("word/document.xml").decode("utf-8")
        pictures = [name for name in document.namelist() if name.startswith("word/media/")]
    filled = sum(bool(table.rows) for table in Report(made["ko"]["docx"].parent, "ko").tables.values())
    drawn = len(Page(page(made, "ko")).pictures)
    assert (body.count("<w:tbl>"), len(pictures)) == (filled, drawn)
    with zipfile.ZipFile(made["ko"]["hwpx"]) as document:
        names = document.namelist()
        body = "".join(
            document.read(name).decode() for name in names if re.match(r"Contents/section\d+\.xml", name)
        )
    assert (len(re.findall(r"<\w+:tbl ", body)), sum(name.startswith("BinData/") for name in names)) == (
        filled,
        drawn,
    )


def test_tables_as_files_hold_what_the_report_holds(made: dict[str, dict[str, Path]], folder: Path) -> None:
    report = Report(folder, "ko")
    for table in report.tables.values():
        file = made["ko"]["csv"] / f"table-{table.number:02d}-{table.key}.csv"
        assert file.exists() == bool(table.rows)
        if table.rows:
            assert file.read_bytes().startswith(b"\xef\xbb\xbf")
            frame = pd.read_csv(file, encoding="utf-8-sig")
            assert frame.shape == table.frame().shape
    sheets = pd.read_excel(made["ko"]["xlsx"], sheet_name=None, header=None)
    assert list(sheets)[1:] == [f"표 {n:02d}" for n in range(1, 21)]
    names = {path.stem for path in made["ko"]["figures"].iterdir()}
    assert names == {one.picture.key for one in report.pictures}
    assert all((made["ko"]["figures"] / f"{name}.png").read_bytes().startswith(b"\x89PNG") for name in names)


def test_a_summary_is_one_page(folder: Path, tmp_path: Path) -> None:
    for lang in LANGUAGES:
        target = tmp_path / f"{lang}.pdf"
        report_command(str(folder), lang=lang, one_page=True, out=target, quiet=True)
        assert len(re.findall(rb"/Type ?/Page\b", target.read_bytes())) == 1


def test_the_same_results_give_the_same_files(
    made: dict[str, dict[str, Path]], folder: Path, tmp_path: Path
) -> None:
    again = report_command(str(folder), lang="ko", formats=["html"], out=tmp_path / "again.html", quiet=True)
    assert again[0].read_bytes() == made["ko"]["html"].read_bytes()


def test_what_cannot_be_done_is_said_and_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    for problem, asked in (
        ("unknown language", {"lang": "fr"}),
        ("unknown format", {"formats": ["pfd"]}),
        ("one file for several", {"formats": ["pdf", "html"], "out": tmp_path / "x.pdf"}),
        ("has no summary", {"formats": ["xlsx"], "one_page": True}),
        ("folder is not there", {"out": tmp_path / "none" / "x.html"}),
        ("is a folder", {"out": tmp_path}),
    ):
        with pytest.raises(InputError, match=problem):
            report_command(str(folder), quiet=True, **asked)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="holds no results"):
        report_command(str(tmp_path), quiet=True)
    assert [*tmp_path.iterdir()] == []


def test_a_missing_library_is_named_with_its_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sim.report.command.find_spec", lambda name: None)
    before = sorted(folder.iterdir())
    for kind, library in (("html", "jupytext"), ("pdf", "jupytext"), ("xlsx", "xlsxwriter")):
        monkeypatch.setattr("sys.argv", ["laborshift", "report", str(folder), "--format", kind])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        said = capsys.readouterr().err
        assert said.startswith(f"error: {library} is not installed") and "laborshift[report]" in said
    assert sorted(folder.iterdir()) == before
