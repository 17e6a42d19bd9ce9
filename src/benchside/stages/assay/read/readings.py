"""What a reader read: signals by well, with the plate and the read they belong to; and which read of a plate is its signal.

A plate may be read more than once (570 nm and 650 nm, raw and blank-corrected). Which of the reads is the signal, and whether another
is to be subtracted, is stated by the file or asked for; blocks that may be plates or reads are never sorted by guess.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from benchside.core.errors import LayoutError, SettingError, listed
from benchside.stages.assay.model import PLATE_SHAPES, well_name
from benchside.stages.assay.read.blocks import Block, Word
from benchside.stages.assay.read.cells import Sheet, number

_PLATE_WORD: Final = r"(?:plate|assay\s*plate)\s*(?:id|name|barcode|number|nr\.?|no\.?)?|(?:plate\s*)?barcode"
_PLATE_NAME: Final = re.compile(rf"^\s*(?:{_PLATE_WORD})\s*[:=]?\s*$", re.IGNORECASE)
_NAMED_PLATE: Final = re.compile(rf"^\s*(?:{_PLATE_WORD})\s*[:=]\s*(\S.*)$", re.IGNORECASE)
_LABWARE: Final = re.compile(
    r"\b(greiner|corning|costar|nunc|falcon|flat|bottom|polystyrene|transparent|well\s*plate|96 ?well|384 ?well)\b", re.IGNORECASE
)
"""Words of a kind of plate: what some readers write beside `Plate`, and no plate's name."""

_FORMULA_TEXT: Final = re.compile(r'^="(.*)"$')
_GENERIC: Final = re.compile(r"^\s*(plate|matrix)?[\s#_:-]*\d{1,3}\s*$", re.IGNORECASE)
"""Names that a reader gives by itself, the same in every file: Plate 1, Plate1, 1."""

