from __future__ import annotations

import shutil
import time
from typing import Any

import pytest


@pytest.fixture
def visitor(new_campaign: Any, serve: Any, visit: Any) -> Any:
    """An annotator of a campaign whose first clip has 100 bytes for a video, the second none."""
    store = new_campaign(2)
    proxies = store.folder / "proxies"
    proxies.mkdir(exist_ok=True)
    (proxies / "1.mp4").write_bytes(bytes(range(100)))
    store.set_proxy(1, "proxies/1.mp4", duration_seconds=2.0)
    person = visit(serve(store.folder).url, store.invite("Ada", now=time.time()))
    person.clip = f"/clips/{store.clips()[0].public_id}"
    person.missing = f"/clips/{store.clips()[1].public_id}"
    person.folder = proxies
    return person


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [("0-9", 0, 10), ("90-", 90, 100), ("-5", 95, 100), ("10-500", 10, 100), ("99-99", 99, 100)],
)
def test_a_player_gets_the_part_of_a_video_that_it_asks_for(
    visitor: Any, wanted: str, start: int, stop: int
) -> None:
    answer = visitor.http.get(visitor.clip, headers={"Range": f"bytes={wanted}"})
    assert answer.status_code == 206
    assert answer.content == bytes(range(start, stop))
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/100"
    assert answer.headers["content-type"] == "video/mp4"


def test_a_whole_video_says_that_parts_may_be_asked_for(visitor: Any) -> None:
    answer = visitor.http.get(visitor.clip)
    assert answer.content == bytes(range(100))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"].startswith("private")
    assert "content-disposition" not in answer.headers


@pytest.mark.parametrize("wanted", ["bytes=100-", "bytes=5-1", "bytes=x", "lines=1-2", "bytes="])
def test_a_range_that_is_none_is_no_failure_of_the_server(visitor: Any, wanted: str) -> None:
    answer = visitor.http.get(visitor.clip, headers={"Range": wanted})
    assert answer.status_code in (200, 400, 416)


def test_a_clip_without_its_video_is_a_sentence(visitor: Any) -> None:
    shutil.rmtree(visitor.folder)
    for path in (visitor.clip, visitor.missing):
        answer = visitor.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "no_proxy")
