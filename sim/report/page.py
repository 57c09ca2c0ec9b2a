"""The report as one self-contained HTML page: first page, pictures, twenty tables, where the numbers come from.

Nothing is fetched: styles stand in the page, pictures are in it as SVG text, there are no scripts.
"""

from __future__ import annotations

import html
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import InputError, nearest
from sim.report.first_page import FirstPage, first_page
from sim.report.pictures import pictures
from sim.report.registry import tables
from sim.report.subject import Subject, open_subject
from sim.report.table import ReportTable
from sim.report.words import LANGUAGES, Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.6 "Noto Sans KR", "NanumGothic", "Malgun Gothic", "Apple SD Gothic Neo", sans-serif; color: #1a1a1a;
  background: #fff; margin: 0 auto; max-width: 62rem; padding: 1rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.3; margin: .5rem 0 1rem; } h2 { font-size: 1.3rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: 1.05rem; margin: 2rem 0 .4rem; }
a { color: #00507d; } a:focus, .wide:focus { outline: 3px solid #e69f00; outline-offset: 2px; }
.skip { position: absolute; left: -999px; } .skip:focus { left: 1rem; top: 1rem; background: #fff; padding: .5rem; }
.first { border-left: 5px solid #0072b2; padding: .2rem 0 .2rem 1.1rem; }
.first p, .first li { margin: .35rem 0; } .question { font-size: 1.1rem; font-weight: 600; }
.answer li { font-size: 1.05rem; }
figure { margin: 1.5rem 0; } figure svg { width: 100%; height: auto; }
figcaption, .note, .about { color: #444; font-size: .87rem; }
.note { margin: .15rem 0; } .missing { font-style: italic; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; min-width: 100%; }
th, td { padding: .28rem .55rem; text-align: left; vertical-align: top; border-bottom: 1px solid #ddd;
  word-break: keep-all; }
thead th { border-bottom: 2px solid #444; background: #f4f6f8; } tbody th { font-weight: 400; }
td.number { white-space: nowrap; } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
nav ol { columns: 2; font-size: .92rem; } @media (max-width: 40rem) { nav ol { columns: 1; } }
@media print { body { max-width: none; font-size: 10pt; } .wide { overflow: visible; } nav { display: none; }
  h3 { break-after: avoid; } tr { break-inside: avoid; } }
"""


def page(subject: Subject, lang: str) -> str:
    """The whole report of a subject in a language, as HTML."""
    say = Words(lang)
    told, every = first_page(subject, say), tables(subject, say)
    title = html.escape(say("page.title", name=_name(subject, say)))
    parts = [
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title><style>{STYLE}</style></head><body>",
        f'<a class="skip" href="#tables">{html.escape(say("page.skip"))}</a>',
        f"<header><h1>{title}</h1></header><main>",
        *_first(told, say),
        *_figures(subject, say),
        *_contents(every, say),
        *(table.html(say) for table in every),
        *_about(subject, say),
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _name(subject: Subject, say: Words) -> str:
    if subject.sweep is not None:
        told = subject.sweep.store.manifest
        return str(say.of(told["title"], told["title_ko"]) or told["name"])
    if subject.results is None:
        return subject.folder.name
    one = subject.scenarios[subject.main]
    return say.of(one.title, one.title_ko) or one.name


def _first(told: FirstPage, say: Words) -> Iterator[str]:
    yield f'<section class="first" aria-labelledby="first"><h2 id="first">{html.escape(say("first.answer"))}</h2>'
    yield f'<p class="question">{html.escape(told.question)}</p>'
    yield '<ol class="answer">' + "".join(f"<li>{html.escape(text)}</li>" for text in told.answer) + "</ol>"
    for key, lines in (("certainty", told.certainty), ("changes", told.changes), ("unknown", told.unknown)):
        if lines:
            items = "".join(f"<li>{html.escape(text)}</li>" for text in lines)
            yield f"<h3>{html.escape(say(f'first.{key}'))}</h3><ul>{items}</ul>"
    yield "</section>"


def _figures(subject: Subject, say: Words) -> Iterator[str]:
    yield f"<h2>{html.escape(say('page.pictures'))}</h2>"
    for n, one in enumerate(pictures(subject, say)):
        svg = _svg(one.draw(), f"picture-{n}", one.alt)
        yield f"<figure>{svg}<figcaption>{html.escape(one.title)}. {html.escape(one.alt)}</figcaption></figure>"


def _svg(figure: Figure, id: str, alt: str) -> str:
    """A picture as SVG inside the page, letters as shapes, with its text for screen readers."""
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": id}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    body = out.getvalue()
    body = body[body.index("<svg") :]
    label = html.escape(alt, quote=True)
    return (
        body.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
        .replace('id="', f'id="{id}-')
        .replace('href="#', f'href="#{id}-')
        .replace("url(#", f"url(#{id}-")
    )


def _contents(every: list[ReportTable], say: Words) -> Iterator[str]:
    title = html.escape(say("page.tables"))
    yield f'<h2 id="tables">{title}</h2><nav aria-label="{title}"><ol>'
    for table in every:
        yield f'<li><a href="#table-{table.number}">{html.escape(table.title)}</a></li>'
    yield "</ol></nav>"


def _about(subject: Subject, say: Words) -> Iterator[str]:
    """Which scenarios, data and versions made the numbers."""
    told = subject.provenance
    yield f"<h2>{html.escape(say('page.about'))}</h2><dl class='about'>"
    keys = (
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
    for key in keys:
        if told.get(key) is not None:
            yield f"<dt>{html.escape(say(f'page.of {key}'))}</dt><dd>{html.escape(str(told[key]))}</dd>"
    for name, one in subject.scenarios.items():
        text = f"{one.title or name}: sha256 {one.digest(subject.economy.digest)[:16]}"
        yield f"<dt>{html.escape(say('page.of scenario'))} {html.escape(name)}</dt><dd>{html.escape(text)}</dd>"
    versions = told.get("versions", {})
    yield f"<dt>{html.escape(say('page.of versions'))}</dt><dd>{html.escape(json.dumps(versions))}</dd></dl>"


# --------------------------------------------------------------------------------------------------- command


def report_command(path: str, *, lang: str = "ko", out: Path | None = None, quiet: bool = False) -> Path:
    """`laborshift report`: write the page of a results folder, whole or not at all; where it is.

    InputError for an unknown language, a folder without results, or a file that cannot be written.
    """
    if lang not in LANGUAGES:
        near = nearest(lang, LANGUAGES)
        raise InputError(
            f"unknown language {lang!r}", key="--lang", allowed=", ".join(LANGUAGES), nearest=near
        )
    subject = open_subject(path)
    if subject.kind == "run" and "mean_field" in getattr(subject.results, "tree", {}):
        raise InputError("a network of occupations has no report", file=path)
    target = out or subject.folder / f"report-{lang}.html"
    if lang == "ko" and not quiet:
        from sim.drawing import korean_font

        if korean_font() is None:
            print("no Korean font is installed: pictures are labelled in English", file=sys.stderr)
    text = page(subject, lang)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, target)
    except OSError as reason:
        raise InputError(f"cannot be written ({reason.strerror})", file=str(target), key="--out") from reason
    finally:
        part.unlink(missing_ok=True)
    if not quiet:
        print(f"wrote {target}")
    return target


__all__ = ["page", "report_command"]
