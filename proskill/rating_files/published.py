"""The judgements of published data sets that are no table with a header.

BEST (Doughty et al. 2019): `train.txt` and `test.txt` in a folder named after the task, each line
"better worse".

ProSkill (arXiv 2601.20661): certain are the names and content of `train.txt`, `val.txt`, `test.txt`
with lines `winner,loser,global goal->subgoal`, that `rounds/1.yaml` to `6.yaml` map each subtask to
its list of segment pairs, and that `rankings/` holds an Elo rating, a Swiss score, a z-score and an
expert level of each segment after each round. Not certain is how a pair and the keys of a ranking
are spelled there: pairs are read as lists of two ids, and the keys in `write` are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from proskill.errors import ComparisonError
from proskill.plain_yaml import load_plain_yaml
from proskill.rating.comparisons import ComparisonTable, IntArray
from proskill.rating_files.columns import BLOCK_ROWS, Block, block_of, text_lines
from proskill.table_files import batched

ROUND_SUFFIXES: Final = (".yaml", ".yml")


def is_best_line(line: str) -> bool:
    """Two ids with space between them, and no comma."""
    return "," not in line and len(line.split()) == 2


def is_proskill_line(line: str) -> bool:
    """Two ids and a goal with its subgoal, by commas."""
    parts = line.split(",", 2)
    return len(parts) == 3 and "->" in parts[2]


def best_blocks(path: Path) -> Iterator[Block]:
    """Lines "better worse" as `winner, loser, group`; the group is the name of the file's folder.

    Raises:
        ComparisonError: a line with another number of ids.
    """
    task = path.resolve().parent.name
    return _line_blocks(
        path,
        lambda line: [*ids, task] if len(ids := line.split()) == 2 else None,
        "two ids with space between them are expected, the better one first",
    )


def proskill_blocks(path: Path) -> Iterator[Block]:
    """Lines `winner,loser,goal->subgoal` as `winner, loser, group`; the last part is the group.

    Raises:
        ComparisonError: a line with fewer parts.
    """

    def parts(line: str) -> list[str] | None:
        found = [part.strip() for part in line.split(",", 2)]  # a subgoal may hold commas
        return found if len(found) == 3 and all(found) else None

    return _line_blocks(path, parts, "expected is winner,loser,goal->subgoal")


def _line_blocks(
    path: Path, parse: Callable[[str], list[str] | None], expected: str
) -> Iterator[Block]:
    lines = text_lines(path)

    def rows() -> Iterator[tuple[int, list[str]]]:
        for row, line in enumerate(lines, 1):
            if line.strip():
                cells = parse(line.strip())
                if cells is None:
                    shown = repr(line.strip()[:60])
                    raise ComparisonError(f"{shown}: {expected}", row=row, path=path)
                yield row, cells

    for batch in batched(rows(), BLOCK_ROWS):
        numbers, cells = zip(*batch, strict=True)
        columns = dict(zip(("winner", "loser", "group"), zip(*cells, strict=True), strict=True))
        yield block_of(path, numbers, columns, num_bytes=lines.num_bytes)


def read_rounds(paths: Sequence[Path]) -> dict[frozenset[str], int]:
    """Return the scheduled pairs with their round; of two rounds, the first.

    Args:
        paths: files named by the round's number, such as `rounds/3.yaml`.

    Raises:
        ComparisonError: a file that is not such YAML, or has no number for a name.
    """
    rounds: dict[frozenset[str], int] = {}
    numbered: dict[int, Path] = {}
    for path in paths:
        if not path.stem.isdecimal() or int(path.stem) in numbered:
            raise ComparisonError(
                "each file of a round must be named by its own number, such as 3.yaml", path=path
            )
        numbered[int(path.stem)] = path
    for number, path in sorted(numbered.items()):
        try:
            content = load_plain_yaml("".join(text_lines(path)))
        except ValueError as error:
            raise ComparisonError(f"is not YAML of rounds: {error}", path=path) from None
        for pair in _pairs(path, content, depth=0):
            rounds.setdefault(pair, number)
    return rounds


def round_order(
    table: ComparisonTable, rounds: dict[frozenset[str], int]
) -> tuple[IntArray, int, int]:
    """The rows of a table in the order of the rounds that scheduled them.

    Returns:
        (N,) row indices, those of no round last; how many rows are of no round; and how many
        scheduled pairs have no row.
    """
    last = max(rounds.values(), default=0) + 1
    ends = zip(table.item_a.tolist(), table.item_b.tolist(), strict=True)
    pairs = [frozenset((table.items[a], table.items[b])) for a, b in ends]
    number = np.array([rounds.get(pair, last) for pair in pairs], np.int64)
    num_missing = len(rounds.keys() - set(pairs))
    return np.argsort(number, kind="stable"), int((number == last).sum()), num_missing


def _pairs(path: Path, node: Any, *, depth: int) -> Iterator[frozenset[str]]:
    """The pairs in the lists of a mapping, or of a mapping of mappings (goal, then subgoal)."""
    if isinstance(node, dict) and depth < 2:
        for child in node.values():
            yield from _pairs(path, child, depth=depth + 1)
    elif isinstance(node, list) and depth > 0:
        for pair in node:
            ids = pair if isinstance(pair, list) else []
            if len(ids) != 2 or not all(isinstance(i, str) and i.strip() for i in ids):
                raise ComparisonError(f"{str(pair)[:60]!r}: a pair is a list of 2 ids", path=path)
            yield frozenset(i.strip() for i in ids)
    elif node != "" or depth == 0:  # "" for a subtask without pairs in this round
        raise ComparisonError("expected is a mapping of subtasks to lists of pairs", path=path)
