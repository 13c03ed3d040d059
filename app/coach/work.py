"""Work for the queue: copy a video, score a take, explain it.

Nothing here decides anything: the names of `proskill.scoring` do. Its modules are imported when
work begins, because they load torch and the page must be up before that.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proskill.errors import ProskillError, VideoError

from .examples import Example
from .server import Coach
from .sessions import CoachSession, SessionView, ShownResult, asked_of
from .uploads import Upload
from .work_queue import Progress

if TYPE_CHECKING:
    from proskill.scoring import Explanation, Proxy


def making(coach: Coach, example: Example) -> Callable[[Progress], list[Path]]:
    """Return work that makes the videos of an example, once for a server."""
    return lambda progress: example.make(coach.folder / "examples" / example.id, progress)


def copying(source: Path, folder: Path) -> Callable[[Progress], Proxy | VideoError]:
    """Return work that makes the safe copy of a video in a private folder."""

    def work(progress: Progress) -> Proxy | VideoError:
        progress("checking and copying", 0.0)
        from proskill.scoring import make_proxies

        made = make_proxies(
            {"view": source},
            folder,
            keep_audio=True,
            progress=lambda what, share: progress("checking and copying", share),
        )
        return made["view"]

    return work


def aligning(session: CoachSession) -> Callable[[Progress], dict[str, float]]:
    """Return work that finds by sound the beginning of the shared clock in each view."""
    proxies = {view.name: view.proxy for view in session.views.values() if view.proxy}

    def work(progress: Progress) -> dict[str, float]:
        progress("listening", 0.0)
        from proskill.scoring.uploads import sound_origins

        return sound_origins(proxies)

    return work


def scoring(coach: Coach, session: CoachSession) -> Callable[[Progress], ShownResult]:
    """Return work that scores the views of a page as they are now."""
    views = [replace(view) for view in session.views.values() if view.proxy or view.error]
    if not any(view.proxy for view in views):
        raise ProskillError("there is no video to score yet; add one that can be read")

    def work(progress: Progress) -> ShownResult:
        progress("loading the model", 0.0)
        scorer = coach.scorer()
        from proskill.scoring import make_take, score_proxies

        scored = score_proxies(
            scorer,
            make_take(
                {view.name: view.file for view in views},
                kinds={view.name: view.kind for view in views},
                offsets={view.name: view.origin_seconds for view in views},
            ),
            {view.name: view.proxy or _error_of(view) for view in views},
            progress=progress,
        )
        return ShownResult(id=secrets.token_hex(8), asked=asked_of(views), scored=scored)

    return work


def explaining(
    coach: Coach, session: CoachSession, shown: ShownResult
) -> Callable[[Progress], Explanation]:
    """Return work that explains an assessment by time and view, and puts that beside it.

    The first explanation is shown at once and grows surer; the last is there before the next work
    begins, which may be its report.
    """

    def work(progress: Progress) -> Explanation:
        scorer = coach.scorer()
        from proskill.scoring import explain_stepwise

        scored, last = shown.scored, shown
        assert scored.encoded is not None, "score_proxies encodes the take"
        for found in explain_stepwise(scorer, scored.encoded, progress=progress):
            if session.result is last:  # else another result took its place
                last = replace(shown, scored=replace(scored, explanation=found))
                session.result = last
        return found

    return work


def scoring_files(
    coach: Coach, uploads: Sequence[Upload], names: Sequence[str] | None
) -> Callable[[Progress], dict[str, Any]]:
    """Return work that makes of files the assessment that `proskill score` prints."""

    def work(progress: Progress) -> dict[str, Any]:
        folder = coach.folder / "calls" / secrets.token_urlsafe(16)
        folder.mkdir(parents=True, mode=0o700)
        try:
            progress("loading the model", 0.0)
            scorer = coach.scorer()
            from proskill.scoring import score_uploads

            views = _named([upload.path for upload in uploads], names)
            result = score_uploads(scorer, views, folder=folder, progress=progress)
            return result.assessment.to_dict()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return work


def _named(paths: Sequence[Path], names: Sequence[str] | None) -> Mapping[str, Path]:
    from proskill.scoring import name_views

    if not names:
        return name_views(paths)
    if len(names) != len(paths):
        raise ProskillError(f"{len(names)} names for {len(paths)} files; give one name per file")
    return name_views([], list(zip(names, paths, strict=True)))


def _error_of(view: SessionView) -> VideoError:
    return view.error or VideoError(view.file, "was not copied")
