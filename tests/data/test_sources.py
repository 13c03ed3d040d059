from __future__ import annotations

from pathlib import Path

import pytest

from proskill.data.manifest import write_manifest
from proskill.data.sources import load_takes
from proskill.data.take import Take, View
from proskill.errors import ManifestError
from proskill.levels import BASKET_LEVELS


def _takes(folder: Path, level: str = "Novice") -> list[Take]:
    return [Take("t", "p", "dance", {"ego": View(folder / "a.mp4", "ego")}, level=level)]


@pytest.mark.parametrize("name", ["manifest.csv", "manifest.parquet"])
def test_a_folder_stands_for_the_manifest_in_it(tmp_path: Path, name: str) -> None:
    write_manifest(tmp_path / name, _takes(tmp_path))
    assert load_takes(tmp_path) == load_takes(tmp_path / name) == _takes(tmp_path)


def test_the_scale_reaches_the_manifest(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.csv", _takes(tmp_path, "Excellent"))
    assert load_takes(tmp_path, scale=BASKET_LEVELS)[0].level == "Excellent"
    with pytest.raises(ManifestError, match="level='Excellent': allowed are 'Novice'"):
        load_takes(tmp_path)


def test_two_manifests_or_none_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        ManifestError, match=r"has neither manifest\.csv nor.*Ego-Exo4D.*BASKET.*ProSkill"
    ):
        load_takes(tmp_path)
    with pytest.raises(ManifestError, match="no such file"):
        load_takes(tmp_path / "absent")
    for name in ("manifest.csv", "manifest.parquet"):
        write_manifest(tmp_path / name, _takes(tmp_path))
    with pytest.raises(ManifestError, match=r"has manifest\.csv and manifest\.parquet"):
        load_takes(tmp_path)
