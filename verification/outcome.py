"""What a check found, and the line it prints."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """One check: what was measured, what is asked, and whether it holds."""

    name: str
    figure: str
    threshold: str
    holds: bool | None
    """None: the check could not be made here, and `figure` says why."""

    def line(self) -> str:
        """Return the outcome as one line."""
        if self.holds is None:
            return f"{self.name} | skipped: {self.figure}"
        return f"{self.name} | {self.figure} | {self.threshold} | {'ok' if self.holds else 'SHORT'}"


def skipped(name: str, reason: str) -> Outcome:
    """Return the outcome of a check that could not be made."""
    return Outcome(name, reason, "", None)
