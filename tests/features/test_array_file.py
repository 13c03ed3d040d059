"""Arrays on disk: round trip, and damage that is noticed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from proskill.features.array_file import read_array, write_array


@pytest.mark.parametrize("shape", [(3,), (2, 1, 4), (2, 3, 4)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_an_array_comes_back_as_it_was_written(
    tmp_path: Path, shape: tuple[int, ...], dtype: type
) -> None:
    array = np.random.default_rng(0).normal(size=shape).astype(dtype)
    path = tmp_path / "folder" / "a.npy"
    write_array(path, array)
    stored = read_array(path)
    assert stored is not None
    assert np.array_equal(stored, array)
    assert stored.dtype == dtype
    assert np.array_equal(np.load(path), array)
    assert [file.name for file in path.parent.iterdir()] == ["a.npy"]


def test_a_view_of_an_array_is_written_in_its_own_order(tmp_path: Path) -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4).T
    write_array(tmp_path / "a.npy", array)
    assert np.array_equal(np.asarray(read_array(tmp_path / "a.npy")), array)


@pytest.mark.parametrize("position", [0, 60, 140, -6, -1])
def test_one_altered_byte_is_noticed(tmp_path: Path, position: int) -> None:
    path = tmp_path / "a.npy"
    write_array(path, np.arange(10, dtype=np.float32))
    content = bytearray(path.read_bytes())
    content[position] ^= 0x41
    path.write_bytes(content)
    assert read_array(path) is None


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    assert read_array(tmp_path / "a.npy") is None
