"""The twenty tables, in their order, and where each is made."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from sim.report.subject import Subject
from sim.report.table import ReportTable
from sim.report.words import Words

HOMES: dict[int, str] = {
    **dict.fromkeys((1, 2, 3, 4), "tables_inputs"),
    **dict.fromkeys((5, 6, 7, 8), "tables_people"),
    **dict.fromkeys((9, 13, 14), "tables_jobs"),
    **dict.fromkeys((10, 11, 12, 16), "tables_money"),
    **dict.fromkeys((15, 17, 18), "tables_review"),
    **dict.fromkeys((19, 20), "tables_evidence"),
}
"""Number -> module of `sim.report`, which has a function `table_NN(subject, say)`."""


def table(number: int, subject: Subject, say: Words) -> ReportTable:
    """One table of a report."""
    make: Callable[[Subject, Words], ReportTable] = getattr(
        import_module(f"sim.report.{HOMES[number]}"), f"table_{number:02d}"
    )
    return make(subject, say)


def tables(subject: Subject, say: Words) -> list[ReportTable]:
    """All twenty; one that cannot be filled says why."""
    return [table(number, subject, say) for number in sorted(HOMES)]


__all__ = ["HOMES", "table", "tables"]
