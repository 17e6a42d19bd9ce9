"""Commands on files, without a study: fit plates, simulate a trial."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, cast

import polars as pl

from benchside.cli.show import RESEARCH_USE, print_json, print_table, say, write_out
from benchside.core.errors import SettingError
from benchside.stages import assay
from benchside.stages.assay import stream
from benchside.stages.assay.analyse.curves.ratio import comparable, potency_ratio
from benchside.stages.assay.curves import Curve, Interval, curve_named, interval_named
from benchside.stages.assay.read import read as read_plates
from benchside.stages.trial.stage import TrialSettings
from benchside.study.file import load
from benchside.study.results import Results
from benchside.study.stages import STAGES
from benchside.study.what_if import what_if


def assay_fit(
    files: Sequence[Path],
    *,
    layout: Path | None,
    unit: str | None,
    curve: str,
    interval: str,
    reference: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """Judge the plates of files, fit their curves, take fold shifts, and print or write what was found."""
    shape, limits = _curve(curve), _interval(interval)
    if layout is None and stream.is_large(files):
        fit_large(files, unit=unit, out=out, as_json=as_json, curve=shape, interval=limits)
        return
    wells = pl.concat([read_plates(file, layout, concentration_unit=unit).table for file in files], how="diagonal_relaxed")
    verdicts, responses = assay.quality(wells), assay.normalise(wells)
    fits, paired = assay.fit(responses, curve=shape, interval=limits), comparable(responses.table, reference)
    folds = potency_ratio(paired, reference=reference).table if paired.height else paired
    if out is not None:
        write_out(fits.table, out)
    if as_json:
        shown = {"quality": verdicts.table, "fits": fits.table, "fold_shifts": folds}
        print_json({name: table.to_dicts() for name, table in shown.items()})
        return
    judged = verdicts.table.with_columns(pl.col("reason").fill_null(""))
    print_table(
        judged, ["plate_id", "verdict", "z_prime", "ssmd", "signal_to_background", "cv_vehicle", "reason"], title="Plate quality"
    )
    columns = ["curve_id", "ic50_relation", "ic50_nM", "ic50_lower_nM", "ic50_upper_nM", "slope", "status"]
    print_table(fits.table, columns, title=f"{curve} fits (NE: not estimable, or an open end)")
    if folds.height:
        columns = ["compound", "variant", "comparator", "fold_relation", "fold", "fold_lower", "fold_upper", "p_value", "status"]
        print_table(folds, columns, title="Fold shifts")


def _curve(name: str) -> Curve:
    if name not in {"LL3", "LL4", "LL5"}:
        message = f"--curve {name!r} is unknown. Use LL3, LL4 or LL5."
        raise SettingError(message)
    return curve_named(cast("Literal['LL3', 'LL4', 'LL5']", name))


def _interval(name: str) -> Interval:
    if name not in {"profile", "delta", "bootstrap"}:
        message = f"--interval {name!r} is unknown. Use profile, delta or bootstrap."
        raise SettingError(message)
    return interval_named(cast("Literal['profile', 'delta', 'bootstrap']", name), 0.95)


def fit_large(files: Sequence[Path], *, unit: str | None, out: Path | None, as_json: bool, **settings: Any) -> None:
    """Fit the curves of tables too large to hold, from file to file."""
    if out is None:
        message = f"{files[0].name} holds more rows than are shown. Say where the fits are to go: --out FITS.parquet"
        raise SettingError(message)
    curves = stream.fit_files(files, out, concentration_unit=unit, **settings)
    if as_json:
        print_json({"curves": curves, "out": str(out)})
    else:
        say(f"{curves:,} curves fitted into {out}. {RESEARCH_USE}")


def trial_simulate(design: str, study: Path, *, replicates: int, seed: int | None, out: Path | None, as_json: bool) -> None:
    """Predict a trial from the potencies and exposures of a study that has been run."""
    with Results.of(study) as results:
        settings = TrialSettings(design=design, replicates=replicates)
        chosen = load(study, STAGES).study.seed if seed is None else seed
        predictions = what_if(results, "trial", settings, seed=chosen)["trial.predict"]
    if out is not None:
        write_out(predictions, out)
    if as_json:
        print_json({"note": "sketch: not calibrated", "predictions": predictions.to_dicts()})
        return
    columns = ["endpoint", "quantity", "arm", "time_months", "value", "lower", "upper", "unit"]
    print_table(predictions, columns, title=f"{design}, seed {chosen}: sketch: not calibrated")
