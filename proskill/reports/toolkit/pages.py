"""Templates in which text from outside cannot become markup, and pages written from them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from proskill import phrases
from proskill.whole_file import write_whole

_ADVICE: Final = "free some space or choose another place"
_MAX_NAME: Final = 80


def template_environment(*loaders: BaseLoader) -> Environment:
    """Return templates with escaping on: those of this package and those of a page.

    Formats of `proskill.phrases` are filters, the module itself is the global `phrases`.

    Args:
        loaders: of a page's own templates; they are searched first.
    """
    environment = Environment(
        loader=ChoiceLoader([*loaders, PackageLoader("proskill.reports.toolkit")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.globals.update(phrases=phrases)
    environment.filters.update(
        counted=phrases.counted,
        figure=phrases.figure_text,
        fixed=phrases.fixed,
        interval=phrases.interval_text,
        name=_name,
        percent=phrases.percent,
        probability=phrases.probability_text,
        signed=phrases.signed,
    )
    return environment


def render_page(template: str, *packages: str, **values: object) -> str:
    """Return a page made from the templates of some packages of reports."""
    loaders = (PackageLoader(f"proskill.reports.{package}") for package in packages)
    environment = template_environment(*loaders)
    return environment.get_template(template).render(**values)


def write_page(path: Path, text: str) -> None:
    """Write a page whole or not at all.

    Raises:
        ProskillError: the file cannot be written.
    """
    write_whole(path, [text.encode("utf-8", "replace")], advice=_ADVICE)


def _name(text: str) -> Markup:
    """Return a name from outside, shortened, with its direction of writing kept to itself."""
    line = " ".join(text.split())
    if len(line) <= _MAX_NAME:
        return Markup("<bdi>{}</bdi>").format(line)
    cut = f"{line[: _MAX_NAME - 1]}\N{HORIZONTAL ELLIPSIS}"
    return Markup('<bdi title="{}">{}</bdi>').format(escape(line[:1000]), cut)
