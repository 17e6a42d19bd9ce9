import polars as pl
import pytest

from benchside.core.errors import SettingError
from benchside.stages.clinical import (
    EventTable,
    cause_specific,
    cause_specific_km,
    cox,
    cumulative_incidence,
    fine_gray,
    gray_test,
    kaplan_meier,
)
from tests.shared_data import shared
from tests.stages.clinical.reference import read_reference

CAUSES = {"1": "one", "2": "two"}


def sets():
    """The competing-risks sets and what R is told of them."""
    recipes = pl.read_csv(shared("reference", "clinical", "competing_recipes.csv"), infer_schema_length=0)
    found = {}
    for recipe in recipes.iter_rows(named=True):
        frame = pl.read_csv(shared("data", "clinical", recipe["file"]), null_values=["", "NA"], infer_schema_length=None)
        pairs = [part.split(":=", 1) for part in (recipe["columns"] or "").split(";") if part.strip()]
        frame = frame.with_columns(pl.sql_expr(value).alias(name.strip()) for name, value in pairs)
        found[recipe["dataset"]] = recipe, frame.with_columns(pl.col("arm").cast(pl.String), pl.col("time").cast(pl.Float64))
    return found


def events(recipe, frame, *, stratified=False):
    return EventTable.from_frame(
        frame,
        time_unit="months",
        event="status",
        control=recipe["control"],
        strata=["stratum"] if stratified else [],
        causes={"one": 1, "two": 2},
    )


def rows(name):
    frame = read_reference(f"cr_{name}.csv").with_columns(pl.col("cause").cast(pl.String))
    for row in frame.iter_rows(named=True):
        yield row, *sets()[row["dataset"]]


def term(recipe, row):
    return next(
        (arm for arm in ("AML", "M", "alectinib") if arm in recipe["_arms"] and row["term"] in recipe["arm_terms"].split("|")),
        row["term"],
    )


def covariates(recipe, row):
    return tuple((recipe["covariates"] or "").split("|")) if row["model"] == "all" and recipe["covariates"] else ()


def test_incidence_and_limits_equal_cmprsk():
    compared = 0
    for row, recipe, frame in rows("cuminc"):
        if row["cif"] is None:
            continue
        at = cumulative_incidence(events(recipe, frame), cause=CAUSES[row["cause"]]).at([row["t"]]).table
        found = at.row(by_predicate=pl.col("arm") == row["group"], named=True)
        assert found["incidence"] == pytest.approx(row["cif"], rel=1e-12)
        assert found["se"] == pytest.approx(row["se_cmprsk"], rel=1e-10)
        if 0 < row["cif"] < 1:
            assert (found["lower"], found["upper"]) == pytest.approx((row["lo_loglog"], row["hi_loglog"]), rel=1e-9)
        compared += 1
    assert compared == 48


def test_grays_test_equals_cmprsk_plain_and_stratified():
    for row, recipe, frame in rows("gray"):
        found = gray_test(events(recipe, frame, stratified=bool(row["stratified"])), cause=CAUSES[row["cause"]])
        assert found.chi2 == pytest.approx(row["gray"], rel=1e-10)
        assert found.p == pytest.approx(row["p"], rel=1e-7, abs=1e-15)
        assert found.df == row["df"]


def test_fine_gray_equals_crr():
    compared = 0
    for row, recipe, frame in rows("finegray"):
        if row["impl"] != "cmprsk::crr":
            continue
        recipe["_arms"] = frame["arm"].unique().to_list()
        found = fine_gray(events(recipe, frame), cause=CAUSES[row["cause"]], covariates=covariates(recipe, row)).table
        got = found.row(by_predicate=pl.col("term") == term(recipe, row), named=True)
        assert got["coefficient"] == pytest.approx(row["coef"], abs=1e-5 * row["se"])
        assert got["se"] == pytest.approx(row["se"], rel=1e-6)
        compared += 1
    assert compared == 20


