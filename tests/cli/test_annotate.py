"""`proskill annotate create|invite|backup` on real videos."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from proskill.annotation import Assignment, CampaignStore
from proskill.annotation.db.database import Database
from proskill.annotation.proxies import missing_proxies
from proskill.cli import annotate_create
from waiting import free_port

Run = Callable[..., Any]


@pytest.fixture
def manifest(tmp_path: Path, write_clip: Callable[..., Path]) -> Path:
    """Four takes of two scenarios: an ego and an exo view each, cut out of a longer file."""
    folder = tmp_path / "takes"
    rows = ["take_id,view,kind,path,start_seconds,end_seconds,participant_id,scenario,rating"]
    for place in range(4):
        for view in ("ego", "exo"):
            write_clip(folder / f"{view}{place}.mp4", seconds=1.5, seed=place)
            rows.append(
                f"take {place},{view} cam,{view},{view}{place}.mp4,0.5,1.2,p{place},s{place % 2},"
                f"{place}"
            )
    path = folder / "manifest.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def campaign(run: Run, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a campaign whose videos were not made."""
    monkeypatch.setattr(annotate_create, "_make_videos", lambda *_, **__: None)
    folder = tmp_path / "campaign"
    assert run("annotate", "create", folder, "--manifest", manifest).exit_code == 0
    return folder


def test_a_campaign_from_a_manifest_asks_about_clips_that_play(
    run: Run, manifest: Path, tmp_path: Path
) -> None:
    from proskill.video.reader import VideoReader

    folder = tmp_path / "campaign"
    (tmp_path / "gold.csv").write_text(
        "left,right,answer,practice,feedback\n"
        "take 0,take 2,right,yes,Look at the hands.\ntake 1,take 3,left,,\n"
    )
    (tmp_path / "guideline.txt").write_text("Judge the hands.\n", encoding="utf-8")
    done = run(
        "annotate", "create", folder, "--manifest", manifest, "--group", "scenario",
        "--criterion", "grip", "--criterion", "flow", "--gold", tmp_path / "gold.csv",
        "--guideline", tmp_path / "guideline.txt", "--quota", 9, "--no-tie",
    )  # fmt: skip
    assert (done.exit_code, done.stdout) == (0, f"{folder}\n"), done.stderr
    assert "A campaign of 4 clips." in done.stderr
    for command in ("invite", "serve"):
        assert f"proskill annotate {command} {folder}" in done.stderr
    with CampaignStore.open(folder) as store:
        campaign, clips = store.campaign(), store.clips()
        assert (campaign.name, campaign.state) == ("campaign", "open")
        assert [criterion.name for criterion in campaign.criteria] == ["grip", "flow"]
        assert (campaign.settings.quota, campaign.settings.allow_tie) == (9, False)
        assert campaign.settings.guideline == "Judge the hands."
        assert [pair.is_practice for pair in store.gold()] == [True, False]
        assert missing_proxies(store) == []
        lost = clips[1].proxy
        assert lost is not None
        lost.rename(tmp_path / "lost.mp4")
        assert missing_proxies(store) == [clips[1]]
        (tmp_path / "lost.mp4").rename(lost)
    for clip in clips:
        assert (clip.view, clip.group) == ("exo cam", f"s{(clip.id - 1) % 2}")
        assert clip.duration_seconds == pytest.approx(0.7, abs=0.01)
        assert clip.proxy is not None
        assert clip.take_id not in clip.proxy.name
        with VideoReader(clip.proxy) as reader:
            assert reader.info.duration_seconds == pytest.approx(0.7, abs=0.05)
            assert (reader.info.codec, reader.info.has_audio) == ("h264", False)
    again = run("annotate", "create", folder, "--manifest", manifest)
    assert again.exit_code == 1
    assert "holds a campaign already" in again.stderr


