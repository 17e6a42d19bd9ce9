import os
from pathlib import Path

import polars as pl
import pytest

from benchside.core.errors import StorageError
from benchside.core.stage import Product, lineage_of
from benchside.core.tables import table_hash
from benchside.study.store import Store, write_text

TABLE = pl.DataFrame({"a": [1.5, None, float("inf")], "b": ["x", "", None], "c": [True, None, False], "d": [[1], [], None]})
PRODUCT = Product(TABLE, lineage_of([(0, 0, [1, 2]), (1, 1, None), (None, 2, None)]))


def test_what_is_put_comes_back_cell_by_cell_under_its_hash(tmp_path: Path) -> None:
    store = Store(tmp_path)
    stored = store.put(PRODUCT)
    assert store.table(stored.table).equals(TABLE)
    assert store.lineage(stored.lineage).equals(PRODUCT.lineage)
    assert table_hash(store.table(stored.table)) == stored.table
    assert table_hash(store.lineage(stored.lineage)) == stored.lineage
    assert stored.rows == TABLE.height
    assert store.has(stored.table, stored.lineage)
    assert not list(store.temporary.iterdir())


def test_a_table_already_there_is_not_written_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = store.path(store.put(PRODUCT).table)
    os.utime(path, ns=(1, 1))
    store.put(PRODUCT)
    assert path.stat().st_mtime_ns == 1


def test_sweep_removes_what_nobody_knows_and_nothing_else(tmp_path: Path) -> None:
    store = Store(tmp_path)
    kept, lost = store.put(PRODUCT), store.put(Product(TABLE.head(1), lineage_of([(0, 0, [0])])))
    (store.temporary / "x.part").write_bytes(b"")
    assert store.sweep([kept.table], [kept.lineage]) == 3
    assert store.has(kept.table, kept.lineage)
    assert not store.path(lost.table).exists()
    assert store.sweep([kept.table], [kept.lineage]) == 0


def test_a_failed_rename_leaves_neither_target_nor_leftover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    store = Store(tmp_path)
    with pytest.raises(StorageError, match="Free some space"):
        store.put(PRODUCT)
    assert not list(store.objects.glob("*/*"))
    assert not list(store.temporary.iterdir())
    target = tmp_path / "page.html"
    with pytest.raises(StorageError, match=r"page\.html could not be written"):
        write_text(target, "text")
    assert not list(tmp_path.glob("*page*"))


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_table_is_said_to_be_damaged(tmp_path: Path, damage: str) -> None:
    store = Store(tmp_path)
    stored = store.put(PRODUCT)
    path = store.path(stored.table)
    path.write_bytes(path.read_bytes()[:40]) if damage == "cut" else path.unlink()
    with pytest.raises(StorageError, match="missing or damaged"):
        store.table(stored.table)


def test_text_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "one")
    write_text(path, "µM")
    assert path.read_text(encoding="utf-8") == "µM"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]
