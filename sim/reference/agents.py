"""Who lives in the oracle: one Mesa agent a person, one an employer; posts, vacancies and courses are plain objects."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import mesa

from sim.workers import ABSENT, EMPLOYED, INACTIVE, MILITARY, NO_CONTRACT, NOBODY, RESTING, SCHOOL, UNEMPLOYED

if TYPE_CHECKING:
    from sim.reference.market import ReferenceMarket

ENTRY, ACTIVE, TRANSITION, OUTSIDE = range(4)
NOT_REACHED = 0  # of the SME package's funnel


class Post:
    """An employer's posts of one occupation."""

    def __init__(self, employer: Employer, row: int, columns: Any) -> None:
        self.employer, self.row = employer, row
        self.occupation = int(columns.occupation[row])
        self.base = float(columns.base[row])
        self.rounding = float(columns.rounding[row])
        self.base_labour = float(columns.base_labour[row])
        self.wage_share = float(columns.wage_share[row])
        self.wanted, self.vacant = int(columns.wanted[row]), int(columns.vacant[row])
        self.staff: set[Person] = set()
        self.closing = self.restructuring = self.laying_off = self.in_training = False

    @property
    def held(self) -> int:
        """Posts that someone holds."""
        return len(self.staff)

    def clear(self) -> None:
        """Forget what was going on here."""
        self.closing = self.restructuring = self.laying_off = self.in_training = False


class Employer(mesa.Agent):  # type: ignore[misc]
    """An establishment."""

    def __init__(self, model: ReferenceMarket, row: int, columns: Any) -> None:
        super().__init__(model)
        self.row = row
        self.region, self.industry, self.size = (
            int(c[row]) for c in (columns.region, columns.industry, columns.size)
        )
        self.open = bool(columns.open[row])
        self.intensity = float(columns.intensity[row])
        self.productivity = float(columns.productivity[row])
        self.shock = float(columns.shock[row])
        self.unit_cost = float(columns.unit_cost[row])
        self.lever = float(columns.lever[row])
        self.staff_skill = float(columns.staff_skill[row])
        self.staff_use = float(columns.staff_use[row])
        self.funnel = int(columns.funnel[row])
        self.hired_trainee = bool(columns.hired_trainee[row])
        self.in_package_since = 10**6
        self.posts: list[Post] = []

    @property
    def adopter(self) -> bool:
        """Uses AI at all."""
        return self.intensity > 0.0


