"""Facts of a user's own, in the format of the shipped tables, checked row by row before they stand beside the shipped ones."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from benchside.core.errors import FileError, TableError, listed, nearest
from benchside.core.tables import first_line, require_file
from benchside.core.units import NM_PER_UNIT
from benchside.evidence.files import citation, common_shape, every_fact

VERIFIED: Final = ("yes", "memory")
"""`yes`: the text that holds the number was read; `memory`: it was recalled and is shown with a warning wherever it stands."""

RELATIONS: Final = ("=", "<", ">", "<=", ">=", "~")
CONCENTRATIONS: Final = frozenset({"IC50", "IC90", "EC50", "GI50", "GR50", "Ki", "Kd", "Km", "Kd_app"})
MASS_UNITS: Final = frozenset({"ng/mL", "ug/mL", "mg/L"})
RENAMED: Final[Mapping[str, str]] = {
    "drug": "compound", "row_id": "id", "where_in_source": "where", "mutation": "variant", "backbone": "system",
    "fold_vs_same_lab_WT": "value",
}  # fmt: skip
"""Column names of the shipped tables that the common shape calls otherwise."""

REQUIRED: Final = ("quantity", "value", "unit", "compound", "verified")


def read_facts(path: str | Path) -> pl.DataFrame:
    r"""Read a table of facts and return it in the shape of `query().table`.

    Parameters
    ----------
    path
        A TSV or CSV file with the columns of ``potency.tsv`` (``quantity, value, unit, drug`` or ``compound``, ``verified``, and
        ``source_id`` or ``citation``; ``relation, lower, upper, target, variant, system, readout, where_in_source, note`` and others
        where they are known), or of ``fold_changes.tsv`` (``drug, mutation, fold_vs_same_lab_WT, verified``).

    Returns
    -------
    polars.DataFrame
        One row a fact. `fact_table` is the file's name and `id` begins with it, so that a row of one's own is told from a shipped one.

    Raises
    ------
    FileError
        When the file is absent, empty or of another kind.
    TableError
        When a column is missing or a row breaks a rule; the message names file, line, rule and remedy.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "own.tsv"
    >>> _ = file.write_text("quantity\tvalue\tunit\tdrug\tvariant\tcitation\tverified\nIC50\t12\tnM\talectinib\tWT\tNotebook 7\tyes\n")
    >>> read_facts(file)["id"].to_list()
    ['own.tsv/2']
    """
    place = Path(path)
    raw = _text_table(place)
    fold_table = "fold_vs_same_lab_WT" in raw.columns
    taken = {old: new for old, new in RENAMED.items() if old in raw.columns and new not in raw.columns}
    table = raw.rename(taken)
    if fold_table:
        table = table.with_columns(quantity=pl.lit("fold_vs_same_lab_WT"), unit=pl.lit("x"))
    check(table, place.name)
    line = pl.Series([str(row + 2) for row in range(table.height)])
    own = table["id"] if "id" in table.columns else pl.Series([None] * table.height, dtype=pl.String)
    cited = [_citation_of(row) for row in table.iter_rows(named=True)]
    shipped = {str(name).lower(): str(name) for name in every_fact()["compound"].drop_nulls().unique()}
    compound = pl.col("compound").str.to_lowercase().replace_strict(shipped, default=pl.col("compound"), return_dtype=pl.String)
    table = table.with_columns(id=own.fill_null(line), compound=compound)
    if "source_id" not in table.columns:
        table = table.with_columns(source_id=pl.Series(cited, dtype=pl.String))
    table = table.with_columns(source_id=pl.col("source_id").fill_null(pl.Series(cited, dtype=pl.String)))
    return common_shape(table, place.name, cited=cited)


def with_extra(extra: str | Path | Sequence[str | Path] | None) -> pl.DataFrame:
    """Return the shipped facts followed by those of the user's files."""
    if extra is None:
        return every_fact()
    paths = [extra] if isinstance(extra, str | Path) else list(extra)
    tables = [read_facts(path) for path in paths]
    names = [Path(path).name for path in paths]
    if len(set(names)) < len(names):
        message = (
            f"two files of facts have one name ({listed(sorted(names))}), so their rows could not be told apart. Rename one."
        )
        raise FileError(message)
    return pl.concat([every_fact(), *tables], how="vertical")


