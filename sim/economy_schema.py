"""What an economy's tables must hold: one line a long table, a codebook, a wide table, a single value.

`SCHEMA` drives every check on a long table; a new table is a new line. `economy_checks` does the checking.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

EMPLOYEES = ("regular", "temporary", "daily")
PERSONAL = ("age", "sex", "education")
FACTORS = ("occupation", "industry", "size", "contract", *PERSONAL)
HAZARDS = ("contract", "age", "size", "tenure", "reason")
MOVES = ("eu", "en", "ue", "un", "ne", "nu", "job_to_job")
AI_USES = ("any", "regular", "ever")
KINDS = ("published", "derived", "assumption", "recalled")
PROVENANCE = ("unit", "year", "source", "kind", "note")
YEAR = re.compile(r"\d{4}(H[12]|Q[1-4]|-(0[1-9]|1[0-2]))?(-\d{4}(H[12]|Q[1-4]|-(0[1-9]|1[0-2]))?)?")
"""A year (2025), a half (2025H1), a quarter (2025Q3), a month (2025-07), or from one of these to another."""

RANGES = {
    "persons": (0.0, math.inf),
    "share": (0.0, 1.0),
    "ratio": (0.0, math.inf),
    "KRW": (0.0, math.inf),
    "hours": (0.0, 744.0),
    "score": (0.0, 1.0),
    "standardised": (-4.0, 4.0),
}
"""The first word of a unit -> the values it allows (744 hours are a month of 31 days)."""

EFFECTS = RANGES | {"share": (-1.0, 1.0)}
"""The same for targets and single values, among which are changes: a loss is a negative share."""

SUM_TOLERANCE = 1e-3  # of shares that sum to 1: they are written with a few decimals
TOTAL_TOLERANCE = 1e-3  # of totals that agree between tables, relative


@dataclass(frozen=True)
class Rule:
    """What one long table must hold."""

    keys: str
    """Key columns, in order. `dimension` names the dimension that `code` belongs to."""
    unit: str = ""
    """The first word of every row's unit; any unit when empty."""
    sums: str = ""
    """The key over which shares sum to 1."""
    items: tuple[str, ...] = ()
    """Items, or dimensions, that must be there."""
    codes: Mapping[str, tuple[str, ...]] | None = None
    """Codes of a dimension, where the table does not use all of the codebook."""
    within: tuple[float, float] | None = None
    """Lowest and highest value, where the unit's own range does not fit."""


SCHEMA: dict[str, Rule] = {
    "population": Rule("sex age state", "persons"),
    "inactive_reason": Rule("sex age reason", "share", sums="reason"),
    "region_state": Rule("region state", "persons"),
    "region_sector": Rule("region sector", "persons"),
    "industry": Rule("industry", "persons"),
    "industry_occupation": Rule("industry major", "persons"),
    "occupation": Rule("occupation", "persons"),
    "occupation_age": Rule("occupation age5", "share", sums="age5"),
    "occupation_sex": Rule("occupation sex", "share", sums="sex"),
    "occupation_major": Rule("occupation major", "share", sums="major"),
    "occupation_education": Rule("occupation education", "share", sums="education"),
    "education_age": Rule("age education state", "share", sums="education"),
    "contract": Rule("contract", "persons"),
    "contract_age": Rule("contract age", "ratio"),
    "contract_sex": Rule("contract sex", "ratio"),
    "contract_industry": Rule("contract industry", "ratio"),
    "contract_occupation_major": Rule("contract major", "ratio"),
    "size": Rule("size", "persons"),
    "size_employees": Rule("size", "persons"),
    "size_industry": Rule("size industry", "ratio"),
    "establishments": Rule(
        "size item", items=("mean_employees", "closure_rate", "birth_rate", "demand_sd", "demand_rho")
    ),
    "wage_level": Rule("item", items=("mean_hourly", "log_sd")),
    "wage_factor": Rule("dimension code", "ratio", items=FACTORS, codes={"contract": EMPLOYEES}),
    "pay_level": Rule("dimension code", "ratio", items=("major", "size")),
    "hours": Rule("contract age", "hours"),
    "flows": Rule("item", items=(*MOVES, "vacancies")),
    "flow_factor": Rule("dimension code flow", "ratio", items=HAZARDS, codes={"flow": MOVES}),
    "flows_age": Rule("age flow", "share"),
    "hazard_level": Rule(
        "item age",
        "ratio",
        items=(
            "search_inactive",
            "search_employed",
            "separate_eu",
            "separate_en",
            "start_looking",
            "stop_looking",
        ),
    ),
    "occupation_exit": Rule("item", "share", items=("annual_exit",)),
    "exposure": Rule("measure occupation"),
    "complementarity": Rule("occupation", "score"),
    "adoption": Rule("series size year", "share"),
    "adoption_industry": Rule("industry", "ratio"),
    "ai_use": Rule("dimension code", "share", items=("total", *PERSONAL), codes={"total": AI_USES}),
    "projection": Rule("sex age year", "persons"),
    "growth": Rule("dimension code", "share", items=("industry", "region"), within=(-0.5, 0.5)),
    "vacancy_major": Rule("major", "share", sums="major"),
}

