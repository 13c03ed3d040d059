"""Public datasets: sequences of takes with the reader's content, and clips with targets."""

from __future__ import annotations

import doctest
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from proskill.data import (
    BASKET_SKILLS,
    Basket,
    EgoExo4D,
    Manifest,
    ProSkill,
    Take,
    TakeSequence,
    datasets,
    load_takes,
)
from proskill.errors import ConfigError, ManifestError, VideoError
from proskill.levels import EGOEXO4D_LEVELS, LevelScale
from proskill.simulation.takes import simulate_dataset

CLASSES = {"egoexo4d": EgoExo4D, "basket": Basket, "proskill": ProSkill, "manifest": Manifest}


@pytest.fixture(scope="module")
def make_dataset(tmp_path_factory: pytest.TempPathFactory):
    made: dict[str, Path] = {}

    def make(layout: str) -> Path:
        if layout not in made:
            made[layout] = simulate_dataset(
                tmp_path_factory.mktemp(layout),
                layout=layout,
                num_participants=6,
                takes_per_participant=1,
                tasks=["drumming"],
                views=["exo1"] if layout == "basket" else ["ego", "exo1"],
                split_shares=(0.34, 0.33, 0.33),
                num_workers=1,
            )
        return made[layout]

    return make


@pytest.mark.parametrize("layout", CLASSES)
def test_a_dataset_is_the_sequence_of_takes_that_its_reader_finds(make_dataset, layout):
    source = make_dataset(layout)
    expected = load_takes(source)
    takes = CLASSES[layout](source)
    assert isinstance(takes, TakeSequence)
    assert list(takes) == expected
    assert takes[0] == expected[0]
    assert takes[-1] == expected[-1]
    assert takes[:2] == expected[:2]
    assert expected[1] in takes
    for split in ("train", "val", "test"):
        chosen = CLASSES[layout](source, split=split)
        assert list(chosen) == [take for take in expected if take.split == split]
        assert len(chosen) > 0


def test_levels_ratings_and_skills_are_targets(make_dataset):
    takes = EgoExo4D(make_dataset("egoexo4d"), split="val")
    clip, target = takes.as_torch(num_frames=3, img_size=32)[0]
    assert clip.shape == (2, 3, 3, 32, 32)
    assert clip.dtype == torch.float32
    assert -1 <= clip.min() < clip.max() <= 1
    assert target.shape == ()
    assert EGOEXO4D_LEVELS.names[target] == takes[0].level
    hidden = EgoExo4D(make_dataset("egoexo4d"), split="test")
    assert hidden.as_torch(num_frames=1, img_size=16)[0][1] == -1

    rated = ProSkill(make_dataset("proskill"))
    _, rating = rated.as_torch(num_frames=1, img_size=(16, 24))[0]
    assert rating.dtype == torch.float32
    assert math.isclose(rating, rated[0].rating, rel_tol=1e-6)

    skilled = Basket(make_dataset("basket"), split="train")
    clip, skills = skilled.as_torch(num_frames=1, img_size=(16, 24))[0]
    assert clip.shape == (1, 3, 1, 16, 24)
    assert skills.tolist() == [skilled[0].skills[name] for name in BASKET_SKILLS]
    assert skilled.skill_names() == BASKET_SKILLS


def test_views_of_one_name_make_batches(make_dataset):
    takes = Manifest(make_dataset("manifest"), split="train", view_names=["exo1"])
    loader = DataLoader(takes.as_torch(num_frames=2, img_size=16, target="rating"), batch_size=2)
    clips, ratings = next(iter(loader))
    assert clips.shape == (2, 1, 3, 2, 16, 16)
    assert ratings.shape == (2,)
    assert all(list(take.views) == ["exo1"] for take in takes)
    assert [list(take.views) for take in Manifest(takes[0].views["exo1"].path.parents[1])[:1]] == [
        ["ego", "exo1"]
    ]


def test_impossible_requests_are_refused(make_dataset, tmp_path):
    source = make_dataset("manifest")
    with pytest.raises(ValueError, match="split='dev': allowed are train, val, test, None"):
        Manifest(source, split="dev")
    with pytest.raises(ManifestError, match=r"takes\.json"):
        EgoExo4D(tmp_path)
    with pytest.raises(ManifestError, match="allowed are"):
        Manifest(source, scale=LevelScale(("low", "high")))
    with pytest.raises(ConfigError, match="no take has such a view"):
        Manifest(source, view_names=["exo9"])
    takes = Manifest(source)
    with pytest.raises(ValueError, match="target='score': allowed are level, skills, rating"):
        takes.as_torch(target="score")
    with pytest.raises(ValueError, match="the takes have none"):
        takes.as_torch(target="skills")
    with pytest.raises(ValueError, match="num_frames=0"):
        takes.as_torch(num_frames=0)


def test_a_split_without_takes_and_a_missing_video_are_named(tmp_path):
    (tmp_path / "manifest.csv").write_text(
        "take_id,view,kind,path,participant_id,split,level\na,ego,ego,a.mp4,p,train,Novice\n"
    )
    with pytest.raises(ManifestError, match="no take of split 'test'; its takes are in train"):
        Manifest(tmp_path, split="test")
    takes = Manifest(tmp_path)
    assert isinstance(takes[0], Take)
    with pytest.raises(VideoError, match=r"a\.mp4: no such file"):
        takes.as_torch()[0]


def test_the_example_of_the_docs_runs():
    results = doctest.testmod(datasets)
    assert results.failed == 0
    assert results.attempted > 5


def test_importing_the_package_loads_neither_torch_nor_pyarrow():
    code = (
        "import sys, proskill.data; from proskill.data import EgoExo4D; "
        "assert not {'torch', 'pyarrow', 'av', 'cv2'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
