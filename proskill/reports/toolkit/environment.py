"""Templates that cannot let a foreign text become markup."""

from __future__ import annotations

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, StrictUndefined


def template_environment(*loaders: BaseLoader) -> Environment:
    """Templates with escaping on: `base.html` of this package and those of a page.

    Args:
        loaders: where a page's own templates lie; they are searched first.
    """
    return Environment(
        loader=ChoiceLoader([*loaders, PackageLoader("proskill.reports.toolkit")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