class Person(mesa.Agent):  # type: ignore[misc]
    """One person aged 15 or over, or one who has not come yet or has left (`absent`)."""

    def __init__(self, model: ReferenceMarket, row: int, columns: Any, jobs: list[Post]) -> None:
        super().__init__(model)
        self.row = row
        self.birth, self.sex, self.education, self.region, self.state, self.reason, self.contract = (
            int(getattr(columns, name)[row])
            for name in ("birth", "sex", "education", "region", "state", "reason", "contract")
        )
        self.occupation, self.industry, self.spell, self.experience, self.benefit, self.programme = (
            int(getattr(columns, name)[row])
            for name in ("occupation", "industry", "spell", "experience", "benefit", "programme")
        )
        self.course_left, self.certificates, self.course_occupation, self.stage0, self.previous = (
            int(getattr(columns, name)[row])
            for name in ("course_left", "certificates", "course_occupation", "stage0", "previous")
        )
        self.employability = float(columns.employability[row])
        self.skill, self.wage = float(columns.skill[row]), float(columns.wage[row])
        tags = int(columns.tags[row])
        self.held12, self.lost12, self.involuntary, self.public, self.notice, self.covered, self.trained = (
            bool(tags >> bit & 1) for bit in range(7)
        )
        record = int(columns.insured[row])
        self.insured_months = record >> 18
        self.insured_lately = deque((bool(record >> bit & 1) for bit in reversed(range(18))), maxlen=18)
        job = int(columns.job[row])
        self.post: Post | None = jobs[job] if job >= 0 else None
        if self.post is not None:
            self.post.staff.add(self)
        self.month_words = (0, 0, 0, 0)  # this month's draw: leave, separate, search, apply for training

    # ------------------------------------------------------------------------------------------- who it is

    @property
    def size(self) -> int:
        """Size class of the employer, 5 without one."""
        return self.post.employer.size if self.post is not None else 5

    @property
    def employed(self) -> bool:
        """At work, with or without an employer."""
        return self.state == EMPLOYED

    @property
    def age_months(self) -> int:
        """Age in months."""
        return int(self.model.month) - self.birth

    @property
    def band(self) -> int:
        """Age band of the tables."""
        bands: list[int] = self.model.tables.band
        return bands[min(self.age_months, len(bands) - 1)]

    @property
    def stage(self) -> int:
        """Life stage: transition, else entry, else active, else outside."""
        if self.employed:
            under_pressure = self.notice or (self.post is not None and self.post.restructuring)
            return TRANSITION if under_pressure else ACTIVE
        if self.state == ABSENT:
            return OUTSIDE
        young = self.age_months < 35 * 12
        wants_work = self.state == UNEMPLOYED or self.reason == RESTING
        if wants_work and (self.lost12 or not young):
            return TRANSITION
        if not young:
            return OUTSIDE
        if self.state == INACTIVE and self.reason == MILITARY:
            return OUTSIDE
        if self.state == INACTIVE and self.reason == SCHOOL and self.age_months < 23 * 12:
            return OUTSIDE
        return ENTRY

    # ---------------------------------------------------------------------------------------- what happens

    def leave_post(self) -> None:
        """The post, if any, is held by nobody."""
        if self.post is not None:
            self.post.staff.remove(self)
            self.post = None

    def forget_job(self) -> None:
        """A new job wipes what is said of the last one; a job held for a year and a completed course stay."""
        self.lost12 = self.involuntary = self.public = self.notice = self.covered = False

    def go_absent(self) -> None:
        """Leave the population."""
        self.leave_post()
        self.state, self.contract, self.programme = ABSENT, NO_CONTRACT, NOBODY

    def become_inactive(self, reason: int) -> None:
        """Stop working or looking for work."""
        self.state, self.reason, self.spell, self.benefit = INACTIVE, reason, 0, 0

    # ------------------------------------------------------------------------------------- as the columns say

    @property
    def tags(self) -> int:
        """The bits of the column `tags`."""
        flags = (
            self.held12,
            self.lost12,
            self.involuntary,
            self.public,
            self.notice,
            self.covered,
            self.trained,
        )
        return sum(1 << bit for bit, flag in enumerate(flags) if flag)

    @property
    def insured(self) -> int:
        """The bits of the column `insured`."""
        lately = sum(1 << bit for bit, flag in enumerate(reversed(self.insured_lately)) if flag)
        return self.insured_months << 18 | lately

    @property
    def job(self) -> int:
        """Row of the post, -1 without."""
        return self.post.row if self.post is not None else -1


class Vacancy:
    """One open post, advertised this month."""

    def __init__(self, post: Post, requirement: float) -> None:
        self.post, self.requirement = post, requirement
        self.best_score = float("-inf")
        self.offered_to: tuple[Person, int] | None = (
            None  # the best applicant and which of his or her applications
        )


class Lot:
    """One person whose seat was decided by lot."""

    def __init__(
        self, person: Person, programme: int, month: int, design: int, won: bool, level: float
    ) -> None:
        self.who = person
        self.person, self.programme, self.month, self.region = person.row, programme, month, person.region
        self.state, self.design, self.offered, self.level = person.state, design, int(won), level
        self.placed: dict[tuple[str, int], bool] = {}  # (definition, months) -> at work


class Enrolment:
    """One person in one course."""

    def __init__(self, person: Person, programme: int, month: int, quality: float, drawn: bool) -> None:
        self.who = person
        self.person, self.programme, self.start, self.end, self.status = person.row, programme, month, 0, 0
        self.stage, self.region, self.age, self.sex = person.stage, person.region, person.band, person.sex
        self.education, self.state, self.occupation = person.education, person.state, person.occupation
        self.employer = person.post.employer.row if person.post is not None else -1
        self.wage, self.quality, self.lottery = person.wage, quality, int(drawn)
        self.placed: dict[
            tuple[str, str, int], bool
        ] = {}  # (since start or completion, definition, months) -> at work
