"""A report's page as a document for Hangul, the word processor of Korean ministries (HWPX: OWPML, KS X 6101)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import count, groupby
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from hwpx import HwpxDocument
    from hwpx.oxml import HwpxOxmlParagraph, HwpxOxmlTable, HwpxOxmlTableCell

FILTER = Path(__file__).parent / "template" / "print.lua"
"""Gives the columns of a table their shares of the page, as in the printed page."""
ON_THEIR_SIDE = "tables"
"""Heading from which on pages are on their side."""
CONTENTS = "contents"
"""A list of links; it needs the page."""

MM = 7200 / 25.4
PT = 100
PIXEL = 75
SIDE, TOP, FOOT = 18.0, 15.0, 10.0
"""Margins, mm; `FOOT` has the page number in it."""
PAPER = (210.0, 297.0)
HIGHEST = 0.75
"""Of a picture, as a share of the height of the text."""
PADDING, ABOVE = 260, 140
"""On each side of a cell's text, and above and below it."""
DIGIT = 0.56
"""Width of a digit of 함초롬돋움, of its size, with some room."""
LARGEST, SMALLEST = 8.0, 5.5
"""Letters of tables, pt."""
SPACING = 125
"""Of the lines of a cell, %."""
SERIF, SANS = "함초롬바탕", "함초롬돋움"  # come with Hangul
LINE, SHADE = "#BFBFBF", "#E9EEF3"


class Look(NamedTuple):
    """Of a paragraph: letters (pt), space before and after (pt) and between lines (%), what it stays with."""

    size: float = 10.0
    font: str = SERIF
    align: str = "LEFT"
    before: float = 0.0
    after: float = 4.0
    spacing: int = 150
    kept: bool = False
    bold: bool = False


TEXT, NOTE, PICTURE = Look(), Look(8.5, after=2.0, spacing=135), Look(before=6.0, spacing=100, kept=True)
HEADINGS = (
    Look(20.0, SANS, before=0.0, after=12.0, spacing=130, kept=True, bold=True),
    Look(15.0, SANS, before=16.0, after=6.0, spacing=130, kept=True, bold=True),
    Look(12.0, SANS, before=12.0, after=4.0, spacing=130, kept=True, bold=True),
)
Piece = tuple[str, bool]
"""Some text, and whether it is bold."""


def write(page: str, target: Path, *, lang: str) -> None:
    """The page, its pictures being PNG files, as an A4 document: the same page gives the same bytes."""
    import pypandoc

    told = json.loads(
        pypandoc.convert_text(page, "json", format="html", extra_args=[f"--lua-filter={FILTER}"])
    )
    title = "".join(text for text, _ in _pieces(told["meta"].get("title", {}).get("c", [])))
    made = _Hangul()
    made.blocks(told["blocks"])
    target.write_bytes(made.closed(title, lang))