def test_an_interrupted_creation_goes_on_where_it_was(
    run: Run, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proskill.annotation import proxies

    real, made = proxies.make_proxy, []

    def tired(source: Path, *rest: Any, **options: Any) -> Any:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(source)
        return real(source, *rest, **options)

    folder = tmp_path / "campaign"
    command = ("annotate", "create", folder, "--manifest", manifest, "--workers", 1)
    monkeypatch.setattr(proxies, "make_proxy", tired)
    assert run(*command).exit_code == 130
    with CampaignStore.open(folder) as store:
        assert store.campaign().state == "paused"
        before = {clip.take_id: clip.public_id for clip in store.clips()}
        finished = [clip.take_id for clip in store.clips() if clip.proxy is not None]
    assert len(finished) <= 2
    monkeypatch.setattr(proxies, "make_proxy", real)
    assert run(*command).exit_code == 0
    with CampaignStore.open(folder) as store:
        assert {clip.take_id: clip.public_id for clip in store.clips()} == before
        assert all(clip.proxy is not None and clip.proxy.is_file() for clip in store.clips())
        assert store.campaign().state == "open"


def test_a_broken_video_stops_the_creation_unless_it_may_be_left_out(
    run: Run, manifest: Path, tmp_path: Path
) -> None:
    (manifest.parent / "exo1.mp4").write_bytes(b"no video at all, but long enough to look at")
    (tmp_path / "gold.csv").write_text(
        "left,right,answer,practice\ntake 1,take 2,left,\ntake 2,take 3,right,\n"
        "take 0,take 1,left,yes\ntake 1,take 3,left,\n"
    )
    folder = tmp_path / "campaign"
    command = (
        "annotate", "create", folder, "--manifest", manifest, "--gold", tmp_path / "gold.csv",
    )  # fmt: skip
    done = run(*command)
    assert done.exit_code == 1
    assert "1 takes cannot be shown" in done.stderr
    assert "exo1.mp4" in done.stderr
    assert "--skip-broken" in done.stderr
    done = run(*command, "--skip-broken")
    assert done.exit_code == 0, done.stderr
    assert "left out: take take 1" in done.stderr
    assert "pairs left out with these takes: 2 of known answer, 1 for practice" in done.stderr
    with CampaignStore.open(folder) as store:
        assert [(clip.id, clip.take_id) for clip in store.clips()] == [
            (1, "take 0"), (2, "take 2"), (3, "take 3"),
        ]  # fmt: skip
        assert [(pair.left_clip, pair.right_clip) for pair in store.gold()] == [(2, 3)]
        store.invite("Ann", now=0.0)
        assert Assignment(store, now=0.0).work(1, 0.0).next is not None


def test_scores_of_a_checkpoint_start_the_pairing_and_are_in_the_log(
    run: Run, manifest: Path, tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> None:
    folder = tmp_path / "campaign"
    checkpoint = make_checkpoint()
    wrong = run("annotate", "create", folder, "--manifest", manifest, "--prior", tmp_path / "none")
    assert wrong.exit_code == 1
    assert not folder.exists()
    done = run("annotate", "create", folder, "--manifest", manifest, "--prior", checkpoint)
    assert done.exit_code == 0, done.stderr
    with CampaignStore.open(folder) as store:
        priors = {clip.take_id: clip.prior for clip in store.clips()}
        [event] = [event for event in store.events() if event.what["event"] == "prior"]
    known = {take_id: score for take_id, score in priors.items() if score is not None}
    assert event.what["scores"] == known
    assert known or "have no score" in done.stderr


def test_links_are_printed_once_and_can_be_taken_back(
    run: Run, campaign: Path, tmp_path: Path
) -> None:
    done = run(
        "annotate", "invite", campaign, "--annotator", "Ann", "--annotator", "Ben", "Cleo",
        "--url", "https://rate.example/",
    )  # fmt: skip
    links = dict(line.split("\t") for line in done.stdout.splitlines())
    assert list(links) == ["Ann", "Ben", "Cleo"]
    lead = run("annotate", "invite", campaign, "--annotator", "Lead", "--organiser").stdout
    assert lead.startswith("Lead\thttp://127.0.0.1:8000/organiser#t=")
    with CampaignStore.open(campaign) as store:
        for name, link in links.items():
            page, token = link.split("#t=")
            assert page == "https://rate.example/"
            person = store.find_annotator(token)
            assert person is not None
            assert person.name == name
        assert run("annotate", "invite", campaign, "--revoke", "Ann").stdout == "Ann\trevoked\n"
        assert store.find_annotator(links["Ann"].split("#t=")[1]) is None
    assert (
        "nobody of the name 'Dan'" in run("annotate", "invite", campaign, "--revoke", "Dan").stderr
    )
    assert run("annotate", "invite", campaign).exit_code == 2
    copied = run("annotate", "backup", campaign, "--out", tmp_path / "copy")
    assert (copied.exit_code, copied.stdout) == (0, f"{tmp_path / 'copy'}\n")
    with CampaignStore.open(tmp_path / "copy") as copy:
        assert [person.name for person in copy.annotators()] == ["Ann", "Ben", "Cleo", "Lead"]


def test_invitations_say_where_they_lead_and_which_links_end(run: Run, campaign: Path) -> None:
    first = run("annotate", "invite", campaign, "--annotator", "Ann")
    assert "lead to http://127.0.0.1:8000, which only this machine reaches" in first.stderr
    assert "--url" in first.stderr
    assert "Earlier links" not in first.stderr
    again = run("annotate", "invite", campaign, "Ann", "Ben", "--url", "https://rate.example:444/")
    assert "open nothing any more: those of Ann." in again.stderr
    assert "lead to https://rate.example:444; " in again.stderr
    assert again.stdout.count("\thttps://rate.example:444/#t=") == 2
    with CampaignStore.open(campaign) as store:
        before = store.events()
        for arguments, complaint in (
            (["Cleo", "Cleo"], "'Cleo' is named twice"),
            (["Cleo", " Cleo "], "'Cleo' is named twice"),
            (["Cleo", "Ann", "--organiser"], "'Ann' is invited as annotator already"),
            (["Cleo", "--revoke", "Dan"], "nobody of the name 'Dan'"),
            (["Cleo", "--url", "rate.example"], "must begin with https://"),
            (["Cleo", "--url", "https://x/rate"], "must end with the host or its port"),
            (["Ann", "--url", "https://x:70000"], "write it as https://HOST:PORT"),
            (["Ann", "--url", "https://x:-1"], "write it as https://HOST:PORT"),
            (["Ann", "--url", "https://[::1"], "write it as https://HOST:PORT"),
            (["Ann", "--url", "https://x:"], "port must be from 1 to 65535, or left out"),
            (["Ann", "--url", "https://x:0"], "port must be from 1 to 65535, or left out"),
            (["Ann", "--url", "https://me:hidden@x"], "must have no user and password"),
        ):
            done = run("annotate", "invite", campaign, *arguments)
            assert (done.exit_code, done.stdout) == (1, "")
            assert complaint in done.stderr
            assert done.stderr.count("\n") == 1
            assert "hidden" not in done.stderr
        assert store.events() == before  # nobody was invited half
        voting = run("annotate", "simulate", campaign, "--url", "127.0.0.1:8000")
        assert "must begin with https:// (or http://)" in voting.stderr
        assert store.events() == before


class _NoCampaign(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Not into what the command prints."""


def test_a_simulation_that_cannot_begin_invites_nobody(
    run: Run, campaign: Path, tmp_path: Path
) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    with HTTPServer(("127.0.0.1", 0), _NoCampaign) as other:
        threading.Thread(target=other.serve_forever).start()
        elsewhere = f"http://127.0.0.1:{other.server_port}"
        for arguments, complaint in (
            (["--url", away], f"{away}: no server answers"),
            (["--url", elsewhere], f"{elsewhere}: answers 404 and serves no campaign"),
            (["--url", away, "--log", tmp_path / "none" / "log"], "no such file or folder"),
        ):
            done = run("annotate", "simulate", campaign, *arguments)
            assert done.exit_code == 1
            assert complaint in done.stderr
            assert done.stderr.count("\n") == 1
        other.shutdown()
    with CampaignStore.open(campaign) as store:
        assert store.annotators() == []


def test_a_campaign_half_made_is_not_served_and_not_mixed_with_another(
    run: Run, manifest: Path, tmp_path: Path
) -> None:
    folder, good = tmp_path / "campaign", manifest.read_text()
    manifest.write_text(good.replace("exo1.mp4", "elsewhere.mp4"))
    done = run("annotate", "create", folder, "--manifest", manifest)
    assert done.exit_code == 1
    assert "1 of 4 videos are not where it says, the first being" in done.stderr
    assert not folder.exists()
    (manifest.parent / "elsewhere.mp4").write_bytes(b"no video at all, but long enough to look at")
    done = run("annotate", "create", folder, "--manifest", manifest)
    assert done.exit_code == 1
    assert "elsewhere.mp4" in done.stderr
    served = run("annotate", "serve", folder)
    assert served.exit_code == 1
    assert "repeat the `proskill annotate create`" in served.stderr
    manifest.write_text(good)
    for arguments in ([], ["--quota", 3], ["--database", "postgresql+psycopg://host/db"]):
        mixed = run("annotate", "create", folder, "--manifest", manifest, *arguments)
        assert mixed.exit_code == 1
        assert "has other clips or options; delete this folder" in mixed.stderr


@pytest.mark.needs_postgresql
def test_a_wrong_database_url_says_which_part_is_wrong_and_no_password(
    run: Run, manifest: Path, tmp_path: Path, postgresql_url: str
) -> None:
    socket = postgresql_url.partition("host=")[2]
    rules = Path(socket, "data/pg_hba.conf")
    rules.write_text("local all careful scram-sha-256\n" + rules.read_text())
    database = Database(postgresql_url)
    with database.write() as connection:
        connection.exec_driver_sql("CREATE ROLE careful LOGIN PASSWORD 'right'")
        connection.exec_driver_sql("CREATE ROLE guest LOGIN")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    database.close()
    here = f"?host={socket}"
    for url, complaint in (
        ("postgresql+psycopg://u:hidden@no-such-host.invalid/db", "its host is not known"),
        ("postgresql+psycopg://u:hidden@127.0.0.1:1/db", "no PostgreSQL server listens"),
        ("postgresql+psycopg://u:hidden@/db?host=/nowhere", "no PostgreSQL server listens"),
        (f"postgresql+psycopg://proskill:hidden@/nope{here}", "no database of its name"),
        (f"postgresql+psycopg://nobody:hidden@/postgres{here}", "knows no such user"),
        (f"postgresql+psycopg://careful:hidden@/postgres{here}", "refuses its user or password"),
        (f"postgresql+psycopg://careful@/postgres{here}", "asks for a password"),
        (f"postgresql+psycopg://guest:hidden@/postgres{here}", "tables of a campaign cannot be"),
        ("postgresql+psycopg://u:hid@den@host/db", "two @"),
        ("postgresql+psycopg://u:hidden@host:port/db", "is not a database URL"),
        ("postgresql+pg8000://u:hidden@host/db", "driver 'pg8000'"),
        ("mysql://u:hidden@host/db", "'mysql' databases are not supported"),
    ):
        done = run(
            "annotate", "create", tmp_path / "new", "--manifest", manifest, "--database", url
        )
        assert done.exit_code == 1, url
        assert complaint in done.stderr
        assert done.stderr.count("\n") == 1
        assert "hid" not in done.stderr.replace(url.partition("://")[0], "")
        assert not list((tmp_path / "new").glob("*"))


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("--view", "side", "take 'take 0' has no view 'side'; its views are ego cam, exo cam"),
        ("--criterion", " ", "criterion ' ': needs text"),
        ("--repeat-share", "1", "must be less, so that new pairs are asked"),
        ("--database", "sqlite+x://", "is not a database URL"),
    ],
)
def test_what_cannot_be_asked_is_said_and_leaves_no_campaign(
    run: Run, manifest: Path, tmp_path: Path, option: str, value: str, complaint: str
) -> None:
    folder = tmp_path / "campaign"
    done = run("annotate", "create", folder, "--manifest", manifest, option, value)
    assert done.exit_code == 1
    assert complaint in done.stderr
    assert not list(folder.glob("*"))


def test_a_guideline_that_is_not_utf8_is_refused_by_its_name(
    run: Run, manifest: Path, tmp_path: Path
) -> None:
    path, folder = tmp_path / "guideline.txt", tmp_path / "campaign"
    path.write_bytes("Hände ansehen".encode("latin-1"))
    done = run("annotate", "create", folder, "--manifest", manifest, "--guideline", path)
    assert done.exit_code == 1
    assert done.stderr == f"Error: {path}: is not text in UTF-8; save it as UTF-8\n"
    assert not folder.exists()


def test_a_pair_waits_for_its_annotator_for_a_minute_or_longer(
    run: Run, manifest: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "campaign"
    done = run("annotate", "create", folder, "--manifest", manifest, "--lease-seconds", 59)
    assert done.exit_code == 2
    assert "--lease-seconds" in done.stderr
    assert "60" in done.stderr
    assert not folder.exists()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("left,right\na,b\n", "has no column 'answer'"),
        ("left,right,answer,anser\na,b,left,\n", "has a column 'anser'"),
        ("left,right,answer\ntake 0,take 1,better\n", "row 2: answer='better': allowed are left"),
        ("left,right,answer\ntake 0,take 0,left\n", "row 2: left='take 0' and right are the same"),
        ("left,right,answer,practice\ntake 0,take 1,tie,perhaps\n", "practice='perhaps'"),
        ("left,right,answer\ntake 0,take 1,tie\ntake 1,take 0,tie\n", "are compared before"),
        (
            "left,right,answer\ntake 0,take 9,tie\n",
            "gold pair 'take 0', 'take 9': the manifest has no take 'take 9'",
        ),
        ("left,right,answer\ntake 0,take 1,tie\n", "are of different scenarios"),
    ],
)
def test_a_wrong_file_of_gold_pairs_names_its_row(
    run: Run, manifest: Path, tmp_path: Path, content: str, complaint: str
) -> None:
    path = tmp_path / "gold.csv"
    path.write_text(content)
    done = run(
        "annotate", "create", tmp_path / "campaign", "--manifest", manifest, "--gold", path,
        "--group", "scenario",
    )  # fmt: skip
    assert done.exit_code == 1
    assert complaint in done.stderr


def test_commands_on_a_damaged_database_end_in_a_sentence(
    run: Run, campaign: Path, tmp_path: Path
) -> None:
    (campaign / "campaign.sqlite").write_bytes(random.Random(1).randbytes(20_000))
    for command in (
        ("status", campaign),
        ("serve", campaign),
        ("export", campaign, "--out", tmp_path),
    ):
        done = run("annotate", *command)
        assert done.exit_code == 1
        assert "campaign.sqlite: is damaged; bring it back from a backup" in done.stderr
        assert done.stderr.count("\n") == 1
