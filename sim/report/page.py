"""The parts of a report as a notebook shows them: the first page, pictures, tables, where the numbers come from.

`notebooks/report.py` asks a `Report` for one after the other. Text is HTML; pictures are SVG, letters as shapes.
"""

from __future__ import annotations

import html
import io
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sim.report import pictures as drawn
from sim.report.first_page import FirstPage, first_page
from sim.report.pictures import Picture
from sim.report.registry import tables
from sim.report.subject import Subject, open_subject
from sim.report.table import ReportTable
from sim.report.words import Words

if TYPE_CHECKING:
    import pandas as pd

ABOUT = (
    "model",
    "commit",
    "economy",
    "economy_sha256",
    "seed",
    "scale",
    "uncertainty",
    "finished",
    "created",
)
"""Of the provenance of the results, what a report says."""


class Html(NamedTuple):
    """A piece of a page."""

    text: str

    def _repr_html_(self) -> str:
        return self.text


class Drawing(NamedTuple):
    """A picture as it is shown: id and caption go with it as metadata."""

    picture: Picture

    @property
    def id(self) -> str:
        """Its id on the page."""
        return f"picture-{self.picture.key}"

    @property
    def caption(self) -> str:
        """What stands under it, and what a screen reader says."""
        return f"{self.picture.title}. {self.picture.alt}"

    def svg(self) -> str:
        """As SVG inside a page: ids are its own, letters are shapes, its caption is its label."""
        import matplotlib

        out = io.StringIO()
        with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": self.id}):
            self.picture.draw().savefig(out, format="svg", metadata={"Date": None})
        body = out.getvalue()
        body = body[body.index("<svg") :]
        label = html.escape(self.caption, quote=True)
        return (
            body.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
            .replace('id="', f'id="{self.id}-')
            .replace('href="#', f'href="#{self.id}-')
            .replace("url(#", f"url(#{self.id}-")
        )

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, str], dict[str, str]]:
        return (
            {"image/svg+xml": self.svg(), "text/plain": self.caption},
            {"id": self.id, "caption": self.caption},
        )


class Shown(NamedTuple):
    """A table in the words of its report."""

    table: ReportTable
    say: Words

    def _repr_html_(self) -> str:
        return self.table.html(self.say)

    def frame(self) -> pd.DataFrame:
        """Its numbers in the units shown."""
        return self.table.frame()


class Report:
    """A report on a folder of results in a language, part by part.

    path: of a run, comparison, sweep or allocation. lang: ko or en. InputError for a folder without results, KeyError
    for an unknown language.
    """

    def __init__(self, path: str | Path | Subject, lang: str = "ko") -> None:
        self.subject = path if isinstance(path, Subject) else open_subject(path)
        self.say = Words(lang)

    @property
    def title(self) -> str:
        """Title of the report."""
        return self.say("page.title", name=_name(self.subject, self.say))

    @cached_property
    def told(self) -> FirstPage:
        """The first page as sentences."""
        return first_page(self.subject, self.say)

    @cached_property
    def pictures(self) -> list[Drawing]:
        """Every picture that the results allow."""
        return [Drawing(one) for one in drawn.pictures(self.subject, self.say)]

    def answer(self) -> Html:
        """Title, question, and the answer in three sentences."""
        say, told = self.say, self.told
        items = "".join(f"<li>{html.escape(text)}</li>" for text in told.answer)
        return Html(
            f"<h1>{html.escape(self.title)}</h1>\n<div class='first'>"
            f"<h2 id='first'>{html.escape(say('first.question'))}</h2>\n"
            f"<p class='question'>{html.escape(told.question)}</p>\n"
            f"<h2 id='answer'>{html.escape(say('first.answer'))}</h2>\n<ol class='answer'>{items}</ol></div>"
        )

    def first_picture(self) -> Drawing | None:
        """The picture of the first page; None where the results allow none."""
        keyed = (one for one in self.pictures if one.picture.key.split("-")[0] == self.told.picture)
        return next(keyed, None)

    def certainty(self) -> Html:
        """How sure the answer is, what would change it, what the model does not know."""
        parts = []
        for key in ("certainty", "changes", "unknown"):
            lines: tuple[str, ...] = getattr(self.told, key)
            if lines:
                items = "".join(f"<li>{html.escape(text)}</li>" for text in lines)
                parts.append(f"<h3>{html.escape(self.say(f'first.{key}'))}</h3>\n<ul>{items}</ul>\n")
        told = self.subject.provenance
        marks = (
            f"{self.say(f'page.of {key}')} {told[key]}" for key in ("model", "seed", "scale") if key in told
        )
        imprint = html.escape(" · ".join((self.subject.folder.resolve().name, *marks)))
        return Html(f"<div class='first'>{''.join(parts)}</div><div class='note'>{imprint}</div>")

    def contents(self) -> Html:
        """Titles of the tables, each a link to its table."""
        title = html.escape(self.say("page.tables"))
        links = (
            f'<li><a href="#table-{n}">{html.escape(one.title)}</a></li>' for n, one in self.tables.items()
        )
        nav = f'<nav aria-label="{title}"><ol>{"".join(links)}</ol></nav>'
        note = f'<div class="note">{html.escape(self.say("page.reading"))}</div>'
        return Html(f'<h2 id="tables">{title}</h2>\n<div class="contents">{nav}</div>\n{note}')

    def more_pictures(self) -> list[Html | Drawing]:
        """The other pictures under their heading."""
        first = self.first_picture()
        others = [one for one in self.pictures if one is not first]
        return [Html(f"<h2>{html.escape(self.say('page.pictures'))}</h2>"), *others] if others else []

    def table(self, number: int) -> Shown:
        """One of the twenty tables. KeyError for another number."""
        return Shown(self.tables[number], self.say)

    @cached_property
    def tables(self) -> dict[int, ReportTable]:
        """All twenty; one that cannot be filled says why."""
        return {one.number: one for one in tables(self.subject, self.say)}

    def about(self) -> Html:
        """Which scenarios, data and versions made the numbers."""
        title = html.escape(self.say("page.about"))
        rows = "".join(f"<dt>{html.escape(a)}</dt><dd>{html.escape(b)}</dd>" for a, b in self._origins())
        return Html(f"<h2>{title}</h2><dl class='about'>{rows}</dl>")

    def _origins(self) -> Iterator[tuple[str, str]]:
        told, subject, say = self.subject.provenance, self.subject, self.say
        yield say("page.of folder"), subject.folder.resolve().name
        for key in ABOUT:
            if told.get(key) is not None:
                value = f"page.{key}.{told[key]}"
                yield say(f"page.of {key}"), say(value) if value in say else str(told[key])
        for name, one in subject.scenarios.items():
            title = say.of(one.title, one.title_ko) or name
            yield (
                f"{say('page.of scenario')} {name}",
                f"{title}: sha256 {one.digest(subject.economy.digest)[:16]}",
            )
        versions = told.get("versions", {})
        yield say("page.of versions"), ", ".join(f"{name} {number}" for name, number in versions.items())


def _name(subject: Subject, say: Words) -> str:
    if subject.sweep is not None:
        told = subject.sweep.store.manifest
        return str(say.of(told["title"], told["title_ko"]) or told["name"])
    one = subject.scenarios[subject.main]
    title = say.of(one.title, one.title_ko) or one.name
    return title if subject.allocation is None else say(f"page.answer.{subject.question}", scenario=title)


__all__ = ["Drawing", "Html", "Report", "Shown"]
