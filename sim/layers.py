"""Scenario files: where they are found, how they build on one another, how `a+b` is composed, and TOML text.

A file becomes a layer: only the keys it sets, already checked. `based_on` puts a file's base beneath it, `+`
puts one file's own keys over another scenario, and `--set` adds one key on top. Later layers win.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.errors import InputError, line_of, nearest

Table = dict[str, Any]
Check = Callable[[Table], Table]
"""Takes a raw table, raises InputError with keys only, and returns the keys that were set, in plain types."""


@dataclass(frozen=True)
class Layer:
    """The keys that one file, or one override, sets. `path` and `text` are empty for an override."""

    label: str
    table: Table
    path: Path | None = None
    text: str = ""


def scenario_folder() -> Path:
    """The scenarios that ship: package data of the wheel, or the top-level folder of a source tree."""
    packaged = Path(__file__).parent / "scenarios"
    return packaged if packaged.is_dir() else Path(__file__).parents[1] / "scenarios"


def shipped() -> dict[str, Path]:
    """Name -> file of every scenario that ships."""
    return {path.stem: path for path in sorted(scenario_folder().glob("*.toml"))}


def find(name: str, beside: Path | None = None) -> Path:
    """The file of a scenario given by path or by name, `.toml` optional.

    Looked for beside the file that names it, in the working folder, then among those that ship; a file never
    finds itself, so a local `roadmap.toml` may build on the shipped one. Raises InputError with the nearest
    name.
    """
    folders = [*([beside.parent] if beside else []), Path.cwd(), scenario_folder()]
    for folder in folders:
        whole = folder / Path(name).expanduser()
        for path in (whole, whole.with_name(whole.name + ".toml")) if whole.name else ():
            if path.suffix == ".toml" and path.is_file() and (beside is None or not path.samefile(beside)):
                return path
    names = [*shipped(), *(path.stem for path in Path.cwd().glob("*.toml"))]
    what = "file" if name.endswith(".toml") or "/" in name else "scenario"
    raise InputError(
        f"there is no {what} {name!r}",
        allowed=f"the path of a .toml file, or one of {', '.join(shipped())}",
        nearest=nearest(Path(name).stem, names),
    )


def compose(spec: str | Path, check: Check) -> list[list[Layer]]:
    """The layers of each part of `a+b+c`, lowest first, to be laid in this order.

    The first part brings its whole chain of bases. A further part that shares a base with what is already
    there brings its own keys only; one that stands on a base of its own brings that chain too. Raises
    InputError when two parts set a key, beyond their common base, to different values.
    """
    text = str(spec)
    one_file = Path(text).expanduser().is_file() or Path(f"{text}.toml").expanduser().is_file()
    names = [text] if one_file or "+" not in text else text.split("+")
    parts: list[list[Layer]] = []
    for name in names:
        chain = _chain(find(name.strip()), check)
        there = [layer for part in parts for layer in part]
        known = {layer.path for layer in there}
        shares_a_base = any(layer.path in known for layer in chain)
        new = [layer for layer in (chain[-1:] if shares_a_base else chain) if layer.path not in known]
        common = {layer.path for layer in chain}
        _refuse_conflicts([layer for layer in there if layer.path not in common], new)
        parts.append(new)
    return parts


def _chain(path: Path, check: Check, above: tuple[Path, ...] = ()) -> list[Layer]:
    """The layers of a file: those of its base, then its own."""
    layer = read(path, check)
    base = layer.table.get("based_on")
    if not base:
        return [layer]
    try:
        below = find(base, beside=path)
        circle = [*above, path]
        if any(below.samefile(step) for step in circle):
            names = " -> ".join(step.stem for step in [*circle, below])
            raise InputError(f"scenarios build on one another in a circle: {names}", allowed="another base")
    except InputError as error:
        error.key = "based_on"
        raise placed(error, (layer,)) from None
    return [*_chain(below, check, (*above, path)), layer]


def read(path: Path, check: Check) -> Layer:
    """One file, checked. InputError with file and line where it cannot be read or `check` refuses it."""
    label = _label(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("is not UTF-8 text", file=label) from None
    except OSError as reason:
        raise InputError(f"cannot be read ({reason.strerror})", file=label) from None
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as mistake:
        at = re.search(r" \(at line (\d+), column \d+\)", str(mistake))
        line = int(at[1]) if at else len(text.splitlines())
        problem = "is not valid TOML: " + str(mistake).split(" (at ")[0]
        raise InputError(problem, file=label, line=line) from None
    return _checked(Layer(label, table, path.resolve(), text), check)


def override(text: str, check: Check) -> Layer:
    """The layer of `--set table.key=value`. The value is TOML; a bare word is taken as text."""
    key, equals, value = (part.strip() for part in text.partition("="))
    label = f"--set {text}"
    if not equals or not key or not value or "\n" in text:
        raise InputError("cannot be read", file=label, allowed="table.key=value, such as world.exposure=aioe")
    try:
        try:
            table = tomllib.loads(f"{key} = {value}")
        except tomllib.TOMLDecodeError:
            table = tomllib.loads(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    except tomllib.TOMLDecodeError:
        raise InputError(f"{key!r} is not a key", file=label, allowed="table.key=value") from None
    return _checked(Layer(label, table), check)


def given(label: str, table: Table, check: Check) -> Layer:
    """The layer of keys given by a Python caller."""
    return _checked(Layer(label, table), check)


def _checked(layer: Layer, check: Check) -> Layer:
    """The layer with its checked keys; mistakes are given the file and line."""
    try:
        return Layer(layer.label, check(layer.table), layer.path, layer.text)
    except InputError as error:
        raise placed(error, (layer,)) from None


def placed(error: InputError, layers: tuple[Layer, ...]) -> InputError:
    """The error, and those found with it, each with the file and line of the layer that set its key last."""
    for one in error.every():
        if one.file is not None or one.key is None or not layers:
            continue
        source = max(enumerate(layers), key=lambda item: (_depth(item[1].table, one.key or ""), item[0]))[1]
        spread = one.key.replace(".allowance_", ".allowance.")  # the sub-table as users may write it
        one.file = source.label
        one.line = max((line_of(source.text, key) or 0 for key in (one.key, spread)), default=0) or None
    return error


def _depth(table: Any, key: str) -> int:
    """How many parts of a dotted key are in a table; years may be numbers there."""
    depth = 0
    for part in key.split("."):
        if isinstance(table, list) and table:  # a list of tables: any of them
            table = table[min(int(part), len(table) - 1)] if part.isdecimal() else table[-1]
            if part.isdecimal():
                depth += 1
                continue
        inner = int(part) if part.isdecimal() and isinstance(table, dict) and int(part) in table else part
        if not isinstance(table, Mapping) or inner not in table:
            break
        table, depth = table[inner], depth + 1
    return depth


def _refuse_conflicts(left: list[Layer], right: list[Layer]) -> None:
    """Two scenarios joined by `+` must not answer one question differently."""
    sets = {key: (layer, value) for layer in left for key, value in leaves(layer.table)}
    for layer in right:
        for key, value in leaves(layer.table):
            other, different = sets.get(key, (layer, value))
            if value != different:
                raise InputError(
                    f"composition conflict: {other.label} sets {toml_value(different)}, "
                    f"{layer.label} sets {toml_value(value)}",
                    file=layer.label,
                    line=line_of(layer.text, key),
                    key=key,
                    allowed="one value; compose scenarios that differ in other keys",
                )


DESCRIPTION = ("name", "title", "title_ko", "author", "reference", "based_on", "date")
"""Keys that say what a file is. They are not inherited, cannot be in conflict and change no result."""


def leaves(table: Mapping[Any, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key and value of everything set in a table, descriptions left out."""
    for key, value in table.items():
        if not path and key in DESCRIPTION:
            continue
        name = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping):
            yield from leaves(value, name)
        else:
            yield name, value


