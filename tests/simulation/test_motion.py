from __future__ import annotations

import numpy as np
import pytest

from proskill.simulation.body import JOINT_INDEX, Body
from proskill.simulation.motion import Performance, draw_body, perform
from proskill.simulation.skill import Skill
from proskill.simulation.tasks import TASKS, minimum_jerk

AVERAGE = Skill((0.0, 0.0, 0.0, 0.0))


def perform_task(
    task: str, *, seed: int = 0, skill: Skill = AVERAGE, left: bool = False
) -> Performance:
    rng = np.random.default_rng(seed)
    return perform(
        task,
        skill,
        Body(height=1.75),
        duration_seconds=5.0,
        frame_rate=20,
        is_left_handed=left,
        rng=rng,
    )


def length(performance: Performance, a: str, b: str) -> np.ndarray:
    joints = performance.joints
    return np.linalg.norm(joints[:, JOINT_INDEX[a]] - joints[:, JOINT_INDEX[b]], axis=1)


@pytest.mark.parametrize("task", TASKS)
def test_bones_keep_their_length_and_feet_stay_on_the_ground(task: str) -> None:
    performance = perform_task(task)
    body = performance.body
    for side in ("left", "right"):
        for a, b, bone in (
            ("shoulder", "elbow", body.upper_arm),
            ("elbow", "hand", body.forearm),
            ("hip", "knee", body.thigh),
        ):
            np.testing.assert_allclose(length(performance, f"{side}_{a}", f"{side}_{b}"), bone)
    feet = performance.joints[:, [JOINT_INDEX["left_foot"], JOINT_INDEX["right_foot"]]]
    assert feet[..., 2].max() < 0.2
    assert np.isfinite(performance.joints).all()
    assert np.isfinite(performance.balls).all()


@pytest.mark.parametrize("task", TASKS)
def test_a_performance_moves_smoothly_enough_to_be_human(task: str) -> None:
    performance = perform_task(task)
    speed = np.linalg.norm(np.diff(performance.joints, axis=0), axis=2) * 20
    assert speed.max() < 8  # metres a second
    assert speed[:, [JOINT_INDEX["left_hand"], JOINT_INDEX["right_hand"]]].mean() > 0.1


def test_at_least_two_tasks_use_hands_only_and_two_the_whole_body() -> None:
    kinds = [task.whole_body for task in TASKS.values()]
    assert kinds.count(True) >= 2
    assert kinds.count(False) >= 2


def test_the_same_seed_gives_the_same_motion() -> None:
    first = perform_task("throwing").joints
    np.testing.assert_array_equal(first, perform_task("throwing").joints)
    assert not np.array_equal(first, perform_task("throwing", seed=1).joints)


def test_a_left_handed_performer_is_the_mirror_image_of_a_right_handed_one() -> None:
    right, left = perform_task("reach_and_place"), perform_task("reach_and_place", left=True)
    mirrored = right.joints * [-1, 1, 1]
    np.testing.assert_allclose(
        left.joints[:, JOINT_INDEX["left_hand"]], mirrored[:, JOINT_INDEX["right_hand"]]
    )
    np.testing.assert_allclose(
        left.joints[:, JOINT_INDEX["head"]], mirrored[:, JOINT_INDEX["head"]]
    )


def test_balance_from_side_to_side_moves_the_trunk_sideways_only() -> None:
    calm = perform_task("drumming", skill=Skill((0.0, 3.0, 0.0, 0.0)))
    unsteady = perform_task("drumming", skill=Skill((0.0, -3.0, 0.0, 0.0)))
    chest = JOINT_INDEX["chest"]

    def speed(performance: Performance, axis: int) -> float:
        return float(np.abs(np.diff(performance.joints[:, chest, axis])).mean())

    assert speed(unsteady, 0) > 1.5 * speed(calm, 0)


def test_minimum_jerk_starts_and_ends_at_rest() -> None:
    u = np.linspace(-0.5, 1.5, 201)
    position = minimum_jerk(u)
    assert position[0] == 0
    assert position[-1] == 1
    assert np.all(np.diff(position) >= 0)
    np.testing.assert_allclose(np.gradient(position, u)[[50, 150]], 0, atol=1e-3)


def test_bodies_are_within_human_limits() -> None:
    rng = np.random.default_rng(0)
    assert all(1.4 <= draw_body(rng).height <= 2.1 for _ in range(200))
    with pytest.raises(ValueError, match=r"height=3"):
        Body(height=3)
