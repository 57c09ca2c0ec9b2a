"""What the stored variables are: labels, units and how their cells were made (CF cell methods)."""

from __future__ import annotations

POINT, SUM = "month: point", "month: sum"

MARKET: dict[str, tuple[str, str, str, float]] = {
    # name in TOTALS -> label, unit, cell methods, factor on the sum
    "employees": ("employees", "persons", POINT, 1),
    "insured": ("employees covered by employment insurance", "persons", POINT, 1),
    "long_term_unemployed": ("unemployed for six months or more", "persons", POINT, 1),
    "resting_youth": ("resting (쉬었음), below 30", "persons", POINT, 1),
    "beneficiaries": ("receiving unemployment benefit", "persons", POINT, 1),
    "benefits": ("unemployment benefit paid", "won", SUM, 1),
    "wages": ("pay of employees, won of 2025", "won", SUM, 1),
    "base_output": ("output without AI: hours at the base pay of the job, won of 2025", "won", SUM, 1),
    "output": ("output: base output with the gains from AI, won of 2025", "won", SUM, 1),
    "hours": ("hours worked", "hours", SUM, 1e-3),
    "users": ("employed who use AI regularly", "persons", POINT, 1),
    "skilled": ("people with applied AI skill or more", "persons", POINT, 1),
    "skill": ("AI skill (0 to 1) added up over people", "persons", POINT, 1e-6),
}
REVENUE: dict[str, tuple[str, str]] = {
    # name -> rate on the pay of employees (`economy.toml`), label
    "income_tax": ("tax.income", "income tax of employees, won of 2025"),
    "worker_contributions": ("contribution.worker", "social contributions of employees, won of 2025"),
    "employer_contributions": ("contribution.employer", "social contributions of employers, won of 2025"),
}
FLOW_LABELS: dict[str, tuple[str, str, str]] = {
    "entered": ("entered the population (aged 15)", "persons", SUM),
    "left": ("left the population", "persons", SUM),
    "separations": ("jobs ended", "persons", SUM),
    "layoffs": ("laid off", "persons", SUM),
    "notices": ("told of a layoff", "persons", SUM),
    "own_account": ("began own-account or unpaid family work", "persons", SUM),
    "hires": ("hired into a post", "persons", SUM),
    "job_to_job": ("hired out of another job", "persons", SUM),
    "offers_refused": ("offers refused", "offers", SUM),
    "vacancies": ("posts unfilled after matching", "posts", POINT),
    "unadvertised": ("posts wanted but not advertised", "posts", POINT),
    "openings": ("posts open before matching", "posts", POINT),
    "adopters": ("employers in business that have adopted AI", "employers", POINT),
    "open_employers": ("employers in business", "employers", POINT),
    "exposed_intensity": ("adoption intensity times exposure, over posts held", "posts", POINT),
}
FIRM_LABELS: dict[str, tuple[str, str, str, float]] = {
    "employed": ("employed", "persons", POINT, 1),
    "base_output": ("output without AI, won of 2025", "won", SUM, 1),
    "output": ("output, won of 2025", "won", SUM, 1),
    "users": ("employed who use AI regularly", "persons", POINT, 1),
    "hours_saved": ("hours that AI saves", "hours", SUM, 1e-3),
    "wages": ("pay, won of 2025", "won", SUM, 1),
}
MARGINS: dict[str, tuple[str, ...]] = {
    # variable in /cells -> axes kept of the `people` block
    "persons_by_stage": ("stage",),
    "persons_by_age": ("age",),
    "persons_by_sex": ("sex",),
    "persons_by_education": ("education",),
    "persons_by_stage_age": ("stage", "age"),
    "persons_by_age_sex": ("age", "sex"),
    "persons_by_age_education": ("age", "education"),
}
PEOPLE_AXES = ("stage", "age", "sex", "education")
COUNTS = {
    "applied": "applications",
    "enrolled": "people who start",
    "completed": "people who complete",
    "dropped": "people who drop out",
    "attending": "people in a course",
}
BOOKS = {
    "budget": "money of the year",
    "course": "paid for course places",
    "fixed": "paid for centres, labs, channels and instructors",
    "allowance": "allowances paid, on top of the budget",
    "unspent": "budget less course and fixed cost",
    "self_payment": "paid by trainees for their places, beside the budget",
}
