from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from proskill.demo.controls import (
    appearance_features,
    kinematic_features,
    linear_readout,
    motion_energy,
    pose_set_features,
)
from proskill.simulation.render import write_video
from proskill.simulation.take_spec import (
    FRAME_RATE,
    draw_skill,
    film_take,
    perform_take,
    plan_takes,
)


@pytest.fixture(scope="module")
def population() -> dict[str, np.ndarray]:
    specs = plan_takes(num_participants=260, takes_per_participant=1, seed=21)
    performances = [perform_take(spec) for spec in specs]
    skills = [draw_skill(spec) for spec in specs]
    return {
        "kinematics": np.stack(
            [kinematic_features(p, frame_rate=FRAME_RATE) for p in performances]
        ),
        "poses": np.stack([pose_set_features(p) for p in performances]),
        "rating": np.array([skill.rating for skill in skills]),
        "level": np.searchsorted([-0.674, 0, 0.674], [skill.rating for skill in skills]),
        "scenario": np.array([spec.task for spec in specs]),
        "participant": np.array([spec.participant_id for spec in specs]),
        "is_train": np.arange(len(specs)) < 160,
    }


def read_out(population: dict[str, np.ndarray], name: str) -> tuple[float, float]:
    is_train = population["is_train"]
    readout = linear_readout(
        population[name],
        population["rating"],
        population["level"],
        population["scenario"],
        population["participant"],
        is_train,
    )
    truth = population["level"][~is_train]
    rho = spearmanr(readout.score, population["rating"][~is_train])[0]
    return float(rho), float((readout.level == truth).mean())


def test_true_motion_tells_skill(population: dict[str, np.ndarray]) -> None:
    rho, accuracy = read_out(population, "kinematics")
    assert rho > 0.85
    assert accuracy > 0.55


def test_poses_without_their_order_do_not_tell_skill(population: dict[str, np.ndarray]) -> None:
    rho, _ = read_out(population, "poses")
    assert abs(rho) < 0.3  # a hundred takes: chance reaches two tenths


def test_the_readout_never_looks_at_labels_of_the_test_takes(
    population: dict[str, np.ndarray],
) -> None:
    spoilt = dict(population)
    spoilt["rating"] = np.where(population["is_train"], population["rating"], 1e9)
    spoilt["level"] = np.where(population["is_train"], population["level"], 0)
    results = [
        linear_readout(
            data["kinematics"],
            data["rating"],
            data["level"],
            data["scenario"],
            data["participant"],
            data["is_train"],
        )
        for data in (population, spoilt)
    ]
    np.testing.assert_array_equal(results[0].score, results[1].score)
    np.testing.assert_array_equal(results[0].level, results[1].level)


def test_features_of_files_are_finite_and_see_their_subject(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("clips")
    [spec] = plan_takes(num_participants=1, takes_per_participant=1, seed=4)
    frames = list(film_take(spec, "exo1", perform_take(spec), size_px=96))[:40]
    write_video(folder / "moving.mp4", frames, frame_rate=FRAME_RATE, quality=20)
    write_video(folder / "still.mp4", frames[:1] * 40, frame_rate=FRAME_RATE, quality=20)
    energy = {
        name: motion_energy({"exo1": folder / f"{name}.mp4"}, frame_interval_seconds=0.1)
        for name in ("moving", "still")
    }
    assert energy["moving"].shape == (17,)
    assert energy["moving"][-1] > energy["still"][-1] + 1
    looks = appearance_features({"exo1": folder / "moving.mp4"})
    assert np.isfinite(looks).all()
    assert looks.std() > 0
