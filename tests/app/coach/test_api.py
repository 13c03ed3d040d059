"""The endpoint `/score` as programs call it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gradio_client import Client


@pytest.fixture
def client(coach_server: Any) -> Iterator[Client]:
    from gradio_client import Client

    made = Client(coach_server.url, verbose=False, analytics_enabled=False)
    yield made
    made.close()


def _but_for_timing(assessment: dict[str, Any]) -> dict[str, Any]:
    provenance = {**assessment["provenance"], "seconds": None}
    return {**assessment, "provenance": provenance}


def test_a_program_gets_the_json_that_python_and_the_command_line_get(
    client: Client,
    simulated_take: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from gradio_client import handle_file

    from proskill.cli.main import main
    from proskill.scoring import Scorer, score_uploads
    from proskill.scoring.default_checkpoint import find_default_checkpoint

    files = [handle_file(str(path)) for path in simulated_take.values()]
    called = client.predict(files, list(simulated_take), api_name="/score")

    scorer = Scorer.from_checkpoint(find_default_checkpoint())
    result = score_uploads(scorer, simulated_take, folder=tmp_path / "copies")
    assert _but_for_timing(called) == _but_for_timing(
        json.loads(json.dumps(result.assessment.to_dict()))
    )

    views = [word for name, path in simulated_take.items() for word in ("--view", f"{name}={path}")]
    capsys.readouterr()
    assert main(["score", *views, "--as-upload", "--json"]) == 0
    assert _but_for_timing(json.loads(capsys.readouterr().out)) == _but_for_timing(called)


def test_names_are_guessed_where_none_are_given_and_nothing_stays_behind(
    client: Client, simulated_take: dict[str, Path], coach_server: Any
) -> None:
    from gradio_client import handle_file

    before = set(coach_server.files())
    called = client.predict([handle_file(str(simulated_take["ego"]))], api_name="/score")
    assert list(called["views"]) == ["ego"]
    assert called["views"]["ego"]["file"] == simulated_take["ego"].name
    assert set(coach_server.files()) <= before


@pytest.mark.parametrize(
    ("names", "sentence"),
    [(["a", "b"], "2 names for 1 files; give one name per file"), ([""], "is empty")],
)
def test_a_call_that_makes_no_sense_is_answered_in_one_sentence(
    client: Client, simulated_take: dict[str, Path], names: list[str], sentence: str
) -> None:
    from gradio_client import handle_file
    from gradio_client.exceptions import AppError

    with pytest.raises(AppError, match=sentence):
        client.predict([handle_file(str(simulated_take["ego"]))], names, api_name="/score")


def test_a_call_without_files_is_answered_in_one_sentence(client: Client) -> None:
    from gradio_client.exceptions import AppError

    with pytest.raises(AppError, match="no view given"):
        client.predict([], api_name="/score")
