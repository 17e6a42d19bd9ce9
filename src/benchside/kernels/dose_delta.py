"""Standard errors of fitted log-logistic curves: of the ln midpoint and of the log dose of a given response, by the delta method."""

import math

import numpy as np

from benchside.kernels._jit import PARALLEL, compiled, compiled_parallel
from benchside.kernels.dose_curve import (
    BEYOND,
    FITTED,
    FREE,
    HIGH,
    LEVEL_MAX,
    LOW,
    MID,
    RSS,
    SLOPE,
    SLOPE_MAX,
    SLOPE_MIN,
    FloatArray,
    IntArray,
    derivatives,
    dose_range,
    left,
)
from benchside.kernels.dose_five_curve import ASYMMETRY, ASYMMETRY_MAX, ASYMMETRY_MIN, half_shift, log_share_derivatives
from benchside.kernels.dose_interval import dose_of


@compiled_parallel
def delta_errors(x: FloatArray, y: FloatArray, w: FloatArray, offsets: IntArray, fits: FloatArray, level: float) -> FloatArray:
    """Return (curves, 2): standard errors of the ln midpoint and of the log dose of `level`, from the Gauss-Newton Hessian.

    nan where the Hessian is singular, a parameter sits on its bound, the level is not taken, or the error is wider than the whole
    box of midpoints (a step between two doses, whose tiny curvature is no information): no standard error exists.
    """
    curves = offsets.size - 1
    out = np.full((curves, 2), np.nan)
    for k in PARALLEL(curves):
        a, b = offsets[k], offsets[k + 1]
        if fits[k, FITTED] == 1.0 and b - a > 4:
            delta_one(x[a:b], y[a:b], w[a:b], fits[k], level, out[k])
    return out


@compiled
def delta_one(x: FloatArray, y: FloatArray, w: FloatArray, fit: FloatArray, level: float, out: FloatArray) -> None:
    """Write the two standard errors of one curve to `out`."""
    low, high, slope, mid = fit[LOW], fit[HIGH], fit[SLOPE], fit[MID]
    lowest, highest = dose_range(x)
    if abs(low) >= LEVEL_MAX or abs(high) >= LEVEL_MAX or slope >= SLOPE_MAX or slope <= SLOPE_MIN:
        return
    if mid <= lowest - BEYOND or mid >= highest + BEYOND:
        return
    variance = fit[RSS] / (x.size - 4)
    work = np.empty(8)
    share = np.empty(x.size)
    for i in range(x.size):
        share[i] = left(slope, mid, x[i])
    derivatives(slope, mid, low, high, share, x, y, w, FREE.copy(), work)
    det = work[5] * work[7] - work[6] * work[6]
    if not det > 1e-12 * work[5] * work[7]:
        return
    widest = highest - lowest + 2.0 * BEYOND
    error = math.sqrt(variance * work[5] / det)
    if error > widest:
        return
    out[0] = error
    at = dose_of(fit, level)
    if not lowest <= at <= highest:
        return
    # Along the constraint curve(at) = level the response moves by -slope * drop * q (1 - q) a unit of `at`.
    q = left(slope, mid, at)
    pull = slope * (low - high) * q * (1.0 - q)
    jacobian = np.empty((4, 4))
    gradient = np.array([q, 1.0 - q, -(low - high) * q * (1.0 - q) * slope * (at - mid), (low - high) * q * (1.0 - q) * slope])
    jacobian[:, :] = 0.0
    row = np.empty(4)
    for i in range(x.size):
        f = left(slope, mid, x[i])
        f_u = -f * (1.0 - f)
        row[0], row[1] = f, 1.0 - f
        row[2] = (low - high) * f_u * slope * (x[i] - mid) if f_u != 0.0 else 0.0
        row[3] = -(low - high) * f_u * slope
        for p in range(4):
            for r in range(4):
                jacobian[p, r] += w[i] * row[p] * row[r]
    scale = np.sqrt(np.array([jacobian[p, p] for p in range(4)]))
    if np.any(scale <= 0.0):
        return
    for p in range(4):
        for r in range(4):
            jacobian[p, r] /= scale[p] * scale[r]
    if abs(np.linalg.det(jacobian)) < 1e-14:
        return
    solved = np.linalg.solve(jacobian, gradient / scale) / scale
    square = 0.0
    for p in range(4):
        square += gradient[p] * solved[p]
    error = math.sqrt(variance * square) / abs(pull)
    if error <= widest:
        out[1] = error