class _Hangul:
    """The document while it is written, from its beginning to its end."""

    def __init__(self) -> None:
        from hwpx import HwpxDocument

        self.document: HwpxDocument = HwpxDocument.new()
        self.head = self.document.oxml.headers[0]
        for outline in self.head.element.iter("{*}paraHead"):
            outline.text = None  # headings have their own numbers, or none
        self.section = self.document.sections[0]
        self.empty: HwpxOxmlParagraph | None = None
        """The first paragraph of a section, which holds its settings."""
        self.shapes: dict[tuple[Look, str], str] = {}
        self.letters: dict[tuple[Look, bool], str] = {}
        self._page("PORTRAIT")

    def _page(self, orientation: str) -> None:
        margins = {"left": SIDE, "right": SIDE, "top": TOP, "bottom": TOP, "header": 0.0, "footer": FOOT}
        self.document.page.setup(
            paper_size="A4", orientation=orientation, margins_mm=margins, section=self.section
        )
        self.empty = self.section.paragraphs[0]
        _number_pages(self.section.element)
        wide, high = PAPER if orientation == "PORTRAIT" else PAPER[::-1]
        self.width = round((wide - 2 * SIDE) * MM)
        self.height = round((high - 2 * TOP - FOOT) * MM)

    def blocks(self, blocks: list[Any], look: Look = TEXT, depth: int = 0) -> None:
        """look: of paragraphs. depth: of lists around them."""
        for one in blocks:
            inside = one.get("c")
            match one["t"]:
                case "Header":
                    self._heading(*inside)
                case "Plain" | "Para":
                    self._paragraph(inside, look)
                case "Div":
                    if CONTENTS not in inside[0][1]:
                        self.blocks(inside[1], NOTE if "note" in inside[0][1] else look, depth)
                case "BulletList":
                    self._list(inside, "bullet", look, depth)
                case "OrderedList":
                    self._list(inside[1], "number", look, depth)
                case "DefinitionList":
                    for term, definitions in inside:
                        self._defined(term, definitions, look)
                case "Table":
                    self._table(*inside)
                case "Figure":
                    self.blocks(inside[2], look, depth)
                    self.blocks(inside[1][1], NOTE, depth)
                case "HorizontalRule":
                    self.document.styles.apply_paragraph_format(
                        paragraphs=[self._written([], look)], bottom_border=True
                    )
                case kind:
                    raise ValueError(f"a page for Hangul has no place for {kind}")

    def _heading(self, level: int, attributes: list[Any], inlines: list[Any]) -> None:
        if attributes[0] == ON_THEIR_SIDE:
            self.section = self.document.add_section()
            self._page("LANDSCAPE")
        style = self.document.styles.resolve(f"개요 {level}")
        look = HEADINGS[min(level, len(HEADINGS)) - 1]
        paragraph = self._written(_pieces(inlines), look, base=str(style.para_pr_id_ref))
        paragraph.style_id_ref = style.id

    def _paragraph(self, inlines: list[Any], look: Look) -> None:
        pictures = [one["c"] for one in inlines if one["t"] == "Image"]
        for _, alt, (source, _) in pictures:
            self._picture(Path(source), "".join(text for text, _ in _pieces(alt)))
        rest = [*_pieces(one for one in inlines if one["t"] != "Image")]
        if rest or not pictures:
            self._written(rest, look)

    def _written(self, pieces: Iterable[Piece], look: Look, base: str = "0") -> HwpxOxmlParagraph:
        paragraph, self.empty = self.empty, None
        if paragraph is None:
            paragraph = self.document.add_paragraph(
                section=self.section, include_run=False, inherit_style=False
            )
        self._fill(paragraph, pieces, look, base)
        return paragraph

    def _fill(self, paragraph: HwpxOxmlParagraph, pieces: Iterable[Piece], look: Look, base: str) -> None:
        paragraph.para_pr_id_ref = self._shape(look, base)
        for bold, run in groupby(pieces, lambda piece: piece[1]):
            paragraph.add_run(
                "".join(text for text, _ in run),
                char_pr_id_ref=self._letters(look, bold or look.bold),
                expand_special_characters=True,
            )

    def _letters(self, look: Look, bold: bool) -> str:
        ensure = self.document.styles.ensure_run
        if (look, bold) not in self.letters:
            self.letters[look, bold] = ensure(bold=bold, font=look.font, size=look.size)
        return self.letters[look, bold]

    def _shape(self, look: Look, base: str = "0") -> str:
        if (look, base) not in self.shapes:
            self.shapes[look, base] = self._new_shape(look, base)
        return self.shapes[look, base]

    def _new_shape(self, look: Look, base: str) -> str:
        margins = {"prev": round(look.before * PT), "next": round(look.after * PT)}
        shape: str = self.head.ensure_paragraph_format(
            base_para_pr_id=base,
            alignment=look.align,
            line_spacing_percent=look.spacing,
            margins=margins | ({"left": 0} if look in HEADINGS else {}),
            break_setting={"keep_with_next": look.kept},
        )
        return shape

    def _list(self, items: list[list[Any]], kind: str, look: Look, depth: int) -> None:
        levels = [{"char": "•" if kind == "bullet" else ""}] * (depth + 1)
        shape = self.document.styles.ensure_numbering(kind=kind, levels=levels)[depth]
        shape = self.head.ensure_paragraph_format(base_para_pr_id=shape, margins={"left": 600 * (depth + 1)})
        for first, *others in filter(None, items):
            if first["t"] in ("Plain", "Para"):
                self._written(_pieces(first["c"]), look, base=shape)
            else:
                others = [first, *others]
            self.blocks(others, look, depth + 1)

    def _defined(self, term: list[Any], definitions: list[list[Any]], look: Look) -> None:
        text = [piece for one in _paragraphs(definitions) for piece in (*_pieces(one), (" ", False))]
        self._written([*_pieces(term, True), (": ", True), *text[:-1]], look)

    def _picture(self, file: Path, alt: str) -> None:
        from PIL import Image

        self.empty = None
        with Image.open(file) as picture:
            across, down = picture.size
        width = round(min(self.width, HIGHEST * self.height * across / down))
        shown = self.document.add_picture(
            file.read_bytes(),
            "png",
            section=self.section,
            width=width,
            height=round(width * down / across),
            para_pr_id_ref=self._shape(PICTURE),
            style_id_ref="0",
            char_pr_id_ref=self._letters(PICTURE, False),
        )
        tree: Any = shown.element
        tree.find("{*}shapeComment").text = alt
        whole = str(across * PIXEL), str(down * PIXEL)  # of the file: all of it is shown
        _set(tree.find("{*}imgDim"), dimwidth=whole[0], dimheight=whole[1])
        _set(tree.find("{*}imgClip"), right=whole[0], bottom=whole[1])

    def _table(self, _: Any, caption: Any, columns: Any, head: Any, bodies: Any, foot: Any) -> None:
        self.blocks(caption[1], NOTE)
        self.empty = None
        heads = head[1] + [row for body in bodies for row in body[2]]
        rows = heads + [row for body in bodies for row in body[3]] + foot[1]
        fill = self.document.styles.ensure_border_fill
        table = self.document.add_table(
            len(rows),
            len(columns),
            section=self.section,
            width=self.width,
            para_pr_id_ref=self._shape(NOTE),
            border_fill_id_ref=fill(border_color=LINE),
        )
        table.set_treat_as_char(False)  # one that is a character does not break across pages
        _set(table.element, pageBreak="TABLE", repeatHeader="1")  # pages end between rows
        tree: Any = table.element
        for margin in tree.iter("{*}inMargin", "{*}cellMargin"):
            _set(margin, left=str(PADDING), right=str(PADDING), top=str(ABOVE), bottom=str(ABOVE))
        table.set_column_widths([width.get("c", 1 / len(columns)) for _, width in columns])
        self._cells(table, rows, len(heads), fill(border_color=LINE, fill_color=SHADE))

    def _cells(self, table: HwpxOxmlTable, rows: list[Any], heads: int, shade: str) -> None:
        written = [[_cell(one) for one in row[1]] for row in rows]
        places = [row.cells for row in table.rows]
        widths = [place.width - 2 * PADDING for place in places[0]]
        size = _size(written[heads:], widths)
        for number, (cells, those) in enumerate(zip(written, places, strict=True)):
            lines = max(cell.lines(size, width) for cell, width in zip(cells, widths, strict=True))
            look = Look(size, SANS, after=0.0, spacing=SPACING, bold=number < heads)
            for cell, place in zip(cells, those, strict=True):
                self._put(cell, place, look._replace(align="RIGHT" if cell.number else "LEFT"))
                place.set_size(height=round(lines * size * PT * SPACING / 100) + 2 * ABOVE)
                if number < heads:
                    _set(place.element, header="1", borderFillIDRef=shade)
        tree: Any = table.element
        _set(tree.find("{*}sz"), height=str(sum(those[0].height for those in places)))

    def _put(self, cell: _Cell, place: HwpxOxmlTableCell, look: Look) -> None:
        paragraph = place.paragraphs[0]
        for empty in [*paragraph.element]:
            paragraph.element.remove(empty)
        self._fill(paragraph, cell.pieces or [("", False)], look, "0")

    def closed(self, title: str, lang: str) -> bytes:
        """The file, without when and where it was made."""
        head: Any = self.head.element
        for bullets in head.findall(".//{*}bullets"):  # which the schema has here
            head.find(".//{*}numberings").addnext(bullets)
        package = self.document.package
        package.clear_document_metadata(keep=())
        for language in package.manifest_tree().iter("{*}language"):
            language.text = lang
        package.set_document_metadata(title=title, creator="LaborShift")
        numbers = count(1)
        for section in self.document.sections:
            tree: Any = section.element
            for one in tree.iter("{*}p", "{*}tbl", "{*}pic"):  # their ids were drawn at random
                number = str(next(numbers))
                _set(one, **{name: number for name in ("id", "instid") if name in one.attrib})
            section.mark_dirty()
        return self.document.to_bytes()


