"""How an inhibitor binds: laws recovered from simulated grids, and fits against scipy and a published table."""

import numpy as np
import polars as pl
import pytest
from scipy.optimize import curve_fit

from benchside.core.errors import SettingError, TableError
from benchside.stages.assay.analyse.enzymes.mode import mode_of_inhibition
from benchside.stages.assay.analyse.enzymes.rate_laws import MODELS, Grid, fit_law, parameters, rate

DOSE, ATP = (np.tile(a.ravel(), 2) for a in np.meshgrid([0.0, 3, 10, 30, 100, 300], [10.0, 30, 100, 300, 1000]))
TRUTH = {"ki_nM": 12.0, "km_uM": 60.0, "alpha": 5.0, "vmax": 100.0}


def simulated(model, kind, seed, *, dose=DOSE, atp=ATP, sd=0.03):
    names = parameters(model, kind)
    grid = Grid(dose, atp, np.zeros_like(dose), kind)
    y, _ = rate(model, np.log([TRUTH[name] for name in names]), grid)
    scale = TRUTH["vmax"] if kind == "velocity" else 1.0
    y = y + scale * sd * np.random.default_rng(seed).standard_normal(len(y))
    column = "velocity" if kind == "velocity" else "response"
    return pl.DataFrame({"concentration_nM": dose, "atp_uM": atp, column: y})


@pytest.mark.parametrize("kind", ["velocity", "fraction"])
@pytest.mark.parametrize("model", MODELS)
def test_the_law_is_recovered_and_its_constants_covered(model, kind):
    right = told = 0
    inside = []
    for seed in range(20):
        best = mode_of_inhibition(simulated(model, kind, seed), kind=kind, km_uM=60.0).best.row(0, named=True)
        right += best["model"] == model
        told += best["verdict"] == model
        if best["model"] == model:
            inside.append((best["ki_lower_nM"] or 0) < TRUTH["ki_nM"] < (best["ki_upper_nM"] or np.inf))
    assert right >= 19
    assert told >= 19
    assert np.mean(inside) >= 0.75  # 95 % of 20 is 19, four standard deviations are 4


@pytest.mark.parametrize("kind", ["velocity", "fraction"])
@pytest.mark.parametrize("model", MODELS)
def test_derivatives_are_numerical_ones(model, kind):
    at = np.log([TRUTH[name] for name in parameters(model, kind)])
    grid = Grid(DOSE, ATP, np.zeros_like(DOSE), kind)
    _, slopes = rate(model, at, grid)
    for j in range(len(at)):
        up, down = at.copy(), at.copy()
        up[j] += 1e-5
        down[j] -= 1e-5
        assert slopes[:, j] == pytest.approx((rate(model, up, grid)[0] - rate(model, down, grid)[0]) / 2e-5, abs=1e-6)


def textbook(model, x, *, ki, km, vmax, alpha=1.0):
    """Return the rates as the books write them, one formula a law."""
    i, s = x
    return {
        "competitive": vmax * s / (km * (1 + i / ki) + s),
        "non-competitive": vmax * s / ((km + s) * (1 + i / ki)),
        "uncompetitive": vmax * s / (km + s * (1 + i / ki)),
        "mixed": vmax * s / (km * (1 + i / ki) + s * (1 + i / (alpha * ki))),
    }[model]


@pytest.mark.parametrize("model", MODELS)
def test_fits_are_scipys_on_the_textbook_law(model):
    frame = simulated(model, "velocity", 3)
    x, y = (frame["concentration_nM"].to_numpy(), frame["atp_uM"].to_numpy()), frame["velocity"].to_numpy()
    names = ["ki", "km", "vmax"] + (["alpha"] if model == "mixed" else [])

    def law(x, *p):
        return textbook(model, x, **dict(zip(names, np.exp(p), strict=True)))

    p, _ = curve_fit(law, x, y, p0=np.log([5.0, 100.0, 80.0, 2.0][: len(names)]), xtol=1e-13, ftol=1e-13)
    rss = np.sum((y - law(x, *p)) ** 2)
    fit = fit_law(model, Grid(*x, y, "velocity"))
    assert fit.rss == pytest.approx(rss, rel=1e-9)
    ours = [fit.values[name] for name in ("ki_nM", "km_uM", "vmax")]
    assert ours == pytest.approx(np.exp(p[:3]), rel=1e-5)
    row = mode_of_inhibition(frame, kind="velocity").table.filter(pl.col("model") == model).row(0, named=True)
    assert row["aicc"] == pytest.approx(
        60 * np.log(rss / 60) + 2 * (len(p) + 1) + 2 * (len(p) + 1) * (len(p) + 2) / (60 - len(p) - 2)
    )


