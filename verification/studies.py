"""Studies run in processes of their own, and what is looked at afterwards: the files, the ledger, the numbers."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl

from benchside.core.tables import table_hash
from benchside.study.results import Results

COMMAND = (sys.executable, "-c", "from benchside.cli.main import run_main; run_main()")
"""The command line as a user's shell starts it, whatever PATH holds."""


def start(
    *arguments: str | Path, env: Mapping[str, str] | None = None, prefix: Sequence[str] = (), cwd: Path | None = None
) -> "subprocess.Popen[str]":
    """Start one benchside command as the leader of a process group of its own."""
    words = [*prefix, *COMMAND, *(str(word) for word in arguments)]
    own = {**os.environ, **env} if env else None
    return subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, env=own, cwd=cwd
    )


def finish(process: "subprocess.Popen[str]", *, seconds: float = 600.0) -> tuple[int, str, str]:
    """Return (exit code, standard output, standard error) of a command when it has ended."""
    with process:
        out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


def benchside(*arguments: str | Path, **how: Any) -> tuple[int, str, str]:
    """Run one benchside command to its end."""
    return finish(start(*arguments, **how))


def damaged(root: Path) -> list[str]:
    """Return the tables of a study that cannot be read in full, or whose content is not what their name says."""
    found = []
    for path in sorted((root / "results" / "objects").glob("*/*.parquet")):
        try:
            content = table_hash(pl.read_parquet(path))
        except (OSError, pl.exceptions.PolarsError) as error:
            found.append(f"{path.name}: {type(error).__name__}")
            continue
        if content != path.name.split(".")[0]:
            found.append(f"{path.name}: its content has hash {content}")
    return found


def ledger_faults(root: Path) -> list[str]:
    """Return what is wrong with the ledger of a finished study: damage, doubled rows, results without a table."""
    with closing(sqlite3.connect(root / "results" / "ledger.sqlite")) as ledger:
        found = [f"integrity: {row[0]}" for row in ledger.execute("PRAGMA integrity_check") if row[0] != "ok"]
        found += [f"foreign key: {row}" for row in ledger.execute("PRAGMA foreign_key_check")]
        doubles = {
            "result_sets": "SELECT set_id FROM result_sets GROUP BY set_id HAVING count(*) > 1",
            "task_results of one run": "SELECT task FROM task_results GROUP BY run_id, task HAVING count(*) > 1",
            "task_results": "SELECT task FROM task_results GROUP BY task, set_id HAVING count(*) > 1",
        }
        for name, query in doubles.items():
            found += [f"{name} doubled: {row[0]}" for row in ledger.execute(query)]
        named = ledger.execute("SELECT table_hash, lineage_hash FROM result_sets").fetchall()
    there = {path.name for path in (root / "results" / "objects").glob("*/*")}
    wanted = {f"{table}.parquet" for table, _ in named} | {f"{trail}.lineage.parquet" for _, trail in named}
    return (
        found + [f"missing: {name}" for name in sorted(wanted - there)] + [f"orphan: {name}" for name in sorted(there - wanted)]
    )


def numbers(root: Path) -> dict[str, tuple[object, ...]]:
    """Return every number of a finished study by id: value and interval."""
    results = Results.of(root)
    try:
        return {one.id: (one.quantity, one.value, one.relation, one.lower, one.upper) for one in results.records()}
    finally:
        results.close()
