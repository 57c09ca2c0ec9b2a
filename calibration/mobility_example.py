"""Makes the synthetic network economy `sim/economies/mobility-example`: python calibration/mobility_example.py

Twenty occupations on a ring of skill, larger in the middle, with most moves between near ones. Employment, labels and
exposure are invented. The moves are balanced so that the closed-form rest point holds exactly: with unemployed and
vacancies in proportion to employment e, every vacancy then has the same number of applicants. For that
`F_ij = e_i e_j A_ij d_i` must be symmetric with row sums e_i, staying included, for some d; with F symmetric off the
diagonal this is `sum_j F_ij ((1 - r) / e_i + r / e_j) = 1 - r`, reached here by scaling rows and columns alike.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parents[1] / "sim" / "economies" / "mobility-example"
STAY = 0.5503
GROUPS = ("Office", "Care", "Workshop", "Transport")
GRADES = ("assistant", "clerk", "technician", "planner", "lead")


def main() -> None:
    """Write nodes.csv and moves.csv."""
    n = len(GROUPS) * len(GRADES)
    labels = [f"{group} {grade} (synthetic)" for group in GROUPS for grade in GRADES]
    employment = np.array([1000 * round(40 + 25 * math.sin(2.4 * i) + 2 * i) for i in range(n)], dtype=float)
    exposure = [round(0.45 + 0.35 * math.cos(1.7 * i), 2) for i in range(n)]
    gap = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    near = np.minimum(gap, n - gap)
    ties = np.where((near > 0) & (near <= 4), np.exp(-near / 2.0), 0.0)
    flows = ties * np.sqrt(np.outer(employment, employment))
    for _ in range(20_000):
        held = (flows * ((1 - STAY) / employment[:, None] + STAY / employment[None, :])).sum(axis=1)
        scale = np.sqrt((1 - STAY) / held)
        flows *= np.outer(scale, scale)
    moves = flows / np.outer(employment, employment)
    with (FOLDER / "nodes.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["id", "label", "employment", "exposure"])
        rows.writerows(zip(_ids(n), labels, employment.astype(int), exposure, strict=True))
    with (FOLDER / "moves.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["source", "target", "weight"])
        for i, j in np.argwhere(moves > 0):
            rows.writerow([_ids(n)[i], _ids(n)[j], f"{moves[i, j] * 1e6:.12g}"])


def _ids(n: int) -> list[str]:
    return [f"{GROUPS[i // len(GRADES)].lower()}-{i % len(GRADES) + 1}" for i in range(n)]


if __name__ == "__main__":
    main()
