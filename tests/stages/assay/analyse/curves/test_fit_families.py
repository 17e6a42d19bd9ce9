"""LL3, LL4 and LL5 through the public door: statuses, columns, R's drc, weights, robust losses, AICc."""

import math

import numpy as np
import polars as pl
import pytest
from scipy.special import stdtrit

from benchside.core.errors import SettingError, TableError
from benchside.stages.assay.analyse.curves import five
from benchside.stages.assay.analyse.curves.families import compare_curves
from benchside.stages.assay.analyse.curves.fit import fit
from benchside.stages.assay.curves import LL3, LL4, LL5, Delta, FitStatus, ProfileLikelihood, curve_named
from tests.shared_data import shared
from tests.stages.assay.dose_curves import coverage, frame, shapes, simulated

FAMILIES = (LL3(), LL4(), LL5())
X = np.log(3.0 ** np.arange(10))


def one(table, **settings):
    return fit(table, **settings).table.row(0, named=True)


def exact(**shape):
    return frame(X, shapes(X, **{"mid": 4.5, "slope": 1.1, "bottom": 0.0, **shape})[None, :])


# ---------------------------------------------------------------- values


@pytest.mark.parametrize("curve", FAMILIES, ids=lambda curve: curve.name)
def test_a_curve_without_noise(curve):
    row = one(exact(), curve=curve, interval=Delta())
    assert row["curve"] == curve.name
    assert row["ec50_nM"] == pytest.approx(np.exp(4.5), rel=1e-4)
    assert (row["top"], row["bottom"], row["slope"]) == pytest.approx((1.0, 0.0, 1.1), abs=1e-3)
    assert row["emax"] == pytest.approx(shapes(X[-1], mid=4.5, slope=1.1, bottom=0.0), abs=1e-4)
    assert (row["asymmetry"] is None) == (curve.name != "LL5")


@pytest.mark.parametrize("g", [0.3, 3.0])
def test_the_midpoint_of_ll5_is_half_way_and_not_its_e(g):
    row = one(exact(g=g, bottom=0.2), curve=LL5(), interval=Delta())
    assert row["ec50_nM"] == pytest.approx(np.exp(4.5), rel=1e-3)
    assert row["asymmetry"] == pytest.approx(g, rel=1e-2)
    # 0.2 + 0.8 h = 0.5 at h = 3/8, (1 + exp(v)) ** -g = 3/8
    v = math.log((3 / 8) ** (-1 / g) - 1)
    assert row["ic50_nM"] == pytest.approx(math.exp(4.5 + (v - math.log(2 ** (1 / g) - 1)) / 1.1), rel=1e-3)
    fine = np.linspace(X[0], X[-1], 200_001)
    assert row["auc"] == pytest.approx(shapes(fine, mid=4.5, slope=1.1, bottom=0.2, g=g).mean(), abs=1e-4)


@pytest.mark.parametrize("g", [0.05, 0.4, 1.0, 20.0])
@pytest.mark.parametrize(("start", "end"), [(-8.0, 11.0), (-300.0, 400.0), (2.0, 3.0)])
def test_the_area_of_ll5_against_a_dense_sum(g, start, end):
    u = np.linspace(start, end, 400_001)
    dense = np.trapezoid(five.share(u, np.array([g])), u)
    assert five.area(np.array([start]), np.array([end]), np.array([g]))[0] == pytest.approx(dense, rel=1e-6)


def test_the_bottom_of_ll3_is_where_it_was_put():
    table = simulated(20, seed=2, bottom=0.3)[0]
    for bottom in (0.0, 0.1):
        assert fit(table, curve=LL3(bottom), interval=Delta()).table["bottom"].unique().to_list() == [bottom]
    rising = one(frame(X, (1 - shapes(X, mid=4.5, slope=1.1, bottom=0.0))[None, :]), curve=LL3(), interval=Delta())
    assert (rising["bottom"], rising["slope"]) == (0.0, pytest.approx(-1.1, rel=1e-3))


