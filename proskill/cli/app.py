"""`proskill app` and `proskill app-user`: the coach's page and its accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def app(
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Checkpoint directory; the demo checkpoint if left out."),
    ] = None,
    host: Annotated[
        str,
        typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in, with --auth."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 7860,
    auth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Accounts that may open the page, made by `proskill app-user`; all users of this "
            "machine if left out.",
        ),
    ] = None,
    examples: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Videos of your own to try the page with, beside the simulated ones; each folder "
            "in it is one take of several views.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
) -> None:
    """Open the coach's page: drop videos, read the level, see when and where it shows."""
    print("Starting the coach's page; its address follows in a few seconds.", flush=True)

    from proskill.app.coach.accounts import Accounts
    from proskill.app.coach.launch import launch_coach
    from proskill.app.coach.server import CoachSettings
    from proskill.cli.listening import listen
    from proskill.errors import CheckpointError, ConfigError
    from proskill.video.transcode import find_ffmpeg

    # Fail before the page is built, which takes seconds.
    for name in ("config.json", "model.safetensors"):
        if checkpoint is not None and not (checkpoint / name).is_file():
            raise CheckpointError(f"{checkpoint}: has no {name}; name a checkpoint's directory")
    settings = CoachSettings(checkpoint, host=host, port=port, accounts=auth, examples=examples)
    if auth is not None:
        Accounts.read(auth)
    elif not settings.is_local:
        raise ConfigError(
            f"--host {host} lets other machines in to videos of people; name with --auth a file "
            "of accounts, made by `proskill app-user`"
        )
    find_ffmpeg()
    listen(host, port).close()
    launch_coach(settings)


def app_user(
    file: Annotated[Path, typer.Argument(help="File of accounts; made when missing.")],
    name: Annotated[str, typer.Argument(help="Account to add, or to give a new password.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Add an account to the file that `proskill app --auth` reads."""
    import sys

    from proskill.app.coach.accounts import add_account

    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    add_account(file, name, password)
    print(f"{name} may log in with {file}.")