_TITLE_PLATE: Final = re.compile(r"^\s*plate[\s_-]*([A-Za-z]?\d+[A-Za-z]?)\s*$", re.IGNORECASE)
_TABLE_WORDS: Final = frozenset({"repeat", "barcode", "measured height", "label", "well", "name", "type", "time"})
_DAY: Final = re.compile(r"^\s*(day|time\s*[\(\[]\s*(?:h|hours?)\s*[\)\]])\s*[:=]?\s*$", re.IGNORECASE)
_WAVELENGTH_ROW: Final = re.compile(
    r"^\s*(measurement\s*|emission\s*|read\s*)?wavelengths?\s*([\(\[]nm[\)\]])?\s*:?\s*$", re.IGNORECASE
)
_LABEL: Final = re.compile(r"^\s*label\s*:\s*(\S.*)$", re.IGNORECASE)
_NANOMETRES: Final = re.compile(r"(?<![\d.])([2-9]\d\d)(?![\d.])")
_OPTICAL: Final = re.compile(
    r"(?:^\s*|\b(?:od|abs\w*|read\s*\d*\s*:|a)\s*)[2-9]\d\d\s*(?:nm)?\s*$|[2-9]\d\d\s*nm\b", re.IGNORECASE
)
_REFERENCE: Final = re.compile(r"\bref(erence)?\b", re.IGNORECASE)
_REMARK: Final = re.compile(
    r"^\s*(temperature|temp\b|start|end|date|time\b|measured|exported|user|note|comment|plate\s*type|target\s*temp)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Reading:
    """One read of one plate: a signal by well, each with its cell."""

    sheet: Sheet
    row: int
    column: int
    """Where it begins, for messages."""

    cells: tuple[tuple[str, Any, int, int], ...]
    """(well, cell value, sheet row, sheet column)."""

    label: str = ""
    """Which read it is: a wavelength where one is written, else its title."""

    plate: str | None = None
    """The name of its plate, where one is written."""

    block: Block | None = None
    day: float | None = None
    time_h: float | None = None

    @property
    def place(self) -> str:
        """Where it begins, as a message names it."""
        return self.sheet.place(self.row, self.column)


@dataclass(frozen=True)
class Plate:
    """One plate: the read that is its signal and, where there is one, the read that is subtracted."""

    name: str
    signal: Reading
    reference: Reading | None = None
    written: str | None = None
    """The name as the file writes it, where the plate is named by its file too: `Plate 1` of `day1:Plate 1`."""


def readings_of(found: Sequence[Block], signals: Sequence[Block]) -> list[Reading]:
    """Return those of the found blocks that are signals as readings; a plate name holds for the blocks below it until the next one."""
    readings: list[Reading] = []
    names: dict[str, str] = {}
    for block in found:
        own = plate_name(block)
        if own is not None:
            names[block.sheet.name] = own
        if block not in signals:
            continue
        readings.append(
            Reading(
                block.sheet,
                block.top,
                block.left,
                tuple(block.cells()),
                label_of(block),
                names.get(block.sheet.name),
                block,
                **_moment(block),
            )
        )
    return readings


def _moment(block: Block) -> dict[str, float]:
    """Return the day or the time in hours that is written above a block."""
    found: dict[str, float] = {}
    for word in block.words:
        value = number(word.value)
        match = _DAY.match(word.text)
        if match and value is not None:
            found.setdefault("day" if match.group(1).lower() == "day" else "time_h", value)
    return found


def plate_name(block: Block) -> str | None:
    """Return the plate name written above a block: `Plate: x` in one cell or two, a title `Plate 1`, or a column `Barcode`."""
    for word in block.words:
        name = _name_in(block.sheet, word)
        if name is not None:
            return name
    return None


def _name_in(sheet: Sheet, word: Word) -> str | None:
    match = _NAMED_PLATE.match(word.text)
    if match:
        return match.group(1).strip()
    if _TITLE_PLATE.match(word.text):
        return word.text.strip()
    if _PLATE_NAME.match(word.text) and word.value and not _LABWARE.search(word.value):
        if word.value.strip().lower() in _TABLE_WORDS:
            return _name_below(sheet, word)
        return word.value.strip()
    return None


def _name_below(sheet: Sheet, word: Word) -> str | None:
    """Return the plate of a small table `Plate, Repeat, Barcode ...`: what stands below `Barcode`, else its number; of another table nothing."""
    column = next((c for c in range(len(sheet.rows[word.row])) if sheet.text(word.row, c).lower() == "barcode"), None)
    if column is None:
        return None
    return unwrapped(sheet.text(word.row + 1, column)) or f"Plate {sheet.text(word.row + 1, word.column)}"


def unwrapped(text: str) -> str:
    """Return a text without the formula some readers wrap a barcode in, so that spreadsheets keep its zeros: ="007"."""
    match = _FORMULA_TEXT.match(text)
    return match.group(1) if match else text


def is_plate_word(block: Block, word: Word) -> bool:
    """Return whether a word above a block names its plate, and so titles nothing else."""
    return _name_in(block.sheet, word) is not None


def label_of(block: Block) -> str:
    """Return which read a block is: a wavelength where one is written, else a label, else its title."""
    if block.side:
        return block.side
    for word in block.words:
        value = number(word.value)
        if _WAVELENGTH_ROW.match(word.text) and value is not None:
            return f"{value:g} nm"
    labels = [match.group(1).strip() for word in block.words if (match := _LABEL.match(word.text))]
    titles = [word.text for word in block.words if not _REMARK.match(word.text) and not is_plate_word(block, word)]
    optical = [title for title in titles if _OPTICAL.search(title)]
    return next(iter(optical or labels or titles), "")


def is_wavelength(text: str) -> bool:
    """Return whether a text (a sheet's name, a column's title) is a wavelength and little else: `OD570`, `650 nm`."""
    return bool(_OPTICAL.search(text))


def plates_of(readings: Sequence[Reading], signal_read: str | None, reference_read: str | None) -> list[Plate]:
    """Return every plate with its signal.

    Parameters
    ----------
    readings
        Every reading of the file, in order.
    signal_read, reference_read
        Which read of a plate is its signal, and which is subtracted: a label, or a wavelength in nm.

    Raises
    ------
    LayoutError
        When a plate has several reads and nothing says which is the signal, or a plate stands twice.
    SettingError
        When no read, or more than one, is the one that was asked for.
    """
    stems = _stems(readings)
    groups: dict[tuple[str, int], list[Reading]] = {}
    for stem, reading in zip(stems, readings, strict=True):
        turn = sum(key[0] == stem and any(other.label == reading.label for other in held) for key, held in groups.items())
        if turn:
            _require_plates(reading, stem)
        groups.setdefault((stem, turn), []).append(reading)
    plates = [
        _chosen(stem if turn == 0 else f"{stem}#{turn + 1}", held, signal_read, reference_read)
        for (stem, turn), held in groups.items()
    ]
    return [_told_apart(plate, alone=len(plates) == 1) for plate in plates]


def _told_apart(plate: Plate, *, alone: bool) -> Plate:
    """Return a plate whose name is the reader's own (`Plate 1`) with the file's name, which tells it from those of other files."""
    if plate.signal.plate is None or not _GENERIC.match(plate.name):
        return plate
    stem = _stem(plate.signal.sheet)
    return replace(plate, name=stem if alone else f"{stem}:{plate.name}", written=plate.name)


def _stem(sheet: Sheet) -> str:
    return sheet.file.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def _require_plates(reading: Reading, stem: str) -> None:
    """Refuse a further block of the same title where that does not make it a plate of its own."""
    if reading.plate is not None:
        message = (
            f"{reading.place}: a second block of plate {stem!r} begins here, and a plate stands once in a file. "
            "Give the plates names of their own, or title the blocks with what was read."
        )
        raise LayoutError(message)
    if not reading.label:
        message = (
            f"{reading.place}: a further block without a title begins here, which may be a plate or a part of the layout. "
            "Write 'Plate: name' above each plate, and its property (Role, Concentration (nM) ...) above each part of the layout."
        )
        raise LayoutError(message)


def _stems(readings: Sequence[Reading]) -> list[str]:
    """Return the name of every reading's plate: the written one, else the file, and the sheet where there are several plates sheets."""
    sheets = {reading.sheet.name for reading in readings}
    by_read = len(sheets) > 1 and all(is_wavelength(name) for name in sheets)
    found = []
    for reading in readings:
        stem = _stem(reading.sheet)
        several = len(sheets) > 1 and not by_read
        found.append(reading.plate or (f"{stem}:{reading.sheet.name}" if several else stem))
    return found


def relabelled(readings: Iterable[Reading]) -> list[Reading]:
    """Return the readings, those on sheets named by a wavelength labelled with it."""
    every = list(readings)
    names = {reading.sheet.name for reading in every}
    if len(names) > 1 and all(is_wavelength(name) for name in names):
        return [replace(reading, label=reading.sheet.name) for reading in every]
    return every


def _chosen(name: str, reads: list[Reading], signal_read: str | None, reference_read: str | None) -> Plate:
    if signal_read is not None:
        reference = None if reference_read is None else _named(name, reads, reference_read, "reference_read")
        return Plate(name, _named(name, reads, signal_read, "signal_read"), reference)
    if reference_read is not None:
        message = "reference_read says what to subtract, and signal_read does not say from what. Set both."
        raise SettingError(message)
    if len(reads) == 1:
        return Plate(name, reads[0])
    references = [read for read in reads if _REFERENCE.search(read.label)]
    if len(reads) == 2 and len(references) == 1:
        (signal,) = (read for read in reads if read is not references[0])
        return Plate(name, signal, references[0])
    labels = [read.label or "untitled" for read in reads]
    message = (
        f"{reads[1].place}: plate {name!r} has {len(reads)} blocks of signals ({listed(labels, 4)}), and nothing says whether they are reads of one plate "
        "or plates. For reads set signal_read (and reference_read for a wavelength to subtract); for plates write 'Plate: name' above each."
    )
    raise LayoutError(message)


def _named(name: str, reads: list[Reading], wanted: str, setting: str) -> Reading:
    found = [read for read in reads if read.label.strip().lower() == wanted.strip().lower()]
    found = found or [read for read in reads if _nanometres(read.label) and _nanometres(read.label) == _nanometres(wanted)]
    if len(found) != 1:
        message = (
            f"{reads[0].place}: {setting} is {wanted!r}, and plate {name!r} has {len(found) or 'no'} such read; its reads are "
            f"{listed([read.label or 'untitled' for read in reads], 6)}. Name one of them."
        )
        raise SettingError(message)
    return found[0]


def shape_of(readings: Sequence[Reading]) -> tuple[int, int]:
    """Return rows and columns of the smallest plate that holds every well that was read."""
    names = {well for reading in readings for well, *_ in reading.cells}
    for size in sorted(PLATE_SHAPES):
        rows, columns = PLATE_SHAPES[size]
        if names <= {well_name(r, c) for r in range(rows) for c in range(columns)}:
            return rows, columns
    return PLATE_SHAPES[max(PLATE_SHAPES)]


def _nanometres(text: str) -> list[str]:
    return _NANOMETRES.findall(text)