def test_a_profile_limit_is_where_scipy_crosses():
    frame = simulated("competitive", "fraction", 5).filter(pl.col("concentration_nM") > 0)
    i, s, y = (frame[name].to_numpy() for name in ("concentration_nM", "atp_uM", "response"))
    row = mode_of_inhibition(frame).table.row(0, named=True)
    for limit in (row["ki_lower_nM"], row["ki_upper_nM"]):

        def law(x, log_km, limit=limit):
            km = np.exp(log_km)
            return (km + x[1]) / (km * (1 + x[0] / limit) + x[1])

        p, _ = curve_fit(law, (i, s), y, p0=[4.0], xtol=1e-13, ftol=1e-13)
        rss = np.sum((y - law((i, s), *p)) ** 2)
        assert rss == pytest.approx(row["rss"] * (1 + 2.0106348**2 / 48), rel=1e-6)


# Treloar 1974, printed in Bates and Watts 1988 (doi:10.1002/9780470316757), table A1.3: rate (counts/min2) by substrate (ppm).
TREATED = {0.02: (76, 47), 0.06: (97, 107), 0.11: (123, 139), 0.22: (159, 152), 0.56: (191, 201), 1.10: (207, 200)}
UNTREATED = {0.02: (67, 51), 0.06: (84, 86), 0.11: (98, 115), 0.22: (131, 124), 0.56: (144, 158), 1.10: (160,)}


def puromycin(cells, dose):
    return [{"concentration_nM": dose, "atp_uM": s, "velocity": float(v)} for s, values in cells.items() for v in values]


def test_as_published_for_puromycin():
    """Bates and Watts, section 2.2: Vmax 212.7, K 0.0641, residual sum of squares 1195 (treated alone)."""
    frame = pl.DataFrame(puromycin(TREATED, 0.0))
    fit = fit_law(
        "competitive", Grid(np.r_[1e-9, np.zeros(11)], *(frame[name].to_numpy() for name in ("atp_uM", "velocity")), "velocity")
    )
    assert fit.values["vmax"] == pytest.approx(212.7, abs=0.05)
    assert fit.values["km_uM"] == pytest.approx(0.0641, abs=5e-5)
    assert fit.rss == pytest.approx(1195, abs=1)


def test_as_published_for_both_puromycin_experiments():
    """With a common K, the published Vmax are 166.6 untreated and 208.6 treated, K 0.0580: a non-competitive step between them."""
    frame = pl.DataFrame(puromycin(TREATED, 0.0) + puromycin(UNTREATED, 1.0))
    columns = (frame[name].to_numpy() for name in ("concentration_nM", "atp_uM", "velocity"))
    fit = fit_law("non-competitive", Grid(*columns, "velocity"))
    assert fit.values["vmax"] == pytest.approx(208.6, abs=0.05)
    assert fit.values["vmax"] / (1 + 1 / fit.values["ki_nM"]) == pytest.approx(166.6, abs=0.05)
    assert fit.values["km_uM"] == pytest.approx(0.0580, abs=5e-5)


def test_one_level_of_atp_tells_nothing():
    result = mode_of_inhibition(simulated("competitive", "fraction", 1).filter(pl.col("atp_uM") == 100))
    assert result.table["verdict"].to_list() == ["undecided"] * 4
    assert result.best.is_empty()
    assert "one level" in result.table["status"][0]


def test_atp_below_the_km_is_undecided_and_said():
    dose, atp = (np.tile(a.ravel(), 2) for a in np.meshgrid([3.0, 10, 30, 100], [2.0, 4, 8]))
    best = mode_of_inhibition(simulated("competitive", "fraction", 2, dose=dose, atp=atp)).best.row(0, named=True)
    assert best["verdict"] == "undecided"
    assert "range of ATP" in best["status"]


