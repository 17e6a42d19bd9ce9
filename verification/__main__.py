"""Run every check, print a line each, and leave with exit code 0 only when none is SHORT."""

import argparse
import sys
from collections.abc import Callable, Iterable

from verification import coverage, drc, fold_shift, full_disk, kill, two_runs, unwritable
from verification.outcome import Outcome


def main() -> int:
    """Run the checks and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m verification", description=__doc__)
    parser.add_argument("--kills", type=int, default=30, help="how many runs are killed")
    parser.add_argument("--only", default="", help="only the checks whose name holds this text")
    options = parser.parse_args()
    checks: dict[str, Callable[[], Outcome | Iterable[Outcome]]] = {
        "killed runs": lambda: kill.check(options.kills),
        "full disk": full_disk.check,
        "two runs at once": two_runs.check,
        "unwritable installation": unwritable.check,
        "coverage": coverage.check,
        "drc": drc.check,
        "fold shifts": fold_shift.check,
    }
    outcomes = []
    for name, check in checks.items():
        if options.only not in name:
            continue
        found = check()
        for outcome in [found] if isinstance(found, Outcome) else found:
            print(outcome.line(), flush=True)
            outcomes.append(outcome)
    short = sum(outcome.holds is False for outcome in outcomes)
    print(
        f"{sum(outcome.holds is True for outcome in outcomes)} ok, {short} SHORT, {sum(outcome.holds is None for outcome in outcomes)} skipped"
    )
    return 0 if outcomes and not short else 1


if __name__ == "__main__":
    sys.exit(main())
