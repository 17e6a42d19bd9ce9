import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from benchside.core.errors import LineageError, StorageError
from benchside.study.ledger import HEAD, METADATA, Entry, Input, Ledger, software
from benchside.study.workflow import run

TABLES = sorted(METADATA.tables)
ENTRY = Entry(
    set_id="ab" * 20, verb="assay.fit", version="1", settings={"level": 0.95}, inputs=(Input("responses", "cd" * 20, file="x.csv"),),
    kind="fits", kind_version="1", table_hash="ef" * 20, lineage_hash="01" * 20, rows=3, software=software(),
    created=datetime(2026, 1, 2, tzinfo=UTC),
)  # fmt: skip
WELL = {"plate_id": "P1", "well": "A2", "who": "a person"}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger that has at least one row in every table."""
    opened = Ledger.open(tmp_path / "results" / "ledger.sqlite")
    opened.add(ENTRY, "run-1", "assay.fit", previous="99" * 20)
    opened.note("run-1", "finished", {"assay.fit": ENTRY.set_id})
    opened.exclude([{"action": "exclude", "why": "bubble", **WELL}])
    yield opened
    opened.close()


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as raw:
        return {table: raw.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("action", ["UPDATE", "DELETE"])
def test_no_row_of_any_table_can_be_changed_or_deleted(ledger: Ledger, table: str, action: str) -> None:
    path = Path(str(ledger.engine.url.database))
    before = rows(path)
    assert before[table], "the trigger fires a row at a time, so the table must hold one"
    column = METADATA.tables[table].columns.keys()[-1]
    words = f"UPDATE {table} SET {column} = 'x'" if action == "UPDATE" else f"DELETE FROM {table}"
    with (
        closing(sqlite3.connect(path)) as raw,
        pytest.raises(sqlite3.IntegrityError, match=f"append-only: {table} refuses {action}"),
    ):
        raw.execute(words)
    assert rows(path) == before


def test_a_new_ledger_has_the_tables_the_code_names_and_opens_twice(tmp_path: Path) -> None:
    path = tmp_path / "results" / "ledger.sqlite"
    for _ in range(2):
        opened = Ledger.open(path)
        found = sa.inspect(opened.engine)
        columns = {name: {column["name"] for column in found.get_columns(name)} for name in TABLES}
        opened.close()
        assert columns == {name: set(table.columns.keys()) for name, table in METADATA.tables.items()}
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]


def test_what_is_added_comes_back(ledger: Ledger) -> None:
    assert ledger.entries() == {ENTRY.set_id: ENTRY}
    assert ledger.entry(ENTRY.set_id) == ENTRY
    assert ledger.latest() == ledger.current() == {"assay.fit": ENTRY.set_id}
    with pytest.raises(LineageError, match="no result of this study has an id"):
        ledger.entry("f" * 12)


def test_an_exclusion_is_taken_back_by_a_new_record(ledger: Ledger) -> None:
    assert [(one["plate_id"], one["well"]) for one in ledger.exclusions()] == [("P1", "A2")]
    ledger.exclude([{"action": "include", "why": "it was the plate next to it", **WELL}])
    assert ledger.exclusions() == ()
    assert [one["action"] for one in ledger.history()] == ["exclude", "include"]


def test_a_file_that_is_no_ledger_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this is no database, but it is long enough to look like one" * 50)
    with pytest.raises(StorageError, match=r"ledger\.sqlite could not be opened"):
        Ledger.open(path)


def test_a_failed_write_writes_nothing(ledger: Ledger) -> None:
    before = rows(Path(str(ledger.engine.url.database)))
    with pytest.raises(sa.exc.IntegrityError):
        ledger.exclude([{"action": "exclude", "why": "first", **WELL}, {"action": "exclude", "why": None, **WELL}])  # type: ignore[dict-item]
    assert rows(Path(str(ledger.engine.url.database))) == before


def test_a_rerun_adds_nothing(study: Path) -> None:
    before = rows(study / "results" / "ledger.sqlite")
    assert not run(study).changed
    assert rows(study / "results" / "ledger.sqlite") == before


def test_what_a_killed_run_left_is_removed_at_the_next_start(study: Path) -> None:
    objects, temporary = study / "results" / "objects", study / "results" / "tmp"
    orphan = objects / "ff" / f"{'f' * 40}.parquet"
    orphan.parent.mkdir(exist_ok=True)
    temporary.mkdir(exist_ok=True)
    orphan.write_bytes(b"half")
    (temporary / "0.part").write_bytes(b"half")
    kept = {path for path in objects.glob("*/*") if path != orphan}
    assert run(study).swept == 2
    assert set(objects.glob("*/*")) == kept
    assert not list(temporary.iterdir())


def test_a_lost_table_is_made_again_under_the_same_hash(study: Path) -> None:
    before = rows(study / "results" / "ledger.sqlite")
    lost = sorted((study / "results" / "objects").glob("*/*[0-9a-f].parquet"))[0]
    content = lost.read_bytes()
    lost.unlink()
    assert run(study).changed
    assert lost.read_bytes() == content
    assert rows(study / "results" / "ledger.sqlite") == before
