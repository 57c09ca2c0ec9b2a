"""The report of validation that is committed: the tables of docs/validation.md and the line of README.md.

    python calibration/report.py --run [--jobs J]     # every comparison (minutes), then the pages
    python calibration/report.py [validation.json]    # the pages alone, from what `laborshift validate` left

`calibration/validation.json` is what the pages say; without an argument they are written from it again. Nobody types a
number between the marks of the pages.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from sim.validation.rows import FAILS, PASSES, UNTESTED, Row
from sim.validation.validate import markdown, record, validate

HERE = Path(__file__).resolve().parent
REPORT = HERE / "validation.json"
PAGE = HERE.parent / "docs" / "validation.md"
README = HERE.parent / "README.md"


def main() -> int:
    """Run when asked, keep the JSON, fill the pages."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", nargs="?", type=Path, default=REPORT, help="validation.json of a run")
    parser.add_argument("--run", action="store_true", help="run every comparison first")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side")
    args = parser.parse_args()
    if args.run:
        rows = validate(jobs=args.jobs, progress=True)
        report = record(rows, fast=False, scale=None, only=None)
    else:
        try:
            report = json.loads(args.file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            print(f"{args.file}: cannot be read: {error}", file=sys.stderr)
            return 2
        if report.get("only") or report.get("fast"):
            print(f"{args.file}: is not of a whole run, so it is no report", file=sys.stderr)
            return 2
    put(REPORT, json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    rows = [Row(**row) for row in report["rows"]]
    fill(PAGE, "table", markdown(rows))
    fill(PAGE, "targets", targets(report))
    fill(README, "validation", sentence(rows))
    return 0


def put(path: Path, text: str) -> None:
    """Write under another name, then take the place."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def fill(page: Path, name: str, block: str) -> None:
    """Replace what stands between the marks of a page."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    text = page.read_text(encoding="utf-8")
    if not pattern.search(text):
        raise SystemExit(f"{page.name} has no marks <!-- {name} -->")
    put(page, pattern.sub(lambda found: f"{found[1]}{block.rstrip()}\n{found[2]}", text))


def targets(report: dict[str, Any]) -> str:
    """The twenty published targets of training and AI, each with its rows and their verdicts."""
    rows = {row["id"]: row for row in report["rows"]}
    lines = ["| no. | fact | verdict |", "| ---: | --- | --- |"]
    for number, ids in report["published_targets"].items():
        for n, id in enumerate(ids):
            row = rows[id]
            lines.append(f"| {number if n == 0 else ''} | {row['label']} (`{id}`) | {row['status']} |")
    return "\n".join(lines)


def sentence(rows: list[Row]) -> str:
    """How many facts the model meets, and where to read on."""
    n = {status: sum(row.status == status for row in rows) for status in (FAILS, UNTESTED, PASSES)}
    moments = {
        group: [row.status == PASSES for row in rows if row.group == group and row.status != UNTESTED]
        for group in ("fit", "test")
    }
    return (
        f"At the default parameters {sum(moments['fit'])} of {len(moments['fit'])} moments that were fitted, and "
        f"{sum(moments['test'])} of {len(moments['test'])} that were held out, lie in their range. "
        f"Of {len(rows)} comparisons with published facts, {n[PASSES]} pass, **{n[FAILS]} fail** and {n[UNTESTED]} "
        "are not tested. Which, and why: [docs/validation.md](docs/validation.md)."
    )


if __name__ == "__main__":
    sys.exit(main())
