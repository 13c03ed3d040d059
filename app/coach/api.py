"""The named endpoint `/score`: the same answer as the page and `proskill score`, for programs."""

# Types are not postponed here: Gradio reads them to describe the endpoint.
from typing import Any

import gradio as gr

from proskill.errors import ProskillError, VideoError

from .server import Coach
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
        owner = request.username or ""
        try:
            uploads = [coach.uploads.claim(_path_of(file), owner=owner) for file in files]
            session = coach.session_of(request)
            work = scoring_files(coach, uploads, names)
            async for step in coach.run(work, session=session):
                if step.result is not None:
                    return step.result
        except (Cancelled, ProskillError) as error:
            raise gr.Error(sentence(error), print_exception=False) from None
        raise gr.Error("The call ended without an answer.", print_exception=False)

    gr.events.api(score, api_name="score")


def _path_of(file: Any) -> str:
    """Gradio hands files of such an endpoint over as the JSON that was sent."""
    return str(file.get("path")) if isinstance(file, dict) else ""


def sentence(error: Exception) -> str:
    """An error for people elsewhere, without the folders of this server."""
    if isinstance(error, Cancelled):
        return "Cancelled."
    if isinstance(error, VideoError):
        return f"{error.path.name}: {error.reason}"
    return str(error)
