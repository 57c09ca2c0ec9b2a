"""The `laborshift` command: parse, call, print. Heavy libraries load inside the command that needs them.

Exit codes: 0 done; 2 the user's input is wrong (a message, no traceback); 1 a fault of ours; 130 interrupted.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from sim.errors import InputError, nearest

if TYPE_CHECKING:
    from sim.describe import Sheet
    from sim.scenario import Scenario


class Commands(TyperGroup):
    """Turns the two endings a user causes into exit codes, for every command."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            _complain(error.every()[:1])
            if error.others:
                typer.echo(f"... and {len(error.others)} more; laborshift check shows all", err=True)
            raise typer.Exit(2) from None
        except KeyboardInterrupt as interrupt:  # `run` and `compare` say what is kept
            typer.echo(str(interrupt) or "interrupted", err=True)
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Simulate training-budget scenarios on the Korean labour market.",
)

ScenarioName = Annotated[
    str, typer.Argument(metavar="SCENARIO[+SCENARIO...]", help="a file or a name; join with +")
]
Scale = Annotated[int | None, typer.Option(metavar="N", help="people per agent, 1 to 1000")]
MonthCount = Annotated[int | None, typer.Option(metavar="M", help="months to simulate")]
Replicates = Annotated[int | None, typer.Option(metavar="R", help="runs with different draws")]
Seed = Annotated[int | None, typer.Option(metavar="S", help="root of all random draws")]
Threads = Annotated[
    int | None,
    typer.Option(
        metavar="T",
        help="threads of one run, which move no digit; default: one, from 2 million workers all cores, 8 at most",
    ),
]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="change one key, e.g. run.months=96")
]
Uncertainty = Annotated[
    str | None,
    typer.Option(
        metavar="seed|posterior|FILE[+structure]",
        help="parameters of the replicates: one point (seed), or draws of the posterior that ships or of a FILE; "
        "+structure: draws also take variants of the model in turn",
    ),
]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="where results go; default outputs/")]
Panel = Annotated[int, typer.Option(metavar="N", min=0, help="workers to follow in panel.parquet")]
Jobs = Annotated[int, typer.Option(metavar="J", min=1, help="processes side by side")]
SomeJobs = Annotated[
    int | None, typer.Option("--jobs", metavar="J", min=1, help="processes side by side; default: all cores")
]
Objective = Annotated[
    str, typer.Option(metavar="WHAT", help="net-employment, productivity, fiscal or equity")
]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object on standard output, nothing else")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="no progress and no tables")]
Every = Annotated[
    int | None,
    typer.Option(
        "--checkpoint-every", metavar="M", min=1, help="keep every M months, to go on from after an interrupt"
    ),
]
Force = Annotated[bool, typer.Option("--force", help="run again even when the result is there")]
EconomyName = Annotated[str, typer.Option("--economy", help="a name or a folder of tables")]


@app.command()
def run(
    scenario: ScenarioName,
    scale: Scale = None,
    months: MonthCount = None,
    replicates: Replicates = None,
    seed: Seed = None,
    uncertainty: Uncertainty = None,
    sets: Sets = None,
    out: Out = None,
    panel: Panel = 0,
    jobs: Jobs = 1,
    threads: Threads = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    force: Force = False,
    checkpoint_every: Every = None,
) -> None:
    """Run a scenario and print its outcomes."""
    asked = _load(
        scenario,
        sets,
        scale=scale,
        months=months,
        replicates=replicates,
        seed=seed,
        threads=threads,
        uncertainty=uncertainty,
    )
    _call("sim.runner", "run_command")(
        asked,
        out=out,
        panel=panel,
        jobs=jobs,
        json=as_json,
        quiet=quiet,
        force=force,
        checkpoint_every=checkpoint_every or 0,
    )


