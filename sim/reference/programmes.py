"""The programmes of the oracle: their records, what is left of their money and seats, everyone ever enrolled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sim.economy import Economy
from sim.ledger import Ledger
from sim.records import Programme
from sim.reference import arithmetic as a
from sim.reference.agents import Enrolment, Lot

if TYPE_CHECKING:
    from sim.reference.market import ReferenceMarket
    from sim.reference.subsidies import Hire

TEACHING = ("course", "sme-package", "joint-centre", "lab", "support")
HORIZONS = (3, 6, 12, 24, 36)
STAGES = ("entry", "active", "transition", "outside")
ATTENDING, COMPLETED, DROPPED, LEFT = range(4)
NOT_REACHED, DISCOVERED, DIAGNOSED, IN_TRAINING, DONE = range(5)
COURSES = 8  # of one programme in one province
PACKAGE_MONTHS = 3


class Programmes:
    """The programme records, what is left of their money and seats, and everyone ever enrolled."""

    def __init__(
        self, records: Sequence[Programme], economy: Economy, parameters: Any, ledger: Ledger
    ) -> None:
        self.records, self.economy, self.ledger = list(records), economy, ledger
        codes, regions = economy.codes, range(economy.n("region"))
        self.codes = {
            name: {code: n for n, code in enumerate(codes[name])}
            for name in ("reason", "contract", "size", "industry", "region", "education", "occupation")
        }
        self.states = {code: n + 1 for n, code in enumerate(codes["state"])}
        capital, decline = economy.attribute("region", "capital"), economy.attribute("region", "decline")
        self.allowance = [
            [_allowance(r, float(capital[n]) > 0, float(decline[n])) for n in regions] for r in records
        ]
        self.response = [
            a.power([won / r.allowance_capital for won in row], parameters.allowance_elasticity)
            if r.allowance_capital > 0
            else [1.0 for _ in regions]
            for r, row in zip(records, self.allowance, strict=True)
        ]
        for row, r in zip(self.response, records, strict=True):
            written = economy.programmes.get(r.id)
            usual = Programme.from_table(r.id, written).self_payment if written else r.self_payment
            dearer = (1.0 - r.self_payment) / max(1e-6, 1.0 - usual)
            row[:] = [answer * dearer**parameters.allowance_elasticity for answer in row]
        self.apply_logit = [a.logit(min(max(r.apply, 1e-7), 1 - 1e-7)) for r in records]
        self.drop_logit = [
            a.logit(min(0.999, max(1e-6, 1.0 - max(r.completion, 1e-6) ** (1.0 / r.months)))) for r in records
        ]
        self.drop_zeta = [r.completion_zeta or parameters.completion_employability for r in records]
        self.open = [False for _ in records]
        self.aware = [[0.0] * len(STAGES) for _ in records]
        self.seat_carry = [[0.0 for _ in regions] for _ in records]
        self.seats_taken, self.seats_released = [0 for _ in records], [0.0 for _ in records]
        self.instructors = sum(
            (r.base_money(2025) / max(1, r.unit_cost)) / r.instructors
            for r in records
            if r.instructors > 0 and r.unit_cost > 0
        )
        self.firm_seats, self.seat_steering = 0.0, 0.0
        self.enrolments: list[Enrolment] = []
        self.attending: list[Enrolment] = []
        self.subsidised: list[Hire] = []
        self.lots: list[Lot] = []
        self.held_back = [0 for _ in records]


def _allowance(record: Programme, capital: bool, decline: float) -> int:
    """Won a month in a province: capital area, elsewhere, more for the part in population decline."""
    if capital:
        return record.allowance_capital
    return int(
        record.allowance_noncapital + decline * max(0, record.allowance_decline - record.allowance_noncapital)
    )


def first_month(model: ReferenceMarket, year: int) -> int:
    """Calendar month in which the money of a year begins."""
    return model.run_settings.start.month if year == 0 else 1


def ramp(model: ReferenceMarket, record: Programme) -> float:
    """Part of new money that can be used by now."""
    if record.ramp_up == 0 or record.base_money(2025):
        return 1.0
    return min(1.0, (model.month + 1) / record.ramp_up)


def shrunk(model: ReferenceMarket, record: Programme) -> float:
    """Headcount of the employers a programme is for, over the published one: below 1 at coarse scales."""
    sizes = record.eligibility.sizes or model.economy.codes["size"]
    return a.total([max(model.headcount[code], 1e-3) for code in sizes]) / len(sizes)


def pay_allowance(model: ReferenceMarket, course: Enrolment, year: int) -> None:
    """A month's allowance for a trainee without work."""
    won = model.programmes.allowance[course.programme][course.who.region]
    if won and not course.who.employed:
        model.programmes.ledger.spend("allowance", course.programme, year, won * model.scale)
