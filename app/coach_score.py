"""The tab "Score": views in, the answer, why, and the endpoint `/score`. Layout and callbacks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import gradio as gr

from proskill.errors import ProskillError, VideoError

from .coach_answer import answer_html, player_value
from .coach_api import add_endpoint, sentence
from .coach_page import element
from .coach_queue import Cancelled
from .coach_server import Coach
from .coach_sessions import CoachSession, SessionView
from .coach_views import views_value
from .coach_work import copying, explaining, scoring

_EVENTS = ("added", "edited", "score", "cancel")


def build_score(coach: Coach, *, scored: gr.State) -> None:
    """Place the tab; `scored` changes with every answer."""
    views = element("coach-views", events=_EVENTS, value={"views": []})
    answer = gr.HTML(visible=False, apply_default_css=False, elem_id="coach-answer")
    player = element("coach-player")

    async def on_added(request: gr.Request, event: gr.EventData) -> AsyncIterator[Any]:
        session = coach.session_of(request)
        async for _ in _copy(coach, session, event._data):
            yield views_value(session)

    async def on_edited(request: gr.Request, event: gr.EventData) -> Any:
        session = coach.session_of(request)
        try:
            session.edit_views(event._data.get("rows"))
        except ProskillError as error:
            return views_value(session, message=str(error))
        return views_value(session)

    async def on_score(request: gr.Request, event: gr.EventData) -> AsyncIterator[Any]:
        session = coach.session_of(request)
        nothing = gr.skip()
        try:
            session.edit_views(event._data.get("rows"))
            async for step in coach.run(scoring(coach, session), session=session):
                if step.result is None:
                    yield views_value(session, step=step), nothing, nothing, nothing
                else:
                    session.result = step.result
        except Cancelled:
            yield views_value(session, message="Cancelled."), nothing, nothing, nothing
            return
        except ProskillError as error:
            yield views_value(session, message=sentence(error)), nothing, nothing, nothing
            return
        take = session.result
        assert take is not None
        shown = gr.update(value=answer_html(take.assessment), visible=True)
        yield views_value(session), shown, player_value(coach, session), take.id
        if take.assessment.status == "abstained":
            return
        try:
            async for part in coach.run(explaining(coach, take), session=session):
                if part.result is not None:
                    session.result = replace(take, explanation=part.result)
                yield nothing, nothing, player_value(coach, session, step=part), nothing
        except (Cancelled, ProskillError) as error:
            yield nothing, nothing, player_value(coach, session, failure=str(error)), nothing

    def on_cancel(request: gr.Request) -> None:
        coach.session_of(request).cancel()

    hidden = {"api_visibility": "private", "show_progress": "hidden", "trigger_mode": "multiple"}
    views.added(on_added, None, views, **hidden)
    views.edited(on_edited, None, views, **hidden)
    views.score(on_score, None, [views, answer, player, scored], **hidden)
    views.cancel(on_cancel, None, None, **hidden)
    add_endpoint(coach)


async def _copy(coach: Coach, session: CoachSession, data: Any) -> AsyncIterator[None]:
    """Take an upload over and make its safe copy; every step ends in the session."""
    view: SessionView | None = None
    try:
        upload = coach.uploads.claim(str(data.get("path")), owner=session.owner)
        view = session.add_view(upload.path.name, row=str(data.get("row")))
        work = copying(upload, session.folder, max_bytes=coach.settings.max_upload_bytes)
        async for step in coach.run(work, session=session):
            view.what, view.share = step.what, step.share
            if isinstance(step.result, VideoError):
                view.error = step.result
            elif step.result is not None:
                view.proxy = step.result
                view.url = coach.media.publish(view.proxy.path, owner=session.owner)
            yield
    except (Cancelled, ProskillError) as error:
        if view is not None:
            reason = "was cancelled" if isinstance(error, Cancelled) else sentence(error)
            view.error = VideoError(view.file, reason)
        yield
