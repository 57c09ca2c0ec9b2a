"""The moments that parameters are estimated from, and those kept back to test them: `calibration/targets.csv`.

One row a target: what it is (`id`, `label`, `label_ko`, `unit`, `period`), the published `value`, its sampling error
`se` or, where sources disagree or none is published, a range `low` to `high`; the scale on which distance is measured
(`transform`), a `weight` in the sum of squares, the `survey` whose sampling errors go together, the `role`, `source`
(ids of the economy's `sources.csv`, or a citation) and a `note`. Roles are fixed before anything is fitted:

* `fit`: parameters are estimated from it; * `test`: held out, compared afterwards; * `prior`: enters as a prior only.

The weight is less than 1 where several rows carry one piece of information (identities of stocks and flows, hires and
separations, tables that the population is built from).
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from sim.errors import InputError, nearest

COLUMNS = (
    *("id", "label", "label_ko", "value", "unit", "period", "se", "low", "high", "transform", "weight"),
    *("survey", "role", "source", "note"),
)
ROLES = ("fit", "test", "prior")
TRANSFORMS = ("logit", "log", "none")
# The least by which a model of this kind is taken to miss, as a part of the value: sd of the model's discrepancy
DISCREPANCY = 0.02
EDGE = 1e-6  # a share of 0 or 1 is moved this far inside before its logit is taken

__all__ = ["COLUMNS", "ROLES", "TRANSFORMS", "Target", "from_scale", "load", "to_scale"]


class Target(NamedTuple):
    """One row of the file. `se`, `low` and `high` are in the unit of `value`; None where the file has none."""

    id: str
    label: str
    label_ko: str
    value: float
    unit: str
    period: str
    se: float | None
    low: float | None
    high: float | None
    transform: str
    weight: float
    survey: str
    role: str
    source: str
    note: str

    @property
    def sd(self) -> float:
        """Sampling error, in the unit of `value`: `se`, or a quarter of the range, taken as two errors either side."""
        if self.se is not None:
            return self.se
        assert self.low is not None and self.high is not None
        return (self.high - self.low) / 4.0

    @property
    def interval(self) -> tuple[float, float]:
        """Where the model counts as meeting the target: the range, if there is one; else two standard deviations either
        side, of sampling error and model `discrepancy`."""
        if self.low is not None and self.high is not None:
            return self.low, self.high
        share = self.transform == "logit"
        reach = 2.0 * math.hypot(self.sd, self.discrepancy)
        low, high = self.value - reach, self.value + reach
        if share:
            return max(low, 0.0), min(high, 1.0)
        return (max(low, 0.0), high) if self.transform == "log" else (low, high)

    @property
    def discrepancy(self) -> float:
        """Sd of what the model may miss even at its best, in the unit of `value`: `DISCREPANCY` of the value (of a
        share, or of what it leaves to 1 if that is less, so that a rate and its complement are one fact), or one
        sampling error, whichever is more."""
        size = min(self.value, 1.0 - self.value) if self.transform == "logit" else abs(self.value)
        return max(DISCREPANCY * size, self.sd)

    @property
    def scaled(self) -> float:
        """`value` on the scale of `transform`."""
        return to_scale(self.value, self.transform)

    @property
    def scaled_sd(self) -> float:
        """`sd` on the scale of `transform` (first order)."""
        if self.transform == "logit":
            return self.sd / (self.value * (1.0 - self.value))
        return self.sd / self.value if self.transform == "log" else self.sd

    def met(self, moment: float, error: float = 0.0) -> bool:
        """Whether a moment of the model lies in `interval`, within two of its own standard errors (from the spread of
        replicates); no where it is not a number."""
        low, high = self.interval
        return low - 2.0 * error <= moment <= high + 2.0 * error


def to_scale(x: float, transform: str) -> float:
    """A number on the scale of a transform: log-odds, natural log, or itself. Shares of 0 and 1 are moved inside by
    a millionth; the log of nothing is that of a millionth. ValueError for an unknown transform."""
    if transform == "logit":
        inside = min(max(x, EDGE), 1.0 - EDGE)
        return math.log(inside / (1.0 - inside))
    if transform == "log":
        return math.log(max(x, EDGE))
    if transform == "none":
        return x
    raise ValueError(f"no transform {transform!r}; transforms: {', '.join(TRANSFORMS)}")


def from_scale(y: float, transform: str) -> float:
    """The inverse of `to_scale`. ValueError for an unknown transform."""
    if transform == "logit":
        return 1.0 / (1.0 + math.exp(-y)) if y > -700.0 else 0.0
    if transform == "log":
        return math.exp(y)
    if transform == "none":
        return y
    raise ValueError(f"no transform {transform!r}; transforms: {', '.join(TRANSFORMS)}")


def shipped() -> Path:
    """The file that ships: beside the package in a checkout, inside it once installed."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "calibration" / "targets.csv"
    return inside if inside.exists() else package.parent / "calibration" / "targets.csv"


