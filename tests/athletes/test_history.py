from __future__ import annotations

import json
import stat
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proskill.athletes.history import History, checked_alias, default_history_path
from proskill.errors import ProskillError
from proskill.scoring import Assessment, Scorer

Make = Callable[..., Path]
NOW = datetime.now(UTC)


@pytest.fixture
def assessment(make_video: Make, make_checkpoint: Make) -> Assessment:
    files = {"ego": make_video("Maria_Example_ego.mp4"), "exo1": make_video("b.mp4", seed=1)}
    return Scorer.from_checkpoint(make_checkpoint()).score(files)


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path / "data" / "history.sqlite3")
    made.switch_on()
    return made


def _other(assessment: Assessment, number: int) -> Assessment:
    """The same result of another video."""
    inputs = {name: f"{number:064}" for name in assessment.provenance.inputs}
    return replace(assessment, provenance=replace(assessment.provenance, inputs=inputs))


def test_nothing_is_kept_and_no_file_made_before_it_is_switched_on(
    tmp_path: Path, assessment: Assessment
) -> None:
    history = History(tmp_path / "data" / "history.sqlite3")
    assert history.keep_days is None
    assert (history.aliases(), history.sessions("a"), history.delete_all()) == ({}, [], 0)
    with pytest.raises(ProskillError, match="the history is off"):
        history.add("a", assessment)
    assert not history.path.parent.exists()


def test_a_session_comes_back_without_the_names_of_files(
    history: History, assessment: Assessment
) -> None:
    history.add(" Blue 7 ", assessment, at=NOW)
    [session] = history.sessions("Blue 7")
    assert (session.alias, session.at) == ("Blue 7", NOW)
    assert session.assessment.score == assessment.score
    assert session.assessment.provenance == assessment.provenance
    assert [view.file for view in session.assessment.views.values()] == ["ego", "exo1"]
    assert b"Maria" not in history.path.read_bytes()


def test_sessions_are_in_the_order_of_time_and_counted_by_alias(
    history: History, assessment: Assessment
) -> None:
    for number, days in enumerate((3, 9, 1)):
        history.add("a", _other(assessment, number), at=NOW - timedelta(days=days))
    history.add("B", assessment)
    assert history.aliases() == {"a": 3, "B": 1}
    times = [session.at for session in history.sessions("a")]
    assert times == sorted(times)


def test_the_same_videos_are_kept_once(history: History, assessment: Assessment) -> None:
    first = history.add("a", assessment, at=NOW - timedelta(days=2))
    assert history.add("a", assessment).id == first.id
    assert history.add("b", assessment).id != first.id
    assert history.aliases() == {"a": 1, "b": 1}


def test_what_is_deleted_is_gone_from_the_file(history: History, assessment: Assessment) -> None:
    ids = [history.add("secret alias", _other(assessment, k)).id for k in range(3)]
    history.add("other", assessment)
    assert history.delete(ids[0])
    assert not history.delete(ids[0])
    assert history.aliases() == {"other": 1, "secret alias": 2}
    assert history.delete_alias("secret alias") == 2
    assert b"secret alias" not in history.path.read_bytes()
    assert history.delete_all() == 1
    assert assessment.provenance.inputs["ego"].encode() not in history.path.read_bytes()
    assert history.keep_days == 90


def test_switching_off_forgets_everything(history: History, assessment: Assessment) -> None:
    history.add("a", assessment)
    history.switch_off()
    assert history.keep_days is None
    history.switch_on()
    assert history.aliases() == {}


def test_sessions_expire_by_themselves(history: History, assessment: Assessment) -> None:
    history.add("a", _other(assessment, 1), at=NOW - timedelta(days=31))
    history.add("a", _other(assessment, 2), at=NOW - timedelta(days=29))
    assert history.aliases() == {"a": 2}
    history.switch_on(keep_days=30)
    assert len(history.sessions("a")) == 1
    assert history.expire(now=NOW + timedelta(days=2)) == 1
    with pytest.raises(ValueError, match="keep_days=5: allowed are 7, 30, 90, 365"):
        history.switch_on(keep_days=5)


def test_owners_see_and_delete_their_own_alone(history: History, assessment: Assessment) -> None:
    ben = History(history.path, owner="ben")
    assert ben.keep_days is None
    ben.switch_on(keep_days=7)
    mine, theirs = history.add("a", assessment), ben.add("a", assessment)
    assert not history.delete(theirs.id)
    assert history.delete_all() == 1
    assert [session.id for session in ben.sessions("a")] == [theirs.id]
    assert mine.id != theirs.id
    assert history.keep_days == 90


def test_nobody_else_on_the_machine_may_read_it(history: History) -> None:
    assert stat.S_IMODE(history.path.stat().st_mode) == 0o600


def test_many_threads_may_keep_sessions_at_once(history: History, assessment: Assessment) -> None:
    def work(number: int) -> None:
        history.add("a", _other(assessment, number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert history.aliases() == {"a": 8}


def test_a_file_that_is_no_history_of_ours_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    path.write_bytes(b"my diary, which is no database" * 40)
    with pytest.raises(ProskillError, match="the history cannot be used"):
        History(path).switch_on()
    assert path.read_bytes().startswith(b"my diary")


def test_a_session_of_another_version_can_still_be_deleted(
    history: History, assessment: Assessment, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = json.dumps({**assessment.to_dict(), "schema": "proskill.assessment/9"})
    with monkeypatch.context() as patch:
        patch.setattr(Assessment, "to_json", lambda self, indent: newer)
        session = history.add("a", assessment)
    with pytest.raises(ProskillError, match="was kept by another version"):
        history.sessions("a")
    assert history.delete(session.id)


@pytest.mark.parametrize("alias", ["", "  ", "a\nb", "x" * 41, "a\u202eb", "\x00"])
def test_aliases_fit_one_line(alias: str) -> None:
    with pytest.raises(ProskillError, match="alias"):
        checked_alias(alias)


def test_an_alias_is_the_same_however_it_was_typed() -> None:
    assert checked_alias("  Ju\u0308rgen ") == checked_alias("J\u00fcrgen")


def test_the_history_lies_in_the_users_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_history_path() == Path("/data/proskill/history.sqlite3")
