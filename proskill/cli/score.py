"""`proskill score`: a skill level for one performance, from the command line."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer


def score(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Video files of one performance. Those whose name says ego or aria are ego views; "
            "the others are called exo1, exo2 and so on. With --out many performances: folders, "
            "patterns, a manifest; files that name a camera belong together.",
            show_default=False,
        ),
    ] = None,
    view: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE", help="A view with a name; may be repeated.", show_default=False
        ),
    ] = None,
    offset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=SECONDS",
            help="How much later than the common clock a view's file begins to count; may be "
            "repeated.",
            show_default=False,
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Checkpoint directory; the demo checkpoint if left out."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole assessment as JSON.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html|pdf|csv|json", help="Write a report.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl|csv|parquet",
            help="Score many performances and write one row for each; one that cannot be scored "
            "becomes a row with status error.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="With --out: go on, keep rows of unchanged files.")
    ] = False,
    num_shards: Annotated[
        int, typer.Option(min=1, help="With --out: split the work into so many parts.")
    ] = 1,
    shard: Annotated[
        int, typer.Option(min=0, help="With --out: which part, from 0; the file is named for it.")
    ] = 0,
    as_upload: Annotated[
        bool,
        typer.Option(
            "--as-upload",
            help="Treat the files as the app treats a stranger's: copy them in bounded processes "
            "and read the copies alone.",
        ),
    ] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Say when and in which view it shows; takes a little longer."
        ),
    ] = False,
    device: Annotated[str, typer.Option(help="Where the model runs, e.g. cpu or cuda.")] = "cpu",
) -> None:
    """Say how skilled the performance in one or several synchronised videos is."""
    named = [_pair("--view", text, "NAME=FILE") for text in view or []]
    offsets = {name: _seconds(value) for name, value in _pairs("--offset", offset)}
    if not sources and not named:
        raise typer.BadParameter("no view given; name one video file or more")
    if out is not None:
        if named or offsets or as_json or report is not None:
            raise typer.BadParameter("--out writes many performances; leave out the options of one")
        from proskill.cli.score_batch import score_many

        return score_many(
            sources or [],
            out=out,
            checkpoint=checkpoint,
            resume=resume,
            num_shards=num_shards,
            shard=shard,
            as_upload=as_upload,
            explain=explain,
            device=device,
        )
    if resume or num_shards > 1 or shard:
        raise typer.BadParameter("--resume, --num-shards and --shard go with --out")

    from proskill.cli.progress import progress_bar
    from proskill.private_folder import PrivateFolder
    from proskill.scoring import ScoredTake, Scorer, make_take, name_views
    from proskill.shipped_files import find_default_checkpoint

    files = name_views(sources or [], named)
    take = make_take(files, offsets=offsets)
    directory = find_default_checkpoint() if checkpoint is None else checkpoint
    with PrivateFolder("proskill-score-") as copies:
        with progress_bar("scoring") as on_progress:
            scorer = Scorer.from_checkpoint(directory, device=device)
            progress = _percent(on_progress)
            if as_upload:
                from proskill.scoring.uploads import score_uploads

                scored = score_uploads(scorer, take, folder=copies, progress=progress)
                files = {name: proxy.path for name, proxy in scored.proxies.items()}
            else:
                encoded = scorer.encode(take, progress=progress)
                scored = ScoredTake(scorer.assess(encoded), encoded=encoded)
        assessment = scored.assessment
        explanation = None
        if explain and scored.encoded is not None and assessment.status != "abstained":
            from proskill.scoring import explain_take

            with progress_bar("explaining") as on_progress:
                explanation = explain_take(scorer, scored.encoded, progress=_percent(on_progress))
        if report is not None:
            from proskill.reports.assessment import write_report

            write_report(report, assessment, explanation=explanation, files=files)
    if as_json:
        from proskill.reports.assessment import report_content

        text = report_content("assessment.json", assessment, explanation=explanation)
        print(text.decode(), end="")
    else:
        from proskill.cli.score_table import print_assessment

        print_assessment(assessment, explanation=explanation, report=report)


def _percent(on_progress: Callable[[int, int], None]) -> Callable[[str, float], None]:
    return lambda what, share: on_progress(round(100 * share), 100)


def _pair(option: str, text: str, form: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not name.strip() or not separator or not value:
        raise typer.BadParameter(f"{option} {text!r}: write {form}")
    return name, value


def _pairs(option: str, texts: list[str] | None) -> list[tuple[str, str]]:
    pairs = [_pair(option, text, "NAME=SECONDS") for text in texts or []]
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise typer.BadParameter(f"{option}: {name!r} is given twice")
    return pairs


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise typer.BadParameter(f"--offset: {text!r} is not a number of seconds")
    return value
