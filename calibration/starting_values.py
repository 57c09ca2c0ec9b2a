"""Starting values of the base hazards: solve `hazard_level.csv` so that the published flows hold in the model.

Separation, search and participation hazards by age, as ratios to the published flows, are moved, a damped step a
round and a new replicate each, until a baseline without AI and training has the published flows out of work by age
(`flows_age`), the employed and unemployed of every age that the population tables have, and the national job-to-job
rate. These are starting values: estimation proper, with uncertainty, is another matter.

    python calibration/starting_values.py [--rounds 12] [--scale 100] [--months 24]

prints a line a round and rewrites sim/economies/korea/hazard_level.csv (12 rounds: some 90 s on one core).
"""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path

import numpy as np

from sim import economy as economies
from sim.model import LaborMarket
from sim.record import FLOWS
from sim.scenario import load

TABLE = Path(economies.__file__).parent / "economies" / "korea" / "hazard_level.csv"
ITEMS = ("search_inactive", "search_employed", "separate_eu", "separate_en", "start_looking", "stop_looking")
STATES = "_eun"
NOTE = "solved by calibration/starting_values.py: separations and stocks by age hold without AI and training"


def main() -> None:
    """Solve and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--scale", type=int, default=100)
    parser.add_argument("--months", type=int, default=24)
    args = parser.parse_args()
    for n in range(args.rounds):
        economy = economies.load("korea")
        levels = {item: economy.array("hazard_level", "age", item=item) for item in ITEMS}
        flows, people, finding, moving, vacancies = measure(args.scale, args.months, n)
        target = {f: economy.array("flows_age", "age", flow=f) for f in economy.codes["flow"]}
        held = economy.array("population", "sex", "age", "state").sum(axis=0)
        print(f"round {n}: job finding {finding:.4f}, job to job {moving:.4f}, vacancies {vacancies:,.0f}")
        for item, flow, damp in (
            ("separate_eu", "eu", 0.4),
            ("separate_en", "en", 0.4),
            ("stop_looking", "un", 0.4),
        ):
            levels[item] *= np.clip(target[flow] / np.maximum(flows[flow], 1e-6), 0.6, 1.6) ** damp
        for item, of, to in (("search_inactive", 0, 2), ("start_looking", 1, 0)):
            odds = (held[:, of] / held[:, to]) / np.maximum(
                people[:, of] / np.maximum(people[:, to], 1.0), 1e-6
            )
            levels[item] *= np.clip(odds, 0.6, 1.6) ** 0.6
        levels["search_employed"] *= np.clip(economy.value("flows", "job_to_job") / moving, 0.5, 2.0) ** 0.7
        write(economy.codes["age"], levels)


def measure(
    scale: int, months: int, replicate: int
) -> tuple[dict[str, np.ndarray], np.ndarray, float, float, float]:
    """Monthly flows by age over the last two thirds of a run, people by age and state (employed, unemployed, inactive),
    national job finding and job-to-job, vacancies."""
    scenario = load("no-training", overrides=["world.adoption_frozen=true"]).with_run(
        scale=scale, months=months
    )
    model = LaborMarket(scenario, replicate)
    moves = np.zeros((model.economy.n("age"), 4, 4))
    while model.month < months:
        before, age = (
            model.workers.state.copy(),
            model.tables.band[np.clip(model.month - model.workers.birth, 0, 1451)],
        )
        model.step()
        if model.month > months // 3:
            np.add.at(moves, (age, before, model.workers.state), 1)
    share = moves / np.maximum(moves[:, :, 1:].sum(axis=2, keepdims=True), 1)
    flows = {a + b: share[:, STATES.index(a), STATES.index(b)] for a in "eun" for b in "eun" if a != b}
    national = moves.sum(axis=0)
    late = model.record.flows[-12:].mean(axis=0)
    moving = late[FLOWS.index("job_to_job")] / (model.workers.state == 1).sum()
    return (
        flows,
        moves[:, :, 1:].sum(axis=1),
        national[2, 1] / national[2, 1:].sum(),
        moving,
        late[FLOWS.index("vacancies")] * scale,
    )


def write(ages: list[str], levels: dict[str, np.ndarray]) -> None:
    """Rewrite the table through a temporary name."""
    temporary = TABLE.with_suffix(".tmp")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["item", "age", "value", "unit", "year", "source", "kind", "note"])
        for item in ITEMS:
            rows.writerows(
                [item, age, round(float(x), 5), "ratio", 2025, "", "assumption", NOTE]
                for age, x in zip(ages, levels[item], strict=True)
            )
    os.replace(temporary, TABLE)


if __name__ == "__main__":
    main()
