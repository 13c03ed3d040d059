"""The page of a set of ratings, and its rows for the terminal."""

from proskill.reports.rating.page import render_report, write_report
from proskill.reports.rating.ranking import GroupPart, Row, group_parts

__all__ = ["GroupPart", "Row", "group_parts", "render_report", "write_report"]
