from __future__ import annotations

from pathlib import Path

import pytest

from proskill import diagnostics
from proskill.diagnostics import Finding, diagnose, write_grey_clip


@pytest.fixture
def few_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing every library takes seconds; the tests of the packaged command do that."""
    monkeypatch.setattr(
        diagnostics, "_REQUIRED", {"av": ("av",), "cv2": ("opencv-python-headless",)}
    )


def _finding(name: str) -> Finding:
    return next(finding for finding in diagnose().findings if finding.name == name)


@pytest.mark.usefixtures("few_libraries")
def test_this_machine_can_work() -> None:
    diagnosis = diagnose()
    assert diagnosis.is_healthy, diagnosis
    details = {finding.name: finding.detail for finding in diagnosis.findings}
    assert details["decoding"] == "14 frames of a generated clip, each the right one"
    assert details["decoders"].startswith("h264")
    assert "cores" in details["cpu"]
    assert "GB free" in details["disk"]


def test_a_missing_library_fails_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "_REQUIRED", {"absent_module": ("absent-package",)})
    assert not diagnose().is_healthy
    assert _finding("absent_module") == Finding(
        "absent_module",
        "fail",
        "No module named 'absent_module'; install it: pip install absent-package",
    )


@pytest.mark.usefixtures("few_libraries")
def test_a_wrong_frame_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def write_another_clip(path: Path) -> list[int]:
        greys = write_grey_clip(path)
        return [*greys[:3], 255, *greys[4:]]

    monkeypatch.setattr(diagnostics, "write_grey_clip", write_another_clip)
    assert _finding("decoding").detail == "frames [3] of a generated clip came out wrong"
    assert _finding("decoding").status == "fail"


@pytest.mark.usefixtures("few_libraries")
def test_an_undecodable_clip_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def write_garbage(path: Path) -> list[int]:
        path.write_bytes(b"not a video")
        return [0]

    monkeypatch.setattr(diagnostics, "write_grey_clip", write_garbage)
    assert _finding("decoding").status == "fail"


@pytest.mark.usefixtures("few_libraries")
def test_little_disk_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "_LITTLE_DISK_BYTES", 1e18)
    assert _finding("disk").status == "note"
