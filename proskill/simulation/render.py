"""Rendering of performances to frames and mp4 files; looks are independent of skill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from proskill.simulation.body import JOINT_INDEX
from proskill.simulation.cameras import Camera
from proskill.simulation.control import band_noise
from proskill.simulation.motion import Performance

Colour = tuple[int, int, int]
_SHIFT = 4  # cv2 draws at 1/16 pixel: without it, sub-pixel motion turns into jumps


@dataclass(frozen=True)
class Looks:
    """Colours of a performer and the place; RGB."""

    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour
    prop: Colour
    wall: Colour
    floor: Colour
    table: Colour


_SKIN = np.array([[96, 64, 48], [141, 97, 72], [188, 138, 105], [224, 178, 146], [240, 205, 180]])


def draw_looks(rng: np.random.Generator) -> Looks:
    """Draw random colours; clothes and walls keep a visible contrast."""
    wall = rng.uniform(80, 210) + rng.normal(0, 14, 3)
    skin = _SKIN[rng.integers(len(_SKIN))] + rng.normal(0, 5, 3)

    def contrasting(against: np.ndarray) -> np.ndarray:
        for _ in range(30):
            colour = rng.uniform(30, 225) + rng.normal(0, 35, 3)
            if np.abs(colour - against).mean() > 45:
                break
        return np.asarray(colour)

    colours = (
        skin,
        rng.uniform(15, 110, 3),
        contrasting(wall),
        contrasting(wall),
        rng.uniform(15, 90, 3),
        contrasting(skin),
        wall,
        wall * rng.uniform(0.5, 0.85) + rng.uniform(-10, 10, 3),
        contrasting(skin) * 0.5 + 50,
    )
    return Looks(*(_rgb(c) for c in colours))


def render_view(
    performance: Performance,
    camera: Camera,
    looks: Looks,
    *,
    is_ego: bool,
    size_px: int,
    rng: np.random.Generator,
) -> Iterator[np.ndarray]:
    """Yield frames (H, W, 3) uint8 RGB of one view, H = W = `size_px`."""
    scene = _Scene(performance, camera, looks, is_ego=is_ego, size_px=size_px)
    background = _background(looks, size_px, rng)
    num_frames = len(performance.seconds)
    light = rng.uniform(0.85, 1.12) * (
        1 + rng.uniform(0.0, 0.03) * band_noise(performance.seconds, (0.1, 0.6), rng)
    )
    grain = (
        rng.normal(0, rng.uniform(0.5, 4.0), (2 * size_px, 2 * size_px, 1)).round().astype(np.int16)
    )
    grain = np.repeat(grain, 3, axis=2)
    corners = rng.integers(0, size_px, (num_frames, 2))
    passer = (
        _Passer(performance.seconds, size_px, rng) if not is_ego and rng.random() < 0.3 else None
    )
    for t in range(num_frames):
        frame = background.copy()
        if passer is not None:
            passer.draw(frame, t)
        scene.draw(frame, t)
        x, y = corners[t]
        lit = cv2.convertScaleAbs(frame, alpha=float(light[t]))
        yield cv2.add(lit, grain[y : y + size_px, x : x + size_px], dtype=cv2.CV_8U)


def write_video(path: Path, frames: Iterable[np.ndarray], *, frame_rate: int, quality: int) -> None:
    """Encode frames as H.264 yuv420p mp4, the whole file or nothing.

    Args:
        quality: constant rate factor, 0 (best) to 51.
    """
    partial = path.with_name(path.name + ".partial")
    with av.open(str(partial), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=frame_rate)
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": str(quality), "threads": "1", "g": "40"}
        stream.time_base = Fraction(1, frame_rate)
        for index, array in enumerate(frames):
            if index == 0:
                stream.height, stream.width = array.shape[:2]
            frame = av.VideoFrame.from_ndarray(array, format="rgb24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    partial.replace(path)


@dataclass(frozen=True)
class _Stroke:
    """A limb as a thick line between two tracks of pixels."""

    start: np.ndarray  # (T, 2)
    stop: np.ndarray  # (T, 2)
    thickness_px: int
    colour: Colour
    depth: float


class _Scene:
    """All strokes of a view, projected once, drawn far to near."""

    def __init__(
        self, performance: Performance, camera: Camera, looks: Looks, *, is_ego: bool, size_px: int
    ) -> None:
        self._camera, self._size_px, self._performance = camera, size_px, performance
        self._looks = looks
        body = performance.body
        self._strokes: list[_Stroke] = []
        joints = {name: performance.joints[:, i] for name, i in JOINT_INDEX.items()}
        for number, side in enumerate(("left", "right")):
            elbow, hand = joints[f"{side}_elbow"], joints[f"{side}_hand"]
            tip = performance.tool_tips[:, number]
            self._add_hand(hand, elbow, tip, number, looks, build=body.build, is_ego=is_ego)
            if is_ego:
                continue
            shoulder, hip = joints[f"{side}_shoulder"], joints[f"{side}_hip"]
            knee, foot = joints[f"{side}_knee"], joints[f"{side}_foot"]
            self._add(shoulder, elbow, 0.105 * body.build, looks.shirt)
            self._add(elbow, hand, 0.08 * body.build, looks.skin)
            self._add(hip, knee, 0.15 * body.build, looks.trousers)
            self._add(knee, foot, 0.115 * body.build, looks.trousers)
            self._add(foot, foot + np.array([0.0, 0.16, -0.03]), 0.09, looks.shoes)
        if not is_ego:
            pelvis, chest, head = joints["pelvis"], joints["chest"], joints["head"]
            self._add(pelvis, chest - np.array([0.0, 0.0, 0.06]), 0.27 * body.build, looks.shirt)
            self._add(
                joints["left_shoulder"], joints["right_shoulder"], 0.13 * body.build, looks.shirt
            )
            self._add(joints["left_hip"], joints["right_hip"], 0.2 * body.build, looks.trousers)
            self._add(chest, head, 0.1, looks.skin)
            self._add(
                head - np.array([0.0, 0.0, 0.02]),
                head + np.array([0.0, 0.0, 0.02]),
                0.19,
                looks.skin,
            )
            self._add(
                head + np.array([0.0, -0.02, 0.06]),
                head + np.array([0.0, -0.05, 0.03]),
                0.19,
                looks.hair,
            )
        for k in range(performance.balls.shape[1]):
            ball = performance.balls[:, k]
            self._add(ball, ball + np.array([0.0, 0.0, 0.01]), 0.07 if is_ego else 0.1, looks.prop)
        self._strokes.sort(key=lambda stroke: -stroke.depth)
        self.table = self._table_outline()

    def _add_hand(
        self,
        hand: np.ndarray,
        elbow: np.ndarray,
        tip: np.ndarray,
        number: int,
        looks: Looks,
        *,
        build: float,
        is_ego: bool,
    ) -> None:
        direction = tip - hand
        if self._performance.has_tool[number]:
            self._add(hand, hand + 1.5 * direction, 0.022, looks.prop)
        if not is_ego:
            self._add(hand, hand + 0.35 * direction, 0.075, looks.skin)
            return
        arm = elbow - hand
        arm /= np.linalg.norm(arm, axis=1, keepdims=True)
        self._add(hand + 0.22 * arm, hand + 0.1 * arm, 0.085 * build, looks.shirt)
        self._add(hand + 0.12 * arm, hand, 0.06 * build, looks.skin)
        self._add(hand - 0.01 * arm, hand + 0.3 * direction, 0.075, looks.skin)
        across = np.cross(direction, [0.0, 0.0, 1.0])
        across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
        shade = _rgb(np.array(looks.skin) * 0.86)
        for finger, length in ((-1.5, 0.62), (-0.5, 0.74), (0.5, 0.7), (1.5, 0.6)):
            root = hand + 0.35 * direction + 0.019 * finger * across
            self._add(
                root,
                root + length * direction * 0.8,
                0.017,
                shade if finger in (-0.5, 1.5) else looks.skin,
            )
        thumb = hand + (0.045 if number == 0 else -0.045) * across
        self._add(hand, thumb + 0.3 * direction, 0.02, shade)

    def _add(self, start: np.ndarray, stop: np.ndarray, thickness: float, colour: Colour) -> None:
        ends = np.stack([start, stop], axis=1)  # (T, 2, 3)
        pixels, depth = self._camera.project(ends, self._size_px)
        # One thickness and one depth for the whole take: per-frame ones would tell depth by jumps.
        mean_depth = float(depth.mean())
        width = max(1, round(thickness * self._camera.focal * self._size_px / mean_depth))
        fixed = np.round(np.clip(pixels, -2000, 2000) * (1 << _SHIFT)).astype(np.int32)
        self._strokes.append(_Stroke(fixed[:, 0], fixed[:, 1], width, colour, mean_depth))

    def _table_outline(self) -> np.ndarray | None:
        height = self._performance.table_height
        if height is None:
            return None
        corners = np.array(
            [[-0.5, 0.2, height], [0.5, 0.2, height], [0.5, 0.75, height], [-0.5, 0.75, height]]
        )
        num = max(1, len(self._camera.position))
        pixels, _ = self._camera.project(np.broadcast_to(corners, (num, 4, 3)), self._size_px)
        return np.round(np.clip(pixels, -2000, 2000) * (1 << _SHIFT)).astype(np.int32)

    def draw(self, frame: np.ndarray, t: int) -> None:
        if self.table is not None:
            outline = self.table[t if len(self.table) > 1 else 0]
            cv2.fillConvexPoly(frame, outline, self._looks.table, cv2.LINE_AA, _SHIFT)
        for stroke in self._strokes:
            start, stop = stroke.start[t], stroke.stop[t]
            cv2.line(
                frame,
                start.tolist(),
                stop.tolist(),
                stroke.colour,
                stroke.thickness_px,
                cv2.LINE_AA,
                _SHIFT,
            )


class _Passer:
    """Distractor that moves behind the performer: movement alone must not reveal skill."""

    def __init__(self, seconds: np.ndarray, size_px: int, rng: np.random.Generator) -> None:
        side = rng.choice([0.12, 0.88])
        hz = rng.uniform(0.3, 3.0)
        swing = 0.05 * np.sin(2 * np.pi * hz * seconds + rng.uniform(0, 6))
        self._x = np.round((side + swing) * size_px * (1 << _SHIFT)).astype(int)
        self._y = int(rng.uniform(0.3, 0.8) * size_px * (1 << _SHIFT))
        self._axes = [int(a * size_px * (1 << _SHIFT)) for a in rng.uniform(0.02, 0.07, 2)]
        self._colour = _rgb(rng.uniform(30, 225, 3))

    def draw(self, frame: np.ndarray, t: int) -> None:
        centre = (int(self._x[t]), self._y)
        cv2.ellipse(frame, centre, self._axes, 0, 0, 360, self._colour, -1, cv2.LINE_AA, _SHIFT)


def _background(looks: Looks, size: int, rng: np.random.Generator) -> np.ndarray:
    low = rng.normal(0, 9, (6, 6, 1)) + rng.normal(0, 3, (6, 6, 3)).astype(np.float32)
    picture = np.array(looks.wall, np.float32) + cv2.resize(
        low.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC
    )
    horizon = int(size * rng.uniform(0.62, 0.76))
    picture[horizon:] = np.array(looks.floor, np.float32) + 0.5 * (
        picture[horizon:] - np.array(looks.wall, np.float32)
    )
    for _ in range(rng.integers(2, 7)):
        x, y = rng.integers(0, size, 2)
        w, h = rng.integers(size // 12, size // 4, 2)
        colour = _rgb(np.array(looks.wall) + rng.normal(0, 28) + rng.normal(0, 10, 3))
        cv2.rectangle(picture, (int(x), int(y)), (int(x + w), int(min(y + h, horizon))), colour, -1)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _rgb(colour: np.ndarray) -> Colour:
    r, g, b = (int(c) for c in np.clip(np.asarray(colour), 0, 255))
    return r, g, b
