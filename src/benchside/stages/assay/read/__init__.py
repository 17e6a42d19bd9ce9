"""Files to wells: reader exports, plate grids, long tables and GDSC raw tables, each with the cell every number came from."""

from benchside.stages.assay.read.door import read, read_responses
from benchside.stages.assay.read.export import preview
from benchside.stages.assay.read.time_course import TimeCourse, read_time_course

__all__ = ["TimeCourse", "preview", "read", "read_responses", "read_time_course"]
