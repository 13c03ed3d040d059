"""The files that annotators see: each clip cut out and transcoded once."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Final

from proskill.annotation.campaign import PROXIES_FOLDER
from proskill.annotation.db.store import CampaignStore
from proskill.annotation.records import Clip
from proskill.errors import VideoError
from proskill.video.probe import DATASET_LIMITS
from proskill.video.sanitize import make_proxy

# Jumping and stepping backwards decode from the keyframe before.
_KEYFRAME_SECONDS: Final = 0.5
_FRAME_RATE: Final = 30


def make_proxies(
    store: CampaignStore,
    *,
    num_workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, str]:
    """Make the files that are missing; finished ones stay, so that it may be interrupted.

    Args:
        store: the campaign.
        num_workers: videos at a time; None: half as many as there are cores, since ffmpeg uses
            more than one.
        on_progress: is told how many of the missing clips are done, and how many there are.

    Returns:
        Take id -> why its video cannot be shown, for those that have still no file.
    """
    missing = missing_proxies(store)
    reasons: dict[str, str] = {}
    workers = num_workers or max(1, (os.cpu_count() or 1) // 2)
    with ThreadPoolExecutor(workers) as pool:
        jobs = {pool.submit(_make_proxy, store.folder, clip): clip for clip in missing}
        try:
            for number, job in enumerate(as_completed(jobs), 1):
                clip = jobs[job]
                try:
                    store.set_proxy(clip.id, _file(clip), duration_seconds=job.result())
                except VideoError as error:
                    reasons[clip.take_id] = str(error)
                if on_progress is not None:
                    on_progress(number, len(missing))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {clip.take_id: reasons[clip.take_id] for clip in missing if clip.take_id in reasons}


def missing_proxies(store: CampaignStore) -> list[Clip]:
    """Return the clips without a file: it was not made, or was taken away."""
    return [clip for clip in store.clips() if clip.proxy is None or not clip.proxy.is_file()]


def _make_proxy(folder: Path, clip: Clip) -> float:
    """Write a clip's file, and return how long it lasts in seconds."""
    made = make_proxy(
        clip.path,
        folder / PROXIES_FOLDER,
        limits=DATASET_LIMITS,
        start_seconds=clip.start_seconds,
        end_seconds=clip.end_seconds,
        frame_rate=_FRAME_RATE,
        keyframe_seconds=_KEYFRAME_SECONDS,
    )
    os.replace(made.path, folder / _file(clip))
    end = made.info.duration_seconds
    if clip.end_seconds is not None:
        end = min(end, clip.end_seconds)
    return end - clip.start_seconds


def _file(clip: Clip) -> str:
    return f"{PROXIES_FOLDER}/{clip.public_id}.mp4"
