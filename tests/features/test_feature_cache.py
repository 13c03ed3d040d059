"""Frozen blocks run once: what is cached, when it is computed again, and that it is the same."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from proskill.data.clips import read_windows
from proskill.data.take import Take, View
from proskill.errors import ProskillError, VideoError
from proskill.features import feature_cache
from proskill.features.feature_cache import FeatureTable, extract_features
from proskill.input_spec import InputSpec
from proskill.models import TimeSformer
from proskill.video.transforms import to_model_input

FORMAT = InputSpec(
    num_frames=4,
    frame_interval_seconds=0.1,
    img_size=(32, 32),
    mean=(0.45, 0.45, 0.45),
    std=(0.225, 0.225, 0.225),
)


@pytest.fixture
def backbone(tiny_arguments: dict[str, Any]) -> TimeSformer:
    torch.manual_seed(0)
    return TimeSformer(**tiny_arguments["backbone"]["config"]).eval()


def compute(
    takes: list[Take], backbone: TimeSformer, spec: InputSpec = FORMAT, **options: Any
) -> FeatureTable:
    settings: dict[str, Any] = {"precision": "fp32", "progress": False, **options}
    return extract_features(takes, backbone, spec, **settings)


def refuse_to_read(*args: Any, **kwargs: Any) -> Any:
    raise AssertionError("a video was decoded although its features are cached")


def test_features_are_those_of_the_backbone_on_every_window(
    tiny_takes: list[Take], backbone: TimeSformer
) -> None:
    take = next(take for take in tiny_takes if len(take.views) == 2)
    table = compute([take], backbone)
    clips = torch.stack(list(read_windows(take, FORMAT).values()))  # (V, W, T, C, H, W)
    x = to_model_input(clips.flatten(0, 1), FORMAT.mean, FORMAT.std)
    with torch.inference_mode():
        expected = backbone.pool(backbone.forward_features(x)).unflatten(0, clips.shape[:2])
    assert table.features.shape == (1, 2, 3, 32)
    np.testing.assert_allclose(table.features[0], expected.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(table.pooled, table.features.mean(axis=2), rtol=1e-5)


def test_a_take_without_a_view_is_masked_and_zero(
    tiny_takes: list[Take], backbone: TimeSformer
) -> None:
    table = compute(tiny_takes[:6], backbone)
    assert table.view_names == ("ego", "exo1")
    assert table.view_mask.tolist() == [["ego" in t.views, "exo1" in t.views] for t in table.takes]
    assert not table.pooled[~table.view_mask].any()
    assert table.view_kind[:, 1].tolist() == table.view_mask[:, 1].astype(int).tolist()


def test_the_second_run_decodes_nothing_and_gives_the_same(
    tiny_takes: list[Take],
    backbone: TimeSformer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = compute(tiny_takes[:4], backbone, cache_dir=tmp_path)
    monkeypatch.setattr(feature_cache, "read_view", refuse_to_read)
    second = compute(tiny_takes[:4], backbone, cache_dir=tmp_path)
    assert np.array_equal(first.features, second.features)
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize("damage", ["cut", "altered", "empty", "rubbish"])
def test_a_damaged_entry_is_computed_again(
    tiny_takes: list[Take], backbone: TimeSformer, tmp_path: Path, damage: str
) -> None:
    first = compute(tiny_takes[:1], backbone, cache_dir=tmp_path).features
    (entry,) = tmp_path.rglob("*.npy")
    content = bytearray(entry.read_bytes())
    if damage == "cut":
        content = content[:-20]
    elif damage == "altered":
        content[-30] ^= 0xFF
    else:
        content = bytearray() if damage == "empty" else bytearray(b"not an array")
    entry.write_bytes(content)
    again = compute(tiny_takes[:1], backbone, cache_dir=tmp_path).features
    assert np.array_equal(first, again)


def test_another_video_backbone_or_window_number_never_meets_an_old_entry(
    tiny_takes: list[Take], backbone: TimeSformer, tmp_path: Path
) -> None:
    take = tiny_takes[0]
    copied = tmp_path / "copy.mp4"
    shutil.copy(take.views["ego"].path, copied)
    one_view = replace(take, views={"ego": View(copied, "ego")})
    cache = tmp_path / "cache"
    compute([one_view], backbone, cache_dir=cache)
    copied.write_bytes(copied.read_bytes() + b"\0")
    compute([one_view], backbone, cache_dir=cache)
    compute([one_view], backbone, replace(FORMAT, num_windows=2), cache_dir=cache)
    compute([one_view], backbone, cache_dir=cache, frame_order="static")
    with torch.no_grad():
        backbone.cls_token.add_(1.0)
    compute([one_view], backbone, cache_dir=cache)
    assert len(list(cache.rglob("*.npy"))) == 5


def test_numbers_do_not_depend_on_neighbours_or_threads(
    tiny_takes: list[Take], backbone: TimeSformer
) -> None:
    alone = compute(tiny_takes[2:3], backbone, num_threads=1).pooled
    among = compute(tiny_takes[:4], backbone, num_threads=4).pooled
    assert np.array_equal(alone[0], among[2])


def test_prefix_and_suffix_together_are_the_whole_backbone(
    tiny_takes: list[Take], backbone: TimeSformer, tmp_path: Path
) -> None:
    whole = compute(tiny_takes[:1], backbone).features
    prefix = compute(tiny_takes[:1], backbone, prefix_blocks=1, cache_dir=tmp_path)
    hidden = prefix.arrays[tiny_takes[0].take_id]
    assert hidden.dtype == np.float16
    assert isinstance(hidden, np.memmap)
    tokens = torch.from_numpy(np.array(hidden, dtype=np.float32)).flatten(0, 1)
    with torch.inference_mode():
        pooled = backbone.pool(backbone.forward_suffix(tokens, 1, num_frames=4))
    np.testing.assert_allclose(pooled.numpy(), whole[0].reshape(-1, 32), atol=0.02)


def test_a_motion_backbone_sees_nothing_in_a_static_clip(
    tiny_takes: list[Take], backbone: TimeSformer
) -> None:
    static = compute(tiny_takes[:6], backbone, frame_order="static").features
    natural = compute(tiny_takes[:6], backbone).features
    shuffled = compute(tiny_takes[:6], backbone, frame_order="shuffled").features
    seen = natural.std(axis=0).mean()
    assert static[:, 0].std(axis=(0, 1)).mean() < 1e-3 * seen
    assert not np.array_equal(natural, shuffled)


def test_a_broken_video_is_named_or_skipped_on_request(
    tiny_takes: list[Take], backbone: TimeSformer, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video")
    bad = replace(tiny_takes[0], take_id="bad", views={"ego": View(broken, "ego")})
    with pytest.raises(VideoError, match=r"broken\.mp4"):
        compute([bad], backbone)
    table = compute([bad, tiny_takes[1]], backbone, skip_broken=True)
    assert [take.take_id for take in table.takes] == [tiny_takes[1].take_id]
    assert "broken.mp4" in table.skipped["bad"]


def test_a_missing_video_is_named(tiny_takes: list[Take], backbone: TimeSformer) -> None:
    gone = replace(tiny_takes[0], views={"ego": View(Path("/nowhere/a.mp4"), "ego")})
    with pytest.raises(VideoError, match=r"/nowhere/a\.mp4"):
        compute([gone], backbone, cache_dir=Path("/tmp"))


def test_only_the_chosen_views_are_computed(tiny_takes: list[Take], backbone: TimeSformer) -> None:
    table = compute(tiny_takes, backbone, view_names=["exo1"])
    assert table.view_names == ("exo1",)
    assert len(table.takes) == sum("exo1" in take.views for take in tiny_takes)


def test_a_cache_that_cannot_be_written_is_one_sentence(
    tiny_takes: list[Take], backbone: TimeSformer, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(ProskillError, match="choose another cache folder"):
        compute(tiny_takes[:1], backbone, cache_dir=blocked)
