"""`proskill score --out`: many performances, from files, folders, patterns and manifests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.text import Text

from proskill.errors import ProskillError

if TYPE_CHECKING:
    from proskill.data import Take
    from proskill.scoring import ScoredTake, Scorer


def takes_in(sources: Sequence[Path]) -> list[Take]:
    """The performances behind the arguments of a command line, in a stable order.

    Args:
        sources: a dataset (a manifest file, or a folder that holds one), or any number of video
            files, folders of videos and patterns; files that name a camera belong together.

    Raises:
        ManifestError: a folder or pattern without videos, or a manifest that breaks its rules.
    """
    from proskill.data.dataset_paths import (
        find_videos,
        fixed_part,
        is_pattern,
        match_videos,
        name_views_of,
    )
    from proskill.data.sources import is_dataset, load_takes
    from proskill.scoring.takes import make_take

    takes, files, folders = [], [], []
    for source in sources:
        if is_dataset(source):
            takes += load_takes(source, scale=None)
        elif source.is_dir():
            files += find_videos(source)
            folders.append(source)
        elif is_pattern(str(source)):
            files += match_videos(str(source))
            folders.append(fixed_part(str(source)))
        else:
            files.append(source)
            folders.append(source.parent)
    once = {file.absolute(): file for file in files}
    views: dict[str, dict[str, Path]] = {}
    for found in name_views_of(once.values(), folders=folders):
        views.setdefault(found.take_id, {})[found.view] = found.path
    return [*takes, *(make_take(files, take_id=name) for name, files in views.items())]


def score_many(
    sources: Sequence[Path],
    *,
    out: Path,
    checkpoint: Path | None,
    resume: bool,
    num_shards: int,
    shard: int,
    as_upload: bool,
    explain: bool,
    device: str,
) -> None:
    """Score the performances behind the arguments, write their rows, and say how it ended.

    Raises:
        ProskillError: nothing to score, `out` cannot be written, or no performance could be scored.
    """
    if shard >= num_shards:
        raise typer.BadParameter(f"--shard {shard}: must be less than --num-shards {num_shards}")

    from proskill._version import __version__
    from proskill.cli.progress import progress_bar
    from proskill.scoring import Scorer
    from proskill.scoring.batch.batch import score_batch, shard_of, shard_path
    from proskill.scoring.batch.table_row import table_columns
    from proskill.shipped_files import find_default_checkpoint

    takes = shard_of(takes_in(sources), num_shards=num_shards, shard=shard)
    out = shard_path(out, num_shards=num_shards, shard=shard)
    directory = find_default_checkpoint() if checkpoint is None else checkpoint
    given = {"as-upload": as_upload, "explain": explain}
    with progress_bar("performances") as on_progress:
        scorer = Scorer.from_checkpoint(directory, device=device)
        counts = score_batch(
            takes,
            _scoring(scorer, as_upload=as_upload, explain=explain),
            out=out,
            columns=table_columns(scorer.config.levels, scorer.config.skills, is_explained=explain),
            scored_by=f"{scorer.sha256} {__version__}",
            options=[option for option, is_on in given.items() if is_on],
            resume=resume,
            progress=on_progress,
        )
    line = f"{out}: {counts.num_rows} rows, {counts.num_errors} of them errors"
    if counts.num_kept:
        line += f", {counts.num_kept} kept from an earlier run"
    Console(stderr=True).print(Text(line), soft_wrap=True)
    if counts.num_rows and counts.num_errors == counts.num_rows:
        raise ProskillError(
            f"none of the {counts.num_rows} performances could be scored; see {out}"
        )


def _scoring(scorer: Scorer, *, as_upload: bool, explain: bool) -> Callable[[Take], ScoredTake]:
    """Return the scoring of one take; its copies are deleted afterwards."""
    from proskill.private_folder import PrivateFolder
    from proskill.scoring import ScoredTake, explain_take, score_uploads

    def score(take: Take) -> ScoredTake:
        with PrivateFolder("proskill-score-") as copies:
            if as_upload:
                scored = score_uploads(scorer, take, folder=copies)
            else:
                encoded = scorer.encode(take)
                scored = ScoredTake(scorer.assess(encoded), encoded=encoded)
            if not explain or scored.encoded is None or scored.assessment.status == "abstained":
                return scored
            return replace(scored, explanation=explain_take(scorer, scored.encoded))

    return score
