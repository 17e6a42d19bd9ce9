"""Recomputes every shipped reference value and says whether it agrees."""

import platform
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib import metadata
from typing import Any, Final

import polars as pl

from benchside.core.errors import BenchsideError
from benchside.verify.methods import METHODS, Numbers, describe, packaged

EXACT: Final = 1e-7
"""Agreement asked of a value that is exact: relative to it, or absolute where it is 0."""

LIBRARIES: Final = ("benchside", "numpy", "scipy", "polars", "numba")
SCOPE: Final = (
    "This matrix records that the installation named below computed the listed values on the date given. It covers these values and "
    "no others, supports a review of fitness for use and does not replace it, and makes no claim of compliance with any regulation. "
    "Research use only."
)
COLUMNS: Final = {
    "case": pl.String, "requirement": pl.String, "method": pl.String, "quantity": pl.String, "reference": pl.String,
    "computed": pl.Float64, "tolerance": pl.Float64, "difference": pl.Float64, "agrees": pl.Boolean, "basis": pl.String,
    "source": pl.String, "note": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Verification:
    """The matrix: a row a reference value, and where it was computed."""

    table: pl.DataFrame
    """`case, requirement, method, quantity, reference, computed, tolerance, difference, agrees, basis, source, note`."""

    environment: dict[str, str]
    """Versions of the libraries, of Python and of the system, and the time (UTC)."""

    @property
    def agrees(self) -> bool:
        """Whether every value agrees."""
        return bool(self.table["agrees"].all())

    @property
    def summary(self) -> str:
        """How many agree, in words."""
        held = int(self.table["agrees"].sum())
        return f"{held} of {self.table.height} reference values agree."

    def html(self) -> str:
        """Return the matrix as a page of its own that prints."""
        return page(self)


def verify() -> Verification:
    """Recompute every reference value in the package.

    Returns
    -------
    Verification
        A published value agrees where it is the computed one rounded as printed (half a unit of its last digit); one derived by hand,
        by construction or by an identity, where it agrees to 1e-7.

    Examples
    --------
    >>> verify().agrees
    True
    """
    cases = packaged("cases.tsv", text=True)
    computed: dict[str, Numbers] = {}
    failed: dict[str, str] = {}
    for name in cases["method"].unique(maintain_order=True):
        try:
            computed[name] = METHODS[name]()
        except BenchsideError as error:
            computed[name], failed[name] = {}, str(error)
    rows = [judged(case, computed[case["method"]], failed.get(case["method"], "")) for case in cases.iter_rows(named=True)]
    return Verification(pl.DataFrame(rows, schema=COLUMNS), environment())


def judged(case: dict[str, str], numbers: Numbers, failure: str) -> dict[str, Any]:
    """Return the row of one case: what was computed, and whether it agrees."""
    reference, value = float(case["reference"]), numbers.get(case["quantity"])
    allowed = tolerance(case["reference"], printed=case["basis"] == "published")
    difference = None if value is None else abs(value - reference)
    note = failure or ("" if value is not None else "The method gave no such number.")
    return {
        **case,
        "method": describe(case["method"]),
        "computed": value,
        "tolerance": allowed,
        "difference": difference,
        "agrees": difference is not None and difference <= allowed,
        "note": note,
    }


def tolerance(reference: str, *, printed: bool) -> float:
    """Return how far a computed value may be from a reference.

    Examples
    --------
    >>> round(tolerance("16.79", printed=True), 6), tolerance("2.0", printed=False)
    (0.005, 2e-07)
    """
    if printed:
        decimals = len(reference.partition(".")[2])
        return 0.5 * 10.0**-decimals + 1e-12
    return EXACT * (abs(float(reference)) or 1.0)


def environment() -> dict[str, str]:
    """Return what computed: versions, system, time."""
    versions = {name: metadata.version(name) for name in LIBRARIES if _installed(name)}
    if "benchside" not in versions:
        from benchside import __version__  # noqa: PLC0415  run from a checkout that is not installed

        versions = {"benchside": __version__, **versions}
    system = {"python": sys.version.split()[0], "system": platform.platform(), "processor": platform.machine()}
    return {**versions, **system, "time (UTC)": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")}


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


STYLE: Final = (
    "body{font:13px/1.45 sans-serif;margin:2em;max-width:1200px}table{border-collapse:collapse;margin:1em 0}"
    "td,th{padding:3px 8px;border-bottom:1px solid #ccc;text-align:left;vertical-align:top}td.n{text-align:right;white-space:nowrap}"
    "th{position:sticky;top:0;background:#fff}.no{color:#b00020;font-weight:bold}"
    "@media print{th{position:static}tr{page-break-inside:avoid}}"
)


def page(found: Verification) -> str:
    """Return a verification as a page of HTML, every text escaped."""
    where = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in found.environment.items())
    heads = ("Case", "Requirement", "Method", "Quantity", "Reference", "Computed", "Allowed", "Agreement", "Basis and source")
    head = "".join(f"<th>{name}</th>" for name in heads)
    body = "".join(_row(row) for row in found.table.iter_rows(named=True))
    signs = "<p>Reviewed by: ______________________ &nbsp; Date: ______________ &nbsp; Signature: ______________________</p>"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>benchside: verification</title><style>{STYLE}</style>'
        f"<h1>Verification of benchside</h1><p><strong>{escape(found.summary)}</strong></p><p>{escape(SCOPE)}</p>"
        f"<table>{where}</table><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{signs}</html>\n"
    )


def _row(row: dict[str, Any]) -> str:
    words = "agrees" if row["agrees"] else f"differs. {row['note']}".strip()
    computed = "none" if row["computed"] is None else f"{row['computed']:.10g}"
    plain = [row["case"], row["requirement"], row["method"], row["quantity"]]
    numbers = [
        f"{float(row['reference']):.10g}" if row["basis"] != "published" else row["reference"],
        computed,
        f"± {row['tolerance']:.1g}",
    ]
    cells = [f"<td>{escape(text)}</td>" for text in plain] + [f'<td class="n">{escape(text)}</td>' for text in numbers]
    verdict = f"<td{'' if row['agrees'] else ' class=no'}>{escape(words)}</td>"
    return f"<tr>{''.join(cells)}{verdict}<td>{escape(row['basis'])}: {escape(row['source'])}</td></tr>"
