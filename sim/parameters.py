"""Every parameter of the scenario table `[world]`: what nobody controls, each a record with its range and
source.

Reference pages, error messages, sweep bounds and the explorer's sliders are made from these records, and the
`world` part of a scenario (`sim.scenario.World`) is built from them: a parameter is written down here and
nowhere else. Symbols in the labels are those of the model description.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

CALIBRATED = Path(__file__).with_name("calibrated.toml")
"""The point estimate, `name = value`: written by `laborshift calibrate --accept`, read when this module is imported."""


@dataclass(frozen=True)
class Parameter:
    """One number of `[world]`.

    default: the estimate of `calibrated.toml` where there is one, else `centre`. centre: the value set by hand from
    the source, on which the prior is centred. low, high: the values allowed, both ends included, and the bounds of a
    sweep; all in `unit`. source: the paper, table or survey the centre rests on; "assumption" where nobody publishes
    one. estimated: fitted in calibration or carrying a prior (a dagger in the model description), so it is swept.
    """

    name: str
    centre: float
    unit: str
    low: float
    high: float
    label: str
    label_ko: str
    source: str
    group: str
    estimated: bool
    estimate: float | None = None

    @property
    def default(self) -> float:
        """What a scenario that says nothing uses."""
        return self.centre if self.estimate is None else self.estimate

    @property
    def integer(self) -> bool:
        """Whole numbers only."""
        return isinstance(self.centre, int)

    @property
    def fitted(self) -> bool:
        """Whether calibration fits it. A whole number has no derivative: it keeps its value, and is swept."""
        return self.estimated and not self.integer

    @property
    def prior(self) -> str:
        """Kind of prior (`sim.estimation.priors.of_parameter`): "" where there is none.

        uniform: `job_creation`, of which nothing is known, whole numbers, and a centre on a bound; lognormal: levels,
        and ranges that span a factor of 100 or more; beta, stretched to the bounds: all others.
        """
        if not self.estimated:
            return ""
        if self.integer or self.name in UNIFORM or not self.low < self.centre < self.high:
            return "uniform"
        wide = self.low > 0.0 and self.high >= 100.0 * self.low
        return "lognormal" if wide or self.name.startswith("level_") else "beta"


@dataclass(frozen=True)
class Choice:
    """One structural choice of `[world]`: which of several series or rules a run uses."""

    name: str
    default: str | bool
    options: tuple[str | bool, ...]
    label: str
    label_ko: str
    source: str
    group: str


UNIFORM = ("job_creation",)
"""Estimated parameters whose prior is even over their range."""

ASSUMED = "assumption"
BASS = "Sultan, Farley & Lehmann 1990: mean imitation 0.38 a year over 213 products, divided by 12"
NOVICES = "Brynjolfsson, Li & Raymond 2025, QJE 140(2): issues an hour +30% novices, +15% mean, 0 experts"
GAIN = f"{NOVICES}; checked against +1.0% at today's use (BOK Issue Note, August 2025)"
USE = "assumption fitted to regular use 26% to 41% after training (arXiv 2603.04982, randomised trial)"
YOUTH = "assumption; checked against the fall in youth jobs (Oh & Han, BOK Issue Note, October 2025)"
STAFF = "assumption; direction from Aldasoro et al. 2026, BIS WP 1325 (training raises the gain from AI)"
LEVEL = (
    "measures differ in level by a factor of three (Gmyrek et al. 2025; Felten et al. 2021; Eloundou et al.)"
)
LABOUR = "assumption below the Bank of Korea's labour share of income (63.8% in 2018, 68.7% in 2022)"
CREATION = "uniform prior from 0 (a fixed number of jobs) to 1 (free entry of vacancies)"
DISPLACED = "assumption; checked against the pay loss of displaced Koreans (OECD 2013, Back to Work: Korea)"
MOBILITY = "assumption near 0.5503 in del Rio-Chanona et al. 2021, J. R. Soc. Interface 18, 20200898"
RENT = (
    "assumption; 3 to 7% of time saved reaches pay in Humlum & Vestergaard 2025, half in Dearden et al. 2006"
)
PREMIUM = "Bank of Korea, December 2025: pay of AI skill +6% in 2024 (1.1 million LinkedIn profiles)"
SCARCITY = (
    "Bank of Korea, December 2025: premium 1.3% in 2010, 6% in 2024; 2.5-fold scarcity then is an assumption"
)
SOLVED = "published flows of 2025: the economy's profile by age (hazard_level) is solved at a level of one"
TENURE = (
    "the economy's factors by tenure, fitted to turnover and one-year stayers; the power is an assumption"
)
SIZES = (
    "the economy's factors by size are those of all jobs: part of the gap is contracts and tenure, "
    "which count by themselves (assumption: half)"
)
CONTRACTS = "assumption: temporary jobs turn regular in law after two years, which hires stand for"
PRACTICE = f"assumption; direction from {NOVICES}"
DECAY = "Hyman 2018: return to retraining fades by about 10% of its start a year (derived), divided by 12"
QUALITY = (
    "assumption; prior 0.2 to 1 on the sd between KDT courses of 14 to 16 points (HRD-Net course records)"
)
ALLOWANCE = "assumption; no response of enrolment to the regional allowance is published"
MEASURES = "Gmyrek et al. 2025 (ILO WP 140); Felten et al. 2021; Eloundou et al.; Microsoft; Anthropic"
LABOUR_COST = (
    "Popp 2023, J. Labour Market Research 57: own-wage elasticity of labour demand -0.43, mean of 705 German "
    "estimates; publication bias inflates such means (Lichter, Peichl & Siegloch 2015, EER 80)"
)
MONEY_IN_RANKING = (
    "assumption: a won saved counts as one of pay does (1 sd of employability: 1 point, 0.25 log points)"
)
ADOPTION = "official adoption series of 2023 and 2024, which differ sixfold by definition (5.3% to 32.9%)"


def _estimated(
    name: str,
    centre: float,
    low: float,
    high: float,
    unit: str,
    label: str,
    label_ko: str,
    source: str = ASSUMED,
) -> Parameter:
    """A parameter that is fitted or carries a prior. The group is filled in by `_grouped`."""
    return Parameter(name, centre, unit, low, high, label, label_ko, source, "", True)


def _fixed(
    name: str,
    centre: float,
    low: float,
    high: float,
    unit: str,
    label: str,
    label_ko: str,
    source: str = ASSUMED,
) -> Parameter:
    """A parameter that is set and can be swept, but not fitted."""
    return Parameter(name, centre, unit, low, high, label, label_ko, source, "", False)


# fmt: off
_GROUPS: dict[str, list[Parameter]] = {
    "adoption": [
        _estimated("adoption_imitation", 0.03, 0.0, 0.1, "per month",
                   "imitation: pull of adopters among peers (q)", "동종 사업체 모방 계수", BASS),
        _estimated("adoption_ramp", 36.0, 6.0, 120.0, "months",
                   "from first adoption to full intensity (tau)", "도입 후 완전 활용까지 기간"),
        _fixed("adoption_staff_skill", 1.0, 0.0, 4.0, "speed-up per unit of mean AI skill",
               "faster ramp where the staff has AI skill", "직원 AI 역량의 도입 가속 효과", STAFF),
    ],
    "tasks": [
        _fixed("exposure_level", 1.0, 0.0, 3.0, "ratio",
               "level of exposure, multiplies every score", "AI 노출도 수준 배수", LEVEL),
        _estimated("productivity_gain", 0.35, 0.0, 1.0, "share of a fully augmented job's output",
                   "gain of a user on augmentable tasks (g)", "AI 활용 생산성 향상률", GAIN),
        _estimated("substitution", 0.25, 0.0, 0.8, "share of a fully substitutable job's labour",
                   "labour saved on substitutable tasks (delta)", "AI 노동 대체율", YOUTH),
        _fixed("use_midpoint", 0.45, 0.1, 0.9, "AI skill, 0 to 1",
               "AI skill at which half use AI regularly", "정기 활용률 50%가 되는 AI 역량", USE),
        _fixed("use_slope", 6.0, 1.0, 20.0, "log odds per unit of AI skill",
               "steepness of use in AI skill", "AI 역량에 따른 활용률 기울기", USE),
        _fixed("novice_months", 24.0, 6.0, 120.0, "months",
               "experience over which the novice's gain falls", "초심자 효과 감소 기간", NOVICES),
        _fixed("expert_floor", 0.25, 0.0, 1.0, "share of the novice's gain",
               "gain that an expert keeps", "숙련자에게 남는 생산성 효과 비율", NOVICES),
    ],
    "labour demand": [
        _estimated("business_stealing", 1.0, 0.0, 5.0, "elasticity",
                   "posts won from rivals by lower cost (sigma_b)", "경쟁 사업체 간 일자리 이동 탄력성"),
        _estimated("surplus_posts", 0.053, 0.0, 0.15, "share of employees",
                   "posts held above posts wanted at rest", "균형 시 초과 보유 일자리 비율"),
        _estimated("scale_effect", 0.5, 0.0, 2.0, "elasticity",
                   "posts gained as an industry's price falls (sigma_k)", "산업 규모 효과 탄력성"),
        _fixed("labour_share", 0.6, 0.3, 0.8, "share of cost",
               "labour's share of an employer's cost (b)", "비용 중 노동비 비중", LABOUR),
        _estimated("ai_post_share", 0.5, 0.0, 1.0, "share of an adopter's vacancies",
                   "vacancies of adopters that ask for AI skill (nu)", "도입 사업체 구인 중 AI 역량 요구율"),
        _estimated("layoff_share", 0.15, 0.0, 1.0, "share of surplus posts a month",
                   "surplus posts cut by layoff (phi)", "초과 인원 중 월간 해고 비율"),
        _fixed("layoff_skill", 1.0, 0.0, 5.0, "log weight per unit of AI skill",
               "protection from layoff by AI skill (beta_L)", "AI 역량의 해고 회피 효과"),
        _fixed("layoff_tenure", 0.02, 0.0, 0.2, "log weight per month of tenure",
               "protection from layoff by tenure (beta_t)", "근속기간의 해고 회피 효과"),
        _estimated("job_creation", 0.5, 0.0, 1.0, "share",
                   "vacancies that easier hiring creates (psi)", "채용 여건 개선의 고용 창출 정도", CREATION),
        _estimated("hiring_quality", 0.3, 0.0, 2.0, "elasticity",
                   "posts created by more skilled hires (chi)", "채용자 역량의 일자리 창출 효과"),
        _fixed("subsidy_elasticity", 0.43, 0.0, 1.5, "elasticity",
               "posts created as a hiring subsidy lowers the cost of a job (epsilon)",
               "채용장려금의 고용 창출 탄력성", LABOUR_COST),
    ],
    "search": [
        _estimated("own_occupation", 0.45, 0.2, 0.95, "probability",
                   "searching in one's own occupation (r)", "동일 직종 구직 확률", MOBILITY),
        _estimated("no_application", 0.01, 1e-6, 10.0, "weight",
                   "weight of sending no application (w0)", "미지원 가중치"),
        _estimated("wage_search", 0.1, 0.0, 5.0, "log weight per log point of wage",
                   "pull of higher wages on search (beta_w)", "임금이 구직 방향에 주는 영향"),
        _estimated("applications", 2, 1, 5, "applications a month",
                   "applications of a job seeker (k)", "월간 지원 건수"),
    ],
    "matching": [
        _fixed("score_occupation", 1.0, 0.0, 5.0, "score",
               "last job in the same occupation (beta_o)", "동일 직종 경력 가점"),
        _fixed("score_distance", 1.0, 0.0, 5.0, "score per unit of skill distance",
               "penalty for skill distance (beta_d)", "숙련 거리 감점"),
        _estimated("score_skill", 3.0, 0.0, 5.0, "score per unit of AI skill",
                   "AI skill where the post asks for it (beta_a)", "AI 역량 가점"),
        _estimated("score_certificate", 0.6, 0.0, 5.0, "score",
                   "a relevant certificate (beta_c)", "관련 자격·수료증 가점"),
        _fixed("score_employability", 1.0, 0.0, 5.0, "score per sd of employability",
               "employability that records do not show (zeta)", "관찰되지 않는 취업능력 가점"),
        _fixed("score_long_term", 0.3, 0.0, 5.0, "score",
               "penalty for long-term unemployment (beta_u)", "장기실업 감점"),
        _fixed("score_age", 0.3, 0.0, 5.0, "score",
               "penalty for an applicant over 45 (beta_age)", "45세 초과 감점"),
        _fixed("score_education", 0.3, 0.0, 5.0, "score",
               "education that fits the post (beta_e)", "학력 적합 가점"),
        _fixed("score_subsidy", 4.0, 0.0, 20.0, "score per share of the cost of a job",
               "a hiring subsidy that comes with the applicant (beta_s)", "채용장려금 대상자 가점",
               MONEY_IN_RANKING),
        _fixed("score_noise", 1.0, 0.0, 5.0, "score, scale of a Gumbel draw",
               "chance in the employer's ranking", "채용 순위의 우연 요소"),
        _fixed("reservation_share", 0.5, 0.0, 1.2, "share of the last wage",
               "reservation wage at the start of a spell", "실직 초기 희망임금 비율"),
        _fixed("reservation_decline", 0.03, 0.0, 0.2, "share per month",
               "fall of the reservation wage over the spell", "희망임금의 월간 하락률"),
        _estimated("regular_preference", 0.1, 0.0, 0.6, "log points of wage",
                   "wage worth giving up for a regular contract", "상용직 선호의 임금 환산"),
        _estimated("large_preference", 0.05, 0.0, 0.5, "log points of wage",
               "wage worth giving up for a large employer", "대규모 사업체 선호의 임금 환산"),
    ],
    "wages": [
        _estimated("rent_share", 0.2, 0.0, 1.0, "share of the productivity gain",
                   "productivity gain paid to workers (rho)", "생산성 이득의 임금 배분율", RENT),
        _estimated("premium_elasticity", 20.0, 2.0, 200.0, "elasticity",
                   "substitution between skilled and other labour (sigma_a)", "AI 숙련 대체탄력성", SCARCITY),
        _fixed("premium_base", 0.06, 0.0, 0.3, "log points",
               "wage premium of AI skill at the start (p_0)", "AI 역량 임금 프리미엄", PREMIUM),
        _fixed("tenure_wage", 0.002, 0.0, 0.01, "log points a month, up to 60 months",
               "wage paid for tenure, lost with the job", "근속 임금 상승분", DISPLACED),
        _estimated("level_pay", 1.0, 0.7, 1.3, "ratio to the published mean",
                   "pay at the start of the spin-up: moves to better jobs raise it", "초기 임금 수준 (이직으로 상승)"),
        _estimated("match_sd", 0.3, 0.0, 0.5, "log points",
               "sd of the wage effect of a match", "일자리 매칭 임금효과 표준편차"),
        _fixed("wage_employability", 0.25, 0.0, 0.5, "log points per sd",
               "pay of employability that records do not show", "관찰되지 않는 취업능력의 임금 효과"),
    ],
    "skill": [
        _fixed("learning_by_use", 0.01, 0.0, 0.1, "AI skill per month of use",
               "AI skill learnt on the job", "활용을 통한 월간 AI 역량 축적", PRACTICE),
        _estimated("skill_decay", 0.008, 0.0, 0.05, "share per month without use",
                   "loss of AI skill that is not used (d)", "미활용 시 월간 AI 역량 감소율", DECAY),
        _fixed("skill_start_spread", 0.15, 0.0, 0.5, "AI skill, 0 to 1",
               "spread of AI skill at the start", "초기 AI 역량의 분산"),
    ],
    "flows": [
        _estimated("level_separate_eu", 1.0, 0.3, 3.0, "ratio to the economy's hazards",
                   "level of separations into unemployment", "실업으로의 이직 위험 수준", SOLVED),
        _estimated("level_separate_en", 1.0, 0.3, 3.0, "ratio to the economy's hazards",
                   "level of separations into inactivity", "비경제활동으로의 이직 위험 수준", SOLVED),
        _estimated("level_start_looking", 1.0, 0.3, 3.0, "ratio to the economy's hazards",
                   "level at which the inactive start to look for work", "비경제활동인구의 구직 개시 수준", SOLVED),
        _estimated("level_stop_looking", 1.0, 0.3, 3.0, "ratio to the economy's hazards",
                   "level at which the unemployed stop looking", "실업자의 구직 중단 수준", SOLVED),
        _estimated("level_search_inactive", 1.0, 0.3, 3.0, "ratio to the economy's hazards",
                   "level of search of the inactive for a job at hand", "비경제활동인구의 직접 구직 수준", SOLVED),
        _estimated("level_return_resting", 1.0, 0.3, 3.0, "ratio to the economy's factors",
                   "return to work of those who rest", "쉬었음 인구의 복귀 수준"),
        _estimated("level_search_employed", 1.0, 0.3, 3.0, "ratio to the economy's hazards",
                   "level of search on the job", "재직 중 구직 수준", SOLVED),
        _estimated("level_own_account", 1.0, 0.3, 3.0, "ratio to those who stop",
                   "level of entry into own-account work", "자영업 진입 수준"),
        _estimated("level_separate_own", 1.0, 0.3, 3.0, "ratio to the economy's factors",
                   "separations from own-account and family work, against employees'", "자영업·무급가족 이직 수준"),
        _estimated("separation_tenure", 1.0, 0.5, 2.0, "power of the economy's factors",
                   "how steeply separations fall with tenure", "근속에 따른 이직 위험의 기울기", TENURE),
        _estimated("separation_size", 0.5, 0.0, 1.5, "power of the economy's factors",
                   "how steeply separations fall with employer size", "사업체 규모에 따른 이직 위험의 기울기", SIZES),
        _estimated("regular_hires", 0.3, -1.0, 2.0, "log odds",
                   "regular contracts among hires against the jobs that end", "채용 중 상용직 비중 보정", CONTRACTS),
    ],
    "selection and training": [
        _estimated("separation_employability", 0.3, 0.0, 1.0, "log hazard per sd",
               "fewer separations of the more employable", "취업능력의 이직 감소 효과"),
        _estimated("quality_causal", 0.5, 0.2, 1.0, "share",
                   "part of course quality that is causal (kappa)", "과정 품질 격차 중 인과적 비중", QUALITY),
        _fixed("completion_employability", 0.3, 0.0, 2.0, "log odds per sd",
               "more completions of the more employable", "취업능력의 수료 효과"),
        _fixed("allowance_elasticity", 0.3, 0.0, 2.0, "elasticity",
               "response of applications to the allowance", "훈련수당에 대한 신청 탄력성", ALLOWANCE),
    ],
}
# fmt: on


def estimates(path: Path = CALIBRATED) -> dict[str, float]:
    """Name -> value of a file of estimates; nothing where there is no file. ValueError when it is not TOML."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {name: float(value) for name, value in table.items()}