def test_a_shared_shape_gives_the_same_midpoint_in_every_family():
    table = simulated(40, seed=3, noise=0.01, bottom=0.0)[0]
    mids = [np.log(fit(table, curve=curve, interval=Delta()).table["ec50_nM"].to_numpy()) for curve in FAMILIES]
    assert np.median(np.abs(mids[0] - mids[1])) < 0.01
    assert np.median(np.abs(mids[2] - mids[1])) < 0.02


@pytest.mark.parametrize("curve", FAMILIES, ids=lambda curve: curve.name)
def test_nanomolar_and_micromolar_agree(curve):
    table = simulated(40, seed=4, noise=0.03, asymmetry=2.0 if curve.name == "LL5" else 1.0)[0]
    one_unit = fit(table, curve=curve, interval=Delta()).table
    other = fit(table.with_columns(pl.col("concentration_nM") * 1e-3), curve=curve, interval=Delta()).table
    np.testing.assert_allclose(other["ec50_nM"].to_numpy() * 1e3, one_unit["ec50_nM"].to_numpy(), rtol=1e-6)


def test_a_family_of_more_parameters_never_fits_worse():
    table = simulated(60, seed=5)[0]
    rss = [fit(table, curve=curve, interval=Delta()).table["rss"].to_numpy() for curve in FAMILIES]
    assert (rss[1] <= rss[0] * (1 + 1e-9)).all()
    assert (rss[2] <= rss[1] * (1 + 1e-9)).all()


@pytest.mark.parametrize("curve", FAMILIES, ids=lambda curve: curve.name)
def test_profile_limits_hold_the_midpoint_in_their_share_of_curves(curve):
    """Three hundred curves: 95 % and four binomial standard errors below; 2,000 in verification/coverage.py."""
    bottom, asymmetry = (0.0 if curve.name == "LL3" else 0.3), (2.5 if curve.name == "LL5" else 1.0)
    table, mid = simulated(300, seed=6, bottom=bottom, asymmetry=asymmetry)
    assert 0.90 <= coverage(fit(table, curve=curve).table, mid) <= 0.99


# ---------------------------------------------------------------- R's drc


def hessian_error(row, x, y, parameters):
    """Return the standard error of the ln midpoint from the numerical Hessian of the sum of squares."""
    at = np.array([row["slope"], np.log(row["ec50_nM"]), row["top"], row["bottom"], np.log(row["asymmetry"] or 1.0)])[:parameters]

    def rss(p):
        slope, mid, top, bottom, ln_g = [*p, *[row["slope"], 0.0, 0.0, 0.0, 0.0][len(p) :]]
        return np.sum((y - shapes(x, mid=mid, slope=slope, bottom=bottom, top=top, g=np.exp(ln_g))) ** 2)

    e = 1e-4 * np.maximum(np.abs(at), 0.1)
    steps = np.diag(e)
    hessian = [
        [
            (rss(at + a + b) - rss(at + a - b) - rss(at - a + b) + rss(at - a - b)) / (4 * ea * eb)
            for b, eb in zip(steps, e, strict=True)
        ]
        for a, ea in zip(steps, e, strict=True)
    ]
    return np.sqrt(2 * row["rss"] / (len(y) - parameters) * np.linalg.inv(hessian)[1, 1])


