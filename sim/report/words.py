"""The catalogues of messages: `words/<area>.<lang>.toml`, text by key. Numbers are not in them but in the results.

A message may have places, `{like} this`, that are filled when it is said. Every key is in every language, with the same
places; `tests/test_report_words.py` holds that.
"""

from __future__ import annotations

import string
import tomllib
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent / "words"
LANGUAGES = ("ko", "en")


class Words:
    """The messages of one language. KeyError for a language or a key that is not there."""

    def __init__(self, lang: str) -> None:
        if lang not in LANGUAGES:
            raise KeyError(f"no language {lang!r}: {', '.join(LANGUAGES)}")
        self.lang = lang
        self._known = catalogue(lang)

    def __call__(self, key: str, /, **places: object) -> str:
        """The message of a key, its places filled."""
        return self._known[key].format(**places)

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def of(self, english: str, korean: str) -> str:
        """The label of this language; the English one where there is no Korean."""
        return korean or english if self.lang == "ko" else english


@lru_cache(maxsize=2)
def catalogue(lang: str) -> dict[str, str]:
    """Every message of a language by key, keys of nested tables joined by dots. ValueError where two files have one."""
    found: dict[str, str] = {}
    for file in sorted(FOLDER.glob(f"*.{lang}.toml")):
        for key, text in _flat(tomllib.loads(file.read_text(encoding="utf-8"))):
            if key in found:
                raise ValueError(f"{file.name}: {key} is in two catalogues")
            found[key] = text
    return found


def places_of(text: str) -> set[str]:
    """Names of the places of a message."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _flat(table: dict[str, object], above: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in table.items():
        name = f"{above}.{key}" if above else key
        rows += _flat(value, name) if isinstance(value, dict) else [(name, str(value))]
    return rows


__all__ = ["LANGUAGES", "Words", "catalogue", "places_of"]