CODEBOOKS: dict[str, str] = {
    "sexes": "",
    "ages": "low high",
    "educations": "",
    "regions": "capital decline x y",
    "industries": "",
    "occupations": "ksco_major",
    "sizes": "low high",
    "contracts": "",
    "states": "",
    "reasons": "",
}
"""Codebook -> the columns of numbers it has besides code, label_en and label_ko."""

WIDE: dict[str, tuple[str, ...]] = {
    "mobility": ("row-sum", "diagonal"),
    "skill_distance": ("symmetry", "diagonal"),
    "regional_mobility": ("row-sum",),
}
"""Square table -> the rules its matrix obeys; every entry lies in 0..1."""

TOTALS: tuple[tuple[tuple[str, Mapping[str, tuple[str, ...]]], ...], ...] = (
    (
        ("population", {"state": ("employed",)}),
        ("region_state", {"state": ("employed",)}),
        ("industry", {}),
        ("occupation", {}),
        ("contract", {}),
        ("size", {}),
    ),
    (("contract", {"contract": EMPLOYEES}), ("size_employees", {})),
)
"""Totals that agree: the first of a group is the measure of the others, each over the rows that match."""

SCALARS = (
    *("benefit.replacement", "benefit.floor_daily", "benefit.ceiling_daily", "benefit.insured_days"),
    *("benefit.window_months", "benefit.duration", "minimum_wage.hourly", "retirement.age", "pension.age"),
    *("tax.income", "contribution.worker", "contribution.employer", "macro.labour_share"),
    *(
        "macro.output_per_worker",
        "macro.discount_rate",
        "hours.full_time",
        "insured.regular",
    ),
    *("insured.temporary", "insured.daily", "displaced.monthly_wage", "ai.wage_premium", "military.months"),
)
"""Values of `economy.toml` that the model reads and cannot do without."""

HEADER: dict[str, type] = {
    "name": str,
    "title_en": str,
    "title_ko": str,
    "currency": str,
    "base_year": int,
}
"""The keys of `economy.toml` outside its groups."""
HEADER_OPTIONS = ("based_on", "first_start")
"""Keys that it may have there: the economy whose tables this one replaces in part; the first month of a run."""
RECORD = ("value", *PROVENANCE, "low", "high")
"""The keys of a number in a TOML file."""

Sources = Collection[str] | None
"""The ids of `sources.csv`; None when that file cannot be read, and no id can be judged."""


PROGRAMME_TEXTS = ("label_en", "label_ko", "kind", "stages", "binds", "plan", "reference")
PROGRAMME_CHOICES: dict[str, tuple[str, ...]] = {
    "kind": (
        *(
            "course",
            "sme-package",
            "joint-centre",
            "lab",
            "support",
            "hiring-subsidy",
            "instructors",
            "channel",
        ),
    ),
    "stages": ("entry", "active", "transition"),
    "binds": ("applicants", "seats", "money", "firms", "instructors", "hours", "throughput"),
    "selection": ("first-come", "lottery", "ranked", "targeted"),
    "for_stages": ("entry", "active", "transition"),
    "intake_months": tuple(str(month) for month in range(1, 13)),
}
PROGRAMME_FLAGS = ("plan", "full_time", "certificate", "stage_required")
SHARE, POSITIVE, ANY = (0.0, 1.0), (0.0, math.inf), (-math.inf, math.inf)
PROGRAMME_TABLES: dict[str, dict[str, str | type[bool] | tuple[float, float]]] = {
    "eligibility": {
        "states": "state",
        "reasons": "reason",
        "contracts": "contract",
        "sizes": "size",
        "industries": "industry",
        "regions": "region",
        "education": "education",
        "age_min": (15.0, 120.0),
        "age_max": (15.0, 120.0),
        "exposure_min": SHARE,
        "spell_min": (0.0, 60.0),
        "insured": bool,
    },
    "conversion": {"targets": "occupation", "weight": SHARE},
}
"""Sub-table of a programme -> its keys, with the dimension of the codes, the range of the number, or bool."""

PROGRAMME_NUMBERS: dict[str, tuple[float, float]] = {
    "awareness": SHARE,
    "apply": SHARE,
    "apply_education": ANY,
    "apply_age": ANY,
    "apply_exposure": ANY,
    "apply_zeta": ANY,
    "apply_female": ANY,
    "seats": POSITIVE,
    "seats_growth": ANY,
    "ramp_up": (0.0, 60.0),
    "unit_cost": POSITIVE,
    "fixed_cost": POSITIVE,
    "instructors": POSITIVE,
    "months": (1.0, 60.0),
    "hours": POSITIVE,
    "allowance_capital": POSITIVE,
    "allowance_noncapital": POSITIVE,
    "allowance_decline": POSITIVE,
    "self_payment": SHARE,
    "completion": SHARE,
    "completion_zeta": ANY,
    "skill": SHARE,
    "quality_sd": SHARE,
    "adoption_lever": POSITIVE,
    "firms_a_year": POSITIVE,
    "firms_willing": SHARE,
    "trainees_per_firm": POSITIVE,
    "awareness_lever": POSITIVE,
    "application_lever": POSITIVE,
    "seat_steering": SHARE,
    "persons_a_year": POSITIVE,
    "crowd_out": SHARE,
    "base_budget": POSITIVE,
    "persons_2026": POSITIVE,
    "plan_share": SHARE,
    "outcome_insured_6m": SHARE,
    "outcome_official_6m": SHARE,
}
"""Number of a programme record -> the values it may have."""
