from __future__ import annotations

import json
import resource
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from waiting import wait_until

PROSKILL = [sys.executable, "-m", "proskill.cli.main", "annotate"]


def tokens_in(log: Path) -> list[str]:
    """Raises where a line is cut off."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [json.loads(line)["token"] for line in lines]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("num_kills", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_a_killed_server_loses_no_acknowledged_vote_and_the_campaign_goes_on(
    new_campaign: Any, serve_alone: Any, tmp_path: Path, num_kills: int
) -> None:
    store, log = new_campaign(200), tmp_path / "log.jsonl"
    for kill in range(num_kills):
        server = serve_alone(store.folder)
        before = len(tokens_in(log))
        annotators = subprocess.Popen(
            [*PROSKILL, "simulate", str(store.folder), "--url", server.url, "--annotators", "4",
             "--votes", "100000", "--log", str(log)],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        wait_until(lambda before=before, kill=kill: len(tokens_in(log)) > before + 30 + 7 * kill)
        workers = children(server.pid)
        server.kill()
        error = annotators.communicate(timeout=60)[1]
        assert annotators.returncode == 1
        assert error.startswith("Error: ")
        assert error.count("\n") == 1
        assert "does not answer" in error
        wait_until(
            lambda workers=workers: not any(Path(f"/proc/{w}/exe").exists() for w in workers)
        )
        connection = sqlite3.connect(store.folder / "campaign.sqlite")
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        votes = Counter(row[0] for row in connection.execute("SELECT token FROM votes"))
        connection.close()
        assert set(tokens_in(log)) <= set(votes)
        assert set(votes.values()) == {1}
    pairs = Counter(
        frozenset((lease.left_clip, lease.right_clip))
        for lease in store.leases()
        if lease.kind == "new" and lease.state == "answered"
    )
    assert set(pairs.values()) == {1}


def test_a_full_disk_refuses_votes_in_a_sentence_and_harms_nothing(
    new_campaign: Any, serve_alone: Any, visit: Any
) -> None:
    store = new_campaign(200)
    server = serve_alone(store.folder)
    ada = visit(server.url, store.invite("Ada", now=time.time()))
    first = ada.vote(ada.work()["current"]["lease"]).json()
    lease = first["current"]["lease"]
    limits = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (4096, limits[1]))
    for _ in range(3):
        refused = ada.vote(lease, token="b" * 32)
        assert refused.status_code == 507
        assert refused.json()["code"] == "storage_full"
        assert "disk" in refused.json()["message"]
    assert [row.token for row in store.vote_log()] == [first["token"]]
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, limits)
    accepted = ada.vote(lease, token="b" * 32)
    assert (accepted.status_code, accepted.json()["duplicate"]) == (200, False)
    assert [row.token for row in store.vote_log()] == [first["token"], "b" * 32]
