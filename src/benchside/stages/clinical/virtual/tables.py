"""Simulate a whole trial as CDISC ADaM tables: subjects, responses, sums of lesions, adverse events, and what derives from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import polars as pl

from benchside.stages.clinical.analyse.derive_tte import derive_tte
from benchside.stages.clinical.analyse.first_event import derive_first_event
from benchside.stages.clinical.virtual.design import BRAIN, PARAMETERS, AdamDesign, Evaluator, Parameter
from benchside.stages.clinical.virtual.patient import Patient, draw_patient, subject_row
from benchside.stages.clinical.virtual.safety import adverse_rows, next_therapy_of, treatment_of
from benchside.stages.clinical.virtual.tumour import (
    Reading,
    brain_baseline_mm,
    brain_readings,
    overall_baseline_mm,
    overall_readings,
)

BASELINE_BEFORE_DAYS: Final = 21
"""Baseline images are taken up to this many days before randomisation."""

TITLES: Final = {
    "OVRINV": "Response INV", "OVRIRC": "Response IRC", "CNSIRC": "CNS Response IRC",
    "SUMINV": "Diameters (mm) INV", "SUMIRC": "Diameters (mm) IRC", "SUMCNS": "CNS Diameters (mm) IRC",
}  # fmt: skip
"""PARAM: short, since it stands in every row."""

ADSL: Final = {
    **dict.fromkeys(["STUDYID", "USUBJID", "TRT01P", "TRT01A"], pl.String), "AGE": pl.Int64,
    **dict.fromkeys(["SEX", "RACEGR1", "ECOGGR1", "SMOKEGR1", "CNSBLFL", "CNSMEFL", "CNSRTFL"], pl.String),
    **dict.fromkeys(["RANDDT", "TRTSDT", "TRTEDT"], pl.Date), "EOTSTT": pl.String,
    **dict.fromkeys(["NACTDT", "DTHDT", "LSTALVDT"], pl.Date), "ITTFL": pl.String, "SAFFL": pl.String,
}  # fmt: skip
ADRS: Final = {
    "USUBJID": pl.String, "PARAMCD": pl.String, "PARAM": pl.String, "AVISITN": pl.Int64, "TRTSDT": pl.Date, "ADT": pl.Date,
    "AVALC": pl.String, "ANL01FL": pl.String,
}  # fmt: skip
ADTR: Final = {
    "USUBJID": pl.String, "PARAMCD": pl.String, "PARAM": pl.String, "AVISITN": pl.Int64, "TRTSDT": pl.Date, "ADT": pl.Date,
    "AVAL": pl.Float64, "ABLFL": pl.String, "NTRESP": pl.String, "NEWLFL": pl.String,
}  # fmt: skip
ADAE: Final = {
    "USUBJID": pl.String, "AEDECOD": pl.String, "AETOXGR": pl.Int64, "AESER": pl.String, "AEACN": pl.String, "ASTDT": pl.Date,
    "AENDT": pl.Date, "TRTEMFL": pl.String,
}  # fmt: skip
CARRIED: Final = ("TRT01P", "ECOGGR1", "RACEGR1", "CNSBLFL", "ITTFL")
"""Columns of ADSL that ADTTE carries: the arm, the strata and the population."""

ADTTE: Final = (
    "USUBJID", "TRT01P", "PARAMCD", "PARAM", "STARTDT", "ADT", "AVAL", "AVALU", "CNSR", "EVNTDESC", "CNSDTDSC", "SRCDOM", "SRCVAR",
    "SRCDT", *CARRIED[1:],
)  # fmt: skip


@dataclass(frozen=True)
class AdamTables:
    """A trial as its analysis datasets.

    `adsl`: a row a subject. `adrs`: a row an assessment and PARAMCD (OVRINV, OVRIRC, CNSIRC). `adtr`: sums of diameters
    (SUMINV, SUMIRC, SUMCNS), with the response of non-target lesions and new lesions. `adae`: a row an adverse event.
    """

    adsl: pl.DataFrame
    adrs: pl.DataFrame
    adtr: pl.DataFrame
    adae: pl.DataFrame
    adtte: pl.DataFrame
    """Derived from `adsl` and `adrs` by the design's parameters, never drawn: empty without parameters."""


