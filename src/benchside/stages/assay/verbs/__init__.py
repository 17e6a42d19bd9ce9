"""The steps of the assay stage as the study calls them: tables in, a table and its lineage out."""

from collections.abc import Mapping
from typing import Final

from benchside.core.stage import Verb
from benchside.stages.assay.verbs import curves, mechanism, plates, together

VERBS: Final[Mapping[str, Verb]] = {verb.name: verb for module in (plates, curves, mechanism, together) for verb in module.VERBS}
