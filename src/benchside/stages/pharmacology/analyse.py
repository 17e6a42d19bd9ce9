"""Non-compartmental summary of one dosing interval at steady state."""

from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from benchside.core.errors import TableError
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.kernels.pharmacokinetics import area_under_curve
from benchside.stages.pharmacology.model import ConcentrationTable
from benchside.stages.pharmacology.read import read

VERSION = "1"


@dataclass(frozen=True)
class ConcentrationSummary(Answer):
    """Average, maximum, minimum and area of every subject, over the times measured."""

    KEY: ClassVar[tuple[str, ...]] = ("subject",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("average_concentration", "average_nM", "nM"),
        Quantity("maximum_concentration", "maximum_nM", "nM"),
        Quantity("minimum_concentration", "minimum_nM", "nM"),
        Quantity("area_under_curve", "auc_nM_h", "nM*h"),
    )


def nca(data: Any) -> ConcentrationSummary:
    """Return average, maximum, minimum concentration and AUC (linear trapezoid) of each subject.

    Parameters
    ----------
    data
        A ConcentrationTable, or what `read` takes; two times a subject or more.

    Raises
    ------
    TableError
        When a subject has fewer than two times.

    Examples
    --------
    >>> nca(pl.DataFrame({"time_h": [0, 2, 6], "concentration_nM": [0, 10, 0]})).table["auc_nM_h"][0]
    30.0
    """
    measured: ConcentrationTable = read(data)
    rows: list[dict[str, Any]] = []
    for (subject,), part in measured.table.sort("subject", "time_h").group_by("subject", maintain_order=True):
        time_h, value_nM = part["time_h"].to_numpy(), part["concentration_nM"].to_numpy()
        if time_h.size < 2:
            message = f"concentration table: subject {subject} has one time; an area needs two or more. Leave it out."
            raise TableError(message)
        auc = area_under_curve(time_h, value_nM)
        rows.append(
            {
                "subject": subject,
                "n_points": time_h.size,
                "duration_h": float(time_h[-1] - time_h[0]),
                "average_nM": auc / float(time_h[-1] - time_h[0]),
                "maximum_nM": float(value_nM.max()),
                "maximum_at_h": float(time_h[value_nM.argmax()]),
                "minimum_nM": float(value_nM.min()),
                "auc_nM_h": auc,
                "status": "ok",
            }
        )
    return ConcentrationSummary(pl.DataFrame(rows), Origin("pharmacology.nca", VERSION, {}, (measured.table,)))
