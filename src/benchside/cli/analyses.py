"""Commands on files, without a study: fit plates, analyse an event table, simulate a trial."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from benchside.cli.show import RESEARCH_USE, cell, print_json, print_table, say, write_out
from benchside.core.errors import SettingError
from benchside.stages import assay, clinical
from benchside.stages.assay import stream
from benchside.stages.assay.model import interval_named
from benchside.stages.assay.read import read as read_plates
from benchside.stages.trial.stage import TrialSettings
from benchside.study.results import Results
from benchside.study.what_if import what_if


def assay_fit(
    files: Sequence[Path], *, layout: Path | None, unit: str | None, interval: str, out: Path | None, as_json: bool
) -> None:
    """Fit the curves of plate files and print or write the fits."""
    if interval not in ("profile", "delta"):
        message = f"--interval {interval!r} is unknown. Use profile or delta."
        raise SettingError(message)
    if layout is None and stream.is_large(files):
        fit_large(files, unit=unit, interval=interval, out=out, as_json=as_json)
        return
    wells = pl.concat([read_plates(file, layout, concentration_unit=unit).table for file in files], how="diagonal_relaxed")
    verdicts = assay.quality(wells)
    fits = assay.fit(assay.normalise(wells), interval=interval_named("profile" if interval == "profile" else "delta", 0.95))
    if out is not None:
        write_out(fits.table, out)
    if as_json:
        print_json({"quality": verdicts.table.to_dicts(), "fits": fits.table.to_dicts()})
        return
    print_table(
        verdicts.table, ["plate_id", "z_prime", "robust_z_prime", "ssmd", "signal_to_background", "flags"], title="Plate quality"
    )
    columns = ["curve_id", "ic50_relation", "ic50_nM", "ic50_lower_nM", "ic50_upper_nM", "slope", "status"]
    print_table(fits.table, columns, title="LL4 fits (NE: not estimable, or an open end)")


def fit_large(files: Sequence[Path], *, unit: str | None, interval: str, out: Path | None, as_json: bool) -> None:
    """Fit the curves of tables too large to hold, from file to file."""
    if out is None:
        message = f"{files[0].name} holds more rows than are shown. Say where the fits are to go: --out FITS.parquet"
        raise SettingError(message)
    chosen = interval_named("profile" if interval == "profile" else "delta", 0.95)
    curves = stream.fit_files(files, out, concentration_unit=unit, interval=chosen)
    if as_json:
        print_json({"curves": curves, "out": str(out)})
    else:
        say(f"{curves:,} curves fitted into {out}. {RESEARCH_USE}")


def clinical_analyse(
    file: Path, columns: Mapping[str, Any], strata: Sequence[str], where: Sequence[str], *, out: Path | None, as_json: bool
) -> None:
    """Analyse an event table and print medians, test and hazard ratio."""
    events = clinical.read(file, **columns, strata=tuple(strata), where=dict(_pair(text) for text in where))
    km, test, ratio = clinical.kaplan_meier(events), clinical.log_rank(events), clinical.cox(events)
    if out is not None:
        write_out(ratio.table, out)
    if as_json:
        print_json(
            {"kaplan_meier": km.table.to_dicts(), "log_rank": {"chi2": test.chi2, "p": test.p}, "cox": ratio.table.to_dicts()}
        )
        return
    print_table(
        km.table, ["arm", "n", "events", "median_months", "lower_months", "upper_months"], title="Kaplan-Meier (log-log limits)"
    )
    print_table(
        ratio.table,
        ["term", "hazard_ratio", "lower", "upper", "p", "status"],
        title=f"Cox, Efron ties, against {columns['control']}",
    )
    say(f"log-rank: chi2 {cell(test.chi2)}, p {cell(test.p)}")


def _pair(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark:
        message = f"--where {text!r} is not COLUMN=VALUE. Write it so."
        raise SettingError(message)
    return name.strip(), value.strip()


def trial_simulate(design: str, study: Path, *, replicates: int, seed: int, out: Path | None, as_json: bool) -> None:
    """Predict a trial from the potencies and exposures of a study that has been run."""
    with Results.of(study) as results:
        settings = TrialSettings(design=design, replicates=replicates)
        predictions = what_if(results, "trial", settings, seed=seed)["trial.predict"]
    if out is not None:
        write_out(predictions, out)
    if as_json:
        print_json({"note": "sketch: not calibrated", "predictions": predictions.to_dicts()})
        return
    columns = ["endpoint", "quantity", "arm", "time_months", "value", "lower", "upper", "unit"]
    print_table(predictions, columns, title=f"{design}: sketch: not calibrated")
