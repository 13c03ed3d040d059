from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from proskill.annotation.security import RateLimiter
from proskill.annotation.sessions import COOKIES


@pytest.mark.slow
def test_no_request_of_thousands_makes_the_server_fail(
    new_campaign: Any, serve: Any, visit: Any, tmp_path: Path
) -> None:
    """Schemathesis makes requests up from the schema: right ones, nearly right ones, nonsense."""
    store = new_campaign()
    server = serve(store.folder)
    server.app.state.desk.requests = RateLimiter(rate=1e9, burst=1e9)
    tokens = {role: store.invite(f"an {role}", role=role, now=time.time()) for role in COOKIES}
    lease = visit(server.url, tokens["annotator"]).work()["current"]["lease"]
    schema = server.app.openapi()
    # One address that exists, so that not every vote is about a pair that is nobody's.
    schema["components"]["schemas"]["VoteBody"]["properties"]["lease"]["examples"] = [lease]
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    cookie = "; ".join(f"{COOKIES[role]}={token}" for role, token in tokens.items())
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", "schema.json", "--url", server.url,
         "--header", f"Cookie: {cookie}", "--checks", "not_a_server_error",
         "--max-examples", "25", "--seed", "1", "--no-color"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert "generated" in done.stdout, done.stdout