def test_tight_binding_is_said():
    best = mode_of_inhibition(simulated("competitive", "fraction", 2), enzyme_nM=5.0).best.row(0, named=True)
    assert "Binding is tight" in best["status"]


def test_groups_and_mappings():
    frame = pl.concat([simulated("competitive", "fraction", 2), simulated("non-competitive", "fraction", 2)])
    frame = frame.with_columns(compound=pl.Series(["a"] * 60 + ["b"] * 60), curve_id=pl.col("atp_uM").cast(pl.String))
    by_column = mode_of_inhibition(frame)
    mapping = {str(value): value for value in (10.0, 30.0, 100.0, 300.0, 1000.0)}
    by_mapping = mode_of_inhibition(frame.drop("atp_uM"), atp_uM=mapping)
    assert by_column.best["model"].to_list() == ["competitive", "non-competitive"]
    assert by_column.table.equals(by_mapping.table)
    assert by_column.table.group_by("compound").agg(pl.col("weight").sum())["weight"].to_list() == pytest.approx([1.0, 1.0])
    assert len({record.id for record in by_column.evidence}) == len(by_column.evidence)


@pytest.mark.parametrize(
    ("call", "error", "part"),
    [
        (lambda t: mode_of_inhibition(t, atp_uM="ATP"), TableError, "column ATP is missing"),
        (lambda t: mode_of_inhibition(t, kind="rate"), SettingError, "kind='rate'"),
        (lambda t: mode_of_inhibition(t.with_columns(atp_uM=0.0)), TableError, "ATP must be above 0"),
        (
            lambda t: mode_of_inhibition(t.with_columns(curve_id=pl.lit("c")), atp_uM={"d": 1.0}),
            SettingError,
            "curve c has no ATP",
        ),
    ],
)
def test_refusals(call, error, part):
    with pytest.raises(error, match=part):
        call(simulated("competitive", "fraction", 1))


def test_an_estimate_at_the_edge_of_the_search_is_none_and_says_on_which_side_it_lies():
    """Fractions of an uncompetitive inhibitor: the mixed law runs to Ki -> infinity, alpha -> 0 (their product is the constant)."""
    rows = {
        row["model"]: row for row in mode_of_inhibition(simulated("uncompetitive", "fraction", 2)).table.iter_rows(named=True)
    }
    mixed, competitive = rows["mixed"], rows["competitive"]
    assert (mixed["ki_nM"], mixed["alpha"], competitive["km_uM"]) == (None, None, None)
    assert mixed["ki_lower_nM"] == pytest.approx(364.9, rel=1e-3)
    assert (mixed["ki_upper_nM"], mixed["alpha_lower"]) == (None, None)
    assert mixed["km_uM"] == pytest.approx(58.1, rel=1e-3)
    assert "Ki is not identified: above 365 nM." in mixed["status"]
    assert "Alpha is not identified: below 0.0337." in mixed["status"]
    assert competitive["status"] == "Km is not identified: above 7.89e+03 uM."
    assert rows["uncompetitive"]["status"] == "ok"


@pytest.mark.parametrize("kind", ["velocity", "fraction"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_estimate_lies_four_decades_beyond_the_data(model, kind, seed):
    spans = {"ki_nM": (3.0, 300.0), "km_uM": (10.0, 1000.0), "alpha": (1.0, 1.0)}
    for row in mode_of_inhibition(simulated(model, kind, seed), kind=kind).table.iter_rows(named=True):
        for name, (least, most) in spans.items():
            value = row[name]
            assert value is None or least / 1e4 < value < most * 1e4


def test_where_the_km_is_none_the_remark_on_atp_does_without_it():
    dose, atp = (np.tile(a.ravel(), 2) for a in np.meshgrid([0.0, 3, 10, 30, 100, 300], [6e4, 6e5, 6e6]))
    frame = simulated("non-competitive", "velocity", 0, dose=dose, atp=atp)
    best = mode_of_inhibition(frame, kind="velocity").best.row(0, named=True)
    assert best["km_uM"] is None
    assert best["km_upper_uM"] == pytest.approx(830, rel=0.01)
    assert "ATP is always above the Km. Test ATP below it too. Km is not identified: below 830 uM." in best["status"]
    assert "nan" not in best["status"]
