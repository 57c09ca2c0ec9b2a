"""A report as a document for Word: pandoc's, with Korean letters, A4, the tables on their side."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

_SIDES = " ".join(f'w:{side}="1080"' for side in ("top", "bottom", "left", "right"))
_MARGINS = f'<w:pgMar {_SIDES} w:header="500" w:footer="500" w:gutter="0"/>'
_UPRIGHT = f'<w:sectPr><w:pgSz w:w="11906" w:h="16838"/>{_MARGINS}</w:sectPr>'
_SIDEWAYS = f'<w:sectPr><w:pgSz w:w="16838" w:h="11906" w:orient="landscape"/>{_MARGINS}</w:sectPr>'
_FONTS = '<w:rFonts w:ascii="Malgun Gothic" w:eastAsia="Malgun Gothic" w:hAnsi="Malgun Gothic" w:cs="Malgun Gothic"/>'
_STYLES = "".join(
    f'<w:style w:type="paragraph" w:customStyle="1" w:styleId="{name.replace(" ", "")}"><w:name w:val="{name}"/>'
    f'<w:basedOn w:val="Normal"/><w:pPr><w:spacing w:before="0" w:after="{after}"/></w:pPr>'
    f'<w:rPr><w:sz w:val="{size}"/><w:szCs w:val="{size}"/></w:rPr></w:style>'
    for name, size, after in (("Table Text", 14, 0), ("Note", 16, 40))
)


def write(page: str, target: Path, *, options: Sequence[str], sideways: bool) -> None:
    """Write a page, its pictures as files, as a document. sideways: whether its last part, the tables, is."""
    import pypandoc

    with TemporaryDirectory(prefix="laborshift-report-") as scratch:
        styles = Path(scratch) / "reference.docx"
        _reference(styles, sideways=sideways)
        asked = [*options, f"--reference-doc={styles}"]
        pypandoc.convert_text(page, "docx", format="html", extra_args=asked, outputfile=str(target))


def _reference(target: Path, *, sideways: bool) -> None:
    """The styles of pandoc's documents, with Korean letters, smaller text, and the size of the last pages."""
    import pypandoc

    made = subprocess.run(
        [pypandoc.get_pandoc_path(), "--print-default-data-file=reference.docx"],
        capture_output=True,
        check=True,
    )
    with ZipFile(BytesIO(made.stdout)) as old, ZipFile(target, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            body = old.read(name)
            if name == "word/document.xml":
                size = _SIDEWAYS if sideways else _UPRIGHT
                body = re.sub(
                    rb"<w:sectPr[^>]*/>|<w:sectPr.*?</w:sectPr>", size.encode(), body, flags=re.DOTALL
                )
            if name == "word/styles.xml":
                text = re.sub(r"<w:rFonts[^>]*minor[^>]*/>", _FONTS, body.decode("utf-8"))
                text = text.replace("</w:styles>", _STYLES + "</w:styles>")
                body = re.sub(
                    r'(<w:docDefaults>.*?<w:sz w:val=)"\d+"', r'\1"20"', text, flags=re.DOTALL
                ).encode()
            new.writestr(name, body)


__all__ = ["write"]
