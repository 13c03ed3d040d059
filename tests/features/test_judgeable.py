from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from proskill.features.judgeable import file_reasons, file_warnings, picture_reasons
from proskill.models import InputSpec
from proskill.video.probe import VideoInfo

SPEC = InputSpec(num_frames=8, frame_interval_seconds=0.1, img_size=(224, 224))


def _info(**changes: Any) -> VideoInfo:
    values: dict[str, Any] = {
        "path": Path("a.mp4"), "size_bytes": 1, "container": "mp4", "codec": "h264",
        "pixel_format": "yuv420p", "width": 640, "height": 480, "rotation_degrees": 0,
        "is_mirrored": False, "duration_seconds": 3.0, "frame_rate": 30.0, "num_frames": 90,
        "decoded_ratio": 1.0, "has_audio": False,
    }  # fmt: skip
    return VideoInfo(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, ()),
        ({"num_frames": 1}, ("holds a single picture; a performance is needed",)),
        (
            {"duration_seconds": 0.5},
            ("is too short: 0.50 s, and the model looks at 0.70 s at a time",),
        ),
        (
            {"width": 16, "height": 16},
            (
                "is too small: 16x16 pixels, and less than 64 on the short side show nothing to "
                "judge",
            ),
        ),
    ],
)
def test_a_file_that_cannot_be_judged_says_why(
    changes: dict[str, Any], reasons: tuple[str, ...]
) -> None:
    assert file_reasons(_info(**changes), SPEC) == reasons


@pytest.mark.parametrize(
    ("changes", "warnings"),
    [
        ({}, ()),
        (
            {"width": 160, "height": 120},
            ("pictures of 160x120 pixels are enlarged to the model's 224x224",),
        ),
        ({"frame_rate": 4.0}, ("shows 4 frames a second; the model looks at 10",)),
        ({"warnings": ("the picture freezes",)}, ("the picture freezes",)),
    ],
)
def test_a_weak_file_is_warned_of(changes: dict[str, Any], warnings: tuple[str, ...]) -> None:
    assert file_warnings(_info(**changes), SPEC) == warnings


def _noise(level: float, *shape: int) -> torch.Tensor:
    return level + 4 * torch.randn(*shape)


def _clips(values: torch.Tensor) -> torch.Tensor:
    return values.clamp(0, 255).to(torch.uint8)


def test_black_and_blank_pictures_with_sensor_noise_show_nothing() -> None:
    assert picture_reasons(_clips(_noise(16, 2, 8, 3, 128, 128))) == ("shows a black picture",)
    assert picture_reasons(_clips(_noise(128, 2, 8, 3, 128, 128))) == ("shows a blank picture",)


def test_a_still_picture_with_sensor_noise_shows_no_motion() -> None:
    still = torch.linspace(20, 200, 128).expand(2, 8, 3, 128, 128)
    assert picture_reasons(_clips(still + _noise(0, 2, 8, 3, 128, 128))) == ("shows no motion",)


def test_a_hand_that_moves_in_one_window_is_motion() -> None:
    clips = torch.linspace(20, 200, 128).expand(3, 8, 3, 128, 128).clone()
    for t in range(8):
        clips[1, t, :, 60:66, 40 + 3 * t : 46 + 3 * t] = 220
    assert picture_reasons(_clips(clips)) == ()
