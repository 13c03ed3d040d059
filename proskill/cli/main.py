"""The `proskill` command; here alone an error becomes a line and an exit code.

Exit codes: 0 done, 1 an error about the input or the machine, 2 wrong usage, 130 interrupted.
`--debug` (anywhere on the line) or PROSKILL_DEBUG=1 shows the traceback behind an error.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from proskill._version import __version__
from proskill.cli.annotate import annotate_app
from proskill.cli.app import app as coach_app
from proskill.cli.app import app_user
from proskill.cli.calibrate import calibrate
from proskill.cli.compare import compare
from proskill.cli.data import data_app
from proskill.cli.demo import demo
from proskill.cli.doctor import doctor
from proskill.cli.lightning import add_lightning_commands
from proskill.cli.rate import RateCommand, rate
from proskill.cli.score import score
from proskill.cli.simulate import simulate
from proskill.cli.submission import submission
from proskill.cli.weights import weights_app
from proskill.errors import ProskillError

app = typer.Typer(
    name="proskill",
    help="Multi-view video in, a calibrated skill level out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(doctor)
app.command()(simulate)
app.add_typer(data_app)
add_lightning_commands(app)
app.command()(calibrate)
app.command()(compare)
app.command()(submission)
app.add_typer(weights_app)
app.command()(score)
app.command(name="app")(coach_app)
app.command()(app_user)
app.command(cls=RateCommand)(rate)
app.add_typer(annotate_app)
app.command()(demo)

# Errors about the input; any other is a bug and shows its traceback.
_EXPECTED = (ProskillError, ValueError, OSError, ModuleNotFoundError)

_ADVICE = {
    errno.ENOENT: "no such file or folder; check the path",
    errno.EACCES: "permission denied; choose a place that you may use",
    errno.EISDIR: "is a folder where a file is expected",
    errno.ENOTDIR: "is a file where a folder is expected",
    errno.ENOSPC: "no space left on the disk; free some or choose another place",
    errno.EROFS: "the disk is read-only; choose another place",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Args:
        arguments: words after `proskill`; None takes the process's own.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    is_debug = "--debug" in given or os.environ.get("PROSKILL_DEBUG", "0") not in ("", "0")
    try:
        app([argument for argument in given if argument != "--debug"], prog_name="proskill")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:
        return 130
    except _EXPECTED as error:
        if isinstance(error, ModuleNotFoundError) and f"{error.name}.".startswith("proskill."):
            raise  # a bug
        if is_debug:
            traceback.print_exc()
        print(f"Error: {_sentence(error)}", file=sys.stderr)
        return 1
    return 0


def _sentence(error: Exception) -> str:
    """Return an error as one line."""
    if isinstance(error, OSError) and error.errno in _ADVICE and error.filename is not None:
        return f"{os.fspath(error.filename)}: {_ADVICE[error.errno]}"
    if isinstance(error, OSError) and error.errno in _ADVICE:
        return _ADVICE[error.errno]
    if isinstance(error, ModuleNotFoundError):
        return (
            f"the package {error.name!r} is not installed; `proskill doctor` shows what is missing"
        )
    return " ".join(str(error).split()) or type(error).__name__


def _show_version(value: bool) -> None:
    if value:
        print(f"proskill {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback behind an error.")
    ] = False,
) -> None:
    """Declare options that a callback and `main` handle."""


if __name__ == "__main__":
    sys.exit(main())
