"""What the tables of a simulated trial show on average: landmarks as its visits would see them, by arithmetic, not by simulation."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final, Literal, final

from benchside.core.errors import SettingError, listed, nearest
from benchside.core.units import DAYS_PER_MONTH
from benchside.stages.clinical.simulate import Hazard
from benchside.stages.clinical.virtual.design import AdamArm, AdamDesign, Evaluator

Subgroup = Literal["all", "with CNS metastases", "without CNS metastases"]
WITH: Final = "with CNS metastases"
WITHOUT: Final = "without CNS metastases"
LAST_CONTACT_DAYS: Final = 84
"""A patient who did not drop out was last seen up to this many days before the cut-off."""


def cumulative(hazard: Hazard, months: float) -> float:
    """Return the cumulative hazard at a time.

    Examples
    --------
    >>> round(cumulative(Hazard((0.1, 0.2), (5.0,)), 7.0), 9)
    0.9
    """
    edges = (0.0, *hazard.breaks_months, math.inf)
    return sum(
        rate * (min(end, months) - start)
        for rate, (start, end) in zip(hazard.per_month, pairwise(edges), strict=True)
        if start < months
    )


def expected_hazard_ratio(design: AdamDesign, arm: str, *, evaluator: Evaluator, cut_off: date) -> float:
    """Return what Cox regression stratified by CNS metastases tends to: an arm against the control, progression-free survival.

    Where hazards are not proportional this depends on follow-up: events and patients at risk are those of the calendar, dropout
    and visits. It is the root of the score of expected counts, of two arms of the size the design gives them, ties by Efron.
    """
    treated, control = (ArmTruth.of(design, name)._followed(design, evaluator, cut_off) for name in (arm, design.control))
    low, high = math.log(1e-3), math.log(1e3)
    while high - low > 1e-10:
        middle = (low + high) / 2
        if _score(treated, control, math.exp(middle)) > 0:
            low = middle
        else:
            high = middle
    return math.exp((low + high) / 2)


def _score(treated: Sequence[tuple[float, float]], control: Sequence[tuple[float, float]], ratio: float) -> float:
    score = 0.0
    for (at_risk, events), (other_at_risk, other_events) in zip(treated, control, strict=True):
        inside, outside = ratio * (at_risk - events / 2), other_at_risk - other_events / 2
        if inside + outside > 0:
            score += events - (events + other_events) * inside / (inside + outside)
    return score


@final
@dataclass(frozen=True)
class ArmTruth:
    """Expected landmarks of one arm.

    Progression is seen at the visit after it (every 8 weeks, say), death when it happens, as the tables record them. Missed
    visits are left out: at a few percent they move a landmark by less than 0.01.
    """

    arm: AdamArm
    visit_months: float

    @classmethod
    def of(cls, design: AdamDesign, name: str) -> "ArmTruth":
        """Return the truth of one arm of a design."""
        names = [arm.name for arm in design.arms]
        if name not in names:
            message = f"design {design.study} has no arm {name!r}{nearest(name, names)}; its arms are {listed(names)}."
            raise SettingError(message)
        return cls(design.arms[names.index(name)], design.visit_every_days / DAYS_PER_MONTH)

    def progression_free(self, months: float, *, evaluator: Evaluator, subgroup: Subgroup = "all") -> float:
        """Return the share without progression seen or death at a time."""
        seen = math.floor(months / self.visit_months + 1e-9) * self.visit_months
        return self._free(seen, months, evaluator, subgroup)

    def smoothed(self, months: float, *, evaluator: Evaluator, subgroup: Subgroup = "all") -> float:
        """Return the same with progression seen half a visit interval late, whenever that is: where a median is 0.5."""
        return self._free(max(0.0, months - self.visit_months / 2), months, evaluator, subgroup)

    def cns_incidence(self, months: float, *, subgroup: Subgroup = "all") -> float:
        """Return the cumulative incidence of CNS progression as first event by independent review.

        Within a visit interval CNS progression goes before any other progression (both are seen on one date), death before both.
        """
        visits = math.floor(months / self.visit_months + 1e-9)
        found = 0.0
        for share, with_cns in self._parts(subgroup):
            for visit in range(visits):
                start, end = visit * self.visit_months, (visit + 1) * self.visit_months
                free = math.exp(-self._progression(start, "IRC", with_cns) - cumulative(self.arm.risks.death, start))
                onset = self._cns(end, with_cns) - self._cns(start, with_cns)
                dead = cumulative(self.arm.risks.death, end) - cumulative(self.arm.risks.death, start)
                found += share * free * -math.expm1(-onset) * math.exp(-dead)
        return found

    def alive(self, months: float, *, subgroup: Subgroup = "all") -> float:
        """Return the share alive at a time."""
        return self._alive_at([*self._visits_before(months), months], subgroup)[-1]

    def expected_deaths(self, design: AdamDesign) -> float:
        """Return how many deaths are seen by the cut-off: entry is even over accrual, dropout takes the others."""
        shortest = ((design.cut_off - design.accrual_end).days - LAST_CONTACT_DAYS / 2) / DAYS_PER_MONTH
        accrual = max((design.accrual_end - design.accrual_start).days / DAYS_PER_MONTH, 1e-9)
        ends = [visit * self.visit_months for visit in range(design.visits + 1)]
        alive = self._alive_at(ends[1:], "all")
        seen = 0.0
        for end, before, after in zip(ends[1:], [1.0, *alive], alive, strict=False):
            middle = end - self.visit_months / 2
            followed = min(1.0, max(0.0, 1 - (middle - shortest) / accrual))
            seen += (before - after) * followed * math.exp(-cumulative(self.arm.risks.dropout, middle))
        return self.arm.patients * seen

    def response_rate(self) -> float:
        """Return the share of confirmed responders by investigator: those who respond among those seen twice before anything."""
        return self.arm.responses.overall * self.seen_twice()

    def seen_twice(self) -> float:
        """Return the share with two visits before progression by investigator, death and dropout."""
        second = 2 * self.visit_months
        stay = math.exp(-cumulative(self.arm.risks.dropout, second))
        return self.progression_free(second, evaluator="INV") * stay

    def brain_seen_twice(self) -> float:
        """Return the share of patients with CNS metastases whose brain is seen at two visits before CNS progression."""
        first, second = self.visit_months, 2 * self.visit_months
        risks = self.arm.risks
        gone = sum(cumulative(hazard, second) for hazard in (risks.death, risks.dropout))
        elsewhere = sum(cumulative(hazard, first) for hazard in (risks.elsewhere, risks.investigator_only))
        return math.exp(-gone - elsewhere - cumulative(risks.cns, second) * risks.cns_ratio)

    def _followed(self, design: AdamDesign, evaluator: Evaluator, cut_off: date) -> list[tuple[float, float]]:
        """Return patients at risk and events of every stratum and visit."""
        first, last = ((cut_off - day).days / DAYS_PER_MONTH for day in (design.accrual_end, design.accrual_start))
        found = []
        for subgroup in (WITH, WITHOUT):
            patients = self.arm.patients * sum(share for share, with_cns in self._parts("all") if with_cns == (subgroup == WITH))
            before = 1.0
            for visit in range(1, math.floor(last / self.visit_months) + 1):
                end = visit * self.visit_months
                after = self.progression_free(end, evaluator=evaluator, subgroup=subgroup)
                followed = min(1.0, (last - end) / max(last - first, 1e-9)) * math.exp(-cumulative(self.arm.risks.dropout, end))
                found.append((patients * followed * before, patients * followed * (before - after)))
                before = after
        return found

    def _parts(self, subgroup: Subgroup) -> list[tuple[float, bool]]:
        share = {"all": self.arm.baseline.cns, WITH: 1.0, WITHOUT: 0.0}[subgroup]
        return [(share, True), (1 - share, False)]

    def _free(self, seen: float, months: float, evaluator: Evaluator, subgroup: Subgroup) -> float:
        return sum(
            share * math.exp(-self._progression(seen, evaluator, with_cns) - cumulative(self.arm.risks.death, months))
            for share, with_cns in self._parts(subgroup)
        )

    def _cns(self, months: float, with_cns: bool) -> float:  # noqa: FBT001  a patient has them or not
        return cumulative(self.arm.risks.cns, months) * (self.arm.risks.cns_ratio if with_cns else 1.0)

    def _progression(self, months: float, evaluator: Evaluator, with_cns: bool) -> float:  # noqa: FBT001  as above
        own = self.arm.risks.investigator_only if evaluator == "INV" else self.arm.risks.reviewer_only
        return self._cns(months, with_cns) + cumulative(self.arm.risks.elsewhere, months) + cumulative(own, months)

    def _visits_before(self, months: float) -> list[float]:
        return [visit * self.visit_months for visit in range(1, math.ceil(months / self.visit_months - 1e-9))]

    def _alive_at(self, times_months: Sequence[float], subgroup: Subgroup) -> list[float]:
        """Return the share alive at every visit of a row of them (the last time may be none)."""
        parts = [(share, self._alive(times_months, with_cns)) for share, with_cns in self._parts(subgroup)]
        return [sum(share * alive[i] for share, alive in parts) for i in range(len(times_months))]

    def _alive(self, times_months: Sequence[float], with_cns: bool) -> list[float]:  # noqa: FBT001  as above
        """Return survival by going from visit to visit: some progress at each, and die by another hazard from then on."""
        risks, ratio = self.arm.risks, self.arm.risks.death_after_ratio if with_cns else 1.0
        free, after, found = 1.0, 0.0, []
        state = (0.0, 0.0, 0.0)
        for end in times_months:
            now = (cumulative(risks.death, end), cumulative(risks.death_after, end), self._progression(end, "INV", with_cns))
            free *= math.exp(state[0] - now[0])
            after *= math.exp(ratio * (state[1] - now[1]))
            found.append(free + after)
            stay = math.exp(state[2] - now[2])
            free, after, state = free * stay, after + free * (1 - stay), now
        return found
