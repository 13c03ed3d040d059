"""Every layout is read back by the reader of the data set whose shape it has."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from proskill.data import Take, load_takes, read_commentary
from proskill.data.basket import BASKET_SKILLS
from proskill.data.egoexo4d import TEST_LIST_FILE
from proskill.rating_files.read import read_comparisons
from proskill.simulation.basket_layout import plan_basket, skill_levels, write_basket_layout
from proskill.simulation.egoexo4d_layout import plan_egoexo4d, write_egoexo4d_layout
from proskill.simulation.filmed_take import FilmedTake
from proskill.simulation.proskill_layout import NUM_ROUNDS, plan_proskill, write_proskill_layout
from proskill.simulation.take_spec import assign_splits, draw_skill, plan_takes

SHARES = (0.5, 0.2, 0.3)
PEOPLE = 20
TASKS = ("drumming", "juggling")

_SPECS = plan_takes(num_participants=PEOPLE, takes_per_participant=2, tasks=TASKS, seed=4)
_SPLITS = assign_splits(PEOPLE, SHARES, seed=4)


def _touch(root: Path, takes: list[FilmedTake]) -> None:
    """Readers look whether a video is there, not what it shows."""
    for take in takes:
        for file in take.files.values():
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_bytes(b"video")


def _by_id(takes: list[Take]) -> dict[str, Take]:
    return {take.take_id: take for take in takes}


def _load(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def egoexo4d(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[FilmedTake]]:
    root = tmp_path_factory.mktemp("egoexo4d")
    takes = plan_egoexo4d(_SPECS, _SPLITS, ("ego", "exo1", "exo3"))
    _touch(root, takes)
    write_egoexo4d_layout(root, takes)
    return root, takes


@pytest.fixture(scope="module")
def basket(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[FilmedTake]]:
    root = tmp_path_factory.mktemp("basket")
    takes = plan_basket(_SPECS, _SPLITS, ("exo1",))
    _touch(root, takes)
    write_basket_layout(root, takes)
    return root, takes


@pytest.fixture(scope="module")
def proskill(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[FilmedTake]]:
    root = tmp_path_factory.mktemp("proskill")
    takes = plan_proskill(_SPECS, _SPLITS, ("ego", "exo1"))
    _touch(root, takes)
    write_proskill_layout(root, takes)
    return root, takes


def test_ego_exo4d_is_read_back_whole_and_test_takes_carry_no_label(
    egoexo4d: tuple[Path, list[FilmedTake]], caplog: pytest.LogCaptureFixture
) -> None:
    root, written = egoexo4d
    read = _by_id(load_takes(root))
    # The second camera failed; nothing else was left out.
    assert [record.getMessage().partition("; ")[0] for record in caplog.records] == [
        f"{root}: left out: {len(written)} views whose path is null"
    ]
    assert read.keys() == {take.take_id for take in written}
    for take in written:
        found = read[take.take_id]
        assert (found.split, found.scenario) == (take.split, take.task)
        assert found.participant_id == take.participant_id
        assert {n: v.path.relative_to(root) for n, v in found.views.items()} == {
            "ego": Path(take.files["ego"]),
            "exo1": Path(take.files["exo1"]),
            "exo3": Path(take.files["exo3"]),
        }
        is_hidden = take.split == "test"
        assert found.level == (None if is_hidden else take.skill.level)
        assert (found.rating is None) == is_hidden
        assert next(iter(found.views.values())).end_seconds == take.duration_seconds
    assert _load(root / "annotations" / TEST_LIST_FILE) == [
        take.take_id for take in written if take.split == "test"
    ]


def test_ego_exo4ds_files_have_the_data_sets_keys_and_names(
    egoexo4d: tuple[Path, list[FilmedTake]],
) -> None:
    root, _ = egoexo4d
    take = _load(root / "takes.json")[0]
    assert take.keys() >= {
        "take_uid", "take_name", "root_dir", "participant_uid", "best_exo", "task_start_sec",
        "task_end_sec", "task_name", "parent_task_name", "duration_sec", "is_dropped", "capture",
        "frame_aligned_videos",
    }  # fmt: skip
    assert (len(take["take_uid"]), take["root_dir"]) == (36, f"takes/{take['take_name']}")
    videos = take["frame_aligned_videos"]
    ego = next(name for name in videos if name.startswith("aria"))
    assert videos[ego].keys() == {"rgb", "slam-left", "slam-right", "et"}
    assert videos[ego]["rgb"]["relative_path"] == f"frame_aligned_videos/{ego}_214-1.mp4"
    assert videos["best_exo"]["0"]["relative_path"] is None
    cameras = {c["cam_id"]: c["is_ego"] for c in take["capture"]["cameras"]}
    assert cameras == {name: name == ego for name in videos if name not in ("best_exo", "collage")}
    annotation = _load(root / "annotations/proficiency_demonstrator_train.json")["annotations"][0]
    assert annotation.keys() == {
        "task_id", "task_name", "scenario_name", "university_id", "origin_participant_id",
        "take_uid", "video_paths", "proficiency_score",
    }  # fmt: skip
    splits = _load(root / "annotations/splits.json")
    assert splits.keys() == {"take_uid_to_split", "take_uid_to_benchmark"}
    names = {name for take in _load(root / "takes.json") for name in take["frame_aligned_videos"]}
    assert {"cam01", "gp01", "aria01", "aria02"} <= names  # cameras differ between universities


def test_tips_stand_in_spells_and_experts_comment_on_and_rate_every_labelled_take(
    egoexo4d: tuple[Path, list[FilmedTake]],
) -> None:
    root, written = egoexo4d
    moments = _load(root / "annotations/proficiency_demonstration_train.json")["annotations"]
    assert moments[0].keys() >= {"good_executions", "tips_for_improvement", "take_uid"}
    take_of = {take.take_id: take for take in written}
    for moment in moments:
        for tip in moment["tips_for_improvement"]:
            spells = take_of[tip["video_name"]].spells
            assert any(s.start_seconds <= tip["video_time"] <= s.end_seconds for s in spells)
    labelled = [take for take in written if take.split != "test"]
    said = read_commentary(root)
    assert said.keys() == {take.take_id for take in labelled}
    for take in labelled:
        assert [c.expert for c in said[take.take_id]] == ["expert", "critic"]
        assert len(said[take.take_id][0].remarks) == len(take.spells)
    read = _by_id(load_takes(root))
    ratings = [read[take.take_id].rating for take in labelled]
    assert spearmanr(ratings, [take.skill.rating for take in labelled])[0] > 0.85


def test_basket_has_a_highlight_video_per_player_and_four_test_sets(
    basket: tuple[Path, list[FilmedTake]],
) -> None:
    root, written = basket
    assert len(written) == PEOPLE
    tested: list[str] = []
    for name in ("BASKET", "cross_season", "cross_league", "cross_season_and_league"):
        read = load_takes(root / "BASKET_Labels" / name)
        assert Counter(take.split for take in read)["train"] == 10
        test = [take for take in read if take.split == "test"]
        assert test
        assert all(("22-23" in take.take_id) == ("season" in name) for take in test)
        assert all((take.scenario == "China. CBA") == ("league" in name) for take in test)
        tested += [take.participant_id for take in test]
    assert sorted(tested) == sorted(t.participant_id for t in written if t.split == "test")


def test_baskets_inverted_column_is_turned_in_the_file_and_back_by_the_reader(
    basket: tuple[Path, list[FilmedTake]],
) -> None:
    root, written = basket
    read = _by_id(load_takes(root))
    rows = (root / "BASKET_Labels/BASKET/train.csv").read_text().splitlines()[1:]
    column = 1 + BASKET_SKILLS.index("Defensive Consistency")
    for row in rows:
        cells = row.split(",")
        take = next(take for take in written if f"{take.take_id}.mp4" == cells[0])
        true = skill_levels(take.skill)
        assert read[take.take_id].skills == {name: float(level) for name, level in true.items()}
        assert int(cells[column]) == 4 - true["Defensive Consistency"]


def test_baskets_simulated_skills_are_20_different_ones_with_even_levels() -> None:
    specs = plan_takes(num_participants=1500, takes_per_participant=1, seed=8)
    levels = np.array([list(skill_levels(draw_skill(spec)).values()) for spec in specs])
    shares = np.stack([(levels == level).mean(axis=0) for level in range(5)])
    assert levels.shape == (1500, 20)
    assert np.abs(shares - 0.2).max() < 0.05
    assert len({tuple(column) for column in levels.T}) == 20
    assert np.corrcoef(levels.T).min() > 0  # one person's skills go together


def test_proskill_is_read_back_as_takes_whose_ratings_follow_skill(
    proskill: tuple[Path, list[FilmedTake]], caplog: pytest.LogCaptureFixture
) -> None:
    root, written = proskill
    read = _by_id(load_takes(root))
    assert not caplog.text
    assert read.keys() == {take.take_id for take in written}
    for take in written:
        found = read[take.take_id]
        assert (found.split, found.participant_id) == (take.split, take.participant_id)
        assert found.scenario.endswith(f"->{take.task}")
    for task in TASKS:
        group = [take for take in written if (take.task, take.split) == (task, "train")]
        ratings = [read[take.take_id].rating for take in group]
        assert spearmanr(ratings, [take.skill.rating for take in group])[0] > 0.6


def test_proskills_pairs_are_read_as_comparisons_too(
    proskill: tuple[Path, list[FilmedTake]],
) -> None:
    subset = proskill[0] / "simulated"
    files = [subset / f"{split}.txt" for split in ("train", "val", "test")]
    rounds = [subset / f"rounds/{number}.yaml" for number in range(1, NUM_ROUNDS + 1)]
    num_lines = sum(len(file.read_text().splitlines()) for file in files)
    table = read_comparisons([*files, *rounds]).table
    assert len(table) == num_lines
    assert set(table.items) == {take.specs[0].take_id for take in proskill[1]}


def test_layouts_say_what_they_need() -> None:
    with pytest.raises(ValueError, match="BASKET has one camera per video; name one"):
        plan_basket(_SPECS, _SPLITS, ("ego", "exo1"))
    with pytest.raises(ValueError, match="num_participants=1: none is left for test, val"):
        plan_basket(_SPECS[:2], ["train"], ("exo1",))
    specs = plan_takes(num_participants=3, takes_per_participant=1, seed=0)
    with pytest.raises(ValueError, match="has no two takes of one task to compare"):
        plan_proskill(specs, ["train", "val", "test"], ("ego",))
