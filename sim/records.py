"""Programme records: what a training programme is, read from data and checked.

Nothing about a programme is written in code. A record is one table of an economy's `programmes.toml`, where
every number is written `{value = ..., unit = ..., source = ...}`; here only the value is kept. A scenario may
change any field of a record (`Override`) or add a record of its own. Money is in whole won, durations are in
months.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, Self, TypeVar, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from sim.errors import InputError, nearest

MOST_WON = 10**15
"""A thousand trillion won, above the budget of the whole state: more is a slip of the unit."""

FIRST_MONEY_YEAR, LAST_MONEY_YEAR = 2020, 2035

EVERY_MONTH = tuple(range(1, 13))
MOST_SPELL = 60
"""Months without work from which a record tells no longer spells apart."""


class Record(BaseModel):
    """A table that allows no unknown key, converts no type silently and never changes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def between(low: float, high: float, what: str) -> BeforeValidator:
    """A check that a number lies in [low, high]; `what` names it in the message ("share", "months")."""

    def check(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        if not low <= value <= high:
            upper = f"from {low:,.12g} to {high:,.12g}" if high < math.inf else f"of {low:g} or more"
            allowed = f"{what} {upper}"
            raise PydanticCustomError("range", "is out of range", {"allowed": allowed})
        return value

    return BeforeValidator(check)


def _whole_won(value: object) -> object:
    """Money may be written 254e9; it is kept in whole won."""
    if isinstance(value, float) and math.isfinite(value):
        value = round(value)
    if isinstance(value, int) and not isinstance(value, bool) and not 0 <= value <= MOST_WON:
        raise PydanticCustomError(
            "range",
            "money cannot be negative" if value < 0 else "is more money than the state spends",
            {"allowed": f"won from 0 to {MOST_WON:,}"},
        )
    return value


def _by_year(value: object) -> object:
    """Keys of TOML tables are text; years are numbers."""
    if not isinstance(value, Mapping):
        return value
    years = {int(key) if isinstance(key, str) and key.isdecimal() else key: won for key, won in value.items()}
    for year in years:
        if not isinstance(year, int) or not FIRST_MONEY_YEAR <= year <= LAST_MONEY_YEAR:
            raise PydanticCustomError(
                "year",
                "{year} is not a year that money can be given for",
                {"year": str(year), "allowed": f"{FIRST_MONEY_YEAR} to {LAST_MONEY_YEAR}"},
            )
    return years


def _at_most_one(shares: dict[str, float]) -> dict[str, float]:
    """Shares of one whole."""
    total = sum(shares.values())
    if total > 1 + 1e-9:
        raise PydanticCustomError(
            "shares",
            "the shares add up to {total}",
            {"total": f"{total:.4g}", "allowed": "a sum of 1 or less"},
        )
    return shares


def _level(value: object) -> object:
    """A single amount is the yearly level from the first year on."""
    return {2025: value} if isinstance(value, int | float) and not isinstance(value, bool) else value


Share = Annotated[float, between(0, 1, "a share")]
Ratio = Annotated[float, between(0, math.inf, "a number")]
Logit = Annotated[float, between(-10, 10, "log odds")]
Count = Annotated[int, between(0, 50_000_000, "persons or employers")]
Months = Annotated[int, between(1, 60, "months")]
RampMonths = Annotated[int, between(0, 60, "months")]
CalendarMonth = Annotated[int, between(1, 12, "a month of the year")]
Age = Annotated[int, between(15, 120, "years of age")]
Won = Annotated[int, BeforeValidator(_whole_won)]
WonByYear = Annotated[dict[int, Won], BeforeValidator(_by_year)]
WonLevels = Annotated[dict[int, Won], BeforeValidator(_by_year), BeforeValidator(_level)]
Codes = Annotated[tuple[str, ...], Field(strict=False)]

Stage = Literal["entry", "active", "transition"]
Stages = Annotated[tuple[Stage, ...], Field(strict=False)]
State = Literal["employed", "unemployed", "inactive"]
Kind = Literal[
    "course", "sme-package", "joint-centre", "lab", "support", "hiring-subsidy", "instructors", "channel"
]
Constraint = Literal["applicants", "seats", "money", "firms", "instructors", "hours", "throughput"]
Selection = Literal["first-come", "lottery", "ranked", "targeted"]


class Eligibility(Record):
    """Who may take part. An empty list means no restriction; codes are those of the economy's codebooks.

    Of a hiring subsidy contracts, sizes and industries are those of the job that someone without work is hired for.
    """

    age_min: Age = 15
    age_max: Age = 120
    states: Annotated[tuple[State, ...], Field(strict=False)] = ()
    reasons: Codes = ()
    """Of the inactive; empty: all but military."""
    contracts: Codes = ()
    """Of the employed."""
    sizes: Codes = ()
    """Of the employer."""
    industries: Codes = ()
    regions: Codes = ()
    education: Codes = ()
    insured: bool | None = None
    exposure_min: Share = 0.0
    spell_min: Annotated[int, between(0, MOST_SPELL, "months")] = 0
    """Of those not at work: months in the present state, unemployed or inactive."""

    @model_validator(mode="after")
    def _ages_in_order(self) -> Self:
        if self.age_min > self.age_max:
            raise PydanticCustomError(
                "ages", "age_min {low} is above age_max {high}", {"low": self.age_min, "high": self.age_max}
            )
        return self


class Conversion(Record):
    """A course toward other occupations: it moves the trainee's search row by `weight` to the targets."""

    targets: Codes = ()
    weight: Share = 0.0


class Programme(Record):
    """One programme, channel or pool of instructors. A field left out takes the default given here."""

    id: str = Field(default="", exclude=True)
    label_en: str
    label_ko: str = ""
    kind: Kind
    stages: Stages
    stage_required: bool = False
    """Open to people in these life stages only; otherwise `stages` is the label it is reported under."""
    binds: Constraint = "money"
    plan: bool = False
    """Part of the AI plan of 2025-12-18, so it takes a share of the new money."""
    reference: str = ""
    closed: bool = False

    eligibility: Eligibility = Eligibility()
    awareness: Share = 1.0
    """Share of the eligible who hear of it in a month."""
    apply: Share = 0.0
    """Monthly probability that an eligible person who knows of it applies, at the reference person."""
    apply_education: Logit = 0.0
    apply_age: Logit = 0.0
    """Per ten years from 40."""
    apply_exposure: Logit = 0.0
    apply_zeta: Logit = 0.0
    apply_female: Logit = 0.0
    selection: Selection = "first-come"

    seats: Count | None = None
    """Persons a year; None: limited by money only."""
    seats_growth: Annotated[float, between(-1, 10, "a share a year")] = 0.0
    regions: Annotated[dict[str, Share], AfterValidator(_at_most_one)] = {}
    """Province -> share of the seats; empty: by labour force and, as councils steer it, by openings."""
    intake_months: Annotated[tuple[CalendarMonth, ...], Field(strict=False)] = EVERY_MONTH
    ramp_up: RampMonths = 0
    """Months until new money is fully used."""
    unit_cost: Won = 0
    """Won per person enrolled; of a hiring subsidy, per hire that lasts for all of its `months`."""
    fixed_cost: Won = 0
    """Won a year."""
    instructors: Ratio = 0.0
    """Trainees per instructor and year; 0: none needed."""
    months: Months = 1
    hours: Ratio = 0.0
    full_time: bool = False
    allowance_capital: Won = 0
    allowance_noncapital: Won = 0
    allowance_decline: Won = 0
    """Won a month, by area."""
    self_payment: Share = 0.0
    """Share of the fee that trainees pay; applications answer to a change of it as they do to the allowance."""

    completion: Share = 1.0
    completion_zeta: Logit = 0.0
    skill: Share = 0.0
    """AI skill that a completer reaches (0.25 foundation, 0.5 applied, 0.75 developer)."""
    quality_sd: Share = 0.0
    certificate: bool = False
    conversion: Conversion | None = None

    adoption_lever: Ratio = 0.0
    firms_a_year: Count | None = None
    firms_willing: Share = 1.0
    trainees_per_firm: Ratio = 0.0
    awareness_lever: Ratio = 0.0
    application_lever: Ratio = 0.0
    seat_steering: Share = 0.0
    """Of a channel: weight of a year's openings, against the labour force, in how seats are spread over provinces."""
    persons_a_year: Count | None = None
    for_stages: Stages = ()

    crowd_out: Share = 0.0
    base_budget: WonLevels = {}
    """Continuing money: a level holds until the next year given. A scenario may give one number."""
    plan_share: Share = 0.0
    persons_2026: Count | None = None
    outcome_insured_6m: Share | None = None
    outcome_official_6m: Share | None = None

    @model_validator(mode="after")
    def _subsidy_pays(self) -> Self:
        if type(self) is Programme and self.kind == "hiring-subsidy" and self.unit_cost == 0:
            problem = (
                "a hiring subsidy must state unit_cost, the won paid for a hire that lasts all its months"
            )
            raise PydanticCustomError("subsidy", problem)
        return self

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, raw: object) -> object:
        """Strip sources and units; spread `allowance = {capital, noncapital, decline}` over its fields."""
        if not isinstance(raw, Mapping):
            return raw
        table = {key: strip(value) for key, value in raw.items() if key not in ("source", "note")}
        allowance = table.get("allowance")
        if isinstance(allowance, Mapping) and set(allowance) <= {"capital", "noncapital", "decline"}:
            del table["allowance"]
            table |= {f"allowance_{area}": won for area, won in allowance.items()}
        return table

    @classmethod
    def from_table(cls, id: str, raw: Mapping[str, Any]) -> Self:
        """The record `id` from a raw table, metadata stripped. Raises InputError with every wrong key."""
        return validated(cls, {**raw, "id": id}, prefix=(id,))

    @property
    def own_payment(self) -> int:
        """Won that a trainee pays for a place, `self_payment` of the fee; the state pays the rest, `unit_cost`."""
        return (
            round(self.unit_cost * self.self_payment / (1.0 - self.self_payment))
            if self.self_payment < 1.0
            else 0
        )

    def base_money(self, year: int) -> int:
        """Continuing money in a year, won: the latest level given up to that year."""
        given = [known for known in self.base_budget if known <= year]
        return self.base_budget[max(given)] if given else 0


