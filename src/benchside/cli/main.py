"""The root command. It imports only typer; each command brings its own imports when it is run."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from benchside.cli import clinical_commands, resistance_commands
from benchside.cli.shared_options import AsJson, Out

app = typer.Typer(
    name="benchside",
    help="From the plate reader to the phase III trial, every number with its interval and its lineage. Research use only.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
assay_app = typer.Typer(help="Plates and dose-response curves.", no_args_is_help=True)
trial_app = typer.Typer(help="Virtual trials (sketch: not calibrated).", no_args_is_help=True)
app.add_typer(assay_app, name="assay")
app.add_typer(clinical_commands.app, name="clinical")
app.add_typer(resistance_commands.app, name="resistance")
app.add_typer(trial_app, name="trial")

Study = Annotated[Path, typer.Argument(help="The study folder.", show_default=False)]


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="A new or empty folder.", show_default=False)]) -> None:
    """Write the bundled alectinib study into FOLDER."""
    from benchside.cli import studies  # noqa: PLC0415  commands load what they need, so that --help stays light

    studies.init(folder)


@app.command()
def run(
    study: Study,
    as_json: AsJson = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for another run of the same study.")] = 600.0,
) -> None:
    """Check every input of STUDY, do what changed, and write results/ and dossier.html."""
    from benchside.cli import studies  # noqa: PLC0415

    studies.run(study, as_json=as_json, wait_seconds=wait)


@app.command()
def trace(
    number: Annotated[
        str, typer.Argument(metavar="ID", help="The id of a number, from the dossier or a table.", show_default=False)
    ],
    study: Annotated[Path, typer.Option(help="The study folder.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Print what the number ID rests on: number, fit, wells, cells."""
    from benchside.cli import trails  # noqa: PLC0415

    trails.trace(study, number, as_json=as_json)


