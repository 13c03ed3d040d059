from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from proskill.errors import ProskillError
from proskill.rating import RatingRun
from proskill.rating.comparisons import ComparisonTable
from proskill.rating_files.exports import (
    num_rounds,
    read_earlier,
    refuse_clashes,
    write_next_pairs,
    write_standing,
)
from proskill.rating_files.write import write_ratings

FORMULA = "=cmd|' /C calc'!A0"
Votes = Callable[..., ComparisonTable]


def test_next_pairs_are_safe_in_a_spreadsheet(small_run: RatingRun, tmp_path: Path) -> None:
    items = (FORMULA, *small_run.table.items[1:])
    changed = replace(small_run, table=replace(small_run.table, items=items))
    write_next_pairs(changed, tmp_path / "next.csv")
    lines = (tmp_path / "next.csv").read_text().splitlines()
    assert lines[0] == "left,right,group"
    assert len(lines) == 1 + len(small_run.next_round.left)
    assert sum("'=cmd" in line for line in lines) == 1
    assert not any(line.startswith("=") or ",=" in line for line in lines)


def test_an_earlier_session_comes_back_with_its_width(small_run: RatingRun, tmp_path: Path) -> None:
    write_ratings(small_run.ratings, tmp_path / "r.csv")
    earlier = read_earlier(tmp_path / "r.csv")
    best = earlier[small_run.ratings.items[0]]
    assert best.rating == small_run.ratings.rating[0]
    width = small_run.ratings.upper[0] - small_run.ratings.lower[0]
    assert best.sd == pytest.approx(width / 3.2897, rel=1e-4)
    flat = replace(
        small_run.ratings, lower=small_run.ratings.rating, upper=small_run.ratings.rating
    )
    write_ratings(flat, tmp_path / "flat.json")
    with pytest.raises(ProskillError, match=r"flat\.json: the interval of item .* has no width"):
        read_earlier(tmp_path / "flat.json")


def test_proskills_standing_counts_rounds_by_opponents(
    small_run: RatingRun, tmp_path: Path, simulated_votes: Votes
) -> None:
    assert num_rounds(simulated_votes(rounds=4)) == 4
    path = write_standing(small_run, tmp_path)
    assert path == tmp_path / "rankings" / "rank_after_round_7.yml"
    assert path.read_text().count("expert_level") == 8


def test_outputs_neither_meet_each_other_nor_an_input(tmp_path: Path) -> None:
    a, b = tmp_path / "a.csv", tmp_path / "b.csv"
    refuse_clashes([a], {"--out": b})
    with pytest.raises(ValueError, match=r"--out .*a\.csv: would overwrite"):
        refuse_clashes([a], {"--out": tmp_path / "." / "a.csv"})
    with pytest.raises(ValueError, match="--out and --report both name"):
        refuse_clashes([a], {"--out": b, "--report": b})
