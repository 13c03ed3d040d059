"""Scoring of untrusted uploads: every file is copied first, and only the copies are read.

The app, its API and `proskill score --as-upload` all use this, so that the same files get the same
answer everywhere. Not here: the copying of one file (`proskill.video.sanitize`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from threading import Event

from proskill.errors import ProskillError, VideoError
from proskill.features.reading import Progress
from proskill.scoring.scorer import ScoredTake, Scorer
from proskill.scoring.takes import TakeOrFiles, as_take
from proskill.video.audio_alignment import sound_offset
from proskill.video.probe import DEFAULT_LIMITS, VideoLimits
from proskill.video.sanitize import Proxy, make_proxy

_COPIED_SHARE = 0.7  # of the whole, by experience
_TICK_SECONDS = 0.1


class _Stopped(Exception):
    """Another view's work was cancelled."""


def score_uploads(
    scorer: Scorer,
    take: TakeOrFiles,
    *,
    folder: Path,
    limits: VideoLimits = DEFAULT_LIMITS,
    progress: Progress | None = None,
) -> ScoredTake:
    """Copy the files of one performance and score the copies.

    Args:
        scorer: with the checkpoint.
        take: as for `Scorer.score`; its files stay where they are.
        folder: of the copies, which are kept only if all goes well.
        limits: larger videos are refused.
        progress: called in this thread with the current step and the share that is done. What it
            raises ends the work, leaves no file, and is raised here.

    Raises:
        ProskillError, VideoError: as `Scorer.score`.
    """
    take = as_take(take)
    report = progress or (lambda what, share: None)
    copies = make_proxies(
        {name: view.path for name, view in take.views.items()},
        folder,
        limits=limits,
        progress=lambda what, share: report(what, _COPIED_SHARE * share),
    )
    try:
        return score_proxies(
            scorer,
            take,
            copies,
            progress=lambda what, share: report(what, _COPIED_SHARE + (1 - _COPIED_SHARE) * share),
        )
    except BaseException:
        _remove(copies)
        raise


def score_proxies(
    scorer: Scorer,
    take: TakeOrFiles,
    copies: Mapping[str, Proxy | VideoError],
    *,
    progress: Progress | None = None,
) -> ScoredTake:
    """Score copies of the files of one performance, which need not exist any more.

    Args:
        scorer: with the checkpoint.
        take: as for `Scorer.score`.
        copies: view name -> the copy, or what `make_proxy` raised: then the view is unreadable.
        progress: as for `score_uploads`.

    Raises:
        ProskillError, VideoError: as `Scorer.score`.
    """
    report = progress or (lambda what, share: None)
    encoded = scorer.encode(take, copies=copies, progress=report)
    report("deciding", 0.97)
    proxies = {name: given for name, given in copies.items() if isinstance(given, Proxy)}
    return ScoredTake(scorer.assess(encoded), encoded=encoded, proxies=proxies)


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
        views: view name -> untrusted file; it stays where it is.
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


def sound_origins(proxies: Mapping[str, Proxy]) -> dict[str, float]:
    """Return offsets for `make_take` at which the views' sounds fit each other.

    Args:
        proxies: view name -> copy whose sound was kept.

    Returns:
        View name -> start of the shared clock in its file, in seconds; 0 for the view that began
        last.

    Raises:
        ProskillError: fewer than two views, a view without sound, or sounds that do not fit.
    """
    if len(proxies) < 2:
        raise ProskillError("a single view has nothing to be aligned with; add another one")
    sounds: dict[str, Path] = {}
    for name, proxy in proxies.items():
        if proxy.audio is None:
            raise ProskillError(
                f"view {name!r} has no sound; mark the shared start in the pictures instead"
            )
        sounds[name] = proxy.audio
    reference, *others = sounds
    origins = {reference: 0.0}
    for name in others:
        try:
            origins[name] = sound_offset(sounds[reference], sounds[name]).seconds
        except ProskillError as error:
            raise ProskillError(
                f"the sound of view {name!r} does not clearly fit that of {reference!r}; mark the "
                "shared start in the pictures instead"
            ) from error
    earliest = min(origins.values())
    return {name: round(origin - earliest, 3) for name, origin in origins.items()}


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
