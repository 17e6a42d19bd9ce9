"""The ledger: what was made by what from what, who excluded which well, and what superseded what. Rows are added, never changed."""

import json
import os
import platform
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

import sqlalchemy as sa

from benchside import __version__
from benchside.core.errors import LineageError, StorageError
from benchside.core.evidence import SET_DIGITS, canonical
from benchside.study.store import remedy

HEAD: Final = "0001"
"""The newest migration; a ledger at it is opened without asking Alembic."""

METADATA = sa.MetaData()
RESULT_SETS = sa.Table(
    "result_sets", METADATA,
    sa.Column("set_id", sa.String, primary_key=True), sa.Column("verb", sa.String, nullable=False),
    sa.Column("version", sa.String, nullable=False), sa.Column("settings", sa.Text, nullable=False),
    sa.Column("inputs", sa.Text, nullable=False), sa.Column("kind", sa.String, nullable=False),
    sa.Column("kind_version", sa.String, nullable=False), sa.Column("table_hash", sa.String, nullable=False),
    sa.Column("lineage_hash", sa.String, nullable=False), sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("software", sa.Text, nullable=False), sa.Column("created", sa.String, nullable=False),
)  # fmt: skip
RUN_EVENTS = sa.Table(
    "run_events", METADATA, sa.Column("id", sa.Integer, primary_key=True), sa.Column("run_id", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False), sa.Column("event", sa.String, nullable=False), sa.Column("detail", sa.Text, nullable=False),
)  # fmt: skip
TASK_RESULTS = sa.Table(
    "task_results", METADATA, sa.Column("id", sa.Integer, primary_key=True), sa.Column("run_id", sa.String, nullable=False),
    sa.Column("task", sa.String, nullable=False), sa.Column("set_id", sa.String, sa.ForeignKey("result_sets.set_id"), nullable=False),
)  # fmt: skip
SUPERSESSIONS = sa.Table(
    "supersessions", METADATA, sa.Column("id", sa.Integer, primary_key=True), sa.Column("task", sa.String, nullable=False),
    sa.Column("old_set", sa.String, nullable=False), sa.Column("new_set", sa.String, nullable=False), sa.Column("at", sa.String, nullable=False),
)  # fmt: skip
EXCLUSIONS = sa.Table(
    "exclusions", METADATA, sa.Column("id", sa.Integer, primary_key=True), sa.Column("action", sa.String, nullable=False),
    sa.Column("plate_id", sa.String, nullable=False), sa.Column("well", sa.String, nullable=False), sa.Column("who", sa.String, nullable=False),
    sa.Column("why", sa.Text, nullable=False), sa.Column("at", sa.String, nullable=False),
)  # fmt: skip


@dataclass(frozen=True)
class Input:
    """One input of a result set: a file of the study, or another result set."""

    role: str
    content: str
    file: str | None = None
    set_id: str | None = None


@dataclass(frozen=True)
class Entry:
    """One result set as the ledger knows it."""

    set_id: str
    verb: str
    version: str
    settings: Mapping[str, Any]
    inputs: tuple[Input, ...]
    kind: str
    kind_version: str
    table_hash: str
    lineage_hash: str
    rows: int
    software: Mapping[str, str]
    created: datetime


