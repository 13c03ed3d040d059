from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, get_args

import pytest

from proskill.annotation.records import Role
from proskill.app.annotate.sessions import cookie_name
from proskill.app.web.security import RateLimiter


@pytest.mark.slow
def test_no_request_of_thousands_makes_the_server_fail(
    new_campaign: Any, serve: Any, visit: Any, tmp_path: Path
) -> None:
    """Schemathesis makes requests up from the schema: right ones, nearly right ones, nonsense."""
    store = new_campaign()
    server = serve(store.folder)
    server.app.state.campaign.requests = RateLimiter(rate=1e9, burst=1e9)
    # Small numbers are others', so that requests revoke them and not who sends requests.
    for place in range(50):
        store.invite(f"early bird {place}", now=time.time())
    tokens = {
        role: store.invite(f"an {role}", role=role, now=time.time()) for role in get_args(Role)
    }
    pair = visit(server.url, tokens["annotator"]).work()["current"]
    schema = server.app.openapi()
    # Ids that exist, so that not every vote and report is about what is nobody's.
    bodies = schema["components"]["schemas"]
    bodies["VoteBody"]["properties"]["lease"]["examples"] = [pair["lease"]]
    bodies["FlagBody"]["properties"]["clip"]["examples"] = [pair["left"]["clip"]]
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    cookie = "; ".join(
        f"{cookie_name(store.public_id(), role)}={token}" for role, token in tokens.items()
    )
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", "schema.json", "--url", server.url,
         "--header", f"Cookie: {cookie}", "--checks", "not_a_server_error",
         "--max-examples", "25", "--seed", "1", "--no-color"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert "generated" in done.stdout, done.stdout
    num_operations = sum(len(methods) for methods in schema["paths"].values())
    assert f"{num_operations} selected / {num_operations} total" in done.stdout, done.stdout
    # Requests that are right were among them, up to the end.
    changes = {event.what["event"] for event in store.events()}
    assert changes >= {"state", "invited", "excluded", "revoked"}
    assert store.flags()
    assert visit(server.url, tokens["annotator"]).login.status_code == 200
