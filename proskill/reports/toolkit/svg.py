"""Inline SVG for pages; its classes are those of `base.html`."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape


def svg(parts: Sequence[str], *, width: float, height: float, title: str) -> Markup:
    """A drawing as text to be placed in HTML.

    Args:
        parts: SVG elements; texts from outside must be escaped in them.
        width, height: of the drawing in its own units; on the page it is as wide as its place.
        title: what the drawing shows, for those who cannot see it.
    """
    body = "".join(parts)
    return Markup(
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{body}</svg>"
    )


def polyline(points: Sequence[tuple[float, float]], classes: str) -> str:
    """A line through points in drawing units."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{classes}" points="{path}"/>'
