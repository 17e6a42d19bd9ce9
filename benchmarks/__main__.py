"""Print one table of what was measured, and write it as JSON where a file is named."""

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import fits, studies, survival, trials
from benchmarks.timing import Row

GROUPS = {"fits": fits.rows, "trials": trials.rows, "survival": survival.rows, "studies": studies.rows}
HEAD = ("what", "ours", "beside it", "ratio", "threshold", "")


def main() -> int:
    """Measure, print, and return 0 only when nothing is SHORT."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller samples and fewer repeats")
    parser.add_argument("--only", choices=sorted(GROUPS), help="one group")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="also write the rows to FILE, for example benchmarks/results.json"
    )
    options = parser.parse_args()
    found: list[Row] = []
    print(" | ".join(HEAD[:5]))
    for name, group in GROUPS.items():
        if options.only not in (None, name):
            continue
        for row in group(quick=options.quick):
            print(" | ".join([row.what, row.ours, row.beside, row.ratio, row.threshold, row.verdict()]), flush=True)
            found.append(row)
    if options.json is not None:
        machine = {"machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
        rows = [{**asdict(row), "verdict": row.verdict()} for row in found]
        options.json.write_text(json.dumps({**machine, "rows": rows}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if all(row.holds is not False for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
