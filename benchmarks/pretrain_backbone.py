"""Pretrain the small TimeSformer that `checkpoints/timesformer-motion` ships, on simulated motion.

    python benchmarks/pretrain_backbone.py --pool /tmp/pool --minutes 60 --out
    checkpoints/timesformer-motion

First a pool of performers is filmed, encoded as H.264 and decoded again (kept, so that a second
call skips it); none of them is in the demo, and one of the demo's tasks is left out. Then the
model learns from single views and short windows

- for every frame, which components of motor control are failing right now (`spells`), and
- for the whole window, how much of it they fail, and the performer's hidden skill (`skill`).

Training stops after `--minutes`; a call with the same `--state` goes on where a stopped one ended.
Progress lines and the final held-out correlations go to `--log` as JSON lines.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import queue
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # a waiting thread must not take a core

import cv2
import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from proskill.models import TimeSformer
from proskill.models.backbone import BackboneConfig, InputSpec, save_backbone
from proskill.simulation.cameras import SEES
from proskill.simulation.render import write_video
from proskill.simulation.skill import COMPONENTS
from proskill.simulation.take_spec import (
    DEFAULT_VIEWS,
    FRAME_RATE,
    TakeSpec,
    draw_quality,
    draw_skill,
    film_take,
    perform_take,
    plan_takes,
)
from proskill.video.reader import VideoReader

SEED = 1000
TASKS = ("reach_and_place", "stacking", "drumming", "juggling", "throwing", "squat_and_lift")
FRAME_INTERVAL_SECONDS = 0.1
SIZE_PX = 112
MEAN, STD = 0.45, 0.225
VAL_EVERY = 25  # every 25th performer is held out
UNSEEN_WEIGHT = 0.2  # of a component that the view hardly shows


@dataclass(frozen=True)
class Settings:
    """Changes of an ablation."""

    stem: str = "conv"
    input_mode: str = "motion"
    teach: str = "spells+skill"
    num_frames: int = 16
    embed_dim: int = 128
    depth: int = 4
    num_heads: int = 4
    lr: float = 1.5e-3
    batch_size: int = 32


def render_pool(folder: Path, num_participants: int) -> None:
    """Film, encode and decode every take of the pool that is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    specs = plan_takes(
        num_participants=num_participants, takes_per_participant=3, tasks=TASKS, seed=SEED
    )
    jobs = [(folder, spec) for spec in specs if not (folder / f"{spec.take_id}.npz").exists()]
    with ProcessPoolExecutor(initializer=cv2.setNumThreads, initargs=(0,)) as pool:
        for done, _ in enumerate(pool.map(_render_one, jobs), 1):
            if done % 100 == 0:
                print(f"filmed {done} of {len(jobs)} takes", flush=True)


def _render_one(job: tuple[Path, TakeSpec]) -> None:
    folder, spec = job
    performance = perform_take(spec)
    step = round(FRAME_RATE * FRAME_INTERVAL_SECONDS)
    num_frames = len(performance.seconds) // step
    instants = np.arange(num_frames) * FRAME_INTERVAL_SECONDS + 0.25 / FRAME_RATE
    views = []
    for view in DEFAULT_VIEWS:
        path = folder / f"{spec.take_id}_{view}.mp4"
        frames = film_take(spec, view, performance)
        write_video(path, frames, frame_rate=FRAME_RATE, quality=draw_quality(spec, view))
        with VideoReader(path, size=(SIZE_PX, SIZE_PX)) as reader:
            views.append(reader.frames_at(instants).permute(0, 2, 3, 1).numpy())
        path.unlink()
    spells = np.stack([performance.deviations[name].envelope for name in COMPONENTS], axis=1)
    np.save(folder / f"{spec.take_id}.npy", np.stack(views))  # (V, T, H, W, C)
    np.savez(
        folder / f"{spec.take_id}.npz",
        spells=spells[::step][:num_frames].astype(np.float32),
        components=np.array(draw_skill(spec).components, np.float32),
    )


@dataclass(frozen=True)
class Batch:
    """Windows of single views.

    Attributes:
        clips: (B, C, T, H, W) normalised.
        spells: (B, T, 4) 1 where a component fails.
        components: (B, 4) hidden skill.
        view: (B,) index into DEFAULT_VIEWS.
    """

    clips: Tensor
    spells: Tensor
    components: Tensor
    view: Tensor


