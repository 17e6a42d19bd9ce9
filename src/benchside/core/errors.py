"""The one error tree. Read top to bottom it is a table of contents of what can go wrong.

Every message is one sentence (or two) that says the rule, the value that breaks it, the place and the remedy. A door (the
command line, the web) prints the sentence and leaves with exit code 2; anything that is not a `BenchsideError` is a bug.

* BenchsideError
    - InputError: what the user gave cannot be used as it stands
        - FileError: a file that is absent, empty, damaged or of an unknown kind
        - TableError: a column, row or value that breaks the table's rules
        - UnitError: a unit that is missing, unknown or of the wrong kind
        - LayoutError: a plate layout that does not fit its plate
        - SettingError: a setting that is unknown or out of range
        - MatrixMismatch: free and total concentrations, or two sites, would meet without a conversion
    - NoEvidenceError: a fact was asked for and nobody has published it here
    - StudyError: the study folder, its file or its lock
        - StorageError: the disk or the ledger refused
        - LineageError: an id that no result of the study has, or a result that no longer matches its inputs
"""

import difflib
from collections.abc import Iterable


class BenchsideError(Exception):
    """Base of every error a user can mend; its text is the whole message."""


class InputError(BenchsideError):
    """What the user gave cannot be used as it stands."""


class FileError(InputError):
    """A file that is absent, empty, damaged or of an unknown kind."""


class TableError(InputError):
    """A column, row or value that breaks the table's rules."""


class UnitError(InputError):
    """A unit that is missing, unknown or of the wrong kind."""


class LayoutError(InputError):
    """A plate layout that does not fit its plate."""


class SettingError(InputError):
    """A setting that is unknown or out of range."""


class MatrixMismatch(InputError):  # noqa: N818  named for what happened, as in the design
    """Free and total concentrations, or two sites, would meet without a conversion."""


class NoEvidenceError(BenchsideError):
    """A fact was asked for that no evidence row holds; there is never a default."""


class StudyError(BenchsideError):
    """The study folder, its file or its lock."""


class StorageError(StudyError):
    """The disk or the ledger refused."""


class LineageError(StudyError):
    """An id that no result of the study has, or a result that no longer matches its inputs."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the known word nearest to a misspelt one, else an empty string."""
    lower = {name.lower(): name for name in known}
    match = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return f" (did you mean {lower[match[0]]!r}?)" if match else ""


def listed(items: Iterable[object], most: int = 5) -> str:
    """Join the first items of a list for a message and count the others: ``1, 2, 3 and 40 more``."""
    texts = [str(item) for item in items]
    rest = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {rest} more" if rest > 0 else "")
