"""What a report is taken apart into: its tables as a workbook or CSV files, its pictures as PNG and SVG."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sim.report.page import Report
from sim.report.table import UNITS, ReportTable

WIDEST = 60
"""Of a column of the workbook, in letters."""
LINE = 16
"""Height of a line of it, points."""
SHEET = {"ko": "표 {number:02d}", "en": "Table {number:02d}"}


def xlsx(report: Report, target: Path) -> None:
    """One workbook: a sheet of contents, then a sheet for each table with its heading, numbers and notes."""
    import xlsxwriter

    say = report.say
    with xlsxwriter.Workbook(str(target), {"strings_to_formulas": False, "nan_inf_to_errors": False}) as book:
        book.set_properties({"title": report.title, "created": None})
        look = {name: book.add_format(how) for name, how in _LOOKS.items()}
        contents = book.add_worksheet(say("page.tables"))
        contents.write(0, 0, report.title, look["title"])
        contents.set_column(0, 0, 90)
        for n, table in enumerate(report.tables.values()):
            name = SHEET[say.lang].format(number=table.number)
            heading = say("table.heading", number=table.number, title=table.title)
            contents.write_url(n + 2, 0, f"internal:'{name}'!A1", string=heading)
            _sheet(book.add_worksheet(name), table, heading, report, look)


def csv(report: Report, folder: Path) -> None:
    """Each filled table as a CSV file that Excel reads in Korean: UTF-8 with a byte order mark."""
    for table in report.tables.values():
        if table.rows:
            file = folder / f"table-{table.number:02d}-{table.key}.csv"
            frame = table.frame(report.say)
            frame.to_csv(file, index=False, encoding="utf-8-sig", lineterminator="\r\n")


def figures(report: Report, folder: Path) -> None:
    """Each picture as PNG and SVG, letters as shapes."""
    from sim.report.build import png_of

    for drawing in report.pictures:
        svg = drawing.svg()
        (folder / f"{drawing.picture.key}.svg").write_text(svg, encoding="utf-8")
        (folder / f"{drawing.picture.key}.png").write_bytes(png_of(svg))


_HEAD = {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#f0f3f6", "bottom": 2}
_LOOKS: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 14},
    "head": _HEAD,
    "number head": _HEAD | {"align": "right"},
    "text": {"valign": "top", "text_wrap": True},
    "note": {"font_color": "#555555"},
    **{
        form: {"num_format": form, "valign": "top"}
        for form in ("#,##0", "#,##0.0", "#,##0.00", "0", "0.0000", "General")
    },
}
_FORMS = {
    ",.0f": "#,##0",
    ",.1f": "#,##0.0",
    ".1f": "#,##0.0",
    ".2f": "#,##0.00",
    ".0f": "0",
    ".4f": "0.0000",
}
"""How a unit is written -> number format of a workbook; signs are left to the program."""


def _sheet(sheet: Any, table: ReportTable, heading: str, report: Report, look: dict[str, Any]) -> None:
    sheet.write(0, 0, heading, look["title"])
    row = 2
    if table.missing:
        sheet.write(row, 0, table.missing)
    else:
        frame, units = table.frame(report.say), table.frame_units()
        for k, (name, unit) in enumerate(zip(frame.columns, units, strict=True)):
            sheet.write(row, k, name, look["number head" if unit else "head"])
            form = _FORMS.get(UNITS[unit][1].lstrip("+"), "General") if unit else "text"
            values = frame[name].tolist()
            for n, value in enumerate(values, start=row + 1):
                _cell(sheet, n, k, value, look[form])
            longest = max((_letters(str(v)) for v in values), default=0) if not unit else 11
            sheet.set_column(k, k, min(WIDEST, max(longest + 2, 12)))
        sheet.set_row(row, 3 * LINE)
        sheet.freeze_panes(row + 1, 1)
        sheet.autofilter(row, 0, row + len(frame), len(frame.columns) - 1)
        row += len(frame) + 1
    for n, text in enumerate(table.said(report.say), start=row + 1):
        sheet.write(n, 0, text, look["note"])
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)


def _cell(sheet: Any, row: int, column: int, value: Any, look: Any) -> None:
    if isinstance(value, str):
        sheet.write_string(row, column, value, look)
    elif value is None or not math.isfinite(value):
        sheet.write_blank(row, column, None, look)
    else:
        sheet.write_number(row, column, float(value), look)


def _letters(text: str) -> int:
    """Width of a text; a Korean letter is as wide as two others."""
    return sum(2 if ord(one) > 0x1100 else 1 for one in text)


FILES: dict[str, Callable[[Report, Path], None]] = {"xlsx": xlsx}
FOLDERS: dict[str, Callable[[Report, Path], None]] = {"csv": csv, "figures": figures}

__all__ = ["FILES", "FOLDERS", "csv", "figures", "xlsx"]
