from __future__ import annotations

from pathlib import Path

import pytest

from proskill.scoring.checkpoints import card_limits
from proskill.shipped_files import find_default_checkpoint


def test_the_points_of_the_shipped_card_are_plain_sentences() -> None:
    first, *others = card_limits(find_default_checkpoint())
    assert first == (
        "The level is an estimate from video of the kind described under Data; on other footage it "
        "means nothing."
    )
    assert len(others) == 2


@pytest.mark.parametrize(
    ("card", "limits"),
    [
        (
            "# m\n\n## Limits\n\nOnly **basketball**.\n\nNo minors.\n",
            ("Only basketball.", "No minors."),
        ),
        ("## Limitations\n* a\n* b\n\n## More\n- c\n", ("a", "b")),
        ("# m\n\nnothing here\n", ()),
        ("", ()),
    ],
)
def test_limits_end_where_the_next_heading_begins(
    tmp_path: Path, card: str, limits: tuple[str, ...]
) -> None:
    (tmp_path / "README.md").write_text(card)
    assert card_limits(tmp_path) == limits


def test_a_checkpoint_without_a_card_has_no_limits_to_show(tmp_path: Path) -> None:
    assert card_limits(tmp_path) == ()
