"""Charts as data: the predicted Kaplan-Meier curves with their bands."""

from typing import Any, Final

import altair as alt
import numpy as np
import polars as pl

from benchside.core.figure import BLUE, VERMILION
from benchside.stages.trial.model import NOTE
from benchside.stages.trial.predict import arms_of, curves, step_value
from benchside.stages.trial.read import read

COLOURS: Final = (BLUE, VERMILION)


def survival_bands(data: Any, *, level: float = 0.95) -> pl.DataFrame:
    """Return ``arm, time_months, survival, lower, upper``: median and percentiles over replicates, every half month."""
    arms = arms_of(read(data).table)
    months = np.arange(0.0, float(arms.time_months.max()) + 0.5, 0.5)
    tail = (1 - level) / 2
    parts = []
    for name, members in arms.by_arm():
        lines = np.empty((arms.time_months.shape[0], months.size))
        for k in range(lines.shape[0]):
            chosen = members[k]
            time, survival, _ = curves(arms.time_months[k, chosen], arms.event[k, chosen], arms.cns_event[k, chosen])
            lines[k] = step_value(time, survival, months, 1.0)
        lower, middle, upper = np.quantile(lines, [tail, 0.5, 1 - tail], axis=0)
        parts.append(pl.DataFrame({"arm": name, "time_months": months, "survival": middle, "lower": lower, "upper": upper}))
    return pl.concat(parts)


def kaplan_meier(data: Any, *, level: float = 0.95) -> alt.LayerChart:
    """Return the predicted PFS curves, a band an arm, with the predicted hazard ratio in a box.

    Parameters
    ----------
    data
        A TrialRun or its table.
    """
    run = read(data)
    bands = survival_bands(run, level=level)
    names = bands["arm"].unique(maintain_order=True).to_list()
    scale = alt.Scale(domain=names, range=list(COLOURS))
    title = alt.TitleParams(
        f"Predicted PFS ({NOTE})",
        subtitle=f"median and {level:.0%} band over {run.table['replicate'].n_unique()} virtual trials",
    )
    base = alt.Chart(bands, title=title, width=480, height=300)
    legend = alt.Legend(symbolType="stroke", symbolOpacity=1, symbolStrokeWidth=2, symbolSize=300)
    colour = alt.Color("arm:N", scale=scale, title="arm", legend=legend)
    dash = alt.StrokeDash("arm:N", title="arm", legend=legend, scale=alt.Scale(domain=names, range=[[6, 4], [1, 0]]))
    x = alt.X("time_months:Q", title="time since randomisation (months)")
    band = base.mark_area(opacity=0.2, interpolate="step-after").encode(
        x=x,
        y=alt.Y("lower:Q", title="progression-free (fraction)", scale=alt.Scale(domain=[0, 1])),
        y2="upper:Q",
        color=colour,
    )
    line = base.mark_line(interpolate="step-after", strokeWidth=2).encode(
        x=x,
        y=alt.Y("survival:Q", title="progression-free (fraction)"),
        color=colour,
        strokeDash=dash,
    )
    box = alt.Chart(pl.DataFrame({"label": [_hazard_ratio(run.predict(level).table)]})).encode(
        x=alt.value(12), y=alt.value(288), text="label:N"
    )
    chart: alt.LayerChart = band + line + box.mark_text(align="left", baseline="bottom", fontSize=13)
    return chart


def _hazard_ratio(predictions: pl.DataFrame) -> str:
    row = predictions.filter(pl.col("quantity") == "hazard_ratio").row(0, named=True)
    if row["value"] is None:
        return f"HR not estimable ({NOTE})"
    interval = ", ".join("NE" if limit is None else f"{limit:.2f}" for limit in (row["lower"], row["upper"]))
    return f"HR {row['arm']} v {row['comparator']}: {row['value']:.2f} ({interval}), {NOTE}"


FIGURES: Final = {"kaplan_meier": kaplan_meier}
