from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from proskill.rating.simulated import SimulatedAnnotator, simulate_campaign
from proskill.rating_files.recognise import FORMATS

Run = Callable[..., Any]
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def votes() -> Rows:
    """Ten clips, nine rounds, three annotators; a clip's number is its place by skill."""
    campaign = simulate_campaign(
        np.random.default_rng(3),
        skill=np.linspace(3.0, -3.0, 10),
        annotators=(SimulatedAnnotator(),) * 3,
    )
    table = [next(campaign) for _ in range(9)][-1].table
    return [
        {
            "item_a": f"clip {table.item_a[n]}",
            "item_b": f"clip {table.item_b[n]}",
            "outcome": "a" if table.outcome[n] > 0 else "b",
            "annotator": f"person {table.annotator[n]}",
            "left_item": f"clip {table.item_a[n]}",
            "seconds": 4.0 + n % 5,
            "token": f"t{n}",
        }
        for n in range(len(table))
    ]


@pytest.fixture
def csv_file(votes: Rows, tmp_path: Path) -> Path:
    path = tmp_path / "votes.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, votes[0].keys())
        writer.writeheader()
        writer.writerows(votes)
    return path


def _as_parquet(votes: Rows, folder: Path) -> Path:
    pq.write_table(pa.Table.from_pylist(votes), folder / "votes.parquet")
    return folder / "votes.parquet"


def _as_log(votes: Rows, folder: Path) -> Path:
    lines = [
        {
            "token": row["token"],
            "left": row["item_a"],
            "right": row["item_b"],
            "answer": {"a": "left", "b": "right"}[row["outcome"]],
            "annotator": row["annotator"],
            "shown_at": 1000.0,
            "answered_at": 1000.0 + row["seconds"],
        }
        for row in votes
    ]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder / "log.jsonl"


def _winners(votes: Rows) -> list[tuple[str, str]]:
    order = [("item_a", "item_b"), ("item_b", "item_a")]
    return [
        (row[first], row[second])
        for row in votes
        for first, second in [order[row["outcome"] == "b"]]
    ]


def _as_best(votes: Rows, folder: Path) -> Path:
    lines = [" ".join(name.replace(" ", "") for name in pair) + "\n" for pair in _winners(votes)]
    (folder / "tying.txt").write_text("".join(lines))
    return folder / "tying.txt"


def _as_proskill(votes: Rows, folder: Path) -> Path:
    lines = [f"{winner},{loser},tie a knot->grip\n" for winner, loser in _winners(votes)]
    (folder / "train.txt").write_text("".join(lines))
    return folder / "train.txt"


def test_ratings_a_report_rankings_and_next_pairs_are_written(
    run: Run, csv_file: Path, tmp_path: Path
) -> None:
    out, page, pairs = tmp_path / "r.csv", tmp_path / "r.html", tmp_path / "next.csv"
    result = run(
        "rate", csv_file, "--out", out, "--report", page, "--next-pairs", pairs,
        "--proskill-rankings", tmp_path, "--levels", "quantiles", "--scale", "basket",
        "--elo-orders", 5,
    )  # fmt: skip
    assert (result.exit_code, result.stderr) == (0, "")
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert {row["item"] for row in rows} == {f"clip {i}" for i in range(10)}
    assert rows[0]["level"] == "Excellent"
    assert "It is no interval" in page.read_text(encoding="utf-8")
    assert pairs.read_text().startswith("left,right,group\n")
    rankings = tmp_path / "rankings" / "rank_after_round_9.yml"
    assert len(yaml.safe_load(rankings.read_text())[""]) == 10
    for line in (f"Ratings: {out}", f"Report: {page}", f"Next pairs: {pairs}", str(rankings)):
        assert line in result.stdout


def test_the_table_says_what_is_wrong_before_who_is_best(run: Run, csv_file: Path) -> None:
    result = run("rate", csv_file, "--levels", "scores", "--cuts", "-1,0,1")
    lines = result.stdout.splitlines()
    assert lines[0] == "10 items, 45 votes by 3 annotators"
    finding = next(i for i, line in enumerate(lines) if line.startswith("! "))
    first = next(i for i, line in enumerate(lines) if line.startswith(" 1  clip"))
    assert finding < first
    assert "reliability 0." in result.stdout
    assert "●" in lines[first]
    assert "Late Expert >99 %" in " ".join(lines[first].split())  # never certain
    assert "100 %" not in result.stdout
    assert "read as comparisons: 45 rows" in result.stdout


def test_the_middle_of_a_long_ranking_is_left_out(run: Run, tmp_path: Path) -> None:
    chain = "".join(f"v{i:02d} v{i + 1:02d}\n" for i in range(29))
    (tmp_path / "chain.txt").write_text(chain)
    result = run("rate", tmp_path / "chain.txt")
    assert "... 15 between" in result.stdout
    ranking = result.stdout.partition(" 1  v")[2]
    assert ranking.count(" to ") == 15


