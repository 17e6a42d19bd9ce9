"""Designs of trials: the published ones of the fact table, or a TOML file of the user's own."""

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from benchside import evidence
from benchside.core.errors import FileError, NoEvidenceError, SettingError, listed, nearest
from benchside.core.tables import require_file
from benchside.core.units import DAYS_PER_MONTH

EVERY_H = {"BID": 12.0, "QD": 24.0}


class Arm(BaseModel):
    """One arm: who gets what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    drug: str
    dose_mg: float = Field(gt=0)
    every_h: float = Field(gt=0)
    n: int = Field(gt=0)
    cns_fraction: float = Field(ge=0, le=1)
    """Share of patients with brain metastases known at entry."""

    control: bool = False


class TrialDesign(BaseModel):
    """A trial of two arms: its patients, visits and time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    arms: tuple[Arm, Arm]
    visit_interval_weeks: float = Field(gt=0)
    cns_interval_weeks: float = Field(gt=0)
    """Weeks between images of the brain: a whole multiple of the visit interval."""

    accrual_months: float = Field(ge=0)
    """Patients enter uniformly over this time."""

    follow_up_months: float = Field(gt=0)
    """From the first entry to the data cut."""

    status: str = "ok"

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if sum(arm.control for arm in self.arms) != 1 or self.arms[0].name == self.arms[1].name:
            message = f"design {self.name}: two arms of different names are needed, exactly one of them with control = true"
            raise ValueError(message)
        times = self.cns_interval_weeks / self.visit_interval_weeks
        if abs(times - round(times)) > 1e-9 or times < 1:
            message = f"design {self.name}: cns_interval_weeks must be a whole multiple of visit_interval_weeks"
            raise ValueError(message)
        if not self.accrual_months <= self.follow_up_months:
            message = f"design {self.name}: follow_up_months must be at least accrual_months, it counts from the first entry"
            raise ValueError(message)
        return self

    @property
    def n(self) -> int:
        """Patients of the trial."""
        return sum(arm.n for arm in self.arms)


def load(design: str | Path) -> TrialDesign:
    """Return a trial's design by its name, or from a TOML file of your own.

    Parameters
    ----------
    design
        A name of the fact table `trial_designs`, for example ``ALEX``, or a path ending in ``.toml`` with the fields of
        `TrialDesign`.

    Raises
    ------
    NoEvidenceError
        When no trial has this name, or a drug of it has no published pharmacokinetics here.
    FileError, SettingError
        When the file is absent or does not hold a design.

    Examples
    --------
    >>> [(arm.drug, arm.dose_mg, arm.n) for arm in load("ALEX").arms]
    [('alectinib', 600.0, 152), ('crizotinib', 250.0, 151)]
    """
    if str(design).endswith(".toml"):
        return _from_toml(Path(design))
    rows = evidence.facts("trial_designs")
    by_name = {row["trial"]: row for row in rows.iter_rows(named=True)}
    if str(design) not in by_name:
        hint = nearest(str(design), by_name)
        message = f"no trial {str(design)!r} is known here{hint}; known are {listed(by_name, 12)}. Or give a .toml file."
        raise NoEvidenceError(message)
    return _from_row(by_name[str(design)], by_name["ALEX"])


def _from_toml(path: Path) -> TrialDesign:
    require_file(path)
    try:
        return TrialDesign.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path.name} is no TOML: {error}. Correct the file."
        raise FileError(message) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the design"
        message = f"{path.name}: {place}: {first['msg']}. Correct the file."
        raise SettingError(message) from error


def _from_row(row: dict[str, Any], reference: dict[str, Any]) -> TrialDesign:
    told = [] if row["dates_status"] is None else [f"accrual and cut-off dates: {row['dates_status']}"]
    fractions: list[float] = []
    for column in ("cns_fraction", "comparator_cns_fraction"):
        if row[column] is None:
            told.append(f"{column} {'of the other arm' if row['cns_fraction'] else 'of ALEX'} is used: none is published here")
        fractions.append(float(row[column] or row["cns_fraction"] or reference[column]))
    treated = _arm(row["trial"], row["drug"], row["dose"], int(row["n"]), fractions[0])
    control = _arm(row["trial"], row["comparator"], row["comparator_dose"], int(row["comparator_n"]), fractions[1])
    start, end, cut = _dates(row)
    return TrialDesign(
        name=row["trial"],
        arms=(treated, control.model_copy(update={"control": True})),
        visit_interval_weeks=float(row["assessment_interval_weeks"]),
        cns_interval_weeks=float(row["cns_imaging_interval_weeks"]),
        accrual_months=(end - start).days / DAYS_PER_MONTH,
        follow_up_months=(cut - start).days / DAYS_PER_MONTH,
        status="; ".join(told) or "ok",
    )


def _arm(trial: str, drug: str, dose: str, n: int, cns_fraction: float) -> Arm:
    known = evidence.facts("pharmacokinetics")["drug"].unique().sort().to_list()
    read = re.fullmatch(r"([\d.]+) mg (BID|QD)", dose)
    if drug not in known or read is None:
        message = (
            f"{trial}: nothing is published here of the pharmacokinetics of {drug} at {dose}, so the trial cannot be "
            f"simulated; known are {listed(known)}. Add its pharmacokinetics, or give a design of your own as TOML."
        )
        raise NoEvidenceError(message)
    return Arm(name=drug, drug=drug, dose_mg=float(read[1]), every_h=EVERY_H[read[2]], n=n, cns_fraction=cns_fraction)


def _dates(row: dict[str, Any]) -> tuple[date, date, date]:
    """Return first entry, last entry and the first data cut; a cut given by the month alone is its first day."""
    months = [date.fromisoformat(f"{row[name]}-01") for name in ("accrual_start", "accrual_end")]
    cut = re.match(r"(\d{4}-\d{2})(-\d{2})?", row["analyses"])
    if cut is None:
        message = f"{row['trial']}: its analyses {row['analyses']!r} begin with no date. Give follow_up_months in a TOML design."
        raise NoEvidenceError(message)
    return months[0], months[1], date.fromisoformat(cut[1] + (cut[2] or "-01"))