class Pool:
    """Random windows of the filmed takes."""

    def __init__(self, folder: Path, num_frames: int) -> None:
        self.num_frames = num_frames
        files = sorted(folder.glob("*.npz"))
        held_out = [int(file.stem.split("_")[0].split("p")[-1]) % VAL_EVERY == 0 for file in files]
        self.train = [f for f, out in zip(files, held_out, strict=True) if not out]
        self.val = [f for f, out in zip(files, held_out, strict=True) if out]
        self._open: dict[Path, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def _take(self, file: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if file not in self._open:
            with np.load(file) as truth:
                labels = truth["spells"], truth["components"]
            self._open[file] = (np.load(file.with_suffix(".npy"), mmap_mode="r"), *labels)
        return self._open[file]

    def batch(
        self, files: list[Path], size: int, rng: np.random.Generator, *, augment: bool
    ) -> Batch:
        """Windows of `size` takes, drawn with replacement."""
        clips = np.empty((size, self.num_frames, SIZE_PX, SIZE_PX, 3), np.uint8)
        spells = np.empty((size, self.num_frames, len(COMPONENTS)), np.float32)
        components = np.empty((size, len(COMPONENTS)), np.float32)
        view = rng.integers(len(DEFAULT_VIEWS), size=size)
        for row in range(size):
            pictures, all_spells, components[row] = self._take(files[rng.integers(len(files))])
            start = rng.integers(len(all_spells) - self.num_frames + 1)
            clip = np.asarray(pictures[view[row], start : start + self.num_frames])
            if augment:
                clip = clip[:, :, ::-1] if rng.random() < 0.5 else clip
                clip = np.roll(clip, rng.integers(-6, 7, 2), axis=(1, 2))
            clips[row], spells[row] = clip, all_spells[start : start + self.num_frames]
        x = torch.from_numpy(clips).permute(0, 4, 1, 2, 3).float().div_(255).sub_(MEAN).div_(STD)
        if augment:
            shape = (size, 1, 1, 1, 1)
            gain, shift = rng.uniform(0.8, 1.25, shape), rng.uniform(-0.3, 0.3, shape)
            x = x.mul_(torch.from_numpy(gain).float()).add_(torch.from_numpy(shift).float())
        labels = (torch.from_numpy(spells), torch.from_numpy(components), torch.from_numpy(view))
        return Batch(x, *labels)

    def stream(self, size: int, seed: int) -> Iterator[Batch]:
        """Training batches, prepared by another thread while the model computes."""
        ready: queue.Queue[Batch] = queue.Queue(maxsize=3)

        def fill() -> None:
            rng = np.random.default_rng(seed)
            while True:
                ready.put(self.batch(self.train, size, rng, augment=True))

        threading.Thread(target=fill, daemon=True).start()
        while True:
            yield ready.get()


class Student(nn.Module):
    """The backbone with what it is taught on top."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.backbone = TimeSformer(
            img_size=SIZE_PX,
            num_frames=settings.num_frames,
            embed_dim=settings.embed_dim,
            depth=settings.depth,
            num_heads=settings.num_heads,
            stem=settings.stem,  # type: ignore[arg-type]
            input_mode=settings.input_mode,  # type: ignore[arg-type]
        )
        num = len(COMPONENTS)
        self.frame_head = nn.Linear(settings.embed_dim, num)
        self.window_head = nn.Linear(settings.embed_dim, num)
        self.skill_head = nn.Linear(settings.embed_dim, num)

    def forward(self, clips: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Spells per frame (B, T, 4), their share of the window (B, 4), skill (B, 4)."""
        with torch.autocast("cpu", torch.bfloat16):
            tokens = self.backbone.forward_features(clips)
        tokens = tokens.float()
        frames = tokens[:, 1:].unflatten(1, (-1, self.settings.num_frames)).mean(dim=1)  # (B, T, D)
        pooled = self.backbone.pool(tokens)
        return self.frame_head(frames), self.window_head(pooled), self.skill_head(pooled)

    def loss(self, batch: Batch, weights: Tensor) -> Tensor:
        """Squared errors, weighted by what each view can see."""
        spells, share, skill = self(batch.clips)
        seen = weights[batch.view]
        by_frame = ((spells - batch.spells).square().mean(dim=1) * seen).mean()
        by_window = ((share - batch.spells.mean(dim=1)).square() * seen).mean()
        by_skill = ((skill - batch.components).square() * seen).mean()
        if self.settings.teach == "skill":
            return by_skill
        if self.settings.teach == "spells":
            return 4 * by_frame + 4 * by_window
        return 4 * by_frame + 4 * by_window + 0.3 * by_skill


def held_out_correlations(student: Student, pool: Pool, num_batches: int = 12) -> dict[str, float]:
    """Rank correlation of predicted and true share of spells, per component and view that sees
    it."""
    rng = np.random.default_rng(1)
    student.eval()
    batches = [pool.batch(pool.val, 32, rng, augment=False) for _ in range(num_batches)]
    with torch.inference_mode():
        read = 2 if student.settings.teach == "skill" else 1
        guess = torch.cat([student(batch.clips)[read] for batch in batches]).numpy()
    student.train()
    truth = torch.cat([batch.spells.mean(dim=1) for batch in batches]).numpy()
    view = torch.cat([batch.view for batch in batches]).numpy()
    sign = -1 if read == 2 else 1  # more skill, fewer spells
    return {
        f"{component}/{name}": round(
            sign * float(spearmanr(guess[view == v, c], truth[view == v, c])[0]), 3
        )
        for c, component in enumerate(COMPONENTS)
        for v, name in enumerate(DEFAULT_VIEWS)
        if name in SEES[component]
    }


def train(
    settings: Settings,
    pool: Pool,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    state: Path | None = None,
    log: Path | None = None,
    seed: int = 0,
) -> Student:
    """Train for a time or a number of steps, with a cosine schedule over it."""
    torch.manual_seed(seed)
    student = Student(settings)
    matrices = [p for p in student.parameters() if p.ndim > 1]
    vectors = [p for p in student.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}],
        lr=settings.lr,
        betas=(0.9, 0.98),
    )
    step, spent = 0, 0.0
    if state is not None and state.exists():
        saved = torch.load(state, weights_only=True)
        student.load_state_dict(saved["student"])
        if "optimizer" in saved:
            optimizer.load_state_dict(saved["optimizer"])
        step, spent = saved["step"], saved["spent"]
    weights = torch.full((len(DEFAULT_VIEWS), len(COMPONENTS)), UNSEEN_WEIGHT)
    for c, component in enumerate(COMPONENTS):
        for v, name in enumerate(DEFAULT_VIEWS):
            if name in SEES[component]:
                weights[v, c] = 1.0
    begin = saved_at = time.monotonic()
    running = math.nan
    for batch in pool.stream(settings.batch_size, seed + step):
        now = time.monotonic()
        elapsed = spent + now - begin
        done = step / steps if steps else elapsed / (60 * (minutes or 1))
        if done >= 1:
            break
        rate = settings.lr * min(1.0, (step + 1) / 100) * (0.01 + 0.99 * _cosine(done))
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = student.loss(batch, weights)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        step += 1
        value = loss.item()
        running = value if math.isnan(running) else 0.98 * running + 0.02 * value
        if step % 25 == 0:
            _note(
                log, step=step, done=round(done, 4), loss=round(running, 4), seconds=round(elapsed)
            )
        if state is not None and now - saved_at > 120:
            _save_state(state, student, optimizer, step, elapsed)
            saved_at = now
    if state is not None:
        _save_state(state, student, optimizer, step, spent + time.monotonic() - begin)
    _note(log, step=step, held_out=held_out_correlations(student, pool))
    return student


