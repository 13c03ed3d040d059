from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from proskill.app.coach.sessions import CoachSession, Sessions
from proskill.errors import ProskillError


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path / "sessions", closed_seconds=0.0, max_open=3)


@pytest.fixture
def session(sessions: Sessions) -> CoachSession:
    return sessions.get("page", owner="anna")


def _row(view: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": view.id, "name": view.name, "kind": view.kind,
        "origin_seconds": view.origin_seconds, **changes,
    }  # fmt: skip


def test_views_are_called_what_their_files_say_and_else_counted(session: CoachSession) -> None:
    files = ["take_aria01_214-1.mp4", "jump cam03.mp4", "IMG_1.MOV", "IMG_2.MOV", "ego.mp4"]
    for number, file in enumerate(files):
        session.add_view(file, row=f"r{number}")
    views = session.views.values()
    assert [view.name for view in views] == ["ego", "cam03", "exo1", "exo2", "ego2"]
    assert [view.kind for view in views] == ["ego", "exo", "exo", "exo", "ego"]


def test_a_file_that_names_its_camera_is_called_by_it_though_another_came_first(
    session: CoachSession,
) -> None:
    first = session.add_view("IMG_1.MOV", row="a")
    assert first.name == "exo1"
    named = session.add_view("jump_exo1.mp4", row="b")
    assert (first.name, named.name) == ("exo2", "exo1")
    session.edit_views([_row(first, name="side")])
    assert session.add_view("jump_side.mp4", row="c").name == "exo2"  # what a person wrote stays
    assert first.name == "side"


def test_a_ninth_view_is_refused(session: CoachSession) -> None:
    for number in range(8):
        session.add_view("a.mp4", row=f"r{number}")
    with pytest.raises(ProskillError, match="at most 8 views"):
        session.add_view("a.mp4", row="r8")


def test_what_is_typed_on_the_page_is_taken_over(session: CoachSession) -> None:
    view = session.add_view("a.mp4", row="a")
    session.edit_views([_row(view, name=" left ", kind="ego", origin_seconds=1.5)])
    assert (view.name, view.kind, view.origin_seconds) == ("left", "ego", 1.5)


def test_a_view_that_the_page_does_not_know_yet_survives_an_edit(session: CoachSession) -> None:
    view = session.add_view("a.mp4", row="a")
    session.add_view("b.mp4", row="b")
    session.edit_views([_row(view, name="left")])
    assert list(session.views) == ["a", "b"]
    session.edit_views([])
    assert list(session.views) == ["a", "b"]


def test_views_stand_in_the_order_of_the_page_whichever_upload_ended_first(
    session: CoachSession,
) -> None:
    short, late, long = (session.add_view("a.mp4", row=row) for row in ("short", "late", "long"))
    session.edit_views([_row(long), _row(short)])
    assert list(session.views.values()) == [long, short, late]


def test_two_views_may_swap_their_names_and_may_not_share_one(session: CoachSession) -> None:
    one, two = session.add_view("a.mp4", row="a"), session.add_view("b.mp4", row="b")
    session.edit_views([_row(one, name="exo2"), _row(two, name="exo1")])
    assert (one.name, two.name) == ("exo2", "exo1")
    with pytest.raises(ProskillError, match="two views are called 'exo1'"):
        session.edit_views([_row(one, name="exo1")])
    assert one.name == "exo2"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "x" * 41},
        {"name": "a\nb"},
        {"name": 3},
        {"kind": "drone"},
        {"origin_seconds": -1},
        {"origin_seconds": "nan"},
        {"origin_seconds": None},
        {"id": "unknown"},
    ],
)
def test_an_edit_that_makes_no_sense_changes_nothing(
    session: CoachSession, changes: dict[str, Any]
) -> None:
    view = session.add_view("a.mp4", row="a")
    with pytest.raises(ProskillError):
        session.edit_views([_row(view, **changes)])
    assert (view.name, view.kind, view.origin_seconds) == ("exo1", "exo", 0.0)


@pytest.mark.parametrize("rows", ["abc", [1], [{}], {"a": 1}])
def test_rows_that_no_page_sends_are_refused(session: CoachSession, rows: object) -> None:
    with pytest.raises(ProskillError, match="reload"):
        session.edit_views(rows)


def test_a_view_that_was_removed_while_it_arrived_stays_away(session: CoachSession) -> None:
    session.remove_view("a")
    with pytest.raises(ProskillError, match="reload"):
        session.add_view("a.mp4", row="a")


def test_a_page_has_a_private_folder_and_another_accounts_page_is_another(
    sessions: Sessions, session: CoachSession
) -> None:
    assert session.folder.stat().st_mode & 0o077 == 0
    assert sessions.get("page", owner="anna") is session
    assert sessions.get("page", owner="ben") is not session


def test_a_page_that_was_left_is_forgotten_with_its_files(
    sessions: Sessions, session: CoachSession
) -> None:
    (session.folder / "copy.mp4").write_bytes(b"x")
    other = sessions.get("other", owner="anna")
    with sessions.connected("page", owner="anna"):
        sessions.end_old()
        assert session.folder.exists()
    sessions.end_old()
    assert not session.folder.exists()
    assert other.folder.exists()


def test_a_page_that_comes_back_keeps_its_files(sessions: Sessions, session: CoachSession) -> None:
    with sessions.connected("page", owner="anna"):
        pass
    assert sessions.get("page", owner="anna") is session
    sessions.end_old()
    assert session.folder.exists()


def test_a_page_whose_connection_broke_and_came_back_was_never_left(
    sessions: Sessions, session: CoachSession
) -> None:
    with ExitStack() as first:
        first.enter_context(sessions.connected("page", owner="anna"))
        with sessions.connected("page", owner="anna"):  # before the server noticed that it broke
            first.close()
            assert session.left is None
            sessions.end_old()
            assert session.folder.exists()
        assert session.left is not None
        with sessions.connected("page", owner="anna"):
            assert session.left is None
            sessions.end_old()
            assert session.folder.exists()


def test_a_page_is_kept_from_when_it_was_left_and_not_from_its_last_question(
    tmp_path: Path,
) -> None:
    sessions = Sessions(tmp_path / "sessions", closed_seconds=60.0)
    session = sessions.get("page", owner="anna")
    session.touched -= 3600  # somebody has watched the clips for an hour
    with sessions.connected("page", owner="anna"):
        pass
    sessions.end_old()
    assert session.folder.exists()


def test_more_pages_than_a_server_holds_are_refused(sessions: Sessions) -> None:
    for number in range(3):
        sessions.get(str(number), owner="")
    with pytest.raises(ProskillError, match="too many pages"):
        sessions.get("3", owner="")


def test_a_call_that_needs_no_page_leaves_room_for_others(
    sessions: Sessions, session: CoachSession
) -> None:
    for number in range(9):
        call = sessions.get(f"call{number}", owner="")
        sessions.end_unused(call)
        assert not call.folder.exists()
    session.add_view("a.mp4", row="a")
    sessions.end_unused(session)
    assert sessions.get("page", owner="anna") is session


@pytest.mark.parametrize("name", ["", "x" * 65, "a/b", "a b"])
def test_a_name_that_no_page_gives_itself_is_refused(sessions: Sessions, name: str) -> None:
    with pytest.raises(ProskillError, match="reload it"):
        sessions.get(name, owner="")
