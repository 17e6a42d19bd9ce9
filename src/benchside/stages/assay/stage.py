"""The assay stage as a value: what it reads, analyses, simulates, and asks the study to do."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchside.core.errors import LayoutError, listed
from benchside.core.stage import Stage
from benchside.stages.assay.analyse.curves import fit as fitting
from benchside.stages.assay.analyse.plates import normalise as normalising
from benchside.stages.assay.model import Fits
from benchside.stages.assay.plan import plan
from benchside.stages.assay.read import door
from benchside.stages.assay.settings import AssaySettings
from benchside.stages.assay.simulate import TRUTHS, simulate
from benchside.stages.assay.verbs import VERBS

_LAYOUT: Final = re.compile(r"layout|plate.?map", re.IGNORECASE)
"""What files that hold the layout of others are called."""


def recognise(path: Path) -> bool:
    """Return whether a file looks like plates, or calls itself the layout of some."""
    return path.suffix.lower() in door.PLATE_ENDINGS and (_LAYOUT.search(path.stem) is not None or door.is_plate_file(path))


def propose(files: Sequence[str]) -> Mapping[str, Any] | None:
    """Return the section [assay] for plate files; the one that calls itself a layout is the layout of the others.

    Raises
    ------
    LayoutError
        When several files call themselves layouts.
    """
    layouts = [file for file in files if _LAYOUT.search(Path(file).stem)]
    plates = [file for file in files if file not in layouts]
    if len(layouts) > 1 and plates:
        message = f"{listed(layouts)} are layouts, and one layout holds for all plates of a study. Write study.toml and name one, or put each layout into its plate's file."
        raise LayoutError(message)
    if not plates:
        return None
    return {"files": plates, **({"layout": layouts[0]} if layouts else {})}


def analyse(wells: Any) -> Fits:
    """Return the fitted curves of wells: normalised to the vehicle, then fitted."""
    return fitting.fit(normalising.normalise(wells))


STAGE: Final = Stage(
    name="assay",
    question="How potent is it?",
    recognise=recognise,
    read=door.read,
    analyse=analyse,
    simulate=simulate,
    truths=TRUTHS,
    figures="benchside.stages.assay.figure",
    settings=AssaySettings,
    verbs=VERBS,
    plan=plan,
    propose=propose,
    gives=("potency",),
)
