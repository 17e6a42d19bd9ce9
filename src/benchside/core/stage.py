"""What a stage is to the study: a value with its verbs, its settings and the tasks it asks for. Stages never meet each other here."""

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel

from benchside.core.errors import StudyError
from benchside.core.evidence import Quantity

LINEAGE_SCHEMA: Mapping[str, Any] = {"row": pl.UInt32, "input": pl.UInt32, "rows": pl.List(pl.UInt32)}
"""`row` of the result (null: every row) rests on `rows` (null: every row) of input number `input`."""


@dataclass(frozen=True)
class Product:
    """What a verb gives back: a table and, beside it, the input rows each of its rows rests on."""

    table: pl.DataFrame
    lineage: pl.DataFrame

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "lineage", self.lineage.select(pl.col(name).cast(dtype) for name, dtype in LINEAGE_SCHEMA.items())
        )


def lineage_of(rows: Iterable[tuple[int | None, int, Sequence[int] | None]]) -> pl.DataFrame:
    """Return a lineage table from (row, input number, input rows) triples."""
    return pl.DataFrame(list(rows), schema=dict(LINEAGE_SCHEMA), orient="row")


@dataclass(frozen=True)
class Inputs:
    """The inputs of one call of a verb, by role; a role may hold several tables (one a file) or files."""

    tables: Mapping[str, tuple[pl.DataFrame | pl.LazyFrame, ...]] = field(default_factory=dict)
    """Held, or only scanned where they are large."""

    files: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    numbers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Input number of each table of a role, as lineage counts them."""

    root: Path = Path()
    """The study folder: files are named relative to it in every reference."""

    def scan(self, role: str) -> pl.LazyFrame:
        """Return the tables of a role as one scan, with `_input` and `_row` saying where each row came from."""
        parts = [
            table.lazy().with_columns(pl.lit(number, pl.UInt32).alias("_input")).with_row_index("_row")
            for table, number in zip(self.tables[role], self.numbers[role], strict=True)
        ]
        return pl.concat(parts, how="diagonal_relaxed")

    def stack(self, role: str) -> pl.DataFrame:
        """Return the tables of a role as one, with `_input` and `_row` saying where each row came from."""
        return self.scan(role).collect()


def lineage_by(stacked: pl.DataFrame, key: Sequence[str], order: pl.DataFrame) -> pl.DataFrame:
    """Return the lineage of rows keyed by `key` in `order`: each rests on the rows of a stacked input that share its key."""
    grouped = stacked.group_by([*key, "_input"], maintain_order=True).agg(rows=pl.col("_row"))
    joined = (
        order.select(key)
        .with_row_index("row")
        .join(grouped, on=list(key), how="inner", nulls_equal=True, maintain_order="left_right")
    )
    return joined.select("row", input="_input", rows="rows")


@dataclass(frozen=True)
class Verb:
    """One step of work that the ledger records and `replay` repeats. The set of verbs is closed: replay looks names up, never imports them."""

    name: str
    version: str
    run: Callable[[Inputs, Mapping[str, Any]], Product]
    kind: str
    """What the table is, as written on disk, for example `wells`."""

    kind_version: str = "1"
    key: tuple[str, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    note: str = ""
    """Words that must stand beside every number of it, for example `sketch: not calibrated`."""


@dataclass(frozen=True)
class Files:
    """An input that is files of the study folder."""

    role: str
    paths: tuple[Path, ...]


@dataclass(frozen=True)
class From:
    """An input that is what other tasks made, by task name."""

    role: str
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class Port:
    """An input that is every table given for an exchange type, whoever gives it, for example `potency`."""

    role: str
    exchange: str
    optional: bool = False


@dataclass(frozen=True)
class Task:
    """One call of a verb that a stage asks the study for."""

    name: str
    verb: str
    inputs: tuple[Files | From | Port, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    gives: str | None = None
    """The exchange type its table is offered as to other stages, for example `potency`."""


@dataclass(frozen=True)
class StageContext:
    """What a stage may know of the study when it plans."""

    root: Path
    sections: frozenset[str]
    """The stages this study has."""

    seed: int
    exclusions: tuple[Mapping[str, Any], ...] = ()
    """Wells excluded by a person: plate_id, well, who, when, why."""

    def match(self, patterns: Sequence[str]) -> list[str]:
        """Return the files of the study that patterns name, as sorted relative paths.

        Raises
        ------
        StudyError
            When a pattern is absolute, climbs out of the study, or matches nothing.
        """
        found: set[str] = set()
        root = self.root.resolve()
        for pattern in patterns:
            if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
                message = (
                    f"study.toml: {pattern!r} leads out of the study folder. Copy the file into the study and name it from there."
                )
                raise StudyError(message)
            paths = [path for path in self.root.glob(pattern) if path.is_file()]
            strays = [path for path in paths if not path.resolve().is_relative_to(root)]
            if strays:
                message = (
                    f"study.toml: {strays[0].name} is a link that leads out of the study folder. Copy the file into the study."
                )
                raise StudyError(message)
            if not paths:
                message = f"study.toml: no file of the study matches {pattern!r}. Correct the name or add the file."
                raise StudyError(message)
            found |= {path.relative_to(self.root).as_posix() for path in paths}
        return sorted(found)


@dataclass(frozen=True)
class Truth:
    """A truth the stage can simulate from and must recover: the law of every stage."""

    name: str
    settings: Mapping[str, Any]
    check: Callable[[Any, Mapping[str, Any]], bool]
    """(analysed result, settings) -> the truth was recovered within its stated tolerance."""


@dataclass(frozen=True)
class Stage:
    """A stage as a value; `study/stages.py` lists them, and adding one is a folder and a line there."""

    name: str
    question: str
    recognise: Callable[[Path], bool]
    """Whether a file looks like this stage's table."""

    read: Callable[..., Any]
    analyse: Callable[..., Any]
    simulate: Callable[..., Any]
    truths: tuple[Truth, ...]
    figures: str
    """The module of the stage's figures, with a table FIGURES of name -> chart; imported when a chart is wanted, since drawing is heavy."""

    settings: type[BaseModel]
    """The stage's section of study.toml."""

    verbs: Mapping[str, Verb]
    plan: Callable[[Any, StageContext], Sequence[Task]]
    """(settings, context) -> the tasks of this stage in this study, in order."""

    propose: Callable[[Sequence[str]], Mapping[str, Any] | None] | None = None
    """(files of a folder this stage recognises) -> its section of a study.toml that is not there yet; None where a person must say more."""

    gives: tuple[str, ...] = ()
    """The exchange types its tasks may give, for example `potency`: what a message names where one is missing."""

    def figure(self, name: str) -> Callable[..., Any]:
        """Return the maker of one chart of this stage."""
        charts: Mapping[str, Callable[..., Any]] = importlib.import_module(self.figures).FIGURES
        return charts[name]
