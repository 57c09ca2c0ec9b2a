"""The document for Hangul: valid, nothing of the page lost, tables and pictures whole, the same bytes every time."""

from __future__ import annotations

import html
import importlib.util
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from sim.report.hwpx import write

MISSING = [name for name in ("hwpx", "pypandoc") if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"a document for Hangul needs {', '.join(MISSING)}: not installed"
)
COLUMNS, ROWS = 12, 60
SIZES = {"하나": (800, 400), "둘": (300, 900)}


def _picture(file: Path, size: tuple[int, int]) -> Path:
    picture = Image.new("RGB", size, "white")
    ImageDraw.Draw(picture).ellipse((20, 20, size[0] - 20, size[1] - 20), fill="#0072b2")
    picture.save(file)
    return file


def _table() -> str:
    head = "".join(f"<th class='number'>열 {k} (천 명)</th>" for k in range(2, COLUMNS))
    rows = "".join(
        f"<tr><th scope='row'>고용센터 {row}</th><td>긴 글 「국민취업지원제도」 &amp; &lt;기타&gt;</td>"
        + "".join(f"<td class='number'>{1000 * row + k:,} [1, {k}]</td>" for k in range(2, COLUMNS))
        + "</tr>"
        for row in range(ROWS)
    )
    return f"<table><thead><tr><th>사업</th><th>설명</th>{head}</tr></thead><tbody>{rows}</tbody></table>"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("pictures")
    shown = {
        name: f"<figure><img src='{_picture(folder / f'{number}.png', size)}' alt='그림 {name}: 원 하나'>"
        f"<figcaption>그림 {name}의 설명</figcaption></figure>"
        for number, (name, size) in enumerate(SIZES.items())
    }
    return f"""<!DOCTYPE html><html lang='ko'><head><title>노동시장 보고서</title></head><body>
    <h1>노동시장 보고서</h1>
    <div class='first'><div><h2>답</h2><p>취업자는 <strong>6,000명</strong> <em>증가</em>함(<a href='#t'>표 1</a>).</p>
    <ol><li>첫째 답</li><li>둘째 답<ul><li>안쪽 항목<br>다음 줄</li><li>또 하나</li><li></li></ul></li></ol></div></div>
    {shown["하나"]}<h3>한계</h3><ul><li><p>한 문단</p><p>다른 문단</p></li></ul>{shown["둘"]}<hr>
    <h2 id='tables'>표</h2><div class='contents'><ol><li><a href='#t'>목차</a></li></ol></div>
    <h3 id='t'>표 1. 시험</h3><div class='wide'>{_table()}</div><div class='note'>출처: 시험용 <code>자료</code></div>
    <dl><dt>모형</dt><dd>LaborShift</dd><dt>난수 씨앗</dt><dd>20251218</dd></dl></body></html>"""


