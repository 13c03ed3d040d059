"""A campaign as files: votes, ratings, a manifest with levels, ProSkill's files and a report.

    votes.jsonl, votes.parquet    every answer ever; `left_out` says why one counts in no rating
    events.jsonl                  who was invited, excluded, when it was paused, ...
    manifest.csv                  the takes with the level and rating of the first criterion
    ratings.csv, ratings.json     with intervals and flags
    report.html                   what is wrong first, then the ranking
    proskill/                     pairs by split, participants, and rankings/*.yml

With several criteria, `votes.jsonl` (of the criterion alone), ratings, report and `proskill/` of
each lie in `criterion-1/` and so on, and the manifest has a column `skill:NAME` for each.
`proskill rate` reads `votes.jsonl` of one criterion and comes to the same ratings.

A dataset has a `manifest.csv`, too, and its labels may exist nowhere else: nothing is written into
a folder with such a file unless an earlier export left it there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from proskill.annotation.campaign import CAMPAIGN_FILE
from proskill.annotation.counting import LEFT_OUT, counted_table, num_left_out, why_left_out
from proskill.annotation.db.log import CampaignLog
from proskill.annotation.proskill_files import write_proskill_files
from proskill.annotation.records import Criterion, Event
from proskill.data import Take, write_manifest
from proskill.errors import CampaignError
from proskill.rating import LevelRule, RatingRun, rate
from proskill.rating_files import Origin, ReadComparisons, write_ratings
from proskill.reports.rating import write_report
from proskill.table_files import parquet_bytes
from proskill.whole_file import write_whole

_ADVICE: Final = "free some space or choose another place with --out"

# Such a rating rests on nothing that links the take with the others.
_NO_LABEL: Final = frozenset({"alone", "no_comparisons", "disconnected"})

# Every export has these, whatever was voted: they tell a folder of exports from others.
_ALWAYS_WRITTEN: Final = ("votes.jsonl", "events.jsonl")

_WRITTEN: Final = (
    *_ALWAYS_WRITTEN, "votes.parquet", "manifest.csv", "ratings.csv", "ratings.json",
    "report.html", "proskill",
)  # fmt: skip

_VOTE_COLUMNS: Final = (
    "seq", "token", "pair", "criterion", "kind", "group", "left", "right", "answer", "strength",
    "reason", "annotator", "shown_at", "answered_at", "received_at", "watched_left",
    "watched_right", "client", "revokes", "left_out",
)  # fmt: skip


@dataclass(frozen=True)
class ExportedCampaign:
    """Files of one export.

    Attributes:
        files: in the order in which they were written.
        notes: what a person should know, one sentence each.
        num_labelled: takes of the manifest that have a label now.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...]
    num_labelled: int


def export_campaign(
    log: CampaignLog,
    out: Path,
    *,
    takes: Sequence[Take],
    events: Sequence[Event],
    rule: LevelRule,
    on_stage: Callable[[str], None] = lambda name: None,
    on_progress: Callable[[int, int], None] | None = None,
) -> ExportedCampaign:
    """Write a campaign's files; those of an earlier export are replaced, each whole or not.

    Args:
        log: the campaign.
        out: folder, made when missing.
        takes: of the campaign, as its manifest has them; their own labels are not kept.
        events: the audit trail.
        rule: how ratings become levels.
        on_stage: called with the name of each stage as it begins.
        on_progress: called with (done, total) within the long stages.

    Raises:
        CampaignError: `out` holds a campaign, or files that no export wrote; nothing was written.
        ProskillError: a file cannot be written, or too few takes of known level for `rule`.
    """
    criteria = log.campaign.criteria
    _require_own_folder(out, criteria)
    on_stage("votes")
    rows = exported_votes(log)
    files = [_write_lines(out / "votes.jsonl", rows), _write_parquet(out / "votes.parquet", rows)]
    trail = [{"at": event.at, "who": event.who, "what": event.what} for event in events]
    files.append(_write_lines(out / "events.jsonl", trail))
    runs: dict[str, RatingRun] = {}
    notes = _vote_notes(log, criteria[0].id)
    for criterion in criteria:
        folder = out if len(criteria) == 1 else out / f"criterion-{criterion.id}"
        if folder != out:
            own = [row for row in rows if row["criterion"] == criterion.name]
            files.append(_write_lines(folder / "votes.jsonl", own))
        table = counted_table(log, criterion.id)
        if not len(table.judged()):
            notes.append(f"No vote on {criterion.name!r} counts yet, so that nothing is rated.")
            continue
        run = rate(
            table,
            rng=np.random.default_rng(log.campaign.seed),
            level_rule=rule,
            on_stage=on_stage,
            on_progress=on_progress,
        )
        runs[criterion.name] = run
        files += _write_run(log, criterion, run, folder, rule)
        files += write_proskill_files(
            run, folder / "proskill", takes=takes, criterion=criterion.name
        )
    num_labelled = 0
    if criteria[0].name in runs:
        labelled = labelled_takes(takes, runs, first=criteria[0].name)
        write_manifest(out / "manifest.csv", labelled)
        files.append(out / "manifest.csv")
        num_labelled = sum(take.rating is not None for take in labelled)
        if without := len(labelled) - num_labelled:
            notes.append(
                f"{without:,} of {len(labelled):,} takes have no label: nothing links them with "
                "the others yet."
            )
    return ExportedCampaign(tuple(files), tuple(notes), num_labelled)