def _number_pages(section: Any) -> None:
    """As Hangul does itself: a control next to that of the columns."""
    columns = section.find(".//{*}colPr")
    control = columns.getparent()
    number = control.makeelement(control.tag)
    tag = columns.tag.replace("colPr", "pageNum")
    number.append(number.makeelement(tag, pos="BOTTOM_CENTER", formatType="DIGIT", sideChar="-"))
    control.addnext(number)


def _set(element: Any, **attributes: str) -> None:
    for name, value in attributes.items():
        element.set(name, value)


class _Cell(NamedTuple):
    pieces: list[Piece]
    number: bool

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)

    def lines(self, size: float, width: int) -> int:
        """How many there are about; a Korean letter is as wide as it is high, others half as wide."""
        wide = [sum(2 if letter > "\u1100" else 1 for letter in line) for line in self.text.split("\n")]
        return sum(max(1, ceil(one * size * PT / 2 / width)) for one in wide)


def _cell(cell: Any) -> _Cell:
    attributes, _, *span, blocks = cell
    if span != [1, 1]:
        raise ValueError("a page for Hangul has no cells over several rows or columns")
    lines = [[*_pieces(line)] for line in _paragraphs(blocks)]
    pieces = [piece for line in lines for piece in (("\n", False), *line)]
    return _Cell(pieces[1:], "number" in attributes[1])


