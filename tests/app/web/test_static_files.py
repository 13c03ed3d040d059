from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.testclient import TestClient

from proskill.app.web.static_files import static_routes


def test_a_page_gets_its_own_files_the_shared_ones_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "page.js").write_text("1;")
    (tmp_path / "page.html").write_text("<p>page</p>")
    (tmp_path / "secret.py").write_text("secret")
    client = TestClient(Starlette(routes=static_routes("/s", tmp_path, pages={"/": "page.html"})))
    for path, kind in (("/s/page.js", "javascript"), ("/s/dom.js", "javascript"),
                       ("/s/palette.css", "css"), ("/", "html")):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert kind in answer.headers["content-type"]
        assert answer.headers["cache-control"] == "no-cache"
    for path in ("/s/secret.py", "/s/..%2Fsecurity.py", "/s/", "/page.html"):
        assert client.get(path).status_code == 404, path
