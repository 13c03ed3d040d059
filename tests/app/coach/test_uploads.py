from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proskill.app.coach.media import MediaStore
from proskill.app.coach.uploads import TooLarge, Upload, UploadStore, discard, plain_name
from proskill.errors import ProskillError, StorageError

Send = Callable[..., list[Upload]]
FORM = "multipart/form-data; boundary=B"


def _body(*files: tuple[str, bytes]) -> bytes:
    parts = [
        b'--B\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n%s\r\n'
        % (name.encode(), content)
        for name, content in files
    ]
    return b"".join(parts) + b"--B--\r\n"


@pytest.fixture
def send(store: UploadStore) -> Callable[..., list[Upload]]:
    """Let the store receive a body in small chunks."""

    def sent(body: bytes, *, form: str = FORM, num_bytes: int = 0, owner: str = "") -> list[Upload]:
        async def chunks() -> AsyncIterator[bytes]:
            for begin in range(0, len(body), 1000):
                yield body[begin : begin + 1000]

        received: list[Upload] = asyncio.run(
            store.receive(chunks(), content_type=form, num_bytes=num_bytes, owner=owner)
        )
        return received

    return sent


@pytest.fixture
def store(tmp_path: Path) -> UploadStore:
    return UploadStore(tmp_path / "uploads", max_bytes=100_000, max_unclaimed=3)


def test_an_upload_arrives_whole_under_a_path_that_nobody_can_guess(
    store: UploadStore, send: Send
) -> None:
    content = bytes(range(256)) * 20
    one, two = send(_body(("a.mp4", content), ("a.mp4", b"")))
    assert (one.path.read_bytes(), two.path.read_bytes()) == (content, b"")
    assert one.path.name == two.path.name == "a.mp4"
    assert one.path.parent != two.path.parent
    assert len(one.path.relative_to(store.folder).parts[0]) >= 32
    assert one.path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\videos\\jump.mp4", "jump.mp4"),
        ("-i evil;$(touch pwn) ünï 名.mp4", "-i evil;$(touch pwn) ünï 名.mp4"),
        ("a\x00b\nc.mp4", "abc.mp4"),
        (".mp4", "mp4"),
        ("..", "video"),
        ("", "video"),
        ("x" * 300 + ".mp4", "x" * 60 + ".mp4"),
    ],
)
def test_a_name_keeps_what_people_read_and_nothing_that_leads_elsewhere(
    given_name: str, kept: str
) -> None:
    assert plain_name(given_name) == kept


@given(st.text())
def test_no_name_leads_out_of_a_folder_or_is_too_long_for_a_disk(name: str) -> None:
    kept = plain_name(name)
    assert "/" not in kept
    assert "\0" not in kept
    assert kept not in ("", ".", "..")
    assert len(kept.encode("utf-8", errors="replace")) <= 255


@pytest.mark.parametrize("num_bytes", [0, 300_000])
def test_a_file_that_is_too_large_is_refused_and_nothing_of_it_stays(
    store: UploadStore, send: Send, num_bytes: int
) -> None:
    with pytest.raises(TooLarge, match="larger than"):
        send(_body(("a.mp4", bytes(200_000))), num_bytes=num_bytes)
    assert list(store.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b""),
        (FORM, b"--B\r\nno header at all"),
        (FORM, b"--C\r\n\r\n"),
        (FORM, b"--B\r\nContent-Disposition: form-data; name=" + b"x" * 90_000),
        (FORM, b"--B\r\n" + b"x" * 90_000),
    ],
)
def test_what_is_no_multipart_form_is_refused_and_nothing_stays(
    store: UploadStore, send: Send, form: str, body: bytes
) -> None:
    with pytest.raises(ProskillError, match="multipart form"):
        send(body, form=form)
    assert list(store.folder.iterdir()) == []


def test_an_upload_is_claimed_once_and_by_its_owner_alone(store: UploadStore, send: Send) -> None:
    [upload] = send(_body(("a.mp4", b"x")), owner="anna")
    with pytest.raises(ProskillError, match="not uploaded here"):
        store.claim(str(upload.path), owner="ben")
    assert store.claim(str(upload.path), owner="anna") == upload
    with pytest.raises(ProskillError, match="not uploaded here"):
        store.claim(str(upload.path), owner="anna")


