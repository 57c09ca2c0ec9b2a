"""Trials inside the run, as a scenario asks for them: seats withheld by lot, provinces with more and fewer seats.

Two designs of the field. *Withholding*: of those whose turn has come for a seat, a share is refused by lot.
*Saturation*: provinces are drawn to levels, and in each the share of offers that is made is its level (Crépon et al.
2013), so that losers in provinces with many seats can be held against applicants in provinces with none. Both are the
same step in the order of seats, `sim.phases.withhold`: a share refused by programme and province. Intakes that a record
draws by lottery among more applicants than seats are trials without any design (`sim.randomised`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from sim.errors import InputError, nearest
from sim.evaluation_records import Valuation
from sim.records import Codes, Programme, Record, Share, between

Again = Literal["all", "others", "none"]
RunMonth = Annotated[int, between(1, 240, "a month of the run")]


class Intake(Record):
    """What both designs say: of which programmes, in which months of the run, and what losers may do afterwards."""

    programmes: Codes = ()
    first_month: RunMonth = 1
    last_month: RunMonth = 240
    again: Again = "others"
    """Where losers may apply later in the run: to all programmes, to others only, or to none."""

    @model_validator(mode="after")
    def _months_in_order(self) -> Self:
        if self.first_month > self.last_month:
            raise PydanticCustomError(
                "months",
                "first_month {first} is after last_month {last}",
                {"first": self.first_month, "last": self.last_month},
            )
        return self


class Withhold(Intake):
    """Offers of a seat withheld by lot."""

    share: Share = 0.5
    """Of the offers."""
    seats: Literal["empty", "refilled"] = "refilled"
    """Whether a withheld seat, with its money, stays empty, or goes to the next in line."""


class Saturation(Intake):
    """Provinces drawn to levels: the share of offers that is made there. Seats not given stay empty."""

    levels: Annotated[tuple[Share, ...], Field(strict=False, min_length=1)] = (0.0, 0.25, 0.5, 0.75, 1.0)


class Evaluation(Valuation):
    """How the field would evaluate, inside the run; and how a comparison values what it finds."""

    withhold: Withhold = Withhold()
    saturation: Saturation = Saturation()

    @property
    def trials(self) -> dict[str, Intake]:
        """The designs that name a programme."""
        designs: dict[str, Intake] = {"withhold": self.withhold, "saturation": self.saturation}
        return {name: design for name, design in designs.items() if design.programmes}

    def require(self, programmes: Mapping[str, Programme]) -> None:
        """InputError when a design names what is no course that persons apply to, or two designs the same one."""
        seen: dict[str, str] = {}
        for name, design in self.trials.items():
            key = f"evaluation.{name}.programmes"
            for id in design.programmes:
                if id not in programmes:
                    courses = [p for p, record in programmes.items() if _drawable(record)]
                    raise InputError(
                        f"unknown programme {id!r}",
                        key=key,
                        allowed=", ".join(courses),
                        nearest=nearest(id, courses),
                    )
                if not _drawable(programmes[id]):
                    problem = f"{id} is of kind {programmes[id].kind!r}: nobody applies to it alone"
                    raise InputError(problem, key=key, allowed="courses that persons apply to")
                if id in seen:
                    problem = f"{id} is already in evaluation.{seen[id]}"
                    raise InputError(problem, key=key, allowed="one design for a programme")
                seen[id] = name


def _drawable(record: Programme) -> bool:
    return record.kind in ("course", "joint-centre", "lab", "support")


__all__ = ["Again", "Evaluation", "Intake", "Saturation", "Withhold"]
