"""The files of a report, all from one source: `notebooks/report.py` is executed, and what it shows becomes a page.

The page is the HTML report; through pandoc it becomes the printed page (typst), Word and Hangul (HWPX) files.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sim.drawing import FONTS, KOREAN
from sim.report.words import Words

HERE = Path(__file__).parent
TEMPLATES = HERE / "template"
KERNEL = "python3"
TRANSPORT = "ipc" if os.name == "posix" else "tcp"  # no port is opened where there are sockets in files
ONE_PAGE = "one-page"
"""Tag of the cells that a one-page summary is made of."""
WIDE, HIGH, HALF = 17.0, 22.0, 12.5
"""Most of a page that a picture takes, cm: its width, its height, its height on a one-page summary."""


def source() -> Path:
    """The notebook that every report is made of: package data of the wheel, or of a source tree."""
    packaged = HERE.parent / "notebooks"
    return (packaged if packaged.is_dir() else HERE.parents[1] / "notebooks") / "report.py"


def executed(folder: Path, lang: str, title: str, *, beside: Path, one_page: bool = False) -> Any:
    """The notebook of a report on a results folder, run, as an nbformat node.

    beside: the folder where it will lie; the path of the results in it is relative to that: it runs there again.
    """
    import jupytext
    import nbformat
    import papermill
    from traitlets.config import Config

    notebook = jupytext.read(source())
    if one_page:
        kept = ("parameters", ONE_PAGE)
        notebook.cells = [one for one in notebook.cells if {*kept} & {*one.metadata.get("tags", [])}]
    words = Words(lang)
    notebook.metadata.pop("jupytext", None)
    notebook.metadata["laborshift"] = {
        "lang": lang,
        "title": title,
        "skip": "" if one_page else words("page.skip"),
    }
    with TemporaryDirectory(prefix="laborshift-report-") as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        asked, done = Path(scratch) / "asked.ipynb", Path(scratch) / "done.ipynb"
        nbformat.write(notebook, asked)
        papermill.execute_notebook(
            asked,
            done,
            {"results": _relative(folder, beside), "lang": lang},
            kernel_name=KERNEL,
            cwd=str(beside),
            progress_bar=False,
            config=Config({"KernelManager": {"transport": TRANSPORT}}),
        )
        notebook = nbformat.read(done, as_version=4)
    return _without_traces(notebook)


def html_page(notebook: Any) -> str:
    """What an executed notebook shows, as one page that fetches nothing."""
    from nbconvert import TemplateExporter

    exporter = TemplateExporter(
        template_name="page", extra_template_basedirs=[str(TEMPLATES)], file_extension=".html"
    )
    style = (TEMPLATES / "page" / "style.css").read_text(encoding="utf-8")
    text, _ = exporter.from_notebook_node(notebook, {"style": style})
    return str(text)


def pdf(notebook: Any, target: Path) -> None:
    """A4 pages with numbers, Korean letters embedded, pictures as vectors."""
    import pypandoc
    import typst

    with TemporaryDirectory(prefix="laborshift-report-") as scratch:
        folder = Path(scratch)
        page = _with_files(notebook, folder, "svg")
        told = notebook.metadata["laborshift"]
        asked = _pandoc_options(told["lang"], f"--template={TEMPLATES / 'print.typ'}")
        asked += ["-V", f"title={_typst(told['title'])}", "-V", f"font={KOREAN}"]
        asked += [] if told["skip"] else ["-V", "one-page=yes"]
        text = pypandoc.convert_text(page, "typst", format="html", extra_args=asked)
        (folder / "page.typ").write_text(text, encoding="utf-8")
        typst.compile(
            str(folder / "page.typ"), output=str(target), font_paths=[str(FONTS)], ignore_system_fonts=True
        )


def docx(notebook: Any, target: Path) -> None:
    """A document for Word."""
    from sim.report.docx import write

    with TemporaryDirectory(prefix="laborshift-report-") as scratch:
        page = _with_files(notebook, Path(scratch), "png")
        told = notebook.metadata["laborshift"]
        write(page, target, options=_pandoc_options(told["lang"]), sideways=bool(told["skip"]))


def hwpx(notebook: Any, target: Path) -> None:
    """A document for Hangul, the word processor of Korean ministries."""
    from sim.report.hwpx import write

    with TemporaryDirectory(prefix="laborshift-report-") as scratch:
        page = _with_files(notebook, Path(scratch), "png")
        write(page, target, lang=notebook.metadata["laborshift"]["lang"])


def _pandoc_options(lang: str, *more: str) -> list[str]:
    locale = {"ko": "ko-KR", "en": "en-GB"}[lang]
    return ["--standalone", f"--lua-filter={TEMPLATES / 'print.lua'}", "-M", f"lang={locale}", *more]


def _with_files(notebook: Any, folder: Path, kind: str) -> str:
    """The page with its pictures as files in a folder, svg or png."""
    import nbformat

    copy = nbformat.from_dict(notebook)
    high = HIGH if notebook.metadata["laborshift"]["skip"] else HALF
    for cell in copy.cells:
        for output in cell.get("outputs", []):
            svg = output.get("data", {}).get("image/svg+xml")
            if svg is not None:
                file = folder / f"{output.metadata.id}.{kind}"
                if kind == "svg":
                    file.write_text(svg, encoding="utf-8")
                else:
                    file.write_bytes(png_of(svg))
                caption = _attribute(output.metadata.caption)
                place = file if kind == "png" else file.name
                output.data["image/svg+xml"] = (
                    f'<img src="{place}" alt="{caption}" width="{_fitting(svg, high):.1f}cm">'
                )
    page = html_page(copy)
    return re.sub(r"<a class=\"skip\".*?</a>", "", page)


def _fitting(svg: str, most: float) -> float:
    """Width in cm at which a picture fits a page and is no higher than `most`."""
    wide, high = (float(re.search(rf'<svg[^>]* {name}="([\d.]+)pt"', svg)[1]) for name in ("width", "height"))  # type: ignore[index]
    return min(WIDE, most * wide / high)


def png_of(svg: str, dots: int = 200) -> bytes:
    """An SVG as PNG, with so many dots an inch."""
    import typst

    with TemporaryDirectory(prefix="laborshift-report-") as scratch:
        folder = Path(scratch)
        (folder / "picture.svg").write_text(svg, encoding="utf-8")
        text = '#set page(width: auto, height: auto, margin: 0pt)\n#image("picture.svg")'
        (folder / "picture.typ").write_text(text, encoding="utf-8")
        return bytes(typst.compile(str(folder / "picture.typ"), format="png", ppi=float(dots)))


def _without_traces(notebook: Any) -> Any:
    """Without when and where it was made: the same results give the same notebook."""
    notebook.metadata.pop("papermill", None)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        for name in ("papermill", "execution"):
            cell.metadata.pop(name, None)
        if cell.cell_type == "code":  # what is printed on the way, warnings of this machine, is no result
            cell.outputs = [one for one in cell.outputs if one.output_type != "stream"]
    return notebook


def _relative(folder: Path, beside: Path) -> str:
    try:
        return Path(os.path.relpath(folder.resolve(), beside.resolve())).as_posix()
    except ValueError:  # on another drive
        return folder.resolve().as_posix()


def _typst(text: str) -> str:
    return re.sub(r"([\\\"#$*_@<>`\[\]])", r"\\\1", text)


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


def html(notebook: Any, target: Path) -> None:
    """The page."""
    target.write_text(html_page(notebook), encoding="utf-8")


def ipynb(notebook: Any, target: Path) -> None:
    """The notebook, to be read and run again."""
    import nbformat

    nbformat.write(notebook, target)


WRITERS: dict[str, Callable[[Any, Path], None]] = {
    "html": html,
    "ipynb": ipynb,
    "pdf": pdf,
    "docx": docx,
    "hwpx": hwpx,
}

__all__ = ["WRITERS", "executed", "html_page", "png_of", "source"]
