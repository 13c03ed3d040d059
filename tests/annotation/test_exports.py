import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from proskill.annotation import Event
from proskill.annotation.counting import counted_table
from proskill.annotation.db.log import CampaignLog
from proskill.annotation.exports import ExportedCampaign, export_campaign
from proskill.annotation.records import Criterion
from proskill.data import Take, View, read_manifest
from proskill.errors import CampaignError
from proskill.levels import EGOEXO4D_LEVELS
from proskill.rating import LevelRule
from proskill.rating_files import read_comparisons, read_ratings

MakeLog = Callable[..., CampaignLog]
RULE = LevelRule(EGOEXO4D_LEVELS)


def takes_of(log: CampaignLog, folder: Path) -> list[Take]:
    """Takes with labels of their own, which must not survive."""
    return [
        Take(
            take_id=clip.take_id,
            participant_id=f"performer {place % 4}",
            scenario="cooking",
            views={
                "exo1": View(folder / f"{place}.mp4", "exo"),
                "ego": View(folder / "e.mp4", "ego"),
            },
            split=("train", "train", "val", "test")[place % 4],
            level="Novice",
            rating=123.0,
            skills={"speed": 2.0},
        )
        for place, clip in enumerate(log.clips)
    ]


def export(log: CampaignLog, folder: Path, **changes: object) -> ExportedCampaign:
    given = {"takes": takes_of(log, folder), "events": (), "rule": RULE} | changes
    return export_campaign(log, folder / "out", **given)  # type: ignore[arg-type]


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def with_every_reason(log: CampaignLog) -> CampaignLog:
    """A log with practice, gold, an answer that was changed, and an excluded annotator."""
    votes = list(log.votes)
    votes[0] = dataclasses.replace(votes[0], kind="practice")
    votes[1] = dataclasses.replace(votes[1], kind="gold")
    votes[3] = dataclasses.replace(votes[3], revokes=votes[2].token)
    people = (dataclasses.replace(log.annotators[0], excluded_at=1.0), *log.annotators[1:])
    return dataclasses.replace(log, votes=tuple(votes), annotators=people)


def test_every_answer_is_exported_with_its_token_and_why_it_does_not_count(
    make_log: MakeLog, tmp_path: Path
) -> None:
    log = with_every_reason(make_log(num_votes=60))
    export(log, tmp_path)
    rows = lines(tmp_path / "out" / "votes.jsonl")
    assert [row["token"] for row in rows] == [vote.token for vote in log.votes]
    assert [row["left_out"] for row in rows[:3]] == ["practice", "gold", "revoked"]
    excluded = [row for row in rows if row["annotator"] == "person 1" and not row["left_out"]]
    assert excluded == []
    frame = pd.read_parquet(tmp_path / "out" / "votes.parquet")
    assert frame["token"].tolist() == [row["token"] for row in rows]
    assert list(frame.columns) == list(rows[0])


def test_the_exported_votes_read_back_as_the_votes_that_count(
    make_log: MakeLog, tmp_path: Path
) -> None:
    log = with_every_reason(make_log(num_votes=90))
    export(log, tmp_path)
    table = counted_table(log, 1)

    def rows(table):  # type: ignore[no-untyped-def]
        names = [[table.items[i] for i in ends] for ends in (table.item_a, table.item_b)]
        people = [table.annotators[i] for i in table.annotator]
        return [*zip(*names, table.outcome.tolist(), people, table.seconds.tolist(), strict=True)]

    for name in ("votes.jsonl", "votes.parquet"):
        read = read_comparisons([tmp_path / "out" / name])
        assert rows(read.table) == rows(table)
        assert len(read.notes) == 1
        assert "Votes left out" in read.notes[0]


def test_the_manifest_has_the_levels_of_the_votes_and_none_of_before(
    make_log: MakeLog, tmp_path: Path
) -> None:
    log = make_log(num_clips=16, num_votes=500)
    export(log, tmp_path)
    takes = read_manifest(tmp_path / "out" / "manifest.csv")
    ratings = read_ratings(tmp_path / "out" / "ratings.csv")
    level = dict(zip(ratings.items, ratings.level, strict=True))
    rating = dict(zip(ratings.items, ratings.rating.tolist(), strict=True))
    assert {take.take_id: take.level for take in takes} == level
    assert {take.take_id: take.rating for take in takes} == pytest.approx(rating)
    best = max(takes, key=lambda take: take.rating or 0.0)
    assert best.level == EGOEXO4D_LEVELS.names[-1]
    assert dict(best.skills) == {}
    assert int(best.take_id.removeprefix("take ")) > 10  # skill grows with the number
    before = takes_of(log, tmp_path)
    assert [(t.split, t.participant_id, sorted(t.views)) for t in takes] == [
        (t.split, t.participant_id, sorted(t.views)) for t in before
    ]
    assert (tmp_path / "out" / "ratings.json").is_file()


def test_a_take_without_a_vote_that_counts_has_no_label_and_that_is_said(
    make_log: MakeLog, tmp_path: Path
) -> None:
    log = make_log(num_clips=12, num_votes=150)
    votes = tuple(v for v in log.votes if 12 not in (v.left_clip, v.right_clip))
    exported = export(dataclasses.replace(log, votes=votes), tmp_path)
    takes = {take.take_id: take for take in read_manifest(tmp_path / "out" / "manifest.csv")}
    assert (takes["take 11"].level, takes["take 11"].rating) == (None, None)
    assert takes["take 10"].level is not None
    assert any(note.startswith("1 of 12 takes have no label") for note in exported.notes)