def _cosine(done: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * done))


def _save_state(
    path: Path, student: Student, optimizer: torch.optim.Optimizer, step: int, spent: float
) -> None:
    partial = path.with_name(path.name + ".partial")
    content = {"student": student.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save({**content, "step": step, "spent": spent}, partial)
    partial.replace(path)


def _note(log: Path | None, **values: object) -> None:
    print(values, flush=True)
    if log is not None:
        with log.open("a") as file:
            file.write(json.dumps(values) + "\n")


def export(student: Student, out: Path, *, notes: dict[str, object]) -> None:
    """Write the backbone directory that training and scoring load."""
    settings = student.settings
    config = BackboneConfig(
        backbone=student.backbone.config,
        input=InputSpec(
            num_frames=settings.num_frames,
            frame_interval_seconds=FRAME_INTERVAL_SECONDS,
            img_size=(SIZE_PX, SIZE_PX),
            mean=(MEAN,) * 3,
            std=(STD,) * 3,
        ),
        licence="Apache-2.0",
        source="proskill, benchmarks/pretrain_backbone.py",
        data=f"simulated performances (seed {SEED}; tasks {', '.join(TASKS)}), no real video",
        training={"tasks": list(TASKS), "seed": SEED, **vars(settings), **notes},
    )
    save_backbone(out, student.backbone, config)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pool", type=Path, required=True, help="folder of filmed takes")
    parser.add_argument("--participants", type=int, default=525)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--state", type=Path, default=Path("runs/pretrain.pt"))
    parser.add_argument(
        "--log", type=Path, default=Path("benchmarks/results/pretrain_backbone.jsonl")
    )
    parser.add_argument("--out", type=Path, default=Path("checkpoints/timesformer-motion"))
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.state.parent.mkdir(parents=True, exist_ok=True)
    render_pool(args.pool, args.participants)
    settings = Settings()
    pool = Pool(args.pool, settings.num_frames)
    student = train(settings, pool, minutes=args.minutes, state=args.state, log=args.log)
    held_out = held_out_correlations(student, pool)
    export(student, args.out, notes={"minutes": args.minutes, "held_out": held_out})


if __name__ == "__main__":
    main()
