"""`proskill compare`: is one run better than another on the same takes?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_RUN_HELP = "a folder that `proskill test` or `validate` wrote, or the run folder around `test`."


def compare(
    run_a: Annotated[Path, typer.Argument(help=f"First run: {_RUN_HELP}", show_default=False)],
    run_b: Annotated[Path, typer.Argument(help="Second run, likewise.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page that shows it.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=1, help="Bootstrap resamples.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
) -> None:
    """Compare two runs on the same takes: paired intervals over participants, McNemar's test."""
    from proskill.evaluation.comparison import compare_runs
    from proskill.evaluation.stored_predictions import find_predictions, read_predictions

    paths = [find_predictions(run) for run in (run_a, run_b)]
    first, second = (read_predictions(path) for path in paths)
    found = compare_runs(first, second, num_resamples=resamples, seed=seed)
    if report is not None:
        from proskill.evaluation.result_files import is_simulated_run
        from proskill.reports.evaluation import write_comparison_page

        write_comparison_page(
            report,
            found,
            name_a=str(run_a),
            name_b=str(run_b),
            is_simulated=any(is_simulated_run(path.parent) for path in paths),
        )
    if as_json:
        from proskill.evaluation.result_files import to_json

        print(to_json(found.to_dict()))
    else:
        from proskill.cli.evaluation_tables import print_comparison

        print_comparison(found, report=report)
