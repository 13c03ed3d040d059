from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from proskill.data.egoexo4d import read_egoexo4d
from proskill.data.manifest import read_manifest
from proskill.data.sources import load_takes
from proskill.simulation import take_spec
from proskill.simulation.takes import simulate_dataset
from proskill.video.reader import VideoReader


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated")
    simulate_dataset(out, num_participants=3, takes_per_participant=1, seed=5, num_workers=1)
    return out


def test_the_manifest_reads_back_with_every_view_and_label(dataset: Path) -> None:
    takes = read_manifest(dataset / "manifest.csv")
    assert len(takes) == 3
    for take in takes:
        assert list(take.views) == ["ego", "exo1", "exo2"]
        assert take.views["ego"].kind == "ego"
        assert take.level is not None
        assert take.rating is not None
        assert take.split is not None


def test_the_files_are_videos_of_the_stated_size_that_move(dataset: Path) -> None:
    take = read_manifest(dataset / "manifest.csv")[0]
    durations = []
    for view in take.views.values():
        with VideoReader(view.path) as reader:
            assert (reader.info.width, reader.info.height) == (224, 224)
            assert reader.info.codec == "h264"
            durations.append(reader.duration_seconds)
            frames = reader.frames_at(np.array([0.5, 1.5, 2.5])).float()
        assert frames.std() > 10
        assert (frames[0] - frames[1]).abs().mean() > 1
    low, high = take_spec.DURATION_SECONDS
    assert len(set(durations)) == 1
    assert low <= durations[0] <= high


def test_the_truth_lists_every_fault_with_time_kind_and_the_views_that_see_it(
    dataset: Path,
) -> None:
    rows = [json.loads(line) for line in (dataset / "truth.jsonl").read_text().splitlines()]
    labels = {take.take_id: take for take in read_manifest(dataset / "manifest.csv")}
    for row in rows:
        take = labels[row["take_id"]]
        assert row["level"] == take.level
        assert row["rating"] == pytest.approx(take.rating, abs=1e-4)
        assert row["faults"]
        for fault in row["faults"]:
            assert 0 <= fault["start_seconds"] < fault["end_seconds"] < 8
            assert fault["views"]
        hand_faults = [fault for fault in row["faults"] if fault["component"] == "dexterity"]
        assert {view for fault in hand_faults for view in fault["views"]} == {"ego"}


def test_the_same_seed_gives_the_same_manifest_to_the_byte_and_the_same_pictures(
    dataset: Path, tmp_path: Path
) -> None:
    simulate_dataset(tmp_path, num_participants=3, takes_per_participant=1, seed=5, num_workers=2)
    for name in ("manifest.csv", "truth.jsonl"):
        assert (tmp_path / name).read_bytes() == (dataset / name).read_bytes()
    for path in sorted((tmp_path / "videos").iterdir()):
        with VideoReader(path) as a, VideoReader(dataset / "videos" / path.name) as b:
            instants = np.array([0.0, 2.0])
            assert (a.frames_at(instants) == b.frames_at(instants)).all()


def test_an_interrupted_simulation_keeps_what_is_finished(dataset: Path) -> None:
    videos = sorted((dataset / "videos").iterdir())
    untouched, removed = videos[0], videos[-1]
    before = untouched.stat().st_mtime_ns
    removed.unlink()
    seen: list[tuple[int, int]] = []
    simulate_dataset(
        dataset,
        num_participants=3,
        takes_per_participant=1,
        seed=5,
        num_workers=1,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(2, 3), (3, 3)]
    assert removed.exists()
    assert untouched.stat().st_mtime_ns == before
    assert not list(dataset.rglob("*.partial"))


def test_the_ego_exo4d_layout_reads_back_through_its_own_reader(tmp_path: Path) -> None:
    simulate_dataset(
        tmp_path,
        num_participants=4,
        takes_per_participant=1,
        views=("ego", "exo2"),
        seed=6,
        layout="egoexo4d",
        split_shares=(0.5, 0.25, 0.25),
        num_workers=1,
    )
    takes = read_egoexo4d(tmp_path)
    assert sorted((take.split, take.level is None) for take in takes) == [
        ("test", True),
        ("train", False),
        ("train", False),
        ("val", False),
    ]
    assert all(view.path.is_file() for take in takes for view in take.views.values())


def test_a_players_takes_follow_one_another_in_one_video(tmp_path: Path) -> None:
    simulate_dataset(
        tmp_path,
        num_participants=3,
        takes_per_participant=3,
        tasks=("drumming", "juggling"),
        seed=6,
        layout="basket",
        split_shares=(0.34, 0.33, 0.33),
        num_workers=1,
    )
    truth = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    takes = load_takes(tmp_path)
    assert {take.take_id for take in takes} == {row["take_id"] for row in truth}
    for row in truth:
        [view] = next(take for take in takes if take.take_id == row["take_id"]).views.values()
        with VideoReader(view.path) as reader:
            duration = reader.duration_seconds
        low, high = take_spec.DURATION_SECONDS
        assert 3 * low <= duration <= 3 * high
        ends = [fault["end_seconds"] for fault in row["faults"]]
        assert duration - 2 * high / 3 < max(ends) <= duration
        assert all(fault["start_seconds"] < fault["end_seconds"] for fault in row["faults"])


def test_participants_never_cross_splits() -> None:
    splits = take_spec.assign_splits(50, (0.5, 0.1, 0.4), seed=1)
    assert [splits.count(name) for name in ("train", "val", "test")] == [25, 5, 20]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_participants": 0}, "num_participants=0"),
        ({"views": ("ego", "drone")}, "view='drone'"),
        ({"views": ("ego", "ego")}, "stands twice"),
        ({"tasks": ("yodelling",)}, "task='yodelling'"),
        ({"split_shares": (0.9, 0.9, 0.1)}, "shares="),
        ({"layout": "kinetics"}, "layout='kinetics': allowed are manifest, egoexo4d, basket"),
        ({"layout": "basket", "views": ("ego", "exo1")}, "BASKET has one camera per video"),
    ],
)
def test_wrong_arguments_are_named_before_anything_is_written(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    wanted = {"num_participants": 1, "takes_per_participant": 1, **arguments}
    with pytest.raises(ValueError, match=message):
        simulate_dataset(tmp_path / "new", **wanted)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()
