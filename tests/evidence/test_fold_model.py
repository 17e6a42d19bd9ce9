"""The linear algebra of the fold model, against its definition, by hand, by random draws, and on data whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchside.evidence.fold_model import (
    EFFECTS,
    MEAN_SD,
    NEW,
    TOTAL_SD,
    Data,
    FoldModel,
    Mixture,
    prior_sds,
    same,
    uniform_points,
)
from tests.evidence import fold_twins as twin

LABELS = np.array([[0, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [1, 2, 1, 1], [0, 2, 2, 1]])
Y = np.array([3.0, 0.5, 2.2, -0.3, 1.1])
REPEAT = 0.5
TARGETS = [(0, 0, NEW, NEW), (1, 1, NEW, 0), (NEW, NEW, NEW, NEW), (0, 2, 2, 1)]


def data(labels=LABELS, y=Y, side=None):
    return Data(
        np.asarray(labels, dtype=np.int64), np.asarray(y, dtype=float), np.zeros(len(y), np.int64) if side is None else side
    )


@pytest.mark.parametrize("measured", [True, False])
@pytest.mark.parametrize("target", TARGETS)
def test_every_point_is_the_definition(target, measured):
    model = FoldModel.of(data(), repeat_sd=REPEAT, points=64)
    found = model.predict(np.array([target]), measured=measured)
    weight, mean, sd, evidence = twin.exact_posterior(
        LABELS.tolist(), Y, model.sds, target, mean_sd=MEAN_SD, repeat_sd=REPEAT, measured=measured
    )
    keep = weight > weight.max() * 1e-7
    assert model.weight == pytest.approx(weight, rel=1e-9)
    assert model.log_evidence == pytest.approx(np.log(evidence), abs=1e-9)
    assert found.mean[0] == pytest.approx(mean[keep], abs=1e-9)
    assert found.sd[0] == pytest.approx(sd[keep], abs=1e-9)


def test_one_measurement_by_hand():
    # one fold of y = 2 with a prior of variance v and noise s: the mean of a repeat in the same pair is y * shared / (v + s)
    model = FoldModel.of(data([[0, 0, 0, 0]], [2.0]), repeat_sd=REPEAT, points=1)
    drug, mutation, both, lab, readout, noise = model.sds[0] ** 2
    whole = MEAN_SD**2 + drug + mutation + both + lab + readout + noise + REPEAT**2
    shared = MEAN_SD**2 + drug + mutation + both
    found = model.predict(np.array([[0, 0, NEW, NEW]]), measured=False)
    assert found.mean[0, 0] == pytest.approx(2.0 * shared / whole, rel=1e-12)
    assert found.sd[0, 0] ** 2 == pytest.approx(shared - shared**2 / whole, rel=1e-12)
    new = model.predict(np.array([[0, 0, NEW, NEW]]), measured=True)
    assert new.sd[0, 0] ** 2 == pytest.approx(whole - shared**2 / whole, rel=1e-12)


@pytest.mark.parametrize("side", [1, -1])
def test_a_bound_is_a_bivariate_normal(side):
    flip = float(side)  # a bound from above is the mirror image of one from below
    sides = np.array([0, 0, 0, 0, side])
    model = FoldModel.of(data(y=flip * Y, side=sides), repeat_sd=REPEAT, points=8192)
    target = (0, 2, NEW, NEW)
    grid = model.sds[::64]
    at = np.array([0.0, 1.5, 3.0])
    expected = [
        twin.bound_posterior_below(LABELS.tolist(), Y[:4], Y[4], grid, target=target, at=value, mean_sd=MEAN_SD, repeat_sd=REPEAT)
        for value in at
    ]
    found = model.predict(np.array([target] * 3), measured=True)
    below = found.below(flip * at)
    assert (below if side > 0 else 1 - below) == pytest.approx(expected, abs=0.02)
    assert (side * model.latent[:, 4] >= Y[4] * flip * side - 1e-9).all()


def test_the_points_agree_with_random_draws_from_the_prior():
    rng = np.random.default_rng(5)
    model = FoldModel.of(data(), repeat_sd=REPEAT)
    draws = prior_sds(rng.random((1500, 7)))
    target = (0, 0, NEW, NEW)
    weight, mean, sd, _ = twin.exact_posterior(
        LABELS.tolist(), Y, draws, target, mean_sd=MEAN_SD, repeat_sd=REPEAT, measured=True
    )
    random = Mixture(weight, mean[None, :], sd[None, :])
    found = model.predict(np.array([target]), measured=True)
    for share in (0.05, 0.5, 0.95):
        assert found.quantile(share)[0] == pytest.approx(random.quantile(share)[0], abs=0.12)
    assert model.effective_points > 1000


def test_twice_the_points_give_the_same_interval():
    coarse, fine = (FoldModel.of(data(), repeat_sd=REPEAT, points=points) for points in (8192, 32768))
    target = np.array([TARGETS[0]])
    for share in (0.05, 0.95):
        assert coarse.predict(target, measured=True).quantile(share)[0] == pytest.approx(
            fine.predict(target, measured=True).quantile(share)[0], abs=0.01
        )


def test_the_prior_is_what_it_says():
    sds = prior_sds(uniform_points(20_000, 7))
    total = np.sqrt((sds**2).sum(axis=1))
    assert np.median(total) == pytest.approx(TOTAL_SD * 0.6745, rel=0.01)
    shares = sds**2 / total[:, None] ** 2
    assert shares.mean(axis=0) == pytest.approx(np.full(6, 1 / 6), abs=0.005)
    assert shares.var(axis=0) == pytest.approx(np.full(6, 5 / 252), rel=0.05)  # Dirichlet(1, ..., 1) of six


def test_without_data_the_prediction_is_the_prior():
    model = FoldModel.of(data(np.empty((0, 4)), np.empty(0)), repeat_sd=REPEAT, points=512)
    found = model.predict(np.array([[NEW, NEW, NEW, NEW]]), measured=True)
    assert found.quantile(0.5)[0] == pytest.approx(0.0, abs=1e-6)
    assert model.weight == pytest.approx(np.full(512, 1 / 512))


def test_new_equals_nothing_not_even_itself():
    new = np.array([[NEW, NEW, NEW, NEW]])
    assert same(new, new).sum() == 0
    assert same(LABELS[:1], LABELS[:1]).sum() == len(EFFECTS) - 1


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.permutations(range(5)), st.lists(st.sampled_from([0, 1, -1]), min_size=5, max_size=5))
def test_the_order_of_the_data_does_not_matter_to_exact_folds_and_hardly_to_bounds(order, sides):
    side = np.array(sides)
    one = FoldModel.of(data(side=side), repeat_sd=REPEAT, points=2048)
    two = FoldModel.of(data(LABELS[list(order)], Y[list(order)], side[list(order)]), repeat_sd=REPEAT, points=2048)
    target = np.array(TARGETS[:1])
    tolerance = 1e-8 if not side.any() else 0.35
    assert one.predict(target, measured=False).quantile(0.5)[0] == pytest.approx(
        two.predict(target, measured=False).quantile(0.5)[0], abs=tolerance
    )


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.lists(st.floats(-3, 5), min_size=5, max_size=5), st.floats(0.01, 0.99))
def test_a_quantile_is_where_the_share_lies_and_a_new_measurement_is_wider(values, share):
    model = FoldModel.of(data(y=values), repeat_sd=REPEAT, points=256)
    targets = np.array(TARGETS[:3])
    new, mean = model.predict(targets, measured=True), model.predict(targets[:, [0, 1, 2, 3]], measured=False)
    assert new.below(new.quantile(share)) == pytest.approx(np.full(3, share), abs=1e-6)
    spread = lambda mixture: mixture.quantile(0.95) - mixture.quantile(0.05)  # noqa: E731
    assert (spread(new)[[0, 2]] > spread(mean)[[0, 2]]).all()


def test_intervals_hold_the_truth_of_simulated_laboratories():
    """60 programmes drawn from the prior, 18 folds each; a new measurement in a new lab lies in its 90 % interval in 90 % of them."""
    rng = np.random.default_rng(11)
    covered = []
    for sds in prior_sds(rng.random((60, 7))):
        labels = np.column_stack([rng.integers(0, k, 18) for k in (4, 6, 5, 2)])
        drug, mutation, lab, readout = (rng.normal(0, sds[e], 8) for e in (0, 1, 3, 4))
        pair = rng.normal(0, sds[2], (8, 8))
        mean = rng.normal(0, 1.0)
        d, m, s, r = labels.T
        noise = np.sqrt(sds[5] ** 2 + REPEAT**2)
        y = mean + drug[d] + mutation[m] + pair[d, m] + lab[s] + readout[r] + rng.normal(0, noise, 18)
        model = FoldModel.of(data(labels, y), repeat_sd=REPEAT, points=512)
        asked = np.array([[0, 0, NEW, NEW], [1, 3, NEW, NEW], [2, NEW, NEW, NEW]])
        new_lab, new_readout = rng.normal(0, sds[3]), rng.normal(0, sds[4])
        base = mean + np.array(
            [drug[0] + mutation[0] + pair[0, 0], drug[1] + mutation[3] + pair[1, 3], drug[2] + mutation[7] + pair[2, 7]]
        )
        truth = base + new_lab + new_readout + rng.normal(0, noise, 3)
        found = model.predict(asked, measured=True)
        covered += list((found.quantile(0.05) <= truth) & (truth <= found.quantile(0.95)))
    assert 0.84 <= np.mean(covered) <= 0.96  # 180 targets in 60 independent programmes