def _require_own_folder(out: Path, criteria: Sequence[Criterion]) -> None:
    """Refuse a folder in which something else than an earlier export would be written over."""
    if (out / CAMPAIGN_FILE).exists():
        raise CampaignError(
            f"{out}: holds a campaign; choose a folder for exports alone with --out"
        )
    if all((out / name).is_file() for name in _ALWAYS_WRITTEN):
        return
    written = [*_WRITTEN, *(f"criterion-{criterion.id}" for criterion in criteria)]
    if found := [name for name in written if (out / name).exists()]:
        raise CampaignError(
            f"{out}: its {found[0]} would be written over, and is of no earlier export, which has "
            f"{' and '.join(_ALWAYS_WRITTEN)}; choose another folder with --out"
        )


def exported_votes(log: CampaignLog) -> list[dict[str, Any]]:
    """Return every answer in order, by the names of takes, criteria and people."""
    clip_of = {clip.id: clip for clip in log.clips}
    person = {one.id: one.name for one in log.annotators}
    criterion = {one.id: one.name for one in log.campaign.criteria}
    return [
        {
            "seq": vote.seq,
            "token": vote.token,
            "pair": str(vote.lease_id),
            "criterion": criterion[vote.criterion_id],
            "kind": vote.kind,
            "group": clip_of[vote.left_clip].group,
            "left": clip_of[vote.left_clip].take_id,
            "right": clip_of[vote.right_clip].take_id,
            "answer": vote.answer,
            "strength": vote.strength,
            "reason": vote.reason,
            "annotator": person[vote.annotator_id],
            "shown_at": vote.shown_at,
            "answered_at": vote.answered_at,
            "received_at": vote.received_at,
            "watched_left": vote.watched_left,
            "watched_right": vote.watched_right,
            "client": vote.client,
            "revokes": vote.revokes,
            "left_out": reason or None,
        }
        for vote, reason in zip(log.votes, why_left_out(log), strict=True)
    ]


def labelled_takes(takes: Iterable[Take], runs: dict[str, RatingRun], *, first: str) -> list[Take]:
    """Return the takes with labels from the votes in place of earlier labels.

    Args:
        takes: of the campaign.
        runs: by the name of the criterion.
        first: the criterion that gives level and rating; with several, each gives a skill.
    """
    found = {name: _labels(run) for name, run in runs.items()}
    labelled = []
    for take in takes:
        level, rating = found[first].get(take.take_id, (None, None))
        skills = {
            name: labels[take.take_id][1]
            for name, labels in found.items()
            if len(found) > 1 and take.take_id in labels
        }
        labelled.append(replace(take, level=level, rating=rating, skills=skills))
    return labelled


def _labels(run: RatingRun) -> dict[str, tuple[str | None, float]]:
    """Return level and rating of the items that votes link with others."""
    ratings = run.ratings
    columns = zip(ratings.items, ratings.level, ratings.rating.tolist(), ratings.flags, strict=True)
    return {
        item: (level or None, rating)
        for item, level, rating, flags in columns
        if not _NO_LABEL.intersection(flags)
    }


def _write_run(
    log: CampaignLog, criterion: Criterion, run: RatingRun, folder: Path, rule: LevelRule
) -> list[Path]:
    left_out = num_left_out(log, criterion.id)
    read = ReadComparisons(
        table=run.table,
        num_rows=len(run.table) + sum(left_out.values()),
        num_repeated_tokens=0,
        num_revoked=left_out.get("revoked", 0),
        format="annotation log",
        notes=tuple(_vote_notes(log, criterion.id)),
    )
    settings = {
        "campaign": log.campaign.name,
        "criterion": criterion.name,
        "levels": rule.method,
    }
    origin = Origin(
        paths=[folder / "votes.jsonl"], read=read, seed=log.campaign.seed, settings=settings
    )
    write_ratings(run.ratings, folder / "ratings.csv")
    write_ratings(run.ratings, folder / "ratings.json")
    write_report(folder / "report.html", run, origin)
    return [folder / name for name in ("ratings.csv", "ratings.json", "report.html")]


def _vote_notes(log: CampaignLog, criterion_id: int) -> list[str]:
    notes = [
        f"Answers left out of the ratings: {num:,}: {LEFT_OUT[reason]}."
        for reason, num in num_left_out(log, criterion_id).items()
    ]
    if log.campaign.settings.strength:
        notes.append("Strengths are in votes.jsonl; ratings use the chosen side alone.")
    return notes


def _write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    lines = (json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n" for row in rows)
    write_whole(path, lines, advice=_ADVICE)
    return path


def _write_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    import pyarrow as pa

    numbers = ("shown_at", "answered_at", "received_at", "watched_left", "watched_right")
    types = {"seq": pa.int64(), "strength": pa.int8()} | dict.fromkeys(numbers, pa.float64())
    columns = {name: [row.get(name) for row in rows] for name in _VOTE_COLUMNS}
    write_whole(path, [parquet_bytes(columns, types)], advice=_ADVICE)
    return path
