"""A whole course from the first dose: lead-in, dose reductions, missed doses, and a clearance that changes on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from benchside.core.errors import MatrixMismatch, SettingError, listed
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.core.exchange import Matrix, Site
from benchside.core.units import HOURS_PER_DAY
from benchside.kernels.clearance_course import solve_course
from benchside.kernels.dosing import Floats
from benchside.stages.pharmacology.compound import Compound, facts_used, resolve
from benchside.stages.pharmacology.exposure import regimen_of

VERSION: Final = "1"
FULL_DOSE_DAYS: Final = 28.0
MOST_TIMES: Final = 200_000


class Step(BaseModel):
    """A dose, the hours between two of them, and the days it is given for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dose_mg: float = Field(gt=0)
    every_h: float = Field(gt=0)
    days: float = Field(gt=0)


@dataclass(frozen=True)
class ConcentrationCourse(Answer):
    """Concentration over a course of doses; `.doses` are those taken."""

    doses: pl.DataFrame = None  # type: ignore[assignment]  # always given; a default is needed after the base's fields
    compound: str = ""
    site: Site = "plasma"
    matrix: Matrix = "total"
    source: str = ""

    KEY: ClassVar[tuple[str, ...]] = ("time_h",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (Quantity("concentration", "concentration_nM", "nM"),)


def course(
    compound: str | Compound,
    *,
    steps: Sequence[Step] | None = None,
    missed: Sequence[int] = (),
    fed: bool | None = None,
    site: Site = "plasma",
    matrix: Matrix = "total",
    times_per_h: float = 4.0,
) -> ConcentrationCourse:
    """Return the typical patient's concentration from the first dose on.

    Parameters
    ----------
    compound
        A published compound, a metabolite or a compound of your own.
    steps
        The regimen in steps, one after the other: a lead-in, the full dose, a reduction. None: the published lead-in, where
        there is one, and 28 days of the published dose.
    missed
        Numbers of the doses not taken, counted from 1.
    fed
        With or without food, as in `exposure`.
    site, matrix
        As in `exposure`.
    times_per_h
        Times of the curve an hour.

    Returns
    -------
    ConcentrationCourse
        `.table`: ``time_h, concentration_nM, clearance_L_per_h, status``; `.doses`: ``dose_number, time_h, dose_mg``.

    Raises
    ------
    SettingError
        When a step or a missed dose cannot be one.
    MatrixMismatch
        When the total concentration in the brain is asked for.

    Notes
    -----
    A constant clearance is added up dose by dose in closed form; one that changes is solved as a differential equation.

    Examples
    --------
    >>> found = course("brigatinib")
    >>> found.doses["dose_mg"].to_list()[5:9]
    [90.0, 90.0, 180.0, 180.0]
    """
    known = resolve(compound)
    if site == "cns" and matrix == "total":
        message = f"the total concentration of {known.name} in the brain is not known here. Say matrix='free'."
        raise MatrixMismatch(message)
    chosen = published_steps(known) if steps is None else tuple(steps)
    doses, end_h = _doses(known, chosen, missed)
    count = int(end_h * times_per_h) + 1
    if not 2 <= count <= MOST_TIMES:
        message = f"{end_h:g} h with {times_per_h:g} times an hour make {count} times; there may be 2 to {MOST_TIMES}. Change times_per_h or the steps."
        raise SettingError(message)
    time_h = np.linspace(0.0, end_h, count)
    factor = known.nM_per_mg_per_L * known.food_factor(fed)
    if matrix == "free":
        factor *= known.unbound.centre
    if site == "cns":
        factor *= known.csf.centre
    status = known.status(site=site, matrix=matrix, names=() if fed is None else ("food_effect_AUC",), course=True)
    table = pl.DataFrame(
        {
            "time_h": time_h,
            "concentration_nM": _concentration(known, time_h, doses) * factor,
            "clearance_L_per_h": known.structure.course().clearance_at(time_h),
        }
    ).with_columns(status=pl.lit(status))
    settings = {
        "compound": known.name, "steps": [step.model_dump() for step in chosen], "missed": list(missed), "fed": fed, "site": site,
        "matrix": matrix, "times_per_h": times_per_h, "facts": facts_used(known),
    }  # fmt: skip
    origin = Origin("pharmacology.course", VERSION, settings)
    return ConcentrationCourse(table, origin, doses, known.name, site, matrix, status)


def published_steps(known: Compound) -> tuple[Step, ...]:
    """Return the published regimen: the lead-in, where there is one, and the full dose for 28 days."""
    full = Step(dose_mg=known.dose_mg, every_h=known.every_h, days=FULL_DOSE_DAYS)
    if known.lead_in is None:
        return (full,)
    return (Step(dose_mg=known.lead_in.dose_mg, every_h=known.every_h, days=known.lead_in.duration_days), full)


def _doses(known: Compound, steps: Sequence[Step], missed: Sequence[int]) -> tuple[pl.DataFrame, float]:
    if not steps:
        message = f"the course of {known.name} has no step. Give at least one, or leave steps out."
        raise SettingError(message)
    times: list[float] = []
    amounts: list[float] = []
    begin_h = 0.0
    for step in steps:
        regimen_of(known, step.dose_mg, step.every_h)
        length_h = step.days * HOURS_PER_DAY
        taken = begin_h + np.arange(0.0, length_h * (1 - 1e-12), step.every_h)
        times += taken.tolist()
        amounts += [step.dose_mg] * taken.size
        begin_h += length_h
    wrong = [number for number in missed if number < 1 or number > len(times) or int(number) != number]
    if wrong or len(set(missed)) == len(times):
        message = (
            f"missed doses are numbered from 1 to {len(times)} and leave at least one; given are {listed(missed)}. Correct them."
        )
        raise SettingError(message)
    table = pl.DataFrame({"dose_number": np.arange(1, len(times) + 1), "time_h": times, "dose_mg": amounts})
    return table.filter(~pl.col("dose_number").is_in(list(missed))), begin_h


def _concentration(known: Compound, time_h: Floats, doses: pl.DataFrame) -> Floats:
    structure = known.structure
    when, mg = doses["time_h"].to_list(), doses["dose_mg"].to_list()
    if structure.change is not None:
        return solve_course(time_h, when, mg, structure.course())
    unit = structure.single(dose_mg=1.0, clearance=structure.clearance_L_per_h, volume=structure.volume_L)
    total = np.zeros(time_h.size)
    for begin, dose in zip(when, mg, strict=True):
        after = time_h >= begin
        total[after] += dose * unit(time_h[after] - begin)
    return total
