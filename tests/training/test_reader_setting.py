"""`data.reader` reaches every file that training, feature extraction and scoring open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from proskill.data import load_takes
from proskill.data.take import Take
from proskill.data.targets import Targets
from proskill.errors import VideoError
from proskill.features.feature_cache import extract_features
from proskill.input_spec import InputSpec
from proskill.levels import EGOEXO4D_LEVELS
from proskill.simulation.takes import simulate_dataset
from proskill.training.data_module import TakeDataModule
from proskill.training.module import SkillModule
from proskill.video import readers

pytest.importorskip("decord", reason="its wheels are for x86-64 alone")

SPEC = InputSpec(num_frames=4, frame_interval_seconds=0.1, img_size=(32, 32))


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> list[Take]:
    source = simulate_dataset(
        tmp_path_factory.mktemp("takes"),
        num_participants=2,
        takes_per_participant=1,
        views=["exo1"],
        split_shares=(0.5, 0.5, 0),
        num_workers=1,
    )
    return load_takes(source)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the class of every reader that is opened."""
    names: list[str] = []
    original = readers.open_reader

    def record(*args: Any, **kwargs: Any) -> Any:
        reader = original(*args, **kwargs)
        names.append(type(reader).__name__)
        return reader

    monkeypatch.setattr(readers, "open_reader", record)
    return names


def test_clips_of_training_are_read_with_it(
    make_data: Callable[..., TakeDataModule], takes: list[Take], opened: list[str]
) -> None:
    clips = {}
    for name in ("pyav", "decord"):
        data = make_data(takes=takes, reader=name, loader={"augment": False})
        data.choose("validate", Targets(EGOEXO4D_LEVELS))
        data.serve_clips(SPEC)
        clips[name] = next(iter(data.val_dataloader())).inputs
        assert set(opened) == {"VideoReader" if name == "pyav" else "DecordReader"}
        opened.clear()
    assert (clips["pyav"] - clips["decord"]).abs().mean() < 0.05  # of a range of 2


def test_features_are_extracted_with_it(
    make_module: Callable[..., SkillModule], takes: list[Take], opened: list[str]
) -> None:
    backbone = make_module().model.backbone
    tables = {
        name: extract_features(takes[:2], backbone, SPEC, precision="fp32", reader=name)
        for name in ("pyav", "decord")
    }
    assert set(opened) == {"VideoReader", "DecordReader"}
    theirs, ours = (torch.from_numpy(tables[n].features) for n in ("decord", "pyav"))
    assert 0 < (theirs - ours).norm() < 0.05 * ours.norm()


def test_a_file_that_decord_would_misread_is_refused_by_name(
    make_module: Callable[..., SkillModule],
    takes: list[Take],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from proskill.video import decord_reader

    monkeypatch.setattr(decord_reader, "why_not_decord", lambda found: "its codec is av1")
    with pytest.raises(VideoError, match="cannot be read with decord: its codec is av1"):
        extract_features(takes[:1], make_module().model.backbone, SPEC, reader="decord")