@dataclass(frozen=True)
class Ledger:
    """An open ledger; the parent process is its only writer."""

    engine: sa.Engine

    @classmethod
    def open(cls, path: Path) -> "Ledger":
        """Open the ledger of a study, creating it or bringing it to the newest version first.

        Raises
        ------
        StorageError
            When the file cannot be opened, is damaged, or is from a newer benchside.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            engine = sa.create_engine(f"sqlite:///{path}", isolation_level="AUTOCOMMIT")
            sa.event.listen(engine, "connect", _prepare)
            if _revision(engine) != HEAD:
                migrate(engine)
        except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise StorageError(_refusal(path, error)) from error
        return cls(engine)

    @classmethod
    def read(cls, path: Path) -> "Ledger":
        """Open a ledger to look something up; where its folder cannot be written to, as the file stands.

        Raises
        ------
        StorageError
            When it cannot be opened, or is older than this benchside and cannot be brought up to date.
        """
        if os.access(path.parent, os.W_OK) and os.access(path, os.W_OK):
            return cls.open(path)
        engine = sa.create_engine(f"sqlite:///file:{quote(str(path.resolve()))}?immutable=1&mode=ro&uri=true")
        try:
            current = _revision(engine) == HEAD
        except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
            raise StorageError(_refusal(path, error)) from error
        if not current:
            message = f"the ledger {path} is from another version of benchside and cannot be written to. Copy the study and open the copy."
            raise StorageError(message)
        return cls(engine)

    @property
    def folder(self) -> Path:
        """The folder the ledger lies in."""
        return Path(unquote(str(self.engine.url.database).removeprefix("file:"))).parent

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Open one immediate transaction: all of it is written, or none."""
        with self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.exec_driver_sql("COMMIT")
            except sa.exc.OperationalError as error:
                connection.exec_driver_sql("ROLLBACK") if connection.connection.dbapi_connection.in_transaction else None  # type: ignore[union-attr]
                message = f"the ledger could not be written: {error.orig}. {remedy(self.folder, error.orig or error)}; nothing was lost."
                raise StorageError(message) from error
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise

    def add(self, entry: Entry, run_id: str, task: str, previous: str | None) -> None:
        """Record a result set as what a task made, and what it supersedes, in one transaction."""
        row = {
            "set_id": entry.set_id, "verb": entry.verb, "version": entry.version, "settings": canonical(entry.settings),
            "inputs": canonical([vars(one) for one in entry.inputs]), "kind": entry.kind, "kind_version": entry.kind_version,
            "table_hash": entry.table_hash, "lineage_hash": entry.lineage_hash, "rows": entry.rows,
            "software": canonical(entry.software), "created": entry.created.isoformat(),
        }  # fmt: skip
        with self.writing() as connection:
            if connection.execute(sa.select(RESULT_SETS.c.set_id).where(RESULT_SETS.c.set_id == entry.set_id)).first() is None:
                connection.execute(RESULT_SETS.insert(), row)
            connection.execute(TASK_RESULTS.insert(), {"run_id": run_id, "task": task, "set_id": entry.set_id})
            if previous is not None and previous != entry.set_id:
                connection.execute(
                    SUPERSESSIONS.insert(), {"task": task, "old_set": previous, "new_set": entry.set_id, "at": now()}
                )

    def note(self, run_id: str, event: str, detail: Mapping[str, Any] | None = None) -> None:
        """Record that a run started, finished or failed."""
        with self.writing() as connection:
            connection.execute(
                # The order of the keys is kept: tasks in the order of the study are how a reader sees them.
                RUN_EVENTS.insert(),
                {"run_id": run_id, "at": now(), "event": event, "detail": json.dumps(dict(detail or {}))},
            )

    def exclude(self, records: Sequence[Mapping[str, str]]) -> None:
        """Record exclusions or their reversals: action (exclude, include), plate_id, well, who, why."""
        with self.writing() as connection:
            connection.execute(EXCLUSIONS.insert(), [{**record, "at": now()} for record in records])

    def exclusions(self) -> tuple[dict[str, Any], ...]:
        """Return the exclusions in force: for each well the newest record, where it excludes."""
        newest: dict[tuple[str, str], dict[str, Any]] = {}
        for row in self._rows(sa.select(EXCLUSIONS).order_by(EXCLUSIONS.c.id)):
            newest[row["plate_id"], row["well"]] = row
        return tuple(row for row in newest.values() if row["action"] == "exclude")

    def history(self) -> tuple[dict[str, Any], ...]:
        """Return every exclusion record, reversals too, in order."""
        return tuple(self._rows(sa.select(EXCLUSIONS).order_by(EXCLUSIONS.c.id)))

    def entries(self) -> dict[str, Entry]:
        """Return every result set by id."""
        return {row["set_id"]: _entry(row) for row in self._rows(sa.select(RESULT_SETS))}

    def entry(self, prefix: str) -> Entry:
        """Return the result set whose id begins with `prefix`.

        Raises
        ------
        LineageError
            When the study has none, or several.
        """
        rows = list(self._rows(sa.select(RESULT_SETS).where(RESULT_SETS.c.set_id.startswith(prefix, autoescape=True))))
        if len(rows) != 1 or len(prefix) < SET_DIGITS:
            message = f"no result of this study has an id that begins with {prefix!r}. Copy the whole id from the dossier or a results table."
            raise LineageError(message)
        return _entry(rows[0])

    def latest(self) -> dict[str, str]:
        """Return task -> set id, as the newest run that made each left it."""
        return {row["task"]: row["set_id"] for row in self._rows(sa.select(TASK_RESULTS).order_by(TASK_RESULTS.c.id))}

    def current(self) -> dict[str, str]:
        """Return task -> set id of the newest finished run; empty where none has finished."""
        query = sa.select(RUN_EVENTS.c.detail).where(RUN_EVENTS.c.event == "finished").order_by(RUN_EVENTS.c.id.desc()).limit(1)
        row = next(iter(self._rows(query)), None)
        return {} if row is None else dict(json.loads(row["detail"]))

    def _rows(self, query: sa.Select[Any]) -> Iterator[dict[str, Any]]:
        with self.engine.connect() as connection:
            yield from [dict(row) for row in connection.execute(query).mappings()]

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def migrate(engine: sa.Engine, target: str = "head") -> None:
    """Bring a ledger to a migration, all steps of it in one transaction."""
    from alembic import command  # noqa: PLC0415  half a second to import, and only a new or old ledger needs it
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, target)
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise


def _revision(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 30000"):
        connection.execute(f"PRAGMA {pragma}")


def _refusal(path: Path, error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    help_ = remedy(path.parent, cause)
    if help_.startswith("Free"):
        help_ = "Free some space, or restore the file from a copy, and run again"
    return f"the ledger {path.name} could not be opened: {cause}. {help_}."


def _entry(row: Mapping[str, Any]) -> Entry:
    fields = {
        name: row[name] for name in ("set_id", "verb", "version", "kind", "kind_version", "table_hash", "lineage_hash", "rows")
    }
    inputs = tuple(Input(**one) for one in json.loads(row["inputs"]))
    software = json.loads(row["software"])
    return Entry(
        **fields,
        settings=json.loads(row["settings"]),
        inputs=inputs,
        software=software,
        created=datetime.fromisoformat(row["created"]),
    )


def now() -> str:
    """Return the time as the ledger writes it."""
    return datetime.now(UTC).isoformat()


@cache
def software() -> Mapping[str, str]:
    """Return the versions a result depends on."""
    packages = ("numpy", "scipy", "polars", "numba")
    own = {"benchside": __version__, "python": platform.python_version(), "machine": platform.machine()}
    return {**own, **{name: version(name) for name in packages}}
