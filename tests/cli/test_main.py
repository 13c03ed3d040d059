from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proskill import __version__
from proskill.cli.main import app
from proskill.errors import ManifestError, VideoError

Run = Callable[..., Any]

COMMANDS = (
    ["doctor"],
    ["simulate"],
    ["data"],
    ["data", "check"],
    ["data", "stats"],
    ["data", "init"],
    ["fit"],
    ["validate"],
    ["test"],
    ["predict"],
    ["annotate"],
    ["annotate", "create"],
    ["annotate", "invite"],
    ["annotate", "backup"],
    ["annotate", "serve"],
    ["annotate", "status"],
    ["annotate", "simulate"],
    ["annotate", "export"],
    ["app"],
    ["app-user"],
    ["calibrate"],
    ["compare"],
    ["submission"],
    ["weights"],
    ["weights", "import"],
    ["score"],
    ["rate"],
    ["rate", "plan"],
    ["demo"],
)


def _fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def simulate_dataset(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr("proskill.simulation.takes.simulate_dataset", simulate_dataset)


def test_the_version_is_printed(run: Run) -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"proskill {__version__}\n")


def test_help_names_every_command(run: Run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert {name for [name, *_] in COMMANDS} == {
        *(
            command.name or command.callback.__name__.replace("_", "-")  # type: ignore[union-attr]
            for command in app.registered_commands
        ),
        *(group.typer_instance.info.name for group in app.registered_groups),  # type: ignore[union-attr]
    }
    for [name, *_] in COMMANDS:
        assert f" {name} " in result.stdout


def test_no_help_page_loads_a_heavy_library() -> None:
    code = (
        "import sys\n"
        "from proskill.cli.main import main\n"
        f"for command in {list(COMMANDS)!r}:\n"
        "    assert main([*command, '--help']) == 0, command\n"
        "heavy = {'torch', 'numpy', 'lightning', 'timm', 'cv2', 'av', 'pandas', 'gradio'}\n"
        "heavy |= {'fastapi', 'sqlalchemy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["simulate"], ["simulate", "out", "--participants", "0"], ["score"]]
)
def test_wrong_usage_is_exit_code_2_and_touches_nothing(
    run: Run, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Usage: proskill" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (VideoError("a.mp4", "has no video stream"), "Error: a.mp4: has no video stream\n"),
        (ManifestError("m.csv: row 2: wrong"), "Error: m.csv: row 2: wrong\n"),
        (ValueError("views=():\n  give one"), "Error: views=(): give one\n"),
        (ValueError(), "Error: ValueError\n"),
        (
            FileNotFoundError(errno.ENOENT, "No such file", "a.mp4"),
            "Error: a.mp4: no such file or folder; check the path\n",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "out/config.json"),
            "Error: out/config.json: no space left on the disk; free some or choose another "
            "place\n",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "Error: no space left on the disk; free some or choose another place\n",
        ),
        (OSError("the disk is on fire"), "Error: the disk is on fire\n"),
        (
            ModuleNotFoundError("No module named 'gradio'", name="gradio"),
            "Error: the package 'gradio' is not installed; `proskill doctor` shows what is "
            "missing\n",
        ),
    ],
)
def test_an_expected_error_is_one_line_and_exit_code_1(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, line: str
) -> None:
    _fail_with(monkeypatch, error)
    result = run("simulate", "out")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", line)


def test_debug_shows_the_traceback_before_the_line(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail_with(monkeypatch, ValueError("wrong"))
    for arguments in (["--debug", "simulate", "out"], ["simulate", "out", "--debug"]):
        result = run(*arguments)
        assert result.exit_code == 1
        assert result.stderr.startswith("Traceback (most recent call last)")
        assert result.stderr.endswith("Error: wrong\n")
    monkeypatch.setenv("PROSKILL_DEBUG", "1")
    assert "Traceback" in run("simulate", "out").stderr
    monkeypatch.setenv("PROSKILL_DEBUG", "0")
    assert run("simulate", "out").stderr == "Error: wrong\n"


def test_a_bug_is_not_dressed_up_as_bad_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail_with(monkeypatch, KeyError("bug"))
    with pytest.raises(KeyError):
        run("simulate", "out")
    _fail_with(monkeypatch, ModuleNotFoundError("gone", name="proskill.gone"))
    with pytest.raises(ModuleNotFoundError):
        run("simulate", "out")


def test_an_interrupt_is_exit_code_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail_with(monkeypatch, KeyboardInterrupt())
    assert run("simulate", "out").exit_code == 130