@app.command()
def compare(
    base: Annotated[str, typer.Argument(metavar="BASE", help="what the others are compared with")],
    others: Annotated[list[str], typer.Argument(metavar="OTHER...", help="one or more scenarios")],
    scale: Scale = None,
    months: MonthCount = None,
    replicates: Replicates = None,
    seed: Seed = None,
    uncertainty: Uncertainty = None,
    sets: Sets = None,
    out: Out = None,
    panel: Panel = 0,
    jobs: Jobs = 1,
    threads: Threads = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    force: Force = False,
    checkpoint_every: Every = None,
    full: Annotated[bool, typer.Option("--full", help="print every table, not the answer alone")] = False,
) -> None:
    """Paired runs with common random numbers: effects against BASE, with intervals."""
    asked = [
        _load(
            name,
            sets,
            scale=scale,
            months=months,
            replicates=replicates,
            seed=seed,
            threads=threads,
            uncertainty=uncertainty,
        )
        for name in (base, *others)
    ]
    _call("sim.evaluation.compare", "compare_command")(
        asked[0],
        asked[1:],
        out=out,
        panel=panel,
        jobs=jobs,
        json=as_json,
        quiet=quiet,
        force=force,
        checkpoint_every=checkpoint_every or 0,
        full=full,
    )


@app.command()
def attribute(
    base: Annotated[str, typer.Argument(metavar="BASE", help="what the plan is compared with")],
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="the plan to take apart")],
    by: Annotated[str, typer.Option(metavar="stage|programme", help="what shares are given to")] = "stage",
    pairs: Annotated[
        int, typer.Option(metavar="N", min=1, help="orders drawn for a replicate, each with its reverse")
    ] = 4,
    scale: Scale = None,
    months: MonthCount = None,
    replicates: Replicates = None,
    seed: Seed = None,
    uncertainty: Uncertainty = None,
    sets: Sets = None,
    out: Out = None,
    jobs: SomeJobs = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Which programmes a plan's net effect comes from: each alone, the plan without it, Shapley shares."""
    asked = [
        _load(
            name,
            sets,
            scale=scale,
            months=months,
            replicates=replicates,
            seed=seed,
            uncertainty=uncertainty,
        )
        for name in (base, policy)
    ]
    _call("sim.evaluation.attribution", "attribute_command")(
        *asked,
        by=by,
        pairs=pairs,
        out=out,
        jobs=jobs or _call("sim.jobs", "cores")(),
        json=as_json,
        quiet=quiet,
        force=force,
    )


