"""Clips become model input, and augmentation leaves what skill is judged by."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import proskill.video
from proskill.video.transforms import AugmentTake, fit_square, to_model_input

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def clip_of(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(
        0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
    )


@pytest.mark.parametrize("lead", [(), (2,), (2, 3)])
def test_model_input_is_normalised_with_channels_before_time(lead):
    clip = clip_of(*lead, 4, 3, 6, 5)
    x = to_model_input(clip, MEAN, STD)
    assert x.shape == (*lead, 3, 4, 6, 5)
    assert x.dtype == torch.float32
    assert x.is_contiguous()
    for channel in range(3):
        expected = (clip[..., channel, :, :].double() / 255 - MEAN[channel]) / STD[channel]
        torch.testing.assert_close(x[..., channel, :, :, :].double(), expected, rtol=0, atol=2e-6)


def test_what_is_no_decoded_clip_is_refused():
    with pytest.raises(ValueError, match=r"torch\.float32"):
        to_model_input(torch.zeros(2, 3, 4, 4), MEAN, STD)
    with pytest.raises(ValueError, match="3 numbers each"):
        to_model_input(clip_of(2, 3, 4, 4), (0.5,), (0.5,))
    with pytest.raises(ValueError, match="img_size=0"):
        fit_square(clip_of(2, 3, 4, 4), 0)
    with pytest.raises(ValueError, match="must be uint8"):
        fit_square(torch.zeros(3, 4, 4), 2)


@pytest.mark.parametrize("size", [(90, 160), (160, 90), (48, 48), (31, 200)])
@pytest.mark.parametrize("img_size", [64, (32, 96)])
def test_fitting_keeps_the_middle_and_the_shape_of_things(size, img_size):
    height, width = (img_size, img_size) if isinstance(img_size, int) else img_size
    clip = torch.zeros(2, 3, *size, dtype=torch.uint8)
    y, x = size[0] // 2, size[1] // 2
    clip[..., y - 4 : y + 4, x - 4 : x + 4] = 255
    fitted = fit_square(clip, img_size)
    assert fitted.shape == (2, 3, height, width)
    where = fitted[0, 0].float()
    rows = (where.sum(1) * torch.arange(height)).sum() / where.sum()
    columns = (where.sum(0) * torch.arange(width)).sum() / where.sum()
    assert abs(rows - (height - 1) / 2) < 2.5
    assert abs(columns - (width - 1) / 2) < 2.5
    tall, wide = (where.sum(1) > 0).sum(), (where.sum(0) > 0).sum()
    assert abs(int(tall) - int(wide)) <= 2


def test_a_clip_that_fits_is_left_as_it_is():
    clip = clip_of(4, 3, 32, 32)
    assert torch.equal(fit_square(clip, 32), clip)


def test_all_views_of_a_take_are_mirrored_or_none():
    still = AugmentTake(brightness=0, contrast=0, min_crop=1)
    clips = {"ego": clip_of(2, 4, 3, 8, 8), "exo1": clip_of(2, 4, 3, 8, 8, seed=1)}
    seen = set()
    for seed in range(20):
        changed = still(clips, np.random.default_rng(seed))
        mirrored = {name: torch.equal(changed[name], clips[name].flip(-1)) for name in clips}
        kept = {name: torch.equal(changed[name], clips[name]) for name in clips}
        assert all(mirrored.values()) or all(kept.values())
        seen.add(mirrored["ego"])
    assert seen == {True, False}


def test_light_and_framing_differ_between_views_and_not_within_one():
    clip = clip_of(1, 1, 3, 24, 24).expand(2, 5, 3, 24, 24)
    changed = AugmentTake(flip_probability=0)({"a": clip, "b": clip}, np.random.default_rng(3))
    assert not torch.equal(changed["a"], changed["b"])
    for view in changed.values():
        assert view.shape == clip.shape
        assert view.dtype == torch.uint8
        assert (view == view[:1, :1]).all()


def test_order_and_tempo_stay_unless_asked_for():
    numbers = torch.arange(8, dtype=torch.uint8).view(1, 8, 1, 1, 1).expand(1, 8, 3, 8, 8) * 20
    plain = AugmentTake(brightness=0, contrast=0)
    backwards = AugmentTake(brightness=0, contrast=0, reverse_probability=1.0)
    faster = AugmentTake(brightness=0, contrast=0, speed_range=(2.0, 2.0))
    for seed in range(5):
        draws = [
            change({"a": numbers}, np.random.default_rng(seed))["a"][0, :, 0, 4, 4] // 20
            for change in (plain, backwards, faster)
        ]
        assert draws[0].tolist() == list(range(8))
        assert draws[1].tolist() == list(range(8))[::-1]
        assert draws[2].tolist() == [0, 0, 0, 2, 4, 6, 7, 7]


def test_the_same_seed_gives_the_same_pictures_and_the_input_is_untouched():
    clips = {"a": clip_of(2, 3, 3, 16, 16), "b": clip_of(2, 3, 3, 16, 16, seed=1)}
    before = {name: clip.clone() for name, clip in clips.items()}
    one, two = (AugmentTake()(clips, np.random.default_rng(7)) for _ in range(2))
    other = AugmentTake()(clips, np.random.default_rng(8))
    assert list(one) == ["a", "b"]
    for name in clips:
        assert torch.equal(one[name], two[name])
        assert torch.equal(clips[name], before[name])
    assert not torch.equal(one["a"], other["a"])


@pytest.mark.parametrize(
    "options",
    [
        {"flip_probability": 1.5},
        {"brightness": -0.1},
        {"contrast": 1.0},
        {"min_crop": 0.0},
        {"reverse_probability": 2.0},
        {"speed_range": (1.2, 0.8)},
    ],
)
def test_options_out_of_range_are_named(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        AugmentTake(**options)


def test_the_package_offers_its_public_names():
    for name in proskill.video.__all__:
        assert getattr(proskill.video, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = proskill.video.nothing_like_it