def merged(below: Mapping[Any, Any], above: Mapping[Any, Any]) -> dict[Any, Any]:
    """Tables laid over one another key by key; lists and single values are replaced whole."""
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            value = merged(under, value)
        result[key] = value
    return result


def toml_lines(table: Mapping[Any, Any], notes: Mapping[str, str], path: str = "") -> Iterator[str]:
    """A table as TOML lines, sub-tables last; `notes` are comments by key. None is left out."""
    inner = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    for key, value in table.items():
        if key not in inner and value is not None:
            note = f"  # {notes[key]}" if key in notes else ""
            yield f"{_toml_key(key)} = {toml_value(value)}{note}"
    for key, value in inner.items():
        name = f"{path}.{_toml_key(key)}" if path else _toml_key(key)
        if any(not isinstance(item, Mapping) for item in value.values()) or not value:
            yield from ("", f"[{name}]")
        yield from toml_lines(value, notes, name)


def toml_inline(value: object) -> str:
    """A value, list or table as TOML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml_key(k)} = {toml_inline(v)}" for k, v in value.items()) + "}"
    return toml_value(value)


def toml_value(value: object) -> str:
    """A single value or list as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, dt.date):
        return value.isoformat()
    return f"{value:_}" if isinstance(value, int) and value >= 10**9 else repr(value)


def _toml_key(key: object) -> str:
    text = str(key)
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else toml_value(text)


def _label(path: Path) -> str:
    """A path as a user would type it."""
    resolved = path.resolve()
    return str(resolved.relative_to(Path.cwd())) if resolved.is_relative_to(Path.cwd()) else str(resolved)


def based_on_name(base: str, file: Path) -> str:
    """How a new file should name its base: by name where that ships, else by path from the file's folder."""
    found = find(base)
    ships = shipped().get(found.stem)
    if ships is not None and ships.samefile(found):
        return found.stem
    return os.path.relpath(found.resolve(), file.parent.resolve())
