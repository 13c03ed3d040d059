"""The named endpoint `/score`, for programs: the same answer as the page and `proskill score`."""

# Types are not postponed here: Gradio reads them to describe the endpoint.
from contextlib import ExitStack, aclosing
from typing import Any

import gradio as gr

from proskill.errors import ProskillError, StorageError, VideoError

from .server import Coach
from .sessions import check_view_names
from .uploads import NO_ROOM
from .work import scoring_files
from .work_queue import Cancelled


def add_endpoint(coach: Coach) -> None:
    """Offer `/score` on the page that is being built."""

    async def score(
        files: list[gr.FileData], request: gr.Request, names: list[str] | None = None
    ) -> dict[str, Any]:
        """Score the videos of one performance.

        `files` are its views, at most eight; `names` their names, one for each file, guessed from
        the files' names if left out. The answer is the JSON that `proskill score --as-upload
        --json` prints.
        """
        session = coach.session_of(request)
        try:
            _check(files, names)
            with ExitStack() as stack:
                claims = [coach.uploads.claimed(_path_of(f), owner=session.owner) for f in files]
                uploads = [stack.enter_context(claim) for claim in claims]
                work = scoring_files(coach, uploads, names)
                async with aclosing(coach.run(work, session=session)) as steps:
                    async for step in steps:
                        if step.result is not None:
                            return step.result
        except (Cancelled, ProskillError) as error:
            raise gr.Error(sentence(error), print_exception=False) from None
        finally:
            coach.sessions.end_unused(session)
        raise gr.Error("The call ended without an answer.", print_exception=False)

    gr.events.api(score, api_name="score")


def _check(files: Any, names: Any) -> None:
    """Refuse JSON of another form, which Gradio hands over as it was sent."""
    is_named = names is None or (
        isinstance(names, list) and all(isinstance(name, str) for name in names)
    )
    if not isinstance(files, list) or not is_named:
        raise ProskillError("/score takes a list of videos and, if you like, a list of their names")
    check_view_names(names or [])


def _path_of(file: Any) -> str:
    return str(file.get("path")) if isinstance(file, dict) else ""


def sentence(error: Exception) -> str:
    """Return an error for people elsewhere, without the folders of this server."""
    if isinstance(error, Cancelled):
        return "Cancelled."
    if isinstance(error, VideoError):
        return f"{error.path.name}: {error.reason}"
    if isinstance(error, StorageError):
        return NO_ROOM
    return str(error)
