from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from proskill.private_folder import PrivateFolder

_HOLDER = """
import sys
from pathlib import Path
from proskill.private_folder import PrivateFolder
held = PrivateFolder("held-", parent=Path(sys.argv[1]))
(held.path / "picture").write_text("of a person")
print(held.path, flush=True)
sys.stdin.read()
"""


@contextmanager
def _other_process(place: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that holds a folder, and the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(place)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        try:
            assert process.stdout is not None
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def test_a_folder_goes_with_its_block_and_nobody_else_may_open_it(tmp_path: Path) -> None:
    with PrivateFolder("held-", parent=tmp_path) as folder:
        assert folder.is_absolute()
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "deep").mkdir()
    assert list(tmp_path.iterdir()) == []


def test_it_is_made_among_temporary_files_unless_a_place_is_named() -> None:
    folder = PrivateFolder("proskill-test-")
    assert folder.path.parent == Path(tempfile.gettempdir())
    folder.close()
    folder.close()
    assert not folder.path.exists()


def test_what_a_killed_process_left_is_deleted_by_the_next(tmp_path: Path) -> None:
    with _other_process(tmp_path) as (process, left):
        process.kill()
        process.wait()
        assert (left / "picture").exists()
        with PrivateFolder("held-", parent=tmp_path) as folder:
            assert list(tmp_path.iterdir()) == [folder]


def test_what_a_living_process_holds_stays(tmp_path: Path) -> None:
    with _other_process(tmp_path) as (_, held), PrivateFolder("held-", parent=tmp_path):
        assert (held / "picture").read_text() == "of a person"


def test_only_folders_of_this_prefix_are_touched_and_no_link_is_followed(tmp_path: Path) -> None:
    place, elsewhere = tmp_path / "place", tmp_path / "elsewhere"
    for folder in (place / "other", place / "held-old", elsewhere):
        folder.mkdir(parents=True)
        (folder / "file").touch()
    (place / "held-link").symlink_to(elsewhere)
    (place / "held-old" / "link").symlink_to(elsewhere)
    (place / "held-file").touch()
    PrivateFolder("held-", parent=place).close()
    assert sorted(path.name for path in place.iterdir()) == ["held-file", "held-link", "other"]
    assert (elsewhere / "file").exists()


def test_folders_made_at_the_same_time_do_not_take_each_other_away(tmp_path: Path) -> None:
    def make(number: int) -> bool:
        with PrivateFolder("held-", parent=tmp_path) as folder:
            (folder / "file").write_text(str(number))
            return (folder / "file").read_text() == str(number)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(make, range(200)))
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        PrivateFolder("held-", parent=tmp_path / "gone")
