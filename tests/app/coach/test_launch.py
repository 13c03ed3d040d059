"""How servers begin and end, and what happens to their files when they are killed or disks full."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from proskill.app.coach.server import Coach, CoachSettings
from proskill.errors import CheckpointError
from waiting import free_port, wait_for_server, wait_until

DEMO = Path(__file__).parents[3] / "checkpoints" / "demo"
FILE = {"_type": "gradio.FileData"}
NO_ROOM = "the machine that serves this page has no room left for files; try again later"


@pytest.fixture
def broken_checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "broken"
    shutil.copytree(DEMO, folder)
    (folder / "model.safetensors").write_bytes(b"cut off")
    return folder


def _command(*options: object) -> list[str]:
    command = [sys.executable, "-m", "proskill.cli.main", "app", "--port", free_port(), *options]
    return [str(word) for word in command]


def _folders(place: Path) -> set[Path]:
    return set(place.glob("proskill-app-*"))


@contextmanager
def _beginning(place: Path) -> Iterator[Path]:
    """A server that has made its folder among the temporary files of `place`, and that folder."""
    before = _folders(place)
    environment = {**os.environ, "TMPDIR": str(place)}
    with subprocess.Popen(_command(), env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            yield wait_until(lambda: _folders(place) - before).pop()
        finally:
            process.kill()


def test_what_a_killed_server_left_is_deleted_by_the_next_and_a_living_ones_stays(
    start_coach: Callable[..., Any],
) -> None:
    with start_coach() as killed:
        place = killed.folder / "tmp"
        [left] = _folders(place)
        files = {"files": ("anna.mp4", b"a picture of a person")}
        [upload] = httpx.post(f"{killed.url}/gradio_api/upload", files=files).json()
        killed.process.kill()
        killed.process.wait()
        assert Path(upload).is_relative_to(left)
        assert Path(upload).exists()
        with _beginning(place) as second:
            assert not left.exists()
            with _beginning(place) as third:
                assert _folders(place) == {second, third}
                assert (second / "uploads").is_dir()


@pytest.mark.slow
def test_a_full_disk_is_said_in_one_sentence_and_no_file_stays(
    start_coach: Callable[..., Any], write_clip: Callable[..., Path], tmp_path: Path
) -> None:
    clip = {"files": ("clip.mp4", write_clip(tmp_path / "clip.mp4", seconds=8).read_bytes())}
    with start_coach() as server, httpx.Client(base_url=server.url, timeout=60) as client:
        with server.keeping_nothing():
            [path] = client.post("/gradio_api/upload", files=clip).json()
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (30_000, 30_000))
            call = {"data": [[{"path": path, "meta": FILE}], ["exo1"]]}
            event = client.post("/gradio_api/call/score", json=call).json()["event_id"]
            outcome = client.get(f"/gradio_api/call/score/{event}").text
            assert json.loads(outcome.split("data: ", 1)[1])["error"] == NO_ROOM
            refused = client.post("/gradio_api/upload", files=clip)
            assert (refused.status_code, refused.text) == (507, NO_ROOM)
        assert "Traceback" not in server.log()


def test_a_model_that_cannot_be_loaded_is_reported(broken_checkpoint: Path) -> None:
    failed = threading.Event()
    with closing(Coach(CoachSettings(checkpoint=broken_checkpoint))) as coach:
        assert coach.failure is None
        coach.start(on_failure=failed.set)
        assert failed.wait(60)
        assert isinstance(coach.failure, CheckpointError)
        with pytest.raises(CheckpointError):
            coach.scorer()


@pytest.mark.slow
def test_a_server_without_a_model_ends_with_a_sentence(
    broken_checkpoint: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        _command("--checkpoint", broken_checkpoint),
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {broken_checkpoint}/model.safetensors: ")
    assert done.stderr.count("\n") == 1
    assert _folders(tmp_path) == set()


@pytest.mark.slow
def test_an_address_of_the_newer_protocol_is_served(tmp_path: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    command = _command("--host", "::1")
    url = f"http://[::1]:{command[command.index('--port') + 1]}/"
    environment = {**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        try:
            wait_for_server(f"{url}login", process)
            assert process.stdout is not None
            assert b"Starting" in process.stdout.readline()
            assert url.encode() in process.stdout.readline()
            assert httpx.get(url, trust_env=False).status_code == 200
        finally:
            process.kill()
