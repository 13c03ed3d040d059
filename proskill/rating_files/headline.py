"""Summary of a rating in a few figures and sentences, before any single rating."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from proskill.rating.annotators import ANNOTATOR_FLAGS
from proskill.rating.comparisons import SKIP, TIE, IntArray
from proskill.rating.rate import RatingRun
from proskill.rating.reliability import GroupReliability

_MAX_NAMED: Final = 3


@dataclass(frozen=True)
class Headline:
    """The state of a whole run in a few figures and sentences.

    Attributes:
        num_items: items in the table.
        num_votes: judged votes, ties among them.
        num_ties, num_skips: of the votes; skips are not judged.
        num_groups: groups, each with its own scale.
        num_annotators: those with a name; 0 when no annotator is named.
        reliability: mean over the groups that have one; NaN where none has.
        lowest_reliability, highest_reliability: over these groups.
        num_enough: groups that have enough votes.
        num_comparable: groups with two items or more, which can have enough votes at all.
        more_votes: expected to be needed by the groups for which this can be told.
        num_untold: groups of two or more items for which it cannot be told yet.
        num_split: groups that fall apart into pieces without a comparison between them.
        is_enough: whether every comparable group has enough votes and is of one piece.
        verdict: whether there are enough votes, and if not, how many more: one short phrase.
        explanation: the same in a sentence or two.
        findings: what is wrong, gravest first, items before annotators; empty when all is well.
    """

    num_items: int
    num_votes: int
    num_ties: int
    num_skips: int
    num_groups: int
    num_annotators: int
    reliability: float
    lowest_reliability: float
    highest_reliability: float
    num_enough: int
    num_comparable: int
    more_votes: int
    num_untold: int
    num_split: int
    is_enough: bool
    verdict: str
    explanation: str
    findings: tuple[str, ...]


def headline(run: RatingRun) -> Headline:
    """Summarise a run."""
    outcome = run.table.outcome
    comparable = [group for group in run.reliability if group.num_items > 1]
    known = np.array([group.reliability for group in comparable], float)
    known = known[np.isfinite(known)]
    missing = [group for group in comparable if not group.is_enough]
    told = [g.expected_more_votes for g in missing if g.expected_more_votes is not None]
    verdict, explanation = _verdict(comparable, missing, sum(told), len(missing) - len(told))
    num_split = int((num_pieces(run) > 1).sum())
    if num_split:
        verdict = "Links are missing"
        explanation = f"{_unlinked(num_split, is_one=len(comparable) == 1)} {explanation}"
    return Headline(
        num_items=run.table.num_items,
        num_votes=int((outcome != SKIP).sum()),
        num_ties=int((outcome == TIE).sum()),
        num_skips=int((outcome == SKIP).sum()),
        num_groups=len(run.table.groups),
        num_annotators=sum(name != "" for name in run.table.annotators),
        reliability=float(known.mean()) if len(known) else float("nan"),
        lowest_reliability=float(known.min()) if len(known) else float("nan"),
        highest_reliability=float(known.max()) if len(known) else float("nan"),
        num_enough=len(comparable) - len(missing),
        num_comparable=len(comparable),
        more_votes=sum(told),
        num_untold=len(missing) - len(told),
        num_split=num_split,
        is_enough=bool(comparable) and not missing and not num_split,
        verdict=verdict,
        explanation=explanation,
        findings=run.health.findings + _annotator_findings(run),
    )


def about(num: int) -> str:
    """A forecast number, rounded up to the two digits that it is good for."""
    unit = 10 ** max(len(str(num)) - 2, 0)
    return f"{-(-num // unit) * unit:,}"


def num_pieces(run: RatingRun) -> IntArray:
    """(G,) into how many parts without a comparison between them the compared items of each fall.

    Items without a comparison are not counted: they are a part each and carry a flag of their own.
    """
    judged = run.health.num_comparisons > 0
    group, component = run.table.item_group[judged], run.health.component[judged]
    parts = np.unique(np.stack([group, component]), axis=1)
    return np.bincount(parts[0], minlength=len(run.table.groups))


def _verdict(
    comparable: Sequence[GroupReliability],
    missing: Sequence[GroupReliability],
    more_votes: int,
    num_untold: int,
) -> tuple[str, str]:
    rule = "a reliability of 0.80 and 8 comparisons of every item"
    if not comparable:
        return "Nothing to compare", "No group has two items or more."
    is_one = len(comparable) == 1
    if not missing:
        whose = "" if is_one else f"each of {len(comparable):,} groups has "
        return "Enough votes", f"There are enough votes: {whose}{rule} or more."
    done = len(comparable) - len(missing)
    meaning = (
        f"Enough votes mean {rule}."
        if is_one
        else f"{done or 'None'} of {len(comparable):,} groups have enough votes, that is {rule}."
    )
    if num_untold == len(missing):
        return "Not enough votes yet", (
            f"{meaning} How many more are needed cannot be told yet: so far the ratings are hardly "
            "better than coin flips make them, or there are fewer than 5 comparisons of an item."
        )
    told = f"About {about(more_votes)} more are expected to be needed"
    if num_untold:
        groups = "group" if num_untold == 1 else "groups"
        told += f", not counting {num_untold:,} {groups} for which this cannot be told yet"
    return f"About {about(more_votes)} more votes needed", f"{meaning} {told}."


def _unlinked(num_split: int, *, is_one: bool) -> str:
    which = "The items fall" if is_one else f"{num_split:,} groups fall"
    return (
        f"{which} apart into pieces without a comparison between them. Links between the pieces "
        "come first; until then no number of votes is enough."
    )


def _annotator_findings(run: RatingRun) -> tuple[str, ...]:
    sentences = []
    for flag, meaning in ANNOTATOR_FLAGS.items():
        names = [repr(a.annotator) for a in run.agreement.annotators if flag in a.flags]
        if names:
            more = len(names) - _MAX_NAMED
            shown = ", ".join(names[:_MAX_NAMED]) + (f" and {more:,} more" if more > 0 else "")
            total = len(run.agreement.annotators)
            sentences.append(f"{len(names):,} of {total:,} annotators: {meaning} ({shown}).")
    return tuple(sentences)
