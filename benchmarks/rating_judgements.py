"""Real judgements: do ratings foretell what judges say who were left out? Ours against plain.

    OMP_NUM_THREADS=1 python benchmarks/rating_judgements.py [--splits 40]

Writes `benchmarks/results/rating_judgements.json`. The four studies of `benchmarks/data/pairwise`;
pairs with the attention check, an item that everybody is told to choose, are left out, no judge is.
Ratings are fitted to some judges' votes, and `accuracy` is the share of the other judges' votes, no
ties, that go to the item rated higher. `one` judge is left out in turn, each a repetition; a
`quarter` or a `half` at random. `plain` is Bradley-Terry without annotators and sides, `fit` has
both, `posterior` is the posterior mean. Repetitions share judges, so standard errors of differences
are too small where several judges are left out.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from measured import measured, write_report

from proskill.rating import Comparison, ComparisonTable, comparison_table
from proskill.rating.bradley_terry import fit_bradley_terry
from proskill.rating.comparisons import TIE
from proskill.rating.posterior import sample_posterior

DATA = Path(__file__).parent / "data" / "pairwise" / "vehicles_in_the_park.csv"
OUT = Path(__file__).parent / "results" / "rating_judgements.json"
ATTENTION_CHECK = "0"
LEFT_OUT = ("one", "quarter", "half")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=40)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    started = time.perf_counter()
    studies = {name: study(table, arguments.splits) for name, table in read_studies().items()}
    report = {
        "what": "real judgements: accuracy on the votes of judges who were left out",
        "studies": studies,
        "reached": {
            method: {
                how: {
                    name: result[how][f"{method}_less_plain"]["mean"] >= 0
                    for name, result in studies.items()
                }
                for how in LEFT_OUT
            }
            for method in ("fit", "posterior")
        },
    }
    write_report(arguments.out, report, started=started)


def read_studies() -> dict[str, ComparisonTable]:
    with DATA.open(newline="", encoding="utf-8") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if ATTENTION_CHECK not in (row["left"], row["right"])
        ]
    return {
        name: comparison_table(comparison_of(row) for row in rows if row["study"] == name)
        for name in sorted({row["study"] for row in rows})
    }


def comparison_of(row: dict[str, str]) -> Comparison:
    """A slider's score is negative towards the left item, as all attention checks show."""
    if row["winner"]:
        outcome = "a" if row["winner"] == row["left"] else "b"
    else:
        score = int(row["score"])
        outcome = "tie" if score == 0 else "a" if score < 0 else "b"
    return Comparison(
        row["left"], row["right"], outcome, annotator=row["judge"], left_item=row["left"]
    )


def study(table: ComparisonTable, num_splits: int) -> dict[str, Any]:
    report: dict[str, Any] = {"num_votes": len(table), "num_judges": len(table.annotators)}
    for how in LEFT_OUT:
        runs = [accuracies(table, judges) for judges in splits(table, how, num_splits)]
        accuracy = {name: np.array([run[name] for run in runs]) for name in runs[0]}
        report[how] = {name: measured(values) for name, values in accuracy.items()} | {
            f"{name}_less_plain": measured(accuracy[name] - accuracy["plain"])
            for name in ("fit", "posterior")
        }
    return report


def splits(table: ComparisonTable, how: str, num_splits: int) -> Iterator[np.ndarray]:
    """Judges to leave out."""
    num_judges = len(table.annotators)
    if how == "one":
        yield from np.arange(num_judges)[:, None]
        return
    rng = np.random.default_rng(0)
    for _ in range(num_splits):
        yield rng.permutation(num_judges)[: num_judges // {"quarter": 4, "half": 2}[how]]


def accuracies(table: ComparisonTable, left_out: np.ndarray) -> dict[str, float]:
    is_test = np.isin(table.annotator, left_out)
    known, test = table.select(~is_test), table.select(is_test & (table.outcome != TIE))
    ratings = {
        "plain": fit_bradley_terry(known, fit_side=False, fit_annotators=False).params,
        "fit": fit_bradley_terry(known).params,
        "posterior": sample_posterior(
            known, rng=np.random.default_rng(0), num_draws=500, num_warmup=100
        ).mean(),
    }
    return {
        name: float(np.mean(np.sign(x[test.item_a] - x[test.item_b]) == test.outcome))
        for name, x in ratings.items()
    }


if __name__ == "__main__":
    main()