@pytest.fixture(scope="module")
def file(page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("hwpx") / "report.hwpx"
    write(page, target, lang="ko")
    return target


@pytest.fixture(scope="module")
def document(file: Path) -> Any:
    from hwpx import HwpxDocument

    with HwpxDocument.open(file) as opened:
        yield opened


def _tables(document: Any) -> list[Any]:
    return [table for one in document.paragraphs for table in one.tables]


def test_valid(file: Path, document: Any) -> None:
    from hwpx.layout import lint_layout
    from hwpx.tools.id_integrity import check_id_integrity
    from hwpx.tools.package_validator import validate_editor_open_safety

    safety = validate_editor_open_safety(file)
    assert safety.ok, safety.summary
    assert not safety.validate_package.errors and not safety.validate_document.issues
    assert check_id_integrity(document).ok
    assert not lint_layout(file.read_bytes(), check_overflow=False).findings


def test_every_word_is_there(page: str, document: Any) -> None:
    asked = re.sub(r"<div class='contents'>.*?</div>", "", page.partition("<body>")[2])
    asked = re.sub(r"</?(strong|em|a|code)\b[^>]*>", "", asked).replace("</dt>", ":")
    words = html.unescape(re.sub(r"<[^>]*>", " ", asked)).split()
    there = " ".join(_written(document))
    assert len(words) > 5 * ROWS * COLUMNS / 2
    assert {*words} <= {*there.split()}
    assert "모형: LaborShift" in there and "난수 씨앗: 20251218" in there
    assert "「국민취업지원제도」 & <기타>" in there
    assert "목차" not in there
    assert document.package.document_metadata().title == "노동시장 보고서"


def _written(document: Any) -> list[str]:
    cells = [cell.text for table in _tables(document) for row in table.rows for cell in row.cells]
    return [text.replace("\xa0", " ") for text in [*(one.text for one in document.paragraphs), *cells]]


def test_headings_and_lists(document: Any) -> None:
    styles = {one.text: document.styles.resolve(one.style_id_ref).name for one in document.paragraphs}
    assert [styles[text] for text in ("노동시장 보고서", "답", "표 1. 시험")] == [
        "개요 1",
        "개요 2",
        "개요 3",
    ]
    heading = {
        one.text: document.styles.paragraph_property(one.para_pr_id_ref).heading
        for one in document.paragraphs
    }
    lists = {text: (heading[text].type, heading[text].level) for text in ("둘째 답", "또 하나", "한 문단")}
    assert lists == {"둘째 답": ("NUMBER", 0), "또 하나": ("BULLET", 1), "한 문단": ("BULLET", 0)}
    assert heading["다른 문단"].type == "NONE"
    (bold,) = (run for one in document.paragraphs for run in one.runs if run.text == "6,000명")
    assert bold.bold


def test_table(document: Any) -> None:
    (table,) = _tables(document)
    assert (table.row_count, table.column_count) == (ROWS + 1, COLUMNS)
    assert not table.treat_as_char
    assert (table.element.get("repeatHeader"), table.element.get("pageBreak")) == ("1", "TABLE")
    rows = [row.cells for row in table.rows]
    assert {cell.element.get("header") for cell in rows[0]} == {"1"}
    assert [cell.text for cell in rows[7]][:2] == ["고용센터 6", "긴 글 「국민취업지원제도」 & <기타>"]
    widths = [cell.width for cell in rows[0]]
    size = table.paragraph.section.properties.page_size
    assert sum(widths) == round((297 - 36) * 7200 / 25.4) and (size.drawn_width > size.drawn_height)
    assert widths[1] > widths[2]
    aligned = [
        document.styles.paragraph_property(cell.paragraphs[0].para_pr_id_ref).align.horizontal
        for cell in rows[3]
    ]
    assert aligned == ["LEFT"] * 2 + ["RIGHT"] * (COLUMNS - 2)
    first = document.sections[0].properties.page_size
    assert first.drawn_width < first.drawn_height


def test_pictures(page: str, file: Path, document: Any) -> None:
    sources = [Path(one) for one in re.findall(r"src='([^']+)'", page)]
    pictures = [one for section in document.sections for one in section.element.iter("{*}pic")]
    with zipfile.ZipFile(file) as package:
        manifest = package.read("Contents/content.hpf").decode()
        for source, picture, (name, (across, down)) in zip(sources, pictures, SIZES.items(), strict=True):
            key = picture.find("{*}img").get("binaryItemIDRef")
            assert package.read(f"BinData/{key}.png") == source.read_bytes()
            assert f'id="{key}" href="BinData/{key}.png" media-type="image/png"' in manifest
            assert picture.find("{*}shapeComment").text == f"그림 {name}: 원 하나"
            width, height = (int(picture.find("{*}sz").get(side)) for side in ("width", "height"))
            assert width / height == pytest.approx(across / down, rel=1e-3)
            assert width <= round((210 - 36) * 7200 / 25.4) and height < 297 * 7200 / 25.4


def test_same_page_same_bytes(page: str, file: Path, tmp_path: Path) -> None:
    write(page, tmp_path / "again.hwpx", lang="ko")
    assert (tmp_path / "again.hwpx").read_bytes() == file.read_bytes()


def test_what_has_no_place_is_refused(tmp_path: Path) -> None:
    for text, reason in (
        ("<pre>x</pre>", "CodeBlock"),
        ("<table><tr><td>y</td><td>z</td></tr><tr><td colspan=2>x</td></tr></table>", "several"),
    ):
        with pytest.raises(ValueError, match=reason):
            write(text, tmp_path / "no.hwpx", lang="ko")
