"""One assessment as a file to keep or to send: HTML, PDF, CSV or JSON, by its ending.

HTML and PDF are for people and made from one template; CSV has a row for each value of the JSON,
provenance included.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from proskill.errors import ProskillError
from proskill.reports.assessment.page import render_report
from proskill.scoring.assessment import Assessment
from proskill.scoring.explanation import Explanation
from proskill.table_files import csv_bytes, escape_cell
from proskill.whole_file import write_whole

REPORT_SUFFIXES = (".html", ".pdf", ".csv", ".json")


def write_report(
    path: str | Path,
    assessment: Assessment,
    *,
    explanation: Explanation | None = None,
    files: Mapping[str, str | Path] | None = None,
    heading: str = "",
) -> None:
    """Write a report whole or not at all; arguments as `report_content`.

    Raises:
        ProskillError: another ending, a PDF without plutoprint (extra `app`), or a file that
            cannot be written.
    """
    out = Path(path)
    content = report_content(out, assessment, explanation=explanation, files=files, heading=heading)
    write_whole(out, [content], advice="free some space or choose another place for the report")


def report_content(
    name: str | Path,
    assessment: Assessment,
    *,
    explanation: Explanation | None = None,
    files: Mapping[str, str | Path] | None = None,
    heading: str = "",
) -> bytes:
    """Return the content of a report.

    Args:
        name: its ending is the format, one of `REPORT_SUFFIXES`.
        assessment: to show.
        explanation: of the same assessment.
        files: view name -> video file, for pictures; without them there are none.
        heading: title; by default the words that the files' names share.

    Raises:
        ProskillError: another ending, or a PDF without plutoprint (extra `app`).
    """
    suffix = Path(name).suffix.lower()
    if suffix in (".html", ".pdf"):
        page = render_report(assessment, explanation=explanation, files=files, heading=heading)
        if suffix == ".html":
            return page.encode()
        from proskill.reports.pdf import html_to_pdf

        return html_to_pdf(page)
    values = assessment.to_dict()
    if explanation is not None:
        values["explanation"] = explanation.to_dict()
    if suffix == ".json":
        return f"{json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)}\n".encode()
    if suffix == ".csv":
        return csv_bytes(("name", "value"), _cells("", values))
    raise ProskillError(
        f"{name}: a report is written as {', '.join(REPORT_SUFFIXES)}; choose such an ending"
    )


def _cells(name: str, value: Any) -> Iterator[tuple[str, object]]:
    """Yield (dotted name, value) of everything nested, without None and empty collections."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _cells(f"{name}.{key}" if name else key, part)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _cells(f"{name}.{number}", part)
    elif value is not None:
        yield escape_cell(name), escape_cell(value) if isinstance(value, str) else value