def test_cause_specific_hazards_equal_coxph():
    compared = 0
    for row, recipe, frame in rows("cause_specific"):
        recipe["_arms"] = frame["arm"].unique().to_list()
        table = events(recipe, frame, stratified=bool(row["stratified"]))
        found = cause_specific(table, cause=CAUSES[row["cause"]], ties=row["ties"], covariates=covariates(recipe, row)).table
        got = found.row(by_predicate=pl.col("term") == term(recipe, row), named=True)
        assert got["coefficient"] == pytest.approx(row["coef"], abs=1e-7)
        assert got["se"] == pytest.approx(row["se"], abs=1e-7)
        compared += 1
    assert compared == 44


def small(**further):
    frame = pl.DataFrame({"time": [1, 2, 3, 4, 5, 6, 7, 8], "event": [1, 2, 1, 0, 2, 1, 0, 1], "arm": ["a", "b"] * 4})
    return EventTable.from_frame(frame, time_unit="months", control="a", causes={"cns": 1, "other": 2}, **further)


def test_past_the_last_follow_up_the_incidence_is_null_and_says_so():
    frame = pl.DataFrame({"time": [1.0, 2.0, 3.0], "event": [1, 2, 0], "arm": ["a"] * 3})
    found = cumulative_incidence(EventTable.from_frame(frame, time_unit="months", causes={"cns": 1, "other": 2}), cause="cns")
    row = found.at([0.0, 2.5, 4.0]).table
    assert row["incidence"].to_list() == [0.0, pytest.approx(1 / 3), None]
    assert row["at_risk"].to_list() == [3, 1, 0]
    assert "not known" in row["status"][2]
    assert row["lower"][0] is None


def test_the_net_curve_is_titled_and_is_not_the_incidence():
    net = cause_specific_km(small(), cause="cns")
    assert net.title == "net, not cumulative incidence"
    assert net.table["title"].unique().to_list() == ["net, not cumulative incidence"]
    at = net.at([8]).table["survival"]
    incidence = cumulative_incidence(small(), cause="cns").at([8]).table["incidence"]
    assert ((1 - at) >= incidence - 1e-12).all()
    assert (1 - at).to_list() != incidence.to_list()


def test_cause_specific_is_cox_with_the_other_cause_censored():
    frame = small().table.with_columns(event=(pl.col("event") == 1).cast(pl.Int64))
    plain = EventTable(frame, control="a")
    assert cause_specific(small(), cause="cns").table["coefficient"][0] == cox(plain).table["coefficient"][0]
    assert (
        cause_specific_km(small(), cause="cns").table["median_months"].to_list()
        == kaplan_meier(plain).table["median_months"].to_list()
    )


@pytest.mark.parametrize("verb", [cumulative_incidence, gray_test, fine_gray, cause_specific, cause_specific_km])
def test_a_cause_is_asked_for_by_its_name(verb):
    with pytest.raises(SettingError, match="did you mean 'cns'"):
        verb(small(), cause="cnss")
    with pytest.raises(SettingError, match="names no causes"):
        verb(EventTable(small().table.with_columns(event=1), control="a"), cause="cns")


def test_an_arm_without_the_event_is_null_with_a_reason():
    frame = pl.DataFrame({"time": [1.0, 2, 3, 4, 5, 6], "event": [1, 2, 1, 2, 1, 2], "arm": ["a", "b"] * 3})
    found = fine_gray(
        EventTable.from_frame(frame, time_unit="months", control="a", causes={"cns": 1, "other": 2}), cause="cns"
    ).table
    assert found["hazard_ratio"][0] is None
    assert "nobody in arm b" in found["status"][0]


def test_the_evidence_names_cause_and_arm():
    found = fine_gray(small(), cause="cns").evidence
    assert [record.quantity for record in found] == ["subdistribution_hazard_ratio", "fine_gray_p"]
    assert found[0].arm == "b"
    assert found[0].comparator == "a"
    at = cumulative_incidence(small(), cause="cns").at([4]).evidence
    assert {record.quantity for record in at} == {"cumulative_incidence"}