@app.command()
def marginal(
    scenario: ScenarioName,
    objective: Objective = "net-employment",
    amount: Annotated[int, typer.Option(metavar="WON", help="what effects are told for")] = 10_000_000_000,
    step: Annotated[
        int | None,
        typer.Option(
            metavar="WON", help="step of the differences; default: enough for 30 agents of the programme"
        ),
    ] = None,
    replicates: Annotated[int, typer.Option(metavar="R", help="replicates of the first look")] = 8,
    max_replicates: Annotated[int, typer.Option(metavar="R", help="the most that are run")] = 32,
    scale: Scale = None,
    months: MonthCount = None,
    seed: Seed = None,
    uncertainty: Uncertainty = None,
    sets: Sets = None,
    out: Out = None,
    jobs: SomeJobs = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """The effect of the next 10 billion won in each programme, what binds there, and how sure the best is."""
    _not_set(sets, {"run.replicates": "--replicates"})
    asked = _load(scenario, sets, scale=scale, months=months, seed=seed, uncertainty=uncertainty)
    _call("sim.evaluation.marginal", "marginal_command")(
        asked,
        objective=objective,
        amount=amount,
        step=step,
        first=replicates,
        most=max(replicates, max_replicates),
        out=out,
        jobs=jobs or _call("sim.jobs", "cores")(),
        json=as_json,
        quiet=quiet,
        force=force,
    )


@app.command()
def allocate(
    scenario: ScenarioName,
    objective: Objective = "net-employment",
    budget: Annotated[
        int | None,
        typer.Option(metavar="WON", help="envelope of all years; default: the scenario's new money"),
    ] = None,
    pareto: Annotated[
        str | None, typer.Option(metavar="WHAT", help="a second objective: the front of the two")
    ] = None,
    by: Annotated[str, typer.Option(metavar="stage|programme", help="what gets shares")] = "stage",
    growth: Annotated[float, typer.Option(metavar="X", help="most places, times those of today")] = 3.0,
    floor: Annotated[float, typer.Option(metavar="SHARE", help="of its money that each group keeps")] = 0.5,
    equity_floor: Annotated[
        float | None,
        typer.Option(metavar="MONTHS", help="least gain of equity over the published split, person-months"),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="a few rough runs, to see that all works")] = False,
    evaluations: Annotated[
        int | None, typer.Option(metavar="N", help="splits tried; default 24, quick 8")
    ] = None,
    replicates: Annotated[
        int | None, typer.Option(metavar="R", help="runs of each split tried; default 10, quick 2")
    ] = None,
    held_out: Annotated[
        int | None, typer.Option(metavar="R", help="fresh runs to judge on; default 40, quick 4")
    ] = None,
    scale: Annotated[
        int | None, typer.Option(metavar="N", help="people per agent; default 200, quick 1000")
    ] = None,
    months: MonthCount = None,
    seed: Seed = None,
    uncertainty: Uncertainty = "posterior",
    sets: Sets = None,
    out: Out = None,
    jobs: SomeJobs = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """The best split of the new money for an objective, and whether it beats the published one on fresh draws."""
    _not_set(sets, {"run.scale": "--scale", "run.replicates": "--replicates"})
    asked = _load(scenario, sets, months=months, scale=scale, seed=seed, uncertainty=uncertainty)
    try:
        effort = _call("sim.evaluation.allocate", "effort")
        command = _call("sim.evaluation.allocate", "allocate_command")
        importlib.import_module("scipy")
    except ModuleNotFoundError as missing:
        if missing.name != "scipy":
            raise
        raise InputError(
            "scipy is not installed",
            allowed="pip install 'laborshift[calibrate]' first, or make extras in a checkout",
        ) from None
    command(
        asked,
        objective=objective,
        pareto=pareto,
        budget=budget,
        by=by,
        growth=growth,
        floor=floor,
        equity_floor=equity_floor,
        effort=effort(quick, scale=scale, evaluations=evaluations, replicates=replicates, held_out=held_out),
        out=out,
        jobs=jobs or _call("sim.jobs", "cores")(),
        json=as_json,
        quiet=quiet,
        force=force,
    )


@app.command()
def validate(
    fast: Annotated[
        bool, typer.Option("--fast", help="coarser and fewer runs: a few minutes, wider errors")
    ] = False,
    only: Annotated[
        str | None,
        typer.Option(metavar="GROUP", help="fit, test, backtest, training or limit; default all"),
    ] = None,
    scale: Scale = None,
    jobs: Jobs = 1,
    out: Out = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Compare the model with published facts: table 18, failures first. A failure is a result: exit code 0."""
    _call("sim.validation.validate", "validate_command")(
        fast=fast, jobs=jobs, scale=scale, only=only, out=out, json=as_json, quiet=quiet
    )


@app.command()
def calibrate(
    targets: Annotated[
        Path | None,
        typer.Argument(metavar="[TARGETS]", help="a file of targets; default: the one that ships"),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="a few rough runs, to see that all works")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="go on from the runs that are kept")] = False,
    scale: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=1000, help="people per agent; default 200, quick 1000"),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(metavar="J", min=1, help="processes side by side; default: all cores")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="folder of the result; default outputs/calibration-...")
    ] = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="make the result the posterior and the defaults of this checkout")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Estimate the parameters from published figures: a posterior and the point that scenarios use."""
    try:
        command = _call("sim.estimation.calibrate", "calibrate_command")
    except ModuleNotFoundError as missing:
        if missing.name not in ("scipy", "emcee"):
            raise
        problem = f"{missing.name} is not installed"
        raise InputError(
            problem, allowed="pip install 'laborshift[calibrate]' first, or make extras in a checkout"
        ) from None
    command(
        targets,
        quick=quick,
        resume=resume,
        scale=scale,
        jobs=jobs or _call("sim.jobs", "cores")(),
        out=out,
        accepted=accept,
        as_json=as_json,
        quiet=quiet,
    )


@app.command()
def sweep(
    design: Annotated[
        str, typer.Argument(metavar="DESIGN", help="a design (file or name), or the folder of a sweep")
    ],
    executor: Annotated[
        str, typer.Option(metavar="local|slurm|dask", help="who does the runs; local: processes here")
    ] = "local",
    cluster: Annotated[
        Path | None, typer.Option(metavar="FILE", help="partition, walltime, modules ... for slurm and dask")
    ] = None,
    jobs: SomeJobs = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="do what is missing of a sweep that is begun")
    ] = False,
    status: Annotated[bool, typer.Option("--status", help="say how it stands, and run nothing")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="hold every unit against its checksum, and run nothing")
    ] = False,
    prepare: Annotated[
        int, typer.Option(metavar="N", min=0, help="part the work into N tasks for a scheduler of your own")
    ] = 0,
    scale: Scale = None,
    months: MonthCount = None,
    replicates: Replicates = None,
    seed: Seed = None,
    sets: Sets = None,
    out: Out = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Many runs of a design: levers x uncertainties x seeds, here or on a cluster; then what they say."""
    asked = {"scale": scale, "months": months, "replicates": replicates, "seed": seed}
    named = [f"run.{key}={value}" for key, value in asked.items() if value is not None]
    _with_extra("sweep", "sim.sweep.command", "sweep_command")(
        design,
        sets=[*(sets or []), *named],
        executor=executor,
        cluster=cluster,
        jobs=jobs,
        resume=resume,
        status=status,
        verify=verify,
        prepare=prepare,
        out=out,
        as_json=as_json,
        quiet=quiet,
    )


@app.command("sweep-unit", hidden=True)
def sweep_unit(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="of a sweep")],
    tasks: Annotated[Path, typer.Option(metavar="FILE", help="a list of lists of units")],
    task: Annotated[int, typer.Option(metavar="N", help="which of them")],
) -> None:
    """One task of a sweep, for schedulers: see `sweep --prepare`."""
    _with_extra("sweep", "sim.sweep.command", "unit_command")(folder, tasks, task)


@app.command()
def report(
    path: Annotated[
        str, typer.Argument(metavar="FOLDER", help="of a run, a comparison, a sweep or an allocation")
    ],
    lang: Annotated[str, typer.Option(metavar="ko|en", help="language of the report")] = "ko",
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="html (default), pdf, ipynb, docx, hwpx; xlsx or csv: the tables; figures: PNG and SVG; repeatable",
        ),
    ] = None,
    one_page: Annotated[bool, typer.Option("--one-page", help="the first page only")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="its ending chooses the format; default report-LANG.FORMAT in the folder"
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """A report that opens offline: the answer, pictures, twenty tables, where the numbers come from."""
    with _extra("report"):
        _call("sim.report.command", "report_command")(
            path, lang=lang, formats=formats, one_page=one_page, out=out, quiet=quiet
        )


@app.command()
def plan(
    scenarios: Annotated[
        list[str],
        typer.Argument(
            metavar="SCENARIO...|DESIGN", help="one as for run, several as for compare, or a sweep's"
        ),
    ],
    scale: Scale = None,
    months: MonthCount = None,
    replicates: Replicates = None,
    seed: Seed = None,
    uncertainty: Uncertainty = None,
    sets: Sets = None,
    panel: Panel = 0,
    jobs: Jobs = 1,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Say what a run, a comparison or a sweep will take before it takes it: time, memory, disk."""
    if len(scenarios) == 1 and _call("sim.sweep.design", "find")(scenarios[0]) is not None:
        named = {"scale": scale, "months": months, "replicates": replicates, "seed": seed}
        on_top = [f"run.{key}={value}" for key, value in named.items() if value is not None]
        design = _call("sim.sweep.design", "read_design")(scenarios[0], [*(sets or []), *on_top])
        _call("sim.sweep.planning", "plan_command")(design, jobs=jobs, json=as_json)
        return
    asked = [
        _load(
            name,
            sets,
            scale=scale,
            months=months,
            replicates=replicates,
            seed=seed,
            threads=threads,
            uncertainty=uncertainty,
        )
        for name in scenarios
    ]
    _call("sim.plan", "plan_command")(asked, panel=panel, jobs=jobs, json=as_json)


