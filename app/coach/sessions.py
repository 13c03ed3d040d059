"""The session of one open page: its views, its last answer and a private folder.

Nothing is kept beyond a session unless a person switches the history on (`history.py`).
"""

from __future__ import annotations

import math
import re
import secrets
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proskill.errors import ProskillError, StorageError, VideoError
from proskill.view_names import MAX_VIEWS, guess_kind, split_camera

from .uploads import NO_ROOM

if TYPE_CHECKING:
    from proskill.scoring import Proxy, ScoredTake

    from .work_queue import Step, Ticket


_ID = re.compile(r"[\w-]{1,64}")
_ROW = re.compile(r"[\w-]{1,40}")
_MAX_NAME_LETTERS = 40
_MAX_ORIGIN_SECONDS = 3600.0
_DISAGREE = "the page and the server disagree about the views; reload it"


@dataclass
class SessionView:
    """One camera's file on the page.

    Attributes:
        id: of its row on the page.
        file: name of the original.
        name: of the view.
        kind: "ego" or "exo".
        is_counted: whether the name was neither typed nor in the name of the file.
        origin_seconds: beginning of the common clock of the views, in the file.
        proxy: the safe copy, None until it is made.
        error: of the original, where no copy can be made.
        step, ticket: progress and work of the copy.
        url: of the proxy, empty until it is made.
    """

    id: str
    file: str
    name: str
    kind: str
    is_counted: bool = False
    origin_seconds: float = 0.0
    proxy: Proxy | None = None
    error: VideoError | None = None
    step: Step[Any] | None = None
    ticket: Ticket | None = None
    url: str = ""


@dataclass(frozen=True)
class ShownResult:
    """A result on the page.

    Attributes:
        id: unguessable.
        asked: the views that were scored, see `asked_of`.
        scored: assessment, explanation once there is one, features and copies of the views.
    """

    id: str
    asked: frozenset[tuple[str, str, str, float]]
    scored: ScoredTake


def asked_of(views: Iterable[SessionView]) -> frozenset[tuple[str, str, str, float]]:
    """Return the inputs of an assessment: row, name, kind and origin of each view."""
    return frozenset((each.id, each.name, each.kind, each.origin_seconds) for each in views)


@dataclass(eq=False)
class CoachSession:
    """One open page.

    Attributes:
        id: Gradio's name of the page.
        owner: account, empty where there are none.
        folder: private; deleted with the session.
        views: row -> view, in the order of the page.
        removed: rows that were taken off the page, of which uploads may still arrive.
        result: the last answer.
        step: progress of work that the whole page waits for; None while there is none.
        tickets: work that waits or runs for this page.
        touched, left: times of its last request and of its closing; None while it is open.
    """

    id: str
    owner: str
    folder: Path
    views: dict[str, SessionView] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    result: ShownResult | None = None
    step: Step[Any] | None = None
    tickets: set[Ticket] = field(default_factory=set)
    touched: float = field(default_factory=time.monotonic)
    left: float | None = None

    @property
    def person(self) -> str:
        """The one the queue is fair to: the account, or the page where there are no accounts."""
        return self.owner or self.id

    @property
    def is_former(self) -> bool:
        """True when the last result is of other views than those on the page."""
        return self.result is not None and self.result.asked != asked_of(self.views.values())

    def add_view(self, file: str, *, row: str) -> SessionView:
        """Add a view to a new row, with a free name guessed from its file's name.

        Raises:
            ProskillError: no more views can be scored together, or the row exists or was removed.
        """
        if not _ROW.fullmatch(row) or row in self.views or row in self.removed:
            raise ProskillError(_DISAGREE)
        if len(self.views) >= MAX_VIEWS:
            raise ProskillError(f"at most {MAX_VIEWS} views are scored together; remove one first")
        stem = Path(file).stem
        kind, camera = guess_kind(stem), split_camera(stem)[1]
        holder = next((each for each in self.views.values() if each.name == camera), None)
        is_counted = not camera or (holder is not None and not holder.is_counted)
        view = SessionView(row, file, camera, kind, is_counted)
        self.views[view.id] = view
        for each in (view, holder):  # a file that names its camera goes before one that came first
            if each is not None and each.is_counted:
                each.name = self._free_name(each.kind)
        return view

    def edit_views(self, rows: object) -> None:
        """Take over names, kinds and origins typed on the page, and the order of its rows.

        Views that the page does not name stay as they are: it may not know of them yet.

        Raises:
            ProskillError: rows that no page sends, or names that are empty or given twice.
        """
        if rows is not None and not isinstance(rows, list):
            raise ProskillError(_DISAGREE)
        edited = [_edited(row, self.views) for row in rows or []]
        named = {view.id: view for view, *_ in edited}
        names = [name for _, name, *_ in edited]
        names += [view.name for view in self.views.values() if view.id not in named]
        check_view_names(names)
        for view, name, kind, origin_seconds in edited:
            view.is_counted = view.is_counted and view.name == name
            view.name, view.kind, view.origin_seconds = name, kind, origin_seconds
        # They came in the order in which their uploads ended.
        order = {row: number for number, row in enumerate(named)}
        rows_in_order = sorted(self.views, key=lambda row: order.get(row, len(order)))
        self.views = {row: self.views[row] for row in rows_in_order}

    def remove_view(self, row: str) -> None:
        """Take a view off the page, or keep one out that is still on its way."""
        if not _ROW.fullmatch(row):
            return
        self.removed.add(row)
        view = self.views.pop(row, None)
        if view is not None:
            self.drop_files(view)

    def clear(self) -> None:
        """Begin with an empty page."""
        self.cancel()
        views, self.views, self.result = self.views, {}, None
        for view in views.values():
            self.drop_files(view)

    def drop_files(self, view: SessionView) -> None:
        """Delete the copies of a view, unless an answer on the page shows them."""
        if view.ticket is not None:
            view.ticket.cancel()
        if view.proxy is None:
            return
        if self.result is None or view.proxy not in self.result.scored.proxies.values():
            view.proxy.path.unlink(missing_ok=True)
        if view.proxy.audio is not None:
            view.proxy.audio.unlink(missing_ok=True)

    def cancel(self) -> None:
        """Stop all work for this page."""
        for ticket in tuple(self.tickets):
            ticket.cancel()

    def _free_name(self, kind: str) -> str:
        """Return the first usual name of this kind that no view has."""
        taken = {view.name for view in self.views.values()}
        counted = [f"{kind}{number}" for number in range(1, 2 + len(taken))]
        names = ["ego", *counted[1:]] if kind == "ego" else counted
        return next(name for name in names if name not in taken)


