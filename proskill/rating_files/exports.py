"""Exchange with other tools: an earlier session's ratings, ProSkill's rankings, next pairs."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Final

import numpy as np

from proskill.errors import ProskillError
from proskill.rating.comparisons import ComparisonTable
from proskill.rating.elo import rate_as_proskill
from proskill.rating.rate import EarlierRating, RatingRun
from proskill.rating_files.read_back import read_ratings
from proskill.rating_files.tallies import next_pairs
from proskill.rating_files.write import write_proskill_rankings
from proskill.table_files import csv_bytes, escape_cell
from proskill.whole_file import write_whole

_WIDTH_IN_SD: Final = 2 * 1.6448536269514722  # of a normal distribution's 90 % interval


def read_earlier(path: Path) -> dict[str, EarlierRating]:
    """Ratings of an earlier session by item; the sd is that of a normal with the same interval.

    Args:
        path: what `write_ratings` wrote.

    Raises:
        ProskillError: the file cannot be read, or an interval has no width.
        ValueError: another ending.
    """
    ratings = read_ratings(path)
    sd = (ratings.upper - ratings.lower) / _WIDTH_IN_SD
    if len(sd) and not sd.min() > 0:
        item = ratings.items[int(np.argmin(sd))]
        raise ProskillError(
            f"{path}: the interval of item {item!r} has no width; link to ratings that "
            "`proskill rate` wrote"
        )
    values = zip(ratings.items, ratings.rating.tolist(), sd.tolist(), strict=True)
    return {item: EarlierRating(rating, width) for item, rating, width in values}


def write_standing(run: RatingRun, folder: Path, *, k: float = 32.0) -> Path:
    """Write ProSkill's `rankings/*.yml` for a run, with its levels where there are some.

    Votes on a pair are merged by majority and Elo takes the pairs in the order of the rows, as
    ProSkill's protocol does; these are not the run's own ratings.

    Args:
        run: says the votes and the levels.
        folder: the data set's folder.
        k: Elo's K.

    Returns:
        The path written.
    """
    table = run.table
    standing = rate_as_proskill(table, k=k)
    level = dict(zip(run.ratings.items, run.ratings.level, strict=True))
    return write_proskill_rankings(
        folder,
        round_number=num_rounds(table),
        items=table.items,
        groups=[table.groups[group] for group in table.item_group.tolist()],
        elo=standing.elo,
        swiss_score=standing.swiss_score,
        z_score=standing.z_score,
        level=[level[item] for item in table.items],
    )


def num_rounds(table: ComparisonTable) -> int:
    """Return the number of rounds in the votes: the most opponents that an item has met."""
    votes = table.judged()
    ends = np.stack([votes.item_a, votes.item_b])
    pairs = np.unique(np.sort(ends, axis=0), axis=1)
    return int(np.bincount(pairs.ravel(), minlength=1).max())


def write_next_pairs(run: RatingRun, path: Path) -> None:
    """Write the pairs to ask about next as CSV, those that matter most first.

    Columns `left, right, group`; a text that a spreadsheet would run as a formula has an
    apostrophe in front, as in all CSV of this package.

    Raises:
        ProskillError: the file cannot be written.
    """
    columns = ("left", "right", "group")
    rows = ([escape_cell(pair[name]) for name in columns] for pair in next_pairs(run))
    content = csv_bytes(columns, rows)
    write_whole(path, [content], advice="free space or choose another place")


def refuse_clashes(inputs: list[Path], outputs: dict[str, Path]) -> None:
    """Refuse to write over what is read, or two things to one place.

    Args:
        inputs: files that are read.
        outputs: option -> file that it names.

    Raises:
        ValueError: naming the option and the file.
    """
    read = {path.resolve() for path in inputs}
    for option, path in outputs.items():
        if path.resolve() in read:
            raise ValueError(f"{option} {path}: would overwrite a file that is read; name another")
    for (option, path), (other, same) in itertools.combinations(outputs.items(), 2):
        if path.resolve() == same.resolve():
            raise ValueError(f"{option} and {other} both name {path}; name two files")