class Override(Programme):
    """What a scenario says of one programme: any of its fields, and its part of the new money."""

    label_en: str = ""
    kind: Kind = "course"
    stages: Stages = ()
    share: Share | None = None
    """Of `policy.budget`."""
    budget: WonByYear | None = None
    """New money of its own by year, in place of a share."""


METADATA = frozenset({"value", "unit", "year", "source", "kind", "note", "low", "high"})


def strip(value: Any) -> Any:
    """The plain value of `{value = ..., unit = ..., ...}`, at any depth; `source` and `note` are dropped."""
    if not isinstance(value, Mapping):
        return value
    if "value" in value and set(value) <= METADATA:
        return strip(value["value"])
    return {key: strip(item) for key, item in value.items() if key not in ("source", "note")}


AnyRecord = TypeVar("AnyRecord", bound=Record)


def validated(
    model: type[AnyRecord], table: object, prefix: tuple[str, ...] = (), context: object = None
) -> AnyRecord:
    """The model made from a table. Raises one InputError that carries every mistake, keys led by `prefix`."""
    try:
        return model.model_validate(table, context=context)
    except ValidationError as mistakes:
        first, *others = (_explained(details, model, prefix) for details in mistakes.errors())
        first.others = tuple(others)
        raise first from None


WORDS = {
    "missing": "is missing",
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "string": "must be text in quotes",
    "date": "must be a date such as 2026-01-01",
    "model": "must be a table of keys",
    "dict": "must be a table of keys",
    "tuple": "must be a list in [ ]",
    "finite": "must be a finite number",
}
"""First word of a pydantic error type -> what to tell the user."""


