"""Files to wells: plate grids, long tables and GDSC raw tables, each with the cell every number came from."""

from benchside.stages.assay.read.door import read, read_responses

__all__ = ["read", "read_responses"]
