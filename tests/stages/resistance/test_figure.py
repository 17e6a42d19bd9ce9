"""What the figures hold: every cell in words, greys apart, denominators, the detection limit."""

import itertools

import polars as pl
import pytest

from benchside.core.errors import TableError
from benchside.core.figure import save_figure
from benchside.stages.resistance import NOTICE, call, clone_growth, simulate, spectrum
from benchside.stages.resistance.figure import FIGURES, resistance_matrix, spectrum_bars, vaf_trajectories
from benchside.stages.resistance.figure_clones import decades, fitted_lines
from benchside.stages.resistance.figure_matrix import FILLS, INKS
from tests.stages.resistance.coverages import both_sites, coverage


def values(chart):
    """Return the rows of every data set of a chart."""
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows]


def luminance(colour):
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


def contrast(one, two):
    def linear(colour):
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        return sum(
            w * (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4)
            for w, p in zip((0.2126, 0.7152, 0.0722), parts, strict=True)
        )

    high, low = sorted((linear(one), linear(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


TABLE = coverage(*both_sites("alectinib", "WT", 40, 30, 60, brain=0.01), *both_sites("lorlatinib", "WT", 50, 30, 70))


def test_every_cell_of_the_matrix_has_its_class_in_words_and_its_interval():
    found = call(["WT", "V1180L", "MET amplification"], ["alectinib", "lorlatinib"], coverage=TABLE)
    (chart,) = resistance_matrix(found)
    rows = values(chart)
    assert len(rows) == 3 * 2 * 2
    assert {row["class"] for row in rows} == {"covered", "not covered", "no evidence"}
    told = {(row["compound"], row["variant"]): row["told"] for row in rows}
    assert told["lorlatinib", "WT"] == "50 (30 to 70)"
    assert told["alectinib", "MET amplification"] == "opens MET"
    words = " ".join(chart.to_dict()["title"]["subtitle"])
    assert all(part in words for part in NOTICE.rstrip(".").split(". "))


def test_the_classes_can_be_told_apart_in_grey_and_read_on_their_fills():
    greys = sorted(luminance(colour) for colour in FILLS.values())
    assert min(two - one for one, two in itertools.pairwise(greys)) > 30
    assert all(contrast(FILLS[one], INKS[one]) >= 4.5 for one in FILLS)


def test_many_variants_make_pages():
    names = [f"T1151{new}" for new in "ACDEFGHIKLMNPQRSVWY"] + [f"L1152{new}" for new in "ACDEFGHIK"]
    assert len(resistance_matrix(call(names))) == 2


def test_bars_carry_their_counts_and_mark_what_is_from_memory():
    rows = values(spectrum_bars(spectrum("alectinib")))
    assert {row["label"] for row in rows} == {"9 of 17 †", "5 of 17 †", "1 of 17 †"}
    assert {row["origin"] for row in rows} == {"from memory"}
    text = " ".join(spectrum_bars(spectrum()).to_dict()["title"]["subtitle"])
    assert "published without a denominator: not drawn" in text


def test_trajectories_draw_the_limit_the_censored_and_the_fitted_line():
    grown = clone_growth(simulate(n=3, seed=3, frequencies={"G1202R": 1.0}, first_vaf=0.0006, detection_limit=0.001))
    (chart,) = vaf_trajectories(grown)
    rows = values(chart)
    marks = [row for row in rows if "mark" in row]
    assert len(marks) == 18
    assert {row["shown"] for row in marks if row["mark"] == "below the limit"} == {0.001}
    lines = fitted_lines(grown.samples, grown.table)
    assert lines.height == 25 * grown.table["growth_rate_per_day"].drop_nulls().len() > 0
    assert len([row for row in rows if "fitted" in row]) == lines.height
    assert {"limit": 0.001} in rows


def test_twelve_patients_a_page():
    grown = clone_growth(simulate(n=13, seed=3, frequencies={"G1202R": 1.0}))
    assert len(vaf_trajectories(grown)) == 2


def test_ticks_of_a_log_axis():
    assert decades([0.0005, 0.2]) == [0.001, 0.003, 0.01, 0.03, 0.1]


def test_every_figure_is_written_to_a_file(tmp_path):
    grown = clone_growth(simulate(n=2, seed=3, frequencies={"G1202R": 1.0}))
    charts = {
        "resistance_matrix": resistance_matrix(call(["WT"], coverage=TABLE)),
        "spectrum_bars": spectrum_bars(spectrum("alectinib")),
        "vaf_trajectories": vaf_trajectories(grown),
    }
    assert set(charts) == set(FIGURES)
    for name, chart in charts.items():
        (path,) = save_figure(chart, tmp_path / f"{name}.svg")
        assert path.read_text().startswith("<svg")


@pytest.mark.parametrize("figure", list(FIGURES.values()))
def test_an_empty_table_is_refused_with_what_to_give(figure):
    with pytest.raises(TableError, match="Give it"):
        figure(pl.DataFrame({"compound": []}))
