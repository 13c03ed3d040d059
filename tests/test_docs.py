import doctest
import importlib
import re
import runpy
import shlex
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
import typer
from nbclient import NotebookClient

from proskill.cli.main import app
from proskill.cli.rate_plan import plan

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# These read their options from a YAML file's class paths: `tests/test_configs.py` runs them.
LIGHTNING = {"fit", "validate", "test", "predict"}


def blocks(page: Path, *languages: str) -> list[str]:
    """The fenced blocks of a page in one of the languages; "" for those without."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [text for language, text in found if language in languages]


def command_lines() -> list[tuple[str, str]]:
    lines = []
    for page in PAGES:
        for block in blocks(page, "", "sh", "bash", "console"):
            joined = block.replace("\\\n", " ")
            lines += [
                (page.name, line.strip().removeprefix("$ "))
                for line in joined.splitlines()
                if re.match(r"\s*(\$ )?proskill \w", line)
            ]
    return lines


@pytest.mark.parametrize(("page", "line"), command_lines())
def test_every_command_that_is_shown_exists_with_its_options(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        assert words, f"{page}: {line}: names no command"
        command = command.commands.get(words[0])
        assert command is not None, f"{page}: there is no command {words[0]!r}"
        name = words.pop(0)
    if name in LIGHTNING:
        return
    if (name, words[:1]) == ("rate", ["plan"]):
        plan_app = typer.Typer()
        plan_app.command()(plan)
        command = typer.main.get_command(plan_app)
    known = {option for parameter in command.params for option in parameter.opts}
    given = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert given <= known, f"{page}: {line}: unknown {given - known}"


def test_the_example_of_the_page_on_ratings_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks(ROOT / "docs" / "ratings.md", "python")
    exec(compile(example, "docs/ratings.md", "exec"), {})
    assert capsys.readouterr().out.startswith("('x', ")


def test_the_example_of_the_page_on_evaluation_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks(ROOT / "docs" / "evaluation.md", "python")
    exec(compile(example, "docs/evaluation.md", "exec"), {})
    assert capsys.readouterr().out.startswith("0.75 1.0\nInterval(value=0.75")


def test_the_example_of_the_readme_runs(
    write_clip: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("ego", "front", "side"):
        write_clip(tmp_path / f"{name}.mp4")
    monkeypatch.chdir(tmp_path)
    (example,) = blocks(ROOT / "README.md", "python")
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out.split()[0] in ("ok", "low_confidence", "abstained")


MODULES = [
    path
    for path in sorted((ROOT / "proskill").rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_example_of_a_docstring_runs(path: Path) -> None:
    parts = path.relative_to(ROOT).with_suffix("").parts
    module = importlib.import_module(".".join(parts).removesuffix(".__init__"))
    failed, attempted = doctest.testmod(module)
    assert attempted > 0
    assert failed == 0


def test_the_page_of_the_api_is_up_to_date() -> None:
    make_api = runpy.run_path(str(ROOT / "docs" / "make_api.py"))
    assert make_api["make_page"]() == (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), (
        "run `python docs/make_api.py`"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_links_to_exists(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.slow
def test_the_notebook_goes_from_own_clips_to_a_report(tmp_path: Path) -> None:
    notebook = nbformat.read(ROOT / "notebooks" / "own_clips.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "clear the outputs"
    NotebookClient(
        notebook, timeout=280, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    assert (tmp_path / "report.html").is_file()
