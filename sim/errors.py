"""Mistakes in what the user gave us: one message with the place, the fault, what is allowed, the nearest
name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class InputError(Exception):
    """The user's input is wrong. The command line prints it and exits with 2; nothing is run.

    problem: what is wrong, in plain words.
    file, line: where it is written (line counts from 1); key: the dotted name concerned.
    allowed: what would be accepted; nearest: the known name closest to a misspelt one.
    others: further mistakes found at the same time; `str()` shows the first, `every()` gives all.
    """

    def __init__(
        self,
        problem: str,
        file: str | None = None,
        line: int | None = None,
        key: str | None = None,
        allowed: str | None = None,
        nearest: str | None = None,
        others: Sequence[InputError] = (),
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.file = file
        self.line = line
        self.key = key
        self.allowed = allowed
        self.nearest = nearest
        self.others = tuple(others)

    def __str__(self) -> str:
        """`FILE:LINE: KEY: PROBLEM; allowed: ...; did you mean "..."?` with the unknown parts left out."""
        place = ""
        if self.file is not None:
            place = self.file if self.line is None else f"{self.file}:{self.line}"
        message = ": ".join(part for part in (place, self.key, self.problem) if part)
        if self.allowed:
            message += f"; allowed: {self.allowed}"
        if self.nearest:
            message += f'; did you mean "{self.nearest}"?'
        return message

    def every(self) -> list[InputError]:
        """This mistake and the others found with it, in the order of the file."""
        return [self, *self.others]

    def record(self) -> dict[str, str | int | None]:
        """The fields as plain values, for `--json`."""
        names = ("file", "line", "key", "problem", "allowed", "nearest")
        return {name: getattr(self, name) for name in names}


def nearest(name: str, options: Iterable[str]) -> str | None:
    """The option most like `name`, else one that contains it, in any case; None when none is close."""
    by_lower = {option.lower(): option for option in options}
    wanted = name.lower()
    found = get_close_matches(wanted, by_lower, n=1, cutoff=0.6)
    found = found or [option for option in by_lower if len(wanted) > 2 and wanted in option]
    return by_lower[found[0]] if found else None


def line_of(text: str, key: str) -> int | None:
    """The line (from 1) of a TOML text on which a dotted key is set, or else the closest table around it.

    None when not even the first part of the key is there. Growing beginnings of the text are parsed, so the
    answer is right for inline tables, lists over several lines and quoted keys; for files of a few hundred
    lines only.
    """
    lines, path = text.splitlines(), key.split(".")
    best, best_depth, done = None, 0, 0
    for end in range(1, len(lines) + 1):
        try:
            table: object = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue  # inside a value that goes on to the next line
        depth = 0
        while depth < len(path) and (inner := _inside(table, path[depth])) is not None:
            table, depth = inner, depth + 1
        if depth > best_depth:
            best, best_depth = done + 1, depth
        done = end
    return best


def _inside(table: object, part: str) -> object | None:
    """What stands under a key of a table, or of the last of a list of tables; a number picks one of them."""
    if isinstance(table, list) and part.isdecimal():
        return table[int(part)] if int(part) < len(table) else None
    if isinstance(table, list) and table:
        table = table[-1]
    return table.get(part) if isinstance(table, dict) else None
