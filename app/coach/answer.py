"""An assessment on the page: HTML for the level and its certainty, values for the player.

Every text that comes from outside is escaped by the template engine, or handed over as JSON whose
strings the scripts only ever set as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .rendering import answer_environment
from .server import Coach
from .sessions import CoachSession
from .views import step_value
from .work_queue import Step

if TYPE_CHECKING:
    from proskill.scoring import Assessment, Explanation


def answer_html(assessment: Assessment, *, limits: Sequence[str] = ()) -> str:
    """Return the level with its certainty, or the reasons why there is none.

    Args:
        assessment: to show.
        limits: of the model, as its card states them.
    """
    from proskill.reports.assessment import assessment_context

    template = answer_environment().get_template("answer.html")
    return template.render(**assessment_context(assessment), limits=limits)


def details_html(assessment: Assessment) -> str:
    """Return each view by itself, warnings, and provenance."""
    from proskill.reports.assessment import assessment_context

    template = answer_environment().get_template("details.html")
    return template.render(**assessment_context(assessment))


def player_value(
    coach: Coach, session: CoachSession, *, step: Step[Any] | None = None, failure: str = ""
) -> dict[str, Any] | None:
    """Return the value of `<coach-player>` for the last assessment of a page.

    Args:
        coach: gives the videos their addresses.
        session: of the page.
        step: of the explanation while it is made.
        failure: the reason why there is none.
    """
    take = session.result
    if take is None:
        return None
    assessment = take.scored.assessment
    addresses = {view.proxy.path: view.url for view in session.views.values() if view.proxy}
    return {
        "id": take.id,
        "status": assessment.status,
        "views": [
            {
                "name": name,
                "kind": assessment.views[name].kind,
                "status": assessment.views[name].status,
                "url": addresses.get(proxy.path)
                or coach.media.publish(proxy.path, owner=session.owner),
                "offset_seconds": assessment.provenance.offsets_seconds.get(name, 0.0),
                "duration_seconds": assessment.views[name].duration_seconds,
            }
            for name, proxy in take.scored.proxies.items()
        ],
        "levels": list(assessment.levels),
        "windows": [
            [window.start_seconds, window.end_seconds, window.score]
            for window in assessment.timeline
        ],
        "explanation": None
        if take.scored.explanation is None
        else _explained(take.scored.explanation),
        "busy": None if step is None or step.is_done else step_value(step),
        "failure": failure,
    }


def _explained(explanation: Explanation) -> dict[str, Any]:
    return {
        "segments": [
            [part.start_seconds, part.end_seconds, part.effect, part.noise, part.may_be_chance]
            for part in explanation.segments
        ],
        "moments": [
            {
                "start_seconds": moment.start_seconds,
                "end_seconds": moment.end_seconds,
                "effect": moment.effect,
                "view": moment.view,
            }
            for moment in explanation.moments
        ],
        "views": [
            {"name": name, "share": view.share, "without_it": view.without_it}
            for name, view in explanation.views_by_share
        ],
        "method": explanation.method,
    }
