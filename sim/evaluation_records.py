"""How a comparison values what it finds: keys of the `[evaluation]` table. Nothing here moves a run."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from sim.errors import InputError
from sim.records import Record, between

if TYPE_CHECKING:
    from sim.scenario import Scenario

VALUATION = ("discount_rate", "horizon_months", "deadweight_of_taxation")
"""Keys that value what runs leave and do not change a run: no digest of a run or checkpoint holds them."""


class Valuation(Record):
    """How effects are valued. A key that is not given takes the default."""

    discount_rate: Annotated[float | None, between(0, 1, "a share a year")] = None
    """Real; None: that of the economy (`macro.discount_rate`)."""
    horizon_months: Annotated[int | None, between(1, 240, "months")] = None
    """Months from the start that money and incomes are counted for, to the end of a calendar year; None: the run."""
    deadweight_of_taxation: Annotated[float, between(0, math.inf, "won lost a won of taxes")] = 0.0
    """Lost by raising a won of taxes, on the net fiscal cost. Assumption: none."""


def valuation(scenarios: Sequence[Scenario]) -> dict[str, Any]:
    """What the scenarios of one comparison state of `VALUATION`, together.

    InputError when two state different values, or when the horizon is not the end of a calendar year or of the run.
    """
    found: dict[str, Any] = {}
    for one in scenarios:
        stated = one.evaluation.model_dump(exclude_defaults=True, include=set(VALUATION))
        for name, value in stated.items():
            if found.setdefault(name, value) != value:
                raise one.placed(
                    InputError(
                        f"{one.name} has {value}, another scenario {found[name]}: a comparison values all alike",
                        key=f"evaluation.{name}",
                    )
                )
        if (horizon := stated.get("horizon_months")) is not None:
            _require_year_end(one, horizon)
    return found


def _require_year_end(scenario: Scenario, horizon: int) -> None:
    ends = year_ends(scenario.run.start, scenario.run.months)
    if horizon not in ends:
        raise scenario.placed(
            InputError(
                f"{horizon} months do not end with a calendar year or the run",
                key="evaluation.horizon_months",
                allowed=", ".join(map(str, ends)),
            )
        )


def year_ends(start: dt.date, months: int) -> list[int]:
    """Months from `start` to the end of each calendar year that the run ends, and to its own end."""
    return sorted({*range(13 - start.month, months, 12), months})


__all__ = ["VALUATION", "Valuation", "valuation", "year_ends"]