@pytest.mark.parametrize(("curve", "name"), [(LL3(), "LL.3"), (LL4(), "LL.4"), (LL5(), "LL.5")])
def test_ryegrass_equals_drc(curve, name):
    """The vignette's data: RSS, ED50, its delta standard error on the log scale, and AICc from R's log-likelihood."""
    data = pl.read_csv(shared("data", "assay", "drcData", "ryegrass.csv"))
    stored = pl.read_csv(shared("reference", "assay", "reference_drcData_examples.csv"), null_values=["NA"])
    call = f"drm(rootl ~ conc, data=ryegrass, fct={name}())"
    rows = {row["quantity"]: row for row in stored.filter(pl.col("call") == call).iter_rows(named=True)}
    table = data.select(curve_id=pl.lit("ryegrass"), concentration_nM=pl.col("conc").cast(pl.Float64), response="rootl")
    row = one(table, curve=curve, interval=Delta())
    ed50, n, p = rows["ED e:1:50"], data.height, curve.parameters
    assert row["rss"] == pytest.approx(rows["rss"]["estimate"], rel=1e-6)
    assert row["rss"] <= rows["rss"]["estimate"] * (1 + 1e-9)
    assert row["ec50_nM"] == pytest.approx(ed50["estimate"], rel=2e-3)
    # drc takes its errors from the Hessian of the sum of squares, second derivatives and all; ours are those of R's nls.
    se = np.log(row["ec50_upper_nM"] / row["ec50_lower_nM"]) / 2 / stdtrit(n - p, 0.975)
    assert se == pytest.approx(ed50["se"] / ed50["estimate"], rel=0.05)
    with np.errstate(divide="ignore"):
        x, y = np.log(table["concentration_nM"].to_numpy()), table["response"].to_numpy()
    assert hessian_error(row, x, y, p) == pytest.approx(ed50["se"] / ed50["estimate"], rel=2e-3)
    k = p + 1
    aic = rows["AIC"]["estimate"] - n * (math.log(2 * math.pi) + 1)
    assert row["aicc"] == pytest.approx(aic + 2 * k * (k + 1) / (n - k - 1), abs=1e-5)


@pytest.mark.parametrize(("curve", "name"), [(LL3(), "LL.3"), (LL5(), "LL.5")])
def test_errors_are_near_those_of_drc_where_drc_is_at_the_optimum(curve, name):
    """drc inverts the whole Hessian, this package its Gauss-Newton part: they differ where residuals are large."""
    points = pl.read_csv(
        shared("reference", "assay", "reference_curves_input.csv"), infer_schema_length=None, null_values=["", "NA"]
    )
    stored = pl.read_csv(shared("reference", "assay", "reference_drc_fits.csv"), infer_schema_length=None, null_values=["", "NA"])
    table = points.select("curve_id", "response", concentration_nM="conc")
    fits = fit(table, curve=curve, interval=Delta(0.5)).table
    both = stored.filter((pl.col("model") == name) & pl.col("rss").is_not_null()).join(fits, on="curve_id", suffix="_ours")
    assert (both["rss_ours"] <= both["rss"] * (1 + 1e-5)).mean() >= (0.99 if name == "LL.3" else 0.93)
    same = both.filter(
        ((pl.col("rss_ours") / pl.col("rss") - 1).abs() < 1e-7)
        & pl.col("ec50_lower_nM").is_not_null()
        & ((pl.col("ec50_nM") / pl.col("ed50") - 1).abs() < 1e-3)
        & pl.col("ed50").is_between(pl.col("lowest_nM"), pl.col("highest_nM"))
    )
    t = stdtrit(same["n"].to_numpy() - curve.parameters, 0.75)
    se = np.log(same["ec50_upper_nM"].to_numpy() / same["ec50_lower_nM"].to_numpy()) / 2 / t
    ratio = se / (same["ed50_se"] / same["ed50"]).to_numpy()
    assert len(same) >= (30 if name == "LL.3" else 3)
    assert np.median(np.abs(ratio - 1)) < (0.03 if name == "LL.3" else 0.1)


# ---------------------------------------------------------------- statuses


