"""Trial: what will the trial show. A sketch: not calibrated."""

from benchside.stages.trial.design import Arm, TrialDesign, load
from benchside.stages.trial.effect import sketch_effect
from benchside.stages.trial.model import NOTE, SketchParameters, TrialRun, parameter_table, sketch_parameters
from benchside.stages.trial.predict import Predictions, predict
from benchside.stages.trial.read import analyse, read
from benchside.stages.trial.simulate import simulate

__all__ = [
    "NOTE",
    "Arm",
    "Predictions",
    "SketchParameters",
    "TrialDesign",
    "TrialRun",
    "analyse",
    "load",
    "parameter_table",
    "predict",
    "read",
    "simulate",
    "sketch_effect",
    "sketch_parameters",
]
