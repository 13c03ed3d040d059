from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from proskill.data.clips import read_windows
from proskill.data.file_facts import (
    FileFacts,
    FileRequest,
    examine_file,
    examine_files,
    requests_for,
)
from proskill.data.take import Take, View
from proskill.errors import ProskillError
from proskill.input_spec import InputSpec
from proskill.simulation.render import write_video

WriteClip = Callable[..., Path]


def _cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def test_a_whole_file_is_described(tmp_path: Path, write_clip: WriteClip) -> None:
    path = write_clip(tmp_path / "a.mp4", seconds=3)
    facts = examine_file(FileRequest(path, num_timestamps=4))
    assert facts.fault is None
    assert facts.duration_seconds == pytest.approx(3.0)
    assert facts.decoded_ratio == 1
    assert facts.size_bytes == path.stat().st_size
    assert not facts.warnings


@pytest.mark.parametrize(
    ("content", "fault", "reason"),
    [
        (None, "missing", "no such file"),
        (b"", "unreadable", "is empty"),
        (b"hello" * 100, "unreadable", "is a text file"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(200), "unreadable", "incomplete upload"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    tmp_path: Path, content: bytes | None, fault: str, reason: str
) -> None:
    path = tmp_path / "a.mp4"
    if content is not None:
        path.write_bytes(content)
    facts = examine_file(FileRequest(path))
    assert (facts.fault, facts.decoded_ratio) == (fault, None)
    assert reason in facts.reason
    assert str(tmp_path) not in facts.reason


def test_a_file_cut_in_half_tells_its_decoded_ratio(tmp_path: Path, write_clip: WriteClip) -> None:
    most = examine_file(FileRequest(_cut(write_clip(tmp_path / "a.mp4"), 0.75)))
    assert most.fault is None
    assert most.decoded_ratio is not None
    assert 0.5 < most.decoded_ratio < 0.95
    little = examine_file(FileRequest(_cut(write_clip(tmp_path / "b.mp4"), 0.35)))
    assert little.fault == "truncated"
    assert little.decoded_ratio is not None
    assert 0 < little.decoded_ratio < 0.5


def test_damage_inside_a_file_shows_when_its_pictures_are_decoded(
    tmp_path: Path, write_clip: WriteClip
) -> None:
    path = write_clip(tmp_path / "a.mp4", seconds=8)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 6000] = bytes(6000)
    path.write_bytes(content)
    assert examine_file(FileRequest(path)).warnings == ()
    seen = examine_file(FileRequest(path, num_timestamps=10))
    assert seen.fault is not None or any("damaged" in text for text in seen.warnings)


def test_views_of_one_file_are_one_request(tmp_path: Path) -> None:
    path = tmp_path / "long.mp4"
    views = [
        View(path, "exo", 0, 5),
        View(path, "exo", 5, 9, offset_seconds=1),
        View(path, "exo", 0, 5),
        View(tmp_path / "other.mp4", "exo"),
    ]
    first, second = requests_for(views, num_timestamps=2)
    assert (first.path, first.spans) == (path, ((0.0, 5.0), (6.0, 10.0)))
    assert (second.path, second.spans) == (tmp_path / "other.mp4", ((0.0, None),))


def test_a_second_run_reads_only_what_changed(tmp_path: Path, write_clip: WriteClip) -> None:
    paths = [write_clip(tmp_path / f"{k}.mp4", seed=k) for k in range(3)]
    requests = [FileRequest(path, num_timestamps=2) for path in paths]
    journal = tmp_path / "out/examined.jsonl"
    steps: list[tuple[int, int]] = []
    first = examine_files(
        requests, journal=journal, num_workers=1, on_progress=lambda *at: steps.append(at)
    )
    assert steps == [(0, 3), (1, 3), (2, 3), (3, 3)]
    write_clip(paths[1], seconds=4)
    steps.clear()
    second = examine_files(
        requests, journal=journal, num_workers=1, on_progress=lambda *at: steps.append(at)
    )
    assert steps == [(2, 3), (3, 3)]
    assert second[paths[0]] == first[paths[0]]
    assert second[paths[1]].duration_seconds == pytest.approx(4)
    assert len(journal.read_text().splitlines()) == 4


def test_a_journal_that_was_cut_off_or_tampered_with_is_no_harm(
    tmp_path: Path, write_clip: WriteClip
) -> None:
    path = write_clip(tmp_path / "a.mp4")
    journal = tmp_path / "examined.jsonl"
    examine_files([FileRequest(path)], journal=journal, num_workers=1)
    line = journal.read_text()
    wrong = {**json.loads(line), "duration_seconds": -1}
    journal.write_text(f'[]\n{json.dumps(wrong)}\n{{"path": 3}}\nnull\n\xff\n{line[:40]}')
    facts = examine_files([FileRequest(path)], journal=journal, num_workers=1)
    assert facts[path].duration_seconds == pytest.approx(2)
    assert journal.read_text().splitlines()[-1] == line.strip()


def test_pictures_once_decoded_count_for_a_run_that_wants_none_but_not_the_other_way(
    tmp_path: Path, write_clip: WriteClip
) -> None:
    path = write_clip(tmp_path / "a.mp4")
    journal = tmp_path / "examined.jsonl"
    examine_files([FileRequest(path)], journal=journal, num_workers=1)
    examine_files([FileRequest(path, num_timestamps=3)], journal=journal, num_workers=1)
    assert len(journal.read_text().splitlines()) == 2
    examine_files([FileRequest(path)], journal=journal, num_workers=1)
    examine_files([FileRequest(path, num_timestamps=3)], journal=journal, num_workers=1)
    assert len(journal.read_text().splitlines()) == 2
    other = FileRequest(path, ((0.5, 1.0),), num_timestamps=3)
    examine_files([other], journal=journal, num_workers=1)
    assert len(journal.read_text().splitlines()) == 3


def test_a_missing_file_is_looked_for_again(tmp_path: Path, write_clip: WriteClip) -> None:
    path, journal = tmp_path / "a.mp4", tmp_path / "examined.jsonl"
    found = examine_files([FileRequest(path)], journal=journal, num_workers=1)
    assert found[path].fault == "missing"
    write_clip(path)
    found = examine_files([FileRequest(path)], journal=journal, num_workers=1)
    assert found[path].fault is None


def test_a_file_name_of_any_bytes_goes_through_the_journal(
    tmp_path: Path, write_clip: WriteClip
) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b'/\xff =1+1,"\n.mp4'))
    write_clip(tmp_path / "a.mp4").rename(path)
    journal = tmp_path / "examined.jsonl"
    first = examine_files([FileRequest(path)], journal=journal, num_workers=1)
    assert first[path].fault is None
    assert examine_files([FileRequest(path)], journal=journal, num_workers=1) == first
    assert len(journal.read_bytes().splitlines()) == 1


def test_a_journal_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ProskillError, match=r"examined\.jsonl: cannot be written \(File exists"):
        examine_files([], journal=tmp_path / "file/examined.jsonl")


def test_facts_that_contradict_themselves_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="duration_seconds=0"):
        FileFacts(tmp_path, "")
    with pytest.raises(ValueError, match="fault='odd': allowed are missing"):
        FileFacts(tmp_path, "", fault="odd")  # type: ignore[arg-type]


def test_a_video_longer_than_an_upload_may_be_is_part_of_a_dataset(tmp_path: Path) -> None:
    path = tmp_path / "twelve_minutes.mp4"
    frames = np.repeat(np.arange(0, 240, dtype=np.uint8), 3)[:, None, None, None]
    write_video(path, np.broadcast_to(frames, (720, 48, 64, 3)), frame_rate=1, quality=30)
    facts = examine_file(FileRequest(path, num_timestamps=3))
    assert facts.fault is None
    assert facts.duration_seconds == pytest.approx(720)
    take = Take("t", "p", "basketball", {"exo1": View(path, "exo")})
    windows = read_windows(take, InputSpec(6, 0.1, (32, 32), num_windows=2))
    assert windows["exo1"].shape == (2, 6, 3, 32, 32)
