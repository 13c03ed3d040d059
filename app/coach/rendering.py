"""Templates and style sheets of the coach's page, in the look that all pages share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, PackageLoader

from proskill.reports.toolkit import template_environment

STATIC = Path(__file__).parent / "static"
_TEMPLATES = Path(__file__).parent / "templates"


@cache
def coach_environment() -> Environment:
    """Return the templates of this package, without loading torch."""
    return template_environment(FileSystemLoader(_TEMPLATES))


@cache
def answer_environment() -> Environment:
    """Return the same with the parts of an assessment that reports show; loads torch."""
    return template_environment(
        FileSystemLoader(_TEMPLATES), PackageLoader("proskill.reports.assessment")
    )


@cache
def style_sheet() -> str:
    """Return the shared look, limited to elements of this package, not to Gradio's."""
    environment = coach_environment()
    palette = environment.get_template("palette.css").render()
    shared = environment.get_template("base.css").render()
    sheets = (STATIC / name for name in ("page.css", "records.css"))
    own = "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    return f"{palette}\n.coach {{\n{shared}\n}}\n{own}"
