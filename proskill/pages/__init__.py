"""The look that all pages share: one template, one set of colours, inline SVG that follows them."""

from proskill.pages.environment import template_environment
from proskill.pages.svg import polyline, svg

__all__ = ["polyline", "svg", "template_environment"]