@pytest.mark.parametrize("path", ["/etc/passwd", "", ".", "../../../etc/passwd"])
def test_a_path_that_was_never_given_out_is_refused(store: UploadStore, path: str) -> None:
    with pytest.raises(ProskillError, match="not uploaded here"):
        store.claim(path, owner="")
    assert not store.holds(path, owner="")


def test_what_nobody_claims_is_deleted(store: UploadStore, send: Send) -> None:
    [old] = send(_body(("a.mp4", b"x")))
    store.delete_old(seconds=-1)
    assert list(store.folder.rglob("*")) == []
    assert not store.holds(str(old.path), owner="")


def test_nobody_fills_the_disk_with_files_they_do_not_use(store: UploadStore, send: Send) -> None:
    for _ in range(3):
        send(_body(("a.mp4", b"x")), owner="anna")
    with pytest.raises(ProskillError, match="too many uploads"):
        send(_body(("a.mp4", b"x")), owner="anna")
    send(_body(("a.mp4", b"x")), owner="ben")


def test_uploads_that_are_still_arriving_count(store: UploadStore) -> None:
    async def chunks(enough: asyncio.Event) -> AsyncIterator[bytes]:
        yield _body(("a.mp4", b"x"))[:30]
        await enough.wait()
        yield _body(("a.mp4", b"x"))[30:]

    async def four_at_once() -> list[Any]:
        enough = asyncio.Event()
        sent = [
            asyncio.create_task(
                store.receive(chunks(enough), content_type=FORM, num_bytes=0, owner="anna")
            )
            for _ in range(4)
        ]
        await asyncio.sleep(0.05)
        enough.set()
        return await asyncio.gather(*sent, return_exceptions=True)

    outcomes = asyncio.run(four_at_once())
    refused = [each for each in outcomes if isinstance(each, ProskillError)]
    assert [str(each) for each in refused] == [
        "too many uploads wait to be used; use or wait for those first"
    ]


def test_a_form_of_many_small_files_is_refused(store: UploadStore, send: Send) -> None:
    with pytest.raises(ProskillError, match="at most 8 files"):
        send(_body(*[("a.mp4", b"x")] * 9))
    assert list(store.folder.iterdir()) == []


def test_a_full_disk_refuses_what_does_not_fit_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    store = UploadStore(tmp_path / "uploads", max_bytes=10**18)

    async def chunks() -> AsyncIterator[bytes]:
        raise AssertionError("nothing is read that cannot be kept")
        yield b""

    with pytest.raises(StorageError, match="has no room left"):
        asyncio.run(store.receive(chunks(), content_type=FORM, num_bytes=10**17, owner=""))
    assert list(store.folder.iterdir()) == []


def test_a_disk_that_fills_while_a_file_arrives_keeps_nothing_of_it(
    store: UploadStore, send: Send
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(StorageError, match="has no room left"):
            send(_body(("a.mp4", bytes(90_000))))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(store.folder.iterdir()) == []
    send(_body(("a.mp4", bytes(90_000))))  # and there is room for the next


def test_discarding_leaves_neither_file_nor_folder(store: UploadStore, send: Send) -> None:
    uploads = send(_body(("a.mp4", b"x"), ("b.mp4", b"y")))
    discard(uploads[0])
    assert uploads[1].path.exists()
    discard(uploads[1])
    assert list(store.folder.iterdir()) == []


def test_a_published_file_is_found_by_its_owner_until_it_is_deleted(tmp_path: Path) -> None:
    media, file = MediaStore(), tmp_path / "a.mp4"
    file.write_bytes(b"x")
    url = media.publish(file, owner="anna")
    token = url.split("/")[2]
    found = media.find(token, owner="anna")
    assert found is not None
    assert (found.path, found.media_type) == (file, "video/mp4")
    assert media.find(token, owner="ben") is None
    assert media.find("guess", owner="anna") is None
    file.unlink()
    assert media.find(token, owner="anna") is None