def _size(rows: list[list[_Cell]], widths: list[int]) -> float:
    """Of letters (pt): no number of the table is broken."""
    sizes = [LARGEST]
    for cells in rows:
        for cell, width in zip(cells, widths, strict=True):
            if cell.number:
                longest = max(map(len, cell.text.split(" ")))
                sizes.append(width / (DIGIT * PT * max(longest, 1)))
    return max(SMALLEST, int(10 * min(sizes)) / 10)


BLANKS = {"Space": " ", "SoftBreak": " ", "LineBreak": "\n"}
BARE = {"Emph", "Underline", "Strong", "Strikeout", "Superscript", "Subscript", "SmallCaps"}
"""What stands in a paragraph without attributes."""


def _pieces(inlines: Iterable[Any], bold: bool = False) -> Iterator[Piece]:
    """The text of a paragraph."""
    for one in inlines:
        kind, inside = one["t"], one.get("c")
        if kind in BLANKS:
            yield BLANKS[kind], bold
            continue
        text = inside if kind == "Str" or kind in BARE else inside[1]
        if isinstance(text, str):
            yield text, bold
        else:
            yield from _pieces(text, bold or kind == "Strong")


def _paragraphs(blocks: Any) -> Iterator[Any]:
    """What is written in blocks, however deep in them."""
    if isinstance(blocks, list):
        for one in blocks:
            yield from _paragraphs(one)
    elif isinstance(blocks, dict):
        plain = blocks["t"] in ("Plain", "Para")
        yield from [blocks["c"]] if plain else _paragraphs(blocks.get("c"))


__all__ = ["write"]
