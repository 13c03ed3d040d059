"""Reading files of judgements, of any format, into one table of comparisons."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from proskill.errors import ComparisonError
from proskill.rating.comparisons import ComparisonTable, IntArray
from proskill.rating.table_builder import ComparisonTableBuilder
from proskill.rating_files.published import ROUND_SUFFIXES, read_rounds, round_order
from proskill.rating_files.recognise import FORMATS, Source, recognise


@dataclass(frozen=True, eq=False)
class ReadComparisons:
    """Comparisons of one or more files.

    Attributes:
        table: the votes that count.
        num_rows: votes in the files, also those that do not count.
        num_repeated_tokens: votes that were there twice, by their token, and count once.
        num_revoked: votes that were taken back later, and do not count.
        format: which of `FORMATS` was taken; several are joined by commas.
        notes: further remarks for people, one sentence each.
    """

    table: ComparisonTable
    num_rows: int
    num_repeated_tokens: int
    num_revoked: int
    format: str
    notes: tuple[str, ...]


def read_comparisons(
    paths: Sequence[Path],
    *,
    one_scale: bool = False,
    format: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> ReadComparisons:
    """Read files of judgements into one table; each file's format is told from its content.

    CSV, JSONL and Parquet may hold `item_a, item_b, outcome` or `winner, loser`, each with
    `annotator, group, left_item, seconds, token` where known, or the annotation log. With
    ProSkill's lines, `rounds/*.yaml` put the votes in the order of the rounds.

    Args:
        paths: the files, in the order in which votes were given if that matters.
        one_scale: join all groups into one, so that items in several of them link them.
        format: a key of `FORMATS` when the content should not decide.
        on_progress: is told the bytes read so far and those of all files.

    Raises:
        ComparisonError: what cannot be read, with the file, the row and the reason.
        ValueError: `format` is unknown.
    """
    if format is not None and format not in FORMATS:
        raise ValueError(f"format={format!r}: allowed are {', '.join(FORMATS)}")
    require_files(paths)
    round_paths = [path for path in paths if path.suffix.lower() in ROUND_SUFFIXES]
    vote_paths = [path for path in paths if path not in round_paths]
    rows = _FileRows()
    builder = ComparisonTableBuilder(one_scale=one_scale, row_name=rows.name)
    try:
        rounds = read_rounds(round_paths)
        sources = recognise(vote_paths, format=format)
        notes = _add_votes(builder, sources, rows, on_progress)
        table = builder.build()
    except OSError as error:
        name = error.filename or ", ".join(map(str, paths))
        raise ComparisonError(f"{name}: cannot be read: {error.strerror or error}") from error
    except ComparisonError as error:
        raise rows.located(error) from None
    if not builder.num_rows:
        raise ComparisonError(_why_empty(vote_paths, round_paths))
    num_votes = len(table)
    if round_paths:
        order, num_outside, num_missing = round_order(table, rounds)
        table = table.select(order)
        notes += _round_notes(len(rounds), num_outside, num_missing)
    return ReadComparisons(
        table=table,
        num_rows=builder.num_rows,
        num_repeated_tokens=builder.num_repeated_tokens,
        num_revoked=builder.num_rows - builder.num_repeated_tokens - num_votes,
        format=", ".join(dict.fromkeys(source.format for source in sources)),
        notes=tuple(notes),
    )


def require_files(paths: Sequence[Path]) -> None:
    """Refuse what is no file, and a file that is named twice.

    Raises:
        ComparisonError: with the path.
    """
    seen: set[Path] = set()
    for path in paths:
        if path.is_dir():
            raise ComparisonError("is a folder; give the files inside it", path=path)
        if not path.exists():
            raise ComparisonError("no such file; check the path", path=path)
        if path.resolve() in seen:
            raise ComparisonError("is given twice; its votes would count twice", path=path)
        seen.add(path.resolve())


class _FileRows:
    """From the builder's row number, counted over all files, back to a file and its own row."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._blocks: list[tuple[Path, IntArray]] = []

    def add(self, start: int, path: Path, rows: IntArray) -> None:
        self._starts.append(start)
        self._blocks.append((path, rows))

    def name(self, row: int) -> str:
        path, number = self._find(row)
        return f"row {number} of {path}"

    def located(self, error: ComparisonError) -> ComparisonError:
        if error.path is not None or error.row is None:
            return error
        path, number = self._find(error.row)
        return ComparisonError(error.reason, row=number, path=path)

    def _find(self, row: int) -> tuple[Path, int]:
        index = bisect.bisect_right(self._starts, row - 1) - 1
        path, rows = self._blocks[index]
        return path, int(rows[row - 1 - self._starts[index]])


def _add_votes(
    builder: ComparisonTableBuilder,
    sources: Sequence[Source],
    rows: _FileRows,
    on_progress: Callable[[int, int], None] | None,
) -> list[str]:
    sizes = [source.path.stat().st_size for source in sources]
    notes, num_unknown_times, num_left_out = [], 0, 0
    for index, source in enumerate(sources):
        for block in source.blocks():
            votes = source.votes(block)
            rows.add(builder.num_rows, source.path, votes.rows)
            votes.add_to(builder)
            num_unknown_times += votes.num_unknown_times
            num_left_out += votes.num_left_out
            if on_progress is not None:
                on_progress(sum(sizes[:index]) + block.num_bytes, sum(sizes))
        if source.unused:
            notes.append(f"{source.path}: not used: {', '.join(source.unused)}.")
    if num_left_out:
        notes.append(f"Votes left out, as their column left_out says: {num_left_out}.")
    if num_unknown_times:
        notes.append(
            f"{num_unknown_times} answers came before their pair was shown, as clocks say; how "
            "long they took counts as unknown."
        )
    return notes


def _why_empty(vote_paths: Sequence[Path], round_paths: Sequence[Path]) -> str:
    if vote_paths:
        return f"{', '.join(map(str, vote_paths))}: no vote in there"
    if round_paths:
        return (
            f"{', '.join(map(str, round_paths))}: rounds name the pairs but not who won; give "
            "train.txt, val.txt and test.txt as well"
        )
    return "no file was given"


def _round_notes(num_pairs: int, num_outside: int, num_missing: int) -> list[str]:
    notes = [f"The votes are in the order of the rounds, which schedule {num_pairs} pairs."]
    if num_missing:
        notes.append(f"{num_missing} of these pairs have no vote.")
    if num_outside:
        notes.append(f"{num_outside} votes are about pairs of no round; they come last.")
    return notes
