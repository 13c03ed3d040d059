from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proskill.data import load_takes

Run = Callable[..., Any]

SMALL = ("--participants", 2, "--takes-per-participant", 1, "--workers", 1)


@pytest.mark.parametrize("layout", ["manifest", "egoexo4d"])
def test_a_dataset_is_written_and_its_path_printed(run: Run, tmp_path: Path, layout: str) -> None:
    out = tmp_path / "data"
    result = run("simulate", out, *SMALL, "--views", "ego, exo1", "--layout", layout)
    assert (result.exit_code, result.stderr) == (0, "")
    source = Path(result.stdout.strip())
    assert source == (out / "manifest.csv" if layout == "manifest" else out)
    takes = load_takes(source)
    assert takes
    assert all(set(take.views) == {"ego", "exo1"} for take in takes)
    assert all(view.path.is_file() for take in takes for view in take.views.values())


def test_tasks_are_chosen_by_name(run: Run, tmp_path: Path) -> None:
    assert run("simulate", tmp_path, *SMALL, "--views", "ego", "--tasks", "drumming").exit_code == 0
    assert {take.scenario for take in load_takes(tmp_path)} == {"drumming"}


@pytest.mark.parametrize("layout", ["basket", "proskill"])
def test_other_data_sets_layouts_are_written_and_read_back(
    run: Run, tmp_path: Path, layout: str
) -> None:
    people = ("--participants", 6, "--takes-per-participant", 2, "--workers", 1)
    which = ("--tasks", "drumming", "--views", "exo1", "--layout", layout)
    result = run("simulate", tmp_path / "data", *people, *which)
    assert (result.exit_code, result.stderr) == (0, "")
    takes = load_takes(result.stdout.strip())
    assert {take.split for take in takes} == {"train", "val", "test"}
    assert all(bool(take.skills) != (take.rating is not None) for take in takes)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--views", "ego,drone", "Error: view='drone': allowed are ego, exo1"),
        ("--views", "ego,ego", "Error: views="),
        ("--tasks", "chess", "Error: task='chess': allowed are "),
    ],
)
def test_an_unknown_name_is_one_line_and_leaves_nothing(
    run: Run, tmp_path: Path, option: str, value: str, message: str
) -> None:
    result = run("simulate", tmp_path / "data", option, value)
    assert result.exit_code == 1
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "data").exists()
