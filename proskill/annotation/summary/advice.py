"""One sentence on what to do for each figure of a campaign, for people who know no statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proskill.annotation.summary.activity import Activity
from proskill.annotation.summary.annotators import CONCERNS, MIN_KNOWN, AnnotatorSummary
from proskill.annotation.summary.ratings import RatedCriterion
from proskill.phrases import counted
from proskill.rating_files.headline import about

_QUIET_SECONDS: Final = 3600.0
_FEW_REPEATS: Final = 20
_FAIR_ALPHA, _GOOD_ALPHA = 0.1, 0.4
_MAX_NAMED: Final = 3


@dataclass(frozen=True)
class NextStep:
    """The organiser's next step: a few words and a sentence."""

    verdict: str
    sentence: str
    is_enough: bool


def next_step(
    state: str,
    *,
    num_clips: int,
    num_annotators: int,
    activity: Activity,
    rated: Sequence[RatedCriterion | None],
) -> NextStep:
    """The one thing to do now.

    Args:
        state: of the campaign.
        num_clips: of the campaign.
        num_annotators: who may vote.
        activity: answers so far.
        rated: each criterion; None while no vote on it counts.
    """
    known = [one for one in rated if one is not None]
    is_enough = len(known) == len(rated) and all(one.headline.is_enough for one in known)
    if is_enough and state == "closed":
        return NextStep("Closed, with enough votes", "Export the labels.", True)
    if is_enough:
        sentence = "Close the campaign and export the labels; more votes would change little."
        return NextStep("Enough votes", sentence, True)
    if not num_annotators and state == "open":
        sentence = "Invite somebody below and send them their link."
        return NextStep("Nobody can vote", sentence, False)
    if not known:
        sentence = "Send the links, and try one pair yourself to see what annotators see."
        if activity.last_at is not None:
            sentence = (
                "Nothing that counts has been judged yet: practice, at most. Let people go on."
            )
        return NextStep("No votes yet", _unless_stopped(state, sentence), False)
    last = max(known, key=lambda one: (not one.headline.is_enough, one.headline.more_votes))
    if last.headline.num_votes < num_clips - 1:
        sentence = (
            "Let people go on: with fewer votes than clips not all of them can be linked, and the "
            "figures below mean little."
        )
        return NextStep("Just begun", _unless_stopped(state, sentence), False)
    forecast = _hours(last.headline.more_votes, activity)
    # Ratings speak of items; here these are clips.
    explanation = last.headline.explanation.replace("an item", "a clip").replace("item", "clip")
    sentence = f"{explanation} {forecast}".strip()
    return NextStep(last.headline.verdict, _unless_stopped(state, sentence), False)


def advise(rated: RatedCriterion) -> dict[str, str]:
    """Return advice on each figure of a criterion, by section."""
    return {
        "reliability": _about_reliability(rated),
        "comparisons": _about_comparisons(rated),
        "ranking": _about_ranking(rated),
        "levels": _about_levels(rated),
        "health": _about_health(rated),
        "agreement": _about_agreement(rated),
    }


def advise_campaign(
    state: str,
    *,
    activity: Activity,
    annotators: Sequence[AnnotatorSummary],
    num_open_flags: int,
    now: float,
) -> dict[str, str]:
    """Return advice on the sections that belong to no criterion.

    Args:
        state: of the campaign.
        activity: answers so far.
        annotators: how everybody works.
        num_open_flags: reported clips that are still open.
        now: seconds since 1970.
    """
    return {
        "activity": _about_activity(state, activity, now=now),
        "annotators": _about_annotators(annotators),
        "flags": "Nothing to do: no report is open."
        if not num_open_flags
        else f"Watch {counted(num_open_flags, 'reported clip')} and mark "
        f"{'it' if num_open_flags == 1 else 'each'} as dealt with.",
    }


def _unless_stopped(state: str, sentence: str) -> str:
    if state == "paused":
        return f"The campaign is paused: resume it to get more votes. {sentence}"
    if state == "closed":
        return f"The campaign is closed: open it again to get more votes. {sentence}"
    return sentence


def _hours(more_votes: int, activity: Activity) -> str:
    """Return the time that it takes at the pace so far."""
    if not more_votes or not activity.per_hour > 0:
        return ""
    hours = more_votes / activity.per_hour
    took = "less than an hour" if hours < 1 else f"about {counted(math.ceil(hours), 'hour')}"
    return f"At the pace so far that takes {took}."