def test_a_campaign_without_votes_exports_its_log_and_says_that_nothing_is_rated(
    make_log: MakeLog, tmp_path: Path
) -> None:
    exported = export(make_log(num_votes=0), tmp_path)
    assert [path.name for path in exported.files] == [
        "votes.jsonl",
        "votes.parquet",
        "events.jsonl",
    ]
    assert exported.notes == ("No vote on 'overall skill' counts yet, so that nothing is rated.",)


def test_several_criteria_are_rated_one_by_one_and_become_skills(
    make_log: MakeLog, tmp_path: Path
) -> None:
    log = make_log(num_clips=12, num_votes=150)
    criteria = (Criterion(1, "overall skill"), Criterion(2, "calm"))
    turned = {"left": "right", "right": "left", "tie": "tie"}
    other = tuple(
        dataclasses.replace(v, criterion_id=2, answer=turned[v.answer]) for v in log.votes
    )
    log = dataclasses.replace(
        log,
        campaign=dataclasses.replace(log.campaign, criteria=criteria),
        votes=log.votes + other,
    )
    export(log, tmp_path)
    out = tmp_path / "out"
    assert len(lines(out / "votes.jsonl")) == 300
    assert {row["criterion"] for row in lines(out / "criterion-2" / "votes.jsonl")} == {"calm"}
    takes = read_manifest(out / "manifest.csv")
    assert set(takes[0].skills) == {"overall skill", "calm"}
    first = max(takes, key=lambda take: take.skills["overall skill"])
    assert first.rating == first.skills["overall skill"]
    assert first.skills["calm"] < 0
    assert (out / "criterion-1" / "report.html").is_file()


def test_proskill_files_hold_the_decided_votes_of_takes_in_one_split(
    make_log: MakeLog, tmp_path: Path
) -> None:
    log = make_log(num_clips=12, num_votes=200)
    export(log, tmp_path)
    folder = tmp_path / "out" / "proskill"
    files = [folder / f"{split}.txt" for split in ("train", "val", "test")]
    read = read_comparisons(files)
    assert read.format == "proskill"
    assert read.table.groups == ("cooking->overall skill",)
    split = {take.take_id: take.split for take in takes_of(log, tmp_path)}
    take = {clip.id: clip.take_id for clip in log.clips}
    expected = [
        vote
        for vote in log.votes
        if vote.answer != "tie" and split[take[vote.left_clip]] == split[take[vote.right_clip]]
    ]
    assert len(read.table) == len(expected)
    (ranking,) = (folder / "rankings").glob("*.yml")
    assert "take 11" in ranking.read_text("utf-8")
    assert "performer 3" in (folder / "participants.csv").read_text("utf-8")


def test_the_report_tells_what_was_left_out_and_escapes_names(
    make_log: MakeLog, tmp_path: Path
) -> None:
    log = with_every_reason(make_log(num_votes=80))
    people = (*log.annotators[:3], dataclasses.replace(log.annotators[3], name="<script>x"))
    export(dataclasses.replace(log, annotators=people), tmp_path)
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page
    assert "the annotator is excluded" in page
    assert "taken back by the annotator" in page


def test_the_audit_trail_is_exported(make_log: MakeLog, tmp_path: Path) -> None:
    event = Event(1, 5.0, "Olga", {"event": "paused"})
    export(make_log(num_votes=0), tmp_path, events=(event,))
    assert lines(tmp_path / "out" / "events.jsonl") == [
        {"at": 5.0, "who": "Olga", "what": {"event": "paused"}}
    ]


def test_exporting_again_replaces_the_files(make_log: MakeLog, tmp_path: Path) -> None:
    export(make_log(num_votes=50), tmp_path)
    export(make_log(num_votes=60), tmp_path)
    assert len(lines(tmp_path / "out" / "votes.jsonl")) == 60
    assert not list((tmp_path / "out").rglob("*.partial"))


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("campaign.json", "holds a campaign; choose a folder for exports alone"),
        ("manifest.csv", "its manifest.csv would be written over, and is of no earlier export"),
        ("ratings.json", "its ratings.json would be written over"),
        ("votes.jsonl", "its votes.jsonl would be written over"),
        ("proskill/train.txt", "its proskill would be written over"),
        ("criterion-1/ratings.csv", "its criterion-1 would be written over"),
    ],
)
def test_a_folder_with_files_of_something_else_is_refused_and_stays_as_it_was(
    make_log: MakeLog, tmp_path: Path, name: str, complaint: str
) -> None:
    path = tmp_path / "out" / name
    path.parent.mkdir(parents=True)
    path.write_text("ground truth")
    with pytest.raises(CampaignError, match=complaint):
        export(make_log(num_votes=60), tmp_path)
    assert [file for file in (tmp_path / "out").rglob("*") if file.is_file()] == [path]
    assert path.read_text() == "ground truth"


def test_files_that_an_export_does_not_write_are_left_alone(
    make_log: MakeLog, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    export(make_log(num_votes=50), tmp_path)
    export(make_log(num_votes=60), tmp_path)
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"
