"""Views that began at other times, aligned by their sound on the page."""

from __future__ import annotations

import subprocess
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.needs_browser

LATER_SECONDS = 0.7
_RATE = 16000

# Mean difference of the two videos' pictures, of 255.
_PICTURE_DIFFERENCE = """() => {
  const [one, two] = [...document.querySelectorAll('coach-player video')].map((video) => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 112;
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0, 112, 112);
    return context.getImageData(0, 0, 112, 112).data;
  });
  return one.reduce((sum, value, index) => sum + Math.abs(value - two[index]), 0) / one.length;
}"""


@pytest.fixture(scope="module")
def heard_take(
    simulated_take: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """A simulated view with the sound of knocks, and the same with its beginning cut off."""
    folder = tmp_path_factory.mktemp("heard")
    sound, whole, later = (folder / name for name in ("knocks.wav", "cam1.mp4", "cam2.mp4"))
    _write_knocks(sound, seconds=20.0)
    _ffmpeg("-i", simulated_take["exo1"], "-i", sound, "-c:v", "copy", "-shortest", whole)
    _ffmpeg("-ss", LATER_SECONDS, "-i", whole, later)
    return [whole, later]


@pytest.mark.slow
def test_two_views_are_aligned_by_their_sound_and_move_together(
    open_page: Callable[..., Any], heard_take: list[Path]
) -> None:
    coach = open_page()
    page = coach.page
    coach.add(*heard_take)
    page.get_by_role("button", name="Align by sound").click()
    page.get_by_text("Aligned by sound.").wait_for()
    begins = page.locator("li.view .begin summary")
    assert begins.all_inner_texts() == [
        "Begins 0.7 s into the file", "Started at another time than the others?"
    ]  # fmt: skip
    sliders = page.locator("li.view .begin input[type=range]")
    first, second = sliders.evaluate_all("each => each.map((slider) => Number(slider.value))")
    assert first - second == pytest.approx(LATER_SECONDS, abs=0.05)

    coach.score()
    coach.wait_for_why()  # after that the videos are left alone
    page.evaluate("document.querySelector('coach-player').videos.seek(2)")
    page.wait_for_function(
        "[...document.querySelectorAll('coach-player video')]"
        ".every(video => !video.seeking && video.currentTime > 1.9)"
    )
    assert coach.seconds() == pytest.approx([2 + LATER_SECONDS, 2], abs=0.05)
    aligned = page.evaluate(_PICTURE_DIFFERENCE)
    page.evaluate(
        "async (seconds) => { const video = document.querySelectorAll('coach-player video')[1];"
        "video.currentTime += seconds; await new Promise(then => { video.onseeked = then; }); }",
        LATER_SECONDS,
    )
    assert aligned < page.evaluate(_PICTURE_DIFFERENCE) / 2
    page.evaluate("document.querySelector('coach-player').videos.seek(0)")
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(1500)
    one, two = coach.seconds()
    assert one > LATER_SECONDS + 0.5
    assert one - two == pytest.approx(LATER_SECONDS, abs=0.2)


def _write_knocks(path: Path, *, seconds: float) -> None:
    """Knocks at irregular times, as of balls that are caught."""
    rng = np.random.default_rng(5)
    sound = 0.003 * rng.standard_normal(int(_RATE * seconds))
    for at in np.cumsum(rng.uniform(0.2, 0.7, 80)):
        knock = rng.standard_normal(1600) * np.exp(-np.arange(1600) / 240)
        room = sound[int(_RATE * at) :][:1600]
        room += 0.4 * knock[: len(room)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


def _ffmpeg(*arguments: object) -> None:
    import imageio_ffmpeg

    program = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run(
        [program, "-y", *map(str, arguments)],
        check=True, capture_output=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