def _about_activity(state: str, activity: Activity, *, now: float) -> str:
    if state != "open":
        return f"Nobody is asked anything while the campaign is {state}."
    if activity.last_at is None:
        return "Send the links: nobody has answered yet."
    if now - activity.last_at > _QUIET_SECONDS:
        hours = math.floor((now - activity.last_at) / 3600)
        return f"Remind the annotators: the last answer came {counted(hours, 'hour')} ago."
    return "Nothing to do: answers are coming in."


def _about_reliability(rated: RatedCriterion) -> str:
    head = rated.headline
    if head.is_enough:
        return "Stop here: enough of the differences between ratings is skill and not chance."
    if head.num_split:
        return "Go on: some clips are not linked with the others yet."
    if head.num_untold:
        return "Go on: how many more votes are needed can be told from about 5 per clip on."
    return f"Go on for about {about(head.more_votes)} more votes, until the line is reached."


def _about_comparisons(rated: RatedCriterion) -> str:
    below = rated.comparisons.num_below
    if not below:
        return "Nothing to do: every clip has been compared often enough."
    return (
        f"Go on: {counted(below, 'clip')} of {rated.headline.num_items:,} "
        f"{'has' if below == 1 else 'have'} fewer than {rated.comparisons.wanted} comparisons, and "
        "these are asked about first."
    )


def _about_ranking(rated: RatedCriterion) -> str:
    if rated.headline.is_enough:
        return "Read the order, but not between clips whose bars overlap widely."
    return "Do not use the order yet; where bars overlap widely it may well turn round."


def _about_levels(rated: RatedCriterion) -> str:
    num = sum(level.num_items for level in rated.levels)
    if not num:
        return "Go on: there are too few clips or votes to cut levels."
    right = sum(level.share_right * level.num_items for level in rated.levels if level.num_items)
    sentence = f"About {100 * right / num:.0f} in 100 clips are expected to have the right level"
    return f"{sentence}; " + (
        "export them when that is enough for you."
        if rated.headline.is_enough
        else "wait with the export until there are enough votes."
    )


def _about_health(rated: RatedCriterion) -> str:
    if rated.headline.num_split:
        return (
            "Keep the campaign open: one pair in five is drawn at random and links the pieces; do "
            "not compare clips of different pieces until then."
        )
    if rated.flags:
        num = max(flag.num_items for flag in rated.flags)
        which = f"the {num:,} clips" if num > 1 else "the clip"
        return f"Go on: more votes mend this; until then be careful with {which} below."
    return "Nothing to do: any two clips of a group can be compared over others."


def _about_agreement(rated: RatedCriterion) -> str:
    if rated.num_repeated_pairs < _FEW_REPEATS:
        return (
            f"Wait: agreement can be told from about {_FEW_REPEATS} pairs on that two people "
            "judged, and these come by themselves."
        )
    if rated.alpha >= _GOOD_ALPHA:
        return "Nothing to do: annotators mostly see the same."
    if rated.alpha >= _FAIR_ALPHA:
        return (
            "Usual for pairs that are close; where clips differ plainly, talk the guideline over "
            "with the annotators."
        )
    return (
        "Talk the guideline over with the annotators: they hardly agree more often than by chance."
    )


def _about_annotators(annotators: Sequence[AnnotatorSummary]) -> str:
    named = [one for one in annotators if one.concerns and not one.is_excluded]
    if not named:
        if not any(one.num_votes for one in annotators):
            return "Send the links: nobody has answered yet." if annotators else "Invite somebody."
        return "Nothing to do: nobody stands out."
    tested = [one for one in annotators if one.num_known >= MIN_KNOWN]
    wrong = [one for one in tested if "gold" in one.concerns]
    if len(tested) > 2 and len(wrong) > len(tested) / 2:
        return "Check the pairs of known answer first: most annotators see them the other way."
    shown = ", ".join(
        f"{one.name} ({CONCERNS[one.concerns[0]].partition(':')[0]})" for one in named[:_MAX_NAMED]
    )
    more = f" and {len(named) - _MAX_NAMED:,} more" if len(named) > _MAX_NAMED else ""
    return (
        f"Talk to {shown}{more}; exclude only who did not do the work, as votes already count by "
        "how well they follow the rest."
    )