@pytest.mark.parametrize(
    ("curve", "points", "words"),
    [
        (LL3(), 3, FitStatus.too_few_for_three),
        (LL4(), 4, FitStatus.too_few),
        (LL5(), 5, FitStatus.too_few_for_five),
    ],
)
def test_too_few_points_names_the_parameters(curve, points, words):
    x = X[:: 9 // (points - 1)][:points]
    table = frame(x, shapes(x, mid=4.0, slope=1.0, bottom=0.0)[None, :])
    assert one(table, curve=curve)["status"] == words
    more = np.append(x, x[-1] + 1)
    assert not one(frame(more, shapes(more, mid=4.0, slope=1.0, bottom=0.0)[None, :]), curve=curve)["status"].startswith(
        "Not fitted"
    )


def test_an_asymmetry_on_its_bound_says_so():
    y = np.where(X < 4.5, 1.0, np.exp(-1.2 * (X - 4.5)))  # a corner, then a straight decay of the logarithm: g to 0
    row = one(frame(X, y[None, :] + 0.002 * np.cos(7 * X)[None, :]), curve=LL5())
    assert FitStatus.asymmetry_on_bound in row["status"]
    assert row["asymmetry"] in (pytest.approx(0.05), pytest.approx(20.0))


def test_curves_are_named_in_study_files():
    assert [curve_named(name) for name in ("LL3", "LL4", "LL5")] == list(FAMILIES)
    assert curve_named("LL3", bottom=0.1) == LL3(0.1)
    with pytest.raises(SettingError, match="LL3 has bottom=50"):
        LL3(50)


# ---------------------------------------------------------------- flat line and AICc


def test_the_test_against_a_flat_line_by_hand():
    table = simulated(1, seed=7)[0]
    row, y = one(table), table["response"].to_numpy()
    f = (np.sum((y - y.mean()) ** 2) - row["rss"]) / 3 / (row["rss"] / (len(y) - 4))
    assert row["f_flat"] == pytest.approx(f)
    assert row["p_flat"] < 1e-10
    noise = 1 + 0.05 * np.random.default_rng(1).standard_normal((200, 20))
    p = fit(frame(np.repeat(X, 2), noise), interval=Delta()).table["p_flat"]
    assert (p < 0.05).mean() <= 0.07
    assert p.is_between(0, 1).all()


def test_families_beside_each_other():
    table = simulated(150, seed=8, bottom=0.3)[0]
    held = compare_curves(table)
    assert held.table.height == 450
    per_curve = held.table.group_by("curve_id").agg(
        pl.col("best").sum(), pl.col("akaike_weight").sum(), pl.col("delta_aicc").min()
    )
    assert per_curve["best"].to_list() == [1] * 150
    assert per_curve["akaike_weight"].to_list() == pytest.approx([1.0] * 150)
    assert per_curve["delta_aicc"].to_list() == [0.0] * 150
    found = held.table.filter("best")["curve"].value_counts().rows()
    assert max(found, key=lambda item: item[1])[0] == "LL4"
    sharp = frame(
        np.repeat(X, 3),
        np.repeat(shapes(X, mid=4.5, slope=4.0, bottom=0.0, g=0.15)[None, :], 3, axis=1) + 0.01 * np.cos(np.arange(30)),
    )
    assert compare_curves(sharp).table.filter("best")["curve"].to_list() == ["LL5"]


def test_without_the_points_for_it_there_is_no_aicc_and_no_best():
    table = exact(bottom=0.1).head(6)
    rows = compare_curves(table).table
    assert rows["aicc"].is_null().to_list() == [False, True, True]
    assert rows["best"].to_list() == [True, False, False]
    with pytest.raises(SettingError, match="two or more families, each once"):
        compare_curves(table, curves=(LL3(), LL3(0.1)))


# ---------------------------------------------------------------- weights


def test_only_ratios_of_weights_matter_and_repeats_count_as_weights():
    table = simulated(10, seed=9)[0].with_columns(w=pl.Series(np.tile([1.0, 2.0, 3.0], 100)))
    one_scale = fit(table, weights="w").table
    other = fit(table.with_columns(pl.col("w") * 1e6), weights="w").table
    for name in ("ec50_nM", "ec50_lower_nM", "ic50_upper_nM", "rss"):
        np.testing.assert_allclose(other[name].to_numpy(), one_scale[name].to_numpy(), rtol=1e-6)
    assert (one_scale["ec50_nM"] != fit(table).table["ec50_nM"]).all()
    repeated = table.with_columns(pl.col("w").cast(pl.Int64)).select(pl.exclude("w").repeat_by("w")).explode(pl.all())
    np.testing.assert_allclose(
        fit(repeated, interval=Delta()).table["ec50_nM"].to_numpy(), one_scale["ec50_nM"].to_numpy(), rtol=1e-5
    )


def test_equal_weights_change_nothing():
    table = simulated(10, seed=10)[0].with_columns(w=pl.lit(0.25))
    plain, weighted = fit(table).table, fit(table, weights="w").table
    assert plain.equals(weighted)


def test_weights_that_cannot_be_are_refused():
    table = simulated(1, seed=11)[0]
    with pytest.raises(TableError, match=r"weights='wt' is neither 'relative' nor a column of the responses"):
        fit(table, weights="wt")
    with pytest.raises(TableError, match=r"w must be a number above 0; row 2 \(curve c0\) holds 0\.0"):
        fit(table.with_columns(w=pl.Series([1.0, 0.0, *[1.0] * 28])), weights="w")


def test_relative_weights_suit_noise_in_proportion_to_the_response():
    table, mid = simulated(300, seed=12, noise=0.0, bottom=0.3)
    rng = np.random.default_rng(12)
    noisy = table.with_columns(response=pl.col("response") * (1 + 0.12 * pl.Series(rng.standard_normal(table.height))))
    plain, relative = fit(noisy).table, fit(noisy, weights="relative").table
    error = [np.median(np.abs(np.log(found["ec50_nM"].to_numpy()) - mid)) for found in (plain, relative)]
    assert error[1] < 0.95 * error[0]
    assert 0.90 <= coverage(relative, mid) <= 0.99


# ---------------------------------------------------------------- robust losses


@pytest.mark.parametrize("loss", ["tukey", "lorentzian"])
def test_a_gross_error_hardly_moves_a_robust_fit(loss):
    table, mid = simulated(60, seed=13)
    spoilt = table.with_columns(
        response=pl.when(pl.int_range(pl.len()) % 30 == 24).then(pl.col("response") + 1.5).otherwise("response")
    )
    error = {}
    for name in ("squares", loss):
        found = fit(spoilt, loss=name).table
        error[name] = np.sqrt(np.mean((np.log(found["ec50_nM"].to_numpy()) - mid) ** 2))
        if name == loss:
            assert coverage(found, mid) >= 0.85
    clean = np.sqrt(np.mean((np.log(fit(table).table["ec50_nM"].to_numpy()) - mid) ** 2))
    assert error[loss] < 1.5 * clean
    assert error["squares"] > 2 * clean


@pytest.mark.parametrize("loss", ["tukey", "lorentzian"])
def test_a_robust_fit_of_gaussian_noise_agrees_with_least_squares(loss):
    table, mid = simulated(200, seed=14)
    plain, robust = fit(table).table, fit(table, loss=loss).table
    apart = np.log(robust["ec50_nM"].to_numpy() / plain["ec50_nM"].to_numpy())
    assert np.median(np.abs(apart)) < 0.06
    assert 0.90 <= coverage(robust, mid) <= 0.99
    assert (robust["rss"] >= plain["rss"] * (1 - 1e-9)).all()  # least squares is least


def test_an_unknown_loss_is_refused():
    with pytest.raises(SettingError, match=r"loss='tuckey' is not offered \(did you mean 'tukey'\?\)"):
        fit(exact(), loss="tuckey")


def test_the_profile_of_a_named_level_is_named():
    fits = fit(simulated(2, seed=15)[0], curve=LL3(0.05), interval=ProfileLikelihood(0.8), weights="relative")
    assert fits.origin.settings == {
        "curve": "LL3", "bottom": 0.05, "interval": "profile", "level": 0.8, "plates": "random", "weights": "relative", "loss": "squares",
    }  # fmt: skip
    assert fits.table["interval"].to_list() == ["profile"] * 2
