"""The fold model from its definition, one number at a time: slow, readable, and with no line of the package's own."""

import math

import numpy as np
from scipy.stats import multivariate_normal, norm


def covariance_of(one, two, sds, mean_sd):
    """Covariance of the ln folds of two measurements: what they share."""
    drug, mutation, both, lab, readout = sds[:5]
    total = mean_sd**2
    same = [a == b and a >= 0 for a, b in zip(one, two, strict=True)]
    if same[0]:
        total += drug**2
    if same[1]:
        total += mutation**2
    if same[0] and same[1]:
        total += both**2
    if same[2]:
        total += lab**2
    if same[3]:
        total += readout**2
    return total


def covariance(labels, sds, mean_sd, repeat_sd):
    n = len(labels)
    matrix = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            matrix[i, j] = covariance_of(labels[i], labels[j], sds, mean_sd)
            if i == j:
                matrix[i, j] = mean_sd**2 + sum(sd**2 for sd in sds) + repeat_sd**2
    return matrix


def target_cross(target, labels, sds, mean_sd, *, measured):
    """Covariance of a target with the data; the mean over labs and readouts shares neither."""
    stripped = target if measured else (target[0], target[1], -1, -1)
    return np.array([covariance_of(stripped, label, sds, mean_sd) for label in labels])


def target_variance(sds, mean_sd, repeat_sd, *, measured):
    parts = mean_sd**2 + sds[0] ** 2 + sds[1] ** 2 + sds[2] ** 2
    return parts + sds[3] ** 2 + sds[4] ** 2 + sds[5] ** 2 + repeat_sd**2 if measured else parts


def exact_posterior(labels, y, grid, target, *, mean_sd, repeat_sd, measured):
    """Weights, means and sds of the mixture over a grid of standard deviations, for data without bounds."""
    weights, means, sds_out = [], [], []
    for sds in grid:
        matrix = covariance(labels, sds, mean_sd, repeat_sd)
        weights.append(multivariate_normal(np.zeros(len(y)), matrix).pdf(y))
        cross = target_cross(target, labels, sds, mean_sd, measured=measured)
        solved = np.linalg.solve(matrix, cross)
        means.append(float(solved @ y))
        sds_out.append(math.sqrt(target_variance(sds, mean_sd, repeat_sd, measured=measured) - float(solved @ cross)))
    weights = np.array(weights)
    return weights / weights.sum(), np.array(means), np.array(sds_out), weights.mean()


def bound_posterior_below(labels, y, bound, grid, *, target, at, mean_sd, repeat_sd):
    """P(new ln fold < at | exact y, last datum above its bound), by one bivariate normal a grid point."""
    above = total = 0.0
    exact = list(range(len(labels) - 1))
    for sds in grid:
        everything = [*labels, target]
        matrix = covariance(everything, sds, mean_sd, repeat_sd)
        inside = matrix[np.ix_(exact, exact)]
        two = [len(labels) - 1, len(labels)]
        gain = matrix[np.ix_(two, exact)] @ np.linalg.inv(inside)
        mean = gain @ y
        left = matrix[np.ix_(two, two)] - gain @ matrix[np.ix_(exact, two)]
        weight = multivariate_normal(np.zeros(len(exact)), inside).pdf(y)
        chance_above = norm.sf(bound, mean[0], math.sqrt(left[0, 0]))
        target_below = norm.cdf(at, mean[1], math.sqrt(left[1, 1]))
        both_below = multivariate_normal(mean, left).cdf(np.array([bound, at]))
        total += weight * chance_above
        above += weight * (target_below - both_below)
    return above / total
