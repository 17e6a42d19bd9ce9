"""Figures of the resistance stage, as Altair charts of the tables that the verbs return; nothing is drawn here."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from benchside.stages.resistance.figure_clones import vaf_trajectories
from benchside.stages.resistance.figure_matrix import resistance_matrix
from benchside.stages.resistance.figure_spectrum import spectrum_bars

__all__ = ["FIGURES", "resistance_matrix", "spectrum_bars", "vaf_trajectories"]

FIGURES: Final[Mapping[str, Callable[..., Any]]] = {
    "resistance_matrix": resistance_matrix,
    "spectrum_bars": spectrum_bars,
    "vaf_trajectories": vaf_trajectories,
}
