"""Blocks of the assay section past the curves: fold shifts, constants, modes, windows, combinations, growth rates, outliers."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import polars as pl

from benchside.report.blocks import Block, Cell, TableBlock, Tone, value_text
from benchside.report.charts import (
    chart_blocks,
    combination_pages,
    fold_map_pages,
    fold_pages,
    growth_pages,
    inhibition_pages,
    rows_of,
)
from benchside.report.condition import WHO, with_condition
from benchside.report.numbers import MOST_TRAILS, numbers_of, with_interval
from benchside.stages.assay.analyse.enzymes.rate_laws import MODELS, parameters
from benchside.study.results import Results

MOST_ROWS: Final = 200
SURFACES: Final = 6
GRIDS: Final = 4
GROWTHS: Final = 4


def further_blocks(results: Results) -> list[Block]:
    """Return the blocks of every further step that found something, in the order a reader asks for them."""
    return [block for make in MAKERS for block in make(results)]


def number_table(
    results: Results, verb: str, table: pl.DataFrame, *, caption: str, values: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], str]]],
    words: Mapping[str, str], key: tuple[str, ...], notes: tuple[str, ...] = (), lead: Mapping[str, str] | None = None,
) -> TableBlock:  # fmt: skip
    """Return a table of numbers that open their trails.

    `values` maps a heading to the quantity its number is of and to the text it is shown as; `words` maps headings to columns of
    plain text, `lead` those that stand before the numbers; `key` is what names a row of the verb.
    """
    shown = table.head(MOST_ROWS)
    numbers = numbers_of(results, verb, with_trails=shown.height * len(values) <= MOST_TRAILS)
    who = [name for name in WHO if name in table.columns and table[name].drop_nulls().len()]
    rows = []
    for row in shown.iter_rows(named=True):
        tone: Tone = "" if row.get("status", "ok") == "ok" else "warn"
        cells = [
            numbers[row["task"]].cell(
                tuple(row[name] for name in key), quantity, text(row), tone=tone, title=row.get("status", "")
            )
            for quantity, text in values.values()
        ]
        plain = [Cell(_word(row[column])) for column in words.values()]
        first = [Cell(_word(row[column])) for column in (lead or {}).values()]
        rows.append((*(Cell(row[name] or "") for name in who), *first, *cells, *plain))
    cut = f" (the first {MOST_ROWS} of {table.height:,})" if table.height > MOST_ROWS else ""
    columns = (*(name.capitalize() for name in who), *(lead or {}), *values, *words)
    return TableBlock(caption + cut, columns, tuple(rows), notes)


def _word(value: object) -> str:
    return value_text(value) if isinstance(value, float) else "" if value is None else str(value)


def _range(name: str, unit: str = "") -> Callable[[Mapping[str, Any]], str]:
    """Return how a number with its interval and relation is shown; `unit` is what follows `_lower` in its columns."""

    def text(row: Mapping[str, Any]) -> str:
        stem = name.removesuffix(unit)
        ends = (row.get(f"{stem}_lower{unit}"), row.get(f"{stem}_upper{unit}"))
        return with_interval(row[name], *ends, row.get(f"{stem}_relation") or "=")

    return text


def _identified(name: str, unit: str = "") -> Callable[[Mapping[str, Any]], str]:
    """Return how a parameter of a law is shown: where the data give none, that it is not identified, and the limit it has."""
    stem, held = name.removesuffix(unit), _range(name, unit)

    def text(row: Mapping[str, Any]) -> str:
        if row[name] is not None or row["rss"] is None or name not in _PARAMETERS_OF.get(row["model"], ()):
            return held(row)
        low, high = row[f"{stem}_lower{unit}"], row[f"{stem}_upper{unit}"]
        side = f": above {value_text(low)}" if low is not None else f": below {value_text(high)}" if high is not None else ""
        return f"not identified{side}"

    return text


_PARAMETERS_OF: Final = {model: parameters(model, "fraction") for model in MODELS}
"""A study fits fractions of the vehicle: what a law does not hold is no estimate that is missing."""


def _p(row: Mapping[str, Any]) -> str:
    value = row["p_value"]
    return "" if value is None else "< 0.0001" if value < 1e-4 else f"{value:.2g}"


def _weight(value: float | None) -> str:
    return "" if value is None else "< 0.001" if value < 1e-3 else f"{value:.3f}"


def fold_blocks(results: Results) -> list[Block]:
    """Return fold shifts as a table and a forest, and as a map where several compounds met several variants."""
    table = rows_of(results, "assay.potency_ratio")
    if table.is_empty():
        return []
    shown = table.with_columns(p=pl.Series([_p(row) for row in table.iter_rows(named=True)], dtype=pl.String))
    notes = (
        "Each variant against the reference of the same compound, kinase and system, both curves fitted together; limits by profile likelihood of ln fold; "
        "p: F test that both have one potency. A fold across laboratories is never taken.",
    )
    words = {"Against": "comparator", "p (no shift)": "p", "Status": "status"}
    key = ("compound", "target", "variant", "system", "pair")
    blocks: list[Block] = [
        number_table(
            results, "assay.potency_ratio", shown, caption="Fold shifts", key=key, notes=notes,
            values={"Fold (95 %)": ("fold shift", _range("fold"))}, words=words,
        )
    ]  # fmt: skip
    return (
        blocks
        + chart_blocks("folds", fold_pages(results, 1), "Fold shifts")
        + chart_blocks("fold-map", fold_map_pages(results, 1), "Fold shifts")
    )


def constant_blocks(results: Results) -> list[Block]:
    """Return inhibition constants."""
    table = rows_of(results, "assay.ki")
    if table.is_empty():
        return []
    table, lead = with_condition(table)
    words = {"Method": "method", "Status": "status"}
    key = ("curve_id", "compound", "target", "variant", "system")
    return [
        number_table(
            results, "assay.ki", table, caption="Inhibition constants", key=key, lead=lead, words=words,
            values={"Ki, nM (95 %)": ("Ki", _range("ki_nM", "_nM"))},
        )
    ]  # fmt: skip


def mode_blocks(results: Results) -> list[Block]:
    """Return the four laws of inhibition side by side, the preferred one first said in words, and the grids under it."""
    table = rows_of(results, "assay.mode_of_inhibition")
    if table.is_empty():
        return []
    values = {
        "Ki, nM (95 %)": ("Ki", _identified("ki_nM", "_nM")),
        "Km, µM (95 %)": ("Km", _identified("km_uM", "_uM")),
        "α (95 %)": ("alpha", _identified("alpha")),
    }
    weight = pl.Series([_weight(one) for one in table["weight"]], dtype=pl.String)
    table = table.with_columns(weight_words=weight)
    words = {"ΔAICc": "delta_aicc", "Weight": "weight_words", "Verdict": "verdict"}
    notes = (
        "Four laws fitted to the same wells over inhibitor and ATP; the weight is Akaike's, the chance of a law among these four. "
        "Not identified: the fit ran off beyond the doses and ATP tested, where the data say nothing; the limit is the 95 % one.",
    )
    key = (*WHO, "model")
    blocks: list[Block] = [
        number_table(
            results,
            "assay.mode_of_inhibition",
            table,
            caption="Mode of inhibition",
            lead={"Law": "model"},
            key=key,
            values=values,
            words=words,
            notes=notes,
        )
    ]
    return blocks + chart_blocks("inhibition", inhibition_pages(results, GRIDS), "Mode of inhibition", beside=False)


def window_blocks(results: Results) -> list[Block]:
    """Return the window of every engineered line over the parental cells."""
    table = rows_of(results, "assay.target_window")
    if table.is_empty():
        return []
    words = {"Verdict": "verdict", "Status": "status"}
    note = ("IC50 on the parental cells over IC50 on the engineered ones: a narrow window means an effect on any cell.",)
    values = {"Window (95 %)": ("target window", _range("window"))}
    return [
        number_table(
            results,
            "assay.target_window",
            table,
            caption="Window over the parental cells",
            key=WHO,
            values=values,
            words=words,
            notes=note,
        )
    ]


def selectivity_blocks(results: Results) -> list[Block]:
    """Return selectivity scores."""
    table = rows_of(results, "assay.selectivity")
    if table.is_empty():
        return []

    def plain(name: str) -> Callable[[Mapping[str, Any]], str]:
        return lambda row: value_text(row[name])

    values = {
        "S-score": ("S-score", plain("s_score")),
        "Gini": ("Gini coefficient", plain("gini")),
        "Entropy, nat": ("selectivity entropy", plain("entropy")),
    }
    words = {"Kinases": "n_kinases", "Hits": "n_hits", "Status": "status"}
    return [
        number_table(results, "assay.selectivity", table, caption="Selectivity", key=("compound",), values=values, words=words)
    ]


def growth_blocks(results: Results) -> list[Block]:
    """Return growth-rate inhibition."""
    table = rows_of(results, "assay.growth_rate_inhibition")
    if table.is_empty():
        return []

    def plain(name: str) -> Callable[[Mapping[str, Any]], str]:
        return lambda row: value_text(row[name], row.get("gr50_relation") if name == "gr50_nM" else "=")

    values = {"GR50, nM": ("GR50", plain("gr50_nM")), "GRmax": ("GRmax", plain("gr_max")), "GRAOC": ("GRAOC", plain("gr_aoc"))}
    note = ("Growth-rate inhibition (Hafner 2016): 1 no effect, 0 no growth, below 0 fewer cells than on day 0.",)
    return [
        number_table(
            results, "assay.growth_rate_inhibition", table, caption="Growth-rate inhibition", key=WHO, values=values,
            words={"Status": "status"}, notes=note,
        )
    ]  # fmt: skip


def dip_blocks(results: Results) -> list[Block]:
    """Return drug-induced proliferation rates, and the growth courses they are read from."""
    table = rows_of(results, "assay.dip_rates")
    if table.is_empty():
        return []

    def plain(name: str) -> Callable[[Mapping[str, Any]], str]:
        return lambda row: value_text(row[name])

    values = {
        "IC50 of the rate, nM (95 %)": ("DIP IC50", _range("ic50_dip_nM", "_nM")),
        "Control, doublings/h": ("DIP rate of control", plain("control_dip_per_h")),
        "Rate at top dose, of control": ("DIP at top dose", plain("dip_top_dose")),
        "Activity area, decades": ("DIP activity area", plain("activity_area")),
    }
    note = ("Drug-induced proliferation rates (Harris 2016): 1 as the control, 0 no growth, below 0 cells are lost.",)
    blocks: list[Block] = [
        number_table(
            results,
            "assay.dip_rates",
            table,
            caption="Proliferation rates",
            key=WHO,
            values=values,
            words={"Status": "status"},
            notes=note,
        )
    ]
    return blocks + chart_blocks("growth", growth_pages(results, GROWTHS), "Proliferation rates", beside=False)


def combination_blocks(results: Results) -> list[Block]:
    """Return the mean scores of combinations, and their surfaces."""
    table = rows_of(results, "assay.combination")
    if table.is_empty():
        return []
    shown = table.with_columns(pair=pl.format("{} + {}", "compound_a", "compound_b"))
    called = {"bliss": "Bliss", "hsa": "HSA", "loewe": "Loewe", "zip": "ZIP"}
    values = {
        f"{title} (95 %)": (f"mean excess over {title}", _range(f"{name}_points", "_points")) for name, title in called.items()
    }
    note = (
        "Mean of observed less expected effect over the combined doses, in percentage points: above 0 is more than expected. Intervals by resampling.",
    )
    key = ("block", "compound_a", "compound_b", "system")
    words, lead = {"Status": "status"}, {"Pair": "pair", "Block": "block"}
    blocks: list[Block] = [
        number_table(
            results,
            "assay.combination",
            shown,
            caption="Combinations",
            key=key,
            lead=lead,
            values=values,
            words=words,
            notes=note,
        )
    ]
    return blocks + chart_blocks("combination", combination_pages(results, SURFACES), "Combination surface", beside=False)


def outlier_blocks(results: Results) -> list[Block]:
    """Return the responses that stand out; they are counted in every fit all the same."""
    table = rows_of(results, "assay.outliers")
    if table.is_empty():
        return []
    shown = table.head(MOST_ROWS)
    rows = tuple(
        (
            Cell(row["curve_id"]),
            Cell(row["plate_id"] or ""),
            Cell(value_text(row["concentration_nM"])),
            Cell(value_text(row["response"])),
            Cell(f"{row['p']:.2g}"),
        )
        for row in shown.iter_rows(named=True)
    )
    settings = results.current[results.tasks("assay.outliers")[0]].settings
    note = (
        f"Responses that stand out from a robust curve (Motulsky and Brown 2006) at a false discovery rate of {settings['fdr']:.0%}. They are flagged, not removed: "
        "every fit counts them until a person excludes them (benchside exclude).",
    )
    cut = f" (the first {MOST_ROWS} of {table.height:,})" if table.height > MOST_ROWS else ""
    return [TableBlock(f"Responses that stand out{cut}", ("Curve", "Plate", "Dose, nM", "Response", "p"), rows, note)]


MAKERS: Final[tuple[Callable[[Results], list[Block]], ...]] = (
    fold_blocks, constant_blocks, mode_blocks, window_blocks, selectivity_blocks, growth_blocks, dip_blocks, combination_blocks, outlier_blocks,
)  # fmt: skip
