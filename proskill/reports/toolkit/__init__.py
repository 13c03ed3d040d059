"""The look that all pages share: base template, colours, and charts as inline SVG."""

from proskill.reports.toolkit.axis import (
    Axis,
    axis_over,
    count_axis,
    level_axis,
    number_text,
    round_ticks,
    share_axis,
    time_axis,
)
from proskill.reports.toolkit.chart import LETTER_WIDTH, Chart, svg
from proskill.reports.toolkit.pages import render_page, template_environment, write_page

__all__ = [
    "LETTER_WIDTH",
    "Axis",
    "Chart",
    "axis_over",
    "count_axis",
    "level_axis",
    "number_text",
    "render_page",
    "round_ticks",
    "share_axis",
    "svg",
    "template_environment",
    "time_axis",
    "write_page",
]