class Sessions:
    """The open pages of a server.

    Args:
        folder: private to this server.
        max_open: more are refused.
    """

    def __init__(
        self,
        folder: Path,
        *,
        idle_seconds: float = 7200.0,
        closed_seconds: float = 900.0,
        max_open: int = 200,
    ) -> None:
        self._folder = folder
        self._idle_seconds, self._closed_seconds = idle_seconds, closed_seconds
        self._max_open = max_open
        self._sessions: dict[tuple[str, str], CoachSession] = {}
        self._connections: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def get(self, session_id: str, *, owner: str) -> CoachSession:
        """Return the session of a page, made when it is missing.

        Raises:
            StorageError: the disk is full.
            ProskillError: too many pages are open, or a name that no page gives itself.
        """
        with self._lock:
            session = self._sessions.get((owner, session_id))
            if session is None:
                if not _ID.fullmatch(session_id):
                    raise ProskillError("the page and the server disagree; reload it")
                if len(self._sessions) >= self._max_open:
                    raise ProskillError("too many pages are open on this server; try again later")
                folder = self._folder / secrets.token_urlsafe(24)
                try:
                    folder.mkdir(mode=0o700)
                except OSError as error:
                    raise StorageError(NO_ROOM) from error
                session = self._sessions[(owner, session_id)] = CoachSession(
                    session_id, owner, folder
                )
            session.touched, session.left = time.monotonic(), None
            return session

    @contextmanager
    def connected(self, session_id: str, *, owner: str) -> Iterator[None]:
        """Keep a page open while it has a connection; after one that broke another may follow.

        When the last has ended, the page's work is stopped, and the page forgotten unless it comes
        back in time.
        """
        key = (owner, session_id)
        with self._lock:
            self._connections[key] += 1
            if (session := self._sessions.get(key)) is not None:
                session.left = None
        try:
            yield
        finally:
            with self._lock:
                self._connections[key] -= 1
                is_left = not self._connections[key]
                if is_left:
                    del self._connections[key]
                session = self._sessions.get(key)
            if is_left and session is not None:
                session.left = time.monotonic()
                session.cancel()

    def end_unused(self, session: CoachSession) -> None:
        """Forget a session that only one call of a program needed."""
        with self._lock:
            if session.views or session.tickets or session.result:
                return
            self._sessions.pop((session.owner, session.id), None)
        shutil.rmtree(session.folder, ignore_errors=True)

    def end_old(self) -> None:
        """Delete the files of pages that were left or forgotten."""
        now = time.monotonic()
        with self._lock:
            old = [
                key
                for key, session in self._sessions.items()
                if not session.tickets
                and (
                    now - session.touched > self._idle_seconds
                    if session.left is None
                    else now - session.left > self._closed_seconds
                )
            ]
            ended = [self._sessions.pop(key) for key in old]
        for session in ended:
            shutil.rmtree(session.folder, ignore_errors=True)


def check_view_names(names: Sequence[str]) -> None:
    """Check names of views that people wrote.

    Raises:
        ProskillError: a name is empty, long or of several lines, or given twice.
    """
    for name in names:
        if not name.strip():
            raise ProskillError("a view has no name; give each its own")
        if len(name) > _MAX_NAME_LETTERS or not name.isprintable():
            raise ProskillError(
                f"the view name {name!r} is too long or has letters that cannot be shown; at most "
                f"{_MAX_NAME_LETTERS} are allowed"
            )
        if names.count(name) > 1:
            raise ProskillError(f"two views are called {name!r}; give each its own name")


def _edited(row: Any, views: Mapping[str, SessionView]) -> tuple[SessionView, str, str, float]:
    """Return a view, and the name, kind and origin in its row on the page."""
    try:
        view, name, kind = views[row["id"]], row["name"].strip(), row["kind"]
        origin = float(row["origin_seconds"])
    except (KeyError, TypeError, AttributeError, ValueError):
        raise ProskillError(_DISAGREE) from None
    if kind not in ("ego", "exo"):
        raise ProskillError(f"view {name!r}: kind {kind!r} is unknown; allowed are ego and exo")
    if not math.isfinite(origin) or not 0 <= origin <= _MAX_ORIGIN_SECONDS:
        raise ProskillError(f"view {name!r}: the start must lie within the video")
    return view, name, kind, origin
