"""The root command. It imports only typer; each command brings its own imports when it is run."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="benchside",
    help="From the plate reader to the phase III trial, every number with its interval and its lineage. Research use only.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
assay_app = typer.Typer(help="Plates and dose-response curves.", no_args_is_help=True)
clinical_app = typer.Typer(
    help="Trials: survival, competing risks, endpoints derived, responses, adverse events.", no_args_is_help=True
)
trial_app = typer.Typer(help="Virtual trials (sketch: not calibrated).", no_args_is_help=True)
app.add_typer(assay_app, name="assay")
app.add_typer(clinical_app, name="clinical")
app.add_typer(trial_app, name="trial")

Study = Annotated[Path, typer.Argument(help="The study folder.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Out = Annotated[Path | None, typer.Option("--out", help="Write the table to FILE.{csv,parquet,json,html}.", show_default=False)]

Adrs = Annotated[
    Path, typer.Argument(help="Responses, a row an assessment: CSV, XPT, SAS7BDAT, Parquet, Dataset-JSON.", show_default=False)
]
Adsl = Annotated[Path, typer.Argument(help="Subjects, a row each.", show_default=False)]
Parameter = Annotated[str | None, typer.Option(help="PARAMCD of the responses, for example OVRINV.", show_default=False)]
WhereAdrs = Annotated[list[str] | None, typer.Option(help="COLUMN=VALUE: only these rows of ADRS.")]
Subjects = Annotated[list[str] | None, typer.Option(help="COLUMN=VALUE: only these subjects of ADSL.")]
Arm = Annotated[str | None, typer.Option(help="Column of arms  [default: TRT01P, TRTP or ARM]", show_default=False)]
Control = Annotated[str | None, typer.Option(help="The control arm; without it nothing is compared.", show_default=False)]
Start = Annotated[str, typer.Option(help="Column of ADSL from which time counts.")]
CutOff = Annotated[str | None, typer.Option(help="Data cut-off, as 2017-02-09: nothing after it is known.", show_default=False)]


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


@clinical_app.command("analyse")
def clinical_analyse(
    file: Annotated[
        Path,
        typer.Argument(
            help="A table of times (CSV, TSV, Parquet), one row a subject; or ADTTE, also as XPT, SAS7BDAT or Dataset-JSON.",
            show_default=False,
        ),
    ],
    control: Control = None,
    parameter: Annotated[str | None, typer.Option(help="PARAMCD of ADTTE, for example PFS.", show_default=False)] = None,
    adsl: Annotated[Path | None, typer.Option(help="ADSL, for the columns that ADTTE lacks.", show_default=False)] = None,
    time: Annotated[
        str | None, typer.Option(help="Column of times of a plain table  [default: time]", show_default=False)
    ] = None,
    time_unit: Annotated[
        str | None,
        typer.Option(help="days, weeks, months or years; of ADTTE only where AVALU does not say.", show_default=False),
    ] = None,
    event: Annotated[
        str | None,
        typer.Option(
            help="Column of events (1 event, 0 censored), or of the codes or names of --causes  [default: event; of ADTTE EVNTDESC]",
            show_default=False,
        ),
    ] = None,
    event_code: Annotated[int | None, typer.Option(help="The CNSR of an event, where it is not 0.", show_default=False)] = None,
    arm: Annotated[
        str | None, typer.Option(help="Column of arms  [default: arm; of ADTTE TRT01P, TRTP or ARM]", show_default=False)
    ] = None,
    strata: Annotated[list[str] | None, typer.Option(help="Stratum columns, with commas or several times.")] = None,
    where: Annotated[list[str] | None, typer.Option(help="COLUMN=VALUE: only these rows.")] = None,
    at: Annotated[str | None, typer.Option(help="Landmarks in months: 6,12,24.", show_default=False)] = None,
    by: Annotated[list[str] | None, typer.Option(help="Subgroup columns, with commas or several times.")] = None,
    covariates: Annotated[
        list[str] | None, typer.Option(help="Columns that adjust the hazard ratio, with commas or several times.")
    ] = None,
    causes: Annotated[str | None, typer.Option(help="Causes that compete, by code: cns=1,other=2.", show_default=False)] = None,
    cause: Annotated[str | None, typer.Option(help="The cause of interest; by default the first.", show_default=False)] = None,
    conventions: Annotated[
        str | None, typer.Option(help="r or sas: ties, limits and median as there.", show_default=False)
    ] = None,
    firth: Annotated[bool, typer.Option("--firth", help="Firth's penalty where a hazard ratio has no finite estimate.")] = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Kaplan-Meier, log-rank and Cox of times to an event; or incidence, Gray and Fine-Gray where causes compete."""
    from benchside.cli import options, times  # noqa: PLC0415

    columns: dict[str, Any] = {
        "time": time,
        "time_unit": time_unit,
        "event": event,
        "arm": arm,
        "control": control,
        "parameter": parameter,
    }
    rows: dict[str, Any] = {"strata": options.names(strata), "where": tuple(where or ()), "adsl": adsl, "event_code": event_code}
    found: dict[str, Any] = {"by": options.names(by), "covariates": options.names(covariates), "cause": cause, "firth": firth}
    asked = times.Asked(options.numbers(at, "--at"), causes=times.causes_named(causes), conventions=conventions, **found)
    times.clinical_analyse(times.Source(file, **columns, **rows), asked, out=out, as_json=as_json)


