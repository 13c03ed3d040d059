"""Pages of finished runs: one evaluation, two runs compared, a calibration."""

from proskill.reports.evaluation.calibration_page import (
    calibration_rows,
    status_shares,
    write_calibration_page,
)
from proskill.reports.evaluation.comparison_page import write_comparison_page
from proskill.reports.evaluation.page import REPORT_FILE, worst_takes, write_report

__all__ = [
    "REPORT_FILE",
    "calibration_rows",
    "status_shares",
    "worst_takes",
    "write_calibration_page",
    "write_comparison_page",
    "write_report",
]
