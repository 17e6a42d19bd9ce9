"""Tables on disk under their content hash: written whole or not at all, never changed, checked when they are read."""

import errno
import os
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from benchside.core.errors import StorageError
from benchside.core.stage import LINEAGE_SCHEMA, Product
from benchside.core.tables import first_line, table_hash

TABLE: Final = ".parquet"
LINEAGE: Final = ".lineage.parquet"

HELD_ROWS: Final = 250_000
"""Tables of more rows are scanned where a scan will do."""


@dataclass(frozen=True)
class Stored:
    """A product as it lies on disk: the content hashes of its table and of its lineage."""

    table: str
    lineage: str
    rows: int


@dataclass(frozen=True)
class Store:
    """The objects folder of a study's results."""

    root: Path

    @property
    def objects(self) -> Path:
        """Where the tables lie."""
        return self.root / "objects"

    @property
    def temporary(self) -> Path:
        """Where files are written before they are renamed into place."""
        return self.root / "tmp"

    def path(self, content: str, kind: str = TABLE) -> Path:
        """Return where the table with a content hash lies."""
        return self.objects / content[:2] / f"{content}{kind}"

    def put(self, product: Product) -> Stored:
        """Write a product; both files are on disk, complete, when this returns.

        Raises
        ------
        StorageError
            When the disk is full or refuses; nothing half-written is left in place.
        """
        content, trail = table_hash(product.table), table_hash(product.lineage)
        self._write(product.table, self.path(content))
        self._write(product.lineage, self.path(trail, LINEAGE))
        return Stored(content, trail, product.table.height)

    def _write(self, table: pl.DataFrame, target: Path) -> None:
        if intact(target):
            return
        temporary = self.temporary / f"{uuid.uuid4().hex}.part"
        try:
            temporary.parent.mkdir(parents=True, exist_ok=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as handle:
                table.write_parquet(handle, compression="zstd")
                handle.flush()
                os.fsync(handle.fileno())
            temporary.replace(target)
            sync_folder(target.parent)
        except (OSError, pl.exceptions.PolarsError) as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            message = (
                f"results could not be written to {self.root}: {first_line(error)} {remedy(self.root, error)}; nothing was lost."
            )
            raise StorageError(message) from error

    def table(self, content: str) -> pl.DataFrame:
        """Return the table with a content hash."""
        return self._read(self.path(content))

    def scan(self, content: str, rows: int) -> pl.LazyFrame:
        """Return the table with a content hash as a scan: held where it is small, left on disk where it is large."""
        path = self.path(content)
        return pl.scan_parquet(path) if rows > HELD_ROWS and intact(path) else self.table(content).lazy()

    def lineage(self, content: str) -> pl.DataFrame:
        """Return the lineage with a content hash."""
        return self._read(self.path(content, LINEAGE)).select(list(LINEAGE_SCHEMA))

    def _read(self, path: Path) -> pl.DataFrame:
        try:
            return pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError) as error:
            message = f"the result {path.name} is missing or damaged: {first_line(error)} Delete the folder results/objects (not the ledger beside it) and run the study again."
            raise StorageError(message) from error

    def has(self, content: str, trail: str) -> bool:
        """Return whether both files of a product are there and whole."""
        return intact(self.path(content)) and intact(self.path(trail, LINEAGE))

    def sweep(self, tables: Iterable[str], trails: Iterable[str]) -> int:
        """Remove what a killed run left: temporary files and objects the ledger does not know. Returns how many."""
        known = {f"{content}{TABLE}" for content in tables} | {f"{content}{LINEAGE}" for content in trails}
        removed = 0
        for path in [*self.temporary.glob("*"), *(found for found in self.objects.glob("*/*") if found.name not in known)]:
            path.unlink(missing_ok=True)
            removed += 1
        return removed

    def prune(self) -> None:
        """Remove the folders that hold nothing: a run that is refused leaves no trace."""
        for folder in [*self.objects.glob("*"), self.objects, self.temporary, self.root]:
            with suppress(OSError):
                folder.rmdir()


def intact(path: Path) -> bool:
    """Return whether a Parquet file is there from its first to its last mark; a cut or overwritten one is not."""
    mark = b"PAR1"
    try:
        with path.open("rb") as handle:
            begins = handle.read(4) == mark
            handle.seek(-4, os.SEEK_END)
            return begins and handle.read(4) == mark
    except OSError:
        return False


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder durable, where the system lets a folder be synced."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remedy(folder: Path, error: BaseException) -> str:
    """Return what helps where something could not be written to a folder: space helps nobody who may not write there.

    Examples
    --------
    >>> remedy(Path("results"), PermissionError(13, "Permission denied"))
    'Make results writable for you, or copy the study to a folder that is, and run again'
    >>> remedy(Path("."), OSError(28, "No space left on device"))
    'Free some space and run again'
    """
    words = str(error).lower()
    refused = isinstance(error, OSError) and error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}
    shut = folder.exists() and not os.access(folder, os.W_OK)
    if refused or shut or any(sign in words for sign in ("readonly", "read-only", "permission denied")):
        return f"Make {folder} writable for you, or copy the study to a folder that is, and run again"
    return "Free some space and run again"


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all.

    Raises
    ------
    StorageError
        When the disk is full or refuses.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with temporary.open("w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        message = f"{path} could not be written: {error.strerror or error}. {remedy(path.parent, error)}."
        raise StorageError(message) from error
