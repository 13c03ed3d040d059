"""What one open page holds: its views, its last answer and a private folder, gone with the page.

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
    from proskill.scoring import Assessment, EncodedTake, Explanation, Proxy

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
        is_counted: whether nobody gave the name and the file says none.
        origin_seconds: where in the file the common clock of the views begins.
        proxy: the safe copy, None until it is made.
        error: why there is none, a VideoError of the original.
        step: how far the copy is.
        ticket: of the copy.
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
class ScoredTake:
    """An answer and what it was made from.

    Attributes:
        id: of this answer; nobody can guess it.
        assessment: the answer.
        proxies: view name -> the safe copy of its video.
        asked: what was scored, see `asked_of`.
        encoded: what an explanation starts from.
        explanation: when and in which view it shows; None until it is made, or without an answer.
    """

    id: str
    assessment: Assessment
    proxies: Mapping[str, Path]
    asked: frozenset[tuple[str, str, str, float]]
    encoded: EncodedTake
    explanation: Explanation | None = None


def asked_of(views: Iterable[SessionView]) -> frozenset[tuple[str, str, str, float]]:
    """What an answer depends on: row, name, kind and origin of each view."""
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
        step: how far the work is for which the whole page waits; None while there is none.
        tickets: work that waits or runs for this page.
        touched, left: when it last asked for something, and since when it is closed; None while it
            is open.
    """

    id: str
    owner: str
    folder: Path
    views: dict[str, SessionView] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    result: ScoredTake | None = None
    step: Step[Any] | None = None
    tickets: set[Ticket] = field(default_factory=set)
    touched: float = field(default_factory=time.monotonic)
    left: float | None = None

    @property
    def person(self) -> str:
        """Between whom the queue is fair: accounts, or pages where there are no accounts."""
        return self.owner or self.id

    @property
    def is_former(self) -> bool:
        """Whether the last answer is of other views than those that the page shows by now."""
        return self.result is not None and self.result.asked != asked_of(self.views.values())

    def add_view(self, file: str, *, row: str) -> SessionView:
        """A new view with a free name, guessed from its file's name.

        Args:
            file: name of the original.
            row: what the page calls the view's row.

        Raises:
            ProskillError: there are as many as can be scored together, or the row exists or was
                removed.
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
        """Take over what was typed on the page: names, kinds and origins; and the order of rows.

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
        if self.result is None or view.proxy.path not in self.result.proxies.values():
            view.proxy.path.unlink(missing_ok=True)
        if view.proxy.audio is not None:
            view.proxy.audio.unlink(missing_ok=True)

    def cancel(self) -> None:
        """Stop all work for this page."""
        for ticket in tuple(self.tickets):
            ticket.cancel()

    def _free_name(self, kind: str) -> str:
        """The usual name of this kind of view that none has."""
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
        """The session of a page, made when it is missing.

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
        """While a page holds a connection it is open; one that broke may be followed by another.

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
        """Delete what pages that were left, or forgotten, still hold."""
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
    """Names of views as people may write them.

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
    """A view, and the name, kind and origin that its row on the page says."""
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
