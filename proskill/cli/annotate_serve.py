"""`proskill annotate serve|simulate|status`: commands around a running campaign."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

from proskill.cli.listening import listen
from proskill.errors import CampaignError

if TYPE_CHECKING:
    from proskill.annotation.db.store import CampaignStore

Campaign = Annotated[Path, typer.Argument(help="Folder of the campaign.", show_default=False)]

# Hosts that mean every address of this machine; people need one of them.
_REACHED_BY: Final = {"0.0.0.0": "THIS-MACHINE", "::": "THIS-MACHINE"}


def served_address(url: str) -> str:
    """Return the beginning of a served campaign's addresses from `--url`.

    Raises:
        CampaignError: it is not such an address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise CampaignError(f"--url {url}: {error}; write it as https://HOST:PORT") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CampaignError(f"--url {url}: must begin with https:// (or http://) and a host's name")
    if "@" in parts.netloc:
        raise CampaignError(
            f"--url: must have no user and password before the host {parts.hostname!r}; links are "
            "the keys of a campaign"
        )
    if port == 0 or parts.netloc.endswith(":"):
        raise CampaignError(f"--url {url}: its port must be from 1 to 65535, or left out")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise CampaignError(
            f"--url {url}: must end with the host or its port; a campaign has an address to itself"
        )
    return f"{parts.scheme}://{parts.netloc}"


def serve(
    campaign: Campaign,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine's need HTTPS.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
) -> None:
    """Serve the pages of a campaign until interrupted.

    Several servers may share one campaign. Behind a reverse proxy on the same machine that speaks
    HTTPS, cookies are sent over HTTPS alone; the proxy must pass on the `Host` header.
    """
    import contextlib

    import uvicorn

    from proskill.annotation.proxies import missing_proxies
    from proskill.app.annotate.server import create_app

    with _whole_campaign(campaign) as store, listen(host, port) as listener:
        config = uvicorn.Config(
            create_app(store),
            log_level="warning",
            access_log=False,  # addresses of clips are secrets of the campaign
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        for line in _where_to_go(store, campaign, host=host, port=port):
            typer.echo(line)
        if host not in ("127.0.0.1", "localhost", "::1"):
            typer.echo(
                "Others can reach this address: links and answers travel unencrypted unless a "
                "reverse proxy in front of it speaks HTTPS.",
                err=True,
            )
        if missing := missing_proxies(store):
            typer.echo(
                f"{len(missing)} clips have no video and cannot be judged: put the folder "
                f"{campaign / 'proxies'} of the campaign or its backup back in place.",
                err=True,
            )
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def _whole_campaign(campaign: Path) -> CampaignStore:
    from proskill.annotation.creation import is_half_made
    from proskill.annotation.db.store import CampaignStore

    store = CampaignStore.open(campaign)
    if is_half_made(store):
        store.close()
        raise CampaignError(
            f"{campaign}: was interrupted while it was made; repeat the `proskill annotate create` "
            "of it, which goes on"
        )
    return store


def _where_to_go(store: CampaignStore, campaign: Path, *, host: str, port: int) -> list[str]:
    """Return the lines that the starter of a server reads."""
    import shlex
    from collections import Counter

    reached = _REACHED_BY.get(host, f"[{host}]" if ":" in host else host)
    address = f"http://{reached}:{port}"
    state = store.campaign()
    lines = [
        f"Serving {state.name!r} at {address} (Ctrl-C ends it)",
        f"  annotators   {address}/",
        f"  organisers   {address}/organiser",
    ]
    roles = Counter(one.role for one in store.annotators() if one.revoked_at is None)
    option = "" if address == "http://127.0.0.1:8000" else f" --url {address}"
    lines += [
        "Each person comes in by their own link; so far there are links for "
        f"{roles['annotator']} annotators and {roles['organiser']} as organisers. More of them:",
        f"  proskill annotate invite {shlex.quote(str(campaign))} --annotator NAME{option}",
        f"  proskill annotate invite {shlex.quote(str(campaign))} --organiser --annotator NAME"
        f"{option}",
    ]
    if state.state != "open":
        lines.append(f"The campaign is {state.state}; resume it on the organiser's page.")
    return lines


def simulate(
    campaign: Campaign,
    url: Annotated[
        list[str],
        typer.Option(help="Where the campaign is being served; once for each of its servers."),
    ],
    annotators: Annotated[int, typer.Option(min=1, help="How many vote side by side.")] = 20,
    votes: Annotated[int, typer.Option(min=1, help="Votes of all of them together.")] = 5000,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same hidden truth.")] = 0,
    log: Annotated[
        Path | None,
        typer.Option(
            help="Append a line of JSON with the token of every vote the server acknowledged.",
            show_default=False,
        ),
    ] = None,
    pause: Annotated[
        float, typer.Option(min=0, help="Seconds that each waits before answering.")
    ] = 0.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of sentences.")
    ] = False,
) -> None:
    """Let simulated annotators vote over HTTP against a running server.

    The hidden truth is the manifest's rating, else its level, else drawn. Exit code 1 when the
    server is lost; the log then has every vote that it acknowledged.
    """
    import contextlib

    from proskill.annotation.db.store import CampaignStore
    from proskill.annotation.simulated_truth import hidden_skill, invite_simulated
    from proskill.app.annotate.simulated_annotators import require_servers, simulate_annotators

    servers = [served_address(each) for each in url]
    with contextlib.ExitStack() as stack:
        # What can fail comes first: people who were invited stay in the campaign.
        file = None if log is None else stack.enter_context(log.open("a", encoding="utf-8"))
        require_servers(servers)
        with CampaignStore.open(campaign) as store:
            skill = hidden_skill(store, seed=seed)
            tokens = invite_simulated(store, annotators)
        result = simulate_annotators(
            servers,
            tokens=tokens,
            skill=skill,
            num_votes=votes,
            seed=seed,
            pause_seconds=pause,
            log=file,
        )
    if as_json:
        typer.echo(json.dumps(result.as_json()))
        return
    for sentence in result.sentences():
        typer.echo(sentence)


def status(
    campaign: Campaign,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Show how far a campaign is and how sure its ratings are; no server needs to run."""
    import time

    from proskill.annotation.db.log import read_log
    from proskill.annotation.db.store import CampaignStore
    from proskill.annotation.summary.status_lines import status_lines
    from proskill.annotation.summary.summary import summarise

    with CampaignStore.open(campaign) as store:
        summary = summarise(read_log(store), now=time.time())
    if as_json:
        typer.echo(json.dumps(summary.as_json(), ensure_ascii=False, allow_nan=False))
        return
    for line in status_lines(summary):
        typer.echo(line)