def simulate_adam(design: AdamDesign, *, seed: int) -> AdamTables:
    """Simulate one randomised trial.

    Parameters
    ----------
    design
        Arms with their hazards and responses, the calendar, the visits, and the parameters to derive.
    seed
        Patient k of a seed is the same however many patients an arm has.

    Returns
    -------
    AdamTables
        With dates of type Date. Nothing is dated after the cut-off, and no image after progression by the investigator.

    Notes
    -----
    Times to CNS progression, progression elsewhere, death and dropout are independent given the arm and CNS metastases at
    baseline; death has another hazard once the investigator saw progression. Progression is seen at the next visit with an
    evaluable image. Sums of lesions follow the response, so that RECIST 1.1 read off ADTR gives ADRS.

    References
    ----------
    CDISC ADaM Implementation Guide 1.3; RECIST 1.1: Eisenhauer et al. 2009, doi:10.1016/j.ejca.2008.10.026.

    Examples
    --------
    >>> from benchside.stages.clinical.virtual.design import AdamArm, BaselineShares, ResponseShares, Risks
    >>> from benchside.stages.clinical.simulate import Hazard
    >>> h = Hazard((0.02,))
    >>> who, how = BaselineShares(58, 0.5, 0.5, 0.1, 0.6, 0.4, 0.4, 0.4), ResponseShares(0.8, 0.1, 0.8, 0.2, 0.5)
    >>> risks = Risks(cns=h, cns_ratio=2, elsewhere=h, investigator_only=h, reviewer_only=h, death=h, death_after=h, death_after_ratio=1, dropout=h)
    >>> arms = tuple(AdamArm(name, 5, who, risks, how) for name in ("new", "old"))
    >>> days = {"accrual_start": date(2020, 1, 1), "accrual_end": date(2020, 6, 1), "cut_off": date(2022, 1, 1), "reviewed_until": date(2022, 1, 1)}
    >>> simulate_adam(AdamDesign(study="T", arms=arms, control="old", **days), seed=1).adsl.height
    10
    """
    adsl: list[dict[str, Any]] = []
    adrs: list[tuple[Any, ...]] = []
    adtr: list[tuple[Any, ...]] = []
    adae: list[dict[str, Any]] = []
    for number, arm in design.order():
        patient = draw_patient(design, arm, seed=seed, number=number)
        rows, treatment = adverse_rows(patient, treatment_of(patient))
        subject = subject_row(patient, treatment, next_therapy_of(patient, treatment))
        adsl.append(subject)
        adae.extend(rows)
        responses, sums = _image_rows(design, patient, subject["TRTSDT"])
        adrs.extend(responses)
        adtr.extend(sums)
    subjects = pl.DataFrame(adsl, schema=ADSL)
    assessed = pl.DataFrame(adrs, schema=ADRS, orient="row")
    return AdamTables(
        subjects,
        assessed,
        pl.DataFrame(adtr, schema=ADTR, orient="row"),
        pl.DataFrame(adae, schema=ADAE),
        derive_adtte(design, subjects, assessed),
    )


def derive_adtte(design: AdamDesign, adsl: pl.DataFrame, adrs: pl.DataFrame) -> pl.DataFrame:
    """Return ADTTE: the design's parameters, derived by FDA's rule (the first event by cause by EMA's)."""
    return pl.concat([_parameter(design, one, adsl, adrs) for one in design.parameters] or [_no_times()])


def _parameter(design: AdamDesign, one: Parameter, adsl: pl.DataFrame, adrs: pl.DataFrame) -> pl.DataFrame:
    overall = PARAMETERS[one.evaluator or "INV"]
    cut_off = one.cut_off.isoformat()
    if one.endpoint == "CNS first":
        table = derive_first_event(adrs, adsl, parameter=overall, brain=BRAIN, cut_off=cut_off).table
    else:
        found = derive_tte(
            adrs,
            adsl,
            endpoint=one.endpoint,
            parameter=BRAIN if one.endpoint == "CNS TTP" else overall,
            visit_every_days=design.visit_every_days,
            visit_window_days=2 * design.visit_window_days,
            cut_off=cut_off,
        )
        table = found.table
    by = f" {one.evaluator}" if one.evaluator else ""
    named = table.with_columns(PARAMCD=pl.lit(one.code), PARAM=pl.col("PARAM") + f"{by} {cut_off}")
    return named.select(ADTTE)


def _no_times() -> pl.DataFrame:
    texts = dict.fromkeys(ADTTE, pl.String)
    return pl.DataFrame(
        schema={**texts, **dict.fromkeys(["STARTDT", "ADT", "SRCDT"], pl.Date), "AVAL": pl.Int64, "CNSR": pl.Int64}
    )


def _image_rows(
    design: AdamDesign, patient: Patient, treated: date | None
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return a patient's rows of ADRS and of ADTR."""
    responses: list[tuple[Any, ...]] = []
    sums: list[tuple[Any, ...]] = []
    evaluators: tuple[Evaluator, ...] = ("INV", "IRC")
    for evaluator in evaluators:
        readings = overall_readings(design, patient, evaluator)
        responses += _response_rows(patient, PARAMETERS[evaluator], readings, treated)
        sums += _sum_rows(patient, f"SUM{evaluator}", overall_baseline_mm(patient, evaluator), readings, treated)
    readings = brain_readings(patient)
    responses += _response_rows(patient, BRAIN, readings, treated)
    if patient.measurable_cns:
        sums += _sum_rows(patient, "SUMCNS", brain_baseline_mm(patient), readings, treated)
    return responses, sums


def _response_rows(patient: Patient, code: str, readings: Sequence[Reading], treated: date | None) -> list[tuple[Any, ...]]:
    head = (patient.subject, code, TITLES[code])
    return [
        (*head, one.visit.number, treated, patient.on(one.visit.day), one.response, None if one.response == "NE" else "Y")
        for one in readings
    ]


def _sum_rows(
    patient: Patient, code: str, baseline_mm: float, readings: Sequence[Reading], treated: date | None
) -> list[tuple[Any, ...]]:
    head = (patient.subject, code, TITLES[code])
    before = patient.on(-int(patient.draws.uniform[31] * (BASELINE_BEFORE_DAYS + 1)))
    lesions = "NON-CR/NON-PD" if patient.with_cns and code != "SUMCNS" else None
    rows: list[tuple[Any, ...]] = [(*head, 0, treated, before, baseline_mm, "Y", lesions, None)]
    for one in readings:
        when = (one.visit.number, treated, patient.on(one.visit.day))
        rows.append((*head, *when, one.sum_mm, None, one.non_target, "Y" if one.new_lesion else None))
    return rows