def _explained(details: ErrorDetails, model: type[Record], prefix: tuple[str, ...]) -> InputError:
    """One pydantic error in plain words."""
    path = tuple(str(part) for part in details["loc"])
    while path and path[-1].isdecimal() and len(path[-1]) < 4:  # a position in a list; a year has four digits
        path = path[:-1]
    key = ".".join(prefix + path)
    kind, given = details["type"], details["input"]
    if kind == "extra_forbidden":
        names = fields_at(model, path[:-1])
        close = _home(model, path) or nearest(path[-1], names)
        allowed = ", ".join(names) if len(names) <= 12 and not close else None
        return InputError("unknown key", key=key, allowed=allowed, nearest=close)
    context = details.get("ctx", {})
    if kind == "literal_error":
        options = [str(option) for option in choices_at(model, path)]
        close = nearest(str(given), options)
        return InputError(f"{given!r} is not a choice", key=key, allowed=", ".join(options), nearest=close)
    words = WORDS.get(kind.split("_")[0])
    problem = words or details["msg"]
    if words is None and kind == "range":
        problem = f"{given!r} {problem}" if problem.startswith("is ") else f"{problem} ({given!r})"
    elif words and kind != "missing":
        problem = f"{words}, not {_shown(given)}"
    return InputError(problem, key=key, allowed=context.get("allowed"))


def _shown(value: object) -> str:
    """A wrong value, short enough for a message."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _inner(annotation: Any) -> type[BaseModel] | None:
    """The model inside `X | None`, `dict[str, X]` or `Annotated[X, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _inner(part))), None)


def _walk(model: type[BaseModel], path: Sequence[str]) -> tuple[type[BaseModel], Any]:
    """The model and the annotation that a path of keys leads to; a dictionary's own keys are passed over."""
    annotation: Any = model
    keys = iter(path)
    for key in keys:
        field = model.model_fields.get(key)
        if field is None and key.isdecimal():
            continue  # a place in a list of tables
        if field is None:
            break
        annotation = field.annotation
        model = _inner(annotation) or model
        if get_origin(annotation) is dict:
            next(keys, None)  # an id or a year, whatever it is called
    return model, annotation


def fields_at(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    """The keys allowed in the table that a path leads to."""
    return [name for name in _walk(model, path)[0].model_fields if name != "id"]


def _home(model: type[BaseModel], path: Sequence[str]) -> str | None:
    """The table in which a key would be right, where it was put in the wrong one: `run.scale` for `scale`."""
    for place in (_walk(model, path[:-1])[0], model):
        for table, field in place.model_fields.items():
            inner = None if get_origin(field.annotation) is dict else _inner(field.annotation)
            if inner is not None and path[-1] in inner.model_fields:
                return f"{table}.{path[-1]}"
    return None


def choices_at(model: type[BaseModel], path: Sequence[str]) -> Iterable[Any]:
    """The values of the Literal that a path leads to."""
    annotation = _walk(model, path)[1]
    while get_args(annotation) and not all(isinstance(option, str | bool) for option in get_args(annotation)):
        annotation = get_args(annotation)[0]
    return get_args(annotation)
