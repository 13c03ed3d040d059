from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from proskill.annotation import Answer, Assignment, CampaignStore, Vote, create_campaign
from proskill.data import Take, View, read_manifest

Run = Callable[..., Any]


def campaign_with_votes(folder: Path, number: int) -> Path:
    takes = [
        Take(f"take {i}", f"person {i}", "cooking", {"exo1": View(folder / f"{i}.mp4", "exo")})
        for i in range(8)
    ]
    with create_campaign(folder / "campaign", takes=takes, name="Cooking", now=1.0) as store:
        vote_in(store, number)
    return folder / "campaign"


def vote_in(store: CampaignStore, number: int) -> None:
    """The clip with the higher number always wins."""
    now = time.time()
    person = store.find_annotator(store.invite("Ann", now=now))
    assert person is not None
    assignment = Assignment(store, now=now)
    for place in range(number):
        pair = assignment.work(person.id, now).current
        assert pair is not None
        vote = Vote(
            token=f"token-of-the-vote-{place:03d}", lease=pair.lease,
            answers={1: Answer("left" if pair.left.id > pair.right.id else "right")},
            shown_at=now, answered_at=now + 5, watched_left=1.0, watched_right=1.0,
        )  # fmt: skip
        assignment.vote(person.id, vote, now)


def test_export_prints_the_files_and_writes_levels_of_another_scale(
    run: Run, tmp_path: Path
) -> None:
    campaign = campaign_with_votes(tmp_path, 25)
    out = tmp_path / "out"
    result = run("annotate", "export", campaign, "--out", out, "--scale", "low,high")
    assert result.exit_code == 0, result.stderr
    assert str(out / "manifest.csv") in result.stdout
    takes = read_manifest(out / "manifest.csv", scale=None)
    level = {take.take_id: take.level for take in takes}
    assert (level["take 0"], level["take 7"]) == ("low", "high")


def test_export_of_no_campaign_says_so(run: Run, tmp_path: Path) -> None:
    result = run("annotate", "export", tmp_path, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "holds no campaign" in result.stderr
    assert not (tmp_path / "out").exists()


def test_options_of_levels_that_do_not_go_together_are_refused(run: Run, tmp_path: Path) -> None:
    result = run("annotate", "export", tmp_path, "--out", tmp_path / "out", "--cuts", "0")
    assert result.exit_code == 2
    assert "--cuts goes with --levels scores" in " ".join(result.stderr.split())


def test_export_before_the_first_vote_writes_the_log_and_says_that_nothing_is_rated(
    run: Run, tmp_path: Path
) -> None:
    campaign = campaign_with_votes(tmp_path, 0)
    result = run("annotate", "export", campaign, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert "No vote on 'overall skill' counts yet" in result.stdout
    assert (tmp_path / "out" / "votes.jsonl").read_text() == ""
    assert (tmp_path / "out" / "events.jsonl").read_text().count("\n") >= 1
