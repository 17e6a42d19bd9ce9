"""Compounds of one's own in TOML: read, used as the published ones, and refused in a sentence."""

import polars as pl
import pytest

from benchside.core.errors import FileError, NoEvidenceError, SettingError, UnitError
from benchside.core.exchange import Potency
from benchside.evidence.files import MEMORY_SENTENCE
from benchside.stages.pharmacology import compound, course, coverage_draws, exposure, load_compound, population
from benchside.stages.pharmacology.user_compound import PARAMETERS

ONE = {
    "molar_mass": 450.0, "dose": 100.0, "dose_interval": 24.0, "clearance": 20.0, "volume": 400.0, "absorption_rate": 1.0,
    "unbound_fraction": 0.05, "exposure_cv": 0.4,
}  # fmt: skip


def write(folder, numbers, *, structure="one compartment", top="", **changed):
    text = f'name = "drug-9"\nstructure = "{structure}"\n{top}'
    for key, value in numbers.items():
        cells = {
            "value": value,
            "unit": PARAMETERS.get(key, ("", "L"))[1],
            "source": "notebook 7",
            "status": "measured",
            **changed.get(key, {}),
        }
        text += f"[parameters.{key}]\n" + "".join(f"{name} = {cell!r}\n".replace("'", '"') for name, cell in cells.items())
    path = folder / "drug-9.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_it_is_used_as_a_published_compound_is(tmp_path):
    own = load_compound(write(tmp_path, ONE))
    assert exposure(own).average_nM == pytest.approx(100 / 24 / 20 * 1e6 / 450, rel=1e-3)
    assert exposure(own, matrix="free").average_nM == pytest.approx(0.05 * exposure(own).average_nM)
    assert course(own).doses.height == 28
    assert population(own, n=50).table.height == 50
    rows = Potency.of(pl.DataFrame({"compound": ["drug-9"], "variant": ["WT"], "value_nM": [10.0]}))
    found = coverage_draws(rows, compounds=[own], sites=["cns"]).table.row(0, named=True)
    assert found["lower"] < found["coverage_average"] < found["upper"]
    assert "brain's share of free plasma of drug-9 is not published" in found["warning"]


def test_every_published_compound_can_be_written_as_one(tmp_path):
    for name in ("lorlatinib", "alectinib"):
        known = compound(name)
        quantity_of = {quantity: key for key, (quantity, _) in PARAMETERS.items()}
        numbers = {quantity_of[fact.quantity]: fact.value for fact in known.facts.values() if fact.quantity in quantity_of}
        structure = "one compartment" if known.structure.peripheral is None else "two compartments"
        own = load_compound(write(tmp_path, numbers, structure=structure))
        assert own.structure == known.structure
        assert exposure(own).table.equals(exposure(known).table)


def test_status_travels_with_the_number(tmp_path):
    changed = {
        "clearance": {"status": "memory", "note": "a talk"},
        "volume": {"status": "assumed"},
        "unbound_fraction": {"relation": "<"},
    }
    own = load_compound(write(tmp_path, ONE, **changed))
    source = exposure(own, matrix="free").source
    assert f"CL/F 20 L/h: {MEMORY_SENTENCE}: a talk" in source
    assert "V/F 400 L: assumed" in source
    assert own.unbound.limits == pytest.approx((0.005, 0.05))
    assert own.rests_on_memory


@pytest.mark.parametrize(
    ("numbers", "arguments", "error", "words"),
    [
        (ONE, {"clearance": {"unit": "mL/min"}}, UnitError, "clearance must be in L/h and is given in 'mL/min'"),
        ({**ONE, "clearence": 3.0}, {}, SettingError, "did you mean 'clearance'"),
        (ONE, {"top": 'colour = "red"\n'}, SettingError, "the key 'colour' is unknown"),
        (ONE, {"clearance": {"value": -1.0}}, SettingError, "greater than 0"),
        (ONE, {"clearance": {"status": "guess"}}, SettingError, "parameters.clearance.status"),
        (ONE, {"clearance": {"source": ""}}, SettingError, "parameters.clearance.source"),
        (ONE, {"unbound_fraction": {"value": 5.0}}, SettingError, "Give 0.03 for 3 %"),
        (ONE, {"clearance": {"lower": 30.0, "upper": 40.0}}, SettingError, "outside its limits"),
        ({**ONE, "absorption_duration": 4.0}, {}, SettingError, "absorption is given twice"),
        ({**ONE, "central_volume": 4.0}, {}, SettingError, "does not belong to a structure of one compartment"),
        ({key: ONE[key] for key in ONE if key != "clearance"}, {}, NoEvidenceError, "CL/F is not known"),
        (
            {key: ONE[key] for key in ONE if key != "volume"},
            {"structure": "two compartments"},
            NoEvidenceError,
            "V/F is not known",
        ),
        (ONE, {"structure": "three compartments"}, SettingError, "structure"),
    ],
)
def test_refusals_are_sentences(tmp_path, numbers, arguments, error, words):
    with pytest.raises(error, match=words):
        load_compound(write(tmp_path, numbers, **arguments))


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileError, match="does not exist"):
        load_compound(tmp_path / "absent.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("name = ", encoding="utf-8")
    with pytest.raises(FileError, match="not valid TOML"):
        load_compound(broken)


def test_without_a_spread_there_is_no_population(tmp_path):
    own = load_compound(write(tmp_path, {key: ONE[key] for key in ONE if key != "exposure_cv"}))
    with pytest.raises(SettingError, match="spread of drug-9 between patients is not known"):
        population(own, n=5)