@app.command()
def check(
    items: Annotated[
        list[str], typer.Argument(metavar="SCENARIO|DESIGN|ECONOMY...", help="names, files or folders")
    ],
    sets: Sets = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with scenarios or economies, by file, line and key. Runs nothing."""
    found = {item: _mistakes(item, sets or []) for item in items}
    mistakes = [mistake for every in found.values() for mistake in every]
    if as_json:
        records = [mistake.record() for mistake in mistakes]
        typer.echo(
            json.dumps({"ok": not mistakes, "checked": items, "problems": records}, ensure_ascii=False)
        )
    else:
        _complain(mistakes)
        for item, every in found.items():
            typer.echo(f"{item}: {f'{len(every)} to correct' if every else 'ok'}")
    if mistakes:
        raise typer.Exit(2)


@app.command()
def describe(
    topic: Annotated[
        str | None,
        typer.Argument(metavar="[parameters|programmes|economy|SCENARIO|DESIGN]", help="default: scenarios"),
    ] = None,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="one parameter or programme")] = None,
    economy: EconomyName = "korea",
    sets: Sets = None,
    as_json: AsJson = False,
) -> None:
    """Show what there is: defaults, units, ranges, sources; or a scenario's settings and money."""
    from sim import describe as sheets
    from sim.economy import load as load_economy

    if topic is None:
        shown = sheets.scenarios()
    elif topic == "parameters":
        shown = sheets.parameters(name)
    elif topic == "programmes":
        shown = sheets.programmes(load_economy(economy), name)
    elif topic == "economy":
        shown = sheets.economy(load_economy(name or economy))
    elif _call("sim.sweep.design", "find")(topic) is not None:
        shown = sheets.design(_call("sim.sweep.design", "read_design")(topic, sets or []))
    else:
        try:
            scenario = _load(topic, sets)
        except InputError as error:
            if error.problem.startswith("there is no scenario"):
                error.allowed = f"parameters, programmes, economy, {error.allowed}"
                error.nearest = error.nearest or nearest(topic, ("parameters", "programmes", "economy"))
            raise
        shown = sheets.scenario(scenario, load_economy(scenario.run.economy))
    if as_json:
        typer.echo(json.dumps({one.title: one.records() for one in shown}, ensure_ascii=False, default=str))
    else:
        _print(shown)


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="of the file to write, .toml optional")],
    base: Annotated[str, typer.Option("--from", metavar="SCENARIO", help="what it builds on")] = "baseline",
) -> None:
    """Write a commented scenario file to edit. Never overwrites."""
    from sim.describe import template
    from sim.layers import based_on_name
    from sim.scenario import load

    path = Path(name).expanduser()
    path = path if path.suffix == ".toml" else path.with_name(path.name + ".toml")
    if path.exists():
        raise InputError("is already there and is not overwritten", file=str(path), allowed="another name")
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {str(path.parent)!r}", file=str(path))
    if "+" in base and not Path(base).is_file():
        raise InputError("a file builds on one scenario, not on several", key="--from")
    text = template(path.stem, load(base), based_on_name(base, path))
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    typer.echo(f"wrote {path}")