def _text_table(path: Path) -> pl.DataFrame:
    require_file(path)
    if path.suffix.lower() not in {".tsv", ".csv", ".txt"}:
        message = f"{path.name}: facts are read from .tsv or .csv. Save the table as one of these."
        raise FileError(message)
    with path.open(encoding="utf-8-sig", errors="replace") as handle:
        header = handle.readline(1 << 16)
    try:
        table = pl.read_csv(path, separator="\t" if "\t" in header else ",", infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        message = f"{path.name} could not be read as a table: {first_line(error)} Give every line the columns of the header."
        raise FileError(message) from error
    return table.rename({name: name.strip() for name in table.columns}).with_columns(pl.all().str.strip_chars().replace("", None))


def check(table: pl.DataFrame, name: str) -> None:
    """Raise TableError at the first row that breaks a rule of the fact tables."""
    missing = [column for column in REQUIRED if column not in table.columns]
    if missing or not {"source_id", "citation"} & set(table.columns):
        wanted = missing[0] if missing else "source_id or citation"
        message = f"{name}: column {wanted} is missing{nearest(wanted, table.columns)}; the columns are {listed(table.columns, 12)}. Add it."
        raise TableError(message)
    seen: dict[str, int] = {}
    for position, row in enumerate(table.iter_rows(named=True)):
        line = position + 2
        for rule in RULES:
            fault = rule(row)
            if fault is not None:
                message = f"{name}, row {line}: {fault}"
                raise TableError(message)
        key = row.get("id")
        if key is not None and seen.setdefault(key, line) != line:
            message = f"{name}, row {line}: the id {key!r} stands in row {seen[key]} already. Give every row an id of its own."
            raise TableError(message)


def row_faults(table: pl.DataFrame) -> Iterator[tuple[int, str]]:
    """Yield (row from 0, what is wrong) of a table in the common column names; for tables that are shipped."""
    for position, row in enumerate(table.iter_rows(named=True)):
        yield from ((position, fault) for rule in RULES if (fault := rule(row)) is not None)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _filled(row: dict[str, Any]) -> str | None:
    blank = [name for name in ("quantity", "value", "compound") if row.get(name) is None]
    return f"{blank[0]} is empty. Fill it or remove the row." if blank else None


def _relation(row: dict[str, Any]) -> str | None:
    relation = row.get("relation") or "="
    if relation not in RELATIONS:
        return f"relation {relation!r} is unknown; it is one of {' '.join(RELATIONS)}. Correct it."
    if relation != "=" and _number(row.get("value")) is None:
        return f"relation {relation!r} needs a number, and the value is {row.get('value')!r}. Write a number or the relation '='."
    return None


def _limits(row: dict[str, Any]) -> str | None:
    value, lower, upper = (_number(row.get(name)) for name in ("value", "lower", "upper"))
    for name, limit in (("lower", lower), ("upper", upper)):
        if limit is None and row.get(name) is not None:
            return f"{name} must be a number and is {row[name]!r}. Correct or clear it."
    if value is not None and ((lower is not None and lower > value) or (upper is not None and upper < value)):
        return f"the value {value:g} lies outside its limits {lower} to {upper}. Correct the row."
    return None


def _unit(row: dict[str, Any]) -> str | None:
    value, unit = _number(row.get("value")), (row.get("unit") or "").split(" (")[0]
    if row.get("quantity") not in CONCENTRATIONS or value is None:
        return None
    if unit not in NM_PER_UNIT and unit not in MASS_UNITS:
        return f"{row['quantity']} has the unit {unit!r}; it must be a concentration such as nM, uM or ng/mL. State it; it is never guessed."
    return (
        None
        if value > 0
        else f"{row['quantity']} is {value:g} and must be above 0. Correct it, or give a bound with its relation."
    )


def _verified(row: dict[str, Any]) -> str | None:
    word = row.get("verified")
    if word in VERIFIED:
        return None
    return f"verified is {word!r} and must be yes (the text with the number was read) or memory (it was recalled). Choose one."


def _cited(row: dict[str, Any]) -> str | None:
    if row.get("citation") is not None or (row.get("source_id") is not None and citation(row["source_id"]) is not None):
        return None
    if row.get("source_id") is None:
        return "there is no citation. Fill the column citation, or source_id with a source of the shipped table."
    return f"the source {row['source_id']!r} is not in the shipped sources. Write its reference into the column citation."


def _citation_of(row: dict[str, Any]) -> str | None:
    return row.get("citation") or citation(row.get("source_id"))


RULES: Final[tuple[Callable[[dict[str, Any]], str | None], ...]] = (_filled, _relation, _limits, _unit, _verified, _cited)
"""Each returns None, or what is wrong with a row and how to mend it."""
