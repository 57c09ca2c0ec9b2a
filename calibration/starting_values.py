"""Starting values: solve `hazard_level.csv` and `pay_level.csv` so that published flows and pay hold in the model.

Separation, search and participation hazards by age, as ratios to the published flows, are moved, a damped step a
round and a new replicate each, until a baseline without AI and training has the published flows out of work by age
(`flows_age`), the employed and unemployed of every age that the population tables have, and the national job-to-job
rate. These are starting values: estimation proper, with uncertainty, is another matter.

Pay: moves to better pay and the minimum wage raise pay during the spin-up, most in the groups paid least. Pay at its
start is moved, by major group and by a power of the factors by size, until mean pay of the groups and the gap of large
and small employers (`wage_major_*`, `wage_monthly`, `wage_large_small` of targets.csv) hold a year and a half later.

    python calibration/starting_values.py [hazards] [pay] [--rounds 12] [--scale 100] [--months 24]

prints a line a round and rewrites the tables of sim/economies/korea (12 rounds: some 90 s each on one core). Both are
solved at the estimates of the day: solve pay again after a calibration that moved it.
"""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path

import numpy as np

from sim import economy as economies
from sim.estimation.moments import moments
from sim.estimation.targets import load as load_targets
from sim.model import LaborMarket
from sim.record import FLOWS
from sim.scenario import load

KOREA = Path(economies.__file__).parent / "economies" / "korea"
ITEMS = ("search_inactive", "search_employed", "separate_eu", "separate_en", "start_looking", "stop_looking")
STATES = "_eun"
NOTE = "solved by calibration/starting_values.py: separations and stocks by age hold without AI and training"
PAY_NOTE = (
    "solved by calibration/starting_values.py: mean pay holds after moves to better pay and the minimum wage"
)


def main() -> None:
    """Solve and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", choices=["hazards", "pay"], default=["hazards", "pay"])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--scale", type=int, default=100)
    parser.add_argument("--months", type=int, default=24)
    args = parser.parse_args()
    if "hazards" in args.what:
        solve_hazards(args)
    if "pay" in args.what:
        solve_pay(args)


def solve_hazards(args: argparse.Namespace) -> None:
    """`hazard_level.csv`, a damped step a round."""
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
        ages = economy.codes["age"]
        rows = [(item, age, x) for item in ITEMS for age, x in zip(ages, levels[item], strict=True)]
        write(KOREA / "hazard_level.csv", ["item", "age"], rows, NOTE)


def solve_pay(args: argparse.Namespace) -> None:
    """`pay_level.csv`: a step a round towards the mean pay of each major group; groups without a target keep theirs."""
    targets = load_targets()
    for n in range(args.rounds):
        economy = economies.load("korea")
        major, size = (economy.array("pay_level", "code", dimension=d).copy() for d in ("major", "size"))
        scenario = load("no-training", overrides=["world.adoption_frozen=true"])
        found = moments(LaborMarket(scenario.with_run(scale=args.scale, months=18), n).run())
        factor = economy.array("wage_factor", "code", dimension="size")
        gap = np.log(targets["wage_large_small"].value / found["wage_large_small"])
        size *= (factor / factor.mean()) ** (0.6 * gap / np.log(factor[-1] / factor[:2].mean()))
        print(
            f"round {n}: pay {found['wage_monthly']:,.0f}, large to small {found['wage_large_small']:.3f}",
            end="",
        )
        for k, code in enumerate(economy.codes["major"]):
            if (name := f"wage_major_{code}") not in targets:
                continue
            wanted = targets[name].value * targets["wage_monthly"].value
            ratio = wanted / (found[name] * found["wage_monthly"])
            print(f", {code} {1.0 / ratio:.3f}", end="")
            major[k] *= float(np.clip(ratio, 0.8, 1.25)) ** 0.6
        print()
        rows = [
            (dimension, code, x)
            for dimension, level in (("major", major), ("size", size))
            for code, x in zip(economy.codes[dimension], level, strict=True)
        ]
        write(KOREA / "pay_level.csv", ["dimension", "code"], rows, PAY_NOTE)


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


def write(path: Path, keys: list[str], rows: list[tuple[object, ...]], note: str) -> None:
    """Rewrite a table through a temporary name. rows: the keys and a value, a ratio."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*keys, "value", "unit", "year", "source", "kind", "note"])
        table.writerows(
            [*row[:-1], round(float(row[-1]), 5), "ratio", 2025, "", "assumption", note] for row in rows
        )
    os.replace(temporary, path)


if __name__ == "__main__":
    main()
