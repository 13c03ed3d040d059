from __future__ import annotations

import math
import re

import numpy as np
import pytest

from proskill.rating.reliability import CurvePoint
from proskill.reports.rating.charts import (
    comparison_counts,
    rating_histogram,
    reliability_chart,
)
from proskill.reports.toolkit import axis_over


def test_an_axis_holds_its_values_between_round_ticks() -> None:
    axis = axis_over([-1.3, 4.2])
    assert axis.ticks == (-1, 0, 1, 2, 3, 4)
    assert 0 < axis.share(-1.3) < axis.share(4.2) < 1
    assert axis_over([2.0, 2.0]).share(2.0) == pytest.approx(0.5)


def test_charts_show_every_item_once() -> None:
    rating = np.array([-2.0, -1.9, 0.0, 0.1, 3.0])
    drawn = rating_histogram(
        rating, np.array([0, 0, 1, 1, -1]), num_levels=2, cuts=[(-0.5, -0.9, -0.1)]
    )
    heights = [float(h) for h in re.findall(r'(?:lv|plain-fill)".*?height="([\d.]+)"/>', drawn)]
    one = min(heights)
    assert sum(heights) / one == pytest.approx(5, abs=0.05)
    assert drawn.count('class="cut"') == drawn.count('class="cut-band"') == 1
    assert drawn.count("doubt-fill") == 0


def test_items_with_few_comparisons_stand_out_in_their_chart() -> None:
    drawn = comparison_counts(np.array([0, 3, 8, 8, 12]), minimum=8)
    assert drawn.count("doubt-fill") == 2
    assert "8 comparisons: 2 items" in drawn
    assert 'class="cut"' in drawn
    assert 'class="cut"' not in comparison_counts(np.array([100, 120]), minimum=8)


def test_the_reliability_curve_leaves_out_what_is_unknown() -> None:
    curve = [CurvePoint(10, math.nan), CurvePoint(20, 0.3), CurvePoint(30, 0.7)]
    drawn = reliability_chart(curve)
    assert drawn.count("<circle") == 2
    assert "30 votes: 0.70" in drawn
    assert "nan" not in drawn
