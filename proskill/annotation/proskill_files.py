"""A rated campaign in ProSkill's layout (arXiv 2601.20661), for tools that read that data set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from proskill.data import Take
from proskill.rating import RatingRun
from proskill.rating.comparisons import TIE
from proskill.rating_files.exports import write_standing
from proskill.table_files import csv_bytes, escape_cell
from proskill.whole_file import write_whole

_ADVICE: Final = "free some space or choose another place with --out"


def write_proskill_files(
    run: RatingRun, folder: Path, *, takes: Sequence[Take], criterion: str
) -> list[Path]:
    """Write pairs by split, `participants.csv` and `rankings/*.yml`.

    Each decided vote is a line `winner,loser,scenario->criterion` of the split that both takes are
    in, `train.txt` where they have none. The layout has neither ties nor pairs across splits, nor
    ids with a comma or a line break: such votes are in `votes.jsonl` alone.

    Args:
        run: the rating.
        folder: where to.
        takes: of the campaign.
        criterion: what was asked.

    Returns:
        The paths written.
    """
    take_of = {take.take_id: take for take in takes}
    table = run.table.judged()
    lines: defaultdict[str, list[str]] = defaultdict(list)
    decided = table.select(table.outcome != TIE)
    ends = zip(
        decided.item_a.tolist(), decided.item_b.tolist(), decided.outcome.tolist(), strict=True
    )
    for a, b, outcome in ends:
        winner, loser = (table.items[end] for end in ((a, b) if outcome > 0 else (b, a)))
        one, other = take_of[winner], take_of[loser]
        if one.split != other.split or any(mark in winner + loser for mark in ",\r\n"):
            continue
        goal = f"{one.scenario or 'all'}->{criterion}"
        lines[one.split or "train"].append(f"{winner},{loser},{goal}\n")
    paths = []
    for split, pairs in lines.items():
        paths.append(folder / f"{split}.txt")
        write_whole(paths[-1], ["".join(pairs).encode()], advice=_ADVICE)
    people = [(escape_cell(take.take_id), escape_cell(take.participant)) for take in takes]
    paths.append(folder / "participants.csv")
    content = csv_bytes(("segment", "participant_id"), people)
    write_whole(paths[-1], [content], advice=_ADVICE)
    return [*paths, write_standing(run, folder)]
