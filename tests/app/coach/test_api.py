"""The endpoint `/score` as programs call it."""

from __future__ import annotations

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


def test_names_are_guessed_where_none_are_given_and_nothing_stays_behind(
    client: Client, simulated_take: dict[str, Path], coach_server: Any
) -> None:
    from gradio_client import handle_file

    with coach_server.keeping_nothing():
        called = client.predict([handle_file(str(simulated_take["ego"]))], api_name="/score")
    assert list(called["views"]) == ["ego"]
    assert called["views"]["ego"]["file"] == simulated_take["ego"].name


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["a", "b"], "2 names for 1 files; give one name per file"),
        ([""], "a view has no name; give each its own"),
    ],
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