@app.command()
def replay(
    number: Annotated[str, typer.Argument(metavar="ID", help="The id of a number.", show_default=False)],
    study: Annotated[Path, typer.Option(help="The study folder.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Compute the number ID again from its files and compare; exit code 1 where it differs."""
    from benchside.cli import trails  # noqa: PLC0415

    trails.replay(study, number, as_json=as_json)


@app.command()
def numbers(
    study: Study,
    quantity: Annotated[str | None, typer.Option(help="Only this quantity, for example IC50.")] = None,
    stage: Annotated[str | None, typer.Option(help="Only the numbers of this stage, for example trial.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the numbers of STUDY with their ids, for trace and replay."""
    from benchside.cli import trails  # noqa: PLC0415

    trails.numbers(study, quantity, stage, as_json=as_json)


@app.command()
def exclude(
    study: Study,
    plate: Annotated[str, typer.Option(help="The plate.", show_default=False)],
    well: Annotated[list[str], typer.Option(help="The well; may be given several times.", show_default=False)],
    who: Annotated[str, typer.Option(help="Who decides.", show_default=False)],
    why: Annotated[str, typer.Option(help="The reason.", show_default=False)],
    undo: Annotated[bool, typer.Option("--undo", help="Take an exclusion back, by a new record.")] = False,
) -> None:
    """Exclude wells from the fits of STUDY (they stay in every figure), or take that back; run the study again afterwards."""
    from benchside.cli import studies  # noqa: PLC0415

    studies.exclude(study, plate, well, who=who, why=why, undo=undo)


@app.command()
def figures(
    study: Study,
    out: Annotated[Path, typer.Option(help="The folder to write to; it is made where it is absent.", show_default=False)],
    format: Annotated[str, typer.Option("--format", help="svg, png or pdf.")] = "svg",  # noqa: A002  the option's own name
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="plates, curves, fold_forest, fold_map, ic50_map, combinations, inhibition, growth; survival, incidence, subgroups, log_log, schoenfeld, waterfall, spider, swimmer. May be given several times."
        ),
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Pages of one figure.")] = 40,
    as_json: AsJson = False,
) -> None:
    """Write the figures of STUDY as files, a file a page: of its plates and curves, and of its trial."""
    from benchside.cli import figures as drawing  # noqa: PLC0415

    drawing.figures(study, out, kind=format.lower().lstrip("."), only=only or [], most=most, as_json=as_json)


@app.command()
def evidence(
    quantity: Annotated[str | None, typer.Option(help="For example IC50.")] = None,
    compound: Annotated[str | None, typer.Option(help="For example alectinib.")] = None,
    variant: Annotated[str | None, typer.Option(help="For example G1202R.")] = None,
    verified: Annotated[
        bool, typer.Option("--verified", "--verified-only", help="Leave out what was recalled from memory.")
    ] = False,
    compare: Annotated[bool, typer.Option("--compare", help="Sources side by side for the same fact.")] = False,
    conflicts: Annotated[bool, typer.Option("--conflicts", help="Only facts on which sources disagree.")] = False,
    fold_shift: Annotated[
        bool, typer.Option("--fold-shift", help="Fold against the wild-type for any drug and mutation, measured or predicted.")
    ] = False,
    fold: Annotated[float, typer.Option(help="Factor beyond which sources disagree.")] = 3.0,
    add: Annotated[
        list[Path] | None, typer.Option(help="A file of your own facts, as TSV or CSV; may be given several times.")
    ] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Print the published facts that match, each with its source and whether the source was read."""
    from benchside.cli import facts  # noqa: PLC0415

    asked = facts.Asked(quantity, compound, variant, verified_only=verified, fold=fold, extra=tuple(add or ()))
    facts.evidence(asked, facts.view_named(compare=compare, conflicts=conflicts, fold_shift=fold_shift), out=out, as_json=as_json)


@app.command()
def verify(out: Out = None, as_json: AsJson = False) -> None:
    """Recompute the shipped reference values on this machine: requirement, method, reference, agreement. Exit code 1 where one differs."""
    from benchside.cli import verify as verification  # noqa: PLC0415

    verification.verify_here(out=out, as_json=as_json)


@assay_app.command("fit")
def assay_fit(
    files: Annotated[list[Path], typer.Argument(help="Plate files.", show_default=False)],
    layout: Annotated[Path | None, typer.Option(help="Layout file, where the plate files hold none.")] = None,
    unit: Annotated[str | None, typer.Option(help="Concentration unit where the file states none.")] = None,
    curve: Annotated[str, typer.Option(help="LL3, LL4 or LL5.")] = "LL4",
    interval: Annotated[str, typer.Option(help="profile, delta or bootstrap.")] = "profile",
    reference: Annotated[str, typer.Option(help="The variant fold shifts are taken against.")] = "WT",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Read plates, judge them, normalise, fit curves with intervals, and take fold shifts."""
    from benchside.cli import analyses  # noqa: PLC0415

    choice = {"curve": curve, "interval": interval, "reference": reference}
    analyses.assay_fit(files, layout=layout, unit=unit, **choice, out=out, as_json=as_json)


@trial_app.command("simulate")
def trial_simulate(
    design: Annotated[str, typer.Argument(help="A trial of the evidence base, for example ALEX, or a TOML file.")],
    study: Annotated[Path, typer.Option(help="A study folder whose potencies and exposures are used.", show_default=False)],
    replicates: Annotated[int, typer.Option(min=1, help="Virtual trials.")] = 200,
    seed: Annotated[int | None, typer.Option(min=0, help="The study's own by default.", show_default=False)] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Predict a trial from the potencies of a study (sketch: not calibrated)."""
    from benchside.cli import analyses  # noqa: PLC0415

    analyses.trial_simulate(design, study, replicates=replicates, seed=seed, out=out, as_json=as_json)


def run_app(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 2 for what the user can mend (one sentence on stderr), 1 for a bug."""
    try:
        app(args=arguments, standalone_mode=True)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except Exception as error:
        from benchside.core.errors import BenchsideError  # noqa: PLC0415

        if isinstance(error, BenchsideError):
            sys.stderr.write(f"{error}\n")
            return 2
        if isinstance(error, OSError) and error.errno is not None:
            place = f" ({error.filename})" if error.filename else ""
            sys.stderr.write(f"the system refused: {error.strerror}{place}. Mend that and run again; nothing was lost.\n")
            return 2
        raise
    return 0


def run_main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run_app())
