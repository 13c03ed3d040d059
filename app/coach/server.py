"""`Coach`, shared by all parts of the page: files, sessions, the queue, and the model.

Not here: routes (`routes.py`), the work on a video (`work.py`), the page (`launch.py`).
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from proskill.errors import ProskillError, StorageError
from proskill.private_folder import PrivateFolder

from .media import MediaStore
from .sessions import CoachSession, Sessions, SessionView
from .uploads import NO_ROOM, UploadStore
from .work_queue import Cancelled, Progress, Step, WorkQueue

if TYPE_CHECKING:
    import gradio as gr

    from proskill.scoring import Scorer

T = TypeVar("T")

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SWEEP_SECONDS = 30.0
_MAX_COPIERS = 8  # each may take a few hundred megabytes


@dataclass(frozen=True)
class CoachSettings:
    """Settings of a server.

    Attributes:
        checkpoint: directory of the model; None for the demo checkpoint.
        host, port: address to listen on.
        accounts: file of accounts; None lets in all who reach the address, which then must be one
            of this machine alone.
        max_upload_bytes: of one video.
        examples: folder of a person's own videos to try the page with.
        history: file of the sessions that people choose to keep; made at the first of them.
    """

    checkpoint: Path | None = None
    host: str = "127.0.0.1"
    port: int = 7860
    accounts: Path | None = None
    max_upload_bytes: int = 500_000_000
    examples: Path | None = None
    history: Path | None = None

    @property
    def is_local(self) -> bool:
        """Return True where only this machine can reach the page."""
        return self.host in ("127.0.0.1", "localhost", "::1")


class Coach:
    """One running server."""

    def __init__(self, settings: CoachSettings) -> None:
        self.settings = settings
        self._private = PrivateFolder("proskill-app-")
        self.folder = self._private.path
        self.uploads = UploadStore(self.folder / "uploads", max_bytes=settings.max_upload_bytes)
        self.sessions = Sessions(self.folder / "sessions")
        self.media = MediaStore()
        # One more than processors: a copy by itself, as the last one is, leaves half of one idle.
        self.copies = WorkQueue(num_workers=min((os.cpu_count() or 1) + 1, _MAX_COPIERS))
        self.queue = WorkQueue()  # in order: a report contains the explanation asked for before it
        self._scorer: Future[Scorer] = Future()
        self._limits: tuple[str, ...] = ()
        self._closed = threading.Event()

    def start(self, *, on_failure: Callable[[], None]) -> None:
        """Load the model and keep the folders tidy, beside the page that is up already.

        Args:
            on_failure: called when there is no model, so that nothing can be scored.
        """
        load = partial(self._load, on_failure)
        threading.Thread(target=load, name="coach-model", daemon=True).start()
        threading.Thread(target=self._tidy, name="coach-tidy", daemon=True).start()

    def close(self) -> None:
        """Stop all work and delete every file of every visitor."""
        self._closed.set()
        self.copies.close()
        self.queue.close()
        self._private.close()

    def scorer(self) -> Scorer:
        """Return the model, after waiting until it is loaded.

        Raises:
            ProskillError: the checkpoint cannot be loaded.
        """
        return self._scorer.result()

    @property
    def failure(self) -> BaseException | None:
        """The error that kept the model from loading; None while it may still load."""
        return self._scorer.exception() if self._scorer.done() else None

    def limits(self) -> tuple[str, ...]:
        """Return the limits that the model's card names; empty until it is loaded."""
        return self._limits

    def session_of(self, request: gr.Request) -> CoachSession:
        """Return the session of the page that a request comes from.

        Raises:
            gradio.Error: too many pages are open; shown on the page, whatever was asked for.
        """
        try:
            return self.sessions.get(str(request.session_hash), owner=request.username or "")
        except ProskillError as error:
            import gradio as gr

            raise gr.Error(str(error), print_exception=False) from None

    def run(
        self, work: Callable[[Progress], T], *, session: CoachSession
    ) -> AsyncGenerator[Step[T], None]:
        """Do work for a page when it is its turn; yield its progress. Leaving the page cancels it.

        Raises:
            ProskillError: too much work of this person waits already.
            Cancelled: the page was left, or the person cancelled.
            StorageError: the disk is full.
            Exception: raised by the work.
        """
        return self._follow(self.queue, work, session)

    def copy(
        self,
        work: Callable[[Progress], T],
        *,
        session: CoachSession,
        view: SessionView | None = None,
    ) -> AsyncGenerator[Step[T], None]:
        """Make a safe copy, like `run`, beside the model; removing its view cancels it, too."""
        return self._follow(self.copies, work, session, view)

    async def _follow(
        self,
        queue: WorkQueue,
        work: Callable[[Progress], T],
        session: CoachSession,
        view: SessionView | None = None,
    ) -> AsyncGenerator[Step[T], None]:
        if session.left is not None:
            raise Cancelled
        ticket = queue.put(work, person=session.person)
        session.tickets.add(ticket)
        if view is not None:
            view.ticket = ticket
        try:
            async for step in queue.follow(ticket):
                session.touched = time.monotonic()
                yield step
        except OSError as error:
            if error.errno in _FULL:
                raise StorageError(NO_ROOM) from error
            raise
        finally:
            session.tickets.discard(ticket)

    def _load(self, on_failure: Callable[[], None]) -> None:
        try:
            from proskill.scoring import Scorer
            from proskill.scoring.checkpoints import card_limits
            from proskill.shipped_files import find_default_checkpoint

            directory = self.settings.checkpoint or find_default_checkpoint()
            self._limits = card_limits(directory)
            self._scorer.set_result(Scorer.from_checkpoint(directory))
        except BaseException as error:
            self._scorer.set_exception(error)
            on_failure()

    def _tidy(self) -> None:
        while not self._closed.wait(_SWEEP_SECONDS):
            with suppress(OSError):
                self.uploads.delete_old()
                self.sessions.end_old()
                self.media.forget_missing()
