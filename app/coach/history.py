"""The tab "History": a switch, the sessions kept under aliases, and ways to forget them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import gradio as gr

from proskill.errors import ProskillError

from .api import sentence
from .page import HIDDEN, PRIVATE, detail_of, element
from .server import Coach
from .sessions import CoachSession

if TYPE_CHECKING:
    from proskill.athletes.history import History
    from proskill.athletes.progress import ProgressPoint
    from proskill.athletes.trend import Change
    from proskill.scoring import Assessment

_EVENTS = ("opened", "switch", "keep", "choose", "forget")


def build_history(coach: Coach, *, scored: gr.State) -> None:
    """Place the tab; it follows `scored`, which changes with every answer."""
    shown = element("coach-history", events=_EVENTS)

    def on_event(request: gr.Request, event: gr.EventData) -> Any:
        session = coach.session_of(request)
        history, data = history_of(coach, session), detail_of(event)
        alias, message = str(data.get("alias", "")), ""
        try:
            alias, message = _done(history, session, data, alias)
        except ProskillError as error:
            message = sentence(error)
        return shown_value(history, session, alias, message)

    def on_scored(request: gr.Request) -> Any:
        session = coach.session_of(request)
        return shown_value(history_of(coach, session), session, "", "")

    def shown_value(history: History, session: CoachSession, alias: str, message: str) -> Any:
        try:
            return _value(history, session, alias=alias, message=message)
        except ProskillError as error:
            return {"is_on": False, "message": sentence(error)}

    for name in _EVENTS:
        getattr(shown, name)(on_event, None, shown, **PRIVATE)
    scored.change(on_scored, None, shown, **HIDDEN)


def history_of(coach: Coach, session: CoachSession) -> History:
    """Return the history of the page's account, or of the machine where there are no accounts."""
    from proskill.athletes.history import History, default_history_path

    return History(coach.settings.history or default_history_path(), owner=session.owner)


def progress_value(history: History, alias: str, *, now: Assessment | None) -> dict[str, Any]:
    """Return an athlete's sessions beside each other, as `<coach-progress>` shows them.

    Args:
        history: of the person at the page.
        alias: of the athlete; the first one where it is unknown.
        now: the answer on the page, which comes last unless it was kept already.

    Raises:
        ProskillError: the history cannot be read.
    """
    from proskill.athletes.progress import progress_of

    aliases = history.aliases()
    alias = alias if alias in aliases else next(iter(aliases), "")
    kept = [(session.at, session.assessment) for session in history.sessions(alias)]
    inputs = [each.provenance.inputs for _, each in kept]
    is_new = now is not None and now.score is not None and now.provenance.inputs not in inputs
    if now is not None and is_new:
        kept.append((datetime.now(UTC), now))
    found = progress_of(kept)
    trend = found.trend
    return {
        "is_on": history.keep_days is not None,
        "aliases": list(aliases),
        "alias": alias,
        "levels": list(found.levels),
        "points": [_point(point) for point in found.points],
        "has_now": is_new,
        "since_last": _change(found.since_last, "the session before"),
        "since_first": _change(found.since_first, "the first session"),
        "trend": None if trend is None else [trend.per_30_days, trend.lower, trend.upper],
        "remarks": list(found.remarks),
        "message": "",
    }


def _done(
    history: History, session: CoachSession, data: dict[str, Any], alias: str
) -> tuple[str, str]:
    """Do what the page asked for; return the alias to show afterwards, and a sentence."""
    match data.get("what"):
        case "on":
            history.switch_on(keep_days=_number(data.get("keep_days")))
        case "off":
            history.switch_off()
            return "", "The history is off, and what was kept is deleted."
        case "keep" if session.result is not None:
            kept = history.add(alias, session.result.scored.assessment)
            return kept.alias, f"Kept under {kept.alias}."
        case "session":
            is_gone = history.delete(_number(data.get("id")))
            return alias, "One session was deleted." if is_gone else ""
        case "athlete":
            return "", f"All {history.delete_alias(alias)} sessions of {alias} were deleted."
        case "all":
            return "", f"All {history.delete_all()} sessions were deleted."
    return alias, ""


def _value(
    history: History, session: CoachSession, *, alias: str = "", message: str = ""
) -> dict[str, Any]:
    from proskill.athletes.history import KEEP_DAYS, MAX_ALIAS_LETTERS

    keep_days = history.keep_days
    aliases = history.aliases()
    alias = alias if alias in aliases else next(iter(aliases), "")
    kept = history.sessions(alias)
    take = session.result
    inputs = [each.assessment.provenance.inputs for each in kept]
    return {
        "is_on": keep_days is not None,
        "keep_days": keep_days,
        "choices": list(KEEP_DAYS),
        "max_letters": MAX_ALIAS_LETTERS,
        "aliases": [[name, count] for name, count in aliases.items()],
        "alias": alias,
        "can_keep": take is not None,
        "is_kept": take is not None and take.scored.assessment.provenance.inputs in inputs,
        "sessions": [
            {
                "id": each.id,
                "at": each.at.isoformat(),
                "status": each.assessment.status,
                "level": each.assessment.level,
                "score": each.assessment.score,
                "top": len(each.assessment.levels) - 1,
                "views": list(each.assessment.views),
                "checkpoint": each.assessment.provenance.checkpoint,
            }
            for each in reversed(kept)
        ],
        "message": message,
    }


def _point(point: ProgressPoint) -> dict[str, Any]:
    return {**asdict(point), "at": point.at.isoformat(), "is_ok": point.status == "ok"}


def _change(change: Change | None, since: str) -> dict[str, Any] | None:
    if change is None:
        return None
    answer = {True: "yes", False: "no", None: "cannot be said"}[change.is_more_than_noise]
    return {
        "since": since,
        "difference": change.difference,
        "detectable": change.detectable,
        "answer": answer,
    }


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise ProskillError("the page and the server disagree; reload it")
    return value
