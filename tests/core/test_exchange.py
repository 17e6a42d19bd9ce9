"""The types stages meet in: checked at birth, in sentences with rows; and the door of event tables."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.core.errors import MatrixMismatch, NoEvidenceError, SettingError, TableError, UnitError
from benchside.core.exchange import Effect, EventTable, Exposure, GrowthLaw, Mechanism, Potency, require_free
from benchside.core.units import DAYS_PER_MONTH


def subjects(**changes):
    return pl.DataFrame({"t": [1.0, 2.0, 3.0], "e": [1, 0, 1], "trt": ["b", "a", "b"], "sex": ["f", "m", "f"], **changes})


def events(frame, **settings):
    return EventTable.from_frame(frame, **{"time": "t", "time_unit": "months", "event": "e", "arm": "trt", **settings})


# ---------------------------------------------------------------- event tables


def test_months_stay_and_further_columns_travel_along():
    held = events(subjects())
    assert held.table.columns == ["time_months", "event", "arm", "sex"]
    assert held.table["time_months"].to_list() == [1.0, 2.0, 3.0]
    assert held.arms == ["a", "b"]
    assert events(subjects(), control="b").arms == ["b", "a"]


@given(st.floats(0, 1e4), st.sampled_from([("days", 1.0), ("weeks", 7.0), ("years", 365.25), ("hours", 1 / 24)]))
def test_other_units_become_months_of_30_4375_days(time, unit):
    name, days = unit
    held = events(subjects(t=[time, 0.0, 1.0]), time_unit=name)
    assert held.table["time_months"][0] == pytest.approx(time * days / DAYS_PER_MONTH, rel=1e-15)


@pytest.mark.parametrize("codes", [[True, False, True], [1.0, 0.0, 1.0], ["1", "0", "1"]])
def test_flags_whole_floats_and_digits_are_events(codes):
    assert events(subjects(e=codes)).table["event"].to_list() == [1, 0, 1]


def test_half_an_event_is_refused_with_its_row():
    with pytest.raises(TableError, match=r"event table: column e must hold whole numbers, but row 2 holds 0\.5\. Correct"):
        events(subjects(e=[1.0, 0.5, 0.0]))


def test_a_word_for_an_event_is_refused_with_its_row():
    with pytest.raises(TableError, match=r"column e must hold whole numbers, but row 3 holds 'PD'"):
        events(subjects(e=["1", "0", "PD"]))


def test_a_word_for_a_time_is_refused_with_its_row():
    with pytest.raises(TableError, match=r"column t must hold numbers, but row 1 holds 'NE'"):
        events(subjects(t=["NE", "2", "3"]))


@pytest.mark.parametrize("days", [[1, 2, 3]])
def test_durations_and_dates_are_no_times(days):
    with pytest.raises(TableError, match=r"column t must hold numbers, and holds Duration.*Convert"):
        events(subjects(t=pl.Series(days).cast(pl.Duration("us"))))
    with pytest.raises(TableError, match=r"column t must hold numbers, and holds Date"):
        events(subjects(t=pl.Series(days, dtype=pl.Int32).cast(pl.Date)))


@pytest.mark.parametrize(
    ("time", "row"), [([1.0, -2.0, 3.0], 2), ([math.nan, 2.0, 3.0], 1), ([1.0, 2.0, math.inf], 3), ([1.0, None, 2.0], 2)]
)
def test_times_are_numbers_of_0_or_more(time, row):
    with pytest.raises(TableError, match=rf"a time must be a number of 0 or more; row {row} of column t"):
        events(subjects(t=time))


def test_codes_need_their_names():
    with pytest.raises(
        TableError,
        match=r"event must be one of \[0, 1\]; row 1 holds 2\. Recode it as 1 for an event and 0 for censored \(in the library, causes",
    ):
        events(subjects(e=[2, 0, 1]))
    assert events(subjects(e=[2, 0, 1]), causes={"cns": 1, "other": 2}).table["event"].to_list() == [2, 0, 1]
    with pytest.raises(TableError, match=r"one of \[0, 1, 2\]; row 2 holds nothing"):
        events(subjects(e=[2, None, 1]), causes={"cns": 1, "other": 2})


def test_a_code_without_a_name_is_to_be_named():
    with pytest.raises(
        TableError,
        match=r"one of \[0, 1, 2\]; row 1 holds 3\. causes names cns=1, other=2: name the code there \(in study\.toml or the library\), or correct the row",
    ) as refusal:
        events(subjects(e=[3, 0, 1]), causes={"cns": 1, "other": 2})
    assert "Recode" not in str(refusal.value)


@pytest.mark.parametrize(
    ("causes", "words"),
    [
        ({"cns": 1, "brain": 1, "other": 2}, "causes names code 1 twice, as 'cns' and 'brain'"),
        ({"none": 0, "cns": 1}, "causes names code 0 'none', and 0 is censored"),
    ],
)
def test_every_cause_has_a_code_of_its_own_and_0_is_none(causes, words):
    with pytest.raises(SettingError, match=f"event table: {words}. Give every cause"):
        events(subjects(), causes=causes)


@pytest.mark.parametrize(
    ("arms", "words"),
    [
        (["C", "C ", "D"], "arms 'C' and 'C ' differ"),
        (["c", "C", "D"], "arms 'C' and 'c' differ"),
        (["c", "C", " C"], "arms ' C', 'C' and 'c' differ"),
        (["Drug X", "Drug  X", "D"], "arms 'Drug  X' and 'Drug X' differ"),
    ],
)
def test_arms_that_look_alike_are_not_two(arms, words):
    with pytest.raises(TableError, match=f"event table: {words} by spaces or capitals only; write them alike"):
        events(subjects(trt=arms))


def test_names_that_are_not_there():
    with pytest.raises(TableError, match=r"column trtt is missing \(did you mean 'trt'\?\)"):
        events(subjects(), arm="trtt")
    with pytest.raises(TableError, match=r"the control arm 'A' is not among the arms a, b \(did you mean 'a'\?\)"):
        events(subjects(), control="A")
    with pytest.raises(TableError, match="stratum sexx is no column"):
        events(subjects(), strata=["sexx"])
    with pytest.raises(TableError, match="the arm is missing in row 3"):
        events(subjects(trt=["a", "b", None]))


def test_the_unit_is_asked_for():
    with pytest.raises(UnitError, match="event table: the time unit is missing"):
        events(subjects(), time_unit=None)


# ---------------------------------------------------------------- exposure


def exposure(time=(0.0, 1.0, 4.0), nM=(0.0, 8.0, 2.0), matrix="total"):
    return Exposure(pl.DataFrame({"time_h": list(time), "concentration_nM": list(nM)}), "x", "plasma", matrix)


def test_the_average_is_the_area_over_the_time():
    assert exposure().average_nM == pytest.approx((4.0 + 15.0) / 4)  # (0+8)/2*1 + (8+2)/2*3 over 4 h
    assert exposure().minimum_nM == 0.0


def test_the_average_of_a_population_is_over_subjects():
    parts = [
        exposure(nM=level).table.with_columns(subject=pl.lit(k)) for k, level in enumerate([(2.0, 2.0, 2.0), (6.0, 6.0, 6.0)])
    ]
    assert Exposure(pl.concat(parts), "x", "plasma", "total").average_nM == 4.0


@given(st.floats(1e-4, 1.0))
def test_the_free_exposure_is_its_fraction(fraction):
    free = exposure().unbound(fraction=fraction)
    assert free.matrix == "free"
    assert free.average_nM == pytest.approx(exposure().average_nM * fraction)


def test_free_and_total_never_meet():
    with pytest.raises(MatrixMismatch, match="free already"):
        exposure(matrix="free").unbound(fraction=0.1)
    with pytest.raises(MatrixMismatch, match=r"exposure of x is total\. Call \.unbound"):
        require_free(exposure())
    require_free(exposure(matrix="free"))


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.1, math.nan])
def test_a_free_fraction_is_a_fraction(fraction):
    with pytest.raises(SettingError, match=r"must lie in \(0, 1\]"):
        exposure().unbound(fraction=fraction)


@pytest.mark.parametrize("value", [-1.0, math.nan, None])
def test_a_concentration_is_a_number_of_0_or_more(value):
    with pytest.raises(TableError, match=rf"exposure of x: concentration_nM must be 0 or more.* row 2 holds {value}"):
        exposure(nM=(0.0, value, 2.0))


def test_an_exposure_needs_its_columns():
    with pytest.raises(TableError, match="column time_h is missing"):
        Exposure(pl.DataFrame({"concentration_nM": [1.0]}), "x", "plasma", "total")


# ---------------------------------------------------------------- potency, effect, mechanism


def potency(**changes):
    row = {"compound": ["x", "x"], "target": ["ALK"] * 2, "variant": ["WT", "G1202R"], "value_nM": [10.0, 800.0]}
    return Potency(pl.DataFrame({**row, **changes}))


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_a_potency_is_positive(value):
    with pytest.raises(TableError, match=r"value_nM must be > 0; x on G1202R has"):
        potency(value_nM=[10.0, value])


def test_a_potency_is_a_number():
    with pytest.raises(TableError, match=r"value_nM must be > 0; x on G1202R has nan"):
        potency(value_nM=[10.0, math.nan])
    with pytest.raises(TableError, match=r"value_nM must be > 0; x on G1202R has None"):
        potency(value_nM=[10.0, None])


def test_a_potency_stands_once():
    with pytest.raises(TableError, match="x on WT stands 2 times for one system"):
        potency(variant=["WT", "WT"])


def test_growth_is_interpolated_on_log_1_plus_concentration():
    effect = Effect(pl.DataFrame({
        "compound": ["x"] * 2, "variant": ["WT"] * 2, "free_nM": [0.0, math.e - 1], "division_per_day": [1.0, 0.0], "death_per_day": [0.0, 1.0],
    }))  # fmt: skip
    net = effect.net_growth_per_day("x", "WT", pl.Series([0.0, math.exp(0.5) - 1, 9.0]).to_numpy())
    assert net == pytest.approx([1.0, 0.0, -1.0])
    with pytest.raises(NoEvidenceError, match="no effect of x on G1202R"):
        effect.net_growth_per_day("x", "G1202R", net)


def test_a_mechanism_hands_out_free_exposures_only():
    effect = Effect(
        pl.DataFrame({"compound": ["x"], "variant": ["WT"], "free_nM": [0.0], "division_per_day": [1.0], "death_per_day": [0.0]})
    )
    mechanism = Mechanism(
        effect, {("x", "plasma"): exposure(matrix="free"), ("x", "cns"): exposure()}, GrowthLaw("exponential"), "sketch"
    )
    assert mechanism.exposure("x", "plasma").matrix == "free"
    with pytest.raises(MatrixMismatch):
        mechanism.exposure("x", "cns")
    with pytest.raises(NoEvidenceError, match="no exposure of y in cns"):
        mechanism.exposure("y", "cns")
