"""The commands `resistance ...`: their arguments and help. Each brings its own imports when it is run."""

from pathlib import Path
from typing import Annotated

import typer

from benchside.cli.shared_options import AsJson, Out

app = typer.Typer(help="What the variants of a patient mean for each drug. Research use only.", no_args_is_help=True)


@app.command("call")
def resistance_call(
    file: Annotated[
        Path, typer.Argument(help="Variants: a table, a MAF, or a VCF annotated by VEP or SnpEff.", show_default=False)
    ],
    compound: Annotated[
        list[str] | None,
        typer.Option(help="A drug; may be given several times  [default: six ALK inhibitors]", show_default=False),
    ] = None,
    after: Annotated[str | None, typer.Option(help="The drug given before: the others are ranked.", show_default=False)] = None,
    build: Annotated[
        str | None, typer.Option(help="GRCh37 or GRCh38, of a MAF or VCF that does not say.", show_default=False)
    ] = None,
    from_memory: Annotated[bool, typer.Option("--from-memory", help="Use folds that are only remembered, too.")] = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Call every variant of FILE for every drug: class by coverage in body and brain, fold shift, sources."""
    from benchside.cli import calls  # noqa: PLC0415

    calls.resistance_call(file, compound or [], after=after, build=build, verified_only=not from_memory, out=out, as_json=as_json)
