"""The page of the demo."""

from proskill.reports.demo.page import CONTROLS, DemoResults, write_demo_report

__all__ = ["CONTROLS", "DemoResults", "write_demo_report"]
