"""Run scenarios against a base with common random numbers, and keep and print what they change."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Sequence
from json import dumps as json_text
from pathlib import Path

from sim import economy as economies
from sim.branching import apart, one_replicate, spread
from sim.checkpoint import Place, for_now, keeping
from sim.errors import InputError
from sim.evaluation.comparison import LABELS, Effects
from sim.evaluation.effects import Groups, Observed, PairSums, decompose, paired_dataset
from sim.evaluation_records import valuation
from sim.jobs import bar, side_by_side
from sim.network_tables import require_country
from sim.replicate import RunData
from sim.results import Results
from sim.scenario import Scenario, load

SHARED = ("economy", "start", "months", "scale", "replicates", "seed", "uncertainty")
"""Run settings that pairs must share: else a row is not the same person, or a month or parameters are not the same."""
TABLES, WIDTH = "tables.txt", 160
LONGEST_NAME = 80  # letters of the scenarios' names in the name of a folder


def compare(
    base: str | Path | Scenario,
    *others: str | Path | Scenario,
    scale: int | None = None,
    months: int | None = None,
    replicates: int | None = None,
    seed: int | None = None,
    uncertainty: str | None = None,
    jobs: int = 1,
    panel: int = 0,
    progress: bool = False,
) -> Effects:
    """Effects of the `others` against `base`: scenarios, files or names, run in pairs with the same draws.

    scale, months, replicates, seed, uncertainty: for all of them, instead of what they say. jobs: processes, one
    replicate each at a time. panel: workers to follow. progress: a bar, on a terminal only. Raises InputError when
    a scenario is wrong, or when they cannot be paired.
    """
    asked = {
        "scale": scale,
        "months": months,
        "replicates": replicates,
        "seed": seed,
        "uncertainty": uncertainty,
    }
    settings = {name: value for name, value in asked.items() if value is not None}
    scenarios = [one if isinstance(one, Scenario) else load(one) for one in (base, *others)]
    scenarios = [one.with_run(**settings) if settings else one for one in scenarios]
    return effects_of(scenarios, *paired_runs(scenarios, jobs=jobs, panel=panel, progress=progress))


def require_pairable(scenarios: Sequence[Scenario]) -> None:
    """InputError when scenarios do not share what pairs need, are valued differently, have one name, or are fewer
    than two."""
    if len(scenarios) < 2:
        raise InputError("a comparison needs a base and at least one other scenario")
    for one in scenarios:
        require_country(one, "a comparison")
    base = scenarios[0]
    names = [one.name for one in scenarios]
    for one in scenarios[1:]:
        if names.count(one.name) > 1 or one.name == base.name:
            raise InputError(f"two scenarios are called {one.name!r}", allowed="a name of its own for each")
        for name in SHARED:
            mine, theirs = getattr(one.run, name), getattr(base.run, name)
            if mine != theirs:
                problem = f"{one.name} has {mine}, {base.name} has {theirs}: runs in pairs must share it"
                raise InputError(problem, key=f"run.{name}")
    valuation(scenarios)


def paired_runs(
    scenarios: Sequence[Scenario],
    *,
    jobs: int = 1,
    panel: int = 0,
    progress: bool = False,
    place: Place | None = None,
) -> tuple[list[RunData], list[list[PairSums]]]:
    """Every scenario and replicate, and the paired counts (others, replicates) against the first scenario.

    Persons are compared where they were simulated: only counts come back from the processes. When scenarios
    have processes of their own, what persons did goes through files. place: where checkpoints are kept.
    """
    require_pairable(scenarios)
    run = scenarios[0].run
    alone = apart(scenarios, jobs, run.replicates)
    with for_now(place, needed=True, finished=alone) as here:
        if alone:
            tasks = [(one, r) for r in range(run.replicates) for one in scenarios]
            spread(tasks, jobs, here, keep_status=True, panel=panel, bring=False, progress=progress)
        if jobs > 1 and run.replicates > 1 and not alone:
            with bar(run.replicates, "replicates", progress) as tick:
                calls = [(scenarios, r, here, panel) for r in range(run.replicates)]
                done = side_by_side(run_replicate, calls, jobs, tick)
        else:
            total = run.replicates * len(scenarios) * run.months
            with bar(total, "months", progress and not alone) as tick:
                done = [
                    run_replicate(scenarios, r, here, panel, lambda _: tick(1)) for r in range(run.replicates)
                ]
    runs = [one for runs, _ in done for one in runs]
    return runs, [[pairs[k] for _, pairs in done] for k in range(len(scenarios) - 1)]


def run_replicate(
    scenarios: Sequence[Scenario],
    replicate: int,
    place: Place,
    panel: int = 0,
    on_month: Callable[[int], None] | None = None,
) -> tuple[list[RunData], list[PairSums]]:
    """One replicate of every scenario, and the counts of each pair with the first.

    What each person did is dropped.
    """
    economy = economies.load(scenarios[0].run.economy)
    programmes = sorted({id for one in scenarios for id in one.programmes(economy.programmes)})
    groups = Groups.of(economy, programmes)
    every = one_replicate(scenarios, replicate, place, True, panel, on_month)
    base = next(every)
    comparison = Observed.of(base)
    runs, pairs = [base], []
    for policy in every:
        mine = Observed.of(policy)
        pairs.append(decompose(mine, comparison, groups))
        policy.randomised.compare(
            comparison.employed, comparison.unemployed, (mine.employed, mine.unemployed)
        )
        runs.append(_without_persons(policy))
    _without_persons(base)
    return runs, pairs


def effects_of(
    scenarios: Sequence[Scenario], runs: Sequence[RunData], pairs: Sequence[Sequence[PairSums]]
) -> Effects:
    """Labelled effects from the runs and their paired counts; the first scenario is the base."""
    results = Results.from_runs(runs)
    base, others = scenarios[0], [one.name for one in scenarios[1:]]
    replicates = range(results.replicates)
    results.tree["effects"] = paired_dataset(pairs, others, replicates, results.months, results.scale)
    results.tree.attrs.update(base=base.name, **valuation(scenarios))
    return Effects(results, base.name)


def _without_persons(run: RunData) -> RunData:
    run.people.clear()
    record = run.record
    record.start = record.start[:, :0].copy()
    for kept in (record.employed, record.unemployed, record.insured, record.job_begun):
        kept.clear()
    for by_month in (
        record.employer,
        record.hired_by,
        record.occupation,
        record.pay,
        record.place,
        record.incomes,
    ):
        by_month.clear()
    return run


# --------------------------------------------------------------------------------------------- the command


def compare_command(
    base: Scenario,
    others: Sequence[Scenario],
    *,
    out: Path | None = None,
    panel: int = 0,
    jobs: int = 1,
    json: bool = False,
    quiet: bool = False,
    force: bool = False,
    checkpoint_every: int = 0,
    full: bool = False,
) -> None:
    """`laborshift compare`: run in pairs, keep the folder, print the answer (every table if `full`) or JSON."""
    from sim.folder import finished
    from sim.runner import say_if_compiling

    require_pairable([base, *others])
    for one, same in zip(others, [other.digest("") == base.digest("") for other in others], strict=True):
        if same and not quiet:
            print(f"note: {one.name} asks what {base.name} asks: every effect is zero", file=sys.stderr)
    say_if_compiling(quiet=quiet or json)
    if not (quiet or json or force) and finished(folder_of([base, *others], out), panel):
        print("answered from its folder; --force runs it again", file=sys.stderr)
    effects, folder = compare_into(
        [base, *others],
        out=out,
        panel=panel,
        jobs=jobs,
        force=force,
        progress=not (quiet or json),
        checkpoint_every=checkpoint_every,
    )
    if json:
        print(as_json(effects, folder))
    elif not quiet:
        from rich.console import Console

        from sim.evaluation.front import front
        from sim.evaluation.show import tables

        console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
        for part in (*front(effects), *(tables(effects) if full else ())):
            console.print(part)
        console.print(f"results: {folder} ({TABLES}: every table)", highlight=False, soft_wrap=True)


def compare_into(
    scenarios: Sequence[Scenario],
    *,
    out: Path | None = None,
    panel: int = 0,
    jobs: int = 1,
    force: bool = False,
    progress: bool = False,
    figures: bool = True,
    checkpoint_every: int = 0,
) -> tuple[Effects, Path]:
    """Compare with the first scenario and write the folder; a finished one is read, unless `force`.

    The folder holds what a run leaves behind, for all scenarios, and `effects.csv`, `effects.json`, every table as
    text (`TABLES`) and the waterfall of each scenario. It appears whole or not at all. checkpoint_every: as of
    `sim.runner.run`. Raises InputError when the input is wrong.
    """
    from sim.folder import finished, whole, write

    started = time.perf_counter()
    require_pairable(scenarios)
    folder = folder_of(scenarios, out)
    if not force and finished(folder, panel):
        return Effects.open(folder), folder
    with keeping(folder, checkpoint_every) as place:
        runs, pairs = paired_runs(scenarios, jobs=jobs, panel=panel, progress=progress, place=place)
        effects = effects_of(scenarios, runs, pairs)
        try:
            with whole(folder) as part:
                spent = time.perf_counter() - started
                write(part, effects.results, runs, panel=panel, seconds=spent, figures=figures)
                write_effects(part, effects, figures=figures)
        except OSError as reason:
            raise InputError(
                f"results cannot be written ({reason.strerror})", file=str(folder), key="--out"
            ) from reason
    return effects, folder


def folder_of(scenarios: Sequence[Scenario], out: Path | None = None) -> Path:
    """`compare-<names>-<hash8>`: the same questions, in the same order, have the same folder."""
    from sim.folder import OUTPUTS

    economy = economies.load(scenarios[0].run.economy).digest
    asked = [
        *(one.digest(economy) for one in scenarios),
        *(f"{k}={v}" for k, v in sorted(valuation(scenarios).items())),
    ]
    digest = hashlib.sha256("".join(asked).encode()).hexdigest()
    names = "-".join(one.name for one in scenarios)[:LONGEST_NAME]
    return (out or OUTPUTS) / f"compare-{names}-{digest[:8]}"


def write_effects(folder: Path, effects: Effects, *, figures: bool = True) -> None:
    """effects.csv, effects.json, every table as text, and with `figures` a waterfall of each scenario."""
    from rich.console import Console

    from sim.evaluation.front import front
    from sim.evaluation.show import tables
    from sim.summary import to_json

    table = effects.tidy()
    table.to_csv(folder / "effects.csv", index=False, encoding="utf-8", lineterminator="\n")
    (folder / "effects.json").write_text(to_json(table) + "\n", encoding="utf-8")
    with (folder / TABLES).open("w", encoding="utf-8") as file:
        console = Console(file=file, width=WIDTH)
        for part in (*front(effects), *tables(effects)):
            console.print(part)
    if figures:
        from sim.drawing import save

        for name in effects.scenarios:
            if effects.table()[name]["mean"].notna().all():  # else too few were trained to draw a step
                several = f"-{name}" if len(effects.scenarios) > 1 else ""
                save(effects.plot.waterfall(name), folder / "figures", f"waterfall{several}")


def as_json(effects: Effects, folder: Path) -> str:
    """One object: the folder, the effects on everyone, the ledger, the summary of each scenario."""
    from sim.summary import records

    table = effects.tidy()
    return json_text(
        {
            "folder": str(folder),
            "base": effects.base,
            "scenarios": effects.scenarios,
            "replicates": effects.replicates,
            "scale": effects.scale,
            "definitions": LABELS,
            "effects": records(table[table.dimension == "all"]),
            "ledger": effects.money().to_dict("records"),
            "summary": records(effects.results.summary()),
        },
        ensure_ascii=False,
    )