def with_estimates(records: Mapping[str, Parameter], found: Mapping[str, float]) -> dict[str, Parameter]:
    """The records with estimates as defaults; one of a name that is no longer fitted, or outside its range, is left."""
    return {
        name: replace(one, estimate=found[name])
        if one.fitted and name in found and one.low <= found[name] <= one.high
        else one
        for name, one in records.items()
    }


def _grouped(groups: dict[str, list[Parameter]]) -> dict[str, Parameter]:
    """The records by name, each with its group filled in."""
    return {row.name: replace(row, group=group) for group, rows in groups.items() for row in rows}


PARAMETERS: dict[str, Parameter] = with_estimates(_grouped(_GROUPS), estimates())
"""Name -> record, in the order in which the model uses them."""

CHOICES: dict[str, Choice] = {
    choice.name: choice
    for choice in (
        Choice(
            "exposure",
            "ilo-2025",
            (
                "ilo-2025",
                "aioe",
                "eloundou-alpha",
                "eloundou-beta",
                "eloundou-gamma",
                "microsoft",
                "anthropic-observed",
            ),
            "measure of what AI can do in an occupation",
            "직종별 AI 노출도 지표",
            MEASURES,
            "tasks",
        ),
        Choice(
            "adoption",
            "central",
            ("low", "central", "high"),
            "adoption series of employers",
            "사업체 AI 도입률 시계열",
            ADOPTION,
            "adoption",
        ),
        Choice(
            "adoption_frozen",
            False,
            (False, True),
            "no adoption beyond the start",
            "시작 시점 수준으로 AI 도입 고정",
            "thought experiment",
            "adoption",
        ),
        Choice(
            "growth",
            "trend",
            ("trend", "none"),
            "growth of posts by industry and region, net of AI",
            "산업·지역별 일자리 추세 성장",
            "the economy's growth table",
            "labour demand",
        ),
    )
}
"""Name -> structural choice."""
