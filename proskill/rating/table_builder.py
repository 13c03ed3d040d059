"""From rows, or from chunks of a long file, to one table of comparisons."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from proskill.errors import ComparisonError
from proskill.rating.comparisons import (
    OUTCOME_CODES,
    Comparison,
    ComparisonTable,
    FloatArray,
    IntArray,
    refuse_rows,
)

Judgements = ComparisonTable | Iterable[Comparison | tuple[str, str]]


def comparison_table(
    comparisons: Judgements,
    *,
    items: Sequence[str] = (),
    one_scale: bool = False,
) -> ComparisonTable:
    """Return judgements as columns; see `ComparisonTableBuilder` for what is refused.

    >>> table = comparison_table([("anna", "ben"), Comparison("ben", "cleo", "tie")])
    >>> table.items, table.outcome.tolist()
    (('anna', 'ben', 'cleo'), [1, 0])

    Args:
        comparisons: rows, or (winner, loser) pairs. A table is returned as it is.
        items: ids to have even when no row names them; possible with a single group only.
        one_scale: join all groups into one, so that items in several of them link them.
    """
    if isinstance(comparisons, ComparisonTable):
        return comparisons
    builder = ComparisonTableBuilder(one_scale=one_scale)
    rows = [_comparison(row, number) for number, row in enumerate(comparisons, 1)]
    builder.extend(
        item_a=TextColumn.of([row.item_a for row in rows]),
        item_b=TextColumn.of([row.item_b for row in rows]),
        outcome=np.array([OUTCOME_CODES[row.outcome] for row in rows], np.int8),
        annotator=TextColumn.of([row.annotator for row in rows]),
        group=TextColumn.of([row.group for row in rows]),
        left=np.array(
            [0 if row.left_item is None else 2 * (row.left_item == row.item_a) - 1 for row in rows],
            np.int8,
        ),
        seconds=np.array(
            [math.nan if row.seconds is None else row.seconds for row in rows], np.float32
        ),
        tokens=[row.token for row in rows],
    )
    return builder.build(items=items)


@dataclass(frozen=True, eq=False)
class TextColumn:
    """A dictionary-encoded text column, as Parquet and Arrow keep it.

    Attributes:
        values: the distinct texts.
        codes: (N,) index into `values` for each row.
    """

    values: tuple[str, ...]
    codes: IntArray

    @classmethod
    def of(cls, texts: Sequence[str]) -> TextColumn:
        """Encode plain texts."""
        codes = {text: code for code, text in enumerate(dict.fromkeys(texts))}
        return cls(tuple(codes), np.fromiter(map(codes.__getitem__, texts), np.int32, len(texts)))


class ComparisonTableBuilder:
    """Builder of one table from chunks of judgements; takes about 30 bytes a row.

    Items, groups and annotators of the table are sorted by name, so that the order of the rows does
    not change what a seed gives.

    Args:
        one_scale: join all groups into one. Otherwise an item may be in one group only.
        row_name: what a message calls the row with this number, counted from 1 over all chunks.
    """

    def __init__(
        self, *, one_scale: bool = False, row_name: Callable[[int], str] = "row {}".format
    ) -> None:
        self._one_scale = one_scale
        self._row_name = row_name
        self._names: dict[str, dict[str, int]] = {"item": {}, "annotator": {}, "group": {}}
        self._item_group: list[int] = []
        self._item_row: list[int] = []
        self._chunks: list[dict[str, npt.NDArray[Any]]] = []
        self._revoked: set[int] = set()
        self.num_rows = 0
        self.num_repeated_tokens = 0

    def extend(
        self,
        *,
        item_a: TextColumn,
        item_b: TextColumn,
        outcome: IntArray,
        annotator: TextColumn | None = None,
        group: TextColumn | None = None,
        left: IntArray | None = None,
        seconds: FloatArray | None = None,
        tokens: Sequence[str | None] | None = None,
    ) -> None:
        """Append rows; see `ComparisonTable` for the meaning of the codes.

        Raises:
            ComparisonError: an empty or self-compared item, an item in two groups, an unknown
                code; the message and `row` name the row, counted from 1 over all chunks.
        """
        length, start = len(outcome), self.num_rows
        none = TextColumn(("",), np.zeros(length, np.int32))
        a, b = self._encode("item", item_a), self._encode("item", item_b)
        groups = self._encode("group", none if self._one_scale or group is None else group)
        for name, codes in (("item_a", a), ("item_b", b)):
            refuse_rows(codes == self._names["item"].get("", -1), f"{name} is empty", start)
        refuse_rows(a == b, "an item is compared with itself", start)
        self._assign_groups(a, b, groups)
        hashes = np.zeros(length, np.int64)  # 0 for no token
        if tokens is not None:
            hashes[:] = [_token_hash(token) if token else 0 for token in tokens]
        self._chunks.append(
            {
                "item_a": a,
                "item_b": b,
                "outcome": np.asarray(outcome, np.int8),
                "annotator": self._encode("annotator", none if annotator is None else annotator),
                "left": np.zeros(length, np.int8) if left is None else np.asarray(left, np.int8),
                "seconds": np.full(length, np.nan, np.float32)
                if seconds is None
                else np.asarray(seconds, np.float32),
                "token": hashes,
            }
        )
        self.num_rows += length

    def revoke(self, tokens: Iterable[str]) -> None:
        """Leave out the rows with these tokens, whether they came already or come later."""
        self._revoked.update(_token_hash(token) for token in tokens)

    def build(self, *, items: Sequence[str] = ()) -> ComparisonTable:
        """The table of all rows so far.

        Args:
            items: ids to have even when no row names them; possible with a single group only.

        Raises:
            ComparisonError: a token of two different votes, or `items` were given with
                several groups.
        """
        if not self._names["group"]:
            self._names["group"][""] = 0
        for item in items:
            if item not in self._names["item"]:
                if len(self._names["group"]) > 1:
                    raise ComparisonError("items without a vote can be added to one group only")
                self._names["item"][item] = len(self._item_group)
                self._item_group.append(0)
        columns = {
            name: np.concatenate([chunk[name] for chunk in self._chunks])
            if self._chunks
            else np.empty(0, np.int64)
            for name in ("item_a", "item_b", "outcome", "annotator", "left", "seconds", "token")
        }
        kept = self._rows_to_keep(columns)
        columns = {name: column[kept] for name, column in columns.items() if name != "token"}
        item_order, item_rank = _sorted_names(self._names["item"])
        group_order, group_rank = _sorted_names(self._names["group"])
        annotator_order, annotator_rank = _sorted_names(self._names["annotator"] or {"": 0})
        item_group = np.empty(len(item_order), np.int32)
        item_group[item_rank] = group_rank[np.array(self._item_group, np.int32)]
        return ComparisonTable(
            items=item_order,
            item_a=item_rank[columns["item_a"]],
            item_b=item_rank[columns["item_b"]],
            outcome=columns["outcome"],
            groups=group_order,
            item_group=item_group,
            annotators=annotator_order,
            annotator=annotator_rank[columns["annotator"]],
            left=columns["left"],
            seconds=columns["seconds"].astype(np.float32),
        )

    def _encode(self, kind: str, column: TextColumn) -> IntArray:
        names = self._names[kind]
        used = np.unique(column.codes)
        recode = np.zeros(len(column.values) + 1, np.int32)
        recode[used] = [names.setdefault(column.values[code], len(names)) for code in used]
        return recode[column.codes]

    def _assign_groups(self, a: IntArray, b: IntArray, groups: IntArray) -> None:
        missing = len(self._names["item"]) - len(self._item_group)
        self._item_group.extend([-1] * missing)
        self._item_row.extend([0] * missing)
        known = np.array(self._item_group, np.int32)
        ends = np.stack([a, b], axis=1).ravel()  # row by row, so that the first occurrence is ours
        end_groups = np.repeat(groups, 2)
        new, first = np.unique(ends, return_index=True)
        is_new = known[new] < 0
        for item, end in zip(new[is_new].tolist(), first[is_new].tolist(), strict=True):
            self._item_group[item] = known[item] = int(end_groups[end])
            self._item_row[item] = self.num_rows + end // 2 + 1
        wrong = np.flatnonzero(known[ends] != end_groups)
        if len(wrong):
            item, row = int(ends[wrong[0]]), self.num_rows + int(wrong[0]) // 2 + 1
            names, group_names = list(self._names["item"]), list(self._names["group"])
            raise ComparisonError(
                f"item {names[item]!r} is in group {group_names[int(end_groups[wrong[0]])]!r} here "
                f"and in {group_names[self._item_group[item]]!r} in "
                f"{self._row_name(self._item_row[item])}; "
                "an item is rated in one group, unless all groups are put on one scale",
                row=row,
            )

    def _rows_to_keep(self, columns: dict[str, npt.NDArray[Any]]) -> IntArray:
        token = columns["token"]
        with_token = np.flatnonzero(token != 0)
        _, first, inverse = np.unique(token[with_token], return_index=True, return_inverse=True)
        original = with_token[first][inverse]
        is_repeat = original != with_token
        repeats, originals = with_token[is_repeat], original[is_repeat]
        for name in ("item_a", "item_b", "outcome", "annotator", "left"):
            differs = np.flatnonzero(columns[name][repeats] != columns[name][originals])
            if len(differs):
                row, earlier = int(repeats[differs[0]]) + 1, int(originals[differs[0]]) + 1
                raise ComparisonError(
                    f"has the token of {self._row_name(earlier)} but another {name}; "
                    "one token is one vote",
                    row=row,
                )
        self.num_repeated_tokens = len(repeats)
        keep = np.ones(len(token), np.bool_)
        keep[repeats] = False
        if self._revoked:
            keep &= ~np.isin(token, np.fromiter(self._revoked, np.int64))
        return np.flatnonzero(keep)


def _comparison(row: Comparison | tuple[str, str], number: int) -> Comparison:
    if isinstance(row, Comparison):
        return row
    if isinstance(row, str) or len(row) != 2:
        raise ComparisonError(f"{row!r}: a (winner, loser) pair is expected", row=number)
    return Comparison(*row, "a")


def _token_hash(token: str) -> int:
    # 64 bits: two of a million tokens meet with probability 3e-8, and then the rows must also agree
    # in every column to be taken for one.
    return hash(token) or 1


def _sorted_names(names: dict[str, int]) -> tuple[tuple[str, ...], IntArray]:
    """Names in order, and for each old index the new one."""
    ordered = sorted(names)
    rank = np.empty(len(names), np.int32)
    rank[[names[name] for name in ordered]] = np.arange(len(names))
    return tuple(ordered), rank
