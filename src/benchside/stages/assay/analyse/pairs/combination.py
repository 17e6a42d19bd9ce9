"""Two compounds together against four null models: Bliss, HSA, Loewe and ZIP, side by side, each with an interval."""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import polars as pl

from benchside.core.errors import SettingError, listed, nearest
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.core.tables import dataframe
from benchside.stages.assay.analyse.pairs.scores import CELL_SCHEMA, SUMMARY_SCHEMA, Reference, Surface
from benchside.stages.assay.analyse.pairs.surface import REFERENCES
from benchside.stages.assay.analyse.pairs.table import KEY, CombinationTable, matrices_of

VERSION: Final = "1"
CALLED: Final = {"bliss": "Bliss", "hsa": "HSA", "loewe": "Loewe", "zip": "ZIP"}


@dataclass(frozen=True)
class Combination(Answer):
    """Mean scores of combinations, one row a combination; `cells` holds every cell of every surface."""

    cells: pl.DataFrame

    KEY: ClassVar[tuple[str, ...]] = KEY
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = tuple(
        Quantity(
            f"mean excess over {CALLED[name]}", f"{name}_points", "percentage points",
            lower=f"{name}_lower_points", upper=f"{name}_upper_points", n=f"{name}_cells",
        )
        for name in REFERENCES
    )  # fmt: skip


def combination(
    responses: Any, *, reference: Reference = "zip", n: int = 999, seed: int = 0, noise_sd: float | None = None
) -> Combination:
    """Return by how much each combination does more than Bliss, HSA, Loewe and ZIP expect, cell by cell and on average.

    Parameters
    ----------
    responses
        A `CombinationTable`, a path or any dataframe with its columns; excluded and empty responses are left out.
    reference
        The null model that `verdict` and the strongest cell are taken from; all four are computed always.
    n
        Resamplings behind the 95 % intervals; 0 for none.
    seed
        Seed of the resamplings; each combination has a stream of its own, so the others in the table do not matter.
    noise_sd
        Standard deviation of one well as a fraction of the vehicle, from earlier plates: used where wells are not replicated.

    Returns
    -------
    Combination
        `.table`, one row a combination: for each null model the mean excess over all combination cells in percentage points
        of the vehicle, `<model>_points` with `_lower_points`, `_upper_points` and the number of `<model>_cells` it is the mean
        of; `verdict` and the strongest cell by `reference`; `status`. Above 0: synergy, more effect than expected.
        `.cells`, one row a cell: mean `response`, and for each model `<model>_expected` (a response) and its excess.

    Raises
    ------
    TableError
        When the table breaks a rule of `CombinationTable`, for example a dose that was never given alone.
    SettingError
        When `reference` is unknown, or `n` or `noise_sd` is out of range.

    Notes
    -----
    * Bliss: independent effects, the product of the two single-agent responses (means of their wells).
    * HSA: the stronger of the two single-agent responses.
    * Loewe: the response y that solves a / A(y) + b / B(y) = 1, A and B the doses of log-logistic curves fitted to each agent
      alone (top 1, bottom within 0 to 1). Where one agent alone takes the response below the level the other ends at, no dose
      of the other has that effect and the equation has no meaning: the cell is null, is left out of the mean, and `status`
      counts such cells. synergyfinder 2 (R) puts there the larger effect that either agent would have at the sum of the
      doses, so means differ where an agent is partial.
    * ZIP (Yadav et al. 2015, doi:10.1016/j.csbj.2015.09.001): the product of the two fitted single-agent curves, against the
      mean of the two curves fitted along the rows and along the columns, each of which starts at the fitted response of the
      other agent alone. The end of those curves is free; with partial agents an end fixed at full effect would not let
      independent agents score 0.

    Intervals: every well is replaced by its cell's mean plus a residual drawn from all replicated wells of the matrix, scaled
    by sqrt(n / (n - 1)), and everything is computed anew; the limits are t quantiles of the standard deviation over the
    resamplings (degrees of freedom: replicate wells beyond one a cell). So wells are taken as independent and equally noisy; what whole
    plates share, such as the error of the vehicle mean, is not in the interval. One in twenty cell intervals misses 0 by chance.

    Examples
    --------
    >>> import polars as pl
    >>> left = {0.0: 1.0, 1.0: 0.8, 3.0: 0.5, 9.0: 0.2}
    >>> rows = [(a, b, left[a] * left[b]) for a in left for b in left]
    >>> wells = pl.DataFrame(rows, schema=["concentration_a_nM", "concentration_b_nM", "response"], orient="row")
    >>> found = combination(wells.with_columns(compound_a=pl.lit("x"), compound_b=pl.lit("y")), n=0)
    >>> round(abs(found.table["bliss_points"][0]), 9)
    0.0
    """
    _require_settings(reference, n, noise_sd)
    held = responses if isinstance(responses, CombinationTable) else CombinationTable(matrices_of(dataframe(responses)))
    table = held.table
    summary, cells = combination_tables(table, reference=reference, n=n, seed=seed, noise_sd=noise_sd)
    settings = {"reference": reference, "n": n, "seed": seed, "noise_sd": noise_sd}
    return Combination(summary, Origin("assay.combination", VERSION, settings, (table,)), cells)


def _require_settings(reference: str, n: int, noise_sd: float | None) -> None:
    if reference not in REFERENCES:
        message = f"reference {reference!r} is unknown{nearest(reference, REFERENCES)}. Use one of {listed(REFERENCES)}."
        raise SettingError(message)
    if n < 0 or 0 < n < 100:
        message = f"n={n} resamplings do not give 95 % limits. Use 0 for none, or 100 or more."
        raise SettingError(message)
    if noise_sd is not None and not 0 < noise_sd < 1:
        message = (
            f"noise_sd={noise_sd:g} must lie between 0 and 1: the standard deviation of a well as a fraction of the vehicle."
        )
        raise SettingError(message)


def combination_tables(
    table: pl.DataFrame, *, reference: Reference, n: int, seed: int, noise_sd: float | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the summary, one row a combination in the order they first appear, and the cells of all of them."""
    used = CombinationTable(table).used()
    parts = [Surface.of(group, n=n, seed=seed, noise_sd=noise_sd) for _, group in used.group_by(KEY, maintain_order=True)]
    summary = pl.DataFrame([part.summary(reference) for part in parts], schema=dict(SUMMARY_SCHEMA), orient="row")
    return summary, pl.concat([part.cells() for part in parts]) if parts else pl.DataFrame(schema=dict(CELL_SCHEMA))


def combination_table(
    table: pl.DataFrame, *, reference: Reference = "zip", n: int = 999, seed: int = 0, noise_sd: float | None = None
) -> pl.DataFrame:
    """Return the summary that `combination` gives, for the study."""
    return combination_tables(table, reference=reference, n=n, seed=seed, noise_sd=noise_sd)[0]


def combination_cells(table: pl.DataFrame, *, n: int = 999, seed: int = 0, noise_sd: float | None = None) -> pl.DataFrame:
    """Return the cells that `combination` gives, for the study; no null model is preferred in them."""
    return combination_tables(table, reference="zip", n=n, seed=seed, noise_sd=noise_sd)[1]
