"""Two runs of one study at the same time: the second waits, and finds the work done."""

import tempfile
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

from benchside.study.demo import write_demo
from verification.outcome import Outcome
from verification.studies import damaged, finish, ledger_faults, numbers, start


def faults_of_two(root: Path) -> list[str]:
    """Run a study twice at once and return what went wrong."""
    first, second = start("run", root), start("run", root)
    ends = [finish(first), finish(second)]
    faults = [f"a run ended with {code}: {err.strip()}" for code, _, err in ends if code != 0]
    faults += ledger_faults(root) + damaged(root)
    with closing(connect(root / "results" / "ledger.sqlite")) as ledger:
        finished = ledger.execute("SELECT count(*) FROM run_events WHERE event = 'finished'").fetchone()[0]
        workers = ledger.execute("SELECT count(DISTINCT run_id) FROM task_results").fetchone()[0]
    faults += [] if finished == 1 else [f"{finished} finished runs are recorded, and one did the work"]
    faults += [] if workers == 1 else [f"{workers} runs recorded results"]
    return faults + ([] if numbers(root) else ["the study has no numbers"])


def check() -> Outcome:
    """Return the outcome of two runs at once."""
    with tempfile.TemporaryDirectory(prefix="benchside-two-") as folder:
        faults = faults_of_two(write_demo(Path(folder) / "study", trial=False))
    return Outcome("two runs at once", f"{len(faults)} faults" + "".join(f"; {one}" for one in faults[:1]), "none", not faults)
