"""The section of the bundled study on its trial: endpoints read and derived, by assessment and data cut-off, as ALEX was reported."""

from typing import Final

TRIAL_SECTION: Final = """
[clinical]
title = "alectinib against crizotinib, simulated from the landmarks of ALEX"
control = "crizotinib"
published = "ALEX"
round_trip = "the published landmarks of ALEX (first-line alectinib against crizotinib)"
adsl = "adam/adsl.csv"
adtte = "adam/adtte.csv"
adrs = "adam/adrs.csv"
adtr = "adam/adtr.csv"
adae = "adam/adae.csv"
strata = ["ECOGGR1", "RACEGR1", "CNSBLFL"]
labels = { CNSBLFL = "CNS metastases at baseline", RACEGR1 = "Race", SEX = "Sex", SMOKEGR1 = "Smoking" }
landmarks_months = [12, 24]
tumours = { parameter = "SUMINV", cut_off = 2018-11-30 }

[[clinical.endpoints]]
name = "PFS"
assessment = "INV"
derive = "PFS"
parameter = "OVRINV"
visit_every_days = 56
cut_off = 2017-02-09
population = "ITT"
subgroups = ["CNSBLFL", "RACEGR1", "SEX", "SMOKEGR1"]

[[clinical.endpoints]]
name = "PFS"
assessment = "IRC"
derive = "PFS"
parameter = "OVRIRC"
visit_every_days = 56
cut_off = 2017-02-09
population = "ITT"

[[clinical.endpoints]]
name = "PFS"
assessment = "INV"
derive = "PFS"
parameter = "OVRINV"
visit_every_days = 56
cut_off = 2018-11-30
population = "ITT"

[[clinical.endpoints]]
name = "PFS"
assessment = "INV"
derive = "PFS"
parameter = "OVRINV"
visit_every_days = 56
cut_off = 2018-11-30
subjects = { CNSBLFL = "Y" }
population = "baseline CNS mets"

[[clinical.endpoints]]
name = "DOR"
assessment = "INV"
derive = "DOR"
parameter = "OVRINV"
visit_every_days = 56
cut_off = 2018-11-30
population = "confirmed responders"
strata = false

[[clinical.endpoints]]
name = "OS"
parameter = "OS"
population = "ITT"
landmarks_months = [12, 24, 60, 84]

[[clinical.endpoints]]
name = "CNS progression"
assessment = "IRC"
derive = "CNS first"
parameter = "OVRIRC"
brain = "CNSIRC"
cut_off = 2017-02-09
population = "ITT"

[[clinical.responses]]
name = "ORR"
assessment = "INV"
parameter = "OVRINV"
cut_off = 2017-02-09
population = "ITT"

[[clinical.responses]]
name = "CNS ORR"
assessment = "IRC"
parameter = "CNSIRC"
cut_off = 2017-02-09
subjects = { CNSMEFL = "Y" }
population = "measurable baseline CNS mets"

[[clinical.responses]]
name = "CNS ORR"
assessment = "IRC"
parameter = "CNSIRC"
cut_off = 2017-02-09
subjects = { CNSMEFL = "Y", CNSRTFL = "N" }
population = "measurable CNS mets, no prior RT"
"""
