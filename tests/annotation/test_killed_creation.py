from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import pytest

from proskill.annotation import CampaignStore
from proskill.annotation.campaign import PROXIES_FOLDER
from proskill.annotation.proxies import missing_proxies
from waiting import wait_until


@pytest.mark.slow
def test_a_creation_that_is_killed_leaves_no_picture_when_it_goes_on(tmp_path: Path) -> None:
    rows = ["take_id,view,kind,path,participant_id,scenario"]
    for name in ("a", "b"):
        source = f"testsrc2=size=1280x720:rate=30:duration={20 if name == 'a' else 2}"
        subprocess.run(
            [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-nostdin", "-f", "lavfi",
             "-i", source, "-c:v", "libx264", "-preset", "ultrafast", tmp_path / f"{name}.mp4"],
            check=True,
        )  # fmt: skip
        rows.append(f"{name},exo1,exo,{name}.mp4,{name},juggling")
    manifest, campaign = tmp_path / "manifest.csv", tmp_path / "campaign"
    manifest.write_text("\n".join(rows) + "\n")
    create = [sys.executable, "-m", "proskill.cli.main", "annotate", "create", str(campaign)]
    create += ["--manifest", str(manifest), "--workers", "1"]
    proxies = campaign / PROXIES_FOLDER
    with subprocess.Popen(create, stderr=subprocess.PIPE) as process:
        wait_until(lambda: list(proxies.glob(".proxy-*/pictures.mp4")))
        process.kill()
    assert list(proxies.glob(".proxy-*"))
    subprocess.run(create, check=True, capture_output=True)
    assert list(proxies.glob(".proxy-*")) == []
    with CampaignStore.open(campaign) as store:
        assert missing_proxies(store) == []
        assert len(list(proxies.iterdir())) == len(store.clips()) == 2
