"""The command `verify`: the shipped reference values, recomputed here."""

from pathlib import Path

import typer

from benchside.cli.show import print_json, print_table, say, write_out
from benchside.study.store import write_text
from benchside.verify.run import SCOPE, verify

SHOWN = ("case", "requirement", "quantity", "reference", "computed", "agreement")


def verify_here(*, out: Path | None, as_json: bool) -> None:
    """Print requirement, method, reference and agreement of every value, and leave with 1 where one differs."""
    import polars as pl  # noqa: PLC0415  kept out of --help

    found = verify()
    if out is not None and out.suffix.lower() == ".html":
        write_text(out, found.html())
    elif out is not None:
        write_out(found.table, out)
    if as_json:
        summary = {"agrees": found.agrees, "summary": found.summary, "environment": found.environment, "scope": SCOPE}
        print_json({**summary, "cases": found.table.to_dicts()})
    else:
        words = pl.when("agrees").then(pl.lit("agrees")).otherwise(pl.format("DIFFERS {}", "note")).alias("agreement")
        print_table(found.table.with_columns(words), SHOWN, title="Reference values recomputed here", most=found.table.height)
        say(f"{found.summary} Published values agree as printed; exact ones to 1e-7. Method and source of each: --out FILE.html")
        say(", ".join(f"{name} {value}" for name, value in found.environment.items()))
        say(SCOPE)
    if not found.agrees:
        raise typer.Exit(1)
