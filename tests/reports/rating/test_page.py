from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from proskill.errors import ProskillError
from proskill.levels import BASKET_LEVELS
from proskill.rating import LevelRule, RatingRun, comparison_table
from proskill.rating.comparisons import Comparison, ComparisonTable
from proskill.rating.health import FLAGS
from proskill.rating.simulated import SimulatedAnnotator
from proskill.rating_files import Origin
from proskill.rating_files.headline import headline
from proskill.reports.rating import ranking as report_ranking
from proskill.reports.rating import render_report, write_report

Votes = Callable[..., ComparisonTable]
Rated = Callable[..., RatingRun]
Origins = Callable[[RatingRun], Origin]

EVIL = '<script>alert(1)</script> & "it\'s"'
FORMULA = "=cmd|' /C calc'!A0"
LOADING = ("src", "srcset", "poster", "data", "action", "xlink:href")


class _Page(HTMLParser):
    """Collector of the addresses that a browser would load, elements, and visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.links: list[str] = []
        self.names: list[str] = []
        self.elements: list[str] = []
        self.text = ""
        self.feed(text)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in LOADING]
        self.links += [value or "" for name, value in attributes if name == "href"]
        self.names += [value or "" for name, value in attributes if name == "id"]
        assert not any(name.startswith("on") for name, _ in attributes)

    def handle_data(self, data: str) -> None:
        self.text += data


Page = Callable[[RatingRun], _Page]


@pytest.fixture
def page(origin_of: Origins) -> Page:
    return lambda run: _Page(render_report(run, origin_of(run)))


def test_the_page_says_what_the_run_says(small_run: RatingRun, page: Page) -> None:
    shown = page(small_run)
    [figures] = small_run.reliability
    head = headline(small_run)
    for text in (
        "8 items, 28 votes of 3 annotators",
        head.verdict,
        head.explanation,
        *head.findings,
        *small_run.table.items,
        *BASKET_LEVELS.names,
        f"{figures.reliability:.2f}",
        f"{figures.expected_rho:.2f}",
        "inflated under Swiss",
        "33; 2 votes there twice, counted once; 3 votes taken back",
        "A note.",
        "votes.jsonl",
        "seed17",
        "fit 0.2 s",
    ):
        assert " ".join(text.split()) in shown.text, text
    for value in small_run.ratings.rating.tolist():
        assert f"{value:+.2f}".replace("-", "\N{MINUS SIGN}") in shown.text


def test_what_is_wrong_comes_before_any_score(
    simulated_votes: Votes, rated: Rated, page: Page
) -> None:
    table = simulated_votes(rounds=3)
    run = rated(table)
    assert run.health.findings
    text = page(run).text
    last_finding = max(text.index(" ".join(f.split())) for f in headline(run).findings)
    assert last_finding < text.index("Ranking") < text.index(run.ratings.items[0], last_finding)


def test_the_page_loads_nothing_and_runs_nothing(small_run: RatingRun, origin_of: Origins) -> None:
    text = render_report(small_run, origin_of(small_run))
    shown = _Page(text)
    assert shown.addresses == []
    assert not re.search(r"url\(|@import|https?://", text)
    assert not {"script", "link", "iframe", "object", "base", "img"} & set(shown.elements)
    assert "default-src 'none'" in text


def test_hostile_names_stay_text(rated: Rated, origin_of: Origins) -> None:
    names = [EVIL, FORMULA, "a\u202eb", "x" * 5000, "line\nbreak"]
    pairs = [(i, j) for i in range(5) for j in range(i + 1, 5)] * 2
    table = comparison_table(
        [
            Comparison(names[i], names[j], "a" if n % 3 else "b", annotator=f"{EVIL}{n % 2}",
                       group=f"{EVIL} group")
            for n, (i, j) in enumerate(pairs)
        ]
    )  # fmt: skip
    run = rated(table, rule=LevelRule(BASKET_LEVELS, "scores", (-2, -1, 1, 2)), elo_orders=5)
    origin = replace(origin_of(run), paths=[Path(f"{EVIL}.csv")], settings={"linked to": EVIL})
    text = render_report(run, origin)
    shown = _Page(text)
    assert EVIL not in text
    assert "<script" not in text
    assert "script" not in shown.elements
    assert EVIL in shown.text
    assert FORMULA in shown.text
    assert "x" * 5000 not in shown.text
    assert "line break" in shown.text


def test_elo_stands_only_beside_its_warning(small_run: RatingRun, page: Page) -> None:
    assert small_run.elo is not None
    shown = page(small_run)
    assert "It is no interval" in shown.text
    assert all(f"{points:.0f}" in shown.text for points in small_run.elo.ratings)
    without = page(replace(small_run, elo=None)).text
    assert "± order" not in without
    assert "random orders" not in without


def test_many_groups_are_one_table_and_folded_details(
    simulated_votes: Votes, rated: Rated, page: Page
) -> None:
    run = rated(
        simulated_votes([4] * 30, rounds=3), rule=LevelRule(BASKET_LEVELS, "scores", (-2, -1, 1, 2))
    )
    shown = page(run)
    assert shown.elements.count("details") == 30
    links = [link.removeprefix("#") for link in shown.links]
    assert len(links) == 30
    assert set(links) == {name for name in shown.names if name.startswith("group-")}
    ranked = sorted(run.reliability, key=lambda one: one.reliability)
    table = shown.text.partition("Groups, least reliable first")[2]
    places = [table.index(one.group) for one in ranked]
    assert places == sorted(places)


def test_groups_beyond_a_page_are_counted(
    monkeypatch: pytest.MonkeyPatch, simulated_votes: Votes, rated: Rated, page: Page
) -> None:
    monkeypatch.setattr(report_ranking, "_MAX_GROUPS", 5)
    shown = page(rated(simulated_votes([2] * 8, rounds=1)))
    assert shown.elements.count("details") == 5
    assert "3 more reliable groups in the file of ratings" in shown.text


def test_a_long_ranking_shows_both_ends_and_a_histogram_of_all(
    simulated_votes: Votes, rated: Rated, page: Page
) -> None:
    run = rated(simulated_votes((120,), rounds=3))
    shown = page(run)
    assert "20 items between, in the file of ratings" in shown.text
    assert "number of items by rating, 120 items" in shown.text
    ranking = shown.text[shown.text.index("Ranking") : shown.text.index("20 items between")]
    items = run.ratings.items
    assert all(item in ranking for item in items[:50])
    assert not any(re.search(rf"{item}\b", ranking) for item in items[50:70])


def test_flagged_annotators_come_first_in_words(
    simulated_votes: Votes, rated: Rated, page: Page
) -> None:
    people = [SimulatedAnnotator()] * 4 + [SimulatedAnnotator(discrimination=-1.0)]
    run = rated(simulated_votes((24,), rounds=20, annotators=people, sigma=3.0))
    [culprit] = [one for one in run.agreement.annotators if one.flags]
    assert culprit.flags == ("reversed",)
    meaning = "votes against what the others see"
    assert f"1 of 5 annotators: {meaning}" in " ".join(headline(run).findings)
    table = page(run).text.partition("Weight is how closely")[2]
    assert table.index(meaning) < table.index("Agreement")
    names = [table.index(one.annotator) for one in run.agreement.annotators]
    assert min(names) == table.index(culprit.annotator)


def test_unnamed_annotators_get_no_table(simulated_votes: Votes, rated: Rated, page: Page) -> None:
    run = rated(replace(simulated_votes(), annotators=("",), annotator=np.zeros(28, np.int32)))
    shown = page(run)
    assert "Weight is how closely" not in shown.text
    assert "8 items, 28 votes " in shown.text


def test_level_shares_are_the_mean_probability_of_the_named_level(
    small_run: RatingRun, page: Page, origin_of: Origins
) -> None:
    p = small_run.ratings.level_probabilities
    index = [BASKET_LEVELS.index(name) for name in small_run.ratings.level]
    top = [row for row, level in enumerate(index) if level == 4]
    assert f"{100 * np.mean(p[top, 4]):.0f}\N{NO-BREAK SPACE}%" in render_report(
        small_run, origin_of(small_run)
    )
    assert "equal shares of these items by skill" in page(small_run).text


def test_certainty_is_never_claimed(simulated_votes: Votes, rated: Rated, page: Page) -> None:
    run = rated(simulated_votes((6,), rounds=40, sigma=8.0), rule=LevelRule(BASKET_LEVELS))
    named = [run.ratings.level_probabilities[i].max() for i in range(6)]
    assert max(named) > 0.995
    text = page(run).text
    assert ">99 %" in text


def test_the_report_is_written_whole_or_not_at_all(
    small_run: RatingRun, tmp_path: Path, origin_of: Origins
) -> None:
    out = tmp_path / "deep" / "report.html"
    write_report(out, small_run, origin_of(small_run))
    assert out.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]
    with pytest.raises(ProskillError, match=r"report\.html/x\.html: cannot be written"):
        write_report(out / "x.html", small_run, origin_of(small_run))


def test_pieces_are_named_and_their_places_not_compared(split_run: RatingRun, page: Page) -> None:
    text = page(split_run).text
    assert "fall apart into 2 pieces" in text
    assert "across pieces the places mean nothing" in text
    assert text.count("piece 1") == text.count("piece 2") == 6
    assert text.rindex("piece 1") < text.index("piece 2")
    assert FLAGS["disconnected"] in text


def test_an_item_that_nobody_compared_is_flagged_and_no_piece(
    votes_with_new_item: RatingRun, page: Page
) -> None:
    text = page(votes_with_new_item).text
    assert "All items hang together" in text
    assert FLAGS["no_comparisons"] in text
    assert "piece 1" not in text


def test_what_all_items_of_a_group_share_is_said_once(
    simulated_votes: Votes, rated: Rated, page: Page
) -> None:
    run = rated(simulated_votes(rounds=3))
    assert all("few_comparisons" in flags for flags in run.ratings.flags)
    text = page(run).text
    assert f"All items: {FLAGS['few_comparisons']}." in text
    assert text.count("few comparisons") == 1  # in the table of flags
