from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_arguments_reach_the_import(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[tuple[object, ...], dict[str, object]]] = []
    monkeypatch.setattr(
        "proskill.models.weights.import_weights", lambda *args, **kw: seen.append((args, kw))
    )
    result = run("weights", "import", "vit_small", "out", "--frames", 16, "--licence", "MIT")
    assert (result.exit_code, result.stdout) == (0, "out\n")
    assert seen == [
        (("vit_small", Path("out")), {"num_frames": 16, "num_heads": None, "licence": "MIT"})
    ]


def test_a_source_that_is_not_there_is_one_line_and_leaves_nothing(
    run: Run, tmp_path: Path
) -> None:
    result = run("weights", "import", tmp_path / "absent.pyth", tmp_path / "out")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "absent.pyth" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
