"""`laborshift report`: which files, where, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from sim.errors import InputError, nearest
from sim.folder import whole
from sim.report import exports
from sim.report.page import Report
from sim.report.subject import open_subject
from sim.report.words import LANGUAGES

BUILT = ("html", "pdf", "ipynb", "docx", "hwpx")
"""Formats made of the executed notebook; the others are made of the tables and pictures alone."""
FORMATS = (*BUILT, *exports.FILES, *exports.FOLDERS)
NOTEBOOK = ("jupytext", "papermill", "nbconvert", "ipykernel")
NEEDS = {
    "html": NOTEBOOK,
    "ipynb": NOTEBOOK,
    "pdf": (*NOTEBOOK, "pypandoc", "typst"),
    "docx": (*NOTEBOOK, "pypandoc", "typst"),
    "hwpx": (*NOTEBOOK, "pypandoc", "typst", "hwpx"),
    "xlsx": ("xlsxwriter",),
    "figures": ("typst",),
}
"""Format -> libraries of the extra `report` that it needs."""


def report_command(
    path: str,
    *,
    lang: str = "ko",
    formats: list[str] | None = None,
    one_page: bool = False,
    out: Path | None = None,
    quiet: bool = False,
) -> list[Path]:
    """Write a report on a results folder in each format asked for (html when none); where they are.

    InputError for an unknown language or format, a folder without results, or a file that cannot be written.
    """
    asked = formats or [_format_of(out)]
    _known("language", "--lang", lang, LANGUAGES)
    for one in asked:
        _known("format", "--format", one, FORMATS)
        if one_page and one not in BUILT:
            raise InputError(f"{one} has no summary", key="--one-page", allowed=", ".join(BUILT))
        for library in NEEDS.get(one, ()):
            if find_spec(library) is None:
                raise ModuleNotFoundError(name=library)
    if out is not None and len(asked) > 1:
        raise InputError("one file for several formats", key="--out", allowed="one --format with --out")
    subject = open_subject(path)
    if subject.kind == "run" and "mean_field" in getattr(subject.results, "tree", {}):
        raise InputError("a network of occupations has no report", file=path)
    report = Report(subject, lang)
    stem = f"report-{lang}{'-one-page' if one_page else ''}"
    targets = [
        out or subject.folder / (f"{stem}-{one}" if one in exports.FOLDERS else f"{stem}.{one}")
        for one in asked
    ]
    notebook = None
    for one, target in zip(asked, targets, strict=True):
        if one in BUILT and notebook is None:
            from sim.report.build import executed

            _writable(target)
            notebook = executed(subject.folder, lang, report.title, beside=target.parent, one_page=one_page)
        _write(one, report, notebook, target)
        if not quiet:
            print(f"wrote {target}")
    return targets


def _write(kind: str, report: Report, notebook: object, target: Path) -> None:
    """One file or folder, under a temporary name first."""
    from sim.report import build

    try:
        if kind in exports.FOLDERS:
            with whole(target) as part:
                exports.FOLDERS[kind](report, part)
            return
        with _part(target) as part:
            if kind in exports.FILES:
                exports.FILES[kind](report, part)
            else:
                build.WRITERS[kind](notebook, part)
    except OSError as reason:
        raise InputError(f"cannot be written ({reason.strerror})", file=str(target), key="--out") from reason


@contextmanager
def _part(target: Path) -> Iterator[Path]:
    """A file to write into that takes the target's name at the end."""
    _writable(target)
    with TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as scratch:
        part = Path(scratch) / f"part{target.suffix}"
        yield part
        os.replace(part, target)


def _writable(target: Path) -> None:
    if not target.parent.is_dir():
        raise InputError("the folder is not there", file=str(target), key="--out")
    if target.is_dir():
        raise InputError("is a folder", file=str(target), key="--out", allowed="the name of a file")


def _format_of(out: Path | None) -> str:
    """The format that the ending of a file asks for; html without one."""
    ending = out.suffix[1:].lower() if out is not None else ""
    return ending if ending in (*BUILT, *exports.FILES) else "html"


def _known(what: str, key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        near = nearest(value, allowed)
        raise InputError(f"unknown {what} {value!r}", key=key, allowed=", ".join(allowed), nearest=near)


__all__ = ["BUILT", "FORMATS", "report_command"]
