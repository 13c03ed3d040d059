import re
import shlex
from pathlib import Path

import pytest
import typer

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
