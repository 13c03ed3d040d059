"""Write `docs/api.md` from the docstrings of every public name: `python docs/make_api.py`."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("api.md")
PACKAGES = (
    "proskill",
    "proskill.data",
    "proskill.video",
    "proskill.models",
    "proskill.evaluation",
    "proskill.scoring",
    "proskill.rating",
)


def make_page() -> str:
    """Return the page: the `__all__` of each package, with signatures and docstrings."""
    lines = ["# API", "", "Made from the docstrings by `python docs/make_api.py`; do not edit.", ""]
    lines += [f"- [`{name}`](#{name.replace('.', '')})" for name in PACKAGES]
    for package in PACKAGES:
        lines += list(_package(package))
    return "\n".join(lines) + "\n"


def _package(name: str) -> Iterator[str]:
    module = importlib.import_module(name)
    yield from ("", f"## {name}", "", _text(module))
    for public in sorted(set(module.__all__) - {"__version__"}):
        value = getattr(module, public)
        yield from ("", f"### {public}", "")
        if callable(value):
            yield from ("```", f"{public}{_signature(value)}", "```", "")
            yield _text(value)
        else:
            yield f"`{_stable(repr(value))}`"


def _signature(value: Any) -> str:
    try:
        text = str(inspect.signature(value))
        return _stable(re.sub(r"(: |-> )'([^']*)'", r"\1\2", text))  # annotations are strings
    except ValueError:
        return "(...)"


def _stable(text: str) -> str:
    return re.sub(r" at 0x[0-9a-f]+", "", re.sub(r"PosixPath\(('[^']*')\)", r"Path(\1)", text))


def _text(value: Any) -> str:
    """Return the docstring as Markdown: sections in bold, their lines and examples as code."""
    text = inspect.getdoc(value) or ""
    if inspect.isclass(value) and not value.__dict__.get("__doc__"):
        text = ""  # an inherited docstring describes another class
    text = re.sub(r"^(\w[\w ]*):$", r"**\1**\n", text, flags=re.MULTILINE)
    out: list[str] = []
    fenced = False
    for line in text.split("\n"):
        is_code = bool(line) and (line.startswith("    ") or line.lstrip().startswith(">>>"))
        if (is_code and not fenced) or (fenced and not line):
            out.append("```")
        fenced = is_code or (fenced and bool(line))
        out.append(line)
    return "\n".join([*out, "```"] if fenced else out).strip()


if __name__ == "__main__":
    PAGE.write_text(make_page(), encoding="utf-8")
