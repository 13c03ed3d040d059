from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from proskill.annotation import Answer, Assignment, CampaignStore, Vote, create_campaign
from proskill.data import Take, View, read_manifest

Run = Callable[..., Any]


def campaign_with_votes(folder: Path, number: int, **options: bool) -> Path:
    takes = [
        Take(f"take {i}", f"person {i}", "cooking", {"exo1": View(folder / f"{i}.mp4", "exo")})
        for i in range(8)
    ]
    with create_campaign(folder / "campaign", takes=takes, name="Cooking", now=1.0) as store:
        vote_in(store, number, **options)
    return folder / "campaign"


def vote_in(store: CampaignStore, number: int, *, each_clip_once: bool = False) -> None:
    """The clip with the higher number always wins; pairs of clips that were judged are skipped."""
    judged: set[str] = set()
    now = time.time()
    person = store.find_annotator(store.invite("Ann", now=now))
    assert person is not None
    assignment = Assignment(store, now=now)
    for place in range(number):
        pair = assignment.work(person.id, now).current
        assert pair is not None
        answer = Answer("left" if pair.left.id > pair.right.id else "right")
        clips = {pair.left.take_id, pair.right.take_id}
        if each_clip_once and clips & judged:
            answer = Answer("skip")
        else:
            judged |= clips
        vote = Vote(
            token=f"token-of-the-vote-{place:03d}", lease=pair.lease, answers={1: answer},
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


def test_export_into_the_campaign_is_refused_in_a_sentence(run: Run, tmp_path: Path) -> None:
    campaign = campaign_with_votes(tmp_path, 25)
    before = (campaign / "manifest.csv").read_bytes()
    result = run("annotate", "export", campaign, "--out", campaign)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "holds a campaign; choose a folder for exports alone with --out" in result.stderr
    assert result.stderr.count("\n") == 1
    assert (campaign / "manifest.csv").read_bytes() == before


def test_training_comes_next_only_when_takes_have_labels(run: Run, tmp_path: Path) -> None:
    (tmp_path / "apart").mkdir()
    apart = campaign_with_votes(tmp_path / "apart", 12, each_clip_once=True)
    result = run("annotate", "export", apart, "--out", tmp_path / "1")
    assert "8 of 8 takes have no label" in result.stdout
    assert "proskill fit" not in result.stderr
    (tmp_path / "linked").mkdir()
    linked = campaign_with_votes(tmp_path / "linked", 25)
    result = run("annotate", "export", linked, "--out", tmp_path / "2")
    assert "Next: proskill fit" in result.stderr