@app.command()
def version(as_json: AsJson = False) -> None:
    """The versions of the model and of what it stands on."""
    from importlib.metadata import version as version_of
    from platform import python_version

    from sim import __version__

    libraries = ("mesa", "numpy", "numba", "pandas", "xarray", "pydantic")
    versions = {
        "laborshift": __version__,
        "python": python_version(),
        **{one: version_of(one) for one in libraries},
    }
    lines = json.dumps(versions) if as_json else "\n".join(f"{one} {text}" for one, text in versions.items())
    typer.echo(lines)


@app.command()
def warmup(quiet: Quiet = False) -> None:
    """Compile the kernels once, so that later runs start at once, and measure this machine for `plan`."""
    _call("sim.runner", "warmup")()
    if not quiet:
        typer.echo("compiled")
    _call("sim.plan", "calibrate")()
    if not quiet:
        typer.echo("measured")


@app.command("self-test")
def self_test() -> None:
    """Check this installation: the shipped economy and scenarios, and a tiny run."""
    import tempfile

    from sim.layers import shipped
    from sim.scenario import load

    designs = _call("sim.sweep.design", "shipped")()
    items = ["korea", *shipped(), *designs]
    mistakes = [mistake for item in items for mistake in _mistakes(item, [])]
    _complain(mistakes)
    if mistakes:
        raise typer.Exit(1)
    typer.echo(f"economy, {len(shipped())} scenarios and {len(designs)} designs: ok")
    tiny = load("roadmap", overrides=["run.scale=1000", "run.months=2", "run.replicates=1"])
    with tempfile.TemporaryDirectory() as folder:
        _call("sim.runner", "run")(tiny, out=Path(folder), panel=0, jobs=1, force=True, progress=False)
    typer.echo("two months at scale 1000: ok")
    wrong = _call("sim.runner", "self_test")()
    for identity in wrong:
        typer.echo(identity, err=True)
    if wrong:
        raise typer.Exit(1)
    typer.echo("persons, enrolments and won are conserved: ok")


