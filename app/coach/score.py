"""The tab "Score": views, the assessment and its explanation; the work itself is in `work.py`."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr

from proskill.errors import ProskillError, VideoError

from .answer import answer_html, details_html, player_value
from .api import sentence
from .examples import Example
from .page import PRIVATE, detail_of, element
from .report import build_report_downloads
from .server import Coach
from .sessions import CoachSession
from .views import first_value, views_value
from .work import aligning, copying, explaining, making, scoring
from .work_queue import Cancelled, Progress, Step

_EVENTS = ("added", "edited", "removed", "example", "align", "clear", "score", "cancel")

T = TypeVar("T")
Shown = dict[Any, Any]  # component -> its new value


@dataclass(frozen=True)
class _Parts:
    """The components of the tab."""

    views: Any
    answer: Any
    player: Any
    details: Any
    scored: Any


def build_score(coach: Coach, *, scored: gr.State, examples: list[Example]) -> None:
    """Place the tab; `scored` changes with every answer, and is empty without one."""
    views = element("coach-views", events=_EVENTS, value=first_value(examples))
    answer = gr.HTML(visible=False, apply_default_css=False, elem_id="coach-answer")
    player = element("coach-player", events=("cancel",))
    build_report_downloads(coach, scored=scored)
    details = gr.HTML(visible=False, apply_default_css=False)
    parts = _Parts(views, answer, player, details, scored)

    async def on_added(request: gr.Request, event: gr.EventData) -> AsyncIterator[Any]:
        session = coach.session_of(request)
        path, row = str(detail_of(event).get("path")), str(detail_of(event).get("row"))
        try:
            with coach.uploads.claimed(path, owner=session.owner) as upload:
                async for value in _copy(coach, session, upload.path, row=row):
                    yield value
        except ProskillError as error:
            yield views_value(session, message=sentence(error))

    def on_edited(request: gr.Request, event: gr.EventData) -> Any:
        session = coach.session_of(request)
        return views_value(session, message=_edit(session, event))

    def on_removed(request: gr.Request, event: gr.EventData) -> Any:
        session = coach.session_of(request)
        session.remove_view(str(detail_of(event).get("row")))
        return views_value(session)

    async def on_align(request: gr.Request, event: gr.EventData) -> AsyncIterator[Any]:
        session = coach.session_of(request)
        if message := _edit(session, event):
            yield views_value(session, message=message)
            return
        try:
            async for step in run_shown(coach, session, aligning(session)):
                if step.result is None:
                    yield views_value(session)
                else:
                    message = _aligned(session, step.result)
        except (Cancelled, ProskillError) as error:
            message = sentence(error)
        yield views_value(session, message=message)

    async def on_score(request: gr.Request, event: gr.EventData) -> AsyncIterator[Shown]:
        session = coach.session_of(request)
        if message := _edit(session, event):
            yield {views: views_value(session, message=message)}
            return
        async for shown in _score(coach, session, parts):
            yield shown

    async def on_example(request: gr.Request, event: gr.EventData) -> AsyncIterator[Shown]:
        session = coach.session_of(request)
        chosen = [each for each in examples if each.id == detail_of(event).get("id")]
        if chosen:
            yield _cleared(session, parts)
            async for shown in _try(coach, session, parts, chosen[0]):
                yield shown

    def on_clear(request: gr.Request) -> Shown:
        return _cleared(coach.session_of(request), parts)

    def on_cancel(request: gr.Request) -> None:
        coach.session_of(request).cancel()

    everything = [views, answer, player, details, scored]
    views.added(on_added, None, views, **PRIVATE)
    views.edited(on_edited, None, views, **PRIVATE)
    views.removed(on_removed, None, views, **PRIVATE)
    views.align(on_align, None, views, **PRIVATE)
    views.score(on_score, None, everything, **PRIVATE)
    views.example(on_example, None, everything, **PRIVATE)
    views.clear(on_clear, None, everything, **PRIVATE)
    for part in (views, player):
        part.cancel(on_cancel, None, None, **PRIVATE)


async def run_shown(
    coach: Coach, session: CoachSession, work: Callable[[Progress], T]
) -> AsyncIterator[Step[T]]:
    """Run work that the whole page waits for and shows the progress of."""
    try:
        async for step in coach.run(work, session=session):
            session.step = None if step.is_done else step
            yield step
    finally:
        session.step = None


async def _copy(
    coach: Coach, session: CoachSession, source: Path, *, row: str
) -> AsyncIterator[dict[str, Any]]:
    """Make the safe copy of a video; yield the views after every step."""
    try:
        view = session.add_view(source.name, row=row)
    except ProskillError as error:
        yield views_value(session, message=str(error))
        return
    try:
        work = copying(source, session.folder)
        async for step in coach.copy(work, session=session, view=view):
            view.step = step
            if isinstance(step.result, VideoError):
                view.error = step.result
            elif step.result is not None:
                view.proxy = step.result
                view.url = coach.media.publish(view.proxy.path, owner=session.owner)
                if view.id not in session.views:  # removed at the last moment
                    session.drop_files(view)
            yield views_value(session)
    except (Cancelled, ProskillError) as error:
        view.error = VideoError(view.file, sentence(error))
        yield views_value(session)


async def _score(coach: Coach, session: CoachSession, parts: _Parts) -> AsyncIterator[Shown]:
    """Score the views of the page, show the assessment, then explain it."""
    take = None
    try:
        async for step in run_shown(coach, session, scoring(coach, session)):
            take = step.result
            if take is None:
                yield {parts.views: views_value(session)}
    except (Cancelled, ProskillError) as error:
        yield {parts.views: views_value(session, message=sentence(error))}
    if take is None:
        return
    session.result = take
    answer = answer_html(take.scored.assessment, limits=coach.limits())
    yield {
        parts.views: views_value(session),
        parts.answer: gr.update(value=answer, visible=True),
        parts.player: player_value(coach, session),
        parts.details: gr.update(value=details_html(take.scored.assessment), visible=True),
        parts.scored: take.id,
    }
    if take.scored.assessment.status == "abstained":
        return
    try:
        async for part in coach.run(explaining(coach, session, take), session=session):
            yield {parts.player: player_value(coach, session, step=part)}
    except (Cancelled, ProskillError) as error:
        if session.result is not None and session.result.id == take.id:
            session.result = take  # half an explanation is in no report
        yield {parts.player: player_value(coach, session, failure=sentence(error))}


async def _try(
    coach: Coach, session: CoachSession, parts: _Parts, example: Example
) -> AsyncIterator[Shown]:
    """Put an example on the page and score it."""
    paths: list[Path] = []
    try:
        async for step in run_shown(coach, session, making(coach, example)):
            paths = step.result or []
            if not step.is_done:
                yield {parts.views: views_value(session)}
    except (Cancelled, ProskillError) as error:
        yield {parts.views: views_value(session, message=sentence(error))}
        return
    for number, path in enumerate(paths):
        row = f"{example.id}-{number}-{secrets.token_hex(4)}"
        async for value in _copy(coach, session, path, row=row):
            yield {parts.views: value}
        if row not in session.views:  # the page was cleared meanwhile
            return
    async for shown in _score(coach, session, parts):
        yield shown


def _cleared(session: CoachSession, parts: _Parts) -> Shown:
    session.clear()
    return {
        parts.views: views_value(session),
        parts.answer: gr.update(value="", visible=False),
        parts.player: None,
        parts.details: gr.update(value="", visible=False),
        parts.scored: "",
    }


def _edit(session: CoachSession, event: gr.EventData) -> str:
    """Take over what was typed; return a sentence where it is not allowed."""
    try:
        session.edit_views(detail_of(event).get("rows"))
    except ProskillError as error:
        return str(error)
    return ""


def _aligned(session: CoachSession, origins: dict[str, float]) -> str:
    for view in session.views.values():
        view.origin_seconds = origins.get(view.name, view.origin_seconds)
    return "Aligned by sound. Look at a moment that is easy to see, to be sure."