def test_many_groups_are_one_table(run: Run, tmp_path: Path) -> None:
    lines = [f"g{g}a,g{g}b,cook->part {g}\n" for g in range(25)]
    (tmp_path / "train.txt").write_text("".join(lines))
    result = run("rate", tmp_path / "train.txt")
    assert "50 items in 25 groups, 25 votes" in result.stdout
    assert "group, least reliable first" in result.stdout
    assert "... and 5 more groups" in result.stdout


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("comparisons", _as_parquet),
        ("log", _as_log),
        ("best", _as_best),
        ("proskill", _as_proskill),
    ],
)
def test_every_format_gives_the_same_order(
    run: Run, votes: Rows, csv_file: Path, tmp_path: Path, name: str, make: Callable[..., Path]
) -> None:
    result = run("rate", make(votes, tmp_path), "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert found["format"] == name
    assert found["num_votes"] == 45
    expected = json.loads(run("rate", csv_file, "--json").stdout)
    places = {row["item"].replace(" ", ""): row["rank"] for row in expected["ratings"]}
    ours = {row["item"].replace(" ", ""): row["rank"] for row in found["ratings"]}
    assert places.keys() == ours.keys()
    # Without names of annotators and sides the figures differ a little, and near neighbours swap.
    assert np.corrcoef([places[i] for i in ours], list(ours.values()))[0, 1] > 0.9


def test_json_is_all_of_it_unrounded_and_without_nan(run: Run, csv_file: Path) -> None:
    result = run("rate", csv_file, "--json", "--elo-orders", 3, "--levels", "quantiles")
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads(result.stdout, parse_constant=pytest.fail)
    assert {
        "agreement", "curve", "elo", "more_votes", "findings",
        "format", "groups", "levels", "next_pairs", "ratings", "seconds", "seed",
    } <= set(found)  # fmt: skip
    assert set(found["seconds"]) >= {"read", "fit", "posterior", "reliability"}
    assert found["levels"][0]["method"] == "quantiles"
    best = found["ratings"][0]
    assert best["lower"] < best["rating"] < best["upper"]
    assert best["rating"] != round(best["rating"], 4)


def test_the_same_seed_gives_the_same_ratings(run: Run, csv_file: Path) -> None:
    def ratings(seed: int) -> Any:
        found = json.loads(run("rate", csv_file, "--json", "--seed", seed).stdout)
        return found["ratings"], found["next_pairs"]

    assert ratings(1) == ratings(1)
    assert ratings(1) != ratings(2)


def test_anchors_cut_levels(run: Run, csv_file: Path, tmp_path: Path) -> None:
    anchors = tmp_path / "anchors.csv"
    known = {0: "good", 1: "good", 2: "good", 7: "poor", 8: "poor", 9: "poor"}
    anchors.write_text("item,level\n" + "".join(f"clip {i},{n}\n" for i, n in known.items()))
    options = ("--levels", "anchors", "--anchors", anchors, "--scale", "poor, good")
    found = json.loads(run("rate", csv_file, *options, "--json").stdout)
    assert found["levels"][0]["method"] == "anchors"
    level = {row["item"]: row["level"] for row in found["ratings"]}
    assert (level["clip 0"], level["clip 9"]) == ("good", "poor")
    result = run("rate", csv_file, *options[:-1], "poor,fair")
    assert result.exit_code == 1
    assert "has the level 'good', which is not on the scale" in result.stderr


def test_an_earlier_session_is_linked(run: Run, csv_file: Path, tmp_path: Path) -> None:
    first = tmp_path / "first.parquet"
    run("rate", csv_file, "--out", first)
    later = tmp_path / "later.csv"
    later.write_text("winner,loser\n" + "clip 0,new\nnew,clip 9\n" * 3)
    found = json.loads(run("rate", later, "--earlier", first, "--json").stdout)
    assert found["linked_items"] == 2
    alone = tmp_path / "alone.csv"
    alone.write_text("winner,loser\nx,y\n")
    result = run("rate", alone, "--earlier", first)
    assert result.exit_code == 1
    assert "none of the 10 earlier ratings" in result.stderr


def test_one_scale_joins_groups(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_text("winner,loser,group\na,b,g\nb,c,h\nc,a,h\n")
    assert "row 3: item 'b' is in group 'h' here" in run("rate", path).stderr
    found = json.loads(run("rate", path, "--one-scale", "--json").stdout)
    assert found["num_groups"] == 1


def test_hostile_ids_command_neither_terminal_nor_browser(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "[red]votes.csv"
    evil = ["<script>alert(1)</script>", "\x1b[31mred", "[bold]x[/bold]", "=cmd|' /C calc'!A0"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["winner", "loser"])
        writer.writerows([evil[i], evil[j]] for i in range(4) for j in range(i + 1, 4))
    out, page = tmp_path / "out.csv", tmp_path / "out.html"
    result = run("rate", path, "--out", out, "--report", page)
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "[bold]x[/bold]" in result.stdout
    assert "<script" not in page.read_text(encoding="utf-8")
    assert "\n=cmd" not in out.read_text()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "is empty"),
        (b"item_a,item_b,outcome\n", "no vote in there"),
        (b"item_a,item_b,outcome\nx,y,a\nx,x,a\n", "row 3: an item is compared with itself"),
        (b"item_a,item_b,outcome\nx,y,better\n", "row 2: outcome='better'"),
        (b"item_a,item_b,outcome\nx,y,skip\n", "none of 1 rows is a judgement"),
        (b"item_a,item_b,outcome,seconds\nx,y,a,soon\n", "row 2: "),
        (b"one,two\nx,y\n", "has the columns 'one', 'two'"),
        ("item_a,item_b,outcome\nx,y,a\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_bad_input_is_one_line_with_file_and_row(
    run: Run, tmp_path: Path, content: bytes, line: str
) -> None:
    path, out = tmp_path / "bad.csv", tmp_path / "out.csv"
    path.write_bytes(content)
    result = run("rate", path, "--out", out)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert line in result.stderr
    if "judgement" not in line:
        assert str(path) in result.stderr
    assert not out.exists()


def test_files_that_are_read_are_never_written(run: Run, csv_file: Path, tmp_path: Path) -> None:
    before = csv_file.read_bytes()
    result = run("rate", csv_file, "--out", csv_file)
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: --out {csv_file}: would overwrite a file that is read; name another\n"
    )
    assert csv_file.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--out", "r.txt"], "must end in one of .csv, .json, .parquet"),
        (["--cuts", "0"], "--cuts goes with --levels scores"),
        (["--levels", "scores"], "--levels scores needs --cuts"),
        (["--levels", "scores", "--cuts", "1,0,-1"], "4 levels need 3 ascending numbers"),
        (["--levels", "scores", "--cuts", "0,1"], "4 levels need 3 ascending numbers"),
        (["--levels", "scores", "--cuts", "0,1,x"], "4 levels need 3 ascending numbers"),
        (["--levels", "anchors"], "--levels anchors needs --anchors"),
        (["--scale", "basket"], "--scale goes with --levels"),
        (["--levels", "quantiles", "--scale", "one"], "two or more names"),
        (["--elo-orders", "1"], "needs 2 or more"),
        (["--elo-k", "0"], "must be above 0"),
        (["--min-comparisons", "0"], "--min-comparisons"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_wrong_usage_is_exit_code_2(
    run: Run, csv_file: Path, options: list[str], line: str
) -> None:
    result = run("rate", csv_file, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage: proskill rate [OPTIONS]" in result.stderr
    assert line in " ".join(result.stderr.replace("│", " ").split())


def test_the_help_names_the_plan_and_the_formats_that_exist(run: Run) -> None:
    text = " ".join(run("rate", "--help").stdout.replace("│", " ").split())
    assert "proskill rate plan" in text
    assert all(name in text for name in FORMATS)
    assert "--agreement" in run("rate", "plan", "--help").stdout


def test_a_file_may_be_called_plan(
    run: Run, csv_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    csv_file.rename(tmp_path / "plan")
    monkeypatch.chdir(tmp_path)
    assert run("rate", "./plan").exit_code == 0
    assert run("rate", "plan").exit_code == 2


def test_a_plan_says_what_is_needed_and_that_it_is_simulated(run: Run) -> None:
    options = ("--items", 60, "--agreement", 0.83, "--repetitions", 2)
    result = run("rate", "plan", *options)
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads(run("rate", "plan", *options, "--json").stdout)
    assert found["simulated"] is True
    k, num_votes = found["comparisons_per_item"], found["num_votes"]
    assert num_votes == 30 * k
    assert result.stdout.startswith(f"{k} comparisons of each item: {num_votes} votes, ")
    assert "simulated, 60 items" in result.stdout
    assert len(found["curve"]) == k
    assert f"{found['expected']['rho']['mean']:.3f} (" in result.stdout
    assert found["annotator_hours"] == pytest.approx(num_votes * 20 / 3600)


def test_a_plan_out_of_reach_says_so(run: Run) -> None:
    options = ("--items", 6, "--agreement", 0.51, "--repetitions", 2, "--target-rho", 0.999)
    result = run("rate", "plan", *options)
    assert result.stdout.startswith("Not reached: a rho of 0.999 needs more than 60 comparisons")


def test_an_impossible_plan_is_one_line(run: Run) -> None:
    result = run("rate", "plan", "--items", 60, "--agreement", 0.4)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: agreement=0.4: must lie between .5")
    assert "Usage: proskill rate plan" in run("rate", "plan", "--agreement", 0.8).stderr


def test_rating_needs_no_torch(csv_file: Path) -> None:
    code = (
        "import sys\n"
        "from proskill.cli.main import main\n"
        f"assert main(['rate', {str(csv_file)!r}]) == 0\n"
        "heavy = {'torch', 'lightning', 'cv2', 'av', 'pandas', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
