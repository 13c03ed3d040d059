"""Templates and style sheets of the coach's page, in the look that all pages share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from proskill.reports.toolkit import template_environment

STATIC = Path(__file__).parent / "static"
_TEMPLATES = Path(__file__).parent / "templates"


@cache
def coach_environment() -> Environment:
    """Templates of this package; usable before torch is loaded."""
    return template_environment(FileSystemLoader(_TEMPLATES))


@cache
def answer_environment() -> Environment:
    """The same, with the parts of an assessment that reports show; loads torch."""
    from proskill.reports.assessment.page import page_environment

    return page_environment(FileSystemLoader(_TEMPLATES))


@cache
def style_sheet() -> str:
    """The shared look, kept to what this package draws: Gradio's own parts keep theirs."""
    environment = coach_environment()
    palette = environment.get_template("palette.css").render()
    shared = environment.get_template("base.css").render()
    sheets = (STATIC / name for name in ("page.css", "records.css"))
    own = "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    return f"{palette}\n.coach {{\n{shared}\n}}\n{own}"
