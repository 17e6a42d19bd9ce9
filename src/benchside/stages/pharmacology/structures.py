"""Pharmacokinetic structures as data: a disposition, an absorption, and a clearance that may change with time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from benchside.kernels.clearance_course import Course
from benchside.kernels.dosing import (
    Floats,
    first_order_single,
    first_order_steady_state,
    one_compartment,
    two_compartments,
    zero_order_single,
    zero_order_steady_state,
)
from benchside.kernels.pharmacokinetics import steady_state_concentration

Value = float | Floats


@final
@dataclass(frozen=True)
class ZeroOrder:
    """Each dose enters at a constant rate."""

    duration_h: float
    name: str = "zero-order absorption"


@final
@dataclass(frozen=True)
class FirstOrder:
    """Each dose is absorbed by first order, after a lag."""

    rate_per_h: float
    lag_h: float = 0.0
    name: str = "first-order absorption"


@final
@dataclass(frozen=True)
class Peripheral:
    """A second compartment beside the central one."""

    exchange_L_per_h: float
    volume_L: float


@final
@dataclass(frozen=True)
class ChangingClearance:
    """A clearance that begins at another value and goes exponentially to that of steady state."""

    first_L_per_h: float
    rate_per_day: float
    """Rate of the change since the first dose."""


@final
@dataclass(frozen=True)
class Structure:
    """How a compound is taken up, distributed and cleared; apparent values, relative to the bioavailable dose."""

    clearance_L_per_h: float
    """At steady state."""

    volume_L: float
    """Of the central compartment."""

    absorption: ZeroOrder | FirstOrder
    peripheral: Peripheral | None = None
    change: ChangingClearance | None = None

    @property
    def name(self) -> str:
        """The structure in words."""
        compartments = "one compartment" if self.peripheral is None else "two compartments"
        lag = " after a lag" if isinstance(self.absorption, FirstOrder) and self.absorption.lag_h > 0 else ""
        course = "" if self.change is None else ", clearance that changes with time"
        return f"{compartments}, {self.absorption.name}{lag}{course}"

    def steady_state(self, time_h: Floats, *, dose_mg: float, every_h: float, clearance: Value, volume: Value) -> Floats:
        """Return mg/L over one interval at steady state, at the clearance and central volume of one or many patients.

        Parameters
        ----------
        time_h
            (times,) hours since the last dose.
        dose_mg, every_h
            The regimen.
        clearance, volume
            L/h and L: numbers, or (patients, 1). The peripheral volume keeps its ratio to the central one.
        """
        if isinstance(self.absorption, ZeroOrder) and self.peripheral is None:
            return steady_state_concentration(
                time_h, dose_mg=dose_mg, every_h=every_h, clearance_L_per_h=clearance, volume_L=volume,
                absorption_h=self.absorption.duration_h,
            )  # fmt: skip
        rates, weights = self._disposition(clearance, volume)
        if isinstance(self.absorption, ZeroOrder):
            duration_h = self.absorption.duration_h
            return zero_order_steady_state(time_h, rates, weights, dose_mg=dose_mg, every_h=every_h, duration_h=duration_h)
        return first_order_steady_state(
            time_h, rates, weights, dose_mg=dose_mg, every_h=every_h, absorption_per_h=self.absorption.rate_per_h,
            lag_h=self.absorption.lag_h,
        )  # fmt: skip

    def single(self, *, dose_mg: float, clearance: Value, volume: Value) -> Callable[[Floats], Floats]:
        """Return the concentration after one dose, mg/L, as a function of hours since it."""
        rates, weights = self._disposition(clearance, volume)
        taken = self.absorption
        if isinstance(taken, ZeroOrder):
            return lambda time_h: zero_order_single(time_h, rates, weights, dose_mg=dose_mg, duration_h=taken.duration_h)
        return lambda time_h: first_order_single(
            time_h, rates, weights, dose_mg=dose_mg, absorption_per_h=taken.rate_per_h, lag_h=taken.lag_h
        )

    def course(self) -> Course:
        """Return the patient that the solver for changing clearance takes."""
        first = self.clearance_L_per_h if self.change is None else self.change.first_L_per_h
        rate_per_h = 0.0 if self.change is None else self.change.rate_per_day / 24.0
        found = Course(first, self.clearance_L_per_h, rate_per_h, self.volume_L)
        if self.peripheral is not None:
            found = replace(found, exchange_L_per_h=self.peripheral.exchange_L_per_h, peripheral_L=self.peripheral.volume_L)
        if isinstance(self.absorption, ZeroOrder):
            return replace(found, duration_h=self.absorption.duration_h)
        return replace(found, absorption_per_h=self.absorption.rate_per_h, lag_h=self.absorption.lag_h)

    def half_life_h(self, clearance_L_per_h: float | None = None) -> float:
        """Return the terminal half-life at a clearance; None: that of steady state."""
        rates, _ = self._disposition(self.clearance_L_per_h if clearance_L_per_h is None else clearance_L_per_h, self.volume_L)
        return float(np.log(2.0) / rates.min())

    def _disposition(self, clearance: Value, volume: Value) -> tuple[Floats, Floats]:
        if self.peripheral is None:
            return one_compartment(clearance, volume)
        scale = np.asarray(volume) / self.volume_L
        return two_compartments(clearance, volume, self.peripheral.exchange_L_per_h, self.peripheral.volume_L * scale)
