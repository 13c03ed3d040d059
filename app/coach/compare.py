"""The tab "Compare": a reference clip, and the athlete's earlier sessions."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from proskill.errors import ProskillError, VideoError

from .api import sentence
from .history import history_of, progress_value
from .page import HIDDEN, PRIVATE, detail_of, element
from .server import Coach
from .sessions import CoachSession
from .views import step_value
from .work import copying
from .work_queue import Cancelled, Step

if TYPE_CHECKING:
    from proskill.scoring import Proxy


@dataclass(frozen=True)
class Reference:
    """The clip that a page compares with: name of the original, and its safe copy."""

    file: str
    url: str
    proxy: Proxy


def build_compare(coach: Coach, *, scored: gr.State) -> None:
    """Place the tab; it follows `scored`, which changes with every answer."""
    references: weakref.WeakKeyDictionary[CoachSession, Reference] = weakref.WeakKeyDictionary()
    clips = element("coach-compare", events=("opened", "reference"))
    progress = element("coach-progress", events=("opened", "choose"))

    def clips_of(session: CoachSession, **extra: Any) -> dict[str, Any]:
        return _clips_value(session, references.get(session), **extra)

    def on_opened(request: gr.Request) -> Any:
        return clips_of(coach.session_of(request))

    async def on_reference(request: gr.Request, event: gr.EventData) -> AsyncIterator[Any]:
        session = coach.session_of(request)
        path = str(detail_of(event).get("path"))
        try:
            with coach.uploads.claimed(path, owner=session.owner) as upload:
                work = copying(upload.path, session.folder)
                async for step in coach.copy(work, session=session):
                    if isinstance(step.result, VideoError):
                        raise step.result
                    if step.result is not None:
                        url = coach.media.publish(step.result.path, owner=session.owner)
                        former = references.get(session)
                        references[session] = Reference(upload.path.name, url, step.result)
                        if former is not None:
                            former.proxy.delete()
                    yield clips_of(session, step=step)
        except (Cancelled, ProskillError) as error:
            yield clips_of(session, message=sentence(error))

    def on_alias(request: gr.Request, event: gr.EventData) -> Any:
        session = coach.session_of(request)
        return _progress_of(coach, session, str(detail_of(event).get("alias", "")))

    clips.opened(on_opened, None, clips, **HIDDEN)
    clips.reference(on_reference, None, clips, **PRIVATE)
    progress.opened(on_alias, None, progress, **HIDDEN)
    progress.choose(on_alias, None, progress, **HIDDEN)
    scored.change(on_opened, None, clips, **HIDDEN)


def _clips_value(
    session: CoachSession,
    reference: Reference | None,
    *,
    step: Step[Any] | None = None,
    message: str = "",
) -> dict[str, Any]:
    return {
        "views": [
            {"name": view.name, "url": view.url, "origin_seconds": view.origin_seconds}
            for view in session.views.values()
            if view.url
        ],
        "reference": (
            None if reference is None else {"file": reference.file, "url": reference.url}
        ),
        "busy": None if step is None or step.is_done else step_value(step),
        "message": message,
    }


def _progress_of(coach: Coach, session: CoachSession, alias: str) -> dict[str, Any]:
    take = session.result
    try:
        return progress_value(
            history_of(coach, session), alias, now=None if take is None else take.scored.assessment
        )
    except ProskillError as error:
        return {"message": sentence(error)}
