"""The commands `clinical ...`: their arguments and help. Each brings its own imports when it is run."""

from pathlib import Path
from typing import Annotated, Any

import typer

from benchside.cli.shared_options import AsJson, Out

app = typer.Typer(help="Trials: survival, competing risks, endpoints derived, responses, adverse events.", no_args_is_help=True)

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


@app.command("analyse")
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


@app.command("derive")
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


@app.command("respond")
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


@app.command("safety")
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


@app.command("reconstruct")
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