@compiled_parallel
def delta_errors_of(
    x: FloatArray, w: FloatArray, offsets: IntArray, fits: FloatArray, level: float, boxes: FloatArray, five: bool
) -> FloatArray:
    """Return (curves, 2) as `delta_errors`, for curves with a fixed level (equal bounds in `boxes`, (curves, 4)) or an asymmetry.

    `fits` is (curves, 6), or (curves, 7) with `five`. A rising curve has an error of its midpoint only.
    """
    curves = offsets.size - 1
    out = np.full((curves, 2), np.nan)
    for k in PARALLEL(curves):
        a, b = offsets[k], offsets[k + 1]
        if fits[k, FITTED] == 1.0:
            delta_one_of(x[a:b], w[a:b], fits[k], level, boxes[k], five, out[k])
    return out


@compiled
def row_of(x: float, fit: FloatArray, five: bool, work: FloatArray, second: FloatArray, row: FloatArray) -> float:
    """Write the derivatives of the curve at x by (low, high, ln slope, mid, ln g) to `row`; return the one by x."""
    low, high, slope, mid = fit[LOW], fit[HIGH], fit[SLOPE], fit[MID]
    row[4] = 0.0
    if five:
        side = 1.0 if low >= high else -1.0
        work[:] = 0.0
        h = log_share_derivatives(math.log(slope), side * mid, math.log(fit[ASYMMETRY]), side * x, work, second)
        step = (low - high) * side * h
        row[0], row[1] = (h, 1.0 - h) if side > 0.0 else (1.0 - h, h)
        row[2], row[3], row[4] = step * work[0], step * work[1] * side, step * work[2]
        return float(-row[3])
    f = left(slope, mid, x)
    pull = (low - high) * f * (1.0 - f) * slope
    row[0], row[1], row[2], row[3] = f, 1.0 - f, (-pull * (x - mid) if pull != 0.0 else 0.0), pull
    return float(-pull)


@compiled
def dose_of_any(fit: FloatArray, level: float, five: bool) -> float:
    """Return the log dose at which a falling curve takes `level`, or nan where it never does."""
    if not five:
        return dose_of(fit, level)
    if not fit[LOW] > fit[HIGH]:
        return np.nan
    h = (level - fit[HIGH]) / (fit[LOW] - fit[HIGH])
    if not 0.0 < h < 1.0:
        return np.nan
    g = fit[ASYMMETRY]
    return float(fit[MID] + (math.log(math.expm1(-math.log(h) / g)) - half_shift(g)) / fit[SLOPE])


@compiled
def delta_one_of(
    x: FloatArray, w: FloatArray, fit: FloatArray, level: float, box: FloatArray, five: bool, out: FloatArray
) -> None:
    """Write the two standard errors of one curve to `out`: the whole Jacobian of its free parameters."""
    lowest, highest = dose_range(x)
    free = np.empty(5, np.int64)
    count = 0
    for level_at in (LOW, HIGH):
        if box[2 * level_at] < box[2 * level_at + 1]:
            if fit[level_at] <= box[2 * level_at] or fit[level_at] >= box[2 * level_at + 1]:
                return
            free[count] = level_at
            count += 1
    free[count], free[count + 1] = 2, 3
    at_mid, count = count + 1, count + 2
    if fit[SLOPE] >= SLOPE_MAX or fit[SLOPE] <= SLOPE_MIN or fit[MID] <= lowest - BEYOND or fit[MID] >= highest + BEYOND:
        return
    if five:
        if fit[ASYMMETRY] <= ASYMMETRY_MIN * (1.0 + 1e-9) or fit[ASYMMETRY] >= ASYMMETRY_MAX * (1.0 - 1e-9):
            return
        free[count] = 4
        count += 1
    if x.size <= count:
        return
    row, work, second = np.empty(5), np.empty(3), np.empty((3, 3))
    normal = np.zeros((count, count))
    for i in range(x.size):
        row_of(x[i], fit, five, work, second, row)
        for p in range(count):
            for r in range(count):
                normal[p, r] += w[i] * row[free[p]] * row[free[r]]
    scale = np.empty(count)
    for p in range(count):
        if not normal[p, p] > 0.0:
            return
        scale[p] = math.sqrt(normal[p, p])
    for p in range(count):
        for r in range(count):
            normal[p, r] /= scale[p] * scale[r]
    if not abs(np.linalg.det(normal)) > 1e-14:
        return
    covariance = np.linalg.inv(normal)
    variance, widest = fit[RSS] / (x.size - count), highest - lowest + 2.0 * BEYOND
    square = covariance[at_mid, at_mid] / (scale[at_mid] * scale[at_mid])
    if not square > 0.0 or math.sqrt(variance * square) > widest:
        return
    out[0] = math.sqrt(variance * square)
    at = dose_of_any(fit, level, five)
    if not lowest <= at <= highest:
        return
    pull = row_of(at, fit, five, work, second, row)
    square = 0.0
    for p in range(count):
        for r in range(count):
            square += row[free[p]] / scale[p] * covariance[p, r] * row[free[r]] / scale[r]
    error = math.sqrt(variance * max(square, 0.0)) / abs(pull)
    if 0.0 < error <= widest:
        out[1] = error
