"""Reports of one assessment: HTML page, PDF, CSV and JSON, and the parts that other pages show."""

from proskill.reports.assessment.charts import skill_radar, skill_ranges
from proskill.reports.assessment.files import REPORT_SUFFIXES, report_content, write_report
from proskill.reports.assessment.page import (
    assessment_context,
    heading_of,
    render_report,
    view_strips,
)

__all__ = [
    "REPORT_SUFFIXES",
    "assessment_context",
    "heading_of",
    "render_report",
    "report_content",
    "skill_radar",
    "skill_ranges",
    "view_strips",
    "write_report",
]
