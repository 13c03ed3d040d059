from __future__ import annotations

import pickle
from pathlib import Path

from proskill.errors import (
    CheckpointError,
    ComparisonError,
    ConfigError,
    ManifestError,
    ProskillError,
    VideoError,
)


def test_a_video_error_names_path_and_reason() -> None:
    error = VideoError("a.mp4", "has no video stream")
    assert str(error) == "a.mp4: has no video stream"
    assert (error.path, error.reason) == (Path("a.mp4"), "has no video stream")


def test_a_video_error_survives_the_way_from_a_worker_process() -> None:
    error = pickle.loads(pickle.dumps(VideoError("a.mp4", "is cut", decoded_ratio=0.25)))
    assert (str(error), error.path) == ("a.mp4: is cut", Path("a.mp4"))
    assert error.decoded_ratio == 0.25


def test_one_class_catches_them_all() -> None:
    for kind in (VideoError, ManifestError, CheckpointError, ConfigError):
        assert issubclass(kind, ProskillError)


def test_a_comparison_error_says_where_as_far_as_it_is_known() -> None:
    assert str(ComparisonError("is empty")) == "is empty"
    assert str(ComparisonError("is empty", row=3)) == "row 3: is empty"
    assert str(ComparisonError("is empty", row=3, path=Path("a.csv"))) == "a.csv: row 3: is empty"