def load(path: str | Path | None = None) -> dict[str, Target]:
    """The targets of a file, by id, in its order; by default the file that ships.

    Raises InputError with file, line, column and rule; further mistakes are in its `others`.
    """
    file = shipped() if path is None else Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", file=str(file)) from None
    reader = csv.reader(io.StringIO(text))
    header = next(reader, [])
    mistakes = [_at(file, 1, problem) for problem in _header(header)]
    found: dict[str, Target] = {}
    for row in reader if not mistakes else ():
        if not row:
            continue
        problems = [] if len(row) == len(header) else [InputError(f"{len(row)} fields, not {len(header)}")]
        fields = dict(zip(header, (cell.strip() for cell in row), strict=False))
        problems = problems or [*_problems(fields)]
        if not problems and fields["id"] in found:
            problems = [InputError(f"{fields['id']!r} is given twice", key="id")]
        mistakes += [_at(file, reader.line_num, problem) for problem in problems]
        if not problems:
            found[fields["id"]] = _target(fields)
    if not mistakes and not found:
        mistakes = [InputError("holds no target", file=str(file))]
    if mistakes:
        first, *others = mistakes
        raise InputError(
            first.problem, first.file, first.line, first.key, first.allowed, first.nearest, others
        )
    return found


def _at(file: Path, line: int, mistake: InputError) -> InputError:
    return InputError(
        mistake.problem, str(file), line, mistake.key, mistake.allowed, mistake.nearest, mistake.others
    )


def _header(header: list[str]) -> Iterable[InputError]:
    for name in header:
        if name not in COLUMNS:
            yield InputError("no such column", key=name, nearest=nearest(name, COLUMNS))
    for name in COLUMNS:
        if header.count(name) != 1:
            yield InputError(
                "the column is missing" if name not in header else "the column is given twice", key=name
            )


def _problems(row: dict[str, str]) -> Iterable[InputError]:
    """What is wrong with one row, without file and line."""
    for name in ("id", "label", "label_ko", "unit", "period", "survey", "source"):
        if not row[name]:
            yield InputError("is empty", key=name)
    if row["id"] and not re.fullmatch(r"[a-z][a-z0-9_+-]*", row["id"]):
        yield InputError(f"{row['id']!r} is no id", key="id", allowed="a-z, 0-9, _, -, +; a letter first")
    for name, known in (("role", ROLES), ("transform", TRANSFORMS)):
        if row[name] not in known:
            yield InputError(
                f"{row[name]!r} is unknown",
                key=name,
                allowed=", ".join(known),
                nearest=nearest(row[name], known),
            )
    bad = [name for name in ("value", "weight", "se", "low", "high") if math.isnan(_number(row[name]))]
    for name in bad:
        if row[name] or name in ("value", "weight"):
            yield InputError(f"{row[name]!r} is not a number", key=name)
    value, weight, se, low, high = (_number(row[n]) for n in ("value", "weight", "se", "low", "high"))
    if weight < 0:
        yield InputError(f"{row['weight']} is below 0", key="weight")
    if se <= 0:
        yield InputError(f"{row['se']} is not above 0", key="se")
    if bool(row["low"]) != bool(row["high"]):
        yield InputError("a range has two ends", key="high" if row["low"] else "low")
    if not row["se"] and not row["low"] and not row["high"]:
        yield InputError("neither a sampling error nor a range", key="se")
    if not (math.isnan(low) or math.isnan(high)) and not (low < high and low <= value <= high):
        yield InputError(
            f"{row['low']} to {row['high']} does not hold the value {row['value']}",
            key="low",
            allowed="low <= value <= high, low < high",
        )
    if row["transform"] == "logit" and not 0.0 < value < 1.0 and not math.isnan(value):
        yield InputError(f"{row['value']} has no log-odds", key="value", allowed="above 0 and below 1")
    if row["transform"] == "log" and value <= 0.0:
        yield InputError(f"{row['value']} has no logarithm", key="value", allowed="above 0")


def _number(text: str) -> float:
    """The number written; NaN where there is none or it is not finite."""
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _target(row: dict[str, str]) -> Target:
    given = {name: float(row[name]) if row[name] else None for name in ("se", "low", "high")}
    return Target(
        value=float(row["value"]),
        weight=float(row["weight"]),
        se=given["se"],
        low=given["low"],
        high=given["high"],
        **{name: row[name] for name in COLUMNS if name not in ("value", "weight", "se", "low", "high")},
    )