@clinical_app.command("derive")
def clinical_derive(
    adrs: Adrs,
    adsl: Adsl,
    endpoint: Annotated[
        str, typer.Option(help='PFS, OS, TTP, DOR, "CNS TTP" or "CNS first" (causes that compete).', show_default=False)
    ],
    rule: Annotated[str | None, typer.Option(help="FDA or EMA  [default: FDA; of CNS first EMA]", show_default=False)] = None,
    visit_every_days: Annotated[
        int | None, typer.Option(min=1, help="Days between assessments; FDA's rule needs it.", show_default=False)
    ] = None,
    missed_visits: Annotated[int, typer.Option(min=1, help="So many missed visits censor (FDA).")] = 2,
    parameter: Parameter = None,
    brain: Annotated[
        str | None, typer.Option(help="PARAMCD of the responses of the brain, for CNS first.", show_default=False)
    ] = None,
    where: WhereAdrs = None,
    subjects: Subjects = None,
    arm: Arm = None,
    start: Start = "RANDDT",
    baseline: Annotated[
        str | None, typer.Option(help="Column of ADSL that is Y with a baseline assessment (FDA).", show_default=False)
    ] = None,
    cut_off: CutOff = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Derive the times to an endpoint from responses and subjects: ADTTE, with the reason and the source of every date."""
    from benchside.cli import options, trials  # noqa: PLC0415

    rows = options.Rows(adrs, adsl, parameter, where, subjects, arm, start, cut_off)
    windows = {"visit_every_days": visit_every_days, "missed_visits": missed_visits}
    trials.derive(rows, endpoint, rule, brain, windows, baseline, out=out, as_json=as_json)


@clinical_app.command("respond")
def clinical_respond(
    adrs: Adrs,
    adsl: Adsl,
    parameter: Parameter = None,
    where: WhereAdrs = None,
    subjects: Subjects = None,
    unconfirmed: Annotated[bool, typer.Option("--unconfirmed", help="Count responses that were not confirmed.")] = False,
    by: Annotated[
        list[str] | None, typer.Option(help="Columns of ADSL whose values are subgroups, with commas or several times.")
    ] = None,
    control: Control = None,
    arm: Arm = None,
    start: Start = "RANDDT",
    cut_off: CutOff = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Best overall response by RECIST 1.1, its rates by arm, and their differences from the control's."""
    from benchside.cli import options, trials  # noqa: PLC0415

    rows = options.Rows(adrs, adsl, parameter, where, subjects, arm, start, cut_off)
    trials.respond(rows, confirmed=not unconfirmed, by=options.names(by), control=control, out=out, as_json=as_json)


@clinical_app.command("safety")
def clinical_safety(
    adae: Annotated[Path, typer.Argument(help="Adverse events, a row an event.", show_default=False)],
    adsl: Adsl,
    control: Control = None,
    arm: Annotated[str, typer.Option(help="Column of ADSL with the treatment that was taken.")] = "TRT01A",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Adverse events by arm: n (%), grade 3 or higher, serious, what they led to, per 100 patient-years, and by term."""
    from benchside.cli import trials  # noqa: PLC0415

    trials.safety(adae, adsl, arm=arm, control=control, out=out, as_json=as_json)


@clinical_app.command("reconstruct")
def clinical_reconstruct(
    curve: Annotated[Path, typer.Argument(help="A digitised curve: time_months, survival (a fraction).", show_default=False)],
    at_risk: Annotated[Path, typer.Argument(help="The row below the figure: time_months, at_risk.", show_default=False)],
    events: Annotated[
        int | None, typer.Option(min=0, help="Events in all, where published; met exactly.", show_default=False)
    ] = None,
    arm: Annotated[str | None, typer.Option(help="Name of the arm, as a column of the output.", show_default=False)] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Reconstruct patients from a published Kaplan-Meier curve, with the error of the reconstruction; they are no patient data."""
    from benchside.cli import trials  # noqa: PLC0415

    trials.reconstruct(curve, at_risk, events=events, arm=arm, out=out, as_json=as_json)


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
