from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from proskill.calibration.picture_statistics import (
    NUM_STATISTICS,
    picture_statistics,
    picture_timestamps,
    read_picture_statistics,
    read_takes_statistics,
)

MakeVideo = Callable[..., Path]


def _pairs(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8)


def test_any_frames_give_finite_numbers() -> None:
    for pairs in (
        torch.zeros(4, 2, 3, 112, 112, dtype=torch.uint8),
        torch.full((1, 2, 3, 64, 96), 255, dtype=torch.uint8),
        _pairs(4, 2, 3, 224, 224),
        _pairs(2, 2, 1, 40, 40),
    ):
        numbers = picture_statistics(pairs)
        assert numbers.shape == (NUM_STATISTICS,)
        assert np.isfinite(numbers).all()


def test_each_kind_of_difference_moves_some_number() -> None:
    ramp = torch.linspace(40, 200, 112).expand(4, 2, 3, 112, 112)
    plain = picture_statistics(ramp.to(torch.uint8))
    sharp = (ramp + 30 * torch.randn(4, 1, 3, 112, 112)).clamp(0, 255)
    assert picture_statistics(sharp.to(torch.uint8))[0] > plain[0] + 1
    coloured = ramp.clone()
    coloured[:, :, 0] = 20
    assert picture_statistics(coloured.to(torch.uint8))[8] > plain[8] + 1
    moving = ramp.clone()
    moving[:, 1] = moving[:, 1].roll(20, dims=-1)
    assert picture_statistics(moving.to(torch.uint8))[10] > plain[10] + 1


def test_instants_lie_within_the_span() -> None:
    for end in (0.05, 0.3, 60.0):
        instants = picture_timestamps(1.0, 1.0 + end)
        assert instants.shape[1] == 2
        assert instants.min() >= 1.0
        assert instants.max() < 1.0 + end


def test_takes_without_a_view_have_a_gap(make_video: MakeVideo) -> None:
    file = make_video(seconds=0.6)
    table = read_takes_statistics(
        [{"ego": file}, {"ego": file, "exo1": file}], ["ego", "exo1"], img_size=(64, 64)
    )
    assert np.isnan(table[0, 1]).all()
    assert np.isfinite(table[1]).all()
    np.testing.assert_array_equal(table[0, 0], read_picture_statistics(file, img_size=(64, 64)))
