"""Scoring what strangers send: every file is copied first, and only the copies are read.

The app, its API and `proskill score --as-upload` all come through here, so that the same files get
the same answer everywhere. Not here: the copying of one file (`proskill.video.sanitize`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event

from proskill.errors import VideoError
from proskill.scoring.assessment import Assessment
from proskill.scoring.encoding import EncodedTake, Progress
from proskill.scoring.inputs import check_proxies, check_views
from proskill.scoring.scorer import Scorer
from proskill.video.probe import DEFAULT_LIMITS, VideoLimits
from proskill.video.sanitize import Proxy, make_proxy

_COPIED_SHARE = 0.7  # of the whole, by experience
_TICK_SECONDS = 0.1


@dataclass(frozen=True)
class UploadResult:
    """What became of one performance that was sent.

    Attributes:
        assessment: speaks of the files that were sent.
        proxies: view name -> its copy, for every view that could be copied.
        encoded: what was read of them, for an explanation.
    """

    assessment: Assessment
    proxies: Mapping[str, Proxy]
    encoded: EncodedTake


class _Stopped(Exception):
    """Another view's work was cancelled."""


def score_uploads(
    scorer: Scorer,
    views: Mapping[str, Path],
    *,
    folder: Path,
    kinds: Mapping[str, str] | None = None,
    offsets: Mapping[str, float] | None = None,
    span_seconds: tuple[float, float | None] = (0.0, None),
    limits: VideoLimits = DEFAULT_LIMITS,
    progress: Progress | None = None,
) -> UploadResult:
    """Copy the files of one performance and score the copies.

    Args:
        scorer: with the checkpoint.
        views: view name -> file that somebody sent; it stays where it is.
        folder: where the copies are put; they are left behind if all goes well, and only then.
        kinds: view name -> "ego" or "exo"; guessed from the name where absent.
        offsets: view name -> seconds added to the common clock to give the file's clock.
        span_seconds: [start, end) of the performance on the common clock; None ends with the first
            file that ends.
        limits: larger videos are refused.
        progress: called in this thread with what is being done and the share that is done. What it
            raises ends the work, leaves no file, and is raised here.

    Raises:
        ProskillError, VideoError: as `Scorer.score`.
    """
    check_views(views, kinds=kinds, offsets=offsets, span_seconds=span_seconds)
    report = progress or (lambda what, share: None)
    made = make_proxies(
        views,
        folder,
        limits=limits,
        progress=lambda what, share: report(what, _COPIED_SHARE * share),
    )
    try:
        return score_proxies(
            scorer,
            made,
            kinds=kinds,
            offsets=offsets,
            span_seconds=span_seconds,
            progress=lambda what, share: report(what, _COPIED_SHARE + (1 - _COPIED_SHARE) * share),
        )
    except BaseException:
        _remove(made)
        raise


def score_proxies(
    scorer: Scorer,
    proxies: Mapping[str, Proxy | VideoError],
    *,
    kinds: Mapping[str, str] | None = None,
    offsets: Mapping[str, float] | None = None,
    span_seconds: tuple[float, float | None] = (0.0, None),
    progress: Progress | None = None,
) -> UploadResult:
    """Score copies that `make_proxy` made; where it raised, the view is reported as unreadable.

    Args:
        scorer: with the checkpoint.
        proxies: view name -> the copy, or what `make_proxy` raised.
        kinds: as for `score_uploads`.
        offsets: likewise.
        span_seconds: likewise.
        progress: likewise.

    Raises:
        ProskillError, VideoError: as `Scorer.score`.
    """
    report = progress or (lambda what, share: None)
    inputs = check_proxies(proxies, kinds=kinds, offsets=offsets, span_seconds=span_seconds)
    encoded = scorer.encoder.encode(inputs, progress=report)
    report("deciding", 0.97)
    return UploadResult(
        assessment=scorer.assess(encoded),
        proxies={name: given for name, given in proxies.items() if isinstance(given, Proxy)},
        encoded=encoded,
    )


def make_proxies(
    views: Mapping[str, Path],
    folder: Path,
    *,
    limits: VideoLimits = DEFAULT_LIMITS,
    keep_audio: bool = False,
    progress: Progress | None = None,
) -> dict[str, Proxy | VideoError]:
    """Copies of several files, one more at a time than there are processors.

    Args:
        views: view name -> file that somebody sent; it stays where it is.
        folder: where the copies are put.
        limits: larger videos are refused.
        keep_audio: keep the sound beside each copy, to align views by it.
        progress: as for `score_uploads`.

    Returns:
        View name -> the copy, or why there is none, in the order of `views`.

    Raises:
        StorageError: `folder` cannot be written, or its disk is full.
        ProskillError: this machine has no ffmpeg.

    Whatever is raised, by `progress` too, no copy is left then.
    """
    stop, shares = Event(), dict.fromkeys(views, 0.0)

    def copy(name: str) -> Proxy | VideoError:
        try:
            return make_proxy(
                views[name],
                folder,
                limits=limits,
                keep_audio=keep_audio,
                progress=partial(_note, shares, name, stop),
            )
        except VideoError as error:
            return error
        finally:
            shares[name] = 1.0

    # One more than processors: a copy by itself, as the last one is, leaves half of one idle.
    with ThreadPoolExecutor(max_workers=min(len(views), (os.cpu_count() or 1) + 1)) as pool:
        copies = {name: pool.submit(copy, name) for name in views}
        try:
            _watch(copies, shares, progress or (lambda what, share: None))
            return {name: future.result() for name, future in copies.items()}
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            done = (f for f in copies.values() if not f.cancelled() and f.exception() is None)
            _remove({str(k): future.result() for k, future in enumerate(done)})
            raise


def _note(shares: dict[str, float], name: str, stop: Event, share: float) -> None:
    if stop.is_set():
        raise _Stopped
    shares[name] = share


def _watch(
    copies: Mapping[str, Future[Proxy | VideoError]],
    shares: Mapping[str, float],
    report: Callable[[str, float], None],
) -> None:
    """Say how far the copying is until all is done, or one failed in a way that ends it all."""
    waiting = set(copies.values())
    while waiting:
        open_names = [name for name, future in copies.items() if future in waiting]
        report(f"copying {', '.join(open_names)}", sum(shares.values()) / len(shares))
        done, waiting = wait(waiting, timeout=_TICK_SECONDS, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()


def _remove(made: Mapping[str, Proxy | VideoError]) -> None:
    for proxy in made.values():
        if isinstance(proxy, Proxy):
            proxy.delete()
