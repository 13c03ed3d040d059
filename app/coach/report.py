"""Reports of the last assessment: a button for each format."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import gradio as gr

from proskill.errors import ProskillError

from .api import sentence
from .page import HIDDEN, PRIVATE, detail_of, element
from .server import Coach
from .sessions import CoachSession, ShownResult
from .work_queue import Cancelled, Progress

_FORMATS = {".html": "Page", ".pdf": "PDF", ".csv": "CSV", ".json": "JSON"}


def build_report_downloads(coach: Coach, *, scored: gr.State) -> None:
    """Place the buttons, which appear with an assessment.

    Args:
        coach: the server.
        scored: changes with every assessment.
    """
    reports = element("coach-reports", events=("wanted",))

    async def on_wanted(request: gr.Request, event: gr.EventData) -> AsyncIterator[Any]:
        session = coach.session_of(request)
        take, suffix = session.result, str(detail_of(event).get("suffix"))
        if take is None or suffix not in _FORMATS:
            yield _value(session)
            return
        yield _value(session, busy=suffix)
        try:
            async for step in coach.run(_writing(session, take, suffix), session=session):
                if step.result is not None:
                    name = f"{_plain(take)}{suffix}"
                    url = coach.media.publish(step.result, owner=session.owner, download_name=name)
                    yield _value(session, url=url, name=name)
        except Cancelled:
            yield _value(session)
        except ProskillError as error:
            yield _value(session, message=sentence(error))

    def on_scored(request: gr.Request) -> Any:
        return _value(coach.session_of(request))

    reports.wanted(on_wanted, None, reports, **PRIVATE)
    scored.change(on_scored, None, reports, **HIDDEN)


def _value(
    session: CoachSession, *, busy: str = "", url: str = "", name: str = "", message: str = ""
) -> dict[str, Any] | None:
    if session.result is None:
        return None
    return {
        "formats": [[suffix, label] for suffix, label in _FORMATS.items()],
        "busy": busy,
        "url": url,
        "name": name,
        "message": message,
    }


def _writing(session: CoachSession, take: ShownResult, suffix: str) -> Callable[[Progress], Path]:
    """Return the work of writing a report into the private folder of its page."""

    def work(progress: Progress) -> Path:
        progress("writing the report", 0.0)
        from proskill.reports.assessment import write_report

        # The explanation may have come while this waited for its turn.
        now = session.result
        newest = now if now is not None and now.id == take.id else take
        path = session.folder / f"report{suffix}"  # in place of the last one
        write_report(
            path,
            take.scored.assessment,
            explanation=newest.scored.explanation,
            files={name: proxy.path for name, proxy in take.scored.proxies.items()},
        )
        return path

    return work


def _plain(take: ShownResult) -> str:
    """Return a name that every file system accepts: heading and level."""
    from proskill.reports.assessment import heading_of

    words = f"{heading_of(take.scored.assessment)} {take.scored.assessment.level or 'no level'}"
    return re.sub(r"[^\w]+", "-", words).strip("-_")[:80] or "report"
