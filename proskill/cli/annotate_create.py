"""`proskill annotate create`: a campaign from takes, with a copy of each clip for the browser."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proskill.cli.annotate_serve import Campaign
from proskill.cli.option_groups import with_option_groups
from proskill.errors import CampaignError

if TYPE_CHECKING:
    from proskill.annotation import CampaignSettings, CampaignStore
    from proskill.data import Take
    from proskill.scoring import Scorer


class Group(StrEnum):
    """Units within which pairs are made."""

    scenario = "scenario"


@dataclass(frozen=True)
class ClipOptions:
    """Takes and views that annotators see, and how their copies are made."""

    manifest: Annotated[
        Path,
        typer.Option(help="A manifest file, or the folder of a dataset.", show_default=False),
    ]
    group: Annotated[
        Group | None,
        typer.Option(help="Compare takes of one scenario only.", show_default=False),
    ] = None
    view: Annotated[
        str | None,
        typer.Option(
            help="View to show of each take; the first exo view when left out, or else the first.",
            show_default=False,
        ),
    ] = None
    skip_broken: Annotated[
        bool, typer.Option("--skip-broken", help="Leave out takes whose video cannot be shown.")
    ] = False
    workers: Annotated[
        int | None, typer.Option(min=1, help="Videos transcoded at a time.", show_default=False)
    ] = None

    @property
    def by_scenario(self) -> bool:
        """True where only takes of one scenario are compared."""
        return self.group is not None


@dataclass(frozen=True)
class StudyOptions:
    """Questions of the campaign, as annotators read them."""

    criterion: Annotated[
        list[str] | None,
        typer.Option(
            help="What is judged of each pair; may be repeated. Overall skill when left out.",
            show_default=False,
        ),
    ] = None
    name: Annotated[
        str, typer.Option(help="What annotators read at the top; the folder's name when left out.")
    ] = ""
    guideline: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Text in UTF-8 that annotators can always read.",
            show_default=False,
        ),
    ] = None
    tie: Annotated[
        bool, typer.Option("--tie/--no-tie", help='Whether "equally good" is an answer.')
    ] = True
    strength: Annotated[
        bool, typer.Option("--strength", help="Ask how much better, from 1 to 3.")
    ] = False
    min_watched: Annotated[
        float, typer.Option(min=0, max=1, help="Share of each clip to watch before answering.")
    ] = 0.5


@dataclass(frozen=True)
class AssignmentOptions:
    """Choice of the pairs that annotators are asked."""

    gold: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Pairs whose answer is known: a table with left, right (take ids) and answer "
            "(left, right or tie), and where wanted practice (yes or no) and feedback.",
            show_default=False,
        ),
    ] = None
    prior: Annotated[
        Path | None,
        typer.Option(
            metavar="CHECKPOINT",
            help="Score the clips by a checkpoint, to start with pairs of like skill; the scores "
            "are in the log and nowhere shown to annotators.",
            show_default=False,
        ),
    ] = None
    quota: Annotated[
        int | None,
        typer.Option(min=1, help="Answers of each annotator; no end when left out."),
    ] = None
    repeat_share: Annotated[
        float, typer.Option(min=0, max=1, help="Part of the pairs that a second person judges.")
    ] = 0.15
    swapped_share: Annotated[
        float, typer.Option(min=0, max=1, help="Part that comes back with sides swapped.")
    ] = 0.05
    gold_share: Annotated[float, typer.Option(min=0, max=1, help="Part whose answer is known.")] = (
        0.05
    )
    lease_seconds: Annotated[
        float, typer.Option(min=60, help="How long a pair waits for an annotator who has gone.")
    ] = 300.0
    seed: Annotated[int, typer.Option(min=0, help="Same seed and answers, same pairs.")] = 0


@with_option_groups
def create(
    campaign: Campaign,
    clips: ClipOptions,
    study: StudyOptions,
    assignment: AssignmentOptions,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="An empty PostgreSQL database, postgresql+psycopg://USER@HOST/NAME; a SQLite file "
            "in the folder when left out.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make a campaign: a folder with a database, and a copy of each clip for the browser.

    When it was interrupted, the same command goes on.
    """
    from proskill.annotation import create_campaign, read_gold
    from proskill.annotation.creation import missing_videos
    from proskill.data import load_takes

    takes = load_takes(clips.manifest, scale=None)
    settings = _settings(study, assignment)
    if not clips.skip_broken:
        missing = missing_videos(takes, view=clips.view)
        _require_videos(clips.manifest, missing, num_takes=len(takes))
    prior, gold = assignment.prior, assignment.gold
    scorer = None if prior is None else _scorer(prior)
    store = _half_made(campaign, takes, settings, database, clips=clips) or create_campaign(
        campaign,
        takes=takes,
        name=study.name or campaign.absolute().name,
        now=time.time(),
        criteria=study.criterion or ("overall skill",),
        settings=settings,
        gold=[] if gold is None else read_gold(gold),
        database_url=database,
        state="paused",  # until there is something to see
        seed=assignment.seed,
        view=clips.view,
        group_by_scenario=clips.by_scenario,
    )
    with store:
        _make_videos(store, skip_broken=clips.skip_broken, workers=clips.workers)
        if scorer is not None:
            _score_clips(store, scorer, source=str(prior))
        store.set_state("open", who="campaign", now=time.time())
        num_clips = len(store.clips())
    print(campaign)
    _say_what_is_next(campaign, num_clips)


