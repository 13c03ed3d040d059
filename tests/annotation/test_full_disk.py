"""A disk that is full refuses votes, loses none that it took, and goes on when there is room."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from proskill.annotation import CampaignStore

# Votes until the disk is full, tries on, makes room, votes on; prints every acknowledged token.
_VOTER = """
import os, resource, sys
from pathlib import Path
from proskill.annotation import Answer, Assignment, CampaignStore, Refusal, Vote

folder, how = Path(sys.argv[1]), sys.argv[2]
store = CampaignStore.open(folder)
assignment = Assignment(store, now=0.0)
if how == "limit":
    size = max(file.stat().st_size for file in folder.iterdir() if "sqlite" in file.name)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 2_000_000, resource.RLIM_INFINITY))
else:
    (folder / "filler").write_bytes(bytes(2_000_000))
    with (folder / "filler 2").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(1000))
        except OSError:
            pass
    (folder / "filler").unlink()

def vote(place):
    pair = assignment.work(1, 1.0).current
    token = f"token number {place}"
    answer = Vote(token, pair.lease, {1: Answer("left")}, 1, 1, 1, 1)
    print(assignment.vote(1, answer, 1.0).token, flush=True)

place, refusals = 0, []
while len(refusals) < 5:
    place += 1
    assert place < 3000, "the disk never became full"
    try:
        vote(place)
    except Refusal as refusal:
        refusals.append(str(refusal))
        assert refusal.code == "storage_full", refusal.code
assert "nothing of this was recorded" in refusals[0]
assert len(store.vote_log()) > 0  # it still reads
if how == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
else:
    (folder / "filler 2").unlink()
for place in range(place + 1, place + 11):
    vote(place)
"""


def acknowledged(folder: Path, how: str, *around: str) -> list[str]:
    done = subprocess.run(
        [*around, sys.executable, "-c", _VOTER, str(folder), how],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def assert_whole(store: CampaignStore, tokens: list[str]) -> None:
    assert [row.token for row in store.vote_log()] == tokens
    assert len(tokens) > 20
    with store.database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    answered = sum(lease.state == "answered" for lease in store.leases())
    assert answered == len(tokens)


def test_a_file_that_may_not_grow_refuses_votes_and_keeps_the_others(
    new_campaign: Callable[..., CampaignStore],
) -> None:
    with new_campaign(80) as store:
        store.invite("Ann", now=0.0)
        assert_whole(store, acknowledged(store.folder, "limit"))


@pytest.mark.slow
def test_a_disk_without_space_refuses_votes_and_keeps_the_others(
    new_campaign: Callable[..., CampaignStore], tmp_path: Path
) -> None:
    """On a real file system of 4 MB, in a namespace where anybody may mount one."""
    mount = 'mount -t tmpfs -o size=4m none "$0" && '
    apart = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    small, kept = tmp_path / "small", tmp_path / "kept"
    small.mkdir()
    tried = shutil.which("unshare") and subprocess.run([*apart, mount + "true", small])
    if not tried or tried.returncode:
        pytest.skip("file systems cannot be mounted here")
    with new_campaign(80) as store:
        store.invite("Ann", now=0.0)
    script = mount + 'cp -r "$1"/. "$0" && shift && "$@" && cp -r "$0" ' + f"'{kept}'"
    tokens = acknowledged(small, "full", *apart, script, str(small), str(store.folder))
    with CampaignStore.open(kept) as copy:
        assert_whole(copy, tokens)
