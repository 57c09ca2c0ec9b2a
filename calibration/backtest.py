"""The backtest of 2022 to 2025: runs it, keeps what it found, and writes the tables of docs/backtest.md.

    python calibration/backtest.py [--measure] [--fast] [--jobs J]

`--measure` runs the model (24 runs at scale 100; with `--fast`, 9 at scale 1000, for a first look) and writes
calibration/backtest.json; without it the page is written again from what the file holds. What stands between the marks
of the page comes from there, so the two cannot disagree.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "backtest.json"
PAGE = HERE.parent / "docs" / "backtest.md"


def main() -> int:
    """Measure when asked, fill the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--measure", action="store_true", help="run the model")
    parser.add_argument("--fast", action="store_true", help="few agents, few replicates")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side")
    args = parser.parse_args()
    if args.measure:
        RESULTS.write_text(json.dumps(measured(args.fast, args.jobs), indent=1) + "\n", encoding="utf-8")
    fill(json.loads(RESULTS.read_text(encoding="utf-8")))
    return 0


def measured(fast: bool, jobs: int) -> dict[str, Any]:
    from sim.jobs import bar
    from sim.validation import backtest

    with bar(backtest.runs(fast, len(backtest.VARIANTS)), "backtest", True) as tick:
        return backtest.report(fast, jobs, tick)


def fill(report: dict[str, Any]) -> None:
    """Put the tables between their marks. SystemExit when a mark is missing."""
    text = PAGE.read_text(encoding="utf-8")
    for name, lines in (
        ("setting", setting(report)),
        ("figures", figures(report)),
        ("decomposition", decomposition(report)),
    ):
        block = f"<!-- {name} -->\n" + "\n".join(lines) + f"\n<!-- /{name} -->"
        text, found = re.subn(rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _, b=block: b, text, flags=re.S)
        if found != 1:
            raise SystemExit(f"{PAGE.name}: the marks of {name!r} stand there {found} times, not once")
    PAGE.write_text(text, encoding="utf-8")


def setting(report: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{report['replicates']} replicates at scale {report['scale']}, {report['months']} months from July 2022; "
        f"adoption series `{report['adoption']}`, exposure `{report['exposure']}`. Industries of high exposure (KSIC "
        f"sections): {', '.join(report['exposed_industries'])}."
    )


def figures(report: dict[str, Any]) -> Iterator[str]:
    yield "| change | published | passes within | model (90% interval) | demography alone | last year's growth | |"
    yield "|---|--:|--:|--:|--:|--:|---|"
    for f in report["figures"]:
        unit = f["unit"]
        model = f"{say(f['mean'], unit)} ({say(f['mean_low'], unit)} to {say(f['mean_high'], unit)})"
        within = f"{say(f['low'], unit)} to {say(f['high'], unit)}"
        dull = " | ".join(say(f[key], unit) for key in ("demography", "trend"))
        yield f"| {f['label']} | {say(f['published'], unit)} | {within} | {model} | {dull} | {f['status']} |"


def decomposition(report: dict[str, Any]) -> Iterator[str]:
    yield "| part of the change of employed 15-29, 2022 to 2025 | persons | 90% interval |"
    yield "|---|--:|--:|"
    for part in report["decomposition"]:
        interval = f"{say(part['low'], 'persons')} to {say(part['high'], 'persons')}"
        yield f"| {part['name']} | {say(part['mean'], 'persons')} | {interval} |"


def say(value: float, unit: str) -> str:
    """A change in the words of its unit."""
    if unit in ("persons", "jobs"):
        return f"{value / 1000:+,.0f} thousand"
    if unit == "change of a rate":
        return f"{100 * value:+.1f} points"
    return f"{100 * value:+.1f}%" if unit == "relative change" else f"{value:+.3f}"


if __name__ == "__main__":
    raise SystemExit(main())
