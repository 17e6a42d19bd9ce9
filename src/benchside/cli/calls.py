"""The command `resistance call`: a file of variants called for every drug, and the drugs ranked after another."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchside.cli.show import print_json, print_table, say, write_out
from benchside.published_coverage import published_coverage
from benchside.stages.resistance import ALK_INHIBITORS, call, next_line, read_variants, use_coverage

CALLS: Final = [
    "sample",
    "variant",
    "compound",
    "class",
    "class_cns",
    "fold",
    "fold_lower",
    "fold_upper",
    "coverage_plasma",
    "coverage_cns",
    "verified",
]
RANKS: Final = ["site", "rank", "compound", "smallest_coverage", "lower", "upper", "limiting_variant", "class", "status"]


def resistance_call(
    file: Path,
    compounds: Sequence[str],
    *,
    after: str | None,
    build: str | None,
    verified_only: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Print the calls of a file's variants and, after a drug, the ranking of the others."""
    use_coverage(published_coverage)
    held = read_variants(file, build=build)
    found = call(held, compound=list(compounds or ALK_INHIBITORS), verified_only=verified_only)
    ranked = (
        None
        if after is None
        else next_line(held, after=after, compounds=list(compounds or ALK_INHIBITORS), verified_only=verified_only)
    )
    if out is not None:
        write_out(found.table, out)
    if as_json:
        tables = {"calls": found.table.to_dicts(), "next_line": None if ranked is None else ranked.table.to_dicts()}
        print_json({"notice": found.notice, **tables})
        return
    print_table(found.table, CALLS, title=f"Calls on {file.name}", most=60)
    if ranked is not None:
        print_table(ranked.table, RANKS, title=f"After {after}", most=40)
    say(found.notice)
