"""Submission files of Ego-Exo4D's demonstrator-proficiency challenge, in its two formats.

`labels` is `{"videos": [...], "predictions": [level index, ...]}`, predictions from all views.
`logits` is `{"videos", "ego_model_predictions": [N][4], "exo_model_predictions":
[N][4 views][4 levels]}`, predictions from each view alone; the server takes the softmax of each,
their mean over one ego and four exo views, and the most probable level. Both follow the order of
the challenge's list of takes.

Shapes: N takes, V views, K levels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from proskill.errors import ProskillError
from proskill.evaluation.predictions import Predictions
from proskill.levels import EGOEXO4D_LEVELS
from proskill.whole_file import write_whole

SubmissionFormat = Literal["labels", "logits"]

NUM_EXO_VIEWS = 4
"""Exo views in the challenge's format; takes have fewer or more."""

_SMALLEST = 1e-12  # a probability of 0 has no logarithm, and JSON has no infinity
_ADVICE = "free some space or choose another place"


@dataclass(frozen=True)
class Submission:
    """Submission, with counts of takes whose predictions had to be completed.

    Attributes:
        content: the JSON object.
        num_without_ego: takes whose ego prediction is the mean of their exo views.
        num_without_exo: takes whose exo predictions are their ego view's.
        num_with_fewer_exo: takes with one to three exo views; the mean of those fills the rest.
        num_with_more_exo: takes of whose exo views only the first four are used.
    """

    content: Mapping[str, Any]
    num_without_ego: int = 0
    num_without_exo: int = 0
    num_with_fewer_exo: int = 0
    num_with_more_exo: int = 0


def make_submission(
    predictions: Predictions, videos: Sequence[str], *, format: SubmissionFormat
) -> Submission:
    """Make a submission in the order of the challenge's takes.

    Args:
        predictions: of all these takes; others are left out.
        videos: their names, which are the ids of Ego-Exo4D's takes.
        format: "labels" or "logits".

    Raises:
        ProskillError: a take without prediction, a take asked for twice, or other levels than
            Ego-Exo4D's.
    """
    if format not in get_args(SubmissionFormat):
        raise ProskillError(
            f"format={format!r}: allowed are {', '.join(get_args(SubmissionFormat))}"
        )
    if predictions.scale != EGOEXO4D_LEVELS:
        raise ProskillError(
            f"the predictions have the levels {', '.join(predictions.scale.names)}; the challenge "
            f"asks for {', '.join(EGOEXO4D_LEVELS.names)}"
        )
    run = predictions.rows(_rows(predictions, videos))
    if format == "labels":
        answers = run.probabilities.argmax(axis=1).tolist()
        return Submission({"videos": list(videos), "predictions": answers})
    return _logits(run, videos)


def read_videos(path: Path | str) -> list[str]:
    """The challenge's takes by name, in its order.

    Args:
        path: a JSON list of take names, or an object whose `videos` is one.

    Raises:
        ProskillError: not such a file.
    """
    content = _read_json(Path(path))
    names = content.get("videos") if isinstance(content, dict) else content
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise ProskillError(
            f"{path}: expected a list of take names, or an object whose key 'videos' holds one"
        )
    return names


def write_submission(path: Path, submission: Submission) -> None:
    """Write the file whole or not at all.

    Raises:
        ProskillError: it cannot be written.
    """
    content = json.dumps(submission.content, allow_nan=False) + "\n"
    write_whole(path, [content.encode()], advice=_ADVICE)


def _rows(predictions: Predictions, videos: Sequence[str]) -> NDArray[np.intp]:
    place = {take.take_id: row for row, take in enumerate(predictions.takes)}
    missing = [name for name in videos if name not in place]
    if missing:
        raise ProskillError(
            f"{len(missing)} of {len(videos)} takes have no prediction (first {missing[0]!r}); run "
            "`proskill predict` on all of them"
        )
    if len(set(videos)) < len(videos):
        twice = next(name for name in videos if videos.count(name) > 1)
        raise ProskillError(f"take {twice!r} is asked for twice; keep one")
    return np.array([place[name] for name in videos], dtype=np.intp)


def _logits(run: Predictions, videos: Sequence[str]) -> Submission:
    """Log-probabilities serve as logits: their softmax is the probabilities themselves."""
    counts = {"ego": np.zeros(len(videos), int), "exo": np.zeros(len(videos), int)}
    ego_answers, exo_answers = [], []
    for row, take in enumerate(run.takes):
        alone = {
            kind: run.view_probabilities[
                row,
                [run.view_names.index(name) for name, v in take.views.items() if v.kind == kind],
            ].astype(np.float64)
            for kind in ("ego", "exo")
        }  # (number of views of the kind, K)
        for kind, answers in alone.items():
            counts[kind][row] = len(answers)
        exo = alone["exo"][:NUM_EXO_VIEWS]
        filling = (exo if len(exo) else alone["ego"]).mean(axis=0)
        exo = np.concatenate([exo, np.tile(filling, (NUM_EXO_VIEWS - len(exo), 1))])
        ego = (alone["ego"] if len(alone["ego"]) else exo).mean(axis=0)
        ego_answers.append(_log(ego))
        exo_answers.append(_log(exo))
    return Submission(
        content={
            "videos": list(videos),
            "ego_model_predictions": ego_answers,
            "exo_model_predictions": exo_answers,
        },
        num_without_ego=int((counts["ego"] == 0).sum()),
        num_without_exo=int((counts["exo"] == 0).sum()),
        num_with_fewer_exo=int(((counts["exo"] > 0) & (counts["exo"] < NUM_EXO_VIEWS)).sum()),
        num_with_more_exo=int((counts["exo"] > NUM_EXO_VIEWS).sum()),
    )


def _log(probabilities: NDArray[np.float64]) -> list[Any]:
    found: list[Any] = np.log(np.clip(probabilities, _SMALLEST, 1)).round(6).tolist()
    return found


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ProskillError(f"{path}: is not JSON ({error}); check the file") from error
    except OSError as error:
        raise ProskillError(f"{path}: cannot be read ({error.strerror or error})") from error
