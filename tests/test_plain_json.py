import json
import math

import numpy as np

from proskill.plain_json import plain_json


def test_what_json_does_not_know_becomes_what_it_does() -> None:
    value = {
        "nan": math.nan,
        "nested": [(-math.inf, 1), {"deep": np.float64("inf")}],
        "array": np.array([[1.5, math.nan]]),
        2: np.int64(3),
    }
    plain = plain_json(value)
    assert plain == {
        "nan": None,
        "nested": [[None, 1], {"deep": None}],
        "array": [[1.5, None]],
        "2": 3,
    }
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_numbers_and_texts_stay_as_they_are() -> None:
    value = {"a": 0.1, "b": True, "c": None, "d": "NaN"}
    assert plain_json(value) == value
