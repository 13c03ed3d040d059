"""The summary of a campaign as lines of plain text, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator

from proskill.annotation.counting import LEFT_OUT
from proskill.annotation.summary.annotators import CONCERNS
from proskill.annotation.summary.summary import CampaignSummary, CriterionSummary
from proskill.rating_files.headline import about


def status_lines(summary: CampaignSummary) -> list[str]:
    """Return the next step, then the figures, then the concerns."""
    counts = summary.counts
    lines = [
        f"{summary.name} ({summary.state}): {summary.step.verdict}",
        summary.step.sentence,
        "",
        f"clips        {counts.clips:,}"
        + (f" in {counts.groups:,} groups" if counts.groups > 1 else ""),
        f"annotators   {counts.annotators:,} may vote, {counts.voters:,} have",
        f"answers      {counts.answers:,}; {counts.counted:,} count in ratings, "
        f"{counts.skips:,} of them skips",
    ]
    lines += [
        f"             {num:,} left out: {LEFT_OUT[reason]}"
        for reason, num in counts.left_out.items()
    ]
    lines.append(f"last hour    {summary.activity.last_hour:,} answers")
    for criterion in summary.criteria:
        lines += _of_criterion(criterion)
    lines += [
        f"annotator    {one.name}: {CONCERNS[concern]}"
        for one in summary.annotators
        if not one.is_excluded
        for concern in one.concerns
    ]
    num_open = sum(not flag.is_resolved for flag in summary.flags)
    if num_open:
        lines.append(f"flags        {num_open:,} open: {summary.advice['flags']}")
    return lines


def _of_criterion(criterion: CriterionSummary) -> Iterator[str]:
    yield ""
    yield f"{criterion.name}"
    rated = criterion.rated
    if rated is None:
        yield "  no vote on it counts yet"
        return
    head = rated.headline
    if math.isfinite(head.reliability):
        needed = "enough" if head.is_enough else "0.80 is enough"
        yield f"  reliability  {head.reliability:.2f} ({needed})"
    if not head.is_enough and head.more_votes:
        yield f"  votes        {head.num_votes:,}, about {about(head.more_votes)} more needed"
    if rated.num_repeated_pairs:
        yield (
            f"  agreement    {100 * rated.pair_agreement:.0f} % on "
            f"{rated.num_repeated_pairs:,} repeated pairs"
        )
    for finding in head.findings:
        yield f"  {finding}"
