from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from proskill.data.proskill_dataset import read_proskill
from proskill.data.sources import load_takes
from proskill.data.take import Take, View
from proskill.errors import ManifestError

RANKING = """
tent:
  insert poles:
    001: {elo: 1480.5, swiss_score: 2, z_score: -1.0, expert_level: Novice}
    002: {elo: 1519.5, swiss_score: 4, z_score: 1.0, expert_level: Late Expert}
    003: {elo: 1500.0, swiss_score: 3, z_score: 0.0, expert_level: Early Expert}
    004: {elo: 1499.0, swiss_score: 3, z_score: 0.0, expert_level: Early Expert}
    005: {elo: 1501.0, swiss_score: 3, z_score: 0.0, expert_level: Early Expert}
    006: {elo: 1498.0, swiss_score: 3, z_score: 0.0, expert_level: Early Expert}
"""
GOAL = "tent->insert poles, then pegs"


@pytest.fixture
def subset(tmp_path: Path) -> Path:
    """Two segments in each split."""
    folder = tmp_path / "epic-tent"
    for view in ("ego", "exo1"):
        (folder / "videos" / view).mkdir(parents=True)
        for number in range(1, 7):
            (folder / f"videos/{view}/00{number}.mp4").write_bytes(b"video")
    (folder / "rankings").mkdir()
    (folder / "rankings/rank_after_round_6.yml").write_text(RANKING)
    (folder / "rankings/rank_after_round_5.yml").write_text("not read")
    for pair, split in (("002,001", "train"), ("003,004", "val"), ("005,006", "test")):
        (folder / f"{split}.txt").write_text(f"{pair},{GOAL}\n\n")
    people = "".join(f"00{number},p{number}\n" for number in range(1, 7))
    (folder / "participants.csv").write_text("segment,participant_id\n" + people)
    return folder


def test_a_segment_is_a_take_with_the_rating_after_the_last_round(subset: Path) -> None:
    takes = read_proskill(subset)
    assert takes[0] == Take(
        take_id="epic-tent/001",
        participant_id="epic-tent/p1",
        scenario=GOAL,
        views={
            "ego": View(subset / "videos/ego/001.mp4", "ego"),
            "exo1": View(subset / "videos/exo1/001.mp4", "exo"),
        },
        split="train",
        rating=1480.5,
    )
    assert [take.split for take in takes] == ["train", "train", "val", "val", "test", "test"]


def test_the_folder_of_all_subsets_gives_all_of_them(subset: Path) -> None:
    (subset.parent / "ikea").symlink_to(subset)
    (subset.parent / "notes").mkdir()
    takes = load_takes(subset.parent)
    assert len(takes) == 12
    assert load_takes(subset) == takes[:6]


def test_rankings_may_be_named_by_number_and_hold_quoted_names_with_suffix(subset: Path) -> None:
    text = re.sub(r"(\d\d\d):", r"'\1.mp4':", RANKING).replace("elo:", "Elo Rating:")
    (subset / "rankings/rank_after_round_6.yml").unlink()
    (subset / "rankings/rank_after_round_5.yml").unlink()
    (subset / "rankings/6.yml").write_text(text)
    (subset / "participants.csv").unlink()
    for split in ("train", "val", "test"):
        file = subset / f"{split}.txt"
        file.write_text(re.sub(r"(\d\d\d),", r"\1.mp4,", file.read_text()))
    assert [take.rating for take in read_proskill(subset)][:2] == [1480.5, 1519.5]


def test_without_participants_each_segment_stands_for_itself_and_that_is_said(
    subset: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (subset / "participants.csv").unlink()
    with caplog.at_level(logging.WARNING):
        takes = read_proskill(subset)
    assert len({take.participant_id for take in takes}) == 6
    assert "has no participants.csv: each segment counts as a person of its own" in caplog.text


def test_a_segment_or_person_in_two_splits_leaves_the_training_side(subset: Path) -> None:
    (subset / "test.txt").write_text(f"005,006,{GOAL}\n002,005,{GOAL}\n")
    assert [(t.take_id[-1], t.split) for t in read_proskill(subset)] == [
        ("1", "train"), ("2", "test"), ("3", "val"), ("4", "val"), ("5", "test"), ("6", "test"),
    ]  # fmt: skip
    people = "".join(f"00{number},p{number % 5}\n" for number in range(1, 7))  # 1 is 6
    (subset / "participants.csv").write_text("segment,participant_id\n" + people)
    assert [take.take_id[-1] for take in read_proskill(subset)] == ["2", "3", "4", "5", "6"]


def test_segments_without_a_video_are_counted_and_none_at_all_is_an_error(
    subset: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for view in ("ego", "exo1"):
        (subset / f"videos/{view}/001.mp4").unlink()
    with caplog.at_level(logging.WARNING):
        assert len(read_proskill(subset)) == 5
    assert "left out: 1 rated segments without a video; of 6" in caplog.text
    for file in subset.rglob("*.mp4"):
        file.unlink()
    with pytest.raises(ManifestError, match="no rated segment has a video; put the clips under"):
        read_proskill(subset)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.txt", "", "train.txt: split 'train' is empty"),
        ("train.txt", "\n002,001\n", "train.txt: row 2: '002,001': expected is winner,loser,goal"),
        ("train.txt", "002,003,other->task\n", "val.txt: row 1: segment '003' shows"),
        ("train.txt", f"002,005,{GOAL}\n", "segment '001' is in no pair of train.txt, val.txt or"),
        ("train.txt", "é", "train.txt: is not UTF-8 text"),
        ("rankings/rank_after_round_6.yml", "a: &x {elo: 1}\nb: *x", "anchors and aliases"),
        ("rankings/rank_after_round_6.yml", "a: [", "rank_after_round_6.yml: is not YAML"),
        ("rankings/rank_after_round_6.yml", "[" * 5000, "is not YAML of ratings: "),
        ("rankings/rank_after_round_6.yml", "[1, 2]", "expected are segments with their ratings"),
        ("rankings/rank_after_round_6.yml", "t: {'001': 7, '002': x}", "'t': needs one key for it"),
        (
            "rankings/rank_after_round_6.yml",
            "t: {'001': {rating: 3}}",
            "segment '001': needs one key for its Elo rating, such as 'elo'; its keys are 'rating'",
        ),
        ("rankings/rank_after_round_6.yml", "t: {'001': {elo: high}}", "'001': key 'elo': 'high'"),
        ("rankings/rank_after_round_6.yml", "t: {'001': {elo: nan}}", "'nan' must be a number"),
        (
            "rankings/rank_after_round_6.yml",
            "t: {'001': {elo: 1}}\nu: {'001': {elo: 2}}",
            "segment '001' is rated twice",
        ),
        ("participants.csv", "segment,person\n001,p\n", "needs the columns segment and partici"),
        ("participants.csv", "segment,participant_id\n001,\n", "row 2: segment='001': needs a par"),
        ("participants.csv", "segment,participant_id\n002,p\n", "names no participant of '001'"),
    ],
)
def test_a_wrong_file_is_named(subset: Path, name: str, content: str, message: str) -> None:
    (subset / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(ManifestError, match=re.escape(message)) as caught:
        read_proskill(subset)
    assert "\n" not in str(caught.value)


def test_a_missing_file_or_a_folder_that_is_no_view_is_named(subset: Path) -> None:
    (subset / "videos/front").mkdir()
    with pytest.raises(ManifestError, match="front: is no view; name the folder ego or exo1"):
        read_proskill(subset)
    (subset / "val.txt").unlink()
    with pytest.raises(ManifestError, match=r"val\.txt: no such file"):
        read_proskill(subset)
