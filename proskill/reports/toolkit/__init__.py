"""The look that all pages share: one template, one set of colours, inline SVG that follows them."""

from proskill.reports.toolkit.environment import template_environment
from proskill.reports.toolkit.svg import polyline, svg

__all__ = ["polyline", "svg", "template_environment"]
