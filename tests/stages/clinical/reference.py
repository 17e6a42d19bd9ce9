"""The sets of the R reference beside the checkout, prepared as their recipes say."""

from dataclasses import dataclass
from functools import cache

import polars as pl

from benchside.stages.clinical import EventTable
from tests.shared_data import shared

NAMES = ("dataset", "trial", "arm", "levels", "strata_column", "covariates", "where")


@dataclass(frozen=True)
class Study:
    """One set with its control (the first arm), its stratum and covariates."""

    name: str
    frame: pl.DataFrame
    stratum: str = ""
    covariates: tuple[str, ...] = ()

    def events(self, *, stratified=False):
        """The set as an event table."""
        frame = self.frame.with_columns(pl.col("arm").cast(pl.String)).drop_nulls(["time", "event", "arm"])
        strata = [self.stratum] if stratified else []
        control = frame["arm"].min()
        return EventTable.from_frame(frame, time_unit="months", control=control, strata=strata)


def read_reference(name):
    """One table of R's answers; names stay text."""
    path = shared("reference", "clinical", name)
    header = pl.read_csv(path, n_rows=0).columns
    text = {column: pl.String for column in NAMES if column in header}
    return pl.read_csv(path, schema_overrides=text, null_values=["", "NA"], infer_schema_length=None)


def by_set(name):
    """R's rows of the digitised trials and of the patient data, by set."""
    parts = [read_reference(f"{family}_{name}.csv") for family in ("kmdata", "sets")]
    return {key: part for (key,), part in pl.concat(parts, how="diagonal_relaxed").group_by("dataset", maintain_order=True)}


@cache
def studies():
    """Every set, by name."""
    trials = pl.read_parquet(shared("data", "clinical", "kmdata_dev.parquet")).group_by("trial", maintain_order=True)
    found = {key: Study(key, part) for (key,), part in trials}
    for recipe in read_reference("sets_recipes.csv").iter_rows(named=True):
        frame = pl.read_csv(shared("data", "clinical", recipe["file"]), null_values=["", "NA"], infer_schema_length=None)
        if recipe["where"]:
            frame = frame.filter(pl.sql_expr(recipe["where"]))
        pairs = [part.split(":=", 1) for part in (recipe["columns"] or "").split(";") if part.strip()]
        frame = frame.with_columns(pl.sql_expr(value).alias(name.strip()) for name, value in pairs)
        covariates = tuple((recipe["covariates"] or "").split("|"))
        found[recipe["dataset"]] = Study(recipe["dataset"], frame, recipe["strata_column"] or "", covariates)
    return found