def _load(spec: str, sets: Sequence[str] | None, **settings: int | str | None) -> Scenario:
    """The scenario with `--set` keys, then the run options given by name, on top."""
    from sim.scenario import load

    named = [f"run.{key}={json.dumps(value)}" for key, value in settings.items() if value is not None]
    return load(spec, overrides=[*(sets or []), *named])


def _not_set(sets: Sequence[str] | None, options: dict[str, str]) -> None:
    """InputError where `--set` names a key that the command decides by an option of its own."""
    for text in sets or ():
        if (option := options.get(text.partition("=")[0].strip())) is not None:
            raise InputError("this command decides it by an option", key=text, allowed=option)


def _call(module: str, function: str) -> Any:
    """A function of a module that is heavy to import."""
    return getattr(importlib.import_module(module), function)


def _with_extra(extra: str, module: str, function: str) -> Any:
    """`_call` for what needs libraries of an extra. InputError that names the extra where they are missing."""
    with _extra(extra):
        return _call(module, function)


@contextmanager
def _extra(extra: str) -> Iterator[None]:
    """What runs inside needs libraries of an extra. InputError that names it where they are missing."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if (missing.name or "sim").split(".")[0] == "sim":
            raise
        problem = f"{missing.name} is not installed"
        raise InputError(
            problem, allowed=f"pip install 'laborshift[{extra}]' first, or make extras in a checkout"
        ) from None


def _mistakes(item: str, sets: Sequence[str]) -> list[InputError]:
    """Everything wrong with one scenario, or with one economy (a folder, or a name that ships)."""
    from sim.economy import load as load_economy
    from sim.economy import names
    from sim.layers import shipped
    from sim.network_tables import network_of, require_country, require_network

    try:
        if item in names() or (Path(item).is_dir() and item not in shipped()):
            economy = load_economy(item)
            return [
                InputError(
                    one.message, file=str(economy.path / one.file), line=one.row or None, key=one.column
                )
                for one in economy.problems()
            ]
        if _call("sim.sweep.design", "find")(item) is not None:
            _call("sim.sweep.design", "read_design")(item, sets)
            return []
        scenario = _load(item, sets)
        try:
            economy = load_economy(scenario.run.economy)
        except InputError as error:
            error.key, error.file = "run.economy", None
            raise scenario.placed(error) from None
        scenario.money(scenario.programmes(economy.programmes, economy.codes))
        scenario.digest(economy.digest)  # which reads the posterior, if parameters are drawn from one
        if economy.kind != "country":
            require_network(scenario, economy)
            network_of(economy)
        else:
            require_country(scenario)
    except InputError as error:
        return error.every()
    return []


def _complain(mistakes: Sequence[InputError]) -> None:
    """One line a mistake, on standard error."""
    for mistake in mistakes:
        typer.echo(f"error: {mistake}", err=True)


def _print(sheets: Sequence[Sheet]) -> None:
    """Tables for people; 160 columns wide when they go to a file."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console() if sys.stdout.isatty() else Console(width=160)
    for sheet in sheets:
        table = Table(title=Text(sheet.title), title_justify="left", caption_justify="left")
        table.caption = Text(sheet.note) if sheet.note else None
        for at, column in enumerate(sheet.columns):
            numeric = all(row[at] is None or isinstance(row[at], int | float) for row in sheet.rows)
            table.add_column(column, justify="right" if numeric else "left", overflow="fold")
        for row in sheet.rows:
            table.add_row(*(Text(_cell(value)) for value in row))
        console.print(table)


def _cell(value: object) -> str:
    """A number with separators and no needless digits; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def main() -> None:
    """Entry point of the `laborshift` command."""
    app()


if __name__ == "__main__":
    main()
