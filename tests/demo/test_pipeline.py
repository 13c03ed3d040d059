from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from proskill.demo.pipeline import run_demo
from proskill.errors import ProskillError
from proskill.scoring import Scorer

CONFIG = Path("configs/demo.yaml")


@contextmanager
def silent(description: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None


@pytest.mark.slow
def test_the_demo_ends_with_a_summary_a_report_and_a_checkpoint_that_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    out = tmp_path / "demo"
    summary = run_demo(
        out, CONFIG, progress_bar=silent, num_participants=24, takes_per_participant=1
    )
    assert json.loads((out / "summary.json").read_text()) == summary
    for key in ("accuracy", "majority_accuracy", "spearman", "quadratic_kappa", "static_accuracy",
                "oracle_accuracy", "num_test_takes", "num_test_participants"):  # fmt: skip
        assert isinstance(summary[key], int | float), key
    assert set(summary["single_view_accuracy"]) == {"ego", "exo1", "exo2"}
    assert summary["data"] == "simulated"
    assert summary["static_spearman"] == 0
    assert summary["seconds"]["total"] == pytest.approx(
        sum(s for name, s in summary["seconds"].items() if name != "total"), abs=0.1
    )
    page = (out / "report.html").read_text()
    assert "simulated" in page
    assert page.count("data:image") > 30
    assert 'src="http' not in page
    take = next((out / "new_take" / "videos").glob("*_ego.mp4"))
    assert Scorer.from_checkpoint(out / "checkpoint").score({"ego": take}).score is not None


def test_outside_the_repository_the_demo_says_where_to_run_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProskillError, match="folder of the repository"):
        run_demo(tmp_path / "demo", CONFIG, progress_bar=silent)
    assert not (tmp_path / "demo").exists()
