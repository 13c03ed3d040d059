"""Layouts of files of judgements: each turns a block of rows into votes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from proskill.errors import ComparisonError
from proskill.rating.comparisons import (
    A_WINS,
    OUTCOME_CODES,
    SKIP,
    TIE,
    BoolArray,
    FloatArray,
    IntArray,
)
from proskill.rating.table_builder import ComparisonTableBuilder, TextColumn
from proskill.rating_files.columns import Block

_ANSWERS: Final = {"left": A_WINS, "right": -A_WINS, "tie": TIE, "skip": SKIP}


@dataclass(frozen=True, eq=False)
class Votes:
    """N votes, ready for `ComparisonTableBuilder`, which says what the columns mean.

    Attributes:
        rows: (N,) row numbers in the file.
        revokes: tokens of votes that no longer count, in this file or in another.
        num_unknown_times: votes whose answer came before they were shown, as clocks say.
        num_left_out: votes that the file itself says not to count, which are not among these.
    """

    rows: IntArray
    item_a: TextColumn
    item_b: TextColumn
    outcome: IntArray
    annotator: TextColumn | None = None
    group: TextColumn | None = None
    left: IntArray | None = None
    seconds: FloatArray | None = None
    tokens: list[str] | None = None
    revokes: list[str] = field(default_factory=list)
    num_unknown_times: int = 0
    num_left_out: int = 0

    def add_to(self, builder: ComparisonTableBuilder) -> None:
        """Append the votes; what they revoke is left out when the table is built."""
        builder.extend(
            item_a=self.item_a,
            item_b=self.item_b,
            outcome=self.outcome,
            annotator=self.annotator,
            group=self.group,
            left=self.left,
            seconds=self.seconds,
            tokens=self.tokens,
        )
        builder.revoke(self.revokes)


def votes_of_comparisons(block: Block) -> Votes:
    """`item_a, item_b, outcome` with outcome a, b, tie or skip, and the optional columns."""
    a, b = _required(block, "item_a"), _required(block, "item_b")
    return _with_options(block, a, b, _codes(block, "outcome", OUTCOME_CODES))


def votes_of_winners(block: Block) -> Votes:
    """`winner, loser`, and the optional columns; the format has neither ties nor skips."""
    a, b = _required(block, "winner"), _required(block, "loser")
    return _with_options(block, a, b, np.full(len(block.rows), A_WINS, np.int8))


def votes_of_log(block: Block) -> Votes:
    """The annotation log: `token, left, right, answer`, timestamps, and `revokes`.

    A row that names a token in `revokes` takes that vote back; with an answer of its own it is the
    vote that replaces it, without one it is no vote. A vote with a text in `left_out`, the reason
    why it should not count, does not. A vote's seconds are those from `shown_at` to `answered_at`,
    and unknown when a clock was set back in between.

    Raises:
        ComparisonError: the rows answer several questions, which have a scale each.
    """
    _required(block, "token")
    if "criterion" in block.texts and len(set(texts_of(block.texts["criterion"]))) > 1:
        reason = "holds votes on several criteria; rate the file of one criterion at a time"
        raise ComparisonError(reason, path=block.path)
    nothing = TextColumn(("",), np.zeros(len(block.rows), np.int32))
    revokes = texts_of(block.texts.get("revokes", nothing))
    answered = _is_given(block.texts["answer"])
    undone = np.array([bool(token) for token in revokes], np.bool_)
    left_out = _is_given(block.texts.get("left_out", nothing))
    # An empty answer that undoes nothing is refused.
    votes = _rows_of(block, (answered | ~undone) & ~left_out)
    left, right = _required(votes, "left"), _required(votes, "right")
    unknown = np.full(len(votes.rows), np.nan)
    shown, answered_at = (votes.numbers.get(n, unknown) for n in ("shown_at", "answered_at"))
    seconds = answered_at - shown
    is_backwards = seconds < 0
    return Votes(
        rows=votes.rows,
        item_a=left,
        item_b=right,
        outcome=_codes(votes, "answer", _ANSWERS),
        annotator=votes.texts.get("annotator"),
        group=votes.texts.get("group"),
        left=np.ones(len(votes.rows), np.int8),
        seconds=np.where(is_backwards, np.nan, seconds),
        tokens=texts_of(votes.texts["token"]),
        revokes=[token for token in revokes if token],
        num_unknown_times=int(is_backwards.sum()),
        num_left_out=int(left_out.sum()),
    )


def votes_of_epic_skills(block: Block, *, task: str, is_one_of_many: bool) -> Votes:
    """EPIC-Skills 2018: `Vid1, Vid2, Best` (some files say `Better`), or `Better, Worse`.

    Args:
        block: rows of one task's file.
        task: becomes the group.
        is_one_of_many: put the task before each id, as `task/id`: every task has an A1, and they
            are different videos.
    """
    if "vid1" in block.texts:
        a, b = _required(block, "vid1"), _required(block, "vid2")
        name = "best" if "best" in block.texts else "better"
        which = _sides(block, name, a, b)
        _refuse_rows(block, which == 0, f"{name} names neither video of the pair")
    else:
        a, b = _required(block, "better"), _required(block, "worse")
        which = np.full(len(block.rows), A_WINS, np.int8)
    if is_one_of_many:
        a, b = (TextColumn(tuple(f"{task}/{v}" for v in c.values), c.codes) for c in (a, b))
    group = TextColumn((task,), np.zeros(len(block.rows), np.int32))
    return Votes(block.rows, a, b, outcome=which, group=group)


def texts_of(column: TextColumn) -> list[str]:
    """(N,) the texts themselves."""
    return [column.values[code] for code in column.codes.tolist()]


@dataclass(frozen=True)
class Layout:
    """A set of columns with a meaning.

    Attributes:
        needs: sets of columns; a file that has all of one set has this layout.
        options: columns that are used when they are there.
        votes: the meaning.
    """

    needs: tuple[tuple[str, ...], ...]
    options: tuple[str, ...]
    votes: Callable[..., Votes]

    def wanted(self) -> tuple[str, ...]:
        """Return all columns that are used when they exist."""
        return (*(name for names in self.needs for name in names), *self.options)


_OPTIONS: Final = ("annotator", "group", "left_item", "seconds", "token")

# The first whose columns are all there is taken.
LAYOUTS: Final[Mapping[str, Layout]] = {
    "comparisons": Layout((("item_a", "item_b", "outcome"),), _OPTIONS, votes_of_comparisons),
    "log": Layout(
        (("token", "left", "right", "answer"),),
        ("annotator", "group", "shown_at", "answered_at", "revokes", "left_out", "criterion"),
        votes_of_log,
    ),
    "epic_skills": Layout(
        (("vid1", "vid2", "best"), ("vid1", "vid2", "better"), ("better", "worse")),
        (),
        votes_of_epic_skills,
    ),
    "winners": Layout((("winner", "loser"),), _OPTIONS, votes_of_winners),
}


def _with_options(block: Block, a: TextColumn, b: TextColumn, outcome: IntArray) -> Votes:
    left = None
    if "left_item" in block.texts:
        left = _sides(block, "left_item", a, b)
        unknown = (left == 0) & _is_given(block.texts["left_item"])
        _refuse_rows(block, unknown, "left_item names neither item of the pair")
    tokens = texts_of(block.texts["token"]) if "token" in block.texts else None
    return Votes(
        rows=block.rows,
        item_a=a,
        item_b=b,
        outcome=outcome,
        annotator=block.texts.get("annotator"),
        group=block.texts.get("group"),
        left=left,
        seconds=block.numbers.get("seconds"),
        tokens=tokens,
    )


def _required(block: Block, name: str) -> TextColumn:
    """A column without empty cells; JSONL may lack it altogether in later rows."""
    column = block.texts.get(name, TextColumn(("",), np.zeros(len(block.rows), np.int32)))
    _refuse_rows(block, ~_is_given(column), f"{name} is empty")
    return column


def _codes(block: Block, name: str, codes: Mapping[str, int]) -> IntArray:
    column = block.texts[name]
    known = [codes.get(value.lower()) for value in column.values]
    is_bad = np.array([code is None for code in known], np.bool_)[column.codes]
    for row in np.flatnonzero(is_bad)[:1].tolist():
        raise ComparisonError(
            f"{name}={column.values[column.codes[row]]!r}: allowed are {', '.join(codes)}",
            row=int(block.rows[row]),
            path=block.path,
        )
    found = np.array([0 if code is None else code for code in known], np.int8)
    return np.asarray(found[column.codes])


def _sides(block: Block, name: str, a: TextColumn, b: TextColumn) -> IntArray:
    """(N,) int8: 1 where the column names a, -1 where it names b, 0 where neither."""
    named, of_a, of_b = (
        np.array(column.values, object)[column.codes] for column in (block.texts[name], a, b)
    )
    return np.asarray((named == of_a).astype(np.int8) - (named == of_b).astype(np.int8))


def _is_given(column: TextColumn) -> BoolArray:
    return np.asarray(np.array([bool(v) for v in column.values], np.bool_)[column.codes])


def _rows_of(block: Block, is_kept: BoolArray) -> Block:
    return Block(
        path=block.path,
        rows=block.rows[is_kept],
        texts={n: TextColumn(c.values, c.codes[is_kept]) for n, c in block.texts.items()},
        numbers={name: column[is_kept] for name, column in block.numbers.items()},
        num_bytes=block.num_bytes,
    )


def _refuse_rows(block: Block, is_bad: BoolArray, reason: str) -> None:
    bad = np.flatnonzero(is_bad)
    if len(bad):
        raise ComparisonError(reason, row=int(block.rows[bad[0]]), path=block.path)