def _settings(study: StudyOptions, assignment: AssignmentOptions) -> CampaignSettings:
    from proskill.annotation import CampaignSettings

    return CampaignSettings(
        allow_tie=study.tie,
        strength=study.strength,
        min_watched=study.min_watched,
        quota=assignment.quota,
        lease_seconds=assignment.lease_seconds,
        repeat_share=assignment.repeat_share,
        swapped_share=assignment.swapped_share,
        gold_share=assignment.gold_share,
        guideline="" if study.guideline is None else _read_guideline(study.guideline),
    )


def _read_guideline(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except UnicodeDecodeError:
        raise CampaignError(f"{path}: is not text in UTF-8; save it as UTF-8") from None


def _require_videos(manifest: Path, missing: list[Path], *, num_takes: int) -> None:
    """Before anything is made: a wrong path is the commonest mistake."""
    if missing:
        raise CampaignError(
            f"{manifest}: {len(missing)} of {num_takes} videos are not where it says, the first "
            f"being {missing[0]}; check the paths, or leave these takes out with --skip-broken"
        )


def _half_made(
    campaign: Path,
    takes: list[Take],
    settings: CampaignSettings,
    database: str | None,
    *,
    clips: ClipOptions,
) -> CampaignStore | None:
    """A campaign of the same clips and settings whose making was interrupted."""
    from proskill.annotation import CampaignStore
    from proskill.annotation.campaign import CAMPAIGN_FILE, read_database_url
    from proskill.annotation.creation import has_clips_of, is_half_made

    if not (campaign / CAMPAIGN_FILE).is_file():
        return None
    store = CampaignStore.open(campaign)
    try:
        if not is_half_made(store):
            raise CampaignError(f"{campaign}: holds a campaign already; choose another folder")
        is_same = store.campaign().settings == settings and database == read_database_url(campaign)
        if not (
            is_same
            and has_clips_of(store, takes, view=clips.view, group_by_scenario=clips.by_scenario)
        ):
            raise CampaignError(
                f"{campaign}: holds a campaign whose making was interrupted, and which has other "
                "clips or options; delete this folder and repeat, or choose another"
            )
    except BaseException:
        store.close()
        raise
    return store


def _say_what_is_next(campaign: Path, num_clips: int) -> None:
    command, folder = "proskill annotate", shlex.quote(str(campaign))
    for line in (
        f"A campaign of {num_clips} clips. Next, links for who judges and for who steers, and the "
        "pages that they open:",
        f"  {command} invite {folder} --annotator NAME",
        f"  {command} invite {folder} --organiser --annotator NAME",
        f"  {command} serve {folder}",
    ):
        typer.echo(line, err=True)


def _make_videos(store: CampaignStore, *, skip_broken: bool, workers: int | None) -> None:
    from proskill.annotation.creation import drop_clips
    from proskill.annotation.proxies import make_proxies
    from proskill.cli.progress import progress_bar

    with progress_bar("making clips") as on_progress:
        reasons = make_proxies(store, num_workers=workers, on_progress=on_progress)
    if not reasons:
        return
    if not skip_broken:
        raise CampaignError(
            f"{len(reasons)} takes cannot be shown, the first being {next(iter(reasons.values()))} "
            "-- mend them and repeat the command, or leave them out with --skip-broken"
        )
    for take_id, reason in reasons.items():
        typer.echo(f"left out: take {take_id}: {reason}", err=True)
    before = Counter(pair.is_practice for pair in store.gold())
    drop_clips(store, reasons, now=time.time())
    before.subtract(pair.is_practice for pair in store.gold())
    if before.total():
        typer.echo(
            f"pairs left out with these takes: {before[False]} of known answer, {before[True]} for "
            "practice",
            err=True,
        )


def _scorer(checkpoint: Path) -> Scorer:
    from proskill.scoring import Scorer

    return Scorer.from_checkpoint(checkpoint)


def _score_clips(store: CampaignStore, scorer: Scorer, *, source: str) -> None:
    """Score what annotators will see."""
    from proskill.cli.progress import progress_bar

    clips = store.clips()
    scores: dict[str, float] = {}
    with progress_bar("scoring clips") as on_progress:
        for number, clip in enumerate(clips, 1):
            assert clip.proxy is not None
            score = scorer.score({clip.view: clip.proxy}).score
            if score is not None:
                scores[clip.take_id] = score
            on_progress(number, len(clips))
    if len(scores) < len(clips):
        typer.echo(
            f"{len(clips) - len(scores)} of {len(clips)} clips have no score and begin in the "
            "middle",
            err=True,
        )
    store.set_priors(scores, source=source, now=time.time())
