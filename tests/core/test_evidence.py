"""Evidence: an id is what the number is and was made from, and nothing else."""

from datetime import UTC, datetime
from typing import ClassVar

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from benchside.core.evidence import Answer, Evidence, EvidenceSet, Origin, Quantity, canonical, number_id

TABLE = pl.DataFrame({
    "curve_id": ["a", "b"], "compound": ["x", None], "ic50": [10.0, 300.0], "low": [8.0, None], "high": [13.0, None], "rel": ["=", ">"],
    "n": [10, 9], "status": ["ok", "Open."],
})  # fmt: skip
IC50 = Quantity("IC50", "ic50", "nM", lower="low", upper="high", relation="rel", n="n")
ORIGIN = Origin("assay.fit", "1", {"level": 0.95, "curve": "LL4"}, (TABLE,))


def evidence(table=TABLE, origin=ORIGIN, created=None):
    return EvidenceSet(table, (IC50,), ("curve_id",), origin, created=created)


def ids(held):
    return [record.id for record in held.records()]


def test_a_record_by_hand():
    record = evidence().records()[0]
    assert (record.quantity, record.value, record.relation, record.unit, record.lower, record.upper, record.level, record.n) == (
        "IC50", 10.0, "=", "nM", 8.0, 13.0, 0.95, 10
    )  # fmt: skip
    assert (record.compound, record.method, record.settings, record.status) == (
        "x",
        "assay.fit",
        {"level": 0.95, "curve": "LL4"},
        "ok",
    )


def test_a_censored_value_says_so():
    record = evidence().records()[1]
    assert (record.relation, record.lower, record.upper, record.compound, record.status) == (">", None, None, None, "Open.")


def test_the_moment_of_making_is_outside_the_id():
    early, late = (evidence(created=datetime(year, 1, 1, tzinfo=UTC)) for year in (2020, 2030))
    assert ids(early) == ids(late)
    assert early.records()[0].created != late.records()[0].created
    assert early == late


@pytest.mark.parametrize(
    "origin",
    [
        Origin("assay.quality", "1", ORIGIN.settings, (TABLE,)),
        Origin("assay.fit", "2", ORIGIN.settings, (TABLE,)),
        Origin("assay.fit", "1", {**ORIGIN.settings, "level": 0.9}, (TABLE,)),
        Origin("assay.fit", "1", ORIGIN.settings, (TABLE.with_columns(pl.lit(1.0).alias("ic50")),)),
        Origin("assay.fit", "1", ORIGIN.settings, ()),
        Origin("assay.fit", "1", ORIGIN.settings, (TABLE, TABLE)),
    ],
)
def test_verb_version_settings_and_inputs_are_inside_the_id(origin):
    assert not set(ids(evidence(origin=origin))) & set(ids(evidence()))


def test_the_order_of_settings_is_not():
    swapped = Origin("assay.fit", "1", dict(reversed(ORIGIN.settings.items())), (TABLE,))
    assert ids(evidence(origin=swapped)) == ids(evidence())


def test_a_hash_stands_for_its_table():
    assert Origin("assay.fit", "1", ORIGIN.settings, ORIGIN.input_hashes).set_id == ORIGIN.set_id


def test_ids_do_not_depend_on_the_place_of_a_row():
    moved = evidence(TABLE.reverse())
    assert ids(moved) == ids(evidence())[::-1]


def test_a_record_is_found_by_its_id_or_not_at_all():
    held = evidence()
    assert [held.find(number) for number in ids(held)] == held.records()
    assert held.find("0-0") is None


@given(st.lists(st.tuples(st.text(max_size=4), st.sampled_from(["IC50", "slope"])), unique=True, max_size=20))
def test_different_numbers_have_different_ids(numbers):
    assert len({number_id("0" * 40, [key], quantity) for key, quantity in numbers}) == len(numbers)


def test_the_stored_id_of_one_number():
    """Ids are written to ledgers, so what they are made of must not drift."""
    assert (
        number_id("ab" * 20, ["alectinib | WT"], "IC50")
        == "abababababab-" + number_id("", ["alectinib | WT"], "IC50").split("-")[1]
    )
    assert canonical({"b": [1, 2.5, None], "a": "µ"}) == '{"a":"µ","b":[1,2.5,null]}'


def test_long_tables_name_the_quantity_and_unit_in_a_column():
    table = pl.DataFrame({"quantity": ["mean", "ratio"], "value": [3.0, 0.5], "unit": ["months", ""]})
    held = EvidenceSet(table, (Quantity("", "value", "?", named_by="quantity", unit_by="unit"),), (), Origin("v", "1", {}))
    one = EvidenceSet(table[:1], held.quantities, (), held.origin)
    assert one.records()[0].quantity == "mean"
    assert one.records()[0].unit == "months"


def test_an_answer_reads_its_evidence_off_its_table():
    class Result(Answer):
        QUANTITIES: ClassVar = (IC50,)
        KEY: ClassVar = ("curve_id",)

    result = Result(TABLE, ORIGIN)
    assert [record.id for record in result.evidence] == ids(evidence())
    assert result.evidence[0].created is not None


def test_a_record_crosses_the_disk_and_stays_frozen():
    record = evidence(created=datetime(2020, 1, 1, tzinfo=UTC)).records()[0]
    assert Evidence.model_validate_json(record.model_dump_json()) == record
    with pytest.raises(ValidationError):
        record.value = 1.0
    with pytest.raises(ValidationError):
        Evidence(id="1", quantity="IC50", value=1.0, invented=2)


@pytest.mark.parametrize(("settings", "level"), [({"level": 0.9}, 0.9), ({}, 0.95)])
def test_a_record_states_the_level_its_interval_was_made_with(settings, level):
    origin = Origin("assay.fit", "1", settings, (TABLE,))
    quantity = Quantity("IC50", "ic50", "nM", lower="lower", upper="upper")
    table = pl.DataFrame({"curve_id": ["a"], "ic50": [2.0], "lower": [1.0], "upper": [4.0]})
    (record,) = EvidenceSet(table, (quantity,), ("curve_id",), origin).records()
    assert record.level == level
